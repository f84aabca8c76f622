/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_datagram.c
 * What the in-memory network promises about datagrams, each promise with a sentence.
 */
#include "testkit_world.h"

enum { PORT = 5683, MANY = 10000 };

/* ---- rates: 10,000 datagrams, each with its number in it ---- */

struct rates {
    size_t came;      /* different datagrams that arrived */
    size_t copies;    /* arrivals of one that had arrived */
    size_t overtaken; /* arrivals after one that was sent later */
    ln_msec fastest;  /* from the call to the arrival */
    ln_msec slowest;
    uint64_t hash;
    struct ln_testkit_counters counters;
};

struct numbered {
    uint32_t number;
    ln_msec sent_at;
};

static void count_arrival(struct rates *rates, unsigned char seen[MANY], uint32_t *latest,
                          const struct numbered *n, ln_msec now)
{
    rates->copies += seen[n->number];
    rates->came += !seen[n->number];
    seen[n->number] = 1;
    rates->overtaken += n->number < *latest;
    *latest = n->number > *latest ? n->number : *latest;
    ln_msec took = now - n->sent_at;
    rates->fastest = took < rates->fastest ? took : rates->fastest;
    rates->slowest = took > rates->slowest ? took : rates->slowest;
}

static struct rates measure(const struct ln_testkit_link *link, uint64_t seed)
{
    static unsigned char seen[MANY];
    struct rates rates = { .fastest = LN_NEVER };
    struct world w;
    world_open(&w, seed);
    memset(seen, 0, sizeof seen);
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, w.b, link));
    ln_handle from = udp_at(&w.ea, A_IP, PORT), to = udp_at(&w.eb, B_IP, PORT);
    uint32_t latest = 0;
    for (uint32_t i = 0; i < MANY + 2000; i++) {
        struct numbered n = { .number = i, .sent_at = ln_now(&w.ea) };
        struct ln_net_got got;
        if (i < MANY)
            EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, &n, sizeof n));
        ln_testkit_advance(w.kit, 1);
        while (raw_recv(&w.eb, to, &n, sizeof n, &got) == LN_OK)
            count_arrival(&rates, seen, &latest, &n, ln_now(&w.eb));
    }
    rates.hash = ln_testkit_trace_hash(w.kit);
    ln_testkit_counters(w.kit, w.a, w.b, &rates.counters);
    world_close(&w);
    return rates;
}

struct range {
    size_t low, high;
};

static bool within(size_t value, struct range range)
{
    return value >= range.low && value <= range.high;
}

struct rate_case {
    const char *sentence;
    struct ln_testkit_link link;
    struct range came, copies, overtaken;
    ln_msec fastest, slowest; /* bounds */
};

/* The ranges are four standard deviations wide on each side: sqrt(n p (1 - p)), n = 10,000. */
static const struct rate_case rate_cases[] = {
    { "a link without settings is perfect",
      { .mtu = 0 },
      { MANY, MANY },
      { 0, 0 },
      { 0, 0 },
      0,
      1 },
    { "a loss of 1 in 100", { .loss_permille = 10 }, { 9860, 9940 }, { 0, 0 }, { 0, 0 }, 0, 1 },
    { "a loss of 1 in 5", { .loss_permille = 200 }, { 7840, 8160 }, { 0, 0 }, { 0, 0 }, 0, 1 },
    { "a loss of all", { .loss_permille = 1000 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, LN_NEVER },
    { "one of ten comes twice",
      { .duplicate_permille = 100 },
      { MANY, MANY },
      { 880, 1120 },
      { 0, 0 },
      0,
      1 },
    { "a copy of a lost datagram may arrive",
      { .loss_permille = 500, .duplicate_permille = 500 },
      { 7326, 7674 },
      { 2326, 2674 },
      { 0, 0 },
      0,
      1 },
    { "one of ten is held back and overtaken",
      { .reorder_permille = 100 },
      { MANY, MANY },
      { 0, 0 },
      { 880, 1120 },
      0,
      51 },
    { "a fixed delay keeps the order",
      { .delay_min_ms = 40 },
      { MANY, MANY },
      { 0, 0 },
      { 0, 0 },
      40,
      41 },
    { "delays that vary let datagrams overtake",
      { .delay_min_ms = 10, .delay_max_ms = 30 },
      { MANY, MANY },
      { 0, 0 },
      { 5000, MANY },
      10,
      31 },
    { "... unless the order is kept",
      { .delay_min_ms = 10, .delay_max_ms = 30, .keep_order = true },
      { MANY, MANY },
      { 0, 0 },
      { 0, 0 },
      10,
      31 },
};

static void rates_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rate_cases / sizeof rate_cases[0]; i++) {
        const struct rate_case *c = &rate_cases[i];
        struct rates r = measure(&c->link, 7 + i);
        bool times = r.came == 0 || (r.fastest >= c->fastest && r.slowest <= c->slowest);
        if (!within(r.came, c->came) || !within(r.copies, c->copies) ||
            !within(r.overtaken, c->overtaken) || !times)
            fail_msg("%s: %zu came, %zu copies, %zu overtaken, %lld..%lld ms", c->sentence, r.came,
                     r.copies, r.overtaken, (long long)r.fastest, (long long)r.slowest);
        assert_int_equal(r.counters.packets, MANY);
        if (c->link.reorder_permille != 0)
            assert_int_equal(r.counters.reordered, r.overtaken);
        assert_int_equal(r.counters.delivered, r.came + r.copies);
        assert_int_equal(r.counters.packets + r.counters.duplicated,
                         r.counters.delivered + r.counters.lost + r.counters.overflowed);
    }
}

