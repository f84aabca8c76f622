/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_wrap.c
 * TLS and DTLS around a socket that the caller brings: closed, connected (STARTTLS), bound, or made
 * of something that is no network at all (SOCK-32, SOCK-33, S32, C4).
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linnet/filter.h>

static enum ln_sock_state state_of(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info.state;
}

static enum ln_sock_kind plain_kind(const struct tls_row *row)
{
    return row->kind == LN_DTLS ? LN_UDP : LN_TCP;
}

/* Replace the client's stack by a plain socket, which the test then wraps. */
static struct ln_sock *plain_client(struct tls_pair *p)
{
    struct ln_sock *plain = NULL;
    ln_sock_free(p->client);
    p->client = NULL;
    p->socks[0] = NULL;
    assert_int_equal(
        ln_sock_new(&p->client_env, plain_kind(&p->spec.row), NULL, NULL, NULL, &plain), LN_OK);
    return plain;
}

static void use_client(struct tls_pair *p, struct ln_sock *s)
{
    p->client = s;
    p->socks[0] = s;
}

static bool settled(struct tls_pair *p, void *user)
{
    (void)user;
    return state_of(p->client) != LN_SOCK_CONNECTING && p->server != NULL &&
           state_of(p->server) != LN_SOCK_CONNECTING;
}

/* ---- closed ---- */

/* scenario: C4, S14 */
static void test_around_a_closed_socket(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "around a closed socket", &tls_world);
        struct tls_pair p;
        struct ln_diag diag;
        tls_pair_open(&p, &c);
        struct ln_sock *s = plain_client(&p);
        struct ln_sock *below = s;
        assert_int_equal(ln_sock_wrap(&s, p.client_config, NULL, &diag), LN_OK);
        assert_ptr_not_equal(s, below);
        assert_int_equal(state_of(s), LN_SOCK_CLOSED);
        use_client(&p, s);
        for (int i = 0; i < 3; i++) {
            tls_pair_must_connect(&p);
            tls_pair_must_exchange(&p);
            tls_pair_hang_up(&p);
        }
        tls_pair_close(&p);
    }
}

/* The name given at wrapping is verified, whatever host is connected to. */
/* scenario: C4, S36 */
static void test_the_name_given_at_wrapping(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (int good = 0; good <= 1; good++) {
            struct tls_case c =
                tls_case_cert(&rows.row[r], "a name for the wrapped socket", &tls_world);
            c.host = good != 0 ? "alias.example" : NULL;
            struct tls_pair p;
            struct wire_hello hello;
            struct ln_diag diag;
            tls_pair_open(&p, &c);
            assert_int_equal(ln_testkit_name(p.kit, "alias.example", TLS_SERVER_IP), LN_OK);
            struct ln_sock *s = plain_client(&p);
            const char *name = good != 0 ? TLS_HOST : "elsewhere.example";
            assert_int_equal(ln_sock_wrap(&s, p.client_config, name, &diag), LN_OK);
            use_client(&p, s);
            enum ln_status st = tls_pair_connect(&p);
            assert_int_equal(st, good != 0 ? LN_OK : LN_DENIED);
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_string_equal(hello.server_name, name);
            if (good == 0)
                tls_want_category(&p, &p.client_diag, LN_CAT_WRONG_NAME);
            tls_pair_close(&p);
        }
    }
}

/* ---- the wrong nature ---- */

/* scenario: S14, C4 */
static void test_natures_that_differ(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a stream for DTLS, datagrams for TLS");
        struct tls_pair p;
        struct ln_diag diag;
        struct ln_sock *plain = NULL;
        tls_pair_open(&p, &c);
        enum ln_sock_kind wrong = rows.row[r].kind == LN_DTLS ? LN_TCP : LN_UDP;
        assert_int_equal(ln_sock_new(&p.client_env, wrong, NULL, NULL, NULL, &plain), LN_OK);
        struct ln_sock *before = plain;
        ln_diag_clear(&diag);
        assert_int_equal(ln_sock_wrap(&plain, p.client_config, NULL, &diag), LN_BAD_ARG);
        assert_ptr_equal(plain, before); /* untouched, still the caller's */
        assert_int_equal(state_of(plain), LN_SOCK_CLOSED);
        assert_true(diag.text[0] != '\0');
        ln_sock_free(plain);
        tls_pair_close(&p);
    }
}

