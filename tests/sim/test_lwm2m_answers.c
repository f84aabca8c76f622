/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server is told that asks for what cannot be, and what must not survive a registration.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct lw_world w;

/* ---- an object with rules ---- */

enum { RULED = 32002 };

struct ruled {
    int32_t must;
    int32_t may;
    int32_t told; /* read only */
};

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct ruled *r = at->instance;
    (void)was;
    return r->must < 100 ? LN_ANSWER_OK : LN_ANSWER_BAD_REQUEST;
}

static enum ln_answer create(const struct ln_at *at)
{
    struct ruled *r = at->instance;
    r->told = 7;
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ruled_ops = { .validate = validate, .create = create };

static const struct ln_resource ruled_rows[] = {
    LN_RESOURCE(0, LN_VALUE_INTEGER, LN_RES_READ | LN_RES_WRITE | LN_RES_MANDATORY, struct ruled,
                must),
    LN_RESOURCE(1, LN_VALUE_INTEGER, LN_RES_READ | LN_RES_WRITE, struct ruled, may),
    LN_RESOURCE(2, LN_VALUE_INTEGER, LN_RES_READ, struct ruled, told),
    LN_RESOURCE(3, LN_VALUE_INTEGER, LN_RES_WRITE, struct ruled, may),
};

static const struct ln_object ruled_object = {
    .id = RULED,
    .resources = ruled_rows,
    .resource_count = LN_COUNT_OF(ruled_rows),
    .flags = LN_OBJECT_CREATE | LN_OBJECT_DELETE,
    .instance_size = sizeof(struct ruled),
    .instance_max = 3,
    .ops = &ruled_ops,
};

static void add_ruled(struct lw_world *world)
{
    assert_int_equal(ln_client_add_object(world->client, &ruled_object, NULL, NULL), LN_OK);
    assert_int_equal(ln_client_add_instance(world->client, RULED, 0, NULL, NULL), LN_OK);
}

/* ---- the world ---- */

static void open_with(struct lw_options *options)
{
    const char *what = "";
    options->prepare = add_ruled;
    assert_int_equal(lw_open(&w, options, &what), LN_OK);
    assert_true(lw_register(&w));
}

static void open_world(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    open_with(&options);
}

static uint8_t ask(uint8_t code, const char *path, const char *query, int format,
                   const char *payload, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = code, .path = path, .query = query };
    rq.format = format;
    rq.payload = payload;
    rq.len = len;
    assert_true(lw_ask(&w, &rq));
    return w.server.answer.code;
}

static void observe(const char *path)
{
    assert_int_equal(lw_observe(&w, path), LN_COAP_CONTENT);
    assert_true(w.server.answer.observe);
    w.server.note_count = 0;
}

static void drain(uint8_t level)
{
    w.device.battery_level = level;
    ln_client_changed(w.client, 3, 0, 9);
}

static uint32_t observations(void)
{
    struct ln_server_info info;
    assert_int_equal(ln_client_server_info(w.client, 1, &info), LN_OK);
    return info.observations;
}

/* ---- answers ---- */

