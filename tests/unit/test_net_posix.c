/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/net/posix, on real sockets of the loopback with ports chosen by the system. */
#define _DEFAULT_SOURCE /* SO_PRIORITY */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/posix/net_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* No event of the loopback takes this long; a test that waits for it has failed. */
#define PATIENCE_MS 5000

static struct ln_env *env;

static int group_setup(void **state)
{
    (void)state;
    return ln_env_posix_new(&env) == LN_OK ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    ln_env_posix_free(env);
    return 0;
}

/* ---- helpers ---- */

static const struct ln_net_ops *ops(void)
{
    return env->net.ops;
}

static void *ctx(void)
{
    return env->net.ctx;
}

static struct ln_diag cleared(void)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    return diag;
}

static struct ln_addr address(const char *text, uint16_t port)
{
    struct ln_addr addr;
    assert_int_equal(ln_addr_parse(text, port, &addr), LN_OK);
    return addr;
}

static ln_handle opened(enum ln_net_kind kind, enum ln_family family)
{
    struct ln_diag diag = cleared();
    ln_handle h = LN_NO_HANDLE;
    struct ln_net_open how = { .kind = kind, .family = family };
    assert_int_equal(ops()->open(ctx(), &how, &diag, &h), LN_OK);
    assert_int_not_equal(h, LN_NO_HANDLE);
    return h;
}

static struct ln_addr local_of(ln_handle h)
{
    struct ln_addr local;
    assert_int_equal(ops()->names(ctx(), h, &local, NULL), LN_OK);
    return local;
}

static ln_handle bound(enum ln_net_kind kind, const char *ip, struct ln_addr *local)
{
    struct ln_diag diag = cleared();
    struct ln_addr addr = address(ip, 0);
    ln_handle h = opened(kind, (enum ln_family)addr.family);
    assert_int_equal(ops()->bind(ctx(), h, kind, &addr, &diag), LN_OK);
    *local = local_of(h);
    assert_int_not_equal(local->port, 0);
    return h;
}

static void await(ln_handle h, unsigned events)
{
    struct ln_interest want = ln_interest(0);
    ln_interest_add(&want, h, events);
    ln_msec until = ln_now(env) + PATIENCE_MS;
    assert_int_equal(ops()->wait(ctx(), &want, until), LN_OK);
    assert_true(ln_now(env) < until);
}

static void connect_to(ln_handle h, const struct ln_addr *peer)
{
    struct ln_diag diag = cleared();
    enum ln_status st = ops()->connect(ctx(), h, peer, &diag);
    if (st == LN_AGAIN) {
        await(h, LN_WANT_WRITE);
        st = ops()->finish(ctx(), h, &diag);
    }
    assert_int_equal(st, LN_OK);
}

/* Two ends of one TCP connection. */
struct pair {
    ln_handle client;
    ln_handle server;
    struct ln_addr client_addr; /* as the server saw it */
    struct ln_addr server_addr;
};

static struct pair connected(const char *ip)
{
    struct pair p;
    struct ln_diag diag = cleared();
    ln_handle listener = bound(LN_NET_STREAM, ip, &p.server_addr);
    p.client = opened(LN_NET_STREAM, (enum ln_family)p.server_addr.family);
    assert_int_equal(ops()->accept(ctx(), listener, &p.server, &p.client_addr, &diag), LN_AGAIN);
    connect_to(p.client, &p.server_addr);
    await(listener, LN_WANT_READ);
    assert_int_equal(ops()->accept(ctx(), listener, &p.server, &p.client_addr, &diag), LN_OK);
    ops()->close(ctx(), listener);
    return p;
}

static void close_pair(const struct pair *p)
{
    ops()->close(ctx(), p->client);
    ops()->close(ctx(), p->server);
}

static void send_text(ln_handle h, const struct ln_addr *to, const char *text)
{
    struct ln_diag diag = cleared();
    size_t sent = 99;
    assert_int_equal(ops()->send(ctx(), h, to, ln_span_str(text), &sent, &diag), LN_OK);
    assert_int_equal(sent, strlen(text));
}

static void expect(ln_handle h, enum ln_net_kind kind, const char *text)
{
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[64];
    await(h, LN_WANT_READ);
    assert_int_equal(ops()->recv(ctx(), h, kind, ln_mspan(room, sizeof room), false, &got, &diag),
                     LN_OK);
    assert_int_equal(got.len, strlen(text));
    assert_memory_equal(room, text, got.len);
}

static int int_option(ln_handle h, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(ln__posix_fd(h), level, name, &value, &len), 0);
    return value;
}

static void assert_failed(enum ln_status st, const struct ln_diag *diag, enum ln_status status,
                          enum ln_category category)
{
    assert_int_equal(st, status);
    assert_int_equal(diag->status, status);
    assert_int_equal(diag->category, category);
    assert_true(diag->text[0] != '\0');
}

