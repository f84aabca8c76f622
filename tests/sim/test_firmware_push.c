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
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_restarts),
    };
    return cmocka_run_group_tests_name("firmware/push", tests, NULL, NULL);
}
