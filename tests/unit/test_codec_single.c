/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/single.c: text/plain and octet-stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/single.h"
#include "support/bytes.h"
#include "support/payload.h"

static const struct {
    const char *path;
    const char *text;
    const char *found;
} texts[] = {
    { "/1/0/1", "hello", "/1/0/1=\"hello\" ." },
    { "/1/0/1", "", "/1/0/1=\"\" ." },
    { "/1/0/11/3", "x", "/1/0/11/3=\"x\" ." },
    { "/1/0/10", "5", "/1/0/10=\"5\" ." },
    { "/1/0/3", "5", "/1/0/3=5 ." },
    { "/1/0/3", "-9223372036854775808", "/1/0/3=-9223372036854775808 ." },
    { "/1/0/3", "9223372036854775808", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/3", "", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/3", "-", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/3", "5.0", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/3", "5 ", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/3", "five", "/1/0/3=!LN_BAD_PEER ." },
    { "/1/0/4", "18446744073709551615", "/1/0/4=18446744073709551615 ." },
    { "/1/0/4", "-1", "/1/0/4=!LN_BAD_PEER ." },
    { "/1/0/5", "22.5", "/1/0/5=22.5 ." },
    { "/1/0/5", "-1.5E2", "/1/0/5=-150 ." },
    { "/1/0/5", "3", "/1/0/5=3 ." },
    { "/1/0/5", "1e999", "/1/0/5=!LN_BAD_PEER ." },
    { "/1/0/5", "nan", "/1/0/5=!LN_BAD_PEER ." },
    { "/1/0/5", "1,5", "/1/0/5=!LN_BAD_PEER ." },
    { "/1/0/6", "0", "/1/0/6=false ." },
    { "/1/0/6", "1", "/1/0/6=true ." },
    { "/1/0/6", "2", "/1/0/6=!LN_BAD_PEER ." },
    { "/1/0/6", "true", "/1/0/6=!LN_BAD_PEER ." },
    { "/1/0/6", "", "/1/0/6=!LN_BAD_PEER ." },
    { "/1/0/7", "1700000000", "/1/0/7=1700000000 ." },
    { "/1/0/7", "-1", "/1/0/7=-1 ." },
    { "/1/0/8", "66:1", "/1/0/8=66:1 ." },
    { "/1/0/8", "65535:65535", "/1/0/8=65535:65535 ." },
    { "/1/0/8", "65536:0", "/1/0/8=!LN_BAD_PEER ." },
    { "/1/0/8", "66", "/1/0/8=!LN_BAD_PEER ." },
    { "/1/0/8", ":", "/1/0/8=!LN_BAD_PEER ." },
    { "/1/0/8", "1:2:3", "/1/0/8=!LN_BAD_PEER ." },
    { "/1/0/8", "01:2", "/1/0/8=!LN_BAD_PEER ." },
    { "/1/0/9", "</3/0>", "/1/0/9=\"</3/0>\" ." },
    { "/1/0/2", "", "/1/0/2= ." },
    { "/1/0/2", "AP+A", "/1/0/2=00ff80 ." },
    { "/1/0/2", "AP8=", "/1/0/2=00ff ." },
    { "/1/0/2", "AP8", "/1/0/2=00ff ." },
    { "/1/0/2", "AA==", "/1/0/2=00 ." },
    { "/1/0/2", "AA", "/1/0/2=00 ." },
    { "/1/0/2", "_-8=", "/1/0/2=ffef ." },
    { "/1/0/2", "AA=", "/1/0/2=!LN_BAD_PEER ." },
    { "/1/0/2", "A", "/1/0/2=!LN_BAD_PEER ." },
    { "/1/0/2", "AB", "/1/0/2=!LN_BAD_PEER ." },
    { "/1/0/2", "AA==AA==", "/1/0/2=!LN_BAD_PEER ." },
    { "/1/0/2", "AA\nAA", "/1/0/2=!LN_BAD_PEER ." },
    { "/1/0/2", "Zm9vYmFyZm9vYmFyZm9vYmFy", "/1/0/2=666f6f626172666f6f626172666f6f626172 ." },
    { "/1/0", "x", "LN_UNSUPPORTED" },
    { "/", "x", "LN_UNSUPPORTED" },
};

/* scenario: H69, H74 */
static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        print_message("  %s \"%s\"\n", texts[i].path, texts[i].text);
        assert_string_equal(
            payload_read(&ln__format_text, texts[i].path, bytes_copy(ln_span_str(texts[i].text))),
            texts[i].found);
    }
}

