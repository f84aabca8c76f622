/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/suites.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/diag.h>

#include "tls/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct {
    uint16_t id;
    bool tls13;
    bool psk;
    bool aead;
    enum ln_hash hash;
    size_t record_min;
    size_t mtu_of_1200; /* by hand, see the row's sentence */
    const char *why;
} rows[] = {
    { 0xc0a8, false, true, true, LN_SHA256, 16, 1171, "PSK, CCM_8: 1200 - 13 - 8 - 8" },
    { 0x00a8, false, true, true, LN_SHA256, 24, 1163, "PSK, GCM: 1200 - 13 - 8 - 16" },
    { 0x00a9, false, true, true, LN_SHA384, 24, 1163, "PSK, AES-256-GCM" },
    { 0x00ae, false, true, false, LN_SHA256, 64, 1135,
      "PSK, CBC: 1200 - 13 - 16 = 1171, 73 blocks = 1168, less 32 + 1" },
    { 0x00af, false, true, false, LN_SHA384, 80, 1119, "PSK, CBC with SHA-384: 1168 - 48 - 1" },
    { 0x008c, false, true, false, LN_SHA256, 48, 1135,
      "PSK, CBC with SHA-1, the MAC behind the blocks: 1171 - 20 = 1151, 71 blocks = 1136, less 1" },
    { 0xccab, false, true, true, LN_SHA256, 16, 1171, "PSK, ChaCha20: 1200 - 13 - 16" },
    { 0xd003, false, true, true, LN_SHA256, 16, 1171, "ECDHE_PSK, CCM_8 (RFC 8442)" },
    { 0xc0ae, false, false, true, LN_SHA256, 16, 1171, "ECDHE_ECDSA, CCM_8" },
    { 0xc023, false, false, false, LN_SHA256, 64, 1135, "ECDHE_ECDSA, CBC with SHA-256" },
    { 0xc02b, false, false, true, LN_SHA256, 24, 1163, "ECDHE_ECDSA, GCM" },
    { 0xc030, false, false, true, LN_SHA384, 24, 1163, "ECDHE_RSA, AES-256-GCM" },
    { 0x002f, false, false, false, LN_SHA256, 48, 1135, "RSA, CBC with SHA-1" },
    { 0x1301, true, false, true, LN_SHA256, 16, 1178, "TLS 1.3: 1200 - 5 - 1 - 16" },
    { 0x1302, true, false, true, LN_SHA384, 16, 1178, "TLS 1.3, SHA-384" },
    { 0x1305, true, false, true, LN_SHA256, 16, 1186, "TLS 1.3, CCM_8: 1200 - 5 - 1 - 8" },
};

static void test_properties(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ln_suite *s = ln__suite(rows[i].id);
        print_message("  0x%04x: %s\n", rows[i].id, rows[i].why);
        assert_non_null(s);
        assert_int_equal(s->id, rows[i].id);
        assert_int_equal(s->tls13, rows[i].tls13);
        assert_int_equal(s->psk, rows[i].psk);
        assert_int_equal(s->aead, rows[i].aead);
        assert_int_equal(s->hash, rows[i].hash);
        assert_int_equal(ln__suite_record_min(rows[i].id), rows[i].record_min);
        assert_int_equal(ln__suite_inner_mtu(rows[i].id, 1200), rows[i].mtu_of_1200);
    }
}

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

