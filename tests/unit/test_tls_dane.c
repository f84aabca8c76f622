/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/dane.c. Digests come from libcrypto; the files are made by
 * tests/data/x509/make.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "codec/x509.h"
#include "support/bytes.h"
#include "tls/dane.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* ---- an environment of memory only, that counts and can fail ---- */

struct memory {
    size_t live;
    bool fail;
};

static void *resize(void *ctx, void *block, size_t size)
{
    struct memory *m = ctx;
    if (size == 0) {
        m->live -= block != NULL;
        free(block);
        return NULL;
    }
    if (m->fail)
        return NULL;
    m->live += block == NULL;
    return realloc(block, size);
}

static enum ln_status hash(enum ln_hash which, const struct ln_span *parts, size_t count,
                           uint8_t out[LN_HASH_MAX])
{
    const EVP_MD *md = which == LN_SHA256   ? EVP_sha256()
                       : which == LN_SHA384 ? EVP_sha384()
                                            : EVP_sha512();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? LN_OK : LN_INTERNAL;
}

static enum ln_status no_hash(enum ln_hash which, const struct ln_span *parts, size_t count,
                              uint8_t out[LN_HASH_MAX])
{
    (void)which;
    (void)parts;
    (void)count;
    memset(out, 0, LN_HASH_MAX);
    return LN_INTERNAL;
}

/* The data of a record that fits a file. */
static struct ln_span data_for(const char *file, uint8_t selector, uint8_t matching)
{
    struct ln_x509 cert;
    uint8_t digest[LN_HASH_MAX];
    assert_int_equal(ln__x509_read(bytes_file(file), &cert), LN_OK);
    struct ln_span what = selector == 1 ? cert.spki : cert.der;
    enum ln_hash which = matching == LN_TLSA_SHA256   ? LN_SHA256
                         : matching == LN_TLSA_SHA384 ? LN_SHA384
                                                      : LN_SHA512;
    if (matching == LN_TLSA_EXACT)
        return bytes_copy(what);
    assert_int_equal(hash(which, &what, 1, digest), LN_OK);
    return bytes_copy(ln_span(digest, ln_hash_len(which)));
}

static struct ln_tlsa record_for(const char *file, uint8_t usage, uint8_t selector,
                                 uint8_t matching)
{
    struct ln_tlsa r = { usage, selector, matching, data_for(file, selector, matching) };
    return r;
}

/* ---- what is malformed ---- */

static struct ln_tlsa of_length(uint8_t matching, size_t len)
{
    static const uint8_t zeros[100];
    struct ln_tlsa r = { 3, 1, matching, bytes_copy(ln_span(zeros, len)) };
    return r;
}

static void test_lengths_of_digests(void **state)
{
    (void)state;
    static const struct {
        uint8_t matching;
        size_t len;
    } digests[] = { { LN_TLSA_SHA256, 32 }, { LN_TLSA_SHA512, 64 }, { LN_TLSA_SHA384, 48 } };
    for (size_t i = 0; i < COUNT(digests); i++) {
        for (size_t len = 1; len <= 100; len++) {
            struct ln_tlsa r = of_length(digests[i].matching, len);
            assert_int_equal(ln__tlsa_fault(&r) == NULL, len == digests[i].len);
        }
    }
}

static void test_exact_data_is_a_certificate_or_a_key(void **state)
{
    (void)state;
    struct ln_tlsa cert = record_for("x509/leaf.der", 3, 0, LN_TLSA_EXACT);
    struct ln_tlsa key = record_for("x509/leaf.der", 3, 1, LN_TLSA_EXACT);
    assert_null(ln__tlsa_fault(&cert));
    assert_null(ln__tlsa_fault(&key));
    cert.selector = 1;
    key.selector = 0;
    assert_string_equal(ln__tlsa_fault(&cert),
                        "its data is not one whole public key (SubjectPublicKeyInfo)");
    assert_string_equal(ln__tlsa_fault(&key), "its data is not one whole certificate");
    cert.selector = 0;
    cert.data.len--;
    assert_non_null(ln__tlsa_fault(&cert));
}

