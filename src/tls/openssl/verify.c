/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file verify.c
 * Hands the peer's certificates to the filter, and builds paths for its policy.
 *
 * Whether a peer is accepted is decided in src/tls/verify.c, once for all libraries. OpenSSL brings
 * what a library must: path building, signatures, purposes, dates, CRLs and the security level.
 */
#include "openssl.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static const struct {
    int native;
    enum ln_verify verify;
} results[] = {
    { X509_V_OK, LN_VERIFY_OK },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, LN_VERIFY_INCOMPLETE },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_CERT_UNTRUSTED, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_CERT_REJECTED, LN_VERIFY_UNTRUSTED },
    { X509_V_ERR_CERT_HAS_EXPIRED, LN_VERIFY_EXPIRED },
    { X509_V_ERR_CERT_NOT_YET_VALID, LN_VERIFY_NOT_YET_VALID },
    { X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, LN_VERIFY_MALFORMED },
    { X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, LN_VERIFY_MALFORMED },
    { X509_V_ERR_HOSTNAME_MISMATCH, LN_VERIFY_WRONG_NAME },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, LN_VERIFY_WRONG_NAME },
    { X509_V_ERR_CERT_REVOKED, LN_VERIFY_REVOKED },
    { X509_V_ERR_CRL_HAS_EXPIRED, LN_VERIFY_CRL_EXPIRED },
    { X509_V_ERR_CRL_NOT_YET_VALID, LN_VERIFY_CRL_EXPIRED },
    { X509_V_ERR_UNABLE_TO_GET_CRL, LN_VERIFY_CRL_BAD },
    { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, LN_VERIFY_CRL_BAD },
    { X509_V_ERR_CRL_SIGNATURE_FAILURE, LN_VERIFY_CRL_BAD },
    { X509_V_ERR_CRL_PATH_VALIDATION_ERROR, LN_VERIFY_CRL_BAD },
    { X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, LN_VERIFY_CRL_BAD },
    { X509_V_ERR_EE_KEY_TOO_SMALL, LN_VERIFY_WEAK },
    { X509_V_ERR_CA_KEY_TOO_SMALL, LN_VERIFY_WEAK },
    { X509_V_ERR_CA_MD_TOO_WEAK, LN_VERIFY_WEAK },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, LN_VERIFY_BAD_SIGNATURE },
    { X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, LN_VERIFY_BAD_SIGNATURE },
    { X509_V_ERR_INVALID_CA, LN_VERIFY_BAD_USAGE },
    { X509_V_ERR_INVALID_PURPOSE, LN_VERIFY_BAD_USAGE },
    { X509_V_ERR_PATH_LENGTH_EXCEEDED, LN_VERIFY_BAD_USAGE },
    { X509_V_ERR_KEYUSAGE_NO_CERTSIGN, LN_VERIFY_BAD_USAGE },
    { X509_V_ERR_INVALID_EXTENSION, LN_VERIFY_MALFORMED },
    { X509_V_ERR_DANE_NO_MATCH, LN_VERIFY_DANE },
};

static enum ln_verify verify_of(int native)
{
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i].native == native)
            return results[i].verify;
    return LN_VERIFY_UNTRUSTED;
}

/** The code that makes OpenSSL send the alert that fits. */
static int native_of(enum ln_verify verify)
{
    if (verify == LN_VERIFY_UNWANTED)
        return X509_V_ERR_APPLICATION_VERIFICATION; /* handshake_failure */
    for (size_t i = 1; i < sizeof results / sizeof *results; i++)
        if (results[i].verify == verify)
            return results[i].native;
    return X509_V_ERR_UNSPECIFIED;
}

X509 *ossl_x509(struct ln_span der)
{
    const unsigned char *p = der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);
    if (cert != NULL && p != der.data + der.len) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

bool ossl_issued(struct ln_span cert, struct ln_span issuer)
{
    X509 *child = ossl_x509(cert);
    X509 *parent = ossl_x509(issuer);
    EVP_PKEY *key = parent != NULL ? X509_get0_pubkey(parent) : NULL;
    bool yes = child != NULL && key != NULL && X509_check_issued(parent, child) == X509_V_OK &&
               X509_verify(child, key) == 1;
    X509_free(child);
    X509_free(parent);
    ERR_clear_error();
    return yes;
}

/* ---- paths ---- */

/** DER of certificates, with one owner. Room for what was sent, for one path to the configured trust,
 *  and for the anchor of each TLSA record. */
