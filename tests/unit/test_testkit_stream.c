/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_stream.c
 * What the in-memory network promises about streams, each promise with a sentence.
 */
#include "testkit_world.h"

enum { PORT = 5684 };

/* A connection from a to b; both ends are open. */
struct pair {
    struct world w;
    ln_handle listener, client, server;
};

static enum ln_status finish(const struct ln_env *env, ln_handle h, struct ln_diag *diag)
{
    return env->net.ops->finish(env->net.ctx, h, diag);
}

static enum ln_status accept_one(const struct ln_env *env, ln_handle listener, ln_handle *out)
{
    struct ln_addr peer;
    return env->net.ops->accept(env->net.ctx, listener, out, &peer, NULL);
}

static void pair_connect(struct pair *p)
{
    p->listener = raw_bound(&p->w.eb, LN_NET_STREAM, B_IP, PORT);
    p->client = raw_open(&p->w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&p->w.ea, p->client, B_IP, PORT));
    assert_true(raw_wait(&p->w.ea, p->client, LN_WANT_WRITE, 1000000));
    EXPECT(LN_OK, finish(&p->w.ea, p->client, NULL));
    EXPECT(LN_OK, accept_one(&p->w.eb, p->listener, &p->server));
}

static void pair_open(struct pair *p, const struct ln_testkit_link *link, uint64_t seed)
{
    world_open(&p->w, seed);
    EXPECT(LN_OK, ln_testkit_path(p->w.kit, p->w.a, p->w.b, link));
    pair_connect(p);
}

static const struct ln_testkit_link perfect = { .loss_permille = 0 };
static const struct ln_testkit_link slow = { .delay_min_ms = 10 };

/* ---- connecting ---- */

enum obstacle { NONE, NO_LISTENER, FIREWALL, NO_ROUTE, ICMP, HOLE, DEAD };

struct connect_case {
    const char *sentence;
    enum obstacle obstacle;
    enum ln_status at_once, later;
    enum ln_category category;
    ln_msec took; /* until the result is there, with a delay of 10 ms each way */
};

static const struct connect_case connect_cases[] = {
    { "a connect takes one round trip", NONE, LN_AGAIN, LN_OK, LN_CAT_NONE, 20 },
    { "nobody listens: refused after one round trip", NO_LISTENER, LN_AGAIN, LN_REFUSED,
      LN_CAT_PEER_REFUSED, 20 },
    { "a firewall: the system gives up after 127 s", FIREWALL, LN_AGAIN, LN_TIMEOUT,
      LN_CAT_NO_ANSWER, 127010 }, /* the firewall drops each one when it comes: 10 ms later */
    { "no route: at once", NO_ROUTE, LN_REFUSED, LN_BAD_STATE, LN_CAT_UNREACHABLE, 0 },
    { "a router answers: unreachable", ICMP, LN_AGAIN, LN_REFUSED, LN_CAT_UNREACHABLE, 20 },
    { "a black hole: the system gives up", HOLE, LN_AGAIN, LN_TIMEOUT, LN_CAT_NO_ANSWER, 127000 },
    { "a dead host: the same", DEAD, LN_AGAIN, LN_TIMEOUT, LN_CAT_NO_ANSWER, 127000 },
};

static void set_obstacle(struct world *w, enum obstacle obstacle)
{
    if (obstacle == FIREWALL)
        ln_testkit_host_closed_ports(w->b, LN_TESTKIT_CLOSED_SILENT);
    if (obstacle == DEAD)
        ln_testkit_host_kill(w->b);
    if (obstacle == NO_ROUTE)
        EXPECT(LN_OK, ln_testkit_route(w->kit, B_IP, LN_TESTKIT_ROUTE_NONE));
    if (obstacle == ICMP)
        EXPECT(LN_OK, ln_testkit_route(w->kit, B_IP, LN_TESTKIT_ROUTE_UNREACHABLE));
    if (obstacle == HOLE)
        EXPECT(LN_OK, ln_testkit_route(w->kit, B_IP, LN_TESTKIT_ROUTE_SILENT));
}

