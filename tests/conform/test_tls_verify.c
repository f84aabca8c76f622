/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_verify.c
 * The certificate matrix: each case in TLS 1.2, TLS 1.3 and DTLS 1.2, over each pair of libraries.
 *
 * What must come of a case is taken from secure-sockets.md 2.3, 2.6 and section 9: status,
 * category, verification result, the depth and subject of the certificate that is to blame, and
 * that the sentence for people names it.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum chain_shape {
    CHAIN_USUAL = 0,  /* leaf, ca */
    CHAIN_LEAF,       /* leaf */
    CHAIN_ROOT,       /* leaf, ca, root */
    CHAIN_MIXED,      /* leaf, root, ca */
    CHAIN_CROSS,      /* leaf, cross, ca: cross has the CA's name and key, and another issuer */
    CHAIN_CROSS_LAST, /* leaf, ca, cross */
    CHAIN_CROSS_ONLY, /* leaf, cross */
};

enum trust_shape {
    TRUST_ROOT = 0,
    TRUST_NOBODY,
    TRUST_STRANGER,
    TRUST_CA, /* the intermediate, which is not self-signed */
    TRUST_ROOT_AND_CA,
    TRUST_LEAF,
};

struct verify_case {
    const char *sentence;
    struct pki_spec leaf; /* issuer and name are filled in; san NULL = TLS_HOST */
    struct pki_spec ca;   /* likewise; used if ca.ca is set or `ca_special` */
    bool ca_special;
    bool self_signed;
    bool no_san;
    enum chain_shape chain;
    enum trust_shape trust;
    bool partial_chain;
    bool skip_verification;
    bool skip_name;
    const char *host;
    const char *server_name;
    bool revoke_leaf;
    bool revoke_ca;
    int64_t clock; /* 0 = PKI_NOW */
    int64_t floor; /* 0 = one day after 1970 */
    bool raw;      /* our own server would refuse such a certificate */
    /* what must come of it */
    enum ln_category category; /* NONE: it connects */
    enum ln_category or_category;
    enum ln_verify verify;
    int depth;
    const char *subject; /* NULL = that of the certificate at `depth` */
    const char *says;    /* something the sentence must contain */
};

#define LEAF "a leaf certificate"

/* ---- from a row of a table to a pair ---- */

struct made {
    const struct pki_cert *leaf;
    const struct pki_cert *ca;
    const struct pki_cert *cross;
    const struct pki_cert *chain[6];
};

static void make_certificates(struct verify_case *c, struct made *m)
{
    m->ca = tls_world.ca;
    if (c->ca_special) {
        struct pki_spec spec = c->ca;
        spec.name = "a special CA";
        spec.issuer = tls_world.root;
        m->ca = pki_make(tls_world.pki, &spec);
    }
    struct pki_spec spec = c->leaf;
    spec.issuer = c->self_signed ? NULL : m->ca;
    if (spec.name == NULL)
        spec.name = LEAF;
    if (spec.san == NULL && !c->no_san)
        spec.san = "DNS:" TLS_HOST;
    m->leaf = pki_make(tls_world.pki, &spec);
    size_t n = 0;
    bool cross = c->chain >= CHAIN_CROSS;
    bool no_ca = c->chain == CHAIN_LEAF || c->chain == CHAIN_CROSS_ONLY || c->self_signed;
    if (cross) {
        struct pki_spec twin = { .twin = m->ca, .ca = true, .issuer = tls_world.stranger };
        twin.not_after = PKI_NOW + 20 * 365 * PKI_DAY; /* OpenSSL goes the way that lasts longest */
        m->cross = pki_make(tls_world.pki, &twin);
    }
    m->chain[n++] = m->leaf;
    if (c->chain == CHAIN_MIXED)
        m->chain[n++] = tls_world.root;
    if (c->chain == CHAIN_CROSS || c->chain == CHAIN_CROSS_ONLY)
        m->chain[n++] = m->cross;
    if (!no_ca)
        m->chain[n++] = m->ca;
    if (c->chain == CHAIN_CROSS_LAST)
        m->chain[n++] = m->cross;
    if (c->chain == CHAIN_ROOT)
        m->chain[n++] = tls_world.root;
    m->chain[n] = NULL;
}

