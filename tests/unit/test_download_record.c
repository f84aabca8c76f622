/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/download/record.c and of the classes in src/download/retry.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "download/download.h"
#include "support/bytes.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct ln__download_record sample(void)
{
    struct ln__download_record r = { .total = 0x1122334455667788,
                                     .received = 0x0102030405060708,
                                     .restarts = 0xdeadbeef,
                                     .points = 2 };
    for (uint8_t i = 0; i < LN__SHA256_LEN; i++) {
        r.uri[i] = i;
        r.point[0].sha256[i] = (uint8_t)(0x40 + i);
        r.point[1].sha256[i] = (uint8_t)(0x80 + i);
    }
    r.validator = (struct ln__validator) { .kind = LN__ETAG, .len = 4, .data = "\"v1\"" };
    r.point[0].offset = 0x1000;
    r.point[1].offset = 0x2000;
    return r;
}

static bool same(const struct ln__download_record *a, const struct ln__download_record *b)
{
    bool points = a->points == b->points;
    for (size_t i = 0; points && i < a->points; i++)
        points = a->point[i].offset == b->point[i].offset &&
                 memcmp(a->point[i].sha256, b->point[i].sha256, LN__SHA256_LEN) == 0;
    return points && memcmp(a->uri, b->uri, LN__SHA256_LEN) == 0 &&
           a->validator.kind == b->validator.kind && a->validator.len == b->validator.len &&
           memcmp(a->validator.data, b->validator.data, a->validator.len) == 0 &&
           a->total == b->total && a->received == b->received && a->restarts == b->restarts;
}

/* The form is an agreement with the future: these bytes must be read by every later version. */
static void test_the_form(void **state)
{
    (void)state;
    struct ln__download_record r = sample();
    uint8_t out[LN_DOWNLOAD_STATE_MAX];
    size_t len = ln__download_record_write(&r, out);
    struct ln_span expected =
        bytes_hex("4c 4e 44 01"
                  "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
                  "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f # the URI\n"
                  "01 04 22 76 31 22                               # an entity tag\n"
                  "11 22 33 44 55 66 77 88 01 02 03 04 05 06 07 08 de ad be ef"
                  "02 00 00 00 00 00 00 10 00"
                  "40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f"
                  "50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f"
                  "00 00 00 00 00 00 20 00"
                  "80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f"
                  "90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f");
    assert_true(ln_span_equal(ln_span(out, len), expected));
    struct ln__download_record again;
    assert_int_equal(ln__download_record_read(expected, &again), LN_OK);
    assert_true(same(&r, &again));
}

static void test_extremes(void **state)
{
    (void)state;
    uint8_t out[LN_DOWNLOAD_STATE_MAX];
    struct ln__download_record least = { .total = LN__UNKNOWN };
    struct ln__download_record most = sample();
    struct ln__download_record again;
    size_t len = ln__download_record_write(&least, out);
    assert_int_equal(ln__download_record_read(ln_span(out, len), &again), LN_OK);
    assert_true(same(&least, &again));
    most.validator.kind = LN__DATE;
    most.validator.len = LN__VALIDATOR_MAX;
    most.total = INT64_MAX;
    most.point[1].offset = INT64_MAX;
    most.received = UINT64_MAX;
    len = ln__download_record_write(&most, out);
    assert_true(len + LN__SHA256_LEN <= LN_DOWNLOAD_STATE_MAX);
    assert_int_equal(ln__download_record_read(ln_span(out, len), &again), LN_OK);
    assert_true(same(&most, &again));
}

static void test_shorter_and_longer(void **state)
{
    (void)state;
    struct ln__download_record r = sample();
    struct ln__download_record out = { .restarts = 77 };
    uint8_t bytes[LN_DOWNLOAD_STATE_MAX] = { 0 };
    size_t len = ln__download_record_write(&r, bytes);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(ln__download_record_read(ln_span(bytes, cut), &out), LN_BAD_PEER);
    assert_int_equal(ln__download_record_read(ln_span(bytes, len + 1), &out), LN_BAD_PEER);
    assert_int_equal(out.restarts, 77); /* untouched */
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        const char *why;
    } rows[] = {
        { 0, 'M', "another magic" },
        { 3, 2, "another version" },
        { 36, 3, "an unknown kind of validator" },
        { 36, 0, "no validator, and bytes of one" },
        { 42, 0x80, "a total of 2^63 and more" },
        { 62, 3, "three points" },
        { 69, 0x20, "points that do not rise" },
        { 69, 0x30, "points that fall" },
        { 103, 0x7f, "a point behind the total" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ln__download_record r = sample();
        uint8_t bytes[LN_DOWNLOAD_STATE_MAX];
        size_t len = ln__download_record_write(&r, bytes);
        assert_true(bytes[rows[i].at] != rows[i].value);
        bytes[rows[i].at] = rows[i].value;
        if (ln__download_record_read(ln_span(bytes, len), &r) != LN_BAD_PEER)
            fail_msg("%s", rows[i].why);
    }
    struct ln__download_record zero = sample();
    uint8_t bytes[LN_DOWNLOAD_STATE_MAX];
    zero.point[0].offset = 0;
    size_t len = ln__download_record_write(&zero, bytes);
    assert_int_equal(ln__download_record_read(ln_span(bytes, len), &zero), LN_BAD_PEER);
}