static void connects_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof connect_cases / sizeof connect_cases[0]; i++) {
        const struct connect_case *c = &connect_cases[i];
        struct ln_diag diag = { .status = LN_OK };
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK, ln_testkit_path(w.kit, w.a, w.b, &slow));
        EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, NULL, &slow)); /* to a router and back */
        EXPECT(LN_OK, ln_testkit_link(w.kit, NULL, w.a, &slow));
        if (c->obstacle == NONE)
            (void)raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
        set_obstacle(&w, c->obstacle);
        struct ln_addr peer = at(B_IP, PORT);
        ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
        ln_msec before = ln_now(&w.ea);
        enum ln_status at_once = w.ea.net.ops->connect(w.ea.net.ctx, h, &peer, &diag);
        if (at_once == LN_AGAIN)
            assert_true(raw_wait(&w.ea, h, LN_WANT_WRITE, 1000000));
        ln_msec took = ln_now(&w.ea) - before;
        enum ln_status later = finish(&w.ea, h, at_once == LN_AGAIN ? &diag : NULL);
        if (at_once != c->at_once || later != c->later || diag.category != c->category ||
            took < c->took || took > c->took + 100)
            fail_msg("%s: %s, then %s, category %d, %lld ms", c->sentence, ln_status_name(at_once),
                     ln_status_name(later), (int)diag.category, (long long)took);
        raw_close(&w.ea, h);
        world_close(&w);
    }
}

static void a_lost_syn_is_sent_again(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, w.b, &(struct ln_testkit_link) { .down = true }));
    (void)raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    ln_testkit_advance(w.kit, 2500); /* sent at 0, 1 and will be at 3, 7, ... seconds */
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, w.b, NULL));
    ln_testkit_advance(w.kit, 499);
    EXPECT(LN_AGAIN, finish(&w.ea, h, NULL));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, finish(&w.ea, h, NULL));
    world_close(&w);
}

static void a_client_that_left_is_not_served(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    ln_handle server = LN_NO_HANDLE;
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_OK, ln_testkit_path(w.kit, w.a, w.b, &slow));
    ln_handle listener = raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    raw_close(&w.ea, h); /* before its SYN arrives */
    ln_testkit_advance(w.kit, 100);
    EXPECT(LN_AGAIN, accept_one(&w.eb, listener, &server));
    h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    ln_testkit_advance(w.kit, 15);
    raw_close(&w.ea, h); /* before the answer arrives: it is answered with a reset */
    EXPECT(LN_OK, accept_one(&w.eb, listener, &server));
    ln_testkit_advance(w.kit, 100);
    EXPECT(LN_REFUSED, raw_read(&w.eb, server, room, 10, &got));
    world_close(&w);
}

/* ---- bytes ---- */

struct transfer_case {
    const char *sentence;
    struct ln_testkit_link link;
    struct ln_testkit_chunks reader, writer;
};

static const struct transfer_case transfer_cases[] = {
    { "a perfect link", { .mtu = 0 }, { .read_max = 0 }, { .write_max = 0 } },
    { "every byte alone", { .mtu = 0 }, { .read_max = 1 }, { .write_max = 1 } },
    { "pieces of any size",
      { .delay_min_ms = 3 },
      { .read_max = 700, .vary = true },
      { .write_max = 900, .vary = true } },
    { "segments overtake each other",
      { .delay_min_ms = 1, .delay_max_ms = 50 },
      { .read_max = 0 },
      { .write_max = 0 } },
    { "one of five is lost",
      { .loss_permille = 200, .delay_min_ms = 10, .delay_max_ms = 20 },
      { .read_max = 0 },
      { .write_max = 0 } },
    { "everything at once",
      { .loss_permille = 100,
        .duplicate_permille = 100,
        .reorder_permille = 100,
        .delay_max_ms = 30,
        .bytes_per_s = 200000,
        .mtu = 576 },
      { .read_max = 300, .vary = true },
      { .write_max = 0 } },
};

enum { BYTES = 150000 };

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

