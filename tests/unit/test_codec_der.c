/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/der.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/der.h"
#include "support/bytes.h"

/* ---- values ---- */

static const struct {
    const char *hex;
    size_t body; /* length of the contents; SIZE_MAX = refused */
    const char *why;
} values[] = {
    { "05 00", 0, "a NULL" },
    { "04 01 ff", 1, "one octet" },
    { "30 03 02 01 05", 3, "a SEQUENCE" },
    { "80 01 00", 1, "[0] primitive" },
    { "04 01 ff 00", 1, "what follows is another value" },
    { "", SIZE_MAX, "nothing" },
    { "04", SIZE_MAX, "no length" },
    { "04 01", SIZE_MAX, "no contents" },
    { "04 02 ff", SIZE_MAX, "contents cut off" },
    { "04 81", SIZE_MAX, "length cut off" },
    { "04 82 01", SIZE_MAX, "length cut off in its second octet" },
    { "30 80 00 00", SIZE_MAX, "indefinite length is BER" },
    { "04 81 01 ff", SIZE_MAX, "a length below 128 in the long form" },
    { "04 81 7f ff", SIZE_MAX, "127 in the long form" },
    { "04 82 00 81 ff", SIZE_MAX, "a spare zero in the length" },
    { "04 84 ff ff ff ff 00", SIZE_MAX, "4 GiB" },
    { "04 85 01 00 00 00 00 00", SIZE_MAX, "a length of five octets" },
    { "04 ff 00", SIZE_MAX, "the reserved length octet" },
    { "00 00", SIZE_MAX, "end-of-contents is BER" },
    { "1f 81 01 00", SIZE_MAX, "a tag number above 30" },
    { "bf 21 00", SIZE_MAX, "a tag number above 30, context" },
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ln_cursor c = ln__cursor(bytes_hex(values[i].hex));
        size_t before = ln__cursor_left(&c);
        struct ln_der v = { .tag = 0x77 };
        enum ln_status st = ln__der_read(&c, &v);
        print_message("  %s: %s\n", values[i].hex, values[i].why);
        if (values[i].body == SIZE_MAX) {
            assert_int_equal(st, LN_BAD_PEER);
            assert_int_equal(v.tag, 0x77);
            assert_int_equal(ln__cursor_left(&c), before);
        } else {
            assert_int_equal(st, LN_OK);
            assert_int_equal(v.body.len, values[i].body);
            assert_int_equal(v.whole.len, before - ln__cursor_left(&c));
        }
    }
}

static void test_long_lengths(void **state)
{
    (void)state;
    uint8_t data[4 + 300] = { 0x04, 0x82, 0x01, 0x2c };
    struct ln_cursor c = ln__cursor(bytes_copy(ln_span(data, sizeof data)));
    struct ln_der v;
    assert_int_equal(ln__der_read(&c, &v), LN_OK);
    assert_int_equal(v.body.len, 300);
    const uint8_t head[3] = { 0x04, 0x81, 0x80 };
    memcpy(data, head, sizeof head);
    c = ln__cursor(bytes_copy(ln_span(data, 3 + 128)));
    assert_int_equal(ln__der_read(&c, &v), LN_OK);
    assert_int_equal(v.body.len, 128);
}

/* 0x80 is no length of 128. */
static void test_indefinite_length(void **state)
{
    (void)state;
    uint8_t data[2 + 200] = { 0x30, 0x80 };
    struct ln_cursor c = ln__cursor(bytes_copy(ln_span(data, sizeof data)));
    struct ln_der v;
    assert_int_equal(ln__der_read(&c, &v), LN_BAD_PEER);
}

