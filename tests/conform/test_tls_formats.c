/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_formats.c
 * Certificates and keys in every form, from every source, of every type: each is loaded and shakes
 * hands (secure-sockets.md 2.4; S7, C1).
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum pki_key_type types[] = { PKI_P256, PKI_P384, PKI_ED25519, PKI_RSA_2048 };

static const enum pki_form cert_forms[] = { PKI_PEM, PKI_PEM_CRLF,  PKI_PEM_COMMENTS, PKI_PEM_BOM,
                                            PKI_DER, PKI_PKCS7_PEM, PKI_PKCS7_DER };

static const enum pki_form key_forms[] = {
    PKI_PKCS8_PEM,
    PKI_PKCS8_DER,
    PKI_PLAIN_PEM,
    PKI_PLAIN_DER,
    PKI_PLAIN_PARAMETERS,
    PKI_PKCS8_PEM_CRLF,
    PKI_PKCS8_PEM_COMMENTS,
    PKI_PKCS8_PEM_BOM,
    PKI_PKCS8_ENCRYPTED_PEM,
    PKI_PKCS8_ENCRYPTED_DER,
    PKI_LEGACY_ENCRYPTED_PEM,
};

enum source { IN_MEMORY, IN_A_FILE, IN_A_LIST, IN_NESTED_LISTS, IN_A_FOLDER };
static const char *const source_names[] = { "memory", "a file", "a list", "nested lists",
                                            "a folder" };

static struct tls_pki pkis[COUNT(types)];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++)
        tls_pki_init_type(&pkis[i], types[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++)
        tls_pki_deinit(&pkis[i]);
    return 0;
}

/* ---- one attempt ---- */

struct attempt {
    struct tls_pair p;
    struct ln_source parts[4];
    struct ln_source level[4];
};

static struct attempt attempt;

static struct ln_source put(struct ln_span data, const char *path)
{
    assert_int_equal(ln_testkit_file_put(attempt.p.server_host, path, data), LN_OK);
    assert_int_equal(ln_testkit_file_put(attempt.p.client_host, path, data), LN_OK);
    return ln_source_file(path);
}

static struct ln_source from(enum source source, struct ln_span data, const char *path)
{
    switch (source) {
    case IN_MEMORY:
        return pki_span_source(data);
    case IN_A_FILE:
        return put(data, path);
    case IN_A_LIST:
        attempt.level[0] = pki_span_source(data);
        return ln_source_list(attempt.level, 1);
    case IN_NESTED_LISTS: /* at most four levels deep */
        attempt.level[0] = pki_span_source(data);
        for (size_t i = 1; i < 4; i++)
            attempt.level[i] = ln_source_list(&attempt.level[i - 1], 1);
        return ln_source_list(&attempt.level[3], 1);
    case IN_A_FOLDER:
        (void)put(data, "/folder/some.name");
        (void)put(ln_span_str("nothing of interest\n"), "/folder/README");
        return ln_source_directory("/folder");
    }
    return pki_span_source(data);
}

static void shake(const struct tls_case *c, const char *what, const char *form, const char *source,
                  enum pki_key_type type)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    char text[160];
    (void)snprintf(text, sizeof text, "%s: %s in %s, %s", what, form, source, pki_key_name(type));
    attempt.p.spec.what = text;
    tls_pair_new_server(&attempt.p, &c->server);
    tls_pair_new_client(&attempt.p, &c->client);
    tls_pair_must_connect(&attempt.p);
    tls_pair_finish(&attempt.p);
}

/* TLS 1.3 only: what is loaded does not hang on the version. False: the key's type was refused. */
static bool begin(const struct tls_row *row, size_t type, struct tls_case *c)
{
    *c = tls_case_cert(row, "a format", &pkis[type]);
    if (types[type] == PKI_ED25519) {
        c->client_needs = TLS_NEED_ED25519; /* its trust anchor has such a key, too */
        c->server_needs = row->kind == LN_DTLS ? TLS_NEED_ED25519_DTLS : TLS_NEED_ED25519;
    }
    c->refusal_word = "key";
    c->client_refusal_word = "trust";
    return tls_pair_able(&attempt.p, c);
}

