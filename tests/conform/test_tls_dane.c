/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_dane.c
 * TLSA records: usages x selectors x matching types, both tables of secure-sockets.md 2.7, and the
 * forgeries of PIT-20. Expectations: RFC 6698, RFC 7671 and section 9 of that page.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t matchings[] = { LN_TLSA_EXACT, LN_TLSA_SHA256, LN_TLSA_SHA384,
                                     LN_TLSA_SHA512 };

/* ---- helpers ---- */

enum trust { WITH_ROOT, WITHOUT_TRUST };

static struct tls_case dane_case(const struct tls_row *row, const char *what, enum ln_tls_auth auth,
                                 enum trust trust, const struct ln_tlsa *records, size_t count)
{
    struct tls_case c = tls_case_cert(row, what, &tls_world);
    c.client.auth = auth;
    c.client.tlsa = records;
    c.client.tlsa_count = count;
    if (trust == WITHOUT_TRUST)
        memset(&c.client.trust, 0, sizeof c.client.trust);
    return c;
}

static void expect(struct tls_case *c, enum ln_category want, const char *detail)
{
    struct tls_pair p;
    enum ln_status st = tls_pair_attempt(&p, c);
    if (want == LN_CAT_NONE && st != LN_OK)
        tls_fail(&p, "%s: refused", detail);
    if (want != LN_CAT_NONE && st == LN_OK)
        tls_fail(&p, "%s: accepted", detail);
    if (want == LN_CAT_NONE) {
        tls_pair_must_exchange(&p);
    } else {
        if (p.client_diag.category != want)
            tls_fail(&p, "%s: the category is not %s", detail, ln_category_word(want));
        tls_want_status(&p, LN_DENIED);
        if (p.client_diag.alert_from != LN_ALERT_SENT)
            tls_fail(&p, "%s: the server was not told", detail);
    }
    tls_pair_close(&p);
}

static const char *record_text(const struct ln_tlsa *record)
{
    static char text[64];
    (void)snprintf(text, sizeof text, "TLSA %u %u %u", record->usage, record->selector,
                   record->matching);
    return text;
}

static bool is_ta(uint8_t usage)
{
    return usage == LN_TLSA_PKIX_TA || usage == LN_TLSA_DANE_TA;
}

static bool needs_pkix(uint8_t usage)
{
    return usage == LN_TLSA_PKIX_TA || usage == LN_TLSA_PKIX_EE;
}

/* Calls `each` for all 4 x 2 x 4 records that `cert` fits. */
static void for_all_records(const struct tls_row *row, const struct pki_cert *ta,
                            const struct pki_cert *ee,
                            void (*each)(const struct tls_row *row, const struct ln_tlsa *record))
{
    for (uint8_t usage = 0; usage <= 3; usage++) {
        for (uint8_t selector = 0; selector <= 1; selector++) {
            for (size_t m = 0; m < sizeof matchings; m++) {
                struct ln_tlsa record =
                    pki_tlsa(tls_world.pki, is_ta(usage) ? ta : ee, usage, selector, matchings[m]);
                each(row, &record);
            }
        }
    }
}

/* ---- the matrix ---- */

static void match(const struct tls_row *row, const struct ln_tlsa *record)
{
    enum trust trust = needs_pkix(record->usage) ? WITH_ROOT : WITHOUT_TRUST;
    struct tls_case c = dane_case(row, "a record that matches", LN_AUTH_DANE, trust, record, 1);
    expect(&c, LN_CAT_NONE, record_text(record));
}

/* scenario: S34 */
static void test_match(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++)
        for_all_records(&rows.row[r], tls_world.ca, tls_world.server, match);
}

static void mismatch(const struct tls_row *row, const struct ln_tlsa *record)
{
    struct tls_case c =
        dane_case(row, "a record of somebody else", LN_AUTH_DANE, WITH_ROOT, record, 1);
    expect(&c, LN_CAT_DANE_MISMATCH, record_text(record));
}

/* scenario: S34 */
static void test_mismatch(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++)
        for_all_records(&rows.row[r], tls_world.stranger, tls_world.client, mismatch);
}

