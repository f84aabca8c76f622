/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file verify.c
 * Hands the peer's certificates to the filter, and builds paths for its policy.
 *
 * Whether a peer is accepted is decided in src/tls/verify.c, once for all libraries. A path counts
 * here only if Mbed TLS has verified it: its flags are looked at certificate by certificate, never as
 * the sum of a chain, where a wrong signature looks like an unknown root. The first path is the one
 * that the library builds in the handshake anyway. If that leads nowhere, others are searched by
 * names and key identifiers (path.c), and each is given to the library alone, with one anchor.
 *
 * What is ours: dates, since the library asks the system's clock and we go by the environment's; CRL
 * policy; the purposes of certificates; and telling apart what the library calls "not trusted".
 */
#include "mbedtls.h"
#include "path.h"
#include <string.h>

#define CURVES_BELOW_112_BITS                                                                      \
    (MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP192R1) |                                              \
     MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP192K1))

#define ANYTHING 0xfffffff

/** 112 bits: no RSA below 2048, no SHA-1. */
static const mbedtls_x509_crt_profile strong = {
    .allowed_mds =
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA224) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    .allowed_pks = ANYTHING,
    .allowed_curves = ANYTHING & ~CURVES_BELOW_112_BITS,
    .rsa_min_bitlen = 2048,
};

/** What goes with the versions before 1.2. */
static const mbedtls_x509_crt_profile anything = {
    .allowed_mds = ANYTHING,
    .allowed_pks = ANYTHING,
    .allowed_curves = ANYTHING,
    .rsa_min_bitlen = 0,
};

const mbedtls_x509_crt_profile *mbed_profile(const struct mbed_config *c)
{
    return c->weak ? &anything : &strong;
}

/* ---- what became of a path ---- */

static void set_result(struct ln_tls_path *path, enum ln_verify result, uint32_t native,
                       size_t depth)
{
    path->result = result;
    path->native = (int)native;
    path->depth = (int)depth;
}

static void take_path(const struct mbed_path *from, struct ln_tls_path *path)
{
    path->count = from->count;
    for (size_t i = 0; i < from->count; i++)
        path->certs[i] = ln_span(from->items[i].cert->raw.p, from->items[i].cert->raw.len);
    path->built = true;
}

/** What is judged, and by whose clock. */
struct judging {
    const struct mbed_config *config;
    const struct ln_tls_path_request *how;
    const struct mbed_path *from;
    bool client; /**< the leaf is a client's */
    struct ln_x509 certs[MBED_ITEMS_MAX];
};

/** Purposes, by RFC 5280 4.2.1.3 and 4.2.1.12; an issuer's limits hold for what it issues. */
static bool may_be_leaf(const mbedtls_x509_crt *cert, bool client)
{
    if (client)
        return mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0 ||
               mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_KEY_AGREEMENT) == 0;
    return mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0 ||
           mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_KEY_ENCIPHERMENT) == 0 ||
           mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_KEY_AGREEMENT) == 0;
}

static bool serves_purpose(const mbedtls_x509_crt *cert, bool client)
{
    static const char server_auth[] = MBEDTLS_OID_SERVER_AUTH;
    static const char client_auth[] = MBEDTLS_OID_CLIENT_AUTH;
    return mbedtls_x509_crt_check_extended_key_usage(cert, client ? client_auth : server_auth,
                                                     client ? sizeof client_auth - 1
                                                            : sizeof server_auth - 1) == 0;
}