static void test_what_cannot_be(void **state)
{
    static const struct {
        uint8_t code;
        const char *path;
        const char *query;
        int format;
        const char *payload;
        size_t len;
        uint8_t answer;
    } rows[] = {
        /* attributes come alone, and only where something can be watched */
        { LN_COAP_PUT, "/3/0", "pmin=1", 0, "x", 1, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3/0/4", "pmin=1", -1, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_PUT, "/32002/0/3", "pmin=1", -1, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_PUT, "/3/0", "gt=1", -1, "", 0, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3/0/9", "gt=1&lt=1", -1, "", 0, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3/0/9", "dim=1", -1, "", 0, LN_COAP_BAD_REQUEST },
        /* paths */
        { LN_COAP_GET, "/3//0", NULL, -1, "", 0, LN_COAP_BAD_REQUEST },
        { LN_COAP_GET, "/3/0/", NULL, -1, "", 0, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3", NULL, 11542, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_DELETE, "/3442/0/120", NULL, -1, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_DELETE, "/3/0", NULL, -1, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_POST, "/3442/0/1120/0", NULL, 0, "1", 1, LN_COAP_METHOD_NOT_ALLOWED },
        /* a POST without a format executes, and this cannot be executed */
        { LN_COAP_POST, "/3442/0/120", NULL, -1, "1", 1, LN_COAP_METHOD_NOT_ALLOWED },
        { LN_COAP_POST, "/3442/0/3", NULL, 42, "1", 1, LN_COAP_UNSUPPORTED_FORMAT },
        { LN_COAP_POST, "/3442/0/3", NULL, 0, "0='", 3, LN_COAP_BAD_REQUEST },
        { LN_COAP_FETCH, "/", NULL, -1, "", 0, LN_COAP_METHOD_NOT_ALLOWED },
        /* a resource that is written twice, or that is not a number */
        { LN_COAP_POST, "/32002/0", NULL, 11542, "\xc1\x00\x05\xc1\x00\x06", 6,
          LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/32002/0", NULL, 11542, "\xc1\x01\x05", 3, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/32002/0", NULL, 0, "5", 1, LN_COAP_BAD_REQUEST },
        /* a String is UTF-8, and ends where it ends */
        { LN_COAP_PUT, "/3442/0/110", NULL, 0, "a\xff", 2, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3442/0/110", NULL, 11542, "\xc2\x6e\xc3\x28", 4, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3442/0/110", NULL, 0, "a\0b", 3, LN_COAP_BAD_REQUEST },
        { LN_COAP_PUT, "/3442/0/110", NULL, 0, "\xc3\xa4", 2, LN_COAP_CHANGED },
        /* Create: what is mandatory is missing, what validate() refuses, what is full */
        { LN_COAP_POST, "/32002", NULL, 11542, "\xc1\x01\x05", 3, LN_COAP_BAD_REQUEST },
        { LN_COAP_POST, "/32002", NULL, 11542, "\xc1\x00\x65", 3, LN_COAP_BAD_REQUEST },
        { LN_COAP_POST, "/32002", NULL, 11542, "\xc1\x00\x05\xc1\x02\x09", 6, LN_COAP_CREATED },
        { LN_COAP_POST, "/32002", NULL, 11542, "\xc1\x00\x05\xc1\x63\x09", 6, LN_COAP_CREATED },
        { LN_COAP_POST, "/32002", NULL, 11542, "\xc1\x00\x05", 3, LN_COAP_METHOD_NOT_ALLOWED },
    };
    (void)state;
    open_world();
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        uint8_t code = ask(rows[i].code, rows[i].path, rows[i].query, rows[i].format,
                           rows[i].payload, rows[i].len);
        if (code != rows[i].answer)
            fail_msg("row %zu, %s: answered %u.%02u", i, rows[i].path, code >> 5, code & 31u);
    }
    assert_string_equal(lw_read(&w, "/32002/0/0"), "0");
    assert_string_equal(lw_read(&w, "/32002/1/2"), "7"); /* read only: the device's own */
    lw_close(&w);
}

/* Arguments come in one message; a second block of them is none. */
static void test_arguments_in_blocks(void **state)
{
    static char args[] = "0='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442/0/3" };
    (void)state;
    open_world();
    rq.format = 0;
    rq.payload = args;
    rq.len = sizeof args - 1;
    rq.block1_szx = 1;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_TOO_LARGE);
    rq.block1_from = 1;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_INCOMPLETE);
    assert_int_equal(lw_get(&w, "/3442/0/4/0", -1), LN_COAP_NOT_FOUND);
    lw_close(&w);
}

