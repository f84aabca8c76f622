/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance of Security /0 says of keys and certificates, as a TLS configuration. See
 * security.h; LN_TLS=off has security_off.c in its place.
 *
 * /0: 2 security mode (0 PSK, 2 certificate, 3 none), 3 identity or own certificate, 4 the server's
 * certificate or its hash, 5 secret key, 13 how 4 is to be matched, 14 name to verify, 15 what 4
 * certifies, 16 cipher suites. 4, 13 and 15 become one TLSA record (RFC 6698): LwM2M's numbers for
 * digests are not those of DNS, and 384 bits has one here only.
 *
 * The TLS configuration is made once and shared by all connections to the server; nothing of TLS is
 * initialised for a plain coap server.
 */
#include <linnet/download.h>
#include <linnet/tls.h>
#include <linnet/uri.h>

#include "lwm2m/security.h"

#define SUITES_MAX 32

/* ---- security ---- */

static size_t read_suites(const struct ln__server *s, uint16_t suites[SUITES_MAX])
{
    struct ln_at at;
    size_t count = 0;
    if (!ln__model_find(&s->client->model, LN_OID_SECURITY, s->security_iid, RID_SUITES, LN_ID_NONE,
                        &at))
        return 0;
    if ((at.resource->flags & LN_RES_MULTIPLE) == 0 || !ln__resource_exists(&at))
        return 0;
    uint16_t riid = ln__resource_next(&at, LN_ID_NONE);
    while (riid != LN_ID_NONE && count < SUITES_MAX) {
        struct ln_value v;
        at.riid = riid;
        if (ln__resource_read(&at, &v) == LN_ANSWER_OK && v.as.natural <= UINT16_MAX)
            suites[count++] = (uint16_t)v.as.natural;
        uint16_t next = ln__resource_next(&at, riid);
        riid = next > riid ? next : LN_ID_NONE;
    }
    return count;
}

static enum ln_status psk_options(const struct ln__server *s, struct ln_tls_options *o,
                                  struct ln_diag *diag)
{
    o->auth = LN_AUTH_PSK;
    o->psk_identity = ln__security_bytes(s, RID_IDENTITY);
    o->psk_key = ln__security_bytes(s, RID_SECRET);
    if (o->psk_identity.len == 0)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_IDENTITY, "the PSK identity is empty");
    if (o->psk_key.len == 0)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_SECRET, "the PSK key is empty");
    return LN_OK;
}

/* LwM2M counts digests as 0 exact, 1 SHA-256, 2 SHA-384, 3 SHA-512. */
static bool matching_type(int64_t lwm2m, uint8_t *out)
{
    static const uint8_t types[] = { LN_TLSA_EXACT, LN_TLSA_SHA256, LN_TLSA_SHA384,
                                     LN_TLSA_SHA512 };
    if (lwm2m < 0 || lwm2m >= (int64_t)sizeof types)
        return false;
    *out = types[lwm2m];
    return true;
}

static enum ln_status certificate_options(const struct ln__server *s, struct ln_tls_options *o,
                                          struct ln_tlsa *record, struct ln_diag *diag)
{
    const struct ln_client_config *config = &s->client->config;
    struct ln_span chain = ln__security_bytes(s, RID_IDENTITY);
    struct ln_span key = ln__security_bytes(s, RID_SECRET);
    if (chain.len > 0)
        o->chain = ln_source_memory(chain.data, chain.len);
    if (key.len > 0)
        o->key = ln_source_memory(key.data, key.len);
    o->trust = config->trust;
    o->system_trust = config->system_trust;
    record->data = ln__security_bytes(s, RID_SERVER_KEY);
    if (record->data.len == 0) {
        o->auth = LN_AUTH_CERTIFICATE;
        if (config->trust.kind == LN_SOURCE_NONE && !config->system_trust)
            return ln__security_refuse(
                s, diag, LN_BAD_ARG, RID_SERVER_KEY,
                "there is neither a server certificate nor a trust anchor, so that "
                "nobody could be verified");
        return LN_OK;
    }
    int64_t usage = ln__security_number(s, RID_USAGE, LN_TLSA_DANE_EE);
    if (usage < LN_TLSA_PKIX_TA || usage > LN_TLSA_DANE_EE)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_USAGE,
                                   "the certificate usage must be 0 to 3");
    if (!matching_type(ln__security_number(s, RID_MATCHING, 0), &record->matching))
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_MATCHING,
                                   "the matching type must be 0 to 3");
    if (usage <= LN_TLSA_PKIX_EE && config->trust.kind == LN_SOURCE_NONE && !config->system_trust)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_USAGE,
                                   "certificate usage 0 and 1 need a trust anchor besides");
    record->usage = (uint8_t)usage;
    o->auth = LN_AUTH_DANE;
    o->tlsa = record;
    o->tlsa_count = 1;
    return LN_OK;
}

