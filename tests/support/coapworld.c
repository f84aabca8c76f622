/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: coapworld.h.
 */
#include "support/coapworld.h"

#include "support/httpserver.h"
#include "support/vtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

const char *const coap_world_uris[COAP_WORLD_SCHEMES] = { "coap://server.example/fw",
                                                          "coap+tcp://server.example/fw",
                                                          "coaps://server.example/fw",
                                                          "coaps+tcp://server.example/fw" };

static void respond(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    struct coap_world *w = user;
    size_t len = strlen(w->asked);
    if (len < sizeof w->asked - 20)
        (void)snprintf(w->asked + len, sizeof w->asked - len, "%u|", (unsigned)ask->at);
    w->script(user, ask, say);
}

void coap_world_serve_file(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    const struct coap_world *w = user;
    coap_serve_file(&w->file, ask, say);
}

static struct ln_tls_config *keys(const struct ln_env *env, enum ln_sock_kind kind)
{
    static const char *const alpn[] = { "coap" };
    struct ln_diag diag;
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    http_psk(&o);
    o.alpn = alpn;
    o.alpn_count = kind == LN_TLS ? 1 : 0;
    ln_diag_clear(&diag);
    if (ln_tls_config_new(env, kind, &o, &diag, &config) != LN_OK)
        fail_msg("keys: %s", diag.text);
    return config;
}

void coap_world_link(struct coap_world *w, struct ln_testkit_link link)
{
    link.mtu = 1500;
    assert_int_equal(ln_testkit_path(w->net.kit, NULL, NULL, &link), LN_OK);
}

int coap_world_set_up(void **state)
{
    coap_world_open(*state);
    return 0;
}

int coap_world_tear_down(void **state)
{
    coap_world_close(*state);
    return 0;
}

void coap_world_reset(struct coap_world *w)
{
    for (size_t i = 0; i < COUNT(w->servers); i++) {
        w->servers[i].requests = w->servers[i].connections = 0;
        w->servers[i].body_sent = 0;
    }
    dl_store_clear(&w->store);
    w->asked[0] = '\0';
}

void coap_world_open(struct coap_world *w)
{
    static const enum ln_sock_kind kinds[] = { LN_UDP, LN_TCP, LN_DTLS, LN_TLS };
    (void)vtime_calls();
    for (size_t i = 0; i < sizeof w->content; i++) {
        w->content[i] = (uint8_t)(i * 7 + i / 251);
        w->other[i] = (uint8_t)(i * 11 + i / 241 + 1);
    }
    networld_open(&w->net, 1);
    networld_name(&w->net, "server.example", "192.0.2.1");
    coap_world_link(w, (struct ln_testkit_link) { .delay_min_ms = 0 });
    for (size_t i = 0; i < 2; i++) {
        w->server_tls[i] = keys(&w->net.server, i == 0 ? LN_DTLS : LN_TLS);
        w->device_tls[i] = keys(&w->net.device, i == 0 ? LN_DTLS : LN_TLS);
    }
    for (size_t i = 0; i < COUNT(w->servers); i++)
        coap_server_open(&w->servers[i], w->net.kit, w->net.server_host, &w->net.server, kinds[i],
                         i < 2 ? 5683 : 5684, i < 2 ? NULL : w->server_tls[i - 2], respond, w);
    w->file = (struct coap_file) { .content = { w->content, 30000 }, .etag = ln_span_str("v1") };
    w->script = coap_world_serve_file;
    coap_world_reset(w);
    w->options = (struct ln_download_options)LN_DOWNLOAD_OPTIONS_INIT;
    w->options.uri = coap_world_uris[0];
    w->options.store = dl_store_ops(&w->store);
}

void coap_world_close(struct coap_world *w)
{
    ln_download_free(w->download);
    w->download = NULL;
    for (size_t i = 0; i < COUNT(w->servers); i++)
        coap_server_close(&w->servers[i]);
    for (size_t i = 0; i < 2; i++) {
        ln_tls_config_unref(w->server_tls[i]);
        ln_tls_config_unref(w->device_tls[i]);
    }
    networld_close(&w->net);
}

/* ---- running one ---- */

void coap_world_use(struct coap_world *w, size_t scheme)
{
    w->options.uri = coap_world_uris[scheme];
    w->options.tls = scheme < 2 ? NULL : w->device_tls[scheme - 2];
}

void coap_world_begin(struct coap_world *w)
{
    ln_diag_clear(&w->diag);
    ln_download_free(w->download);
    w->download = NULL;
    if (ln_download_new(&w->net.device, &w->options, &w->diag, &w->download) != LN_OK)
        fail_msg("download: %s", w->diag.text);
}

void coap_world_go_on(struct coap_world *w)
{
    w->result = dl_drive(w->download, &w->net.device);
    ln_download_info(w->download, &w->info);
    w->diag = *ln_download_diag(w->download);
}

void coap_world_run(struct coap_world *w)
{
    coap_world_begin(w);
    coap_world_go_on(w);
}

void coap_world_must_have(const struct coap_world *w, const char *what, struct ln_span expected)
{
    if (w->result != LN_OK || w->info.state != LN_DOWNLOAD_COMPLETE)
        fail_msg("%s: %s, %s: %s", what, ln_status_name(w->result),
                 ln_download_reason_word(w->info.reason), w->diag.text);
    if (!dl_store_holds(&w->store, expected))
        fail_msg("%s: %zu bytes that are not what was expected", what, w->store.len);
    assert_true(w->info.has_total && w->info.total == expected.len && w->info.has_sha256);
}

void coap_world_must_fail(const struct coap_world *w, const char *what,
                          enum ln_download_reason reason, const char *sentence)
{
    if (w->result == LN_OK || w->result == LN_AGAIN || w->info.state != LN_DOWNLOAD_FAILED ||
        w->info.reason != reason || w->diag.status != w->result ||
        strstr(w->diag.text, sentence) == NULL)
        fail_msg("%s: %s, %s, %s: %s", what, ln_status_name(w->result),
                 ln_download_state_word(w->info.state), ln_download_reason_word(w->info.reason),
                 w->diag.text);
    assert_false(w->info.has_sha256);
}

void coap_world_step_until(struct coap_world *w, size_t stored)
{
    coap_world_begin(w);
    for (;;) {
        struct ln_interest want;
        w->result = ln_download_step(w->download, networld_now(&w->net));
        if (w->result != LN_AGAIN || w->store.len >= stored)
            return;
        ln_download_interest(w->download, &want);
        http_wait(&w->net.device, &want);
    }
}

/* As kill -9 would do it: nothing is said to anybody. What the store has is what it has. */
void coap_world_kill(struct coap_world *w)
{
    static struct dl_store kept;
    networld_settle(&w->net); /* what was asked for ahead */
    kept = w->store;
    ln_download_free(w->download);
    w->download = NULL;
    w->store = kept;
}