/* ---- opening ---- */

static void assert_flags(ln_handle h)
{
    assert_true((fcntl(ln__posix_fd(h), F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(ln__posix_fd(h), F_GETFD) & FD_CLOEXEC) != 0);
}

/* scenario: PIT-32 */
static void test_open_plain(void **state)
{
    (void)state;
    ln_handle udp = opened(LN_NET_DATAGRAM, LN_IPV4);
    ln_handle tcp = opened(LN_NET_STREAM, LN_IPV6);
    assert_flags(udp);
    assert_flags(tcp);
    assert_int_not_equal(int_option(tcp, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(int_option(tcp, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    struct ln_addr addr;
    assert_int_equal(ops()->names(ctx(), udp, &addr, NULL), LN_BAD_STATE); /* not bound yet */
    assert_int_equal(ops()->names(ctx(), udp, NULL, &addr), LN_BAD_STATE);
    ops()->close(ctx(), udp);
    ops()->close(ctx(), tcp);
    ops()->close(ctx(), LN_NO_HANDLE);
}

/* scenario: PIT-32 */
static void test_open_with_options(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    ln_handle v4 = LN_NO_HANDLE;
    ln_handle v6 = LN_NO_HANDLE;
    ln_handle only = LN_NO_HANDLE;
    struct ln_net_open how = {
        .kind = LN_NET_DATAGRAM,
        .family = LN_IPV4,
        .dscp = 46,
        .priority = 5,
        .reuse_addr = true,
        .interface_name = "",
    };
    assert_int_equal(ops()->open(ctx(), &how, &diag, &v4), LN_OK);
    assert_int_equal(int_option(v4, IPPROTO_IP, IP_TOS), 46 << 2);
    assert_int_equal(int_option(v4, SOL_SOCKET, SO_PRIORITY), 5);
    assert_int_not_equal(int_option(v4, SOL_SOCKET, SO_REUSEADDR), 0);

    how.family = LN_IPV6;
    assert_int_equal(ops()->open(ctx(), &how, &diag, &v6), LN_OK);
    assert_int_equal(int_option(v6, IPPROTO_IPV6, IPV6_TCLASS), 46 << 2);
    assert_int_equal(int_option(v6, IPPROTO_IP, IP_TOS), 46 << 2); /* for mapped addresses */
    assert_int_equal(int_option(v6, IPPROTO_IPV6, IPV6_V6ONLY), 0);

    how.v6_only = true;
    assert_int_equal(ops()->open(ctx(), &how, &diag, &only), LN_OK);
    assert_int_not_equal(int_option(only, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    ops()->close(ctx(), v4);
    ops()->close(ctx(), v6);
    ops()->close(ctx(), only);
}

/* Privileged: it is set, or the failure names it. */
static void test_transparent(void **state)
{
    (void)state;
    static const struct {
        enum ln_family family;
        int level, option;
        const char *name;
    } table[] = { { LN_IPV4, IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT" },
                  { LN_IPV6, IPPROTO_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT" } };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct ln_diag diag = cleared();
        ln_handle h = LN_NO_HANDLE;
        struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = table[i].family };
        how.transparent = true;
        enum ln_status st = ops()->open(ctx(), &how, &diag, &h);
        if (st == LN_OK) {
            assert_int_equal(int_option(h, table[i].level, table[i].option), 1);
            ops()->close(ctx(), h);
        } else {
            assert_int_equal(st, LN_DENIED);
            assert_non_null(strstr(diag.text, table[i].name));
        }
    }
}

static void test_ecn_bits_are_kept(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4, .dscp = 63 };
    ln_handle h = opened(LN_NET_DATAGRAM, LN_IPV4);
    int ect0 = 2;
    assert_int_equal(setsockopt(ln__posix_fd(h), IPPROTO_IP, IP_TOS, &ect0, sizeof ect0), 0);
    assert_int_equal(ln__posix_apply_options(ln__posix_fd(h), &how, &diag), LN_OK);
    assert_int_equal(int_option(h, IPPROTO_IP, IP_TOS), 63 << 2 | 2);
    ops()->close(ctx(), h);
}

static const struct {
    struct ln_net_open how;
    enum ln_status status;
    const char *names; /* what the sentence must name */
    const char *why;
} bad_options[] = {
    { { .family = LN_FAMILY_ANY }, LN_BAD_ARG, "family", "no family" },
    { { .family = LN_IPV4, .dscp = 64 }, LN_BAD_ARG, "dscp: 64", "one more than 63" },
    { { .family = LN_IPV6, .priority = 8 }, LN_BAD_ARG, "priority: 8", "one more than 7" },
    { { .family = LN_IPV4, .interface_name = "sixteencharacter" },
      LN_BAD_ARG,
      "interface_name",
      "longer than the system's names" },
};

static void test_bad_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
        struct ln_diag diag = cleared();
        ln_handle h = 5;
        print_message("  %s\n", bad_options[i].why);
        enum ln_status st = ops()->open(ctx(), &bad_options[i].how, &diag, &h);
        assert_failed(st, &diag, bad_options[i].status, LN_CAT_CONFIGURATION);
        assert_non_null(strstr(diag.text, bad_options[i].names));
        assert_int_equal(h, LN_NO_HANDLE);
    }
}

static void test_missing_interface(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    ln_handle h = LN_NO_HANDLE;
    struct ln_net_open how = { .family = LN_IPV4, .interface_name = "lnmissing0" };
    enum ln_status st = ops()->open(ctx(), &how, &diag, &h);
    /* where binding to interfaces needs a privilege, that is told instead */
    if (st == LN_NOT_FOUND)
        assert_non_null(strstr(diag.text, "lnmissing0"));
    else
        assert_failed(st, &diag, LN_DENIED, LN_CAT_LOCAL_IO);
    assert_int_equal(h, LN_NO_HANDLE);
}

static void test_no_descriptor_left(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    struct rlimit before;
    ln_handle h = LN_NO_HANDLE;
    struct ln_net_open how = { .family = LN_IPV4 };
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum ln_status st = ops()->open(ctx(), &how, &diag, &h);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_failed(st, &diag, LN_NO_SPACE, LN_CAT_LOCAL_IO);
    assert_non_null(strstr(diag.text, "ulimit -n"));
    assert_int_equal(diag.native, EMFILE);
    assert_string_equal(diag.origin, "posix");
}

/* ---- streams ---- */

static const char *const loopbacks[] = { "127.0.0.1", "::1" };

static void test_tcp_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair p = connected(loopbacks[i]);
        struct ln_addr local;
        struct ln_addr peer;
        print_message("  %s\n", loopbacks[i]);
        assert_int_equal(ops()->names(ctx(), p.client, &local, &peer), LN_OK);
        assert_true(ln_addr_equal(&peer, &p.server_addr));
        assert_true(ln_addr_equal(&local, &p.client_addr));
        assert_flags(p.server);
        assert_int_not_equal(int_option(p.server, IPPROTO_TCP, TCP_NODELAY), 0);
        send_text(p.client, NULL, "ping");
        expect(p.server, LN_NET_STREAM, "ping");
        send_text(p.server, NULL, "pong");
        expect(p.client, LN_NET_STREAM, "pong");
        close_pair(&p);
    }
}

static void test_tcp_partial_reads_and_peeks(void **state)
{
    (void)state;
    struct pair p = connected("127.0.0.1");
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[3];
    struct ln_mspan three = ln_mspan(room, sizeof room);
    assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, three, false, &got, &diag),
                     LN_AGAIN);
    assert_int_equal(
        ops()->recv(ctx(), p.server, LN_NET_STREAM, ln_mspan(NULL, 0), false, &got, &diag),
        LN_AGAIN);
    send_text(p.client, NULL, "abcd");
    await(p.server, LN_WANT_READ);
    /* empty room is a question; peeking and asking leave the bytes */
    assert_int_equal(
        ops()->recv(ctx(), p.server, LN_NET_STREAM, ln_mspan(NULL, 0), false, &got, &diag), LN_OK);
    assert_int_equal(got.len, 0);
    assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, three, true, &got, &diag), LN_OK);
    assert_int_equal(got.len, 3);
    assert_memory_equal(room, "abc", 3);
    assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, three, false, &got, &diag), LN_OK);
    assert_int_equal(got.len, 3);
    assert_memory_equal(room, "abc", 3);
    expect(p.server, LN_NET_STREAM, "d"); /* the rest was not lost */
    close_pair(&p);
}

