/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration's state machine (src/lwm2m/register.c): every row, every wait, every bound of
 * docs/registration.md, without a network.
 */
#include "lwm2m/register.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct ln__reg_policy policy = {
    .lifetime_s = 86400,
    .delay_s = 7,
    .retry_count = 5,
    .retry_s = 60,
    .pause_s = 3600,
    .sequence_count = 2,
    .disable_s = 100,
    .answer_wait_ms = 93000,
};

static enum ln__reg_action tell(struct ln__reg *reg, enum ln__reg_event event, ln_msec now,
                                uint32_t random)
{
    return ln__reg_happened(reg, &policy, event, now, now, random);
}

static struct ln__reg registered(ln_msec now)
{
    struct ln__reg reg;
    ln__reg_init(&reg);
    assert_int_equal(tell(&reg, LN_REG_EV_STARTED, now, 0), LN_REG_DO_WAIT);
    assert_int_equal(tell(&reg, LN_REG_EV_WAIT_OVER, now, 0), LN_REG_DO_CONNECT);
    assert_int_equal(tell(&reg, LN_REG_EV_CONNECTED_NEW, now, 0), LN_REG_DO_REGISTER);
    assert_int_equal(tell(&reg, LN_REG_EV_ACCEPTED, now, 0), LN_REG_DO_SETTLE);
    assert_int_equal(reg.state, LN_REG_REGISTERED);
    return reg;
}

/* No state is a dead end but the ones that are meant, and no row stands twice. */
static void test_table(void **state)
{
    (void)state;
    size_t count = 0;
    const struct ln__reg_edge *edges = ln__reg_edges(&count);
    unsigned ways_out[LN_REG_STATE_COUNT] = { 0 };
    unsigned ways_in[LN_REG_STATE_COUNT] = { 0 };
    for (size_t i = 0; i < count; i++) {
        assert_true(edges[i].state < LN_REG_STATE_COUNT);
        assert_true(edges[i].event < LN_REG_EVENT_COUNT);
        assert_true(edges[i].why[0] != 0);
        ways_out[edges[i].state] += edges[i].next != edges[i].state;
        ways_in[edges[i].next]++;
        for (size_t j = 0; j < i; j++)
            assert_false(edges[i].state == edges[j].state && edges[i].event == edges[j].event);
    }
    for (unsigned s = 0; s < LN_REG_STATE_COUNT; s++) {
        assert_true(ways_out[s] > 0);
        if (s != LN_REG_IDLE && s != LN_REG_PAUSED) /* entered by start, and by counters */
            assert_true(ways_in[s] > 0);
    }
}

static void test_the_initial_delay_is_served_once(void **state)
{
    (void)state;
    struct ln__reg reg;
    ln__reg_init(&reg);
    tell(&reg, LN_REG_EV_STARTED, 1000, 0);
    assert_int_equal(ln__reg_deadline(&reg), 8000);
    enum ln__reg_event event;
    assert_false(ln__reg_is_due(&reg, 7999, &event));
    assert_true(ln__reg_is_due(&reg, 8000, &event));
    assert_int_equal(event, LN_REG_EV_WAIT_OVER);
}

/* The Update leaves room for all its retransmissions, and is spread over a tenth of the lifetime. */
static void test_the_update_is_early_enough(void **state)
{
    (void)state;
    static const struct {
        uint32_t lifetime_s;
        uint32_t random;
        ln_msec due;
    } rows[] = {
        { 86400, 0, (86400 - 93) * 1000 },
        { 86400, UINT32_MAX, (ln_msec)((86400 - 93) * 1000 * 0.9) },
        { 60, 0, 30000 },
        { 186, 0, 93000 },
        { 0, 0, LN_NEVER },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln__reg reg;
        struct ln__reg_policy p = policy;
        p.lifetime_s = rows[i].lifetime_s;
        ln__reg_init(&reg);
        reg.state = LN_REG_REGISTERING;
        ln__reg_happened(&reg, &p, LN_REG_EV_ACCEPTED, 50, 0, rows[i].random);
        if (rows[i].due == LN_NEVER)
            assert_true(reg.due == LN_NEVER && reg.expires == LN_NEVER);
        else
            assert_in_range(reg.due, rows[i].due - 1, rows[i].due + 1);
        if (rows[i].lifetime_s != 0)
            assert_int_equal(reg.expires, (ln_msec)rows[i].lifetime_s * 1000);
    }
}

