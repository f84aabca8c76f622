/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_sessions.c
 * Corners of resumption that a review found (secure-sockets.md 2.10, TLS-103): settings that decide
 * who is accepted and were no part of the binding, and names under which nothing must be stored or
 * removed.
 */
#include "support/rawpeer.h"
#include "support/shelf.h"
#include "support/tlspair.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct shelf shelf;

/* ---- what the verification depends on ---- */

/* A certificate that only insecure_old_versions lets pass is not accepted by way of a session that
 * was made then. */
/* scenario: S17 */
static void test_a_session_made_at_a_lower_level(void **state)
{
    (void)state;
    struct pki_spec weak = { .name = "a weak server",
                             .key = PKI_RSA_1024,
                             .issuer = tls_world.ca,
                             .san = "DNS:" TLS_HOST,
                             .usage = "critical,digitalSignature,keyEncipherment" };
    const struct pki_cert *server = pki_make(tls_world.pki, &weak);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "a weak certificate, resumed", &tls_world);
        tls_present(&c.server, tls_world.pki, PKI_LIST(server, tls_world.ca));
        c.server.insecure_old_versions = true;
        c.client.insecure_old_versions = true;
        c.client.sessions = shelf_init(&shelf);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        struct ln_tls_options strict = c.client;
        strict.insecure_old_versions = false;
        tls_pair_new_client(&p, &strict);
        (void)tls_pair_connect(&p);
        tls_want_status(&p, LN_DENIED);
        tls_want_category(&p, &p.client_diag, LN_CAT_WEAK);
        tls_pair_close(&p);
    }
}

/* So do the algorithms that a signature may have. */
/* scenario: S17 */
static void test_a_session_made_with_other_signatures(void **state)
{
    (void)state;
    static const uint16_t wide[] = { 0x0403, 0x0503 };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "other signature algorithms", &tls_world);
        c.client.sessions = shelf_init(&shelf);
        c.client.signatures = wide;
        c.client.signature_count = 2;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        struct ln_tls_options narrow = c.client;
        narrow.signature_count = 1;
        tls_pair_new_client(&p, &narrow);
        tls_pair_visit_is(&p, false, "changed");
        tls_pair_close(&p);
    }
}

/* ---- credentials on a token ---- */

static struct ln_tls_backend without_tokens;
static struct {
    const struct ln_tls_backend *reader;
    struct ln_span chain;
    struct ln_tls_key key;
} card;

/* The client's back end, where two tokens hold the same card. */
static enum ln_status config_of_token(const struct ln_tls_settings *settings, struct ln_diag *diag,
                                      void **config)
{
    struct ln_tls_settings s = *settings;
    assert_non_null(s.chain_uri);
    s.chain_uri = NULL;
    s.chain = &card.chain;
    s.chain_count = 1;
    s.key = card.key;
    return card.reader->config_new(&s, diag, config);
}

/* Who we are is part of the binding, also where nobody but the token knows the certificate. */
/* scenario: S17 */
static void test_a_session_made_with_another_token(void **state)
{
    (void)state;
    card.chain = pki_cert_der(tls_world.client);
    card.key.data = pki_write_key(tls_world.pki, PKI_PKCS8_DER, tls_world.client, NULL);
    card.key.pem = false;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "another token", &tls_world);
        card.reader = c.row.client;
        without_tokens = *card.reader;
        without_tokens.config_new = config_of_token;
        c.client.backend = &without_tokens;
        c.client.sessions = shelf_init(&shelf);
        c.client.chain = ln_source_uri("pkcs11:object=device-1");
        c.client.key = ln_source_uri("pkcs11:object=device-1;type=private");
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        tls_pair_visit_is(&p, true, "unchanged");
        struct ln_tls_options other = c.client;
        other.chain = ln_source_uri("pkcs11:object=device-2");
        tls_pair_new_client(&p, &other);
        tls_pair_visit_is(&p, false, "changed");
        tls_pair_close(&p);
    }
}

