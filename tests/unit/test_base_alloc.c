/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/alloc.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/env.h>
#include <stdlib.h>

/* An allocator that counts, fills with junk, can fail, and remembers what it was asked. */
struct counting {
    long live;
    bool fail;
    size_t last_size;
    uint8_t freed_first; /* first byte of the block freed last */
};

static void *counting_resize(void *ctx, void *block, size_t size)
{
    struct counting *c = (struct counting *)ctx;
    c->last_size = size;
    if (size == 0) {
        c->live--;
        c->freed_first = *(uint8_t *)block;
        free(block);
        return NULL;
    }
    if (c->fail)
        return NULL;
    uint8_t *bytes = (uint8_t *)realloc(block, size);
    if (block == NULL) {
        c->live++;
        memset(bytes, 0xa5, size);
    }
    return bytes;
}

static struct ln_env counting_env(struct counting *c)
{
    return (struct ln_env) { .alloc = { .resize = counting_resize, .ctx = c } };
}

static void test_calloc_clears(void **state)
{
    (void)state;
    struct counting c = { .live = 0 };
    struct ln_env env = counting_env(&c);
    uint8_t *bytes = (uint8_t *)ln_calloc(&env, 3, 5);
    assert_non_null(bytes);
    assert_int_equal(c.last_size, 15);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(bytes[i], 0);
    ln_free(&env, bytes);
    assert_int_equal(c.live, 0);
}

static const struct {
    size_t count;
    size_t size;
    const char *why;
} overflows[] = {
    { SIZE_MAX, 2, "twice everything" },
    { 2, SIZE_MAX, "the other way round" },
    { SIZE_MAX / 2 + 1, 2, "wraps to exactly 0" },
    { (size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4), "square of half" },
};

static void test_calloc_refuses_overflow(void **state)
{
    (void)state;
    struct counting c = { .live = 0, .last_size = 99 };
    struct ln_env env = counting_env(&c);
    for (size_t i = 0; i < sizeof overflows / sizeof overflows[0]; i++) {
        print_message("  %s\n", overflows[i].why);
        assert_null(ln_calloc(&env, overflows[i].count, overflows[i].size));
    }
    assert_int_equal(c.last_size, 99); /* the allocator was never asked */
}

static void test_size_zero_is_an_allocation(void **state)
{
    (void)state;
    struct counting c = { .live = 0 };
    struct ln_env env = counting_env(&c);
    void *a = ln_calloc(&env, 0, 16);
    void *b = ln_calloc(&env, 16, 0);
    void *d = ln_resize(&env, NULL, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(d);
    d = ln_resize(&env, d, 0); /* shrinks; freeing is ln_free() */
    assert_non_null(d);
    assert_int_equal(c.live, 3);
    ln_free(&env, a);
    ln_free(&env, b);
    ln_free(&env, d);
    assert_int_equal(c.live, 0);
}

static void test_failure_leaves_the_old_block(void **state)
{
    (void)state;
    struct counting c = { .live = 0 };
    struct ln_env env = counting_env(&c);
    char *text = ln_strdup(&env, "kept");
    assert_non_null(text);
    c.fail = true;
    assert_null(ln_resize(&env, text, 1000));
    assert_string_equal(text, "kept");
    assert_null(ln_calloc(&env, 1, 1));
    assert_null(ln_strdup(&env, "x"));
    ln_free(&env, text);
    assert_int_equal(c.live, 0);
}

static void test_null_is_nothing(void **state)
{
    (void)state;
    struct counting c = { .live = 0 };
    struct ln_env env = counting_env(&c);
    ln_free(&env, NULL);
    ln_free_secret(&env, NULL, 10);
    ln_wipe(NULL, 0);
    assert_null(ln_strdup(&env, NULL));
    assert_int_equal(c.live, 0);
    assert_int_equal(c.last_size, 0);
}

static void test_secrets_are_wiped(void **state)
{
    (void)state;
    struct counting c = { .live = 0 };
    struct ln_env env = counting_env(&c);
    char *key = ln_strdup(&env, "top secret");
    assert_non_null(key);
    c.freed_first = 0xff;
    ln_free_secret(&env, key, 11);
    assert_int_equal(c.freed_first, 0); /* before it was given back */
    assert_int_equal(c.live, 0);

    uint8_t bytes[9];
    memset(bytes, 0x5a, sizeof bytes);
    ln_wipe(bytes + 1, 7);
    assert_int_equal(bytes[0], 0x5a);
    assert_int_equal(bytes[8], 0x5a);
    for (size_t i = 1; i < 8; i++)
        assert_int_equal(bytes[i], 0);
}

static void test_equal_secret(void **state)
{
    (void)state;
    assert_true(ln_equal_secret("abc", "abc", 3));
    assert_true(ln_equal_secret("abc", "abd", 2));
    assert_false(ln_equal_secret("abc", "abd", 3));
    assert_false(ln_equal_secret("xbc", "abc", 3));
    assert_false(ln_equal_secret("\x80", "\x00", 1)); /* the highest bit counts */
    assert_true(ln_equal_secret(NULL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calloc_clears),
        cmocka_unit_test(test_calloc_refuses_overflow),
        cmocka_unit_test(test_size_zero_is_an_allocation),
        cmocka_unit_test(test_failure_leaves_the_old_block),
        cmocka_unit_test(test_null_is_nothing),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_equal_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
