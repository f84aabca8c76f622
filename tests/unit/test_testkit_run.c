/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_run.c
 * The pump, with real stacks of sockets and with filters that misbehave.
 */
#include <linnet/blocking.h>
#include <linnet/filter.h>

#include "testkit_world.h"

enum { PORT = 5683 };

struct talk {
    struct world w;
    struct ln_sock *socks[3]; /* client, listener, what it accepted */
    size_t rounds;
    bool sent;
    size_t got;
};

static bool has_answer(void *user, ln_msec now)
{
    struct talk *t = (struct talk *)user;
    uint8_t room[100];
    size_t len = 0;
    t->rounds++;
    if (t->socks[2] == NULL)
        (void)!ln_sock_accept(t->socks[1], now, &t->socks[2]);
    struct ln_sock_info info;
    ln_sock_info(t->socks[0], &info);
    if (info.state == LN_SOCK_OPEN && !t->sent)
        t->sent = ln_sock_send(t->socks[0], ln_span_str("ping"), &len) == LN_OK;
    if (t->socks[2] != NULL &&
        ln_sock_recv(t->socks[2], ln_mspan(room, sizeof room), &len) == LN_OK)
        assert_int_equal(ln_sock_send(t->socks[2], ln_span(room, len), &len), LN_OK);
    if (info.state == LN_SOCK_OPEN &&
        ln_sock_recv(t->socks[0], ln_mspan(room, sizeof room), &len) == LN_OK)
        t->got += len;
    return t->got == 4;
}

static void talk_open(struct talk *t, const struct ln_testkit_link *link)
{
    struct ln_addr any = { .port = PORT };
    memset(t, 0, sizeof *t);
    world_open(&t->w, 3);
    EXPECT(LN_OK, ln_testkit_path(t->w.kit, t->w.a, t->w.b, link));
    EXPECT(LN_OK, ln_testkit_name(t->w.kit, "b.example", B_IP));
    EXPECT(LN_OK, ln_sock_new(&t->w.ea, LN_TCP, NULL, NULL, NULL, &t->socks[0]));
    EXPECT(LN_OK, ln_sock_new(&t->w.eb, LN_TCP, NULL, NULL, NULL, &t->socks[1]));
    EXPECT(LN_OK, ln_sock_bind(t->socks[1], &any));
    EXPECT(LN_AGAIN, ln_sock_connect(t->socks[0], "b.example", PORT, ln_now(&t->w.ea)));
}

static void talk_close(struct talk *t)
{
    struct ln_testkit_memory m;
    for (size_t i = 0; i < 3; i++)
        ln_sock_free(t->socks[i]);
    ln_testkit_memory(t->w.a, &m);
    assert_int_equal(m.live_blocks, 0);
    world_close(&t->w);
}

static void a_conversation_takes_its_round_trips(void **state)
{
    struct talk t;
    (void)state;
    talk_open(&t, &(struct ln_testkit_link) { .delay_min_ms = 50 });
    const struct ln_testkit_pump pump = { t.socks, 3, has_answer, &t, 0, 0 };
    EXPECT(LN_OK, ln_testkit_run(t.w.kit, &pump));
    assert_int_equal(ln_now(&t.w.ea), 1000200); /* connect, ping: two round trips */
    assert_in_range(t.rounds, 4, 30);
    talk_close(&t);
}

static void a_deadline_ends_a_run(void **state)
{
    struct talk t;
    (void)state;
    talk_open(&t, &(struct ln_testkit_link) { .down = true });
    struct ln_testkit_pump pump = { t.socks, 3, has_answer, &t, 1005000, 0 };
    EXPECT(LN_TIMEOUT, ln_testkit_run(t.w.kit, &pump));
    assert_int_equal(ln_now(&t.w.ea), 1005000);
    assert_string_equal(ln_testkit_text(t.w.kit), "the deadline came at 1005000 ms");
    EXPECT(LN_TIMEOUT, ln_testkit_run(t.w.kit, &pump)); /* the past: one round */
    pump.deadline = 0;
    pump.until = NULL; /* ten minutes; the connect gives up on the way */
    EXPECT(LN_TIMEOUT, ln_testkit_run(t.w.kit, &pump));
    assert_int_equal(ln_now(&t.w.ea), 1605000);
    assert_int_equal(ln_sock_diag(t.socks[0])->category, LN_CAT_NO_ANSWER);
    talk_close(&t);
}

