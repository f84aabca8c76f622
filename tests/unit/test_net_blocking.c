/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_net_blocking.c
 * The calls that wait (src/net/blocking.c), in virtual time: deadlines are met to the millisecond,
 * whatever wakes the wait in between.
 */
#include "support/networld.h"

#include <linnet/blocking.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- a wait that is disturbed ---- */

/* How the device's wait behaves: it comes back after `nap_ms` whether or not anything is ready, and
 * `idle` times without any time having passed. */
struct storm {
    struct ln_net_ops ops;
    const struct ln_net_ops *real;
    ln_msec nap_ms;
    size_t idle;
    size_t waits;
    enum ln_status status; /* LN_OK = as it comes */
};

static struct networld world;
static struct storm storm;

static enum ln_status stormy_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    ln_msec now = networld_now(&world);
    storm.waits++;
    if (storm.status != LN_OK)
        return storm.status;
    if (storm.idle > 0) {
        storm.idle--;
        return LN_OK;
    }
    if (storm.nap_ms > 0 && storm.nap_ms < until - now)
        until = now + storm.nap_ms;
    return storm.real->wait(ctx, want, until);
}

static int open_world(void **state)
{
    (void)state;
    networld_open(&world, 1);
    memset(&storm, 0, sizeof storm);
    storm.real = world.device.net.ops;
    storm.ops = *storm.real;
    storm.ops.wait = stormy_wait;
    world.device.net.ops = &storm.ops;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    networld_close(&world);
    return 0;
}

static ln_msec in(int64_t ms)
{
    return ln_deadline_in(&world.device, ms);
}

/* ---- a server that is served while the client waits ---- */

struct host {
    struct ln_sock *listener;
    struct ln_sock *client;
    bool echo;        /* sends back what comes */
    const char *says; /* sends this, ... */
    ln_msec says_at;  /* ... then */
    size_t received;
};

static void serve_client(struct host *h, ln_msec now)
{
    uint8_t room[512];
    size_t got = 0;
    size_t sent = 0;
    while (ln_sock_recv(h->client, ln_mspan(room, sizeof room), &got) == LN_OK && got > 0) {
        h->received += got;
        if (h->echo)
            assert_int_equal(ln_sock_send(h->client, ln_span(room, got), &sent), LN_OK);
    }
    if (h->says != NULL && now >= h->says_at) {
        networld_say(h->client, h->says);
        h->says = NULL;
    }
}

static ln_msec serve(void *user, ln_msec now)
{
    struct host *h = (struct host *)user;
    if (h->client == NULL && ln_sock_accept(h->listener, now, &h->client) != LN_OK)
        return LN_NEVER;
    if (h->client->state == LN_SOCK_OPEN)
        serve_client(h, now);
    return h->says != NULL ? h->says_at : LN_NEVER;
}

static void host_open(struct host *h, enum ln_sock_kind kind)
{
    memset(h, 0, sizeof *h);
    h->listener = networld_listener(&world, kind, "");
    assert_int_equal(ln_testkit_serve(world.kit, serve, h), LN_OK);
}

static void host_close(struct host *h)
{
    ln_testkit_serve_stop(world.kit, h);
    ln_sock_free(h->client);
    ln_sock_free(h->listener);
}

/* A client that is connected to the host. */
static struct ln_sock *client_of(struct host *h, enum ln_sock_kind kind)
{
    struct ln_sock *s = networld_sock(&world.device, kind, NULL);
    host_open(h, kind);
    if (ln_sock_connect_until(s, "192.0.2.1", NETWORLD_PORT, in(1000)) != LN_OK)
        fail_msg("%s", ln_sock_diag(s)->text);
    if (kind == LN_UDP)
        networld_say(s, "hello");
    networld_settle(&world);
    assert_non_null(h->client);
    h->received = 0;
    return s;
}

/* ---- deadlines ---- */

