/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_clock.c
 * Virtual time: who moves it, who sees it, and what happens on the way.
 */
#include "support/vtime.h" /* gettimeofday() as testkit.h tells users to do it */

#include <sys/time.h>
#include <time.h>

#include "testkit_world.h"

enum { PORT = 5683 };

static void the_clocks_start_as_told(void **state)
{
    const struct ln_testkit_config config = { .wall_s = 86400 };
    struct world w;
    (void)state;
    world_open(&w, 1);
    assert_int_equal(ln_testkit_wall(w.kit), 1735689600);
    assert_int_equal(ln_now(&w.ea), 1000000);
    world_close(&w);
    world_open_with(&w, &config);
    assert_int_equal(w.ea.clock.wall(w.ea.clock.ctx), 86400);
    world_close(&w);
}

static void the_wall_jumps_alone(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_testkit_set_wall(w.kit, 100);
    assert_int_equal(ln_testkit_wall(w.kit), 100);
    assert_int_equal(ln_testkit_now(w.kit), 1000000);
    ln_testkit_advance(w.kit, 2500);
    assert_int_equal(ln_testkit_wall(w.kit), 102);
    assert_int_equal(ln_testkit_now(w.kit), 1002500);
    ln_testkit_set_wall(w.kit, 5); /* backwards too */
    assert_int_equal(ln_testkit_wall(w.kit), 5);
    ln_testkit_advance(w.kit, -7);
    assert_int_equal(ln_testkit_now(w.kit), 1002500);
    world_close(&w);
}

static int64_t system_wall_us(void)
{
    struct timeval tv;
    assert_int_equal(gettimeofday(&tv, NULL), 0);
    return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

static void gettimeofday_follows(void **state)
{
    struct world first, second;
    (void)state;
    assert_true(ln_testkit_wall_us() == -1);
    assert_true(system_wall_us() > INT64_C(1700000000000000));
    world_open(&first, 1);
    ln_testkit_set_wall(first.kit, 1000);
    assert_true(system_wall_us() == INT64_C(1000000000));
    ln_testkit_advance(first.kit, 5);
    assert_true(system_wall_us() == INT64_C(1000005000));
    world_open(&second, 1); /* the newest is the current one */
    ln_testkit_set_wall(second.kit, 77);
    assert_true(system_wall_us() == INT64_C(77000000));
    ln_testkit_make_current(first.kit);
    assert_true(system_wall_us() == INT64_C(1000005000));
    world_close(&first); /* and if it goes, the one that is left */
    assert_true(system_wall_us() == INT64_C(77000000));
    world_close(&second);
    assert_true(ln_testkit_wall_us() == -1);
}

/* ---- events on the way ---- */

struct acts {
    struct ln_testkit *kit;
    char text[200];
};

static void act(void *user)
{
    struct acts *acts = (struct acts *)user;
    size_t len = strlen(acts->text);
    (void)snprintf(acts->text + len, sizeof acts->text - len, "%lld ",
                   (long long)(ln_testkit_now(acts->kit) - 1000000));
}

static void acts_happen_in_order(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct acts acts = { .kit = w.kit };
    static const ln_msec times[] = { 30, 10, 20, 10, 0, -5 };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        EXPECT(LN_OK, ln_testkit_at(w.kit, 1000000 + times[i], act, &acts));
    ln_testkit_advance(w.kit, 20);
    assert_string_equal(acts.text, "0 0 10 10 20 ");
    world_close(&w); /* the one that is left is given back */
}

/* ---- waiting ---- */

static enum ln_status wait_for(const struct ln_env *env, ln_handle h, ln_msec deadline,
                               ln_msec until)
{
    struct ln_interest want = ln_interest(0);
    ln_interest_add(&want, h, LN_WANT_READ);
    want.deadline = deadline;
    return env->net.ops->wait(env->net.ctx, &want, until);
}

static void waiting_moves_to_what_comes_first(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    const ln_msec start = ln_now(&w.ea);
    ln_handle from = udp_at(&w.ea, A_IP, PORT), to = udp_at(&w.eb, B_IP, PORT);
    EXPECT(LN_OK, wait_for(&w.eb, to, LN_NEVER, start + 50)); /* until */
    assert_int_equal(ln_now(&w.ea), start + 50);
    EXPECT(LN_OK,
           wait_for(&w.eb, to, start + 60, start + 500)); /* the deadline of what is wanted */
    assert_int_equal(ln_now(&w.ea), start + 60);
    EXPECT(LN_OK, wait_for(&w.eb, to, LN_NEVER, start)); /* the past: no time passes */
    assert_int_equal(ln_now(&w.ea), start + 60);
    EXPECT(LN_OK,
           ln_testkit_link(w.kit, w.a, w.b, &(struct ln_testkit_link) { .delay_min_ms = 25 }));
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "x", 1));
    EXPECT(LN_OK, wait_for(&w.eb, to, LN_NEVER, LN_NEVER)); /* the datagram */
    assert_int_equal(ln_now(&w.ea), start + 85);
    EXPECT(LN_OK, wait_for(&w.eb, to, LN_NEVER, LN_NEVER)); /* it is still there */
    assert_int_equal(ln_now(&w.ea), start + 85);
    world_close(&w);
}

