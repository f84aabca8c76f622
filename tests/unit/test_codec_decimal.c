/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/decimal.c, number.c and ieee.h. The C library is the judge of doubles;
 * tests run in the locale "C". */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/decimal.h"
#include "codec/ieee.h"
#include "codec/number.h"
#include "support/bytes.h"

/* scenario: H74 */
static void test_styles(void **state)
{
    (void)state;
    enum { I = 1, C = 2, F = 4, J = 8 };
    const struct {
        const char *text;
        int styles;
    } rows[] = {
        { "0", I | C | F | J },
        { "-0", I | C | F | J },
        { "5", I | C | F | J },
        { "-12", I | C | F | J },
        { "007", I | C | F },
        { "1.5", C | F | J },
        { "-0.25", C | F | J },
        { "00.5", C | F },
        { ".5", F },
        { "5.", F },
        { "01e3", C | F },
        { "1.e3", F },
        { "1e3", C | F | J },
        { "1E+3", C | F | J },
        { "1.5e-3", C | F | J },
        { "", 0 },
        { "-", 0 },
        { "+5", 0 },
        { ".", 0 },
        { "-.", 0 },
        { "1.2.3", 0 },
        { "1e", 0 },
        { "1e+", 0 },
        { "e5", 0 },
        { "1e99999", 0 },
        { "1 ", 0 },
        { " 1", 0 },
        { "0x10", 0 },
        { "1,5", 0 },
        { "--1", 0 },
        { "inf", 0 },
        { "nan", 0 },
        { "1_000", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_span text = bytes_copy(ln_span_str(rows[i].text));
        for (int style = 0; style < 4; style++) {
            struct ln_decimal d = { .count = 7, .exponent = 7 };
            enum ln_status st = ln__decimal_read(text, (enum ln_decimal_style)style, &d);
            print_message("  \"%s\" in style %d\n", rows[i].text, style);
            assert_int_equal(st, (rows[i].styles >> style & 1) != 0 ? LN_OK : LN_BAD_PEER);
            assert_true(st == LN_OK || (d.count == 7 && d.exponent == 7));
        }
    }
    char digits[401];
    memset(digits, '9', sizeof digits);
    struct ln_decimal d;
    assert_int_equal(ln__decimal_read(ln_span(digits, 60), LN_DECIMAL_INTEGER, &d), LN_OK);
    assert_int_equal(ln__decimal_read(ln_span(digits, 61), LN_DECIMAL_INTEGER, &d), LN_BAD_PEER);
    assert_int_equal(ln__decimal_read(ln_span(digits, 400), LN_DECIMAL_FLOAT, &d), LN_BAD_PEER);
}

static struct ln_decimal decimal(const char *text)
{
    struct ln_decimal d;
    assert_int_equal(ln__decimal_read(ln_span_str(text), LN_DECIMAL_FLOAT, &d), LN_OK);
    return d;
}

/* scenario: H74 */
static void test_integers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool fits;
        int64_t value;
        bool fits_unsigned;
        uint64_t natural;
    } rows[] = {
        { "0", true, 0, true, 0 },
        { "-0", true, 0, true, 0 },
        { "1.0", true, 1, true, 1 },
        { "1e2", true, 100, true, 100 },
        { "1200e-2", true, 12, true, 12 },
        { "-5", true, -5, false, 0 },
        { "9223372036854775807", true, INT64_MAX, true, INT64_MAX },
        { "9223372036854775808", false, 0, true, (uint64_t)INT64_MAX + 1 },
        { "-9223372036854775808", true, INT64_MIN, false, 0 },
        { "-9223372036854775809", false, 0, false, 0 },
        { "18446744073709551615", false, 0, true, UINT64_MAX },
        { "18446744073709551616", false, 0, false, 0 },
        { "1e19", false, 0, true, UINT64_C(10000000000000000000) },
        { "1e20", false, 0, false, 0 },
        { "1e999", false, 0, false, 0 },
        { "0e999", true, 0, true, 0 },
        { "0.5", false, 0, false, 0 },
        { "1e-1", false, 0, false, 0 },
        { "99999999999999999999999999999999999999", false, 0, false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_decimal d = decimal(rows[i].text);
        struct ln_number number;
        struct ln_value value = ln_value_none();
        print_message("  %s\n", rows[i].text);
        if (ln__number_from_decimal(&d, &number) != LN_OK) { /* beyond all doubles */
            assert_false(rows[i].fits || rows[i].fits_unsigned);
            continue;
        }
        assert_int_equal(ln__number_to_value(&number, LN_VALUE_INTEGER, &value),
                         rows[i].fits ? LN_OK : LN_BAD_PEER);
        assert_int_equal(value.type, rows[i].fits ? LN_VALUE_INTEGER : LN_VALUE_NONE);
        assert_true(!rows[i].fits || value.as.integer == rows[i].value);
        assert_int_equal(ln__number_to_value(&number, LN_VALUE_UNSIGNED, &value),
                         rows[i].fits_unsigned ? LN_OK : LN_BAD_PEER);
        assert_true(!rows[i].fits_unsigned || value.as.natural == rows[i].natural);
    }
}