/* scenario: PIT-05 */
static void test_deadline_in(void **state)
{
    (void)state;
    ln_msec now = networld_now(&world);
    assert_int_equal(in(0), now);
    assert_int_equal(in(-5), now);
    assert_int_equal(in(INT64_MIN), now);
    assert_int_equal(in(30000), now + 30000);
    assert_int_equal(in(INT64_MAX), LN_NEVER);
    assert_int_equal(in(INT64_MAX - 1), LN_NEVER);
}

static const enum ln_sock_kind kinds[] = { LN_UDP, LN_TCP };

/* scenario: S46, PIT-05 */
static void test_receive_times_out(void **state)
{
    (void)state;
    static const ln_msec waits[] = { 0, 1, 200, 86400000, 5000000000 }; /* more than 32 bits, too */
    for (size_t k = 0; k < 2; k++) {
        struct host h;
        struct ln_sock *s = client_of(&h, kinds[k]);
        for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
            uint8_t room[8];
            size_t got = 5;
            ln_msec start = networld_now(&world);
            assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), in(waits[i]), &got),
                             LN_TIMEOUT);
            assert_int_equal(networld_now(&world) - start, waits[i]);
            assert_int_equal(got, 0);
            assert_int_equal(s->state, LN_SOCK_OPEN);
        }
        /* it is as usable as before */
        h.says = "hello";
        h.says_at = networld_now(&world) + 70;
        uint8_t room[8];
        size_t got = 0;
        ln_msec start = networld_now(&world);
        networld_say(s, "x"); /* something has to happen for the host to be called */
        assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), LN_NEVER, &got), LN_OK);
        assert_int_equal(got, 5);
        assert_int_equal(networld_now(&world) - start, 70);
        ln_sock_free(s);
        host_close(&h);
    }
}

/* Signals and spurious wake-ups cost turns and no time. */
/* scenario: S46 */
static void test_deadline_in_a_storm(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = client_of(&h, LN_UDP);
    uint8_t room[8];
    size_t got;
    storm.nap_ms = 1;
    storm.waits = 0;
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), in(500), &got), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 500);
    assert_int_equal(storm.waits, 500);
    storm.nap_ms = 0;
    storm.idle = 10000;
    start = networld_now(&world);
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), in(500), &got), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 500);
    storm.nap_ms = 3;
    storm.idle = 100;
    struct ln_addr from;
    ln_sock_close(s);
    assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
    start = networld_now(&world);
    assert_int_equal(ln_sock_recv_from_until(s, ln_mspan(room, 8), in(100), &got, &from),
                     LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 100);
    ln_sock_free(s);
    host_close(&h);
}

/* A deadline that is past makes one attempt, and no wait. */
static void test_one_attempt(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = client_of(&h, LN_UDP);
    uint8_t room[8];
    size_t got;
    storm.waits = 0;
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), 0, &got), LN_TIMEOUT);
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), in(-1), &got), LN_TIMEOUT);
    networld_say(h.client, "there");
    networld_settle(&world);
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), 0, &got), LN_OK);
    assert_int_equal(got, 5);
    assert_int_equal(ln_sock_send_until(s, ln_span_str("now"), 0, NULL), LN_OK);
    assert_int_equal(storm.waits, 0);
    ln_sock_free(s);
    host_close(&h);
}

/* What always has something to do, and never gets it done, does not outlive the deadline either. */
struct busy {
    struct ln_sock base;
    unsigned calls;
};

static enum ln_status busy_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct busy *b = (struct busy *)s;
    (void)room;
    (void)got;
    return ++b->calls < 1000 ? LN_AGAIN : LN_IO;
}

static void busy_interest(const struct ln_sock *s, struct ln_interest *want)
{
    (void)s;
    want->ready = true;
}

static const struct ln_sock_ops busy_ops = { .name = "busy",
                                             .recv = busy_recv,
                                             .interest = busy_interest };

