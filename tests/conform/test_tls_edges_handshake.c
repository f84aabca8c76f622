/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_handshake.c
 * Corners of handshakes that a review found: the last moment of a schedule, sockets that nobody has
 * stepped yet, a listener whose answer could not be sent, addresses that refuse.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the last moment ---- */

/* The longest wait ends in the same moment in which the answer comes, for each flight: what is sent
 * then must leave, in the handshake and after it (tls_backend.h: "unless the answer has just come"). */
/* scenario: S24 */
static void test_an_answer_in_the_last_moment(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "an answer in the last moment");
        c.client.handshake_first_ms = 1000;
        c.client.handshake_max_ms = 1000;
        c.link.delay_min_ms = 500;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        tls_pair_finish(&p);
    }
}

/* ---- an answer that waits ---- */

/* A device that slept over its timer finds the answer of the first address in its socket, and does not
 * throw it away to try the second one. */
/* scenario: S20, S24 */
static void test_an_answer_that_came_while_we_slept(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "an answer that came while we slept");
        c.client_socket.preferred_family = LN_IPV4;
        c.link.delay_min_ms = 100;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_testkit_name(p.kit, TLS_HOST, TLS_SERVER_IP " 2001:db8::99"), LN_OK);
        assert_int_equal(ln_sock_connect(p.client, TLS_HOST, TLS_PORT, tls_pair_now(&p)), LN_AGAIN);
        ln_testkit_advance(p.kit, 1); /* the answers of the name server */
        assert_int_equal(ln_sock_step(p.client, tls_pair_now(&p)), LN_AGAIN);
        struct ln_sock *client = p.client;
        p.client = NULL; /* for one and a half seconds nobody steps it */
        p.socks[0] = NULL;
        tls_pair_run(&p, 1500);
        p.client = client;
        p.socks[0] = client;
        assert_int_equal(ln_sock_step(p.client, tls_pair_now(&p)), LN_AGAIN);
        struct ln_sock_info info;
        ln_sock_info(p.client, &info);
        if (info.peer.family != LN_IPV4)
            tls_fail(&p, "it went on to the other address");
        tls_pair_run(&p, 1500); /* OpenSSL 3.5 sends its flight again first */
        ln_sock_info(p.client, &info);
        assert_int_equal(info.state, LN_SOCK_OPEN);
        tls_pair_finish(&p);
    }
}

/* ---- nobody has stepped it yet ---- */

static void must_not_sleep(const struct tls_pair *p, const struct ln_sock *s, const char *who)
{
    struct ln_interest want;
    ln_sock_interest(s, 0, &want);
    if (!want.ready && want.deadline == LN_NEVER)
        tls_fail(p, "%s would wait for ever", who);
}

static bool has_client(struct tls_pair *p, void *user)
{
    struct ln_sock *tcp = user;
    struct ln_sock_info info;
    ln_sock_info(tcp, &info);
    return info.state == LN_SOCK_OPEN && p->server != NULL;
}

/* A handshake that is still to begin is work that no handle announces: the client's hello waits for
 * it, and so does the limit for clients that say nothing. */
/* scenario: C4 */
static void test_before_the_first_step(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "sockets that nobody stepped", &tls_world);
        struct tls_pair p;
        struct ln_sock *tcp = NULL;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_sock_new(&p.client_env, LN_TCP, NULL, NULL, NULL, &tcp), LN_OK);
        assert_int_equal(ln_sock_connect(tcp, TLS_HOST, TLS_PORT, tls_pair_now(&p)), LN_AGAIN);
        p.socks[3] = tcp;
        assert_true(tls_pair_until(&p, has_client, tcp, 1000));
        must_not_sleep(&p, p.server, "an accepted socket");
        p.socks[3] = NULL;
        assert_int_equal(ln_sock_wrap(&tcp, p.client_config, TLS_HOST, NULL), LN_OK);
        must_not_sleep(&p, tcp, "a wrapped socket");
        ln_sock_free(tcp);
        tls_pair_close(&p);
    }
}

/* ---- a listener that could not answer once ---- */

static struct {
    const struct ln_net_ops *real;
    struct ln_net_ops ops;
    unsigned failures;
} network;

/* A network of one's own under an environment; it does as the system's, until it is changed. */
static struct ln_net_ops *own_network(struct ln_env *env)
{
    network.real = env->net.ops;
    network.ops = *network.real;
    env->net.ops = &network.ops;
    return &network.ops;
}

static enum ln_status failing_send(void *ctx, ln_handle h, const struct ln_addr *to,
                                   struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    if (to != NULL && network.failures > 0) {
        network.failures--;
        return LN_DENIED;
    }
    return network.real->send(ctx, h, to, data, sent, diag);
}