static void set_trust(const struct verify_case *c, const struct made *m,
                      struct ln_tls_options *client)
{
    memset(&client->trust, 0, sizeof client->trust);
    switch (c->trust) {
    case TRUST_NOBODY:
        break;
    case TRUST_ROOT:
        client->trust = pki_trust_one(tls_world.pki, tls_world.root);
        break;
    case TRUST_STRANGER:
        client->trust = pki_trust_one(tls_world.pki, tls_world.stranger);
        break;
    case TRUST_CA:
        client->trust = pki_trust_one(tls_world.pki, m->ca);
        break;
    case TRUST_ROOT_AND_CA:
        client->trust = pki_trust(tls_world.pki, PKI_LIST(tls_world.root, m->ca));
        break;
    case TRUST_LEAF:
        client->trust = pki_trust_one(tls_world.pki, m->leaf);
        break;
    }
}

static void set_crls(const struct verify_case *c, const struct made *m,
                     struct ln_tls_options *client)
{
    if (!c->revoke_leaf && !c->revoke_ca)
        return;
    struct pki_crl_spec of_root = { .issuer = tls_world.root };
    struct pki_crl_spec of_ca = { .issuer = m->ca };
    of_root.revoked[0] = c->revoke_ca ? m->ca : NULL;
    of_ca.revoked[0] = c->revoke_leaf ? m->leaf : NULL;
    client->crls = pki_span_source(
        pki_join(tls_world.pki, pki_crl(tls_world.pki, &of_root), pki_crl(tls_world.pki, &of_ca)));
}

static void want_success(struct tls_pair *p, const struct verify_case *c)
{
    tls_want_status(p, LN_OK);
    if (p->client_info.tls.verify != c->verify)
        tls_fail(p, "info.tls.verify is %d, not %d", (int)p->client_info.tls.verify,
                 (int)c->verify);
    tls_pair_must_exchange(p);
}

static void want_refusal(struct tls_pair *p, const struct verify_case *c, const struct made *m)
{
    const struct ln_diag *d = &p->client_diag;
    tls_want_status(p, LN_DENIED);
    if (c->or_category == LN_CAT_NONE || d->category != c->or_category)
        tls_want_category(p, d, c->category);
    if (d->phase != LN_PHASE_HANDSHAKE)
        tls_fail(p, "phase is %s", ln_phase_word(d->phase));
    if (c->or_category == LN_CAT_NONE && d->verify != c->verify)
        tls_fail(p, "diag.verify is %d, not %d", (int)d->verify, (int)c->verify);
    if (d->verify_depth != c->depth)
        tls_fail(p, "diag.verify_depth is %d, not %d", d->verify_depth, c->depth);
    const char *subject = c->subject;
    if (subject == NULL && c->depth >= 0)
        subject = pki_cert_name(m->chain[c->depth]);
    if (subject != NULL && strstr(d->subject, subject) == NULL)
        tls_fail(p, "diag.subject is \"%s\", without \"%s\"", d->subject, subject);
    if (d->category == LN_CAT_WRONG_NAME) /* there the name that was looked for tells more */
        subject = c->server_name != NULL ? c->server_name : c->host != NULL ? c->host : TLS_HOST;
    if (subject != NULL && strstr(d->text, subject) == NULL)
        tls_fail(p, "the sentence does not name \"%s\": %s", subject, d->text);
    if (c->says != NULL && strstr(d->text, c->says) == NULL)
        tls_fail(p, "the sentence does not say \"%s\": %s", c->says, d->text);
    /* We ended it, and told the peer so. */
    if (d->alert_from != LN_ALERT_SENT)
        tls_fail(p, "no alert was sent");
    if (p->server != NULL && p->server_status == LN_OK && p->server_info.state == LN_SOCK_OPEN &&
        p->spec.row.version != LN_TLS_1_3)
        tls_fail(p, "the server believes that it is connected");
}

