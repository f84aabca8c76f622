/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_filters.c
 * The fault filter and the trace filter, in stacks over UDP and TCP.
 */
#include <linnet/blocking.h>
#include <linnet/filter.h>

#include "testkit_world.h"

enum { PORT = 5683 };

#define ALWAYS LN_TESTKIT_ALWAYS
#define RULES_MAX 4

/* A client with a fault filter on top, and the raw socket it talks to. */
struct bench {
    struct world w;
    struct ln_sock *client;
    ln_handle listener, server;
};

static enum ln_status bench_connect(struct bench *b)
{
    ln_msec deadline = ln_now(&b->w.ea) + 1000;
    struct ln_addr peer;
    enum ln_status st = ln_sock_connect_until(b->client, B_IP, PORT, deadline);
    if (st == LN_OK && b->listener != LN_NO_HANDLE)
        EXPECT(LN_OK,
               b->w.eb.net.ops->accept(b->w.eb.net.ctx, b->listener, &b->server, &peer, NULL));
    return st;
}

static void bench_open(struct bench *b, enum ln_sock_kind kind, const struct ln_fault_rule *rules,
                       size_t count)
{
    const struct ln_fault_settings settings = { .seed = 9, .rules = rules, .count = count };
    struct ln_sock *below = NULL;
    world_open(&b->w, 1);
    b->client = NULL;
    b->server = b->listener = LN_NO_HANDLE;
    if (kind == LN_TCP)
        b->listener = raw_bound(&b->w.eb, LN_NET_STREAM, B_IP, PORT);
    else
        b->server = udp_at(&b->w.eb, B_IP, PORT);
    EXPECT(LN_OK, ln_sock_new(&b->w.ea, kind, NULL, NULL, NULL, &below));
    EXPECT(LN_OK, ln_fault_filter_new(below, &settings, &b->client));
}

static void bench_close(struct bench *b)
{
    struct ln_testkit_memory m;
    ln_sock_free(b->client);
    ln_testkit_memory(b->w.a, &m);
    assert_int_equal(m.live_blocks, 0);
    world_close(&b->w);
}

/* ---- datagrams: what goes in as "a", "b", "c", ... comes out as a text ---- */

struct datagram_case {
    const char *sentence;
    struct ln_fault_rule rule;
    const char
        *out; /* everything that arrives within 100 ms of the last, each followed by a space */
};

static const struct datagram_case send_cases[] = {
    { "no rule meets it", { LN_FAULT_SEND, LN_FAULT_DROP, 9, 0, 0, LN_OK, 0 }, "a0 b0 c0 d0 e0 " },
    { "the third is dropped", { LN_FAULT_SEND, LN_FAULT_DROP, 2, 0, 0, LN_OK, 0 }, "a0 b0 d0 e0 " },
    { "two in a row", { LN_FAULT_SEND, LN_FAULT_DROP, 1, 2, 0, LN_OK, 0 }, "a0 d0 e0 " },
    { "all from the second on", { LN_FAULT_SEND, LN_FAULT_DROP, 1, ALWAYS, 0, LN_OK, 0 }, "a0 " },
    { "the second comes twice",
      { LN_FAULT_SEND, LN_FAULT_DUPLICATE, 1, 0, 0, LN_OK, 0 },
      "a0 b0 b0 c0 d0 e0 " },
    { "the second is overtaken by one",
      { LN_FAULT_SEND, LN_FAULT_REORDER, 1, 0, 0, LN_OK, 0 },
      "a0 c0 b0 d0 e0 " },
    { "the last waits for a next one in vain",
      { LN_FAULT_SEND, LN_FAULT_REORDER, 4, 0, 0, LN_OK, 0 },
      "a0 b0 c0 d0 e0 " },
    { "the second comes 25 ms later",
      { LN_FAULT_SEND, LN_FAULT_DELAY, 1, 0, 0, LN_OK, 25 },
      "a0 c0 d0 b0 e0 " },
    { "the first is cut to one byte",
      { LN_FAULT_SEND, LN_FAULT_CUT, 0, 0, 0, LN_OK, 1 },
      "a b0 c0 d0 e0 " },
    { "one bit of the second byte turns",
      { LN_FAULT_SEND, LN_FAULT_CORRUPT, 1, 0, 0, LN_OK, 3 },
      "a0 b  c0 d0 e0 " },
};

