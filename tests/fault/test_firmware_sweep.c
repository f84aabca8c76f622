/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware updates with every allocation, every network call and every request for randomness failing
 * in turn, and with every call of the store and of save().
 *
 * An image is pushed, another one is pulled by http, and it is installed. Whatever fails: the state is
 * one that a server can go on from, with the result that says why; an image that counts as downloaded
 * is the one that was sent; and nothing is left behind.
 */
#include "support/fwworld.h"
#include "support/httpserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define URI "http://192.0.2.1/fw"
#define SIZE 9000

static struct fw_world w;
static struct ln_env server_env;
static struct http_server web;
static struct http_file page;
static uint8_t image[SIZE];

/* ---- the server ---- */

/* Cut once: a download that goes on is more than one that does not. */
static void serve_page(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    (void)user;
    http_serve_file(&page, ask, answer);
    if (ask->number == 1) {
        answer->limit = answer->head_len + 4000;
        answer->end = HTTP_CLOSE;
    }
}

static void open_server(struct fw_world *world)
{
    ln_testkit_env(world->lw.server_host, &server_env);
    http_server_open(&web, world->lw.kit, world->lw.server_host, &server_env, 80, NULL, serve_page,
                     NULL);
}

static void close_server(struct fw_world *world)
{
    (void)world;
    http_server_close(&web);
}

static void fresh(struct ln_testkit_trial *trial)
{
    fw_clear(&w);
    w.on_boot = open_server;
    w.on_halt = close_server;
    w.options.trial = trial;
    w.options.link.delay_min_ms = 20;
    page = (struct http_file) { .content = { image, SIZE }, .etag = "\"v1\"" };
}

/* ---- what may be ---- */

static struct ln_firmware_info look(void)
{
    struct ln_firmware_info info;
    ln_firmware_info(w.fw, &info);
    return info;
}

static bool holds(size_t len)
{
    return dl_store_holds(&w.device.store, ln_span(image, len));
}

/* Downloaded, and it is right; or Idle, and the result says why, or is the one from before. NULL: so
 * it is. */
static const char *judge(size_t len, enum ln_firmware_result before, bool *downloaded)
{
    struct ln_firmware_info info = look();
    *downloaded = info.state == LN_FIRMWARE_DOWNLOADED;
    if (*downloaded)
        return holds(len) && info.result == LN_FIRMWARE_INITIAL ? NULL : "the image is a wrong one";
    if (info.state != LN_FIRMWARE_IDLE)
        return "it neither ended nor failed";
    bool told = info.result == LN_FIRMWARE_NO_MEMORY || info.result == LN_FIRMWARE_NO_SPACE ||
                info.result == LN_FIRMWARE_CONNECTION_LOST;
    return told || info.result == before ? NULL : "the result is a wrong one";
}

/* The device may lack memory for a moment: asked three times. What came of it is seen in the state. */
static void insist(struct lw_request *rq)
{
    for (unsigned i = 0; i < 3; i++)
        if (lw_ask(&w.lw, rq) && w.lw.server.answer.code == LN_COAP_CHANGED)
            return;
}

static const char *push(bool *done)
{
    enum ln_firmware_result before = look().result;
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = image;
    rq.len = 1000;
    rq.block1_szx = 4;
    insist(&rq);
    if (!fw_run_until_over(&w, INT64_C(2) * 3600 * 1000))
        return "a push neither ended nor failed";
    return judge(1000, before, done);
}

static const char *pull(bool *done)
{
    enum ln_firmware_result before = look().result;
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/1" };
    rq.format = 0;
    rq.payload = URI;
    rq.len = strlen(URI);
    insist(&rq);
    if (!fw_run_until_over(&w, INT64_C(2) * 3600 * 1000))
        return "a pull neither ended nor failed";
    return judge(SIZE, before, done);
}

static const char *install(bool *done)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/5/0/2" };
    insist(&rq);
    (void)lw_run(&w.lw, NULL, 20000);
    bool updating = look().state == LN_FIRMWARE_UPDATING;
    if (w.device.installs != (updating ? 1u : 0u))
        return "the installation does not fit the state";
    *done = updating;
    if (updating && ln_firmware_result(w.fw, LN_FIRMWARE_SUCCESS) != LN_OK)
        return "the outcome is refused";
    return NULL;
}

