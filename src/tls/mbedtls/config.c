/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.c
 * Settings -> an mbedtls_ssl_config for each role, which all sockets of a configuration share.
 *
 * Nothing is left to defaults that a build of the library could change under us: versions, suites,
 * groups, verification, renegotiation and tickets are all set. Where the library has less than was
 * asked for, the configuration is refused.
 */
#include "mbedtls.h"
#include <stdatomic.h>
#include <string.h>

/** Tickets of our servers, and the keys that they are encrypted with. */
#define TICKET_LIFETIME_S 7200
/** Level of the library's debug messages that tells of fatal alerts, and of little else. */
#define DEBUG_LEVEL 1
/** Smaller groups are no match for the security level of certificates (112 bits). */
#define DHE_MIN_BITS 2048

int mbed_random(void *env, unsigned char *room, size_t len)
{
    const struct ln_env *e = env;
    if (e->random.fill == NULL || e->random.fill(e->random.ctx, ln_mspan(room, len)) != LN_OK)
        return MBEDTLS_ERR_SSL_NO_RNG;
    return 0;
}

/* ---- what the library needs once in a process ---- */

/** Idempotent. The level of debug messages is one for the whole process: it is set once, so that a
 *  program may raise it afterwards. */
static enum ln_status prepare_library(struct ln_diag *diag)
{
    static atomic_flag level_set = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&level_set))
        mbed_debug_level(DEBUG_LEVEL);
    psa_status_t st = psa_crypto_init();
    if (st == PSA_SUCCESS)
        return LN_OK;
    return ln_diag_set(
        diag, st == PSA_ERROR_INSUFFICIENT_MEMORY ? LN_NO_MEMORY : LN_IO,
        st == PSA_ERROR_INSUFFICIENT_MEMORY ? LN_CAT_OUT_OF_MEMORY : LN_CAT_CONFIGURATION,
        LN_PHASE_CONFIGURE, "Mbed TLS cannot start its cryptography (PSA %d)", (int)st);
}

/* ---- what can be refused before anything is made ---- */

static enum ln_status unsupported(struct ln_diag *diag, const char *text)
{
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", text);
}

#define NEEDS_OPENSSL                                                                              \
    " needs the back end openssl and its provider (Debian: package pkcs11-provider); Mbed TLS has " \
    "no tokens"

static enum ln_status check(const struct ln_tls_settings *s, struct ln_diag *diag)
{
    uint16_t oldest = s->datagram ? LN_DTLS_1_2 : LN_TLS_1_2;
    bool old = s->datagram ? s->min_version > oldest : s->min_version < oldest;
    if (old)
        return unsupported(diag, "min_version: Mbed TLS begins with TLS 1.2 and DTLS 1.2");
    if (s->chain_uri != NULL)
        return unsupported(diag, "chain: a pkcs11: URI" NEEDS_OPENSSL);
    if (s->key.uri != NULL)
        return unsupported(diag, "key: a pkcs11: URI" NEEDS_OPENSSL);
    if (s->auth == LN_AUTH_PSK && s->psk_key.len > MBEDTLS_PSK_MAX_LEN)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "psk_key: this Mbed TLS takes %d bytes at most (MBEDTLS_PSK_MAX_LEN)",
                           MBEDTLS_PSK_MAX_LEN);
    if (s->auth == LN_AUTH_PSK && s->psk_hash != LN_SHA256 && s->max_version == LN_TLS_1_3)
        return unsupported(diag, "psk_hash: Mbed TLS binds keys of TLS 1.3 to SHA-256 only");
    return LN_OK;
}

/* ---- one role ---- */

static mbedtls_ssl_protocol_version version_of(uint16_t version)
{
    return version == LN_TLS_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
}

/** Refusals are ours and come through the callback (verify.c), so that the policy is that of every
 *  library. Of a client that must have a certificate and sends none, only the library knows. */