static void wrong_role(const struct tls_row *row, const struct ln_tlsa *record)
{
    struct tls_case c = dane_case(row, "a TA record of the leaf, an EE record of the CA",
                                  LN_AUTH_DANE, WITH_ROOT, record, 1);
    expect(&c, LN_CAT_DANE_MISMATCH, record_text(record));
}

/* scenario: S34 */
static void test_wrong_role(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++)
        for_all_records(&rows.row[r], tls_world.server, tls_world.ca, wrong_role);
}

/* The first byte of the data is turned: everything else fits. */
static void nearly(const struct tls_row *row, const struct ln_tlsa *record)
{
    if (record->matching == LN_TLSA_EXACT)
        return; /* that is no certificate any more, which the configuration refuses */
    struct ln_tlsa other = *record;
    struct ln_span flipped = pki_join(tls_world.pki, record->data, ln_span(NULL, 0));
    ((uint8_t *)(uintptr_t)flipped.data)[flipped.len - 1] ^= 1;
    other.data = flipped;
    struct tls_case c =
        dane_case(row, "one bit of the record differs", LN_AUTH_DANE, WITH_ROOT, &other, 1);
    expect(&c, LN_CAT_DANE_MISMATCH, record_text(record));
}

/* scenario: S34 */
static void test_one_bit(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++)
        for_all_records(&rows.row[r], tls_world.ca, tls_world.server, nearly);
}

/* ---- the path that a usage wants ---- */

static void without_trust(const struct tls_row *row, const struct ln_tlsa *record)
{
    if (!needs_pkix(record->usage))
        return;
    struct tls_case c = dane_case(row, "usage 0 and 1 want a trusted path too", LN_AUTH_DANE,
                                  WITHOUT_TRUST, record, 1);
    expect(&c, LN_CAT_UNTRUSTED, record_text(record));
}

static void with_foreign_trust(const struct tls_row *row, const struct ln_tlsa *record)
{
    struct tls_case c = dane_case(row, "trust in somebody else does not matter to usage 2 and 3",
                                  LN_AUTH_DANE, WITH_ROOT, record, 1);
    c.client.trust = pki_trust_one(tls_world.pki, tls_world.stranger);
    expect(&c, needs_pkix(record->usage) ? LN_CAT_UNTRUSTED : LN_CAT_NONE, record_text(record));
}

/* scenario: S34 */
static void test_the_trusted_path(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for_all_records(&rows.row[r], tls_world.ca, tls_world.server, without_trust);
        for_all_records(&rows.row[r], tls_world.ca, tls_world.server, with_foreign_trust);
    }
}

/* PKIX-TA may name the root, which the server does not send: it is in the verified path. */
/* DANE-TA: an exact certificate is an anchor by itself, a digest must find one that was sent. */
/* scenario: S34 */
static void test_an_anchor_that_is_not_sent(void **state)
{
    (void)state;
    const struct {
        uint8_t usage;
        uint8_t matching;
        enum trust trust;
        enum ln_category want;
    } table[] = {
        { LN_TLSA_PKIX_TA, LN_TLSA_SHA256, WITH_ROOT, LN_CAT_NONE },
        { LN_TLSA_PKIX_TA, LN_TLSA_EXACT, WITH_ROOT, LN_CAT_NONE },
        { LN_TLSA_DANE_TA, LN_TLSA_EXACT, WITHOUT_TRUST, LN_CAT_NONE },
        { LN_TLSA_DANE_TA, LN_TLSA_SHA256, WITHOUT_TRUST, LN_CAT_DANE_MISMATCH },
        { LN_TLSA_DANE_TA, LN_TLSA_SHA512, WITHOUT_TRUST, LN_CAT_DANE_MISMATCH },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct ln_tlsa record =
                pki_tlsa(tls_world.pki, tls_world.root, table[i].usage, 0, table[i].matching);
            struct tls_case c = dane_case(&rows.row[r], "the root, which is not sent", LN_AUTH_DANE,
                                          table[i].trust, &record, 1);
            expect(&c, table[i].want, record_text(&record));
        }
        /* sent, the digest finds it */
        struct ln_tlsa record =
            pki_tlsa(tls_world.pki, tls_world.root, LN_TLSA_DANE_TA, 0, LN_TLSA_SHA256);
        struct tls_case c =
            dane_case(&rows.row[r], "the root, sent", LN_AUTH_DANE, WITHOUT_TRUST, &record, 1);
        tls_present(&c.server, tls_world.pki,
                    PKI_LIST(tls_world.server, tls_world.ca, tls_world.root));
        expect(&c, LN_CAT_NONE, "sent");
    }
}

