/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.c
 * Settings -> one SSL_CTX that serves every socket of a configuration.
 *
 * Nothing is left to OpenSSL's defaults that a distribution could change under us: versions,
 * security level, suites, groups, verification and session caching are all set.
 */
#include "openssl.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <string.h>

/** 112 bits: no RSA below 2048, no SHA-1 signatures. Level 0 is what TLS 1.0 and 1.1 need. */
#define LEVEL_STRICT 2
#define LEVEL_OLD 0

/* ---- callbacks that only report ---- */

static void on_alert(struct ln_tls_facts *facts, bool sent, const uint8_t alert[2])
{
    if (alert[1] == SSL_AD_CLOSE_NOTIFY)
        return;
    facts->alert_from = sent ? LN_ALERT_SENT : LN_ALERT_RECEIVED;
    facts->alert_level = alert[0];
    facts->alert_number = alert[1];
}

static void on_hello(struct ln_tls_facts *facts, const SSL *ssl, const uint8_t *message, size_t len)
{
    size_t header = SSL_is_dtls(ssl) ? 12 : 4;
    size_t at = header + 2 + 32; /* version, random */
    if (len <= at)
        return;
    at += 1u + message[at]; /* session id */
    if (len < at + 2)
        return;
    facts->chosen_suite = (uint16_t)(message[at] << 8 | message[at + 1]);
    facts->chosen_version = (uint16_t)(message[header] << 8 | message[header + 1]);
    if (facts->chosen_suite >> 8 == 0x13)
        facts->chosen_version = LN_TLS_1_3; /* legacy_version says 1.2 (RFC 8446 4.1.3) */
}

/** The engine is the argument: this is called so often that the way from SSL to it shows. */
static void on_message(int writing, int version, int type, const void *data, size_t len, SSL *ssl,
                       void *engine)
{
    const struct ossl_engine *e = engine;
    (void)version;
    if (e == NULL || len == 0)
        return;
    const uint8_t *message = data;
    struct ln_tls_facts *facts = e->facts;
    if (type == SSL3_RT_ALERT && len == 2)
        on_alert(facts, writing, message);
    if (type != SSL3_RT_HANDSHAKE || message[0] >= 64)
        return;
    uint64_t bit = (uint64_t)1 << message[0];
    if (!writing && message[0] == SSL3_MT_SERVER_HELLO)
        on_hello(facts, ssl, message, len);
    if (writing && message[0] == SSL3_MT_CERTIFICATE && len > (SSL_is_dtls(ssl) ? 12u : 4u) + 4u)
        facts->certificate_sent = true; /* more than empty lists */
    if (writing)
        facts->said |= bit;
    else
        facts->seen |= bit;
}

static void on_keylog(const SSL *ssl, const char *line)
{
    const struct ossl_engine *e = SSL_get_app_data(ssl);
    if (e != NULL && e->config->keylog != NULL)
        e->config->keylog(e->config->keylog_user, line);
    ERR_clear_error(); /* theirs */
}

/** Servers: the ticket that is about to be made carries no mark of ours. */
static int on_ticket(SSL *ssl, void *unused)
{
    (void)unused;
    ossl_forget_external_psk(SSL_get_session(ssl));
    return 1;
}

void ossl_store_session(struct ossl_engine *e, SSL_SESSION *session)
{
    unsigned char *der = NULL;
    ossl_forget_external_psk(session);
    int len = SSL_SESSION_is_resumable(session) ? i2d_SSL_SESSION(session, &der) : 0;
    if (len > 0)
        e->io->session(e->io->ctx, ln_span(der, (size_t)len));
    if (der != NULL)
        OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
    ERR_clear_error(); /* the store's: a session that was not kept ends no connection */
}

/** Tickets of TLS 1.3 are kept as they come. Before TLS 1.3 a session without extended master secret
 *  proves less than it seems when it is resumed (RFC 7627), and OpenSSL tells only behind the
 *  handshake whether there was one. Returns 0: no reference is kept. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct ossl_engine *e = SSL_get_app_data(ssl);
    if (e == NULL || SSL_is_server(ssl))
        return 0;
    if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION)
        ossl_store_session(e, session);
    else
        e->session_new = true;
    return 0;
}

/* ---- cookies ---- */

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
    const struct ossl_engine *e = SSL_get_app_data(ssl);
    struct ln_span id = e->io->client_id != NULL ? e->io->client_id(e->io->ctx) : ln_span(NULL, 0);
    if (id.len == 0)
        return 0;
    return HMAC(EVP_sha256(), e->config->cookie_secret, sizeof e->config->cookie_secret, id.data,
                id.len, cookie, len) != NULL;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned int expected_len = 0;
    return make_cookie(ssl, expected, &expected_len) && len == expected_len &&
           CRYPTO_memcmp(cookie, expected, len) == 0;
}