static void a_seed_repeats_a_run(void **state)
{
    const struct ln_testkit_link link = { .loss_permille = 100,
                                          .duplicate_permille = 50,
                                          .reorder_permille = 50,
                                          .delay_min_ms = 1,
                                          .delay_max_ms = 9 };
    (void)state;
    assert_true(measure(&link, 3).hash == measure(&link, 3).hash);
    assert_true(measure(&link, 3).hash != measure(&link, 4).hash);
}

static void a_setting_changes_nothing_else(void **state)
{
    struct ln_testkit_link link = { .duplicate_permille = 100 };
    (void)state;
    struct rates before = measure(&link, 5);
    link.loss_permille = 300; /* the dice for copies stay as they fell */
    struct rates after = measure(&link, 5);
    assert_int_equal(before.counters.duplicated, after.counters.duplicated);
    assert_true(after.counters.lost > 2500);
}

/* ---- size and speed ---- */

struct mtu_case {
    const char *sentence;
    struct ln_testkit_link link;
    const char *from, *to;
    size_t len;
    enum ln_status sent;
    bool arrives;
};

static const struct mtu_case mtu_cases[] = {
    { "exactly the MTU over IPv4", { .mtu = 1280 }, A_IP, B_IP, 1252, LN_OK, true },
    { "one byte more is dropped silently", { .mtu = 1280 }, A_IP, B_IP, 1253, LN_OK, false },
    { "exactly the MTU over IPv6", { .mtu = 1280 }, A_IP6, B_IP6, 1232, LN_OK, true },
    { "IPv6 has 20 bytes of header more", { .mtu = 1280 }, A_IP6, B_IP6, 1233, LN_OK, false },
    { "or it is refused",
      { .mtu = 1280, .refuse_too_big = true },
      A_IP,
      B_IP,
      1253,
      LN_NO_SPACE,
      false },
    { "no MTU: the largest UDP datagram", { .mtu = 0 }, A_IP, B_IP, 65507, LN_OK, true },
    { "nothing is larger than UDP", { .mtu = 0 }, A_IP, B_IP, 65508, LN_NO_SPACE, false },
    { "empty datagrams arrive", { .mtu = 0 }, A_IP, B_IP, 0, LN_OK, true },
};

static void the_mtu_is_kept(void **state)
{
    static uint8_t data[70000], room[70000];
    (void)state;
    for (size_t i = 0; i < sizeof mtu_cases / sizeof mtu_cases[0]; i++) {
        const struct mtu_case *c = &mtu_cases[i];
        struct ln_testkit_counters counters;
        struct ln_net_got got;
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK, ln_testkit_path(w.kit, w.a, w.b, &c->link));
        ln_handle from = udp_at(&w.ea, c->from, PORT), to = udp_at(&w.eb, c->to, PORT);
        enum ln_status sent = raw_send_to(&w.ea, from, c->to, PORT, data, c->len);
        ln_testkit_advance(w.kit, 1);
        bool came = raw_recv(&w.eb, to, room, sizeof room, &got) == LN_OK && got.full == c->len;
        ln_testkit_counters(w.kit, w.a, NULL, &counters);
        if (sent != c->sent || came != c->arrives)
            fail_msg("%s: %s, %s", c->sentence, ln_status_name(sent), came ? "came" : "lost");
        assert_int_equal(counters.largest, c->len); /* recorded whatever became of it */
        assert_int_equal(counters.too_big, !c->arrives);
        world_close(&w);
    }
}

