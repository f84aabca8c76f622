/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_URI_H
#define LN_URI_H
/**
 * @file uri.h
 * The addresses of servers: a URI taken apart, without copying and without allocating.
 *
 * Accepted is `scheme://host[:port][/path][?query]` (RFC 3986) with the schemes below, nothing
 * else: no user information, no fragment, no empty port, no control characters. The host is a
 * name, an IPv4 literal, or an IPv6 literal in brackets (with a zone as in RFC 6874: `%25eth0`).
 * Text that is refused is refused for one reason, which has a sentence for people.
 *
 * Threads:  pure functions.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The longest URI and the longest host that are read. LwM2M: Package URI, 255 bytes; RFC 1035. */
#define LN_URI_MAX 1024
#define LN_URI_HOST_MAX 255

/** name, the word in a URI, the port that is meant where none is given (0: it must be given). */
#define LN_SCHEME_LIST(X)                                                                          \
    X(UDP, "udp", 0)                                                                               \
    X(TCP, "tcp", 0)                                                                               \
    X(DTLS, "dtls", 0)                                                                             \
    X(TLS, "tls", 0)                                                                               \
    X(COAP, "coap", 5683)                                                                          \
    X(COAPS, "coaps", 5684)                                                                        \
    X(COAP_TCP, "coap+tcp", 5683)                                                                  \
    X(COAPS_TCP, "coaps+tcp", 5684)                                                                \
    X(HTTP, "http", 80)                                                                            \
    X(HTTPS, "https", 443)

enum ln_scheme {
    LN_SCHEME_NONE = 0,
#define LN_SCHEME_ENUM(name, word, port) LN_SCHEME_##name,
    LN_SCHEME_LIST(LN_SCHEME_ENUM)
#undef LN_SCHEME_ENUM
};

/** Why a URI is refused: name, the sentence. */
#define LN_URI_REASON_LIST(X)                                                                      \
    X(NONE, "nothing is wrong with the URI")                                                       \
    X(EMPTY, "the URI is empty")                                                                   \
    X(TOO_LONG, "the URI is longer than 1024 bytes")                                               \
    X(BAD_CHARACTER, "the URI has a character that must not be in one; write it as %XX")           \
    X(BAD_PERCENT, "a % in the URI is not followed by two hexadecimal digits")                     \
    X(NO_SCHEME, "the URI does not start with a scheme, such as coaps://")                         \
    X(UNKNOWN_SCHEME, "the scheme of the URI is not a known one")                                  \
    X(NO_AUTHORITY, "// must follow the scheme of the URI, as in coaps://host")                    \
    X(USER_INFO, "a user name or password (before @) is not allowed in the URI")                   \
    X(NO_HOST, "the URI names no host")                                                            \
    X(HOST_TOO_LONG, "the host in the URI is longer than 255 bytes")                               \
    X(BAD_HOST, "the host in the URI is neither a name nor an address")                            \
    X(BAD_IPV6, "the IPv6 address in the URI is malformed; write it as [2001:db8::1]")             \
    X(EMPTY_PORT, "the port in the URI is empty")                                                  \
    X(BAD_PORT, "the port in the URI is not a number from 1 to 65535")                             \
    X(PORT_NEEDED, "this scheme has no usual port: the URI must name one")                         \
    X(FRAGMENT, "a fragment (after #) is not allowed in the URI")

enum ln_uri_reason {
#define LN_URI_REASON_ENUM(name, sentence) LN_URI_##name,
    LN_URI_REASON_LIST(LN_URI_REASON_ENUM)
#undef LN_URI_REASON_ENUM
};

/** The parts of a URI. All spans are views into the text that was read. */
struct ln_uri {
    enum ln_scheme scheme;
    struct ln_span host; /**< without brackets and, in an IPv6 zone, with its %25; never empty */
    bool host_is_ipv6;   /**< it stood in brackets */
    bool port_given;
    uint16_t port;       /**< given, or the scheme's usual one; 1..65535 */
    struct ln_span path; /**< as written, percent-encoded; "" or from its "/" on */
    bool has_query;
    struct ln_span query; /**< as written, without its "?" */
};

/**
 * Take a URI apart. Scheme and host are compared without regard to case.
 *
 * @param text    borrowed for as long as the parts are used; it need not end with a NUL
 * @param out     written on success only
 * @param reason  NULL, or receives why it was refused (LN_URI_NONE on success)
 * @retval LN_OK
 * @retval LN_BAD_ARG      malformed, or forbidden here
 * @retval LN_UNSUPPORTED  the scheme is not a known one
 */
LN_MUST_USE LN_API enum ln_status ln_uri_parse(struct ln_span text, struct ln_uri *out,
                                               enum ln_uri_reason *reason);

/**
 * Copy the host as a string that ln_sock_connect() takes: an IPv6 zone is decoded ("fe80::1%eth0").
 *
 * @param room  LN_URI_HOST_MAX + 1 bytes always suffice
 * @retval LN_NO_SPACE  nothing was written
 */
LN_MUST_USE LN_API enum ln_status ln_uri_copy_host(const struct ln_uri *uri, char *room,
                                                   size_t size);

/** The sentence for people, without its full stop. Never NULL. */
LN_API const char *ln_uri_reason_text(enum ln_uri_reason reason);

/** "coaps+tcp" and so on; "" for LN_SCHEME_NONE. Never NULL. */
LN_API const char *ln_scheme_word(enum ln_scheme scheme);

/** The port where none is given; 0 if there is none. */
LN_API uint16_t ln_scheme_port(enum ln_scheme scheme);

#ifdef __cplusplus
}
#endif
#endif