/* ---- ALPN ---- */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned int in_len, void *config)
{
    const struct ossl_config *c = config;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, c->alpn, c->alpn_len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum ln_status set_alpn(struct ossl_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    size_t size = 0;
    if (s->alpn_count == 0)
        return LN_OK;
    for (size_t i = 0; i < s->alpn_count; i++)
        size += 1 + strlen(s->alpn[i]);
    c->alpn = ln_calloc(c->env, size, 1);
    if (c->alpn == NULL)
        return ossl_config_fail(diag, LN_NO_MEMORY, "alpn: no memory");
    for (size_t i = 0; i < s->alpn_count; i++) {
        size_t len = strlen(s->alpn[i]);
        c->alpn[c->alpn_len++] = (uint8_t)len;
        memcpy(c->alpn + c->alpn_len, s->alpn[i], len);
        c->alpn_len += (unsigned)len;
    }
    if (SSL_CTX_set_alpn_protos(c->ctx, c->alpn, c->alpn_len) != 0) /* 0 is success here */
        return ossl_config_fail(diag, LN_BAD_ARG, "alpn: refused");
    SSL_CTX_set_alpn_select_cb(c->ctx, choose_alpn, c);
    return LN_OK;
}

/* ---- the context ---- */

static enum ln_status set_versions(struct ossl_config *c, const struct ln_tls_settings *s,
                                   struct ln_diag *diag)
{
    SSL_CTX_set_security_level(c->ctx, s->insecure_old_versions ? LEVEL_OLD : LEVEL_STRICT);
    if (!SSL_CTX_set_min_proto_version(c->ctx, s->min_version) ||
        !SSL_CTX_set_max_proto_version(c->ctx, s->max_version))
        return ossl_config_fail(diag, LN_UNSUPPORTED,
                                "min_version, max_version: not in this OpenSSL");
    return LN_OK;
}

/** OpenSSL gives up by itself after twelve retransmissions of a flight (DTLS1_TMO_ALERT_COUNT). */
#define RETRANSMISSIONS_MAX 12

static enum ln_status check_schedule(const struct ln_tls_settings *s, struct ln_diag *diag)
{
    unsigned retransmissions = 0;
    for (uint64_t wait = s->first_ms; wait < s->max_ms; wait *= 2)
        retransmissions++;
    if (!s->datagram || retransmissions <= RETRANSMISSIONS_MAX)
        return LN_OK;
    return ln_diag_set(
        diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
        "handshake_first_ms, handshake_max_ms: OpenSSL sends a flight again %d times "
        "at most, and this schedule takes %u",
        RETRANSMISSIONS_MAX, retransmissions);
}

/** Compressed certificates (RFC 8879) are refused: a decompressor would read what nobody has verified
 *  yet, and which ones there are depends on how the library was built. */
static void set_behaviour(struct ossl_config *c, bool legacy_server)
{
    uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                       SSL_OP_CIPHER_SERVER_PREFERENCE | OSSL_PLAIN_CERTIFICATES;
    if (c->datagram) /* with encrypt-then-MAC, one forged CBC record would end an association */
        options |= SSL_OP_NO_QUERY_MTU | SSL_OP_NO_ENCRYPT_THEN_MAC;
    SSL_CTX_clear_options(c->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
    if (legacy_server)
        options |= SSL_OP_LEGACY_SERVER_CONNECT;
    SSL_CTX_set_options(c->ctx, options);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(c->ctx, 1); /* one read below per record, not two */
    SSL_CTX_set_cert_verify_callback(c->ctx, ossl_verify, c);
    SSL_CTX_set_msg_callback(c->ctx, on_message);
}

const unsigned char ossl_session_context[OSSL_SESSION_CONTEXT_LEN] = {
    'l', 'i', 'n', 'n', 'e', 't'
};

static enum ln_status set_sessions(struct ossl_config *c, struct ln_diag *diag)
{
    /* no cache of OpenSSL's own: clients keep theirs in the user's store, servers give tickets; and
     * without memory its cache frees a session twice (SSL_CTX_add_session, 3.0) */
    long mode = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL;
    if (c->resume) {
        mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
        SSL_CTX_sess_set_new_cb(c->ctx, on_session);
    }
    SSL_CTX_set_session_cache_mode(c->ctx, mode);
    SSL_CTX_set_session_ticket_cb(c->ctx, on_ticket, NULL, NULL);
    if (!SSL_CTX_set_session_id_context(c->ctx, ossl_session_context, OSSL_SESSION_CONTEXT_LEN))
        return ossl_config_fail(diag, LN_INTERNAL, "sessions: refused");
    return LN_OK;
}

static enum ln_status set_server(struct ossl_config *c, struct ln_diag *diag)
{
    struct ln_mspan secret = ln_mspan(c->cookie_secret, sizeof c->cookie_secret);
    if (!c->datagram)
        return LN_OK;
    if (c->env->random.fill == NULL || c->env->random.fill(c->env->random.ctx, secret) != LN_OK)
        return ln_diag_set(diag, LN_IO, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "env.random gives no random bytes");
    SSL_CTX_set_cookie_generate_cb(c->ctx, make_cookie);
    SSL_CTX_set_cookie_verify_cb(c->ctx, check_cookie);
    return LN_OK;
}

enum ln_status ossl_set_offer(struct ossl_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag)
{
    c->ctx = SSL_CTX_new(s->datagram ? DTLS_method() : TLS_method());
    if (c->ctx == NULL)
        return ossl_config_fail(diag, LN_NO_MEMORY, "OpenSSL cannot make a context");
    enum ln_status st = set_versions(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_suites(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_groups(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_signatures(c, s, diag);
    return st;
}

static enum ln_status fill(struct ossl_config *c, const struct ln_tls_settings *s,
                           struct ln_diag *diag)
{
    enum ln_status st = check_schedule(s, diag);
    if (st == LN_OK)
        st = ossl_set_offer(c, s, diag);
    if (st == LN_OK)
        st = ossl_check_offer(c, s, diag);
    if (st != LN_OK)
        return st;
    set_behaviour(c, s->insecure_legacy_server);
    st = set_sessions(c, diag);
    if (st == LN_OK)
        st = set_server(c, diag);
    if (st == LN_OK)
        st = set_alpn(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_trust(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_own(c, s, diag);
    if (st == LN_OK)
        st = ossl_set_psk(c, s, diag);
    if (st != LN_OK)
        return st;
    if (s->keylog != NULL)
        SSL_CTX_set_keylog_callback(c->ctx, on_keylog);
    if (s->native_hook != NULL)
        st = s->native_hook(s->native_user, c->ctx);
    if (st != LN_OK)
        ln_diag_set(diag, st, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                    "native_hook: refused the configuration (%s)", ln_status_name(st));
    return st;
}

static void copy_settings(struct ossl_config *c, const struct ln_tls_settings *s)
{
    c->env = s->env;
    c->datagram = s->datagram;
    c->resume = s->resume;
    c->client_auth = s->client_auth;
    c->crl_policy = s->crl_policy;
    c->has_crls = s->crl_count > 0;
    c->partial_chain = s->partial_chain;
    c->first_ms = s->first_ms;
    c->max_ms = s->max_ms;
    c->keylog = s->keylog;
    c->keylog_user = s->keylog_user;
}

enum ln_status ossl_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config)
{
    struct ossl_config *c = ln_calloc(settings->env, 1, sizeof *c);
    if (c == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a TLS configuration");
    ERR_clear_error();
    copy_settings(c, settings);
    c->bio = ossl_bio_method();
    enum ln_status st = LN_OK;
    if (c->bio == NULL)
        st = ossl_config_fail(diag, LN_NO_MEMORY, "OpenSSL cannot make a BIO");
    if (st == LN_OK)
        st = fill(c, settings, diag);
    ERR_clear_error();
    if (st != LN_OK) {
        ossl_config_free(c);
        return st;
    }
    *config = c;
    return LN_OK;
}

void ossl_config_free(void *config)
{
    struct ossl_config *c = config;
    if (c == NULL)
        return;
    const struct ln_env *env = c->env;
    SSL_SESSION_free(c->psk_session);
    SSL_CTX_free(c->ctx);
    BIO_meth_free(c->bio);
    ln_free(env, c->alpn);
    ln_free_secret(env, c->psk_identity, c->psk_identity_len);
    ln_free_secret(env, c->psk_key, c->psk_key_len);
    ln_free_secret(env, c, sizeof *c);
}