/* Send BYTES and read them on the other side; false: not what was sent. */
static bool transfer(struct pair *p)
{
    static uint8_t data[BYTES], room[5000];
    size_t sent = 0, read = 0;
    for (size_t i = 0; i < BYTES; i++)
        data[i] = pattern(i);
    for (size_t idle = 0; read < BYTES && idle < 100000; idle++) {
        size_t took = 0;
        struct ln_net_got got;
        while (sent < BYTES &&
               raw_send(&p->w.ea, p->client, data + sent, BYTES - sent, &took) == LN_OK)
            sent += took;
        if (sent == BYTES) { /* the end follows the last byte */
            EXPECT(LN_OK, p->w.ea.net.ops->shutdown(p->w.ea.net.ctx, p->client, NULL));
        }
        while (raw_read(&p->w.eb, p->server, room, sizeof room, &got) == LN_OK && got.len > 0) {
            if (memcmp(room, data + read, got.len) != 0)
                return false;
            read += got.len;
        }
        ln_testkit_advance(p->w.kit, 1);
    }
    struct ln_net_got end = { .len = 1 };
    (void)raw_wait(&p->w.eb, p->server, LN_WANT_READ, 100000);
    EXPECT(LN_OK, raw_read(&p->w.eb, p->server, room, sizeof room, &end));
    return read == BYTES && end.len == 0;
}

static void bytes_arrive_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof transfer_cases / sizeof transfer_cases[0]; i++) {
        const struct transfer_case *c = &transfer_cases[i];
        uint64_t hash = 0;
        for (int again = 0; again < 2; again++) {
            struct pair p;
            pair_open(&p, &c->link, 11);
            ln_testkit_host_chunks(p.w.a, &c->writer);
            ln_testkit_host_chunks(p.w.b, &c->reader);
            if (!transfer(&p))
                fail_msg("%s: the bytes differ", c->sentence);
            assert_true(again == 0 || hash == ln_testkit_trace_hash(p.w.kit));
            hash = ln_testkit_trace_hash(p.w.kit);
            world_close(&p.w);
        }
    }
}

static void calls_are_cut_to_chunks(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    size_t sent = 0;
    struct pair p;
    (void)state;
    pair_open(&p, &perfect, 1);
    ln_testkit_host_chunks(p.w.a, &(struct ln_testkit_chunks) { .write_max = 3 });
    ln_testkit_host_chunks(p.w.b, &(struct ln_testkit_chunks) { .read_max = 1 });
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "hello", 5, &sent));
    assert_int_equal(sent, 3);
    ln_testkit_advance(p.w.kit, 1);
    for (int i = 0; i < 3; i++) {
        EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
        assert_int_equal(got.len, 1);
    }
    EXPECT(LN_AGAIN, raw_read(&p.w.eb, p.server, room, 10, &got));
    world_close(&p.w);
}

static void a_full_window_blocks_and_opens(void **state)
{
    static uint8_t data[70000];
    struct ln_net_got got;
    size_t sent = 0;
    struct pair p;
    (void)state;
    pair_open(&p, &slow, 1);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, data, sizeof data, &sent));
    assert_int_equal(sent, 65536);
    EXPECT(LN_AGAIN, raw_send(&p.w.ea, p.client, data, 1, NULL));
    assert_false(raw_wait(&p.w.ea, p.client, LN_WANT_WRITE, 1000));
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, data, 20000, &got));
    EXPECT(LN_AGAIN, raw_send(&p.w.ea, p.client, data, 1, NULL)); /* the word is on its way */
    assert_true(raw_wait(&p.w.ea, p.client, LN_WANT_WRITE, 1000));
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, data, 1, NULL));
    world_close(&p.w);
}

static void peeking_leaves_the_bytes(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &perfect, 1);
    const struct ln_net_ops *ops = p.w.eb.net.ops;
    EXPECT(LN_AGAIN,
           ops->recv(p.w.eb.net.ctx, p.server, LN_NET_STREAM, ln_mspan(NULL, 0), true, &got, NULL));
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "hel", 3, NULL));
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "lo", 2, NULL));
    ln_testkit_advance(p.w.kit, 1);
    EXPECT(LN_OK, ops->recv(p.w.eb.net.ctx, p.server, LN_NET_STREAM, ln_mspan(room, 10), true, &got,
                            NULL));
    assert_int_equal(got.len, 5);
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 4, &got));
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room + 4, 6, &got));
    assert_memory_equal(room, "hello", 5);
    world_close(&p.w);
}

