/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_alerts.c
 * Why it failed, as the wire tells it: alerts with number and direction, client certificates that
 * are wanted or refused, servers that speak something else (ERR-03, TLS-120 to TLS-123, C3, S39).
 *
 * Peers are our own server and libssl; the numbers are those of RFC 8446 section 6 and RFC 5246 7.2.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- alerts that we send: one for each refusal of a certificate ---- */

struct refusal {
    const char *sentence;
    struct pki_spec leaf;
    bool stranger;
    bool revoke;
    enum ln_category category;
    uint8_t alert;
};

/* RFC 8446 6.2: the server is told what is wrong with its certificate. */
/* scenario: S39, C3, T1, T18 */
static void test_alerts_that_we_send(void **state)
{
    (void)state;
    static const struct refusal table[] = {
        { .sentence = "expired",
          .leaf = { .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .category = LN_CAT_EXPIRED,
          .alert = 45 },
        { .sentence = "unknown CA", .stranger = true, .category = LN_CAT_UNTRUSTED, .alert = 48 },
        { .sentence = "revoked", .revoke = true, .category = LN_CAT_REVOKED, .alert = 44 },
        { .sentence = "wrong name",
          .leaf = { .san = "DNS:elsewhere.example" },
          .category = LN_CAT_WRONG_NAME,
          .alert = 42 },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_cert(&rows.row[r], table[i].sentence, &tls_world);
            struct pki_spec spec = table[i].leaf;
            spec.name = "a leaf";
            spec.issuer = tls_world.ca;
            if (spec.san == NULL)
                spec.san = "DNS:" TLS_HOST;
            const struct pki_cert *leaf = pki_make(tls_world.pki, &spec);
            struct pki_crl_spec crl = { .issuer = tls_world.ca, .revoked = { leaf } };
            tls_present(&c.server, tls_world.pki, PKI_LIST(leaf, tls_world.ca));
            if (table[i].stranger)
                c.client.trust = pki_trust_one(tls_world.pki, tls_world.stranger);
            if (table[i].revoke)
                c.client.crls = pki_span_source(pki_crl(tls_world.pki, &crl));
            struct tls_pair p;
            (void)tls_pair_attempt(&p, &c);
            tls_want_status(&p, LN_DENIED);
            tls_want_category(&p, &p.client_diag, table[i].category);
            tls_want_alert(&p, &p.client_diag, LN_ALERT_SENT, table[i].alert);
            assert_int_equal(p.client_diag.alert_level, 2);
            assert_string_equal(ln_alert_name(table[i].alert),
                                ln_alert_name(p.client_diag.alert_number));
            tls_want_alert(&p, &p.server_diag, LN_ALERT_RECEIVED, table[i].alert);
            assert_int_equal(p.server_diag.alert_level, 2);
            assert_int_equal(p.server_status, LN_REFUSED);
            tls_pair_close(&p);
        }
    }
}

/* ---- client certificates ---- */

enum client_kind { NONE, GOOD, STRANGER, EXPIRED, SERVER_ONLY, LEAF_ONLY };

struct client_case {
    const char *sentence;
    enum client_kind kind;
    enum ln_client_auth auth;
    /* both sides connect, or: */
    enum ln_category server;
    enum ln_category client;
    uint8_t alert_1_2; /* what the server says; TLS 1.3 has an alert of its own for 0 */
    uint8_t alert_1_3;
};

static void present_client(struct ln_tls_options *client, enum client_kind kind)
{
    struct pki *pki = tls_world.pki;
    struct pki_spec spec = { .name = "a client", .issuer = tls_world.ca, .eku = "clientAuth" };
    switch (kind) {
    case NONE:
        return;
    case GOOD:
        tls_present(client, pki, PKI_LIST(tls_world.client, tls_world.ca));
        return;
    case STRANGER:
        spec.issuer = tls_world.stranger;
        tls_present(client, pki, PKI_LIST(pki_make(pki, &spec), tls_world.stranger));
        return;
    case EXPIRED:
        spec.not_before = PKI_NOW - PKI_DAY;
        spec.not_after = PKI_NOW - 1;
        tls_present(client, pki, PKI_LIST(pki_make(pki, &spec), tls_world.ca));
        return;
    case SERVER_ONLY:
        spec.eku = "serverAuth";
        tls_present(client, pki, PKI_LIST(pki_make(pki, &spec), tls_world.ca));
        return;
    case LEAF_ONLY:
        tls_present(client, pki, PKI_LIST(tls_world.client));
        return;
    }
}

