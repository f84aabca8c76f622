/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_native_mbedtls.c
 * The native hook gets Mbed TLS's own configuration, and what it changes there takes effect on every
 * socket: an engine works on a copy. With OpenSSL that is in test_tls_io.c.
 */
#include "support/tlspair.h"
#include "tls/builtin.h"

#include <mbedtls/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct native {
    unsigned calls;
    int suites[2]; /* ends with 0 */
};

/* One for each role. */
static enum ln_status limit_to_one_suite(void *user, void *native)
{
    struct native *n = user;
    n->calls++;
    mbedtls_ssl_conf_ciphersuites(native, n->suites);
    return LN_OK;
}

/* scenario: S32 */
static void test_what_it_changes(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    unsigned looked_at = 0;
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].client != &ln__tls_mbedtls)
            continue;
        struct tls_case c = tls_case_cert(&rows.row[r], "the native hook", &tls_world);
        /* neither is what the server chooses by itself */
        struct native native = { .suites = { c.row.version == LN_TLS_1_3 ? 0x1303 : 0xc02c, 0 } };
        struct tls_pair p;
        tls_pair_start(&p, &c);
        assert_int_not_equal(p.client_info.tls.suite, native.suites[0]);
        tls_pair_close(&p);
        c.client.native_hook = limit_to_one_suite;
        c.client.native_user = &native;
        tls_pair_open(&p, &c);
        assert_int_equal(native.calls, 2);
        for (int again = 0; again <= 1; again++) {
            tls_pair_must_connect(&p);
            assert_int_equal(p.client_info.tls.suite, native.suites[0]);
            tls_pair_hang_up(&p);
        }
        assert_int_equal(native.calls, 2);
        tls_pair_close(&p);
        looked_at++;
    }
    assert_true(looked_at >= 3);
}

static enum ln_status refuse(void *user, void *native)
{
    (void)user;
    return native != NULL ? LN_DENIED : LN_INTERNAL;
}

/* scenario: S32, S26 */
static void test_what_it_refuses(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].client != &ln__tls_mbedtls)
            continue;
        struct ln_testkit_config kit_config = { .seed = 1, .wall_s = PKI_NOW };
        struct ln_testkit *kit = NULL;
        struct ln_testkit_host *device = NULL;
        struct ln_diag diag;
        struct tls_pair p;
        struct tls_case c = tls_case_cert(&rows.row[r], "the hook says no", &tls_world);
        c.client.native_hook = refuse;
        assert_int_equal(ln_testkit_new(&kit_config, &kit), LN_OK);
        assert_int_equal(ln_testkit_host_new(kit, "client", TLS_CLIENT_IP, &device), LN_OK);
        assert_int_equal(tls_pair_try_open(&p, &c, kit, device, false, &diag), LN_DENIED);
        assert_non_null(strstr(diag.text, "native_hook"));
        tls_pair_free(&p);
        ln_testkit_free(kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_changes),
        cmocka_unit_test(test_what_it_refuses),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
