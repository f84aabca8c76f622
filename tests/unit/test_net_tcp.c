/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_net_tcp.c
 * TCP sockets (src/net/tcp.c): the race of RFC 8305, listeners, streams, in virtual time.
 */
#include "support/networld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct networld world;

static int open_world(void **state)
{
    (void)state;
    networld_open(&world, 1);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    networld_close(&world);
    return 0;
}

/* ---- the race ---- */

/* What becomes of connects to an address. */
enum fate {
    ABSENT = 0, /* the name does not have it */
    WORKS,
    REFUSES, /* after the delay of the link */
    SILENT,
    NO_ROUTE,    /* the call fails at once */
    UNREACHABLE, /* a router tells, after the delay of the link */
};

struct race_case {
    const char *what;
    struct ln_sock_options options;
    uint32_t delay_ms;      /* of the link, one way */
    uint32_t v4_ms, v6_ms;  /* of the name server's answers */
    enum fate v6[2], v4[2]; /* the addresses ::1, ::2 and .1, .2 */
    enum ln_status status;
    const char *winner; /* its first characters */
    ln_msec took_ms;
    enum ln_category category;
};

static const struct race_case race_cases[] = {
    { "IPv6 wins where it works",
      { .dscp = 0 },
      10,
      0,
      0,
      { WORKS },
      { WORKS },
      LN_OK,
      "[2001:db8::1]",
      20,
      LN_CAT_NONE },
    { "IPv6 is a black hole: IPv4 after 250 ms",
      { .dscp = 0 },
      0,
      0,
      0,
      { SILENT },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      250,
      LN_CAT_NONE },
    { "IPv6 refuses: IPv4 at once",
      { .dscp = 0 },
      10,
      0,
      0,
      { REFUSES },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      40,
      LN_CAT_NONE },
    { "IPv6 has no route: IPv4 at once",
      { .dscp = 0 },
      10,
      0,
      0,
      { NO_ROUTE },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      20,
      LN_CAT_NONE },
    { "a router answers for IPv6",
      { .dscp = 0 },
      10,
      0,
      0,
      { UNREACHABLE },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      40,
      LN_CAT_NONE },
    { "IPv6 is slow, but faster than the head start of it",
      { .dscp = 0 },
      120,
      0,
      0,
      { WORKS },
      { WORKS },
      LN_OK,
      "[2001:db8::1]",
      240,
      LN_CAT_NONE },
    { "IPv6 is slower than its head start, and still first",
      { .dscp = 0 },
      200,
      0,
      0,
      { WORKS },
      { WORKS },
      LN_OK,
      "[2001:db8::1]",
      400,
      LN_CAT_NONE },
    { "a head start of one's own choice",
      { .race_delay_ms = 70 },
      0,
      0,
      0,
      { SILENT },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      70,
      LN_CAT_NONE },
    { "IPv4 is preferred and a black hole",
      { .preferred_family = LN_IPV4 },
      0,
      0,
      0,
      { WORKS },
      { SILENT },
      LN_OK,
      "[2001:db8::1]",
      250,
      LN_CAT_NONE },
    { "families take turns: v6 v4 v6 v4",
      { .dscp = 0 },
      0,
      0,
      0,
      { SILENT, SILENT },
      { SILENT, WORKS },
      LN_OK,
      "192.0.2.",
      -1,
      LN_CAT_NONE },
    { "the family that is left goes on alone",
      { .dscp = 0 },
      0,
      0,
      0,
      { ABSENT },
      { REFUSES, WORKS },
      LN_OK,
      "192.0.2.2",
      -1,
      LN_CAT_NONE },
    { "late AAAA: IPv4 after the resolution delay",
      { .dscp = 0 },
      0,
      0,
      300,
      { WORKS },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      50,
      LN_CAT_NONE },
    { "late AAAA joins the race that goes on",
      { .dscp = 0 },
      0,
      0,
      120,
      { WORKS },
      { SILENT },
      LN_OK,
      "[2001:db8::1]",
      300,
      LN_CAT_NONE },
    { "late AAAA, and IPv4 has failed by then",
      { .dscp = 0 },
      0,
      0,
      400,
      { WORKS },
      { REFUSES },
      LN_OK,
      "[2001:db8::1]",
      400,
      LN_CAT_NONE },
    { "late A, and IPv6 has failed by then",
      { .dscp = 0 },
      0,
      400,
      0,
      { REFUSES },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      400,
      LN_CAT_NONE },
    { "who refuses does not have to be waited out, also while another one is silent",
      { .dscp = 0 },
      10,
      0,
      0,
      { SILENT },
      { WORKS, REFUSES },
      LN_OK,
      "192.0.2.1",
      290,
      LN_CAT_NONE },
    { "everybody refuses",
      { .dscp = 0 },
      10,
      0,
      0,
      { REFUSES, REFUSES },
      { REFUSES, REFUSES },
      LN_REFUSED,
      NULL,
      80,
      LN_CAT_PEER_REFUSED },
    { "nobody has a route",
      { .dscp = 0 },
      10,
      0,
      0,
      { NO_ROUTE, NO_ROUTE },
      { NO_ROUTE },
      LN_REFUSED,
      NULL,
      0,
      LN_CAT_UNREACHABLE },
    { "silence: the last of three begins at 500 and has 10 s",
      { .dscp = 0 },
      0,
      0,
      0,
      { SILENT, SILENT },
      { SILENT },
      LN_TIMEOUT,
      NULL,
      10500,
      LN_CAT_NO_ANSWER },
    { "a time for each address of one's own choice",
      { .connect_timeout_ms = 1000 },
      0,
      0,
      0,
      { SILENT },
      { SILENT },
      LN_TIMEOUT,
      NULL,
      1250,
      LN_CAT_NO_ANSWER },
    { "a short time lets the next one start early",
      { .connect_timeout_ms = 100 },
      0,
      0,
      0,
      { SILENT },
      { WORKS },
      LN_OK,
      "192.0.2.1",
      100,
      LN_CAT_NONE },
    { "the last real error counts",
      { .connect_timeout_ms = 1000 },
      0,
      0,
      0,
      { SILENT },
      { REFUSES },
      LN_TIMEOUT,
      NULL,
      1000,
      LN_CAT_NO_ANSWER },
};