static void test_no_data(void **state)
{
    (void)state;
    for (unsigned matching = 0; matching <= 255; matching++) {
        struct ln_tlsa r = { 3, 1, (uint8_t)matching, { NULL, 0 } };
        assert_string_equal(ln__tlsa_fault(&r), "it has no data");
    }
    struct ln_tlsa dangling = { 3, 1, LN_TLSA_SHA256, { NULL, 32 } };
    assert_non_null(ln__tlsa_fault(&dangling));
}

static void test_too_much_data(void **state)
{
    (void)state;
    static const uint8_t byte;
    struct ln_tlsa r = { 3, 1, LN_TLSA_EXACT, { &byte, LN_CREDENTIAL_MAX + 1 } }; /* never read */
    assert_string_equal(ln__tlsa_fault(&r), "its data is too long");
}

static void test_unknown_values_are_not_malformed(void **state)
{
    (void)state;
    struct ln_tlsa known = of_length(LN_TLSA_SHA256, 32);
    assert_true(ln__tlsa_is_usable(&known, false));
    struct ln_tlsa r[] = { known, known, known };
    r[0].usage = 4;
    r[1].selector = 2;
    r[2].matching = 3;
    for (size_t i = 0; i < COUNT(r); i++) {
        assert_null(ln__tlsa_fault(&r[i]));
        assert_false(ln__tlsa_is_usable(&r[i], false));
        assert_false(ln__tlsa_is_usable(&r[i], true));
        assert_false(ln__tlsa_matches(&r[i], bytes_file("x509/leaf.der"), hash));
    }
}

/* ---- sets ---- */

/* scenario: S16 */
static void test_sets_are_copies(void **state)
{
    (void)state;
    struct memory m = { 0 };
    struct ln_env env = { .alloc = { resize, &m } };
    struct ln_tlsa records[LN_TLSA_MAX];
    struct ln_tlsa_set *set = NULL;
    for (size_t i = 0; i < LN_TLSA_MAX; i++) {
        struct ln_mspan data = bytes_mcopy(of_length(LN_TLSA_SHA256, 32).data);
        data.data[0] = (uint8_t)i;
        records[i] = (struct ln_tlsa) { 3, 1, LN_TLSA_SHA256, ln_span(data.data, data.len) };
    }
    assert_int_equal(ln__tlsa_set_new(&env, records, LN_TLSA_MAX, NULL, &set), LN_OK);
    assert_int_equal(m.live, 1); /* one block */
    memset(records, 0, sizeof records);
    assert_int_equal(set->count, LN_TLSA_MAX);
    for (size_t i = 0; i < LN_TLSA_MAX; i++) {
        assert_int_equal(set->records[i].matching, LN_TLSA_SHA256);
        assert_int_equal(set->records[i].data.len, 32);
        assert_int_equal(set->records[i].data.data[0], i);
    }
    ln__tlsa_set_free(&env, set);
    ln__tlsa_set_free(&env, NULL);
    assert_int_equal(m.live, 0);
}

