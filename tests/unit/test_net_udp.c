/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_net_udp.c
 * UDP sockets, and what they share with TCP (src/net/udp.c, ip.c, candidates.c), in virtual time.
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

/* ---- options ---- */

struct option_case {
    const char *field; /* that the diagnosis names; NULL = it is valid */
    struct ln_sock_options options;
};

static const struct option_case option_cases[] = {
    { NULL, { .dscp = 63 } },
    { "dscp", { .dscp = 64 } },
    { NULL, { .priority = 7 } },
    { "priority", { .priority = 8 } },
    { NULL, { .family = LN_IPV4 } },
    { NULL, { .family = LN_IPV6 } },
    { "family", { .family = (enum ln_family)5 } },
    { NULL, { .preferred_family = LN_IPV4 } },
    { "preferred_family", { .preferred_family = (enum ln_family)7 } },
    { NULL, { .mtu = 68 } },
    { NULL, { .mtu = 65535 } },
    { "mtu", { .mtu = 67 } },
    { "mtu", { .mtu = 1 } },
    { NULL, { .interface_name = "" } },
    { NULL, { .interface_name = "123456789012345" } },
    { "interface_name", { .interface_name = "1234567890123456" } },
    { NULL,
      { .resolve_timeout_ms = UINT32_MAX,
        .connect_timeout_ms = UINT32_MAX,
        .race_delay_ms = UINT32_MAX } },
    { NULL, { .preferred = { .family = LN_IPV6 } } },
    { "preferred", { .preferred = { .family = 9 } } },
};

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof option_cases / sizeof option_cases[0]; i++) {
        const struct option_case *c = &option_cases[i];
        for (int kind = LN_UDP; kind <= LN_TCP; kind++) {
            struct ln_sock *s = NULL;
            struct ln_diag diag;
            enum ln_status st =
                ln_sock_new(&world.device, (enum ln_sock_kind)kind, &c->options, NULL, &diag, &s);
            assert_int_equal(st, c->field == NULL ? LN_OK : LN_BAD_ARG);
            if (c->field != NULL) {
                assert_null(s);
                assert_non_null(strstr(diag.text, c->field));
                assert_int_equal(diag.category, LN_CAT_CONFIGURATION);
            }
            ln_sock_free(s);
        }
    }
}

static void test_arguments_of_new(void **state)
{
    (void)state;
    struct ln_sock *s = NULL;
    struct ln_sock *kept = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *out = kept;
    struct ln_diag diag;
    assert_int_equal(ln_sock_new(&world.device, (enum ln_sock_kind)9, NULL, NULL, &diag, &s),
                     LN_BAD_ARG);
    assert_int_equal(ln_sock_new(&world.device, LN_UDP, NULL, NULL, &diag, &out), LN_BAD_ARG);
    assert_ptr_equal(out, kept);
    assert_int_equal(ln_sock_new(&world.device, LN_DTLS, NULL, NULL, &diag, &s), LN_BAD_ARG);
    assert_non_null(strstr(diag.text, "tls"));
    assert_int_equal(ln_sock_new(&world.device, LN_TLS, NULL, NULL, NULL, &s), LN_BAD_ARG);
    struct ln_env deaf = world.device;
    deaf.net.ops = NULL;
    assert_int_equal(ln_sock_new(&deaf, LN_UDP, NULL, NULL, &diag, &s), LN_UNSUPPORTED);
    assert_null(s);
    ln_sock_free(kept);
}

/* The interface's name is a copy, and reaches the system. */
static void test_interface(void **state)
{
    (void)state;
    char name[] = "mem0";
    struct ln_sock_options options = { .interface_name = name };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    memset(name, 'x', sizeof name - 1);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    ln_sock_free(s);
    options.interface_name = "eth7";
    s = networld_sock(&world.device, LN_UDP, &options);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_NOT_FOUND);
    ln_sock_free(s);
}

/* ---- connect ---- */

static void test_connect_to_a_literal(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *peer;
        const char *local;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1:5683", "192.0.2.10:" },
        { "2001:db8::1", "[2001:db8::1]:5683", "[2001:db8::10]:" },
        { "[2001:db8::1]", "[2001:db8::1]:5683", "[2001:db8::10]:" },
        { "::ffff:192.0.2.1", "192.0.2.1:5683", "192.0.2.10:" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
        struct ln_sock_info info;
        assert_int_equal(ln_sock_connect(s, cases[i].host, NETWORLD_PORT, 0), LN_OK);
        assert_string_equal(networld_peer(s), cases[i].peer);
        assert_non_null(strstr(networld_local(s), cases[i].local));
        ln_sock_info(s, &info);
        assert_string_equal(info.host, cases[i].host);
        assert_int_equal(info.role, LN_CLIENT);
        ln_sock_close(s);
        ln_sock_info(s, &info);
        assert_string_equal(info.host, "");
        assert_int_equal(info.peer.family, LN_FAMILY_ANY);
        assert_int_equal(info.local.family, LN_FAMILY_ANY);
        ln_sock_free(s);
    }
}

static void test_literal_of_the_wrong_family(void **state)
{
    (void)state;
    struct ln_sock_options options = { .family = LN_IPV6 };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_NOT_FOUND);
    assert_int_equal(s->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_CONFIGURATION);
    assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_RESOLVE);
    ln_sock_free(s);
}

static void test_without_resolver(void **state)
{
    (void)state;
    struct ln_env env = world.device;
    env.resolver.ops = NULL;
    struct ln_sock *s = networld_sock(&env, LN_UDP, NULL);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_UNSUPPORTED);
    ln_sock_close(s);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    ln_sock_free(s);
}

/* ---- which address ---- */

struct order_case {
    const char *what;
    struct ln_sock_options options;
    uint32_t v4_ms, v6_ms; /* delay of the answers; UINT32_MAX = never */
    const char *peer;
    ln_msec resolve_ms;
};

static const struct order_case order_cases[] = {
    { "IPv6 is preferred", { .dscp = 0 }, 0, 0, "[2001:db8::1]:5683", 0 },
    { "IPv4 is preferred", { .preferred_family = LN_IPV4 }, 0, 0, "192.0.2.1:5683", 0 },
    { "IPv4 only", { .family = LN_IPV4 }, 0, 0, "192.0.2.1:5683", 0 },
    { "IPv6 only", { .family = LN_IPV6 }, 0, 0, "[2001:db8::1]:5683", 0 },
    { "hard beats soft",
      { .family = LN_IPV4, .preferred_family = LN_IPV6 },
      0,
      0,
      "192.0.2.1:5683",
      0 },
    { "the preferred answer needs no other", { .dscp = 0 }, 5000, 20, "[2001:db8::1]:5683", 20 },
    { "AAAA is late, but within the resolution delay",
      { .dscp = 0 },
      10,
      40,
      "[2001:db8::1]:5683",
      40 },
    { "AAAA comes with the end of the delay", { .dscp = 0 }, 10, 60, "[2001:db8::1]:5683", 60 },
    { "AAAA is too late", { .dscp = 0 }, 10, 61, "192.0.2.1:5683", 60 },
    { "AAAA never comes", { .dscp = 0 }, 10, UINT32_MAX, "192.0.2.1:5683", 60 },
    { "A never comes", { .dscp = 0 }, UINT32_MAX, 10, "[2001:db8::1]:5683", 10 },
    { "A is preferred and late", { .preferred_family = LN_IPV4 }, 30, 0, "192.0.2.1:5683", 30 },
    { "A is preferred and too late",
      { .preferred_family = LN_IPV4 },
      80,
      0,
      "[2001:db8::1]:5683",
      50 },
    { "one family is not waited for the other",
      { .family = LN_IPV4 },
      10,
      0,
      "192.0.2.1:5683",
      10 },
    { "a favourite is worth the delay",
      { .preferred = { .family = LN_IPV4, .port = 0, .ip = { 192, 0, 2, 1 } } },
      30,
      0,
      "192.0.2.1:5683",
      30 },
    { "but not more than the delay",
      { .preferred = { .family = LN_IPV4, .port = 0, .ip = { 192, 0, 2, 1 } } },
      70,
      0,
      "[2001:db8::1]:5683",
      50 },
    { "a favourite that is here needs no other",
      { .preferred = { .family = LN_IPV4, .ip = { 192, 0, 2, 1 } } },
      10,
      30,
      "192.0.2.1:5683",
      10 },
    { "a favourite of another port is none",
      { .preferred = { .family = LN_IPV4, .port = 1, .ip = { 192, 0, 2, 1 } } },
      0,
      0,
      "[2001:db8::1]:5683",
      0 },
};