/* scenario: H72, H74 */
static void test_text_that_is_hostile(void **state)
{
    (void)state;
    char digits[400];
    memset(digits, '1', sizeof digits);
    struct ln_span in = bytes_copy(ln_span(digits, sizeof digits));
    assert_string_equal(payload_read(&ln__format_text, "/1/0/3", in), "/1/0/3=!LN_BAD_PEER .");
    assert_string_equal(payload_read(&ln__format_text, "/1/0/5", in), "/1/0/5=!LN_BAD_PEER .");
    assert_string_equal(payload_read(&ln__format_text, "/1/0/6", in), "/1/0/6=!LN_BAD_PEER .");
    struct payload_way way = { .step = 2 };
    assert_string_equal(payload_dump(&ln__format_text, "/1/0/1", bytes_hex("c3 28"), way),
                        "/1/0/1=!LN_BAD_PEER .");
    assert_string_equal(payload_dump(&ln__format_text, "/1/0/1", bytes_hex("ed a0 80"), way),
                        "/1/0/1=!LN_BAD_PEER .");
    /* a room that ends in the middle of a group of Base64 */
    for (size_t room = 1; room < 7; room++) {
        way = (struct payload_way) { .step = 3, .room = room };
        assert_string_equal(payload_dump(&ln__format_text, "/1/0/2", ln_span_str("Zm9vYmE="), way),
                            room < 5 ? "/1/0/2=!LN_NO_SPACE ." : "/1/0/2=666f6f6261 .");
    }
}

static void test_octets(void **state)
{
    (void)state;
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/2", bytes_hex("00 ff")),
                        "/1/0/2=00ff .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/2", bytes_hex("")), "/1/0/2= .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/12/3", bytes_hex("07")),
                        "/1/0/12/3=07 .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/10", bytes_hex("07")),
                        "/1/0/10=07 .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/1", bytes_hex("61")),
                        "/1/0/1=\"a\" .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0/3", bytes_hex("05")),
                        "/1/0/3=!LN_BAD_PEER .");
    assert_string_equal(payload_read(&ln__format_opaque, "/1/0", bytes_hex("05")),
                        "LN_UNSUPPORTED");
}

