/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer's certificates go to the filter, which decides; path.c builds what it asks for.
 */
#include "backend.h"

static enum ln_status import_sent(struct gtls_verifying *v, const gnutls_datum_t *certs,
                                  unsigned count, struct ln_span *ders)
{
    for (unsigned i = 0; i < count; i++) {
        struct gtls_cert *cert = &v->sent[v->sent_count++];
        ders[i] = ln_span(certs[i].data, certs[i].size);
        cert->der = ders[i];
        /* what GnuTLS cannot read is no part of a path, but may still match a record of DANE */
        if (gtls_certificate(ders[i], &cert->crt) == GNUTLS_E_MEMORY_ERROR)
            return LN_NO_MEMORY;
    }
    return LN_OK;
}

static void release(struct gtls_verifying *v)
{
    for (size_t i = 0; i < v->sent_count; i++) {
        if (v->sent[i].crt != NULL)
            gnutls_x509_crt_deinit(v->sent[i].crt);
    }
    for (size_t i = 0; i < v->exported_count; i++)
        gnutls_free(v->exported[i].data);
}

int gtls_verify(gnutls_session_t session)
{
    static const struct ln_tls_path_ops ops = { .build = gtls_build };
    struct gtls_engine *e = gnutls_session_get_ptr(session);
    struct gtls_verifying v = { .trust = &e->config->trust };
    struct ln_span ders[LN_CHAIN_MAX];
    unsigned count = 0;
    const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &count);
    if (e->role == LN_SERVER && (certs == NULL || count == 0))
        return 0; /* none came: whether that is enough GnuTLS was told before */
    if (certs == NULL || count == 0 || count > LN_CHAIN_MAX) {
        e->facts->verify = LN_VERIFY_MALFORMED;
        e->facts->reason = LN_TLS_REASON_VERIFY;
        return GNUTLS_E_CERTIFICATE_ERROR;
    }
    v.peer_is_client = e->role == LN_SERVER;
    struct ln_tls_chain chain = {
        .certs = ders, .count = count, .ops = &ops, .native = &v, .peer_is_client = v.peer_is_client
    };
    enum ln_status st = import_sent(&v, certs, count, ders);
    if (st == LN_OK)
        st = e->io->verify(e->io->ctx, &chain);
    else
        e->facts->reason = LN_TLS_REASON_MEMORY;
    release(&v);
    return st == LN_OK ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

bool gtls_issued(struct ln_span cert, struct ln_span issuer)
{
    /* the signature, and nothing that a policy might add */
    const unsigned flags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_CRL_CHECKS |
                           GNUTLS_VERIFY_DISABLE_CA_SIGN | GNUTLS_VERIFY_DO_NOT_ALLOW_SAME |
                           GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1 |
                           GNUTLS_VERIFY_IGNORE_UNKNOWN_CRIT_EXTENSIONS;
    gnutls_x509_crt_t child = NULL;
    gnutls_x509_crt_t parent = NULL;
    unsigned status = GNUTLS_CERT_INVALID;
    bool yes = gtls_certificate(cert, &child) >= 0 && gtls_certificate(issuer, &parent) >= 0 &&
               gnutls_x509_crt_check_issuer(child, parent) &&
               gnutls_x509_crt_verify(child, &parent, 1, flags, &status) >= 0 && status == 0;
    if (child != NULL)
        gnutls_x509_crt_deinit(child);
    if (parent != NULL)
        gnutls_x509_crt_deinit(parent);
    return yes;
}