/** @param between  issuers below this one that are not self-issued */
static bool may_issue(const mbedtls_x509_crt *cert, const struct ln_x509 *read, size_t between,
                      bool anchor)
{
    if (anchor && read->version < 3)
        return true;
    return read->is_ca &&
           mbedtls_x509_crt_check_key_usage(cert, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0 &&
           (!read->has_path_len || between <= read->path_len);
}

static bool usage_is_wrong(const struct judging *j, struct ln_tls_path *path)
{
    size_t between = 0;
    for (size_t i = 0; i < j->from->count; i++) {
        const mbedtls_x509_crt *cert = j->from->items[i].cert;
        bool good = serves_purpose(cert, j->client) &&
                    (i == 0 ? may_be_leaf(cert, j->client)
                            : may_issue(cert, &j->certs[i], between, i + 1 == j->from->count));
        if (!good) {
            set_result(path, LN_VERIFY_BAD_USAGE, MBEDTLS_X509_BADCERT_KEY_USAGE, i);
            return true;
        }
        if (i > 0 && !j->certs[i].self_issued)
            between++;
    }
    return false;
}

#define WEAK_FLAGS                                                                                 \
    (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY)
#define STRONG_RSA_BITS 2048
#define STRONG_EC_BITS 224

static bool key_is_weak(const mbedtls_x509_crt *cert)
{
    size_t bits = mbedtls_pk_get_bitlen(&cert->pk);
    return mbedtls_pk_can_do(&cert->pk, MBEDTLS_PK_RSA) ? bits < STRONG_RSA_BITS
                                                        : bits < STRONG_EC_BITS;
}

/** The library reports a weak key with the certificate that was signed by it. */
static bool is_weak(const struct judging *j, struct ln_tls_path *path)
{
    for (size_t i = 0; i < j->from->count; i++) {
        uint32_t flags = j->from->items[i].flags & WEAK_FLAGS;
        if (flags == 0)
            continue;
        bool issuer = flags == MBEDTLS_X509_BADCERT_BAD_KEY &&
                      !key_is_weak(j->from->items[i].cert) && i + 1 < j->from->count;
        set_result(path, LN_VERIFY_WEAK, flags, issuer ? i + 1 : i);
        return true;
    }
    return false;
}

/* ---- CRLs ---- */

/** Whether the issuer of this name has a CRL, and one that is current. */
static void find_crl(const struct judging *j, struct ln_span issuer, bool *any, bool *current)
{
    *any = false;
    *current = false;
    for (size_t i = 0; i < j->config->crl_count; i++) {
        const struct mbed_crl *crl = &j->config->crl_dates[i];
        if (!ln_span_equal(crl->issuer, issuer))
            continue;
        *any = true;
        if (j->how->at >= crl->this_update &&
            (!crl->has_next_update || j->how->at <= crl->next_update))
            *current = true;
    }
}

#define CRL_FLAGS                                                                                  \
    (MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK |   \
     MBEDTLS_X509_BADCRL_BAD_KEY)

static enum ln_verify crl_verdict(const struct judging *j, size_t i)
{
    bool any = false;
    bool current = false;
    uint32_t flags = j->from->items[i].flags;
    find_crl(j, j->certs[i].issuer, &any, &current);
    if (!any)
        return j->config->crl_policy == LN_CRL_ALL ? LN_VERIFY_CRL_BAD : LN_VERIFY_OK;
    if ((flags & CRL_FLAGS) != 0)
        return LN_VERIFY_CRL_BAD;
    if (!current)
        return LN_VERIFY_CRL_EXPIRED;
    return (flags & MBEDTLS_X509_BADCERT_REVOKED) != 0 ? LN_VERIFY_REVOKED : LN_VERIFY_OK;
}

static bool is_revoked(const struct judging *j, struct ln_tls_path *path)
{
    if (j->config->crl_count == 0 && j->config->crl_policy != LN_CRL_ALL)
        return false;
    for (size_t i = 0; i < j->from->count; i++) {
        enum ln_verify verdict = crl_verdict(j, i);
        if (verdict == LN_VERIFY_OK)
            continue;
        set_result(path, verdict, j->from->items[i].flags, i);
        return true;
    }
    return false;
}

/* ---- signatures and dates ---- */

static bool is_forged(const struct judging *j, struct ln_tls_path *path)
{
    for (size_t i = j->from->count; i-- > 0;) {
        if ((j->from->items[i].flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0)
            continue;
        set_result(path, LN_VERIFY_BAD_SIGNATURE, j->from->items[i].flags, i);
        return true;
    }
    return false;
}

static bool is_out_of_date(const struct judging *j, struct ln_tls_path *path)
{
    for (size_t i = 0; i < j->from->count && !j->how->ignore_dates; i++) {
        const struct ln_x509 *cert = &j->certs[i];
        if (j->how->at < cert->not_before)
            set_result(path, LN_VERIFY_NOT_YET_VALID, MBEDTLS_X509_BADCERT_FUTURE, i);
        else if (j->how->at > cert->not_after)
            set_result(path, LN_VERIFY_EXPIRED, MBEDTLS_X509_BADCERT_EXPIRED, i);
        else
            continue;
        return true;
    }
    return false;
}

/** A path that ends at an anchor. Everything is looked at, and what weighs most is reported, in the
 *  order of the other libraries: purposes, strength, revocation, signatures, dates. */
static void judge(const struct mbed_config *config, const struct ln_tls_path_request *how,
                  bool client, const struct mbed_path *from, struct ln_tls_path *path)
{
    struct judging j = { .config = config, .how = how, .from = from, .client = client };
    take_path(from, path);
    for (size_t i = 0; i < from->count; i++) {
        if (ln__x509_read(path->certs[i], &j.certs[i]) == LN_OK)
            continue;
        set_result(path, LN_VERIFY_MALFORMED, 0, i);
        return;
    }
    if (usage_is_wrong(&j, path) || is_weak(&j, path) || is_revoked(&j, path) ||
        is_forged(&j, path) || is_out_of_date(&j, path))
        return;
    set_result(path, LN_VERIFY_OK, 0, 0);
}

/* ---- one path, by the library ---- */

static int collect(void *to, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
    struct mbed_path *path = to;
    if (depth < 0 || depth >= MBED_ITEMS_MAX)
        return MBEDTLS_ERR_X509_FATAL_ERROR;
    if (path->count == 0)
        path->count = (size_t)depth + 1;
    path->items[depth] = (struct mbed_item) { cert, *flags };
    *flags = 0;
    return 0;
}

/** Everything that one path needs while the library looks at it. */
struct run {
    struct mbed_config *config;
    mbedtls_x509_crt below; /**< leaf first, without the anchor */
    mbedtls_x509_crt anchor;
    struct mbed_path found;
};

static int load_run(struct run *r, const struct ln_span *certs, size_t count)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i + 1 < count; i++)
        error = mbedtls_x509_crt_parse_der_nocopy(&r->below, certs[i].data, certs[i].len);
    if (error == 0)
        error = mbedtls_x509_crt_parse_der_nocopy(&r->anchor, certs[count - 1].data,
                                                  certs[count - 1].len);
    return error;
}