static void test_expected_and_optional(void **state)
{
    (void)state;
    struct ln_cursor c = ln__cursor(bytes_hex("30 02 05 00  04 01 aa"));
    struct ln_cursor inside;
    struct ln_span body;
    bool present = true;
    assert_int_equal(ln__der_expect(&c, LN_DER_SET, &body), LN_BAD_PEER);
    assert_int_equal(ln__der_optional(&c, LN_DER_SET, &present, &body), LN_OK);
    assert_false(present);
    assert_int_equal(ln__der_enter(&c, LN_DER_SEQUENCE, &inside), LN_OK);
    assert_int_equal(ln__der_end(&inside), LN_BAD_PEER);
    assert_int_equal(ln__der_expect(&inside, LN_DER_NULL, &body), LN_OK);
    assert_int_equal(ln__der_end(&inside), LN_OK);
    assert_int_equal(ln__der_optional(&c, LN_DER_OCTET_STRING, &present, &body), LN_OK);
    assert_true(present);
    assert_true(ln_span_equal(body, bytes_hex("aa")));
    assert_false(ln__der_next_is(&c, LN_DER_NULL));
}

/* ---- simple types ---- */

static const struct {
    const char *hex;
    int64_t value; /* -1 = refused */
    const char *why;
} integers[] = {
    { "02 01 00", 0, "zero" },
    { "02 01 7f", 127, "one octet" },
    { "02 02 00 80", 128, "a zero keeps the sign" },
    { "02 05 00 ff ff ff ff", 4294967295, "the highest" },
    { "02 05 01 00 00 00 00", -1, "higher than that" },
    { "02 01 80", -1, "negative" },
    { "02 00", -1, "no octet" },
    { "02 02 00 7f", -1, "a spare zero" },
    { "02 02 ff 80", -1, "a spare ff" },
    { "0a 01 01", -1, "an ENUMERATED is no INTEGER" },
};

static void test_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        struct ln_cursor c = ln__cursor(bytes_hex(integers[i].hex));
        uint32_t value = 99;
        bool ok = ln__der_uint(&c, LN_DER_INTEGER, &value) == LN_OK;
        print_message("  %s: %s\n", integers[i].hex, integers[i].why);
        assert_int_equal(ok, integers[i].value >= 0);
        assert_int_equal(value, ok ? (uint32_t)integers[i].value : 99);
    }
    struct ln_cursor c = ln__cursor(bytes_hex("0a 01 03  02 09 ff0000000000000001"));
    uint32_t value = 0;
    struct ln_span body;
    assert_int_equal(ln__der_uint(&c, LN_DER_ENUMERATED, &value), LN_OK);
    assert_int_equal(value, 3);
    assert_int_equal(ln__der_integer(&c, &body), LN_OK); /* large and negative: only measured */
    assert_int_equal(body.len, 9);
    c = ln__cursor(bytes_hex("02 02 00 01"));
    assert_int_equal(ln__der_integer(&c, &body), LN_BAD_PEER);
    c = ln__cursor(bytes_hex("02 00"));
    assert_int_equal(ln__der_integer(&c, &body), LN_BAD_PEER);
}

static void test_booleans(void **state)
{
    (void)state;
    bool value = false;
    struct ln_cursor c = ln__cursor(bytes_hex("01 01 ff  01 01 00"));
    assert_int_equal(ln__der_boolean(&c, &value), LN_OK);
    assert_true(value);
    assert_int_equal(ln__der_boolean(&c, &value), LN_OK);
    assert_false(value);
    static const char *const refused[] = { "01 01 01", "01 00", "01 02 ff ff", "02 01 ff" };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        c = ln__cursor(bytes_hex(refused[i]));
        assert_int_equal(ln__der_boolean(&c, &value), LN_BAD_PEER);
    }
}

static void test_oids(void **state)
{
    (void)state;
    static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };
    struct ln_span body;
    struct ln_cursor c = ln__cursor(bytes_hex("06 03 55 04 03"));
    assert_int_equal(ln__der_oid(&c, &body), LN_OK);
    assert_true(ln__der_oid_is(body, common_name, sizeof common_name));
    assert_false(ln__der_oid_is(body, common_name, 2));
    static const char *const refused[] = {
        "06 00",       /* no arc */
        "06 02 55 84", /* an arc that does not end */
        "06 02 80 01", /* an arc with a spare octet */
        "06 03 55 80 01",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        c = ln__cursor(bytes_hex(refused[i]));
        assert_int_equal(ln__der_oid(&c, &body), LN_BAD_PEER);
    }
}