/* ---- ends ---- */

static void a_close_is_an_end_after_the_data(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &(struct ln_testkit_link) { .loss_permille = 400, .delay_min_ms = 5 }, 5);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "bye", 3, NULL));
    raw_close(&p.w.ea, p.client); /* what was sent is still delivered, lost or not */
    assert_true(raw_wait(&p.w.eb, p.server, LN_WANT_READ, 100000));
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
    assert_int_equal(got.len, 3);
    assert_true(raw_wait(&p.w.eb, p.server, LN_WANT_READ, 100000));
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
    assert_int_equal(got.len, 0);
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got)); /* and stays so */
    world_close(&p.w);
}

static void half_a_connection_goes_on(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &slow, 1);
    EXPECT(LN_OK, raw_send(&p.w.eb, p.server, "last", 4, NULL));
    assert_int_equal(ln_testkit_finish_streams(p.w.kit, p.w.b, p.w.a), 1);
    assert_int_equal(ln_testkit_finish_streams(p.w.kit, p.w.b, p.w.a), 0); /* it has been */
    EXPECT(LN_CLOSED, raw_send(&p.w.eb, p.server, "x", 1, NULL));
    ln_testkit_advance(p.w.kit, 100);
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    assert_int_equal(got.len, 4);
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    assert_int_equal(got.len, 0);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "still", 5, NULL));
    ln_testkit_advance(p.w.kit, 100);
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
    assert_int_equal(got.len, 5);
    world_close(&p.w);
}

static void a_reset_is_told_after_the_data(void **state)
{
    struct ln_diag diag = { .status = LN_OK };
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &perfect, 1);
    EXPECT(LN_OK, raw_send(&p.w.eb, p.server, "abc", 3, NULL));
    ln_testkit_advance(p.w.kit, 1);
    assert_int_equal(ln_testkit_reset_streams(p.w.kit, p.w.a, NULL), 1);
    assert_int_equal(ln_testkit_reset_streams(p.w.kit, p.w.a, NULL), 0);
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    EXPECT(LN_REFUSED, p.w.ea.net.ops->recv(p.w.ea.net.ctx, p.client, LN_NET_STREAM,
                                            ln_mspan(room, 10), false, &got, &diag));
    assert_int_equal(diag.category, LN_CAT_RESET);
    EXPECT(LN_REFUSED, raw_send(&p.w.ea, p.client, "x", 1, NULL));
    EXPECT(LN_REFUSED, raw_read(&p.w.eb, p.server, room, 10, &got));
    world_close(&p.w);
}

struct end_case {
    const char *sentence;
    int what;
    enum ln_status sends[3]; /* of the client, 100 ms apart */
    enum ln_status receives; /* at last */
};

enum { RESTART, CLOSE_UNREAD, CLOSE, LISTENER_CLOSES };

static const struct end_case end_cases[] = {
    { "a restarted host answers with a reset",
      RESTART,
      { LN_OK, LN_REFUSED, LN_REFUSED },
      LN_REFUSED },
    { "a close with unread data is a reset",
      CLOSE_UNREAD,
      { LN_REFUSED, LN_REFUSED, LN_REFUSED },
      LN_REFUSED },
    { "what is sent to a closed socket is answered with a reset",
      CLOSE,
      { LN_OK, LN_REFUSED, LN_REFUSED },
      LN_OK },
    { "a listener that closes takes none of the accepted with it",
      LISTENER_CLOSES,
      { LN_OK, LN_OK, LN_OK },
      LN_AGAIN },
};