static void a_standstill_is_noticed(void **state)
{
    struct talk t;
    (void)state;
    talk_open(&t, &(struct ln_testkit_link) { .down = true });
    ln_sock_close(t.socks[0]);
    ln_testkit_advance(t.w.kit, 300000); /* what was under way is over */
    struct ln_testkit_pump pump = { t.socks, 3, has_answer, &t, LN_NEVER, 0 };
    EXPECT(LN_TIMEOUT, ln_testkit_run(t.w.kit, &pump));
    assert_non_null(strstr(ln_testkit_text(t.w.kit), "nothing will ever happen again"));
    talk_close(&t);
}

/* ---- filters that never sleep ---- */

enum vice { ALWAYS_READY, OLD_DEADLINE, IGNORES_HANDLE, STALE_HANDLE };

struct sick {
    struct ln_sock base;
    enum vice vice;
    ln_handle handle;
};

static enum ln_status sick_connect(struct ln_sock *s, ln_msec now)
{
    (void)s;
    (void)now;
    return LN_AGAIN;
}

static void sick_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct sick *sick = (const struct sick *)s;
    if (sick->vice == ALWAYS_READY)
        want->ready = true;
    if (sick->vice == OLD_DEADLINE)
        ln_interest_until(want, ln_now(s->env) - 5);
    if (sick->vice == IGNORES_HANDLE || sick->vice == STALE_HANDLE)
        ln_interest_add(want, sick->handle, LN_WANT_READ);
}

static const struct ln_sock_ops sick_ops = {
    .name = "sick", .traits = LN_TRAIT_DATAGRAM, .connect = sick_connect, .interest = sick_interest
};

struct vice_case {
    const char *sentence;
    enum vice vice;
    const char *text;
};

static const struct vice_case vice_cases[] = {
    { "always ready", ALWAYS_READY, "socket 1 (connecting) has work to do (ready)" },
    { "a deadline that was never renewed", OLD_DEADLINE,
      "socket 1 (connecting) has a deadline that stays in the past" },
    { "does not read", IGNORES_HANDLE,
      "socket 1 (connecting) does not use a handle that is ready" },
    { "waits for what it closed", STALE_HANDLE,
      "socket 1 (connecting) waits for a handle that is not open" },
};

static void a_livelock_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vice_cases / sizeof vice_cases[0]; i++) {
        const struct vice_case *c = &vice_cases[i];
        struct ln_sock *socks[2] = { NULL, NULL };
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK, ln_filter_new(&sick_ops, sizeof(struct sick), &w.ea, NULL, &socks[1]));
        struct sick *sick = (struct sick *)socks[1];
        sick->vice = c->vice;
        sick->handle = udp_at(&w.ea, A_IP, PORT);
        EXPECT(LN_OK, raw_send_to(&w.ea, sick->handle, A_IP, PORT, "x", 1));
        ln_testkit_advance(w.kit, 1);
        if (c->vice == STALE_HANDLE)
            raw_close(&w.ea, sick->handle);
        EXPECT(LN_AGAIN, ln_sock_connect(socks[1], "x", 1, ln_now(&w.ea)));
        const struct ln_testkit_pump pump = { socks, 2, NULL, NULL, 0, 100 };
        EXPECT(LN_INTERNAL, ln_testkit_run(w.kit, &pump));
        if (strstr(ln_testkit_text(w.kit), c->text) == NULL)
            fail_msg("%s: %s", c->sentence, ln_testkit_text(w.kit));
        assert_int_equal(ln_now(&w.ea), 1000001); /* no time has passed */
        ln_sock_free(socks[1]);
        world_close(&w);
    }
}

/* ---- packets without end ---- */