static void run_case(const struct tls_row *row, struct verify_case c)
{
    struct made m = { 0 };
    make_certificates(&c, &m);
    struct tls_case spec = tls_case_cert(row, c.sentence, &tls_world);
    struct raw_server raw = { .chain = m.chain, .pki = tls_world.pki };
    if (c.raw)
        spec.raw = &raw;
    else
        tls_present(&spec.server, tls_world.pki, m.chain);
    set_trust(&c, &m, &spec.client);
    set_crls(&c, &m, &spec.client);
    spec.client.partial_chain = c.partial_chain;
    spec.client.insecure_skip_verification = c.skip_verification;
    spec.client.insecure_skip_name = c.skip_name;
    spec.client.time_floor = c.floor != 0 ? c.floor : PKI_DAY;
    spec.host = c.host;
    spec.server_name = c.server_name;
    spec.client_wall = c.clock;
    struct tls_pair p;
    (void)tls_pair_attempt(&p, &spec);
    if (c.category == LN_CAT_NONE)
        want_success(&p, &c);
    else
        want_refusal(&p, &c, &m);
    tls_pair_close(&p);
}

static void run_table(const struct verify_case *table, size_t count)
{
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    assert_true(rows.count > 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < count; i++)
            run_case(&rows.row[r], table[i]);
    }
}

#define RUN(table) run_table(table, sizeof(table) / sizeof((table)[0]))

/* ---- trust ---- */

/* scenario: S36, S4, T9, T18 */
static void test_trust(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "the chain ends at a trusted root", .verify = LN_VERIFY_OK },
        { .sentence = "the root is sent, but not trusted",
          .chain = CHAIN_ROOT,
          .trust = TRUST_STRANGER,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 2 },
        { .sentence = "a chain whose root is somebody else's",
          .trust = TRUST_STRANGER,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 1 },
        { .sentence = "self-signed and not trusted",
          .self_signed = true,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 0 },
        { .sentence = "self-signed and trusted itself",
          .self_signed = true,
          .trust = TRUST_LEAF,
          .verify = LN_VERIFY_OK },
        { .sentence = "the leaf is trusted by itself, which needs partial_chain",
          .trust = TRUST_LEAF,
          .partial_chain = true,
          .verify = LN_VERIFY_OK },
        { .sentence = "an intermediate is an anchor with partial_chain",
          .trust = TRUST_CA,
          .partial_chain = true,
          .verify = LN_VERIFY_OK },
        { .sentence = "an intermediate is no anchor without partial_chain",
          .trust = TRUST_CA,
          .category = LN_CAT_UNTRUSTED,
          .or_category = LN_CAT_CHAIN_INCOMPLETE,
          .depth = 1 },
        { .sentence = "the intermediate is missing",
          .chain = CHAIN_LEAF,
          .category = LN_CAT_CHAIN_INCOMPLETE,
          .verify = LN_VERIFY_INCOMPLETE,
          .depth = 0 },
        { .sentence = "the intermediate is missing, but among the trusted certificates",
          .chain = CHAIN_LEAF,
          .trust = TRUST_ROOT_AND_CA,
          .verify = LN_VERIFY_OK },
        { .sentence = "the chain is out of order", .chain = CHAIN_MIXED, .verify = LN_VERIFY_OK },
        { .sentence = "two paths, the first to the trusted root",
          .chain = CHAIN_CROSS_LAST,
          .verify = LN_VERIFY_OK },
        { .sentence = "two paths, the first to the other trusted root",
          .chain = CHAIN_CROSS,
          .trust = TRUST_STRANGER,
          .verify = LN_VERIFY_OK },
        { .sentence = "the server's path leads elsewhere, the one in trust leads home",
          .chain = CHAIN_CROSS_ONLY,
          .trust = TRUST_ROOT_AND_CA,
          .verify = LN_VERIFY_OK },
    };
    RUN(table);
}

/* scenario: S12, T9 */
static void test_nobody_is_trusted_by_default(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "no trust: a chain",
          .trust = TRUST_NOBODY,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 1 },
        { .sentence = "no trust: a chain with its root",
          .chain = CHAIN_ROOT,
          .trust = TRUST_NOBODY,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 2 },
        { .sentence = "no trust: self-signed",
          .self_signed = true,
          .trust = TRUST_NOBODY,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 0 },
    };
    RUN(table);
}

