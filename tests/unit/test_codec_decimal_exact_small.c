/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/decimal_exact_small.c, which a small build has in place of decimal_exact.c: what
 * has up to 15 digits is exact, all else nearly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/decimal.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static double read_back(const char *text)
{
    struct ln_decimal d;
    double value = 0;
    assert_int_equal(ln__decimal_read(ln_span_str(text), LN_DECIMAL_FLOAT, &d), LN_OK);
    assert_int_equal(ln__decimal_to_double(&d, &value), LN_OK);
    return value;
}

static void test_few_digits_are_exact(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "0" },           { 22.5, "22.5" },
        { -0.001, "-0.001" }, { 123456789012345.0, "123456789012345" },
        { 0.1, "0.1" },       { 1e14, "100000000000000" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[LN_DECIMAL_ROOM + 1] = { 0 };
        text[ln__decimal_write_double(rows[i].value, text)] = '\0';
        assert_string_equal(text, rows[i].text);
        assert_true(read_back(text) == rows[i].value);
    }
}

/* Written and read again, the value is off by less than one in 10^13, over the whole range. */
static void test_many_digits_are_near(void **state)
{
    static const double values[] = {
        1.0 / 3,  2.0 / 3,    3.141592653589793,       1e21 / 7, 1e100 / 3, 1.797693134862e308 / 3,
        1e-5 / 3, 1e-100 / 3, 2.2250738585072014e-308, 1e17,     1e16,      9007199254740993.0,
    };
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        char text[LN_DECIMAL_ROOM + 1] = { 0 };
        size_t len = ln__decimal_write_double(values[i], text);
        assert_true(len > 0 && len <= LN_DECIMAL_ROOM);
        text[len] = '\0';
        print_message("%.17g -> %s\n", values[i], text);
        double ratio = strtod(text, NULL) / values[i]; /* of the C library, which rounds right */
        assert_true(ratio > 1 - 1e-13 && ratio < 1 + 1e-13);
        (void)snprintf(text, sizeof text, "%.17g", values[i]);
        ratio = read_back(text) / values[i];
        assert_true(ratio > 1 - 1e-13 && ratio < 1 + 1e-13);
    }
}

static void test_out_of_range(void **state)
{
    struct ln_decimal d;
    double value = 7;
    (void)state;
    assert_int_equal(ln__decimal_read(ln_span_str("1e400"), LN_DECIMAL_FLOAT, &d), LN_OK);
    assert_int_equal(ln__decimal_to_double(&d, &value), LN_BAD_PEER);
    assert_int_equal(ln__decimal_read(ln_span_str("2e308"), LN_DECIMAL_FLOAT, &d), LN_OK);
    assert_int_equal(ln__decimal_to_double(&d, &value), LN_BAD_PEER);
    assert_true(value == 7);
    assert_true(read_back("1e-400") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_digits_are_exact),
        cmocka_unit_test(test_many_digits_are_near),
        cmocka_unit_test(test_out_of_range),
    };
    return cmocka_run_group_tests_name("codec/decimal_exact_small", tests, NULL, NULL);
}