static void test_tcp_end_and_reset(void **state)
{
    (void)state;
    struct pair p = connected("127.0.0.1");
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[8];
    struct ln_mspan all = ln_mspan(room, sizeof room);

    /* an orderly end: what was sent before arrives, then 0 bytes, again and again */
    send_text(p.client, NULL, "bye");
    ops()->close(ctx(), p.client);
    expect(p.server, LN_NET_STREAM, "bye");
    await(p.server, LN_WANT_READ);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, all, false, &got, &diag),
                         LN_OK);
        assert_int_equal(got.len, 0);
    }
    ops()->close(ctx(), p.server);

    /* closed with unread bytes: the peer is reset; no SIGPIPE ends this program */
    p = connected("127.0.0.1");
    send_text(p.client, NULL, "never read");
    await(p.server, LN_WANT_READ);
    ops()->close(ctx(), p.server);
    await(p.client, LN_WANT_READ);
    enum ln_status st = ops()->recv(ctx(), p.client, LN_NET_STREAM, all, false, &got, &diag);
    assert_failed(st, &diag, LN_CLOSED, LN_CAT_RESET);
    assert_int_equal(diag.phase, LN_PHASE_TRANSFER);
    size_t sent = 9;
    diag = cleared();
    st = ops()->send(ctx(), p.client, NULL, ln_span_str("x"), &sent, &diag);
    assert_failed(st, &diag, LN_CLOSED, LN_CAT_RESET);
    assert_int_equal(sent, 0);
    ops()->close(ctx(), p.client);
}