/* @param kind  LN_DTLS for the server itself; LN_TLS for downloads from its host */
static enum ln_status make_tls(struct ln__server *s, enum mode mode, enum ln_sock_kind kind,
                               const char *const *alpn, struct ln_diag *diag,
                               struct ln_tls_config **out)
{
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_session_store memory = ln__session_store(&s->session, s->client->env);
    struct ln_tlsa record = { 0 };
    uint16_t suites[SUITES_MAX];
    o.backend = s->client->config.tls;
    o.insecure_legacy_server = s->client->config.insecure_legacy_server;
    enum ln_status st =
        mode == MODE_PSK ? psk_options(s, &o, diag) : certificate_options(s, &o, &record, diag);
    if (st != LN_OK)
        return st;
    o.sessions = s->client->config.sessions != NULL ? s->client->config.sessions : &memory;
    if (kind == LN_TLS) {
        o.sessions = NULL;
    } else {
        o.handshake_first_ms = s->client->config.handshake_first_ms;
        o.handshake_max_ms = s->client->config.handshake_max_ms;
    }
    o.alpn = alpn;
    o.alpn_count = alpn != NULL ? 1 : 0;
    o.suites = suites;
    o.suite_count = read_suites(s, suites);
    return ln_tls_config_new(s->client->env, kind, &o, diag, out);
}

enum ln_status ln__security_setup(struct ln__server *s, struct ln_diag *diag)
{
    int64_t mode = ln__security_number(s, RID_MODE, -1);
    bool secure = s->kind == LN_DTLS;
    if (mode == MODE_RPK)
        return ln__security_refuse(s, diag, LN_UNSUPPORTED, RID_MODE,
                                   "raw public keys are not supported yet");
    if (mode == MODE_EST)
        return ln__security_refuse(s, diag, LN_UNSUPPORTED, RID_MODE, "EST is not supported yet");
    if (mode != MODE_PSK && mode != MODE_CERTIFICATE && mode != MODE_NOSEC)
        return ln__security_refuse(
            s, diag, LN_BAD_ARG, RID_MODE,
            "the security mode must be 0 (PSK), 2 (certificate) or 3 (none)");
    if ((mode == MODE_NOSEC) == secure)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_MODE,
                                   secure ? "coaps needs a security mode other than 3"
                                          : "a security mode other than 3 needs coaps");
    ln_tls_config_unref(s->tls);
    s->tls = NULL;
    return secure ? make_tls(s, (enum mode)mode, LN_DTLS, NULL, diag, &s->tls) : LN_OK;
}

/* The name of an account, NULL: none. The object keeps a NUL behind it. */
static const char *name_of(const struct ln__server *s)
{
    struct ln_span sni = ln__security_bytes(s, RID_SNI);
    return sni.len > 0 ? (const char *)sni.data : NULL;
}

enum ln_status ln__security_name(struct ln__server *s, struct ln_diag *diag)
{
    const char *name = name_of(s);
    if (name == NULL)
        return LN_OK;
    if (strlen(name) > LN_HOST_MAX)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_SNI,
                                   "the name is longer than 255 bytes");
    if (ln_sock_set_server_name(s->sock, name) != LN_OK)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_SNI, "it is not a host name");
    return LN_OK;
}

void ln__security_free(struct ln__server *s)
{
    ln_tls_config_unref(s->tls);
    ln__session_free(&s->session);
    s->tls = NULL;
}

/* ---- security for downloads ---- */

/* A pre-shared key is for the one server that shares it; a certificate may be shown to its host. */
static bool is_for_its_host(const struct ln__server *s)
{
    return ln__security_number(s, RID_MODE, -1) == MODE_CERTIFICATE;
}

static enum ln_status borrow(struct ln__server *s, const struct ln_uri *uri,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    static const char *const http[] = { "http/1.1" };
    static const char *const coap[] = { "coap" };
    out->server_name = name_of(s);
    if (uri->scheme == LN_URI_COAPS)
        return make_tls(s, MODE_CERTIFICATE, LN_DTLS, NULL, diag, &out->tls);
    return make_tls(s, MODE_CERTIFICATE, LN_TLS, uri->scheme == LN_URI_HTTPS ? http : coap, diag,
                    &out->tls);
}

enum ln_status ln_client_security_for_uri(struct ln_client *client, const struct ln_uri *uri,
                                          struct ln_download_security *out, struct ln_diag *diag)
{
    bool secure = uri->scheme == LN_URI_COAPS || uri->scheme == LN_URI_HTTPS ||
                  uri->scheme == LN_URI_COAPS_TCP;
    struct ln__server *other = NULL;
    for (struct ln__server *s = client->servers; secure && s != NULL; s = s->next) {
        struct ln_uri its;
        if (s->tls == NULL || ln_uri_read(ln__security_bytes(s, RID_URI), &its, NULL) != LN_OK)
            continue;
        if (ln_uri_same_origin(&its, uri)) { /* the very server */
            out->tls = ln_tls_config_ref(s->tls);
            out->server_name = name_of(s);
            return LN_OK;
        }
        its.scheme = uri->scheme;
        its.port = uri->port;
        if (other == NULL && is_for_its_host(s) && ln_uri_same_origin(&its, uri))
            other = s;
    }
    return other != NULL ? borrow(other, uri, out, diag) : LN_NOT_FOUND;
}