static void test_bit_strings(void **state)
{
    (void)state;
    struct ln_span bytes;
    unsigned unused = 9;
    struct ln_cursor c = ln__cursor(bytes_hex("03 02 07 80  03 03 04 aa b0  03 01 00"));
    assert_int_equal(ln__der_bit_string(&c, &bytes, &unused), LN_OK);
    assert_int_equal(unused, 7);
    assert_int_equal(ln__der_bit_string(&c, &bytes, &unused), LN_OK);
    assert_int_equal(unused, 4);
    assert_true(ln_span_equal(bytes, bytes_hex("aab0")));
    assert_int_equal(ln__der_bit_string(&c, &bytes, &unused), LN_OK);
    assert_int_equal(bytes.len, 0);
    static const char *const refused[] = {
        "03 00",          /* not even the count */
        "03 01 01",       /* unused bits of nothing */
        "03 02 08 00",    /* eight of them */
        "03 02 04 b1",    /* unused, and set */
        "23 04 03 02 00", /* constructed is BER */
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        c = ln__cursor(bytes_hex(refused[i]));
        assert_int_equal(ln__der_bit_string(&c, &bytes, &unused), LN_BAD_PEER);
    }
}

/* ---- times ---- */

#define REFUSED INT64_MIN

static const struct {
    uint8_t tag;
    const char *text;
    int64_t seconds; /* by `date -u +%s` */
    const char *why;
} times[] = {
    { LN_DER_UTC_TIME, "700101000000Z", 0, "the epoch" },
    { LN_DER_UTC_TIME, "691231235959Z", -1, "before it" },
    { LN_DER_UTC_TIME, "491231235959Z", 2524607999, "two digits below 50 are 20xx" },
    { LN_DER_UTC_TIME, "500101000000Z", -631152000, "and from 50 on 19xx" },
    { LN_DER_UTC_TIME, "000229120000Z", 951825600, "2000 was a leap year" },
    { LN_DER_UTC_TIME, "261123114305Z", 1795434185, "some day" },
    { LN_DER_GENERALIZED_TIME, "20500101000000Z", 2524608000, "2050" },
    { LN_DER_GENERALIZED_TIME, "99991231235959Z", 253402300799, "no end (RFC 5280 4.1.2.5)" },
    { LN_DER_GENERALIZED_TIME, "00000101000000Z", -62167219200, "the year 0" },
    { LN_DER_GENERALIZED_TIME, "00000301000000Z", -62162035200, "which was a leap year" },
    { LN_DER_GENERALIZED_TIME, "00010101000000Z", -62135596800, "the year 1" },
    { LN_DER_GENERALIZED_TIME, "21000228235959Z", 4107542399, "the end of February 2100" },
    { LN_DER_GENERALIZED_TIME, "21000301000000Z", 4107542400, "which has 28 days" },
    { LN_DER_GENERALIZED_TIME, "24000229000000Z", 13574563200, "2400 has 29" },
    { LN_DER_GENERALIZED_TIME, "21000229000000Z", REFUSED, "2100-02-29" },
    { LN_DER_UTC_TIME, "7001010000Z", REFUSED, "no seconds" },
    { LN_DER_UTC_TIME, "700101000000", REFUSED, "no zone" },
    { LN_DER_UTC_TIME, "700101000000+0100", REFUSED, "another zone" },
    { LN_DER_UTC_TIME, "700101000000z", REFUSED, "a small z" },
    { LN_DER_UTC_TIME, "700101000000Z ", REFUSED, "something behind it" },
    { LN_DER_UTC_TIME, "700001000000Z", REFUSED, "month 0" },
    { LN_DER_UTC_TIME, "701301000000Z", REFUSED, "month 13" },
    { LN_DER_UTC_TIME, "700100000000Z", REFUSED, "day 0" },
    { LN_DER_UTC_TIME, "700431000000Z", REFUSED, "April 31" },
    { LN_DER_UTC_TIME, "700101240000Z", REFUSED, "24 o'clock" },
    { LN_DER_UTC_TIME, "700101006000Z", REFUSED, "minute 60" },
    { LN_DER_UTC_TIME, "700101000060Z", REFUSED, "a leap second" },
    { LN_DER_UTC_TIME, "7001010000-1Z", REFUSED, "a sign" },
    { LN_DER_UTC_TIME, "70 101000000Z", REFUSED, "a space" },
    { LN_DER_UTC_TIME, "", REFUSED, "nothing" },
    { LN_DER_GENERALIZED_TIME, "20500101000000.5Z", REFUSED, "fractions" },
    { LN_DER_GENERALIZED_TIME, "700101000000Z", REFUSED, "a UTCTime in it" },
    { LN_DER_IA5_STRING, "700101000000Z", REFUSED, "no time at all" },
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        const uint8_t head[2] = { times[i].tag, (uint8_t)strlen(times[i].text) };
        const struct ln_span parts[] = { ln_span(head, 2), ln_span_str(times[i].text) };
        struct ln_cursor c = ln__cursor(bytes_join(parts, 2));
        int64_t seconds = 42;
        print_message("  %s: %s\n", times[i].text, times[i].why);
        enum ln_status st = ln__der_time(&c, &seconds);
        assert_int_equal(st, times[i].seconds == REFUSED ? LN_BAD_PEER : LN_OK);
        assert_true(seconds == (times[i].seconds == REFUSED ? 42 : times[i].seconds));
        assert_int_equal(ln__cursor_left(&c), st == LN_OK ? 0 : strlen(times[i].text) + 2);
    }
}