static void test_which_family(void **state)
{
    (void)state;
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    for (size_t i = 0; i < sizeof order_cases / sizeof order_cases[0]; i++) {
        const struct order_case *c = &order_cases[i];
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, &c->options);
        struct ln_sock_info info;
        networld_answers(&world, "server.example", c->v4_ms, c->v6_ms);
        if (networld_connect(&world, s, "server.example") != LN_OK)
            fail_msg("%s: %s", c->what, ln_sock_diag(s)->text);
        if (strcmp(networld_peer(s), c->peer) != 0)
            fail_msg("%s: %s", c->what, networld_peer(s));
        ln_sock_info(s, &info);
        if (info.resolve_ms != c->resolve_ms)
            fail_msg("%s: %lld ms", c->what, (long long)info.resolve_ms);
        ln_sock_free(s);
    }
}

/* What the name servers say, and what comes of it. */
struct dns_case {
    const char *what;
    struct ln_testkit_answer v4, v6;
    enum ln_status status;
    const char *text; /* in the diagnosis */
    ln_msec took_ms;
};

static const struct dns_case dns_cases[] = {
    { "neither exists",
      { .status = LN_NOT_FOUND },
      { .status = LN_NOT_FOUND },
      LN_NOT_FOUND,
      "resolve server.example",
      0 },
    { "only A", { .delay_ms = 5 }, { .status = LN_NOT_FOUND }, LN_OK, NULL, 5 },
    { "only AAAA", { .status = LN_IO }, { .delay_ms = 5 }, LN_OK, NULL, 5 },
    { "AAAA fails, A is late", { .delay_ms = 500 }, { .status = LN_TIMEOUT }, LN_OK, NULL, 500 },
    { "a timeout says more than \"there is none\"",
      { .status = LN_TIMEOUT },
      { .status = LN_NOT_FOUND },
      LN_TIMEOUT,
      "resolve server.example",
      0 },
    { "in both orders",
      { .status = LN_NOT_FOUND },
      { .status = LN_TIMEOUT },
      LN_TIMEOUT,
      "resolve server.example",
      0 },
    { "silence ends after 30 s",
      { .silent = true },
      { .silent = true },
      LN_TIMEOUT,
      "no answer from the name servers within 30000 ms",
      30000 },
    { "half silence, too",
      { .silent = true },
      { .status = LN_NOT_FOUND },
      LN_TIMEOUT,
      "no answer from the name servers",
      30000 },
};

static void test_what_name_servers_say(void **state)
{
    (void)state;
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    for (size_t i = 0; i < sizeof dns_cases / sizeof dns_cases[0]; i++) {
        const struct dns_case *c = &dns_cases[i];
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
        assert_int_equal(ln_testkit_name_answer(world.kit, "server.example", LN_IPV4, &c->v4),
                         LN_OK);
        assert_int_equal(ln_testkit_name_answer(world.kit, "server.example", LN_IPV6, &c->v6),
                         LN_OK);
        ln_msec start = networld_now(&world);
        enum ln_status st = networld_connect(&world, s, "server.example");
        if (st != c->status || networld_now(&world) - start != c->took_ms)
            fail_msg("%s: %s after %lld ms, %s", c->what, ln_status_name(st),
                     (long long)(networld_now(&world) - start), ln_sock_diag(s)->text);
        if (c->text != NULL) {
            assert_int_equal(ln_sock_diag(s)->category, LN_CAT_DNS);
            assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_RESOLVE);
            assert_non_null(strstr(ln_sock_diag(s)->text, c->text));
        }
        ln_sock_free(s);
    }
}

/* scenario: PIT-32 */
static void test_resolve_timeout(void **state)
{
    (void)state;
    struct ln_sock_options options = { .resolve_timeout_ms = 700 };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    networld_name(&world, "server.example", "192.0.2.1");
    networld_answers(&world, "server.example", UINT32_MAX, UINT32_MAX);
    ln_msec start = networld_now(&world);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 700);
    ln_sock_free(s);
}

static void test_close_while_resolving(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    networld_name(&world, "server.example", "192.0.2.1");
    networld_answers(&world, "server.example", UINT32_MAX, UINT32_MAX);
    assert_int_equal(ln_sock_connect(s, "server.example", 1, networld_now(&world)), LN_AGAIN);
    ln_sock_close(s);
    struct ln_testkit_memory memory;
    ln_testkit_memory(world.device_host, &memory);
    assert_int_equal(memory.live_blocks, 1); /* the socket itself */
    ln_sock_free(s);
}

/* Many clients spread over the addresses, in an order that chance decides. */
/* scenario: PIT-32 */
static void test_addresses_are_shuffled(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct networld w;
        networld_open(&w, seed);
        networld_name(&w, "server.example", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4");
        struct ln_sock *s = networld_sock(&w.device, LN_UDP, NULL);
        assert_int_equal(networld_connect(&w, s, "server.example"), LN_OK);
        struct ln_sock_info info;
        ln_sock_info(s, &info);
        seen |= 1u << info.peer.ip[3];
        ln_sock_free(s);
        networld_close(&w);
    }
    assert_int_equal(seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
}

/* Without randomness there is no choice, and no silent first one. */
static void test_no_randomness(void **state)
{
    (void)state;
    struct ln_testkit_fault fault = { .times = LN_TESTKIT_ALWAYS };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2");
    ln_testkit_fail(world.device_host, LN_TESTKIT_RANDOM, &fault);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_IO);
    assert_non_null(strstr(ln_sock_diag(s)->text, "randomness"));
    ln_sock_close(s);
    networld_name(&world, "server.example", "192.0.2.1");
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    ln_sock_free(s);
}

/* An address without a route is passed over; every one gets its turn. */
static void test_every_address_is_tried(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1");
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_NONE);
    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_NONE);
    networld_route(&world, "2001:db8::1", LN_TESTKIT_ROUTE_NONE);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    assert_string_equal(networld_peer(s), "192.0.2.3:5683");
    ln_sock_close(s);
    networld_route(&world, "192.0.2.3", LN_TESTKIT_ROUTE_NONE);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_REFUSED);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_UNREACHABLE);
    assert_non_null(strstr(ln_sock_diag(s)->text,
                           "connect to host server.example port 5683: 4 addresses tried, the last "
                           "one 192.0.2."));
    assert_non_null(strstr(ln_sock_diag(s)->text, " is unreachable"));
    ln_sock_close(s);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_REFUSED);
    assert_string_equal(ln_sock_diag(s)->text,
                        "connect to host 192.0.2.1 port 5683: 192.0.2.1 is unreachable");
    ln_sock_free(s);
}

/* ---- what is remembered ---- */

#define FOUR "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4"

static void test_the_same_address_again(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    char first[LN_ADDR_TEXT_MAX];
    networld_name(&world, "server.example", FOUR);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    (void)snprintf(first, sizeof first, "%s", networld_peer(s));
    for (int i = 0; i < 20; i++) {
        ln_sock_close(s);
        assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
        assert_string_equal(networld_peer(s), first);
    }
    ln_sock_close(s);
    networld_name(&world, "server.example", "2001:db8::4"); /* it is not there any more */
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    assert_string_equal(networld_peer(s), "[2001:db8::4]:5683");
    ln_sock_free(s);
}

