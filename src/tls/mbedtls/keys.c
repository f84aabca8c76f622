/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keys.c
 * Trust anchors, CRLs, the own chain and its private key.
 *
 * Certificates and CRLs arrive as DER; a key as DER or as one PEM block, told apart before. The
 * library takes every certificate of its list for an anchor, so those that are none are kept in a
 * list of their own.
 */
#include "codec/der.h"
#include "codec/x509.h"
#include "mbedtls.h"
#include <string.h>

/** Whether it is a key or signature of which this library has no notion, rather than a fault. */
static bool is_foreign(int error)
{
    static const int codes[] = { MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG, MBEDTLS_ERR_PK_UNKNOWN_PK_ALG,
                                 MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE,
                                 MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (mbed_high(error) == codes[i])
            return true;
    return false;
}

static enum ln_status certificate_fail(struct ln_diag *diag, int error, bool trust)
{
    if (is_foreign(error))
        return mbed_config_fail(diag, LN_UNSUPPORTED, error,
                                trust
                                    ? "trust: a certificate of a kind that Mbed TLS does not have"
                                    : "chain: a certificate of a kind that Mbed TLS does not have");
    return mbed_config_fail(diag, LN_BAD_ARG, error,
                            trust ? "trust: a certificate cannot be read"
                                  : "chain: a certificate cannot be read");
}

/* ---- trust ---- */

static bool is_anchor(const struct mbed_config *c, struct ln_span der)
{
    struct ln_x509 cert;
    return c->partial_chain || (ln__x509_read(der, &cert) == LN_OK && cert.self_issued);
}

/** @param optional  of a system's bundle: one that the library cannot read is left out */
static enum ln_status add_trusted(struct mbed_config *c, struct ln_span der, bool optional,
                                  struct ln_diag *diag)
{
    mbedtls_x509_crt *list = is_anchor(c, der) ? &c->anchors : &c->helpers;
    int error = mbedtls_x509_crt_parse_der(list, der.data, der.len);
    if (error == 0 || (optional && !mbed_is_memory(error)))
        return LN_OK;
    return certificate_fail(diag, error, true);
}

static enum ln_status add_crl(struct mbed_config *c, struct ln_span der, struct ln_diag *diag)
{
    int error = mbedtls_x509_crl_parse_der(&c->crls, der.data, der.len);
    if (error != 0)
        return mbed_config_fail(diag, LN_BAD_ARG, error, "crls: a CRL cannot be read");
    return LN_OK;
}

static enum ln_status note_dates(struct mbed_config *c, size_t count, struct ln_diag *diag)
{
    c->crl_dates = ln_calloc(c->env, count > 0 ? count : 1, sizeof *c->crl_dates);
    if (c->crl_dates == NULL)
        return mbed_config_fail(diag, LN_NO_MEMORY, 0, "crls: no memory");
    for (const mbedtls_x509_crl *crl = &c->crls; crl != NULL && c->crl_count < count;
         crl = crl->next) {
        struct ln_crl read;
        if (ln__x509_crl_read(ln_span(crl->raw.p, crl->raw.len), &read) != LN_OK)
            return mbed_config_fail(diag, LN_BAD_ARG, 0, "crls: a CRL cannot be read");
        c->crl_dates[c->crl_count++] = (struct mbed_crl) { read.issuer, read.this_update,
                                                           read.has_next_update, read.next_update };
    }
    return LN_OK;
}

enum ln_status mbed_set_trust(struct mbed_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag)
{
    enum ln_status st = LN_OK;
    size_t optional_from = s->trust_count - s->trust_optional;
    for (size_t i = 0; st == LN_OK && i < s->trust_count; i++)
        st = add_trusted(c, s->trust[i], i >= optional_from, diag);
    for (size_t i = 0; st == LN_OK && i < s->crl_count; i++)
        st = add_crl(c, s->crls[i], diag);
    return st == LN_OK ? note_dates(c, s->crl_count, diag) : st;
}

/* ---- the private key ---- */

/** The library wants PEM with its NUL. */
static int parse_key(struct mbed_config *c, const struct ln_tls_key *key)
{
    size_t size = key->data.len + 1;
    uint8_t *text = ln_calloc(c->env, size, 1);
    const char *password = key->password;
    if (text == NULL)
        return MBEDTLS_ERR_PK_ALLOC_FAILED;
    memcpy(text, key->data.data, key->data.len);
    int error = mbedtls_pk_parse_key(
        &c->key, text, key->pem ? size : size - 1, (const unsigned char *)password,
        password != NULL ? strlen(password) : 0, mbed_random, (void *)(uintptr_t)c->env);
    ln_free_secret(c->env, text, size);
    return error;
}

/** Words with a byte that is not of base64 stand in no key's body. */
static bool says(struct ln_span pem, const char *words)
{
    size_t len = strlen(words);
    for (size_t i = 0; i + len <= pem.len; i++) {
        if (memcmp(pem.data + i, words, len) == 0)
            return true;
    }
    return false;
}

/** EncryptedPrivateKeyInfo (RFC 5958 3) begins with an algorithm where every other key has a version.
 *  In PEM its label says so (RFC 7468 11), or a header of the older form (RFC 1421 4.6.1.1). */
static bool is_encrypted(const struct ln_tls_key *key)
{
    struct ln_cursor in = ln__cursor(key->data);
    struct ln_cursor inside;
    struct ln_der first;
    if (key->pem)
        return says(key->data, "BEGIN ENCRYPTED PRIVATE KEY") || says(key->data, "4,ENCRYPTED");
    return ln__der_enter(&in, LN_DER_SEQUENCE, &inside) == LN_OK &&
           ln__der_read(&inside, &first) == LN_OK && first.tag == LN_DER_SEQUENCE;
}

static enum ln_status load_key(struct mbed_config *c, const struct ln_tls_key *key,
                               struct ln_diag *diag)
{
    int error = parse_key(c, key);
    if (error == 0)
        return LN_OK;
    if (error == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || (key->password == NULL && is_encrypted(key)))
        return mbed_config_fail(diag, LN_DENIED, error,
                                "key: is encrypted, and no password was given");
    if (error == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        return mbed_config_fail(diag, LN_DENIED, error, "key: the password is wrong");
    if (is_foreign(error))
        return mbed_config_fail(diag, LN_UNSUPPORTED, error,
                                "key: of a kind that Mbed TLS does not have");
    if (is_encrypted(key) &&
        !mbed_is_memory(error)) /* the wrong password can leave a right padding */
        return mbed_config_fail(diag, LN_DENIED, error, "key: the password is wrong");
    return mbed_config_fail(diag, LN_BAD_ARG, error, "key: cannot be read as a private key");
}

/* ---- the own chain ---- */

/** Message header, lengths, and in TLS 1.3 a context and no extensions for each (RFC 8446 4.4.2). */
#define CERTIFICATE_MESSAGE 8
#define CERTIFICATE_ENTRY 5

/** The library writes a handshake message into the buffer of one record. */
static enum ln_status check_length(const struct ln_tls_settings *s, struct ln_diag *diag)
{
    size_t len = CERTIFICATE_MESSAGE;
    for (size_t i = 0; i < s->chain_count; i++)
        len += s->chain[i].len + CERTIFICATE_ENTRY;
    if (len <= MBEDTLS_SSL_OUT_CONTENT_LEN)
        return LN_OK;
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "chain: %zu bytes, and this Mbed TLS sends %u at most "
                       "(MBEDTLS_SSL_OUT_CONTENT_LEN)",
                       len, (unsigned)MBEDTLS_SSL_OUT_CONTENT_LEN);
}

enum ln_status mbed_set_own(struct mbed_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag)
{
    if (s->chain_count == 0)
        return LN_OK;
    enum ln_status st = check_length(s, diag);
    if (st == LN_OK)
        st = load_key(c, &s->key, diag);
    if (st != LN_OK)
        return st;
    for (size_t i = 0; i < s->chain_count; i++) {
        int error = mbedtls_x509_crt_parse_der(&c->chain, s->chain[i].data, s->chain[i].len);
        if (error != 0)
            return certificate_fail(diag, error, false);
    }
    int error =
        mbedtls_pk_check_pair(&c->chain.pk, &c->key, mbed_random, (void *)(uintptr_t)c->env);
    if (error != 0)
        return mbed_config_fail(diag, LN_BAD_ARG, error,
                                "key: does not belong to the first certificate of chain");
    c->has_chain = true;
    return LN_OK;
}
