/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certification paths for the filter's policy, at a given time, to given anchors, with CRLs.
 *
 * GnuTLS's own path building knows no time but its own, tells no path, and does not turn back where a
 * path ends that another one would have avoided (cross-signing). So a path is looked for here, by
 * names and key identifiers: anchors first, then what was sent. Whether it holds GnuTLS decides:
 * signatures, constraints, purpose and strength are checked by a trust list with the path's own anchor
 * and nothing else in it. CRLs and dates come last. The first failure of a whole path is the one that
 * is told, unless another path holds.
 */
#include "path.h"

/* What a peer may cost with certificates that are cross-signed to and fro. */
#define PATHS_MAX 8
#define STEPS_MAX 128

/** A search under way. */
struct search {
    struct gtls_verifying *v;
    const struct ln_tls_path_request *how;
    struct gtls_cert given[LN_CHAIN_MAX + LN_TLSA_MAX]; /**< the anchors of the request */
    size_t given_count;
    struct gtls_path path; /**< where it is now */
    struct gtls_path best; /**< the one to tell, with its finding */
    struct gtls_finding finding;
    bool failed; /**< `best` is a whole path, and its failure */
    bool found;
    bool no_memory;
    unsigned paths;
    unsigned steps;
};

static bool same(const struct gtls_cert *a, gnutls_x509_crt_t b)
{
    return gnutls_x509_crt_equals(a->crt, b) != 0;
}

static bool in_path(const struct gtls_path *path, gnutls_x509_crt_t crt)
{
    for (size_t i = 0; i < path->count; i++) {
        if (same(&path->at[i], crt))
            return true;
    }
    return false;
}

/* ---- where a path ends ---- */

static void keep(struct search *s, const struct gtls_finding *finding)
{
    s->best = s->path;
    s->finding = *finding;
}

static void whole_path(struct search *s)
{
    struct gtls_finding finding;
    s->paths++;
    if (!gtls_path_check(s->v, &s->path, s->how, &finding)) {
        s->no_memory = true;
        return;
    }
    s->found = finding.result == LN_VERIFY_OK;
    if (s->found || !s->failed)
        keep(s, &finding);
    s->failed = true;
}

/* Nobody known issued the last certificate. Of several such ends the longest path is told. */
static void dead_end(struct search *s, bool last_is_ours)
{
    struct gtls_finding finding = { LN_VERIFY_UNTRUSTED,
                                    GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND, 0 };
    gnutls_x509_crt_t last = s->path.at[s->path.count - 1].crt;
    finding.depth = (int)s->path.count - 1;
    bool self_issued = gnutls_x509_crt_check_issuer(last, last) != 0;
    bool alone = s->path.count == 1 && s->v->sent_count == 1;
    if (!self_issued && (alone || last_is_ours))
        finding.result = LN_VERIFY_INCOMPLETE;
    if (!s->failed && s->path.count > s->best.count)
        keep(s, &finding);
}

/* ---- the search ---- */

struct anchors {
    const gnutls_x509_crt_t *configured;
    const struct gtls_cert *given;
    size_t count;
};

static struct anchors anchors_of(const struct search *s)
{
    const struct gtls_trust *t = s->v->trust;
    struct anchors a = { t->anchors, NULL, t->anchor_count };
    if (s->how->anchors != NULL)
        a = (struct anchors) { NULL, s->given, s->given_count };
    return a;
}

static gnutls_x509_crt_t anchor_at(const struct anchors *a, size_t i)
{
    return a->given != NULL ? a->given[i].crt : a->configured[i];
}

static void push(struct search *s, gnutls_x509_crt_t crt, struct ln_span der)
{
    s->path.at[s->path.count++] = (struct gtls_cert) { crt, der };
}

static bool goes_on(const struct search *s)
{
    return !s->found && !s->no_memory && s->paths < PATHS_MAX && s->steps < STEPS_MAX;
}

/* The last certificate is an anchor itself, or an anchor issued it. */
static bool try_anchors(struct search *s)
{
    const struct anchors a = anchors_of(s);
    const struct gtls_cert *last = &s->path.at[s->path.count - 1];
    bool reached = false;
    for (size_t i = 0; i < a.count && goes_on(s); i++) {
        if (!same(last, anchor_at(&a, i)))
            continue;
        whole_path(s);
        return true;
    }
    for (size_t i = 0; i < a.count && goes_on(s) && s->path.count < GTLS_PATH_MAX; i++) {
        gnutls_x509_crt_t anchor = anchor_at(&a, i);
        if (!gnutls_x509_crt_check_issuer(last->crt, anchor))
            continue;
        push(s, anchor, a.given != NULL ? a.given[i].der : ln_span(NULL, 0));
        whole_path(s);
        s->path.count--;
        reached = true;
    }
    return reached;
}

