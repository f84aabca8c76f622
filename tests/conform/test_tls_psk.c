/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_psk.c
 * Pre-shared keys in TLS 1.2, TLS 1.3 and DTLS 1.2 (secure-sockets.md 2.2, acceptance list 2).
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tls_rows psk_rows(void)
{
    struct tls_rows rows = tls_rows(LN_TLS_CAP_PSK);
    assert_true(rows.count > 0);
    return rows;
}

static struct ln_span peer_certificate(const struct ln_sock *s, uint8_t *room, size_t len)
{
    size_t got = 0;
    enum ln_status st = ln_sock_peer_certificate(s, 0, ln_mspan(room, len), &got);
    return st == LN_OK ? ln_span(room, got) : ln_span(NULL, 0);
}

/* scenario: S1, S4, S23, T18 */
static void test_right_key(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "both know the key");
        struct tls_pair p;
        uint8_t room[16];
        tls_pair_start(&p, &c);
        assert_int_equal(p.client_info.tls.version, c.row.version);
        assert_int_equal(p.server_info.tls.version, c.row.version);
        assert_int_equal(p.client_info.tls.suite, p.server_info.tls.suite);
        assert_int_equal(p.client_info.tls.verify, LN_VERIFY_NOT_DONE);
        assert_int_equal(peer_certificate(p.client, room, sizeof room).len, 0);
        tls_pair_finish(&p);
    }
}

/* ---- a wrong key ---- */

/* What the wire tells of a wrong key differs: a bad Finished is answered by bad_record_mac in TLS
 * 1.2 and in DTLS 1.2 dropped (OpenSSL) or answered too (Mbed TLS); a bad binder by illegal_parameter or decrypt_error in TLS 1.3
 * (RFC 8446 4.2.11.2). What is made of silence is a guess, and must say so. */
/* scenario: S39, C3, T1, T18 */
static void test_wrong_key(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "another key");
        c.client.psk_key = ln_span_str("this is not it..");
        struct tls_pair p;
        enum ln_status st = tls_pair_attempt(&p, &c);
        const struct ln_diag *d = &p.client_diag;
        tls_want_category(&p, d, LN_CAT_PSK_KEY);
        assert_int_equal(d->phase, LN_PHASE_HANDSHAKE);
        if (c.row.version == LN_DTLS_1_2 && d->alert_from == LN_ALERT_NONE) {
            assert_int_equal(st, LN_TIMEOUT);
            if (d->retransmissions == 0)
                tls_fail(&p, "the last flight was not sent again");
            if (!d->likely)
                tls_fail(&p, "the record does not say that it is a guess");
        } else {
            assert_int_equal(st, LN_REFUSED);
            assert_int_equal(d->alert_from, LN_ALERT_RECEIVED);
            assert_int_equal(d->alert_level, 2);
            if (c.row.version == LN_DTLS_1_2)
                tls_want_alert(&p, d, LN_ALERT_RECEIVED, 20);
        }
        tls_pair_close(&p);
    }
}

static void no_such_identity(const struct tls_row *row, const char *identity)
{
    struct tls_case c = tls_case_psk(row, identity);
    c.client.psk_identity = ln_span_str(identity);
    struct tls_pair p;
    enum ln_status st = tls_pair_attempt(&p, &c);
    assert_int_equal(st, LN_REFUSED);
    tls_want_category(&p, &p.client_diag, LN_CAT_PSK_IDENTITY);
    assert_int_equal(p.client_diag.alert_from, LN_ALERT_RECEIVED);
    /* TLS 1.2 has an alert of its own for it (RFC 4279 2); in 1.3 it is a guess. */
    if (c.row.version != LN_TLS_1_3) {
        assert_int_equal(p.client_diag.alert_number, 115);
        assert_false(p.client_diag.likely);
    }
    tls_pair_close(&p);
}

/* Another one, the beginning of ours, and one that begins with ours. */
/* scenario: S39, C3, T1 */
static void test_unknown_identity(void **state)
{
    (void)state;
    static const char *const identities[] = { "somebody-else", "d", "device-", "device-11" };
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++)
        for (size_t i = 0; i < COUNT(identities); i++)
            no_such_identity(&rows.row[r], identities[i]);
}