static enum ln_testkit_route route_for(enum fate fate)
{
    switch (fate) {
    case SILENT:
        return LN_TESTKIT_ROUTE_SILENT;
    case NO_ROUTE:
        return LN_TESTKIT_ROUTE_NONE;
    case UNREACHABLE:
        return LN_TESTKIT_ROUTE_UNREACHABLE;
    case ABSENT:
    case WORKS:
    case REFUSES:
        break;
    }
    return LN_TESTKIT_ROUTE_NORMAL;
}

/* One address of the race: in the zone, routed, and with a listener where it works. */
static struct ln_sock *set_up(const char *address, enum fate fate, char *zone, size_t room)
{
    size_t len = strlen(zone);
    if (fate == ABSENT)
        return NULL;
    (void)snprintf(zone + len, room - len, "%s ", address);
    networld_route(&world, address, route_for(fate));
    return fate == WORKS ? networld_listener(&world, LN_TCP, address) : NULL;
}

static void run_race(const struct race_case *c)
{
    static const char *const v6[2] = { "2001:db8::1", "2001:db8::2" };
    static const char *const v4[2] = { "192.0.2.1", "192.0.2.2" };
    struct ln_sock *listeners[4] = { NULL };
    char zone[256] = "";
    struct ln_sock_info info;
    networld_open(&world, 3);
    networld_delay(&world, c->delay_ms);
    for (size_t i = 0; i < 2; i++) {
        listeners[i] = set_up(v6[i], c->v6[i], zone, sizeof zone);
        listeners[2 + i] = set_up(v4[i], c->v4[i], zone, sizeof zone);
    }
    networld_name(&world, "server.example", zone);
    networld_answers(&world, "server.example", c->v4_ms, c->v6_ms);
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, &c->options);
    ln_msec start = networld_now(&world);
    enum ln_status st = networld_connect(&world, s, "server.example");
    ln_msec took = networld_now(&world) - start;
    if (st != c->status || (c->took_ms >= 0 && took != c->took_ms))
        fail_msg("%s: %s after %lld ms, %s", c->what, ln_status_name(st), (long long)took,
                 ln_sock_diag(s)->text);
    if (st == LN_OK && strstr(networld_peer(s), c->winner) != networld_peer(s))
        fail_msg("%s: %s", c->what, networld_peer(s));
    assert_int_equal(ln_sock_diag(s)->category, c->category);
    /* the losers are closed */
    assert_int_equal(ln_testkit_open_handles(world.device_host), st == LN_OK ? 1 : 0);
    ln_sock_info(s, &info);
    if (st == LN_OK)
        assert_int_equal(info.resolve_ms + info.connect_ms, took);
    ln_sock_free(s);
    for (size_t i = 0; i < 4; i++)
        ln_sock_free(listeners[i]);
    networld_close(&world);
}

