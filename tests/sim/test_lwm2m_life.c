/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a client against a scripted server, in virtual time: register, read, write, execute,
 * create, delete, discover, observe, update, de-register.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct lw_world w;

static void open_world(const struct lw_options *options)
{
    const char *what = "";
    assert_int_equal(lw_open(&w, options, &what), LN_OK);
}

static void open_registered(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    open_world(&options);
    assert_true(lw_register(&w));
}

static void test_register_says_what_was_asked_for(void **state)
{
    (void)state;
    open_registered();
    const struct lw_seen *seen = lw_last_seen(&w);
    assert_int_equal(seen->code, LN_COAP_POST);
    assert_string_equal(seen->path, "/rd");
    assert_string_equal(seen->query, "lwm2m=1.1&ep=device-1&lt=3600");
    assert_string_equal(seen->payload, "</1>;ver=1.1,</1/0>,</2>,</3>;ver=1.1,</3/0>,</3333/0>,"
                                       "</3441/0>,</3442/0>");
    assert_int_equal(lw_count(&w, LN_CLIENT_REGISTERED), 1);
    assert_true(lw_stop(&w, 10000));
    assert_int_equal(w.server.deregisters, 1);
    assert_string_equal(lw_last_seen(&w)->path, "/rd/1");
    lw_close(&w);
}

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int accept;
        uint8_t code;
        int format;
        const char *text; /* NULL: not compared */
    } rows[] = {
        { "/3/0/0", -1, LN_COAP_CONTENT, 0, "Linnet" },
        { "/3/0/0", 0, LN_COAP_CONTENT, 0, "Linnet" },
        { "/3/0/9", -1, LN_COAP_CONTENT, 0, "100" },
        { "/3/0/11/0", -1, LN_COAP_CONTENT, 0, "0" },
        { "/3/0", -1, LN_COAP_CONTENT, 11542, NULL },
        { "/3", -1, LN_COAP_CONTENT, 11542, NULL },
        { "/3/0/11", -1, LN_COAP_CONTENT, 11542, NULL },
        { "/3/0/11", 0, LN_COAP_NOT_ACCEPTABLE, -1, NULL },
        { "/3/0", 42, LN_COAP_NOT_ACCEPTABLE, -1, NULL },
        { "/3/0/0", 9999, LN_COAP_NOT_ACCEPTABLE, -1, NULL },
        { "/3/0/4", -1, LN_COAP_METHOD_NOT_ALLOWED, -1, NULL },
        { "/3/0/17", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/3/0/99", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/3/1", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/77", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/3/0/0/0", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/3/0/11/7", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/0", -1, LN_COAP_UNAUTHORIZED, -1, NULL },
        { "/0/0/5", -1, LN_COAP_UNAUTHORIZED, -1, NULL },
        { "/3442/0/110", -1, LN_COAP_CONTENT, 0, "initial value" },
        { "/3442/0/120", -1, LN_COAP_CONTENT, 0, "1024" },
        { "/3442/0/125", -1, LN_COAP_CONTENT, 0, "9223372036854775808" },
        { "/3442/0/130", -1, LN_COAP_CONTENT, 0, "3.14159" },
        { "/3442/0/140", -1, LN_COAP_CONTENT, 0, "1" },
        { "/3442/0/150", -1, LN_COAP_CONTENT, 42, "\x01\x23\x45\x67\x89\xab\xcd\xef" },
        { "/3442/0/150", 0, LN_COAP_CONTENT, 0, "ASNFZ4mrze8=" },
        { "/3442/0/160", -1, LN_COAP_CONTENT, 0, "946684800" },
        { "/3442/0/170", -1, LN_COAP_CONTENT, 0, "3:0" },
        { "/3442/0/180", -1, LN_COAP_CONTENT, 0, "</3442>" },
        { "/03/0", -1, LN_COAP_BAD_REQUEST, -1, NULL },
        { "/65535", -1, LN_COAP_BAD_REQUEST, -1, NULL },
        { "/.well-known/core", -1, LN_COAP_NOT_FOUND, -1, NULL },
        { "/1/0/8", -1, LN_COAP_METHOD_NOT_ALLOWED, -1, NULL },
    };
    open_registered();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t code = lw_get(&w, rows[i].path, rows[i].accept);
        const struct lw_answer *a = &w.server.answer;
        if (code != rows[i].code)
            fail_msg("%s: code %u.%02u", rows[i].path, code >> 5, code & 31u);
        assert_true(rows[i].format < 0 || (a->has_format && a->format == rows[i].format));
        if (rows[i].text != NULL) {
            assert_int_equal(a->len, strlen(rows[i].text));
            assert_memory_equal(a->payload, rows[i].text, a->len);
        }
    }
    lw_close(&w);
}