static void the_reported_mtu_may_lie(void **state)
{
    size_t mtu = 0;
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle h = udp_at(&w.ea, A_IP, PORT);
    EXPECT(LN_BAD_STATE, w.ea.net.ops->mtu(w.ea.net.ctx, h, &mtu));
    EXPECT(LN_OK, raw_connect(&w.ea, h, B_IP, PORT));
    EXPECT(LN_UNSUPPORTED, w.ea.net.ops->mtu(w.ea.net.ctx, h, &mtu));
    EXPECT(LN_OK, ln_testkit_path(w.kit, w.a, w.b, &(struct ln_testkit_link) { .mtu = 1280 }));
    EXPECT(LN_OK, w.ea.net.ops->mtu(w.ea.net.ctx, h, &mtu));
    assert_int_equal(mtu, 1280);
    const struct ln_testkit_link lie = { .mtu = 600, .reported_mtu = 1500 };
    EXPECT(LN_OK, ln_testkit_path(w.kit, w.a, w.b, &lie));
    EXPECT(LN_OK, w.ea.net.ops->mtu(w.ea.net.ctx, h, &mtu));
    assert_int_equal(mtu, 1500);
    world_close(&w);
}

static void bandwidth_makes_packets_wait(void **state)
{
    static const uint8_t data[972]; /* 1000 with its headers */
    const struct ln_testkit_link slow = { .bytes_per_s = 10000, .queue_bytes = 5000 };
    struct ln_testkit_counters counters;
    uint8_t room[1000];
    struct ln_net_got got;
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.a, w.b, &slow));
    ln_handle from = udp_at(&w.ea, A_IP, PORT), to = udp_at(&w.eb, B_IP, PORT);
    for (int i = 0; i < 8; i++) /* five fit into the queue, the others find no room */
        EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, data, sizeof data));
    for (int i = 1; i <= 5; i++) {
        ln_testkit_advance(w.kit, 99);
        EXPECT(LN_AGAIN, raw_recv(&w.eb, to, room, sizeof room, &got));
        ln_testkit_advance(w.kit, 1); /* 1000 bytes at 10,000 a second: one each 100 ms */
        EXPECT(LN_OK, raw_recv(&w.eb, to, room, sizeof room, &got));
    }
    ln_testkit_counters(w.kit, w.a, w.b, &counters);
    assert_int_equal(counters.overflowed, 3);
    world_close(&w);
}

/* ---- where it does not arrive ---- */

enum world_change { NOTHING, CLOSED, SILENT_PORT, NO_ROUTE, ICMP, HOLE, DOWN, DEAD, SELF_DEAD };

struct silence_case {
    const char *sentence;
    enum world_change change;
    const char *to;
    enum ln_status at_once;    /* of the first send */
    enum ln_status later;      /* of a receive, 100 ms later */
    enum ln_category category; /* of what failed */
};