/* scenario: H68 */
static void test_integers_of_doubles(void **state)
{
    (void)state;
    const struct {
        double number;
        bool fits;
        int64_t value;
        bool fits_unsigned;
        uint64_t natural;
    } rows[] = {
        { 5.0, true, 5, true, 5 },
        { -5.0, true, -5, false, 0 },
        { -0.0, true, 0, true, 0 },
        { 5.5, false, 0, false, 0 },
        { 9223372036854774784.0, true, INT64_C(9223372036854774784), true,
          UINT64_C(9223372036854774784) },
        { 9223372036854775808.0, false, 0, true, UINT64_C(9223372036854775808) },
        { -9223372036854775808.0, true, INT64_MIN, false, 0 },
        { -9223372036854777856.0, false, 0, false, 0 },
        { 18446744073709549568.0, false, 0, true, UINT64_C(18446744073709549568) },
        { 18446744073709551616.0, false, 0, false, 0 },
        { 1e300, false, 0, false, 0 },
        { HUGE_VAL, false, 0, false, 0 },
        { -HUGE_VAL, false, 0, false, 0 },
        { (double)NAN, false, 0, false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_number number = ln__number_from_float(rows[i].number);
        struct ln_value value = ln_value_none();
        print_message("  %g\n", rows[i].number);
        assert_int_equal(ln__number_to_value(&number, LN_VALUE_TIME, &value),
                         rows[i].fits ? LN_OK : LN_BAD_PEER);
        assert_true(!rows[i].fits || value.as.integer == rows[i].value);
        assert_int_equal(ln__number_to_value(&number, LN_VALUE_UNSIGNED, &value),
                         rows[i].fits_unsigned ? LN_OK : LN_BAD_PEER);
        assert_true(!rows[i].fits_unsigned || value.as.natural == rows[i].natural);
        assert_int_equal(ln__number_to_value(&number, LN_VALUE_BOOLEAN, &value), LN_BAD_PEER);
        assert_int_equal(ln__number_native(&number), LN_VALUE_FLOAT);
    }
    struct ln_number number = ln__number_from_integer(false, (uint64_t)INT64_MAX + 1);
    assert_int_equal(ln__number_native(&number), LN_VALUE_UNSIGNED);
    number = ln__number_from_integer(true, (uint64_t)INT64_MAX + 1);
    assert_int_equal(ln__number_native(&number), LN_VALUE_INTEGER);
    number = ln__number_from_integer(true, (uint64_t)INT64_MAX + 2);
    assert_int_equal(ln__number_native(&number), LN_VALUE_FLOAT);
}

/* Halves between two doubles, edges of the subnormals, and what has broken other readers. */
static const char *const hard[] = {
    "0.1",
    "22.5",
    "-1.5",
    "1e22",
    "1e23",
    "9007199254740993",
    "9007199254740992.5",
    "9007199254740993.00000000000000000000000000000000000001",
    "1e-5",
    "4.35",
    "0.000001",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "2.2250738585072012e-308",
    "5e-324",
    "2.5e-324",
    "2.4703282292062327208e-324",
    "2.4703282292062328e-324",
    "1e-400",
    "4e-324",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "123456789012345678901234567890",
    "8.41e21",
    "9.5367431640625e-7",
    "0.30000000000000004",
    "17976931348623157e292",
    "6.9294956446009195e15",
    "3.518437208883201171875e13",
    "1.00000000000000011102230246251565",
    "1.00000000000000011102230246251566",
    "1.0000000000000001110223024625156540423631668",
    "2.00416836000897277799610805135016e-292",
};

static void test_doubles_are_the_nearest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        struct ln_decimal d = decimal(hard[i]);
        double value = 0;
        print_message("  %s\n", hard[i]);
        assert_int_equal(ln__decimal_to_double(&d, &value), LN_OK);
        assert_true(ln__ieee_bits64(value) == ln__ieee_bits64(strtod(hard[i], NULL)));
    }
    static const char *const huge[] = { "1e309", "1.7976931348623159e308", "-1e999", "1e9999" };
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        struct ln_decimal d = decimal(huge[i]);
        double value = 7;
        assert_int_equal(ln__decimal_to_double(&d, &value), LN_BAD_PEER);
        assert_true(value == 7);
    }
}