static const struct datagram_case recv_cases[] = {
    { "no rule meets it", { LN_FAULT_RECV, LN_FAULT_DROP, 9, 0, 0, LN_OK, 0 }, "a0 b0 c0 d0 e0 " },
    { "the third is dropped", { LN_FAULT_RECV, LN_FAULT_DROP, 2, 0, 0, LN_OK, 0 }, "a0 b0 d0 e0 " },
    { "the second comes twice",
      { LN_FAULT_RECV, LN_FAULT_DUPLICATE, 1, 0, 0, LN_OK, 0 },
      "a0 b0 b0 c0 d0 e0 " },
    { "the second is overtaken by one",
      { LN_FAULT_RECV, LN_FAULT_REORDER, 1, 0, 0, LN_OK, 0 },
      "a0 c0 b0 d0 e0 " },
    { "the last waits for a next one in vain",
      { LN_FAULT_RECV, LN_FAULT_REORDER, 4, 0, 0, LN_OK, 0 },
      "a0 b0 c0 d0 e0 " },
    { "the second comes 25 ms later",
      { LN_FAULT_RECV, LN_FAULT_DELAY, 1, 0, 0, LN_OK, 25 },
      "a0 c0 d0 b0 e0 " },
    { "the first is cut to one byte",
      { LN_FAULT_RECV, LN_FAULT_CUT, 0, 0, 0, LN_OK, 1 },
      "a b0 c0 d0 e0 " },
    { "one bit of the second byte turns",
      { LN_FAULT_RECV, LN_FAULT_CORRUPT, 1, 0, 0, LN_OK, 3 },
      "a0 b  c0 d0 e0 " },
};

static void append(char *text, size_t room, const uint8_t *data, size_t len)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%.*s ", (int)len, (const char *)data);
}

/* Five datagrams, 10 ms apart; both directions look the same from here. */
static void talk(struct bench *b, bool sending, char *text, size_t room)
{
    struct ln_sock_info info;
    ln_sock_info(b->client, &info);
    for (int i = 0; i < 20; i++) {
        const uint8_t data[2] = { (uint8_t)('a' + i), '0' };
        uint8_t got_data[10];
        struct ln_net_got got;
        size_t len = 0;
        if (sending && i < 5)
            EXPECT(LN_OK, ln_sock_send(b->client, ln_span(data, 2), &len));
        if (!sending && i < 5)
            EXPECT(LN_OK, b->w.eb.net.ops->send(b->w.eb.net.ctx, b->server, &info.local,
                                                ln_span(data, 2), &len, NULL));
        assert_int_equal(len, i < 5 ? 2 : 0);
        ln_testkit_advance(b->w.kit, 10);
        EXPECT(LN_OK, ln_sock_step(b->client, ln_now(&b->w.ea)));
        ln_testkit_advance(b->w.kit, 0);
        while (sending && raw_recv(&b->w.eb, b->server, got_data, 10, &got) == LN_OK)
            append(text, room, got_data, got.len);
        while (!sending && ln_sock_recv(b->client, ln_mspan(got_data, 10), &len) == LN_OK)
            append(text, room, got_data, len);
    }
}

static void check_datagrams(const struct datagram_case *cases, size_t count, bool sending)
{
    for (size_t i = 0; i < count; i++) {
        const struct datagram_case *c = &cases[i];
        char text[100] = "";
        struct bench b;
        bench_open(&b, LN_UDP, &c->rule, 1);
        EXPECT(LN_OK, bench_connect(&b));
        talk(&b, sending, text, sizeof text);
        if (strcmp(text, c->out) != 0)
            fail_msg("%s, %s: \"%s\"", sending ? "sending" : "receiving", c->sentence, text);
        bool acted = c->rule.nth < 5;
        assert_int_equal(ln_fault_filter_hits(b.client, 0) > 0, acted);
        bench_close(&b);
    }
}

static void datagrams_are_mistreated_as_told(void **state)
{
    (void)state;
    check_datagrams(send_cases, sizeof send_cases / sizeof send_cases[0], true);
    check_datagrams(recv_cases, sizeof recv_cases / sizeof recv_cases[0], false);
}

static void chance_repeats(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_SEND, LN_FAULT_DROP, 0, ALWAYS, 300, LN_OK, 0 };
    size_t hits[2], len = 0;
    (void)state;
    for (int run = 0; run < 2; run++) {
        struct bench b;
        bench_open(&b, LN_UDP, &rule, 1);
        EXPECT(LN_OK, bench_connect(&b));
        for (int i = 0; i < 1000; i++)
            EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
        hits[run] = ln_fault_filter_hits(b.client, 0);
        bench_close(&b);
    }
    assert_int_equal(hits[0], hits[1]);
    assert_in_range(hits[0], 240, 360);
}