static void test_a_favourite_from_the_options(void **state)
{
    (void)state;
    struct ln_sock_options options = { .preferred = { .family = LN_IPV4 } };
    networld_name(&world, "server.example", FOUR " 2001:db8::1");
    for (int i = 1; i <= 4; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "192.0.2.%d", i);
        options.preferred = networld_addr(text, NETWORLD_PORT);
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
        assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
        assert_non_null(strstr(networld_peer(s), text));
        ln_sock_close(s);
        networld_route(&world, text, LN_TESTKIT_ROUTE_NONE); /* others, if it does not work */
        assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
        assert_null(strstr(networld_peer(s), text));
        networld_route(&world, text, LN_TESTKIT_ROUTE_NORMAL);
        ln_sock_free(s);
    }
}

/* How often reconnects after failed handshakes come back to the address of the first one. */
static int reconnects_to_the_same(struct ln_sock *top, enum ln_status handshake)
{
    char first[LN_ADDR_TEXT_MAX];
    int same = 0;
    gate_set(top, handshake);
    assert_int_equal(networld_connect(&world, top, "server.example"), handshake);
    (void)snprintf(first, sizeof first, "%s", networld_peer(top));
    for (int i = 0; i < 30; i++) {
        ln_sock_close(top);
        assert_int_equal(networld_connect(&world, top, "server.example"), handshake);
        same += strcmp(first, networld_peer(top)) == 0 ? 1 : 0;
    }
    ln_sock_close(top);
    return same;
}

/* An address is good when the whole stack has opened over it, not before. */
static void test_only_a_good_address_is_remembered(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_OK);
    networld_name(&world, "server.example", FOUR);
    assert_true(reconnects_to_the_same(top, LN_BAD_PEER) < 25);
    assert_int_equal(reconnects_to_the_same(top, LN_OK), 30);
    assert_true(reconnects_to_the_same(top, LN_BAD_PEER) < 25); /* forgotten by the first failure */
    ln_sock_free(top);
}

static void test_the_same_port_again(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_OK);
    assert_int_equal(networld_connect(&world, top, "192.0.2.1"), LN_OK);
    uint16_t port = networld_local_port(top);
    assert_true(port != 0);
    for (int i = 0; i < 5; i++) {
        ln_sock_close(top);
        assert_int_equal(networld_connect(&world, top, i % 2 ? "192.0.2.2" : "2001:db8::1"), LN_OK);
        assert_int_equal(networld_local_port(top), port);
    }
    /* a failed handshake: something on the path may not like this port */
    ln_sock_close(top);
    gate_set(top, LN_TIMEOUT);
    assert_int_equal(networld_connect(&world, top, "192.0.2.1"), LN_TIMEOUT);
    assert_int_equal(networld_local_port(top), port);
    ln_sock_close(top);
    gate_set(top, LN_OK);
    assert_int_equal(networld_connect(&world, top, "192.0.2.1"), LN_OK);
    assert_true(networld_local_port(top) != port);
    ln_sock_free(top);
}

static void test_fresh_port(void **state)
{
    (void)state;
    struct ln_sock_options options = { .fresh_port = true };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    uint16_t port = networld_local_port(s);
    ln_sock_close(s);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    assert_true(networld_local_port(s) != port);
    ln_sock_free(s);
}

static void test_the_port_was_taken(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *other = networld_sock(&world.device, LN_UDP, NULL);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    struct ln_addr taken = { .port = networld_local_port(s) };
    ln_sock_close(s);
    assert_int_equal(ln_sock_bind(other, &taken), LN_OK);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK); /* any other will do */
    assert_true(networld_local_port(s) != taken.port);
    ln_sock_free(s);
    ln_sock_free(other);
}

/* ---- no answer ---- */

static void test_on_to_the_next_address(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    unsigned seen = 0;
    char last[LN_ADDR_TEXT_MAX] = "";
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2");
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    uint16_t port = networld_local_port(top);
    for (int i = 0; i < 12; i++) {
        struct ln_sock_info info;
        ln_sock_info(top, &info);
        assert_int_equal(info.peer.family, i % 2 ? LN_IPV4 : LN_IPV6); /* families take turns */
        assert_int_equal(info.local.port, port);
        assert_true(strcmp(last, networld_peer(top)) != 0);
        (void)snprintf(last, sizeof last, "%s", networld_peer(top));
        seen |= 1u << (info.peer.family == LN_IPV4 ? info.peer.ip[3] : 8 + info.peer.ip[15]);
        gate_no_answer(top);
        if (i == 3)
            assert_int_equal(seen, 1u << 1 | 1u << 2 | 1u << 9 | 1u << 10);
    }
    gate_set(top, LN_OK);
    assert_int_equal(ln_sock_step(top, networld_now(&world)), LN_OK);
    (void)snprintf(last, sizeof last, "%s", networld_peer(top));
    gate_no_answer(top); /* too late: it is open */
    assert_string_equal(networld_peer(top), last);
    ln_sock_close(top); /* and the one that worked comes first from now on */
    assert_int_equal(networld_connect(&world, top, "server.example"), LN_OK);
    assert_string_equal(networld_peer(top), last);
    ln_sock_free(top);
}

static void test_on_past_unreachable_ones(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2 2001:db8::1");
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    assert_string_equal(networld_peer(top), "[2001:db8::1]:5683");
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_NONE);
    gate_no_answer(top);
    assert_string_equal(networld_peer(top), "192.0.2.2:5683");
    networld_route(&world, "2001:db8::1", LN_TESTKIT_ROUTE_NONE);
    gate_no_answer(top); /* none of the others: it stays */
    assert_string_equal(networld_peer(top), "192.0.2.2:5683");

    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_NONE);
    gate_no_answer(top); /* nothing is left at all */
    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_NORMAL);
    if (gate_send(top, "x") == LN_REFUSED) /* told, and not a failure */
        assert_int_equal(top->below->state, LN_SOCK_OPEN);
    gate_no_answer(top);
    assert_string_equal(networld_peer(top), "192.0.2.2:5683");
    ln_sock_free(top);
}

/* What the user bound is kept over the addresses, or told to be impossible. */
static void test_on_from_a_bound_socket(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    struct ln_sock *other = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_addr local = networld_addr("2001:db8::10", 7777);
    uint8_t room[4];
    size_t got;
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1 2001:db8::2");
    assert_int_equal(ln_sock_bind(top, &local), LN_OK);
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    for (int i = 0; i < 5; i++) { /* there is no way to IPv4 */
        struct ln_sock_info info;
        ln_sock_info(top, &info);
        assert_int_equal(info.peer.family, LN_IPV6);
        assert_string_equal(networld_local(top), "[2001:db8::10]:7777");
        gate_no_answer(top);
    }
    /* no address can be reached, and the port is gone: told at each call, and not the end */
    struct ln_testkit_fault fault = { .times = LN_TESTKIT_ALWAYS };
    ln_testkit_fail(world.device_host, LN_TESTKIT_NET, &fault);
    gate_no_answer(top);
    ln_testkit_fail(world.device_host, LN_TESTKIT_NET, NULL);
    assert_int_equal(ln_sock_bind(other, &local), LN_OK);
    gate_no_answer(top);
    assert_int_equal(gate_send(top, "x"), LN_REFUSED);
    assert_int_equal(ln_below_recv(top, ln_mspan(room, 4), &got), LN_REFUSED);
    assert_int_equal(top->below->state, LN_SOCK_OPEN);
    assert_non_null(strstr(ln_sock_diag(top)->text, "server.example"));
    struct ln_interest want;
    ln_sock_interest(top, LN_WANT_READ, &want);
    assert_true(want.ready); /* no handle could announce it */
    ln_sock_free(other);
    gate_no_answer(top);
    assert_int_equal(gate_send(top, "x"), LN_OK); /* and it goes on when it can */
    ln_sock_free(top);
}