/* ---- STARTTLS ---- */

static struct ln_sock *plain_server;

static bool plain_connected(struct tls_pair *p, void *user)
{
    (void)user;
    if (plain_server == NULL) {
        enum ln_status st = ln_sock_accept(p->socks[3], tls_pair_now(p), &plain_server);
        assert_true(st == LN_OK || st == LN_AGAIN);
        p->socks[4] = plain_server;
    }
    return plain_server != NULL && state_of(p->client) == LN_SOCK_OPEN;
}

static void say(struct tls_pair *p, struct ln_sock *from, struct ln_sock *to, const char *line)
{
    uint8_t room[64];
    struct ln_mspan exactly = ln_mspan(room, strlen(line));
    assert_int_equal(tls_pair_send(p, from, ln_span_str(line)), LN_OK);
    assert_true(tls_pair_recv_all(p, to, exactly));
    assert_memory_equal(room, line, strlen(line));
}

/* Two plain streams that are connected; `listener` is the test's. */
static struct ln_sock *connect_plain(struct tls_pair *p)
{
    struct ln_addr local = { .family = LN_FAMILY_ANY, .port = 143 };
    struct ln_sock *listener = NULL;
    plain_server = NULL;
    assert_int_equal(ln_sock_new(&p->server_env, LN_TCP, NULL, NULL, NULL, &listener), LN_OK);
    assert_int_equal(ln_sock_bind(listener, &local), LN_OK);
    p->socks[3] = listener;
    use_client(p, plain_client(p));
    assert_int_equal(ln_sock_connect(p->client, TLS_HOST, 143, tls_pair_now(p)), LN_AGAIN);
    assert_true(tls_pair_until(p, plain_connected, NULL, 10000));
    return listener;
}

static bool both_open(struct tls_pair *p, void *user)
{
    (void)user;
    return state_of(p->client) != LN_SOCK_CONNECTING && state_of(p->server) != LN_SOCK_CONNECTING;
}

/* Plain lines first; then both sides put TLS around what they have. */
/* scenario: C4, S32 */
static void test_starttls(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (int good = 0; good <= 1; good++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "STARTTLS", &tls_world);
            struct tls_pair p;
            struct ln_diag diag;
            tls_pair_open(&p, &c);
            struct ln_sock *listener = connect_plain(&p);
            say(&p, plain_server, p.client, "220 ready\r\n");
            say(&p, p.client, plain_server, "STARTTLS\r\n");
            say(&p, plain_server, p.client, "220 go ahead\r\n");

            p.server = plain_server;
            p.socks[4] = NULL;
            assert_int_equal(ln_sock_wrap(&p.server, p.server_config, NULL, &diag), LN_OK);
            assert_int_equal(state_of(p.server), LN_SOCK_CONNECTING);
            p.socks[2] = p.server;
            struct ln_sock *s = p.client;
            /* NULL: the name of the lower socket, which is right; or one that is not */
            const char *name = good != 0 ? NULL : "elsewhere.example";
            assert_int_equal(ln_sock_wrap(&s, p.client_config, name, &diag), LN_OK);
            assert_int_equal(state_of(s), LN_SOCK_CONNECTING);
            use_client(&p, s);
            assert_true(tls_pair_until(&p, both_open, NULL, 10000));
            struct ln_sock_info info;
            ln_sock_info(p.server, &info);
            assert_int_equal(info.role, LN_SERVER);
            p.client_diag = *ln_sock_diag(p.client);
            if (good != 0) {
                assert_int_equal(state_of(p.client), LN_SOCK_OPEN);
                assert_int_equal(state_of(p.server), LN_SOCK_OPEN);
                tls_pair_must_exchange(&p);
            } else {
                assert_int_equal(state_of(p.client), LN_SOCK_FAILED);
                tls_want_category(&p, &p.client_diag, LN_CAT_WRONG_NAME);
            }
            ln_sock_free(p.server);
            p.server = NULL;
            p.socks[2] = NULL;
            p.socks[3] = NULL;
            ln_sock_free(listener);
            tls_pair_close(&p);
        }
    }
}

