/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/cbor.c and cbor_single.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/reader.h"
#include "support/bytes.h"
#include "support/payload.h"

struct row {
    const char *path;
    const char *bytes;
    const char *found;
    const char *why;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("  %s %s: %s\n", rows[i].path, rows[i].bytes, rows[i].why);
        assert_string_equal(payload_read(&ln__format_cbor, rows[i].path, bytes_hex(rows[i].bytes)),
                            rows[i].found);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static const struct row values[] = {
    { "/1/0/1", "61 61", "/1/0/1=\"a\" .", "a text" },
    { "/1/0/1", "60", "/1/0/1=\"\" .", "an empty one" },
    { "/1/0/1", "78 01 61", "/1/0/1=\"a\" .", "a length longer than need be" },
    { "/1/0/1", "7b 00 00 00 00 00 00 00 01 61", "/1/0/1=\"a\" .", "of eight bytes" },
    { "/1/0/1", "7f 61 61 60 62 62 63 ff", "/1/0/1=\"abc\" .", "in chunks" },
    { "/1/0/1", "7f ff", "/1/0/1=\"\" .", "in no chunk" },
    { "/1/0/2", "42 00 ff", "/1/0/2=00ff .", "bytes" },
    { "/1/0/2", "5f 41 00 41 ff ff", "/1/0/2=00ff .", "in chunks" },
    { "/1/0/11/3", "61 61", "/1/0/11/3=\"a\" .", "of a resource instance" },
    { "/1/0/3", "05", "/1/0/3=5 .", "an integer" },
    { "/1/0/3", "20", "/1/0/3=-1 .", "a negative one" },
    { "/1/0/3", "18 05", "/1/0/3=5 .", "longer than need be" },
    { "/1/0/3", "1b 7f ff ff ff ff ff ff ff", "/1/0/3=9223372036854775807 .", "the greatest" },
    { "/1/0/3", "3b 7f ff ff ff ff ff ff ff", "/1/0/3=-9223372036854775808 .", "the smallest" },
    { "/1/0/3", "1b 80 00 00 00 00 00 00 00", "/1/0/3=!LN_BAD_PEER .", "greater" },
    { "/1/0/3", "3b 80 00 00 00 00 00 00 00", "/1/0/3=!LN_BAD_PEER .", "smaller" },
    { "/1/0/3", "3b ff ff ff ff ff ff ff ff", "/1/0/3=!LN_BAD_PEER .", "-2^64" },
    { "/1/0/3", "f9 45 00", "/1/0/3=5 .", "a float that is whole" },
    { "/1/0/3", "f9 45 80", "/1/0/3=!LN_BAD_PEER .", "one that is not" },
    { "/1/0/3", "c4 82 02 05", "/1/0/3=500 .", "a decimal fraction that is whole" },
    { "/1/0/3", "c4 82 20 05", "/1/0/3=!LN_BAD_PEER .", "one that is not" },
    { "/1/0/4", "1b ff ff ff ff ff ff ff ff", "/1/0/4=18446744073709551615 .", "unsigned" },
    { "/1/0/4", "20", "/1/0/4=!LN_BAD_PEER .", "negative" },
    { "/1/0/5", "f9 3e 00", "/1/0/5=1.5 .", "a half" },
    { "/1/0/5", "fa 3f c0 00 00", "/1/0/5=1.5 .", "a float" },
    { "/1/0/5", "fb 3f f8 00 00 00 00 00 00", "/1/0/5=1.5 .", "a double" },
    { "/1/0/5", "03", "/1/0/5=3 .", "an integer" },
    { "/1/0/5", "c4 82 21 19 6a b3", "/1/0/5=273.14999999999998 .", "a decimal fraction" },
    { "/1/0/5", "f9 7c 00", "/1/0/5=inf .", "infinite" },
    { "/1/0/6", "f5", "/1/0/6=true .", "true" },
    { "/1/0/6", "f4", "/1/0/6=false .", "false" },
    { "/1/0/6", "01", "/1/0/6=!LN_BAD_PEER .", "a number" },
    { "/1/0/7", "1a 65 53 f1 00", "/1/0/7=1700000000 .", "a time" },
    { "/1/0/7", "c1 1a 65 53 f1 00", "/1/0/7=1700000000 .", "with its tag" },
    { "/1/0/8", "64 36 36 3a 31", "/1/0/8=66:1 .", "a link" },
    { "/1/0/8", "61 31", "/1/0/8=!LN_BAD_PEER .", "half of one" },
    { "/1/0/8", "01", "/1/0/8=!LN_BAD_PEER .", "a number" },
    { "/1/0/9", "64 3c 2f 33 3e", "/1/0/9=\"</3>\" .", "a link of CoRE" },
    { "/1/0/10", "05", "/1/0/10=5 .", "as it comes: an integer" },
    { "/1/0/10", "1b ff ff ff ff ff ff ff ff", "/1/0/10=18446744073709551615 .", "unsigned" },
    { "/1/0/10", "f9 3e 00", "/1/0/10=1.5 .", "a float" },
    { "/1/0/10", "f5", "/1/0/10=true .", "a boolean" },
    { "/1/0/10", "61 61", "/1/0/10=\"a\" .", "a text" },
    { "/1/0/10", "41 00", "/1/0/10=00 .", "bytes" },
    { "/1/0/10", "c1 05", "/1/0/10=5 .", "a time" },
    { "/1/0/1", "41 61", "/1/0/1=!LN_BAD_PEER .", "bytes for a text" },
    { "/1/0/2", "61 61", "/1/0/2=!LN_BAD_PEER .", "a text for bytes" },
    { "/1/0/1", "05", "/1/0/1=!LN_BAD_PEER .", "a number for a text" },
    { "/1/0/3", "61 35", "/1/0/3=!LN_BAD_PEER .", "a text for a number" },
    { "/1/0/3", "f6", "/1/0/3=!LN_BAD_PEER .", "null" },
    { "/1/0/5", "f5", "/1/0/5=!LN_BAD_PEER .", "a boolean for a number" },
};

static void test_values(void **state)
{
    (void)state;
    CHECK_ROWS(values);
    struct payload_way way = { .step = 1 };
    assert_string_equal(payload_dump(&ln__format_cbor, "/1/0/1", bytes_hex("62 c3 28"), way),
                        "/1/0/1=!LN_BAD_PEER ."); /* not UTF-8 */
}

static const struct row malformed[] = {
    { "/1/0/3", "", "LN_BAD_PEER", "nothing" },
    { "/1/0/3", "18", "LN_BAD_PEER", "a head that is cut" },
    { "/1/0/3", "1b 00 00", "LN_BAD_PEER", "in the middle" },
    { "/1/0/3", "1c", "LN_BAD_PEER", "a reserved form" },
    { "/1/0/3", "1f", "LN_BAD_PEER", "an integer without end" },
    { "/1/0/3", "df", "LN_BAD_PEER", "a tag without end" },
    { "/1/0/3", "ff", "LN_BAD_PEER", "a break" },
    { "/1/0/3", "f7", "LN_BAD_PEER", "undefined" },
    { "/1/0/3", "f8 20", "LN_BAD_PEER", "a simple value" },
    { "/1/0/3", "e0", "LN_BAD_PEER", "another" },
    { "/1/0/3", "81 05", "LN_BAD_PEER", "an array" },
    { "/1/0/3", "a1 00 05", "LN_BAD_PEER", "a map" },
    { "/1/0/3", "c2 41 05", "LN_BAD_PEER", "a big number" },
    { "/1/0/3", "c6 05", "LN_BAD_PEER", "an unknown tag" },
    { "/1/0/7", "c1 c1 05", "LN_BAD_PEER", "a tag twice" },
    { "/1/0/7", "c1 61 35", "LN_BAD_PEER", "a time of text" },
    { "/1/0/7", "c1 f5", "LN_BAD_PEER", "a time that is true" },
    { "/1/0/7", "c1", "LN_BAD_PEER", "a tag alone" },
    { "/1/0/5", "c4 05", "LN_BAD_PEER", "a fraction that is none" },
    { "/1/0/5", "c4 83 01 02 03", "LN_BAD_PEER", "of three" },
    { "/1/0/5", "c4 9f 01 02 ff", "LN_BAD_PEER", "without a length" },
    { "/1/0/5", "c4 82 61 30 05", "LN_BAD_PEER", "of text" },
    { "/1/0/5", "c4 82 1b ff ff ff ff ff ff ff ff 05", "LN_BAD_PEER", "a huge exponent" },
    { "/1/0/5", "c4 82 19 27 10 05", "LN_BAD_PEER", "10000" },
    { "/1/0/5", "c4 82 19 01 90 05", "LN_BAD_PEER", "beyond the greatest double" },
    { "/1/0/5", "c4 82 01", "LN_BAD_PEER", "half of it" },
    { "/1/0/1", "62 61", "LN_BAD_PEER", "a text that is cut" },
    { "/1/0/1", "7b ff ff ff ff ff ff ff ff 61", "LN_BAD_PEER", "2^64-1 bytes" },
    { "/1/0/1", "7a ff ff ff ff 61", "LN_BAD_PEER", "2^32-1 bytes" },
};

/* scenario: H65, H66, H67, H68 */
static void test_what_is_malformed(void **state)
{
    (void)state;
    CHECK_ROWS(malformed);
}

static const struct row late[] = {
    { "/1/0/1", "7f 61 61", "/1/0/1=!LN_BAD_PEER LN_BAD_PEER", "chunks without their end" },
    { "/1/0/1", "7f", "/1/0/1=!LN_BAD_PEER LN_BAD_PEER", "no chunk and no end" },
    { "/1/0/1", "7f 41 61 ff", "/1/0/1=!LN_BAD_PEER LN_BAD_PEER", "a chunk of bytes" },
    { "/1/0/1", "7f 7f 61 61 ff ff", "/1/0/1=!LN_BAD_PEER LN_BAD_PEER", "chunks in a chunk" },
    { "/1/0/1", "7f 05 ff", "/1/0/1=!LN_BAD_PEER LN_BAD_PEER", "a number in them" },
    { "/1/0/3", "05 05", "/1/0/3=5 LN_BAD_PEER", "a second item" },
    { "/1/0/3", "05 ff", "/1/0/3=5 LN_BAD_PEER", "a break behind it" },
    { "/1/0/1", "61 61 00", "/1/0/1=\"a\" LN_BAD_PEER", "a byte behind it" },
};

/* scenario: H57, H66 */
static void test_what_is_malformed_behind_the_value(void **state)
{
    (void)state;
    CHECK_ROWS(late);
}

/* ---- skipping ---- */

/* Skips one item in pieces of `step` bytes; how many bytes are left behind it. */
static enum ln_status skip_item(struct ln_span in, size_t step, size_t *left)
{
    struct ln_reader r;
    struct ln_cbor_skip s = { .begun = false };
    struct ln_path path = payload_path("/1/0/1");
    size_t fed = 0;
    assert_int_equal(ln__reader_init(&r, &ln__format_cbor, &path), LN_OK);
    for (;;) {
        size_t len = in.len - fed < step ? in.len - fed : step;
        r.hungry = true; /* this test calls the parts of a reader, which do not say it themselves */
        assert_int_equal(ln__reader_feed(&r, ln_span(in.data + fed, len), fed + len == in.len),
                         LN_OK);
        fed += len;
        enum ln_status st = ln__cbor_skip(&r, &s);
        *left = in.len - fed + r.in.len + r.carried;
        if (st != LN_AGAIN)
            return st;
    }
}

/* scenario: H65, H66, H67 */
static void test_skipping(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        enum ln_status status;
        size_t left;
    } rows[] = {
        { "05", LN_OK, 0 },
        { "05 06", LN_OK, 1 },
        { "63 61 62 63 05", LN_OK, 1 },
        { "83 01 02 03 05", LN_OK, 1 },
        { "80 05", LN_OK, 1 },
        { "a2 01 02 03 82 04 05 06", LN_OK, 1 },
        { "9f 01 bf 02 03 ff ff 05", LN_OK, 1 },
        { "7f 61 61 ff 05", LN_OK, 1 },
        { "c1 c2 41 00 05", LN_OK, 1 },
        { "81 81 81 81 81 81 81 81 05", LN_OK, 0 },
        { "81 81 81 81 81 81 81 81 81 05", LN_BAD_PEER, 0 },
        { "ff", LN_BAD_PEER, 0 },
        { "81 ff", LN_BAD_PEER, 0 },
        { "82 01", LN_BAD_PEER, 0 },
        { "9f 01", LN_BAD_PEER, 0 },
        { "9a ff ff ff ff 01", LN_BAD_PEER, 0 },
        { "9b 00 00 00 01 00 00 00 00 01", LN_BAD_PEER, 0 },
        { "ba 80 00 00 00 01", LN_BAD_PEER, 0 },
        { "", LN_BAD_PEER, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_span in = bytes_hex(rows[i].bytes);
        for (size_t step = 1; step <= in.len + 1; step++) {
            size_t left = 0;
            print_message("  %s, by %u\n", rows[i].bytes, (unsigned)step);
            assert_int_equal(skip_item(in, step, &left), rows[i].status);
            if (rows[i].status == LN_OK)
                assert_int_equal(left, rows[i].left);
        }
    }
    uint8_t deep[10000];
    size_t left = 0;
    memset(deep, 0x81, sizeof deep);
    assert_int_equal(skip_item(ln_span(deep, sizeof deep), 100, &left), LN_BAD_PEER);
}

/* ---- writing ---- */

static void test_writing(void **state)
{
    (void)state;
    const struct {
        struct ln_value value;
        const char *bytes;
    } rows[] = {
        { ln_value_string("a"), "61 61" },
        { ln_value_string(""), "60" },
        { ln_value_string("abcdefghijklmnopqrstuvwx"),
          "78 18 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76 77 78" },
        { ln_value_opaque(ln_span("\0\xff", 2)), "42 00 ff" },
        { ln_value_bytes(LN_VALUE_CORELNK, ln_span_str("</3>")), "64 3c 2f 33 3e" },
        { ln_value_integer(23), "17" },
        { ln_value_integer(24), "18 18" },
        { ln_value_integer(256), "19 01 00" },
        { ln_value_integer(65536), "1a 00 01 00 00" },
        { ln_value_integer(INT64_MAX), "1b 7f ff ff ff ff ff ff ff" },
        { ln_value_integer(-1), "20" },
        { ln_value_integer(-24), "37" },
        { ln_value_integer(-25), "38 18" },
        { ln_value_integer(INT64_MIN), "3b 7f ff ff ff ff ff ff ff" },
        { ln_value_unsigned(UINT64_MAX), "1b ff ff ff ff ff ff ff ff" },
        { ln_value_float(0), "f9 00 00" },
        { ln_value_float(-0.0), "f9 80 00" },
        { ln_value_float(1.5), "f9 3e 00" },
        { ln_value_float(65504), "f9 7b ff" },
        { ln_value_float(65505), "fa 47 7f e1 00" },
        { ln_value_float(5.960464477539063e-8), "f9 00 01" },
        { ln_value_float(0.00006103515625), "f9 04 00" },
        { ln_value_float(1e-8), "fb 3e 45 79 8e e2 30 8c 3a" },
        { ln_value_float(3.4028234663852886e38), "fa 7f 7f ff ff" },
        { ln_value_float(0.1), "fb 3f b9 99 99 99 99 99 9a" },
        { ln_value_float(1.0 / 0.0), "f9 7c 00" },
        { ln_value_float(-1.0 / 0.0), "f9 fc 00" },
        { ln_value_boolean(true), "f5" },
        { ln_value_boolean(false), "f4" },
        { ln_value_time(1700000000), "c1 1a 65 53 f1 00" },
        { ln_value_objlnk(66, 1), "64 36 36 3a 31" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct payload_item item = { .path = "/1/0/7", .value = rows[i].value };
        struct ln_span want = bytes_hex(rows[i].bytes);
        struct ln_span got = payload_write(&ln__format_cbor, "/1/0/7", &item, 1);
        print_message("  %s\n", rows[i].bytes);
        assert_true(ln_span_equal(got, want));
        if (!ln_value_type_is_bytes(rows[i].value.type))
            continue;
        item.call = PAYLOAD_STREAM;
        got = payload_write(&ln__format_cbor, "/1/0/7", &item, 1);
        assert_true(ln_span_equal(got, want));
    }
    struct payload_item none = { PAYLOAD_REFUSED, "/1/0/7", ln_value_none() };
    assert_int_equal(payload_write(&ln__format_cbor, "/1/0/7", &none, 1).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_malformed),
        cmocka_unit_test(test_what_is_malformed_behind_the_value),
        cmocka_unit_test(test_skipping),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
