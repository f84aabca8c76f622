/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5: what the application's functions may say and when they are called, what
 * ln_firmware_result() may say in which state, and in which order servers are told, in virtual time.
 */
#include "support/fwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct fw_world w;

static void fresh(void)
{
    fw_clear(&w);
    fw_boot(&w);
}

static void push_all(void)
{
    assert_int_equal(fw_push(&w, "an image", 8, -1), LN_COAP_CHANGED);
    fw_must_be(&w, "pushed", "2/0");
}

static void wait_ms(int64_t ms)
{
    assert_true(lw_run(&w.lw, NULL, ms));
}

static void update(void)
{
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    wait_ms(6000);
}

/* A pull that gets nowhere, and needs some time for it. */
static void begin_pull(void)
{
    assert_int_equal(fw_write_uri(&w, "coap://192.0.2.1:5999/fw"), LN_COAP_CHANGED);
    fw_must_be(&w, "begun", "1/0");
}

static void observe(const char *path, uint8_t token[8])
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = path };
    rq.observe = 0;
    assert_true(lw_ask(&w.lw, &rq));
    assert_true(w.lw.server.answer.observe);
    memcpy(token, w.lw.server.answer.token, 8);
}

/* ---- ln_firmware_result() ---- */

/* scenario: FW-19 */
static void test_results_from_without(void **state)
{
    static const char *const states[] = { "0/0", "1/0", "2/0", "3/0" };
    /* what becomes of each result in Idle, Downloading, Downloaded, Updating; NULL: it is refused */
    static const struct {
        enum ln_firmware_result result;
        const char *after[4];
    } rows[] = {
        { LN_FIRMWARE_INITIAL, { NULL, NULL, NULL, NULL } },
        { LN_FIRMWARE_SUCCESS, { NULL, NULL, NULL, "0/1" } },
        { LN_FIRMWARE_NO_SPACE, { NULL, "0/2", "0/2", "0/2" } },
        { LN_FIRMWARE_INTEGRITY, { NULL, "0/5", "0/5", "0/5" } },
        { LN_FIRMWARE_FAILED, { NULL, "0/8", "0/8", "0/8" } },
        { LN_FIRMWARE_CANCELLED, { NULL, NULL, NULL, NULL } },
        { LN_FIRMWARE_DEFERRED, { NULL, NULL, "2/11", "2/11" } },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows) * COUNT(states); i++) {
        size_t at = i % COUNT(states);
        const char *after = rows[i / COUNT(states)].after[at];
        fresh();
        if (at == 1)
            begin_pull();
        if (at >= 2)
            push_all();
        if (at == 3)
            update();
        fw_must_be(&w, "before", states[at]);
        unsigned resets = w.device.resets;
        assert_int_equal(ln_firmware_result(w.fw, rows[i / COUNT(states)].result),
                         after != NULL ? LN_OK : LN_BAD_STATE);
        fw_must_be(&w, states[at], after != NULL ? after : states[at]);
        bool dropped = after != NULL && after[0] == '0';
        assert_int_equal(w.device.resets, resets + (dropped ? 1 : 0));
        fw_halt(&w);
    }
}

/* ---- verify and install ---- */

