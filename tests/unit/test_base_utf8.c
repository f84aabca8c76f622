/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/utf8.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "support/bytes.h"

static void test_every_character_and_back(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t bytes[4];
        uint32_t again = 0;
        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        size_t len = ln__utf8_put(point, bytes);
        if (ln__utf8_next(ln_span(bytes, len), &again) != len || again != point)
            fail_msg("U+%04X", (unsigned)point);
        if (len > 1 && ln__utf8_next(ln_span(bytes, len - 1), &again) != 0)
            fail_msg("U+%04X, cut", (unsigned)point);
    }
}

/* scenario: H72 */
static void test_what_is_not_utf8(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "80",          "bf",          "c0 80",    "c1 bf",    "e0 80 80",    "e0 9f bf",
        "f0 80 80 80", "f0 8f bf bf", "ed a0 80", "ed bf bf", "f4 90 80 80", "f5 80 80 80",
        "ff",          "fe",          "c3",       "c3 28",    "e2 82",       "e2 28 a1",
        "f0 9f 98",    "61 c3",       "61 80 61",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i]);
        assert_false(ln__utf8_is_valid(bytes_hex(rows[i])));
    }
    assert_true(ln__utf8_is_valid(ln_span(NULL, 0)));
    assert_true(ln__utf8_is_valid(bytes_hex("61 00 c3 a4 e2 82 ac f0 9f 98 80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_and_back),
        cmocka_unit_test(test_what_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
