/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_coap_sweep.c
 * A download by coap, and one by coaps+tcp, with the Nth allocation, network call, question or random
 * number failing, N = 0, 1, 2, ... until it is not reached.
 *
 * The server is silent for a while, and the program ends once and begins again with what is stored.
 * What failed is told or healed; what is stored in the end is right; where only one call failed, the
 * same download, begun again, is complete. Nothing is left behind.
 */
#include "support/coapfile.h"
#include "support/dlsweep.h"
#include "support/httpserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIZE = 12000, KILL_AT = 3000, PORT = 5683 };

static struct {
    struct dl_sweep sweep;
    enum ln_sock_kind kind;
    struct ln_env server_env;
    struct coap_server server;
    struct coap_file file;
    uint8_t content[SIZE];
} t;

static void respond(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    say->silent = t.server.kind == LN_UDP && ask->number >= 8 && ask->number < 13;
    say->reset = t.server.kind != LN_UDP && ask->number == 8;
    if (!say->silent && !say->reset)
        coap_serve_file(&t.file, ask, say);
}

static struct ln_download_options options_of(struct ln_tls_config *tls)
{
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    bool plain = t.kind == LN_UDP;
    o.uri = plain ? "coap://server.example/fw" : "coaps+tcp://server.example:5683/fw";
    o.store = dl_store_ops(&t.sweep.store);
    o.tls = tls;
    o.save_bytes = 2000;
    o.sync_bytes = 5000;
    return o;
}

static enum ln_testkit_verdict download(struct ln_testkit_trial *trial, struct ln_tls_config *tls)
{
    const struct ln_download_options options = options_of(tls);
    return dl_sweep_trial(&t.sweep, &options, trial);
}

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    (void)user;
    struct ln_testkit_host *host = NULL;
    struct ln_tls_config *tls[2] = { NULL, NULL };
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    enum ln_status st = LN_OK;
    ln_diag_clear(&t.sweep.diag);
    http_psk(&options);
    dl_store_clear(&t.sweep.store);
    t.file = (struct coap_file) { .content = { t.content, SIZE }, .etag = ln_span_str("v1") };
    assert_int_equal(ln_testkit_host_new(trial->kit, "server", "192.0.2.1", &host), LN_OK);
    assert_int_equal(ln_testkit_name(trial->kit, "server.example", "192.0.2.1"), LN_OK);
    ln_testkit_env(host, &t.server_env);
    ln_testkit_env(trial->device, &t.sweep.device);
    if (t.kind == LN_TLS)
        assert_int_equal(ln_tls_config_new(&t.server_env, LN_TLS, &options, &t.sweep.diag, &tls[0]),
                         LN_OK);
    coap_server_open(&t.server, trial->kit, host, &t.server_env, t.kind, PORT, tls[0], respond,
                     NULL);
    trial->phase = "configure";
    if (t.kind == LN_TLS)
        st = ln_tls_config_new(&t.sweep.device, LN_TLS, &options, &t.sweep.diag, &tls[1]);
    enum ln_testkit_verdict verdict =
        st == LN_OK ? download(trial, tls[1]) : ln_testkit_failed(trial, st, &t.sweep.diag);
    ln_tls_config_unref(tls[1]);
    coap_server_close(&t.server);
    ln_tls_config_unref(tls[0]);
    return verdict;
}

static void sweep_mode(enum ln_testkit_point point, enum ln_sock_kind kind, enum ln_status status,
                       size_t failures, bool sticky)
{
    t.kind = kind;
    t.sweep.point = point;
    t.sweep.sticky = sticky;
    dl_sweep_walk(point, sticky, scenario, NULL, status, failures);
}

/* What fails once may be healed; what fails for good must be told, at least so often. */
static void sweep(enum ln_testkit_point point, enum ln_sock_kind kind, enum ln_status status,
                  size_t failures)
{
    sweep_mode(point, kind, status, 0, false);
    sweep_mode(point, kind, status, failures, true);
}

static void test_memory(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, LN_UDP, LN_OK, 5);
    sweep(LN_TESTKIT_ALLOC, LN_TLS, LN_OK, 5);
}

/* A network that fails once is healed by another message, or another try. */
static void test_network(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET, LN_UDP, LN_IO, 0);
    /* a router's word; a kernel tells it once and has forgotten it then */
    sweep_mode(LN_TESTKIT_NET, LN_UDP, LN_REFUSED, 0, false);
    sweep(LN_TESTKIT_NET, LN_TLS, LN_IO, 0);
    sweep(LN_TESTKIT_RESOLVE, LN_UDP, LN_IO, 0);
}

/* scenario: H102 */
static void test_randomness(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_RANDOM, LN_UDP, LN_IO, 1);
}

int main(void)
{
    for (size_t i = 0; i < sizeof t.content; i++)
        t.content[i] = (uint8_t)(i * 7 + i / 251);
    t.sweep.content = ln_span(t.content, SIZE);
    t.sweep.kill_at = KILL_AT;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