/* ---- many records ---- */

/* scenario: S16, S34 */
static void test_only_the_last_of_ten_matches(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t count = 10; count <= LN_TLSA_MAX; count += LN_TLSA_MAX - 10) {
            struct ln_tlsa records[LN_TLSA_MAX];
            for (size_t i = 0; i < count; i++) {
                uint8_t usage = (uint8_t)(i % 4);
                records[i] =
                    pki_tlsa(tls_world.pki, is_ta(usage) ? tls_world.stranger : tls_world.client,
                             usage, (uint8_t)(i / 4 % 2), matchings[i % 4]);
            }
            struct tls_case c = dane_case(&rows.row[r], "many records, none matches", LN_AUTH_DANE,
                                          WITH_ROOT, records, count);
            expect(&c, LN_CAT_DANE_MISMATCH, "none");
            records[count - 1] =
                pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
            c = dane_case(&rows.row[r], "many records, the last matches", LN_AUTH_DANE,
                          WITHOUT_TRUST, records, count);
            expect(&c, LN_CAT_NONE, "the last");
        }
    }
}

/* scenario: S34 */
static void test_no_records_at_all(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = dane_case(&rows.row[r], "no records: as with certificates",
                                      LN_AUTH_DANE, WITH_ROOT, NULL, 0);
        expect(&c, LN_CAT_NONE, "trusted");
        c = dane_case(&rows.row[r], "no records and no trust: nobody", LN_AUTH_DANE, WITHOUT_TRUST,
                      NULL, 0);
        expect(&c, LN_CAT_UNTRUSTED, "nobody is trusted");
        c = dane_case(&rows.row[r], "no records: the name counts", LN_AUTH_DANE, WITH_ROOT, NULL,
                      0);
        c.server_name = "elsewhere.example";
        expect(&c, LN_CAT_WRONG_NAME, "wrong name");
    }
}

/* Records that nobody can use do not authenticate anybody (RFC 6698 4.1; second table of 2.7), and
 * that is known before anything is sent. */
/* scenario: S34, PIT-09 */
static void test_no_usable_record(void **state)
{
    (void)state;
    struct ln_tlsa fits =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 0, LN_TLSA_SHA256);
    struct ln_tlsa unknown[3] = { fits, fits, fits };
    unknown[0].usage = 4;
    unknown[1].selector = 2;
    unknown[2].matching = 3;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < 4; i++) {
            struct tls_case c = dane_case(&rows.row[r], "no record is usable", LN_AUTH_DANE,
                                          WITH_ROOT, i < 3 ? &unknown[i] : unknown, i < 3 ? 1 : 3);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            if (tls_pair_connect(&p) == LN_OK)
                tls_fail(&p, "record %zu: accepted", i);
            if (p.client_diag.category != LN_CAT_CONFIGURATION)
                tls_want_category(&p, &p.client_diag, LN_CAT_DANE_MISMATCH);
            if (p.client_tap.len != 0)
                tls_fail(&p, "a ClientHello was sent");
            tls_pair_close(&p);
        }
        struct ln_tlsa mixed[2] = { unknown[0], fits };
        struct tls_case c =
            dane_case(&rows.row[r], "one record is usable", LN_AUTH_DANE, WITHOUT_TRUST, mixed, 2);
        expect(&c, LN_CAT_NONE, "one of two");
    }
}

/* ---- opportunistic ---- */

struct opportunity {
    const char *sentence;
    struct ln_tlsa record[2];
    size_t count;
    enum ln_category want;
};

