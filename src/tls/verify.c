/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file verify.c
 * Whether a peer's certificate is accepted: the one place where that is decided.
 *
 *   PSK                     a certificate ends the handshake
 *   CERTIFICATE             a path to the configured trust, and the name
 *   DANE with records       one matching record authenticates: usages 0 and 1 on top of path and
 *                           name; usage 2 a path to the record's certificate, and the name; usage 3
 *                           the leaf alone, without name and dates (RFC 7671 5.1) unless strict
 *   DANE without records    as CERTIFICATE
 *   opportunistic           usages 2 and 3 as above; without any, nobody is authenticated
 *   skip_verification       everybody is accepted, and what would have been said is recorded
 *
 * Servers that ask for client certificates verify the path, and no name. A trust anchor of DANE is
 * believed by a verified chain of signatures, and by nothing less.
 */
#include "base/try.h"
#include "codec/x509.h"
#include "tls/filter.h"
#include "tls/names.h"
#include <string.h>

/** One decision under way. */
struct decision {
    struct ln_tls_sock *t;
    struct ln_tls_facts *facts;
    const struct ln_tls_chain *chain;
    struct ln_x509 leaf;
    int64_t at;
    bool path_built; /**< `path` is the configured trust's */
    struct ln_tls_path path;
};

/** What a check came to, for the record if nothing better comes. */
struct finding {
    enum ln_verify verify;
    int native;
    int depth;
    struct ln_span cert;
};

static struct finding found(enum ln_verify verify, const struct decision *d)
{
    struct finding f = { verify, 0, 0, d->chain->certs[0] };
    return f;
}

static void record(struct decision *d, const struct finding *f)
{
    struct ln_x509 cert;
    d->facts->verify = f->verify;
    d->facts->verify_native = f->native;
    d->facts->verify_depth = f->depth;
    d->facts->subject[0] = '\0';
    if (f->verify != LN_VERIFY_OK && f->cert.len > 0 && ln__x509_read(f->cert, &cert) == LN_OK)
        ln__x509_name_text(cert.subject, d->facts->subject, sizeof d->facts->subject);
}

/* ---- the parts ---- */

/** Where several certificates of a path are out of date, the one nearest to the leaf is named, in
 *  whatever order the library looked. */
static void nearest_date(const struct decision *d, const struct ln_tls_path *path,
                         struct finding *f)
{
    bool about_dates = f->verify == LN_VERIFY_EXPIRED || f->verify == LN_VERIFY_NOT_YET_VALID;
    for (size_t i = 0; about_dates && i < path->count && (int)i < f->depth; i++) {
        struct ln_x509 cert;
        if (ln__x509_read(path->certs[i], &cert) != LN_OK)
            return;
        if (d->at >= cert.not_before && d->at <= cert.not_after)
            continue;
        f->verify = d->at < cert.not_before ? LN_VERIFY_NOT_YET_VALID : LN_VERIFY_EXPIRED;
        f->depth = (int)i;
        f->cert = path->certs[i];
    }
}

static struct finding finding_of(const struct decision *d, const struct ln_tls_path *path)
{
    struct finding f = { path->result, path->native, path->depth, { NULL, 0 } };
    size_t depth = path->depth >= 0 ? (size_t)path->depth : 0;
    if (depth < path->count)
        f.cert = path->certs[depth];
    else if (depth < d->chain->count)
        f.cert = d->chain->certs[depth];
    nearest_date(d, path, &f);
    return f;
}

static enum ln_status configured_path(struct decision *d)
{
    struct ln_tls_path_request how = { .at = d->at };
    if (d->path_built)
        return LN_OK;
    d->path_built = true;
    return d->chain->ops->build(d->chain, &how, &d->path);
}

static bool name_fits(const struct decision *d)
{
    struct ln_name name;
    if (d->chain->peer_is_client || d->t->config->insecure_skip_name)
        return true;
    return ln__name_parse(ln__tls_name(d->t), &name) == LN_OK && ln__name_matches(&name, &d->leaf);
}

/** Path to the configured trust, then the name. */
static enum ln_status check_pkix(struct decision *d, struct finding *out)
{
    TRY(configured_path(d));
    *out = finding_of(d, &d->path);
    if (out->verify == LN_VERIFY_INCOMPLETE && !d->t->config->has_trust)
        out->verify = LN_VERIFY_UNTRUSTED; /* no chain could be long enough */
    if (out->verify == LN_VERIFY_OK && !name_fits(d))
        *out = found(LN_VERIFY_WRONG_NAME, d);
    return LN_OK;
}

/* ---- DANE ---- */

static bool matches(const struct decision *d, const struct ln_tlsa *record, struct ln_span cert)
{
    return ln__tlsa_matches(record, cert, d->t->config->backend->hash);
}

/** Usage 0: an issuer in the path that was verified. */
static bool path_has(const struct decision *d, const struct ln_tlsa *record)
{
    for (size_t i = 1; d->path.built && i < d->path.count; i++)
        if (matches(d, record, d->path.certs[i]))
            return true;
    return false;
}

/** Usages 0 and 1: path and name, and then the match. */
static enum ln_status check_on_top(struct decision *d, const struct ln_tlsa *record,
                                   struct finding *out)
{
    bool leaf = record->usage == LN_TLSA_PKIX_EE;
    TRY(check_pkix(d, out));
    if (out->verify == LN_VERIFY_OK &&
        !(leaf ? matches(d, record, d->chain->certs[0]) : path_has(d, record)))
        *out = found(LN_VERIFY_DANE, d);
    return LN_OK;
}

