/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/status.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/status.h>

static const struct {
    const char *name;
    enum ln_status status;
    const char *why;
} names[] = {
    { "LN_OK", LN_OK, "success is the first" },
    { "LN_AGAIN", LN_AGAIN, "not an error" },
    { "LN_TIMEOUT", LN_TIMEOUT, "one in the middle" },
    { "LN_INTERNAL", LN_INTERNAL, "the last" },
    { "LN_?", (enum ln_status)15, "one behind the last" },
    { "LN_?", (enum ln_status) - 1, "far outside" },
};

static void test_every_status_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        print_message("  %s\n", names[i].why);
        assert_string_equal(ln_status_name(names[i].status), names[i].name);
    }
}

static void test_every_status_has_a_meaning(void **state)
{
    (void)state;
    for (int i = -1; i <= LN_INTERNAL + 1; i++)
        assert_true(ln_status_meaning((enum ln_status)i)[0] != '\0');
    assert_string_equal(ln_status_meaning(LN_TIMEOUT), "the time given for it ran out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_its_name),
        cmocka_unit_test(test_every_status_has_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
