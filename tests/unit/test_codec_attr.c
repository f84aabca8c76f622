/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/attr.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/attr.h"
#include "support/bytes.h"

static struct ln_attr_change change_of(const char *const *queries, size_t count)
{
    struct ln_attr_change change = { .unset = 0 };
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ln__attr_read(bytes_copy(ln_span_str(queries[i])), &change), LN_OK);
    return change;
}

static void test_all_of_them(void **state)
{
    (void)state;
    static const char *const queries[] = { "pmin=1",  "pmax=2",  "gt=3.5", "lt=-4", "st=0.25",
                                           "epmin=5", "epmax=6", "edge=1", "con=0", "hqmax=7" };
    struct ln_attr_change change = change_of(queries, 10);
    struct ln_attrs attrs = { .set = 0 };
    assert_int_equal(ln__attr_named(&change), 0x3ff);
    assert_int_equal(ln__attr_apply(&attrs, &change), LN_OK);
    assert_int_equal(attrs.set, 0x3ff);
    assert_int_equal(attrs.pmin, 1);
    assert_int_equal(attrs.pmax, 2);
    assert_true(attrs.gt == 3.5 && attrs.lt == -4 && attrs.st == 0.25);
    assert_int_equal(attrs.epmin, 5);
    assert_int_equal(attrs.epmax, 6);
    assert_true(attrs.edge && !attrs.con);
    assert_int_equal(attrs.hqmax, 7);
    for (size_t i = 0; i < 10; i++) {
        const char *name = ln__attr_name((enum ln_attr)i);
        assert_int_equal(strncmp(name, queries[i], strlen(name)), 0);
        assert_true(ln__attr_is_set(&attrs, (enum ln_attr)i));
    }
    assert_string_equal(ln__attr_name((enum ln_attr)10), "unknown");
}

/* scenario: H76 */
static void test_queries_that_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *query;
        enum ln_status status;
    } rows[] = {
        { "", LN_NOT_FOUND },
        { "=5", LN_NOT_FOUND },
        { "pmi=5", LN_NOT_FOUND },
        { "pminx=5", LN_NOT_FOUND },
        { "PMIN=5", LN_NOT_FOUND },
        { "foo", LN_NOT_FOUND },
        { "dim=3", LN_DENIED },
        { "ver=1.0", LN_DENIED },
        { "ssid=1", LN_DENIED },
        { "uri", LN_DENIED },
        { "lwm2m=1.1", LN_DENIED },
        { "pmin=", LN_BAD_PEER },
        { "pmin=-1", LN_BAD_PEER },
        { "pmin=-0", LN_BAD_PEER },
        { "pmin=1.5", LN_BAD_PEER },
        { "pmin=1e2", LN_BAD_PEER },
        { "pmin= 1", LN_BAD_PEER },
        { "pmin=4294967295", LN_OK },
        { "pmin=4294967296", LN_BAD_PEER },
        { "pmin=x", LN_BAD_PEER },
        { "pmin=1=2", LN_BAD_PEER },
        { "gt=", LN_BAD_PEER },
        { "gt=1.0E7",
          LN_OK }, /* as Java prints numbers from ten millions on, and Leshan 2.0.0-M4 */
        { "gt=1.0E-4", LN_OK },
        { "gt=1e21", LN_BAD_PEER },
        { "gt=1e", LN_BAD_PEER },
        { "gt=1e-13", LN_BAD_PEER },
        { "gt=1e-400", LN_BAD_PEER },
        { "gt=1.e5", LN_BAD_PEER },
        { "gt=.5", LN_BAD_PEER },
        { "gt=nan", LN_BAD_PEER },
        { "gt=1,5", LN_BAD_PEER },
        { "gt=-0.5", LN_OK },
        { "gt=999999999999999999999", LN_BAD_PEER },
        { "gt=100000000000000000000", LN_OK },
        { "gt=0.000000000001", LN_OK },
        { "gt=0.0000000000001", LN_BAD_PEER },
        { "edge=2", LN_BAD_PEER },
        { "edge=true", LN_BAD_PEER },
        { "con=01", LN_BAD_PEER },
        { "hqmax=-1", LN_BAD_PEER },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_attr_change change = { .unset = LN_ATTR_BIT(LN_ATTR_CON) };
        struct ln_attr_change before = change;
        if (strncmp(rows[i].query, "con", 3) == 0)
            change.unset = before.unset = 0;
        print_message("  \"%s\"\n", rows[i].query);
        assert_int_equal(ln__attr_read(bytes_copy(ln_span_str(rows[i].query)), &change),
                         rows[i].status);
        if (rows[i].status != LN_OK)
            assert_memory_equal(&change, &before, sizeof change);
    }
}

static void test_one_thing_twice_is_refused(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "pmin=1", "pmin=1" }, { "pmin", "pmin=1" }, { "pmin=1", "pmin" }, { "pmin", "pmin" }
    };
    for (size_t i = 0; i < 4; i++) {
        struct ln_attr_change change = change_of(pairs[i], 1);
        assert_int_equal(ln__attr_read(ln_span_str(pairs[i][1]), &change), LN_BAD_PEER);
    }
}

static void test_unsetting(void **state)
{
    (void)state;
    static const char *const first[] = { "pmin=10", "gt=5", "edge=1" };
    static const char *const second[] = { "pmin", "pmax=20", "lt", "edge" };
    struct ln_attrs attrs = { .set = 0 };
    struct ln_attrs want = { .set = LN_ATTR_BIT(LN_ATTR_PMAX) | LN_ATTR_BIT(LN_ATTR_GT),
                             .pmax = 20,
                             .gt = 5 };
    struct ln_attr_change change = change_of(first, 3);
    assert_int_equal(ln__attr_apply(&attrs, &change), LN_OK);
    change = change_of(second, 4);
    assert_int_equal(ln__attr_apply(&attrs, &change), LN_OK);
    assert_memory_equal(&attrs, &want, sizeof want); /* what is unset is 0 */
}