static void ends_are_found_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof end_cases / sizeof end_cases[0]; i++) {
        const struct end_case *c = &end_cases[i];
        struct ln_net_got got;
        uint8_t room[10];
        struct pair p;
        pair_open(&p, &slow, 1);
        if (c->what == CLOSE_UNREAD)
            EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "unread", 6, NULL));
        ln_testkit_advance(p.w.kit, 100);
        if (c->what == RESTART)
            ln_testkit_host_restart(p.w.b);
        else
            raw_close(&p.w.eb, c->what == LISTENER_CLOSES ? p.listener : p.server);
        for (size_t k = 0; k < 3; k++) {
            ln_testkit_advance(p.w.kit, 100);
            enum ln_status st = raw_send(&p.w.ea, p.client, "x", 1, NULL);
            if (st != c->sends[k])
                fail_msg("%s: send %zu is %s", c->sentence, k, ln_status_name(st));
        }
        enum ln_status st = raw_read(&p.w.ea, p.client, room, 10, &got);
        if (st != c->receives)
            fail_msg("%s: recv is %s", c->sentence, ln_status_name(st));
        world_close(&p.w);
    }
}

static void a_dead_peer_is_given_up(void **state)
{
    struct ln_testkit_counters counters;
    struct pair p;
    (void)state;
    pair_open(&p, &slow, 1);
    ln_testkit_host_kill(p.w.b);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "x", 1, NULL));
    ln_testkit_advance(p.w.kit, 300000);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "y", 1, NULL)); /* still trying */
    ln_testkit_advance(p.w.kit, 600000);
    EXPECT(LN_TIMEOUT, raw_send(&p.w.ea, p.client, "z", 1, NULL));
    ln_testkit_counters(p.w.kit, p.w.a, p.w.b, &counters);
    assert_in_range(counters.resent, 15, 40);
    world_close(&p.w);
}

static void a_cable_that_comes_back_heals(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &slow, 1);
    ln_testkit_host_kill(p.w.b);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "1", 1, NULL));
    ln_testkit_advance(p.w.kit, 5000);
    ln_testkit_host_revive(p.w.b);
    EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "2", 1, NULL)); /* overtakes, and has to wait */
    ln_testkit_advance(p.w.kit, 20);
    EXPECT(LN_AGAIN, raw_read(&p.w.eb, p.server, room, 10, &got));
    ln_testkit_advance(p.w.kit, 10000);
    EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
    assert_memory_equal(room, "12", 2);
    world_close(&p.w);
}

static void shutdown_keeps_what_had_come(void **state)
{
    struct ln_addr local, peer;
    struct ln_net_got got;
    uint8_t room[10];
    struct pair p;
    (void)state;
    pair_open(&p, &perfect, 1);
    EXPECT(LN_OK, raw_send(&p.w.eb, p.server, "early", 5, NULL));
    ln_testkit_advance(p.w.kit, 1);
    EXPECT(LN_OK, p.w.ea.net.ops->shutdown(p.w.ea.net.ctx, p.client, NULL));
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    assert_int_equal(got.len, 5);
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    assert_int_equal(got.len, 0);
    EXPECT(LN_CLOSED, raw_send(&p.w.ea, p.client, "x", 1, NULL));
    EXPECT(LN_OK, p.w.ea.net.ops->names(p.w.ea.net.ctx, p.client, &local, &peer));
    assert_int_equal(peer.port, PORT);
    world_close(&p.w);
}

static void a_backlog_is_bounded(void **state)
{
    enum { CLIENTS = 150 };
    ln_handle server = LN_NO_HANDLE;
    size_t open = 0, accepted = 0;
    ln_handle clients[CLIENTS];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle listener = raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
        EXPECT(LN_AGAIN, raw_connect(&w.ea, clients[i], B_IP, PORT));
    }
    ln_testkit_advance(w.kit, 500);
    for (size_t i = 0; i < CLIENTS; i++)
        open += finish(&w.ea, clients[i], NULL) == LN_OK;
    assert_int_equal(open, 128);
    while (accept_one(&w.eb, listener, &server) == LN_OK)
        accepted++;
    ln_testkit_advance(w.kit, 2000); /* the others try again */
    while (accept_one(&w.eb, listener, &server) == LN_OK)
        accepted++;
    assert_int_equal(accepted, CLIENTS);
    world_close(&w);
}