static void test_sets_that_are_refused(void **state)
{
    (void)state;
    struct memory m = { 0 };
    struct ln_env env = { .alloc = { resize, &m } };
    struct ln_tlsa good = of_length(LN_TLSA_SHA256, 32);
    struct ln_tlsa records[LN_TLSA_MAX + 1];
    struct ln_tlsa_set *set = NULL;
    struct ln_diag diag;
    for (size_t i = 0; i <= LN_TLSA_MAX; i++)
        records[i] = good;
    ln_diag_clear(&diag);
    assert_int_equal(ln__tlsa_set_new(&env, records, LN_TLSA_MAX + 1, &diag, &set), LN_BAD_ARG);
    assert_string_equal(diag.text, "tlsa: between 1 and 32 records are possible");
    assert_int_equal(ln__tlsa_set_new(&env, records, 0, NULL, &set), LN_BAD_ARG);
    assert_int_equal(ln__tlsa_set_new(&env, NULL, 1, NULL, &set), LN_BAD_ARG);
    records[2] = of_length(LN_TLSA_SHA512, 32);
    ln_diag_clear(&diag);
    assert_int_equal(ln__tlsa_set_new(&env, records, 3, &diag, &set), LN_BAD_ARG);
    assert_string_equal(
        diag.text, "tlsa[2]: its data has another length than the digest of its matching type");
    m.fail = true;
    assert_int_equal(ln__tlsa_set_new(&env, records, 2, NULL, &set), LN_NO_MEMORY);
    assert_null(set);
    assert_int_equal(m.live, 0);
}

static void test_bytes_tell_sets_apart(void **state)
{
    (void)state;
    struct memory m = { 0 };
    struct ln_env env = { .alloc = { resize, &m } };
    struct ln_tlsa a = of_length(LN_TLSA_SHA256, 32);
    struct ln_tlsa b = a;
    b.usage = 2;
    const struct ln_tlsa one[] = { a, b };
    const struct ln_tlsa other[] = { b, a };
    struct ln_tlsa_set *set = NULL;
    struct ln_tlsa_set *same = NULL;
    struct ln_tlsa_set *swapped = NULL;
    assert_int_equal(ln__tlsa_set_new(&env, one, 2, NULL, &set), LN_OK);
    assert_int_equal(ln__tlsa_set_new(&env, one, 2, NULL, &same), LN_OK);
    assert_int_equal(ln__tlsa_set_new(&env, other, 2, NULL, &swapped), LN_OK);
    assert_int_equal(set->bytes.len, 2 * (7 + 32));
    assert_true(ln_span_equal(set->bytes, same->bytes));
    assert_false(ln_span_equal(set->bytes, swapped->bytes));
    ln__tlsa_set_free(&env, set);
    ln__tlsa_set_free(&env, same);
    ln__tlsa_set_free(&env, swapped);
}

/* ---- which records count ---- */

#define NONE { 255, 255, 255 }

static const struct {
    bool opportunistic;
    uint8_t usages[3]; /* 255 = no record; 9 = one that nobody has defined */
    enum ln_dane_plan plan;
    const char *why;
} plans[] = {
    { false, NONE, LN_DANE_PKIX, "enforced, none set: plain PKIX" },
    { false, { 0, 255, 255 }, LN_DANE_RECORDS, "enforced, usage 0" },
    { false, { 1, 255, 255 }, LN_DANE_RECORDS, "enforced, usage 1" },
    { false, { 2, 255, 255 }, LN_DANE_RECORDS, "enforced, usage 2" },
    { false, { 3, 255, 255 }, LN_DANE_RECORDS, "enforced, usage 3" },
    { false, { 9, 255, 255 }, LN_DANE_REFUSE, "enforced, none usable: nothing is sent" },
    { false, { 9, 9, 9 }, LN_DANE_REFUSE, "enforced, none of several usable" },
    { false, { 9, 9, 3 }, LN_DANE_RECORDS, "enforced, the last one usable" },
    { true, NONE, LN_DANE_NOBODY, "opportunistic, none set" },
    { true, { 0, 1, 255 }, LN_DANE_NOBODY, "opportunistic, usages 0 and 1 only" },
    { true, { 9, 255, 255 }, LN_DANE_NOBODY, "opportunistic, none usable" },
    { true, { 2, 255, 255 }, LN_DANE_RECORDS, "opportunistic, usage 2" },
    { true, { 3, 255, 255 }, LN_DANE_RECORDS, "opportunistic, usage 3" },
    { true, { 0, 9, 3 }, LN_DANE_RECORDS, "opportunistic, the last one usable" },
};

