/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_STATUS_H
#define LN_STATUS_H
/**
 * @file status.h
 * What a call came to: one enumeration for the whole library, named by what the caller can do.
 *
 * A status is for programs. The story for people is in `struct ln_diag` (diag.h), which stays in
 * the object that failed. There is no errno, no thread-local and no global behind a status.
 *
 * Answers of the peer are data and never a status: an HTTP 404 or a CoAP 4.04 is LN_OK.
 */
#if defined(__GNUC__) || defined(__clang__)
#define LN_API __attribute__((visibility("default")))
#define LN_MUST_USE __attribute__((warn_unused_result))
#define LN_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define LN_API
#define LN_MUST_USE
#define LN_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** name, what it means, what the caller can do. docs/errors.md is made from this list. */
#define LN_STATUS_LIST(X)                                                                          \
    X(OK, "success", "go on")                                                                      \
    X(AGAIN, "not now, and not an error", "wait for what interest names, then call again")         \
    X(CLOSED, "the peer ended the connection", "close the object; connect again if you want more") \
    X(TIMEOUT, "the time given for it ran out", "try again later, or give it more time")           \
    X(REFUSED, "the peer or the path refused", "read the diagnosis; check address, port and keys") \
    X(BAD_ARG, "an argument or a setting is wrong", "fix the call; the diagnosis names the field") \
    X(BAD_STATE, "the call is not legal in this state", "fix the order of calls")                  \
    X(BAD_PEER, "the peer sent something malformed or forbidden", "close; suspect peer or path")   \
    X(NO_MEMORY, "an allocation failed", "free memory and try again; nothing was half done")       \
    X(NO_SPACE, "the room given, or a fixed limit, is too small", "give more room")                \
    X(UNSUPPORTED, "this build or this library cannot do it", "choose another option")             \
    X(NOT_FOUND, "what was named does not exist", "check the name")                                \
    X(DENIED, "not allowed", "check permissions, passwords and trust")                             \
    X(IO, "the operating system reported an error", "read the diagnosis")                          \
    X(INTERNAL, "a fault in this library", "report it, with the diagnosis")

enum ln_status {
#define LN_STATUS_ENUM(name, meaning, action) LN_##name,
    LN_STATUS_LIST(LN_STATUS_ENUM)
#undef LN_STATUS_ENUM
};

/** "LN_TIMEOUT" and so on; "LN_?" for a value outside the enumeration. Never NULL. */
LN_API const char *ln_status_name(enum ln_status status);

/** One clause: "the time given for it ran out". Never NULL. */
LN_API const char *ln_status_meaning(enum ln_status status);

#ifdef __cplusplus
}
#endif
#endif