/* scenario: PIT-32 */
static void test_race(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof race_cases / sizeof race_cases[0]; i++)
        run_race(&race_cases[i]);
}

/* All of them, each once, and the sentence says how many. */
static void test_every_address_is_tried(void **state)
{
    (void)state;
    struct ln_testkit_counters counters;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    networld_name(&world, "server.example",
                  "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 2001:db8::1 2001:db8::2 2001:db8::3");
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_REFUSED);
    assert_non_null(strstr(ln_sock_diag(s)->text,
                           "connect to host server.example port 5683: 7 addresses tried, the last "
                           "one 192.0.2."));
    assert_non_null(strstr(ln_sock_diag(s)->text, " refused"));
    assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_CONNECT);
    ln_testkit_counters(world.kit, world.device_host, world.server_host, &counters);
    assert_int_equal(counters.refused, 7);
    ln_sock_close(s);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_REFUSED);
    assert_string_equal(ln_sock_diag(s)->text,
                        "connect to host 192.0.2.1 port 5683: 192.0.2.1 refused");
    ln_sock_free(s);
}

static void test_sixteen_addresses_at_most(void **state)
{
    (void)state;
    char zone[512] = "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4";
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    for (int i = 1; i <= 12; i++) {
        size_t len = strlen(zone);
        (void)snprintf(zone + len, sizeof zone - len, " 198.51.100.%d", i);
    }
    networld_name(&world, "server.example", zone);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_TIMEOUT);
    assert_non_null(strstr(ln_sock_diag(s)->text, "16 addresses tried"));
    assert_non_null(strstr(ln_sock_diag(s)->text, "did not answer"));
    ln_sock_free(s);
}

/* Each moment of the race can be the last: nothing stays open. */
static void test_close_in_the_middle(void **state)
{
    (void)state;
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1 2001:db8::2");
    networld_answers(&world, "server.example", 10, 30);
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_SILENT);
    networld_route(&world, "2001:db8::1", LN_TESTKIT_ROUTE_SILENT);
    networld_route(&world, "2001:db8::2", LN_TESTKIT_ROUTE_SILENT);
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    for (int steps = 0; steps < 7; steps++) {
        assert_int_equal(ln_sock_connect(s, "server.example", 1, networld_now(&world)), LN_AGAIN);
        for (int i = 0; i < steps; i++) {
            struct ln_interest want;
            ln_sock_interest(s, 0, &want);
            assert_int_equal(world.device.net.ops->wait(world.device.net.ctx, &want, LN_NEVER),
                             LN_OK);
            enum ln_status st = ln_sock_step(s, networld_now(&world));
            assert_int_equal(st, LN_AGAIN);
        }
        ln_sock_close(s);
        assert_int_equal(ln_testkit_open_handles(world.device_host), 0);
    }
    ln_sock_free(s);
}

/* A step that comes late starts one attempt, not a volley. */
static void test_late_steps(void **state)
{
    (void)state;
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2");
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_SILENT);
    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_SILENT);
    networld_route(&world, "2001:db8::1", LN_TESTKIT_ROUTE_SILENT);
    networld_route(&world, "2001:db8::2", LN_TESTKIT_ROUTE_SILENT);
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    assert_int_equal(ln_sock_connect(s, "server.example", 1, networld_now(&world)), LN_AGAIN);
    assert_int_equal(ln_testkit_open_handles(world.device_host), 1);
    ln_testkit_advance(world.kit, 5000);
    assert_int_equal(ln_sock_step(s, networld_now(&world)), LN_AGAIN);
    assert_int_equal(ln_testkit_open_handles(world.device_host), 2);
    assert_int_equal(ln_sock_step(s, networld_now(&world)), LN_AGAIN);
    assert_int_equal(ln_testkit_open_handles(world.device_host), 2);
    ln_sock_free(s);
}