static void test_the_deadline_of_who_is_always_ready(void **state)
{
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *top = NULL;
    uint8_t room[8];
    size_t got = 0;
    (void)state;
    assert_int_equal(ln_filter_new(&busy_ops, sizeof(struct busy), NULL, s, &top), LN_OK);
    ln_msec now = networld_now(&world);
    assert_int_equal(ln_sock_connect_until(top, "192.0.2.1", NETWORLD_PORT, now + 1000), LN_OK);
    assert_int_equal(ln_sock_recv_until(top, ln_mspan(room, sizeof room), now, &got), LN_TIMEOUT);
    assert_int_equal(((struct busy *)top)->calls, 1);
    ln_sock_free(top);
}

static void test_without_wait(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    struct ln_sock *out = NULL;
    uint8_t room[8];
    size_t got;
    storm.ops.wait = NULL;
    assert_int_equal(ln_sock_connect_until(s, "192.0.2.1", 1, LN_NEVER), LN_UNSUPPORTED);
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    assert_non_null(strstr(ln_sock_diag(s)->text, "wait"));
    assert_int_equal(ln_sock_open_until(s, LN_NEVER), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_accept_until(s, LN_NEVER, &out), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), LN_NEVER, &got), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_recv_from_until(s, ln_mspan(room, 8), LN_NEVER, &got, NULL),
                     LN_UNSUPPORTED);
    assert_int_equal(ln_sock_send_until(s, ln_span_str("x"), LN_NEVER, NULL), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_send_to_until(s, "192.0.2.1", 1, ln_span_str("x"), LN_NEVER),
                     LN_UNSUPPORTED);
    ln_sock_free(s);
}

/* scenario: PIT-05 */
static void test_a_wait_that_fails(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = client_of(&h, LN_UDP);
    uint8_t room[8];
    size_t got;
    storm.status = LN_IO;
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 8), LN_NEVER, &got), LN_IO);
    ln_sock_free(s);
    host_close(&h);
}

/* ---- connect ---- */

static void test_connect(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    host_open(&h, LN_TCP);
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    networld_answers(&world, "server.example", 20, 10);
    networld_route(&world, "2001:db8::1", LN_TESTKIT_ROUTE_SILENT);
    networld_delay(&world, 5);
    storm.nap_ms = 2;
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_connect_until(s, "server.example", NETWORLD_PORT, in(1000)), LN_OK);
    assert_int_equal(networld_now(&world) - start, 10 + 250 + 10);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    assert_int_equal(ln_sock_connect_until(s, "server.example", 1, in(1000)), LN_BAD_STATE);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    ln_sock_free(s);
    host_close(&h);
}

static void test_connect_times_out(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_SILENT);
    for (int i = 0; i < 3; i++) {
        ln_msec start = networld_now(&world);
        assert_int_equal(ln_sock_connect_until(s, "192.0.2.1", NETWORLD_PORT, in(333)), LN_TIMEOUT);
        assert_int_equal(networld_now(&world) - start, 333);
        assert_int_equal(s->state, LN_SOCK_CLOSED); /* ready for the next time */
        assert_int_equal(ln_sock_diag(s)->status, LN_TIMEOUT);
        assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_CONNECT);
        assert_non_null(strstr(ln_sock_diag(s)->text, "192.0.2.1"));
        assert_int_equal(ln_testkit_open_handles(world.device_host), 0);
    }
    /* the socket's own limit: LN_TIMEOUT as well, and CLOSED as well */
    assert_int_equal(ln_sock_connect_until(s, "192.0.2.1", NETWORLD_PORT, LN_NEVER), LN_TIMEOUT);
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    assert_string_equal(ln_sock_diag(s)->text,
                        "connect to host 192.0.2.1 port 5683: 192.0.2.1 did not answer");
    ln_sock_free(s);
}