/* In TLS 1.3 the client is done before the server has looked: it arrives in the first receive. */
static void client_result(struct tls_pair *p)
{
    uint8_t room[16];
    size_t got = 0;
    if (p->client_status != LN_OK || p->spec.row.version != LN_TLS_1_3)
        return;
    p->client_status = tls_pair_recv(p, p->client, ln_mspan(room, sizeof room), &got, 2000);
    if (p->client_status == LN_TIMEOUT)
        return; /* nothing came: it was accepted */
    p->client_diag = *ln_sock_diag(p->client);
    if (p->client_diag.phase != LN_PHASE_TRANSFER)
        tls_fail(p, "the phase is %s", ln_phase_word(p->client_diag.phase));
}

/* scenario: S10, C3, S39, T1, T9, T18 */
static void test_client_certificates(void **state)
{
    (void)state;
    static const struct client_case table[] = {
        { .sentence = "not asked for, not sent", .kind = NONE, .auth = LN_CLIENT_AUTH_NONE },
        { .sentence = "not asked for, so not sent", .kind = STRANGER, .auth = LN_CLIENT_AUTH_NONE },
        { .sentence = "asked for, none is fine", .kind = NONE, .auth = LN_CLIENT_AUTH_REQUEST },
        { .sentence = "asked for, a good one", .kind = GOOD, .auth = LN_CLIENT_AUTH_REQUEST },
        { .sentence = "required, a good one", .kind = GOOD, .auth = LN_CLIENT_AUTH_REQUIRE },
        { .sentence = "asked for, a bad one is not fine",
          .kind = STRANGER,
          .auth = LN_CLIENT_AUTH_REQUEST,
          .server = LN_CAT_UNTRUSTED,
          .client = LN_CAT_CLIENT_CERT_REJECTED,
          .alert_1_2 = 48,
          .alert_1_3 = 48 },
        { .sentence = "required, none",
          .kind = NONE,
          .auth = LN_CLIENT_AUTH_REQUIRE,
          .server = LN_CAT_CLIENT_CERT_WANTED,
          .client = LN_CAT_CLIENT_CERT_WANTED,
          .alert_1_2 = 40,
          .alert_1_3 = 116 },
        { .sentence = "required, of a stranger",
          .kind = STRANGER,
          .auth = LN_CLIENT_AUTH_REQUIRE,
          .server = LN_CAT_UNTRUSTED,
          .client = LN_CAT_CLIENT_CERT_REJECTED,
          .alert_1_2 = 48,
          .alert_1_3 = 48 },
        { .sentence = "required, expired",
          .kind = EXPIRED,
          .auth = LN_CLIENT_AUTH_REQUIRE,
          .server = LN_CAT_EXPIRED,
          .client = LN_CAT_CLIENT_CERT_REJECTED,
          .alert_1_2 = 45,
          .alert_1_3 = 45 },
        { .sentence = "required, without its intermediate",
          .kind = LEAF_ONLY,
          .auth = LN_CLIENT_AUTH_REQUIRE,
          .server = LN_CAT_CHAIN_INCOMPLETE,
          .client = LN_CAT_CLIENT_CERT_REJECTED,
          .alert_1_2 = 48,
          .alert_1_3 = 48 },
        { .sentence = "required, for servers only",
          .kind = SERVER_ONLY,
          .auth = LN_CLIENT_AUTH_REQUIRE,
          .server = LN_CAT_UNTRUSTED,
          .client = LN_CAT_CLIENT_CERT_REJECTED,
          .alert_1_2 = 43,
          .alert_1_3 = 43 },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            const struct client_case *t = &table[i];
            struct tls_case c = tls_case_cert(&rows.row[r], t->sentence, &tls_world);
            c.server.client_auth = t->auth;
            c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
            present_client(&c.client, t->kind);
            struct tls_pair p;
            (void)tls_pair_attempt(&p, &c);
            if (t->server == LN_CAT_NONE) {
                tls_want_status(&p, LN_OK);
                assert_int_equal(p.server_status, LN_OK);
                tls_pair_finish(&p);
                continue;
            }
            client_result(&p);
            uint8_t alert = c.row.version == LN_TLS_1_3 ? t->alert_1_3 : t->alert_1_2;
            tls_want_status(&p, LN_REFUSED);
            tls_want_category(&p, &p.client_diag, t->client);
            tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, alert);
            assert_int_equal(p.client_diag.alert_level, 2);
            tls_want_category(&p, &p.server_diag, t->server);
            tls_want_alert(&p, &p.server_diag, LN_ALERT_SENT, alert);
            assert_int_equal(p.server_status, LN_DENIED);
            tls_pair_close(&p);
        }
    }
}

/* ---- chains that are completed, C5 ---- */

