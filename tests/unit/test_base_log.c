/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/log.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/env.h>

struct written {
    int count;
    enum ln_level level;
    const char *module;
    char text[2048];
};

static void keep(void *ctx, enum ln_level level, const char *module, const char *text)
{
    struct written *w = (struct written *)ctx;
    size_t len = strlen(text);
    w->count++;
    w->level = level;
    w->module = module;
    assert_true(len < sizeof w->text);
    memcpy(w->text, text, len + 1);
}

static struct ln_env logging_env(struct written *w, enum ln_level level)
{
    return (struct ln_env) { .log = { .write = keep, .ctx = w, .level = level } };
}

static void test_a_line_is_formatted_and_cleaned(void **state)
{
    (void)state;
    struct written w = { .count = 0 };
    struct ln_env env = logging_env(&w, LN_LOG_WARN);
    ln_log(&env, LN_LOG_ERROR, "tls", "%s failed: %d", "a\nforged line\x1b", 7);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.level, LN_LOG_ERROR);
    assert_string_equal(w.module, "tls");
    assert_string_equal(w.text, "a forged line? failed: 7");
}

static void test_only_levels_that_are_on(void **state)
{
    (void)state;
    struct written w = { .count = 0 };
    struct ln_env env = logging_env(&w, LN_LOG_WARN);
    ln_log(&env, LN_LOG_INFO, "tls", "not shown");
    ln_log(&env, LN_LOG_OFF, "tls", "off is no level to write at");
    assert_int_equal(w.count, 0);
    ln_log(&env, LN_LOG_WARN, "tls", "shown");
    assert_int_equal(w.count, 1);

    env.log.level = LN_LOG_OFF;
    ln_log(&env, LN_LOG_ERROR, "tls", "silence was asked for");
    assert_int_equal(w.count, 1);

    env.log = (struct ln_log) { .write = NULL, .level = LN_LOG_DEBUG };
    ln_log(&env, LN_LOG_ERROR, "tls", "nobody listens"); /* and nothing crashes */
}

static void test_a_long_line_is_cut_and_marked(void **state)
{
    (void)state;
    struct written w = { .count = 0 };
    struct ln_env env = logging_env(&w, LN_LOG_WARN);
    char longest[4000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ln_log(&env, LN_LOG_WARN, "tls", "%s", longest);
    size_t len = strlen(w.text);
    assert_true(len >= LN_DIAG_LINE_MAX); /* every diagnosis fits */
    assert_string_equal(w.text + len - 4, "a...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_formatted_and_cleaned),
        cmocka_unit_test(test_only_levels_that_are_on),
        cmocka_unit_test(test_a_long_line_is_cut_and_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