static int authmode(const struct mbed_config *c, enum ln_role role)
{
    if (role == LN_CLIENT || c->client_auth == LN_CLIENT_AUTH_REQUEST)
        return MBEDTLS_SSL_VERIFY_OPTIONAL;
    return c->client_auth == LN_CLIENT_AUTH_REQUIRE ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                    : MBEDTLS_SSL_VERIFY_NONE;
}

static void set_certificates(struct mbed_config *c, mbedtls_ssl_config *conf, enum ln_role role)
{
    mbedtls_ssl_conf_authmode(conf, authmode(c, role));
    mbedtls_ssl_conf_cert_profile(conf, mbed_profile(c));
    mbedtls_ssl_conf_ca_chain(conf, c->anchors.version != 0 ? &c->anchors : &c->nobody,
                              c->crl_count > 0 ? &c->crls : NULL);
}

static void set_server(struct mbed_config *c, mbedtls_ssl_config *conf)
{
    mbedtls_ssl_conf_cert_req_ca_list(conf, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
    mbedtls_ssl_conf_session_tickets_cb(conf, mbed_ticket_write, mbed_ticket_parse, NULL);
    (void)c;
}

/** @return an error of the library, or 0 */
static int set_role(struct mbed_config *c, const struct ln_tls_settings *s, enum ln_role role)
{
    mbedtls_ssl_config *conf = &c->role[role];
    int error = mbedtls_ssl_config_defaults(
        conf, role == LN_CLIENT ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER,
        s->datagram ? MBEDTLS_SSL_TRANSPORT_DATAGRAM : MBEDTLS_SSL_TRANSPORT_STREAM,
        MBEDTLS_SSL_PRESET_DEFAULT);
    if (error != 0)
        return error;
    mbedtls_ssl_conf_min_tls_version(conf, version_of(s->min_version));
    mbedtls_ssl_conf_max_tls_version(conf, version_of(s->max_version));
    mbedtls_ssl_conf_rng(conf, mbed_random, (void *)(uintptr_t)c->env);
    mbedtls_ssl_conf_ciphersuites(conf, c->suites);
    mbedtls_ssl_conf_groups(conf, c->groups);
    mbedtls_ssl_conf_sig_algs(conf, c->signatures);
    mbed_key_exchange_modes(conf, c->psk);
    mbed_signal_tickets(conf);
    mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    mbedtls_ssl_conf_legacy_renegotiation(conf, s->insecure_legacy_server
                                                    ? MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION
                                                    : MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
    mbedtls_ssl_conf_extended_master_secret(conf, MBEDTLS_SSL_EXTENDED_MS_ENABLED);
    mbedtls_ssl_conf_dhm_min_bitlen(conf, DHE_MIN_BITS);
    set_certificates(c, conf, role);
    if (s->datagram)
        mbedtls_ssl_conf_handshake_timeout(conf, c->first_ms, c->max_ms);
    if (role == LN_CLIENT)
        mbed_accept_tickets(conf, c->resume);
    else
        set_server(c, conf);
    if (c->alpn != NULL)
        error = mbedtls_ssl_conf_alpn_protocols(conf, c->alpn);
    if (error == 0 && c->psk)
        error = mbedtls_ssl_conf_psk(conf, s->psk_key.data, s->psk_key.len, s->psk_identity.data,
                                     s->psk_identity.len);
    if (error == 0 && c->has_chain)
        error = mbedtls_ssl_conf_own_cert(conf, &c->chain, &c->key);
    return error;
}

static enum ln_status set_roles(struct mbed_config *c, const struct ln_tls_settings *s,
                                struct ln_diag *diag)
{
    int error = mbedtls_ssl_ticket_setup(&c->tickets, mbed_random, (void *)(uintptr_t)c->env,
                                         MBEDTLS_CIPHER_AES_256_GCM, TICKET_LIFETIME_S);
    if (error == 0)
        error = set_role(c, s, LN_CLIENT);
    if (error == 0)
        error = set_role(c, s, LN_SERVER);
    if (error == 0)
        error = mbed_random((void *)(uintptr_t)c->env, c->cookie_secret, sizeof c->cookie_secret);
    if (error == MBEDTLS_ERR_SSL_NO_RNG)
        return ln_diag_set(diag, LN_IO, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "env.random gives no random bytes");
    return error == 0 ? LN_OK
                      : mbed_config_fail(diag, LN_BAD_ARG, error, "Mbed TLS refuses a setting");
}

static enum ln_status call_hook(struct mbed_config *c, const struct ln_tls_settings *s,
                                struct ln_diag *diag)
{
    enum ln_status st = LN_OK;
    if (s->native_hook != NULL)
        st = s->native_hook(s->native_user, &c->role[LN_CLIENT]);
    if (s->native_hook != NULL && st == LN_OK)
        st = s->native_hook(s->native_user, &c->role[LN_SERVER]);
    if (st != LN_OK)
        ln_diag_set(diag, st, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                    "native_hook: refused the configuration (%s)", ln_status_name(st));
    return st;
}

/* ---- the whole ---- */

static void copy_settings(struct mbed_config *c, const struct ln_tls_settings *s)
{
    c->env = s->env;
    c->datagram = s->datagram;
    c->psk = s->auth == LN_AUTH_PSK;
    c->min_version = s->min_version;
    c->max_version = s->max_version;
    c->resume = s->resume;
    c->client_auth = s->client_auth;
    c->crl_policy = s->crl_policy;
    c->partial_chain = s->partial_chain;
    c->weak = s->insecure_old_versions;
    c->first_ms = s->first_ms;
    c->max_ms = s->max_ms;
    c->keylog = s->keylog;
    c->keylog_user = s->keylog_user;
}

static void init_members(struct mbed_config *c)
{
    mbedtls_ssl_config_init(&c->role[LN_CLIENT]);
    mbedtls_ssl_config_init(&c->role[LN_SERVER]);
    mbedtls_x509_crt_init(&c->anchors);
    mbedtls_x509_crt_init(&c->helpers);
    mbedtls_x509_crt_init(&c->nobody);
    mbedtls_x509_crt_init(&c->chain);
    mbedtls_x509_crl_init(&c->crls);
    mbedtls_pk_init(&c->key);
    mbedtls_ssl_ticket_init(&c->tickets);
}

enum ln_status mbed_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config)
{
    enum ln_status st = check(settings, diag);
    if (st == LN_OK)
        st = prepare_library(diag);
    if (st != LN_OK)
        return st;
    struct mbed_config *c = ln_calloc(settings->env, 1, sizeof *c);
    if (c == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a TLS configuration");
    copy_settings(c, settings);
    init_members(c);
    st = mbed_set_offers(c, settings, diag);
    if (st == LN_OK)
        st = mbed_set_trust(c, settings, diag);
    if (st == LN_OK)
        st = mbed_set_own(c, settings, diag);
    if (st == LN_OK)
        st = set_roles(c, settings, diag);
    if (st == LN_OK)
        st = call_hook(c, settings, diag);
    if (st != LN_OK) {
        mbed_config_free(c);
        return st;
    }
    *config = c;
    return LN_OK;
}

void mbed_config_free(void *config)
{
    struct mbed_config *c = config;
    if (c == NULL)
        return;
    const struct ln_env *env = c->env;
    mbedtls_ssl_config_free(&c->role[LN_CLIENT]);
    mbedtls_ssl_config_free(&c->role[LN_SERVER]);
    mbedtls_ssl_ticket_free(&c->tickets);
    mbedtls_x509_crt_free(&c->anchors);
    mbedtls_x509_crt_free(&c->helpers);
    mbedtls_x509_crt_free(&c->chain);
    mbedtls_x509_crl_free(&c->crls);
    mbedtls_pk_free(&c->key);
    ln_free(env, c->crl_dates);
    ln_free(env, c->suites);
    ln_free(env, c->groups);
    ln_free(env, c->signatures);
    ln_free(env, (void *)c->alpn);
    ln_free_secret(env, c, sizeof *c);
}
