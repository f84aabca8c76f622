/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_cid_deaths_mbedtls.c
 * A device with Connection ID dies at every step, and each of its calls fails once: no record number is
 * ever sent twice, and nothing is lost but a handshake.
 */
#include "support/cidworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- the device dies at every step ---- */

/** A life that may end at any time. */
static bool mortal_life(struct cid_world *w)
{
    cid_start(w);
    bool lived = cid_try_connect(w) == LN_OK && cid_ask(w, "one") && cid_ask(w, "two");
    cid_end(w);
    return lived && !w->doom.dead;
}

/** Three lives, of which one ends where `doom` says; then a life without fear. */
static unsigned die_once(const struct cid_doom *doom)
{
    struct cid_world *w = cid_open(CID_LEN);
    w->doom = *doom;
    for (int life = 0; life < 3; life++) {
        (void)mortal_life(w);
        if (w->doom.dead)
            w->doom = (struct cid_doom) { .armed = false };
    }
    unsigned steps = w->doom.steps;
    cid_live(w);
    cid_must_be_restored(w);
    cid_end(w);
    if (w->traffic.repeated != 0)
        fail_msg("dead %s step %u: %u record numbers were sent twice",
                 doom->before ? "before" : "after", doom->at, w->traffic.repeated);
    cid_close(w);
    return steps;
}

/* Every store operation and every packet sent is a step; death comes before or behind it. */
/* scenario: C2, T2, PIT-24 */
static void test_death_at_every_step(void **state)
{
    (void)state;
    const struct cid_doom none = { .armed = true, .at = UINT32_MAX };
    unsigned steps = die_once(&none);
    assert_true(steps > 12);
    for (unsigned at = 0; at < steps; at++) {
        for (int before = 0; before <= 1; before++) {
            const struct cid_doom doom = { .armed = true, .before = before != 0, .at = at };
            (void)die_once(&doom);
        }
    }
    print_message("%u steps, death before and behind each: no record number twice\n", steps);
}

/* ---- the Nth call fails ---- */

/** A life of which anything may fail. What did is in `diag`. */
static enum ln_status brave_life(struct cid_world *w, struct ln_diag *diag)
{
    enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, diag, &w->config);
    if (st == LN_OK)
        st = ln_sock_new(&w->device, LN_DTLS, NULL, w->config, diag, &w->sock);
    if (st == LN_OK)
        st = ln_sock_set_server_name(w->sock, CID_SERVER_NAME);
    if (st == LN_OK)
        st = cid_try_connect(w);
    if (st == LN_OK && !cid_ask(w, "one"))
        st = ln_sock_diag(w->sock)->status != LN_OK ? ln_sock_diag(w->sock)->status : LN_TIMEOUT;
    if (w->sock != NULL && ln_sock_diag(w->sock)->status != LN_OK)
        *diag = *ln_sock_diag(w->sock);
    cid_end(w);
    return st;
}

static enum ln_testkit_verdict lives_with_a_fault(void *user, struct ln_testkit_trial *trial)
{
    struct cid_world *w = cid_open_in(trial->kit, trial->device);
    struct ln_diag diag;
    const enum ln_testkit_point *point = user;
    memset(&diag, 0, sizeof diag);
    struct ln_session_folder folder = { &w->device, "sessions" };
    if (*point == LN_TESTKIT_FILE)
        w->store = ln_session_store_folder(&folder);
    trial->phase = "handshake";
    enum ln_status st = brave_life(w, &diag);
    if (st == LN_OK) {
        trial->phase = "again";
        st = brave_life(w, &diag);
    }
    bool hit = ln_testkit_hits(trial->device, *point) > 0;
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    if (st != LN_OK)
        verdict = ln_testkit_failed(trial, st, &diag);
    else if (hit)
        verdict = LN_TESTKIT_TOLERATED; /* nothing could be kept, or a datagram was sent again */
    if (!hit && w->server.full + w->server.resumed != 1)
        verdict = ln_testkit_broken(trial, "nothing failed, and yet a second handshake");
    if (w->traffic.repeated != 0)
        verdict = ln_testkit_broken(trial, "a record number was sent twice");
    ln_testkit_tap(w->kit, NULL, NULL);
    cid_server_close(&w->server);
    return verdict;
}

/* scenario: C2, PIT-24, S21 */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        enum ln_testkit_point point;
        const char *what;
        bool told; /* else it costs a handshake at most */
    } table[] = {
        { LN_TESTKIT_ALLOC, "allocation", true },
        { LN_TESTKIT_NET, "network call", true },
        { LN_TESTKIT_RANDOM, "random number", true },
        { LN_TESTKIT_FILE, "file operation", false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum ln_testkit_point point = table[i].point;
        struct ln_testkit_sweep settings = {
            .scenario = lives_with_a_fault, .user = &point, .seed = 3, .may_complete = true
        };
        struct ln_testkit_report report;
        if (!ln_testkit_for_each_fault(point, &settings, &report))
            fail_msg("%s %zu%s, %s: %s", table[i].what, report.n, report.sticky ? " and on" : "",
                     report.phase, report.text);
        assert_true(report.whole);
        assert_int_equal(report.failed > 0, table[i].told);
        assert_true(report.failed + report.tolerated > 0);
        print_message("%s: %zu trials, %zu told, %zu tolerated\n", table[i].what, report.trials,
                      report.failed, report.tolerated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_death_at_every_step),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