static void test_tcp_fills_up_and_drains(void **state)
{
    (void)state;
    struct pair p = connected("127.0.0.1");
    struct ln_diag diag = cleared();
    static uint8_t block[65536];
    size_t total = 0;
    size_t sent = 0;
    enum ln_status st;
    while ((st = ops()->send(ctx(), p.client, NULL, ln_span(block, sizeof block), &sent, &diag)) ==
           LN_OK) {
        assert_true(sent > 0);
        total += sent;
    }
    assert_int_equal(st, LN_AGAIN);
    assert_int_equal(sent, 0);
    assert_int_equal(diag.status, LN_OK); /* not now is no failure */
    while (total > 0) {
        struct ln_net_got got;
        await(p.server, LN_WANT_READ);
        assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, ln_mspan(block, sizeof block),
                                     false, &got, &diag),
                         LN_OK);
        assert_true(got.len > 0 && got.len <= total);
        total -= got.len;
    }
    await(p.client, LN_WANT_WRITE);
    close_pair(&p);
}

static void test_tcp_shutdown(void **state)
{
    (void)state;
    struct pair p = connected("127.0.0.1");
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[8];
    send_text(p.server, NULL, "before");
    await(p.client, LN_WANT_READ);
    assert_int_equal(ops()->shutdown(ctx(), p.client, &diag), LN_OK);
    expect(p.client, LN_NET_STREAM, "before"); /* what had arrived stays readable */
    struct ln_addr local = local_of(p.client);
    assert_true(ln_addr_equal(&local, &p.client_addr));
    await(p.server, LN_WANT_READ);
    assert_int_equal(ops()->recv(ctx(), p.server, LN_NET_STREAM, ln_mspan(room, sizeof room), false,
                                 &got, &diag),
                     LN_OK);
    assert_int_equal(got.len, 0); /* the peer sees the end */
    assert_int_equal(ops()->shutdown(ctx(), p.server, &diag), LN_OK);
    assert_int_equal(ops()->shutdown(ctx(), p.server, &diag), LN_OK); /* twice does no harm */
    close_pair(&p);
}

/* A port where nothing listens: one that was ours a moment ago. */
static struct ln_addr unused(enum ln_net_kind kind)
{
    struct ln_addr addr;
    ops()->close(ctx(), bound(kind, "127.0.0.1", &addr));
    return addr;
}

static void test_tcp_refused(void **state)
{
    (void)state;
    struct ln_addr nobody = unused(LN_NET_STREAM);
    struct ln_diag diag = cleared();
    ln_handle h = opened(LN_NET_STREAM, LN_IPV4);
    enum ln_status st = ops()->connect(ctx(), h, &nobody, &diag);
    if (st == LN_AGAIN) {
        await(h, LN_WANT_WRITE);
        st = ops()->finish(ctx(), h, &diag);
    }
    assert_failed(st, &diag, LN_REFUSED, LN_CAT_PEER_REFUSED);
    assert_int_equal(diag.phase, LN_PHASE_CONNECT);
    assert_int_equal(diag.native, ECONNREFUSED);
    ops()->close(ctx(), h);
}

static void test_finish_too_early(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    ln_handle h = opened(LN_NET_STREAM, LN_IPV4);
    /* woken for nothing: neither connected nor failed */
    assert_int_equal(ops()->finish(ctx(), h, &diag), LN_AGAIN);
    assert_int_equal(diag.status, LN_OK);
    ops()->close(ctx(), h);
}

static void test_accept_of_datagrams(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    struct ln_addr local;
    struct ln_addr peer;
    ln_handle client = 7;
    ln_handle h = bound(LN_NET_DATAGRAM, "127.0.0.1", &local);
    enum ln_status st = ops()->accept(ctx(), h, &client, &peer, &diag);
    assert_failed(st, &diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION);
    assert_int_equal(client, LN_NO_HANDLE);
    ops()->close(ctx(), h);
}

/* ---- datagrams ---- */

static const struct {
    const char *sent;
    size_t room;
    bool peek;
    size_t len;
    size_t full;
    const char *why;
} datagrams[] = {
    { "0123456789", 16, false, 10, 10, "more room than needed" },
    { "0123456789", 10, false, 10, 10, "an exact fit is not cut" },
    { "0123456789", 4, false, 4, 10, "cut: the true length is told" },
    { "0123456789", 0, false, 0, 10, "no room" },
    { "", 16, false, 0, 0, "an empty datagram" },
    { "", 0, false, 0, 0, "an empty datagram into no room" },
    { "0123456789", 4, true, 4, 10, "a look" },
    { "0123456789", 0, true, 0, 10, "a look without room" },
};