/* The second table of 2.7, lower half. */
/* scenario: S34 */
static void test_opportunistic(void **state)
{
    (void)state;
    struct pki *pki = tls_world.pki;
    struct ln_tlsa ee = pki_tlsa(pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa ta = pki_tlsa(pki, tls_world.ca, LN_TLSA_DANE_TA, 0, LN_TLSA_SHA256);
    struct ln_tlsa bad_ee = pki_tlsa(pki, tls_world.client, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa bad_ta = pki_tlsa(pki, tls_world.stranger, LN_TLSA_DANE_TA, 0, LN_TLSA_SHA256);
    struct ln_tlsa pkix_ee = pki_tlsa(pki, tls_world.client, LN_TLSA_PKIX_EE, 0, LN_TLSA_SHA256);
    struct ln_tlsa pkix_ta = pki_tlsa(pki, tls_world.stranger, LN_TLSA_PKIX_TA, 0, LN_TLSA_SHA256);
    const struct opportunity table[] = {
        { "usage 3 matches", { ee }, 1, LN_CAT_NONE },
        { "usage 2 matches", { ta }, 1, LN_CAT_NONE },
        { "usage 3 is enforced", { bad_ee }, 1, LN_CAT_DANE_MISMATCH },
        { "usage 2 is enforced", { bad_ta }, 1, LN_CAT_DANE_MISMATCH },
        { "only usage 1: not usable, nobody is authenticated", { pkix_ee }, 1, LN_CAT_NONE },
        { "only usage 0 and 1: the same", { pkix_ee, pkix_ta }, 2, LN_CAT_NONE },
        { "usage 1 beside a usage 3 that does not match",
          { pkix_ee, bad_ee },
          2,
          LN_CAT_DANE_MISMATCH },
        { "usage 0 beside a usage 3 that matches", { pkix_ta, ee }, 2, LN_CAT_NONE },
        { "no records: nobody is authenticated", { { 0 } }, 0, LN_CAT_NONE },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = dane_case(
                &rows.row[r], table[i].sentence, LN_AUTH_DANE_OPPORTUNISTIC, WITHOUT_TRUST,
                table[i].count > 0 ? table[i].record : NULL, table[i].count);
            expect(&c, table[i].want, "opportunistic");
        }
    }
}

/* ---- names and dates ---- */

struct blemish {
    const char *sentence;
    const char *server_name;
    const struct pki_cert *leaf;
    enum ln_category pkix; /* what usage 0, 1, 2 and a strict usage 3 say */
};

static size_t blemishes(struct blemish out[4])
{
    struct pki_spec spec = { .name = "expired", .issuer = tls_world.ca, .san = "DNS:" TLS_HOST };
    spec.not_before = PKI_NOW - 2 * PKI_DAY;
    spec.not_after = PKI_NOW - PKI_DAY;
    out[0] = (struct blemish) { "expired", NULL, pki_make(tls_world.pki, &spec), LN_CAT_EXPIRED };
    spec.name = "not yet";
    spec.not_before = PKI_NOW + PKI_DAY;
    spec.not_after = 0;
    out[1] = (struct blemish) { "not valid yet", NULL, pki_make(tls_world.pki, &spec),
                                LN_CAT_NOT_YET_VALID };
    out[2] =
        (struct blemish) { "wrong name", "elsewhere.example", tls_world.server, LN_CAT_WRONG_NAME };
    out[3] =
        (struct blemish) { "wrong address", "192.0.2.77", tls_world.server, LN_CAT_WRONG_NAME };
    return 4;
}

/* RFC 7671 5.1: for usage 3 the record is all there is. Section 9: strict as an option. */
/* scenario: S34, PIT-20 */
static void test_names_and_dates(void **state)
{
    (void)state;
    struct blemish list[4];
    size_t count = blemishes(list);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < count; i++) {
            for (uint8_t usage = 0; usage <= 3; usage++) {
                struct ln_tlsa record =
                    pki_tlsa(tls_world.pki, is_ta(usage) ? tls_world.ca : list[i].leaf, usage, 1,
                             LN_TLSA_SHA256);
                struct tls_case c =
                    dane_case(&rows.row[r], list[i].sentence, LN_AUTH_DANE, WITH_ROOT, &record, 1);
                tls_present(&c.server, tls_world.pki, PKI_LIST(list[i].leaf, tls_world.ca));
                c.server_name = list[i].server_name;
                enum ln_category want = list[i].pkix;
                if (usage == LN_TLSA_DANE_EE) {
                    c.client.dane_ee_strict = true;
                    expect(&c, want, "strict");
                    c.client.dane_ee_strict = false;
                    want = LN_CAT_NONE;
                }
                expect(&c, want, record_text(&record));
            }
        }
    }
}

