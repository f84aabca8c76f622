/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_HTTP_H
#define LN_HTTP_H
/**
 * @file http.h
 * A small HTTP/1.1 client over the sockets of sock.h: GET and HEAD, one request at a time.
 *
 * Most programs want download.h, which resumes, checks and retries. This is what it is made of, for
 * those who want a response and its headers.
 *
 * Life:     ln_http_new -> (ln_http_start -> step until the head is there -> body until its end)* ->
 *           ln_http_free. ln_http_stop() abandons a request at any time.
 * Blocking: nothing blocks: LN_AGAIN, then ln_http_interest(), wait, call again. Time is an argument.
 * Threads:  one thread per client.
 * Memory:   the client, one buffer (options.buffer_bytes), the URI, and the socket with its TLS.
 *           Nothing grows with a response: lines above 8 KiB (or the buffer), heads above 64 KiB and
 *           more than 100 fields are refused.
 * Errors:   status.h, the story in ln_http_diag(). An answer of the server, such as 404, is no error:
 *           it is in ln_http_response(). After a failure the client is free for the next request.
 *
 * What it holds to:
 *  - Framing is strict (RFC 9112 6): what could be read in two ways is refused. A body that ends
 *    with the connection is whole only if TLS says so (close_notify), else `end_is_proven` is false.
 *  - "Accept-Encoding: identity" is always sent, and a compressed body is refused.
 *  - Redirects (301, 302, 303, 307, 308) are followed, at most redirects_max, never in a circle, from
 *    https to http only with insecure_downgrade. The user name and password go to the origin that
 *    they were given for and nowhere else; so do the keys of options.tls.
 *  - Basic is the only way to log in; over http only with insecure_basic. No cookies, no proxies.
 *  - A connection is kept for the next request to the same origin. Where the server closed it
 *    meanwhile, the request is sent once more over a new one.
 */
#include <linnet/cpp.h>
#include <linnet/sock.h>
#include <linnet/uri.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_http;

/** For ALPN in struct ln_tls_options; a server that chooses anything else is refused. */
#define LN_HTTP_ALPN "http/1.1"

/** More redirects than that are never followed. What is wrong with a redirect has the category
 *  LN_CAT_ANSWER: the server does answer, with something that leads nowhere. */
#define LN_HTTP_REDIRECTS_MAX 20
/** No limit of time, where 0 means a default. */
#define LN_HTTP_NO_LIMIT UINT32_MAX

/* ---- settings ---- */

/** Where the client is about to connect to. Borrowed for the call. */
struct ln_http_hop {
    const struct ln_uri *uri;
    struct ln_span text; /**< the URI, without user name and fragment */
    unsigned redirects;  /**< 0 = the URI of the request */
    bool same_origin;    /**< scheme, host and port are those of the request */
    bool same_host;      /**< the host is; scheme and port may differ */
};

/**
 * Make the socket for a hop, ready for ln_sock_connect(): with the TLS configuration, server name
 * and TLSA records that belong to that origin, and to no other.
 *
 * @param out  a CLOSED socket, taken by the client; for https a TLS socket
 * @retval LN_DENIED  there is no security for that origin; diag tells
 */
typedef enum ln_status ln_http_opener(void *user, const struct ln_http_hop *hop,
                                      struct ln_diag *diag, struct ln_sock **out);

/** Settings, copied. Start from LN_HTTP_OPTIONS_INIT. */
struct ln_http_options {
    size_t size;                 /**< set by LN_HTTP_OPTIONS_INIT */
    struct ln_sock_options sock; /**< address family, interface, times to resolve and to connect */
    /** For https, to the origin of the request only, or where http of the same host redirects to: any
     *  other redirect to https is refused. Referenced by the client's socket. NULL: https is refused.
     *  Its options should offer LN_HTTP_ALPN; they also limit the time of the handshake. */
    struct ln_tls_config *tls;
    /** Makes every socket instead; `sock` and `tls` are not used then. */
    ln_http_opener *opener;
    void *opener_user;

    const char *user_agent;  /**< NULL = "linnet"; "" = none */
    uint8_t redirects_max;   /**< 0 = 5; at most LN_HTTP_REDIRECTS_MAX */
    bool no_redirects;       /**< the response with Location is the answer */
    bool insecure_downgrade; /**< follow a redirect from https to http */
    bool insecure_basic;     /**< send user name and password over http */

    /* milliseconds; LN_HTTP_NO_LIMIT for none */
    uint32_t open_timeout_ms;  /**< resolve, connect and handshake together; 0 = 60 s */
    uint32_t head_timeout_ms;  /**< from the request to the end of the head; 0 = 30 s */
    uint32_t idle_timeout_ms;  /**< no byte of the body comes; 0 = 30 s */
    uint32_t slow_timeout_ms;  /**< fewer than slow_bytes of the body come in that time; 0 = 60 s */
    uint32_t slow_bytes;       /**< 0 = 1024 */
    uint32_t total_timeout_ms; /**< from start to the end of the body; 0 = none */
    size_t buffer_bytes; /**< 0 = 16 KiB, one TLS record; 1 KiB..1 MiB. It must hold a request,
                                    and a line of the head that does not fit is refused */
};
#define LN_HTTP_OPTIONS_INIT LN__SIZED(struct ln_http_options)

enum ln_http_method { LN_HTTP_GET = 0, LN_HTTP_HEAD };