static void test_udp_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof datagrams / sizeof datagrams[0]; i++) {
        struct ln_addr to;
        struct ln_addr from;
        struct ln_diag diag = cleared();
        struct ln_net_got got;
        char room[16];
        ln_handle a = bound(LN_NET_DATAGRAM, "127.0.0.1", &to);
        ln_handle b = bound(LN_NET_DATAGRAM, "127.0.0.1", &from);
        print_message("  %s\n", datagrams[i].why);
        send_text(b, &to, datagrams[i].sent);
        send_text(b, &to, "next");
        await(a, LN_WANT_READ);
        struct ln_mspan space = ln_mspan(room, datagrams[i].room);
        assert_int_equal(
            ops()->recv(ctx(), a, LN_NET_DATAGRAM, space, datagrams[i].peek, &got, &diag), LN_OK);
        assert_int_equal(got.len, datagrams[i].len);
        assert_int_equal(got.full, datagrams[i].full);
        assert_true(ln_addr_equal(&got.from, &from));
        if (got.len > 0)
            assert_memory_equal(room, datagrams[i].sent, got.len);
        if (datagrams[i].peek)
            expect(a, LN_NET_DATAGRAM, datagrams[i].sent); /* still there */
        expect(a, LN_NET_DATAGRAM, "next"); /* and nothing of the first at its start */
        ops()->close(ctx(), a);
        ops()->close(ctx(), b);
    }
}

static void test_udp_nothing_there(void **state)
{
    (void)state;
    struct ln_addr local;
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[4];
    ln_handle h = bound(LN_NET_DATAGRAM, "127.0.0.1", &local);
    assert_int_equal(ops()->recv(ctx(), h, LN_NET_DATAGRAM, ln_mspan(room, 4), false, &got, &diag),
                     LN_AGAIN);
    assert_int_equal(ops()->recv(ctx(), h, LN_NET_DATAGRAM, ln_mspan(NULL, 0), true, &got, &diag),
                     LN_AGAIN);
    assert_int_equal(diag.status, LN_OK);
    ops()->close(ctx(), h);
}

static void test_udp_connected(void **state)
{
    (void)state;
    struct ln_addr server;
    struct ln_addr stranger_addr;
    ln_handle a = bound(LN_NET_DATAGRAM, "::1", &server);
    ln_handle stranger = bound(LN_NET_DATAGRAM, "::1", &stranger_addr);
    ln_handle client = opened(LN_NET_DATAGRAM, LN_IPV6);
    struct ln_diag diag = cleared();
    struct ln_addr local;
    struct ln_addr peer;
    assert_int_equal(ops()->connect(ctx(), client, &server, &diag), LN_OK);
    assert_int_equal(ops()->names(ctx(), client, &local, &peer), LN_OK);
    assert_true(ln_addr_equal(&peer, &server));
    send_text(stranger, &local, "forged"); /* kept away by the system */
    send_text(client, NULL, "hello");
    expect(a, LN_NET_DATAGRAM, "hello");
    send_text(a, &local, "answer");
    expect(client, LN_NET_DATAGRAM, "answer");
    assert_int_equal(ops()->shutdown(ctx(), client, &diag), LN_OK);
    assert_int_equal(ops()->names(ctx(), client, &local, &peer), LN_OK);
    assert_true(ln_addr_equal(&peer, &server)); /* the addresses still answer */
    ops()->close(ctx(), a);
    ops()->close(ctx(), stranger);
    ops()->close(ctx(), client);
}

static void test_udp_refused_and_usable_again(void **state)
{
    (void)state;
    struct ln_addr nobody = unused(LN_NET_DATAGRAM);
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[8];
    ln_handle h = opened(LN_NET_DATAGRAM, LN_IPV4);
    assert_int_equal(ops()->connect(ctx(), h, &nobody, &diag), LN_OK);
    send_text(h, NULL, "anyone?");
    await(h, LN_WANT_READ); /* ICMP port unreachable */
    enum ln_status st =
        ops()->recv(ctx(), h, LN_NET_DATAGRAM, ln_mspan(room, sizeof room), false, &got, &diag);
    assert_failed(st, &diag, LN_REFUSED, LN_CAT_PEER_REFUSED);
    char addr[LN_ADDR_TEXT_MAX];
    ln_addr_format(&nobody, addr);
    assert_non_null(strstr(diag.text, addr));
    assert_int_equal(
        ops()->recv(ctx(), h, LN_NET_DATAGRAM, ln_mspan(room, sizeof room), false, &got, &diag),
        LN_AGAIN);
    ops()->close(ctx(), h);
}

