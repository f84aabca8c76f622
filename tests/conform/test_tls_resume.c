/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_resume.c
 * Sessions that outlive a connection (secure-sockets.md 2.10): TLS 1.2 by id and ticket, TLS 1.3
 * and DTLS 1.2 by ticket; never for another peer or other settings; damage costs a full handshake
 * and nothing else; `resumed` is the truth.
 */
#include "support/rawpeer.h"
#include "support/shelf.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct shelf shelf;

/* ---- helpers ---- */

static struct tls_case store_case(const struct tls_row *row, const char *what, bool psk)
{
    struct tls_case c = psk ? tls_case_psk(row, what) : tls_case_cert(row, what, &tls_world);
    c.client.sessions = shelf_init(&shelf);
    return c;
}

/* Whether the first ClientHello of the last connect brought a session along. */
static bool offered_a_session(const struct tls_pair *p)
{
    struct wire_hello hello;
    assert_true(tls_pair_client_hello(p, &hello));
    if (p->spec.row.version == LN_TLS_1_3)
        return hello.has_psk;
    return hello.ticket_len > 0 || hello.session_id_len > 0;
}

/* ---- it works ---- */

/* scenario: S17, S30, S28 */
static void test_the_second_connection_resumes(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = store_case(&rows.row[r], "connects again and again", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            assert_true(p.client_info.tls.session_stored);
            uint64_t full = p.client_tap.total + p.server_tap.total;
            for (int i = 0; i < 4; i++) {
                tls_pair_visit_is(&p, true, "again");
                if (p.client_tap.total + p.server_tap.total >= full && psk == 0)
                    tls_fail(&p, "a resumed handshake is not smaller than a full one");
            }
            tls_pair_close(&p);
        }
    }
}

/* scenario: S17 */
static void test_session_ids_without_tickets(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c = store_case(&rows.row[r], "the server has no tickets", false);
            struct raw_server raw = { .pki = tls_world.pki,
                                      .chain = tls_world.server_chain,
                                      .no_ticket = true };
            c.raw = &raw;
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            tls_pair_visit_is(&p, true, "second");
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_int_equal(hello.ticket_len, 0);
            assert_true(hello.session_id_len > 0);
            assert_int_equal(raw.resumed, 1);
            tls_pair_close(&p);
        }
    }
}

/* scenario: S30 */
static void test_numbers_of_tickets(void **state)
{
    (void)state;
    static const int numbers[] = { -1, 1, 2, 4 };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(numbers); i++) {
            struct tls_case c = store_case(&rows.row[r], "so many tickets", false);
            struct raw_server raw = { .pki = tls_world.pki,
                                      .chain = tls_world.server_chain,
                                      .tickets = numbers[i] };
            c.raw = &raw;
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            assert_int_equal(p.client_info.tls.session_stored, numbers[i] > 0);
            for (int again = 0; again < 3; again++)
                tls_pair_visit_is(&p, numbers[i] > 0, "again");
            tls_pair_close(&p);
        }
    }
}

/* RFC 8446 C.4: a ticket that is used twice links two connections. */
/* scenario: S30 */
static void test_a_ticket_of_1_3_is_used_once(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a ticket is used once", false);
        struct tls_pair p;
        uint8_t used[LN_SESSION_MAX];
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        assert_int_equal(shelf.count, 1);
        size_t len = shelf.slot[0].len;
        memcpy(used, shelf.slot[0].blob, len);
        tls_pair_visit_is(&p, true, "second");
        if (shelf.slot[0].len == len && memcmp(used, shelf.slot[0].blob, len) == 0)
            tls_fail(&p, "the same ticket is stored for the next time");
        tls_pair_must_connect(&p);
        assert_true(p.client_info.tls.resumed);
        assert_false(p.client_info.tls.session_stored); /* spent, and no other was read yet */
        tls_pair_close(&p);
    }
}