/* The name says what the table must say; no suite that gives nothing is in it. */
static void test_every_suite_agrees_with_its_name(void **state)
{
    (void)state;
    size_t count = 0;
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct ln_suite *s = ln__suite((uint16_t)id);
        const char *name = ln_suite_name((uint16_t)id);
        if (s == NULL)
            continue;
        count++;
        assert_non_null(name);
        assert_int_equal(s->tls13, !has(name, "_WITH_"));
        assert_int_equal(s->psk, has(name, "PSK"));
        assert_int_equal(s->aead, !has(name, "CBC"));
        assert_int_equal(s->block_len, has(name, "CBC") ? 16 : 0);
        assert_int_equal(s->hash, has(name, "SHA384") ? LN_SHA384 : LN_SHA256);
        assert_int_equal(s->tag_len == 8, has(name, "CCM_8"));
        if (has(name, "GCM") || has(name, "CCM"))
            assert_int_equal(s->nonce_len, s->tls13 ? 0 : 8);
        assert_false(has(name, "NULL") || has(name, "RC4") || has(name, "3DES") ||
                     has(name, "anon") || has(name, "RSA_PSK") || has(name, "EXPORT"));
    }
    assert_true(count > 60);
}

/* LwM2M 1.0 and 1.1, transport 7.1.7 to 7.1.9, and 1.2 */
static void test_what_lwm2m_demands_is_there(void **state)
{
    (void)state;
    static const uint16_t demanded[] = { 0xc0a8, 0x00ae, 0xc0ae, 0xc023, 0x1304,
                                         0x1305, 0xc037, 0xd003, 0xd005, 0x1301 };
    for (size_t i = 0; i < COUNT(demanded); i++)
        assert_non_null(ln__suite(demanded[i]));
    assert_null(ln__suite(0));
    assert_null(ln__suite(0x00ff)); /* a signal, no suite */
    assert_null(ln__suite(0xffff));
}

/* For every plaintext: does it fit where the table says so? The record is computed from the other
 * side, for both orders of MAC and padding. */
static size_t record_len(const struct ln_suite *s, size_t plain, bool encrypt_then_mac)
{
    if (s->tls13)
        return 5 + plain + 1 + s->tag_len;
    if (s->block_len == 0)
        return 13u + s->nonce_len + plain + s->tag_len;
    size_t padded = plain + (encrypt_then_mac ? 0u : s->tag_len) + 1;
    padded = (padded + 15) / 16 * 16;
    return 13u + s->nonce_len + padded + (encrypt_then_mac ? s->tag_len : 0u);
}

static void test_inner_mtu_is_exact(void **state)
{
    (void)state;
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct ln_suite *s = ln__suite((uint16_t)id);
        for (size_t below = 0; s != NULL && below < 1300; below += below < 200 ? 1 : 7) {
            size_t mtu = ln__suite_inner_mtu((uint16_t)id, below);
            if (mtu > 0) {
                assert_true(record_len(s, mtu, false) <= below);
                assert_true(record_len(s, mtu, true) <= below);
            }
            assert_true(record_len(s, mtu + 1, false) > below ||
                        record_len(s, mtu + 1, true) > below);
        }
    }
}

static void test_shortest_record_is_exact(void **state)
{
    (void)state;
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct ln_suite *s = ln__suite((uint16_t)id);
        if (s == NULL || s->tls13)
            continue;
        size_t one = record_len(s, 0, false) - 13;
        size_t other = record_len(s, 0, true) - 13;
        assert_int_equal(ln__suite_record_min((uint16_t)id), one < other ? one : other);
        assert_true(ln__suite_record_min((uint16_t)id) >= ln__suite_record_min(0));
    }
}

static void test_unknown_suites(void **state)
{
    (void)state;
    assert_int_equal(ln__suite_record_min(0), 16);
    assert_int_equal(ln__suite_inner_mtu(0, 1200), 1136);
    assert_int_equal(ln__suite_inner_mtu(0, 64), 0);
    assert_int_equal(ln__suite_inner_mtu(0, 0), 0);
    assert_int_equal(ln__suite_inner_mtu(0xc0a8, 13), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_every_suite_agrees_with_its_name),
        cmocka_unit_test(test_what_lwm2m_demands_is_there),
        cmocka_unit_test(test_inner_mtu_is_exact),
        cmocka_unit_test(test_shortest_record_is_exact),
        cmocka_unit_test(test_unknown_suites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