/* scenario: H76 */
static void test_what_is_allowed_together(void **state)
{
    (void)state;
    const struct {
        const char *queries[3];
        enum ln_status status;
        const char *why;
    } rows[] = {
        { { "pmin=20", "pmax=10" }, LN_OK, "pmax does not count then" },
        { { "pmax=10" }, LN_OK, "pmax alone" },
        { { "pmin=10", "pmax=10" }, LN_OK, "purely periodic" },
        { { "epmin=20", "epmax=10" }, LN_OK, "epmax does not count then" },
        { { "gt=10", "lt=20" }, LN_BAD_PEER, "lt above gt" },
        { { "gt=10", "lt=10" }, LN_BAD_PEER, "lt at gt" },
        { { "gt=20", "lt=10" }, LN_OK, "lt below gt" },
        { { "gt=20", "lt=10", "st=4" }, LN_OK, "two steps fit" },
        { { "gt=20", "lt=10", "st=5" }, LN_BAD_PEER, "two steps reach" },
        { { "gt=20", "st=500" }, LN_OK, "a step without lt" },
        { { "st=0" }, LN_OK, "no step at all" },
        { { "st=-1" }, LN_BAD_PEER, "a negative step" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count = 0;
        while (count < 3 && rows[i].queries[count] != NULL)
            count++;
        struct ln_attrs attrs = { .set = LN_ATTR_BIT(LN_ATTR_CON), .con = true };
        struct ln_attrs before = attrs;
        struct ln_attr_change change = change_of(rows[i].queries, count);
        print_message("  %s\n", rows[i].why);
        assert_int_equal(ln__attr_apply(&attrs, &change), rows[i].status);
        if (rows[i].status != LN_OK)
            assert_memory_equal(&attrs, &before, sizeof before);
    }
    /* what counts is the result, not the request */
    struct ln_attrs attrs = { .set = LN_ATTR_BIT(LN_ATTR_LT), .lt = 10 };
    struct ln_attr_change change = change_of((const char *const[]) { "gt=5" }, 1);
    assert_int_equal(ln__attr_apply(&attrs, &change), LN_BAD_PEER);
    change = change_of((const char *const[]) { "gt=5", "lt" }, 2);
    assert_int_equal(ln__attr_apply(&attrs, &change), LN_OK);
}

static void test_where_they_fit(void **state)
{
    (void)state;
    enum {
        PMIN = LN_ATTR_BIT(LN_ATTR_PMIN),
        GT = LN_ATTR_BIT(LN_ATTR_GT),
        EDGE = LN_ATTR_BIT(LN_ATTR_EDGE)
    };
    assert_true(ln__attr_fits(PMIN, LN_LEVEL_OBJECT, LN_VALUE_NONE));
    assert_false(ln__attr_fits(PMIN, LN_LEVEL_ROOT, LN_VALUE_NONE));
    assert_false(ln__attr_fits(GT, LN_LEVEL_INSTANCE, LN_VALUE_NONE));
    assert_true(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_FLOAT));
    assert_true(ln__attr_fits(GT, LN_LEVEL_RESOURCE_INSTANCE, LN_VALUE_INTEGER));
    assert_true(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_UNSIGNED));
    assert_true(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_TIME));
    assert_true(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_NONE));
    assert_false(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_STRING));
    assert_false(ln__attr_fits(GT, LN_LEVEL_RESOURCE, LN_VALUE_BOOLEAN));
    assert_true(ln__attr_fits(EDGE, LN_LEVEL_RESOURCE, LN_VALUE_BOOLEAN));
    assert_false(ln__attr_fits(EDGE, LN_LEVEL_RESOURCE, LN_VALUE_INTEGER));
    assert_false(ln__attr_fits(PMIN | GT, LN_LEVEL_OBJECT, LN_VALUE_NONE));
    assert_true(ln__attr_fits(0, LN_LEVEL_ROOT, LN_VALUE_NONE));
}

static void test_inheritance(void **state)
{
    (void)state;
    /* the example of the specification, from the inside to the outside */
    struct ln_attrs resource = { .set = LN_ATTR_BIT(LN_ATTR_EPMIN), .epmin = 3 };
    struct ln_attrs instance = { .set = LN_ATTR_BIT(LN_ATTR_PMAX), .pmax = 3 };
    struct ln_attrs object = { .set = LN_ATTR_BIT(LN_ATTR_PMIN) | LN_ATTR_BIT(LN_ATTR_PMAX),
                               .pmin = 1,
                               .pmax = 5 };
    struct ln_attrs all = resource;
    ln__attr_inherit(&all, &instance);
    ln__attr_inherit(&all, &object);
    struct ln_attrs want = { .set = LN_ATTR_BIT(LN_ATTR_PMIN) | LN_ATTR_BIT(LN_ATTR_PMAX) |
                                    LN_ATTR_BIT(LN_ATTR_EPMIN),
                             .pmin = 1,
                             .pmax = 3,
                             .epmin = 3 };
    assert_memory_equal(&all, &want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_them),
        cmocka_unit_test(test_queries_that_are_refused),
        cmocka_unit_test(test_one_thing_twice_is_refused),
        cmocka_unit_test(test_unsetting),
        cmocka_unit_test(test_what_is_allowed_together),
        cmocka_unit_test(test_where_they_fit),
        cmocka_unit_test(test_inheritance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