static bool ends_at_anchor(const struct run *r)
{
    return r->found.count > 0 && r->found.items[r->found.count - 1].cert == &r->anchor;
}

static uint32_t flags_of(const struct mbed_path *path, const mbedtls_x509_crt *cert)
{
    for (size_t i = 0; i < path->count; i++)
        if (path->items[i].cert == cert)
            return path->items[i].flags;
    return 0;
}

/** The library did not get to the anchor. The path as it was searched, with its flags where it has
 *  some: judge() tells whether a purpose or a signature is the fault, and never that there is none. */
static void complete(struct run *r)
{
    struct mbed_path whole = { .count = 0 };
    uint32_t all = 0;
    for (mbedtls_x509_crt *cert = &r->below; cert != NULL; cert = cert->next) {
        whole.items[whole.count] = (struct mbed_item) { cert, flags_of(&r->found, cert) };
        all |= whole.items[whole.count++].flags;
    }
    if ((all & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0)
        whole.items[whole.count - 1].flags |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    whole.items[whole.count++].cert = &r->anchor;
    r->found = whole;
}

static enum ln_status verify_run(struct run *r)
{
    const mbedtls_x509_crl *crls = r->config->crl_count > 0 ? &r->config->crls : NULL;
    uint32_t flags = 0;
    int error = mbedtls_x509_crt_verify_with_profile(
        &r->below, &r->anchor, (mbedtls_x509_crl *)(uintptr_t)crls, mbed_profile(r->config), NULL,
        &flags, collect, &r->found);
    if (error != 0 && mbed_is_memory(error))
        return LN_NO_MEMORY;
    if (!ends_at_anchor(r))
        complete(r);
    return LN_OK;
}

/** The peer's own certificate is an anchor: nothing else vouches for it, and nothing has to. */
static void take_lonely(struct run *r)
{
    r->found.count = 1;
    r->found.items[0] = (struct mbed_item) { &r->anchor, 0 };
    if (!r->config->weak && key_is_weak(&r->anchor))
        r->found.items[0].flags = MBEDTLS_X509_BADCERT_BAD_KEY;
}

/** One verification: what the filter asks is answered from here. */
struct verifying {
    struct mbed_engine *engine;
    const struct ln_tls_path_request *how;
};

/** For the search: one path from the leaf to an anchor. The DER outlives it, as `out` does. */
static enum ln_status try_path(void *verifying, const struct ln_span *certs, size_t count,
                               struct ln_tls_path *out)
{
    const struct verifying *v = verifying;
    struct run r = { .config = v->engine->config };
    enum ln_status st = LN_OK;
    mbedtls_x509_crt_init(&r.below);
    mbedtls_x509_crt_init(&r.anchor);
    int error = load_run(&r, certs, count);
    if (error != 0 && mbed_is_memory(error))
        st = LN_NO_MEMORY;
    else if (error != 0)
        set_result(out, LN_VERIFY_MALFORMED, 0, 0);
    else if (count == 1)
        take_lonely(&r);
    else
        st = verify_run(&r);
    if (st == LN_OK && error == 0)
        judge(v->engine->config, v->how, v->engine->role == LN_SERVER, &r.found, out);
    mbedtls_x509_crt_free(&r.below);
    mbedtls_x509_crt_free(&r.anchor);
    return st;
}

/* ---- for the filter ---- */

/** Whether the library has found a path to an anchor in the handshake. */
static bool has_path(const struct mbed_path *path)
{
    for (size_t i = 0; i < path->count; i++)
        if ((path->items[i].flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
            return false;
    return path->count > 0;
}

static enum ln_status build(const struct ln_tls_chain *chain, const struct ln_tls_path_request *how,
                            struct ln_tls_path *path)
{
    struct verifying *v = chain->native;
    const struct mbed_config *c = v->engine->config;
    v->how = how;
    memset(path, 0, sizeof *path);
    if (how->anchors == NULL && has_path(v->engine->path)) {
        judge(c, how, chain->peer_is_client, v->engine->path, path);
        if (path->result == LN_VERIFY_OK)
            return LN_OK;
    }
    struct mbed_search search = { .sent = { .spans = chain->certs, .count = chain->count },
                                  .helpers = { .list = &c->helpers },
                                  .anchors = { .list = &c->anchors },
                                  .try_path = try_path,
                                  .ctx = v };
    if (how->anchors != NULL)
        search.anchors = (struct mbed_pool) { .spans = how->anchors, .count = how->anchor_count };
    return mbed_search(&search, path);
}

static const struct ln_tls_path_ops path_ops = { .build = build };

/** The alert that fits, as other libraries have it. */
static uint8_t alert_of(enum ln_verify verify)
{
    switch (verify) {
    case LN_VERIFY_UNTRUSTED:
    case LN_VERIFY_INCOMPLETE:
    case LN_VERIFY_CRL_BAD:
        return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    case LN_VERIFY_EXPIRED:
    case LN_VERIFY_CRL_EXPIRED:
        return MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED;
    case LN_VERIFY_REVOKED:
        return MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED;
    case LN_VERIFY_BAD_SIGNATURE:
        return MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR;
    case LN_VERIFY_BAD_USAGE:
        return MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT;
    case LN_VERIFY_UNWANTED:
        return MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
    case LN_VERIFY_NOT_YET_VALID:
    case LN_VERIFY_WRONG_NAME:
    case LN_VERIFY_WEAK:
    case LN_VERIFY_DANE:
    case LN_VERIFY_MALFORMED:
    case LN_VERIFY_NOT_DONE:
    case LN_VERIFY_OK:
        break;
    }
    return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
}

void mbed_say(struct mbed_engine *e, uint8_t alert)
{
    (void)mbedtls_ssl_send_alert_message(&e->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
    if (e->facts->alert_from == LN_ALERT_NONE) { /* it was encrypted */
        e->facts->alert_from = LN_ALERT_SENT;
        e->facts->alert_level = MBEDTLS_SSL_ALERT_LEVEL_FATAL;
        e->facts->alert_number = alert;
    }
    e->muted = true;
}

/** Say why, and end the handshake by an error that the library cannot overlook. Its own alert would
 *  always be access_denied, and the second one.
 *
 *  A server of TLS 1.3 cannot say it yet: the client reads with the keys of the data already, and the
 *  library writes with those of the handshake until that is over. engine.c says it then. */
static int deny(struct mbed_engine *e, enum ln_status st)
{
    uint8_t alert = st == LN_DENIED ? alert_of(e->facts->verify)
                                    : (uint8_t)MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    e->denied = st == LN_DENIED;
    if (e->role == LN_SERVER && e->facts->chosen_version == LN_TLS_1_3 && e->denied) {
        e->objection = alert;
        return 0;
    }
    mbed_say(e, alert);
    return st == LN_NO_MEMORY ? MBEDTLS_ERR_X509_ALLOC_FAILED : MBEDTLS_ERR_X509_FATAL_ERROR;
}

#define MSG_CERTIFICATE 11

static int decide(struct mbed_engine *e, const mbedtls_x509_crt *leaf)
{
    struct ln_span certs[LN_CHAIN_MAX];
    struct verifying v = { .engine = e };
    struct ln_tls_chain chain = {
        .certs = certs, .peer_is_client = e->role == LN_SERVER, .ops = &path_ops, .native = &v
    };
    enum ln_status st = LN_DENIED;
    const mbedtls_x509_crt *cert = leaf;
    e->facts->seen |= UINT64_C(1) << MSG_CERTIFICATE;
    for (; cert != NULL && chain.count < LN_CHAIN_MAX; cert = cert->next)
        certs[chain.count++] = ln_span(cert->raw.p, cert->raw.len);
    if (cert == NULL)
        st = e->io->verify(e->io->ctx, &chain);
    else
        e->facts->verify = LN_VERIFY_MALFORMED;
    e->vouched = st == LN_OK;
    return st == LN_OK ? 0 : deny(e, st);
}

/** Called by the library for each certificate of its path, the leaf last. */
int mbed_verify(void *engine, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
    struct mbed_engine *e = engine;
    if (e->path == NULL)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR; /* nobody is verified but in a handshake */
    int error = collect(e->path, cert, depth, flags);
    if (error != 0 || depth > 0)
        return error;
    error = decide(e, cert);
    memset(e->path, 0, sizeof *e->path);
    return error;
}

/* ---- who issued whom ---- */

/** The issuer as one that was sent: the flags of the first tell whether it signed, and the issuer's
 *  own standing does not matter. */
bool mbed_issued(struct ln_span cert, struct ln_span issuer)
{
    mbedtls_x509_crt chain;
    struct mbed_path found = { .count = 0 };
    struct ln_x509 child;
    struct ln_x509 parent;
    uint32_t flags = 0;
    if (ln__x509_read(cert, &child) != LN_OK || ln__x509_read(issuer, &parent) != LN_OK ||
        !mbed_may_have_issued(&parent, &child))
        return false;
    mbedtls_x509_crt_init(&chain);
    bool yes = mbedtls_x509_crt_parse_der_nocopy(&chain, cert.data, cert.len) == 0 &&
               mbedtls_x509_crt_parse_der_nocopy(&chain, issuer.data, issuer.len) == 0;
    if (yes)
        (void)mbedtls_x509_crt_verify_with_profile(&chain, NULL, NULL, &anything, NULL, &flags,
                                                   collect, &found);
    yes = yes && found.count == 2 && (found.items[0].flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0;
    mbedtls_x509_crt_free(&chain);
    return yes;
}