struct der_set {
    size_t count;
    unsigned char *der[2 * LN_CHAIN_MAX + 1 + LN_TLSA_MAX];
};

struct verifying {
    struct ossl_config *config;
    X509_STORE_CTX *handed; /**< as SSL made it */
    const struct ln_tls_chain *chain;
    struct der_set owned;
};

/** DER that lives until the verification ends; an empty span without memory. */
static struct ln_span der_of(struct verifying *v, const X509 *cert)
{
    if (v->owned.count == sizeof v->owned.der / sizeof *v->owned.der)
        return ln_span(NULL, 0);
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len <= 0)
        return ln_span(NULL, 0);
    v->owned.der[v->owned.count++] = der;
    return ln_span(der, (size_t)len);
}

static int if_present(int ok, X509_STORE_CTX *sc)
{
    return ok || X509_STORE_CTX_get_error(sc) == X509_V_ERR_UNABLE_TO_GET_CRL;
}

static void set_policy(const struct ossl_config *c, X509_STORE_CTX *sc,
                       const struct ln_tls_path_request *how)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(sc);
    unsigned long flags = X509_V_FLAG_TRUSTED_FIRST;
    if (how->anchors != NULL || c->partial_chain)
        flags |= X509_V_FLAG_PARTIAL_CHAIN;
    if (c->has_crls || c->crl_policy == LN_CRL_ALL)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    if (how->ignore_dates)
        flags |= X509_V_FLAG_NO_CHECK_TIME;
    X509_VERIFY_PARAM_set_flags(param, flags);
    X509_VERIFY_PARAM_set_time(param, (time_t)how->at);
    if (c->crl_policy == LN_CRL_IF_PRESENT)
        X509_STORE_CTX_set_verify_cb(sc, if_present);
}

static STACK_OF(X509) * stack_of(const struct ln_span *certs, size_t count)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    for (size_t i = 0; stack != NULL && i < count; i++) {
        X509 *cert = ossl_x509(certs[i]);
        if (cert == NULL || !sk_X509_push(stack, cert)) {
            X509_free(cert);
            sk_X509_pop_free(stack, X509_free);
            return NULL;
        }
    }
    return stack;
}

/** What was sent is there already, however many paths it is part of. */
static struct ln_span der_in_path(struct verifying *v, const X509 *cert)
{
    const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(v->handed);
    for (size_t i = 0; i < v->chain->count; i++)
        if (sk_X509_value(sent, (int)i) == cert)
            return v->chain->certs[i];
    return der_of(v, cert);
}

static void take_path(struct verifying *v, X509_STORE_CTX *sc, struct ln_tls_path *path)
{
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(sc);
    int count = chain != NULL ? sk_X509_num(chain) : 0;
    path->count = 0;
    for (int i = 0; i < count && path->count <= LN_CHAIN_MAX; i++) {
        struct ln_span der = der_in_path(v, sk_X509_value(chain, i));
        if (der.len == 0)
            return;
        path->certs[path->count++] = der;
    }
    path->built = path->count > 0 && path->count == (size_t)count;
}

/** A leaf alone whose issuer is not known: more likely its intermediate was not sent. */
static enum ln_verify judge(int native, int depth, const struct ln_tls_chain *chain)
{
    enum ln_verify result = verify_of(native);
    bool unknown = native == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                   native == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    return unknown && depth == 0 && chain->count == 1 ? LN_VERIFY_INCOMPLETE : result;
}

static bool no_issuer(int native)
{
    return native == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           native == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           native == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
           native == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

static enum ln_status run(struct verifying *v, X509_STORE_CTX *sc,
                          const struct ln_tls_path_request *how, STACK_OF(X509) * sent,
                          STACK_OF(X509) * anchors)
{
    X509_STORE *store = SSL_CTX_get_cert_store(v->config->ctx);
    if (!X509_STORE_CTX_init(sc, store, X509_STORE_CTX_get0_cert(v->handed), sent) ||
        !X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(sc),
                                X509_STORE_CTX_get0_param(v->handed)))
        return LN_NO_MEMORY;
    if (anchors != NULL)
        X509_STORE_CTX_set0_trusted_stack(sc, anchors);
    set_policy(v->config, sc, how);
    int ok = X509_verify_cert(sc);
    if (ok == 1) /* a missing CRL that was tolerated leaves its code behind */
        X509_STORE_CTX_set_error(sc, X509_V_OK);
    return ok < 0 || X509_STORE_CTX_get_error(sc) == X509_V_ERR_OUT_OF_MEM ? LN_NO_MEMORY : LN_OK;
}