/* What was missing when the caller's time was up. */
static void test_what_was_missing(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    networld_name(&world, "server.example", "192.0.2.1 2001:db8::1");
    networld_answers(&world, "server.example", UINT32_MAX, UINT32_MAX);
    assert_int_equal(ln_sock_connect_until(s, "server.example", NETWORLD_PORT, in(100)),
                     LN_TIMEOUT);
    assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_RESOLVE);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_DNS);
    networld_answers(&world, "server.example", 0, 0);
    networld_route(&world, "192.0.2.1", LN_TESTKIT_ROUTE_SILENT); /* the other one refuses */
    assert_int_equal(ln_sock_connect_until(s, "server.example", NETWORLD_PORT, in(400)),
                     LN_TIMEOUT);
    assert_int_equal(ln_sock_diag(s)->phase, LN_PHASE_CONNECT);
    assert_string_equal(ln_sock_diag(s)->text,
                        "connect to host server.example port 5683: of 2 addresses 1 failed, and "
                        "none answered in the time that was given");
    ln_sock_free(s);
}

static void test_connect_fails(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    assert_int_equal(ln_sock_connect_until(s, "192.0.2.1", NETWORLD_PORT, in(1000)), LN_REFUSED);
    assert_int_equal(s->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_connect_until(s, "", NETWORLD_PORT, in(1000)), LN_BAD_STATE);
    ln_sock_close(s);
    assert_int_equal(ln_sock_connect_until(s, "", NETWORLD_PORT, in(1000)), LN_BAD_ARG);
    ln_sock_free(s);
}

static void test_a_handshake_times_out(void **state)
{
    (void)state;
    struct ln_sock *top = gate_new(networld_sock(&world.device, LN_UDP, NULL), LN_AGAIN);
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_connect_until(top, "192.0.2.1", NETWORLD_PORT, in(444)), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 444);
    assert_int_equal(top->state, LN_SOCK_CLOSED);
    assert_int_equal(ln_sock_diag(top)->phase, LN_PHASE_HANDSHAKE);
    ln_sock_free(top);
}

/* ---- open ---- */

static void test_open(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = client_of(&h, LN_TCP);
    assert_int_equal(ln_sock_open_until(s, in(10)), LN_OK); /* it is open */
    struct ln_sock *top = gate_new(s, LN_AGAIN);
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_open_until(top, in(50)), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 50);
    assert_int_equal(top->state, LN_SOCK_CONNECTING); /* may go on */
    gate_set(top, LN_OK);
    assert_int_equal(ln_sock_open_until(top, in(50)), LN_OK);
    ln_sock_close(top);
    assert_int_equal(ln_sock_open_until(top, in(50)), LN_BAD_STATE);
    gate_set(top, LN_DENIED);
    assert_int_equal(ln_sock_connect_until(top, "192.0.2.1", NETWORLD_PORT, in(50)), LN_DENIED);
    assert_int_equal(ln_sock_open_until(top, in(50)), LN_DENIED);
    ln_sock_free(top);
    host_close(&h);
}

/* ---- accept ---- */

/* A client on the device that connects and says something while the server waits. */
struct guest {
    struct ln_sock *sock;
    ln_msec at;
    bool told;
};

static ln_msec visit(void *user, ln_msec now)
{
    struct guest *g = (struct guest *)user;
    if (now < g->at)
        return g->at;
    if (g->sock->state == LN_SOCK_CLOSED) {
        enum ln_status st = ln_sock_connect(g->sock, "192.0.2.1", NETWORLD_PORT, now);
        assert_true(st == LN_OK || st == LN_AGAIN);
    } else if (g->sock->state == LN_SOCK_CONNECTING) {
        enum ln_status st = ln_sock_step(g->sock, now);
        assert_true(st == LN_OK || st == LN_AGAIN);
    }
    if (g->sock->state == LN_SOCK_OPEN && !g->told) {
        networld_say(g->sock, "knock");
        g->told = true;
    }
    return LN_NEVER;
}

