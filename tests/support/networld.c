/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file networld.c
 * The contract is networld.h.
 */
#include "support/networld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- the world ---- */

static void must(struct networld *w, enum ln_status st, const char *what)
{
    if (st != LN_OK)
        fail_msg("%s: %s: %s", what, ln_status_name(st), ln_testkit_text(w->kit));
}

void networld_open(struct networld *w, uint64_t seed)
{
    struct ln_testkit_config config = { .seed = seed };
    memset(w, 0, sizeof *w);
    assert_int_equal(ln_testkit_new(&config, &w->kit), LN_OK);
    must(w, ln_testkit_host_new(w->kit, "device", "192.0.2.10 2001:db8::10", &w->device_host),
         "device");
    must(w,
         ln_testkit_host_new(w->kit, "server",
                             "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 "
                             "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4",
                             &w->server_host),
         "server");
    ln_testkit_env(w->device_host, &w->device);
    ln_testkit_env(w->server_host, &w->server);
}

static void check_nothing_left(const struct ln_testkit_host *host)
{
    struct ln_testkit_memory memory;
    ln_testkit_memory(host, &memory);
    if (memory.live_blocks != 0)
        fail_msg("%s: %zu blocks are live, the oldest is number %llu of %zu bytes",
                 ln_testkit_host_name(host), memory.live_blocks,
                 (unsigned long long)memory.oldest_live, memory.oldest_bytes);
    assert_int_equal(ln_testkit_open_handles(host), 0);
}

void networld_close(struct networld *w)
{
    check_nothing_left(w->device_host);
    check_nothing_left(w->server_host);
    ln_testkit_free(w->kit);
}

ln_msec networld_now(const struct networld *w)
{
    return ln_testkit_now(w->kit);
}

void networld_name(struct networld *w, const char *name, const char *addresses)
{
    must(w, ln_testkit_name(w->kit, name, addresses), name);
}

static void answer(struct networld *w, const char *name, enum ln_family family, uint32_t ms)
{
    struct ln_testkit_answer a = { .delay_ms = ms };
    if (ms == UINT32_MAX)
        a = (struct ln_testkit_answer) { .silent = true };
    must(w, ln_testkit_name_answer(w->kit, name, family, &a), name);
}

void networld_answers(struct networld *w, const char *name, uint32_t v4_ms, uint32_t v6_ms)
{
    answer(w, name, LN_IPV4, v4_ms);
    answer(w, name, LN_IPV6, v6_ms);
}

void networld_route(struct networld *w, const char *address, enum ln_testkit_route route)
{
    must(w, ln_testkit_route(w->kit, address, route), address);
}

void networld_delay(struct networld *w, uint32_t ms)
{
    struct ln_testkit_link link = { .delay_min_ms = ms, .delay_max_ms = ms };
    must(w, ln_testkit_path(w->kit, NULL, NULL, &link), "delay");
}

/* ---- sockets ---- */

struct ln_sock *networld_sock(const struct ln_env *env, enum ln_sock_kind kind,
                              const struct ln_sock_options *options)
{
    struct ln_sock *s = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    if (ln_sock_new(env, kind, options, NULL, &diag, &s) != LN_OK)
        fail_msg("socket: %s", diag.text);
    return s;
}

struct ln_sock *networld_listener(const struct networld *w, enum ln_sock_kind kind,
                                  const char *address)
{
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    struct ln_addr local = { .port = NETWORLD_PORT };
    options.reuse_addr = true;
    if (address[0] != '\0')
        local = networld_addr(address, NETWORLD_PORT);
    struct ln_sock *s = networld_sock(&w->server, kind, &options);
    if (ln_sock_bind(s, &local) != LN_OK)
        fail_msg("listener: %s", ln_sock_diag(s)->text);
    return s;
}

enum ln_status networld_finish(struct networld *w, struct ln_sock *s)
{
    enum ln_status st;
    while ((st = ln_sock_step(s, networld_now(w))) == LN_AGAIN) {
        struct ln_interest want;
        ln_sock_interest(s, 0, &want);
        if (!want.ready)
            must(w, w->device.net.ops->wait(s->env->net.ctx, &want, LN_NEVER), "wait");
    }
    return st;
}

enum ln_status networld_connect(struct networld *w, struct ln_sock *s, const char *host)
{
    enum ln_status st = ln_sock_connect(s, host, NETWORLD_PORT, networld_now(w));
    return st == LN_AGAIN ? networld_finish(w, s) : st;
}

void networld_settle(struct networld *w)
{
    ln_testkit_advance(w->kit, 1000);
}