/* scenario: T4 */
static void test_waits_double_and_are_stretched(void **state)
{
    (void)state;
    static const ln_msec base[] = { 60000, 120000, 240000, 480000 };
    static const uint32_t randoms[] = { 0, UINT32_MAX };
    for (size_t r = 0; r < 2; r++) {
        struct ln__reg reg;
        ln_msec now = 1000000;
        ln__reg_init(&reg);
        reg.state = LN_REG_CONNECTING;
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(tell(&reg, LN_REG_EV_LINK_FAILED, now, randoms[r]), LN_REG_DO_WAIT);
            assert_int_equal(reg.state, LN_REG_BACKOFF);
            ln_msec wait = reg.due - now;
            assert_true(r == 0 ? wait == base[i]
                               : wait >= base[i] * 149 / 100 && wait <= base[i] * 3 / 2);
            now = reg.due;
            assert_int_equal(tell(&reg, LN_REG_EV_WAIT_OVER, now, 0), LN_REG_DO_CONNECT);
        }
        tell(&reg, LN_REG_EV_LINK_FAILED, now, 0);
        assert_int_equal(reg.state, LN_REG_PAUSED);
        assert_int_equal(reg.due - now, 3600000);
    }
}

/* scenario: T4 */
static void test_sequences_end(void **state)
{
    (void)state;
    struct ln__reg reg;
    ln_msec now = 0;
    ln__reg_init(&reg);
    reg.state = LN_REG_CONNECTING;
    unsigned attempts = 0;
    while (reg.state != LN_REG_STOPPED) {
        assert_true(++attempts <= 10);
        tell(&reg, LN_REG_EV_LINK_FAILED, now, 0);
        now = reg.due;
        if (reg.state != LN_REG_STOPPED)
            tell(&reg, LN_REG_EV_WAIT_OVER, now, 0);
    }
    assert_int_equal(attempts, 10); /* two sequences of five */

    struct ln__reg_policy on = policy;
    on.keep_trying = true;
    reg.state = LN_REG_CONNECTING;
    reg.sequence = 1;
    reg.attempt = 4;
    ln__reg_happened(&reg, &on, LN_REG_EV_LINK_FAILED, 5, 5, 0);
    assert_int_equal(reg.state, LN_REG_PAUSED);
    assert_int_equal(reg.sequence, 0);
    on.pause_s = UINT32_MAX;
    reg.state = LN_REG_CONNECTING;
    reg.attempt = 4;
    ln__reg_happened(&reg, &on, LN_REG_EV_LINK_FAILED, 5, 5, 0);
    assert_int_equal(reg.state, LN_REG_STOPPED); /* no further sequence */
}

static void test_odd_settings_make_no_storm(void **state)
{
    (void)state;
    struct ln__reg reg;
    struct ln__reg_policy odd = policy;
    odd.retry_s = 0;
    ln__reg_init(&reg);
    reg.state = LN_REG_CONNECTING;
    ln__reg_happened(&reg, &odd, LN_REG_EV_LINK_FAILED, 0, 0, 0);
    assert_int_equal(reg.due, 3000);
    odd.retry_count = 0;
    reg.state = LN_REG_CONNECTING;
    reg.attempt = 0;
    ln__reg_happened(&reg, &odd, LN_REG_EV_LINK_FAILED, 0, 0, 0);
    assert_int_equal(reg.state, LN_REG_PAUSED); /* 0 attempts count as one */
    odd.retry_count = UINT32_MAX;
    odd.retry_s = UINT32_MAX;
    reg.state = LN_REG_CONNECTING;
    reg.attempt = UINT32_MAX - 2;
    ln__reg_happened(&reg, &odd, LN_REG_EV_LINK_FAILED, 0, 0, UINT32_MAX);
    assert_int_equal(reg.state, LN_REG_BACKOFF);
    assert_true(reg.due > 0);
}

/* scenario: T4 */
static void test_unknown_registration_registers_at_once(void **state)
{
    (void)state;
    struct ln__reg reg = registered(0);
    assert_int_equal(tell(&reg, LN_REG_EV_UPDATE_WANTED, 10, 0), LN_REG_DO_UPDATE);
    assert_int_equal(tell(&reg, LN_REG_EV_UNKNOWN, 20, 0), LN_REG_DO_REGISTER);
    assert_int_equal(reg.state, LN_REG_REGISTERING);
}