/* A firewall of the server's own that refuses one answer to a stranger (EPERM) is that stranger's
 * loss: the client who comes next has a healthy association, up to its close_notify. */
/* scenario: S40 */
static void test_a_listener_survives_a_refused_answer(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "one answer of the listener is refused");
        c.no_polling = true;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        tls_pair_open(&p, &c);
        own_network(&p.server_env)->send = failing_send;
        network.failures = 1;
        tls_pair_must_connect(&p);
        assert_int_equal(network.failures, 0);
        tls_pair_must_exchange(&p);
        ln_sock_close(p.server);
        assert_int_equal(tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000),
                         LN_CLOSED);
        tls_pair_close(&p);
    }
}

static enum ln_status failing_open(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                                   ln_handle *out)
{
    if (network.failures == 0)
        return network.real->open(ctx, how, diag, out);
    network.failures--;
    return ln_diag_set(diag, LN_NO_SPACE, LN_CAT_LOCAL_IO, LN_PHASE_CONNECT, "no descriptor left");
}

/* A client that proved its address just when no descriptor was left is taken when there is one, before
 * it has to say so again. */
/* scenario: S40, PIT-31 */
static void test_a_listener_survives_a_lack_of_descriptors(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "no descriptor for a client");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        own_network(&p.server_env)->open = failing_open;
        network.failures = 3;
        tls_pair_must_connect(&p);
        assert_int_equal(network.failures, 0);
        assert_true(p.ended - p.started < 500);
        tls_pair_finish(&p);
    }
}

/* ---- addresses that refuse ---- */

static enum ln_status prohibit(enum ln_status st, struct ln_diag *diag)
{
    if (st != LN_REFUSED)
        return st;
    ln_diag_clear(diag);
    return ln_diag_set(diag, LN_DENIED, LN_CAT_UNREACHABLE, LN_PHASE_TRANSFER, "prohibited");
}

static enum ln_status prohibited_send(void *ctx, ln_handle h, const struct ln_addr *to,
                                      struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    return prohibit(network.real->send(ctx, h, to, data, sent, diag), diag);
}

static enum ln_status prohibited_recv(void *ctx, ln_handle h, enum ln_net_kind kind,
                                      struct ln_mspan room, bool peek, struct ln_net_got *got,
                                      struct ln_diag *diag)
{
    return prohibit(network.real->recv(ctx, h, kind, room, peek, got, diag), diag);
}

/* A server with three addresses, at two of which nobody listens. */
static void open_crowd(struct tls_pair *p, const struct tls_row *row, uint64_t seed,
                       bool prohibiting)
{
    struct tls_case c = tls_case_psk(row, "addresses that refuse");
    struct ln_testkit_host *others = NULL;
    c.seed = seed;
    tls_pair_open(p, &c);
    assert_int_equal(ln_testkit_host_new(p->kit, "others", "192.0.2.7 192.0.2.8", &others), LN_OK);
    assert_int_equal(ln_testkit_name(p->kit, TLS_HOST, TLS_SERVER_IP " 192.0.2.7 192.0.2.8"),
                     LN_OK);
    struct ln_net_ops *ops = own_network(&p->client_env);
    ops->send = prohibiting ? prohibited_send : ops->send;
    ops->recv = prohibiting ? prohibited_recv : ops->recv;
}

/* An ICMP message of an address, of whatever kind, sends a handshake on to the next one at once, whichever
 * was the first; and when all of them have refused, that is told, and nobody is asked again. */
/* scenario: S20, T3 */
static void test_addresses_that_refuse(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (uint64_t i = 0; i < 8; i++) {
            struct tls_pair p;
            open_crowd(&p, &rows.row[r], 1 + i / 2, i % 2 != 0);
            tls_pair_must_connect(&p);
            assert_true(p.ended - p.started < 1000); /* before the first retransmission */
            tls_pair_finish(&p);

            open_crowd(&p, &rows.row[r], 1 + i / 2, i % 2 != 0);
            ln_sock_free(p.listener);
            p.listener = NULL;
            (void)tls_pair_connect(&p);
            tls_want_status(&p, i % 2 != 0 ? LN_DENIED : LN_REFUSED);
            assert_true(p.ended - p.started < 1000);
            assert_in_range(p.client_tap.packets, 3, 4); /* the first one may be asked twice */
            tls_pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_in_the_last_moment),
        cmocka_unit_test(test_an_answer_that_came_while_we_slept),
        cmocka_unit_test(test_before_the_first_step),
        cmocka_unit_test(test_a_listener_survives_a_refused_answer),
        cmocka_unit_test(test_a_listener_survives_a_lack_of_descriptors),
        cmocka_unit_test(test_addresses_that_refuse),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
