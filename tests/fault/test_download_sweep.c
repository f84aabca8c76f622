/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_sweep.c
 * A download with the Nth allocation, network call, question or random number failing, N = 0, 1, 2,
 * ... until it is not reached.
 *
 * It is cut once, and once the program ends and begins again with what is stored. What failed is told
 * or healed; what is stored in the end is right; where only one call failed, the same download, begun
 * again, is complete. Nothing is left behind.
 */
#include "support/dlsweep.h"
#include "support/httpserver.h"

#include <linnet/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIZE = 40000, CUT_AT = 15000, KILL_AT = 5000 };

static struct {
    struct dl_sweep sweep;
    bool secure;
    struct ln_env server_env;
    struct http_server server;
    struct http_file file;
    uint8_t content[SIZE];
} t;

static void respond(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    (void)user;
    http_serve_file(&t.file, ask, answer);
    if (ask->number == 2) {
        answer->limit = answer->head_len + CUT_AT;
        answer->end = HTTP_CLOSE;
    }
    answer->piece = 2000;
    answer->piece_ms = 1;
}

static struct ln_download_options options_of(struct ln_tls_config *tls)
{
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    o.uri = t.secure ? "https://server.example:8080/fw" : "http://server.example:8080/fw";
    o.store = dl_store_ops(&t.sweep.store);
    o.tls = tls;
    o.save_bytes = 3000;
    o.sync_bytes = 10000;
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
    struct ln_tls_config *server_tls = NULL;
    struct ln_tls_config *device_tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    ln_diag_clear(&t.sweep.diag);
    http_psk(&options);
    dl_store_clear(&t.sweep.store);
    t.file = (struct http_file) { .content = { t.content, SIZE }, .etag = "\"v1\"" };
    assert_int_equal(ln_testkit_host_new(trial->kit, "server", "192.0.2.1", &host), LN_OK);
    assert_int_equal(ln_testkit_name(trial->kit, "server.example", "192.0.2.1"), LN_OK);
    ln_testkit_env(host, &t.server_env);
    ln_testkit_env(trial->device, &t.sweep.device);
    if (t.secure)
        assert_int_equal(
            ln_tls_config_new(&t.server_env, LN_TLS, &options, &t.sweep.diag, &server_tls), LN_OK);
    http_server_open(&t.server, trial->kit, host, &t.server_env, 8080, server_tls, respond, NULL);
    trial->phase = "configure";
    enum ln_status st = LN_OK;
    if (t.secure)
        st = ln_tls_config_new(&t.sweep.device, LN_TLS, &options, &t.sweep.diag, &device_tls);
    enum ln_testkit_verdict verdict =
        st == LN_OK ? download(trial, device_tls) : ln_testkit_failed(trial, st, &t.sweep.diag);
    ln_tls_config_unref(device_tls);
    http_server_close(&t.server);
    ln_tls_config_unref(server_tls);
    return verdict;
}

static void sweep(enum ln_testkit_point point, bool secure, enum ln_status status, size_t failures)
{
    t.secure = secure;
    t.sweep.point = point;
    for (int sticky = 0; sticky <= 1; sticky++) {
        t.sweep.sticky = sticky != 0;
        dl_sweep_walk(point, sticky != 0, scenario, NULL, status, failures);
    }
}

static void test_memory(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, false, LN_OK, 5);
    sweep(LN_TESTKIT_ALLOC, true, LN_OK, 5);
}

/* A network that fails once is healed by another try. */
static void test_network(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET, false, LN_IO, 0);
    sweep(LN_TESTKIT_NET, true, LN_IO, 0);
    sweep(LN_TESTKIT_NET, false, LN_CLOSED, 0);
    sweep(LN_TESTKIT_RESOLVE, false, LN_IO, 0);
}

/* scenario: H102 */
static void test_randomness(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_RANDOM, false, LN_IO, 1);
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
