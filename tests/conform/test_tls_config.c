/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_config.c
 * Every wrong setting is refused when the configuration is made, with a sentence that names the
 * field, without a leak and without half an object (secure-sockets.md 2.1 to 2.10).
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tls_pair bench; /* a world without sockets */

/* ---- one attempt ---- */

enum base { PSK = 0, CLIENT, SERVER, DANE };

struct bad {
    const char *sentence;
    enum base base;
    void (*spoil)(struct ln_tls_options *o);
    enum ln_status want;
    const char *field;   /* in the sentence; NULL = there is none to name */
    enum ln_status also; /* as good: the contract leaves it open */
    bool tls_only;
    bool dtls_only;
};

#define BAD(sentence_, base_, spoil_, want_, field_)                                               \
    .sentence = sentence_, .base = base_, .spoil = spoil_, .want = want_, .field = field_

static struct ln_tls_options base_options(enum base base, const struct tls_row *row)
{
    struct tls_case c = tls_case_cert(row, "", &tls_world);
    switch (base) {
    case PSK:
        return tls_case_psk(row, "").client;
    case CLIENT:
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        return c.client;
    case SERVER:
        return c.server;
    case DANE:
        c.client.auth = LN_AUTH_DANE;
        return c.client;
    }
    return c.client;
}

static void try_bad(const struct tls_row *row, const struct bad *bad)
{
    struct tls_case c = tls_case(row, bad->sentence);
    tls_pair_open_bare(&bench, &c);
    struct ln_tls_options o = base_options(bad->base, row);
    struct ln_tls_config *config = NULL;
    struct ln_diag *diag = &bench.client_diag;
    ln_diag_clear(diag);
    bad->spoil(&o);
    enum ln_status st = tls_pair_config(&bench, &bench.client_env, &o, row->client, diag, &config);
    bench.client_status = st;
    if (st != bad->want && (bad->also == LN_OK || st != bad->also))
        tls_fail(&bench, "came to %s, not %s", ln_status_name(st), ln_status_name(bad->want));
    if (config != NULL)
        tls_fail(&bench, "*out was written in spite of the failure");
    if (diag->status != st || diag->text[0] == '\0')
        tls_fail(&bench, "the record does not tell the failure");
    if (diag->phase != LN_PHASE_CONFIGURE)
        tls_fail(&bench, "the phase is %s", ln_phase_word(diag->phase));
    if (st != LN_NO_MEMORY && diag->category != LN_CAT_CONFIGURATION)
        tls_fail(&bench, "the category is %s", ln_category_word(diag->category));
    if (bad->field != NULL && strstr(diag->text, bad->field) == NULL)
        tls_fail(&bench, "the sentence does not name %s: %s", bad->field, diag->text);
    /* The same without a record: no crash, the same status. */
    if (tls_pair_config(&bench, &bench.client_env, &o, row->client, NULL, &config) != st ||
        config != NULL)
        tls_fail(&bench, "it comes out differently without a record");
    tls_pair_close(&bench); /* nothing is left on the heap */
}

static void try_all(const struct bad *table, size_t count)
{
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        bool dtls = rows.row[r].kind == LN_DTLS;
        for (size_t i = 0; i < count; i++) {
            if ((table[i].tls_only && dtls) || (table[i].dtls_only && !dtls))
                continue;
            try_bad(&rows.row[r], &table[i]);
        }
    }
}

#define TRY_ALL(table) try_all(table, sizeof(table) / sizeof((table)[0]))

/* The tables below are nothing without configurations that are right. */
/* scenario: S2, S23 */
static void test_the_bases_are_good(void **state)
{
    (void)state;
    static const enum base bases[] = { PSK, CLIENT, SERVER, DANE };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(bases); i++) {
            struct tls_case c = tls_case(&rows.row[r], "a good configuration");
            struct ln_tls_options o = base_options(bases[i], &rows.row[r]);
            struct ln_tls_config *config = NULL;
            tls_pair_open_bare(&bench, &c);
            bench.client_status = tls_pair_config(&bench, &bench.client_env, &o, rows.row[r].client,
                                                  &bench.client_diag, &config);
            tls_want_status(&bench, LN_OK);
            assert_non_null(config);
            assert_ptr_equal(ln_tls_config_ref(config), config);
            ln_tls_config_unref(config);
            ln_tls_config_unref(config);
            ln_tls_config_unref(NULL);
            tls_pair_close(&bench);
        }
    }
}

/* ---- files ---- */

static void put(const char *path, const void *data, size_t len)
{
    assert_int_equal(ln_testkit_file_put(bench.client_host, path, ln_span(data, len)), LN_OK);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static void trust_missing(struct ln_tls_options *o)
{
    o->trust = ln_source_file("/no/such.pem");
}
static void trust_empty(struct ln_tls_options *o)
{
    put_text("/empty.pem", "");
    o->trust = ln_source_file("/empty.pem");
}
static void trust_folder_as_file(struct ln_tls_options *o)
{
    put_text("/etc/ca/one.pem", "x");
    o->trust = ln_source_file("/etc/ca");
}
static void trust_denied(struct ln_tls_options *o)
{
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.root);
    put("/secret.pem", pem.data, pem.len);
    assert_int_equal(
        ln_testkit_file_fault(bench.client_host, "/secret.pem", LN_TESTKIT_FILE_DENIED), LN_OK);
    o->trust = ln_source_file("/secret.pem");
}
static void trust_unreadable(struct ln_tls_options *o)
{
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.root);
    put("/rotten.pem", pem.data, pem.len);
    assert_int_equal(
        ln_testkit_file_fault(bench.client_host, "/rotten.pem", LN_TESTKIT_FILE_UNREADABLE), LN_OK);
    o->trust = ln_source_file("/rotten.pem");
}
static void trust_cut(struct ln_tls_options *o)
{
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.root);
    put("/cut.pem", pem.data, pem.len);
    assert_int_equal(ln_testkit_file_fault(bench.client_host, "/cut.pem", LN_TESTKIT_FILE_SHORT),
                     LN_OK);
    o->trust = ln_source_file("/cut.pem");
}
static void trust_huge(struct ln_tls_options *o)
{
    size_t len = LN_CREDENTIAL_MAX + 1;
    char *huge = malloc(len);
    assert_non_null(huge);
    memset(huge, '\n', len);
    put("/huge.pem", huge, len);
    free(huge);
    o->trust = ln_source_file("/huge.pem");
}
static void trust_text(struct ln_tls_options *o)
{
    put_text("/notes.txt", "There is no certificate in here.\n");
    o->trust = ln_source_file("/notes.txt");
}
static void trust_path_null(struct ln_tls_options *o)
{
    o->trust = ln_source_file(NULL);
}
static void trust_path_empty(struct ln_tls_options *o)
{
    o->trust = ln_source_file("");
}
static void trust_no_folder(struct ln_tls_options *o)
{
    o->trust = ln_source_directory("/no/folder");
}
static void trust_useless_folder(struct ln_tls_options *o)
{
    put_text("/useless/README", "no certificate\n");
    put_text("/useless/empty", "");
    o->trust = ln_source_directory("/useless");
}
static void key_missing_file(struct ln_tls_options *o)
{
    o->key = ln_source_file("/no/such.key");
}
static void chain_missing_file(struct ln_tls_options *o)
{
    o->chain = ln_source_file("/no/such.pem");
}
static void crls_missing_file(struct ln_tls_options *o)
{
    o->crls = ln_source_file("/no/such.crl");
}