static void test_accept(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct ln_sock *listener = networld_listener(&world, kinds[k], "");
        struct ln_sock *server = NULL;
        struct guest g = { .sock = networld_sock(&world.device, kinds[k], NULL) };
        ln_msec start = networld_now(&world);
        assert_int_equal(ln_sock_accept_until(listener, in(100), &server), LN_TIMEOUT);
        assert_int_equal(networld_now(&world) - start, 100);
        assert_int_equal(listener->state, LN_SOCK_BOUND);
        assert_null(server);
        g.at = networld_now(&world) + 60;
        start = networld_now(&world);
        assert_int_equal(ln_testkit_serve(world.kit, visit, &g), LN_OK);
        assert_int_equal(ln_sock_accept_until(listener, in(100), &server), LN_OK);
        assert_int_equal(networld_now(&world) - start, 60);
        assert_int_equal(server->state, LN_SOCK_OPEN);
        ln_testkit_serve_stop(world.kit, &g);
        ln_sock_free(server);
        ln_sock_free(g.sock);
        ln_sock_free(listener);
    }
}

/* A listener whose clients have a handshake before them, as TLS has. */
struct porter {
    struct ln_sock base;
    enum ln_status handshake;
};

static enum ln_status porter_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    struct ln_sock *lower = NULL;
    enum ln_status st = ln_sock_accept(s->below, now, &lower);
    if (st == LN_OK)
        *out = gate_new(lower, ((struct porter *)s)->handshake);
    return st;
}

static const struct ln_sock_ops porter_ops = { .name = "porter", .accept = porter_accept };

static void test_accept_with_a_handshake(void **state)
{
    (void)state;
    static const enum ln_status handshakes[] = { LN_OK, LN_BAD_PEER, LN_AGAIN };
    static const enum ln_status results[] = { LN_OK, LN_BAD_PEER, LN_TIMEOUT };
    for (size_t i = 0; i < 3; i++) {
        struct ln_sock *below = networld_listener(&world, LN_TCP, "");
        struct ln_sock *listener = NULL;
        struct ln_sock *server = NULL;
        /* who says nothing: the gate reads nothing, and time would stand still for ever */
        struct guest g = { .sock = networld_sock(&world.device, LN_TCP, NULL), .told = true };
        assert_int_equal(ln_filter_new(&porter_ops, sizeof(struct porter), NULL, below, &listener),
                         LN_OK);
        ((struct porter *)listener)->handshake = handshakes[i];
        assert_int_equal(ln_testkit_serve(world.kit, visit, &g), LN_OK);
        ln_msec start = networld_now(&world);
        assert_int_equal(ln_sock_accept_until(listener, in(100), &server), results[i]);
        if (results[i] == LN_TIMEOUT)
            assert_int_equal(networld_now(&world) - start, 100);
        if (results[i] == LN_BAD_PEER) /* the story of a client that is gone */
            assert_int_equal(ln_sock_diag(listener)->status, LN_BAD_PEER);
        assert_int_equal(server != NULL, results[i] == LN_OK);
        assert_int_equal(listener->state, LN_SOCK_BOUND);
        ln_testkit_serve_stop(world.kit, &g);
        ln_sock_free(server);
        ln_sock_free(g.sock);
        ln_sock_free(listener);
    }
}

/* ---- send ---- */

static void test_send_everything(void **state)
{
    (void)state;
    static const struct ln_testkit_chunks small = { .write_max = 11, .vary = true };
    struct host h;
    struct ln_sock *s = client_of(&h, LN_TCP);
    uint8_t data[20000] = { 0 };
    size_t sent = 0;
    ln_testkit_host_chunks(world.device_host, &small);
    networld_delay(&world, 3);
    assert_int_equal(ln_sock_send_until(s, ln_span(data, sizeof data), in(60000), &sent), LN_OK);
    assert_int_equal(sent, sizeof data);
    networld_settle(&world);
    assert_int_equal(h.received, sizeof data);
    assert_int_equal(ln_sock_send_until(s, ln_span(NULL, 0), in(10), &sent), LN_OK);
    assert_int_equal(sent, 0);
    ln_sock_free(s);
    host_close(&h);
}

