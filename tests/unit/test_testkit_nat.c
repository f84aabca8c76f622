/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_nat.c
 * Address translation: what the server sees, when it changes, and what becomes of the old port.
 */
#include "testkit_world.h"

enum { PORT = 5684, INSIDE = 40000 };

#define PUBLIC_IP "203.0.113.1"

struct lab {
    struct world w;
    struct ln_testkit_nat *nat;
    ln_handle client, server;
};

static void lab_open(struct lab *lab, uint32_t idle_ms)
{
    world_open(&lab->w, 1);
    EXPECT(LN_OK, ln_testkit_nat_new(lab->w.kit, PUBLIC_IP, idle_ms, &lab->nat));
    ln_testkit_host_behind(lab->w.a, lab->nat);
    lab->client = udp_at(&lab->w.ea, A_IP, INSIDE);
    lab->server = udp_at(&lab->w.eb, B_IP, PORT);
}

/* Send one datagram to the server; the address it comes from. */
static struct ln_addr seen(struct lab *lab)
{
    struct ln_net_got got;
    uint8_t room[10];
    EXPECT(LN_OK, raw_send_to(&lab->w.ea, lab->client, B_IP, PORT, "ping", 4));
    ln_testkit_advance(lab->w.kit, 1);
    EXPECT(LN_OK, raw_recv(&lab->w.eb, lab->server, room, 10, &got));
    return got.from;
}

/* Whether what the server sends to an address reaches the client. */
static bool reached(struct lab *lab, struct ln_addr to)
{
    struct ln_net_got got;
    uint8_t room[10];
    size_t sent = 0;
    EXPECT(LN_OK, lab->w.eb.net.ops->send(lab->w.eb.net.ctx, lab->server, &to, ln_span_str("pong"),
                                          &sent, NULL));
    ln_testkit_advance(lab->w.kit, 1);
    return raw_recv(&lab->w.ea, lab->client, room, 10, &got) == LN_OK;
}

static bool same_ip(const struct ln_addr *addr, const char *ip)
{
    struct ln_addr expected = at(ip, addr->port);
    return ln_addr_equal(addr, &expected);
}

static void the_server_sees_the_public_address(void **state)
{
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    struct ln_addr first = seen(&lab), second = seen(&lab);
    assert_true(same_ip(&first, PUBLIC_IP));
    assert_int_not_equal(first.port, INSIDE);
    assert_true(ln_addr_equal(&first, &second));
    assert_true(reached(&lab, first));
    assert_false(reached(&lab, at(A_IP, INSIDE))); /* the private address is not to be reached */
    assert_false(reached(&lab, at(PUBLIC_IP, 4444)));
    world_close(&lab.w);
}

static void a_rebind_changes_the_port(void **state)
{
    struct ln_testkit_counters before, after;
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    struct ln_addr first = seen(&lab);
    EXPECT(LN_OK, ln_testkit_nat_rebind(lab.nat, NULL));
    ln_testkit_counters(lab.w.kit, lab.w.b, NULL, &before);
    assert_false(reached(&lab, first));
    ln_testkit_counters(lab.w.kit, lab.w.b, NULL, &after);
    assert_int_equal(after.swallowed - before.swallowed, 1);
    struct ln_addr second = seen(&lab);
    assert_true(same_ip(&second, PUBLIC_IP));
    assert_int_not_equal(first.port, second.port);
    assert_true(reached(&lab, second));
    assert_false(reached(&lab, first));
    world_close(&lab.w);
}

static void a_rebind_may_change_the_address(void **state)
{
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    struct ln_addr first = seen(&lab);
    EXPECT(LN_BAD_ARG, ln_testkit_nat_rebind(lab.nat, B_IP));
    assert_true(reached(&lab, first)); /* a failure changed nothing */
    EXPECT(LN_OK, ln_testkit_nat_rebind(lab.nat, "203.0.113.9"));
    struct ln_addr second = seen(&lab);
    assert_true(same_ip(&second, "203.0.113.9"));
    assert_false(reached(&lab, first));
    assert_true(reached(&lab, second));
    world_close(&lab.w);
}

struct idle_case {
    const char *sentence;
    uint32_t idle_ms;
    int64_t silence_ms;
    bool answers; /* during the silence, the server keeps sending */
    bool same_port;
};

