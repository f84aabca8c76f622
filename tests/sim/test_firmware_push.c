/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5 against a scripted server, in virtual time: states, results and answers of a
 * push, of cancel and of reset, and what survives a restart of the program.
 */
#include "support/lwworld.h"

#include <linnet/firmware.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What the application keeps: the image and the saved state outlive the client. */
struct device {
    uint8_t image[4096];
    size_t len;
    uint8_t state[LN_FIRMWARE_STATE_MAX];
    size_t state_len;
    enum ln_status save;
    unsigned resets, installs, verifies;
    enum ln_firmware_result verify, install;
    enum ln_status write;
    uint8_t sha256[32];
};

static struct device d;
static struct lw_world w;
static struct ln_firmware *fw;

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    (void)ctx;
    (void)diag;
    d.len = (size_t)offset;
    return LN_OK;
}

static enum ln_status write(void *ctx, uint64_t offset, struct ln_span data, struct ln_diag *diag)
{
    (void)ctx;
    (void)diag;
    assert_int_equal(offset, d.len);
    if (d.write != LN_OK || d.len + data.len > sizeof d.image)
        return d.write != LN_OK ? d.write : LN_NO_SPACE;
    memcpy(d.image + d.len, data.data, data.len);
    d.len += data.len;
    return LN_OK;
}

static enum ln_firmware_result verify(void *user, uint64_t size, const uint8_t sha256[32])
{
    (void)user;
    assert_int_equal(size, d.len);
    memcpy(d.sha256, sha256, sizeof d.sha256);
    d.verifies++;
    return d.verify;
}

static void reset(void *user)
{
    (void)user;
    d.len = 0;
    d.resets++;
}

static enum ln_firmware_result install(void *user)
{
    (void)user;
    d.installs++;
    return d.install;
}

static enum ln_status save(void *user, struct ln_span state)
{
    (void)user;
    if (d.save != LN_OK)
        return d.save;
    memcpy(d.state, state.data, state.len);
    d.state_len = state.len;
    return LN_OK;
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    (void)user;
    if (d.state_len == 0)
        return LN_NOT_FOUND;
    assert_true(room.len >= d.state_len);
    memcpy(room.data, d.state, d.state_len);
    *len = d.state_len;
    return LN_OK;
}

static void boot(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    struct ln_firmware_config config = LN_FIRMWARE_CONFIG_INIT;
    const char *what = "";
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    config.store.begin = begin;
    config.store.write = write;
    config.verify = verify;
    config.reset = reset;
    config.install = install;
    config.save = save;
    config.load = load;
    fw = NULL;
    assert_int_equal(ln_firmware_new(w.client, &config, NULL, &fw), LN_OK);
    assert_true(lw_register(&w));
}

static void halt(void)
{
    ln_firmware_free(fw);
    lw_close(&w);
}

static void fresh(void)
{
    memset(&d, 0, sizeof d);
    boot();
}

static uint8_t push(const void *data, size_t len, int szx)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = data;
    rq.len = len;
    rq.block1_szx = szx;
    return lw_ask(&w, &rq) ? w.server.answer.code : 0;
}

static uint8_t run(const char *path)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = path };
    return lw_ask(&w, &rq) ? w.server.answer.code : 0;
}

/* State and result as the server reads them: "2/0". */
static void assert_is(const char *expected)
{
    char seen[8];
    seen[0] = lw_read(&w, "/5/0/3")[0];
    seen[1] = '/';
    strcpy(seen + 2, lw_read(&w, "/5/0/5"));
    assert_string_equal(seen, expected);
}

static uint8_t image[1500];

static void make_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + 1);
}

