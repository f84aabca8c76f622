/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/base64.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "support/bytes.h"

/* RFC 4648 section 10, and all digits */
static const struct {
    const char *bytes;
    const char *text;
} pairs[] = {
    { "", "" },
    { "66", "Zg==" },
    { "666f", "Zm8=" },
    { "666f6f", "Zm9v" },
    { "666f6f62", "Zm9vYg==" },
    { "666f6f6261", "Zm9vYmE=" },
    { "666f6f626172", "Zm9vYmFy" },
    { "00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39e"
      "bbf3dfbf",
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" },
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct ln_span bytes = bytes_hex(pairs[i].bytes);
        struct ln_span text = bytes_copy(ln_span_str(pairs[i].text));
        uint8_t room[64];
        size_t len = 0;
        assert_int_equal(
            ln__base64_decode(text, LN_BASE64_NO_SPACE, ln_mspan(room, bytes.len), &len), LN_OK);
        assert_true(ln_span_equal(ln_span(room, len), bytes));
        assert_true(ln__base64_decoded_max(text.len) >= bytes.len);
        assert_int_equal(ln__base64_encoded_len(bytes.len), text.len);
        assert_int_equal(ln__base64_encode(bytes, ln_mspan(room, text.len), &len), LN_OK);
        assert_true(ln_span_equal(ln_span(room, len), text));
    }
}

static const struct {
    const char *text;
    const char *why;
} refused[] = {
    { "Z", "one digit" },
    { "Zg", "no padding" },
    { "Zg=", "half of the padding" },
    { "Zg===", "too much of it" },
    { "Zg==Zg==", "something behind it" },
    { "Zg==\nZg==", "on another line, too" },
    { "Zg=a", "a digit behind padding" },
    { "Z===", "three of padding" },
    { "====", "padding alone" },
    { "=Zm9v", "padding first" },
    { "Zh==", "a bit that padding hides" },
    { "Zm9=", "two of them" },
    { "Zm9v-_==", "digits of the other alphabet" },
    { "Zm9v!", "a foreign character" },
    { "Zm9\xc3\xa4", "not ASCII" },
};

/* scenario: H69 */
static void test_what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint8_t room[16];
        size_t len = 77;
        struct ln_span text = bytes_copy(ln_span_str(refused[i].text));
        print_message("  %s: %s\n", refused[i].text, refused[i].why);
        assert_int_equal(ln__base64_decode(text, LN_BASE64_WRAPPED, ln_mspan(room, 16), &len),
                         LN_BAD_PEER);
        assert_int_equal(len, 77);
    }
}

static void test_line_ends_where_they_are_allowed(void **state)
{
    (void)state;
    struct ln_span text = ln_span_str("\r\n Zm\r\n9v\tYg\n=\n= \r\n");
    uint8_t room[4];
    size_t len = 0;
    assert_int_equal(ln__base64_decode(text, LN_BASE64_WRAPPED, ln_mspan(room, 4), &len), LN_OK);
    assert_true(ln_span_equal(ln_span(room, len), ln_span("foob", 4)));
    assert_int_equal(ln__base64_decode(text, LN_BASE64_NO_SPACE, ln_mspan(room, 4), &len),
                     LN_BAD_PEER);
    assert_int_equal(
        ln__base64_decode(ln_span("Zm9v\0", 5), LN_BASE64_WRAPPED, ln_mspan(room, 4), &len),
        LN_BAD_PEER); /* a NUL is no space */
}

static void test_room_that_is_too_small(void **state)
{
    (void)state;
    for (size_t room_len = 0; room_len < 4; room_len++) {
        struct ln_mspan room = bytes_mcopy(ln_span("xxxx", room_len));
        size_t len = 0;
        assert_int_equal(ln__base64_decode(ln_span_str("Zm9vYg=="), LN_BASE64_NO_SPACE, room, &len),
                         LN_NO_SPACE);
        assert_int_equal(len, 4);
        assert_int_equal(ln__base64_encode(ln_span("ab", 2), room, &len), LN_NO_SPACE);
    }
    size_t len = 0;
    assert_int_equal(
        ln__base64_decode(ln_span_str("Zm9vYg"), LN_BASE64_NO_SPACE, ln_mspan(NULL, 0), &len),
        LN_BAD_PEER); /* what is wrong is wrong, whatever the room */
}

/* scenario: H69 */
static void test_any_form(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        { "", "" },         { "Zg==", "66" },     { "Zg", "66" },       { "Zm8", "666f" },
        { "Zm8=", "666f" }, { "Zm9v", "666f6f" }, { "-_-_", "fbffbf" }, { "+/-_", "fbffbf" },
        { "Z", NULL },      { "Zg=", NULL },      { "Zh", NULL },       { "Zm9", NULL },
        { "Zg==Zg", NULL }, { "Zm9v=", NULL },    { "Zm9vZ", NULL },    { "Zm 9v", NULL },
        { "Zm9v\n", NULL }, { "====", NULL },     { "=", NULL },        { "Zm9v.", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[16];
        size_t len = 0;
        struct ln_span text = bytes_copy(ln_span_str(rows[i].text));
        enum ln_status st =
            ln__base64_decode(text, LN_BASE64_ANY, ln_mspan(room, sizeof room), &len);
        print_message("  \"%s\"\n", rows[i].text);
        assert_int_equal(st, rows[i].bytes != NULL ? LN_OK : LN_BAD_PEER);
        if (rows[i].bytes != NULL)
            assert_true(ln_span_equal(ln_span(room, len), bytes_hex(rows[i].bytes)));
    }
}

static void test_the_alphabet_for_urls(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "-w", "-_8", "-_-_", "-_-_-w" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t bytes[8];
        uint8_t text[16];
        size_t len = 0;
        assert_int_equal(ln__base64_decode(ln_span_str(texts[i]), LN_BASE64_ANY,
                                           ln_mspan(bytes, sizeof bytes), &len),
                         LN_OK);
        size_t want = strlen(texts[i]);
        assert_int_equal(ln__base64url_encoded_len(len), want);
        size_t made = 0;
        assert_int_equal(
            ln__base64url_encode(ln_span(bytes, len), ln_mspan(text, sizeof text), &made), LN_OK);
        assert_true(ln_span_equal(ln_span(text, made), ln_span_str(texts[i])));
        if (want > 0)
            assert_int_equal(
                ln__base64url_encode(ln_span(bytes, len), ln_mspan(text, want - 1), &made),
                LN_NO_SPACE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_line_ends_where_they_are_allowed),
        cmocka_unit_test(test_room_that_is_too_small),
        cmocka_unit_test(test_any_form),
        cmocka_unit_test(test_the_alphabet_for_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