/* A system that connects at once, as some do on the loopback. */
static enum ln_status connect_at_once(void *ctx, ln_handle h, const struct ln_addr *peer,
                                      struct ln_diag *diag)
{
    const struct ln_net_ops *real = world.server.net.ops;
    enum ln_status st = real->connect(ctx, h, peer, diag);
    while (st == LN_AGAIN) {
        ln_testkit_advance(world.kit, 1);
        st = real->finish(ctx, h, diag);
    }
    return st;
}

static void test_connect_at_once(void **state)
{
    (void)state;
    struct ln_env env = world.device;
    struct ln_net_ops ops = *world.device.net.ops;
    ops.connect = connect_at_once;
    env.net.ops = &ops;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "192.0.2.2");
    struct ln_sock *s = networld_sock(&env, LN_TCP, NULL);
    networld_name(&world, "server.example", "192.0.2.2 2001:db8::1 2001:db8::2");
    assert_int_equal(ln_sock_connect(s, "192.0.2.2", NETWORLD_PORT, networld_now(&world)), LN_OK);
    ln_sock_close(s);
    /* the other two refuse at once */
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    assert_string_equal(networld_peer(s), "192.0.2.2:5683");
    assert_int_equal(ln_testkit_open_handles(world.device_host), 1);
    ln_sock_free(s);
    ln_sock_free(listener);
}

/* ---- what is remembered ---- */

static void test_the_same_address_again(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_TCP, NULL), LN_OK);
    char first[LN_ADDR_TEXT_MAX];
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4");
    assert_int_equal(networld_connect(&world, top, "server.example"), LN_OK);
    (void)snprintf(first, sizeof first, "%s", networld_peer(top));
    for (int i = 0; i < 20; i++) {
        ln_sock_close(top);
        assert_int_equal(networld_connect(&world, top, "server.example"), LN_OK);
        assert_string_equal(networld_peer(top), first);
    }
    /* it does not answer any more: the others, after its head start */
    ln_sock_close(top);
    char address[LN_ADDR_TEXT_MAX];
    (void)snprintf(address, sizeof address, "%s", first);
    *strchr(address, ':') = '\0';
    networld_route(&world, address, LN_TESTKIT_ROUTE_SILENT);
    ln_msec start = networld_now(&world);
    assert_int_equal(networld_connect(&world, top, "server.example"), LN_OK);
    assert_int_equal(networld_now(&world) - start, 250);
    assert_true(strcmp(networld_peer(top), first) != 0);
    ln_sock_close(top);
    start = networld_now(&world);
    assert_int_equal(networld_connect(&world, top, "server.example"), LN_OK);
    assert_int_equal(networld_now(&world) - start, 0); /* the new one is the favourite now */
    ln_sock_free(top);
    ln_sock_free(listener);
}

static void test_a_failed_handshake_is_not_remembered(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_TCP, NULL), LN_BAD_PEER);
    unsigned seen = 0;
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4");
    for (int i = 0; i < 40; i++) {
        struct ln_sock_info info;
        assert_int_equal(networld_connect(&world, top, "server.example"), LN_BAD_PEER);
        ln_sock_info(top, &info);
        seen |= 1u << info.peer.ip[3];
        ln_sock_close(top);
    }
    assert_int_equal(seen, 0x1e);
    ln_sock_free(top);
    ln_sock_free(listener);
}

/* ---- listeners ---- */

struct pair {
    struct ln_sock *listener, *client, *server;
};

static struct pair pair_open(const char *host)
{
    struct pair p = { .listener = networld_listener(&world, LN_TCP, ""),
                      .client = networld_sock(&world.device, LN_TCP, NULL),
                      .server = NULL };
    assert_int_equal(networld_connect(&world, p.client, host), LN_OK);
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(p.listener, networld_now(&world), &p.server), LN_OK);
    return p;
}