static const struct silence_case silence_cases[] = {
    { "an open port answers nothing of itself", NOTHING, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "a closed port refuses, as ICMP does", CLOSED, B_IP, LN_OK, LN_REFUSED, LN_CAT_PEER_REFUSED },
    { "... over IPv6 too", CLOSED, B_IP6, LN_OK, LN_REFUSED, LN_CAT_PEER_REFUSED },
    { "a firewall says nothing", SILENT_PORT, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "no route: the call fails", NO_ROUTE, B_IP, LN_REFUSED, LN_AGAIN, LN_CAT_UNREACHABLE },
    { "a router answers: unreachable", ICMP, B_IP, LN_OK, LN_REFUSED, LN_CAT_UNREACHABLE },
    { "a black hole", HOLE, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "nobody has that address", NOTHING, "192.0.2.99", LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "nobody has it, and a router tells", ICMP, "192.0.2.99", LN_OK, LN_REFUSED,
      LN_CAT_UNREACHABLE },
    { "the link is down", DOWN, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "a dead host swallows", DEAD, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
    { "a dead host sends nothing", SELF_DEAD, B_IP, LN_OK, LN_AGAIN, LN_CAT_NONE },
};

static void change_world(struct world *w, const struct silence_case *c, ln_handle listener)
{
    const struct ln_testkit_link down = { .down = true };
    enum ln_testkit_route route = c->change == NO_ROUTE ? LN_TESTKIT_ROUTE_NONE
                                  : c->change == ICMP   ? LN_TESTKIT_ROUTE_UNREACHABLE
                                  : c->change == HOLE   ? LN_TESTKIT_ROUTE_SILENT
                                                        : LN_TESTKIT_ROUTE_NORMAL;
    EXPECT(LN_OK, ln_testkit_route(w->kit, c->to, route));
    if (c->change == CLOSED || c->change == SILENT_PORT)
        raw_close(&w->eb, listener);
    if (c->change == SILENT_PORT)
        ln_testkit_host_closed_ports(w->b, LN_TESTKIT_CLOSED_SILENT);
    if (c->change == DOWN)
        EXPECT(LN_OK, ln_testkit_link(w->kit, w->a, w->b, &down));
    if (c->change == DEAD)
        ln_testkit_host_kill(w->b);
    if (c->change == SELF_DEAD)
        ln_testkit_host_kill(w->a);
}

static void silence_has_many_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof silence_cases / sizeof silence_cases[0]; i++) {
        const struct silence_case *c = &silence_cases[i];
        struct ln_diag diag = { .status = LN_OK };
        struct ln_net_got got;
        uint8_t room[10];
        size_t sent = 0;
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK,
               ln_testkit_path(w.kit, w.a, w.b, &(struct ln_testkit_link) { .delay_min_ms = 10 }));
        ln_handle to = raw_open(&w.eb, LN_NET_DATAGRAM, LN_FAMILY_ANY); /* both families */
        struct ln_addr any = { .port = PORT };
        EXPECT(LN_OK, w.eb.net.ops->bind(w.eb.net.ctx, to, LN_NET_DATAGRAM, &any, NULL));
        struct ln_addr peer = at(c->to, PORT);
        ln_handle from = raw_open(&w.ea, LN_NET_DATAGRAM, (enum ln_family)peer.family);
        EXPECT(LN_OK, raw_connect(&w.ea, from, c->to, PORT));
        change_world(&w, c, to);
        enum ln_status at_once =
            w.ea.net.ops->send(w.ea.net.ctx, from, NULL, ln_span_str("hello"), &sent, &diag);
        ln_testkit_advance(w.kit, 100);
        enum ln_status later = w.ea.net.ops->recv(w.ea.net.ctx, from, LN_NET_DATAGRAM,
                                                  ln_mspan(room, 10), false, &got, &diag);
        if (at_once != c->at_once || later != c->later || diag.category != c->category)
            fail_msg("%s: %s, then %s, category %d", c->sentence, ln_status_name(at_once),
                     ln_status_name(later), (int)diag.category);
        EXPECT(LN_AGAIN, raw_recv(&w.ea, from, room, 10, &got)); /* an error is told once */
        world_close(&w);
    }
}

static void a_refusal_may_get_lost(void **state)
{
    struct ln_testkit_counters counters;
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    const struct ln_testkit_link lossy = { .loss_permille = 1000 };
    EXPECT(LN_OK, ln_testkit_link(w.kit, w.b, w.a, &lossy));
    ln_handle from = raw_open(&w.ea, LN_NET_DATAGRAM, LN_IPV4);
    EXPECT(LN_OK, raw_connect(&w.ea, from, B_IP, PORT));
    EXPECT(LN_OK, raw_send(&w.ea, from, "x", 1, NULL));
    ln_testkit_advance(w.kit, 100);
    EXPECT(LN_AGAIN, raw_recv(&w.ea, from, room, 10, &got));
    ln_testkit_counters(w.kit, w.a, w.b, &counters);
    assert_int_equal(counters.refused, 1); /* it was, though nobody heard of it */
    world_close(&w);
}

static void a_new_peer_replaces_the_old_one(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle h = udp_at(&w.eb, B_IP, PORT);
    ln_handle old = udp_at(&w.ea, A_IP, 1000), current = udp_at(&w.ea, A_IP, 2000);
    EXPECT(LN_OK, raw_connect(&w.eb, h, A_IP, 1000));
    EXPECT(LN_OK, raw_connect(&w.eb, h, A_IP, 2000));
    EXPECT(LN_OK, raw_send_to(&w.ea, old, B_IP, PORT, "1", 1));
    EXPECT(LN_OK, raw_send_to(&w.ea, current, B_IP, PORT, "2", 1));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, raw_recv(&w.eb, h, room, 10, &got));
    assert_int_equal(room[0], '2');
    EXPECT(LN_AGAIN, raw_recv(&w.eb, h, room, 10, &got));
    struct ln_addr local = at(B_IP, PORT + 1);
    EXPECT(LN_BAD_STATE,
           w.eb.net.ops->bind(w.eb.net.ctx, h, LN_NET_DATAGRAM, &local, NULL)); /* it is */
    world_close(&w);
}

static void only_connected_sockets_are_refused(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, PORT);
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "x", 1));
    ln_testkit_advance(w.kit, 100);
    EXPECT(LN_AGAIN, raw_recv(&w.ea, from, room, 10, &got));
    world_close(&w);
}