static void test_write(void **state)
{
    (void)state;
    open_registered();
    assert_int_equal(lw_put(&w, "/3442/0/110", 0, "hello", 5), LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, "/3442/0/110"), "hello");
    assert_int_equal(lw_put(&w, "/3442/0/120", 0, "-5", 2), LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, "/3442/0/120"), "-5");
    assert_int_equal(lw_put(&w, "/3442/0/120", 0, "x", 1), LN_COAP_BAD_REQUEST);
    assert_string_equal(lw_read(&w, "/3442/0/120"), "-5");
    assert_int_equal(lw_put(&w, "/3442/0/120", 9999, "1", 1), LN_COAP_UNSUPPORTED_FORMAT);
    assert_int_equal(lw_put(&w, "/3/0/0", 0, "x", 1), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(lw_put(&w, "/3442/0/150", 42, "\x00\x01\x02", 3), LN_COAP_CHANGED);
    assert_int_equal(lw_get(&w, "/3442/0/150", -1), LN_COAP_CONTENT);
    assert_int_equal(w.server.answer.len, 3);
    /* an array, replaced: 1120 = { 3: 7, 9: -1 } */
    static const uint8_t array[] = { 0xa6, 0x04, 0x60, 0x41, 0x03, 0x07, 0x41, 0x09, 0xff };
    assert_int_equal(lw_put(&w, "/3442/0/1120", 11542, array, sizeof array), LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, "/3442/0/1120/3"), "7");
    assert_string_equal(lw_read(&w, "/3442/0/1120/9"), "-1");
    assert_int_equal(lw_get(&w, "/3442/0/1120/0", -1), LN_COAP_NOT_FOUND);
    lw_close(&w);
}

/* What fails anywhere changes nothing: the second value of the payload is of the wrong length. */
static void test_a_write_is_a_transaction(void **state)
{
    (void)state;
    open_registered();
    /* POST on the instance: 120 = 7 (good), 140 = two bytes (no boolean) */
    static const uint8_t payload[] = { 0xc1, 0x78, 0x07, 0xc2, 0x8c, 0x01, 0x01 };
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442/0",
                             .payload = payload, .len = sizeof payload };
    rq.format = 11542;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_BAD_REQUEST);
    assert_string_equal(lw_read(&w, "/3442/0/120"), "1024");
    lw_close(&w);
}

static void test_execute(void **state)
{
    (void)state;
    open_registered();
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442/0/3",
                             .payload = "0='hello',7", .len = 11 };
    rq.format = 0;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, "/3442/0/4/0"), "hello");
    assert_string_equal(lw_read(&w, "/3442/0/4/7"), "");
    rq.payload = "0='x";
    rq.len = 4;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_BAD_REQUEST);
    rq.path = "/3442/0/110";
    rq.format = -1;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_METHOD_NOT_ALLOWED);
    rq.len = 0;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_METHOD_NOT_ALLOWED);
    lw_close(&w);
}

static bool updated(const struct lw_world *world)
{
    return world->server.updates > 0;
}

static void test_create_and_delete(void **state)
{
    (void)state;
    open_registered();
    static const uint8_t payload[] = { 0xc1, 0x78, 0x07 };
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442",
                             .payload = payload, .len = sizeof payload };
    rq.format = 11542;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CREATED);
    assert_string_equal(w.server.answer.location, "/3442/1");
    assert_string_equal(lw_read(&w, "/3442/1/120"), "7");
    assert_string_equal(lw_read(&w, "/3442/1/110"), "initial value");
    assert_true(lw_run(&w, updated, 5000)); /* batched, within a second */
    assert_non_null(strstr(lw_last_seen(&w)->payload, "</3442/1>"));

    struct lw_request gone = { LW_REQUEST_INIT, .code = LN_COAP_DELETE, .path = "/3442/1" };
    assert_true(lw_ask(&w, &gone));
    assert_int_equal(w.server.answer.code, LN_COAP_DELETED);
    assert_int_equal(lw_get(&w, "/3442/1/120", -1), LN_COAP_NOT_FOUND);
    gone.path = "/3/0";
    assert_true(lw_ask(&w, &gone));
    assert_int_equal(w.server.answer.code, LN_COAP_METHOD_NOT_ALLOWED);
    lw_close(&w);
}

