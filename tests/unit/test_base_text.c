/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/text.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"

static const struct {
    const char *in;
    const char *out;
    const char *why;
} cleaned[] = {
    { "", "", "nothing" },
    { "CN=server, O=Linnet ~", "CN=server, O=Linnet ~", "ASCII stays" },
    { "a\nb\rc\td", "a b c d", "line breaks and tabs are spaces" },
    { "\x1b[31mred\x07", "?[31mred?", "no escape sequence reaches a terminal" },
    { "del\x7f", "del?", "DEL is a control character" },
    { "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\xa6", "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\xa6",
      "UTF-8 of two, three and four bytes stays" },
    { "caf\xe9", "caf?", "Latin-1 is no UTF-8" },
    { "\xc2\x9b"
      "31m",
      "??31m", "C1 control sequence introducer in UTF-8" },
    { "\x9b"
      "31m",
      "?31m", "and as a bare byte" },
    { "\xc0\xaf", "??", "overlong slash" },
    { "\xe0\x80\xaf", "???", "overlong in three bytes" },
    { "\xf0\x80\x80\xaf", "????", "overlong in four bytes" },
    { "\xed\xa0\x80", "???", "half a surrogate pair" },
    { "\xf4\x90\x80\x80", "????", "beyond U+10FFFF" },
    { "\xf5\xff", "??", "bytes that never occur" },
    { "\xe6\x97", "??", "cut off" },
    { "\xe6"
      "ab",
      "?ab", "continuation bytes missing: what follows stays" },
    { "\xe2\x80\xae"
      "gpj.exe",
      "???gpj.exe", "right-to-left override" },
    { "\xe2\x80\xa8x", "???x", "line separator" },
    { "\xef\xbb\xbfx", "???x", "byte order mark" },
};

static void test_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cleaned / sizeof cleaned[0]; i++) {
        char text[64];
        print_message("  %s\n", cleaned[i].why);
        size_t len = ln__text_copy(text, sizeof text, ln_span_str(cleaned[i].in));
        assert_string_equal(text, cleaned[i].out);
        assert_int_equal(len, strlen(cleaned[i].in));
    }
}

static const struct {
    const char *in;
    size_t room;
    const char *out;
    const char *why;
} cut[] = {
    { "12345", 6, "12345", "fits exactly" },
    { "123456", 6, "12...", "one too many" },
    { "123456", 4, "...", "room for the mark alone" },
    { "123456", 3, "12", "no room for the mark" },
    { "123456", 1, "", "room for the end alone" },
    { "abc\xc3\xa9"
      "fgh",
      8, "abc...", "the mark does not split a character" },
    { "ab\xc3\xa9"
      "efgh",
      8, "ab\xc3\xa9...", "a whole character before the mark stays" },
};

static void test_copy_marks_a_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        char text[16];
        print_message("  %s\n", cut[i].why);
        memset(text, 'x', sizeof text);
        size_t len = ln__text_copy(text, cut[i].room, ln_span_str(cut[i].in));
        assert_string_equal(text, cut[i].out);
        assert_int_equal(len, strlen(cut[i].out));
        assert_int_equal(text[cut[i].room], 'x');
    }
}

static void test_copy_of_odd_input(void **state)
{
    (void)state;
    char text[8] = "before";
    assert_int_equal(ln__text_copy(text, 0, ln_span_str("abc")), 0);
    assert_string_equal(text, "before"); /* no room: nothing is written */
    assert_int_equal(ln__text_copy(text, sizeof text, ln_span(NULL, 0)), 0);
    assert_string_equal(text, "");
    assert_int_equal(ln__text_copy(text, sizeof text, ln_span("a\0b", 3)), 3);
    assert_string_equal(text, "a?b"); /* a NUL in a subject hides nothing */
}

static void test_add(void **state)
{
    (void)state;
    char data[12];
    struct ln__text text = ln__text_init(data, sizeof data);
    ln__text_add(&text, "%s-%d", "ab", 7);
    ln__text_add(&text, "%s", "");
    ln__text_add(&text, "/%u", 42u);
    assert_string_equal(data, "ab-7/42");
    assert_int_equal(text.len, 7);
    assert_false(text.cut);

    ln__text_add(&text, "%s", "wxyz"); /* 11 bytes and the NUL: fits */
    assert_string_equal(data, "ab-7/42wxyz");
    assert_false(text.cut);
    ln__text_add(&text, "!");
    assert_string_equal(data, "ab-7/42w...");
    assert_true(text.cut);
    assert_int_equal(text.len, 11);
    ln__text_add(&text, "more");
    assert_string_equal(data, "ab-7/42w...");

    struct ln__text none = ln__text_init(NULL, 0);
    ln__text_add(&none, "%d", 1);
    assert_int_equal(none.len, 0);
}

static void test_same(void **state)
{
    (void)state;
    assert_true(ln__text_same("x25519", "X25519"));
    assert_true(ln__text_same("", ""));
    assert_false(ln__text_same("x25519", "x2551"));
    assert_false(ln__text_same("x2551", "x25519"));
    assert_false(ln__text_same("[", "{")); /* differ by the bit of case, and are no letters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_copy_marks_a_cut),
        cmocka_unit_test(test_copy_of_odd_input),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
