/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/interest.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/env.h>

static void test_events_of_one_handle_are_merged(void **state)
{
    (void)state;
    struct ln_interest want = ln_interest(0);
    ln_interest_add(&want, 7, LN_WANT_READ);
    ln_interest_add(&want, 8, LN_WANT_READ);
    ln_interest_add(&want, 7, LN_WANT_WRITE);
    assert_int_equal(want.count, 2);
    assert_int_equal(want.wait[0].handle, 7);
    assert_int_equal(want.wait[0].events, LN_WANT_READ | LN_WANT_WRITE);
    assert_int_equal(want.wait[1].events, LN_WANT_READ);
    assert_false(want.ready);
}

static void test_nothing_to_wait_for_adds_nothing(void **state)
{
    (void)state;
    struct ln_interest want = ln_interest(LN_WANT_READ);
    ln_interest_add(&want, LN_NO_HANDLE, LN_WANT_READ);
    ln_interest_add(&want, 3, 0);
    assert_int_equal(want.count, 0);
    assert_false(want.ready);
    assert_int_equal(want.events, LN_WANT_READ); /* the caller's wish is left alone */
}

static void test_a_full_table_is_ready(void **state)
{
    (void)state;
    struct ln_interest want = ln_interest(0);
    for (ln_handle h = 0; h < LN_WAIT_MAX; h++)
        ln_interest_add(&want, h, LN_WANT_READ);
    assert_false(want.ready);
    ln_interest_add(&want, LN_WAIT_MAX - 1, LN_WANT_WRITE); /* known: merged, no room needed */
    assert_false(want.ready);
    ln_interest_add(&want, LN_WAIT_MAX, LN_WANT_READ);
    assert_true(want.ready); /* never forgotten: the caller does not wait at all */
    assert_int_equal(want.count, LN_WAIT_MAX);
}

static void test_until_only_lowers(void **state)
{
    (void)state;
    struct ln_interest want = ln_interest(0);
    assert_true(want.deadline == LN_NEVER);
    ln_interest_until(&want, 500);
    ln_interest_until(&want, 900);
    ln_interest_until(&want, LN_NEVER);
    assert_int_equal(want.deadline, 500);
    ln_interest_until(&want, -1);
    assert_int_equal(want.deadline, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_of_one_handle_are_merged),
        cmocka_unit_test(test_nothing_to_wait_for_adds_nothing),
        cmocka_unit_test(test_a_full_table_is_ready),
        cmocka_unit_test(test_until_only_lowers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