static void test_plans(void **state)
{
    (void)state;
    struct memory m = { 0 };
    struct ln_env env = { .alloc = { resize, &m } };
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct ln_tlsa records[3];
        struct ln_tlsa_set *set = NULL;
        size_t count = 0;
        while (count < 3 && plans[i].usages[count] != 255) {
            records[count] = of_length(LN_TLSA_SHA256, 32);
            records[count].usage = plans[i].usages[count];
            count++;
        }
        print_message("  %s\n", plans[i].why);
        if (count > 0)
            assert_int_equal(ln__tlsa_set_new(&env, records, count, NULL, &set), LN_OK);
        assert_int_equal(ln__dane_plan(set, plans[i].opportunistic), plans[i].plan);
        ln__tlsa_set_free(&env, set);
    }
}

static void test_usable_when_opportunistic(void **state)
{
    (void)state;
    for (uint8_t usage = 0; usage <= 4; usage++) {
        struct ln_tlsa r = of_length(LN_TLSA_SHA256, 32);
        r.usage = usage;
        assert_int_equal(ln__tlsa_is_usable(&r, false), usage <= 3);
        assert_int_equal(ln__tlsa_is_usable(&r, true), usage == 2 || usage == 3);
    }
}

/* ---- matching ---- */

static const uint8_t matchings[] = { LN_TLSA_EXACT, LN_TLSA_SHA256, LN_TLSA_SHA384,
                                     LN_TLSA_SHA512 };

/* Every selector with every matching type: the certificate itself, and no other one. */
static void test_matching(void **state)
{
    (void)state;
    struct ln_span leaf = bytes_file("x509/leaf.der");
    struct ln_span sub = bytes_file("x509/sub.der");
    for (uint8_t selector = 0; selector <= 1; selector++) {
        for (size_t i = 0; i < COUNT(matchings); i++) {
            struct ln_tlsa r = record_for("x509/leaf.der", 3, selector, matchings[i]);
            assert_true(ln__tlsa_matches(&r, leaf, hash));
            assert_false(ln__tlsa_matches(&r, sub, hash));
            assert_false(ln__tlsa_matches(&r, ln_span(leaf.data, leaf.len - 1), hash));
            struct ln_mspan data = bytes_mcopy(r.data);
            data.data[data.len - 1] ^= 1;
            r.data = ln_span(data.data, data.len);
            assert_false(ln__tlsa_matches(&r, leaf, hash));
        }
    }
}

static void test_selector_and_type_must_be_the_records(void **state)
{
    (void)state;
    struct ln_span leaf = bytes_file("x509/leaf.der");
    struct ln_tlsa r = record_for("x509/leaf.der", 3, 0, LN_TLSA_SHA256);
    r.selector = 1;
    assert_false(ln__tlsa_matches(&r, leaf, hash));
}

/* Where there is no digest, nobody is authenticated. */
static void test_a_digest_that_fails_matches_nothing(void **state)
{
    (void)state;
    struct ln_tlsa r = of_length(LN_TLSA_SHA256, 32); /* zeros, as no_hash() leaves behind */
    assert_false(ln__tlsa_matches(&r, bytes_file("x509/leaf.der"), no_hash));
    struct ln_tlsa exact = record_for("x509/leaf.der", 3, 0, LN_TLSA_EXACT);
    assert_true(ln__tlsa_matches(&exact, bytes_file("x509/leaf.der"), no_hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_of_digests),
        cmocka_unit_test(test_exact_data_is_a_certificate_or_a_key),
        cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_too_much_data),
        cmocka_unit_test(test_unknown_values_are_not_malformed),
        cmocka_unit_test(test_sets_are_copies),
        cmocka_unit_test(test_sets_that_are_refused),
        cmocka_unit_test(test_bytes_tell_sets_apart),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_usable_when_opportunistic),
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_selector_and_type_must_be_the_records),
        cmocka_unit_test(test_a_digest_that_fails_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