/* Push, drop, pull, install. @return NULL, or the promise that was broken */
static const char *updates(struct ln_testkit_trial *trial, bool *done)
{
    bool pushed = false;
    bool pulled = false;
    *done = false;
    trial->phase = "push";
    const char *broken = push(&pushed);
    if (broken == NULL && pushed && ln_firmware_result(w.fw, LN_FIRMWARE_FAILED) != LN_OK)
        broken = "an image cannot be dropped";
    if (broken != NULL)
        return broken;
    trial->phase = "pull";
    broken = pull(&pulled);
    if (broken != NULL || !pulled)
        return broken;
    trial->phase = "install";
    broken = install(done);
    *done = *done && pushed;
    return broken;
}

/* ---- sweeps ---- */

static enum ln_testkit_verdict live(void *user, struct ln_testkit_trial *trial)
{
    bool done = false;
    const char *broken = NULL;
    (void)user;
    fresh(trial);
    trial->phase = "open";
    enum ln_status st = fw_try_boot(&w);
    bool registered = st == LN_OK && lw_run(&w.lw, lw_is_registered, INT64_C(3) * 3600 * 1000);
    if (registered)
        broken = updates(trial, &done);
    fw_halt(&w);
    if (broken != NULL)
        return ln_testkit_broken(trial, "%s", broken);
    if (st != LN_OK)
        return ln_testkit_failed(trial, st, NULL);
    return done ? LN_TESTKIT_COMPLETED : LN_TESTKIT_TOLERATED;
}

static void sweep(enum ln_testkit_point point, unsigned modes, size_t at_least)
{
    struct ln_testkit_sweep settings = {
        .scenario = live, .seed = 7, .modes = modes, .may_complete = true
    };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_fault(point, &settings, &report))
        fail_msg("N = %zu%s, phase %s: %s (%s)", report.n, report.sticky ? " and on" : "",
                 report.phase, report.text, ln_status_name(report.status));
    assert_true(report.whole);
    assert_true(report.points >= at_least);
    assert_true(report.completed > 0);
    print_message("%zu points, %zu trials: %zu completed, %zu tolerated, %zu failed\n",
                  report.points, report.trials, report.completed, report.tolerated, report.failed);
}

static void test_every_allocation(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, LN_TESTKIT_TRANSIENT, 60);
}

static void test_no_memory_from_then_on(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC, LN_TESTKIT_STICKY, 60);
}

static void test_every_network_call(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET, LN_TESTKIT_TRANSIENT, 40);
}

/* scenario: H102 */
static void test_every_request_for_randomness(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_RANDOM, LN_TESTKIT_TRANSIENT, 4);
}

/* Each call of the store fails once; the next pull finds all that it needs. */
/* scenario: R8, T17 */
static void test_every_call_of_the_store(void **state)
{
    size_t failed = 0;
    (void)state;
    for (enum dl_call call = DL_BEGIN; call < DL_CALLS; call++) {
        for (unsigned n = 1;; n++) {
            bool done = false;
            fresh(NULL);
            w.device.store.fails = call;
            w.device.store.fail_at = n;
            w.device.store.status = LN_IO;
            fw_boot(&w);
            const char *broken = pull(&done);
            uint64_t calls = w.device.store.calls[call];
            if (broken == NULL && !done) {
                failed++;
                broken = look().result != LN_FIRMWARE_NO_SPACE ? "the result is a wrong one"
                                                               : pull(&done);
            }
            if (broken == NULL && !done)
                broken = "it cannot be done later";
            fw_halt(&w);
            if (broken != NULL)
                fail_msg("call %d, N = %u: %s", (int)call, n, broken);
            if (calls < n)
                break;
        }
    }
    assert_true(failed >= 4);
}

int main(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 251 + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_no_memory_from_then_on),
        cmocka_unit_test(test_every_network_call),
        cmocka_unit_test(test_every_request_for_randomness),
        cmocka_unit_test(test_every_call_of_the_store),
    };
    return cmocka_run_group_tests_name("firmware/sweep", tests, NULL, NULL);
}