/* ---- dates ---- */

/* scenario: S36, T9 */
static void test_dates(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "expired a second ago",
          .leaf = { .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .category = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_EXPIRED,
          .depth = 0 },
        { .sentence = "valid from the next minute on",
          .leaf = { .not_before = PKI_NOW + 60 },
          .category = LN_CAT_NOT_YET_VALID,
          .verify = LN_VERIFY_NOT_YET_VALID,
          .depth = 0 },
        { .sentence = "the intermediate has expired",
          .ca_special = true,
          .ca = { .ca = true, .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .category = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_EXPIRED,
          .depth = 1 },
        { .sentence = "the intermediate is not valid yet",
          .ca_special = true,
          .ca = { .ca = true, .not_before = PKI_NOW + 60 },
          .category = LN_CAT_NOT_YET_VALID,
          .verify = LN_VERIFY_NOT_YET_VALID,
          .depth = 1 },
        { .sentence = "our clock is a year ahead",
          .clock = PKI_NOW + 366 * PKI_DAY,
          .category = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_EXPIRED,
          .depth = 0,
          .subject = LEAF },
        { .sentence = "dates are compared with the environment's clock",
          .leaf = { .not_before = PKI_NOW + 10 * PKI_DAY, .not_after = PKI_NOW + 20 * PKI_DAY },
          .clock = PKI_NOW + 15 * PKI_DAY,
          .verify = LN_VERIFY_OK },
    };
    RUN(table);
}

/* Section 9: a clock below the floor uses the floor, and the diagnosis says so. */
/* scenario: S36, T9 */
static void test_clock_below_the_floor(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "a clock of 1970 is replaced by the floor",
          .clock = 1000,
          .floor = PKI_NOW,
          .verify = LN_VERIFY_OK },
        { .sentence = "a clock above the floor is used",
          .leaf = { .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .floor = PKI_NOW - 3600,
          .category = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_EXPIRED,
          .depth = 0 },
        { .sentence = "expired at the floor: the clock is mentioned",
          .leaf = { .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .clock = 1000,
          .floor = PKI_NOW,
          .category = LN_CAT_EXPIRED,
          .verify = LN_VERIFY_EXPIRED,
          .depth = 0,
          .says = "clock" },
        { .sentence = "not valid yet at the floor: the clock is mentioned",
          .leaf = { .not_before = PKI_NOW + 60 },
          .clock = 1000,
          .floor = PKI_NOW,
          .category = LN_CAT_NOT_YET_VALID,
          .verify = LN_VERIFY_NOT_YET_VALID,
          .depth = 0,
          .says = "clock" },
    };
    RUN(table);
}

/* ---- names ---- */