/* ---- own certificates ---- */

/* scenario: S6, S7, C1 */
static void test_own_chain(void **state)
{
    (void)state;
    static const enum source sources[] = { IN_MEMORY, IN_A_FILE, IN_A_LIST, IN_NESTED_LISTS };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t f = 0; f < COUNT(cert_forms); f++) {
                for (size_t s = 0; s < COUNT(sources); s++) {
                    struct tls_case c;
                    if (!begin(&rows.row[r], t, &c))
                        continue;
                    struct ln_span chain = pki_write_certs(pkis[t].pki, cert_forms[f],
                                                           PKI_LIST(pkis[t].server, pkis[t].ca));
                    c.server.chain = from(sources[s], chain, "/etc/chain");
                    shake(&c, "the chain", pki_form_name(cert_forms[f]), source_names[sources[s]],
                          types[t]);
                }
            }
        }
    }
}

/* A chain in pieces, each in another form. */
/* scenario: S7, C1 */
static void test_a_chain_in_pieces(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t a = 0; a < COUNT(cert_forms); a++) {
            for (size_t b = 0; b < COUNT(cert_forms); b++) {
                struct tls_case c;
                if (!begin(&rows.row[r], 0, &c))
                    continue;
                attempt.parts[0] = pki_span_source(
                    pki_write_certs(pkis[0].pki, cert_forms[a], PKI_LIST(pkis[0].server)));
                attempt.parts[1] =
                    put(pki_write_certs(pkis[0].pki, cert_forms[b], PKI_LIST(pkis[0].ca)), "/ca");
                c.server.chain = ln_source_list(attempt.parts, 2);
                shake(&c, "leaf and issuer apart", pki_form_name(cert_forms[a]),
                      pki_form_name(cert_forms[b]), types[0]);
            }
        }
    }
}

/* ---- keys ---- */

/* scenario: S6, S7, S13, C1 */
static void test_keys(void **state)
{
    (void)state;
    static const enum source sources[] = { IN_MEMORY, IN_A_FILE };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t f = 0; f < COUNT(key_forms); f++) {
                if (!pki_form_fits(types[t], key_forms[f]))
                    continue;
                for (size_t s = 0; s < COUNT(sources); s++) {
                    bool encrypted = key_forms[f] >= PKI_PKCS8_ENCRYPTED_PEM;
                    struct tls_case c;
                    if (!begin(&rows.row[r], t, &c))
                        continue;
                    struct ln_span key = pki_write_key(pkis[t].pki, key_forms[f], pkis[t].server,
                                                       encrypted ? "a pass phrase" : NULL);
                    c.server.key = from(sources[s], key, "/etc/key");
                    if (encrypted)
                        c.server.key.password = "a pass phrase";
                    shake(&c, "the key", pki_form_name(key_forms[f]), source_names[sources[s]],
                          types[t]);
                }
            }
        }
    }
}

/* TLS-33: a password that nobody needs does no harm. */
/* scenario: S13 */
static void test_a_password_that_is_not_needed(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t f = 0; f < COUNT(key_forms); f++) {
                if (key_forms[f] >= PKI_PKCS8_ENCRYPTED_PEM ||
                    !pki_form_fits(types[t], key_forms[f]))
                    continue;
                struct tls_case c;
                if (!begin(&rows.row[r], t, &c))
                    continue;
                c.server.key =
                    pki_span_source(pki_write_key(pkis[t].pki, key_forms[f], pkis[t].server, NULL));
                c.server.key.password = "not needed";
                shake(&c, "a needless password", pki_form_name(key_forms[f]), "memory", types[t]);
            }
        }
    }
}