static void pair_close(struct pair *p)
{
    ln_sock_free(p->listener);
    ln_sock_free(p->client);
    ln_sock_free(p->server);
}

static void test_accept(void **state)
{
    (void)state;
    static const char *const hosts[] = { "192.0.2.1", "2001:db8::1" };
    for (size_t i = 0; i < 2; i++) {
        struct pair p = pair_open(hosts[i]);
        struct ln_sock *more = NULL;
        struct ln_sock_info info;
        ln_sock_info(p.server, &info);
        assert_int_equal(info.state, LN_SOCK_OPEN);
        assert_int_equal(info.role, LN_SERVER);
        assert_int_equal(info.peer.family, i == 0 ? LN_IPV4 : LN_IPV6); /* never mapped */
        assert_int_equal(info.local.port, NETWORLD_PORT);
        assert_int_equal(info.inner_mtu, 0);
        assert_string_equal(networld_peer(p.server), networld_local(p.client));
        assert_int_equal(ln_sock_accept(p.listener, 0, &more), LN_AGAIN);
        networld_say(p.client, "hello");
        networld_settle(&world);
        networld_expect(p.server, "hello");
        pair_close(&p);
    }
}

static void test_accept_without_memory(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *client = networld_sock(&world.device, LN_TCP, NULL);
    struct ln_sock *server = NULL;
    struct ln_testkit_fault fault = { .times = 1 };
    assert_int_equal(networld_connect(&world, client, "192.0.2.1"), LN_OK);
    networld_settle(&world);
    ln_testkit_fail(world.server_host, LN_TESTKIT_ALLOC, &fault);
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_NO_MEMORY);
    assert_null(server);
    assert_int_equal(listener->state, LN_SOCK_BOUND);
    assert_int_equal(ln_testkit_open_handles(world.server_host), 1);
    ln_sock_free(client);
    ln_sock_free(listener);
}

/* No descriptor left, while a client waits: the loop that serves others too is not kept busy. */
static void test_accept_that_fails_for_long(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *client = networld_sock(&world.device, LN_TCP, NULL);
    assert_int_equal(networld_connect(&world, client, "192.0.2.1"), LN_OK);
    networld_say(client, "hello");
    networld_settle(&world);
    struct ln_sock *server = networld_accept_at_last(&world, listener);
    networld_expect(server, "hello");
    ln_sock_free(server);
    ln_sock_free(client);
    ln_sock_free(listener);
}

static void test_a_listener_does_not_connect(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    size_t n;
    assert_int_equal(networld_connect(&world, listener, "192.0.2.1"), LN_BAD_STATE);
    assert_int_equal(ln_sock_recv_from(listener, ln_mspan(NULL, 0), &n, NULL), LN_UNSUPPORTED);
    assert_int_equal(listener->state, LN_SOCK_BOUND);
    ln_sock_free(listener);
}

/* ---- streams ---- */

static void receive_all(struct ln_sock *s, uint8_t *room, size_t len)
{
    size_t done = 0;
    for (int i = 0; i < 100000 && done < len; i++) {
        size_t got = 0;
        enum ln_status st = ln_sock_recv(s, ln_mspan(room + done, len - done), &got);
        assert_true(st == LN_OK || st == LN_AGAIN);
        done += got;
        if (st == LN_AGAIN)
            ln_testkit_advance(world.kit, 1);
    }
    assert_int_equal(done, len);
}

/* scenario: S41 */
static void test_bytes_arrive_in_order_whatever_the_pieces(void **state)
{
    (void)state;
    static const struct ln_testkit_chunks chunks[] = {
        { 0, 0, false }, { 1, 1, false }, { 7, 100, true }, { 1000, 3, true }
    };
    uint8_t sent[3000];
    uint8_t got[sizeof sent];
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (uint8_t)(i * 7 + i / 256);
    struct pair p = pair_open("192.0.2.1");
    for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
        size_t done = 0;
        ln_testkit_host_chunks(world.device_host, &chunks[c]);
        ln_testkit_host_chunks(world.server_host, &chunks[c]);
        while (done < sizeof sent) {
            size_t n = 0;
            enum ln_status st =
                ln_sock_send(p.client, ln_span(sent + done, sizeof sent - done), &n);
            assert_true(st == LN_AGAIN || (st == LN_OK && n > 0)); /* some of it, never nothing */
            done += n;
        }
        memset(got, 0, sizeof got);
        receive_all(p.server, got, sizeof got);
        assert_memory_equal(sent, got, sizeof sent);
    }
    struct ln_sock_info info;
    ln_sock_info(p.client, &info);
    assert_int_equal(info.app_sent, 4 * sizeof sent); /* counted once, whatever the pieces */
    pair_close(&p);
}