/* The server's side of the same. */
/* scenario: S39, C3 */
static void test_the_server_explains_too(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "another identity, seen by the server");
        c.client.psk_identity = ln_span_str("somebody-else");
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        assert_int_not_equal(p.server_status, LN_OK);
        tls_want_category(&p, &p.server_diag, LN_CAT_PSK_IDENTITY);
        assert_int_equal(p.server_diag.alert_from, LN_ALERT_SENT);
        tls_pair_close(&p);
    }
}

/* ---- servers with certificates ---- */

/* RFC-conforming servers fall back to certificates in TLS 1.3; that must never pass (TLS-11). Some
 * libraries cannot but offer certificates too, and the one that comes is refused; others offer none. */
/* scenario: S23, PIT-21 */
static void test_certificate_server_is_refused(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the server has a certificate only");
        struct raw_server raw = { .pki = tls_world.pki, .chain = tls_world.server_chain };
        c.raw = &raw;
        struct tls_pair p;
        enum ln_status st = tls_pair_attempt(&p, &c);
        assert_false(raw.handshake_done);
        if (c.row.version == LN_TLS_1_3 && tls_can(c.row.client, TLS_NEED_PSK_ALONE)) {
            assert_int_equal(st, LN_REFUSED);
            tls_want_category(&p, &p.client_diag, LN_CAT_PSK_IDENTITY);
            tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 109);
        } else if (c.row.version == LN_TLS_1_3) {
            assert_int_equal(st, LN_DENIED);
            assert_int_equal(p.client_diag.verify, LN_VERIFY_UNWANTED);
            assert_int_equal(p.client_diag.alert_from, LN_ALERT_SENT);
        } else { /* no PSK suite there */
            assert_int_equal(st, LN_REFUSED);
            tls_want_category(&p, &p.client_diag, LN_CAT_SUITE);
            tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 40);
        }
        tls_pair_close(&p);
    }
}

/* ... not even where verification is switched off. */
/* scenario: S23, PIT-21 */
static void test_insecure_options_do_not_let_certificates_in(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a certificate in spite of skipping");
        struct raw_server raw = { .pki = tls_world.pki, .chain = tls_world.server_chain };
        c.raw = &raw;
        c.client.insecure_skip_verification = true;
        struct ln_tls_config *config = NULL;
        struct ln_diag diag;
        struct tls_pair p;
        tls_pair_open_bare(&p, &c);
        /* Refusing the contradiction when the configuration is made is as good. */
        enum ln_status st =
            tls_pair_config(&p, &p.client_env, &c.client, c.row.client, &diag, &config);
        if (st == LN_OK) {
            ln_tls_config_unref(config);
            tls_pair_close(&p);
            assert_int_not_equal(tls_pair_attempt(&p, &c), LN_OK);
            assert_false(raw.handshake_done);
        } else {
            assert_int_equal(st, LN_BAD_ARG);
        }
        tls_pair_close(&p);
    }
}

/* scenario: S23, PIT-21 */
static void test_a_server_with_both_picks_the_key(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the server has a key and a certificate");
        struct raw_server raw = {
            .pki = tls_world.pki,
            .chain = tls_world.server_chain,
            .psk_identity = "device-1",
            .psk_key = c.client.psk_key,
        };
        c.raw = &raw;
        struct tls_pair p;
        uint8_t room[16];
        tls_pair_start(&p, &c);
        assert_true(raw.handshake_done);
        assert_int_equal(peer_certificate(p.client, room, sizeof room).len, 0);
        assert_false(p.client_info.tls.resumed);
        tls_pair_finish(&p);
    }
}

/* ---- TLS 1.3: the hash that the key is bound to ---- */

static void bind_key(struct tls_case *c, enum ln_hash hash)
{
    c->client.psk_hash = hash;
    c->server.psk_hash = hash;
    c->client_needs = hash == LN_SHA384 ? TLS_NEED_PSK_SHA384 : 0;
    c->server_needs = c->client_needs;
    c->refusal_word = "psk_hash";
}

static const uint16_t sha256_suites[] = { 0x1301, 0x1303, 0x1304, 0x1305 };