/* TLS-137: the leaf alone is configured, the rest comes from what is trusted. */
/* scenario: C5, S10 */
static void test_chain_completion(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (int complete = 0; complete <= 1; complete++) {
            struct tls_case c =
                tls_case_cert(&rows.row[r], "the client has its leaf only", &tls_world);
            c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
            c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
            tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client));
            c.client.trust = pki_trust(tls_world.pki, PKI_LIST(tls_world.stranger, tls_world.root,
                                                               tls_world.ca, tls_world.ca));
            c.client.complete_chain = complete != 0;
            struct tls_pair p;
            static uint8_t room[4096];
            size_t len = 0;
            (void)tls_pair_attempt(&p, &c);
            client_result(&p);
            if (complete == 0) {
                tls_want_status(&p, LN_REFUSED);
                tls_want_category(&p, &p.server_diag, LN_CAT_CHAIN_INCOMPLETE);
            } else {
                assert_int_equal(p.server_status, LN_OK);
                assert_int_equal(
                    ln_sock_peer_certificate(p.server, 1, ln_mspan(room, sizeof room), &len),
                    LN_OK);
                assert_true(ln_span_equal(ln_span(room, len), pki_cert_der(tls_world.ca)));
                /* no certificate twice */
                assert_int_equal(
                    ln_sock_peer_certificate(p.server, 3, ln_mspan(room, sizeof room), &len),
                    LN_NOT_FOUND);
            }
            tls_pair_close(&p);
        }
    }
}

/* Cross-signing makes a circle: A by B, B by A. It must end. */
/* scenario: C5 */
static void test_chain_completion_in_a_circle(void **state)
{
    (void)state;
    struct pki *pki = tls_world.pki;
    struct pki_spec spec = { .name = "A", .ca = true };
    const struct pki_cert *a = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = "B", .ca = true };
    const struct pki_cert *b = pki_make(pki, &spec);
    spec = (struct pki_spec) { .twin = a, .ca = true, .issuer = b };
    const struct pki_cert *a_by_b = pki_make(pki, &spec);
    spec = (struct pki_spec) { .twin = b, .ca = true, .issuer = a };
    const struct pki_cert *b_by_a = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = "a client", .issuer = a, .eku = "clientAuth" };
    const struct pki_cert *leaf = pki_make(pki, &spec);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "issuers in a circle", &tls_world);
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        c.server.trust = pki_trust(pki, PKI_LIST(a));
        tls_present(&c.client, pki, PKI_LIST(leaf));
        c.client.trust = pki_trust(pki, PKI_LIST(tls_world.root, a_by_b, b_by_a));
        c.client.complete_chain = true;
        struct tls_pair p;
        static uint8_t room[4096];
        size_t len = 0;
        (void)tls_pair_attempt(&p, &c);
        client_result(&p);
        assert_int_equal(p.server_status, LN_OK);
        assert_int_equal(ln_sock_peer_certificate(p.server, 3, ln_mspan(room, sizeof room), &len),
                         LN_NOT_FOUND);
        tls_pair_close(&p);
    }
}

/* TLS-22: what is there for completion only does not switch verification on, nor off. */
/* scenario: C5 */
static void test_chain_completion_of_a_server(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the server has its leaf only", &tls_world);
        tls_present(&c.server, tls_world.pki, PKI_LIST(tls_world.server));
        c.server.trust = pki_trust(tls_world.pki, PKI_LIST(tls_world.root, tls_world.ca));
        c.server.complete_chain = true;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        tls_pair_finish(&p);
    }
}

/* ---- alerts in the middle of a transfer ---- */

static void damage_data(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    bool *armed = user;
    if (!*armed || packet->from_host != p->client_host || packet->len < 20)
        return;
    packet->data[packet->len - 1] ^= 1;
    *armed = false;
}

/* The server cannot decrypt: bad_record_mac (20) comes back, in the middle of the transfer. */
/* scenario: C3, S39 */
static void test_a_damaged_record(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        bool armed = false;
        struct tls_case c =
            tls_case_cert(&rows.row[r], "a record is damaged on its way", &tls_world);
        c.on_packet = damage_data;
        c.user = &armed;
        struct tls_pair p;
        uint8_t room[64];
        size_t got = 0;
        tls_pair_start(&p, &c);
        tls_pair_must_exchange(&p);
        armed = true;
        assert_int_equal(tls_pair_send(&p, p.client, ln_span("a message to be damaged", 23)),
                         LN_OK);
        enum ln_status st = tls_pair_recv(&p, p.server, ln_mspan(room, sizeof room), &got, 1000);
        p.server_diag = *ln_sock_diag(p.server);
        assert_int_equal(got, 0);
        assert_int_equal(st, LN_BAD_PEER);
        tls_want_category(&p, &p.server_diag, LN_CAT_RECORD_DAMAGED);
        tls_want_alert(&p, &p.server_diag, LN_ALERT_SENT, 20);
        assert_int_equal(p.server_diag.alert_derived, !tls_can(c.row.server, TLS_NEED_OWN_ALERTS));
        st = tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000);
        p.client_diag = *ln_sock_diag(p.client);
        assert_int_equal(st, LN_REFUSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_RECORD_DAMAGED);
        tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 20);
        assert_false(p.client_diag.alert_derived);
        assert_int_equal(p.client_diag.phase, LN_PHASE_TRANSFER);
        tls_pair_close(&p);
    }
}