/* Bound and with nobody to talk to, it hears nobody either: not even who knows its address. */
static void test_nowhere_to_go_from_a_bound_socket(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    struct ln_sock *stranger = networld_listener(&world, LN_UDP, "192.0.2.3");
    struct ln_addr local = networld_addr("192.0.2.10", 7777);
    uint8_t room[8];
    size_t got = 0;
    networld_name(&world, "server.example", "192.0.2.1 192.0.2.2");
    assert_int_equal(ln_sock_bind(top, &local), LN_OK);
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_NONE);
    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_NONE);
    gate_no_answer(top);
    assert_int_equal(ln_sock_send_to(stranger, &local, ln_span_str("forged")), LN_OK);
    networld_settle(&world);
    assert_int_equal(ln_below_recv(top, ln_mspan(room, sizeof room), &got), LN_REFUSED);
    assert_int_equal(gate_send(top, "x"), LN_REFUSED);
    assert_non_null(strstr(ln_sock_diag(top)->text, "server.example"));

    networld_route(&world, "192.0.2.2", LN_TESTKIT_ROUTE_NORMAL);
    gate_no_answer(top); /* and it goes on when it can, from where it was bound */
    assert_string_equal(networld_peer(top), "192.0.2.2:5683");
    assert_string_equal(networld_local(top), "192.0.2.10:7777");
    assert_int_equal(gate_send(top, "x"), LN_OK);
    ln_sock_free(stranger);
    ln_sock_free(top);
}

/* Who has one address only stays with it, without a new socket. */
static void test_one_address_only(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    assert_int_equal(ln_sock_connect(top, "192.0.2.1", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    size_t before = ln_testkit_calls(world.device_host, LN_TESTKIT_NET);
    gate_no_answer(top);
    assert_int_equal(ln_testkit_calls(world.device_host, LN_TESTKIT_NET), before);
    ln_sock_free(top);
}

/* Answers of the address that was left do not count for the new one. */
static void test_the_address_we_left(void **state)
{
    (void)state;
    struct ln_sock *first = networld_listener(&world, LN_UDP, "2001:db8::1");
    struct ln_sock *second = networld_listener(&world, LN_UDP, "192.0.2.1");
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    struct ln_addr device = networld_addr("2001:db8::10", 0);
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    device.port = networld_local_port(top);
    gate_no_answer(top);
    assert_string_equal(networld_peer(top), "192.0.2.1:5683");
    assert_int_equal(ln_sock_send_to(first, &device, ln_span_str("late")), LN_OK);
    device = networld_addr("192.0.2.10", device.port);
    assert_int_equal(ln_sock_send_to(second, &device, ln_span_str("in time")), LN_OK);
    networld_settle(&world);
    gate_expect(top, "in time");
    gate_expect(top, NULL);
    ln_sock_free(top);
    ln_sock_free(first);
    ln_sock_free(second);
}

/* An answer of a name server that comes while the handshake waits is used. */
static void test_late_names_while_shaking_hands(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    networld_answers(&world, "server.example", 0, 400);
    assert_int_equal(ln_sock_connect(top, "server.example", NETWORLD_PORT, networld_now(&world)),
                     LN_AGAIN);
    ln_testkit_advance(world.kit, 50);
    assert_int_equal(ln_sock_step(top, networld_now(&world)), LN_AGAIN);
    assert_string_equal(networld_peer(top), "192.0.2.1:5683");
    gate_no_answer(top);
    assert_string_equal(networld_peer(top), "192.0.2.1:5683"); /* there is no other yet */
    struct ln_interest want;
    ln_sock_interest(top, 0, &want);
    assert_int_equal(want.deadline, networld_now(&world) + 350); /* but it is waited for */
    ln_testkit_advance(world.kit, 350);
    assert_int_equal(ln_sock_step(top, networld_now(&world)), LN_AGAIN);
    gate_no_answer(top);
    assert_string_equal(networld_peer(top), "[2001:db8::1]:5683");
    ln_sock_free(top);
}

/* ---- connect from BOUND ---- */

static void test_connect_keeps_what_was_bound(void **state)
{
    (void)state;
    static const char *const hosts[] = { "192.0.2.1", "2001:db8::1" };
    static const char *const locals[] = { "192.0.2.10", "2001:db8::10", "0.0.0.0", "::" };
    for (size_t l = 0; l < 4; l++) {
        for (size_t h = 0; h < 2; h++) {
            struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
            struct ln_addr local = networld_addr(locals[l], 7777);
            assert_int_equal(ln_sock_bind(s, &local), LN_OK);
            bool other_family = l < 2 && l != h; /* a specific address of the other family */
            enum ln_status st = networld_connect(&world, s, hosts[h]);
            assert_int_equal(st, other_family ? LN_REFUSED : LN_OK);
            if (other_family)
                assert_int_equal(ln_sock_diag(s)->category, LN_CAT_UNREACHABLE);
            else
                assert_int_equal(networld_local_port(s), 7777);
            ln_sock_close(s);
            assert_int_equal(ln_sock_bind(s, &local), LN_OK); /* nothing holds the port */
            ln_sock_free(s);
        }
    }
}

/* Bound and unconnected, it could be sent anything by anybody. */
static void test_strangers_before_connect(void **state)
{
    (void)state;
    struct ln_sock *server = networld_listener(&world, LN_UDP, "192.0.2.1");
    struct ln_sock *stranger = networld_listener(&world, LN_UDP, "192.0.2.2");
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_addr local = networld_addr("192.0.2.10", 7777);
    uint8_t room[16];
    size_t got = 0;
    assert_int_equal(ln_sock_bind(s, &local), LN_OK);
    assert_int_equal(ln_sock_send_to(stranger, &local, ln_span_str("forged")), LN_OK);
    assert_int_equal(ln_sock_send_to(server, &local, ln_span_str("early")), LN_OK);
    assert_int_equal(ln_sock_send_to(stranger, &local, ln_span_str("forged")), LN_OK);
    networld_settle(&world);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    assert_int_equal(ln_sock_recv(s, ln_mspan(NULL, 0), &got), LN_OK); /* something is there, ... */
    networld_expect(s, "early");
    assert_int_equal(ln_sock_recv(s, ln_mspan(NULL, 0), &got), LN_AGAIN); /* ... and nothing else */
    assert_int_equal(ln_sock_recv(s, ln_mspan(room, sizeof room), &got), LN_AGAIN);
    ln_sock_free(s);
    ln_sock_free(server);
    ln_sock_free(stranger);
}

/* ---- datagrams ---- */

struct pair {
    struct ln_sock *listener, *client, *server;
};

static struct pair pair_open(const char *host)
{
    struct pair p = { .listener = networld_listener(&world, LN_UDP, ""),
                      .client = networld_sock(&world.device, LN_UDP, NULL),
                      .server = NULL };
    assert_int_equal(networld_connect(&world, p.client, host), LN_OK);
    networld_say(p.client, "hello");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(p.listener, networld_now(&world), &p.server), LN_OK);
    networld_expect(p.server, "hello");
    return p;
}

static void pair_close(struct pair *p)
{
    ln_sock_free(p->listener);
    ln_sock_free(p->client);
    ln_sock_free(p->server);
}

/* scenario: S43, PIT-03 */
static void test_truncation(void **state)
{
    (void)state;
    static const struct {
        size_t room;
        enum ln_status status;
        size_t got;
    } cases[] = {
        { 99, LN_NO_SPACE, 99 }, { 100, LN_OK, 100 }, { 101, LN_OK, 100 }, { 1, LN_NO_SPACE, 1 }
    };
    struct pair p = pair_open("192.0.2.1");
    uint8_t data[100];
    uint8_t room[128];
    size_t n;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ln_sock_info info;
        size_t got = 0;
        assert_int_equal(ln_sock_send(p.server, ln_span(data, sizeof data), &n), LN_OK);
        networld_say(p.server, "next");
        networld_settle(&world);
        memset(room, 0xee, sizeof room);
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, cases[i].room), &got),
                         cases[i].status);
        assert_int_equal(got, cases[i].got);
        assert_memory_equal(room, data, got);
        assert_int_equal(room[got], 0xee);
        ln_sock_info(p.client, &info);
        assert_int_equal(info.datagram_len, 100);
        assert_int_equal(info.state, LN_SOCK_OPEN);
        networld_expect(p.client, "next"); /* the rest is gone */
    }
    pair_close(&p);
}