/* scenario: S6, S8, S26, C1, PIT-09b */
static void test_files(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a missing file", CLIENT, trust_missing, LN_NOT_FOUND, "trust") },
        { BAD("an empty file", CLIENT, trust_empty, LN_NOT_FOUND, "trust") },
        { BAD("a folder in place of a file", CLIENT, trust_folder_as_file, LN_BAD_ARG, "trust"),
          .also = LN_NOT_FOUND },
        { BAD("a file that may not be read", CLIENT, trust_denied, LN_DENIED, "trust") },
        { BAD("a file that cannot be read", CLIENT, trust_unreadable, LN_IO, "trust"),
          .also = LN_DENIED },
        { BAD("a file that was cut", CLIENT, trust_cut, LN_BAD_ARG, "trust"),
          .also = LN_NOT_FOUND },
        { BAD("a file over the limit", CLIENT, trust_huge, LN_BAD_ARG, "trust"),
          .also = LN_NO_SPACE },
        { BAD("a file of something else", CLIENT, trust_text, LN_NOT_FOUND, "trust"),
          .also = LN_BAD_ARG },
        { BAD("no path", CLIENT, trust_path_null, LN_BAD_ARG, "trust") },
        { BAD("an empty path", CLIENT, trust_path_empty, LN_BAD_ARG, "trust"),
          .also = LN_NOT_FOUND },
        { BAD("a missing folder", CLIENT, trust_no_folder, LN_NOT_FOUND, "trust") },
        { BAD("a folder without certificates", CLIENT, trust_useless_folder, LN_NOT_FOUND,
              "trust") },
        { BAD("a missing key file", CLIENT, key_missing_file, LN_NOT_FOUND, "key") },
        { BAD("a missing chain file", CLIENT, chain_missing_file, LN_NOT_FOUND, "chain") },
        { BAD("a missing CRL file", CLIENT, crls_missing_file, LN_NOT_FOUND, "crls") },
    };
    TRY_ALL(table);
}

/* ---- content ---- */

static void trust_key(struct ln_tls_options *o)
{
    o->trust = pki_key_source(tls_world.pki, tls_world.root);
}
static void trust_garbage_behind(struct ln_tls_options *o)
{
    static const uint8_t garbage[] = { 0xde, 0xad, 0xbe, 0xef };
    o->trust = pki_span_source(
        pki_join(tls_world.pki, pki_cert_der(tls_world.root), ln_span(garbage, sizeof garbage)));
}
static void trust_der_cut(struct ln_tls_options *o)
{
    struct ln_span der = pki_cert_der(tls_world.root);
    o->trust = ln_source_memory(der.data, der.len - 1);
}
static void trust_memory_empty(struct ln_tls_options *o)
{
    o->trust = ln_source_memory("", 0);
}
static void trust_pem_broken(struct ln_tls_options *o)
{
    static const char broken[] = "-----BEGIN CERTIFICATE-----\n"
                                 "%%%% this is no base64 %%%%\n"
                                 "-----END CERTIFICATE-----\n";
    o->trust = ln_source_memory(broken, sizeof broken - 1);
}
static void trust_pem_no_certificate(struct ln_tls_options *o)
{
    static const char wrong[] = "-----BEGIN CERTIFICATE-----\n"
                                "MAMCAQE=\n" /* SEQUENCE { INTEGER 1 } */
                                "-----END CERTIFICATE-----\n";
    o->trust = ln_source_memory(wrong, sizeof wrong - 1);
}
static void trust_pem_no_end(struct ln_tls_options *o)
{
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.root);
    o->trust = ln_source_memory(pem.data, pem.len - 30);
}
static void crls_certificate(struct ln_tls_options *o)
{
    o->crls = pki_trust_one(tls_world.pki, tls_world.root);
}
static void crls_cut(struct ln_tls_options *o)
{
    struct pki_crl_spec spec = { .issuer = tls_world.ca };
    struct ln_span crl = pki_crl(tls_world.pki, &spec);
    o->crls = ln_source_memory(crl.data, crl.len - 1);
}
static void chain_key_only(struct ln_tls_options *o)
{
    o->chain = pki_key_source(tls_world.pki, tls_world.client);
}

/* scenario: S7, S26, C1 */
static void test_content(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("PEM without a certificate", CLIENT, trust_key, LN_NOT_FOUND, "trust"),
          .also = LN_BAD_ARG },
        { BAD("DER with garbage behind it", CLIENT, trust_garbage_behind, LN_BAD_ARG, "trust") },
        { BAD("DER that was cut", CLIENT, trust_der_cut, LN_BAD_ARG, "trust") },
        { BAD("no bytes", CLIENT, trust_memory_empty, LN_NOT_FOUND, "trust"), .also = LN_BAD_ARG },
        { BAD("PEM that is no base64", CLIENT, trust_pem_broken, LN_BAD_ARG, "trust") },
        { BAD("PEM of something else", CLIENT, trust_pem_no_certificate, LN_BAD_ARG, "trust") },
        { BAD("PEM without its end", CLIENT, trust_pem_no_end, LN_BAD_ARG, "trust"),
          .also = LN_NOT_FOUND },
        { BAD("a certificate in place of a CRL", CLIENT, crls_certificate, LN_NOT_FOUND, "crls"),
          .also = LN_BAD_ARG },
        { BAD("a CRL that was cut", CLIENT, crls_cut, LN_BAD_ARG, "crls") },
        { BAD("a key in place of a chain", CLIENT, chain_key_only, LN_NOT_FOUND, "chain"),
          .also = LN_BAD_ARG },
    };
    TRY_ALL(table);
}

/* ---- sources ---- */

static struct ln_source pair_of_sources[2];