/* What makes no sense as the word of a handler is a failure, and never success. */
/* scenario: FW-12, FW-18, U1 */
static void test_what_handlers_may_say(void **state)
{
    static const struct {
        enum ln_firmware_result said;
        const char *verify, *install;
    } rows[] = {
        { LN_FIRMWARE_INITIAL, "2/0", "3/0" },         { LN_FIRMWARE_SUCCESS, "0/5", "0/8" },
        { LN_FIRMWARE_NO_SPACE, "0/2", "0/2" },        { LN_FIRMWARE_NO_MEMORY, "0/3", "0/3" },
        { LN_FIRMWARE_CONNECTION_LOST, "0/5", "0/8" }, { LN_FIRMWARE_INTEGRITY, "0/5", "0/5" },
        { LN_FIRMWARE_PACKAGE_TYPE, "0/6", "0/6" },    { LN_FIRMWARE_BAD_URI, "0/5", "0/8" },
        { LN_FIRMWARE_FAILED, "0/8", "0/8" },          { LN_FIRMWARE_PROTOCOL, "0/5", "0/8" },
        { LN_FIRMWARE_CANCELLED, "0/5", "0/8" },       { LN_FIRMWARE_DEFERRED, "1/0", "2/11" },
        { (enum ln_firmware_result)99, "0/5", "0/8" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fresh();
        w.device.verify = rows[i].said;
        assert_int_equal(fw_push(&w, "an image", 8, -1), LN_COAP_CHANGED); /* the Write succeeds */
        fw_must_be(&w, "verify", rows[i].verify);
        assert_int_equal(w.device.verifies, 1);
        fw_halt(&w);
        fresh();
        push_all();
        w.device.install = rows[i].said;
        update();
        fw_must_be(&w, "install", rows[i].install);
        assert_int_equal(w.device.installs, 1);
        fw_halt(&w);
    }
}

/* Verifying takes time: other requests find the image not there yet, and the word comes once. */
/* scenario: FW-12, U9 */
static void test_verified_later(void **state)
{
    (void)state;
    fresh();
    w.device.verify = LN_FIRMWARE_DEFERRED;
    assert_int_equal(fw_push(&w, "an image", 8, -1), LN_COAP_CHANGED);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    ln_firmware_verified(w.fw, LN_FIRMWARE_DEFERRED); /* no word */
    fw_must_be(&w, "still", "1/0");
    ln_firmware_verified(w.fw, LN_FIRMWARE_INITIAL);
    ln_firmware_verified(w.fw, LN_FIRMWARE_INTEGRITY); /* too late */
    fw_must_be(&w, "verified", "2/0");
    fw_halt(&w);

    fresh();
    w.device.verify = LN_FIRMWARE_DEFERRED;
    assert_int_equal(fw_push(&w, "an image", 8, -1), LN_COAP_CHANGED);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    ln_firmware_verified(w.fw, LN_FIRMWARE_INITIAL); /* of an image that is gone */
    fw_must_be(&w, "cancelled", "0/10");
    fw_halt(&w);
}

static void take_back(struct fw_world *world, enum ln_firmware_state now)
{
    if (now == LN_FIRMWARE_UPDATING)
        assert_int_equal(ln_firmware_result(world->fw, LN_FIRMWARE_DEFERRED), LN_OK);
}

/* Once for each Execute, behind its answer; again after a deferral; never for one that was taken back. */
/* scenario: FW-14, U8 */
static void test_installed_once(void **state)
{
    (void)state;
    fresh();
    push_all();
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    wait_ms(100000);
    assert_int_equal(w.device.installs, 1);
    assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_DEFERRED), LN_OK);
    wait_ms(100000);
    assert_int_equal(w.device.installs, 1);
    update();
    assert_int_equal(w.device.installs, 2);
    fw_must_be(&w, "again", "3/0");
    fw_halt(&w);

    fresh(); /* taken back between the Execute and what it asked for */
    push_all();
    w.on_change = take_back;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    wait_ms(100000);
    assert_string_equal(w.device.changes, "1/0 2/0 3/0 2/11 ");
    assert_int_equal(w.device.installs, 0);
    fw_must_be(&w, "taken back", "2/11");
    fw_halt(&w);
}

/* However it was said: the time that the server allows begins with the deferral. */
/* scenario: FW-14 */
static void test_deferred_from_without(void **state)
{
    struct ln_firmware_info info;
    (void)state;
    fresh();
    assert_int_equal(lw_put(&w.lw, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    push_all();
    update();
    assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_DEFERRED), LN_OK);
    ln_firmware_info(w.fw, &info);
    assert_true(info.install_by > 0);
    wait_ms(500000);
    assert_int_equal(w.device.installs, 1);
    fw_halt(&w);
    fw_boot(&w); /* it is saved; this world is as old as the other one was at first */
    wait_ms(700000);
    assert_int_equal(w.device.installs, 2);
    fw_must_be(&w, "overdue", "3/0");
    fw_halt(&w);
}

