/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_matrix.c
 * One verdict for one certificate, whatever the library: every combination of how the peer is trusted,
 * how long its chain is, which names it has, by which it is called, whose dates are wrong, and which
 * keys sign (field lesson 9). Each 83rd combination in quick form, all 3375 with LN_TEST_FULL=1.
 *
 * The verdict is computed from the rules of secure-sockets.md 2.6 and 2.7 alone: usage 3 asks for the
 * record and nothing else; else the path is judged first, then the name.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- what varies ---- */

enum usage { PKIX_TA, PKIX_EE, DANE_TA, DANE_EE, NO_RECORD, USAGES };
enum san { SAN_NAME, SAN_WILDCARD, SAN_ADDRESS, SAN_MANY, SAN_NONE, SANS };
enum called { BY_HOST, BY_ADDRESS, BY_SERVER_NAME, CALLS };
enum dates { ALL_VALID, LEAF_EXPIRED, LEAF_NOT_YET, ISSUER_EXPIRED, ROOT_EXPIRED, DATES };
enum { DEPTHS = 3, KEYS = 3 };

#define NAME "device.wild.example"

static const enum pki_key_type key_types[KEYS] = { PKI_P256, PKI_P384, PKI_RSA_2048 };
static const char *const usage_words[USAGES] = { "PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE",
                                                 "no record" };
static const char *const sans[SANS] = {
    "DNS:" NAME,
    "DNS:*.wild.example",
    "IP:" TLS_SERVER_IP,
    "DNS:other.example,DNS:" NAME ",IP:" TLS_SERVER_IP,
    NULL,
};
static const char *const called_words[CALLS] = { "host", "address", "server name" };
static const char *const dates_words[DATES] = { "all valid", "leaf expired", "leaf not yet valid",
                                                "issuer expired", "root expired" };

struct combination {
    enum usage usage;
    int depth; /* certificates above the leaf: 1 to DEPTHS */
    enum san san;
    enum called called;
    enum dates dates;
    size_t key;
};

#define COMBINATIONS \
    ((unsigned)USAGES * DEPTHS * (unsigned)SANS * (unsigned)CALLS * (unsigned)DATES * KEYS)

static struct combination combination(unsigned number)
{
    struct combination c;
    c.usage = (enum usage)(number % USAGES);
    number /= USAGES;
    c.depth = (int)(number % DEPTHS) + 1;
    number /= DEPTHS;
    c.san = (enum san)(number % SANS);
    number /= SANS;
    c.called = (enum called)(number % CALLS);
    number /= CALLS;
    c.dates = (enum dates)(number % DATES);
    number /= DATES;
    c.key = number % KEYS;
    return c;
}

/* ---- the verdict ---- */

struct verdict {
    enum ln_category category;
    enum ln_verify verify;
    int depth;
};

static bool name_fits(const struct combination *c)
{
    bool address = c->called == BY_ADDRESS;
    switch (c->san) {
    case SAN_NAME:
    case SAN_WILDCARD:
        return !address;
    case SAN_ADDRESS:
        return address;
    case SAN_MANY:
        return true;
    case SAN_NONE:
    case SANS:
        break;
    }
    return false;
}

/* Certificates of the path above the leaf: with DANE-TA it ends at the one that the record names, the
 * leaf's issuer. */
static int path_depth(const struct combination *c)
{
    return c->usage == DANE_TA ? 1 : c->depth;
}

static struct verdict verdict_of(const struct combination *c)
{
    static const struct verdict good = { LN_CAT_NONE, LN_VERIFY_OK, -1 };
    if (c->usage == DANE_EE)
        return good;
    if (c->dates == LEAF_EXPIRED)
        return (struct verdict) { LN_CAT_EXPIRED, LN_VERIFY_EXPIRED, 0 };
    if (c->dates == LEAF_NOT_YET)
        return (struct verdict) { LN_CAT_NOT_YET_VALID, LN_VERIFY_NOT_YET_VALID, 0 };
    if (c->dates == ISSUER_EXPIRED)
        return (struct verdict) { LN_CAT_EXPIRED, LN_VERIFY_EXPIRED, 1 };
    if (c->dates == ROOT_EXPIRED && path_depth(c) == c->depth)
        return (struct verdict) { LN_CAT_EXPIRED, LN_VERIFY_EXPIRED, c->depth };
    if (!name_fits(c))
        return (struct verdict) { LN_CAT_WRONG_NAME, LN_VERIFY_WRONG_NAME, 0 };
    return good;
}

/* ---- certificates ---- */

/* The keys of a family are made once; what varies are renewals with the same keys. */
static struct family {
    struct pki *pki;
    const struct pki_cert *root, *upper, *lower, *leaf;
} families[KEYS];

static const struct pki_cert *member(const struct family *f, const char *name,
                                     enum pki_key_type key, bool ca)
{
    return pki_make(f->pki, &(struct pki_spec) { .name = name, .key = key, .ca = ca });
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        struct family *f = &families[i];
        f->pki = pki_new();
        f->root = member(f, "a root", key_types[i], true);
        f->upper = member(f, "an upper CA", key_types[i], true);
        f->lower = member(f, "a lower CA", key_types[i], true);
        f->leaf = member(f, NAME, key_types[i], false); /* the CN is never a name */
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        pki_free(families[i].pki);
    return 0;
}

