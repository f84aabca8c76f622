/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/names.c and src/base/suites.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/diag.h>

static const struct {
    uint8_t number;
    const char *name;
} alerts[] = {
    { 0, "close_notify" },
    { 20, "bad_record_mac" },
    { 40, "handshake_failure" },
    { 48, "unknown_ca" },
    { 52, "too_many_cids_requested" },
    { 100, "no_renegotiation" },
    { 115, "unknown_psk_identity" },
    { 116, "certificate_required" },
    { 121, "ech_required" },
    { 1, "unassigned" },
    { 122, "unassigned" },
    { 254, "unassigned" },
    { LN_ALERT_NOT_TOLD, "not told by this library" },
};

static void test_alerts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
        assert_string_equal(ln_alert_name(alerts[i].number), alerts[i].name);
    for (unsigned n = 0; n <= 255; n++)
        assert_non_null(ln_alert_name((uint8_t)n));
}

static void test_versions(void **state)
{
    (void)state;
    assert_string_equal(ln_version_name(0x0303), "TLS 1.2");
    assert_string_equal(ln_version_name(0x0304), "TLS 1.3");
    assert_string_equal(ln_version_name(0xfefd), "DTLS 1.2");
    assert_string_equal(ln_version_name(0xfefc), "DTLS 1.3");
    assert_string_equal(ln_version_name(0xfefe), "unknown"); /* there never was a DTLS 1.1 */
    assert_string_equal(ln_version_name(0), "unknown");
}

static const struct {
    uint16_t id;
    const char *name;
    const char *why;
} suites[] = {
    { 0x1301, "TLS_AES_128_GCM_SHA256", "the first of TLS 1.3" },
    { 0x1305, "TLS_AES_128_CCM_8_SHA256", "the last of TLS 1.3" },
    { 0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8", "mandatory in LwM2M with PSK" },
    { 0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256", "the other one" },
    { 0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "mandatory in LwM2M with certificates" },
    { 0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "the other one" },
    { 0xc037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", "ECDHE with PSK (RFC 5489)" },
    { 0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "ECDHE with PSK (RFC 8442)" },
    { 0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "the last of RFC 8442" },
    { 0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE" },
    { 0x00aa, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", "DHE with PSK" },
    { 0xc0aa, "TLS_PSK_DHE_WITH_AES_128_CCM_8", "IANA's misprint" },
    { 0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ChaCha20" },
    { 0x0001, "TLS_RSA_WITH_NULL_MD5", "the first of the table" },
    { 0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", "ARIA" },
    { 0xc086, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256", "Camellia of Mbed TLS" },
    { 0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "a signal that stands among suites" },
};

static void test_suites(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        print_message("  %s\n", suites[i].why);
        assert_string_equal(ln_suite_name(suites[i].id), suites[i].name);
        assert_int_equal(ln_suite_id(suites[i].name), suites[i].id);
    }
}

static void test_suites_both_ways(void **state)
{
    (void)state;
    unsigned named = 0;
    for (unsigned id = 0; id <= UINT16_MAX; id++) {
        const char *name = ln_suite_name((uint16_t)id);
        if (name == NULL)
            continue;
        named++;
        assert_int_equal(ln_suite_id(name), id); /* sorted, and no name twice */
        assert_true(strlen(name) < 48);
    }
    assert_true(named > 250);
}

static void test_suites_by_other_names(void **state)
{
    (void)state;
    assert_int_equal(ln_suite_id("tls_psk_with_aes_128_ccm_8"), 0xc0a8);
    assert_int_equal(ln_suite_id("TLS_DHE_PSK_WITH_AES_256_CCM_8"), 0xc0ab);
    assert_int_equal(ln_suite_id("PSK-AES128-CCM8"), 0); /* OpenSSL's names are its own */
    assert_int_equal(ln_suite_id(""), 0);
    assert_int_equal(ln_suite_id(NULL), 0);
    assert_null(ln_suite_name(0));
    assert_null(ln_suite_name(0xffff));
}

static void test_groups(void **state)
{
    (void)state;
    assert_string_equal(ln_group_name(23), "secp256r1");
    assert_string_equal(ln_group_name(29), "x25519");
    assert_string_equal(ln_group_name(4588), "X25519MLKEM768");
    assert_null(ln_group_name(0));
    assert_null(ln_group_name(9999));
    assert_int_equal(ln_group_id("X25519"), 29);
    assert_int_equal(ln_group_id("P-384"), 24);
    assert_int_equal(ln_group_id("prime256v1"), 23);
    assert_int_equal(ln_group_id("ffdhe2048"), 256);
    assert_int_equal(ln_group_id("x2551"), 0);
    assert_int_equal(ln_group_id(NULL), 0);
    for (unsigned id = 0; id <= UINT16_MAX; id++) {
        const char *name = ln_group_name((uint16_t)id);
        if (name != NULL)
            assert_int_equal(ln_group_id(name), id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_suites_both_ways),
        cmocka_unit_test(test_suites_by_other_names),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
