/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file psk.c
 * Pre-shared keys, both roles: TLS 1.2 and DTLS 1.2 (RFC 4279), TLS 1.3 (RFC 8446 4.2.11).
 *
 * In TLS 1.3 the key is bound to a hash: it is wrapped into a session whose suite carries that hash.
 * Each handshake gets a copy of its own, since OpenSSL writes into the session it uses.
 */
#include "openssl.h"
#include <openssl/err.h>
#include <string.h>

static const struct ossl_config *config_of(const SSL *ssl)
{
    const struct ossl_engine *e = SSL_get_app_data(ssl);
    return e->config;
}

static unsigned int client_1_2(SSL *ssl, const char *hint, char *identity,
                               unsigned int identity_max, unsigned char *key, unsigned int key_max)
{
    const struct ossl_config *c = config_of(ssl);
    (void)hint; /* RFC 4279 5.2 lets us ignore it */
    if (c->psk_identity_len >= identity_max || c->psk_key_len > key_max)
        return 0;
    memcpy(identity, c->psk_identity, c->psk_identity_len + 1);
    memcpy(key, c->psk_key, c->psk_key_len);
    return (unsigned int)c->psk_key_len;
}

static bool is_ours(const struct ossl_config *c, const void *identity, size_t len)
{
    return len == c->psk_identity_len && memcmp(identity, c->psk_identity, len) == 0;
}

static unsigned int server_1_2(SSL *ssl, const char *identity, unsigned char *key,
                               unsigned int key_max)
{
    const struct ossl_config *c = config_of(ssl);
    if (identity == NULL || !is_ours(c, identity, strlen(identity)) || c->psk_key_len > key_max)
        return 0;
    memcpy(key, c->psk_key, c->psk_key_len);
    return (unsigned int)c->psk_key_len;
}

static int client_1_3(SSL *ssl, const EVP_MD *md, const unsigned char **identity, size_t *len,
                      SSL_SESSION **session)
{
    const struct ossl_config *c = config_of(ssl);
    (void)md; /* the hash fits: only suites of the key's own are offered */
    *session = NULL;
    if (c->psk_session == NULL)
        return 1;
    *session = SSL_SESSION_dup(c->psk_session);
    if (*session == NULL)
        return 0;
    *identity = (const unsigned char *)c->psk_identity;
    *len = c->psk_identity_len;
    return 1;
}

static int server_1_3(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **session)
{
    struct ossl_engine *e = SSL_get_app_data(ssl);
    const struct ossl_config *c = e->config;
    *session = NULL;
    if (c->psk_session == NULL || !is_ours(c, identity, len))
        return 1; /* not ours: perhaps a ticket */
    *session = SSL_SESSION_dup(c->psk_session);
    e->psk_found = true;
    return *session != NULL;
}

/* OpenSSL makes copies of the session as it goes; the mark goes with them. */
static const unsigned char psk_mark[] = { 'p', 's', 'k' };

bool ossl_is_external_psk(const SSL_SESSION *session)
{
    void *mark = NULL;
    size_t len = 0;
    /* the function only reads, and takes no const */
    SSL_SESSION *readable = (SSL_SESSION *)(uintptr_t)session;
    return session != NULL && SSL_SESSION_get0_ticket_appdata(readable, &mark, &len) &&
           len == sizeof psk_mark && memcmp(mark, psk_mark, len) == 0;
}

void ossl_forget_external_psk(SSL_SESSION *session)
{
    if (ossl_is_external_psk(session))
        (void)SSL_SESSION_set1_ticket_appdata(session, NULL, 0);
}

/** The suite whose hash the key is bound to. */
static const SSL_CIPHER *suite_of(SSL *ssl, enum ln_hash hash)
{
    static const unsigned char sha256[2] = { 0x13, 0x01 }; /* TLS_AES_128_GCM_SHA256 */
    static const unsigned char sha384[2] = { 0x13, 0x02 }; /* TLS_AES_256_GCM_SHA384 */
    return SSL_CIPHER_find(ssl, hash == LN_SHA384 ? sha384 : sha256);
}

/** OpenSSL lets sessions end after five minutes, and a key is none: 68 years. */
#define PSK_TIMEOUT_S 0x7fffffff

static SSL_SESSION *session_for(const struct ossl_config *c, enum ln_hash hash)
{
    SSL *ssl = SSL_new(c->ctx);
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *suite = ssl != NULL ? suite_of(ssl, hash) : NULL;
    bool ok = session != NULL && suite != NULL &&
              SSL_SESSION_set1_master_key(session, c->psk_key, c->psk_key_len) &&
              SSL_SESSION_set_cipher(session, suite) &&
              SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) &&
              SSL_SESSION_set_timeout(session, PSK_TIMEOUT_S) &&
              SSL_SESSION_set1_ticket_appdata(session, psk_mark, sizeof psk_mark) &&
              SSL_SESSION_set1_id_context(session, ossl_session_context, OSSL_SESSION_CONTEXT_LEN);
    SSL_free(ssl);
    if (ok)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

enum ln_status ossl_set_psk(struct ossl_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag)
{
    if (s->auth != LN_AUTH_PSK)
        return LN_OK;
    if (memchr(s->psk_identity.data, 0, s->psk_identity.len) != NULL)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "psk_identity: a NUL byte inside is not possible with OpenSSL");
    c->psk_identity = ln_calloc(c->env, s->psk_identity.len + 1, 1);
    c->psk_key = ln_calloc(c->env, s->psk_key.len, 1);
    if (c->psk_identity == NULL || c->psk_key == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for the pre-shared key");
    memcpy(c->psk_identity, s->psk_identity.data, s->psk_identity.len);
    memcpy(c->psk_key, s->psk_key.data, s->psk_key.len);
    c->psk_identity_len = s->psk_identity.len;
    c->psk_key_len = s->psk_key.len;
    SSL_CTX_set_psk_client_callback(c->ctx, client_1_2);
    SSL_CTX_set_psk_server_callback(c->ctx, server_1_2);
    if (s->datagram || s->max_version < LN_TLS_1_3)
        return LN_OK;
    c->psk_session = session_for(c, s->psk_hash);
    if (c->psk_session == NULL)
        return ossl_config_fail(diag, LN_UNSUPPORTED, "psk_key: TLS 1.3 cannot use it");
    SSL_CTX_set_psk_use_session_callback(c->ctx, client_1_3);
    SSL_CTX_set_psk_find_session_callback(c->ctx, server_1_3);
    SSL_CTX_set_options(c->ctx,
                        SSL_OP_ALLOW_NO_DHE_KEX); /* psk_ke too: small servers have no DHE */
    return LN_OK;
}
