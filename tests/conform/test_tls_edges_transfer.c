/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_transfer.c
 * Corners of open connections that a review found: the end of a stream as the answer to a question,
 * alerts that end nothing, objections that come late, errors of somebody else, and whose memory is
 * used.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linnet/filter.h>
#include <openssl/err.h>

static struct ln_sock_info info_of(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info;
}

/* ---- a question at the end of a stream ---- */

/* sock.h: "Empty room is a question: LN_OK if a receive would not say LN_AGAIN. Nothing is consumed."
 * A receive would say LN_OK and 0: the proven end. */
/* scenario: S44, S47 */
static void test_is_anything_there_at_the_end(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_psk(&rows.row[r], "is anything there at the end?");
        struct tls_pair p;
        uint8_t room[8];
        size_t got = 77;
        tls_pair_start(&p, &c);
        ln_sock_close(p.server);
        tls_pair_run(&p, 100);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(ln_sock_recv(p.client, ln_mspan(NULL, 0), &got), LN_OK);
            assert_int_equal(got, 0);
            assert_int_equal(info_of(p.client).state, LN_SOCK_OPEN);
        }
        assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_OK);
        assert_int_equal(got, 0);
        tls_pair_close(&p);
    }
}

/* ---- alerts that end nothing ---- */

static int warn_about_the_name(SSL *ssl, int *alert, void *user)
{
    (void)ssl;
    (void)alert;
    (void)user;
    return SSL_TLSEXT_ERR_ALERT_WARNING; /* unrecognized_name, and the handshake goes on */
}

static void warn(void *user, SSL_CTX *ctx)
{
    (void)user;
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, warn_about_the_name);
}

/* RFC 5246 7.2.2: a warning does not end a connection. What ended it later is told, and the warning
 * as what it was. */
/* scenario: S39, S47, C3 */
static void test_a_warning_does_not_hide_a_reset(void **state)
{
    (void)state;
    static const struct ln_span key = { (const uint8_t *)"0123456789abcdef", 16 };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a warning, and later a reset");
        struct raw_server raw = { .psk_identity = "device-1", .psk_key = key, .setup = warn };
        c.raw = &raw;
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 77;
        tls_pair_start(&p, &c);
        assert_true(ln_testkit_reset_streams(p.kit, NULL, NULL) > 0);
        (void)tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000);
        p.client_diag = *ln_sock_diag(p.client);
        tls_want_category(&p, &p.client_diag, LN_CAT_RESET);
        tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 112);
        assert_int_equal(p.client_diag.alert_level, 1);
        tls_pair_close(&p);
    }
}

/* ---- a certificate that is refused behind the handshake ---- */

/* In TLS 1.3 the server's objection comes when connect is over (TLS-120). A program that goes on sending
 * before it reads is told of the objection, not of the reset behind it (ERR-03). */
/* scenario: S39, S47, C3 */
static void test_sending_to_a_server_that_objects(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "sends before it reads", &tls_world);
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        c.server.trust = pki_trust_one(tls_world.pki, tls_world.stranger);
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        c.link.delay_min_ms = 10;
        struct tls_pair p;
        size_t sent = 0;
        assert_int_equal(tls_pair_attempt(&p, &c), LN_OK);
        assert_int_equal(p.server_status, LN_DENIED);
        ln_sock_free(p.server);
        p.server = NULL;
        p.socks[2] = NULL;
        enum ln_status st = LN_OK;
        for (int i = 0; i < 4 && st == LN_OK; i++) {
            st = ln_sock_send(p.client, ln_span("hello", 5), &sent);
            tls_pair_run(&p, 50);
        }
        assert_int_equal(st, LN_REFUSED);
        p.client_diag = *ln_sock_diag(p.client);
        tls_want_category(&p, &p.client_diag, LN_CAT_CLIENT_CERT_REJECTED);
        tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 48);
        tls_pair_close(&p);
    }
}

