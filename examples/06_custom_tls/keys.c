/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust anchors, CRLs, the own chain and its private key. Certificates and CRLs arrive as DER, a key
 * as DER or as one PEM block.
 */
#include "backend.h"

int gtls_certificate(struct ln_span der, gnutls_x509_crt_t *out)
{
    gnutls_datum_t datum = { (unsigned char *)(uintptr_t)der.data, (unsigned)der.len };
    gnutls_x509_crt_t crt = NULL;
    *out = NULL;
    int ret = gnutls_x509_crt_init(&crt);
    if (ret < 0)
        return ret;
    ret = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER);
    if (ret >= 0)
        *out = crt;
    else
        gnutls_x509_crt_deinit(crt);
    return ret;
}

/* ---- trust ---- */

static enum ln_status add(const struct ln_env *env, gnutls_x509_crt_t **list, size_t *count,
                          gnutls_x509_crt_t crt)
{
    gnutls_x509_crt_t *longer = ln_resize(env, *list, (*count + 1) * sizeof **list);
    if (longer == NULL) {
        gnutls_x509_crt_deinit(crt);
        return LN_NO_MEMORY;
    }
    longer[(*count)++] = crt;
    *list = longer;
    return LN_OK;
}

/* Takes the certificate. */
static enum ln_status add_trusted(struct gtls_config *c, bool partial_chain, gnutls_x509_crt_t crt)
{
    struct gtls_trust *t = &c->trust;
    bool anchor = partial_chain || gnutls_x509_crt_check_issuer(crt, crt) != 0;
    return anchor ? add(c->env, &t->anchors, &t->anchor_count, crt)
                  : add(c->env, &t->helpers, &t->helper_count, crt);
}

static enum ln_status add_given(struct gtls_config *c, const struct ln_tls_settings *s,
                                struct ln_diag *diag)
{
    for (size_t i = 0; i < s->trust_count; i++) {
        gnutls_x509_crt_t crt = NULL;
        int ret = gtls_certificate(s->trust[i], &crt);
        if (ret < 0)
            return gtls_config_fail(diag, LN_BAD_ARG, ret, "trust: a certificate cannot be read");
        if (add_trusted(c, s->partial_chain, crt) != LN_OK)
            return gtls_no_memory(diag);
    }
    return LN_OK;
}

static enum ln_status add_each(struct gtls_config *c, gnutls_x509_trust_list_t list)
{
    gnutls_x509_trust_list_iter_t iter = NULL;
    gnutls_x509_crt_t crt = NULL;
    enum ln_status st = LN_OK;
    while (st == LN_OK && gnutls_x509_trust_list_iter_get_ca(list, &iter, &crt) >= 0)
        st = add_trusted(c, false, crt);
    gnutls_x509_trust_list_iter_deinit(iter);
    return st;
}

/* The bundle that GnuTLS was built with; read once. */
static enum ln_status add_system(struct gtls_config *c, const struct ln_tls_settings *s,
                                 struct ln_diag *diag)
{
    gnutls_x509_trust_list_t list = NULL;
    int ret = gnutls_x509_trust_list_init(&list, 0);
    if (ret < 0)
        return gtls_config_fail(diag, LN_NO_MEMORY, ret, "system_trust");
    ret = gnutls_x509_trust_list_add_system_trust(list, 0, 0);
    enum ln_status st = add_each(c, list);
    gnutls_x509_trust_list_deinit(list, 1);
    if (st != LN_OK)
        return gtls_no_memory(diag);
    if (ret > 0 || s->trust_count > 0)
        return LN_OK;
    return gtls_config_fail(diag, LN_NOT_FOUND, ret < 0 ? ret : 0,
                            "system_trust: no CA certificates (Debian: package ca-certificates)");
}

static enum ln_status add_crl(struct gtls_trust *t, struct ln_span der, struct ln_diag *diag)
{
    gnutls_datum_t datum = { (unsigned char *)(uintptr_t)der.data, (unsigned)der.len };
    gnutls_x509_crl_t crl = NULL;
    if (gnutls_x509_crl_init(&crl) < 0)
        return gtls_no_memory(diag);
    int ret = gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_DER);
    if (ret < 0) {
        gnutls_x509_crl_deinit(crl);
        return gtls_config_fail(diag, LN_BAD_ARG, ret, "crls: a CRL cannot be read");
    }
    t->crls[t->crl_count++] = crl;
    return LN_OK;
}

/* 112 bits: no RSA below 2048, no SHA-1 signatures; where TLS 1.0 is allowed, anything goes. */
static unsigned strength(const struct ln_tls_settings *s)
{
    if (s->insecure_old_versions)
        return GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1;
    return GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
}