/* scenario: S36, S35, T9 */
static void test_names(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "another name",
          .leaf = { .san = "DNS:elsewhere.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "one of many names",
          .leaf = { .san = "DNS:a.example,DNS:b.example,IP:10.0.0.1,DNS:" TLS_HOST },
          .verify = LN_VERIFY_OK },
        { .sentence = "case does not count",
          .leaf = { .san = "DNS:SeRvEr.EXAMPLE" },
          .verify = LN_VERIFY_OK },
        { .sentence = "the CN is never a name",
          .leaf = { .name = TLS_HOST },
          .no_san = true,
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "the CN is no name beside other names",
          .leaf = { .name = TLS_HOST, .san = "DNS:elsewhere.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "a suffix is not enough",
          .leaf = { .san = "DNS:example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "a longer name is not enough",
          .leaf = { .san = "DNS:a." TLS_HOST },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "an e-mail address and a URI are no names",
          .leaf = { .san = "email:" TLS_HOST "@example,URI:coaps://" TLS_HOST "/" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "the server name replaces the host",
          .server_name = "other.example",
          .leaf = { .san = "DNS:other.example" },
          .verify = LN_VERIFY_OK },
        { .sentence = "the host does not count beside a server name",
          .server_name = "other.example",
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "a dot at the end of the name does not count",
          .server_name = TLS_HOST ".",
          .verify = LN_VERIFY_OK },
        { .sentence = "insecure_skip_name leaves the name out",
          .skip_name = true,
          .leaf = { .san = "DNS:elsewhere.example" },
          .verify = LN_VERIFY_OK },
        { .sentence = "insecure_skip_name leaves out nothing else",
          .skip_name = true,
          .trust = TRUST_STRANGER,
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_UNTRUSTED,
          .depth = 1 },
    };
    RUN(table);
}

/* scenario: S36, T9 */
static void test_addresses(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "an address is verified against iPAddress",
          .host = TLS_SERVER_IP,
          .leaf = { .san = "IP:" TLS_SERVER_IP },
          .verify = LN_VERIFY_OK },
        { .sentence = "another address",
          .host = TLS_SERVER_IP,
          .leaf = { .san = "IP:192.0.2.99" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "an address is never a dNSName",
          .host = TLS_SERVER_IP,
          .leaf = { .san = "DNS:" TLS_SERVER_IP },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "an address is never the CN",
          .host = TLS_SERVER_IP,
          .leaf = { .name = TLS_SERVER_IP },
          .no_san = true,
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "a name is never an iPAddress",
          .leaf = { .san = "IP:" TLS_SERVER_IP },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "an IPv6 address, however it is written",
          .server_name = "2001:0DB8:0:0::1",
          .leaf = { .san = "IP:2001:db8::1" },
          .verify = LN_VERIFY_OK },
        { .sentence = "another IPv6 address",
          .server_name = "2001:db8::2",
          .leaf = { .san = "IP:2001:db8::1" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
    };
    RUN(table);
}

/* RFC 6125 6.4.3: a wildcard stands for the whole left-most label and nothing else. */
/* scenario: S36, T9 */
static void test_wildcards(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "a wildcard matches one label",
          .server_name = "a.wild.example",
          .leaf = { .san = "DNS:*.wild.example" },
          .verify = LN_VERIFY_OK },
        { .sentence = "not two labels",
          .server_name = "a.b.wild.example",
          .leaf = { .san = "DNS:*.wild.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "not no label",
          .server_name = "wild.example",
          .leaf = { .san = "DNS:*.wild.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "not a part of a label",
          .server_name = "www.wild.example",
          .leaf = { .san = "DNS:w*.wild.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "not a label further right",
          .server_name = "a.b.wild.example",
          .leaf = { .san = "DNS:a.*.wild.example" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "a star alone is no name",
          .leaf = { .san = "DNS:*" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
        { .sentence = "never an address",
          .host = TLS_SERVER_IP,
          .leaf = { .san = "DNS:*.0.2.1" },
          .category = LN_CAT_WRONG_NAME,
          .verify = LN_VERIFY_WRONG_NAME,
          .depth = 0 },
    };
    RUN(table);
}

/* ---- what else may be wrong with a certificate ---- */

/* scenario: S36, T9 */
static void test_revoked(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "the leaf is revoked",
          .revoke_leaf = true,
          .category = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 0 },
        { .sentence = "the intermediate is revoked",
          .revoke_ca = true,
          .category = LN_CAT_REVOKED,
          .verify = LN_VERIFY_REVOKED,
          .depth = 1 },
    };
    RUN(table);
}

/* scenario: S36, T9 */
static void test_weak(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "an RSA key of 1024 bits",
          .raw = true,
          .leaf = { .key = PKI_RSA_1024, .usage = "critical,digitalSignature,keyEncipherment" },
          .category = LN_CAT_WEAK,
          .verify = LN_VERIFY_WEAK,
          .depth = 0 },
        { .sentence = "a self-signed one with such a key, trusted itself",
          .raw = true,
          .self_signed = true,
          .trust = TRUST_LEAF,
          .leaf = { .key = PKI_RSA_1024, .usage = "critical,digitalSignature,keyEncipherment" },
          .category = LN_CAT_WEAK,
          .verify = LN_VERIFY_WEAK,
          .depth = 0 },
        { .sentence = "signed with SHA-1",
          .raw = true,
          .leaf = { .digest = PKI_SHA1 },
          .category = LN_CAT_WEAK,
          .verify = LN_VERIFY_WEAK,
          .depth = 0 },
        { .sentence = "an intermediate with an RSA key of 1024 bits",
          .raw = true,
          .ca_special = true,
          .ca = { .ca = true, .key = PKI_RSA_1024 },
          .category = LN_CAT_WEAK,
          .verify = LN_VERIFY_WEAK,
          .depth = 1 },
    };
    RUN(table);
}

/* TLS-23: purpose, basicConstraints, path length, signatures. */
/* scenario: S36, T9 */
static void test_usage_and_signature(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "the issuer is no CA",
          .ca_special = true,
          .ca = { .ca = false },
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_BAD_USAGE,
          .depth = 1 },
        { .sentence = "the issuer may not sign certificates",
          .ca_special = true,
          .ca = { .ca = true, .usage = "critical,cRLSign" },
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_BAD_USAGE,
          .depth = 1 },
        { .sentence = "a certificate for clients only",
          .raw = true,
          .leaf = { .eku = "clientAuth" },
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_BAD_USAGE,
          .depth = 0 },
        { .sentence = "a certificate for servers and clients",
          .leaf = { .eku = "serverAuth,clientAuth" },
          .verify = LN_VERIFY_OK },
        { .sentence = "forged: the issuer never signed it",
          .leaf = { .forged = true },
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_BAD_SIGNATURE,
          .depth = 0 },
        { .sentence = "the intermediate is forged",
          .ca_special = true,
          .ca = { .ca = true, .forged = true },
          .category = LN_CAT_UNTRUSTED,
          .verify = LN_VERIFY_BAD_SIGNATURE,
          .depth = 1 },
    };
    RUN(table);
}

/* scenario: S36, T9 */
static void test_path_length(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    struct pki *pki = tls_world.pki;
    struct pki_spec spec = {
        .name = "a CA of leaves only",
        .ca = true,
        .constraints = "critical,CA:TRUE,pathlen:0",
        .issuer = tls_world.root,
    };
    const struct pki_cert *upper = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = "a CA too deep", .ca = true, .issuer = upper };
    const struct pki_cert *lower = pki_make(pki, &spec);
    spec = (struct pki_spec) { .name = LEAF, .issuer = lower, .san = "DNS:" TLS_HOST };
    const struct pki_cert *leaf = pki_make(pki, &spec);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            tls_case_cert(&rows.row[r], "a CA below a CA of leaves only", &tls_world);
        tls_present(&c.server, pki, PKI_LIST(leaf, lower, upper));
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        tls_want_status(&p, LN_DENIED);
        tls_want_category(&p, &p.client_diag, LN_CAT_UNTRUSTED);
        assert_int_equal(p.client_diag.verify, LN_VERIFY_BAD_USAGE);
        tls_pair_close(&p);
    }
}

