/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_crl.c
 * Revocation lists are enforced (secure-sockets.md 2.5 and section 9): an issuer without one is
 * accepted unless the policy wants all; an expired or badly signed one rejects.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the list of one issuer is like. */
enum list {
    NO_LIST = 0,
    CLEAN,
    REVOKES, /* the certificate of the path that this issuer signed */
    EXPIRED,
    EXPIRED_AND_CLEAN, /* two lists of the same issuer */
    FROM_TOMORROW,
    FORGED,
    FORGED_REVOKES,
};

struct crl_case {
    const char *sentence;
    enum list of_ca;
    enum list of_root;
    bool of_stranger; /* also a list of somebody else, that revokes the same serial numbers */
    enum ln_crl_policy policy;
    enum ln_category want;
    enum ln_verify verify;
    int depth;
};

static struct ln_span list_of(const struct pki_cert *issuer, const struct pki_cert *child,
                              enum list kind)
{
    struct pki_crl_spec spec = { .issuer = issuer };
    struct ln_span fresh;
    switch (kind) {
    case NO_LIST:
        return ln_span(NULL, 0);
    case CLEAN:
        break;
    case REVOKES:
        spec.revoked[0] = child;
        break;
    case EXPIRED_AND_CLEAN:
        fresh = pki_crl(tls_world.pki, &spec);
        spec.this_update = PKI_NOW - 3 * PKI_DAY;
        spec.next_update = PKI_NOW - 1;
        return pki_join(tls_world.pki, pki_crl(tls_world.pki, &spec), fresh);
    case EXPIRED:
        spec.this_update = PKI_NOW - 3 * PKI_DAY;
        spec.next_update = PKI_NOW - 1;
        break;
    case FROM_TOMORROW:
        spec.this_update = PKI_NOW + PKI_DAY;
        break;
    case FORGED:
        spec.forged = true;
        break;
    case FORGED_REVOKES:
        spec.forged = true;
        spec.revoked[0] = child;
        break;
    }
    return pki_crl(tls_world.pki, &spec);
}

static void run_case(const struct tls_row *row, const struct crl_case *t)
{
    struct tls_case c = tls_case_cert(row, t->sentence, &tls_world);
    struct ln_span crls = pki_join(tls_world.pki, list_of(tls_world.ca, tls_world.server, t->of_ca),
                                   list_of(tls_world.root, tls_world.ca, t->of_root));
    if (t->of_stranger) {
        struct pki_crl_spec spec = { .issuer = tls_world.stranger,
                                     .revoked = { tls_world.server, tls_world.ca } };
        crls = pki_join(tls_world.pki, crls, pki_crl(tls_world.pki, &spec));
    }
    if (crls.len > 0)
        c.client.crls = pki_span_source(crls);
    c.client.crl_policy = t->policy;
    struct tls_pair p;
    (void)tls_pair_attempt(&p, &c);
    if (t->want == LN_CAT_NONE) {
        tls_want_status(&p, LN_OK);
        assert_int_equal(p.client_info.tls.verify, LN_VERIFY_OK);
        tls_pair_must_exchange(&p);
    } else {
        tls_want_status(&p, LN_DENIED);
        tls_want_category(&p, &p.client_diag, t->want);
        if (p.client_diag.verify != t->verify)
            tls_fail(&p, "diag.verify is %d, not %d", (int)p.client_diag.verify, (int)t->verify);
        if (p.client_diag.verify_depth != t->depth)
            tls_fail(&p, "depth %d, not %d", p.client_diag.verify_depth, t->depth);
        const struct pki_cert *guilty = t->depth == 0 ? tls_world.server : tls_world.ca;
        if (strstr(p.client_diag.subject, pki_cert_name(guilty)) == NULL)
            tls_fail(&p, "the subject is \"%s\"", p.client_diag.subject);
    }
    tls_pair_close(&p);
}

static void run_table(const struct crl_case *table, size_t count)
{
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < count; i++)
            run_case(&rows.row[r], &table[i]);
    }
}

#define RUN(table) run_table(table, sizeof(table) / sizeof((table)[0]))

/* scenario: S36, T9, PIT-10 */
static void test_if_present(void **state)
{
    (void)state;
    static const struct crl_case table[] = {
        { .sentence = "no lists" },
        { .sentence = "both issuers, nobody revoked", .of_ca = CLEAN, .of_root = CLEAN },
        { .sentence = "only the intermediate has a list", .of_ca = CLEAN },
        { .sentence = "only the root has a list", .of_root = CLEAN },
        { .sentence = "only a stranger has a list, with our serial numbers", .of_stranger = true },
        { .sentence = "the leaf is revoked",
          .of_ca = REVOKES,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 0 },
        { .sentence = "the leaf is revoked, and the root has a list",
          .of_ca = REVOKES,
          .of_root = CLEAN,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 0 },
        { .sentence = "the intermediate is revoked",
          .of_root = REVOKES,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 1 },
        { .sentence = "the intermediate is revoked, and has a list",
          .of_ca = CLEAN,
          .of_root = REVOKES,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 1 },
        { .sentence = "the list has expired",
          .of_ca = EXPIRED,
          .want = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_CRL_EXPIRED,
          .depth = 0 },
        { .sentence = "the root's list has expired",
          .of_ca = CLEAN,
          .of_root = EXPIRED,
          .want = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_CRL_EXPIRED,
          .depth = 1 },
        { .sentence = "an expired list beside a fresh one", .of_ca = EXPIRED_AND_CLEAN },
        { .sentence = "the list is from tomorrow",
          .of_ca = FROM_TOMORROW,
          .want = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_CRL_EXPIRED,
          .depth = 0 },
        { .sentence = "the list is forged",
          .of_ca = FORGED,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 0 },
        { .sentence = "the root's list is forged",
          .of_root = FORGED,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 1 },
        { .sentence = "a forged list revokes",
          .of_ca = FORGED_REVOKES,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 0 },
    };
    RUN(table);
}

