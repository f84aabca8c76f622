/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_http_sweep.c
 * The HTTP client with the Nth allocation, network call or random number failing, N = 0, 1, 2, ...
 * until it is not reached.
 *
 * The scenario logs in, is redirected from a path to another, reads a body in chunks, and asks again
 * over the kept connection. A failure is told, with a diagnosis; where only one call failed, the same
 * client works afterwards. Nothing is left behind.
 */
#include "support/httpfetch.h"
#include "support/httpserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct job {
    enum ln_testkit_point point;
    bool secure;
    bool sticky;
};

static struct {
    struct ln_env device;
    struct ln_env server_env;
    struct http_server server;
    struct http_fetch fetch;
    struct http_file file;
    uint8_t content[20000];
} t;

static void respond(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    const bool *secure = user;
    bool known = !*secure || ask->authorization[0] != '\0';
    if (!known)
        http_say(answer, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                         "Content-Length: 4\r\n\r\nwho?");
    else if (strcmp(ask->target, "/0") == 0)
        http_say(answer, "HTTP/1.1 302 X\r\nLocation: 1\r\nContent-Length: 0\r\n\r\n");
    else
        http_serve_file(&t.file, ask, answer);
}

static bool everything_works(struct ln_http *http, const struct job *job)
{
    struct ln_http_request request = { .uri = job->secure ? "https://u:p@server.example:8080/0"
                                                          : "http://server.example:8080/0",
                                       .ranged = true,
                                       .from = 7,
                                       .if_range = ln_span_str("\"v1\"") };
    for (int i = 0; i < 2; i++) {
        http_fetch(http, &t.device, &request, 0, &t.fetch);
        if (t.fetch.status != LN_OK || t.fetch.len != sizeof t.content - 7 ||
            memcmp(t.fetch.body, t.content + 7, t.fetch.len) != 0)
            return false;
    }
    return true;
}

/* A failure is told, and explained. */
static enum ln_testkit_verdict told(struct ln_testkit_trial *trial)
{
    const struct ln_diag *diag = &t.fetch.diag;
    if (t.fetch.status == LN_OK)
        return ln_testkit_broken(trial, "the body is not what was sent, and nobody tells");
    if (diag->status != t.fetch.status || diag->text[0] == '\0' || diag->category == LN_CAT_NONE)
        return ln_testkit_broken(trial, "a failure without a diagnosis: %s",
                                 ln_status_name(t.fetch.status));
    return ln_testkit_failed(trial, t.fetch.status, diag);
}

static enum ln_testkit_verdict with_client(struct job *job, struct ln_testkit_trial *trial,
                                           struct ln_tls_config *tls)
{
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    struct ln_http *http = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    options.tls = tls;
    trial->phase = "new";
    enum ln_status st = ln_http_new(&t.device, &options, &diag, &http);
    if (st != LN_OK)
        return diag.status == st ? ln_testkit_failed(trial, st, &diag)
                                 : ln_testkit_broken(trial, "no client, and no diagnosis");
    trial->phase = "requests";
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    if (!everything_works(http, job))
        verdict = told(trial);
    if (verdict == LN_TESTKIT_FAILED && !job->sticky && !everything_works(http, job))
        verdict = ln_testkit_broken(trial, "after %s the client does not work: %s: %.80s",
                                    ln_status_name(trial->status), ln_status_name(t.fetch.status),
                                    t.fetch.diag.text);
    ln_http_free(http);
    return verdict;
}

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    struct job *job = user;
    struct ln_testkit_host *host = NULL;
    struct ln_tls_config *server_tls = NULL;
    struct ln_tls_config *device_tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    http_psk(&options);
    t.file = (struct http_file) { .content = { t.content, sizeof t.content },
                                  .etag = "\"v1\"",
                                  .chunked = true };
    assert_int_equal(ln_testkit_host_new(trial->kit, "server", "192.0.2.1", &host), LN_OK);
    assert_int_equal(ln_testkit_name(trial->kit, "server.example", "192.0.2.1"), LN_OK);
    ln_testkit_env(host, &t.server_env);
    ln_testkit_env(trial->device, &t.device);
    if (job->secure)
        assert_int_equal(ln_tls_config_new(&t.server_env, LN_TLS, &options, &diag, &server_tls),
                         LN_OK);
    http_server_open(&t.server, trial->kit, host, &t.server_env, 8080, server_tls, respond,
                     &job->secure);
    trial->phase = "configure";
    enum ln_status st = LN_OK;
    if (job->secure)
        st = ln_tls_config_new(&t.device, LN_TLS, &options, &diag, &device_tls);
    enum ln_testkit_verdict verdict =
        st == LN_OK ? with_client(job, trial, device_tls) : ln_testkit_failed(trial, st, &diag);
    ln_tls_config_unref(device_tls);
    http_server_close(&t.server);
    ln_tls_config_unref(server_tls);
    if (verdict == LN_TESTKIT_COMPLETED && ln_testkit_hits(trial->device, job->point) > 0)
        return LN_TESTKIT_TOLERATED; /* an address that was raced, a connection that was replaced */
    return verdict;
}

static void sweep(enum ln_testkit_point point, bool secure, enum ln_status status)
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
        /* one family of two may fail */
        assert_true(report.failed > 0 || (point == LN_TESTKIT_RESOLVE && sticky == 0));
    }
}

/* scenario: HTTP-16 */
static void test_memory(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, false, LN_OK);
    sweep(LN_TESTKIT_ALLOC, true, LN_OK);
}

/* scenario: HTTP-16 */
static void test_network(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET, false, LN_IO);
    sweep(LN_TESTKIT_NET, true, LN_IO);
    sweep(LN_TESTKIT_NET, false, LN_CLOSED);
    sweep(LN_TESTKIT_NET, false, LN_REFUSED);
}

static void test_names(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_RESOLVE, false, LN_IO);
}

int main(void)
{
    for (size_t i = 0; i < sizeof t.content; i++)
        t.content[i] = (uint8_t)(i * 7 + i / 251);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
