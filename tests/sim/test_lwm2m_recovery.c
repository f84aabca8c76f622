/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that is refused, ignored, reset, forgotten or misled by its server recovers without help,
 * within the bounds of docs/registration.md. Virtual time; a day costs what happens in it.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static struct lw_world w;

static void open_world(uint64_t seed, uint32_t lifetime_s)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.seed = seed;
    options.lifetime_s = lifetime_s;
    options.link.delay_min_ms = 50;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
}

static bool registered_twice(const struct lw_world *world)
{
    return world->server.registers >= 2 && lw_is_registered(world);
}

static bool saw_another(const struct lw_world *world)
{
    return world->server.seen_count >= 2;
}

/* The wait between the first and the second attempt: 60 s and up to a half more. */
static void assert_second_attempt_is_in_bounds(ln_msec overhead)
{
    ln_msec gap = w.server.seen[1].at - w.server.seen[0].at;
    assert_in_range(gap, 60000, 90000 + overhead);
}

/* scenario: T4 */
static void test_refusals_of_register(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct lw_script script;
    } rows[] = {
        { "4.03", { .register_code = LN_COAP_FORBIDDEN, .fail_registers = 1 } },
        { "4.00", { .register_code = LN_COAP_BAD_REQUEST, .fail_registers = 1 } },
        { "5.03", { .register_code = LN_COAP_UNAVAILABLE, .fail_registers = 1 } },
        { "4.04", { .register_code = LN_COAP_NOT_FOUND, .fail_registers = 1 } },
        { "2.05 in place of 2.01", { .register_code = LN_COAP_CONTENT, .fail_registers = 1 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_world(i, 3600);
        w.server.script = rows[i].script;
        assert_int_equal(lw_start(&w), LN_OK);
        if (!lw_run(&w, lw_is_registered, 2 * MINUTE))
            fail_msg("%s: not registered in two minutes", rows[i].what);
        assert_int_equal(w.server.seen_count, 2);
        assert_second_attempt_is_in_bounds(0);
        assert_int_equal(lw_count(&w, LN_CLIENT_ATTEMPT_FAILED), 1);
        lw_close(&w);
    }
}

/* scenario: T4 */
static void test_reset_of_register(void **state)
{
    (void)state;
    open_world(1, 3600);
    w.server.script.resets = true;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_true(lw_run(&w, saw_another, 3 * MINUTE));
    assert_second_attempt_is_in_bounds(0);
    w.server.script.resets = false;
    assert_true(lw_run(&w, lw_is_registered, 4 * MINUTE));
    lw_close(&w);
}

/* One option "rd/x", two, many, with any bytes: echoed option by option and never looked into. None,
 * an empty one, or one that is too long for a Uri-Path (RFC 7252 5.10): a failed attempt. */
/* scenario: T4, H16 */
static void test_locations(void **state)
{
    (void)state;
    static char too_long[257];
    memset(too_long, 'x', sizeof too_long - 1);
    const struct {
        const char *location;
        bool good;
    } rows[] = {
        { "rd/x", true }, { "..", true },      { "a b\x01\xff", true },
        { "", false },    { too_long, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_world(i, 3600);
        w.server.script.location = rows[i].location;
        assert_int_equal(lw_start(&w), LN_OK);
        assert_int_equal(lw_run(&w, lw_is_registered, MINUTE / 2), rows[i].good);
        if (rows[i].good) {
            assert_true(lw_stop(&w, MINUTE));
            assert_string_equal(lw_last_seen(&w)->path + 1, rows[i].location);
        }
        lw_close(&w);
    }
    open_world(9, 3600);
    w.server.script.no_location = true;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_true(lw_run(&w, saw_another, 2 * MINUTE));
    assert_second_attempt_is_in_bounds(0);
    assert_false(lw_is_registered(&w));
    lw_close(&w);
}

/* scenario: T4 */
static void test_silence_ends_an_attempt_after_max_transmit_wait(void **state)
{
    (void)state;
    open_world(3, 3600);
    w.server.script.silent = true;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_false(lw_run(&w, lw_is_registered, 93 * 1000));
    assert_int_equal(lw_count(&w, LN_CLIENT_ATTEMPT_FAILED), 1);
    assert_int_equal(w.server.messages, 5); /* one, and four retransmissions */
    w.server.script.silent = false;
    assert_true(lw_run(&w, lw_is_registered, 2 * MINUTE));
    lw_close(&w);
}

/* Updates that are answered 4.04: Register, at once. */
/* scenario: T4 */
static void test_unknown_on_update(void **state)
{
    (void)state;
    open_world(4, 600);
    assert_true(lw_register(&w));
    w.server.script.update_code = LN_COAP_NOT_FOUND;
    w.server.script.fail_updates = 1;
    assert_true(lw_run(&w, registered_twice, 600 * 1000));
    size_t count = w.server.seen_count;
    ln_msec update = w.server.seen[count - 2].at;
    ln_msec register_ = w.server.seen[count - 1].at;
    assert_in_range(register_ - update, 0, 500);
    lw_close(&w);
}

/* scenario: T4 */
static void test_refusals_of_update(void **state)
{
    (void)state;
    static const uint8_t codes[] = { LN_COAP_FORBIDDEN, LN_COAP_UNAVAILABLE,
                                     LN_COAP_INTERNAL_ERROR };
    for (size_t i = 0; i < sizeof codes; i++) {
        open_world(10 + i, 600);
        assert_true(lw_register(&w));
        w.server.script.update_code = codes[i];
        w.server.script.fail_updates = 1;
        assert_true(lw_run(&w, registered_twice, 700 * 1000));
        size_t count = w.server.seen_count;
        ln_msec gap = w.server.seen[count - 1].at - w.server.seen[count - 2].at;
        assert_in_range(gap, 60000, 90500);
        lw_close(&w);
    }
}

/* The server lost everything and is silent to what it does not know, as after a crash: over UDP the
 * next message shows it after MAX_TRANSMIT_WAIT, and then it is one Register. */
/* scenario: T4 */
static void test_a_server_that_died_and_came_back(void **state)
{
    (void)state;
    open_world(5, 600);
    assert_true(lw_register(&w));
    w.server.script.silent = true;
    assert_int_equal(ln_client_update(w.client, 1), LN_OK);
    ln_msec began = lw_now(&w);
    assert_false(lw_run(&w, registered_twice, 80 * 1000));
    w.server.script.silent = false;
    assert_true(lw_run(&w, registered_twice, 10 * MINUTE));
    assert_in_range(lw_now(&w) - began, 0, 93000 + 62000 * 3 / 2);
    lw_close(&w);
}

/* It never gives up: down for three days, then there again. Attempts double, then rest a day. */
/* scenario: T4 */
static void test_three_days_without_a_server(void **state)
{
    (void)state;
    open_world(6, 3600);
    w.server.script.silent = true;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_false(lw_run(&w, lw_is_registered, 72 * HOUR));
    assert_true(lw_count(&w, LN_CLIENT_GAVE_UP) >= 2);
    assert_true(w.server.messages <= 5u * 5u * 4u); /* at most four sequences of five attempts */
    w.server.script.silent = false;
    assert_true(lw_run(&w, lw_is_registered, 37 * HOUR));
    lw_close(&w);
}

static void set_retries(struct lw_world *world, bool bootstrap)
{
    static const struct {
        uint16_t rid;
        uint32_t value;
    } rows[] = { { 17, 2 }, { 18, 10 }, { 19, 100 }, { 20, 2 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_value v = ln_value_unsigned(rows[i].value);
        assert_int_equal(ln_client_set(world->client, ln_path_resource(1, 0, rows[i].rid), &v),
                         LN_OK);
    }
    struct ln_value v = ln_value_boolean(bootstrap);
    assert_int_equal(ln_client_set(world->client, ln_path_resource(1, 0, 16), &v), LN_OK);
}

static void with_bootstrap(struct lw_world *world)
{
    set_retries(world, true);
}

static void without_bootstrap(struct lw_world *world)
{
    set_retries(world, false);
}

/* /1/x/17..20: two attempts, 10 s apart, make a sequence; two of them, 100 s apart, are all; then the
 * application is told, and whether /1/x/16 wants a bootstrap. */
/* scenario: T4 */
static void test_retries_are_as_the_server_object_says(void **state)
{
    static void (*const prepare[])(struct lw_world *) = { without_bootstrap, with_bootstrap };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct lw_options options = LW_OPTIONS_INIT;
        const char *what = "";
        options.prepare = prepare[i];
        assert_int_equal(lw_open(&w, &options, &what), LN_OK);
        w.server.script.register_code = LN_COAP_FORBIDDEN;
        w.server.script.fail_registers = UINT32_MAX;
        assert_int_equal(lw_start(&w), LN_OK);
        assert_true(lw_run(&w, NULL, 200 * 1000));
        assert_int_equal(w.server.seen_count, 4);
        const struct lw_seen *seen = w.server.seen;
        assert_in_range(seen[1].at - seen[0].at, 10000, 15000);
        assert_in_range(seen[2].at - seen[1].at, 100000, 150000);
        assert_in_range(seen[3].at - seen[2].at, 10000, 15000);
        const struct ln_client_event *last = &w.events[w.event_count - 1];
        assert_int_equal(last->kind, LN_CLIENT_GAVE_UP);
        assert_int_equal(last->code, LN_COAP_FORBIDDEN);
        assert_int_equal(last->bootstrap, i == 1);
        lw_close(&w);
    }
}

/* Version 1.2 is offered where it is allowed, and 4.12 leads down to what the server has. */
static void test_older_versions(void **state)
{
    (void)state;
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.config.max_version = LN_LWM2M_1_2;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    w.server.script.register_code = LN_COAP_PRECONDITION_FAILED;
    w.server.script.fail_registers = 2;
    assert_int_equal(lw_start(&w), LN_OK);
    assert_true(lw_run(&w, lw_is_registered, 1000));
    assert_string_equal(w.server.seen[0].query, "lwm2m=1.2&ep=device-1&lt=3600");
    assert_string_equal(w.server.seen[1].query, "lwm2m=1.1&ep=device-1&lt=3600");
    assert_string_equal(w.server.seen[2].query, "lwm2m=1.0&ep=device-1&lt=3600");
    assert_non_null(strstr(w.server.registered_list, "</1>;ver=\"1.1\""));
    struct ln_server_info info;
    assert_int_equal(ln_client_server_info(w.client, 1, &info), LN_OK);
    assert_int_equal(info.version, LN_LWM2M_1_0);
    lw_close(&w);
}

static bool is_asleep(const struct lw_world *world)
{
    return lw_count(world, LN_CLIENT_ASLEEP) > 0;
}

static bool noted(const struct lw_world *world)
{
    return world->server.note_count > 0;
}

/* Awake no longer than the window after the last message; told once; woken by what is to be said. */
/* scenario: T15 */
static void test_queue_mode(void **state)
{
    (void)state;
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.config.queue_mode = true;
    options.config.awake_ms = 10000;
    options.lifetime_s = 3600;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
    assert_string_equal(w.server.seen[0].query, "lwm2m=1.1&ep=device-1&lt=3600&Q");
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
    observe.observe = 0;
    assert_true(lw_ask(&w, &observe));
    ln_msec last = lw_now(&w);
    assert_true(lw_run(&w, is_asleep, HOUR));
    assert_in_range(lw_now(&w) - last, 9990, 10010);
    assert_int_equal(lw_count(&w, LN_CLIENT_ASLEEP), 1);
    assert_int_equal(ln_testkit_open_handles(w.device_host), 0);

    w.device.battery_level = 5; /* wakes: Update first, then the notification */
    ln_client_changed(w.client, 3, 0, 9);
    assert_true(lw_run(&w, noted, 5000));
    assert_int_equal(w.server.updates, 1);
    assert_int_equal(lw_count(&w, LN_CLIENT_AWAKE), 1);
    ln_client_stay_awake(w.client, true); /* a download */
    w.event_count = 0;
    assert_false(lw_run(&w, is_asleep, 5 * MINUTE));
    ln_client_stay_awake(w.client, false);
    assert_true(lw_run(&w, is_asleep, MINUTE));

    ln_msec awake = 0; /* a day of periodic Updates: one window each and no more */
    unsigned updates = w.server.updates;
    for (ln_msec end = lw_now(&w) + 24 * HOUR; lw_now(&w) < end;) {
        struct ln_interest want;
        ln_msec before = lw_now(&w);
        assert_int_equal(ln_client_step(w.client, before, &want), LN_OK);
        bool open = ln_testkit_open_handles(w.device_host) > 0;
        assert_int_equal(w.env.net.ops->wait(w.env.net.ctx, &want, end), LN_OK);
        awake += open ? lw_now(&w) - before : 0;
    }
    updates = w.server.updates - updates;
    assert_in_range(updates, 23, 30);
    assert_true(awake <= (ln_msec)updates * 10500);
    lw_close(&w);
}

static void open_sleeper(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.config.queue_mode = true;
    options.config.awake_ms = 10000;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
    assert_true(lw_run(&w, is_asleep, MINUTE));
}

/* Who sleeps wakes up to say goodbye, to a server that would count on it for hours. */
static void test_a_farewell_from_sleep(void **state)
{
    (void)state;
    open_sleeper();
    assert_true(lw_stop(&w, MINUTE));
    assert_int_equal(w.server.deregisters, 1);
    assert_int_equal(lw_count(&w, LN_CLIENT_DEREGISTERED), 1);
    lw_close(&w);
    open_sleeper();
    assert_int_equal(ln_client_disable(w.client, 1, 300), LN_OK);
    ln_msec at = lw_now(&w);
    assert_true(lw_run(&w, registered_twice, 10 * MINUTE));
    assert_int_equal(w.server.deregisters, 1);
    assert_int_equal(lw_count(&w, LN_CLIENT_DISABLED), 1);
    assert_in_range(lw_now(&w) - at, 299000, 301000);
    lw_close(&w);
    open_sleeper();
    w.server.script.silent = true; /* nobody hears it: told as what it is */
    assert_true(lw_stop(&w, 100 * 1000));
    assert_int_equal(lw_count(&w, LN_CLIENT_DEREGISTERED), 1);
    assert_int_equal(w.events[(w.event_count - 1) % 256].code, 0);
    lw_close(&w);
}

/* The application ends what has not begun, or waits: that is no failure, and no reason to bootstrap. */
static void test_a_stop_is_no_failure(void **state)
{
    static const ln_msec moments[] = { 0, 10 * 1000, 100 * 1000, 24 * HOUR };
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        open_world(20 + i, 3600);
        w.server.script.silent = true;
        assert_int_equal(lw_start(&w), LN_OK);
        assert_true(lw_run(&w, NULL, moments[i]));
        w.event_count = 0;
        assert_true(lw_stop(&w, MINUTE));
        assert_int_equal(w.event_count, 0);
        lw_close(&w);
    }
}

/* /1/x/4: answered, de-registered, silent for /1/x/5 seconds, and back. */
static void test_disable(void **state)
{
    (void)state;
    open_world(7, 3600);
    assert_true(lw_register(&w));
    assert_int_equal(lw_put(&w, "/1/0/5", 0, "300", 3), LN_COAP_CHANGED);
    struct lw_request disable = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/1/0/4" };
    assert_true(lw_ask(&w, &disable));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    ln_msec at = lw_now(&w);
    assert_true(lw_run(&w, registered_twice, 10 * MINUTE));
    assert_int_equal(w.server.deregisters, 1);
    assert_in_range(lw_now(&w) - at, 299000, 301000);
    lw_close(&w);
}

static bool everyone_is_back(const struct lw_world *world)
{
    return world->server.registers >= 2;
}

/* The most devices that came in one second. */
static unsigned most_in_a_second(const unsigned *per_second, size_t seconds)
{
    unsigned most = 0;
    for (size_t s = 0; s < seconds; s++)
        most = per_second[s] > most ? per_second[s] : most;
    return most;
}

/* A thousand devices that registered within the same second, and a server that restarts: no second
 * in which more than a twentieth of them comes back. */
/* scenario: T4 */
static void test_no_burst_after_a_server_restart(void **state)
{
    (void)state;
    enum { DEVICES = 1000, SECONDS = 4000 };
    static unsigned per_second[SECONDS];
    memset(per_second, 0, sizeof per_second);
    for (unsigned i = 0; i < DEVICES; i++) {
        open_world(1000 + i, 3600);
        assert_true(lw_register(&w));
        ln_msec began = lw_now(&w);
        w.server.script.update_code = LN_COAP_NOT_FOUND; /* it forgot all of them */
        w.server.script.fail_updates = 1;
        assert_true(lw_run(&w, everyone_is_back, HOUR));
        ln_msec second = (lw_now(&w) - began) / 1000;
        assert_in_range(second, 0, SECONDS - 1);
        per_second[second]++;
        lw_close(&w);
    }
    unsigned most = most_in_a_second(per_second, SECONDS);
    print_message("at most %u of %u devices in one second\n", most, (unsigned)DEVICES);
    assert_true(most <= DEVICES / 20);
}

/* When the first message of the device came that its server heard after an outage. */
static ln_msec first_heard_after_outage(uint64_t seed, bool registered, ln_msec silence,
                                        ln_msec within)
{
    open_world(seed, 3600);
    if (registered) {
        assert_true(lw_register(&w));
        assert_true(lw_run(&w, NULL, 3000 * 1000)); /* the first Updates are due soon */
    } else {
        assert_int_equal(lw_start(&w), LN_OK);
    }
    size_t before = w.server.seen_count;
    w.server.script.silent = true;
    assert_true(lw_run(&w, NULL, silence));
    assert_false(lw_is_registered(&w));
    w.server.script.silent = false;
    ln_msec back = lw_now(&w);
    assert_true(lw_run(&w, NULL, within));
    assert_true(lw_is_registered(&w));
    ln_msec heard = w.server.seen[before % LW_SEEN_MAX].at;
    assert_in_range(heard, back, back + within);
    lw_close(&w);
    return heard - back;
}

/* A server that was silent to a thousand devices: in the midst of their attempts, for so long that all
 * of them rest, and when all of them were switched on in the same moment. They all come back, within
 * the longest wait and one attempt, and in no second more than a twentieth of them. */
/* scenario: T4 */
static void test_no_burst_after_a_silence(void **state)
{
    enum { DEVICES = 1000, ATTEMPT = 93 };
    static const struct {
        const char *what;
        bool registered;
        ln_msec silence_s, wait_s; /* the longest wait that it may have caught */
    } rows[] = {
        { "twenty minutes", true, 20 * 60, 720 },
        { "twelve hours", true, 12 * 3600, 86400 * 3 / 2 },
        { "five minutes after all were switched on", false, 5 * 60, 360 },
    };
    static unsigned per_second[86400 * 3 / 2 + ATTEMPT + 1];
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        memset(per_second, 0, sizeof per_second);
        for (unsigned i = 0; i < DEVICES; i++) {
            ln_msec after =
                first_heard_after_outage(2000 + i, rows[r].registered, rows[r].silence_s * 1000,
                                         (rows[r].wait_s + ATTEMPT) * 1000);
            per_second[after / 1000]++;
        }
        unsigned most = most_in_a_second(per_second, sizeof per_second / sizeof per_second[0]);
        print_message("%s: at most %u of %u devices in one second\n", rows[r].what, most,
                      (unsigned)DEVICES);
        assert_true(most <= DEVICES / 20);
    }
}