/* scenario: S34 */
static void test_usage_3_accepts_any_kind_of_leaf(void **state)
{
    (void)state;
    struct pki_spec spec = { .name = "alone" };
    const struct pki_cert *alone = pki_make(tls_world.pki, &spec);
    spec = (struct pki_spec) { .name = "orphan", .issuer = tls_world.ca };
    const struct pki_cert *orphan = pki_make(tls_world.pki, &spec);
    const struct pki_cert *const leaves[] = { alone, orphan };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < 2; i++) {
            struct ln_tlsa record =
                pki_tlsa(tls_world.pki, leaves[i], LN_TLSA_DANE_EE, 0, LN_TLSA_SHA384);
            struct tls_case c = dane_case(&rows.row[r], "a leaf alone, without names", LN_AUTH_DANE,
                                          WITHOUT_TRUST, &record, 1);
            tls_present(&c.server, tls_world.pki, PKI_LIST(leaves[i]));
            expect(&c, LN_CAT_NONE, pki_cert_name(leaves[i]));
        }
    }
}

/* ---- forgeries, PIT-20 ---- */

struct forgery {
    const char *sentence;
    const struct pki_cert *chain[4];
    enum ln_category want;
    enum ln_category also;
};

/* A record of usage 2 names the genuine CA. The attacker can send its certificate, for it is public,
 * behind a leaf of his own; only a chain of signatures that verifies may count (TLS-62). */