static void test_udp_too_long(void **state)
{
    (void)state;
    static uint8_t huge[70000];
    struct ln_addr to;
    struct ln_diag diag = cleared();
    size_t sent = 9;
    ln_handle a = bound(LN_NET_DATAGRAM, "127.0.0.1", &to);
    ln_handle b = opened(LN_NET_DATAGRAM, LN_IPV4);
    enum ln_status st = ops()->send(ctx(), b, &to, ln_span(huge, sizeof huge), &sent, &diag);
    assert_failed(st, &diag, LN_NO_SPACE, LN_CAT_CONFIGURATION);
    assert_int_equal(sent, 0);
    send_text(b, &to, "shorter"); /* nothing is broken */
    expect(a, LN_NET_DATAGRAM, "shorter");
    ops()->close(ctx(), a);
    ops()->close(ctx(), b);
}

/* ---- families ---- */

static void test_ipv4_over_an_ipv6_socket(void **state)
{
    (void)state;
    struct ln_addr v4;
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    char room[8];
    ln_handle a = bound(LN_NET_DATAGRAM, "127.0.0.1", &v4);
    ln_handle b = opened(LN_NET_DATAGRAM, LN_IPV6);
    send_text(b, &v4, "mapped");
    await(a, LN_WANT_READ);
    assert_int_equal(
        ops()->recv(ctx(), a, LN_NET_DATAGRAM, ln_mspan(room, sizeof room), false, &got, &diag),
        LN_OK);
    assert_int_equal(got.from.family, LN_IPV4);
    send_text(a, &got.from, "back");
    await(b, LN_WANT_READ);
    assert_int_equal(
        ops()->recv(ctx(), b, LN_NET_DATAGRAM, ln_mspan(room, sizeof room), false, &got, &diag),
        LN_OK);
    assert_true(ln_addr_equal(&got.from, &v4)); /* not ::ffff:127.0.0.1 */
    assert_int_equal(got.from.family, LN_IPV4);

    /* a stream to it: names are IPv4 as well */
    struct ln_addr listening;
    struct ln_addr peer;
    ln_handle listener = bound(LN_NET_STREAM, "127.0.0.1", &listening);
    ln_handle stream = opened(LN_NET_STREAM, LN_IPV6);
    connect_to(stream, &listening);
    assert_int_equal(ops()->names(ctx(), stream, NULL, &peer), LN_OK);
    assert_true(ln_addr_equal(&peer, &listening));
    ops()->close(ctx(), listener);
    ops()->close(ctx(), stream);
    ops()->close(ctx(), a);
    ops()->close(ctx(), b);
}

static void test_the_wrong_family(void **state)
{
    (void)state;
    struct ln_addr v6 = address("::1", 5684);
    ln_handle h = opened(LN_NET_DATAGRAM, LN_IPV4);
    size_t sent;
    struct ln_diag diag = cleared();
    enum ln_status st = ops()->connect(ctx(), h, &v6, &diag);
    assert_failed(st, &diag, LN_UNSUPPORTED, LN_CAT_UNREACHABLE);
    assert_non_null(strstr(diag.text, "connect to [::1]:5684 failed"));
    diag = cleared();
    st = ops()->bind(ctx(), h, LN_NET_DATAGRAM, &v6, &diag);
    assert_failed(st, &diag, LN_UNSUPPORTED, LN_CAT_UNREACHABLE);
    diag = cleared();
    st = ops()->send(ctx(), h, &v6, ln_span_str("x"), &sent, &diag);
    assert_failed(st, &diag, LN_UNSUPPORTED, LN_CAT_UNREACHABLE);
    ops()->close(ctx(), h);
}

static void test_bind(void **state)
{
    (void)state;
    struct ln_addr used;
    struct ln_diag diag = cleared();
    ln_handle first = bound(LN_NET_STREAM, "127.0.0.1", &used);
    ln_handle second = opened(LN_NET_STREAM, LN_IPV4);
    enum ln_status st = ops()->bind(ctx(), second, LN_NET_STREAM, &used, &diag);
    assert_failed(st, &diag, LN_BAD_STATE, LN_CAT_LOCAL_IO);
    assert_non_null(strstr(diag.text, "bind to 127.0.0.1:"));

    diag = cleared();
    struct ln_addr foreign = address("192.0.2.1", 0);
    st = ops()->bind(ctx(), second, LN_NET_STREAM, &foreign, &diag);
    assert_failed(st, &diag, LN_REFUSED, LN_CAT_UNREACHABLE);

    diag = cleared(); /* no address: any, and a free port */
    assert_int_equal(ops()->bind(ctx(), second, LN_NET_STREAM, NULL, &diag), LN_OK);
    struct ln_addr any = local_of(second);
    char text[LN_ADDR_TEXT_MAX];
    ln_addr_format_ip(&any, text);
    assert_string_equal(text, "0.0.0.0");
    assert_int_not_equal(any.port, 0);
    ops()->close(ctx(), first);
    ops()->close(ctx(), second);
}