static const struct idle_case idle_cases[] = {
    { "within the idle time the port stays", 30000, 29000, false, true },
    { "after it, a new one", 30000, 30000, false, false },
    { "what comes from outside keeps no mapping alive", 30000, 30000, true, false },
    { "0 never forgets", 0, 86400000, false, true },
};

static void idle_mappings_are_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof idle_cases / sizeof idle_cases[0]; i++) {
        const struct idle_case *c = &idle_cases[i];
        struct lab lab;
        lab_open(&lab, c->idle_ms);
        struct ln_addr first = seen(&lab);
        for (int k = 0; k < 10; k++) {
            ln_testkit_advance(lab.w.kit, c->silence_ms / 10 - c->answers);
            if (c->answers)
                (void)reached(&lab, first);
        }
        assert_int_equal(reached(&lab, first), c->same_port);
        struct ln_addr second = seen(&lab);
        if (ln_addr_equal(&first, &second) != c->same_port)
            fail_msg("%s: port %u, then %u", c->sentence, first.port, second.port);
        world_close(&lab.w);
    }
}

static void two_hosts_share_a_nat(void **state)
{
    struct ln_testkit_host *c = NULL;
    struct ln_env ec;
    struct ln_net_got got;
    uint8_t room[10];
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    EXPECT(LN_OK, ln_testkit_host_new(lab.w.kit, "c", "10.0.0.3", &c));
    ln_testkit_host_behind(c, lab.nat);
    ln_testkit_env(c, &ec);
    ln_handle other = udp_at(&ec, "10.0.0.3", INSIDE);
    struct ln_addr first = seen(&lab);
    EXPECT(LN_OK, raw_send_to(&ec, other, B_IP, PORT, "x", 1));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, raw_recv(&lab.w.eb, lab.server, room, 10, &got));
    assert_true(same_ip(&got.from, PUBLIC_IP));
    assert_int_not_equal(got.from.port, first.port);
    /* behind the same NAT they see each other as they are */
    EXPECT(LN_OK, raw_send_to(&ec, other, A_IP, INSIDE, "x", 1));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, raw_recv(&lab.w.ea, lab.client, room, 10, &got));
    assert_true(same_ip(&got.from, "10.0.0.3"));
    world_close(&lab.w);
}

static void the_other_family_passes(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    ln_handle from = udp_at(&lab.w.ea, A_IP6, INSIDE), to = udp_at(&lab.w.eb, B_IP6, PORT);
    EXPECT(LN_OK, raw_send_to(&lab.w.ea, from, B_IP6, PORT, "x", 1));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, raw_recv(&lab.w.eb, to, room, 10, &got));
    assert_true(same_ip(&got.from, A_IP6));
    world_close(&lab.w);
}

static void a_refusal_finds_its_way_in(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    EXPECT(LN_OK, raw_connect(&lab.w.ea, lab.client, B_IP, 9));
    EXPECT(LN_OK, raw_send(&lab.w.ea, lab.client, "x", 1, NULL));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_REFUSED, raw_recv(&lab.w.ea, lab.client, room, 10, &got));
    world_close(&lab.w);
}

static void a_rebind_breaks_streams(void **state)
{
    struct ln_addr peer;
    struct ln_net_got got;
    uint8_t room[10];
    ln_handle server = LN_NO_HANDLE;
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    const struct ln_env *ea = &lab.w.ea, *eb = &lab.w.eb;
    ln_handle listener = raw_bound(eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle client = raw_open(ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(ea, client, B_IP, PORT));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, ea->net.ops->finish(ea->net.ctx, client, NULL));
    EXPECT(LN_OK, eb->net.ops->accept(eb->net.ctx, listener, &server, &peer, NULL));
    assert_true(same_ip(&peer, PUBLIC_IP));
    EXPECT(LN_OK, raw_send(ea, client, "x", 1, NULL));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, raw_read(eb, server, room, 10, &got));
    EXPECT(LN_OK, ln_testkit_nat_rebind(lab.nat, NULL));
    EXPECT(LN_OK, raw_send(eb, server, "y", 1, NULL)); /* swallowed by the NAT */
    ln_testkit_advance(lab.w.kit, 1000);
    EXPECT(LN_AGAIN, raw_read(ea, client, room, 10, &got));
    EXPECT(LN_OK, raw_send(ea, client, "z", 1, NULL)); /* the server does not know that port */
    ln_testkit_advance(lab.w.kit, 1000);
    EXPECT(LN_REFUSED, raw_read(ea, client, room, 10, &got));
    ln_testkit_advance(lab.w.kit, 1000000);
    EXPECT(LN_TIMEOUT, raw_read(eb, server, room, 10, &got)); /* it never hears of it */
    world_close(&lab.w);
}