/* TLS in TLS: the lower socket is secure already. */
/* scenario: C4, S32 */
static void test_tls_in_tls(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_cert(&rows.row[r], "TLS in TLS", &tls_world);
        struct tls_pair p;
        struct ln_diag diag;
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p);
        assert_int_equal(ln_sock_wrap(&p.client, p.client_config, NULL, &diag), LN_OK);
        assert_int_equal(ln_sock_wrap(&p.server, p.server_config, NULL, &diag), LN_OK);
        p.socks[0] = p.client;
        p.socks[2] = p.server;
        assert_true(tls_pair_until(&p, settled, NULL, 10000));
        assert_int_equal(state_of(p.client), LN_SOCK_OPEN);
        assert_int_equal(state_of(p.server), LN_SOCK_OPEN);
        tls_pair_finish(&p);
    }
}

static bool damages;

static void damage(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    (void)user;
    if (damages && packet->from_host == p->server_host && packet->len > 0)
        packet->data[packet->len - 1] ^= 1;
}

/* What ends the lower one is told by the upper one as the lower one has put it, with the words of its
 * library: the upper one knows only that its socket failed. */
/* scenario: C4, S32, S39 */
static void test_a_failure_below_tls_in_tls(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_cert(&rows.row[r], "damage below TLS in TLS", &tls_world);
        c.on_packet = damage;
        damages = false;
        struct tls_pair p;
        struct ln_diag diag;
        size_t n = 0;
        uint8_t room[64];
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p);
        assert_int_equal(ln_sock_wrap(&p.client, p.client_config, NULL, &diag), LN_OK);
        assert_int_equal(ln_sock_wrap(&p.server, p.server_config, NULL, &diag), LN_OK);
        p.socks[0] = p.client;
        p.socks[2] = p.server;
        assert_true(tls_pair_until(&p, settled, NULL, 10000));
        damages = true;
        assert_int_equal(tls_pair_send(&p, p.server, ln_span_str("hello")), LN_OK);
        enum ln_status st = tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &n, 10000);
        const struct ln_diag *d = ln_sock_diag(p.client);
        assert_int_equal(st, LN_BAD_PEER);
        tls_want_category(&p, d, LN_CAT_RECORD_DAMAGED);
        assert_int_equal(d->phase, LN_PHASE_TRANSFER);
        assert_non_null(strstr(d->text, "decrypt"));
        assert_true(d->native_text[0] != '\0');
        damages = false;
        tls_pair_close(&p);
    }
}

/* ---- a transport that is no network ---- */

/* Two ends of a wire in memory, without handles, descriptors or addresses: a modem, a pipe to another
 * core. Written from docs of filter.h only. */
enum { WIRE_SLOTS = 64, WIRE_BYTES = 2048 };

struct wire_end {
    struct ln_sock base;
    struct wire_end *peer;
    size_t first;
    size_t count;
    size_t len[WIRE_SLOTS];
    uint8_t data[WIRE_SLOTS][WIRE_BYTES];
};

static struct wire_end *end_of(struct ln_sock *s)
{
    return (struct wire_end *)(void *)s;
}

static enum ln_status wire_connect(struct ln_sock *s, ln_msec now)
{
    (void)now;
    return end_of(s)->peer != NULL ? LN_OK : LN_REFUSED;
}

static enum ln_status wire_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct wire_end *to = end_of(s)->peer;
    if (to == NULL)
        return LN_IO;
    if (to->count == WIRE_SLOTS)
        return LN_AGAIN;
    size_t slot = (to->first + to->count) % WIRE_SLOTS;
    size_t len = data.len;
    if ((s->traits & LN_TRAIT_DATAGRAM) != 0 && len > WIRE_BYTES)
        return LN_NO_SPACE;
    if (len > WIRE_BYTES)
        len = WIRE_BYTES;
    memcpy(to->data[slot], data.data, len);
    to->len[slot] = len;
    to->count++;
    *sent = len;
    return LN_OK;
}

static void take_slot(struct wire_end *e)
{
    e->first = (e->first + 1) % WIRE_SLOTS;
    e->count--;
}

