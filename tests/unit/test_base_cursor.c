/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/cursor.h and src/base/try.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/try.h"
#include "support/bytes.h"

static void test_integers_are_big_endian(void **state)
{
    (void)state;
    struct ln_cursor c = ln__cursor(bytes_hex("01 0203 040506 0708090a"));
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u24 = 0;
    uint32_t u32 = 0;
    assert_int_equal(ln__cursor_u8(&c, &u8), LN_OK);
    assert_int_equal(ln__cursor_u16(&c, &u16), LN_OK);
    assert_int_equal(ln__cursor_u24(&c, &u24), LN_OK);
    assert_int_equal(ln__cursor_u32(&c, &u32), LN_OK);
    assert_int_equal(u8, 0x01);
    assert_int_equal(u16, 0x0203);
    assert_int_equal(u24, 0x040506);
    assert_int_equal(u32, 0x0708090a);
    assert_true(ln__cursor_is_empty(&c));
}

/* With every number of bytes that is too few: nothing is read, nothing is moved. */
static void test_short_reads_change_nothing(void **state)
{
    (void)state;
    for (size_t len = 0; len < 4; len++) {
        struct ln_cursor c = ln__cursor(bytes_copy(ln_span("\xff\xff\xff\xff", len)));
        uint32_t value = 7;
        struct ln_span part = ln_span("x", 1);
        assert_int_equal(ln__cursor_u32(&c, &value), LN_BAD_PEER);
        assert_int_equal(ln__cursor_take(&c, len + 1, &part), LN_BAD_PEER);
        assert_int_equal(ln__cursor_skip(&c, SIZE_MAX), LN_BAD_PEER);
        assert_int_equal(value, 7);
        assert_int_equal(part.len, 1);
        assert_int_equal(ln__cursor_left(&c), len);
    }
}

static void test_vectors_are_all_or_nothing(void **state)
{
    (void)state;
    struct ln_cursor c = ln__cursor(bytes_hex("02 aabb  0001 cc  000005 dd"));
    struct ln_span part = ln_span(NULL, 0);
    assert_int_equal(ln__cursor_vector(&c, 1, &part), LN_OK);
    assert_true(ln_span_equal(part, bytes_hex("aabb")));
    assert_int_equal(ln__cursor_vector(&c, 2, &part), LN_OK);
    assert_true(ln_span_equal(part, bytes_hex("cc")));
    assert_int_equal(ln__cursor_vector(&c, 3, &part), LN_BAD_PEER);
    assert_int_equal(ln__cursor_left(&c), 4);
    assert_true(ln_span_equal(ln__cursor_rest(&c), bytes_hex("000005 dd")));
    assert_true(ln__cursor_is_empty(&c));
}

static void test_the_empty_span(void **state)
{
    (void)state;
    struct ln_cursor c = ln__cursor(ln_span(NULL, 0));
    struct ln_span part;
    uint8_t u8 = 0;
    assert_int_equal(ln__cursor_take(&c, 0, &part), LN_OK);
    assert_int_equal(part.len, 0);
    assert_int_equal(ln__cursor_rest(&c).len, 0);
    assert_int_equal(ln__cursor_u8(&c, &u8), LN_BAD_PEER);
}

static enum ln_status twice(enum ln_status first, enum ln_status second, int *reached)
{
    TRY(first);
    *reached = 1;
    TRY(second);
    *reached = 2;
    return LN_OK;
}

static void test_try_leaves_at_the_first_failure(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(twice(LN_TIMEOUT, LN_OK, &reached), LN_TIMEOUT);
    assert_int_equal(reached, 0);
    assert_int_equal(twice(LN_OK, LN_IO, &reached), LN_IO);
    assert_int_equal(reached, 1);
    assert_int_equal(twice(LN_OK, LN_OK, &reached), LN_OK);
    assert_int_equal(reached, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_are_big_endian),
        cmocka_unit_test(test_short_reads_change_nothing),
        cmocka_unit_test(test_vectors_are_all_or_nothing),
        cmocka_unit_test(test_the_empty_span),
        cmocka_unit_test(test_try_leaves_at_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