static void waiting_clients_are_reset(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle listener = raw_bound(&w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(&w.ea, h, B_IP, PORT));
    ln_testkit_advance(w.kit, 10);
    EXPECT(LN_OK, finish(&w.ea, h, NULL));
    raw_close(&w.eb, listener); /* without having accepted it */
    ln_testkit_advance(w.kit, 10);
    EXPECT(LN_REFUSED, raw_read(&w.ea, h, room, 10, &got));
    world_close(&w);
}

static void an_end_that_was_read_is_answered_with_an_end(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    size_t ends = 0;
    struct pair p;
    (void)state;
    pair_open(&p, &slow, 1);
    for (int i = 0; i < 2; i++) /* saying it twice says it once */
        EXPECT(LN_OK, p.w.ea.net.ops->shutdown(p.w.ea.net.ctx, p.client, NULL));
    assert_int_equal(ln_testkit_finish_streams(p.w.kit, p.w.a, NULL), 0);
    ln_testkit_advance(p.w.kit, 100);
    raw_close(&p.w.eb, p.server); /* with nothing unread but the end: no reset */
    ln_testkit_advance(p.w.kit, 100);
    EXPECT(LN_OK, raw_read(&p.w.ea, p.client, room, 10, &got));
    assert_int_equal(got.len, 0);
    for (size_t i = 0; i < ln_testkit_event_count(p.w.kit); i++)
        ends += ln_testkit_event(p.w.kit, i)->what == LN_TESTKIT_FINISHED;
    assert_int_equal(ends, 2);
    world_close(&p.w);
}

static void streams_are_counted_and_listed(void **state)
{
    struct ln_testkit_counters counters;
    size_t lost = 0, again = 0;
    struct pair p;
    (void)state;
    pair_open(&p, &(struct ln_testkit_link) { .loss_permille = 300 }, 4);
    for (int i = 0; i < 50; i++) {
        EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "hello", 5, NULL));
        ln_testkit_advance(p.w.kit, 10000);
    }
    ln_testkit_counters(p.w.kit, p.w.a, p.w.b, &counters);
    for (size_t i = 0; i < ln_testkit_event_count(p.w.kit); i++) {
        const struct ln_testkit_event *event = ln_testkit_event(p.w.kit, i);
        bool ours = event->to.port == PORT;
        lost += ours && event->what == LN_TESTKIT_LOST;
        again += ours && event->what == LN_TESTKIT_RESENT;
    }
    assert_in_range(counters.lost, 5, 50);
    assert_int_equal(counters.packets, 51 + counters.resent); /* and the SYN */
    assert_int_equal(counters.delivered, 50);
    assert_int_equal(counters.delivered_bytes, 250);
    assert_int_equal(counters.lost, lost);
    assert_int_equal(counters.resent, again);
    assert_int_equal(lost, again);
    world_close(&p.w);
}

static void an_address_that_left_breaks_streams(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct pair p;
        pair_open(&p, &slow, 1);
        EXPECT(LN_OK, side == 0 ? ln_testkit_host_remove(p.w.a, A_IP)
                                : ln_testkit_host_remove(p.w.b, B_IP));
        EXPECT(LN_OK, raw_send(&p.w.ea, p.client, "1", 1, NULL));
        ln_testkit_advance(p.w.kit, 5000);
        EXPECT(LN_AGAIN, raw_read(&p.w.eb, p.server, room, 10, &got));
        EXPECT(LN_OK,
               side == 0 ? ln_testkit_host_add(p.w.a, A_IP) : ln_testkit_host_add(p.w.b, B_IP));
        ln_testkit_advance(p.w.kit, 10000); /* it was only away for a while */
        EXPECT(LN_OK, raw_read(&p.w.eb, p.server, room, 10, &got));
        world_close(&p.w);
    }
}

struct command_case {
    const char *sentence;
    size_t from, to; /* 0: the client's host, 1: the server's, 2: another, 3: any */
    size_t reset;    /* how many connections are cut, of one */
    size_t finished; /* how many directions end, of two */
};