static void trust_list_with_a_bad_one(struct ln_tls_options *o)
{
    pair_of_sources[0] = pki_trust_one(tls_world.pki, tls_world.root);
    pair_of_sources[1] = ln_source_file("/no/such.pem");
    o->trust = ln_source_list(pair_of_sources, 2);
}
static void trust_list_that_begins_badly(struct ln_tls_options *o)
{
    pair_of_sources[1] = pki_trust_one(tls_world.pki, tls_world.root);
    pair_of_sources[0] = ln_source_file("/no/such.pem");
    o->trust = ln_source_list(pair_of_sources, 2);
}
static void crls_list_with_a_bad_one(struct ln_tls_options *o)
{
    struct pki_crl_spec spec = { .issuer = tls_world.ca };
    pair_of_sources[0] = pki_span_source(pki_crl(tls_world.pki, &spec));
    pair_of_sources[1] = ln_source_file("/no/such.crl");
    o->crls = ln_source_list(pair_of_sources, 2);
}
static void chain_list_with_a_bad_one(struct ln_tls_options *o)
{
    pair_of_sources[0] = pki_trust_one(tls_world.pki, tls_world.client);
    pair_of_sources[1] = ln_source_file("/no/such.pem");
    o->chain = ln_source_list(pair_of_sources, 2);
}
static void trust_too_deep(struct ln_tls_options *o)
{
    static struct ln_source level[6];
    level[0] = pki_trust_one(tls_world.pki, tls_world.root);
    for (size_t i = 1; i < 6; i++)
        level[i] = ln_source_list(&level[i - 1], 1);
    o->trust = level[5]; /* five lists around a certificate */
}
static void trust_list_null(struct ln_tls_options *o)
{
    o->trust = ln_source_list(NULL, 2);
}
static void trust_unknown_kind(struct ln_tls_options *o)
{
    o->trust.kind = (enum ln_source_kind)99;
}
static void chain_folder(struct ln_tls_options *o)
{
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.client);
    put("/own/client.pem", pem.data, pem.len);
    o->chain = ln_source_directory("/own");
}
static void key_folder(struct ln_tls_options *o)
{
    struct ln_span pem = pki_write_key(tls_world.pki, PKI_PKCS8_PEM, tls_world.client, NULL);
    put("/own/client.key", pem.data, pem.len);
    o->key = ln_source_directory("/own");
}
static void key_list(struct ln_tls_options *o)
{
    pair_of_sources[0] = o->key;
    pair_of_sources[1] = o->key;
    o->key = ln_source_list(pair_of_sources, 2);
}
static void trust_uri(struct ln_tls_options *o)
{
    o->trust = ln_source_uri("pkcs11:object=ca");
}
static void key_other_uri(struct ln_tls_options *o)
{
    o->key = ln_source_uri("https://keys.example/key");
}

/* scenario: S26, C1, PIT-01 */
static void test_sources(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a list whose last element is missing", CLIENT, trust_list_with_a_bad_one,
              LN_NOT_FOUND, "trust") },
        { BAD("a list whose first element is missing", CLIENT, trust_list_that_begins_badly,
              LN_NOT_FOUND, "trust") },
        { BAD("a list of CRLs with a missing one", CLIENT, crls_list_with_a_bad_one, LN_NOT_FOUND,
              "crls") },
        { BAD("a chain of which a part is missing", CLIENT, chain_list_with_a_bad_one, LN_NOT_FOUND,
              "chain") },
        { BAD("lists five levels deep", CLIENT, trust_too_deep, LN_BAD_ARG, "trust") },
        { BAD("a list of nothing that counts two", CLIENT, trust_list_null, LN_BAD_ARG, "trust") },
        { BAD("a kind of source that does not exist", CLIENT, trust_unknown_kind, LN_BAD_ARG,
              "trust"),
          .also = LN_UNSUPPORTED },
        { BAD("a folder for the own chain", CLIENT, chain_folder, LN_BAD_ARG, "chain"),
          .also = LN_UNSUPPORTED },
        { BAD("a folder for the key", CLIENT, key_folder, LN_BAD_ARG, "key"),
          .also = LN_UNSUPPORTED },
        { BAD("a list for the key", CLIENT, key_list, LN_BAD_ARG, "key"), .also = LN_UNSUPPORTED },
        { BAD("a token for trust", CLIENT, trust_uri, LN_BAD_ARG, "trust"),
          .also = LN_UNSUPPORTED },
        { BAD("a URI that is no pkcs11:", CLIENT, key_other_uri, LN_BAD_ARG, "key"),
          .also = LN_UNSUPPORTED },
    };
    TRY_ALL(table);
}

/* Without a provider that knows pkcs11: it is unsupported at once, and the sentence names what is
 * missing. Where this machine has one, test_tls_pkcs11.c has the other half. */
static void key_on_a_token(struct ln_tls_options *o)
{
    o->key = ln_source_uri("pkcs11:token=none;object=none");
}
static void chain_on_a_token(struct ln_tls_options *o)
{
    o->chain = ln_source_uri("pkcs11:token=none;object=none");
    o->key = ln_source_uri("pkcs11:token=none;object=none");
}

/* scenario: C1, S26 */
static void test_pkcs11_without_provider(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a key on a token, and no provider", CLIENT, key_on_a_token, LN_UNSUPPORTED, "key") },
        { BAD("all on a token, and no provider", CLIENT, chain_on_a_token, LN_UNSUPPORTED,
              "chain") },
    };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tls_capabilities caps;
        ln_tls_capabilities(rows.row[r].client, &caps);
        for (size_t i = 0; i < COUNT(table); i++) {
            struct bad bad = table[i];
            if ((caps.caps & LN_TLS_CAP_PKCS11) != 0) { /* there is one, but no such token */
                bad.want = LN_NOT_FOUND;
                bad.also = LN_DENIED;
            }
            try_bad(&rows.row[r], &bad);
        }
    }
}

/* ---- keys ---- */