static void test_end_of_stream(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    uint8_t room[16];
    size_t got = 9;
    networld_say(p.server, "last words");
    networld_settle(&world);
    assert_int_equal(ln_sock_shutdown(p.server, 0), LN_OK);
    networld_settle(&world);
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK);
    networld_expect(p.client, "last words");
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK); /* asked: the end */
    for (int i = 0; i < 3; i++) {
        got = 9;
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_OK);
        assert_int_equal(got, 0);
        assert_int_equal(p.client->state, LN_SOCK_OPEN);
    }
    assert_string_equal(networld_peer(p.server), networld_local(p.client)); /* SHUT, but there */
    pair_close(&p);
}

static void test_reset(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    uint8_t room[16];
    size_t got;
    (void)ln_testkit_reset_streams(world.kit, world.device_host, world.server_host);
    networld_settle(&world);
    enum ln_status st = ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got);
    assert_true(st == LN_CLOSED || st == LN_REFUSED); /* as the port has it */
    assert_int_equal(p.client->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_diag(p.client)->category, LN_CAT_RESET);
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_BAD_STATE);
    ln_sock_close(p.client);
    assert_int_equal(networld_connect(&world, p.client, "192.0.2.1"), LN_OK); /* the same object */
    pair_close(&p);
}

static void test_nothing_is_no_data(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    size_t n = 4;
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &n), LN_AGAIN);
    assert_int_equal(ln_sock_send(p.client, ln_span(NULL, 0), &n), LN_OK);
    networld_settle(&world);
    networld_expect(p.server, NULL);
    pair_close(&p);
}

/* An interest that is obeyed leads to the end: no busy waiting, no sleeping through. */
static void test_interest_of_an_open_stream(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    struct ln_interest want;
    ln_sock_interest(p.client, LN_WANT_READ | LN_WANT_WRITE, &want);
    assert_int_equal(want.count, 1);
    assert_int_equal(want.wait[0].events, LN_WANT_READ | LN_WANT_WRITE);
    assert_int_equal(want.deadline, LN_NEVER);
    assert_false(want.ready);
    ln_sock_interest(p.client, 0, &want);
    assert_int_equal(want.count, 0);
    pair_close(&p);
}

/* ---- whatever fails ---- */

static enum ln_status step_both(struct ln_testkit_trial *trial, struct ln_sock *client,
                                struct ln_sock *listener, struct ln_sock **server)
{
    enum ln_status st = LN_AGAIN;
    for (int i = 0; i < 200 && (st == LN_AGAIN || *server == NULL); i++) {
        ln_testkit_advance(trial->kit, 100);
        if (st == LN_AGAIN)
            st = ln_sock_step(client, ln_testkit_now(trial->kit));
        if (st != LN_OK && st != LN_AGAIN)
            return st;
        if (*server == NULL) {
            enum ln_status accepted = ln_sock_accept(listener, ln_testkit_now(trial->kit), server);
            if (accepted != LN_OK && accepted != LN_AGAIN)
                return accepted;
        }
    }
    return st;
}

static enum ln_status exchange(struct ln_testkit_trial *trial, struct ln_sock *client,
                               struct ln_sock *server)
{
    uint8_t room[16];
    size_t n = 0;
    enum ln_status st = ln_sock_send(client, ln_span_str("hello"), &n);
    ln_testkit_advance(trial->kit, 10);
    if (st == LN_OK)
        st = ln_sock_recv(server, ln_mspan(room, sizeof room), &n);
    if (st == LN_OK)
        st = ln_sock_shutdown(server, ln_testkit_now(trial->kit));
    ln_testkit_advance(trial->kit, 10);
    if (st == LN_OK)
        st = ln_sock_recv(client, ln_mspan(room, sizeof room), &n);
    return st == LN_OK && n != 0 ? LN_INTERNAL : st;
}