/* ---- calls that fail ---- */

static void calls_fail_as_told(void **state)
{
    static const struct ln_fault_rule rules[] = {
        { LN_FAULT_CONNECT, LN_FAULT_FAIL, 0, 0, 0, LN_TIMEOUT, 0 },
        { LN_FAULT_SEND, LN_FAULT_FAIL, 1, 2, 0, LN_AGAIN, 0 },
        { LN_FAULT_SEND, LN_FAULT_FAIL, 4, 0, 0, LN_IO, 0 },
    };
    struct ln_interest want;
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, rules, 3);
    EXPECT(LN_TIMEOUT, bench_connect(&b));
    EXPECT(LN_OK, bench_connect(&b)); /* counts go on over close and connect */
    EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
    for (int i = 0; i < 2; i++) {
        EXPECT(LN_AGAIN, ln_sock_send(b.client, ln_span_str("x"), &len));
        ln_sock_interest(b.client, LN_WANT_WRITE, &want);
        assert_true(want.ready); /* LN_AGAIN comes with something to wait for */
        ln_sock_interest(b.client, LN_WANT_READ, &want);
        assert_false(want.ready);
    }
    EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
    ln_sock_interest(b.client, LN_WANT_WRITE, &want);
    assert_false(want.ready);
    EXPECT(LN_IO, ln_sock_send(b.client, ln_span_str("x"), &len));
    const struct ln_diag *diag = ln_sock_diag(b.client);
    assert_string_equal(diag->origin, "testkit");
    assert_non_null(strstr(diag->text, "LN_IO"));
    struct ln_sock_info info;
    ln_sock_info(b.client, &info);
    assert_int_equal(info.state, LN_SOCK_FAILED);
    ln_sock_close(b.client);
    EXPECT(LN_OK, bench_connect(&b));
    bench_close(&b);
}

static void a_delayed_connect_comes(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_CONNECT, LN_FAULT_DELAY, 0, 0, 0, LN_OK, 300 };
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, &rule, 1);
    EXPECT(LN_OK, bench_connect(&b));
    assert_int_equal(ln_now(&b.w.ea), 1000300);
    ln_sock_close(b.client);
    EXPECT(LN_OK, bench_connect(&b));
    assert_int_equal(ln_now(&b.w.ea), 1000300);
    bench_close(&b);
}

/* ---- streams ---- */

static void streams_are_cut_and_delayed(void **state)
{
    static const struct ln_fault_rule rules[] = {
        { LN_FAULT_SEND, LN_FAULT_CUT, 0, 2, 0, LN_OK, 3 },
        { LN_FAULT_SEND, LN_FAULT_DELAY, 2, 0, 0, LN_OK, 40 },
        { LN_FAULT_RECV, LN_FAULT_CUT, 0, 0, 0, LN_OK, 0 }, /* at least one byte goes */
        { LN_FAULT_RECV, LN_FAULT_CORRUPT, 1, 0, 0, LN_OK, 1 },
    };
    const struct ln_net_ops *ops;
    uint8_t room[100];
    struct ln_net_got got;
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_TCP, rules, 4);
    EXPECT(LN_OK, bench_connect(&b));
    EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("hello"), &len));
    assert_int_equal(len, 3);
    ln_msec start = ln_now(&b.w.ea);
    EXPECT(LN_OK, ln_sock_send_until(b.client, ln_span_str("lo, world"), start + 100, &len));
    assert_int_equal(ln_now(&b.w.ea), start + 40);
    ln_testkit_advance(b.w.kit, 1);
    EXPECT(LN_OK, raw_read(&b.w.eb, b.server, room, sizeof room, &got));
    assert_int_equal(got.len, 12);
    assert_memory_equal(room, "hello, world", 12);
    ops = b.w.eb.net.ops;
    EXPECT(LN_OK, ops->send(b.w.eb.net.ctx, b.server, NULL, ln_span_str("answer"), &len, NULL));
    ln_testkit_advance(b.w.kit, 1);
    EXPECT(LN_OK, ln_sock_recv(b.client, ln_mspan(room, sizeof room), &len));
    assert_int_equal(len, 1);
    EXPECT(LN_OK, ln_sock_recv(b.client, ln_mspan(room, sizeof room), &len));
    assert_memory_equal(room, "ncwer", 5); /* 's' with bit 4 turned */
    assert_int_equal(len, 5);
    EXPECT(LN_AGAIN, ln_sock_recv(b.client, ln_mspan(room, sizeof room), &len));
    bench_close(&b);
}