static void key_of_another(struct ln_tls_options *o)
{
    o->key = pki_key_source(tls_world.pki, tls_world.server);
}
static void key_of_another_type(struct ln_tls_options *o)
{
    struct pki_spec spec = { .name = "RSA", .key = PKI_RSA_2048 };
    o->key = pki_key_source(tls_world.pki, pki_make(tls_world.pki, &spec));
}
static void chain_begins_with_the_issuer(struct ln_tls_options *o)
{
    o->chain = pki_trust(tls_world.pki, PKI_LIST(tls_world.ca, tls_world.client));
}
static void chain_without_key(struct ln_tls_options *o)
{
    memset(&o->key, 0, sizeof o->key);
}
static void key_without_chain(struct ln_tls_options *o)
{
    memset(&o->chain, 0, sizeof o->chain);
}
static void two_keys(struct ln_tls_options *o)
{
    struct ln_span one = pki_write_key(tls_world.pki, PKI_PKCS8_PEM, tls_world.client, NULL);
    struct ln_span two = pki_write_key(tls_world.pki, PKI_PKCS8_PEM, tls_world.server, NULL);
    o->key = pki_span_source(pki_join(tls_world.pki, one, two));
}
static void key_is_a_certificate(struct ln_tls_options *o)
{
    o->key = pki_trust_one(tls_world.pki, tls_world.client);
}
static void key_garbage_behind(struct ln_tls_options *o)
{
    struct ln_span der = pki_write_key(tls_world.pki, PKI_PKCS8_DER, tls_world.client, NULL);
    o->key = pki_span_source(pki_join(tls_world.pki, der, ln_span_str("garbage")));
}
static void key_cut(struct ln_tls_options *o)
{
    struct ln_span der = pki_write_key(tls_world.pki, PKI_PKCS8_DER, tls_world.client, NULL);
    o->key = ln_source_memory(der.data, der.len - 1);
}
static void encrypted(struct ln_tls_options *o, enum pki_form form, const char *password)
{
    o->key = pki_span_source(pki_write_key(tls_world.pki, form, tls_world.client, "right"));
    o->key.password = password;
}
static void wrong_password_pkcs8(struct ln_tls_options *o)
{
    encrypted(o, PKI_PKCS8_ENCRYPTED_PEM, "wrong");
}
static void wrong_password_der(struct ln_tls_options *o)
{
    encrypted(o, PKI_PKCS8_ENCRYPTED_DER, "wrong");
}
static void wrong_password_legacy(struct ln_tls_options *o)
{
    encrypted(o, PKI_LEGACY_ENCRYPTED_PEM, "wrong");
}
static void no_password_pkcs8(struct ln_tls_options *o)
{
    encrypted(o, PKI_PKCS8_ENCRYPTED_PEM, NULL);
}
static void no_password_der(struct ln_tls_options *o)
{
    encrypted(o, PKI_PKCS8_ENCRYPTED_DER, NULL);
}
static void no_password_legacy(struct ln_tls_options *o)
{
    encrypted(o, PKI_LEGACY_ENCRYPTED_PEM, NULL);
}
static void empty_password(struct ln_tls_options *o)
{
    encrypted(o, PKI_PKCS8_ENCRYPTED_PEM, "");
}
static void server_without_chain(struct ln_tls_options *o)
{
    memset(&o->chain, 0, sizeof o->chain);
}
static void chain_too_long(struct ln_tls_options *o)
{
    const struct pki_cert *chain[LN_CHAIN_MAX + 2] = { tls_world.client };
    for (size_t i = 1; i <= LN_CHAIN_MAX; i++)
        chain[i] = tls_world.ca;
    o->chain = pki_trust(tls_world.pki, chain);
}

/* scenario: S13, S26 */
static void test_keys(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("somebody else's key", CLIENT, key_of_another, LN_BAD_ARG, "key") },
        { BAD("a key of another type", CLIENT, key_of_another_type, LN_BAD_ARG, "key") },
        { BAD("a chain that begins with the issuer", CLIENT, chain_begins_with_the_issuer,
              LN_BAD_ARG, "key") },
        { BAD("a chain without a key", CLIENT, chain_without_key, LN_BAD_ARG, "key") },
        { BAD("a key without a chain", CLIENT, key_without_chain, LN_BAD_ARG, "chain") },
        { BAD("a server's key without a chain", SERVER, server_without_chain, LN_BAD_ARG,
              "chain") },
        { BAD("two keys", CLIENT, two_keys, LN_BAD_ARG, "key") },
        { BAD("a certificate in place of a key", CLIENT, key_is_a_certificate, LN_NOT_FOUND, "key"),
          .also = LN_BAD_ARG },
        { BAD("a DER key with garbage behind it", CLIENT, key_garbage_behind, LN_BAD_ARG, "key") },
        { BAD("a DER key that was cut", CLIENT, key_cut, LN_BAD_ARG, "key") },
        { BAD("a wrong password, PKCS#8 PEM", CLIENT, wrong_password_pkcs8, LN_DENIED, "key") },
        { BAD("a wrong password, PKCS#8 DER", CLIENT, wrong_password_der, LN_DENIED, "key") },
        { BAD("a wrong password, legacy PEM", CLIENT, wrong_password_legacy, LN_DENIED, "key") },
        { BAD("no password, PKCS#8 PEM", CLIENT, no_password_pkcs8, LN_DENIED, "password"),
          .also = LN_BAD_ARG },
        { BAD("no password, PKCS#8 DER", CLIENT, no_password_der, LN_DENIED, "password"),
          .also = LN_BAD_ARG },
        { BAD("no password, legacy PEM", CLIENT, no_password_legacy, LN_DENIED, "password"),
          .also = LN_BAD_ARG },
        { BAD("an empty password", CLIENT, empty_password, LN_DENIED, "key"), .also = LN_BAD_ARG },
        { BAD("a chain of eleven", CLIENT, chain_too_long, LN_BAD_ARG, "chain") },
    };
    TRY_ALL(table);
}

/* Of 256 wrong passwords one leaves a padding that looks right: then it is the key behind it that does
 * not. */
/* scenario: S15, S26 */
static void test_no_wrong_password_is_lucky(void **state)
{
    (void)state;
    static const struct {
        enum pki_form form;
        unsigned tries; /* PKCS#8 makes each of them dear */
    } forms[] = { { PKI_LEGACY_ENCRYPTED_PEM, 2000 }, { PKI_PKCS8_ENCRYPTED_DER, 300 } };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_2, 0);
    for (size_t f = 0; f < rows.count * COUNT(forms); f++) {
        const struct tls_row *row = &rows.row[f / COUNT(forms)];
        struct tls_case c = tls_case(row, "many wrong passwords");
        struct ln_tls_options o = base_options(CLIENT, row);
        struct ln_tls_config *config = NULL;
        char password[32] = "";
        tls_pair_open_bare(&bench, &c);
        encrypted(&o, forms[f % COUNT(forms)].form, password);
        for (unsigned i = 0; i < forms[f % COUNT(forms)].tries; i++) {
            (void)snprintf(password, sizeof password, "wrong %u", i);
            bench.client_status = tls_pair_config(&bench, &bench.client_env, &o, row->client,
                                                  &bench.client_diag, &config);
            tls_want_status(&bench, LN_DENIED);
        }
        tls_pair_close(&bench);
    }
}

