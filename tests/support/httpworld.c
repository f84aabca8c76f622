/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: httpworld.h.
 */
#include "support/httpworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HTTP_PORT 80
#define HTTPS_PORT 443

static void respond(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *w = user;
    w->script(w, ask, answer);
}

static void serve_file(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    const struct http_world *w = user;
    http_serve_file(&w->file, ask, answer);
}

struct ln_tls_config *http_world_tls(const struct ln_env *env, enum ln_close_policy close_policy,
                                     const char *alpn)
{
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    http_psk(&options);
    options.close_policy = close_policy;
    options.alpn = &alpn;
    options.alpn_count = alpn != NULL ? 1 : 0;
    if (ln_tls_config_new(env, LN_TLS, &options, &diag, &config) != LN_OK)
        fail_msg("TLS: %s", diag.text);
    return config;
}

void http_world_serve(struct http_world *w, struct http_server *server, uint16_t port,
                      struct ln_tls_config *tls)
{
    http_server_open(server, w->net.kit, w->net.server_host, &w->net.server, port, tls, respond, w);
}

void http_world_client(struct http_world *w, const struct ln_http_options *options)
{
    struct ln_http_options o = LN_HTTP_OPTIONS_INIT;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    if (options != NULL)
        o = *options;
    if (o.tls == NULL && o.opener == NULL)
        o.tls = w->client_tls;
    ln_http_free(w->http);
    w->http = NULL;
    if (ln_http_new(&w->net.device, &o, &diag, &w->http) != LN_OK)
        fail_msg("client: %s", diag.text);
}

void http_world_open(struct http_world *w)
{
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < sizeof w->content; i++)
        w->content[i] = (uint8_t)(i * 7 + i / 251);
    networld_open(&w->net, 1);
    networld_name(&w->net, "server.example", "192.0.2.1");
    networld_name(&w->net, "other.example", "192.0.2.2");
    w->server_tls = http_world_tls(&w->net.server, LN_CLOSE_AUTO, LN_HTTP_ALPN);
    w->client_tls = http_world_tls(&w->net.device, LN_CLOSE_AUTO, LN_HTTP_ALPN);
    http_world_serve(w, &w->plain, HTTP_PORT, NULL);
    http_world_serve(w, &w->secure, HTTPS_PORT, w->server_tls);
    w->file = (struct http_file) { .content = { w->content, 1000 } };
    w->script = serve_file;
    http_world_client(w, NULL);
}

void http_world_close(struct http_world *w)
{
    ln_http_free(w->http);
    w->http = NULL;
    http_server_close(&w->plain);
    http_server_close(&w->secure);
    ln_tls_config_unref(w->server_tls);
    ln_tls_config_unref(w->client_tls);
    networld_close(&w->net);
}

ln_msec http_world_now(const struct http_world *w)
{
    return networld_now(&w->net);
}

void http_world_ask(struct http_world *w, const struct ln_http_request *request)
{
    http_fetch(w->http, &w->net.device, request, 0, &w->fetch);
}

void http_world_get(struct http_world *w, const char *uri)
{
    http_world_ask(w, &(struct ln_http_request) { .uri = uri });
}

void http_world_must_have(const struct http_world *w, const char *what, struct ln_span content)
{
    const struct http_fetch *f = &w->fetch;
    if (f->status != LN_OK)
        fail_msg("%s: %s: %s", what, ln_status_name(f->status), f->diag.text);
    if (!ln_span_equal(ln_span(f->body, f->len), content))
        fail_msg("%s: %zu bytes, not the %zu that were expected", what, f->len, content.len);
}

void http_world_must_fail(const struct http_world *w, const char *what, enum ln_status status,
                          enum ln_category category, const char *sentence)
{
    const struct ln_diag *d = &w->fetch.diag;
    if (w->fetch.status != status || d->category != category || d->status != status ||
        d->text[0] == '\0' || strstr(d->text, sentence) == NULL)
        fail_msg("%s: %s, %s: %s", what, ln_status_name(w->fetch.status),
                 ln_category_word(d->category), d->text);
}
