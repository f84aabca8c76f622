/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_SERVER_H
#define LAB_SERVER_H
/**
 * @file server.h
 * libcoap: the endpoints, what comes from devices, what goes to them. The only file of the lab that
 * knows libcoap is server.c.
 */
#include <cjson/cJSON.h>
#include <linnet/span.h>
#include <stdbool.h>
#include <stdint.h>

struct lab;
struct server;

/** One association or address of a device. */
struct server_session;

/** "2.05" is 0x45. */
#define SERVER_CODE(class, detail) ((class) << 5 | (detail))

enum server_method { METHOD_GET = 1, METHOD_POST = 2, METHOD_PUT = 3, METHOD_DELETE = 4 };

#define SERVER_NO_FORMAT (-1)
#define SERVER_OPTIONS_MAX 32

/** What a device asks. Borrowed for the call. */
struct server_request {
    struct server_session *session;
    bool confirmable;
    const char *query[SERVER_OPTIONS_MAX]; /**< one Uri-Query option each; none has a NUL inside */
    size_t query_count;
    int32_t format; /**< SERVER_NO_FORMAT: there is no Content-Format */
    struct ln_span payload;
};

struct server_reply {
    uint8_t code;
    const char *location; /**< what stands behind /rd in the Location-Path; NULL: none */
    const char *why;      /**< diagnostic payload; NULL: none. Constant text. */
};

/** What the lab asks. */
struct server_ask {
    enum server_method method;
    const char *path; /**< "/3/0/9" */
    const char *query[SERVER_OPTIONS_MAX];
    size_t query_count;
    int32_t format;         /**< SERVER_NO_FORMAT: no Content-Format */
    int32_t accept;         /**< SERVER_NO_FORMAT: no Accept */
    int32_t observe;        /**< 0 observe, 1 cancel, SERVER_NO_FORMAT neither */
    struct ln_span payload; /**< copied */
};

#define SERVER_TOKEN_LEN 8

/** What a device answers or notifies. Borrowed for the call. */
struct server_answer {
    uint8_t token[SERVER_TOKEN_LEN];
    uint8_t code;
    bool confirmable;
    int32_t format;
    int32_t observe; /**< SERVER_NO_FORMAT: no Observe option */
    struct ln_span payload;
    char location[64]; /**< of a Create: "/3303/7"; else empty */
};

/** @return NULL; what failed was told on standard error */
struct server *server_new(struct lab *lab);

/** {"event": "listening", ...}: the URIs. */
cJSON *server_describe(const struct server *server);

/* The loop: wait until one of the two descriptors is readable, then process. libcoap's timers are in
 * its descriptor; prepare() sets them, each time before the loop waits. */
int server_fd(const struct server *server);
int server_front_fd(const struct server *server);
void server_prepare(struct server *server);
void server_process(struct server *server);

/**
 * Send a request; the answer comes to exchanges_answer().
 * @param token  of the request, for observations that are cancelled; else random and told
 */
bool server_send(struct server *server, struct server_session *session,
                 const struct server_ask *ask, uint8_t token[SERVER_TOKEN_LEN]);

struct server_session *server_session_keep(struct server_session *session);
void server_session_drop(struct server_session *session);

/** The name that it proved: the PSK identity or the common name of its certificate. NULL: no
 *  security. Borrowed. */
const char *server_session_identity(struct server_session *session);

/** Whether that name is of a certificate. */
bool server_session_has_certificate(struct server_session *session);

/** "192.0.2.1:5683"; free() it. */
char *server_session_address(struct server_session *session);

void server_free(struct server *server);

#endif
