/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_HTTPWORLD_H
#define LN_TESTS_HTTPWORLD_H
/**
 * @file httpworld.h
 * A device with an HTTP client, and a server that has http on port 80 and https on port 443.
 *
 * server.example is 192.0.2.1, other.example 192.0.2.2: the same servers. TLS is by a key that both
 * know. Functions fail the running test where they cannot do what they say.
 */
#include "support/httpfetch.h"
#include "support/httpserver.h"
#include "support/networld.h"

struct http_world {
    struct networld net;
    struct ln_tls_config *server_tls;
    struct ln_tls_config *client_tls;
    struct http_server plain;
    struct http_server secure;
    http_respond *script; /**< what all servers do; its user is the world */
    struct http_file file;
    struct ln_http *http;
    struct http_fetch fetch; /**< the last one */
    uint8_t content[200000];
};

/** With a client of default options, and `file` of 1000 bytes being served. */
void http_world_open(struct http_world *w);
void http_world_close(struct http_world *w);
ln_msec http_world_now(const struct http_world *w);

/** A configuration with the key, for either side; `alpn` NULL = none. The caller's. */
struct ln_tls_config *http_world_tls(const struct ln_env *env, enum ln_close_policy close_policy,
                                     const char *alpn);
/** One more server, which runs the script. */
void http_world_serve(struct http_world *w, struct http_server *server, uint16_t port,
                      struct ln_tls_config *tls);
/** Replace the client; without tls and opener it gets the key. */
void http_world_client(struct http_world *w, const struct ln_http_options *options);

void http_world_ask(struct http_world *w, const struct ln_http_request *request);
void http_world_get(struct http_world *w, const char *uri);
/** The last request came to its end, with this body. */
void http_world_must_have(const struct http_world *w, const char *what, struct ln_span content);
/** It failed, and `sentence` is in what it says. */
void http_world_must_fail(const struct http_world *w, const char *what, enum ln_status status,
                          enum ln_category category, const char *sentence);

#endif
