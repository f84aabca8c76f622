/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole life of a client with every allocation, every network call, and every request for
 * randomness failing in turn: it ends well, or with a status, and leaves nothing behind.
 *
 * The scenario: register, read, write, create, observe and be notified, update, de-register. Where a
 * failure hits a request, the server asks again; where it hits the registration, the client tries
 * again by itself. So nearly all faults heal, and what must not happen is a crash, a leak, a hang or
 * a value that was half written.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct lw_world w; /* large */

static bool was_told(const struct lw_world *world)
{
    return world->server.note_count > 0;
}

static bool is_updated(const struct lw_world *world)
{
    return world->server.updates > 0;
}

/* Ask until the device has something better to say than 5.03: it may lack memory for a moment. */
static uint8_t insist(const struct lw_request *rq)
{
    for (unsigned i = 0; i < 3; i++) {
        bool came = lw_ask(&w, rq);
        uint8_t code = w.server.answer.code;
        if (came && code != LN_COAP_UNAVAILABLE && code != LN_COAP_INTERNAL_ERROR)
            return code;
    }
    return 0;
}

static uint8_t insist_on(uint8_t code, const char *path, int format, const char *payload,
                         size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = code, .path = path };
    rq.payload = payload;
    rq.len = len;
    rq.format = format;
    return insist(&rq);
}

/* NULL: all was as it must be or could not be done; else the promise that was broken. */
static const char *requests(struct ln_testkit_trial *trial, bool *done)
{
    static const char bad[] = { (char)0xc1, 0x78, 0x07, (char)0xc2, (char)0x8c, 0x01, 0x01 };
    *done = false;
    trial->phase = "read";
    uint8_t code = insist_on(LN_COAP_GET, "/3/0", -1, NULL, 0);
    if (code != LN_COAP_CONTENT)
        return code == 0 ? NULL : "a Read was refused";
    trial->phase = "write";
    code = insist_on(LN_COAP_PUT, "/3442/0/110", 0, "sweep", 5);
    if (code != LN_COAP_CHANGED)
        return code == 0 ? NULL : "a Write was refused";
    trial->phase = "bad write";
    code = insist_on(LN_COAP_POST, "/3442/0", 11542, bad, sizeof bad);
    if (code != LN_COAP_BAD_REQUEST)
        return code == 0 ? NULL : "a bad Write was taken";
    struct ln_value v;
    if (ln_client_get(w.client, ln_path_resource(3442, 0, 120), &v) != LN_OK ||
        v.as.integer != 1024)
        return "a refused Write changed something";
    trial->phase = "create";
    code = insist_on(LN_COAP_POST, "/3442", 11542, "\xc1\x78\x07", 3);
    if (code != LN_COAP_CREATED)
        return code == 0 ? NULL : "a Create was refused";
    trial->phase = "observe";
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
    observe.observe = 0;
    code = insist(&observe);
    if (code != LN_COAP_CONTENT)
        return code == 0 ? NULL : "an Observe was refused";
    bool observed = w.server.answer.observe;
    trial->phase = "notify";
    w.device.battery_level = 42;
    ln_client_changed(w.client, 3, 0, 9);
    if (observed && !lw_run(&w, was_told, 30000))
        return NULL; /* one notification was lost: allowed, and told to the application */
    *done = observed;
    return NULL;
}

static enum ln_testkit_verdict live(void *user, struct ln_testkit_trial *trial)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    bool done = false;
    (void)user;
    options.trial = trial;
    options.link.delay_min_ms = 20;
    trial->phase = "open";
    enum ln_status st = lw_open(&w, &options, &what);
    if (st == LN_OK) {
        trial->phase = "start";
        st = lw_start(&w);
    }
    if (st != LN_OK) {
        lw_close(&w);
        return ln_testkit_failed(trial, st, NULL);
    }
    trial->phase = "register";
    const char *broken = NULL;
    if (!lw_run(&w, lw_is_registered, INT64_C(3) * 3600 * 1000)) {
        broken = "it never registered, in three hours";
        print_message("%s", ln_testkit_log(w.device_host));
    } else {
        broken = requests(trial, &done);
        trial->phase = "update";
        bool updated = lw_run(&w, is_updated, INT64_C(2) * 3600 * 1000);
        if (broken == NULL && !updated && !lw_run(&w, lw_is_registered, 3600000))
            broken = "it neither updated nor registered anew";
        trial->phase = "stop";
        if (!lw_stop(&w, 600000))
            broken = "it did not stop";
    }
    lw_close(&w);
    if (broken != NULL)
        return ln_testkit_broken(trial, "%s", broken);
    return done ? LN_TESTKIT_COMPLETED : LN_TESTKIT_TOLERATED;
}

static void sweep(enum ln_testkit_point point, size_t at_least)
{
    struct ln_testkit_sweep settings = {
        .scenario = live, .seed = 7, .modes = LN_TESTKIT_TRANSIENT, .may_complete = true
    };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_fault(point, &settings, &report))
        fail_msg("N = %zu, phase %s: %s (%s)", report.n, report.phase, report.text,
                 ln_status_name(report.status));
    assert_true(report.whole);
    assert_true(report.points >= at_least);
    print_message("%zu points, %zu trials: %zu completed, %zu tolerated, %zu failed\n",
                  report.points, report.trials, report.completed, report.tolerated, report.failed);
}

static void test_every_allocation(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, 30);
}

static void test_every_network_call(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET, 20);
}

static void test_every_request_for_randomness(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_RANDOM, 4);
}

/* From the Nth allocation on there is no memory at all: nothing crashes, all of it ends. */
static enum ln_testkit_verdict starve(void *user, struct ln_testkit_trial *trial)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    (void)user;
    options.trial = trial;
    trial->phase = "open";
    enum ln_status st = lw_open(&w, &options, &what);
    if (st == LN_OK)
        st = lw_start(&w);
    bool done = false;
    if (st == LN_OK && lw_run(&w, lw_is_registered, 600000)) {
        const char *broken = requests(trial, &done);
        if (broken != NULL && strstr(broken, "changed") != NULL) {
            lw_close(&w);
            return ln_testkit_broken(trial, "%s", broken);
        }
        (void)lw_stop(&w, 600000);
    }
    lw_close(&w);
    if (st != LN_OK)
        return ln_testkit_failed(trial, st, NULL);
    return done ? LN_TESTKIT_COMPLETED : LN_TESTKIT_TOLERATED;
}

static void test_no_memory_from_then_on(void **state)
{
    (void)state;
    struct ln_testkit_sweep settings = {
        .scenario = starve, .seed = 7, .modes = LN_TESTKIT_STICKY, .may_complete = true
    };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_oom(&settings, &report))
        fail_msg("N = %zu, phase %s: %s", report.n, report.phase, report.text);
    assert_true(report.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_every_network_call),
        cmocka_unit_test(test_every_request_for_randomness),
        cmocka_unit_test(test_no_memory_from_then_on),
    };
    return cmocka_run_group_tests_name("lwm2m/sweep", tests, NULL, NULL);
}