static void test_discover(void **state)
{
    (void)state;
    open_registered();
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3/0/9",
                             .query = "pmin=10&pmax=60&gt=50" };
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    assert_int_equal(lw_get(&w, "/3/0/9", 40), LN_COAP_CONTENT);
    w.server.answer.payload[w.server.answer.len] = 0;
    assert_string_equal((char *)w.server.answer.payload, "</3/0/9>;pmin=10;pmax=60;gt=50");
    assert_int_equal(lw_get(&w, "/1", 40), LN_COAP_CONTENT);
    w.server.answer.payload[w.server.answer.len] = 0;
    assert_string_equal((char *)w.server.answer.payload,
                        "</1>;ver=1.1,</1/0>,</1/0/0>,</1/0/1>,</1/0/4>,</1/0/6>,</1/0/7>,"
                        "</1/0/8>");
    rq.query = "pmin=x";
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_BAD_REQUEST);
    lw_close(&w);
}

static void test_a_long_read_goes_in_blocks(void **state)
{
    (void)state;
    open_registered();
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3442/0" };
    rq.block2_szx = 2; /* 64 bytes */
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CONTENT);
    size_t len = w.server.answer.len;
    assert_true(len > 128);
    static uint8_t whole[LW_BODY_MAX];
    memcpy(whole, w.server.answer.payload, len);
    assert_int_equal(lw_get(&w, "/3442/0", -1), LN_COAP_CONTENT);
    assert_int_equal(w.server.answer.len, len);
    assert_memory_equal(w.server.answer.payload, whole, len);
    lw_close(&w);
}

static void test_a_long_write_comes_in_blocks(void **state)
{
    (void)state;
    open_registered();
    static const char text[] = "a string of some length that takes more than two blocks";
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3442/0/110",
                             .payload = text, .len = sizeof text - 1 };
    rq.format = 0;
    rq.block1_szx = 0; /* 16 bytes */
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    assert_string_equal(lw_read(&w, "/3442/0/110"), text);
    lw_close(&w);
}

static bool has_note(const struct lw_world *world)
{
    return world->server.note_count > 0;
}

static void test_observe(void **state)
{
    (void)state;
    open_registered();
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
    rq.observe = 0;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CONTENT);
    assert_true(w.server.answer.observe);
    assert_false(lw_run(&w, has_note, 60000));
    w.device.battery_level = 99;
    ln_client_changed(w.client, 3, 0, 9);
    assert_true(lw_run(&w, has_note, 1000));
    assert_string_equal(w.server.notes[0].payload, "99");
    assert_int_equal(w.server.notes[0].type, LN_COAP_NON);
    assert_memory_equal(w.server.notes[0].token, w.server.answer.token, 8);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_QUEUED), 1);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_SENT), 1);
    ln_client_changed(w.client, 3, 0, 9); /* no change at all */
    w.server.note_count = 0;
    assert_false(lw_run(&w, has_note, 60000));
    lw_close(&w);
}

static void observe_confirmed(void)
{
    struct lw_request con = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3/0/9",
                              .query = "con=1" };
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
    observe.observe = 0;
    open_registered();
    assert_true(lw_ask(&w, &con));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    assert_true(lw_ask(&w, &observe));
    assert_int_equal(w.server.answer.code, LN_COAP_CONTENT);
    w.event_count = 0;
}

static void drain(uint8_t level)
{
    w.device.battery_level = level;
    ln_client_changed(w.client, 3, 0, 9);
}

/* Of each notification the application hears that it was queued, that it went out, and how it ended,
 * each once and in this order. */