/* ---- PSK ---- */

static uint8_t long_bytes[300];

static void identity_empty(struct ln_tls_options *o)
{
    o->psk_identity = ln_span(NULL, 0);
}
static void identity_256(struct ln_tls_options *o)
{
    memset(long_bytes, 'a', sizeof long_bytes);
    o->psk_identity = ln_span(long_bytes, 256);
}
static void key_empty(struct ln_tls_options *o)
{
    o->psk_key = ln_span(NULL, 0);
}
static void key_257(struct ln_tls_options *o)
{
    memset(long_bytes, 'a', sizeof long_bytes);
    o->psk_key = ln_span(long_bytes, 257);
}
static void hash_sha512(struct ln_tls_options *o)
{
    o->psk_hash = LN_SHA512;
}
static void hash_unknown(struct ln_tls_options *o)
{
    o->psk_hash = (enum ln_hash)77;
}

/* scenario: S15, S23, S26 */
static void test_psk(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("no identity", PSK, identity_empty, LN_BAD_ARG, "psk_identity") },
        { BAD("an identity of 256 bytes", PSK, identity_256, LN_BAD_ARG, "psk_identity") },
        { BAD("no key", PSK, key_empty, LN_BAD_ARG, "psk_key") },
        { BAD("a key of 257 bytes", PSK, key_257, LN_BAD_ARG, "psk_key") },
        { BAD("SHA-512 for a key", PSK, hash_sha512, LN_BAD_ARG, "psk_hash"),
          .also = LN_UNSUPPORTED },
        { BAD("a hash that does not exist", PSK, hash_unknown, LN_BAD_ARG, "psk_hash"),
          .also = LN_UNSUPPORTED },
    };
    TRY_ALL(table);
}

/* ---- versions ---- */

static void versions(struct ln_tls_options *o, uint16_t min, uint16_t max)
{
    o->min_version = min;
    o->max_version = max;
}
static void min_above_max(struct ln_tls_options *o)
{
    versions(o, LN_TLS_1_3, LN_TLS_1_2);
}
static void tls_unknown(struct ln_tls_options *o)
{
    versions(o, 0x0305, 0x0305);
}
static void tls_ssl3(struct ln_tls_options *o)
{
    versions(o, 0x0300, LN_TLS_1_2);
}
static void tls_max_unknown(struct ln_tls_options *o)
{
    versions(o, LN_TLS_1_2, 0x0399);
}
static void tls_1_0(struct ln_tls_options *o)
{
    versions(o, LN_TLS_1_0, LN_TLS_1_2);
}
static void tls_1_1_only(struct ln_tls_options *o)
{
    versions(o, LN_TLS_1_1, LN_TLS_1_1);
}
static void tls_1_0_with_suites_of_1_2(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x00a8 };
    o->suites = ids;
    o->suite_count = 1;
    o->insecure_old_versions = true;
    versions(o, LN_TLS_1_0, LN_TLS_1_1);
}
static void dtls_1_0(struct ln_tls_options *o)
{
    versions(o, LN_DTLS_1_0, LN_DTLS_1_2);
}
static void dtls_1_3(struct ln_tls_options *o)
{
    versions(o, LN_DTLS_1_3, LN_DTLS_1_3);
}
static void dtls_max_1_3(struct ln_tls_options *o)
{
    versions(o, LN_DTLS_1_2, LN_DTLS_1_3);
}
static void dtls_min_above_max(struct ln_tls_options *o)
{
    o->insecure_old_versions = true;
    versions(o, LN_DTLS_1_2, LN_DTLS_1_0);
}

/* scenario: S22, S31, S26, PIT-09b */
static void test_versions(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("the lowest above the highest", PSK, min_above_max, LN_BAD_ARG, "version"),
          .tls_only = true },
        { BAD("a version from the future", PSK, tls_unknown, LN_UNSUPPORTED, "version"),
          .also = LN_BAD_ARG, .tls_only = true },
        { BAD("a highest version from the future", PSK, tls_max_unknown, LN_UNSUPPORTED, "version"),
          .also = LN_BAD_ARG, .tls_only = true },
        { BAD("SSL 3", PSK, tls_ssl3, LN_UNSUPPORTED, "version"), .also = LN_BAD_ARG,
          .tls_only = true },
        { BAD("TLS 1.0 without saying insecure", PSK, tls_1_0, LN_BAD_ARG, "insecure_old_versions"),
          .tls_only = true },
        { BAD("TLS 1.1 alone without saying insecure", PSK, tls_1_1_only, LN_BAD_ARG,
              "insecure_old_versions"),
          .tls_only = true },
        { BAD("old versions, and no suite of theirs", PSK, tls_1_0_with_suites_of_1_2,
              LN_UNSUPPORTED, "version"),
          .tls_only = true },
        { BAD("a DTLS version for TLS", PSK, dtls_max_1_3, LN_BAD_ARG, "version"),
          .also = LN_UNSUPPORTED, .tls_only = true },
        { BAD("a TLS version for DTLS", PSK, tls_1_1_only, LN_BAD_ARG, "version"),
          .also = LN_UNSUPPORTED, .dtls_only = true },
        { BAD("DTLS 1.0 without saying insecure", PSK, dtls_1_0, LN_BAD_ARG,
              "insecure_old_versions"),
          .dtls_only = true },
        { BAD("the lowest DTLS above the highest", PSK, dtls_min_above_max, LN_BAD_ARG, "version"),
          .dtls_only = true },
    };
    TRY_ALL(table);
}

/* scenario: S31, S26 */
static void test_dtls_1_3_needs_a_library_that_has_it(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("DTLS 1.3 alone", PSK, dtls_1_3, LN_UNSUPPORTED, "version") },
        { BAD("DTLS 1.3 as the highest", PSK, dtls_max_1_3, LN_UNSUPPORTED, "version") },
    };
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tls_capabilities caps;
        ln_tls_capabilities(rows.row[r].client, &caps);
        for (size_t i = 0; i < COUNT(table); i++) {
            if ((caps.caps & LN_TLS_CAP_DTLS_1_3) == 0)
                try_bad(&rows.row[r], &table[i]);
        }
    }
}

/* ---- suites, groups, signatures, ALPN ---- */