static void a_delayed_receive_waits(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_RECV, LN_FAULT_DELAY, 0, 0, 0, LN_OK, 40 };
    uint8_t room[100];
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_TCP, &rule, 1);
    EXPECT(LN_OK, bench_connect(&b));
    EXPECT(LN_OK,
           b.w.eb.net.ops->send(b.w.eb.net.ctx, b.server, NULL, ln_span_str("x"), &len, NULL));
    ln_msec start = ln_now(&b.w.ea);
    EXPECT(LN_OK, ln_sock_recv_until(b.client, ln_mspan(room, 100), start + 100, &len));
    assert_int_equal(ln_now(&b.w.ea), start + 40);
    assert_int_equal(len, 1);
    bench_close(&b);
}

/* ---- what a filter keeps, and what it refuses ---- */

static void held_datagrams_go_with_close(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_SEND, LN_FAULT_DELAY, 0, ALWAYS, 0, LN_OK, 50 };
    struct ln_net_got got;
    uint8_t room[10];
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, &rule, 1);
    EXPECT(LN_OK, bench_connect(&b));
    for (int i = 0; i < 100; i++) /* 64 are held, more are lost */
        EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
    struct ln_interest want;
    ln_sock_interest(b.client, 0, &want);
    assert_int_equal(want.deadline, ln_now(&b.w.ea) + 50);
    ln_sock_close(b.client);
    ln_testkit_advance(b.w.kit, 100);
    EXPECT(LN_AGAIN, raw_recv(&b.w.eb, b.server, room, 10, &got));
    bench_close(&b);
}

static void room_for_held_datagrams_comes_back(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_SEND, LN_FAULT_DELAY, 0, ALWAYS, 0, LN_OK, 5 };
    size_t len = 0, came = 0;
    struct ln_net_got got;
    uint8_t room[10];
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, &rule, 1);
    EXPECT(LN_OK, bench_connect(&b));
    for (int i = 0; i < 200; i++) {
        EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
        ln_testkit_advance(b.w.kit, 5);
        EXPECT(LN_OK, ln_sock_step(b.client, ln_now(&b.w.ea)));
        ln_testkit_advance(b.w.kit, 1);
        came += raw_recv(&b.w.eb, b.server, room, 10, &got) == LN_OK;
    }
    assert_int_equal(came, 200);
    bench_close(&b);
}

static void what_cannot_leave_is_tried_again(void **state)
{
    const struct ln_fault_rule late = { LN_FAULT_SEND, LN_FAULT_DELAY, 0, 0, 0, LN_OK, 5 };
    const struct ln_fault_rule busy = { LN_FAULT_SEND, LN_FAULT_FAIL, 0, 2, 0, LN_AGAIN, 0 };
    const struct ln_fault_settings settings = { .rules = &late, .count = 1 };
    struct ln_net_got got;
    uint8_t room[10];
    struct ln_sock *top = NULL;
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, &busy, 1);
    EXPECT(LN_OK, ln_fault_filter_new(b.client, &settings, &top));
    b.client = top;
    EXPECT(LN_OK, bench_connect(&b));
    EXPECT(LN_OK, ln_sock_send(b.client, ln_span_str("x"), &len));
    for (int ms = 1; ms <= 9; ms++) {
        ln_testkit_advance(b.w.kit, 1);
        EXPECT(LN_OK, ln_sock_step(b.client, ln_now(&b.w.ea)));
        ln_testkit_advance(b.w.kit, 0);
        EXPECT(ms == 7 ? LN_OK : LN_AGAIN, raw_recv(&b.w.eb, b.server, room, 10, &got));
    }
    bench_close(&b);
}