/* The clocks: the wall may jump by ten years, and milliseconds pass 2^32. */
/* scenario: T6 */
static void test_clocks(void **state)
{
    (void)state;
    open_world(8, 86400);
    assert_true(lw_register(&w));
    ln_testkit_set_wall(w.kit, ln_testkit_wall(w.kit) + INT64_C(10) * 365 * 86400);
    assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
    ln_testkit_set_wall(w.kit, ln_testkit_wall(w.kit) - INT64_C(20) * 365 * 86400);
    assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
    unsigned registers = w.server.registers;
    assert_true(lw_run(&w, NULL, INT64_C(60) * 24 * HOUR)); /* past 49.7 days */
    assert_true(lw_is_registered(&w));
    assert_int_equal(w.server.registers, registers);
    assert_in_range(w.server.updates, 59, 70);
    lw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_of_register),
        cmocka_unit_test(test_reset_of_register),
        cmocka_unit_test(test_locations),
        cmocka_unit_test(test_silence_ends_an_attempt_after_max_transmit_wait),
        cmocka_unit_test(test_unknown_on_update),
        cmocka_unit_test(test_refusals_of_update),
        cmocka_unit_test(test_a_server_that_died_and_came_back),
        cmocka_unit_test(test_three_days_without_a_server),
        cmocka_unit_test(test_retries_are_as_the_server_object_says),
        cmocka_unit_test(test_older_versions),
        cmocka_unit_test(test_queue_mode),
        cmocka_unit_test(test_a_farewell_from_sleep),
        cmocka_unit_test(test_a_stop_is_no_failure),
        cmocka_unit_test(test_disable),
        cmocka_unit_test(test_no_burst_after_a_server_restart),
        cmocka_unit_test(test_no_burst_after_a_silence),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests_name("lwm2m/recovery", tests, NULL, NULL);
}