static void test_a_push_to_the_end(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_is("0/0");
    assert_int_equal(run("/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(push(image, sizeof image, 4), LN_COAP_CHANGED); /* blocks of 256 */
    assert_is("2/0");
    assert_int_equal(d.len, sizeof image);
    assert_memory_equal(d.image, image, sizeof image);
    assert_int_equal(d.verifies, 1);
    assert_int_equal(push(image, sizeof image, 4), LN_COAP_BAD_REQUEST);
    assert_int_equal(run("/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 6000));
    assert_int_equal(d.installs, 1);
    assert_is("3/0");
    assert_int_equal(push(image, 10, 4), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(run("/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    halt();

    boot(); /* the device restarted, with the new image */
    assert_is("3/0");
    assert_int_equal(ln_firmware_result(fw, LN_FIRMWARE_SUCCESS), LN_OK);
    assert_is("0/1");
    assert_int_equal(ln_firmware_result(fw, LN_FIRMWARE_SUCCESS), LN_BAD_STATE);
    halt();
    boot(); /* and once more: the outcome stays */
    assert_is("0/1");
    halt();
}

/* What is pushed is what is told, whatever the blocks: also a first byte of 0. */
static void test_blocks_of_any_size(void **state)
{
    (void)state;
    make_image();
    image[0] = 0;
    for (int szx = 0; szx <= 6; szx++) {
        fresh();
        assert_int_equal(push(image, 700, szx), LN_COAP_CHANGED);
        assert_is("2/0");
        assert_int_equal(d.len, 700);
        assert_memory_equal(d.image, image, 700);
        halt();
    }
    fresh();
    assert_int_equal(push(image, 2, -1), LN_COAP_CHANGED);
    assert_int_equal(d.len, 2);
    halt();
}

static void test_resets(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    assert_is("2/0");
    assert_int_equal(push("\0", 1, -1), LN_COAP_CHANGED); /* a single NUL */
    assert_is("0/0");
    assert_int_equal(d.len, 0);
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(push("", 0, -1), LN_COAP_CHANGED); /* nothing */
    assert_is("0/0");
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w, "/5/0/1", 0, "", 0), LN_COAP_CHANGED); /* an empty URI */
    assert_is("0/0");
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    assert_int_equal(run("/5/0/10"), LN_COAP_CHANGED);
    assert_is("0/10");
    assert_int_equal(run("/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    halt();
}

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
        d.verify = rows[i].verify;
        d.install = rows[i].install;
        d.write = rows[i].write;
        uint8_t code = push(image, 300, 4);
        assert_int_equal(code, rows[i].write == LN_OK ? LN_COAP_CHANGED : LN_COAP_INTERNAL_ERROR);
        assert_is(rows[i].after_push);
        if (rows[i].after_update != NULL) {
            assert_int_equal(run("/5/0/2"), LN_COAP_CHANGED);
            assert_true(lw_run(&w, NULL, 6000));
            assert_is(rows[i].after_update);
        }
        halt();
    }
}

/* Where State cannot be saved an update does not begin: 5.00, and Downloaded as before. */
/* scenario: T17 */
static void test_a_state_that_cannot_be_saved(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    d.save = LN_NO_SPACE;
    assert_int_equal(run("/5/0/2"), LN_COAP_INTERNAL_ERROR);
    assert_is("2/0");
    assert_true(lw_run(&w, NULL, 20000));
    assert_int_equal(d.installs, 0);
    d.save = LN_OK;
    assert_int_equal(run("/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 6000));
    assert_int_equal(d.installs, 1);
    assert_is("3/0");
    halt();
}

/* Nor does one whose time has come: it is tried again. */
static void test_deferral_that_cannot_be_saved(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(lw_put(&w, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    d.install = LN_FIRMWARE_DEFERRED;
    assert_int_equal(run("/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 6000));
    d.install = LN_FIRMWARE_INITIAL;
    d.save = LN_IO;
    assert_true(lw_run(&w, NULL, 700000));
    assert_is("2/11");
    d.save = LN_OK;
    assert_true(lw_run(&w, NULL, 70000));
    assert_is("3/0");
    assert_int_equal(d.installs, 2);
    halt();
}

/* Deferred for as long as the server allows, then installed without asking. */
static void test_deferral_ends(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(lw_put(&w, "/5/0/13", 0, "600", 3), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w, "/5/0/11", 0, "2", 1), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w, "/5/0/11", 0, "3", 1), LN_COAP_BAD_REQUEST);
    assert_string_equal(lw_read(&w, "/5/0/11"), "2");
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    d.install = LN_FIRMWARE_DEFERRED;
    assert_int_equal(run("/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 6000));
    assert_is("2/11");
    d.install = LN_FIRMWARE_INITIAL;
    assert_true(lw_run(&w, NULL, 500000));
    assert_int_equal(d.installs, 1);
    assert_true(lw_run(&w, NULL, 120000));
    assert_int_equal(d.installs, 2);
    assert_is("3/0");
    halt();
}

/* scenario: H84 */
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
        assert_int_equal(lw_put(&w, "/5/0/1", 0, rows[i].uri, strlen(rows[i].uri)),
                         LN_COAP_BAD_REQUEST);
        assert_is(rows[i].after);
        assert_string_equal(lw_read(&w, "/5/0/1"), "");
    }
    char longest[300];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "http://h/", 9);
    assert_int_equal(lw_put(&w, "/5/0/1", 0, longest, 256), LN_COAP_BAD_REQUEST);
    halt();
}

/* What was downloaded stays, and a damaged state is no state. */
/* scenario: H120, T17 */
static void test_restarts(void **state)
{
    (void)state;
    make_image();
    fresh();
    assert_int_equal(push(image, 300, 4), LN_COAP_CHANGED);
    halt();
    boot();
    assert_is("2/0"); /* downloaded stays */
    halt();
    for (size_t i = 0; i < d.state_len; i++) {
        d.state[i] ^= 0x10;
        boot();
        assert_is("0/0");
        halt();
        d.state[i] ^= 0x10;
    }
    d.state_len = 7;
    boot();
    assert_is("0/0");
    halt();
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