static void date(struct pki_spec *spec, bool expired, bool not_yet)
{
    if (expired) {
        spec->not_before = PKI_NOW - 2 * PKI_DAY;
        spec->not_after = PKI_NOW - PKI_DAY;
    }
    if (not_yet)
        spec->not_before = PKI_NOW + PKI_DAY;
}

/* path[0] is the leaf, path[depth] the root. */
static void make_path(const struct combination *c, const struct pki_cert *path[4])
{
    const struct family *f = &families[c->key];
    const struct pki_cert *issuers[3] = { f->lower, f->upper, f->root };
    for (int i = c->depth; i >= 1; i--) {
        struct pki_spec spec = { .twin = i == c->depth ? f->root : issuers[i - 1], .ca = true };
        spec.issuer = i == c->depth ? NULL : path[i + 1];
        date(&spec,
             (i == c->depth && c->dates == ROOT_EXPIRED) || (i == 1 && c->dates == ISSUER_EXPIRED),
             false);
        path[i] = pki_make(f->pki, &spec);
    }
    struct pki_spec leaf = { .twin = f->leaf, .issuer = path[1], .san = sans[c->san] };
    if (key_types[c->key] == PKI_RSA_2048)
        leaf.usage = "critical,digitalSignature,keyEncipherment";
    date(&leaf, c->dates == LEAF_EXPIRED, c->dates == LEAF_NOT_YET);
    path[0] = pki_make(f->pki, &leaf);
}

/* ---- one combination ---- */

static void present(const struct combination *c, const struct pki_cert *const path[4],
                    struct tls_case *spec, struct ln_tlsa *record)
{
    struct pki *pki = families[c->key].pki;
    const struct pki_cert *chain[5] = { NULL };
    for (int i = 0; i <= c->depth; i++) /* the root too: it may be what a record names */
        chain[i] = path[i];
    tls_present(&spec->server, pki, chain);
    if (c->usage != DANE_TA && c->usage != DANE_EE)
        spec->client.trust = pki_trust_one(pki, path[c->depth]);
    if (c->usage == NO_RECORD)
        return;
    bool issuer = c->usage == PKIX_TA || c->usage == DANE_TA;
    *record = pki_tlsa(pki, path[issuer ? 1 : 0], (uint8_t)c->usage, 0, LN_TLSA_SHA256);
    spec->client.auth = LN_AUTH_DANE;
    spec->client.tlsa = record;
    spec->client.tlsa_count = 1;
}

static void judge(struct tls_pair *p, const struct verdict *want)
{
    if (want->category == LN_CAT_NONE) {
        tls_want_status(p, LN_OK);
        return;
    }
    tls_want_status(p, LN_DENIED);
    tls_want_category(p, &p->client_diag, want->category);
    if (p->client_diag.verify != want->verify)
        tls_fail(p, "verify is %d, not %d", (int)p->client_diag.verify, (int)want->verify);
    if (p->client_diag.verify_depth != want->depth)
        tls_fail(p, "the depth is %d, not %d", p->client_diag.verify_depth, want->depth);
}

static void run(const struct tls_row *row, unsigned number)
{
    struct combination c = combination(number);
    if (c.dates == ISSUER_EXPIRED && c.depth == 1)
        return; /* that is ROOT_EXPIRED */
    char what[160];
    const struct pki_cert *path[4] = { NULL };
    struct ln_tlsa record;
    (void)snprintf(what, sizeof what, "%u: %s, depth %d, names %s, by its %s, %s, %s", number,
                   usage_words[c.usage], c.depth, sans[c.san] != NULL ? sans[c.san] : "none",
                   called_words[c.called], dates_words[c.dates], pki_key_name(key_types[c.key]));
    struct tls_case spec = tls_case(row, what);
    make_path(&c, path);
    present(&c, path, &spec, &record);
    spec.host = c.called == BY_HOST ? NAME : TLS_SERVER_IP;
    spec.server_name = c.called == BY_SERVER_NAME ? NAME : NULL;
    struct verdict want = verdict_of(&c);
    struct tls_pair p;
    tls_pair_open(&p, &spec);
    assert_int_equal(ln_testkit_name(p.kit, NAME, TLS_SERVER_IP), LN_OK);
    (void)tls_pair_connect(&p);
    judge(&p, &want);
    tls_pair_close(&p);
}

/* scenario: S36, S34, T9, T18 */
static void test_every_combination(void **state)
{
    (void)state;
    enum {
        QUICK_STRIDE = 83
    }; /* a prime that no dimension divides: each value of each one comes */
    unsigned stride = tls_full() ? 1 : QUICK_STRIDE;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (unsigned number = 0; number < COMBINATIONS; number += stride)
            run(&rows.row[r], number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_combination),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