static void a_host_comes_back(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, PORT), to = udp_at(&w.eb, B_IP, PORT);
    ln_testkit_host_kill(w.b);
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "1", 1));
    ln_testkit_advance(w.kit, 10);
    ln_testkit_host_revive(w.b); /* only the cable: the socket is as it was */
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "2", 1));
    ln_testkit_advance(w.kit, 10);
    EXPECT(LN_OK, raw_recv(&w.eb, to, room, 10, &got));
    assert_int_equal(room[0], '2');
    ln_testkit_host_restart(w.b);
    EXPECT(LN_IO, raw_recv(&w.eb, to, room, 10, &got));
    EXPECT(LN_IO, raw_send_to(&w.eb, to, A_IP, PORT, "x", 1));
    EXPECT(LN_IO, raw_connect(&w.eb, to, A_IP, PORT));
    EXPECT(LN_IO, w.eb.net.ops->shutdown(w.eb.net.ctx, to, NULL));
    EXPECT(LN_IO, w.eb.net.ops->finish(w.eb.net.ctx, to, NULL));
    assert_true(raw_wait(&w.eb, to, LN_WANT_READ, 10)); /* whoever waits for it is woken */
    assert_int_equal(ln_testkit_open_handles(w.b), 1);
    raw_close(&w.eb, to);
    assert_int_equal(ln_testkit_open_handles(w.b), 0);
    to = udp_at(&w.eb, B_IP, PORT); /* the port is free again */
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "3", 1));
    ln_testkit_advance(w.kit, 10);
    EXPECT(LN_OK, raw_recv(&w.eb, to, room, 10, &got));
    world_close(&w);
}

static void an_address_that_left_cannot_send(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle bound = udp_at(&w.ea, A_IP, PORT);
    ln_handle connected = raw_open(&w.ea, LN_NET_DATAGRAM, LN_IPV4);
    EXPECT(LN_OK, raw_connect(&w.ea, connected, B_IP, PORT));
    EXPECT(LN_OK, ln_testkit_host_remove(w.a, A_IP));
    EXPECT(LN_NOT_FOUND, ln_testkit_host_remove(w.a, A_IP));
    EXPECT(LN_REFUSED, raw_send_to(&w.ea, bound, B_IP, PORT, "x", 1));
    EXPECT(LN_REFUSED, raw_send(&w.ea, connected, "x", 1, NULL));
    EXPECT(LN_OK, ln_testkit_host_add(w.a, "198.51.100.7"));
    EXPECT(LN_REFUSED, raw_send(&w.ea, connected, "x", 1, NULL));
    EXPECT(LN_OK, raw_connect(&w.ea, connected, B_IP, PORT)); /* connects from the new one */
    EXPECT(LN_OK, raw_send(&w.ea, connected, "x", 1, NULL));
    world_close(&w);
}

/* ---- sockets ---- */

static void the_closest_socket_receives(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4, .reuse_addr = true };
    ln_handle h[3];
    struct ln_addr local[3] = { { .family = LN_IPV4, .port = PORT },
                                at(B_IP, PORT),
                                at(B_IP, PORT) };
    for (int i = 0; i < 3; i++) {
        EXPECT(LN_OK, w.eb.net.ops->open(w.eb.net.ctx, &how, NULL, &h[i]));
        EXPECT(LN_OK, w.eb.net.ops->bind(w.eb.net.ctx, h[i], LN_NET_DATAGRAM, &local[i], NULL));
    }
    EXPECT(LN_OK, raw_connect(&w.eb, h[2], A_IP, 1000));
    ln_handle a1 = udp_at(&w.ea, A_IP, 1000), a2 = udp_at(&w.ea, A_IP, 2000);
    EXPECT(LN_OK, raw_send_to(&w.ea, a1, B_IP, PORT, "1", 1));
    EXPECT(LN_OK, raw_send_to(&w.ea, a2, B_IP, PORT, "2", 1));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_AGAIN, raw_recv(&w.eb, h[0], room, 10, &got)); /* the wildcard is the farthest */
    EXPECT(LN_OK, raw_recv(&w.eb, h[1], room, 10, &got));    /* its exact address */
    assert_int_equal(room[0], '2');
    EXPECT(LN_OK, raw_recv(&w.eb, h[2], room, 10, &got)); /* connected to the sender */
    assert_int_equal(room[0], '1');
    assert_int_equal(got.from.port, 1000);
    world_close(&w);
}

struct bind_case {
    const char *sentence;
    const char *first, *second; /* NULL = any */
    enum ln_family first_family, second_family;
    bool reuse, v6_only;
    enum ln_status expected;
};