static enum ln_status wire_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct wire_end *e = end_of(s);
    if (e->count == 0)
        return LN_AGAIN;
    size_t len = e->len[e->first];
    size_t n = len < room.len ? len : room.len;
    memcpy(room.data, e->data[e->first], n);
    *got = n;
    if ((s->traits & LN_TRAIT_DATAGRAM) != 0) {
        s->datagram_len = len;
        take_slot(e);
        return n < len ? LN_NO_SPACE : LN_OK;
    }
    if (n == len) {
        take_slot(e);
    } else {
        memmove(e->data[e->first], e->data[e->first] + n, len - n);
        e->len[e->first] = len - n;
    }
    return LN_OK;
}

static void wire_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct wire_end *e = (const struct wire_end *)(const void *)s;
    if ((want->events & LN_WANT_READ) != 0 && e->count > 0)
        want->ready = true;
    if ((want->events & LN_WANT_WRITE) != 0 && e->peer != NULL && e->peer->count < WIRE_SLOTS)
        want->ready = true;
    ln_interest_until(want, ln_now(s->env) + 10); /* nothing announces it: look each 10 ms */
}

/* Whoever is left must not look back. */
static void wire_destroy(struct ln_sock *s)
{
    if (end_of(s)->peer != NULL)
        end_of(s)->peer->peer = NULL;
}

static const struct ln_sock_ops wire_stream = {
    .name = "wire",
    .traits = LN_TRAIT_STREAM,
    .connect = wire_connect,
    .send = wire_send,
    .recv = wire_recv,
    .interest = wire_interest,
    .destroy = wire_destroy,
};
static const struct ln_sock_ops wire_datagram = {
    .name = "wire",
    .traits = LN_TRAIT_DATAGRAM,
    .connect = wire_connect,
    .send = wire_send,
    .recv = wire_recv,
    .interest = wire_interest,
    .destroy = wire_destroy,
};

/* The server's end is connected like a client's and then told to be a server: filter.h lets the
 * transport say so by its role. */
/* scenario: S32, C4 */
static void test_over_a_transport_of_the_callers_own(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "over a wire in memory", &tls_world);
        struct tls_pair p;
        struct ln_diag diag;
        const struct ln_sock_ops *ops = rows.row[r].kind == LN_DTLS ? &wire_datagram : &wire_stream;
        tls_pair_open(&p, &c);
        ln_sock_free(p.client);
        struct ln_sock *a = NULL;
        struct ln_sock *b = NULL;
        assert_int_equal(ln_filter_new(ops, sizeof(struct wire_end), &p.client_env, NULL, &a),
                         LN_OK);
        assert_int_equal(ln_filter_new(ops, sizeof(struct wire_end), &p.server_env, NULL, &b),
                         LN_OK);
        end_of(a)->peer = end_of(b);
        end_of(b)->peer = end_of(a);
        assert_int_equal(ln_sock_connect(b, "the.client", 1, tls_pair_now(&p)), LN_OK);
        b->role = LN_SERVER;
        assert_int_equal(ln_sock_wrap(&a, p.client_config, NULL, &diag), LN_OK);
        assert_int_equal(ln_sock_wrap(&b, p.server_config, NULL, &diag), LN_OK);
        use_client(&p, a);
        p.server = b;
        p.socks[2] = b;
        assert_int_equal(ln_sock_connect(a, TLS_HOST, 1, tls_pair_now(&p)), LN_AGAIN);
        assert_true(tls_pair_until(&p, settled, NULL, 10000));
        p.client_diag = *ln_sock_diag(p.client);
        p.server_diag = *ln_sock_diag(p.server);
        if (state_of(p.client) != LN_SOCK_OPEN || state_of(p.server) != LN_SOCK_OPEN)
            tls_fail(&p, "no connection over a wire in memory");
        tls_pair_must_exchange(&p);
        ln_sock_close(p.client);
        tls_pair_run(&p, 100);
        tls_pair_close(&p);
    }
}

/* ---- listeners ---- */