static bool may_follow(const struct search *s, gnutls_x509_crt_t crt)
{
    return crt != NULL && s->path.count < GTLS_PATH_MAX - 1 &&
           gnutls_x509_crt_check_issuer(s->path.at[s->path.count - 1].crt, crt) &&
           !in_path(&s->path, crt);
}

/* Each level adds a certificate that is not in the path yet, so this ends. */
static void extend(struct search *s, bool last_is_ours)
{
    const struct gtls_trust *t = s->v->trust;
    s->steps++;
    bool further = try_anchors(s);
    for (size_t i = 1; i < s->v->sent_count && goes_on(s); i++) {
        if (!may_follow(s, s->v->sent[i].crt))
            continue;
        push(s, s->v->sent[i].crt, s->v->sent[i].der);
        extend(s, false);
        s->path.count--;
        further = true;
    }
    for (size_t i = 0; s->how->anchors == NULL && i < t->helper_count && goes_on(s); i++) {
        if (!may_follow(s, t->helpers[i]))
            continue;
        push(s, t->helpers[i], ln_span(NULL, 0));
        extend(s, true);
        s->path.count--;
        further = true;
    }
    if (!further && !s->no_memory)
        dead_end(s, last_is_ours);
}

/* ---- what is told ---- */

/* Certificates of ours have no bytes at hand; GnuTLS makes some, and they live until the end. */
static bool export(struct gtls_verifying *v, struct gtls_cert *cert)
{
    const size_t room = sizeof v->exported / sizeof v->exported[0];
    if (cert->der.len > 0)
        return true;
    if (v->exported_count == room)
        return false;
    gnutls_datum_t *out = &v->exported[v->exported_count];
    if (gnutls_x509_crt_export2(cert->crt, GNUTLS_X509_FMT_DER, out) < 0)
        return false;
    v->exported_count++;
    cert->der = ln_span(out->data, out->size);
    return true;
}

static enum ln_status tell(struct search *s, struct ln_tls_path *path)
{
    path->result = s->finding.result;
    path->native = (int)s->finding.native;
    path->depth = s->finding.depth;
    for (size_t i = 0; i < s->best.count; i++) {
        if (!export(s->v, &s->best.at[i]))
            return LN_NO_MEMORY;
        path->certs[path->count++] = s->best.at[i].der;
    }
    path->built = path->count > 0;
    return LN_OK;
}

static enum ln_status read_anchors(struct search *s)
{
    const size_t room = sizeof s->given / sizeof s->given[0];
    for (size_t i = 0; s->how->anchors != NULL && i < s->how->anchor_count; i++) {
        if (s->given_count == room)
            return LN_INTERNAL;
        gnutls_x509_crt_t crt = NULL;
        int ret = gtls_certificate(s->how->anchors[i], &crt);
        if (ret == GNUTLS_E_MEMORY_ERROR)
            return LN_NO_MEMORY;
        if (ret >= 0) /* what cannot be read is nobody's anchor */
            s->given[s->given_count++] = (struct gtls_cert) { crt, s->how->anchors[i] };
    }
    return LN_OK;
}

enum ln_status gtls_build(const struct ln_tls_chain *chain, const struct ln_tls_path_request *how,
                          struct ln_tls_path *path)
{
    struct gtls_verifying *v = chain->native;
    struct search s = { .v = v, .how = how };
    memset(path, 0, sizeof *path);
    path->result = LN_VERIFY_MALFORMED;
    if (v->sent[0].crt == NULL)
        return LN_OK;
    enum ln_status st = read_anchors(&s);
    if (st == LN_OK) {
        push(&s, v->sent[0].crt, v->sent[0].der);
        extend(&s, false);
        st = s.no_memory ? LN_NO_MEMORY : tell(&s, path);
    }
    for (size_t i = 0; i < s.given_count; i++)
        gnutls_x509_crt_deinit(s.given[i].crt);
    return st;
}