/* ---- without digests ---- */

static enum ln_status failing_hash(void *ctx, enum ln_hash hash, const struct ln_span *parts,
                                   size_t count, uint8_t out[LN_HASH_MAX])
{
    (void)ctx;
    (void)hash;
    (void)parts;
    (void)count;
    (void)out;
    return LN_NO_MEMORY;
}

/* All that a session is bound to is known when the configuration is made: a connect computes no
 * digest, and cannot fail or forget for want of one. */
/* scenario: S17, S21 */
static void test_a_connect_needs_no_digest(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "no digest", &tls_world);
        c.client.sessions = shelf_init(&shelf);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        p.client_env.digest.hash = failing_hash;
        tls_pair_visit_is(&p, false, "first");
        p.spec.host = TLS_SERVER_IP; /* another peer, as far as the client knows */
        tls_pair_visit_is(&p, false, "the other peer");
        tls_pair_visit_is(&p, true, "the other peer again");
        p.spec.host = TLS_HOST;
        tls_pair_visit_is(&p, true, "the first peer again");
        tls_pair_close(&p);
    }
}

/* Records of one socket are known when they are set. Where their digest fails the call tells, and the
 * socket keeps those it had, and the sessions that were made with them. */
/* scenario: S17, S21 */
static void test_records_whose_digest_fails(void **state)
{
    (void)state;
    struct ln_tlsa one =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa bad =
        pki_tlsa(tls_world.pki, tls_world.client, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "records without a digest", &tls_world);
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &one;
        c.client.tlsa_count = 1;
        c.client.sessions = shelf_init(&shelf);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        p.client_env.digest.hash = failing_hash;
        assert_int_equal(ln_sock_set_tlsa(p.client, &bad, 1), LN_NO_MEMORY);
        tls_want_category(&p, ln_sock_diag(p.client), LN_CAT_OUT_OF_MEMORY);
        tls_pair_visit_is(&p, true, "with the records of before");
        tls_pair_close(&p);
    }
}

/* ---- under which name ---- */

/* Once another name is set, the peer of the last connect is no longer this socket's. */
/* scenario: S17, S18 */
static void test_forgetting_under_another_name(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "forgets under another name", &tls_world);
        c.client.sessions = shelf_init(&shelf);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        assert_int_equal(ln_sock_set_server_name(p.client, "elsewhere.example"), LN_OK);
        ln_sock_forget_session(p.client);
        assert_int_equal(ln_sock_set_server_name(p.client, NULL), LN_OK);
        tls_pair_visit_is(&p, true, "not forgotten");
        tls_pair_close(&p);
    }
}

/* ---- what keeps a session, and what does not ---- */

/* The client's packets with data in them. */
static struct {
    unsigned from; /* these ones are lost: the first is 0 */
    unsigned to;
    unsigned seen;
} outage;

static void lose(struct tls_pair *p, struct ln_testkit_packet *packet, void *user)
{
    (void)user;
    if (packet->from_host != p->client_host || packet->len == 0)
        return;
    unsigned n = outage.seen++;
    packet->drop = n >= outage.from && n < outage.to;
}

static void lose_all_from(unsigned first)
{
    outage.from = first;
    outage.to = UINT_MAX;
    outage.seen = 0;
}

static void lose_nothing(void)
{
    outage.from = outage.to = 0;
}

/* The network is gone for a while: nothing says that the server has forgotten us. */
/* scenario: S17, S18 */
static void test_a_dead_network_keeps_the_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            tls_case_cert(&rows.row[r], "the network is gone for a while", &tls_world);
        c.client.sessions = shelf_init(&shelf);
        c.on_packet = lose;
        struct tls_pair p;
        lose_nothing();
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        lose_all_from(0);
        (void)tls_pair_connect(&p);
        tls_want_status(&p, LN_TIMEOUT);
        /* with DTLS the last association's goodbye comes, to the port that we kept, and is no answer */
        tls_want_category(&p, &p.client_diag,
                          c.row.kind == LN_DTLS ? LN_CAT_NO_ANSWER : LN_CAT_STALLED);
        tls_pair_hang_up(&p);
        lose_nothing();
        tls_pair_visit_is(&p, true, "when it is there again");
        tls_pair_close(&p);
    }
}