/* A peer that does not read: what went before the deadline is told. */
static void test_send_times_out(void **state)
{
    (void)state;
    struct ln_sock *listener = networld_listener(&world, LN_TCP, "");
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    static uint8_t data[1 << 22];
    size_t sent = 0;
    assert_int_equal(ln_sock_connect_until(s, "192.0.2.1", NETWORLD_PORT, in(1000)), LN_OK);
    storm.nap_ms = 5;
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_send_until(s, ln_span(data, sizeof data), in(700), &sent), LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 700);
    assert_true(sent > 0 && sent < sizeof data);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    ln_sock_free(s);
    ln_sock_free(listener);
}

static void test_send_one_datagram(void **state)
{
    (void)state;
    struct host h;
    struct ln_sock *s = client_of(&h, LN_UDP);
    struct ln_testkit_counters before, after;
    size_t sent = 5;
    ln_testkit_counters(world.kit, world.device_host, world.server_host, &before);
    assert_int_equal(ln_sock_send_until(s, ln_span_str("one"), in(10), &sent), LN_OK);
    assert_int_equal(sent, 3);
    assert_int_equal(ln_sock_send_until(s, ln_span(NULL, 0), in(10), &sent), LN_OK);
    ln_testkit_counters(world.kit, world.device_host, world.server_host, &after);
    assert_int_equal(after.packets - before.packets, 2); /* the empty one is one, too */
    ln_sock_free(s);
    host_close(&h);
}

/* ---- receive ---- */

static void test_receive_what_comes_later(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct host h;
        struct ln_sock *s = client_of(&h, kinds[k]);
        uint8_t room[16];
        size_t got = 0;
        h.echo = true;
        networld_delay(&world, 40);
        networld_say(s, "echo");
        ln_msec start = networld_now(&world);
        assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 16), in(1000), &got), LN_OK);
        assert_int_equal(networld_now(&world) - start, 80);
        assert_int_equal(got, 4);
        ln_sock_free(s);
        host_close(&h);
        networld_delay(&world, 0);
    }
}

static void test_receive_in_wrong_states(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_TCP, NULL);
    uint8_t room[4];
    size_t got = 4;
    assert_int_equal(ln_sock_recv_until(s, ln_mspan(room, 4), LN_NEVER, &got), LN_BAD_STATE);
    assert_int_equal(got, 0);
    assert_int_equal(ln_sock_send_until(s, ln_span(room, 4), LN_NEVER, &got), LN_BAD_STATE);
    assert_int_equal(ln_sock_send_to_until(s, "192.0.2.1", 1, ln_span(room, 4), LN_NEVER),
                     LN_BAD_STATE);
    ln_sock_free(s);
}

/* ---- one datagram to a name ---- */

struct send_to_case {
    const char *what;
    const char *zone;
    const char *unreachable; /* address without a route, or NULL */
    const char *bound;       /* local address */
    enum ln_status status;
    const char *reaches; /* the address that gets it, or NULL */
};

static const struct send_to_case send_to_cases[] = {
    { "IPv6 first", "192.0.2.1 2001:db8::1", NULL, "::", LN_OK, "2001:db8::1" },
    { "the next one where the first is unreachable", "192.0.2.1 2001:db8::1", "2001:db8::1",
      "::", LN_OK, "192.0.2.1" },
    { "a socket of IPv4 asks for IPv4", "192.0.2.1 2001:db8::1", NULL, "192.0.2.10", LN_OK,
      "192.0.2.1" },
    { "nothing is reachable", "192.0.2.1", "192.0.2.1", "::", LN_REFUSED, NULL },
    { "there is no such address", "", NULL, "::", LN_NOT_FOUND, NULL },
};