/* What is gathered from blocks is bounded; a value that fits but for its type is no matter of size. */
static void test_a_write_that_is_too_long(void **state)
{
    static uint8_t body[6 * 1024];
    static const struct {
        size_t len;
        uint8_t answer;
    } rows[] = {
        { 4096, LN_COAP_BAD_REQUEST }, /* longer than the field */
        { 4097, LN_COAP_TOO_LARGE },
        { sizeof body, LN_COAP_TOO_LARGE },
    };
    (void)state;
    open_world();
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3442/0/150" };
        rq.format = 42;
        rq.payload = body;
        rq.len = rows[i].len;
        rq.block1_szx = 6;
        assert_true(lw_ask(&w, &rq));
        assert_int_equal(w.server.answer.code, rows[i].answer);
    }
    lw_close(&w);
}

/* What a server may set is bounded, and what it unsets makes room. */
static void test_too_many_attributes(void **state)
{
    (void)state;
    open_world();
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 4; i++) {
            uint16_t iid = (uint16_t)i;
            if (round == 0 && i > 0)
                assert_int_equal(ln_client_add_instance(w.client, 3442, iid, NULL, NULL), LN_OK);
            for (unsigned r = 0; r < 17; r++) {
                static const unsigned rids[] = { 110,  120,  125,  130,  140,  150,  160,  170, 180,
                                                 1110, 1120, 1125, 1130, 1140, 1150, 1160, 1170 };
                char path[32];
                snprintf(path, sizeof path, "/3442/%u/%u", i, rids[r]);
                bool room = i * 17 + r < 64;
                uint8_t code = ask(LN_COAP_PUT, path, round == 0 ? "pmin=1" : "pmin", -1, "", 0);
                uint8_t good = round == 0 && !room ? LN_COAP_UNAVAILABLE : LN_COAP_CHANGED;
                if (code != good)
                    fail_msg("%s: answered %u.%02u", path, code >> 5, code & 31u);
            }
        }
    assert_int_equal(ask(LN_COAP_PUT, "/3/0", "pmin=1", -1, "", 0), LN_COAP_CHANGED);
    lw_close(&w);
}

/* ---- observations ---- */

/* The same token again is the same observation. */
static void test_the_same_token_again(void **state)
{
    (void)state;
    open_world();
    observe("/3/0/9");
    w.server.token--;
    observe("/3/0/9");
    assert_int_equal(observations(), 1);
    w.server.token--;
    observe("/3/0/10");
    assert_int_equal(observations(), 1);
    drain(5);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(w.server.note_count, 0); /* 9 is observed no more */
    lw_close(&w);
}

/* A Reset ends the observation whose notification it answers, also one that was not confirmable. */
static void test_a_reset_of_a_notification(void **state)
{
    (void)state;
    open_world();
    observe("/3/0/9");
    observe("/3/0/10");
    w.server.script.reset_notes = true;
    drain(5);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(observations(), 1);
    drain(6);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(observations(), 1);
    lw_close(&w);
}

static bool registered_again(const struct lw_world *world)
{
    return world->server.registers >= 2 && lw_is_registered(world);
}

/* A new registration knows nothing of the observations before it, however it came about. */
static void test_observations_end_with_the_registration(void **state)
{
    static const uint8_t codes[] = { LN_COAP_NOT_FOUND, LN_COAP_BAD_REQUEST, 0 };
    (void)state;
    for (size_t i = 0; i < sizeof codes; i++) {
        open_world();
        observe("/3/0/9");
        w.server.script.update_code = codes[i];
        w.server.script.fail_updates = codes[i] != 0;
        ln_msec began = lw_now(&w);
        if (codes[i] != 0)
            assert_int_equal(ln_client_update(w.client, 1), LN_OK);
        else
            assert_int_equal(ln_client_disable(w.client, 1, 20), LN_OK);
        assert_true(lw_run(&w, registered_again, 30000));
        assert_in_range(lw_now(&w) - began, 0, codes[i] != 0 ? 1000 : 30000);
        assert_int_equal(observations(), 0);
        drain(5);
        assert_true(lw_run(&w, NULL, 60000));
        assert_int_equal(w.server.note_count, 0);
        lw_close(&w);
    }
}

