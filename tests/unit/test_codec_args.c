/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/args.c. */
#include <linnet/args.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/bytes.h"

static void test_good_ones(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *found; /* in the order of the numbers */
    } rows[] = {
        { "", "" },
        { "5", "5 " },
        { "0,1,2,3,4,5,6,7,8,9", "0 1 2 3 4 5 6 7 8 9 " },
        { "2='10.3'", "2=10.3 " },
        { "7,0='http://a.example/x?y=1,2'", "0=http://a.example/x?y=1,2 7 " },
        { "1=''", "1= " },
        { "3='x y'", "3=x y " },
        { "4='\xc3\xa4\"\\='", "4=\xc3\xa4\"\\= " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_args args;
        char found[128] = "";
        size_t len = 0;
        print_message("  \"%s\"\n", rows[i].text);
        assert_int_equal(ln_args_read(bytes_copy(ln_span_str(rows[i].text)), &args), LN_OK);
        for (unsigned n = 0; n < LN_ARGS_MAX; n++) {
            if (ln_args_has(&args, n))
                len += (size_t)snprintf(found + len, sizeof found - len, "%u", n);
            if (ln_args_has_value(&args, n))
                len += (size_t)snprintf(found + len, sizeof found - len, "=%.*s",
                                        (int)args.value[n].len, (const char *)args.value[n].data);
            if (ln_args_has(&args, n))
                len += (size_t)snprintf(found + len, sizeof found - len, " ");
        }
        assert_string_equal(found, rows[i].found);
        assert_false(ln_args_has(&args, 10));
        assert_false(ln_args_has_value(&args, 10));
    }
}

/* scenario: H83 */
static void test_malformed_ones(void **state)
{
    (void)state;
    static const char *const rows[] = {
        ",",       "0,",      ",0",      "0,,1",    "10",       "a",         "-1",
        " 0",      "0 ",      "0, 1",    "0=",      "0='",      "0='x",      "0=x",
        "0=\"x\"", "0='x'y",  "0='x''",  "0='x'1",  "0='a\nb'", "0='a\x7f'", "0='\xc3'",
        "0,0",     "0='1',0", "0,0='1'", "0=''=''", "'",        "=",         "0;1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_args args = { .present = 0x155 };
        print_message("  \"%s\"\n", rows[i]);
        assert_int_equal(ln_args_read(bytes_copy(ln_span_str(rows[i])), &args), LN_BAD_PEER);
        assert_int_equal(args.present, 0x155);
    }
    struct ln_args args;
    assert_int_equal(ln_args_read(ln_span("0\0", 2), &args), LN_BAD_PEER);
    assert_int_equal(ln_args_read(ln_span("0='\0'", 5), &args), LN_BAD_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_malformed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