static void test_mtu(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ln_addr server;
        struct ln_diag diag = cleared();
        size_t mtu = 0;
        ln_handle a = bound(LN_NET_DATAGRAM, loopbacks[i], &server);
        ln_handle b = opened(LN_NET_DATAGRAM, (enum ln_family)server.family);
        assert_int_equal(ops()->mtu(ctx(), b, &mtu), LN_UNSUPPORTED); /* no path yet */
        assert_int_equal(ops()->connect(ctx(), b, &server, &diag), LN_OK);
        enum ln_status st = ops()->mtu(ctx(), b, &mtu);
        if (st == LN_OK)
            assert_true(mtu >= 576);
        else
            assert_int_equal(st, LN_UNSUPPORTED); /* a sandbox whose kernel does not tell */
        print_message("  %s: status %d, MTU %u\n", loopbacks[i], (int)st, (unsigned)mtu);
        ops()->close(ctx(), a);
        ops()->close(ctx(), b);
    }
}

/* ---- waiting ---- */

static const struct {
    ln_msec until;
    const char *why;
} over[] = {
    { INT64_MIN, "the beginning of time" },
    { -1, "before zero" },
    { 0, "zero" },
};

static void test_wait_for_a_deadline_that_is_over(void **state)
{
    (void)state;
    struct ln_addr local;
    ln_handle h = bound(LN_NET_DATAGRAM, "127.0.0.1", &local);
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
        struct ln_interest want = ln_interest(0);
        print_message("  %s\n", over[i].why);
        ln_interest_add(&want, h, LN_WANT_READ);
        assert_int_equal(ops()->wait(ctx(), &want, over[i].until), LN_OK);
        want.deadline = over[i].until; /* the interest's own deadline counts as well */
        assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_OK);
    }
    ops()->close(ctx(), h);
}

static void test_wait_ends_when_ready(void **state)
{
    (void)state;
    struct pair p = connected("127.0.0.1");
    struct ln_interest want = ln_interest(0);
    ln_interest_add(&want, p.client, LN_WANT_READ);
    want.ready = true;
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_OK); /* not waited at all */
    want.ready = false;
    send_text(p.server, NULL, "x");
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_OK);
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER - 1), LN_OK); /* more ms than an int has */
    expect(p.client, LN_NET_STREAM, "x");
    ops()->close(ctx(), p.server);
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_OK); /* a hang-up is ready */
    ops()->close(ctx(), p.client);
}

static void test_wait_for_nothing(void **state)
{
    (void)state;
    struct ln_interest want = ln_interest(LN_WANT_READ);
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_BAD_STATE); /* rather than for ever */
    ln_msec until = ln_now(env) + 2;
    assert_int_equal(ops()->wait(ctx(), &want, until), LN_OK);
    assert_true(ln_now(env) >= until); /* not a millisecond early */
}

static volatile sig_atomic_t interruptions;

static void interrupted(int signal_number)
{
    (void)signal_number;
    interruptions++;
}

/* scenario: PIT-05 */
static void test_signals_do_not_move_the_deadline(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = interrupted }; /* without SA_RESTART */
    struct sigaction before;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    struct itimerspec every = { { 0, 3000000 }, { 0, 3000000 } };
    timer_t timer;
    struct ln_interest want = ln_interest(0);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &every, NULL), 0);
    interruptions = 0;
    ln_msec until = ln_now(env) + 50;
    assert_int_equal(ops()->wait(ctx(), &want, until), LN_OK);
    ln_msec late = ln_now(env) - until;
    assert_int_equal(timer_delete(timer), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    print_message("  %d interruptions, %d ms late\n", (int)interruptions, (int)late);
    assert_true(interruptions > 0);
    assert_true(late >= 0 && late < PATIENCE_MS);
}

/* ---- errors ---- */

static const struct {
    int error;
    enum ln_status status;
    enum ln_category category;
    const char *text;
} errors[] = {
    { ECONNREFUSED, LN_REFUSED, LN_CAT_PEER_REFUSED, "connect to 192.0.2.1:5684 was refused" },
    { ECONNRESET, LN_CLOSED, LN_CAT_RESET,
      "connect to 192.0.2.1:5684 failed: the connection was reset" },
    { ECONNABORTED, LN_CLOSED, LN_CAT_RESET, NULL },
    { EPIPE, LN_CLOSED, LN_CAT_RESET, NULL },
    { ENETUNREACH, LN_REFUSED, LN_CAT_UNREACHABLE,
      "connect to 192.0.2.1:5684 failed: there is no route to that network" },
    { EHOSTUNREACH, LN_REFUSED, LN_CAT_UNREACHABLE, NULL },
    { EADDRNOTAVAIL, LN_REFUSED, LN_CAT_UNREACHABLE, NULL },
    { ETIMEDOUT, LN_TIMEOUT, LN_CAT_NO_ANSWER, "connect to 192.0.2.1:5684 had no answer" },
    { EMSGSIZE, LN_NO_SPACE, LN_CAT_CONFIGURATION, NULL },
    { EACCES, LN_DENIED, LN_CAT_LOCAL_IO, "connect to 192.0.2.1:5684 is not permitted" },
    { EPERM, LN_DENIED, LN_CAT_LOCAL_IO, NULL },
    { EADDRINUSE, LN_BAD_STATE, LN_CAT_LOCAL_IO, NULL },
    { ENOMEM, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, NULL },
    { ENOBUFS, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, NULL },
    { EMFILE, LN_NO_SPACE, LN_CAT_LOCAL_IO, NULL },
    { ENFILE, LN_NO_SPACE, LN_CAT_LOCAL_IO, NULL },
    { EBADF, LN_INTERNAL, LN_CAT_INTERNAL_FAULT, NULL },
    { EIO, LN_IO, LN_CAT_LOCAL_IO, "connect to 192.0.2.1:5684 failed" },
    { 0, LN_IO, LN_CAT_LOCAL_IO, NULL },
    { 99999, LN_IO, LN_CAT_LOCAL_IO, NULL },
};

