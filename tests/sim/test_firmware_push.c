/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5 against a scripted server, in virtual time: states, results and answers of a
 * push, of cancel and of reset, and what survives a restart of the program.
 */
#include "support/fwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct fw_world w;

static void fresh(void)
{
    fw_clear(&w);
    fw_boot(&w);
}

static uint8_t image[1500];

static void make_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + 1);
}

/* scenario: U1, U3, U4, U8, U9, U10, FW-12, FW-14 */
static void test_a_push_to_the_end(void **state)
{
    (void)state;
    make_image();
    fresh();
    fw_must_be(&w, "push", "0/0");
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_push(&w, image, sizeof image, 4), LN_COAP_CHANGED); /* blocks of 256 */
    fw_must_be(&w, "push", "2/0");
    assert_int_equal(w.device.store.len, sizeof image);
    assert_memory_equal(w.device.store.bytes, image, sizeof image);
    assert_int_equal(w.device.verifies, 1);
    assert_int_equal(fw_push(&w, image, sizeof image, 4), LN_COAP_BAD_REQUEST);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    assert_int_equal(w.device.installs, 1);
    fw_must_be(&w, "push", "3/0");
    assert_int_equal(fw_push(&w, image, 10, 4), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    fw_halt(&w);

    fw_boot(&w); /* the device restarted, with the new image */
    fw_must_be(&w, "push", "3/0");
    assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_SUCCESS), LN_OK);
    fw_must_be(&w, "push", "0/1");
    assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_SUCCESS), LN_BAD_STATE);
    fw_halt(&w);
    fw_boot(&w); /* and once more: the outcome stays */
    fw_must_be(&w, "push", "0/1");
    fw_halt(&w);
}

/* What is pushed is what is told, whatever the blocks: also a first byte of 0. */
/* scenario: U1, FW-11 */
static void test_blocks_of_any_size(void **state)
{
    (void)state;
    make_image();
    image[0] = 0;
    for (int szx = 0; szx <= 6; szx++) {
        fresh();
        assert_int_equal(fw_push(&w, image, 700, szx), LN_COAP_CHANGED);
        fw_must_be(&w, "push", "2/0");
        assert_int_equal(w.device.store.len, 700);
        assert_memory_equal(w.device.store.bytes, image, 700);
        fw_halt(&w);
    }
    fresh();
    assert_int_equal(fw_push(&w, image, 2, -1), LN_COAP_CHANGED);
    assert_int_equal(w.device.store.len, 2);
    fw_halt(&w);
}

/* scenario: U2, U5, U10, FW-13 */
static void test_resets(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    fw_must_be(&w, "push", "2/0");
    assert_int_equal(fw_push(&w, "\0", 1, -1), LN_COAP_CHANGED); /* a single NUL */
    fw_must_be(&w, "push", "0/0");
    assert_int_equal(w.device.store.len, 0);
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(fw_push(&w, "", 0, -1), LN_COAP_CHANGED); /* nothing */
    fw_must_be(&w, "push", "0/0");
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w.lw, "/5/0/1", 0, "", 0), LN_COAP_CHANGED); /* an empty URI */
    fw_must_be(&w, "push", "0/0");
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    fw_must_be(&w, "push", "0/10");
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    fw_halt(&w);
}