/* scenario: S34, T9, PIT-20 */
static void test_forged_leaf_with_the_genuine_anchor(void **state)
{
    (void)state;
    struct pki *pki = tls_world.pki;
    struct pki_spec spec = { .name = "evil CA", .ca = true };
    const struct pki_cert *evil = pki_make(pki, &spec);
    spec = (struct pki_spec) {
        .name = "forged", .issuer = tls_world.ca, .san = "DNS:" TLS_HOST, .forged = true
    };
    const struct pki_cert *forged = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = "unrelated", .issuer = evil, .san = "DNS:" TLS_HOST };
    const struct pki_cert *unrelated = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = "self-made", .san = "DNS:" TLS_HOST };
    const struct pki_cert *self_made = pki_make(pki, &spec);
    /* a CA of the same name as the genuine one, with another key */
    spec = (struct pki_spec) { .name = "Linnet test CA", .ca = true };
    const struct pki_cert *namesake = pki_make(pki, &spec);
    spec =
        (struct pki_spec) { .name = "by the namesake", .issuer = namesake, .san = "DNS:" TLS_HOST };
    const struct pki_cert *by_namesake = pki_make(pki, &spec);
    const struct forgery table[] = {
        { "a forged leaf names the anchor, which is sent too",
          { forged, tls_world.ca },
          LN_CAT_UNTRUSTED,
          LN_CAT_DANE_MISMATCH },
        { "... and the root",
          { forged, tls_world.ca, tls_world.root },
          LN_CAT_UNTRUSTED,
          LN_CAT_DANE_MISMATCH },
        { "a leaf of another CA, the anchor appended",
          { unrelated, tls_world.ca },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
        { "... behind that CA",
          { unrelated, evil, tls_world.ca },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
        { "a self-signed leaf, the anchor appended",
          { self_made, tls_world.ca },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
        { "a leaf of a CA of the same name, both sent",
          { by_namesake, namesake, tls_world.ca },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
        { "... the genuine one first",
          { by_namesake, tls_world.ca, namesake },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
        { "a leaf of a CA of the same name, only the genuine one sent",
          { by_namesake, tls_world.ca },
          LN_CAT_DANE_MISMATCH,
          LN_CAT_UNTRUSTED },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            for (size_t m = 0; m < sizeof matchings; m++) {
                for (uint8_t selector = 0; selector <= 1; selector++) {
                    struct ln_tlsa record =
                        pki_tlsa(pki, tls_world.ca, LN_TLSA_DANE_TA, selector, matchings[m]);
                    struct tls_case c = dane_case(&rows.row[r], table[i].sentence, LN_AUTH_DANE,
                                                  WITHOUT_TRUST, &record, 1);
                    tls_present(&c.server, pki, table[i].chain);
                    struct tls_pair p;
                    tls_pair_open(&p, &c);
                    if (tls_pair_connect(&p) == LN_OK)
                        tls_fail(&p, "accepted: %s", record_text(&record));
                    if (p.client_diag.category != table[i].also &&
                        p.client_diag.category != LN_CAT_CHAIN_INCOMPLETE)
                        tls_want_category(&p, &p.client_diag, table[i].want);
                    tls_pair_close(&p);
                }
            }
        }
    }
}

/* One fault each below the genuine anchor: that the record matches excuses none of them. */
/* scenario: S34, T9, PIT-20 */
static void test_faults_below_the_anchor(void **state)
{
    (void)state;
    const struct {
        const char *sentence;
        struct pki_spec leaf;
        const char *server_name;
        enum ln_category want;
        enum ln_verify verify;
    } table[] = {
        { "no fault", { .san = "DNS:" TLS_HOST }, NULL, LN_CAT_NONE, LN_VERIFY_OK },
        { "expired",
          { .san = "DNS:" TLS_HOST,
            .not_before = PKI_NOW - 2 * PKI_DAY,
            .not_after = PKI_NOW - PKI_DAY },
          NULL,
          LN_CAT_EXPIRED,
          LN_VERIFY_EXPIRED },
        { "not valid yet",
          { .san = "DNS:" TLS_HOST, .not_before = PKI_NOW + PKI_DAY },
          NULL,
          LN_CAT_NOT_YET_VALID,
          LN_VERIFY_NOT_YET_VALID },
        { "another name",
          { .san = "DNS:" TLS_HOST },
          "elsewhere.example",
          LN_CAT_WRONG_NAME,
          LN_VERIFY_WRONG_NAME },
        { "a name in the subject only",
          { .name = TLS_HOST },
          NULL,
          LN_CAT_WRONG_NAME,
          LN_VERIFY_WRONG_NAME },
        { "a certificate for clients", /* a server of Mbed TLS would not show it */
          { .san = "DNS:" TLS_HOST, .eku = "clientAuth" },
          NULL,
          LN_CAT_UNTRUSTED,
          LN_VERIFY_BAD_USAGE },
        { "forged and expired",
          { .san = "DNS:" TLS_HOST,
            .forged = true,
            .not_before = PKI_NOW - 2 * PKI_DAY,
            .not_after = PKI_NOW - PKI_DAY },
          NULL,
          LN_CAT_UNTRUSTED,
          LN_VERIFY_BAD_SIGNATURE },
    };
    struct pki *pki = tls_world.pki;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct pki_spec spec = table[i].leaf;
            spec.issuer = tls_world.ca;
            const struct pki_cert *leaf = pki_make(pki, &spec);
            for (size_t m = 0; m < sizeof matchings; m++) {
                struct ln_tlsa record =
                    pki_tlsa(pki, tls_world.ca, LN_TLSA_DANE_TA, (uint8_t)(m % 2), matchings[m]);
                struct tls_case c = dane_case(&rows.row[r], table[i].sentence, LN_AUTH_DANE,
                                              WITHOUT_TRUST, &record, 1);
                const struct pki_cert *chain[] = { leaf, tls_world.ca, NULL };
                struct raw_server raw = { .pki = pki, .chain = chain };
                c.raw = &raw;
                c.server_name = table[i].server_name;
                struct tls_pair p;
                enum ln_status st = tls_pair_attempt(&p, &c);
                if (table[i].want == LN_CAT_NONE) {
                    tls_want_status(&p, LN_OK);
                } else {
                    assert_int_equal(st, LN_DENIED);
                    tls_want_category(&p, &p.client_diag, table[i].want);
                    assert_int_equal(p.client_diag.verify, table[i].verify);
                }
                tls_pair_close(&p);
            }
        }
    }
}

/* The same against usage 0 and 1, whose store holds the genuine root. */
/* scenario: S34, T9, PIT-20 */
static void test_forged_leaf_and_pkix_usages(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = "forged", .issuer = tls_world.ca, .san = "DNS:" TLS_HOST, .forged = true
    };
    const struct pki_cert *forged = pki_make(tls_world.pki, &spec);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (uint8_t usage = 0; usage <= 1; usage++) {
            struct ln_tlsa record = pki_tlsa(tls_world.pki, is_ta(usage) ? tls_world.ca : forged,
                                             usage, 0, LN_TLSA_SHA256);
            struct tls_case c = dane_case(&rows.row[r], "a forged leaf that matches", LN_AUTH_DANE,
                                          WITH_ROOT, &record, 1);
            tls_present(&c.server, tls_world.pki, PKI_LIST(forged, tls_world.ca));
            expect(&c, LN_CAT_UNTRUSTED, record_text(&record));
        }
    }
}