static const struct bind_case bind_cases[] = {
    { "the same port twice", B_IP, B_IP, LN_IPV4, LN_IPV4, false, false, LN_IO },
    { "the same port twice, both with reuse_addr", B_IP, B_IP, LN_IPV4, LN_IPV4, true, false,
      LN_OK },
    { "an address and the wildcard", B_IP, NULL, LN_IPV4, LN_IPV4, false, false, LN_IO },
    { "the wildcard and an address", NULL, B_IP, LN_IPV4, LN_IPV4, false, false, LN_IO },
    { "IPv4 and the wildcard of IPv6, which takes both", B_IP, NULL, LN_IPV4, LN_IPV6, false, false,
      LN_IO },
    { "... unless it is for IPv6 only", B_IP, NULL, LN_IPV4, LN_IPV6, false, true, LN_OK },
    { "two addresses", B_IP, B_IP6, LN_IPV4, LN_IPV6, false, false, LN_OK },
};

static void ports_are_taken_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bind_cases / sizeof bind_cases[0]; i++) {
        const struct bind_case *c = &bind_cases[i];
        struct ln_net_open how = { .kind = LN_NET_DATAGRAM,
                                   .family = c->first_family,
                                   .reuse_addr = c->reuse,
                                   .v6_only = c->v6_only };
        struct ln_addr any = { .port = PORT };
        ln_handle first, second;
        struct world w;
        world_open(&w, 1);
        const struct ln_net_ops *ops = w.eb.net.ops;
        struct ln_addr local = c->first != NULL ? at(c->first, PORT) : any;
        EXPECT(LN_OK, ops->open(w.eb.net.ctx, &how, NULL, &first));
        EXPECT(LN_OK, ops->bind(w.eb.net.ctx, first, LN_NET_DATAGRAM, &local, NULL));
        how.family = c->second_family;
        local = c->second != NULL ? at(c->second, PORT) : any;
        EXPECT(LN_OK, ops->open(w.eb.net.ctx, &how, NULL, &second));
        enum ln_status st = ops->bind(w.eb.net.ctx, second, LN_NET_DATAGRAM, &local, NULL);
        if (st != c->expected)
            fail_msg("%s: %s", c->sentence, ln_status_name(st));
        raw_close(&w.eb, first);
        if (st != LN_OK) /* what failed changed nothing: now the port is free */
            EXPECT(LN_OK, ops->bind(w.eb.net.ctx, second, LN_NET_DATAGRAM, &local, NULL));
        world_close(&w);
    }
}

static void a_port_stays_taken_by_those_who_use_it(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    const struct ln_net_ops *ops = w.ea.net.ops;
    struct ln_addr local = at(A_IP, PORT);
    ln_handle first = udp_at(&w.ea, A_IP, PORT);
    EXPECT(LN_BAD_STATE, ops->bind(w.ea.net.ctx, first, LN_NET_DATAGRAM, &local, NULL)); /* it is */
    ln_handle second = raw_open(&w.ea, LN_NET_DATAGRAM, LN_IPV4);
    EXPECT(LN_OK, raw_connect(&w.ea, first, B_IP, 1));
    EXPECT(LN_OK, raw_connect(&w.ea, first, B_IP, 2)); /* still one user */
    EXPECT(LN_IO, ops->bind(w.ea.net.ctx, second, LN_NET_DATAGRAM, &local, NULL));
    raw_close(&w.ea, first);
    EXPECT(LN_OK, ops->bind(w.ea.net.ctx, second, LN_NET_DATAGRAM, &local, NULL));
    ln_handle stream = raw_bound(&w.ea, LN_NET_STREAM, A_IP, PORT); /* streams have their own */
    EXPECT(LN_BAD_STATE, ops->bind(w.ea.net.ctx, stream, LN_NET_DATAGRAM, &local, NULL));
    EXPECT(LN_BAD_STATE, ops->finish(w.ea.net.ctx, second, NULL));
    EXPECT(LN_BAD_STATE, ops->names(w.ea.net.ctx, second, NULL, &local));
    EXPECT(LN_OK, raw_connect(&w.ea, second, B_IP, 1));
    EXPECT(LN_OK, ops->finish(w.ea.net.ctx, second, NULL));
    world_close(&w);
}

struct family_case {
    const char *sentence;
    enum ln_family family;
    bool v6_only;
    const char *to;
    enum ln_status expected;
};