/* scenario: U1, R3, R8, FW-11, FW-12, FW-18 */
static void test_failures(void **state)
{
    (void)state;
    static const struct {
        enum ln_firmware_result verify;
        enum ln_firmware_result install;
        enum ln_status write;
        const char *after_push;
        const char *after_update;
    } rows[] = {
        { LN_FIRMWARE_INTEGRITY, LN_FIRMWARE_INITIAL, LN_OK, "0/5", NULL },
        { LN_FIRMWARE_PACKAGE_TYPE, LN_FIRMWARE_INITIAL, LN_OK, "0/6", NULL },
        { LN_FIRMWARE_NO_MEMORY, LN_FIRMWARE_INITIAL, LN_OK, "0/3", NULL },
        { LN_FIRMWARE_INITIAL, LN_FIRMWARE_INITIAL, LN_NO_SPACE, "0/2", NULL },
        { LN_FIRMWARE_INITIAL, LN_FIRMWARE_INITIAL, LN_NO_MEMORY, "0/3", NULL },
        { LN_FIRMWARE_INITIAL, LN_FIRMWARE_FAILED, LN_OK, "2/0", "0/8" },
        { LN_FIRMWARE_INITIAL, LN_FIRMWARE_DEFERRED, LN_OK, "2/0", "2/11" },
    };
    make_image();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh();
        w.device.verify = rows[i].verify;
        w.device.install = rows[i].install;
        if (rows[i].write != LN_OK) {
            w.device.store.fails = DL_WRITE;
            w.device.store.fail_at = 1;
            w.device.store.status = rows[i].write;
        }
        uint8_t code = fw_push(&w, image, 300, 4);
        assert_int_equal(code, rows[i].write == LN_OK ? LN_COAP_CHANGED : LN_COAP_INTERNAL_ERROR);
        fw_must_be(&w, "push", rows[i].after_push);
        if (rows[i].after_update != NULL) {
            assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
            assert_true(lw_run(&w.lw, NULL, 6000));
            fw_must_be(&w, "push", rows[i].after_update);
        }
        fw_halt(&w);
    }
}

/* Where State cannot be saved an update does not begin: 5.00, and Downloaded as before. */
/* scenario: T17 */
static void test_a_state_that_cannot_be_saved(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    w.device.save = LN_NO_SPACE;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_INTERNAL_ERROR);
    fw_must_be(&w, "push", "2/0");
    assert_true(lw_run(&w.lw, NULL, 20000));
    assert_int_equal(w.device.installs, 0);
    w.device.save = LN_OK;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    assert_int_equal(w.device.installs, 1);
    fw_must_be(&w, "push", "3/0");
    fw_halt(&w);
}

/* Nor does one whose time has come: it is tried again. */
static void test_deferral_that_cannot_be_saved(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(lw_put(&w.lw, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    w.device.install = LN_FIRMWARE_DEFERRED;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    w.device.install = LN_FIRMWARE_INITIAL;
    w.device.save = LN_IO;
    assert_true(lw_run(&w.lw, NULL, 700000));
    fw_must_be(&w, "push", "2/11");
    w.device.save = LN_OK;
    assert_true(lw_run(&w.lw, NULL, 70000));
    fw_must_be(&w, "push", "3/0");
    assert_int_equal(w.device.installs, 2);
    fw_halt(&w);
}

/* Deferred for as long as the server allows, then installed without asking. */
/* scenario: U11, FW-14 */
static void test_deferral_ends(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(lw_put(&w.lw, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w.lw, "/5/0/11", 0, "2", 1), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w.lw, "/5/0/11", 0, "3", 1), LN_COAP_BAD_REQUEST);
    assert_string_equal(lw_read(&w.lw, "/5/0/11"), "2");
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    w.device.install = LN_FIRMWARE_DEFERRED;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    fw_must_be(&w, "push", "2/11");
    w.device.install = LN_FIRMWARE_INITIAL;
    assert_true(lw_run(&w.lw, NULL, 500000));
    assert_int_equal(w.device.installs, 1);
    assert_true(lw_run(&w.lw, NULL, 120000));
    assert_int_equal(w.device.installs, 2);
    fw_must_be(&w, "push", "3/0");
    fw_halt(&w);
}

/* The time is that of one image: the next one is not installed before somebody asks for it. */
/* scenario: FW-14 */
static void test_a_deferral_ends_with_its_image(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(lw_put(&w.lw, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    w.device.install = LN_FIRMWARE_DEFERRED;
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    fw_must_be(&w, "deferred", "2/11");
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    assert_int_equal(fw_push(&w, image, 200, 4), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 700000));
    fw_must_be(&w, "the next one", "2/0");
    assert_int_equal(w.device.installs, 1);
    fw_halt(&w);
}

/* ---- a push that somebody else ends, or disturbs ---- */

/* Blocks `from` to `to` of a push of 1,500 bytes in 256 each; the answer's code. */
static uint8_t push_blocks(size_t from, size_t to)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = image;
    rq.len = sizeof image;
    rq.block1_szx = 4;
    rq.block1_from = from;
    rq.block1_stop = to;
    return lw_ask(&w.lw, &rq) ? w.lw.server.answer.code : 0;
}

/* What comes of a push behind its end belongs to no image. */
/* scenario: U5, U10, FW-11, FW-13 */
static void test_the_rest_of_a_push_that_was_ended(void **state)
{
    static const struct {
        const char *path; /* executed; NULL: an empty URI is written */
        const char *after;
    } rows[] = { { "/5/0/10", "0/10" }, { NULL, "0/0" } };
    (void)state;
    make_image();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh();
        assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
        fw_must_be(&w, "begun", "1/0");
        if (rows[i].path != NULL)
            assert_int_equal(fw_execute(&w, rows[i].path), LN_COAP_CHANGED);
        else
            assert_int_equal(lw_put(&w.lw, "/5/0/1", 0, "", 0), LN_COAP_CHANGED);
        assert_int_equal(push_blocks(2, 0), LN_COAP_BAD_REQUEST);
        fw_must_be(&w, "the rest", rows[i].after);
        assert_int_equal(w.device.store.len, 0);
        assert_int_equal(w.device.verifies, 0);
        assert_int_equal(fw_push(&w, image, sizeof image, 4), LN_COAP_CHANGED);
        fw_must_be(&w, "another one", "2/0");
        assert_memory_equal(w.device.store.bytes, image, sizeof image);
        fw_halt(&w);
    }
}