static void suites(struct ln_tls_options *o, const uint16_t *ids, size_t count)
{
    o->suites = ids;
    o->suite_count = count;
}
static void suite_unknown(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x1a1a };
    suites(o, ids, 1);
}
static void suite_unknown_among_known(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x00a8, 0xc0a8, 0x1a1a };
    suites(o, ids, 3);
}
static void suite_null(struct ln_tls_options *o)
{
    suites(o, NULL, 3);
}
static void suite_of_certificates(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0xc02b, 0xc0ae };
    suites(o, ids, 2);
}
static void suite_of_psk(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0xc0a8, 0x00a8 };
    suites(o, ids, 2);
}
static void suite_without_encryption(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x0000 };
    suites(o, ids, 1);
}
static void suite_of_tls_1_3_for_dtls(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x1301 };
    suites(o, ids, 1);
}
static void group_unknown(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x9999 };
    o->groups = ids;
    o->group_count = 1;
}
static void group_null(struct ln_tls_options *o)
{
    o->groups = NULL;
    o->group_count = 1;
}
static void signature_unknown(struct ln_tls_options *o)
{
    static const uint16_t ids[] = { 0x9999 };
    o->signatures = ids;
    o->signature_count = 1;
}
static void alpn(struct ln_tls_options *o, const char *const *names, size_t count)
{
    o->alpn = names;
    o->alpn_count = count;
}
static void alpn_too_long(struct ln_tls_options *o)
{
    static const char *const names[] = { "coap", "123456789012345678901234567890123" };
    alpn(o, names, 2);
}
static void alpn_empty(struct ln_tls_options *o)
{
    static const char *const names[] = { "" };
    alpn(o, names, 1);
}
static void alpn_null(struct ln_tls_options *o)
{
    static const char *const names[] = { "coap", NULL };
    alpn(o, names, 2);
}
static void alpn_nine(struct ln_tls_options *o)
{
    static const char *const names[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" };
    alpn(o, names, 9);
}

/* scenario: S25, S26, S2 */
static void test_what_is_offered(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a suite that does not exist", PSK, suite_unknown, LN_UNSUPPORTED, "suites") },
        { BAD("a suite that does not exist, certificates", CLIENT, suite_unknown, LN_UNSUPPORTED,
              "suites") },
        { BAD("a suite that does not exist, among others", PSK, suite_unknown_among_known,
              LN_UNSUPPORTED, "suites") },
        { BAD("no suites that count three", PSK, suite_null, LN_BAD_ARG, "suites") },
        { BAD("suites of certificates for a PSK", PSK, suite_of_certificates, LN_BAD_ARG, "suites"),
          .also = LN_UNSUPPORTED },
        { BAD("suites of PSKs for certificates", CLIENT, suite_of_psk, LN_BAD_ARG, "suites"),
          .also = LN_UNSUPPORTED },
        { BAD("TLS_NULL_WITH_NULL_NULL", CLIENT, suite_without_encryption, LN_UNSUPPORTED,
              "suites"),
          .also = LN_BAD_ARG },
        { BAD("suites of TLS 1.3 only, for DTLS 1.2", CLIENT, suite_of_tls_1_3_for_dtls, LN_BAD_ARG,
              "suites"),
          .also = LN_UNSUPPORTED, .dtls_only = true },
        { BAD("a group that does not exist", CLIENT, group_unknown, LN_UNSUPPORTED, "groups") },
        { BAD("no groups that count one", CLIENT, group_null, LN_BAD_ARG, "groups") },
        { BAD("a signature algorithm that does not exist", CLIENT, signature_unknown,
              LN_UNSUPPORTED, "signatures") },
        { BAD("a protocol name of 33 bytes", CLIENT, alpn_too_long, LN_BAD_ARG, "alpn") },
        { BAD("an empty protocol name", CLIENT, alpn_empty, LN_BAD_ARG, "alpn") },
        { BAD("a protocol name that is NULL", CLIENT, alpn_null, LN_BAD_ARG, "alpn") },
        { BAD("nine protocol names", CLIENT, alpn_nine, LN_BAD_ARG, "alpn") },
    };
    TRY_ALL(table);
}

/* ---- time and sizes ---- */

static void first_above_max(struct ln_tls_options *o)
{
    o->handshake_first_ms = 2000;
    o->handshake_max_ms = 1000;
}
static void first_above_default_max(struct ln_tls_options *o)
{
    o->handshake_first_ms = 60001;
}
static void first_too_large(struct ln_tls_options *o)
{
    o->handshake_first_ms = 4294001;
    o->handshake_max_ms = 4294001;
}
static void mtu_207(struct ln_tls_options *o)
{
    o->mtu = 207;
}
static void mtu_1(struct ln_tls_options *o)
{
    o->mtu = 1;
}
static void mtu_4001(struct ln_tls_options *o)
{
    o->mtu = 4001;
}

/* scenario: S24, S26 */
static void test_time_and_sizes(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("the first wait above the longest", PSK, first_above_max, LN_BAD_ARG, "handshake_") },
        { BAD("the first wait above the longest by default", PSK, first_above_default_max,
              LN_BAD_ARG, "handshake_") },
        { BAD("waits that the library cannot count", PSK, first_too_large, LN_BAD_ARG,
              "handshake_") },
        { BAD("an MTU of 1", PSK, mtu_1, LN_BAD_ARG, "mtu"), .dtls_only = true },
        { BAD("an MTU of 207", PSK, mtu_207, LN_BAD_ARG, "mtu"), .dtls_only = true },
        { BAD("an MTU of 4001", PSK, mtu_4001, LN_BAD_ARG, "mtu"), .dtls_only = true },
    };
    TRY_ALL(table);
}

/* ---- DANE ---- */

static struct ln_tlsa records[LN_TLSA_MAX + 1];

static void tlsa(struct ln_tls_options *o, uint8_t usage, uint8_t selector, uint8_t matching,
                 size_t len)
{
    memset(long_bytes, 0x5a, sizeof long_bytes);
    records[0] = (struct ln_tlsa) { usage, selector, matching, ln_span(long_bytes, len) };
    o->tlsa = records;
    o->tlsa_count = 1;
}
static void tlsa_sha256_short(struct ln_tls_options *o)
{
    tlsa(o, 3, 0, LN_TLSA_SHA256, 31);
}
static void tlsa_sha256_long(struct ln_tls_options *o)
{
    tlsa(o, 3, 1, LN_TLSA_SHA256, 33);
}
static void tlsa_sha384_short(struct ln_tls_options *o)
{
    tlsa(o, 3, 1, LN_TLSA_SHA384, 47);
}
static void tlsa_sha512_short(struct ln_tls_options *o)
{
    tlsa(o, 2, 1, LN_TLSA_SHA512, 48);
}
static void tlsa_empty(struct ln_tls_options *o)
{
    tlsa(o, 3, 0, LN_TLSA_EXACT, 0);
}
static void tlsa_no_certificate(struct ln_tls_options *o)
{
    tlsa(o, 2, 0, LN_TLSA_EXACT, 200);
}
static void tlsa_no_key(struct ln_tls_options *o)
{
    tlsa(o, 3, 1, LN_TLSA_EXACT, 91);
}
static void tlsa_33(struct ln_tls_options *o)
{
    tlsa(o, 3, 0, LN_TLSA_SHA256, 32);
    for (size_t i = 1; i <= LN_TLSA_MAX; i++)
        records[i] = records[0];
    o->tlsa_count = LN_TLSA_MAX + 1;
}
static void tlsa_null(struct ln_tls_options *o)
{
    o->tlsa = NULL;
    o->tlsa_count = 1;
}
static void tlsa_second_is_bad(struct ln_tls_options *o)
{
    tlsa(o, 3, 0, LN_TLSA_SHA256, 32);
    records[1] = records[0];
    records[1].data.len = 31;
    o->tlsa_count = 2;
}
static void tlsa_without_dane(struct ln_tls_options *o)
{
    tlsa(o, 3, 0, LN_TLSA_SHA256, 32);
    o->auth = LN_AUTH_CERTIFICATE;
}

