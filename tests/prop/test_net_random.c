/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_net_random.c
 * Plain sockets that are called in any order while routes and the machines fail at random.
 *
 * Whatever happens: a failed socket has a diagnosis, a connecting one waits for something, closing
 * leads to CLOSED, and nothing is left behind. With a seed that fails, the run can be repeated:
 * LN_TEST_SEED=n.
 */
#include "support/networld.h"

#include <linnet/blocking.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SOCKS = 6, CALLS = 400, SEEDS = 300, SEEDS_FULL = 20000, ROOM = 600 };

static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2" };

struct run {
    struct networld w;
    uint64_t dice;
    uint64_t seed;
    struct ln_sock *socks[SOCKS];
    bool gated[SOCKS];
};

static unsigned cast(struct run *r, unsigned faces)
{
    r->dice = r->dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((r->dice >> 33) % faces);
}

static void make_socks(struct run *r)
{
    for (size_t i = 0; i < SOCKS; i++) {
        struct ln_sock_options options = {
            .reuse_addr = cast(r, 2) != 0,
            .fresh_port = cast(r, 2) != 0,
            .preferred_family = cast(r, 2) != 0 ? LN_IPV4 : LN_FAMILY_ANY,
            .mtu = (uint16_t)(cast(r, 3) != 0 ? 0 : 68 + cast(r, 500)),
        };
        const struct ln_env *env = i < SOCKS / 2 ? &r->w.device : &r->w.server;
        r->socks[i] = networld_sock(env, cast(r, 2) != 0 ? LN_UDP : LN_TCP, &options);
        r->gated[i] = cast(r, 2) != 0;
        if (r->gated[i])
            r->socks[i] = gate_new(r->socks[i], LN_AGAIN);
    }
}

/* ---- calls ---- */

static enum ln_status call_open(struct run *r, struct ln_sock *s)
{
    struct ln_addr local = { .port = cast(r, 2) != 0 ? NETWORLD_PORT : 0 };
    const char *host = cast(r, 3) != 0 ? "server.example" : addresses[cast(r, 4)];
    switch (cast(r, 3)) {
    case 0:
        return ln_sock_connect(s, host, NETWORLD_PORT, networld_now(&r->w));
    case 1:
        if (cast(r, 3) == 0)
            local = networld_addr(cast(r, 2) != 0 ? "192.0.2.10" : "192.0.2.1", local.port);
        return ln_sock_bind(s, &local);
    default:
        return ln_sock_connect_until(s, host, NETWORLD_PORT, ln_deadline_in(s->env, 0));
    }
}

/* The new socket takes the place of another one. */
static enum ln_status call_accept(struct run *r, size_t i)
{
    struct ln_sock *client = NULL;
    enum ln_status st = ln_sock_accept(r->socks[i], networld_now(&r->w), &client);
    size_t place = cast(r, SOCKS);
    if (st != LN_OK)
        return st;
    if (place == i || r->gated[place]) {
        ln_sock_free(client);
    } else {
        ln_sock_free(r->socks[place]);
        r->socks[place] = client;
    }
    return st;
}

static enum ln_status call_data(struct run *r, struct ln_sock *s)
{
    uint8_t bytes[ROOM] = { 0 };
    struct ln_addr addr = networld_addr(addresses[cast(r, 4)], NETWORLD_PORT);
    size_t len = cast(r, ROOM);
    size_t n = 0;
    switch (cast(r, 6)) {
    case 0:
    case 1:
        return ln_sock_send(s, ln_span(bytes, len), &n);
    case 2:
        return ln_sock_recv(s, ln_mspan(bytes, len), &n);
    case 3:
        return ln_sock_recv_from(s, ln_mspan(bytes, len), &n, &addr);
    case 4:
        return ln_sock_send_to(s, &addr, ln_span(bytes, len));
    default:
        return ln_sock_recv_until(s, ln_mspan(bytes, len), ln_deadline_in(s->env, cast(r, 50)), &n);
    }
}

static enum ln_status call_end(struct run *r, struct ln_sock *s)
{
    switch (cast(r, 6)) {
    case 0:
        return ln_sock_shutdown(s, networld_now(&r->w));
    case 1:
        ln_sock_close(s);
        assert_int_equal(s->state, LN_SOCK_CLOSED);
        return LN_OK;
    case 2:
        ln_sock_give_up(s);
        return LN_OK;
    default:
        return LN_OK;
    }
}

static void disturb(struct run *r, size_t i)
{
    struct ln_testkit_fault fault = { .nth = cast(r, 6),
                                      .times = 1 + cast(r, 2),
                                      .status = (enum ln_status)(2 + cast(r, 13)) };
    switch (cast(r, 5)) {
    case 0:
        if (r->gated[i])
            gate_set(r->socks[i], (enum ln_status)cast(r, 15));
        break;
    case 1:
        if (r->gated[i])
            gate_no_answer(r->socks[i]);
        break;
    case 2:
        networld_route(&r->w, addresses[cast(r, 4)], (enum ln_testkit_route)cast(r, 4));
        break;
    case 3:
        ln_testkit_fail(cast(r, 2) != 0 ? r->w.device_host : r->w.server_host,
                        (enum ln_testkit_point)cast(r, 5), cast(r, 2) != 0 ? &fault : NULL);
        break;
    default:
        ln_testkit_advance(r->w.kit, cast(r, 700));
        break;
    }
}

static enum ln_status call(struct run *r, size_t i)
{
    struct ln_sock *s = r->socks[i];
    switch (cast(r, 8)) {
    case 0:
        return call_open(r, s);
    case 1:
        return call_accept(r, i);
    case 2:
    case 3:
        return ln_sock_step(s, networld_now(&r->w));
    case 4:
    case 5:
        return call_data(r, s);
    case 6:
        return call_end(r, s);
    default:
        disturb(r, i);
        return LN_OK;
    }
}

/* ---- promises ---- */

static void check(const struct run *r, const struct ln_sock *s)
{
    struct ln_interest want;
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    ln_sock_interest(s, 0, &want);
    bool waits = want.ready || want.count > 0 || want.deadline != LN_NEVER;
    if (info.state == LN_SOCK_FAILED && ln_sock_diag(s)->status == LN_OK)
        fail_msg("seed %llu: a failure without a diagnosis", (unsigned long long)r->seed);
    if (info.state == LN_SOCK_CONNECTING && !waits)
        fail_msg("seed %llu: a connect waits for nothing", (unsigned long long)r->seed);
}

static void run(uint64_t seed)
{
    struct run r = { .dice = seed * 77 + 5, .seed = seed };
    networld_open(&r.w, seed);
    networld_name(&r.w, "server.example", "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2 192.0.2.10");
    make_socks(&r);
    for (int n = 0; n < CALLS; n++) {
        size_t i = cast(&r, SOCKS);
        enum ln_status st = call(&r, i);
        assert_true(st <= LN_INTERNAL);
        check(&r, r.socks[i]);
    }
    for (size_t i = 0; i < SOCKS; i++)
        ln_sock_free(r.socks[i]);
    networld_close(&r.w);
}

static void test_any_order(void **state)
{
    (void)state;
    const char *seed = getenv("LN_TEST_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    uint64_t count = getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS;
    for (uint64_t i = 0; i < (seed != NULL ? 1 : count); i++)
        run(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_order) };
    return cmocka_run_group_tests_name("net/random", tests, NULL, NULL);
}