static void everybody_may(struct lw_world *lw)
{
    assert_int_equal(ln_client_remove_object(lw->client, 2), LN_OK); /* no access control */
}

static void two_servers(void)
{
    fw_clear(&w);
    w.options.two_servers = true;
    w.options.prepare = everybody_may;
    fw_boot(&w);
    lw_swap(&w.lw);
    assert_true(lw_run(&w.lw, lw_is_registered, 600000));
    lw_swap(&w.lw);
}

/* While one server pushes, another one can end that, and nothing else. */
/* scenario: U1, U2, FW-11 */
static void test_two_servers_push(void **state)
{
    static const char other[] = "another image";
    (void)state;
    make_image();
    two_servers();
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    lw_swap(&w.lw);
    assert_int_equal(fw_push(&w, other, sizeof other, -1), LN_COAP_BAD_REQUEST);
    assert_int_equal(push_blocks(0, 2), LN_COAP_BAD_REQUEST);
    lw_swap(&w.lw);
    assert_int_equal(push_blocks(2, 0), LN_COAP_CHANGED);
    fw_must_be(&w, "the first one's", "2/0");
    assert_int_equal(w.device.store.len, sizeof image);
    assert_memory_equal(w.device.store.bytes, image, sizeof image);
    fw_halt(&w);

    two_servers();
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    lw_swap(&w.lw);
    assert_int_equal(fw_push(&w, "\0", 1, -1), LN_COAP_CHANGED); /* a reset */
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    lw_swap(&w.lw);
    assert_int_equal(push_blocks(2, 0), LN_COAP_BAD_REQUEST);
    lw_swap(&w.lw);
    assert_int_equal(push_blocks(2, 0), LN_COAP_CHANGED);
    fw_must_be(&w, "the second one's", "2/0");
    assert_int_equal(w.device.store.len, sizeof image);
    assert_memory_equal(w.device.store.bytes, image, sizeof image);
    fw_halt(&w);
}