/* scenario: S29 */
static void test_hash_decides_the_suites(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int sha384 = 0; sha384 <= 1; sha384++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "only suites of the key's hash");
            bind_key(&c, sha384 != 0 ? LN_SHA384 : LN_SHA256);
            struct tls_pair p;
            struct wire_hello hello;
            if (!tls_pair_able(&p, &c))
                continue;
            tls_pair_must_connect(&p);
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_true(hello.has_psk);
            assert_int_equal(hello.psk_binder_len, sha384 != 0 ? 48 : 32);
            assert_int_equal(wire_has(&hello.suites, 0x1302), sha384);
            for (size_t i = 0; i < COUNT(sha256_suites); i++) {
                if (sha384 != 0 && wire_has(&hello.suites, sha256_suites[i]))
                    tls_fail(&p, "suite 0x%04x is offered for a SHA-384 key", sha256_suites[i]);
            }
            assert_int_equal(p.client_info.tls.suite == 0x1302, sha384);
            assert_false(p.client_info.tls.resumed);
            tls_pair_finish(&p);
        }
    }
}

/* A foreign server confirms that the binder is right. */
/* scenario: S29 */
static void test_sha384_key_with_a_foreign_server(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "SHA-384 key, libssl on the other side");
        bind_key(&c, LN_SHA384);
        struct raw_server raw = { .psk_identity = "device-1",
                                  .psk_key = c.client.psk_key,
                                  .psk_sha384 = true };
        c.raw = &raw;
        struct tls_pair p;
        if (!tls_pair_able(&p, &c))
            continue;
        tls_pair_must_connect(&p);
        assert_int_equal(p.client_info.tls.suite, 0x1302);
        tls_pair_finish(&p);
    }
}

/* scenario: S23, S29 */
static void test_hashes_that_differ(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the key is bound to different hashes");
        bind_key(&c, LN_SHA384);
        c.server.psk_hash = LN_SHA256;
        c.server_needs = 0;
        struct tls_pair p;
        if (!tls_pair_able(&p, &c))
            continue;
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        assert_int_not_equal(p.client_diag.category, LN_CAT_NONE);
        tls_pair_close(&p);
    }
}

/* ---- lengths and bytes ---- */

static void connect_with(const struct tls_row *row, struct ln_span identity, struct ln_span key)
{
    struct tls_case c = tls_case_psk(row, "keys and identities of all lengths");
    c.client_needs = key.len > 48 ? TLS_NEED_LONG_PSK : 0;
    c.server_needs = c.client_needs;
    c.refusal_word = "psk_key";
    c.client.psk_identity = identity;
    c.server.psk_identity = identity;
    c.client.psk_key = key;
    c.server.psk_key = key;
    struct tls_pair p;
    if (!tls_pair_able(&p, &c))
        return;
    if (tls_pair_connect(&p) != LN_OK)
        tls_fail(&p, "identity of %zu bytes, key of %zu", identity.len, key.len);
    tls_pair_finish(&p);
}

/* scenario: S15 */
static void test_lengths(void **state)
{
    (void)state;
    static const size_t key_lengths[] = { 1, 15, 16, 32, 33, 64, 128, 255, 256 };
    static const size_t identity_lengths[] = { 1, 127, 128, 129, 254, 255 };
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(255 - i); /* the only NUL is the last one, used in keys only */
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(key_lengths); i++)
            connect_with(&rows.row[r], ln_span_str("device-1"), ln_span(bytes, key_lengths[i]));
        for (size_t i = 0; i < COUNT(identity_lengths); i++)
            connect_with(&rows.row[r], ln_span(bytes, identity_lengths[i]),
                         ln_span("0123456789abcdef", 16));
    }
}