static void test_empty_datagrams(void **state)
{
    (void)state;
    struct pair p = pair_open("2001:db8::1");
    uint8_t room[8];
    size_t n = 7;
    struct ln_sock *sides[2] = { p.client, p.server };
    for (int i = 0; i < 2; i++) {
        struct ln_sock *from = sides[i], *to = sides[1 - i];
        assert_int_equal(ln_sock_recv(to, ln_mspan(room, 8), &n), LN_AGAIN);
        assert_int_equal(ln_sock_send(from, ln_span(NULL, 0), &n), LN_OK);
        assert_int_equal(n, 0);
        networld_say(from, "behind");
        networld_settle(&world);
        assert_int_equal(ln_sock_recv(to, ln_mspan(room, 0), &n), LN_OK); /* asked: yes */
        n = 7;
        assert_int_equal(ln_sock_recv(to, ln_mspan(room, 8), &n), LN_OK);
        assert_int_equal(n, 0);
        networld_expect(to, "behind");
        networld_expect(to, NULL);
    }
    pair_close(&p);
}

static void test_an_empty_datagram_makes_a_client(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_UDP, "192.0.2.1");
    struct ln_sock *client = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *server = NULL;
    assert_int_equal(networld_connect(&world, client, "192.0.2.1"), LN_OK);
    networld_say(client, "");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_OK);
    struct ln_interest want;
    ln_sock_interest(server, LN_WANT_READ, &want);
    assert_true(want.ready); /* no handle will announce it */
    networld_expect(server, "");
    networld_expect(server, NULL);
    ln_sock_interest(server, LN_WANT_READ, &want);
    assert_false(want.ready);
    ln_sock_free(client);
    ln_sock_free(server);
    ln_sock_free(listener);
}

static void test_the_question_with_empty_room(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    size_t got = 3;
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_AGAIN);
    networld_say(p.server, "twelve bytes");
    networld_settle(&world);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK);
        assert_int_equal(got, 0);
    }
    networld_expect(p.client, "twelve bytes");
    struct ln_sock_info info;
    ln_sock_info(p.client, &info);
    assert_int_equal(info.app_received, 12);
    pair_close(&p);
}

static void test_counters_and_info(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    struct ln_sock_info info;
    networld_say(p.server, "four");
    networld_settle(&world);
    networld_expect(p.client, "four");
    ln_sock_info(p.client, &info);
    assert_int_equal(info.app_sent, 5);
    assert_int_equal(info.wire_sent, 5);
    assert_int_equal(info.app_received, 4);
    assert_int_equal(info.wire_received, 4);
    ln_sock_info(p.server, &info);
    assert_int_equal(info.role, LN_SERVER);
    assert_int_equal(info.app_received, 5);
    assert_string_equal(info.host, "");
    assert_string_equal(networld_peer(p.server), networld_local(p.client));
    ln_sock_close(p.client);
    ln_sock_info(p.client, &info);
    assert_int_equal(info.app_sent, 5);
    pair_close(&p);
}

/* ICMP is about one datagram, and not about the socket. */
static void test_icmp(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    uint8_t room[8];
    size_t n;
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    networld_say(s, "anybody?");
    networld_settle(&world);
    assert_int_equal(ln_sock_recv(s, ln_mspan(room, 8), &n), LN_REFUSED);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_PEER_REFUSED);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    struct ln_sock *listener = networld_listener(&world, LN_UDP, "");
    struct ln_sock *server = NULL;
    networld_say(s, "again");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_OK);
    networld_expect(server, "again");
    networld_say(server, "yes");
    networld_settle(&world);
    networld_expect(s, "yes");
    ln_sock_free(s);
    ln_sock_free(server);
    ln_sock_free(listener);
}

static void test_after_shutdown(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    uint8_t room[16];
    size_t n;
    char peer[LN_ADDR_TEXT_MAX];
    (void)snprintf(peer, sizeof peer, "%s", networld_peer(p.client));
    networld_say(p.server, "in the queue");
    networld_settle(&world);
    assert_int_equal(ln_sock_shutdown(p.client, 0), LN_OK);
    assert_int_equal(ln_sock_send(p.client, ln_span("x", 1), &n), LN_BAD_STATE);
    networld_expect(p.client, "in the queue");
    /* the end is not an empty datagram */
    assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &n), LN_CLOSED);
    assert_int_equal(p.client->state, LN_SOCK_SHUT);
    assert_string_equal(networld_peer(p.client), peer);
    assert_true(networld_local_port(p.client) != 0);
    pair_close(&p);
}

/* ---- bound sockets ---- */

static void test_send_to_and_recv_from(void **state)
{
    (void)state;
    struct ln_sock *bound = networld_listener(&world, LN_UDP, ""); /* one wildcard, both families */
    struct ln_sock *other = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_addr from;
    uint8_t room[16];
    size_t n;
    assert_int_equal(ln_sock_bind(other, NULL), LN_OK);
    assert_int_equal(ln_sock_recv_from(bound, ln_mspan(room, 16), &n, &from), LN_AGAIN);
    static const char *const hosts[] = { "192.0.2.1", "2001:db8::1" };
    for (size_t i = 0; i < 2; i++) {
        struct ln_addr to = networld_addr(hosts[i], NETWORLD_PORT);
        assert_int_equal(ln_sock_send_to(other, &to, ln_span_str("question")), LN_OK);
        networld_settle(&world);
        assert_int_equal(ln_sock_recv_from(bound, ln_mspan(room, 4), &n, &from), LN_NO_SPACE);
        assert_int_equal(n, 4);
        assert_int_equal(from.family, i == 0 ? LN_IPV4 : LN_IPV6); /* not IPv4-mapped */
        struct ln_sock_info info;
        ln_sock_info(bound, &info);
        assert_int_equal(info.datagram_len, 8);
        assert_int_equal(ln_sock_send_to(bound, &from, ln_span_str("answer")), LN_OK);
        networld_settle(&world);
        assert_int_equal(ln_sock_recv_from(other, ln_mspan(NULL, 0), &n, &from), LN_OK);
        assert_int_equal(ln_sock_recv_from(other, ln_mspan(room, 16), &n, NULL), LN_OK);
        assert_int_equal(n, 6);
    }
    assert_int_equal(bound->state, LN_SOCK_BOUND);
    ln_sock_free(bound);
    ln_sock_free(other);
}