static enum ln_testkit_verdict life(void *user, struct ln_testkit_trial *trial)
{
    struct ln_env env;
    struct ln_diag diag;
    struct ln_sock *listener = NULL, *client = NULL, *server = NULL;
    struct ln_sock_options options = { .reuse_addr = true, .interface_name = "mem0" };
    struct ln_addr local = { .port = NETWORLD_PORT };
    (void)user;
    ln_testkit_env(trial->device, &env);
    ln_diag_clear(&diag);
    if (ln_testkit_name(trial->kit, "self.example",
                        "192.0.2.10 2001:db8::10 198.51.100.1 2001:db8:1::1") != LN_OK)
        return ln_testkit_broken(trial, "no zone");
    trial->phase = "new";
    enum ln_status st = ln_sock_new(&env, LN_TCP, &options, NULL, &diag, &listener);
    if (st == LN_OK)
        st = ln_sock_new(&env, LN_TCP, NULL, NULL, &diag, &client);
    trial->phase = "bind";
    if (st == LN_OK)
        st = ln_sock_bind(listener, &local);
    for (int i = 0; i < 2 && st == LN_OK; i++) {
        trial->phase = "connect";
        st = ln_sock_connect(client, "self.example", NETWORLD_PORT, ln_testkit_now(trial->kit));
        if (st == LN_AGAIN || st == LN_OK)
            st = step_both(trial, client, listener, &server);
        trial->phase = "exchange";
        if (st == LN_OK)
            st = exchange(trial, client, server);
        ln_sock_close(client);
        ln_sock_free(server);
        server = NULL;
    }
    if (st == LN_AGAIN)
        st = LN_TIMEOUT;
    if (st != LN_OK)
        (void)ln_testkit_failed(trial, st, NULL);
    bool tolerated = ln_testkit_hits(trial->device, LN_TESTKIT_ALLOC) > 0;
    ln_sock_free(client);
    ln_sock_free(listener);
    if (st != LN_OK)
        return LN_TESTKIT_FAILED;
    return tolerated ? LN_TESTKIT_TOLERATED : LN_TESTKIT_COMPLETED;
}

static void sweep(enum ln_testkit_point point)
{
    struct ln_testkit_sweep s = { .scenario = life, .seed = 5, .may_complete = true };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_fault(point, &s, &report))
        fail_msg("fault %zu, %s, %s: %s", report.n, report.sticky ? "sticky" : "once", report.phase,
                 report.text);
    assert_true(report.whole);
    assert_true(report.failed > 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_ALLOC);
}

static void test_network_faults(void **state)
{
    (void)state;
    sweep(LN_TESTKIT_NET);
}

static void test_memory_of_a_socket(void **state)
{
    (void)state;
    struct ln_testkit_memory memory;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    ln_testkit_memory(world.device_host, &memory);
    assert_int_equal(memory.live_blocks, 2); /* the socket and the host name: no race is left */
    assert_true(memory.live_bytes - sizeof(struct ln_diag) < 600);
    ln_sock_free(s);
    ln_sock_free(listener);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race),
        WITH_WORLD(test_every_address_is_tried),
        WITH_WORLD(test_sixteen_addresses_at_most),
        WITH_WORLD(test_close_in_the_middle),
        WITH_WORLD(test_late_steps),
        WITH_WORLD(test_connect_at_once),
        WITH_WORLD(test_the_same_address_again),
        WITH_WORLD(test_a_failed_handshake_is_not_remembered),
        WITH_WORLD(test_accept),
        WITH_WORLD(test_accept_without_memory),
        WITH_WORLD(test_accept_that_fails_for_long),
        WITH_WORLD(test_a_listener_does_not_connect),
        WITH_WORLD(test_bytes_arrive_in_order_whatever_the_pieces),
        WITH_WORLD(test_end_of_stream),
        WITH_WORLD(test_reset),
        WITH_WORLD(test_nothing_is_no_data),
        WITH_WORLD(test_interest_of_an_open_stream),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_network_faults),
        WITH_WORLD(test_memory_of_a_socket),
    };
    return cmocka_run_group_tests_name("net/tcp", tests, NULL, NULL);
}