static bool is_asleep(const struct lw_world *world)
{
    return lw_count(world, LN_CLIENT_ASLEEP) > 0;
}

/* A notification that waits for its acknowledgement keeps the device awake, whatever the window. */
static void test_no_sleep_before_the_acknowledgement(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    (void)state;
    options.config.queue_mode = true;
    options.config.awake_ms = 1000;
    open_with(&options);
    assert_int_equal(ask(LN_COAP_PUT, "/3/0/9", "con=1", -1, "", 0), LN_COAP_CHANGED);
    observe("/3/0/9");
    w.server.script.mute_notes = true;
    drain(5);
    assert_false(lw_run(&w, is_asleep, 25000));
    w.server.script.mute_notes = false;
    assert_true(lw_run(&w, is_asleep, 90000));
    assert_int_equal(lw_count_notes(&w, LN_NOTE_ACKNOWLEDGED), 1);
    lw_close(&w);
}

/* What is stored is bounded in bytes, too; the oldest goes first. */
static void test_stored_bytes(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    (void)state;
    options.config.notes_bytes = 5;
    open_with(&options);
    observe("/3/0/9");
    w.server.script.silent = true;
    assert_int_equal(ln_client_update(w.client, 1), LN_OK);
    for (uint8_t level = 20; level < 30; level++) {
        drain(level);
        assert_true(lw_run(&w, NULL, 1000));
    }
    w.server.script.silent = false;
    assert_true(lw_run(&w, NULL, 30000));
    assert_int_equal(w.server.note_count, 2);
    assert_string_equal(w.server.notes[0].payload, "28");
    assert_string_equal(w.server.notes[1].payload, "29");
    lw_close(&w);
}

static void expect_notes(size_t count, const char *const *texts)
{
    assert_int_equal(w.server.note_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(w.server.notes[i].payload, texts[i]);
}

static void go_offline(void)
{
    w.server.script.silent = true;
    assert_int_equal(ln_client_update(w.client, 1), LN_OK);
    assert_true(lw_run(&w, NULL, 1000));
}

static void come_back(void)
{
    w.server.script.silent = false;
    assert_true(lw_run(&w, NULL, 30000));
}

static void fill(uint32_t level)
{
    w.device.memory_free = (int32_t)level;
    ln_client_changed(w.client, 3, 0, 10);
    assert_true(lw_run(&w, NULL, 1000));
}

/* hqmax: so many of one observation, the newest; of another one as many as there is room for. */
static void test_hqmax(void **state)
{
    static const char *const texts[] = { "1", "2", "3", "13", "14" };
    (void)state;
    open_world();
    assert_int_equal(ask(LN_COAP_PUT, "/3/0/9", "hqmax=2", -1, "", 0), LN_COAP_CHANGED);
    observe("/3/0/9");
    observe("/3/0/10");
    go_offline();
    for (uint8_t i = 1; i < 4; i++)
        fill(i);
    for (uint8_t level = 10; level < 15; level++) {
        drain(level);
        assert_true(lw_run(&w, NULL, 1000));
    }
    come_back();
    expect_notes(5, texts);
    lw_close(&w);
}

/* Where there is no room, a newer state goes for an older one of the same, not for the oldest. */
static void test_what_makes_room(void **state)
{
    static const char *const texts[] = { "50", "3" };
    struct lw_options options = LW_OPTIONS_INIT;
    (void)state;
    options.config.notes_max = 2;
    open_with(&options);
    observe("/3/0/9");
    observe("/3/0/10");
    go_offline();
    drain(50);
    assert_true(lw_run(&w, NULL, 1000));
    fill(2);
    fill(3);
    come_back();
    expect_notes(2, texts);
    lw_close(&w);
}

/* While one waits for its acknowledgement, each value that crosses a threshold waits behind it; of
 * plain changes the newest does (RFC 7641 4.5.2). */
static void test_what_waits_for_an_acknowledgement(void **state)
{
    static const char *const crossed[] = { "11", "4", "12" };
    static const char *const plain[] = { "11", "12" };
    (void)state;
    for (int threshold = 0; threshold < 2; threshold++) {
        open_world();
        drain(5);
        assert_int_equal(ask(LN_COAP_PUT, "/3/0/9", threshold ? "con=1&gt=10" : "con=1", -1, "", 0),
                         LN_COAP_CHANGED);
        observe("/3/0/9");
        w.server.script.mute_notes = true;
        static const uint8_t levels[] = { 11, 4, 12 };
        for (size_t i = 0; i < sizeof levels; i++) {
            drain(levels[i]);
            assert_true(lw_run(&w, NULL, 500));
        }
        w.server.script.mute_notes = false;
        assert_true(lw_run(&w, NULL, 30000));
        if (threshold)
            expect_notes(3, crossed);
        else
            expect_notes(2, plain);
        lw_close(&w);
    }
}

static bool updated(const struct lw_world *world)
{
    return world->server.updates > 0;
}

/* Is a server still there that acknowledges nothing? An Update shows it, long before it is due. */
static void test_a_notification_that_nobody_acknowledges(void **state)
{
    (void)state;
    open_world();
    assert_int_equal(ask(LN_COAP_PUT, "/3/0/9", "con=1", -1, "", 0), LN_COAP_CHANGED);
    observe("/3/0/9");
    w.server.script.mute_notes = true;
    drain(5);
    ln_msec began = lw_now(&w);
    assert_true(lw_run(&w, updated, 3000 * 1000));
    assert_in_range(lw_now(&w) - began, 62000, 94000);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_TIMED_OUT), 1);
    lw_close(&w);
}

