/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_verify.c
 * Corners of verification that a review found: many records, of which a late one decides; a chain that is
 * longer than any may be.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ssl.h>

/* Each record of usage 2 costs a path of its own. The one of usage 0 behind them still finds its CA in
 * the path that was verified. */
/* scenario: S34, S16 */
static void test_a_usage_0_behind_many_of_usage_2(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tlsa records[LN_TLSA_MAX];
        for (size_t i = 0; i + 1 < LN_TLSA_MAX; i++)
            records[i] =
                pki_tlsa(tls_world.pki, tls_world.stranger, LN_TLSA_DANE_TA, 0, LN_TLSA_EXACT);
        records[LN_TLSA_MAX - 1] =
            pki_tlsa(tls_world.pki, tls_world.root, LN_TLSA_PKIX_TA, 0, LN_TLSA_SHA256);
        struct tls_case c = tls_case_cert(&rows.row[r], "the last of 32 records", &tls_world);
        tls_present(&c.server, tls_world.pki,
                    PKI_LIST(tls_world.server, tls_world.ca, tls_world.root));
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = records;
        c.client.tlsa_count = LN_TLSA_MAX;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        tls_pair_finish(&p);
    }
}

/* Our own configuration refuses such a chain, so the server gets it behind its back. */
static enum ln_status send_a_long_chain(void *user, void *native)
{
    const struct ln_span *der = user;
    const unsigned char *at = der->data;
    X509 *cert = d2i_X509(NULL, &at, (long)der->len);
    bool ok = cert != NULL;
    for (int i = 0; ok && i < 2 * LN_CHAIN_MAX; i++)
        ok = SSL_CTX_add1_chain_cert(native, cert) == 1;
    X509_free(cert);
    return ok ? LN_OK : LN_NO_MEMORY;
}

/* A server may send as many certificates as it likes, and is refused before any is put where the ten that
 * may be have room. */
/* scenario: S36 */
static void test_a_chain_longer_than_any(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    struct ln_span ca = pki_cert_der(tls_world.ca);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "a chain of 22", &tls_world);
        struct tls_pair p;
        if (!tls_is_openssl(rows.row[r].server))
            continue;
        c.server.native_hook = send_a_long_chain;
        c.server.native_user = &ca;
        (void)tls_pair_attempt(&p, &c);
        tls_want_status(&p, LN_DENIED);
        assert_int_not_equal(p.client_diag.verify, LN_VERIFY_OK);
        tls_pair_close(&p);
    }
}

/* TLSA records are about servers (RFC 6698): with a server's own configuration of DANE its clients are
 * verified by their path, and no record lets one in or keeps one out. */
/* scenario: S34 */
static void test_records_say_nothing_of_clients(void **state)
{
    (void)state;
    struct pki_spec alone = { .name = "a client of nobody", .eku = "clientAuth" };
    const struct pki_cert *stranger = pki_make(tls_world.pki, &alone);
    struct ln_tlsa record = pki_tlsa(tls_world.pki, stranger, LN_TLSA_DANE_EE, 0, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (int known = 0; known <= 1; known++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "a server with records", &tls_world);
            struct tls_pair p;
            c.server.auth = LN_AUTH_DANE;
            c.server.tlsa = &record;
            c.server.tlsa_count = 1;
            c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
            c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
            if (known)
                tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
            else
                tls_present(&c.client, tls_world.pki, PKI_LIST(stranger));
            (void)tls_pair_attempt(&p, &c);
            assert_int_equal(p.server_status, known ? LN_OK : LN_DENIED);
            tls_pair_close(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_usage_0_behind_many_of_usage_2),
        cmocka_unit_test(test_a_chain_longer_than_any),
        cmocka_unit_test(test_records_say_nothing_of_clients),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