/* What the server tells of its size is told to the store, and refused before a byte of it is kept. */
/* scenario: U1, R3, R8 */
static void test_the_size_that_is_announced(void **state)
{
    static const struct {
        uint32_t size1; /* 0 = not said */
        uint64_t size_max;
        enum ln_status reserve;
        uint8_t code;
        uint64_t reserved;
        const char *after;
    } rows[] = {
        { 1500, 0, LN_OK, LN_COAP_CHANGED, 1500, "2/0" },
        { 0, 0, LN_OK, LN_COAP_CHANGED, 0, "2/0" },
        { 1000, 0, LN_OK, LN_COAP_CHANGED, 1000, "2/0" }, /* only what was said (RFC 7959 4) */
        { 9000, 0, LN_OK, LN_COAP_CHANGED, 9000, "2/0" },
        { 1500, 0, LN_NO_SPACE, LN_COAP_INTERNAL_ERROR, 0, "0/2" },
        { 1500, 0, LN_NO_MEMORY, LN_COAP_INTERNAL_ERROR, 0, "0/3" },
        { 1500, 1500, LN_OK, LN_COAP_CHANGED, 1500, "2/0" },
        { 1500, 1499, LN_OK, LN_COAP_INTERNAL_ERROR, 0, "0/2" },
    };
    (void)state;
    make_image();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
        rq.format = 42;
        rq.payload = image;
        rq.len = sizeof image;
        rq.block1_szx = 4;
        rq.size1 = rows[i].size1;
        fw_clear(&w);
        w.config.size_max = rows[i].size_max;
        fw_boot(&w);
        w.device.store.fails = DL_RESERVE;
        w.device.store.fail_at = rows[i].reserve != LN_OK;
        w.device.store.status = rows[i].reserve;
        assert_true(lw_ask(&w.lw, &rq));
        assert_int_equal(w.lw.server.answer.code, rows[i].code);
        fw_must_be(&w, "announced", rows[i].after);
        assert_int_equal(w.device.store.reserved, rows[i].reserved);
        assert_int_equal(w.device.store.calls[DL_WRITE] > 0, rows[i].after[0] == '2');
        fw_halt(&w);
    }
    fresh();
    assert_int_equal(fw_push(&w, image, 700, -1), LN_COAP_CHANGED); /* one message has its size */
    assert_int_equal(w.device.store.reserved, 700);
    fw_halt(&w);
}

/* What is left of a push that was reset goes when its server begins anew, and takes nothing along. */
/* scenario: U2, FW-13 */
static void test_what_is_left_of_a_push(void **state)
{
    (void)state;
    make_image();
    two_servers();
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    lw_swap(&w.lw);
    assert_int_equal(fw_push(&w, "\0", 1, -1), LN_COAP_CHANGED);
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    lw_swap(&w.lw);
    assert_int_equal(push_blocks(0, 1), LN_COAP_BAD_REQUEST);
    fw_must_be(&w, "the second one's goes on", "1/0");
    lw_swap(&w.lw);
    assert_int_equal(push_blocks(2, 0), LN_COAP_CHANGED);
    fw_must_be(&w, "to its end", "2/0");
    fw_halt(&w);
}

/* A push ends with the program: what has come of it is of no use to anybody. */
/* scenario: T17 */
static void test_a_restart_in_a_push(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(push_blocks(0, 2), LN_COAP_CONTINUE);
    fw_halt(&w);
    fw_boot(&w);
    fw_must_be(&w, "after the restart", "0/4");
    assert_int_equal(w.device.store.len, 0);
    fw_halt(&w);
}

static enum dl_call gives_up_at;

static void give_up(void *user, enum dl_call call)
{
    struct fw_world *world = user;
    if (call == gives_up_at)
        assert_int_equal(ln_firmware_result(world->fw, LN_FIRMWARE_PACKAGE_TYPE), LN_OK);
}

static void refuse_it(struct fw_world *world, enum ln_firmware_state now)
{
    if (now == LN_FIRMWARE_DOWNLOADING)
        assert_int_equal(ln_firmware_result(world->fw, LN_FIRMWARE_PACKAGE_TYPE), LN_OK);
}