/* Tickets that nobody read are no sessions, and closing without reading is no failure. */
/* scenario: S30 */
static void test_tickets_that_were_not_read(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "closes before it reads", false);
        c.link.delay_min_ms = 100; /* the tickets are on their way when the client closes */
        struct tls_pair p;
        tls_pair_open(&p, &c);
        const char *host = TLS_HOST;
        assert_int_equal(ln_sock_connect(p.client, host, TLS_PORT, tls_pair_now(&p)), LN_AGAIN);
        struct ln_sock_info info;
        do {
            tls_pair_run(&p, 10);
            ln_sock_info(p.client, &info);
        } while (info.state == LN_SOCK_CONNECTING);
        assert_int_equal(info.state, LN_SOCK_OPEN);
        assert_false(info.tls.session_stored);
        tls_pair_hang_up(&p);
        tls_pair_visit_is(&p, false, "second");
        tls_pair_visit_is(&p, true, "third");
        tls_pair_close(&p);
    }
}

static enum ln_status remove_nothing(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return LN_OK;
}

/* A client without the certificate that it must have comes back with whatever it was given, and forgets
 * nothing of it: a ticket would let it in. */
static void test_no_ticket_for_who_was_refused(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "comes back without a certificate", false);
        struct ln_session_store hoard = *c.client.sessions;
        hoard.remove = remove_nothing;
        c.client.sessions = &hoard;
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            (void)tls_pair_connect(&p);
            if (tls_pair_try_exchange(&p))
                tls_fail(&p, "at attempt %d it is let in", i + 1);
            tls_pair_hang_up(&p);
        }
        tls_pair_close(&p);
    }
}

/* `resumed` and `cid_restored` are of this connection: not of the one before, and not of what is hoped
 * for. */
/* scenario: S17, PIT-23 */
static void test_nothing_is_resumed_before_it_is(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "looks before, while and after", false);
        struct ln_sock_info info;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            ln_sock_info(p.client, &info);
            assert_false(info.tls.resumed || info.tls.cid_restored || info.tls.cid_in_use);
            assert_int_equal(ln_sock_connect(p.client, TLS_HOST, TLS_PORT, tls_pair_now(&p)),
                             LN_AGAIN);
            ln_sock_info(p.client, &info);
            assert_false(info.tls.resumed || info.tls.cid_restored || info.tls.cid_in_use);
            ln_sock_close(p.client);
            tls_pair_visit_is(&p, i > 0, "in between");
        }
        tls_pair_close(&p);
    }
}

/* ---- no store, no session ---- */

/* scenario: S28 */
static void test_without_a_store(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "no store", false);
        c.client.sessions = NULL;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            tls_pair_visit_is(&p, false, "without a store");
            assert_false(p.client_info.tls.session_stored);
            if (c.row.version != LN_TLS_1_3) /* 1.3: a session id of no meaning, RFC 8446 D.4 */
                assert_false(offered_a_session(&p));
        }
        tls_pair_close(&p);
    }
}

/* TLS-106 */
/* scenario: S28 */
static void test_servers_store_nothing(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a store for the server", false);
        c.server.sessions = c.client.sessions;
        c.client.sessions = NULL;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, false, "second");
        assert_int_equal(shelf.saves, 0);
        assert_int_equal(shelf.loads, 0);
        tls_pair_close(&p);
    }
}

/* ---- for whom a session is good ---- */

typedef void change(struct tls_pair *p, struct ln_tls_options *client);