/* ---- registering ---- */

/* Changes of the list within a second are one Update. */
static void test_changes_are_told_together(void **state)
{
    (void)state;
    open_world();
    for (uint16_t i = 1; i < 6; i++) {
        assert_int_equal(ln_client_add_instance(w.client, 3442, i, NULL, NULL), LN_OK);
        assert_true(lw_run(&w, NULL, 100));
    }
    assert_int_equal(w.server.updates, 0);
    assert_true(lw_run(&w, NULL, 600));
    assert_int_equal(w.server.updates, 1);
    assert_non_null(strstr(lw_last_seen(&w)->payload, "</3442/5>"));
    assert_true(lw_run(&w, NULL, 10000));
    assert_int_equal(w.server.updates, 1);
    lw_close(&w);
}

/* There is no version below the lowest that is allowed. */
static void test_the_lowest_version(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    (void)state;
    options.config.min_version = LN_LWM2M_1_1;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    w.server.script.register_code = LN_COAP_PRECONDITION_FAILED;
    w.server.script.fail_registers = 1;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_false(lw_run(&w, lw_is_registered, 30000));
    assert_int_equal(w.server.seen_count, 1);
    assert_true(lw_run(&w, lw_is_registered, 90000));
    assert_string_equal(lw_last_seen(&w)->query, "lwm2m=1.1&ep=device-1&lt=3600");
    lw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be),
        cmocka_unit_test(test_arguments_in_blocks),
        cmocka_unit_test(test_a_write_that_is_too_long),
        cmocka_unit_test(test_too_many_attributes),
        cmocka_unit_test(test_the_same_token_again),
        cmocka_unit_test(test_a_reset_of_a_notification),
        cmocka_unit_test(test_observations_end_with_the_registration),
        cmocka_unit_test(test_no_sleep_before_the_acknowledgement),
        cmocka_unit_test(test_stored_bytes),
        cmocka_unit_test(test_hqmax),
        cmocka_unit_test(test_what_makes_room),
        cmocka_unit_test(test_what_waits_for_an_acknowledgement),
        cmocka_unit_test(test_a_notification_that_nobody_acknowledges),
        cmocka_unit_test(test_changes_are_told_together),
        cmocka_unit_test(test_the_lowest_version),
    };
    return cmocka_run_group_tests_name("lwm2m/answers", tests, NULL, NULL);
}
