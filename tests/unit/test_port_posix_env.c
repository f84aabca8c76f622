/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/port/posix/env.c, clock.c, random.c and log.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linnet/env.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int setup(void **state)
{
    struct ln_env *env = NULL;
    assert_int_equal(ln_env_posix_new(&env), LN_OK);
    assert_non_null(env);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    ln_env_posix_free((struct ln_env *)*state);
    return 0;
}

static void test_free_of_nothing(void **state)
{
    (void)state;
    ln_env_posix_free(NULL);
}

static void test_everything_is_there(void **state)
{
    const struct ln_env *env = (const struct ln_env *)*state;
    assert_non_null(env->alloc.resize);
    assert_non_null(env->clock.monotonic);
    assert_non_null(env->clock.wall);
    assert_non_null(env->random.fill);
    assert_non_null(env->log.write);
    assert_int_equal(env->log.level, LN_LOG_WARN);
    assert_non_null(env->files.read);
    assert_non_null(env->net.ops);
    assert_string_equal(env->net.ops->name, "posix");
    assert_null(env->digest.hash); /* the TLS library's */
}

static void test_memory(void **state)
{
    const struct ln_env *env = (const struct ln_env *)*state;
    uint8_t *block = (uint8_t *)ln_calloc(env, 4, 4);
    assert_non_null(block);
    block[15] = 7;
    block = (uint8_t *)ln_resize(env, block, 1000);
    assert_non_null(block);
    assert_int_equal(block[15], 7);
    ln_free(env, block);
    assert_null(env->alloc.resize(env->alloc.ctx, NULL, 0)); /* free of nothing */
}

static void test_clocks(void **state)
{
    const struct ln_env *env = (const struct ln_env *)*state;
    ln_msec last = ln_now(env);
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        ln_msec now = ln_now(env);
        assert_true(now >= last);
        last = now;
    }
    int64_t before = (int64_t)time(NULL);
    int64_t wall = env->clock.wall(env->clock.ctx);
    /* time() may lag behind the precise clock by a tick */
    assert_true(wall >= before && wall <= (int64_t)time(NULL) + 1);
}

static void test_random(void **state)
{
    const struct ln_env *env = (const struct ln_env *)*state;
    uint8_t a[1000] = { 0 };
    uint8_t b[1000] = { 0 };
    unsigned seen[256] = { 0 };
    assert_int_equal(env->random.fill(env->random.ctx, ln_mspan(a, sizeof a)), LN_OK);
    assert_int_equal(env->random.fill(env->random.ctx, ln_mspan(b, sizeof b)), LN_OK);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        seen[a[i]]++;
    for (size_t i = 0; i < 256; i++)
        assert_true(seen[i] < 40); /* 4 expected: all of the room was filled */
    assert_int_equal(env->random.fill(env->random.ctx, ln_mspan(NULL, 0)), LN_OK);
}

static void test_log_is_one_line_on_standard_error(void **state)
{
    const struct ln_env *env = (const struct ln_env *)*state;
    int ends[2];
    char text[4096];
    char longest[3000];
    memset(longest, 'z', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)fflush(stderr);
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    errno = EDOM;
    ln_log(env, LN_LOG_WARN, "tls", "%d bytes", 5);
    int error = errno;
    ssize_t n = read(ends[0], text, sizeof text);
    env->log.write(env->log.ctx, LN_LOG_ERROR, "tls", longest);
    ssize_t m = read(ends[0], text + n, sizeof text - (size_t)n);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);

    static const char expected[] = "linnet: warning: tls: 5 bytes\n";
    assert_int_equal(n, sizeof expected - 1);
    assert_memory_equal(text, expected, (size_t)n);
    assert_int_equal(error, EDOM);
    assert_true(m > 1000); /* too long: cut, and still a line */
    assert_int_equal(text[n + m - 1], '\n');
    assert_int_equal(text[n + m - 2], 'z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_of_nothing),
        cmocka_unit_test_setup_teardown(test_everything_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_is_one_line_on_standard_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
