/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_URI_H
#define LN_URI_H
/**
 * @file uri.h
 * A strict reader of the URIs that name a server or a file on it (RFC 3986, 7252, 8323, 9110).
 *
 * Scheme, "//" and a host are required. What two programs might read differently is refused, each
 * with a reason of its own:
 *  - the host is an IPv4 address, an IPv6 address in brackets, or a DNS name of letters, digits,
 *    "-", "_" and "."; nothing in it is percent-encoded (RFC 3986 3.2.2 would allow it, DNS names
 *    have no use for it), international names come as A-labels ("xn--...");
 *  - "127.1", "0x7f.1" and other shortened IPv4 addresses are no names;
 *  - a zone is written "[fe80::1%25eth0]" (RFC 6874);
 *  - a fragment in coap URIs (RFC 7252 6.4), and path, query and fragment where only an address is
 *    meant (udp, tcp, dtls, tls).
 * Path, query and fragment stay as they are written, their percent-encoding checked but not undone.
 *
 * Pure; spans point into the input and are valid while it is.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longer ones are refused. Signed download links have less than 2,000 bytes. */
#define LN_URI_MAX 8192
#define LN_URI_HOST_MAX 255
/** IF_NAMESIZE of the systems we know, without the NUL. */
#define LN_URI_ZONE_MAX 15

/** name, text, default port (0 = the port must be given), transport only */
#define LN_URI_SCHEME_LIST(X)                                                                      \
    X(UDP, "udp", 0, true)                                                                         \
    X(TCP, "tcp", 0, true)                                                                         \
    X(DTLS, "dtls", 0, true)                                                                       \
    X(TLS, "tls", 0, true)                                                                         \
    X(COAP, "coap", 5683, false)                                                                   \
    X(COAPS, "coaps", 5684, false)                                                                 \
    X(COAP_TCP, "coap+tcp", 5683, false)                                                           \
    X(COAPS_TCP, "coaps+tcp", 5684, false)                                                         \
    X(HTTP, "http", 80, false)                                                                     \
    X(HTTPS, "https", 443, false)

enum ln_uri_scheme {
#define LN_URI_SCHEME_ENUM(name, text, port, transport) LN_URI_##name,
    LN_URI_SCHEME_LIST(LN_URI_SCHEME_ENUM)
#undef LN_URI_SCHEME_ENUM
};

/** Why a URI was refused: name, sentence. */
#define LN_URI_PROBLEM_LIST(X)                                                                     \
    X(NONE, "nothing is wrong")                                                                    \
    X(EMPTY, "the URI is empty")                                                                   \
    X(TOO_LONG, "the URI is longer than 8192 bytes")                                               \
    X(CONTROL, "a control character, such as a line break, is in the URI")                         \
    X(SPACE, "a space is in the URI; write %20")                                                   \
    X(NOT_ASCII, "a character outside ASCII is in the URI: write host names as xn--..., "          \
                 "others percent-encoded")                                                         \
    X(NO_SCHEME, "the URI has no scheme, such as coaps://")                                        \
    X(SCHEME, "the scheme is not one of udp, tcp, dtls, tls, coap, coaps, coap+tcp, coaps+tcp, "   \
              "http, https")                                                                       \
    X(NO_AUTHORITY, "the scheme is not followed by //")                                            \
    X(USERINFO, "the URI has a user name or password (something@), which is not sent anywhere")    \
    X(NO_HOST, "the URI has no host")                                                              \
    X(HOST_TOO_LONG, "the host is longer than 255 bytes")                                          \
    X(HOST_CHARACTER, "a character in the host is neither a letter, a digit, - _ nor .")           \
    X(HOST_PERCENT, "the host is percent-encoded; write the name itself")                          \
    X(HOST_LABEL, "a part of the host name between two dots is empty or longer than 63 bytes")     \
    X(HOST_NUMBER, "the host looks like an IPv4 address but is not four numbers from 0 to 255")    \
    X(BRACKET, "a bracket of the IPv6 address is missing or misplaced")                            \
    X(IPV6, "what is in brackets is not an IPv6 address")                                          \
    X(ZONE, "the zone of the IPv6 address is not written as %25 and an interface, such as "        \
            "[fe80::1%25eth0]")                                                                    \
    X(PORT_EMPTY, "no port follows the colon behind the host")                                     \
    X(PORT_CHARACTER, "the port is not a number")                                                  \
    X(PORT_RANGE, "the port is not from 1 to 65535")                                               \
    X(PORT_MISSING, "this scheme has no usual port: the URI must name one")                        \
    X(PERCENT, "a percent sign is not followed by two hexadecimal digits")                         \
    X(CHARACTER, "a character in the path, query or fragment must be percent-encoded")             \
    X(FRAGMENT, "a coap URI has no fragment (#...)")                                               \
    X(NOT_AN_ADDRESS, "with this scheme, only host and port may be given")