static void another_port(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    tls_pair_move_server(p, 6684);
}
static void another_host(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    p->spec.host = TLS_SERVER_IP;
}
static void another_name(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    p->spec.server_name = TLS_SERVER_IP;
}
static void other_trust(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->trust = pki_trust(tls_world.pki, PKI_LIST(tls_world.root, tls_world.stranger));
}
static void partial_chain(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->partial_chain = true;
}
static void skipped_name(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->insecure_skip_name = true;
}
static void skipped_verification(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->insecure_skip_verification = true;
}
static void crls(struct tls_pair *p, struct ln_tls_options *client)
{
    struct pki_crl_spec spec = { .issuer = tls_world.ca };
    (void)p;
    client->crls = pki_span_source(pki_crl(tls_world.pki, &spec));
}
static void client_certificate(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    tls_present(client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
}
static void protocols(struct tls_pair *p, struct ln_tls_options *client)
{
    static const char *const names[] = { "coap" };
    (void)p;
    client->alpn = names;
    client->alpn_count = 1;
}
static void dane(struct tls_pair *p, struct ln_tls_options *client)
{
    static struct ln_tlsa record;
    (void)p;
    record = pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    client->auth = LN_AUTH_DANE;
    client->tlsa = &record;
    client->tlsa_count = 1;
}

static void system_trust(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->system_trust = true;
}
static void legacy_server(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->insecure_legacy_server = true;
}

/* Whatever was chosen before: it was none of these. */
static void other_suites(struct tls_pair *p, struct ln_tls_options *client)
{
    static const uint16_t aes256_tls12 = 0xc02c; /* ECDHE-ECDSA, GCM, SHA-384 */
    static const uint16_t aes256_tls13 = 0x1302;
    bool tls13 = p->spec.row.version == LN_TLS_1_3;
    client->suites = tls13 ? &aes256_tls13 : &aes256_tls12;
    client->suite_count = 1;
}

static void other_groups(struct tls_pair *p, struct ln_tls_options *client)
{
    static const uint16_t curves[] = { 0x0018, 0x0017 }; /* P-256 is that of the certificates */
    (void)p;
    client->groups = curves;
    client->group_count = COUNT(curves);
}

struct variation {
    const char *sentence;
    change *change;
};

/* TLS-103: a resumed session skips the verification, so it must not outlive what it was verified
 * with, and is not even shown to anybody else. */
/* scenario: S17, PIT-17 */
static void test_a_session_is_bound_to_peer_and_settings(void **state)
{
    (void)state;
    static const struct variation table[] = {
        { "another port", another_port },
        { "another host", another_host },
        { "another server name", another_name },
        { "other trust", other_trust },
        { "partial_chain", partial_chain },
        { "the name is not verified", skipped_name },
        { "nothing is verified", skipped_verification },
        { "a CRL", crls },
        { "a client certificate", client_certificate },
        { "other protocols", protocols },
        { "DANE", dane },
        { "the system's trust, too", system_trust },
        { "a server without RFC 5746", legacy_server },
        { "other suites", other_suites },
        { "other groups", other_groups },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = store_case(&rows.row[r], table[i].sentence, false);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            tls_pair_visit_is(&p, true, "unchanged");
            struct ln_tls_options changed = c.client;
            table[i].change(&p, &changed);
            tls_pair_new_client(&p, &changed);
            tls_pair_visit_is(&p, false, "changed");
            if (offered_a_session(&p))
                tls_fail(&p, "the session was shown to somebody else");
            tls_pair_close(&p);
        }
    }
}

static void other_identity(struct tls_pair *p, struct ln_tls_options *client)
{
    struct ln_tls_options server = p->spec.server;
    server.psk_identity = ln_span_str("device-2");
    client->psk_identity = server.psk_identity;
    tls_pair_new_server(p, &server);
}
static void other_key(struct tls_pair *p, struct ln_tls_options *client)
{
    struct ln_tls_options server = p->spec.server;
    server.psk_key = ln_span_str("another key 1234");
    client->psk_key = server.psk_key;
    tls_pair_new_server(p, &server);
}

/* scenario: S17, PIT-17 */
static void test_a_session_is_bound_to_the_key(void **state)
{
    (void)state;
    static const struct variation table[] = {
        { "another identity", other_identity },
        { "another key", other_key },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION | LN_TLS_CAP_PSK);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = store_case(&rows.row[r], table[i].sentence, true);
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            tls_pair_visit_is(&p, true, "unchanged");
            struct ln_tls_options changed = c.client;
            table[i].change(&p, &changed);
            tls_pair_new_client(&p, &changed);
            tls_pair_visit_is(&p, false, "changed");
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_int_equal(hello.ticket_len, 0);
            tls_pair_close(&p);
        }
    }
}