static const struct family_case family_cases[] = {
    { "IPv4 to IPv4", LN_IPV4, false, B_IP, LN_OK },
    { "IPv4 to IPv6", LN_IPV4, false, B_IP6, LN_REFUSED },
    { "IPv6 to IPv6", LN_IPV6, false, B_IP6, LN_OK },
    { "IPv6 to IPv4, as a mapped address", LN_IPV6, false, B_IP, LN_OK },
    { "IPv6 only to IPv4", LN_IPV6, true, B_IP, LN_REFUSED },
};

static void families_are_kept_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof family_cases / sizeof family_cases[0]; i++) {
        const struct family_case *c = &family_cases[i];
        struct ln_net_open how = { .family = c->family, .v6_only = c->v6_only };
        ln_handle datagram = LN_NO_HANDLE, stream = LN_NO_HANDLE;
        struct world w;
        world_open(&w, 1);
        how.kind = LN_NET_DATAGRAM;
        EXPECT(LN_OK, w.ea.net.ops->open(w.ea.net.ctx, &how, NULL, &datagram));
        how.kind = LN_NET_STREAM;
        EXPECT(LN_OK, w.ea.net.ops->open(w.ea.net.ctx, &how, NULL, &stream));
        enum ln_status st = raw_connect(&w.ea, datagram, c->to, PORT);
        enum ln_status sent = raw_send_to(&w.ea, datagram, c->to, PORT, "x", 1);
        enum ln_status streams = raw_connect(&w.ea, stream, c->to, PORT);
        if (st != c->expected || sent != c->expected ||
            streams != (c->expected == LN_OK ? LN_AGAIN : c->expected))
            fail_msg("%s: %s, %s, %s", c->sentence, ln_status_name(st), ln_status_name(sent),
                     ln_status_name(streams));
        world_close(&w);
    }
}

static void addresses_are_checked(void **state)
{
    struct ln_testkit_host *host = NULL;
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_BAD_ARG, ln_testkit_host_new(w.kit, "c", "192.0.2.3 nonsense", &host));
    assert_string_equal(ln_testkit_text(w.kit), "\"nonsense\" is not an address");
    EXPECT(LN_OK, ln_testkit_host_new(w.kit, "c", "192.0.2.3", &host)); /* it was given back */
    EXPECT(LN_BAD_ARG, ln_testkit_host_add(host, B_IP));
    EXPECT(LN_BAD_ARG, ln_testkit_host_add(host, "127.0.0.1"));
    struct ln_addr others = at(B_IP, PORT);
    ln_handle h = raw_open(&w.ea, LN_NET_DATAGRAM, LN_IPV4);
    EXPECT(LN_IO, w.ea.net.ops->bind(w.ea.net.ctx, h, LN_NET_DATAGRAM, &others, NULL));
    world_close(&w);
}

static void handles_are_found_out(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle first = udp_at(&w.ea, A_IP, PORT);
    raw_close(&w.ea, first);
    ln_handle second = udp_at(&w.ea, A_IP, PORT); /* takes the same slot */
    EXPECT(LN_BAD_STATE, raw_recv(&w.ea, first, room, 10, &got));
    raw_close(&w.ea, first); /* closes nothing */
    EXPECT(LN_AGAIN, raw_recv(&w.ea, second, room, 10, &got));
    EXPECT(LN_BAD_STATE, raw_recv(&w.eb, second, room, 10, &got)); /* another host's */
    EXPECT(LN_BAD_STATE, raw_recv(&w.ea, LN_NO_HANDLE, room, 10, &got));
    EXPECT(LN_BAD_STATE, raw_recv(&w.ea, 12345678, room, 10, &got));
    world_close(&w);
}

static void receiving_cuts_and_peeks(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, PORT), to = udp_at(&w.eb, B_IP, PORT);
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "hello", 5));
    EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "world", 5));
    ln_testkit_advance(w.kit, 1);
    EXPECT(LN_OK, w.eb.net.ops->recv(w.eb.net.ctx, to, LN_NET_DATAGRAM, ln_mspan(room, 3), true,
                                     &got, NULL));
    assert_int_equal(got.len, 3);
    assert_int_equal(got.full, 5);
    EXPECT(LN_OK, raw_recv(&w.eb, to, room, 2, &got)); /* the rest of it is gone */
    assert_int_equal(got.full, 5);
    EXPECT(LN_OK, raw_recv(&w.eb, to, room, 5, &got));
    assert_memory_equal(room, "world", 5);
    struct ln_addr sender = at(A_IP, PORT);
    assert_true(ln_addr_equal(&got.from, &sender));
    world_close(&w);
}

