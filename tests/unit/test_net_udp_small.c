/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/net/udp_small.c, which a small build has in place of udp.c, in virtual time. The other
 * end is a raw socket of the in-memory network. */
#include "support/networld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct networld world;
static ln_handle server;

static const struct ln_net *net(void)
{
    return &world.server.net;
}

static int open_world(void **state)
{
    struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4 };
    struct ln_addr local = networld_addr("192.0.2.1", NETWORLD_PORT);
    (void)state;
    networld_open(&world, 1);
    assert_int_equal(net()->ops->open(net()->ctx, &how, NULL, &server), LN_OK);
    assert_int_equal(net()->ops->bind(net()->ctx, server, LN_NET_DATAGRAM, &local, NULL), LN_OK);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    net()->ops->close(net()->ctx, server);
    networld_close(&world);
    return 0;
}

static void server_hears(const char *text, struct ln_addr *from)
{
    uint8_t room[32];
    struct ln_net_got got;
    networld_settle(&world);
    assert_int_equal(net()->ops->recv(net()->ctx, server, LN_NET_DATAGRAM,
                                      ln_mspan(room, sizeof room), false, &got, NULL),
                     LN_OK);
    assert_int_equal(got.len, strlen(text));
    assert_memory_equal(room, text, got.len);
    *from = got.from;
}

static void server_says(const char *text, const struct ln_addr *to)
{
    size_t sent = 0;
    assert_int_equal(net()->ops->send(net()->ctx, server, to, ln_span_str(text), &sent, NULL),
                     LN_OK);
    networld_settle(&world);
}

static void test_words_both_ways(void **state)
{
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_addr from;
    struct ln_sock_info info;
    uint8_t room[4];
    size_t got = 0;
    (void)state;
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    assert_string_equal(networld_peer(s), "192.0.2.1:5683");
    networld_expect(s, NULL);
    networld_say(s, "hello");
    server_hears("hello", &from);
    server_says("there", &from);
    assert_int_equal(ln_sock_recv(s, ln_mspan(NULL, 0), &got), LN_OK); /* yes, something is there */
    networld_expect(s, "there");

    server_says("longer", &from);
    assert_int_equal(ln_sock_recv(s, ln_mspan(room, sizeof room), &got), LN_NO_SPACE);
    assert_int_equal(got, sizeof room);
    ln_sock_info(s, &info);
    assert_int_equal(info.datagram_len, 6);
    assert_int_equal(info.inner_mtu, 576 - 28);

    ln_sock_close(s); /* and again, by the same object */
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    networld_say(s, "again");
    server_hears("again", &from);
    ln_sock_free(s);
}

static void test_names(void **state)
{
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_addr from;
    (void)state;
    networld_name(&world, "a.example", "2001:db8::2 192.0.2.1");
    networld_answers(&world, "a.example", 200, 100);
    assert_int_equal(networld_connect(&world, s, "a.example"), LN_OK);
    assert_string_equal(networld_peer(s), "192.0.2.1:5683"); /* IPv4, where nothing else is said */
    networld_say(s, "hello");
    server_hears("hello", &from);
    ln_sock_close(s);

    networld_answers(&world, "a.example", UINT32_MAX, UINT32_MAX);
    ln_msec start = networld_now(&world);
    assert_int_equal(networld_connect(&world, s, "a.example"), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 30000);
    ln_sock_close(s);
    assert_int_equal(networld_connect(&world, s, "nobody.example"), LN_NOT_FOUND);
    ln_sock_free(s);

    s = networld_sock(&world.device, LN_UDP, NULL); /* freed while it waits */
    assert_int_equal(ln_sock_connect(s, "a.example", 1, networld_now(&world)), LN_AGAIN);
    ln_sock_free(s);
}

static void test_the_preferred_family(void **state)
{
    struct ln_sock_options options = { .preferred_family = LN_IPV6, .mtu = 1280 };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    struct ln_sock_info info;
    (void)state;
    networld_name(&world, "a.example", "2001:db8::2 192.0.2.1");
    assert_int_equal(networld_connect(&world, s, "a.example"), LN_OK);
    assert_string_equal(networld_peer(s), "[2001:db8::2]:5683");
    ln_sock_info(s, &info);
    assert_int_equal(info.inner_mtu, 1280 - 48);
    ln_sock_free(s);
}

static void test_what_it_does_not_do(void **state)
{
    struct ln_sock_options options = { .mtu = 67 };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *wrong = NULL;
    struct ln_env without = world.device;
    (void)state;
    assert_int_equal(ln_sock_bind(s, NULL), LN_UNSUPPORTED);
    ln_sock_free(s);
    assert_int_equal(ln_sock_new(&world.device, LN_UDP, &options, NULL, NULL, &wrong), LN_BAD_ARG);
    without.net.ops = NULL;
    assert_int_equal(ln_sock_new(&without, LN_UDP, NULL, NULL, NULL, &wrong), LN_UNSUPPORTED);
    without = world.device;
    without.resolver.ops = NULL;
    s = networld_sock(&without, LN_UDP, NULL);
    assert_int_equal(ln_sock_connect(s, "a.example", 1, networld_now(&world)), LN_UNSUPPORTED);
    ln_sock_free(s);
}

/* Options are copied, the name of the interface too: it may be gone when the socket connects. */
static void test_the_interface(void **state)
{
    char name[] = "eth7";
    struct ln_sock_options options = { .interface_name = name };
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, &options);
    struct ln_sock *wrong = NULL;
    (void)state;
    memcpy(name, "mem0", sizeof name);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_NOT_FOUND);
    ln_sock_free(s);
    s = networld_sock(&world.device, LN_UDP, &options);
    memcpy(name, "eth7", sizeof name);
    assert_int_equal(networld_connect(&world, s, "192.0.2.1"), LN_OK);
    ln_sock_free(s);
    options.interface_name = "1234567890123456";
    assert_int_equal(ln_sock_new(&world.device, LN_UDP, &options, NULL, NULL, &wrong), LN_BAD_ARG);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_words_both_ways),      WITH_WORLD(test_names),
        WITH_WORLD(test_the_preferred_family), WITH_WORLD(test_what_it_does_not_do),
        WITH_WORLD(test_the_interface),
    };
    return cmocka_run_group_tests_name("net/udp_small", tests, NULL, NULL);
}