/* Records of a socket count like those of its configuration. */
/* scenario: S17, S34 */
static void test_a_session_is_bound_to_the_records_of_its_socket(void **state)
{
    (void)state;
    struct ln_tlsa one =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa bad =
        pki_tlsa(tls_world.pki, tls_world.client, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "other records on the socket", false);
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &one;
        c.client.tlsa_count = 1;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        assert_int_equal(ln_sock_set_tlsa(p.client, &bad, 1), LN_OK);
        if (tls_pair_connect(&p) == LN_OK)
            tls_fail(&p, "a session got around the new records");
        tls_want_category(&p, &p.client_diag, LN_CAT_DANE_MISMATCH);
        tls_pair_close(&p);
    }
}

/* Where dates and name begin to count, who was never asked for them is asked. */
/* scenario: S17, S34 */
static void test_a_session_is_bound_to_strictness(void **state)
{
    (void)state;
    struct ln_tlsa one =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "usage 3 becomes strict", false);
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &one;
        c.client.tlsa_count = 1;
        c.server_name = "other.example"; /* which the certificate is not for */
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        struct ln_tls_options strict = c.client;
        strict.dane_ee_strict = true;
        tls_pair_new_client(&p, &strict);
        if (tls_pair_connect(&p) == LN_OK)
            tls_fail(&p, "a session got around the name");
        tls_want_category(&p, &p.client_diag, LN_CAT_WRONG_NAME);
        tls_pair_close(&p);
    }
}

/* Where each certificate begins to need a CRL, so does that of a session. */
/* scenario: S17 */
static void test_a_session_is_bound_to_the_crl_policy(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "CRLs become necessary", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        struct ln_tls_options strict = c.client;
        strict.crl_policy = LN_CRL_ALL;
        tls_pair_new_client(&p, &strict);
        if (tls_pair_connect(&p) == LN_OK)
            tls_fail(&p, "a session got around the CRLs");
        tls_want_status(&p, LN_DENIED);
        tls_pair_close(&p);
    }
}

/* ---- over a restart ---- */

/* scenario: S17 */
static void test_a_session_survives_a_restart(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c =
                store_case(&rows.row[r], "a new configuration, the same store", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            for (int i = 0; i < 3; i++) {
                tls_pair_new_client(&p, &c.client);
                tls_pair_visit_is(&p, true, "after a restart");
            }
            tls_pair_close(&p);
        }
    }
}

/* scenario: S17 */
static void test_forget_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "forgets the session", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        ln_sock_forget_session(p.client); /* knows no peer yet: nothing happens */
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "second");
        tls_pair_must_connect(&p);
        tls_pair_must_exchange(&p);
        ln_sock_forget_session(p.client);
        assert_int_equal(shelf.count, 1);
        assert_int_equal(shelf.slot[0].len, 0);
        struct ln_sock_info info;
        ln_sock_info(p.client, &info);
        assert_false(info.tls.session_stored);
        tls_pair_must_exchange(&p); /* the connection is not touched */
        tls_pair_hang_up(&p);
        tls_pair_visit_is(&p, false, "forgotten");
        tls_pair_visit_is(&p, true, "and made anew");
        tls_pair_close(&p);
        ln_sock_forget_session(NULL);
    }
}

/* In TLS 1.3 the ticket comes behind the handshake: who forgot the session by then wants none of it. */
/* scenario: S17, S30 */
static void test_a_ticket_that_comes_after_forgetting(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "forgets before the ticket", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_must_connect(&p);
        ln_sock_forget_session(p.client);
        tls_pair_must_exchange(&p);
        for (size_t i = 0; i < shelf.count; i++)
            assert_int_equal(shelf.slot[i].len, 0);
        struct ln_sock_info info;
        ln_sock_info(p.client, &info);
        assert_false(info.tls.session_stored);
        tls_pair_hang_up(&p);
        tls_pair_visit_is(&p, false, "forgotten");
        tls_pair_visit_is(&p, true, "and made anew");
        tls_pair_close(&p);
    }
}