/** OpenSSL follows the first issuer that fits and never turns back. Where the path ended at an issuer
 *  nobody knows, and the peer sent another certificate of the same CA (cross-signing), take the dead
 *  end away. Each turn removes a certificate. */
static bool turn_back(X509_STORE_CTX *sc, STACK_OF(X509) * sent)
{
    const STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(sc);
    if (!no_issuer(X509_STORE_CTX_get_error(sc)) || path == NULL)
        return false;
    for (int depth = sk_X509_num(path) - 1; depth > 0; depth--) {
        const X509 *end = sk_X509_value(path, depth);
        int at = -1;
        bool another = false;
        for (int i = 1; i < sk_X509_num(sent); i++) { /* 0 is the leaf */
            const X509 *cert = sk_X509_value(sent, i);
            if (cert == end)
                at = i;
            else if (X509_NAME_cmp(X509_get_subject_name(cert), X509_get_subject_name(end)) == 0)
                another = true;
        }
        if (at >= 0 && another) {
            (void)sk_X509_delete(sent, at); /* borrowed: nothing to free */
            return true;
        }
    }
    return false;
}

static enum ln_status build_with(struct verifying *v, const struct ln_tls_chain *chain,
                                 const struct ln_tls_path_request *how, STACK_OF(X509) * anchors,
                                 struct ln_tls_path *path)
{
    X509_STORE_CTX *sc = X509_STORE_CTX_new();
    STACK_OF(X509) *sent = sk_X509_dup(X509_STORE_CTX_get0_untrusted(v->handed));
    enum ln_status st = LN_NO_MEMORY;
    if (sc != NULL && sent != NULL)
        st = run(v, sc, how, sent, anchors);
    while (st == LN_OK && turn_back(sc, sent)) {
        X509_STORE_CTX_cleanup(sc);
        st = run(v, sc, how, sent, anchors);
    }
    if (st == LN_OK) {
        path->native = X509_STORE_CTX_get_error(sc);
        path->depth = X509_STORE_CTX_get_error_depth(sc);
        path->result = judge(path->native, path->depth, chain);
        take_path(v, sc, path);
    }
    X509_STORE_CTX_free(sc);
    sk_X509_free(sent);
    return st;
}

static enum ln_status build(const struct ln_tls_chain *chain, const struct ln_tls_path_request *how,
                            struct ln_tls_path *path)
{
    struct verifying *v = chain->native;
    STACK_OF(X509) *anchors = NULL;
    memset(path, 0, sizeof *path);
    if (how->anchors != NULL) {
        anchors = stack_of(how->anchors, how->anchor_count);
        if (anchors == NULL)
            return LN_NO_MEMORY;
    }
    enum ln_status st = build_with(v, chain, how, anchors, path);
    sk_X509_pop_free(anchors, X509_free);
    ERR_clear_error();
    return st;
}

static const struct ln_tls_path_ops path_ops = { .build = build };

static bool collect(struct verifying *v, struct ln_span *certs, size_t *count)
{
    const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(v->handed);
    int n = sent != NULL ? sk_X509_num(sent) : 0;
    *count = 0;
    if (n < 1 || n > LN_CHAIN_MAX)
        return false;
    for (int i = 0; i < n; i++) {
        certs[i] = der_of(v, sk_X509_value(sent, i));
        if (certs[i].len == 0)
            return false;
    }
    *count = (size_t)n;
    return true;
}

int ossl_verify(X509_STORE_CTX *store_ctx, void *config)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct ossl_engine *e = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
    struct verifying v = { .config = config, .handed = store_ctx };
    struct ln_span certs[LN_CHAIN_MAX];
    struct ln_tls_chain chain = { .certs = certs, .ops = &path_ops, .native = &v };
    v.chain = &chain;
    enum ln_status st = LN_NO_MEMORY;
    if (e == NULL)
        return 0;
    chain.peer_is_client = SSL_is_server(ssl) != 0;
    if (collect(&v, certs, &chain.count))
        st = e->io->verify(e->io->ctx, &chain);
    else
        e->facts->verify = LN_VERIFY_MALFORMED;
    for (size_t i = 0; i < v.owned.count; i++)
        OPENSSL_free(v.owned.der[i]);
    int native = e->facts->verify_native;
    if (st != LN_OK)
        native = native != X509_V_OK ? native : native_of(e->facts->verify);
    X509_STORE_CTX_set_error(store_ctx, st == LN_OK ? X509_V_OK : native);
    ERR_clear_error();
    return st == LN_OK;
}