/* ---- names ---- */

static const char *name(void *user)
{
    (void)user;
    return "pump";
}

static const char *no_version(void *user)
{
    (void)user;
    return NULL;
}

/* scenario: FW-15 */
static void test_names(void **state)
{
    (void)state;
    fw_clear(&w);
    w.config.package_name = name;
    w.config.package_version = no_version;
    fw_boot(&w);
    assert_int_equal(lw_get(&w.lw, "/5/0/6", -1), LN_COAP_NOT_FOUND);
    push_all();
    assert_string_equal(lw_read(&w.lw, "/5/0/6"), "pump");
    assert_int_equal(lw_get(&w.lw, "/5/0/7", -1), LN_COAP_NOT_FOUND);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    assert_int_equal(lw_get(&w.lw, "/5/0/6", -1), LN_COAP_NOT_FOUND);
    begin_pull();
    assert_int_equal(lw_get(&w.lw, "/5/0/6", -1), LN_COAP_NOT_FOUND);
    fw_halt(&w);
}

/* ---- requests without an image ---- */

/* Nothing is there to be dropped, and dropping it is no mistake. */
/* scenario: U2, U5, U9, U10, FW-13 */
static void test_idle(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(fw_push(&w, "\0", 1, -1), LN_COAP_CHANGED);
    assert_int_equal(fw_push(&w, "", 0, -1), LN_COAP_CHANGED);
    assert_int_equal(fw_write_uri(&w, ""), LN_COAP_CHANGED);
    assert_int_equal(w.device.resets, 3);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    fw_must_be(&w, "idle", "0/0");
    fw_halt(&w);
}

/* scenario: U11 */
static void test_numbers_out_of_range(void **state)
{
    static const struct {
        const char *path, *value;
        uint8_t code;
    } rows[] = {
        { "/5/0/11", "0", LN_COAP_CHANGED },      { "/5/0/11", "2", LN_COAP_CHANGED },
        { "/5/0/11", "3", LN_COAP_BAD_REQUEST },  { "/5/0/11", "-1", LN_COAP_BAD_REQUEST },
        { "/5/0/13", "0", LN_COAP_CHANGED },      { "/5/0/13", "4294967295", LN_COAP_CHANGED },
        { "/5/0/13", "-1", LN_COAP_BAD_REQUEST }, { "/5/0/13", "x", LN_COAP_BAD_REQUEST },
    };
    (void)state;
    fresh();
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(lw_put(&w.lw, rows[i].path, 0, rows[i].value, strlen(rows[i].value)),
                         rows[i].code);
    assert_string_equal(lw_read(&w.lw, "/5/0/11"), "2");
    assert_string_equal(lw_read(&w.lw, "/5/0/13"), "4294967295");
    fw_halt(&w);
}

/* A push shows Downloading; one whose rest never comes is a lost connection. */
/* scenario: U1, FW-11, FW-13 */
static void test_a_push_that_stops(void **state)
{
    static const char image[1000] = { 1 };
    (void)state;
    fresh();
    assert_int_equal(fw_push(&w, image, sizeof image, 4), LN_COAP_CHANGED);
    assert_string_equal(w.device.changes, "1/0 2/0 ");
    fw_halt(&w);

    fresh();
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = image;
    rq.len = sizeof image;
    rq.block1_szx = 4;
    rq.block1_stop = 2;
    assert_true(lw_ask(&w.lw, &rq));
    assert_int_equal(w.lw.server.answer.code, LN_COAP_CONTINUE);
    fw_must_be(&w, "in the middle", "1/0");
    assert_int_equal(w.device.store.len, 512);
    assert_true(fw_run_until_over(&w, 3600 * 1000));
    fw_must_be(&w, "its rest never came", "0/4");
    assert_int_equal(w.device.resets, 1);
    push_all(); /* and another one may come */
    fw_halt(&w);
}