/** One request. Everything is borrowed for the call of ln_http_start(), but `on_field` and its user. */
struct ln_http_request {
    enum ln_http_method method;
    const char *uri;  /**< http or https; "user:password@" is used and not sent in any other way */
    const char *user; /**< instead of that of the URI; NULL = that */
    const char *password; /**< NULL = "" where user is set */
    bool preemptive;      /**< send them without being asked; over TLS, or with insecure_basic */
    bool ranged;
    uint64_t from;           /**< ranged: ask for the bytes from here on */
    struct ln_span if_range; /**< ... if this validator still holds: an entity tag or a date */
    /** Called for each field of the head, in order, before step() says LN_OK; not for answers that the
     *  client may react to by itself: redirects, and 401 before the password was sent. It must not
     *  call into this client. NULL = not called. */
    void (*on_field)(void *user, struct ln_span name, struct ln_span value);
    void *on_field_user;
};

/* ---- the answer ---- */

/** The head of a response. Spans and texts are borrowed until the next start, stop or free. */
struct ln_http_response {
    uint16_t status;
    bool has_length;
    uint64_t length;    /**< of the body of this response */
    bool is_bounded;    /**< length or chunks tell where the body ends */
    bool end_is_proven; /**< length, chunks, or TLS tell where the body ends; without it a cut looks
                             like an end */
    bool has_range;     /**< 206: the body is the part from range_first to range_last */
    uint64_t range_first;
    uint64_t range_last; /**< included */
    bool has_total;      /**< 206, 416: the size of the whole is known */
    uint64_t total;
    struct ln_span etag; /**< as written, with quotes; empty = none that can be used */
    bool etag_is_weak;
    const char *last_modified;    /**< as written, or "" */
    bool last_modified_is_strong; /**< it is at least a minute older than the response */
    int64_t retry_after_s;        /**< -1 = not told */
    bool asks_login;              /**< 401: the server offers Basic */
    const char *uri;              /**< that answered: the last redirect's */
    unsigned redirects;
};

/**
 * Make a client. Touches no network.
 *
 * @param env      borrowed until the client is freed
 * @param options  copied; NULL = defaults
 * @param out      *out must be NULL; the caller owns what it receives
 * @retval LN_BAD_ARG    a field is out of range; diag names it
 * @retval LN_NO_MEMORY  nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_http_new(const struct ln_env *env,
                                              const struct ln_http_options *options,
                                              struct ln_diag *diag, struct ln_http **out);
/** Also closes the connection. NULL is allowed. */
LN_API void ln_http_free(struct ln_http *http);

/**
 * Begin a request. What is under way is abandoned.
 *
 * @retval LN_AGAIN    under way: ln_http_interest(), wait, ln_http_step()
 * @retval LN_BAD_ARG  the URI or another field is refused; ln_http_diag() names it
 * @retval LN_DENIED   no security is known for https
 * @retval others      as ln_http_step()
 */
LN_MUST_USE LN_API enum ln_status ln_http_start(struct ln_http *http,
                                                const struct ln_http_request *request, ln_msec now);

/**
 * Do all work that is due, until the head of the response is there.
 *
 * @retval LN_OK         ln_http_response() tells; go on with ln_http_body()
 * @retval LN_AGAIN      still under way
 * @retval LN_BAD_STATE  nothing was started, or it has failed
 * @retval LN_TIMEOUT, LN_REFUSED, LN_CLOSED, LN_NOT_FOUND, LN_IO, LN_NO_MEMORY  as from a socket
 * @retval LN_BAD_PEER   the response breaks HTTP, or a redirect leads in a circle or too far
 * @retval LN_DENIED     a redirect leads where it must not
 */
LN_MUST_USE LN_API enum ln_status ln_http_step(struct ln_http *http, ln_msec now);

/** The head, once ln_http_step() said LN_OK; NULL before. */
LN_API const struct ln_http_response *ln_http_response(const struct ln_http *http);

/**
 * The next bytes of the body. Call it until LN_AGAIN, before waiting.
 *
 * @param out  borrowed until the next call on this client; empty with LN_OK: that was the end
 * @retval LN_AGAIN      nothing came yet
 * @retval LN_BAD_STATE  the head is not there
 * @retval LN_BAD_PEER   the body was cut, or breaks HTTP
 * @retval others        as ln_http_step()
 */
LN_MUST_USE LN_API enum ln_status ln_http_body(struct ln_http *http, ln_msec now,
                                               struct ln_span *out);

/** What to wait for. Who leaves bytes unread waits for nothing: see `ready`. */
LN_API void ln_http_interest(const struct ln_http *http, struct ln_interest *want);

/** Abandon the request. The connection is kept only if its response was read to the end. Legal in
 *  every state. */
LN_API void ln_http_stop(struct ln_http *http);

/** Close the connection, if there is one, and abandon the request. */
LN_API void ln_http_close(struct ln_http *http);

/** What failed last; status LN_OK if nothing did. Borrowed until the next call. */
LN_API const struct ln_diag *ln_http_diag(const struct ln_http *http);

/** What the client cost so far, over all connections. */
struct ln_http_traffic {
    unsigned connections;
    unsigned requests;
    uint64_t wire_sent; /**< with TLS records and handshakes */
    uint64_t wire_received;
    struct ln_tls_info tls; /**< of the connection that stands, or stood last */
};
LN_API void ln_http_traffic(const struct ln_http *http, struct ln_http_traffic *out);

#ifdef __cplusplus
}
#endif
#endif