static void test_recv_from_where_connected(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    struct ln_addr from;
    uint8_t room[16];
    size_t n;
    networld_say(p.server, "hi");
    networld_settle(&world);
    assert_int_equal(ln_sock_recv_from(p.client, ln_mspan(room, 16), &n, &from), LN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(from.port, NETWORLD_PORT);
    pair_close(&p);
}

static void test_bind(void **state)
{
    (void)state;
    struct ln_sock_options v4_only = { .family = LN_IPV4 };
    struct ln_sock *s = networld_sock(&world.server, LN_UDP, &v4_only);
    struct ln_addr local = networld_addr("2001:db8::1", 99);
    assert_int_equal(ln_sock_bind(s, &local), LN_BAD_ARG); /* the options say otherwise */
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
    assert_non_null(strstr(networld_local(s), "0.0.0.0:"));
    ln_sock_close(s);
    local = networld_addr("198.51.100.7", 99);
    assert_true(ln_sock_bind(s, &local) != LN_OK); /* not an address of this machine */
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    local = networld_addr("192.0.2.1", 99);
    assert_int_equal(ln_sock_bind(s, &local), LN_OK);
    struct ln_sock *second = networld_sock(&world.server, LN_UDP, NULL);
    assert_true(ln_sock_bind(second, &local) != LN_OK); /* taken */
    assert_int_equal(second->state, LN_SOCK_CLOSED);
    ln_sock_free(second);
    ln_sock_free(s);
}

/* options.transparent reaches the system: an address that is not ours may be bound. */
static void test_transparent(void **state)
{
    (void)state;
    struct ln_addr foreign = networld_addr("203.0.113.77", 4000);
    for (int transparent = 0; transparent <= 1; transparent++) {
        struct ln_sock_options options = { .transparent = transparent != 0 };
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
        enum ln_status st = ln_sock_bind(s, &foreign);
        if (transparent != 0)
            assert_int_equal(st, LN_OK);
        else
            assert_int_not_equal(st, LN_OK);
        ln_sock_free(s);
    }
}

/* A machine without IPv6. */
static enum ln_status open_ipv4_only(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                                     ln_handle *out)
{
    if (how->family == LN_IPV6)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_UNREACHABLE, LN_PHASE_CONNECT, "no IPv6");
    return world.server.net.ops->open(ctx, how, diag, out);
}

static void test_bind_without_ipv6(void **state)
{
    (void)state;
    struct ln_env env = world.server;
    struct ln_net_ops ops = *world.server.net.ops;
    struct ln_sock_options v6_only = { .family = LN_IPV6 };
    ops.open = open_ipv4_only;
    env.net.ops = &ops;
    struct ln_sock *s = networld_sock(&env, LN_UDP, NULL);
    struct ln_addr any = { .port = 4444 };
    assert_int_equal(ln_sock_bind(s, &any), LN_OK);
    assert_string_equal(networld_local(s), "0.0.0.0:4444");
    assert_int_equal(ln_sock_diag(s)->status, LN_OK);
    ln_sock_free(s);
    s = networld_sock(&env, LN_UDP, &v6_only);
    assert_int_equal(ln_sock_bind(s, &any), LN_UNSUPPORTED);
    ln_sock_free(s);
}

/* ---- accept ---- */

static void accept_two_clients(const char *bound_to, const char *host_a, const char *host_b)
{
    struct ln_sock *listener = networld_listener(&world, LN_UDP, bound_to);
    struct ln_sock *a = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *b = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *for_a = NULL, *for_b = NULL, *more = NULL;
    struct ln_interest before, after;
    assert_int_equal(networld_connect(&world, a, host_a), LN_OK);
    assert_int_equal(networld_connect(&world, b, host_b), LN_OK);
    ln_sock_interest(listener, LN_WANT_READ, &before);
    assert_int_equal(ln_sock_accept(listener, 0, &for_a), LN_AGAIN);
    networld_say(a, "a1");
    networld_say(b, "b1");
    networld_say(a, "a2"); /* before a has a socket of its own: may be lost, never a third client */
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &for_a), LN_OK);
    networld_say(a, "a3");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &for_b), LN_OK);
    while (ln_sock_recv(listener, ln_mspan(NULL, 0), &(size_t) { 0 }) == LN_OK)
        ;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ln_sock_accept(listener, 0, &more), LN_AGAIN);
    networld_say(b, "b2");
    networld_settle(&world);
    networld_expect(for_a, "a1");
    networld_expect(for_a, "a3");
    networld_expect(for_a, NULL);
    networld_expect(for_b, "b1");
    networld_expect(for_b, "b2");
    networld_expect(for_b, NULL);
    networld_say(for_b, "to b");
    networld_say(for_a, "to a");
    networld_settle(&world);
    networld_expect(a, "to a");
    networld_expect(b, "to b");
    ln_sock_interest(listener, LN_WANT_READ, &after);
    assert_int_equal(before.wait[0].handle, after.wait[0].handle); /* event loops may keep it */
    assert_int_equal(listener->state, LN_SOCK_BOUND);

    ln_sock_free(for_a); /* a client that was closed can come again */
    for_a = NULL;
    networld_say(a, "a4");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &for_a), LN_OK);
    networld_expect(for_a, "a4");
    ln_sock_free(for_a);
    ln_sock_free(for_b);
    ln_sock_free(a);
    ln_sock_free(b);
    ln_sock_free(listener);
}

/* scenario: PIT-31 */
static void test_accept_two_clients(void **state)
{
    (void)state;
    accept_two_clients("192.0.2.1", "192.0.2.1", "192.0.2.1");
    accept_two_clients("2001:db8::1", "2001:db8::1", "2001:db8::1");
    accept_two_clients("", "192.0.2.1", "2001:db8::1"); /* one wildcard, both families */
}

static void test_accept_needs_reuse_addr(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_sock(&world.server, LN_UDP, NULL);
    struct ln_sock *client = NULL;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    assert_int_equal(ln_sock_accept(listener, 0, &client), LN_BAD_STATE);
    assert_non_null(strstr(ln_sock_diag(listener)->text, "reuse_addr"));
    assert_int_equal(listener->state, LN_SOCK_BOUND);
    ln_sock_free(listener);
}

/* Whatever fails while a client is made: the listener goes on and its datagram is still there. */
/* scenario: PIT-31 */
static void test_accept_that_fails_loses_nothing(void **state)
{
    (void)state;
    for (int point = LN_TESTKIT_ALLOC; point <= LN_TESTKIT_NET; point++) {
        for (size_t nth = 0;; nth++) {
            struct networld w;
            networld_open(&w, 1);
            struct ln_sock *listener = networld_listener(&w, LN_UDP, "192.0.2.1");
            struct ln_sock *client = networld_sock(&w.device, LN_UDP, NULL);
            struct ln_sock *server = NULL;
            struct ln_testkit_fault fault = { .nth = nth, .times = 1 };
            assert_int_equal(networld_connect(&w, client, "192.0.2.1"), LN_OK);
            networld_say(client, "hello");
            networld_settle(&w);
            ln_testkit_fail(w.server_host, (enum ln_testkit_point)point, &fault);
            enum ln_status st = ln_sock_accept(listener, 0, &server);
            bool reached = ln_testkit_hits(w.server_host, (enum ln_testkit_point)point) > 0;
            assert_true(st == LN_OK || reached);
            assert_int_equal(listener->state, LN_SOCK_BOUND);
            if (st != LN_OK) {
                assert_null(server);
                assert_int_equal(ln_sock_diag(listener)->status, st);
                assert_int_equal(ln_sock_accept(listener, 10, &server), LN_OK);
            }
            networld_expect(server, "hello");
            ln_sock_free(server);
            ln_sock_free(client);
            ln_sock_free(listener);
            networld_close(&w);
            if (!reached)
                break;
        }
    }
}

/* Senders whom nobody can answer: forged addresses, and the port 0, to which a socket connects and is
 * not connected. */