/* scenario: S17 */
static void test_slot(void **state)
{
    (void)state;
    static struct ln_session_slot slot;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        memset(&slot, 0, sizeof slot);
        struct ln_session_store store = ln_session_store_slot(&slot);
        struct tls_case c = store_case(&rows.row[r], "a store of one slot", false);
        c.client.sessions = &store;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        memset(&store, 0xff, sizeof store); /* copied */
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "second");
        p.spec.host = TLS_SERVER_IP; /* one slot: another peer takes it */
        tls_pair_visit_is(&p, false, "another peer");
        p.spec.host = NULL;
        tls_pair_visit_is(&p, false, "the slot was taken");
        tls_pair_visit_is(&p, true, "and taken back");
        tls_pair_close(&p);
    }
}

/* scenario: S17 */
static void test_folder(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a store in a folder", false);
        struct tls_pair p;
        c.client.sessions = NULL;
        tls_pair_open(&p, &c);
        struct ln_session_folder folder = { &p.client_env, "/var/lib/sessions" };
        struct ln_session_store store = ln_session_store_folder(&folder);
        c.client.sessions = &store;
        tls_pair_new_client(&p, &c.client);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "second");
        p.spec.host = TLS_SERVER_IP;
        tls_pair_visit_is(&p, false, "another peer");
        tls_pair_visit_is(&p, true, "another peer again");
        p.spec.host = NULL;
        tls_pair_visit_is(&p, true, "the first one is still there");
        tls_pair_close(&p);
    }
}

/* A disk that fails costs resumption and nothing else. */
/* scenario: S17, S38 */
static void test_a_store_that_fails(void **state)
{
    (void)state;
    static const enum ln_status failures[] = { LN_IO, LN_NO_SPACE, LN_DENIED, LN_NO_MEMORY,
                                               LN_INTERNAL };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(failures); i++) {
            struct tls_case c = store_case(&rows.row[r], "the store fails", false);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            shelf.fail_save = failures[i];
            tls_pair_visit_is(&p, false, "first");
            assert_false(p.client_info.tls.session_stored);
            assert_true(shelf.saves > 0);
            tls_pair_visit_is(&p, false, "nothing was saved");
            shelf.fail_save = LN_OK;
            tls_pair_visit_is(&p, false, "now it is saved");
            shelf.fail_load = failures[i];
            tls_pair_visit_is(&p, false, "nothing can be loaded");
            shelf.fail_load = LN_OK;
            tls_pair_visit_is(&p, true, "all works again");
            tls_pair_close(&p);
        }
    }
}

/* A certificate that makes the session too large: not resumed, not a failure. */
/* scenario: S17 */
static void test_a_session_that_is_too_large(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = "large", .issuer = tls_world.ca, .san = "DNS:" TLS_HOST, .padding = LN_SESSION_MAX
    };
    const struct pki_cert *large = pki_make(tls_world.pki, &spec);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a certificate of 16 KiB", false);
        tls_present(&c.server, tls_world.pki, PKI_LIST(large, tls_world.ca));
        c.server_needs = TLS_NEED_HUGE_CERTIFICATE;
        c.refusal_word = "chain";
        struct tls_pair p;
        if (!tls_pair_able(&p, &c))
            continue;
        if (!tls_can(c.row.client, TLS_NEED_HUGE_CERTIFICATE)) {
            assert_int_not_equal(tls_pair_connect(&p), LN_OK);
            assert_int_equal(p.client_diag.status, p.client_status);
            assert_true(p.client_diag.text[0] != '\0');
            tls_pair_close(&p);
            continue;
        }
        tls_pair_visit_is(&p, false, "first");
        bool stored = p.client_info.tls.session_stored; /* without the certificate it may fit */
        tls_pair_visit_is(&p, stored, "second");
        tls_pair_close(&p);
    }
}

/* ---- damage ---- */

struct damage {
    uint8_t good[LN_SESSION_MAX];
    size_t len;
};