static void refuses_chain(const struct pki_cert *const *chain, const char *what)
{
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], what, &tls_world);
        struct raw_server raw = { .chain = chain, .pki = tls_world.pki };
        c.raw = &raw;
        struct tls_pair p;
        if (tls_pair_attempt(&p, &c) == LN_OK)
            tls_fail(&p, "it was accepted");
        tls_pair_close(&p);
    }
}

/* What a library cannot look at to its end must not pass for good. */
static void test_long_chains(void **state)
{
    (void)state;
    struct pki *pki = tls_world.pki;
    const struct pki_cert *chain[LN_CHAIN_MAX + 2] = { NULL };
    const struct pki_cert *issuer = tls_world.root;
    char name[] = "CA 0";
    for (size_t i = LN_CHAIN_MAX - 1; i > 0; i--) {
        name[3] = (char)('0' + i);
        struct pki_spec spec = { .name = name, .ca = true, .issuer = issuer };
        issuer = chain[i] = pki_make(pki, &spec);
    }
    struct pki_spec leaf = {
        .name = LEAF, .issuer = issuer, .san = "DNS:" TLS_HOST, .forged = true
    };
    chain[0] = pki_make(pki, &leaf);
    refuses_chain(chain, "a forged leaf, as far down as a chain may reach");
    leaf.issuer = tls_world.ca;
    leaf.forged = false;
    chain[0] = pki_make(pki, &leaf);
    memmove(chain + 2, chain + 1, (LN_CHAIN_MAX - 1) * sizeof(const struct pki_cert *));
    chain[1] = tls_world.ca;
    refuses_chain(chain, "a good path, and more certificates than a chain may have");
}