static enum ln_status connect_but_100x(void *ctx, ln_handle h, const struct ln_addr *peer,
                                       struct ln_diag *diag)
{
    static const enum ln_status refusals[] = { LN_REFUSED, LN_DENIED, LN_BAD_ARG, LN_UNSUPPORTED };
    size_t i = (size_t)peer->port - 1000; /* those below are far above */
    if (i < sizeof refusals / sizeof refusals[0])
        return ln_diag_set(diag, refusals[i], LN_CAT_UNREACHABLE, LN_PHASE_CONNECT, "no route");
    return world.server.net.ops->connect(ctx, h, peer, diag);
}

static enum ln_status names_but_1004(void *ctx, ln_handle h, struct ln_addr *local,
                                     struct ln_addr *peer)
{
    enum ln_status st = world.server.net.ops->names(ctx, h, local, peer);
    return st == LN_OK && peer != NULL && peer->port == 1004 ? LN_BAD_STATE : st;
}

static struct ln_sock *client_at(uint16_t port)
{
    struct ln_addr local = networld_addr("192.0.2.10", port);
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    assert_int_equal(ln_sock_bind(s, &local), LN_OK);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    networld_say(s, "hello");
    networld_settle(&world);
    return s;
}

/* One datagram of theirs must not stand in the way of all who come after it. */
static void test_accept_of_senders_that_cannot_be_reached(void **state)
{
    (void)state;
    struct networld w = world;
    struct ln_net_ops ops = *world.server.net.ops;
    ops.connect = connect_but_100x;
    ops.names = names_but_1004;
    w.server.net.ops = &ops;
    struct ln_sock *listener = networld_listener(&w, LN_UDP, "192.0.2.1");
    struct ln_sock *clients[6];
    struct ln_sock *server = NULL;
    for (uint16_t i = 0; i < 6; i++)
        clients[i] = client_at((uint16_t)(1000 + i));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(ln_sock_accept(listener, 0, &server), LN_AGAIN);
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_OK);
    assert_string_equal(networld_peer(server), "192.0.2.10:1005");
    networld_expect(server, "hello");
    ln_sock_free(server);
    ln_sock_free(listener);
    for (size_t i = 0; i < 6; i++)
        ln_sock_free(clients[i]);
}

/* Whom a listener accepted comes anew, and is a client anew: the queue was seen empty in between, by
 * whatever call. */
static void test_a_client_that_comes_again(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_UDP, "192.0.2.1");
    struct ln_sock *first = client_at(1000);
    struct ln_sock *other = client_at(1001);
    struct ln_sock *server = NULL;
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_OK);
    assert_string_equal(networld_peer(server), "192.0.2.10:1000");
    ln_sock_free(server);
    server = NULL;
    struct ln_addr from;
    uint8_t room[8];
    size_t got = 0;
    assert_int_equal(ln_sock_recv_from(listener, ln_mspan(room, sizeof room), &got, &from), LN_OK);
    assert_int_equal(from.port, 1001);
    assert_int_equal(ln_sock_recv_from(listener, ln_mspan(room, sizeof room), &got, &from),
                     LN_AGAIN);
    networld_say(first, "again");
    networld_settle(&world);
    assert_int_equal(ln_sock_accept(listener, 0, &server), LN_OK);
    networld_expect(server, "again");
    ln_sock_free(server);
    ln_sock_free(first);
    ln_sock_free(other);
    ln_sock_free(listener);
}

/* A listener that cannot make a client, while its datagram waits, does not keep a loop busy. */
static void test_accept_that_fails_for_long(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_UDP, "192.0.2.1");
    struct ln_sock *client = networld_sock(&world.device, LN_UDP, NULL);
    assert_int_equal(networld_connect(&world, client, "192.0.2.1"), LN_OK);
    networld_say(client, "hello");
    networld_settle(&world);
    struct ln_sock *server = networld_accept_at_last(&world, listener);
    networld_expect(server, "hello");
    ln_sock_free(server);
    ln_sock_free(client);
    ln_sock_free(listener);
}

/* An accepted socket may be used for something else later: without the server's port. */
static void test_an_accepted_socket_connects(void **state)
{
    (void)state;
    struct pair p = pair_open("192.0.2.1");
    ln_sock_close(p.server);
    assert_int_equal(networld_connect(&world, p.server, "192.0.2.10"), LN_OK);
    assert_true(networld_local_port(p.server) != NETWORLD_PORT);
    struct ln_sock_info info;
    ln_sock_info(p.server, &info);
    assert_int_equal(info.role, LN_CLIENT);
    pair_close(&p);
}

/* ---- MTU ---- */

struct mtu_case {
    const char *what;
    const char *host;
    uint16_t forced;
    uint16_t reported; /* 0 = the system does not know */
    size_t mtu;
    size_t inner_mtu;
};

static const struct mtu_case mtu_cases[] = {
    { "unknown, IPv4", "192.0.2.1", 0, 0, 0, 548 },
    { "unknown, IPv6", "2001:db8::1", 0, 0, 0, 1232 },
    { "Ethernet, IPv4", "192.0.2.1", 0, 1500, 1500, 1472 },
    { "Ethernet, IPv6", "2001:db8::1", 0, 1500, 1500, 1452 },
    { "forced, IPv4", "192.0.2.1", 1000, 1500, 1000, 972 },
    { "forced, IPv6", "2001:db8::1", 1000, 1500, 1000, 952 },
    { "forced above what the system says", "192.0.2.1", 9000, 1500, 9000, 8972 },
    { "forced, the system does not know", "192.0.2.1", 576, 0, 576, 548 },
    { "forced to the least, IPv4", "192.0.2.1", 68, 1500, 68, 40 },
    { "forced to the least, IPv6", "2001:db8::1", 68, 1500, 68, 20 },
    { "forced to the most", "192.0.2.1", 65535, 1500, 65535, 65507 },
    { "a loopback", "192.0.2.1", 0, 65535, 65535, 65507 },
};

static void test_mtu(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mtu_cases / sizeof mtu_cases[0]; i++) {
        const struct mtu_case *c = &mtu_cases[i];
        struct ln_testkit_link link = { .reported_mtu = c->reported };
        struct ln_sock_options options = { .mtu = c->forced };
        struct ln_sock_info info;
        assert_int_equal(ln_testkit_path(world.kit, NULL, NULL, &link), LN_OK);
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
        ln_sock_info(s, &info);
        assert_int_equal(info.mtu, 0); /* not before it is open */
        assert_int_equal(info.inner_mtu, 0);
        assert_int_equal(networld_connect(&world, s, c->host), LN_OK);
        ln_sock_info(s, &info);
        if (info.mtu != c->mtu || info.inner_mtu != c->inner_mtu)
            fail_msg("%s: %zu, %zu", c->what, info.mtu, info.inner_mtu);
        ln_sock_close(s);
        ln_sock_info(s, &info);
        assert_int_equal(info.inner_mtu, 0);
        ln_sock_free(s);
    }
}

static void test_forced_mtu_holds(void **state)
{
    (void)state;
    struct ln_sock_options options = { .mtu = 128 };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    uint8_t data[128] = { 0 };
    size_t n;
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    assert_int_equal(ln_sock_send(s, ln_span(data, 100), &n), LN_OK);
    assert_int_equal(ln_sock_send(s, ln_span(data, 101), &n), LN_NO_SPACE);
    assert_int_equal(n, 0);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    assert_non_null(strstr(ln_sock_diag(s)->text, "101"));
    ln_sock_close(s);
    assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
    struct ln_addr v6 = networld_addr("2001:db8::1", 9);
    assert_int_equal(ln_sock_send_to(s, &v6, ln_span(data, 80)), LN_OK);
    assert_int_equal(ln_sock_send_to(s, &v6, ln_span(data, 81)), LN_NO_SPACE);
    ln_sock_free(s);
}