/* scenario: S36, T9, PIT-10 */
static void test_all(void **state)
{
    (void)state;
    static const struct crl_case table[] = {
        { .sentence = "all: both issuers, nobody revoked",
          .of_ca = CLEAN,
          .of_root = CLEAN,
          .policy = LN_CRL_ALL },
        { .sentence = "all: no lists",
          .policy = LN_CRL_ALL,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 0 },
        { .sentence = "all: the root's is missing",
          .of_ca = CLEAN,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 1 },
        { .sentence = "all: the intermediate's is missing",
          .of_root = CLEAN,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 0 },
        { .sentence = "all: a stranger's does not help",
          .of_root = CLEAN,
          .of_stranger = true,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_CRL_BAD,
          .depth = 0 },
        { .sentence = "all: the leaf is revoked",
          .of_ca = REVOKES,
          .of_root = CLEAN,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 0 },
        { .sentence = "all: the intermediate is revoked",
          .of_ca = CLEAN,
          .of_root = REVOKES,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 1 },
        { .sentence = "all: one has expired",
          .of_ca = CLEAN,
          .of_root = EXPIRED,
          .policy = LN_CRL_ALL,
          .want = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_CRL_EXPIRED,
          .depth = 1 },
    };
    RUN(table);
}

/* ---- in every form, from every source ---- */

static struct ln_source crl_source(struct tls_pair *p, struct ln_source *room, int form)
{
    struct pki *pki = tls_world.pki;
    struct ln_span of_root = list_of(tls_world.root, tls_world.ca, CLEAN);
    struct ln_span of_ca = list_of(tls_world.ca, tls_world.server, REVOKES);
    struct ln_span pem =
        pki_join(pki, pki_block(pki, "X509 CRL", of_root), pki_block(pki, "X509 CRL", of_ca));
    switch (form) {
    case 0:
        return pki_span_source(pem);
    case 1:
        return pki_span_source(pki_join(pki, of_root, of_ca));
    case 2:
        room[0] = pki_span_source(of_root);
        room[1] = pki_span_source(pki_block(pki, "X509 CRL", of_ca));
        return ln_source_list(room, 2);
    case 3:
        assert_int_equal(ln_testkit_file_put(p->client_host, "/crl.pem", pem), LN_OK);
        return ln_source_file("/crl.pem");
    default:
        assert_int_equal(ln_testkit_file_put(p->client_host, "/crls/root", of_root), LN_OK);
        assert_int_equal(ln_testkit_file_put(p->client_host, "/crls/ca", of_ca), LN_OK);
        assert_int_equal(
            ln_testkit_file_put(p->client_host, "/crls/README", ln_span_str("no list")), LN_OK);
        return ln_source_directory("/crls");
    }
}

/* scenario: C1, S36 */
static void test_forms_and_sources(void **state)
{
    (void)state;
    static const char *const names[] = { "PEM with two", "DER with two", "a list", "a file",
                                         "a folder" };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int form = 0; form < 5; form++) {
            struct tls_case c = tls_case_cert(&rows.row[r], names[form], &tls_world);
            struct ln_source room[2];
            struct tls_pair p;
            tls_pair_open(&p, &c);
            c.client.crls = crl_source(&p, room, form);
            tls_pair_new_client(&p, &c.client);
            (void)tls_pair_connect(&p);
            tls_want_category(&p, &p.client_diag, LN_CAT_REVOKED);
            tls_pair_close(&p);
        }
    }
}

/* ---- servers ---- */

/* scenario: S36, S10, C3 */
static void test_a_revoked_client(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "the client is revoked", &tls_world);
        struct pki_crl_spec spec = { .issuer = tls_world.ca, .revoked = { tls_world.client } };
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        c.server.trust = pki_trust_one(tls_world.pki, tls_world.root);
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        c.server.crls = pki_span_source(pki_crl(tls_world.pki, &spec));
        struct tls_pair p;
        uint8_t room[16];
        size_t got = 0;
        enum ln_status st = tls_pair_attempt(&p, &c);
        assert_int_equal(p.server_status, LN_DENIED);
        tls_want_category(&p, &p.server_diag, LN_CAT_REVOKED);
        assert_int_equal(p.server_diag.verify_depth, 0);
        tls_want_alert(&p, &p.server_diag, LN_ALERT_SENT, 44);
        if (c.row.version == LN_TLS_1_3) { /* it arrives behind the client's Finished */
            assert_int_equal(st, LN_OK);
            st = tls_pair_recv(&p, p.client, ln_mspan(room, sizeof room), &got, 1000);
            p.client_diag = *ln_sock_diag(p.client);
        }
        assert_int_equal(st, LN_REFUSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_CLIENT_CERT_REJECTED);
        tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 44);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_if_present),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_forms_and_sources),
        cmocka_unit_test(test_a_revoked_client),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