static void learn(struct tls_pair *p, struct damage *d)
{
    tls_pair_visit_is(p, false, "first");
    tls_pair_visit_is(p, true, "second");
    assert_int_equal(shelf.count, 1);
    d->len = shelf.slot[0].len;
    assert_true(d->len > 0);
    memcpy(d->good, shelf.slot[0].blob, d->len);
}

static void put_back(const struct damage *d, size_t len)
{
    memcpy(shelf.slot[0].blob, d->good, d->len);
    shelf.slot[0].len = len;
}

/* Calls `test` with a session in the store, for each version and pair of libraries. */
static void on_stored_sessions(const char *what, void (*test)(struct tls_pair *, struct damage *))
{
    static struct damage d;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], what, false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        learn(&p, &d);
        test(&p, &d);
        tls_pair_close(&p);
    }
}

static void turn_bits(struct tls_pair *p, struct damage *d)
{
    size_t stride = tls_full() ? 1 : 37;
    for (size_t i = 0; i < d->len; i += stride) {
        put_back(d, d->len);
        shelf.slot[0].blob[i] ^= (uint8_t)(1u << (i % 8));
        if (tls_pair_visit(p))
            tls_fail(p, "resumed with byte %zu of %zu damaged", i, d->len);
    }
    tls_pair_visit_is(p, true, "whole again");
}

/* In quick form every 37th byte, in full each of them. */
/* scenario: S17, S38, H121 */
static void test_damage_at_every_byte(void **state)
{
    (void)state;
    on_stored_sessions("one bit of the blob is turned", turn_bits);
}

static void cut(struct tls_pair *p, struct damage *d)
{
    size_t stride = tls_full() ? 1 : 41;
    for (size_t len = 1; len < d->len; len += stride) {
        put_back(d, len);
        if (tls_pair_visit(p))
            tls_fail(p, "resumed with %zu of %zu bytes", len, d->len);
    }
    put_back(d, d->len);
    shelf.slot[0].blob[d->len] = 0;
    shelf.slot[0].len = d->len + 1;
    tls_pair_visit_is(p, false, "a byte too many");
    put_back(d, d->len);
    shelf.slot[0].len = LN_SESSION_MAX;
    tls_pair_visit_is(p, false, "as long as can be");
}

/* scenario: S17, S38, H121, PIT-09b */
static void test_a_cut_blob(void **state)
{
    (void)state;
    on_stored_sessions("the blob is cut, or longer", cut);
}

static void fill_with_garbage(struct tls_pair *p, struct damage *d)
{
    for (int kind = 0; kind < 4; kind++) {
        put_back(d, d->len);
        memset(shelf.slot[0].blob, kind == 0 ? 0 : kind == 1 ? 0xff : 0x30, d->len);
        if (kind == 3)
            shelf.slot[0].len = LN_SESSION_MAX;
        tls_pair_visit_is(p, false, "garbage");
    }
}

/* scenario: S38, H121 */
static void test_garbage(void **state)
{
    (void)state;
    on_stored_sessions("garbage in the store", fill_with_garbage);
}

static void misplace(struct tls_pair *p, struct damage *d)
{
    p->spec.host = TLS_SERVER_IP;
    tls_pair_visit_is(p, false, "another host");
    assert_int_equal(shelf.count, 2);
    memcpy(shelf.slot[1].blob, d->good, d->len);
    shelf.slot[1].len = d->len;
    tls_pair_visit_is(p, false, "the blob of the first host");
    if (offered_a_session(p))
        tls_fail(p, "the session was shown to somebody else");
}

/* A blob of one version in the place of another's, and of one peer in the place of another's. */
/* scenario: S17, S38 */
static void test_a_blob_in_the_wrong_place(void **state)
{
    (void)state;
    on_stored_sessions("the blob of another peer", misplace);
}

/* ---- servers that forgot, or never liked it ---- */