/* ---- records of one socket ---- */

/* scenario: S34, S16, PIT-33 */
static void test_records_of_a_socket(void **state)
{
    (void)state;
    struct ln_tlsa good =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa bad =
        pki_tlsa(tls_world.pki, tls_world.client, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa broken = good;
    broken.data.len = 31;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = dane_case(&rows.row[r], "records set on the socket", LN_AUTH_DANE,
                                      WITHOUT_TRUST, &bad, 1);
        struct tls_pair p;
        assert_int_not_equal(tls_pair_attempt(&p, &c), LN_OK);
        tls_want_category(&p, &p.client_diag, LN_CAT_DANE_MISMATCH);
        assert_int_equal(ln_sock_set_tlsa(p.client, &good, 1), LN_BAD_STATE); /* FAILED */
        tls_pair_hang_up(&p);

        struct ln_tlsa copy = good; /* copied at once: what is lent may change */
        assert_int_equal(ln_sock_set_tlsa(p.client, &copy, 1), LN_OK);
        memset(&copy, 0xff, sizeof copy);
        assert_int_equal(ln_sock_set_tlsa(p.client, &broken, 1), LN_BAD_ARG); /* unchanged */
        tls_pair_must_connect(&p);
        assert_int_equal(ln_sock_set_tlsa(p.client, &bad, 1), LN_BAD_STATE); /* OPEN */
        tls_pair_hang_up(&p);
        tls_pair_must_connect(&p); /* settings survive close */
        tls_pair_hang_up(&p);

        assert_int_equal(ln_sock_set_tlsa(p.client, NULL, 0), LN_OK); /* back */
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        tls_want_category(&p, &p.client_diag, LN_CAT_DANE_MISMATCH);
        tls_pair_close(&p);
    }
}

/* scenario: S34, PIT-33 */
static void test_records_where_there_is_no_dane(void **state)
{
    (void)state;
    struct ln_tlsa good =
        pki_tlsa(tls_world.pki, tls_world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "no DANE in the configuration", &tls_world);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_int_equal(ln_sock_set_tlsa(p.client, &good, 1), LN_BAD_STATE);
        tls_pair_must_connect(&p);
        tls_pair_close(&p);
        struct ln_sock *udp = NULL;
        tls_pair_open_bare(&p, &c);
        assert_int_equal(ln_sock_new(&p.client_env, LN_UDP, NULL, NULL, NULL, &udp), LN_OK);
        assert_int_equal(ln_sock_set_tlsa(udp, &good, 1), LN_BAD_STATE);
        assert_int_equal(ln_sock_set_server_name(udp, "a.example"), LN_BAD_STATE);
        ln_sock_free(udp);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_wrong_role),
        cmocka_unit_test(test_one_bit),
        cmocka_unit_test(test_the_trusted_path),
        cmocka_unit_test(test_an_anchor_that_is_not_sent),
        cmocka_unit_test(test_only_the_last_of_ten_matches),
        cmocka_unit_test(test_no_records_at_all),
        cmocka_unit_test(test_no_usable_record),
        cmocka_unit_test(test_opportunistic),
        cmocka_unit_test(test_names_and_dates),
        cmocka_unit_test(test_usage_3_accepts_any_kind_of_leaf),
        cmocka_unit_test(test_forged_leaf_with_the_genuine_anchor),
        cmocka_unit_test(test_faults_below_the_anchor),
        cmocka_unit_test(test_forged_leaf_and_pkix_usages),
        cmocka_unit_test(test_records_of_a_socket),
        cmocka_unit_test(test_records_where_there_is_no_dane),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