/* Wait as a loop does, then accept. Counts the turns. */
static unsigned accept_until(struct networld *w, struct ln_sock *listener, ln_msec end,
                             struct ln_sock **server)
{
    unsigned turns = 0;
    for (; *server == NULL && networld_now(w) < end; turns++) {
        struct ln_interest want;
        ln_sock_interest(listener, LN_WANT_READ, &want);
        ln_msec until = want.deadline < end ? want.deadline : end;
        if (!want.ready)
            assert_int_equal(w->server.net.ops->wait(w->server.net.ctx, &want, until), LN_OK);
        assert_int_equal(ln_sock_step(listener, networld_now(w)), LN_OK);
        (void)!ln_sock_accept(listener, networld_now(w), server);
        assert_int_equal(listener->state, LN_SOCK_BOUND);
        assert_in_range(turns, 0, 1000);
    }
    return turns;
}

struct ln_sock *networld_accept_at_last(struct networld *w, struct ln_sock *listener)
{
    static const struct ln_testkit_fault always = { .times = LN_TESTKIT_ALWAYS };
    struct ln_sock *server = NULL;
    ln_testkit_fail(w->server_host, LN_TESTKIT_NET, &always);
    unsigned turns = accept_until(w, listener, networld_now(w) + 60000, &server);
    assert_null(server);
    assert_in_range(turns, 60, 150); /* a second apart, and some sooner at first */
    ln_testkit_fail(w->server_host, LN_TESTKIT_NET, NULL);
    (void)accept_until(w, listener, networld_now(w) + 1001, &server);
    assert_non_null(server);
    return server;
}

struct ln_addr networld_addr(const char *address, uint16_t port)
{
    struct ln_addr addr = { .family = LN_FAMILY_ANY };
    if (ln_addr_parse(address, port, &addr) != LN_OK)
        fail_msg("%s is not an address", address);
    return addr;
}

const char *networld_peer(const struct ln_sock *s)
{
    static char text[LN_ADDR_TEXT_MAX];
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    ln_addr_format(&info.peer, text);
    return text;
}

const char *networld_local(const struct ln_sock *s)
{
    static char text[LN_ADDR_TEXT_MAX];
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    ln_addr_format(&info.local, text);
    return text;
}

uint16_t networld_local_port(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info.local.port;
}

void networld_expect(struct ln_sock *s, const char *text)
{
    uint8_t room[2048];
    size_t got = 0;
    enum ln_status st = ln_sock_recv(s, ln_mspan(room, sizeof room), &got);
    if (text == NULL) {
        assert_int_equal(st, LN_AGAIN);
        return;
    }
    if (st != LN_OK)
        fail_msg("\"%s\" is not there: %s, %s", text, ln_status_name(st), ln_sock_diag(s)->text);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(room, text, got);
}

void networld_say(struct ln_sock *s, const char *text)
{
    size_t sent = 0;
    enum ln_status st = ln_sock_send(s, ln_span_str(text), &sent);
    if (st != LN_OK)
        fail_msg("\"%s\" is not sent: %s, %s", text, ln_status_name(st), ln_sock_diag(s)->text);
    assert_int_equal(sent, strlen(text));
}

/* ---- the gate ---- */

struct gate {
    struct ln_sock base;
    enum ln_status status;
};

static enum ln_status gate_connect(struct ln_sock *s, ln_msec now)
{
    (void)now;
    return ((struct gate *)s)->status;
}

static void gate_interest(const struct ln_sock *s, struct ln_interest *want)
{
    if (s->state == LN_SOCK_CONNECTING)
        want->events = LN_WANT_READ;
}

static const struct ln_sock_ops gate_ops = {
    .name = "gate",
    .connect = gate_connect,
    .interest = gate_interest,
};

struct ln_sock *gate_new(struct ln_sock *below, enum ln_status status)
{
    struct ln_sock *s = NULL;
    assert_int_equal(ln_filter_new(&gate_ops, sizeof(struct gate), NULL, below, &s), LN_OK);
    gate_set(s, status);
    return s;
}

void gate_set(struct ln_sock *gate, enum ln_status status)
{
    ((struct gate *)gate)->status = status;
}

void gate_no_answer(struct ln_sock *gate)
{
    ln_below_notice(gate, LN_NOTICE_NO_ANSWER);
}

enum ln_status gate_send(struct ln_sock *gate, const char *text)
{
    size_t sent = 0;
    return ln_below_send(gate, ln_span_str(text), &sent);
}

void gate_expect(struct ln_sock *gate, const char *text)
{
    uint8_t room[256];
    size_t got = 0;
    enum ln_status st = ln_below_recv(gate, ln_mspan(room, sizeof room), &got);
    assert_int_equal(st, text != NULL ? LN_OK : LN_AGAIN);
    if (text != NULL) {
        assert_int_equal(got, strlen(text));
        assert_memory_equal(room, text, got);
    }
}