/* PIT-33: records where DANE is off are an error, too. Numbers that nobody has defined are none: such
 * a record is kept and never usable (RFC 6698 4.1), see test_tls_dane.c. */
/* scenario: S34, S26, PIT-33 */
static void test_tlsa(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a SHA-256 of 31 bytes", DANE, tlsa_sha256_short, LN_BAD_ARG, "tlsa") },
        { BAD("a SHA-256 of 33 bytes", DANE, tlsa_sha256_long, LN_BAD_ARG, "tlsa") },
        { BAD("a SHA-384 of 47 bytes", DANE, tlsa_sha384_short, LN_BAD_ARG, "tlsa") },
        { BAD("a SHA-512 of 48 bytes", DANE, tlsa_sha512_short, LN_BAD_ARG, "tlsa") },
        { BAD("no data", DANE, tlsa_empty, LN_BAD_ARG, "tlsa") },
        { BAD("an exact certificate that is none", DANE, tlsa_no_certificate, LN_BAD_ARG, "tlsa") },
        { BAD("an exact key that is none", DANE, tlsa_no_key, LN_BAD_ARG, "tlsa") },
        { BAD("33 records", DANE, tlsa_33, LN_BAD_ARG, "tlsa") },
        { BAD("no records that count one", DANE, tlsa_null, LN_BAD_ARG, "tlsa") },
        { BAD("a bad record behind a good one", DANE, tlsa_second_is_bad, LN_BAD_ARG, "tlsa") },
        { BAD("records without DANE", DANE, tlsa_without_dane, LN_BAD_ARG, "tlsa") },
    };
    TRY_ALL(table);
}

/* ---- the rest ---- */

static void size_zero(struct ln_tls_options *o)
{
    o->size = 0;
}
static void auth_unknown(struct ln_tls_options *o)
{
    o->auth = (enum ln_tls_auth)42;
}
static void crl_policy_unknown(struct ln_tls_options *o)
{
    o->crl_policy = (enum ln_crl_policy)42;
}
static void client_auth_unknown(struct ln_tls_options *o)
{
    o->client_auth = (enum ln_client_auth)42;
}
static void close_policy_unknown(struct ln_tls_options *o)
{
    o->close_policy = (enum ln_close_policy)42;
}
static void sessions_incomplete(struct ln_tls_options *o)
{
    static const struct ln_session_store store = { NULL, NULL, NULL, NULL };
    o->sessions = &store;
}
static enum ln_status hook_fails(void *user, void *native)
{
    (void)user;
    return native != NULL ? LN_IO : LN_INTERNAL;
}
static void native_hook_fails(struct ln_tls_options *o)
{
    o->native_hook = hook_fails;
}

/* scenario: S26, S23, S28 */
static void test_the_rest(void **state)
{
    (void)state;
    static const struct bad table[] = {
        { BAD("a size of nothing", PSK, size_zero, LN_BAD_ARG, "options") },
        { BAD("an unknown kind of authentication", CLIENT, auth_unknown, LN_BAD_ARG, "auth"),
          .also = LN_UNSUPPORTED },
        { BAD("an unknown CRL policy", CLIENT, crl_policy_unknown, LN_BAD_ARG, "crl_policy") },
        { BAD("an unknown client_auth", SERVER, client_auth_unknown, LN_BAD_ARG, "client_auth") },
        { BAD("an unknown close policy", PSK, close_policy_unknown, LN_BAD_ARG, "close_policy") },
        { BAD("a session store without functions", PSK, sessions_incomplete, LN_BAD_ARG,
              "sessions") },
        { BAD("a native hook that fails", PSK, native_hook_fails, LN_IO, "native_hook") },
    };
    TRY_ALL(table);
}

/* ---- the call itself ---- */

/* scenario: S26, S19 */
static void test_the_call(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_PSK);
    const struct tls_row *row = &rows.row[0];
    struct tls_case c = tls_case_psk(row, "wrong calls");
    struct ln_diag diag;
    struct ln_tls_config *config = NULL;
    tls_pair_open_bare(&bench, &c);
    assert_int_equal(ln_tls_config_new(&bench.client_env, LN_UDP, &c.client, &diag, &config),
                     LN_BAD_ARG);
    assert_null(config);
    assert_int_equal(ln_tls_config_new(&bench.client_env, LN_TCP, &c.client, &diag, &config),
                     LN_BAD_ARG);
    assert_int_equal(ln_tls_config_new(&bench.client_env, LN_TLS, NULL, &diag, &config),
                     LN_BAD_ARG);
    assert_null(config);
    ln_diag_clear(&diag);
    assert_int_equal(ln_tls_config_new(&bench.client_env, LN_TLS, &c.client, &diag, &config),
                     LN_OK);
    struct ln_tls_config *before = config;
    assert_int_equal(ln_tls_config_new(&bench.client_env, LN_TLS, &c.client, &diag, &config),
                     LN_BAD_ARG);
    assert_ptr_equal(config, before);
    ln_tls_config_unref(config);
    tls_pair_close(&bench);
}

