/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_HTTP_HTTP_H
#define LN_HTTP_HTTP_H
/**
 * @file http.h
 * The inside of an HTTP client.
 *
 * client.c    options, start and stop, what callers ask
 * exchange.c  one request over one connection: open, send, head, body, ends and times
 * redirect.c  where a redirect leads, and whether it may
 * login.c     the value of Authorization, and who gets it
 */
#include <linnet/http.h>

#include "codec/http.h"

enum ln__http_phase {
    LN__HTTP_IDLE = 0, /**< no request; a connection may stand */
    LN__HTTP_OPENING,
    LN__HTTP_SENDING,
    LN__HTTP_WAITING,  /**< for the head */
    LN__HTTP_DRAINING, /**< the body of an answer that nobody wants, to keep the connection */
    LN__HTTP_BODY,
    LN__HTTP_DONE, /**< the body ended */
    LN__HTTP_FAILED,
};

/** When something began that has a limit; the limits are in `options`. */
struct ln__http_clock {
    ln_msec started;    /**< the request */
    ln_msec opening;    /**< the connection */
    ln_msec asked;      /**< the request was begun to be sent */
    ln_msec heard;      /**< the last byte of the body came, or the head */
    ln_msec window;     /**< the current window for slow_bytes began */
    uint64_t window_at; /**< bytes of the body by then */
    ln_msec handed;     /**< bytes were handed out; LN_NEVER = the caller waits for us */
    ln_msec kept_since; /**< the connection carries no request */
};

struct ln_http {
    const struct ln_env *env;
    struct ln_http_options options; /**< its defaults filled in, its strings owned */
    struct ln_sock *plain;          /**< made by ln_http_new(), without an opener */
    struct ln_sock *secure;
    struct ln_diag diag;

    /* the connection */
    struct ln_sock *sock; /**< one of the above, or the opener's and owned; NULL = none */
    char *peer_text;      /**< the URI it was opened for */
    struct ln_uri peer;   /**< of peer_text */
    bool reused;          /**< it carried a request before this one */
    uint64_t sent_before; /**< the socket's counters when it was opened */
    uint64_t received_before;
    struct ln_http_traffic traffic; /**< of connections that are closed */
    char alpn[33];                  /**< of the last of them */

    /* the request */
    enum ln__http_phase phase;
    enum ln_http_method method;
    bool preemptive, ranged;
    uint64_t from;
    char *if_range;
    char *login; /**< "Basic ..."; a secret */
    bool login_sent;
    void (*on_field)(void *user, struct ln_span name, struct ln_span value);
    void *on_field_user;
    char *hops[LN_HTTP_REDIRECTS_MAX + 1]; /**< the request's URI, then where redirects led */
    unsigned hop;
    struct ln_uri home; /**< of hops[0] */
    struct ln_uri here; /**< of hops[hop] */
    char *location;     /**< of the head that is being read */

    /* the exchange */
    struct ln__http_clock clock;
    struct ln__http_reader reader;
    struct ln_http_response response;
    uint8_t *buffer;
    size_t begin, end; /**< what is in the buffer: to be sent, or not read yet */
};

/* ---- exchange.c ---- */

/** Bring the request to the server: over the connection that stands, or a new one. */
enum ln_status ln__http_ask(struct ln_http *c, ln_msec now);
/** Go on until the head is there. */
enum ln_status ln__http_advance(struct ln_http *c, ln_msec now);
enum ln_status ln__http_read_body(struct ln_http *c, ln_msec now, struct ln_span *out);
/** The next time limit. */
ln_msec ln__http_deadline(const struct ln_http *c);
void ln__http_hang_up(struct ln_http *c);
/** Count the traffic of the connection that stands on top of that of the others. */
void ln__http_add_traffic(const struct ln_http *c, struct ln_http_traffic *out);
/** The request has failed; what the socket knows of it is kept. @return status */
enum ln_status ln__http_fail(struct ln_http *c, enum ln_status status);

/* ---- redirect.c ---- */

/** Whether the current hop may see what belongs to the origin of the request. */
bool ln__http_at_home(const struct ln_http *c);
/** Whether its host is that of the request; scheme and port may differ. */
bool ln__http_at_home_host(const struct ln_http *c);
/** Whether the head is a redirect that is to be followed. */
bool ln__http_is_redirect(const struct ln_http *c);
/** Take in a Location. LN_BAD_PEER: there are two. */
enum ln_status ln__http_note_location(struct ln_http *c, struct ln_span value);
/** Make where c->location leads the current hop, if it may be. */
enum ln_status ln__http_follow(struct ln_http *c);

/* ---- login.c ---- */

/** Set c->login from the request, or else from the user name and password of the URI; NULL where
 *  there are none. */
enum ln_status ln__http_set_login(struct ln_http *c, const struct ln_http_request *request,
                                  struct ln_span userinfo);
/** Whether the password may be sent to the current hop. */
bool ln__http_may_log_in(const struct ln_http *c);
void ln__http_forget_login(struct ln_http *c);

#endif