/* ---- what a URI leaves behind ---- */

/* It stays to be read, whatever became of it; an empty one alone clears it. */
/* scenario: FW-19, U5, U6, U7 */
static void test_the_uri_stays(void **state)
{
    static const char uri[] = "coap://192.0.2.1:5999/fw";
    (void)state;
    fw_clear(&w);
    w.config.attempts_max = 1;
    fw_boot(&w);
    fw_pull(&w, uri); /* the Write succeeds; that nobody listens shows in the result */
    fw_must_be(&w, "nobody listens", "0/4");
    assert_string_equal(lw_read(&w.lw, "/5/0/1"), uri);
    assert_int_equal(fw_write_uri(&w, "ftp://192.0.2.1/fw"), LN_COAP_BAD_REQUEST);
    fw_must_be(&w, "no such scheme", "0/9");
    assert_string_equal(lw_read(&w.lw, "/5/0/1"), uri);
    begin_pull();
    assert_int_equal(fw_write_uri(&w, "http://192.0.2.1/other"), LN_COAP_BAD_REQUEST);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    fw_must_be(&w, "cancelled", "0/10");
    assert_string_equal(lw_read(&w.lw, "/5/0/1"), uri);
    assert_int_equal(fw_write_uri(&w, ""), LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w.lw, "/5/0/1"), "");
    fw_halt(&w);
}

/* ---- observers ---- */

/* "R7 S0 ": results and states in the order in which they were told. */
static const char *told(const uint8_t state_token[8], const uint8_t result_token[8])
{
    static char text[200];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < w.lw.server.note_count && len < sizeof text - 8; i++) {
        const struct lw_note *note = &w.lw.server.notes[i];
        bool is_state = memcmp(note->token, state_token, 8) == 0;
        bool is_result = memcmp(note->token, result_token, 8) == 0;
        if (is_state || is_result)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c%.*s ", is_state ? 'S' : 'R',
                                    (int)note->len, note->payload);
    }
    return text;
}

/* Nobody ever sees a new state with an old result. */
/* scenario: R10, U8 */
static void test_result_before_state(void **state)
{
    uint8_t states[8];
    uint8_t results[8];
    (void)state;
    fw_clear(&w);
    w.config.attempts_max = 1;
    fw_boot(&w);
    observe("/5/0/3", states);
    observe("/5/0/5", results);
    begin_pull();
    assert_true(fw_run_until_over(&w, 600000));
    wait_ms(10000);
    const char *all = told(states, results);
    const char *result = strstr(all, "R4 ");
    const char *idle = strstr(all, "S0 ");
    if (result == NULL || idle == NULL || idle < result)
        fail_msg("told: %s", all);
    fw_halt(&w);

    fresh();
    observe("/5/0/3", states);
    observe("/5/0/5", results);
    push_all();
    update();
    wait_ms(10000);
    all = told(states, results);
    const char *three = strstr(all, "S3 ");
    if (three == NULL)
        fail_msg("Updating was not told: %s", all);
    assert_int_equal(w.device.installs, 1);
    assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_FAILED), LN_OK);
    wait_ms(10000);
    all = told(states, results);
    result = strstr(all, "R8 ");
    if (result == NULL || strstr(result, "S0 ") == NULL)
        fail_msg("told: %s", all);
    fw_halt(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_from_without),
        cmocka_unit_test(test_what_handlers_may_say),
        cmocka_unit_test(test_verified_later),
        cmocka_unit_test(test_installed_once),
        cmocka_unit_test(test_deferred_from_without),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_numbers_out_of_range),
        cmocka_unit_test(test_a_push_that_stops),
        cmocka_unit_test(test_the_uri_stays),
        cmocka_unit_test(test_result_before_state),
    };
    return cmocka_run_group_tests_name("firmware/rules", tests, NULL, NULL);
}