static void cut_datagrams_pass_through(void **state)
{
    const struct ln_fault_rule rule = { LN_FAULT_RECV, LN_FAULT_DUPLICATE, 0, 0, 0, LN_OK, 0 };
    struct ln_sock_info info;
    uint8_t room[10];
    size_t len = 0;
    struct bench b;
    (void)state;
    bench_open(&b, LN_UDP, &rule, 1);
    EXPECT(LN_OK, bench_connect(&b));
    ln_sock_info(b.client, &info);
    const struct ln_net_ops *ops = b.w.eb.net.ops;
    EXPECT(LN_OK,
           ops->send(b.w.eb.net.ctx, b.server, &info.local, ln_span_str("hello"), &len, NULL));
    ln_testkit_advance(b.w.kit, 1);
    EXPECT(LN_OK,
           ln_sock_recv(b.client, ln_mspan(NULL, 0), &len)); /* a question consumes nothing */
    EXPECT(LN_OK, ln_sock_recv(b.client, ln_mspan(room, 10), &len));
    EXPECT(LN_OK, ln_sock_recv(b.client, ln_mspan(NULL, 0), &len));
    EXPECT(LN_NO_SPACE, ln_sock_recv(b.client, ln_mspan(room, 3), &len)); /* the copy, cut */
    assert_int_equal(len, 3);
    ln_sock_info(b.client, &info);
    assert_int_equal(info.datagram_len, 5);
    EXPECT(LN_AGAIN, ln_sock_recv(b.client, ln_mspan(NULL, 0), &len));
    EXPECT(LN_OK,
           ops->send(b.w.eb.net.ctx, b.server, &info.local, ln_span_str("hello"), &len, NULL));
    ln_testkit_advance(b.w.kit, 1);
    EXPECT(LN_NO_SPACE, ln_sock_recv(b.client, ln_mspan(room, 3), &len));
    ln_sock_info(b.client, &info);
    assert_int_equal(info.datagram_len, 5);
    bench_close(&b);
}

struct refusal_case {
    const char *sentence;
    enum ln_sock_kind kind;
    struct ln_fault_rule rule;
};

static const struct refusal_case refusal_cases[] = {
    { "a failure that is none", LN_UDP, { LN_FAULT_SEND, LN_FAULT_FAIL, 0, 0, 0, LN_OK, 0 } },
    { "streams have nothing to drop", LN_TCP, { LN_FAULT_SEND, LN_FAULT_DROP, 0, 0, 0, LN_OK, 0 } },
    { "a connect cannot be cut", LN_UDP, { LN_FAULT_CONNECT, LN_FAULT_CUT, 0, 0, 0, LN_OK, 0 } },
};

static void rules_are_checked(void **state)
{
    struct ln_sock *below = NULL, *top = NULL;
    struct world w;
    (void)state;
    world_open(&w, 1);
    for (size_t i = 0; i < sizeof refusal_cases / sizeof refusal_cases[0]; i++) {
        const struct refusal_case *c = &refusal_cases[i];
        const struct ln_fault_settings settings = { .rules = &c->rule, .count = 1 };
        EXPECT(LN_OK, ln_sock_new(&w.ea, c->kind, NULL, NULL, NULL, &below));
        if (ln_fault_filter_new(below, &settings, &top) != LN_BAD_ARG)
            fail_msg("%s", c->sentence);
        ln_sock_free(below); /* still ours */
        below = NULL;
    }
    const struct ln_fault_settings too_many = { .count = LN_FAULT_RULES_MAX + 1 },
                                   none = { .count = 0 };
    const struct ln_testkit_fault oom = { .nth = 0, .times = 1 };
    EXPECT(LN_OK, ln_sock_new(&w.ea, LN_UDP, NULL, NULL, NULL, &below));
    EXPECT(LN_BAD_ARG, ln_fault_filter_new(below, &too_many, &top));
    ln_testkit_fail(w.a, LN_TESTKIT_ALLOC, &oom);
    EXPECT(LN_NO_MEMORY, ln_fault_filter_new(below, &none, &top));
    EXPECT(LN_OK, ln_fault_filter_new(below, &none, &top));
    ln_sock_free(top);
    world_close(&w);
}