/* A bound socket becomes a listener. */
/* scenario: C4, S32 */
static void test_around_a_bound_socket(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "around a bound socket", &tls_world);
        struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
        struct ln_addr local = { .family = LN_FAMILY_ANY, .port = TLS_PORT };
        struct tls_pair p;
        struct ln_diag diag;
        tls_pair_open(&p, &c);
        ln_sock_free(p.listener);
        p.listener = NULL;
        options.reuse_addr = true;
        assert_int_equal(
            ln_sock_new(&p.server_env, plain_kind(&rows.row[r]), &options, NULL, NULL, &p.listener),
            LN_OK);
        assert_int_equal(ln_sock_bind(p.listener, &local), LN_OK);
        assert_int_equal(ln_sock_wrap(&p.listener, p.server_config, NULL, &diag), LN_OK);
        assert_int_equal(state_of(p.listener), LN_SOCK_BOUND);
        p.socks[1] = p.listener;
        tls_pair_must_connect(&p);
        tls_pair_finish(&p);
    }
}

/* Several clients at once, each with its own socket on the server. */
enum { CLIENTS = 3 };

struct crowd {
    struct ln_sock *client[CLIENTS];
    struct ln_sock *server[CLIENTS];
    size_t servers;
};

static bool everybody_is_in(struct tls_pair *p, void *user)
{
    struct crowd *crowd = user;
    struct ln_sock *accepted = NULL;
    while (crowd->servers < CLIENTS &&
           ln_sock_accept(p->socks[1], tls_pair_now(p), &accepted) == LN_OK) {
        p->socks[5 + crowd->servers] = accepted;
        crowd->server[crowd->servers++] = accepted;
        accepted = NULL;
    }
    bool all = crowd->servers == CLIENTS;
    for (size_t i = 0; all && i < CLIENTS; i++)
        all = state_of(crowd->client[i]) == LN_SOCK_OPEN &&
              state_of(crowd->server[i]) == LN_SOCK_OPEN;
    return all;
}

/* Who is who tells the port. */
static struct ln_sock *server_of(const struct crowd *crowd, const struct ln_sock *client)
{
    struct ln_sock_info mine;
    ln_sock_info(client, &mine);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct ln_sock_info theirs;
        ln_sock_info(crowd->server[i], &theirs);
        if (theirs.peer.port == mine.local.port)
            return crowd->server[i];
    }
    return NULL;
}

/* scenario: S19, S42 */
static void test_three_clients_at_once(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "three clients at once", &tls_world);
        c.link.delay_min_ms = 20;
        struct tls_pair p;
        struct crowd crowd = { .servers = 0 };
        tls_pair_open(&p, &c);
        struct ln_sock *listener = p.listener;
        p.listener = NULL; /* this test accepts by itself */
        crowd.client[0] = p.client;
        for (size_t i = 1; i < CLIENTS; i++) {
            assert_int_equal(ln_sock_new(&p.client_env, rows.row[r].kind, NULL, p.client_config,
                                         NULL, &crowd.client[i]),
                             LN_OK);
            p.socks[2 + i] = crowd.client[i];
        }
        for (size_t i = 0; i < CLIENTS; i++)
            assert_int_equal(ln_sock_connect(crowd.client[i], TLS_HOST, TLS_PORT, tls_pair_now(&p)),
                             LN_AGAIN);
        if (!tls_pair_until(&p, everybody_is_in, &crowd, 10000))
            tls_fail(&p, "%zu of three came in", crowd.servers);
        for (size_t i = 0; i < CLIENTS; i++) {
            p.client = crowd.client[i];
            p.server = server_of(&crowd, p.client);
            assert_non_null(p.server);
            tls_pair_must_exchange(&p);
        }
        memset(p.socks, 0, sizeof p.socks);
        for (size_t i = 0; i < CLIENTS; i++) {
            ln_sock_free(crowd.server[i]);
            if (i > 0)
                ln_sock_free(crowd.client[i]);
        }
        p.client = crowd.client[0];
        p.server = NULL;
        p.listener = listener;
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_around_a_closed_socket),
        cmocka_unit_test(test_the_name_given_at_wrapping),
        cmocka_unit_test(test_natures_that_differ),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_tls_in_tls),
        cmocka_unit_test(test_a_failure_below_tls_in_tls),
        cmocka_unit_test(test_over_a_transport_of_the_callers_own),
        cmocka_unit_test(test_around_a_bound_socket),
        cmocka_unit_test(test_three_clients_at_once),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