/* ---- nesting ---- */

/* `depth` SEQUENCEs, one in the other */
static struct ln_span nest(size_t depth)
{
    uint8_t data[200];
    size_t at = sizeof data;
    for (size_t i = 0; i < depth; i++) {
        size_t len = sizeof data - at;
        data[--at] = (uint8_t)len;
        data[--at] = LN_DER_SEQUENCE;
    }
    return bytes_copy(ln_span(data + at, sizeof data - at));
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(ln__der_check(nest(0), 0), LN_OK);
    assert_int_equal(ln__der_check(nest(1), 0), LN_BAD_PEER);
    assert_int_equal(ln__der_check(nest(3), 3), LN_OK);
    assert_int_equal(ln__der_check(nest(4), 3), LN_BAD_PEER);
    assert_int_equal(ln__der_check(nest(LN_DER_DEPTH_MAX), SIZE_MAX), LN_OK);
    assert_int_equal(ln__der_check(nest(LN_DER_DEPTH_MAX + 1), SIZE_MAX), LN_BAD_PEER);
    assert_int_equal(ln__der_check(nest(60), SIZE_MAX), LN_BAD_PEER);
}

static void test_nested_values_are_whole(void **state)
{
    (void)state;
    assert_int_equal(ln__der_check(bytes_hex("30 04 05 00 05 00  31 02 05 00"), 2), LN_OK);
    assert_int_equal(ln__der_check(bytes_hex("30 03 05 00 05"), 2), LN_BAD_PEER);
    assert_int_equal(ln__der_check(bytes_hex("30 04 30 04 05 00"), 4), LN_BAD_PEER);
    assert_int_equal(ln__der_check(bytes_hex("a0 02 30 80"), 4), LN_BAD_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_long_lengths),
        cmocka_unit_test(test_indefinite_length),
        cmocka_unit_test(test_expected_and_optional),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_oids),
        cmocka_unit_test(test_bit_strings),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_nested_values_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