/* scenario: S17, H100, PIT-23 */
static void test_the_server_forgot(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = store_case(&rows.row[r], "the server was restarted", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            tls_pair_visit_is(&p, true, "second");
            tls_pair_new_server(&p, &c.server);
            tls_pair_visit_is(&p, false, "after its restart");
            tls_pair_visit_is(&p, true, "and again");
            tls_pair_close(&p);
        }
    }
}

/* libssl without a session id context refuses each resumption with an alert (internal_error) where
 * it asks for client certificates: a real mistake of real servers. The next connect must not run
 * into it again. */
static void no_id_context(void *user, SSL_CTX *ctx)
{
    (void)user;
    assert_int_equal(SSL_CTX_set_session_id_context(ctx, NULL, 0), 1);
}

/* scenario: S17, H100 */
static void test_a_server_that_cannot_stand_resumption(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a resumption is answered by an alert", false);
        struct raw_server raw = { .pki = tls_world.pki,
                                  .chain = tls_world.server_chain,
                                  .request_certificate = true,
                                  .setup = no_id_context };
        c.raw = &raw;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        if (tls_pair_connect(&p) == LN_OK) { /* some versions of it forgive */
            tls_pair_hang_up(&p);
        } else {
            assert_int_equal(p.client_diag.alert_from, LN_ALERT_RECEIVED);
            tls_pair_hang_up(&p);
            tls_pair_visit_is(&p, false, "the session was given up");
        }
        tls_pair_close(&p);
    }
}

/* A session does not live for ever: the server said for how long (RFC 5077, RFC 8446 4.6.1). */
/* scenario: S17, S38 */
static void test_an_old_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "eight days later", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        ln_testkit_advance(p.kit, 8 * PKI_DAY * 1000);
        tls_pair_visit_is(&p, false, "too old");
        tls_pair_visit_is(&p, true, "a new one");
        tls_pair_close(&p);
    }
}

/* A handshake that fails leaves no session of its own behind, and does not lose the good one that
 * belongs to other settings. */
/* scenario: S17, S38, PIT-17 */
static void test_a_failed_handshake_stores_nothing(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a failed handshake", false);
        c.server_name = "elsewhere.example";
        struct tls_pair p;
        assert_int_not_equal(tls_pair_attempt(&p, &c), LN_OK);
        tls_pair_hang_up(&p);
        assert_int_equal(shelf.saves, 0);
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        assert_false(offered_a_session(&p));
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_second_connection_resumes),
        cmocka_unit_test(test_session_ids_without_tickets),
        cmocka_unit_test(test_numbers_of_tickets),
        cmocka_unit_test(test_a_ticket_of_1_3_is_used_once),
        cmocka_unit_test(test_tickets_that_were_not_read),
        cmocka_unit_test(test_no_ticket_for_who_was_refused),
        cmocka_unit_test(test_nothing_is_resumed_before_it_is),
        cmocka_unit_test(test_without_a_store),
        cmocka_unit_test(test_servers_store_nothing),
        cmocka_unit_test(test_a_session_is_bound_to_peer_and_settings),
        cmocka_unit_test(test_a_session_is_bound_to_the_key),
        cmocka_unit_test(test_a_session_is_bound_to_the_records_of_its_socket),
        cmocka_unit_test(test_a_session_is_bound_to_strictness),
        cmocka_unit_test(test_a_session_is_bound_to_the_crl_policy),
        cmocka_unit_test(test_a_session_survives_a_restart),
        cmocka_unit_test(test_forget_session),
        cmocka_unit_test(test_a_ticket_that_comes_after_forgetting),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_a_store_that_fails),
        cmocka_unit_test(test_a_session_that_is_too_large),
        cmocka_unit_test(test_damage_at_every_byte),
        cmocka_unit_test(test_a_cut_blob),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_a_blob_in_the_wrong_place),
        cmocka_unit_test(test_the_server_forgot),
        cmocka_unit_test(test_a_server_that_cannot_stand_resumption),
        cmocka_unit_test(test_an_old_session),
        cmocka_unit_test(test_a_failed_handshake_stores_nothing),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