static const struct command_case command_cases[] = {
    { "from here to there", 0, 1, 1, 1 }, { "from there to here", 1, 0, 1, 1 },
    { "any from here", 0, 3, 1, 1 },      { "any to here", 3, 0, 1, 1 },
    { "any at all", 3, 3, 1, 2 },         { "another to here", 2, 0, 0, 0 },
    { "here to another", 0, 2, 0, 0 },    { "any to another", 3, 2, 0, 0 },
    { "another to any", 2, 3, 0, 0 },
};

static void commands_meet_whom_they_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof command_cases / sizeof command_cases[0]; i++) {
        const struct command_case *c = &command_cases[i];
        struct ln_testkit_host *other = NULL;
        struct pair p;
        pair_open(&p, &slow, 1);
        EXPECT(LN_OK, ln_testkit_host_new(p.w.kit, "c", "192.0.2.3", &other));
        struct ln_testkit_host *const hosts[] = { p.w.a, p.w.b, other, NULL };
        size_t finished = ln_testkit_finish_streams(p.w.kit, hosts[c->from], hosts[c->to]);
        size_t reset = ln_testkit_reset_streams(p.w.kit, hosts[c->from], hosts[c->to]);
        if (finished != c->finished || reset != c->reset)
            fail_msg("%s: %zu finished, %zu reset", c->sentence, finished, reset);
        world_close(&p.w);
    }
}

/* Hosts restart and links go down while segments are on their way: nothing is used after it is gone
 * (AddressSanitizer watches), and everything is given back. */
static void chaos_leaves_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        const struct ln_testkit_link bad = { .loss_permille = 300, .delay_max_ms = 300 };
        struct pair p;
        uint64_t dice = seed;
        pair_open(&p, &bad, seed);
        for (int i = 0; i < 200; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            uint8_t room[2048] = { 0 };
            struct ln_net_got got;
            switch (dice >> 60) {
            case 0:
                ln_testkit_host_restart(dice >> 59 & 1 ? p.w.a : p.w.b);
                raw_close(&p.w.ea, p.client);
                raw_close(&p.w.eb, p.server);
                raw_close(&p.w.eb, p.listener);
                pair_connect(&p);
                break;
            case 1:
                ln_testkit_reset_streams(p.w.kit, NULL, NULL);
                break;
            case 2:
                ln_testkit_finish_streams(p.w.kit, NULL, NULL);
                break;
            default:
                (void)!raw_send(&p.w.ea, p.client, room, dice >> 50 & 2047, NULL);
                (void)!raw_send(&p.w.eb, p.server, room, dice >> 40 & 2047, NULL);
                (void)!raw_read(&p.w.eb, p.server, room, dice >> 30 & 1023, &got);
                break;
            }
            ln_testkit_advance(p.w.kit, (int64_t)(dice >> 20 & 127));
        }
        world_close(&p.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_counted_and_listed),
        cmocka_unit_test(an_end_that_was_read_is_answered_with_an_end),
        cmocka_unit_test(connects_end),
        cmocka_unit_test(a_lost_syn_is_sent_again),
        cmocka_unit_test(a_client_that_left_is_not_served),
        cmocka_unit_test(bytes_arrive_in_order),
        cmocka_unit_test(calls_are_cut_to_chunks),
        cmocka_unit_test(a_full_window_blocks_and_opens),
        cmocka_unit_test(peeking_leaves_the_bytes),
        cmocka_unit_test(a_close_is_an_end_after_the_data),
        cmocka_unit_test(half_a_connection_goes_on),
        cmocka_unit_test(a_reset_is_told_after_the_data),
        cmocka_unit_test(ends_are_found_out),
        cmocka_unit_test(a_dead_peer_is_given_up),
        cmocka_unit_test(a_cable_that_comes_back_heals),
        cmocka_unit_test(shutdown_keeps_what_had_come),
        cmocka_unit_test(a_backlog_is_bounded),
        cmocka_unit_test(waiting_clients_are_reset),
        cmocka_unit_test(an_address_that_left_breaks_streams),
        cmocka_unit_test(commands_meet_whom_they_name),
        cmocka_unit_test(chaos_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