static void waiting_for_ever_is_noticed(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle h = udp_at(&w.ea, A_IP, PORT);
    EXPECT(LN_IO, wait_for(&w.ea, h, LN_NEVER, LN_NEVER));
    assert_non_null(strstr(ln_testkit_text(w.kit), "nothing is under way"));
    world_close(&w);
}

/* ---- services: a server in the same thread as a client that blocks ---- */

struct echo {
    struct world *w;
    ln_handle h;
    size_t calls;
    ln_msec every; /* 0 = only after events */
};

static ln_msec echo(void *user, ln_msec now)
{
    struct echo *e = (struct echo *)user;
    struct ln_net_got got;
    uint8_t room[100];
    size_t sent = 0;
    e->calls++;
    while (raw_recv(&e->w->eb, e->h, room, sizeof room, &got) == LN_OK)
        EXPECT(LN_OK, e->w->eb.net.ops->send(e->w->eb.net.ctx, e->h, &got.from,
                                             ln_span(room, got.len), &sent, NULL));
    return e->every != 0 ? now + e->every : LN_NEVER;
}

static void a_service_answers_while_others_wait(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct echo e = { .w = &w, .h = udp_at(&w.eb, B_IP, PORT) };
    EXPECT(LN_OK,
           ln_testkit_path(w.kit, w.a, w.b, &(struct ln_testkit_link) { .delay_min_ms = 30 }));
    EXPECT(LN_OK, ln_testkit_serve(w.kit, echo, &e));
    ln_handle h = udp_at(&w.ea, A_IP, PORT);
    EXPECT(LN_OK, raw_send_to(&w.ea, h, B_IP, PORT, "x", 1));
    EXPECT(LN_OK, wait_for(&w.ea, h, LN_NEVER, LN_NEVER));
    assert_int_equal(ln_now(&w.ea), 1000060);
    EXPECT(LN_OK, raw_recv(&w.ea, h, room, 10, &got));
    assert_int_equal(e.calls, 3); /* at first, and after each of the two datagrams */
    ln_testkit_serve_stop(w.kit, &e);
    EXPECT(LN_OK, raw_send_to(&w.ea, h, B_IP, PORT, "x", 1));
    EXPECT(LN_OK, wait_for(&w.ea, h, LN_NEVER, 2000000));
    assert_int_equal(ln_now(&w.ea), 2000000);
    assert_int_equal(e.calls, 3);
    world_close(&w);
}

static void a_service_has_its_own_times(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct echo e = { .w = &w, .h = udp_at(&w.eb, B_IP, PORT), .every = 10 };
    EXPECT(LN_OK, ln_testkit_serve(w.kit, echo, &e));
    ln_testkit_advance(w.kit, 100);
    assert_int_equal(e.calls, 11);
    e.every = -1; /* one that is never content: a call each millisecond, no livelock */
    ln_testkit_advance(w.kit, 100);
    assert_in_range(e.calls, 100, 112);
    world_close(&w);
}

static void services_are_few(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    for (int i = 0; i < 8; i++)
        EXPECT(LN_OK, ln_testkit_serve(w.kit, echo, &w));
    EXPECT(LN_NO_SPACE, ln_testkit_serve(w.kit, echo, &w));
    ln_testkit_serve_stop(w.kit, &w);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_start_as_told),
        cmocka_unit_test(the_wall_jumps_alone),
        cmocka_unit_test(gettimeofday_follows),
        cmocka_unit_test(acts_happen_in_order),
        cmocka_unit_test(waiting_moves_to_what_comes_first),
        cmocka_unit_test(waiting_for_ever_is_noticed),
        cmocka_unit_test(a_service_answers_while_others_wait),
        cmocka_unit_test(a_service_has_its_own_times),
        cmocka_unit_test(services_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