static void a_full_socket_drops(void **state)
{
    static const uint8_t data[1000];
    struct ln_testkit_counters counters;
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, PORT);
    (void)udp_at(&w.eb, B_IP, PORT);
    for (int i = 0; i < 1000; i++)
        EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, data, sizeof data));
    ln_testkit_advance(w.kit, 1);
    ln_testkit_counters(w.kit, w.a, w.b, &counters);
    assert_in_range(counters.delivered, 100, 250); /* 208 KiB */
    assert_int_equal(counters.delivered + counters.overflowed, 1000);
    world_close(&w);
}

static void flight_is_bounded(void **state)
{
    const struct ln_testkit_config config = { .flight_max = 10 };
    struct ln_testkit_counters counters;
    struct world w;
    (void)state;
    world_open_with(&w, &config);
    EXPECT(LN_OK,
           ln_testkit_link(w.kit, NULL, NULL, &(struct ln_testkit_link) { .delay_min_ms = 5 }));
    ln_handle from = udp_at(&w.ea, A_IP, PORT);
    (void)udp_at(&w.eb, B_IP, PORT);
    for (int i = 0; i < 25; i++)
        EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "x", 1));
    ln_testkit_advance(w.kit, 10);
    ln_testkit_counters(w.kit, NULL, NULL, &counters);
    assert_int_equal(counters.delivered, 10);
    assert_int_equal(counters.overflowed, 15);
    world_close(&w);
}

static void the_closest_link_counts(void **state)
{
    struct ln_testkit_counters counters;
    const struct ln_testkit_link drop = { .loss_permille = 1000 }, pass = { .loss_permille = 0 };
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_handle from = udp_at(&w.ea, A_IP, PORT);
    (void)udp_at(&w.eb, B_IP, PORT);
    struct {
        struct ln_testkit_host *from, *to;
        const struct ln_testkit_link *link;
        uint64_t lost; /* after one datagram more */
    } const steps[] = {
        { NULL, NULL, &drop, 1 }, { NULL, w.b, &pass, 1 }, { w.a, NULL, &drop, 2 },
        { w.a, w.b, &pass, 2 },   { w.a, w.b, NULL, 3 },   { w.a, NULL, NULL, 3 },
        { NULL, w.b, NULL, 4 },   { NULL, NULL, NULL, 4 },
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        EXPECT(LN_OK, ln_testkit_link(w.kit, steps[i].from, steps[i].to, steps[i].link));
        EXPECT(LN_OK, raw_send_to(&w.ea, from, B_IP, PORT, "x", 1));
        ln_testkit_counters(w.kit, w.a, w.b, &counters);
        assert_int_equal(counters.lost, steps[i].lost);
    }
    world_close(&w);
}

static void a_host_talks_to_itself(void **state)
{
    static const char *const own[] = { "127.0.0.1", "::1", B_IP };
    struct ln_net_got got;
    uint8_t room[10];
    struct world w;
    (void)state;
    world_open(&w, 1);
    for (size_t i = 0; i < 3; i++) {
        ln_handle to = udp_at(&w.eb, own[i], PORT);
        ln_handle from = raw_open(&w.eb, LN_NET_DATAGRAM, i == 1 ? LN_IPV6 : LN_IPV4);
        EXPECT(LN_OK, raw_connect(&w.eb, from, own[i], PORT));
        EXPECT(LN_OK, raw_send(&w.eb, from, "x", 1, NULL));
        ln_testkit_advance(w.kit, 1);
        EXPECT(LN_OK, raw_recv(&w.eb, to, room, 10, &got));
        raw_close(&w.eb, to);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_stays_taken_by_those_who_use_it),
        cmocka_unit_test(families_are_kept_apart),
        cmocka_unit_test(rates_are_kept),
        cmocka_unit_test(a_seed_repeats_a_run),
        cmocka_unit_test(a_setting_changes_nothing_else),
        cmocka_unit_test(the_mtu_is_kept),
        cmocka_unit_test(the_reported_mtu_may_lie),
        cmocka_unit_test(bandwidth_makes_packets_wait),
        cmocka_unit_test(silence_has_many_reasons),
        cmocka_unit_test(a_refusal_may_get_lost),
        cmocka_unit_test(a_new_peer_replaces_the_old_one),
        cmocka_unit_test(only_connected_sockets_are_refused),
        cmocka_unit_test(a_host_comes_back),
        cmocka_unit_test(an_address_that_left_cannot_send),
        cmocka_unit_test(the_closest_socket_receives),
        cmocka_unit_test(ports_are_taken_once),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(handles_are_found_out),
        cmocka_unit_test(receiving_cuts_and_peeks),
        cmocka_unit_test(a_full_socket_drops),
        cmocka_unit_test(flight_is_bounded),
        cmocka_unit_test(the_closest_link_counts),
        cmocka_unit_test(a_host_talks_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
