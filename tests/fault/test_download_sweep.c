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
#include "support/dlstore.h"
#include "support/httpserver.h"

#include <linnet/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIZE = 40000, CUT_AT = 15000, KILL_AT = 5000 };

struct job {
    enum ln_testkit_point point;
    bool secure;
    bool sticky;
};

static struct {
    struct ln_env device;
    struct ln_env server_env;
    struct http_server server;
    struct http_file file;
    struct dl_store store;
    struct ln_diag diag;
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

static struct ln_download_options options_of(const struct job *job, struct ln_tls_config *tls)
{
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    o.uri = job->secure ? "https://server.example:8080/fw" : "http://server.example:8080/fw";
    o.store = dl_store_ops(&t.store);
    o.tls = tls;
    o.save_bytes = 3000;
    o.sync_bytes = 10000;
    return o;
}

/* Until it is over, or `stop_at` bytes are stored: then the program ends. */
static enum ln_status run(const struct ln_download_options *options, size_t stop_at)
{
    struct ln_download *d = NULL;
    ln_diag_clear(&t.diag);
    enum ln_status st = ln_download_new(&t.device, options, &t.diag, &d);
    if (st != LN_OK)
        return st;
    for (;;) {
        struct ln_interest want;
        st = ln_download_step(d, ln_now(&t.device));
        if (st != LN_AGAIN || t.store.len >= stop_at)
            break;
        ln_download_interest(d, &want);
        http_wait(&t.device, &want);
    }
    t.diag = *ln_download_diag(d);
    ln_download_free(d);
    return st == LN_AGAIN ? LN_OK : st;
}

static bool is_right(void)
{
    return dl_store_holds(&t.store, ln_span(t.content, SIZE));
}

static enum ln_testkit_verdict told(struct ln_testkit_trial *trial, enum ln_status st)
{
    if (st == LN_OK)
        return ln_testkit_broken(trial, "what is stored is not what was sent, and nobody tells");
    if (t.diag.status != st || t.diag.text[0] == '\0' || t.diag.category == LN_CAT_NONE)
        return ln_testkit_broken(trial, "a failure without a diagnosis: %s", ln_status_name(st));
    return ln_testkit_failed(trial, st, &t.diag);
}

static enum ln_testkit_verdict download(const struct job *job, struct ln_testkit_trial *trial,
                                        struct ln_tls_config *tls)
{
    struct ln_download_options options = options_of(job, tls);
    trial->phase = "first";
    enum ln_status st = run(&options, KILL_AT);
    if (st == LN_OK) {
        trial->phase = "second";
        st = run(&options, SIZE_MAX);
    }
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    if (st != LN_OK || !is_right())
        verdict = told(trial, st);
    else if (ln_testkit_hits(trial->device, job->point) > 0)
        verdict = LN_TESTKIT_TOLERATED; /* healed by another try */
    if (verdict == LN_TESTKIT_FAILED && !job->sticky) {
        enum ln_status again = run(&options, SIZE_MAX);
        if (again != LN_OK || !is_right())
            verdict = ln_testkit_broken(trial, "after %s it cannot be completed: %s: %.80s",
                                        ln_status_name(st), ln_status_name(again), t.diag.text);
    }
    return verdict;
}

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    struct job *job = user;
    struct ln_testkit_host *host = NULL;
    struct ln_tls_config *server_tls = NULL;
    struct ln_tls_config *device_tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    ln_diag_clear(&t.diag);
    http_psk(&options);
    dl_store_clear(&t.store);
    t.file = (struct http_file) { .content = { t.content, SIZE }, .etag = "\"v1\"" };
    assert_int_equal(ln_testkit_host_new(trial->kit, "server", "192.0.2.1", &host), LN_OK);
    assert_int_equal(ln_testkit_name(trial->kit, "server.example", "192.0.2.1"), LN_OK);
    ln_testkit_env(host, &t.server_env);
    ln_testkit_env(trial->device, &t.device);
    if (job->secure)
        assert_int_equal(ln_tls_config_new(&t.server_env, LN_TLS, &options, &t.diag, &server_tls),
                         LN_OK);
    http_server_open(&t.server, trial->kit, host, &t.server_env, 8080, server_tls, respond, NULL);
    trial->phase = "configure";
    enum ln_status st = LN_OK;
    if (job->secure)
        st = ln_tls_config_new(&t.device, LN_TLS, &options, &t.diag, &device_tls);
    enum ln_testkit_verdict verdict =
        st == LN_OK ? download(job, trial, device_tls) : ln_testkit_failed(trial, st, &t.diag);
    ln_tls_config_unref(device_tls);
    http_server_close(&t.server);
    ln_tls_config_unref(server_tls);
    return verdict;
}

static void sweep(enum ln_testkit_point point, bool secure, enum ln_status status, size_t failures)
{
    for (int sticky = 0; sticky <= 1; sticky++) {
        struct job job = { .point = point, .secure = secure, .sticky = sticky != 0 };
        struct ln_testkit_sweep settings = {
            .scenario = scenario,
            .user = &job,
            .seed = 1,
            .modes = sticky != 0 ? LN_TESTKIT_STICKY : LN_TESTKIT_TRANSIENT,
            .status = status,
        };
        struct ln_testkit_report report;
        if (!ln_testkit_for_each_fault(point, &settings, &report))
            fail_msg("N = %zu%s, %s: %s", report.n, report.sticky ? " and on" : "", report.phase,
                     report.text);
        assert_true(report.whole);
        assert_true(report.points > 0);
        assert_true(report.failed >= failures);
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
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