static void test_send_to_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof send_to_cases / sizeof send_to_cases[0]; i++) {
        const struct send_to_case *c = &send_to_cases[i];
        struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
        struct ln_addr local = networld_addr(c->bound, 0);
        networld_name(&world, "server.example", c->zone);
        networld_answers(&world, "server.example", 15, 15);
        if (c->unreachable != NULL)
            networld_route(&world, c->unreachable, LN_TESTKIT_ROUTE_NONE);
        struct ln_sock *server =
            networld_listener(&world, LN_UDP, c->reaches != NULL ? c->reaches : "");
        assert_int_equal(ln_sock_bind(s, &local), LN_OK);
        enum ln_status st =
            ln_sock_send_to_until(s, "server.example", NETWORLD_PORT, ln_span_str("hi"), in(1000));
        if (st != c->status)
            fail_msg("%s: %s, %s", c->what, ln_status_name(st), ln_sock_diag(s)->text);
        uint8_t room[8];
        size_t got = 0;
        networld_settle(&world);
        st = ln_sock_recv_from(server, ln_mspan(room, 8), &got, NULL);
        assert_int_equal(st, c->reaches != NULL ? LN_OK : LN_AGAIN);
        assert_int_equal(s->state, LN_SOCK_BOUND);
        if (c->unreachable != NULL)
            networld_route(&world, c->unreachable, LN_TESTKIT_ROUTE_NORMAL);
        ln_sock_free(server);
        ln_sock_free(s);
    }
}

static void test_send_to_times_out(void **state)
{
    (void)state;
    struct ln_sock *s = networld_sock(&world.device, LN_UDP, NULL);
    networld_name(&world, "server.example", "192.0.2.1");
    networld_answers(&world, "server.example", UINT32_MAX, UINT32_MAX);
    assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
    storm.nap_ms = 7;
    ln_msec start = networld_now(&world);
    assert_int_equal(ln_sock_send_to_until(s, "server.example", 1, ln_span_str("x"), in(250)),
                     LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 250);
    start = networld_now(&world);
    assert_int_equal(ln_sock_send_to_until(s, "server.example", 1, ln_span_str("x"), LN_NEVER),
                     LN_TIMEOUT);
    assert_int_equal(networld_now(&world) - start, 30000);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_DNS);
    assert_int_equal(ln_sock_send_to_until(s, "", 1, ln_span_str("x"), LN_NEVER), LN_BAD_ARG);
    assert_int_equal(ln_sock_send_to_until(s, "x", 0, ln_span_str("x"), LN_NEVER), LN_BAD_ARG);
    struct ln_testkit_fault fault = { .times = 1 };
    ln_testkit_fail(world.device_host, LN_TESTKIT_ALLOC, &fault);
    assert_int_equal(ln_sock_send_to_until(s, "server.example", 1, ln_span_str("x"), LN_NEVER),
                     LN_NO_MEMORY);
    ln_sock_free(s);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_deadline_in),
        WITH_WORLD(test_receive_times_out),
        WITH_WORLD(test_deadline_in_a_storm),
        WITH_WORLD(test_one_attempt),
        WITH_WORLD(test_the_deadline_of_who_is_always_ready),
        WITH_WORLD(test_without_wait),
        WITH_WORLD(test_a_wait_that_fails),
        WITH_WORLD(test_connect),
        WITH_WORLD(test_connect_times_out),
        WITH_WORLD(test_what_was_missing),
        WITH_WORLD(test_connect_fails),
        WITH_WORLD(test_a_handshake_times_out),
        WITH_WORLD(test_open),
        WITH_WORLD(test_accept),
        WITH_WORLD(test_accept_with_a_handshake),
        WITH_WORLD(test_send_everything),
        WITH_WORLD(test_send_times_out),
        WITH_WORLD(test_send_one_datagram),
        WITH_WORLD(test_receive_what_comes_later),
        WITH_WORLD(test_receive_in_wrong_states),
        WITH_WORLD(test_send_to_a_name),
        WITH_WORLD(test_send_to_times_out),
    };
    return cmocka_run_group_tests_name("net/blocking", tests, NULL, NULL);
}