static void test_errors(void **state)
{
    (void)state;
    struct ln_addr peer = address("192.0.2.1", 5684);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct ln_diag diag = cleared();
        struct ln__posix_failure failure = {
            .error = errors[i].error,
            .phase = LN_PHASE_CONNECT,
            .verb = "connect",
            .link = " to ",
            .addr = &peer,
        };
        enum ln_status st = ln__posix_fail(&diag, &failure);
        print_message("  %s\n", diag.text);
        assert_failed(st, &diag, errors[i].status, errors[i].category);
        assert_int_equal(diag.native, errors[i].error);
        assert_string_equal(diag.origin, "posix");
        assert_true(diag.native_text[0] != '\0');
        if (errors[i].text != NULL)
            assert_string_equal(diag.text, errors[i].text);
        assert_int_equal(ln__posix_fail(NULL, &failure), errors[i].status);
    }
}

static void test_errors_without_an_address(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    struct ln__posix_failure failure = {
        .error = ECONNREFUSED, .phase = LN_PHASE_CONNECT, .verb = "connect", .link = " to "
    };
    (void)ln__posix_fail(&diag, &failure);
    assert_string_equal(diag.text, "connect was refused");
}

static void test_a_handle_that_is_not_open(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    struct ln_net_got got;
    struct ln_addr peer = address("127.0.0.1", 1);
    char room[4];
    ln_handle h = opened(LN_NET_DATAGRAM, LN_IPV4);
    ops()->close(ctx(), h);
    enum ln_status st =
        ops()->recv(ctx(), h, LN_NET_DATAGRAM, ln_mspan(room, 4), false, &got, &diag);
    assert_failed(st, &diag, LN_INTERNAL, LN_CAT_INTERNAL_FAULT);
    diag = cleared();
    st = ops()->finish(ctx(), h, &diag);
    assert_failed(st, &diag, LN_INTERNAL, LN_CAT_INTERNAL_FAULT);
    diag = cleared();
    assert_int_not_equal(ops()->connect(ctx(), h, &peer, &diag), LN_OK);
    struct ln_interest want = ln_interest(0);
    ln_interest_add(&want, h, LN_WANT_READ);
    assert_int_equal(ops()->wait(ctx(), &want, LN_NEVER), LN_OK); /* ready to tell its error */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_plain),
        cmocka_unit_test(test_open_with_options),
        cmocka_unit_test(test_transparent),
        cmocka_unit_test(test_ecn_bits_are_kept),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_missing_interface),
        cmocka_unit_test(test_no_descriptor_left),
        cmocka_unit_test(test_tcp_both_ways),
        cmocka_unit_test(test_tcp_partial_reads_and_peeks),
        cmocka_unit_test(test_tcp_end_and_reset),
        cmocka_unit_test(test_tcp_fills_up_and_drains),
        cmocka_unit_test(test_tcp_shutdown),
        cmocka_unit_test(test_tcp_refused),
        cmocka_unit_test(test_finish_too_early),
        cmocka_unit_test(test_accept_of_datagrams),
        cmocka_unit_test(test_udp_lengths),
        cmocka_unit_test(test_udp_nothing_there),
        cmocka_unit_test(test_udp_connected),
        cmocka_unit_test(test_udp_refused_and_usable_again),
        cmocka_unit_test(test_udp_too_long),
        cmocka_unit_test(test_ipv4_over_an_ipv6_socket),
        cmocka_unit_test(test_the_wrong_family),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_mtu),
        cmocka_unit_test(test_wait_for_a_deadline_that_is_over),
        cmocka_unit_test(test_wait_ends_when_ready),
        cmocka_unit_test(test_wait_for_nothing),
        cmocka_unit_test(test_signals_do_not_move_the_deadline),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_without_an_address),
        cmocka_unit_test(test_a_handle_that_is_not_open),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