static void test_writing_text(void **state)
{
    (void)state;
    const struct {
        struct ln_value value;
        const char *text;
    } rows[] = {
        { ln_value_string("hello"), "hello" },
        { ln_value_string(""), "" },
        { ln_value_integer(-5), "-5" },
        { ln_value_integer(INT64_MIN), "-9223372036854775808" },
        { ln_value_unsigned(UINT64_MAX), "18446744073709551615" },
        { ln_value_float(22.5), "22.5" },
        { ln_value_boolean(true), "1" },
        { ln_value_boolean(false), "0" },
        { ln_value_time(1700000000), "1700000000" },
        { ln_value_objlnk(66, 1), "66:1" },
        { ln_value_objlnk(65535, 65535), "65535:65535" },
        { ln_value_bytes(LN_VALUE_CORELNK, ln_span_str("</3>")), "</3>" },
        { ln_value_opaque(ln_span("", 0)), "" },
        { ln_value_opaque(ln_span("\0\xff", 2)), "AP8=" },
        { ln_value_opaque(ln_span_str("foobarfoobarfoobarfoobarfoobarfoobarfoobarfoobarfoobar!")),
          "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyIQ==" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct payload_item item = { .path = "/1/0/7", .value = rows[i].value };
        struct ln_span got = payload_write(&ln__format_text, "/1/0/7", &item, 1);
        assert_true(ln_span_equal(got, ln_span_str(rows[i].text)));
        if (!ln_value_type_is_bytes(rows[i].value.type))
            continue;
        item.call = PAYLOAD_STREAM;
        got = payload_write(&ln__format_text, "/1/0/7", &item, 1);
        assert_true(ln_span_equal(got, ln_span_str(rows[i].text)));
    }
}

static void test_what_cannot_be_written(void **state)
{
    (void)state;
    const struct payload_item text[] = {
        { PAYLOAD_REFUSED, "/1/0/5", ln_value_float(1.0 / 0.0) },
        { PAYLOAD_REFUSED, "/1/0/5", ln_value_float(0.0 / 0.0) },
        { PAYLOAD_REFUSED, "/1/0/5", ln_value_none() },
        { PAYLOAD_VALUE, "/1/0/5", ln_value_float(1) },
        { PAYLOAD_REFUSED, "/1/0/5", ln_value_float(2) },
    };
    struct ln_span got = payload_write(&ln__format_text, "/1/0/5", text, 5);
    assert_true(ln_span_equal(got, ln_span("1", 1)));
    const struct payload_item octets[] = {
        { PAYLOAD_REFUSED, "/1/0/2", ln_value_string("x") },
        { PAYLOAD_REFUSED, "/1/0/2", ln_value_integer(1) },
        { PAYLOAD_VALUE, "/1/0/2", ln_value_opaque(ln_span("\1\2", 2)) },
    };
    got = payload_write(&ln__format_opaque, "/1/0/2", octets, 3);
    assert_true(ln_span_equal(got, ln_span("\1\2", 2)));
    struct ln_writer w;
    struct ln_path instance = payload_path("/1/0");
    struct ln_path resource = payload_path("/1/0/3");
    struct ln_value value = ln_value_integer(1);
    uint8_t room[8];
    ln__writer_init(&w, &ln__format_text, &instance, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_value(&w, &resource, &value), LN_UNSUPPORTED);
    assert_int_equal(ln__writer_end(&w), LN_UNSUPPORTED);
    ln__writer_init(&w, &ln__format_text, &resource, ln_mspan(room, sizeof room));
    assert_int_equal(ln__writer_open(&w, &resource, LN_LENGTH_UNKNOWN), LN_UNSUPPORTED);
    assert_int_equal(ln__writer_value(&w, &resource, &value), LN_OK);
    assert_int_equal(ln__writer_end(&w), LN_OK);
}

/* 64 kB that no buffer holds: each block asks for its own part only. */
static void test_long_values(void **state)
{
    (void)state;
    const struct ln_format *formats[] = { &ln__format_opaque, &ln__format_text, &ln__format_tlv };
    static const size_t lengths[] = { 65536, 87384, 65541 };
    struct ln_path path = payload_path("/1/0/2");
    for (size_t f = 0; f < 3; f++) {
        uint8_t block[1024];
        size_t asked = 0;
        size_t length = 0;
        for (size_t skip = 0; skip == 0 || skip < length; skip += sizeof block) {
            struct ln_writer w;
            struct ln_mspan room;
            size_t offset = 0;
            ln__writer_init(&w, formats[f], &path, ln_mspan(block, sizeof block));
            ln__writer_window(&w, skip, 1);
            assert_int_equal(ln__writer_stream(&w, &path, LN_VALUE_OPAQUE, 65536), LN_OK);
            while (ln__writer_want(&w, &offset, &room)) {
                asked += room.len;
                memset(room.data, 0, room.len);
                ln__writer_filled(&w, room.len);
            }
            assert_int_equal(ln__writer_end(&w), LN_OK);
            length = ln__writer_length(&w);
        }
        assert_int_equal(length, lengths[f]);
        assert_true(asked <
                    65536 + 86 * 51); /* a group at each seam of Base64 is asked for twice */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_that_is_hostile),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_writing_text),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