/* Where it does not object, all that is sent arrives, and what it sends is not lost. */
/* scenario: S10 */
static void test_sending_to_a_server_that_does_not(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "a welcome client", &tls_world);
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        struct tls_pair p;
        uint8_t room[16];
        tls_pair_start(&p, &c);
        for (int i = 0; i < 3; i++)
            assert_int_equal(tls_pair_send(&p, p.client, ln_span("ping", 4)), LN_OK);
        assert_true(tls_pair_recv_all(&p, p.server, ln_mspan(room, 12)));
        assert_int_equal(tls_pair_send(&p, p.server, ln_span("pong", 4)), LN_OK);
        tls_pair_run(&p, 10);
        assert_int_equal(tls_pair_send(&p, p.client, ln_span("ping", 4)), LN_OK);
        assert_true(tls_pair_recv_all(&p, p.client, ln_mspan(room, 4)));
        assert_memory_equal(room, "pong", 4);
        assert_true(tls_pair_recv_all(&p, p.server, ln_mspan(room, 4)));
        tls_pair_finish(&p);
    }
}

/* ---- what a server is told ---- */

/* A client that wants its key and gets a certificate ends it with handshake_failure: the sentence of
 * the server is about that client, and does not guess at suites. */
/* scenario: S39, C3 */
static void test_a_client_that_refuses(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the client refuses what it gets");
        struct tls_case other = tls_case_cert(&rows.row[r], c.what, &tls_world);
        c.server = other.server;
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        if (tls_can(c.row.client, TLS_NEED_PSK_ALONE)) { /* nothing to refuse */
            tls_want_status(&p, LN_REFUSED);
            tls_want_category(&p, &p.client_diag, LN_CAT_PSK_IDENTITY);
            tls_want_category(&p, &p.server_diag, LN_CAT_SUITE);
            tls_want_alert(&p, &p.server_diag, LN_ALERT_SENT, 109);
            tls_pair_close(&p);
            continue;
        }
        tls_want_status(&p, LN_DENIED);
        assert_int_equal(p.server_status, LN_REFUSED);
        tls_want_alert(&p, &p.server_diag, LN_ALERT_RECEIVED, 40);
        tls_want_category(&p, &p.server_diag, LN_CAT_ALERT_OTHER);
        assert_null(strstr(p.server_diag.text, "the server"));
        tls_pair_close(&p);
    }
}

/* ---- errors that are not ours ---- */

/* Somebody's code that we call uses libcrypto too, and leaves an error behind. */
static void leave_an_error(void)
{
    ERR_raise(ERR_LIB_USER, 1);
}

static enum ln_status no_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    (void)ctx;
    (void)key;
    (void)room;
    (void)len;
    leave_an_error();
    return LN_NOT_FOUND;
}

static enum ln_status untidy_save(void *ctx, const char *key, struct ln_span blob)
{
    unsigned *saves = ctx;
    (void)key;
    (void)blob;
    leave_an_error();
    ++*saves;
    return LN_OK;
}

static enum ln_status untidy_remove(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    leave_an_error();
    return LN_OK;
}

static void untidy_keylog(void *user, const char *line)
{
    (void)user;
    (void)line;
    leave_an_error();
}

static enum ln_status untidy_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    leave_an_error();
    return ln_below_recv(s, room, got);
}

static enum ln_status untidy_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    leave_an_error();
    return ln_below_send(s, data, sent);
}

static const struct ln_sock_ops untidy_ops = {
    .name = "untidy",
    .send = untidy_send,
    .recv = untidy_recv,
};

static void use_untidy_transport(struct tls_pair *p)
{
    enum ln_sock_kind kind = p->spec.row.kind == LN_TLS ? LN_TCP : LN_UDP;
    struct ln_sock *lower = NULL;
    struct ln_sock *s = NULL;
    assert_int_equal(ln_sock_new(&p->client_env, kind, NULL, NULL, NULL, &lower), LN_OK);
    assert_int_equal(ln_filter_new(&untidy_ops, sizeof *s, NULL, lower, &s), LN_OK);
    assert_int_equal(ln_sock_wrap(&s, p->client_config, NULL, NULL), LN_OK);
    ln_sock_free(p->client);
    p->client = s;
    p->socks[0] = s;
}