/* The application may end a push from within each of its functions, with a result of its own. */
/* scenario: FW-19 */
static void test_ended_from_within(void **state)
{
    static const enum dl_call calls[] = { DL_WRITE, DL_SYNC, DL_CALLS };
    (void)state;
    make_image();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bool at_once = calls[i] == DL_CALLS;
        uint8_t expected = calls[i] == DL_SYNC ? LN_COAP_CHANGED : LN_COAP_INTERNAL_ERROR;
        fresh();
        gives_up_at = calls[i];
        w.device.store.hook = give_up;
        w.device.store.user = &w;
        w.on_change = at_once ? refuse_it : NULL;
        assert_int_equal(fw_push(&w, image, 300, 4), expected);
        fw_must_be(&w, "ended", "0/6");
        assert_string_equal(w.device.changes, "1/0 0/6 ");
        assert_int_equal(w.device.store.len, 0);
        assert_int_equal(w.device.verifies, 0);
        w.device.store.hook = NULL;
        w.on_change = NULL;
        assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
        fw_must_be(&w, "another one", "2/0");
        fw_halt(&w);
    }
}

/* scenario: H84, U6, R1, R4 */
static void test_uris(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *after;
    } rows[] = {
        { "nonsense", "0/7" },
        { "ftp://a.example/x", "0/9" },
        { "http://user:pass word@a/x", "0/7" },
        { "http://a.example:0/x", "0/7" },
        { "http://a.example/x\r\ny", "0/7" },
    };
    fresh();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(lw_put(&w.lw, "/5/0/1", 0, rows[i].uri, strlen(rows[i].uri)),
                         LN_COAP_BAD_REQUEST);
        fw_must_be(&w, "push", rows[i].after);
        assert_string_equal(lw_read(&w.lw, "/5/0/1"), "");
    }
    char longest[300];
    (void)snprintf(longest, sizeof longest, "http://h/%0256d", 0);
    assert_int_equal(lw_put(&w.lw, "/5/0/1", 0, longest, 256), LN_COAP_BAD_REQUEST);
    fw_halt(&w);
}

/* What was downloaded stays, and a damaged state is no state. */
/* scenario: H120, T17 */
static void test_restarts(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    fw_halt(&w);
    fw_boot(&w);
    fw_must_be(&w, "push", "2/0"); /* downloaded stays */
    fw_halt(&w);
    for (size_t i = 0; i < w.device.state_len; i++) {
        w.device.state[i] ^= 0x10;
        fw_boot(&w);
        fw_must_be(&w, "push", "0/0");
        fw_halt(&w);
        w.device.state[i] ^= 0x10;
    }
    w.device.state_len = 7;
    fw_boot(&w);
    fw_must_be(&w, "push", "0/0");
    fw_halt(&w);
}

/* A state that nobody has looked at is not a damaged one: the image stays, and the program starts anew. */
/* scenario: T17 */
static void test_no_memory_for_the_state(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(fw_push(&w, image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    fw_halt(&w);
    unsigned saves = w.device.saves;
    w.device.load = LN_NO_MEMORY;
    assert_int_equal(fw_try_boot(&w), LN_NO_MEMORY);
    assert_null(w.fw);
    fw_halt(&w);
    assert_int_equal(w.device.resets, 0);
    assert_int_equal(w.device.saves, saves);
    w.device.load = LN_OK;
    fw_boot(&w);
    fw_must_be(&w, "later", "3/0");
    assert_int_equal(w.device.store.len, 300);
    fw_halt(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_push_to_the_end),
        cmocka_unit_test(test_blocks_of_any_size),
        cmocka_unit_test(test_a_state_that_cannot_be_saved),
        cmocka_unit_test(test_deferral_that_cannot_be_saved),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_deferral_ends),
        cmocka_unit_test(test_a_deferral_ends_with_its_image),
        cmocka_unit_test(test_the_rest_of_a_push_that_was_ended),
        cmocka_unit_test(test_two_servers_push),
        cmocka_unit_test(test_the_size_that_is_announced),
        cmocka_unit_test(test_what_is_left_of_a_push),
        cmocka_unit_test(test_a_restart_in_a_push),
        cmocka_unit_test(test_ended_from_within),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_no_memory_for_the_state),
    };
    return cmocka_run_group_tests_name("firmware/push", tests, NULL, NULL);
}