/* scenario: T4 */
static void test_lost_session(void **state)
{
    (void)state;
    struct ln__reg reg = registered(0);
    tell(&reg, LN_REG_EV_UPDATE_WANTED, 10, 0);
    assert_int_equal(tell(&reg, LN_REG_EV_NO_ANSWER, 93010, 0), LN_REG_DO_CONNECT);
    assert_int_equal(tell(&reg, LN_REG_EV_CONNECTED_NEW, 93020, 0), LN_REG_DO_REGISTER);

    reg = registered(0);
    tell(&reg, LN_REG_EV_UPDATE_WANTED, 10, 0);
    tell(&reg, LN_REG_EV_NO_ANSWER, 93010, 0);
    assert_int_equal(tell(&reg, LN_REG_EV_CONNECTED_OLD, 93020, 0), LN_REG_DO_UPDATE);
    assert_int_equal(tell(&reg, LN_REG_EV_NO_ANSWER, 186020, 0), LN_REG_DO_WAIT);
    assert_int_equal(reg.state, LN_REG_BACKOFF); /* twice in vain: no third handshake at once */
}

static void test_an_update_while_one_is_out_is_not_lost(void **state)
{
    (void)state;
    struct ln__reg reg = registered(0);
    tell(&reg, LN_REG_EV_UPDATE_WANTED, 10, 0);
    assert_int_equal(tell(&reg, LN_REG_EV_UPDATE_WANTED, 11, 0), LN_REG_DO_NOTHING);
    tell(&reg, LN_REG_EV_ACCEPTED, 12, 0);
    enum ln__reg_event event;
    assert_true(ln__reg_is_due(&reg, 12, &event));
    assert_int_equal(event, LN_REG_EV_UPDATE_WANTED);
}

static void test_expiry(void **state)
{
    (void)state;
    struct ln__reg reg = registered(0);
    enum ln__reg_event event;
    assert_true(ln__reg_is_due(&reg, 86400000, &event));
    assert_int_equal(event, LN_REG_EV_EXPIRED);
    assert_int_equal(tell(&reg, event, 86400000, 0), LN_REG_DO_CONNECT);
    assert_false(ln__reg_is_registered(&reg));
}

static void test_disable_and_stop(void **state)
{
    (void)state;
    struct ln__reg reg = registered(0);
    assert_int_equal(tell(&reg, LN_REG_EV_DISABLED, 1000, 0), LN_REG_DO_DEREGISTER);
    assert_int_equal(reg.due, 101000);
    assert_int_equal(tell(&reg, LN_REG_EV_DEREGISTERED, 3000, 0), LN_REG_DO_CLOSE);
    assert_int_equal(reg.due, 101000); /* counted from the command */
    assert_int_equal(tell(&reg, LN_REG_EV_WAIT_OVER, 101000, 0), LN_REG_DO_CONNECT);

    reg = registered(0);
    assert_int_equal(tell(&reg, LN_REG_EV_STOPPED, 5, 0), LN_REG_DO_DEREGISTER);
    assert_int_equal(tell(&reg, LN_REG_EV_NO_ANSWER, 6, 0), LN_REG_DO_CLOSE);
    assert_int_equal(reg.state, LN_REG_STOPPED);
    assert_int_equal(tell(&reg, LN_REG_EV_STARTED, 7, 0), LN_REG_DO_CONNECT);
}

/* Whatever happens in whatever order: no wait without an end but where nothing is awaited from
 * inside, and counters stay in bounds. */
static void test_random_walks(void **state)
{
    (void)state;
    uint64_t seed = 12345;
    struct ln__reg reg;
    ln_msec now = 0;
    ln__reg_init(&reg);
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        enum ln__reg_event event = (enum ln__reg_event)((seed >> 33) % LN_REG_EVENT_COUNT);
        now += (ln_msec)(seed >> 50);
        tell(&reg, event, now, (uint32_t)seed);
        assert_true(reg.attempt < 5);
        assert_true(reg.sequence <= 2);
        bool waits = reg.state == LN_REG_DELAYED || reg.state == LN_REG_BACKOFF ||
                     reg.state == LN_REG_PAUSED || reg.state == LN_REG_DISABLED ||
                     reg.state == LN_REG_REGISTERED;
        assert_true(!waits || ln__reg_deadline(&reg) != LN_NEVER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_the_initial_delay_is_served_once),
        cmocka_unit_test(test_the_update_is_early_enough),
        cmocka_unit_test(test_waits_double_and_are_stretched),
        cmocka_unit_test(test_sequences_end),
        cmocka_unit_test(test_odd_settings_make_no_storm),
        cmocka_unit_test(test_unknown_registration_registers_at_once),
        cmocka_unit_test(test_lost_session),
        cmocka_unit_test(test_an_update_while_one_is_out_is_not_lost),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_disable_and_stop),
        cmocka_unit_test(test_random_walks),
    };
    return cmocka_run_group_tests_name("lwm2m/register", tests, NULL, NULL);
}