enum ln_status gtls_set_trust(struct gtls_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag)
{
    struct gtls_trust *t = &c->trust;
    t->crl_policy = s->crl_policy;
    /* time and CRLs are ours: GnuTLS knows no time but its own */
    t->flags = strength(s) | GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_CRL_CHECKS;
    enum ln_status st = add_given(c, s, diag);
    if (st == LN_OK && s->crl_count > 0) {
        t->crls = ln_calloc(c->env, s->crl_count, sizeof *t->crls);
        if (t->crls == NULL)
            return gtls_no_memory(diag);
    }
    for (size_t i = 0; st == LN_OK && i < s->crl_count; i++)
        st = add_crl(t, s->crls[i], diag);
    if (st == LN_OK && s->system_trust)
        st = add_system(c, s, diag);
    return st;
}

void gtls_free_trust(const struct ln_env *env, struct gtls_trust *trust)
{
    for (size_t i = 0; i < trust->anchor_count; i++)
        gnutls_x509_crt_deinit(trust->anchors[i]);
    for (size_t i = 0; i < trust->helper_count; i++)
        gnutls_x509_crt_deinit(trust->helpers[i]);
    for (size_t i = 0; i < trust->crl_count; i++)
        gnutls_x509_crl_deinit(trust->crls[i]);
    ln_free(env, trust->anchors);
    ln_free(env, trust->helpers);
    ln_free(env, trust->crls);
}

/* ---- the own chain and key ---- */

static bool is_encrypted(const struct ln_tls_key *key)
{
    gnutls_datum_t data = { (unsigned char *)(uintptr_t)key->data.data, (unsigned)key->data.len };
    gnutls_x509_crt_fmt_t format = key->pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER;
    char *oid = NULL;
    int ret = gnutls_pkcs8_info(&data, format, NULL, NULL, NULL, NULL, NULL, &oid);
    gnutls_free(oid);
    if (ret >= 0 || ret == GNUTLS_E_UNKNOWN_CIPHER_TYPE)
        return true;
    static const char legacy[] = "Proc-Type: 4,ENCRYPTED"; /* RFC 1421 4.6.1.1 */
    for (size_t i = 0; key->pem && i + sizeof legacy - 1 <= key->data.len; i++) {
        if (memcmp(key->data.data + i, legacy, sizeof legacy - 1) == 0)
            return true;
    }
    return false;
}

static enum ln_status load_key(const struct ln_tls_key *key, gnutls_x509_privkey_t *out,
                               struct ln_diag *diag)
{
    gnutls_datum_t data = { (unsigned char *)(uintptr_t)key->data.data, (unsigned)key->data.len };
    int ret = gnutls_x509_privkey_init(out);
    if (ret < 0)
        return gtls_no_memory(diag);
    bool encrypted = is_encrypted(key);
    if (encrypted && key->password == NULL)
        return gtls_config_fail(diag, LN_DENIED, 0, "key: is encrypted, and no password was given");
    ret = gnutls_x509_privkey_import2(*out, &data,
                                      key->pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER,
                                      encrypted ? key->password : NULL, 0);
    if (ret >= 0)
        return LN_OK;
    if (encrypted)
        return gtls_config_fail(diag, LN_DENIED, ret, "key: the password is wrong");
    return gtls_config_fail(diag, LN_BAD_ARG, ret, "key: cannot be read as a private key");
}

static enum ln_status use(struct gtls_config *c, gnutls_x509_crt_t *chain, size_t count,
                          const struct ln_tls_settings *s, struct ln_diag *diag)
{
    gnutls_x509_privkey_t key = NULL;
    enum ln_status st = load_key(&s->key, &key, diag);
    int ret = 0;
    if (st == LN_OK)
        ret = gnutls_certificate_set_x509_key(c->certificates, chain, (int)count, key);
    if (key != NULL)
        gnutls_x509_privkey_deinit(key);
    if (ret == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return gtls_config_fail(diag, LN_BAD_ARG, ret,
                                "key: does not belong to the first certificate of chain");
    if (ret < 0)
        return gtls_config_fail(diag, LN_BAD_ARG, ret, "chain, key");
    return st;
}

enum ln_status gtls_set_own(struct gtls_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag)
{
    gnutls_x509_crt_t chain[LN_CHAIN_MAX];
    size_t count = 0;
    if (s->chain_uri != NULL)
        return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                "chain: this back end has no tokens (pkcs11:)");
    if (s->key.uri != NULL)
        return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                "key: this back end has no tokens (pkcs11:)");
    if (s->chain_count == 0)
        return LN_OK;
    int ret = 0;
    while (ret >= 0 && count < s->chain_count && count < LN_CHAIN_MAX) {
        ret = gtls_certificate(s->chain[count], &chain[count]);
        count += ret >= 0 ? 1 : 0;
    }
    enum ln_status st = LN_OK;
    if (ret < 0)
        st = gtls_config_fail(diag, LN_BAD_ARG, ret, "chain: a certificate cannot be read");
    else
        st = use(c, chain, count, s, diag);
    for (size_t i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return st;
}