/* scenario: S36, T9 */
static void test_key_types(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "P-384", .leaf = { .key = PKI_P384 }, .verify = LN_VERIFY_OK },
        { .sentence = "RSA-2048",
          .leaf = { .key = PKI_RSA_2048, .usage = "critical,digitalSignature,keyEncipherment" },
          .verify = LN_VERIFY_OK },
        { .sentence = "signed with SHA-384",
          .leaf = { .digest = PKI_SHA384 },
          .verify = LN_VERIFY_OK },
        { .sentence = "a large certificate", .leaf = { .padding = 3000 }, .verify = LN_VERIFY_OK },
        { .sentence = "an empty subject", .leaf = { .name = "" }, .verify = LN_VERIFY_OK },
    };
    RUN(table);
}

/* A key that a library cannot use in a version is refused when the configuration is made; what is
 * accepted, works, unless the other side cannot verify such a signature. */
/* scenario: S36, S26 */
static void test_ed25519(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = LEAF, .key = PKI_ED25519, .issuer = tls_world.ca, .san = "DNS:" TLS_HOST
    };
    const struct pki_cert *leaf = pki_make(tls_world.pki, &spec);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "an Ed25519 key", &tls_world);
        struct tls_pair p;
        tls_present(&c.server, tls_world.pki, PKI_LIST(leaf, tls_world.ca));
        c.server_needs = c.row.kind == LN_DTLS ? TLS_NEED_ED25519_DTLS : TLS_NEED_ED25519;
        c.refusal_word = "key";
        if (!tls_pair_able(&p, &c))
            continue;
        (void)tls_pair_connect(&p);
        if (tls_can(c.row.client, TLS_NEED_ED25519)) { /* to verify takes less than to sign */
            tls_want_status(&p, LN_OK);
            tls_pair_must_exchange(&p);
        } else {
            tls_want_status(&p, LN_REFUSED);
            tls_want_category(&p, &p.client_diag, LN_CAT_SUITE);
        }
        tls_pair_close(&p);
    }
}

/* ---- verification switched off ---- */

/* scenario: S36, T9, PIT-22 */
static void test_skipped_verification_is_recorded(void **state)
{
    (void)state;
    static const struct verify_case table[] = {
        { .sentence = "skipped: untrusted",
          .skip_verification = true,
          .trust = TRUST_STRANGER,
          .verify = LN_VERIFY_UNTRUSTED },
        { .sentence = "skipped: nobody is trusted",
          .skip_verification = true,
          .trust = TRUST_NOBODY,
          .verify = LN_VERIFY_UNTRUSTED },
        { .sentence = "skipped: expired",
          .skip_verification = true,
          .leaf = { .not_before = PKI_NOW - PKI_DAY, .not_after = PKI_NOW - 1 },
          .verify = LN_VERIFY_EXPIRED },
        { .sentence = "skipped: wrong name",
          .skip_verification = true,
          .leaf = { .san = "DNS:elsewhere.example" },
          .verify = LN_VERIFY_WRONG_NAME },
        { .sentence = "skipped: all is well", .skip_verification = true, .verify = LN_VERIFY_OK },
    };
    RUN(table);
}

/* Skipped verification still proves that the peer has the key of its certificate, and the refusal
 * of one certificate does not poison what comes after it. */