static void test_datagram_too_long_for_the_system(void **state)
{
    (void)state;
    struct ln_testkit_link link = { .mtu = 500, .refuse_too_big = true };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    uint8_t data[600] = { 0 };
    size_t n;
    assert_int_equal(ln_testkit_path(world.kit, NULL, NULL, &link), LN_OK);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    assert_int_equal(ln_sock_send(s, ln_span(data, sizeof data), &n), LN_NO_SPACE);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    assert_int_equal(ln_sock_send(s, ln_span(data, 472), &n), LN_OK);
    ln_sock_free(s);
}

/* ---- whatever fails ---- */

/* A client's whole life with a name of four addresses, twice, and an accepting server beside it. */
static enum ln_testkit_verdict life(void *user, struct ln_testkit_trial *trial)
{
    struct ln_env env;
    struct ln_sock *s = NULL, *listener = NULL, *client = NULL, *server = NULL;
    struct ln_diag diag;
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    enum ln_status st;
    (void)user;
    ln_testkit_env(trial->device, &env);
    if (ln_testkit_name(trial->kit, "self.example", "192.0.2.10 2001:db8::10 203.0.113.1") != LN_OK)
        return ln_testkit_broken(trial, "no zone");
    struct ln_addr local = { .port = NETWORLD_PORT };
    struct ln_sock_options options = { .reuse_addr = true, .interface_name = "mem0" };
    ln_diag_clear(&diag);
    trial->phase = "new";
    st = ln_sock_new(&env, LN_UDP, &options, NULL, &diag, &listener);
    if (st == LN_OK)
        st = ln_sock_new(&env, LN_UDP, NULL, NULL, &diag, &client);
    if (st != LN_OK) {
        verdict = ln_testkit_failed(trial, st, &diag);
        goto out;
    }
    trial->phase = "bind";
    s = listener;
    st = ln_sock_bind(listener, &local);
    for (int i = 0; i < 2 && st == LN_OK; i++) {
        trial->phase = "connect";
        uint8_t room[16];
        size_t n = 0;
        s = client;
        st = ln_sock_connect(client, "self.example", NETWORLD_PORT, ln_testkit_now(trial->kit));
        while (st == LN_AGAIN) {
            ln_testkit_advance(trial->kit, 10);
            st = ln_sock_step(client, ln_testkit_now(trial->kit));
        }
        trial->phase = "send";
        if (st == LN_OK)
            st = ln_sock_send(client, ln_span_str("hello"), &n);
        trial->phase = "accept";
        if (st == LN_OK) {
            s = listener;
            ln_testkit_advance(trial->kit, 10);
            st = ln_sock_accept(listener, ln_testkit_now(trial->kit), &server);
        }
        trial->phase = "recv";
        if (st == LN_OK) {
            s = server;
            st = ln_sock_recv(server, ln_mspan(room, sizeof room), &n);
        }
        if (st == LN_OK && n != 5)
            verdict = ln_testkit_broken(trial, "%zu bytes came", n);
        ln_sock_close(client);
        if (st == LN_OK) {
            ln_sock_free(server);
            server = NULL;
        }
    }
    if (st == LN_AGAIN)
        verdict = LN_TESTKIT_TOLERATED; /* the network's own fault: nothing came */
    else if (st != LN_OK)
        verdict = ln_testkit_failed(trial, st, ln_sock_diag(s));
    else if (verdict == LN_TESTKIT_COMPLETED &&
             ln_testkit_hits(trial->device, LN_TESTKIT_ALLOC) > 0)
        verdict = LN_TESTKIT_TOLERATED; /* one of two questions could not be asked */
out:
    ln_sock_free(server);
    ln_sock_free(client);
    ln_sock_free(listener);
    return verdict;
}

static struct ln_testkit_report sweep(enum ln_testkit_point point)
{
    struct ln_testkit_sweep s = { .scenario = life, .seed = 5, .may_complete = true };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_fault(point, &s, &report))
        fail_msg("fault %zu, %s, %s: %s", report.n, report.sticky ? "sticky" : "once", report.phase,
                 report.text);
    assert_true(report.whole);
    return report;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_true(sweep(LN_TESTKIT_ALLOC).failed > 0);
}

static void test_network_faults(void **state)
{
    (void)state;
    assert_true(sweep(LN_TESTKIT_NET).failed > 0);
}

static void test_resolver_faults(void **state)
{
    (void)state;
    assert_true(sweep(LN_TESTKIT_RESOLVE).failed > 0);
    assert_true(sweep(LN_TESTKIT_RANDOM).completed > 0); /* only the order of two is lost */
}

static void test_memory_of_a_socket(void **state)
{
    (void)state;
    struct ln_testkit_memory memory;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    networld_name(&world, "server.example", FOUR);
    assert_int_equal(networld_connect(&world, s, "server.example"), LN_OK);
    ln_testkit_memory(world.device_host, &memory);
    assert_int_equal(memory.live_blocks, 2); /* the socket and the host name */
    assert_true(memory.live_bytes - sizeof(struct ln_diag) < 600);
    ln_sock_free(s);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_options),
        WITH_WORLD(test_arguments_of_new),
        WITH_WORLD(test_interface),
        WITH_WORLD(test_connect_to_a_literal),
        WITH_WORLD(test_literal_of_the_wrong_family),
        WITH_WORLD(test_without_resolver),
        WITH_WORLD(test_which_family),
        WITH_WORLD(test_what_name_servers_say),
        WITH_WORLD(test_resolve_timeout),
        WITH_WORLD(test_close_while_resolving),
        cmocka_unit_test(test_addresses_are_shuffled),
        WITH_WORLD(test_no_randomness),
        WITH_WORLD(test_every_address_is_tried),
        WITH_WORLD(test_the_same_address_again),
        WITH_WORLD(test_a_favourite_from_the_options),
        WITH_WORLD(test_only_a_good_address_is_remembered),
        WITH_WORLD(test_the_same_port_again),
        WITH_WORLD(test_fresh_port),
        WITH_WORLD(test_the_port_was_taken),
        WITH_WORLD(test_on_to_the_next_address),
        WITH_WORLD(test_on_past_unreachable_ones),
        WITH_WORLD(test_on_from_a_bound_socket),
        WITH_WORLD(test_nowhere_to_go_from_a_bound_socket),
        WITH_WORLD(test_one_address_only),
        WITH_WORLD(test_the_address_we_left),
        WITH_WORLD(test_late_names_while_shaking_hands),
        WITH_WORLD(test_connect_keeps_what_was_bound),
        WITH_WORLD(test_strangers_before_connect),
        WITH_WORLD(test_truncation),
        WITH_WORLD(test_empty_datagrams),
        WITH_WORLD(test_an_empty_datagram_makes_a_client),
        WITH_WORLD(test_the_question_with_empty_room),
        WITH_WORLD(test_counters_and_info),
        WITH_WORLD(test_icmp),
        WITH_WORLD(test_after_shutdown),
        WITH_WORLD(test_send_to_and_recv_from),
        WITH_WORLD(test_recv_from_where_connected),
        WITH_WORLD(test_bind),
        WITH_WORLD(test_transparent),
        WITH_WORLD(test_bind_without_ipv6),
        WITH_WORLD(test_accept_two_clients),
        WITH_WORLD(test_accept_needs_reuse_addr),
        cmocka_unit_test(test_accept_that_fails_loses_nothing),
        WITH_WORLD(test_accept_of_senders_that_cannot_be_reached),
        WITH_WORLD(test_a_client_that_comes_again),
        WITH_WORLD(test_accept_that_fails_for_long),
        WITH_WORLD(test_an_accepted_socket_connects),
        WITH_WORLD(test_mtu),
        WITH_WORLD(test_forced_mtu_holds),
        WITH_WORLD(test_datagram_too_long_for_the_system),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_network_faults),
        cmocka_unit_test(test_resolver_faults),
        WITH_WORLD(test_memory_of_a_socket),
    };
    return cmocka_run_group_tests_name("net/udp", tests, NULL, NULL);
}