/* The queue of errors belongs to the thread. What others put into it is not taken for a failure. */
/* scenario: C4, S33, PIT-07 */
static void test_errors_of_somebody_else(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION | LN_TLS_CAP_KEYLOG);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "errors of somebody else");
        unsigned saves = 0;
        struct ln_session_store store = { no_load, untidy_save, untidy_remove, &saves };
        c.client.sessions = &store;
        c.client.insecure_keylog = untidy_keylog;
        struct tls_pair p;
        uint8_t room[8];
        size_t got = 0;
        tls_pair_open(&p, &c);
        use_untidy_transport(&p);
        tls_pair_must_connect(&p);
        tls_pair_run(&p, 100);
        for (int i = 0; i < 4; i++) /* tickets, and nothing for us */
            assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &got), LN_AGAIN);
        assert_true(saves > 0);
        tls_pair_finish(&p);
        ERR_clear_error();
    }
}

/* ---- whose memory ---- */

/* sock.h: a socket's memory comes from the environment it was made with, and from no other: sockets of
 * several threads share a configuration, not its allocator. */
/* scenario: S21 */
static void test_memory_is_the_sockets_own(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a configuration of somebody else");
        struct tls_pair p;
        struct ln_testkit_host *other = NULL;
        struct ln_env env;
        struct ln_tls_config *config = NULL;
        struct ln_testkit_memory before;
        struct ln_testkit_memory after;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_testkit_host_new(p.kit, "other", "192.0.2.77", &other), LN_OK);
        ln_testkit_env(other, &env);
        assert_int_equal(tls_pair_config(&p, &env, &c.client, rows.row[r].client, NULL, &config),
                         LN_OK);
        ln_sock_free(p.client);
        p.client = NULL;
        assert_int_equal(
            ln_sock_new(&p.client_env, rows.row[r].kind, NULL, config, NULL, &p.client), LN_OK);
        ln_testkit_memory(other, &before);
        tls_pair_must_connect(&p);
        tls_pair_must_exchange(&p);
        ln_testkit_memory(other, &after);
        assert_int_equal(after.allocations, before.allocations);
        ln_sock_free(p.client);
        p.client = NULL;
        ln_tls_config_unref(config);
        tls_pair_close(&p);
    }
}

/* ---- what a datagram meets ---- */

/* What a UDP socket survives, an association survives: a forged ICMPv6 message of a firewall that
 * prohibits (EACCES), a lack of buffers for one datagram. It is lost, as any may be. */
/* scenario: S40 */
static void test_an_association_outlives_a_datagram(void **state)
{
    (void)state;
    static const enum ln_status fates[] = { LN_REFUSED, LN_DENIED, LN_TIMEOUT, LN_NO_MEMORY };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the network fails once");
        struct tls_pair p;
        if (rows.row[r].kind != LN_DTLS)
            continue;
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p); /* the path is known: the next call is the one that counts */
        for (size_t i = 0; i < COUNT(fates); i++) {
            struct ln_testkit_fault fault = { .times = 1, .status = fates[i] };
            uint8_t room[8];
            size_t n = 0;
            ln_testkit_fail(p.client_host, LN_TESTKIT_NET, &fault);
            assert_int_equal(ln_sock_send(p.client, ln_span_str("lost"), &n), LN_OK);
            assert_int_equal(ln_testkit_hits(p.client_host, LN_TESTKIT_NET), 1);
            ln_testkit_fail(p.client_host, LN_TESTKIT_NET, &fault);
            assert_int_equal(ln_sock_recv(p.client, ln_mspan(room, sizeof room), &n), LN_AGAIN);
            assert_int_equal(ln_testkit_hits(p.client_host, LN_TESTKIT_NET), 1);
            assert_int_equal(ln_sock_diag(p.client)->status, LN_OK);
            tls_pair_must_exchange(&p);
        }
        tls_pair_finish(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_anything_there_at_the_end),
        cmocka_unit_test(test_a_warning_does_not_hide_a_reset),
        cmocka_unit_test(test_sending_to_a_server_that_objects),
        cmocka_unit_test(test_sending_to_a_server_that_does_not),
        cmocka_unit_test(test_a_client_that_refuses),
        cmocka_unit_test(test_errors_of_somebody_else),
        cmocka_unit_test(test_memory_is_the_sockets_own),
        cmocka_unit_test(test_an_association_outlives_a_datagram),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