/* TLS-10: a NUL is a byte like others, or it is refused; never the end of the identity. */
/* scenario: S15, S26, PIT-16 */
static void test_a_nul_in_an_identity(void **state)
{
    (void)state;
    static const char *const identities[] = { "de\0vice", "\0device", "device" };
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(identities); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], "an identity with a NUL");
            c.client.psk_identity = ln_span(identities[i], 7);
            c.server.psk_identity = c.client.psk_identity;
            c.client_needs = TLS_NEED_NUL_IN_IDENTITY;
            c.server_needs = TLS_NEED_NUL_IN_IDENTITY;
            c.refusal_word = "psk_identity";
            struct tls_pair p;
            if (!tls_pair_able(&p, &c))
                continue;
            tls_pair_must_connect(&p);
            tls_pair_must_exchange(&p);
            struct ln_tls_options cut = c.client;
            cut.psk_identity = ln_span("de", 2);
            tls_pair_hang_up(&p);
            tls_pair_new_client(&p, &cut);
            assert_int_equal(tls_pair_connect(&p), LN_REFUSED);
            tls_want_category(&p, &p.client_diag, LN_CAT_PSK_IDENTITY);
            tls_pair_close(&p);
        }
    }
}

/* A key that is longer than what the other side has, but begins with it, is another key. */
/* scenario: S15 */
static void test_a_prefix_is_another_key(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "a prefix of the key");
        c.client.psk_key = ln_span(c.server.psk_key.data, c.server.psk_key.len - 1);
        struct tls_pair p;
        assert_int_not_equal(tls_pair_attempt(&p, &c), LN_OK);
        tls_want_category(&p, &p.client_diag, LN_CAT_PSK_KEY);
        tls_pair_close(&p);
    }
}

/* ---- resumed is the truth ---- */

/* libssl calls every external PSK of TLS 1.3 a resumption; it is none (TLS-12, TLS-105). */
/* scenario: S30 */
static void test_an_external_key_is_no_resumption(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "connects three times without a store");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            tls_pair_must_connect(&p);
            assert_false(p.client_info.tls.resumed);
            assert_false(p.server_info.tls.resumed);
            assert_false(p.client_info.tls.session_stored);
            tls_pair_must_exchange(&p);
            tls_pair_hang_up(&p);
        }
        tls_pair_close(&p);
    }
}

/* A device keeps its configuration for years; what a library wraps the key into must not expire. */
/* scenario: S29, S15 */
static void test_a_configuration_grows_old(void **state)
{
    (void)state;
    static const int64_t days[] = { 1, 30, 365, 3650 };
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the configuration is old");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (size_t i = 0; i < COUNT(days); i++) {
            ln_testkit_advance(p.kit, days[i] * PKI_DAY * 1000);
            tls_pair_must_connect(&p);
            tls_pair_must_exchange(&p);
            tls_pair_hang_up(&p);
        }
        /* a clock that was wrong when the configuration was made, and right later; or the reverse */
        ln_testkit_set_wall(p.kit, PKI_NOW - 20 * 365 * PKI_DAY);
        tls_pair_must_connect(&p);
        tls_pair_close(&p);
    }
}

/* ---- nothing secret is told ---- */

/* scenario: S39, T1 */
static void test_no_secret_in_a_diagnosis(void **state)
{
    (void)state;
    struct tls_rows rows = psk_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the key is not in the record");
        c.client.psk_key = ln_span_str("SECRETSECRET0123");
        struct tls_pair p;
        char line[LN_DIAG_LINE_MAX];
        (void)tls_pair_attempt(&p, &c);
        assert_int_not_equal(p.client_diag.status, LN_OK);
        size_t len = ln_diag_line(&p.client_diag, line, sizeof line);
        assert_int_equal(len, strlen(line));
        assert_null(strstr(line, "SECRETSECRET"));
        assert_null(strstr(line, "534543524554")); /* the same in hexadecimal */
        assert_null(strpbrk(line, "\r\n"));
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_key),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_unknown_identity),
        cmocka_unit_test(test_the_server_explains_too),
        cmocka_unit_test(test_certificate_server_is_refused),
        cmocka_unit_test(test_insecure_options_do_not_let_certificates_in),
        cmocka_unit_test(test_a_server_with_both_picks_the_key),
        cmocka_unit_test(test_hash_decides_the_suites),
        cmocka_unit_test(test_sha384_key_with_a_foreign_server),
        cmocka_unit_test(test_hashes_that_differ),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_a_nul_in_an_identity),
        cmocka_unit_test(test_a_prefix_is_another_key),
        cmocka_unit_test(test_an_external_key_is_no_resumption),
        cmocka_unit_test(test_a_configuration_grows_old),
        cmocka_unit_test(test_no_secret_in_a_diagnosis),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