/* ---- peers that speak something else ---- */

struct other_protocol {
    const char *sentence;
    const char *answer;
    bool hangs_up;
    enum ln_category want;
    enum ln_status status;
};

struct speaker {
    const struct other_protocol *says;
    struct ln_sock *listener;
    struct ln_sock *client;
    bool done;
};

static ln_msec speak(void *user, ln_msec now)
{
    struct speaker *s = user;
    uint8_t room[512];
    size_t n = 0;
    enum ln_status st = ln_sock_step(s->listener, now);
    if (s->client == NULL && st == LN_OK)
        st = ln_sock_accept(s->listener, now, &s->client);
    if (s->client == NULL || s->done || st == LN_IO)
        return LN_NEVER;
    if (ln_sock_recv(s->client, ln_mspan(room, sizeof room), &n) != LN_OK)
        return LN_NEVER;
    s->done = true;
    if (s->says->answer[0] != '\0' &&
        ln_sock_send(s->client, ln_span_str(s->says->answer), &n) != LN_OK)
        return LN_NEVER;
    if (s->says->hangs_up)
        ln_sock_close(s->client);
    return LN_NEVER;
}

/* scenario: S39, T1 */
static void test_other_protocols(void **state)
{
    (void)state;
    static const struct other_protocol table[] = {
        { "an HTTP server", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true,
          LN_CAT_NOT_TLS, LN_BAD_PEER },
        { "an SSH server", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", false, LN_CAT_NOT_TLS,
          LN_BAD_PEER },
        { "an SMTP server", "220 mail.example ESMTP\r\n", false, LN_CAT_NOT_TLS, LN_BAD_PEER },
        { "CoAP over TCP", "\x20\xe1\x27\xd8\x10\x00", false, LN_CAT_NOT_TLS, LN_BAD_PEER },
        { "an echo", "\x16\x03\x01", true, LN_CAT_RESET, LN_CLOSED },
        { "it hangs up without a word", "", true, LN_CAT_RESET, LN_CLOSED },
    };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_cert(&rows.row[r], table[i].sentence, &tls_world);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            ln_sock_free(p.listener);
            p.listener = NULL;
            p.socks[1] = NULL;
            struct speaker speaker = { .says = &table[i] };
            struct ln_addr local = { .family = LN_FAMILY_ANY, .port = TLS_PORT };
            assert_int_equal(
                ln_sock_new(&p.server_env, LN_TCP, NULL, NULL, NULL, &speaker.listener), LN_OK);
            assert_int_equal(ln_sock_bind(speaker.listener, &local), LN_OK);
            assert_int_equal(ln_testkit_serve(p.kit, speak, &speaker), LN_OK);
            (void)tls_pair_connect(&p);
            tls_want_category(&p, &p.client_diag, table[i].want);
            tls_want_status(&p, table[i].status);
            assert_true(p.ended - p.started < 1000);
            ln_testkit_serve_stop(p.kit, &speaker);
            ln_sock_free(speaker.client);
            ln_sock_free(speaker.listener);
            tls_pair_close(&p);
        }
    }
}

static void reset_soon(void *user)
{
    struct tls_pair *p = user;
    (void)ln_testkit_reset_streams(p->kit, NULL, NULL);
}

/* scenario: S39, T1 */
static void test_a_reset_in_the_handshake(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].kind != LN_TLS)
            continue;
        struct tls_case c = tls_case_cert(&rows.row[r], "a reset in the handshake", &tls_world);
        c.link.delay_min_ms = 50;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_testkit_at(p.kit, tls_pair_now(&p) + 130, reset_soon, &p), LN_OK);
        assert_int_equal(tls_pair_connect(&p), LN_CLOSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_RESET);
        assert_int_equal(p.client_diag.phase, LN_PHASE_HANDSHAKE);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts_that_we_send),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_chain_completion),
        cmocka_unit_test(test_chain_completion_in_a_circle),
        cmocka_unit_test(test_chain_completion_of_a_server),
        cmocka_unit_test(test_a_damaged_record),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_a_reset_in_the_handshake),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