static ln_msec ping_pong(void *user, ln_msec now)
{
    struct talk *t = (struct talk *)user;
    struct ln_net_got got;
    uint8_t room[10];
    ln_handle h = (ln_handle)t->got;
    (void)now;
    if (raw_recv(&t->w.ea, h, room, 10, &got) == LN_OK)
        EXPECT(LN_OK, raw_send_to(&t->w.ea, h, A_IP, PORT, "x", 1));
    return LN_NEVER;
}

static void packets_without_end_are_a_livelock(void **state)
{
    struct talk t;
    (void)state;
    world_open(&t.w, 1);
    ln_handle h = udp_at(&t.w.ea, A_IP, PORT);
    t.got = (size_t)h;
    EXPECT(LN_OK, ln_testkit_serve(t.w.kit, ping_pong, &t));
    EXPECT(LN_OK, raw_send_to(&t.w.ea, h, A_IP, PORT, "x", 1));
    const struct ln_testkit_pump pump = { NULL, 0, NULL, NULL, 0, 0 };
    EXPECT(LN_INTERNAL, ln_testkit_run(t.w.kit, &pump));
    assert_non_null(strstr(ln_testkit_text(t.w.kit), "packets or services without end"));
    struct ln_interest want = ln_interest(0); /* a wait that blocks notices it too */
    EXPECT(LN_INTERNAL, t.w.ea.net.ops->wait(t.w.ea.net.ctx, &want, LN_NEVER));
    world_close(&t.w);
}

/* ---- the blocking layer in virtual time ---- */

static ln_msec echo(void *user, ln_msec now)
{
    struct talk *t = (struct talk *)user;
    uint8_t room[100];
    size_t len = 0;
    if (t->socks[2] == NULL)
        (void)!ln_sock_accept(t->socks[1], now, &t->socks[2]);
    if (t->socks[2] != NULL &&
        ln_sock_recv(t->socks[2], ln_mspan(room, sizeof room), &len) == LN_OK && len > 0)
        assert_int_equal(ln_sock_send(t->socks[2], ln_span(room, len), &len), LN_OK);
    return LN_NEVER;
}

static void blocking_calls_run_in_virtual_time(void **state)
{
    struct ln_addr any = { .port = PORT };
    uint8_t room[100];
    size_t len = 0;
    struct talk t = { .sent = false };
    (void)state;
    world_open(&t.w, 3);
    EXPECT(LN_OK, ln_testkit_path(t.w.kit, t.w.a, t.w.b,
                                  &(struct ln_testkit_link) { .delay_min_ms = 50 }));
    EXPECT(LN_OK, ln_sock_new(&t.w.ea, LN_TCP, NULL, NULL, NULL, &t.socks[0]));
    EXPECT(LN_OK, ln_sock_new(&t.w.eb, LN_TCP, NULL, NULL, NULL, &t.socks[1]));
    EXPECT(LN_OK, ln_sock_bind(t.socks[1], &any));
    EXPECT(LN_OK, ln_testkit_serve(t.w.kit, echo, &t));
    ln_msec deadline = ln_deadline_in(&t.w.ea, 1000);
    EXPECT(LN_OK, ln_sock_connect_until(t.socks[0], B_IP, PORT, deadline));
    EXPECT(LN_OK, ln_sock_send_until(t.socks[0], ln_span_str("ping"), deadline, NULL));
    EXPECT(LN_OK, ln_sock_recv_until(t.socks[0], ln_mspan(room, 100), deadline, &len));
    assert_int_equal(ln_now(&t.w.ea), 1000200);
    EXPECT(LN_TIMEOUT, ln_sock_recv_until(t.socks[0], ln_mspan(room, 100), deadline, &len));
    assert_int_equal(ln_now(&t.w.ea), 1001000);
    ln_testkit_serve_stop(t.w.kit, &t);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_takes_its_round_trips),
        cmocka_unit_test(a_deadline_ends_a_run),
        cmocka_unit_test(a_standstill_is_noticed),
        cmocka_unit_test(a_livelock_is_named),
        cmocka_unit_test(packets_without_end_are_a_livelock),
        cmocka_unit_test(blocking_calls_run_in_virtual_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