static void a_connect_outlives_its_mapping(void **state)
{
    struct lab lab;
    (void)state;
    lab_open(&lab, 1500);
    const struct ln_env *ea = &lab.w.ea;
    (void)raw_bound(&lab.w.eb, LN_NET_STREAM, B_IP, PORT);
    const struct ln_testkit_link down = { .down = true };
    EXPECT(LN_OK, ln_testkit_link(lab.w.kit, lab.w.a, lab.w.b, &down));
    ln_handle client = raw_open(ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(ea, client, B_IP, PORT));
    ln_testkit_advance(lab.w.kit, 5000); /* sent at 0, 1, 3 s: the third from another port */
    EXPECT(LN_OK, ln_testkit_link(lab.w.kit, lab.w.a, lab.w.b, NULL));
    ln_testkit_advance(lab.w.kit, 2100);
    EXPECT(LN_OK, ea->net.ops->finish(ea->net.ctx, client, NULL));
    world_close(&lab.w);
}

static void moving_behind_a_nat_breaks_streams(void **state)
{
    struct ln_net_got got;
    uint8_t room[10];
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    const struct ln_env *ea = &lab.w.ea;
    ln_testkit_host_behind(lab.w.a, NULL);
    (void)raw_bound(&lab.w.eb, LN_NET_STREAM, B_IP, PORT);
    ln_handle client = raw_open(ea, LN_NET_STREAM, LN_IPV4);
    EXPECT(LN_AGAIN, raw_connect(ea, client, B_IP, PORT));
    ln_testkit_advance(lab.w.kit, 1);
    EXPECT(LN_OK, raw_send(ea, client, "x", 1, NULL));
    ln_testkit_host_behind(lab.w.a, lab.nat);
    EXPECT(LN_OK, raw_send(ea, client, "x", 1, NULL));
    ln_testkit_advance(lab.w.kit, 100);
    EXPECT(LN_REFUSED, raw_read(ea, client, room, 10, &got));
    world_close(&lab.w);
}

static void nobody_is_translated_too(void **state)
{
    struct lab lab;
    (void)state;
    lab_open(&lab, 0);
    EXPECT(LN_OK, raw_send_to(&lab.w.ea, lab.client, "198.51.100.99", PORT, "x", 1));
    const struct ln_testkit_event *last =
        ln_testkit_event(lab.w.kit, ln_testkit_event_count(lab.w.kit) - 1);
    assert_int_equal(last->what, LN_TESTKIT_SWALLOWED);
    assert_true(same_ip(&last->from, PUBLIC_IP));
    world_close(&lab.w);
}

static void ports_run_round(void **state)
{
    struct lab lab;
    (void)state;
    lab_open(&lab, 100);
    unsigned ports = 0, last = 0;
    for (int i = 0; i < 70000; i++) { /* more than there are ports: idle ones are taken again */
        struct ln_addr from = seen(&lab);
        ports += from.port >= 1024 && from.port != last;
        last = from.port;
        ln_testkit_advance(lab.w.kit, 100);
    }
    assert_int_equal(ports, 70000);
    world_close(&lab.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_sees_the_public_address),
        cmocka_unit_test(a_rebind_changes_the_port),
        cmocka_unit_test(a_rebind_may_change_the_address),
        cmocka_unit_test(idle_mappings_are_forgotten),
        cmocka_unit_test(two_hosts_share_a_nat),
        cmocka_unit_test(the_other_family_passes),
        cmocka_unit_test(a_refusal_finds_its_way_in),
        cmocka_unit_test(a_rebind_breaks_streams),
        cmocka_unit_test(a_connect_outlives_its_mapping),
        cmocka_unit_test(moving_behind_a_nat_breaks_streams),
        cmocka_unit_test(nobody_is_translated_too),
        cmocka_unit_test(ports_run_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