static void check_text(double value, const char *want)
{
    char text[LN_DECIMAL_ROOM + 1];
    text[ln__decimal_write_double(value, text)] = '\0';
    assert_string_equal(text, want);
}

static void test_writing(void **state)
{
    (void)state;
    check_text(0, "0");
    check_text(-0.0, "-0");
    check_text(1, "1");
    check_text(22.5, "22.5");
    check_text(-0.001, "-0.001");
    check_text(0.1 + 0.2, "0.30000000000000004");
    check_text(2175.51, "2175.51");
    check_text(100, "100");
    check_text(1e15, "1000000000000000");
    check_text(123456789012345680.0, "123456789012345680");
    check_text(1e20, "100000000000000000000");
    check_text(1e21, "1e+21");
    check_text(1.5e300, "1.5e+300");
    check_text(1e-11, "0.00000000001");
    check_text(1.25e-20, "1.25e-20");
    check_text(5e-324, "5e-324");
    check_text(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_text(-1.7976931348623157e308, "-1.7976931348623157e+308");
    check_text(9007199254740993.0, "9007199254740992");
    check_text((double)22.1f, "22.100000381469727");
    char text[LN_DECIMAL_ROOM + 1];
    text[ln__decimal_write_int(INT64_MIN, text)] = '\0';
    assert_string_equal(text, "-9223372036854775808");
    text[ln__decimal_write_uint(UINT64_MAX, text)] = '\0';
    assert_string_equal(text, "18446744073709551615");
    text[ln__decimal_write_int(0, text)] = '\0';
    assert_string_equal(text, "0");
}

static void test_decimal_fractions(void **state)
{
    (void)state;
    struct ln_decimal d = ln__decimal_make(false, 27315, -2);
    double value = 0;
    assert_int_equal(ln__decimal_to_double(&d, &value), LN_OK);
    assert_true(value == 273.15);
    d = ln__decimal_make(true, UINT64_MAX, 0);
    uint64_t natural = 0;
    d.negative = false;
    assert_int_equal(ln__decimal_to_uint(&d, &natural), LN_OK);
    assert_true(natural == UINT64_MAX);
    d = ln__decimal_make(false, 0, 1000);
    assert_int_equal(ln__decimal_to_uint(&d, &natural), LN_OK);
    assert_true(natural == 0);
}

/* scenario: H68 */
static void test_halves(void **state)
{
    (void)state;
    assert_true(ln__ieee_from16(0x0000) == 0 && !signbit(ln__ieee_from16(0x0000)));
    assert_true(signbit(ln__ieee_from16(0x8000)) != 0);
    assert_true(ln__ieee_from16(0x3c00) == 1);
    assert_true(ln__ieee_from16(0xc400) == -4);
    assert_true(ln__ieee_from16(0x7bff) == 65504);
    assert_true(ln__ieee_from16(0x0001) == 5.960464477539063e-8);
    assert_true(ln__ieee_from16(0x0400) == 0.00006103515625);
    assert_true(isinf(ln__ieee_from16(0x7c00)) && ln__ieee_from16(0xfc00) < 0);
    assert_true(isnan(ln__ieee_from16(0x7e00)));
    assert_false(ln__ieee_is_finite(ln__ieee_from16(0x7c00)));
    uint32_t bits = 0;
    assert_true(ln__ieee_to32(1.5, &bits) && bits == 0x3fc00000);
    assert_true(ln__ieee_to32(-HUGE_VAL, &bits) && bits == 0xff800000);
    assert_false(ln__ieee_to32(0.1, &bits));
    assert_false(ln__ieee_to32(1e39, &bits));
    assert_false(ln__ieee_to32((double)NAN, &bits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_integers_of_doubles),
        cmocka_unit_test(test_doubles_are_the_nearest),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_decimal_fractions),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
