/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_HTTPSERVER_H
#define LN_TESTS_HTTPSERVER_H
/**
 * @file httpserver.h
 * An HTTP server of the in-memory network that answers as a test tells it to, rightly or wrongly.
 *
 * It runs whenever something happens in the world (ln_testkit_serve), over TCP or over TLS with a
 * pre-shared key. For each request a function of the test fills in an answer: bytes, where they are
 * cut, how slowly they come, and how the connection ends.
 */
#include <linnet/testkit.h>
#include <linnet/tls.h>

/** What was asked. Texts are borrowed for the call; "" where a field was not sent. */
struct http_ask {
    unsigned number;     /**< of the request, from 1, over all connections */
    unsigned connection; /**< of the connection, from 1 */
    bool secure;
    const char *text; /**< the whole head */
    char method[8];
    char target[512];
    char host[64];
    char if_range[64];
    char authorization[256];
    bool ranged; /**< "Range: bytes=N-" */
    uint64_t from;
};

enum http_end {
    HTTP_STAY = 0, /**< the connection waits for the next request */
    HTTP_CLOSE,    /**< it ends; with TLS by close_notify, unless the server is silent */
    HTTP_RESET,    /**< it is cut */
    HTTP_HANG,     /**< it stands, and nothing ever comes again */
};

enum { HTTP_HEAD_ROOM = 70000 };

struct http_answer {
    char head[HTTP_HEAD_ROOM]; /**< with the empty line; may be anything else */
    size_t head_len;
    struct ln_span body; /**< borrowed until the server is closed */
    const char *tail;    /**< behind the body; NULL = nothing */
    size_t limit;        /**< so many bytes of all that are sent; SIZE_MAX = all */
    enum http_end end;   /**< what comes behind them */
    uint32_t delay_ms;   /**< before the first byte */
    size_t piece;        /**< so many bytes at once, ... */
    uint32_t piece_ms;   /**< ... then a pause; 0 = no pauses */
};

typedef void http_respond(void *user, const struct http_ask *ask, struct http_answer *answer);

enum { HTTP_CONNECTIONS = 8, HTTP_ASK_ROOM = 16384 };

struct http_connection {
    struct ln_sock *sock; /**< NULL = free */
    unsigned number;
    char ask[HTTP_ASK_ROOM];
    size_t ask_len;
    bool answering;
    bool hung;
    struct http_answer answer;
    size_t sent;
    ln_msec not_before;
};

struct http_server {
    struct ln_testkit *kit;
    const struct ln_env *env;
    const struct ln_testkit_host *host;
    struct ln_sock *listener;
    http_respond *respond;
    void *user;
    bool secure;
    struct http_connection connection[HTTP_CONNECTIONS];
    unsigned connections; /**< so far */
    unsigned requests;
    uint64_t body_sent;   /**< bytes of bodies that were given to the network */
    ln_msec asked_at[64]; /**< when the first requests came */
};

/** The key that both sides know, for options of either. */
void http_psk(struct ln_tls_options *options);

/** Listen. `tls` NULL: plain HTTP; else LN_TLS, referenced. Fails the test where it cannot. */
void http_server_open(struct http_server *s, struct ln_testkit *kit,
                      const struct ln_testkit_host *host, const struct ln_env *env, uint16_t port,
                      struct ln_tls_config *tls, http_respond *respond, void *user);
void http_server_close(struct http_server *s);
/** Drop the connections that wait for a request, as a server does after a while. @return how many */
size_t http_server_drop_idle(struct http_server *s);

/** Connections that the server has not seen the end of. */
size_t http_server_open_connections(struct http_server *s);

/** Set the head from text. */
void http_say(struct http_answer *answer, const char *format, ...) LN_PRINTF(2, 3);
/** Add to it. */
void http_say_more(struct http_answer *answer, const char *format, ...) LN_PRINTF(2, 3);

/** A file that a correct server has. */
struct http_file {
    struct ln_span content;
    const char *etag;          /**< with quotes; NULL = none */
    const char *last_modified; /**< NULL = none */
    const char *date;          /**< NULL = none */
    bool no_ranges;            /**< Range is ignored */
    bool chunked;
    bool until_close;
};
/** Answer as RFC 9110 says, HEAD, Range and If-Range included. */
void http_serve_file(const struct http_file *file, const struct http_ask *ask,
                     struct http_answer *answer);

/** Wait in virtual time for what `want` names. Fails the test if nothing can ever come. */
void http_wait(const struct ln_env *env, const struct ln_interest *want);

#endif
