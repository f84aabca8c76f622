/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of <linnet/path.h> and <linnet/value.h>. */
#include <linnet/path.h>
#include <linnet/value.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bytes.h"

static const struct {
    const char *text;
    unsigned levels;
    uint16_t id[4];
} good[] = {
    { "/", 0, { 0 } },
    { "/0", 1, { 0 } },
    { "/3", 1, { 3 } },
    { "/3/0", 2, { 3, 0 } },
    { "/3/0/9", 3, { 3, 0, 9 } },
    { "/3/0/7/1", 4, { 3, 0, 7, 1 } },
    { "/65534/65534/65534/65534", 4, { 65534, 65534, 65534, 65534 } },
    { "/33629/10", 2, { 33629, 10 } },
};

static void test_text_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ln_path path = { .levels = 9 };
        char text[LN_PATH_ROOM];
        struct ln_span in = bytes_copy(ln_span_str(good[i].text));
        assert_int_equal(ln_path_read(in, &path), LN_OK);
        assert_int_equal(path.levels, good[i].levels);
        assert_memory_equal(path.id, good[i].id, sizeof path.id);
        assert_int_equal(ln_path_text(&path, text), strlen(good[i].text));
        assert_string_equal(text, good[i].text);
    }
}

/* scenario: H63 */
static void test_paths_that_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum ln_status status;
        const char *why;
    } rows[] = {
        { "", LN_BAD_PEER, "nothing" },
        { "3/0", LN_BAD_PEER, "no slash in front" },
        { "/3/", LN_BAD_PEER, "a slash behind" },
        { "//3", LN_BAD_PEER, "an empty part" },
        { "//", LN_BAD_PEER, "two of them" },
        { "/03", LN_BAD_PEER, "a leading zero" },
        { "/00", LN_BAD_PEER, "zero with one" },
        { "/65535", LN_BAD_PEER, "the reserved id" },
        { "/65536", LN_BAD_PEER, "more than 16 bits" },
        { "/99999", LN_BAD_PEER, "more of them" },
        { "/4294967299", LN_BAD_PEER, "3 modulo 2^32" },
        { "/18446744073709551619", LN_BAD_PEER, "3 modulo 2^64" },
        { "/1/2/3/4/5", LN_BAD_PEER, "five levels" },
        { "/rd", LN_NOT_FOUND, "no number" },
        { "/.well-known/core", LN_NOT_FOUND, "no number either" },
        { "/3/x", LN_NOT_FOUND, "in the second place" },
        { "/-1", LN_NOT_FOUND, "a sign" },
        { "/+1", LN_NOT_FOUND, "a sign" },
        { "/ 1", LN_NOT_FOUND, "a space" },
        { "/1 ", LN_NOT_FOUND, "a space" },
        { "/0x1", LN_NOT_FOUND, "hexadecimal" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_path path = ln_path_object(77);
        print_message("  %s: %s\n", rows[i].text, rows[i].why);
        struct ln_span in = bytes_copy(ln_span_str(rows[i].text));
        assert_int_equal(ln_path_read(in, &path), rows[i].status);
        assert_true(path.levels == 1 && path.id[0] == 77);
    }
    struct ln_path path;
    assert_int_equal(ln_path_read(ln_span("/1\0", 3), &path), LN_NOT_FOUND);
}

static void test_parts(void **state)
{
    (void)state;
    struct ln_path path = ln_path_root();
    static const char *const parts[] = { "3", "0", "7", "1" };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ln_path_add_part(&path, ln_span_str(parts[i])), LN_OK);
    struct ln_path want = ln_path_resource_instance(3, 0, 7, 1);
    assert_true(ln_path_equal(&path, &want));
    assert_int_equal(ln_path_add_part(&path, ln_span_str("2")), LN_BAD_PEER);
    assert_true(ln_path_equal(&path, &want));
    path = ln_path_root();
    assert_int_equal(ln_path_add_part(&path, ln_span_str("")), LN_BAD_PEER);
    assert_int_equal(ln_path_add_part(&path, ln_span_str("3/0")), LN_NOT_FOUND);
    assert_int_equal(path.levels, 0);
}

static void test_making(void **state)
{
    (void)state;
    struct ln_path path = ln_path_resource_instance(3, 0, 7, 1);
    struct ln_path same = ln_path_child(path, 5);
    assert_true(ln_path_equal(&path, &same));
    struct ln_path head = ln_path_head(path, LN_LEVEL_INSTANCE);
    struct ln_path want = ln_path_instance(3, 0);
    assert_memory_equal(&head, &want, sizeof want); /* what does not count is 0 */
    head = ln_path_head(want, LN_LEVEL_RESOURCE);
    assert_true(ln_path_equal(&head, &want));
}

/* In the order of a walk. */
static const char *const ordered[] = {
    "/",      "/0",       "/0/1",      "/3",      "/3/0", "/3/0/0",
    "/3/0/7", "/3/0/7/0", "/3/0/7/10", "/3/0/10", "/3/2", "/20",
};

static void test_order_and_what_lies_below(void **state)
{
    (void)state;
    size_t count = sizeof ordered / sizeof ordered[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct ln_path a;
            struct ln_path b;
            assert_int_equal(ln_path_read(ln_span_str(ordered[i]), &a), LN_OK);
            assert_int_equal(ln_path_read(ln_span_str(ordered[j]), &b), LN_OK);
            int order = ln_path_compare(&a, &b);
            assert_int_equal(order < 0, i < j);
            assert_int_equal(order == 0, i == j);
            size_t len = strlen(ordered[j]);
            bool below = j == 0 || (strncmp(ordered[i], ordered[j], len) == 0 &&
                                    (ordered[i][len] == '/' || ordered[i][len] == '\0'));
            assert_int_equal(ln_path_is_below(&a, &b), below);
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    const struct ln_value values[] = {
        ln_value_none(),
        ln_value_string("a"),
        ln_value_string("b"),
        ln_value_string(NULL),
        ln_value_opaque(ln_span("a", 1)),
        ln_value_bytes(LN_VALUE_CORELNK, ln_span("a", 1)),
        ln_value_integer(-1),
        ln_value_integer(1),
        ln_value_unsigned(1),
        ln_value_float(1),
        ln_value_boolean(true),
        ln_value_boolean(false),
        ln_value_time(1),
        ln_value_objlnk(1, 0),
        ln_value_objlnk(1, 1),
    };
    size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            assert_int_equal(ln_value_equal(&values[i], &values[j]), i == j);
    }
    struct ln_value nan = ln_value_float((double)NAN);
    assert_false(ln_value_equal(&nan, &nan));
    assert_string_equal(ln_value_type_name(LN_VALUE_OBJLNK), "objlnk");
    assert_string_equal(ln_value_type_name((enum ln_value_type)99), "unknown");
    assert_true(ln_value_type_is_bytes(LN_VALUE_CORELNK));
    assert_false(ln_value_type_is_bytes(LN_VALUE_OBJLNK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_back),
        cmocka_unit_test(test_paths_that_are_refused),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_making),
        cmocka_unit_test(test_order_and_what_lies_below),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