enum ln_uri_problem {
#define LN_URI_PROBLEM_ENUM(name, text) LN_URI_PROBLEM_##name,
    LN_URI_PROBLEM_LIST(LN_URI_PROBLEM_ENUM)
#undef LN_URI_PROBLEM_ENUM
};

enum ln_uri_host {
    LN_URI_HOST_NAME,
    LN_URI_HOST_IPV4,
    LN_URI_HOST_IPV6,
};

struct ln_uri {
    enum ln_uri_scheme scheme;
    enum ln_uri_host host_kind;
    struct ln_span host; /**< without brackets and zone; a trailing dot is kept */
    struct ln_span zone; /**< of an IPv6 address: "eth0" or "3"; empty = none */
    uint16_t port;       /**< as given, or the scheme's */
    bool port_given;
    struct ln_span path; /**< begins with "/", or is empty */
    bool has_query;
    struct ln_span query; /**< behind "?" */
    bool has_fragment;
    struct ln_span fragment; /**< behind "#" */
};

/**
 * Read a URI.
 *
 * @param text     borrowed for as long as the spans of *out are used; it need not end with a NUL
 * @param out      unchanged unless LN_OK
 * @param problem  the reason; may be NULL
 * @retval LN_BAD_PEER  refused
 */
LN_MUST_USE LN_API enum ln_status ln_uri_read(struct ln_span text, struct ln_uri *out,
                                              enum ln_uri_problem *problem);

/** One sentence, without its dot. Never NULL. */
LN_API const char *ln_uri_problem_text(enum ln_uri_problem problem);

/** "coaps+tcp" and so on. Never NULL. */
LN_API const char *ln_uri_scheme_text(enum ln_uri_scheme scheme);

/**
 * Resolve a reference, such as the Location of a redirect, against the URI it was found at
 * (RFC 3986 5.2 and 5.3, dot segments removed).
 *
 * @param base       one that ln_uri_read() accepts
 * @param reference  "/other", "../x?y", "//host/", "https://host/..."; may be empty
 * @param room       receives the URI, without NUL; LN_URI_MAX bytes are always enough
 * @param len        its length; with LN_NO_SPACE the length that is needed
 * @param problem    why base or result are refused; may be NULL
 * @retval LN_BAD_PEER  the base or the result is no URI for ln_uri_read(); room is unspecified
 * @retval LN_NO_SPACE
 */
LN_MUST_USE LN_API enum ln_status ln_uri_resolve(struct ln_span base, struct ln_span reference,
                                                 struct ln_mspan room, size_t *len,
                                                 enum ln_uri_problem *problem);

/**
 * The user name and password in a text like "https://user:password@host/": "user:password", as
 * written, not checked. Its data is NULL where there is none. For those who can send them; everybody
 * else lets ln_uri_read() refuse such a URI.
 */
LN_API struct ln_span ln_uri_userinfo(struct ln_span text);

/**
 * What names the resource: the text without user name, password and fragment.
 *
 * @param room  as long as the text is always enough
 * @param len   bytes written; with LN_NO_SPACE the number that is needed
 * @retval LN_NO_SPACE
 */
LN_MUST_USE LN_API enum ln_status ln_uri_strip(struct ln_span text, struct ln_mspan room,
                                               size_t *len);

/**
 * Undo percent-encoding.
 *
 * @param room  receives the bytes, which may be any; may be where `text` is
 * @param len   their number; with LN_NO_SPACE the number that is needed
 * @retval LN_BAD_PEER  a percent sign without two hexadecimal digits; room is unspecified
 * @retval LN_NO_SPACE
 */
LN_MUST_USE LN_API enum ln_status ln_uri_decode(struct ln_span text, struct ln_mspan room,
                                                size_t *len);

/** Same scheme, host (case aside; addresses by value) and port: whoever may know a secret of the one
 *  may know it of the other (RFC 6454). */
LN_API bool ln_uri_same_origin(const struct ln_uri *a, const struct ln_uri *b);

/** Room for every text of ln_uri_host_text(). */
#define LN_URI_HOST_ROOM (LN_URI_HOST_MAX + 1 + LN_URI_ZONE_MAX + 1)

/** The host as ln_sock_connect() takes it: "a.example", "192.0.2.1", "fe80::1%eth0". */
LN_API void ln_uri_host_text(const struct ln_uri *uri, char text[LN_URI_HOST_ROOM]);

#ifdef __cplusplus
}
#endif
#endif