static void test_validators(void **state)
{
    (void)state;
    struct ln__validator none = { .kind = LN__NO_VALIDATOR };
    struct ln__validator a = { .kind = LN__ETAG, .len = 2, .data = "ab" };
    struct ln__validator b = a;
    assert_true(ln__validator_same(&a, &b));
    b.data[1] = 'c';
    assert_false(ln__validator_same(&a, &b));
    b = a;
    b.len = 1;
    assert_false(ln__validator_same(&a, &b));
    b = a;
    b.kind = LN__DATE;
    assert_false(ln__validator_same(&a, &b));
    assert_false(ln__validator_same(&none, &none)); /* nothing proves nothing */
}

/* Every category has a reason; what somebody must mend is final, what time may heal is not. */
static void test_classes(void **state)
{
    (void)state;
    static const struct {
        enum ln_status status;
        enum ln_category category;
        enum ln_phase phase;
        enum ln_download_reason reason;
    } rows[] = {
        { LN_NOT_FOUND, LN_CAT_DNS, LN_PHASE_RESOLVE, LN_DOWNLOAD_NAME },
        { LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_RESOLVE, LN_DOWNLOAD_NAME },
        { LN_TIMEOUT, LN_CAT_NO_ANSWER, LN_PHASE_CONNECT, LN_DOWNLOAD_CONNECTION },
        { LN_TIMEOUT, LN_CAT_STALLED, LN_PHASE_HANDSHAKE, LN_DOWNLOAD_CONNECTION },
        { LN_REFUSED, LN_CAT_PEER_REFUSED, LN_PHASE_CONNECT, LN_DOWNLOAD_CONNECTION },
        { LN_DENIED, LN_CAT_EXPIRED, LN_PHASE_HANDSHAKE, LN_DOWNLOAD_HANDSHAKE },
        { LN_DENIED, LN_CAT_WRONG_NAME, LN_PHASE_HANDSHAKE, LN_DOWNLOAD_HANDSHAKE },
        { LN_REFUSED, LN_CAT_PSK_KEY, LN_PHASE_HANDSHAKE, LN_DOWNLOAD_HANDSHAKE },
        { LN_REFUSED, LN_CAT_CLIENT_CERT_REJECTED, LN_PHASE_TRANSFER, LN_DOWNLOAD_HANDSHAKE },
        { LN_BAD_PEER, LN_CAT_TRUNCATED, LN_PHASE_TRANSFER, LN_DOWNLOAD_CONNECTION },
        { LN_BAD_PEER, LN_CAT_PROTOCOL, LN_PHASE_TRANSFER, LN_DOWNLOAD_PROTOCOL },
        { LN_BAD_PEER, LN_CAT_ANSWER, LN_PHASE_TRANSFER, LN_DOWNLOAD_REDIRECT },
        { LN_DENIED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, LN_DOWNLOAD_SECURITY },
        { LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONNECT, LN_DOWNLOAD_BAD_URI },
        { LN_NO_MEMORY, LN_CAT_DNS, LN_PHASE_RESOLVE, LN_DOWNLOAD_MEMORY },
        { LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER, LN_DOWNLOAD_CONNECTION },
        { LN_INTERNAL, (enum ln_category)999, LN_PHASE_TRANSFER, LN_DOWNLOAD_INTERNAL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ln_diag diag = { .status = rows[i].status,
                                .category = rows[i].category,
                                .phase = rows[i].phase };
        assert_int_equal(ln__download_classify(&diag), rows[i].reason);
    }
#define CATEGORY(name, word, advice) LN_CAT_##name,
    static const enum ln_category all[] = { LN_CATEGORY_LIST(CATEGORY) };
#undef CATEGORY
    for (size_t i = 1; i < COUNT(all); i++) {
        struct ln_diag diag = { .status = LN_REFUSED, .category = all[i] };
        enum ln_download_reason reason = ln__download_classify(&diag);
        bool internal = all[i] == LN_CAT_INTERNAL_FAULT;
        assert_int_equal(reason == LN_DOWNLOAD_INTERNAL, internal);
        assert_int_not_equal(reason, LN_DOWNLOAD_NONE);
    }
#define REASON(name, word, class_, meaning) LN_DOWNLOAD_##name,
    static const enum ln_download_reason reasons[] = { LN_DOWNLOAD_REASON_LIST(REASON) };
#undef REASON
    for (size_t i = 0; i < COUNT(reasons); i++) {
        bool nothing = reasons[i] == LN_DOWNLOAD_NONE || reasons[i] == LN_DOWNLOAD_CANCELLED;
        assert_int_equal(ln__download_category(reasons[i]) == LN_CAT_NONE, nothing);
        assert_true(strlen(ln_download_reason_meaning(reasons[i])) > 5);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_form),           cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_shorter_and_longer), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_validators),         cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