/* A socket takes a configuration of its own kind only. */
/* scenario: S14, S19 */
static void test_kinds_of_sockets(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_PSK);
    const struct tls_row *row = &rows.row[0];
    struct tls_case c = tls_case_psk(row, "kinds that do not fit");
    static const enum ln_sock_kind configured[] = { LN_TLS, LN_DTLS };
    static const enum ln_sock_kind wanted[] = { LN_UDP, LN_TCP, LN_DTLS, LN_TLS };
    tls_pair_open_bare(&bench, &c);
    for (size_t i = 0; i < 2; i++) {
        struct ln_tls_config *config = NULL;
        assert_int_equal(
            ln_tls_config_new(&bench.client_env, configured[i], &c.client, NULL, &config), LN_OK);
        for (size_t k = 0; k < 4; k++) {
            struct ln_sock *s = NULL;
            struct ln_diag diag;
            ln_diag_clear(&diag);
            enum ln_status st = ln_sock_new(&bench.client_env, wanted[k], NULL, config, &diag, &s);
            if (wanted[k] == configured[i]) {
                assert_int_equal(st, LN_OK);
            } else {
                assert_int_equal(st, LN_BAD_ARG);
                assert_null(s);
                assert_true(diag.text[0] != '\0');
            }
            ln_sock_free(s);
        }
        ln_tls_config_unref(config);
    }
    for (size_t k = 2; k < 4; k++) { /* secure sockets need one */
        struct ln_sock *s = NULL;
        assert_int_equal(ln_sock_new(&bench.client_env, wanted[k], NULL, NULL, NULL, &s),
                         LN_BAD_ARG);
        assert_null(s);
    }
    tls_pair_close(&bench);
}

/* The configuration owns copies: everything it was made from may go at once, the configuration may
 * go before its sockets, and a socket holds a reference of its own. */
/* scenario: S26, S16, PIT-09b */
static void test_everything_is_copied(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_pki gone;
        tls_pki_init(&gone);
        struct tls_case c = tls_case_cert(&rows.row[r], "what was borrowed is gone", &gone);
        struct ln_tlsa record = pki_tlsa(gone.pki, gone.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
        uint16_t suite[] = { 0xc02b, 0x1301 };
        char protocol[] = "coap";
        const char *names[] = { protocol };
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &record;
        c.client.tlsa_count = 1;
        c.client.suites = suite + (rows.row[r].version == LN_TLS_1_3 ? 1 : 0);
        c.client.suite_count = 1;
        c.client.alpn = names;
        c.client.alpn_count = 1;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        tls_pki_deinit(&gone);
        memset(&record, 0xff, sizeof record);
        memset(suite, 0xff, sizeof suite);
        memset(protocol, 'x', sizeof protocol - 1);
        names[0] = NULL;
        memset(&p.spec.client, 0xff, sizeof p.spec.client);
        ln_tls_config_unref(p.client_config);
        ln_tls_config_unref(p.server_config);
        p.client_config = NULL;
        p.server_config = NULL;
        tls_pair_must_connect(&p);
        tls_pair_finish(&p);
    }
}

/* ---- capabilities ---- */

/* scenario: S23 */
static void test_capabilities(void **state)
{
    (void)state;
    assert_non_null(ln_tls_builtin(0));
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++) {
        struct ln_tls_capabilities caps;
        memset(&caps, 0xa5, sizeof caps);
        ln_tls_capabilities(ln_tls_builtin(i), &caps);
        assert_string_equal(caps.backend, ln_tls_builtin(i)->name);
        assert_true(strlen(caps.version) > 0);
        assert_true((caps.caps & LN_TLS_CAP_PSK) != 0);
        assert_true((caps.caps & LN_TLS_CAP_CERTIFICATES) != 0);
        for (unsigned bit = 0; bit < 32; bit++) {
            if ((caps.caps >> bit & 1) != 0)
                assert_non_null(ln_tls_capability_word(1u << bit));
        }
    }
    assert_null(ln_tls_capability_word(1u << 31));
}

static struct {
    const struct ln_tls_backend *whole;
    unsigned missing;
} lesser;

static void lesser_capabilities(struct ln_tls_capabilities *out)
{
    lesser.whole->capabilities(out);
    out->caps &= ~lesser.missing;
}

/* Whatever a back end says that it lacks is refused for it: it never sees the setting. */
/* scenario: S23, S31 */
static void test_what_a_back_end_lacks_is_refused(void **state)
{
    (void)state;
    const struct ln_tls_backend *whole = NULL;
    for (size_t i = 0; (whole = tls_backend(i)) != NULL; i++) {
        struct ln_tls_backend less = *whole;
        less.capabilities = lesser_capabilities;
        lesser.whole = whole;
        for (unsigned cap = 1; cap <= LN_TLS_CAP_KEYLOG; cap <<= 1) {
            if ((tls_askable_needs() & cap) == 0)
                continue;
            uint16_t version = LN_TLS_1_2;
            if (cap == LN_TLS_CAP_TLS_1_3 || cap == LN_TLS_CAP_PSK_TLS_1_3)
                version = LN_TLS_1_3;
            if (cap == LN_TLS_CAP_DTLS_1_2)
                version = LN_DTLS_1_2;
            lesser.missing = cap;
            tls_must_refuse_need(&less, version, cap);
        }
    }
}

/* A back end that cannot serve says so when an address is bound. */
/* scenario: S23 */
static void test_a_back_end_without_servers(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_PSK);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "no server role");
        struct ln_tls_backend less = *rows.row[r].client;
        struct ln_tls_config *config = NULL;
        struct ln_sock *s = NULL;
        struct ln_addr local = { .family = LN_FAMILY_ANY, .port = TLS_PORT };
        less.capabilities = lesser_capabilities;
        lesser.whole = rows.row[r].client;
        lesser.missing = LN_TLS_CAP_SERVER;
        tls_pair_open_bare(&bench, &c);
        struct ln_diag *diag = &bench.client_diag;
        assert_int_equal(
            tls_pair_config(&bench, &bench.client_env, &c.server, &less, diag, &config), LN_OK);
        assert_int_equal(ln_sock_new(&bench.client_env, c.row.kind, NULL, config, diag, &s), LN_OK);
        assert_int_equal(ln_sock_bind(s, &local), LN_UNSUPPORTED);
        bench.client_diag = *ln_sock_diag(s);
        tls_want_category(&bench, diag, LN_CAT_CONFIGURATION);
        assert_non_null(strstr(diag->text, "bind"));
        ln_sock_free(s);
        ln_tls_config_unref(config);
        tls_pair_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bases_are_good),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_pkcs11_without_provider),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_no_wrong_password_is_lucky),
        cmocka_unit_test(test_psk),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_dtls_1_3_needs_a_library_that_has_it),
        cmocka_unit_test(test_what_is_offered),
        cmocka_unit_test(test_time_and_sizes),
        cmocka_unit_test(test_tlsa),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_the_call),
        cmocka_unit_test(test_kinds_of_sockets),
        cmocka_unit_test(test_everything_is_copied),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_what_a_back_end_lacks_is_refused),
        cmocka_unit_test(test_a_back_end_without_servers),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