/** Usage 2: a path to an issuer that was sent, or to the record itself, and to nothing else. */
static enum ln_status check_anchor(struct decision *d, const struct ln_tlsa *record,
                                   struct finding *out)
{
    struct ln_span anchors[LN_CHAIN_MAX];
    size_t count = 0;
    for (size_t i = 1; i < d->chain->count; i++)
        if (matches(d, record, d->chain->certs[i]))
            anchors[count++] = d->chain->certs[i];
    bool whole = record->matching == LN_TLSA_EXACT && record->selector == 0;
    if (count == 0 && whole && !ln_span_equal(record->data, d->chain->certs[0])) /* no own anchor */
        anchors[count++] = record->data;
    *out = found(LN_VERIFY_DANE, d);
    if (count == 0)
        return LN_OK;
    struct ln_tls_path_request how = { .anchors = anchors, .anchor_count = count, .at = d->at };
    struct ln_tls_path path;
    TRY(d->chain->ops->build(d->chain, &how, &path));
    *out = finding_of(d, &path);
    if (out->verify == LN_VERIFY_UNTRUSTED || out->verify == LN_VERIFY_INCOMPLETE)
        *out = found(LN_VERIFY_DANE, d); /* the anchor is there, and did not issue this leaf */
    else if (out->verify == LN_VERIFY_OK && !name_fits(d))
        *out = found(LN_VERIFY_WRONG_NAME, d);
    return LN_OK;
}

/** Usage 3: the key itself is known; nothing else counts unless asked for. */
static struct finding check_leaf(const struct decision *d, const struct ln_tlsa *record)
{
    if (!matches(d, record, d->chain->certs[0]))
        return found(LN_VERIFY_DANE, d);
    if (!d->t->config->dane_ee_strict)
        return found(LN_VERIFY_OK, d);
    if (d->at < d->leaf.not_before)
        return found(LN_VERIFY_NOT_YET_VALID, d);
    if (d->at > d->leaf.not_after)
        return found(LN_VERIFY_EXPIRED, d);
    return found(name_fits(d) ? LN_VERIFY_OK : LN_VERIFY_WRONG_NAME, d);
}

static enum ln_status check_record(struct decision *d, const struct ln_tlsa *record,
                                   struct finding *out)
{
    switch (record->usage) {
    case LN_TLSA_PKIX_TA:
    case LN_TLSA_PKIX_EE:
        return check_on_top(d, record, out);
    case LN_TLSA_DANE_TA:
        return check_anchor(d, record, out);
    case LN_TLSA_DANE_EE:
        *out = check_leaf(d, record);
        return LN_OK;
    default:
        *out = found(LN_VERIFY_DANE, d);
        return LN_OK;
    }
}

/** Any one record that holds is enough; otherwise the finding that says more than "no match". */
static enum ln_status check_records(struct decision *d, bool opportunistic, struct finding *out)
{
    const struct ln_tlsa_set *set = ln__tls_records(d->t);
    *out = found(LN_VERIFY_DANE, d);
    for (size_t i = 0; i < set->count; i++) {
        struct finding one;
        if (!ln__tlsa_is_usable(&set->records[i], opportunistic))
            continue;
        TRY(check_record(d, &set->records[i], &one));
        if (one.verify == LN_VERIFY_OK || out->verify == LN_VERIFY_DANE)
            *out = one;
        if (one.verify == LN_VERIFY_OK)
            break;
    }
    return LN_OK;
}

/* ---- deciding ---- */

static bool uses_dane(const struct decision *d)
{
    enum ln_tls_auth auth = d->t->config->auth;
    return !d->chain->peer_is_client &&
           (auth == LN_AUTH_DANE || auth == LN_AUTH_DANE_OPPORTUNISTIC);
}

/** @param lenient  out: accept whatever is found */
static enum ln_status decide(struct decision *d, struct finding *out, bool *lenient)
{
    bool opportunistic = d->t->config->auth == LN_AUTH_DANE_OPPORTUNISTIC;
    *lenient = d->t->config->insecure_skip_verification;
    if (!uses_dane(d))
        return check_pkix(d, out);
    switch (ln__dane_plan(ln__tls_records(d->t), opportunistic)) {
    case LN_DANE_RECORDS:
        return check_records(d, opportunistic, out);
    case LN_DANE_REFUSE:
        *out = found(LN_VERIFY_DANE, d);
        return LN_OK;
    case LN_DANE_NOBODY:
        *lenient = true;
        break;
    case LN_DANE_PKIX:
        break;
    }
    return check_pkix(d, out);
}

enum ln_status ln__tls_verify(struct ln_tls_sock *t, const struct ln_tls_chain *chain)
{
    struct ln_tls_facts *facts = &t->link->facts;
    struct decision d = { .t = t, .facts = facts, .chain = chain };
    struct finding f = found(LN_VERIFY_UNWANTED, &d);
    bool lenient = false;
    enum ln_status st = LN_OK;
    d.at = ln__tls_time(t->config, &t->time_floored);
    if (ln__x509_read(chain->certs[0], &d.leaf) != LN_OK)
        f = found(LN_VERIFY_MALFORMED, &d);
    else if (t->config->auth != LN_AUTH_PSK)
        st = decide(&d, &f, &lenient);
    if (st != LN_OK) { /* nobody is accepted because we could not look */
        facts->reason = st == LN_NO_MEMORY ? LN_TLS_REASON_MEMORY : LN_TLS_REASON_VERIFY;
        return st;
    }
    record(&d, &f);
    if (f.verify == LN_VERIFY_OK || lenient)
        return LN_OK;
    facts->reason = LN_TLS_REASON_VERIFY;
    return LN_DENIED;
}