static struct ln_tls_backend starving;
static const struct ln_tls_backend *fed;
static bool starved;

static enum ln_status starved_handshake(void *engine, struct ln_diag *diag)
{
    if (!starved)
        return fed->handshake(engine, diag);
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_HANDSHAKE, "no memory");
}

/* Nor does it when the library runs out of memory. */
/* scenario: S17, S21 */
static void test_a_lack_of_memory_keeps_the_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "no memory for a while", &tls_world);
        fed = rows.row[r].client;
        starving = *fed;
        starving.handshake = starved_handshake;
        starved = false;
        c.client.backend = &starving;
        c.client.sessions = shelf_init(&shelf);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        starved = true;
        (void)tls_pair_connect(&p);
        tls_want_status(&p, LN_NO_MEMORY);
        tls_pair_hang_up(&p);
        starved = false;
        tls_pair_visit_is(&p, true, "with memory again");
        tls_pair_close(&p);
    }
}

/* But a server that takes our hello and goes may not like the session: the next handshake is full. */
/* scenario: S17, S18 */
static void test_a_server_that_falls_silent_costs_the_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "silent after the cookie", &tls_world);
        c.client.sessions = shelf_init(&shelf);
        c.on_packet = lose;
        struct tls_pair p;
        lose_nothing();
        tls_pair_open(&p, &c);
        tls_pair_visit_is(&p, false, "first");
        lose_all_from(1);
        (void)tls_pair_connect(&p);
        tls_want_status(&p, LN_TIMEOUT);
        assert_true(p.client_diag.flights_received > 0);
        tls_pair_hang_up(&p);
        lose_nothing();
        tls_pair_visit_is(&p, false, "forgotten");
        tls_pair_close(&p);
    }
}

/* ---- what is told ---- */

/* A session of TLS 1.2 that was resumed is still the one in the store. */
/* scenario: S17, S28 */
static void test_a_resumed_session_is_stored(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "resumes and tells", &tls_world);
            c.client.sessions = shelf_init(&shelf);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            tls_pair_visit_is(&p, true, "second");
            assert_true(p.client_info.tls.session_stored);
            tls_pair_close(&p);
        }
    }
}

static void without_ems(void *user, SSL_CTX *ctx)
{
    (void)user;
    SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
}

/* A server that has no extended master secret is good enough for a connection, and its session is not
 * kept: what it is bound to can be anybody's handshake (RFC 7627 1). */
static void test_a_session_without_the_extended_master_secret(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "binds to less", &tls_world);
            struct raw_server raw = { .pki = tls_world.pki,
                                      .chain = tls_world.server_chain,
                                      .setup = without_ems };
            c.raw = &raw;
            c.client.sessions = shelf_init(&shelf);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            tls_pair_visit_is(&p, false, "first");
            assert_false(p.client_info.tls.session_stored);
            assert_int_equal(shelf.saves, 0);
            tls_pair_visit_is(&p, false, "second");
            tls_pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_made_at_a_lower_level),
        cmocka_unit_test(test_a_session_made_with_other_signatures),
        cmocka_unit_test(test_a_session_made_with_another_token),
        cmocka_unit_test(test_a_connect_needs_no_digest),
        cmocka_unit_test(test_records_whose_digest_fails),
        cmocka_unit_test(test_forgetting_under_another_name),
        cmocka_unit_test(test_a_dead_network_keeps_the_session),
        cmocka_unit_test(test_a_lack_of_memory_keeps_the_session),
        cmocka_unit_test(test_a_server_that_falls_silent_costs_the_session),
        cmocka_unit_test(test_a_resumed_session_is_stored),
        cmocka_unit_test(test_a_session_without_the_extended_master_secret),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