static void test_the_life_of_a_notification(void **state)
{
    static const struct {
        struct lw_script script;
        enum ln_note_event end;
    } rows[] = {
        { { .mute_notes = false }, LN_NOTE_ACKNOWLEDGED },
        { { .mute_notes = true }, LN_NOTE_TIMED_OUT },
        { { .reset_notes = true }, LN_NOTE_CANCELLED },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const enum ln_note_event expected[] = { LN_NOTE_QUEUED, LN_NOTE_SENT, rows[i].end };
        size_t told = 0;
        observe_confirmed();
        w.server.script = rows[i].script;
        drain(50);
        assert_true(lw_run(&w, NULL, 300000));
        for (size_t e = 0; e < w.event_count; e++) {
            if (w.events[e].kind != LN_CLIENT_NOTIFICATION)
                continue;
            assert_true(told < 3);
            assert_int_equal(w.events[e].note.event, expected[told++]);
            assert_int_equal(w.events[e].note.id, 1);
            assert_true(w.events[e].note.confirmable);
        }
        assert_int_equal(told, 3);
        struct ln_server_info info;
        assert_int_equal(ln_client_server_info(w.client, 1, &info), LN_OK);
        assert_int_equal(info.observations, rows[i].end != LN_NOTE_CANCELLED);
        assert_int_equal(info.notes, 0);
        lw_close(&w);
    }
}

/* What happens while the server does not answer is stored, the newest of it, and comes in its order
 * when the server is back; or, if /1/x/6 says so, nothing but what is true by then. */
static void test_what_is_stored_while_offline(void **state)
{
    (void)state;
    static const struct {
        const char *storing;
        size_t queued, sent, dropped;
        const char *texts[3];
    } rows[] = {
        { "0", 1, 1, 0, { "86" } },
        { "1", 5, 3, 2, { "88", "87", "86" } },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct lw_options options = LW_OPTIONS_INIT;
        options.config.notes_max = 3;
        open_world(&options);
        assert_true(lw_register(&w));
        assert_int_equal(lw_put(&w, "/1/0/6", 0, rows[r].storing, 1), LN_COAP_CHANGED);
        struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
        observe.observe = 0;
        assert_true(lw_ask(&w, &observe));
        w.event_count = 0;
        w.server.script.silent = true;
        assert_int_equal(ln_client_update(w.client, 1), LN_OK);
        for (uint8_t level = 90; level > 85; level--) {
            drain(level);
            assert_true(lw_run(&w, NULL, 3000));
        }
        w.server.note_count = 0;
        w.server.script.silent = false;
        assert_true(lw_run(&w, updated, 60000));
        assert_true(lw_run(&w, NULL, 5000));
        assert_int_equal(w.server.note_count, rows[r].sent);
        for (size_t i = 0; i < rows[r].sent; i++)
            assert_string_equal(w.server.notes[i].payload, rows[r].texts[i]);
        assert_int_equal(lw_count_notes(&w, LN_NOTE_QUEUED), rows[r].queued);
        assert_int_equal(lw_count_notes(&w, LN_NOTE_SENT), rows[r].sent);
        assert_int_equal(lw_count_notes(&w, LN_NOTE_DROPPED), rows[r].dropped);
        drain(10); /* and all goes on */
        assert_true(lw_run(&w, NULL, 5000));
        assert_string_equal(w.server.notes[w.server.note_count - 1].payload, "10");
        lw_close(&w);
    }
}

static void test_update_before_the_lifetime_ends(void **state)
{
    (void)state;
    open_registered();
    assert_true(lw_run(&w, updated, 3600000));
    assert_string_equal(lw_last_seen(&w)->path, "/rd/1");
    assert_string_equal(lw_last_seen(&w)->query, "");
    assert_int_equal(lw_last_seen(&w)->len, 0);
    w.server.updates = 0;
    assert_int_equal(lw_put(&w, "/1/0/1", 0, "7200", 4), LN_COAP_CHANGED);
    assert_true(lw_run(&w, updated, 2000));
    assert_string_equal(lw_last_seen(&w)->query, "lt=7200");
    lw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register_says_what_was_asked_for),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_a_write_is_a_transaction),
        cmocka_unit_test(test_execute),
        cmocka_unit_test(test_create_and_delete),
        cmocka_unit_test(test_discover),
        cmocka_unit_test(test_a_long_read_goes_in_blocks),
        cmocka_unit_test(test_a_long_write_comes_in_blocks),
        cmocka_unit_test(test_observe),
        cmocka_unit_test(test_the_life_of_a_notification),
        cmocka_unit_test(test_what_is_stored_while_offline),
        cmocka_unit_test(test_update_before_the_lifetime_ends),
    };
    return cmocka_run_group_tests_name("lwm2m/life", tests, NULL, NULL);
}