/* Key and chain in one file, in this order and in the other: what is not asked for is skipped. */
/* scenario: S7, C1 */
static void test_key_and_chain_in_one_file(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (int key_first = 0; key_first <= 1; key_first++) {
                struct pki *pki = pkis[t].pki;
                struct tls_case c;
                if (!begin(&rows.row[r], t, &c))
                    continue;
                struct ln_span chain =
                    pki_write_certs(pki, PKI_PEM, PKI_LIST(pkis[t].server, pkis[t].ca));
                struct ln_span key = pki_write_key(pki, PKI_PKCS8_PEM, pkis[t].server, NULL);
                struct ln_span both =
                    key_first != 0 ? pki_join(pki, key, chain) : pki_join(pki, chain, key);
                c.server.chain = put(both, "/etc/both.pem");
                c.server.key = ln_source_file("/etc/both.pem");
                shake(&c, "key and chain together", key_first != 0 ? "key first" : "chain first",
                      "a file", types[t]);
            }
        }
    }
}

/* ---- trust ---- */

/* scenario: S6, S7, S10, C1 */
static void test_trust(void **state)
{
    (void)state;
    static const enum source sources[] = { IN_MEMORY, IN_A_FILE, IN_A_LIST, IN_NESTED_LISTS,
                                           IN_A_FOLDER };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t f = 0; f < COUNT(cert_forms); f++) {
                for (size_t s = 0; s < COUNT(sources); s++) {
                    struct tls_case c;
                    if (!begin(&rows.row[r], t, &c))
                        continue;
                    /* the right one is the second of three, and one is there twice */
                    struct ln_span trust =
                        pki_write_certs(pkis[t].pki, cert_forms[f],
                                        PKI_LIST(pkis[t].stranger, pkis[t].root, pkis[t].stranger));
                    c.client.trust = from(sources[s], trust, "/etc/trust");
                    shake(&c, "trust", pki_form_name(cert_forms[f]), source_names[sources[s]],
                          types[t]);
                }
            }
        }
    }
}

/* A folder with everything a folder may have in it; what cannot be read is skipped (TLS-32). */
/* scenario: C1, S8 */
static void test_a_messy_folder(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c;
        if (!begin(&rows.row[r], 0, &c))
            continue;
        struct pki *pki = pkis[0].pki;
        (void)put(pki_pem(pki, pkis[0].stranger), "/ca/a.pem");
        (void)put(pki_cert_der(pkis[0].root), "/ca/b");
        (void)put(ln_span_str(""), "/ca/empty");
        (void)put(ln_span_str("-----BEGIN CERTIFICATE-----\nbroken\n"), "/ca/broken.pem");
        (void)put(pki_write_key(pki, PKI_PKCS8_PEM, pkis[0].root, NULL), "/ca/key.pem");
        (void)put(pki_pem(pki, pkis[0].ca), "/ca/denied.pem");
        assert_int_equal(
            ln_testkit_file_fault(attempt.p.client_host, "/ca/denied.pem", LN_TESTKIT_FILE_DENIED),
            LN_OK);
        c.client.trust = ln_source_directory("/ca");
        shake(&c, "trust", "all kinds of files", "a folder", types[0]);
    }
}

/* ---- a client's own ---- */

/* scenario: S10, S13, C1 */
static void test_client_credentials(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            struct pki *pki = pkis[t].pki;
            struct tls_case c;
            if (!begin(&rows.row[r], t, &c))
                continue;
            c.client.chain = put(
                pki_write_certs(pki, PKI_DER, PKI_LIST(pkis[t].client, pkis[t].ca)), "/client.der");
            c.client.key = put(pki_write_key(pki, PKI_PKCS8_ENCRYPTED_PEM, pkis[t].client, "pass"),
                               "/client.key");
            c.client.key.password = "pass";
            c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
            c.server.trust = put(pki_pem(pki, pkis[t].root), "/root.pem");
            shake(&c, "a client's credentials", "DER, encrypted PKCS#8", "files", types[t]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_chain),
        cmocka_unit_test(test_a_chain_in_pieces),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_a_password_that_is_not_needed),
        cmocka_unit_test(test_key_and_chain_in_one_file),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_a_messy_folder),
        cmocka_unit_test(test_client_credentials),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