/* scenario: H99, T9, PIT-25 */
static void test_a_refusal_poisons_nothing(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(
            &rows.row[r], "good, bad and good again with one configuration", &tls_world);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        struct pki_spec spec = {
            .name = LEAF,
            .issuer = tls_world.ca,
            .san = "DNS:" TLS_HOST,
            .not_before = PKI_NOW - PKI_DAY,
            .not_after = PKI_NOW - 1,
        };
        const struct pki_cert *expired = pki_make(tls_world.pki, &spec);
        struct ln_tls_options bad = c.server;
        tls_present(&bad, tls_world.pki, PKI_LIST(expired, tls_world.ca));
        for (int i = 0; i < 3; i++) {
            tls_pair_must_connect(&p);
            tls_pair_must_exchange(&p);
            tls_pair_hang_up(&p);
            tls_pair_new_server(&p, &bad);
            (void)tls_pair_connect(&p);
            tls_want_status(&p, LN_DENIED);
            tls_want_category(&p, &p.client_diag, LN_CAT_EXPIRED);
            tls_pair_hang_up(&p);
            tls_pair_new_server(&p, &c.server);
        }
        tls_pair_close(&p);
    }
}

/* ---- what goes out as SNI ---- */

struct sni_case {
    const char *sentence;
    const char *host;
    const char *server_name;
    const char *sni;
};

/* RFC 6066 3: no literals, no dot at the end. */
/* scenario: S35, S18 */
static void test_server_name_on_the_wire(void **state)
{
    (void)state;
    char longest[256];
    memset(longest, 'a', 255);
    longest[255] = '\0';
    for (size_t i = 63; i < 255; i += 64)
        longest[i] = '.';
    const struct sni_case table[] = {
        { "the host", NULL, NULL, TLS_HOST },
        { "the server name instead of the host", NULL, "other.example", "other.example" },
        { "an IPv4 literal is not sent", TLS_SERVER_IP, NULL, "" },
        { "an IPv6 literal is not sent", NULL, "2001:db8::1", "" },
        { "a name instead of an address", TLS_SERVER_IP, "named.example", "named.example" },
        { "the dot at the end is not sent", NULL, "dotted.example.", "dotted.example" },
        { "255 characters", NULL, longest, longest },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_cert(&rows.row[r], table[i].sentence, &tls_world);
            c.client.insecure_skip_verification = true;
            c.host = table[i].host;
            c.server_name = table[i].server_name;
            struct tls_pair p;
            tls_pair_start(&p, &c);
            struct wire_hello hello;
            assert_true(tls_pair_client_hello(&p, &hello));
            if (strcmp(hello.server_name, table[i].sni) != 0)
                tls_fail(&p, "SNI is \"%s\", not \"%s\"", hello.server_name, table[i].sni);
            tls_pair_close(&p);
        }
    }
}

/* scenario: S18 */
static void test_bad_server_names_are_refused(void **state)
{
    (void)state;
    char too_long[257];
    memset(too_long, 'a', 256);
    too_long[256] = '\0';
    for (size_t i = 63; i < 256; i += 64)
        too_long[i] = '.';
    const char *const bad[] = { "", too_long, "a b", "a\nb", "a..b", "." };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "names that are none", &tls_world);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (size_t i = 0; i < COUNT(bad); i++) {
            if (ln_sock_set_server_name(p.client, bad[i]) != LN_BAD_ARG)
                tls_fail(&p, "\"%s\" was not refused", bad[i]);
        }
        /* "unchanged": the host is still what is verified */
        tls_pair_must_connect(&p);
        assert_int_equal(ln_sock_set_server_name(p.client, "x.example"), LN_BAD_STATE);
        tls_pair_hang_up(&p);
        assert_int_equal(ln_sock_set_server_name(p.client, "x.example"), LN_OK);
        (void)tls_pair_connect(&p);
        tls_want_category(&p, &p.client_diag, LN_CAT_WRONG_NAME);
        tls_pair_hang_up(&p);
        assert_int_equal(ln_sock_set_server_name(p.client, NULL), LN_OK);
        tls_pair_must_connect(&p);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_nobody_is_trusted_by_default),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_clock_below_the_floor),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_weak),
        cmocka_unit_test(test_usage_and_signature),
        cmocka_unit_test(test_path_length),
        cmocka_unit_test(test_long_chains),
        cmocka_unit_test(test_key_types),
        cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_skipped_verification_is_recorded),
        cmocka_unit_test(test_a_refusal_poisons_nothing),
        cmocka_unit_test(test_server_name_on_the_wire),
        cmocka_unit_test(test_bad_server_names_are_refused),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