static enum ln_testkit_verdict faulty_scenario(void *user, struct ln_testkit_trial *trial)
{
    static const struct ln_fault_rule rules[] = {
        { LN_FAULT_SEND, LN_FAULT_DELAY, 0, 0, 0, LN_OK, 5 },
        { LN_FAULT_SEND, LN_FAULT_CORRUPT, 1, 0, 0, LN_OK, 5 },
        { LN_FAULT_SEND, LN_FAULT_REORDER, 2, 0, 0, LN_OK, 5 },
    };
    const struct ln_fault_settings settings = { .rules = rules, .count = 3 };
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    struct ln_sock *below = NULL, *top = NULL;
    struct ln_env env;
    size_t len = 0;
    (void)user;
    ln_testkit_env(trial->device, &env);
    enum ln_status st = ln_sock_new(&env, LN_UDP, NULL, NULL, NULL, &below);
    if (st != LN_OK)
        return ln_testkit_failed(trial, st, NULL);
    st = ln_fault_filter_new(below, &settings, &top);
    if (st != LN_OK) {
        ln_sock_free(below);
        return ln_testkit_failed(trial, st, NULL);
    }
    st = ln_sock_connect_until(top, B_IP, PORT, ln_now(&env) + 10);
    for (int i = 0; i < 4 && st == LN_OK; i++)
        st = ln_sock_send(top, ln_span_str("hello"), &len);
    if (st != LN_OK)
        verdict = ln_testkit_failed(trial, st, ln_sock_diag(top));
    ln_sock_free(top);
    return verdict;
}

static void filters_survive_without_memory(void **state)
{
    const struct ln_testkit_sweep sweep = { .scenario = faulty_scenario };
    struct ln_testkit_report r;
    (void)state;
    if (!ln_testkit_for_each_oom(&sweep, &r))
        fail_msg("n %zu %s: %s", r.n, r.phase, r.text);
    assert_in_range(r.points, 5, 20);
    if (!ln_testkit_for_each_io_fault(&sweep, &r))
        fail_msg("n %zu %s: %s", r.n, r.phase, r.text);
}

/* ---- trace ---- */

struct traced {
    char text[200];
};

static void trace(void *user, const struct ln_sock *s, enum ln_direction direction,
                  struct ln_span bytes)
{
    struct traced *t = (struct traced *)user;
    size_t used = strlen(t->text);
    assert_string_equal(s->ops->name, "trace");
    (void)snprintf(t->text + used, sizeof t->text - used, "%c%.*s ",
                   direction == LN_OUT ? '>' : '<', (int)bytes.len, (const char *)bytes.data);
}

static void a_trace_sees_what_passes(void **state)
{
    struct traced t = { "" };
    const struct ln_trace_sink sink = { .bytes = trace, .user = &t };
    struct ln_sock *below = NULL, *top = NULL;
    struct ln_sock_info info;
    uint8_t room[10];
    size_t len = 0;
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle server = udp_at(&w.eb, B_IP, PORT);
    EXPECT(LN_OK, ln_sock_new(&w.ea, LN_UDP, NULL, NULL, NULL, &below));
    EXPECT(LN_OK, ln_trace_filter_new(below, &sink, &top));
    EXPECT(LN_OK, ln_sock_connect_until(top, B_IP, PORT, LN_NEVER));
    EXPECT(LN_OK, ln_sock_send(top, ln_span_str("ping"), &len));
    ln_sock_info(top, &info);
    for (int i = 0; i < 2; i++)
        EXPECT(LN_OK, w.eb.net.ops->send(w.eb.net.ctx, server, &info.local, ln_span_str("pong"),
                                         &len, NULL));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, ln_sock_recv(top, ln_mspan(NULL, 0), &len)); /* a question is no traffic */
    EXPECT(LN_OK, ln_sock_recv(top, ln_mspan(room, 10), &len));
    EXPECT(LN_NO_SPACE, ln_sock_recv(top, ln_mspan(room, 2), &len));
    EXPECT(LN_AGAIN, ln_sock_recv(top, ln_mspan(room, 10), &len));
    assert_string_equal(t.text, ">ping <pong <po ");
    ln_sock_info(top, &info);
    assert_int_equal(info.datagram_len, 4);
    ln_sock_free(top);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_leave_is_tried_again),
        cmocka_unit_test(datagrams_are_mistreated_as_told),
        cmocka_unit_test(chance_repeats),
        cmocka_unit_test(calls_fail_as_told),
        cmocka_unit_test(a_delayed_connect_comes),
        cmocka_unit_test(streams_are_cut_and_delayed),
        cmocka_unit_test(a_delayed_receive_waits),
        cmocka_unit_test(held_datagrams_go_with_close),
        cmocka_unit_test(room_for_held_datagrams_comes_back),
        cmocka_unit_test(cut_datagrams_pass_through),
        cmocka_unit_test(rules_are_checked),
        cmocka_unit_test(filters_survive_without_memory),
        cmocka_unit_test(a_trace_sees_what_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
