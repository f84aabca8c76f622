/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.c
 * Options -> a checked, immutable, reference-counted configuration.
 *
 * Everything that can be known to be wrong is found here, in the order a person would look for it:
 * versions, mode, credentials, DANE, offers, timers, sessions. The first fault is reported by the
 * name of its field; nothing is half made. Options of a mode that is not chosen are contradictions.
 */
#include "tls/config.h"
#include "base/try.h"
#include "codec/x509.h"
#include "tls/chain.h"
#include "tls/credentials.h"
#include "tls/defaults.h"
#include "tls/suites.h"
#include <string.h>

#define FIRST_MS 1000u
#define MAX_MS 60000u
#define TOTAL_MS 60000u
#define TIMER_LIMIT_MS 4294000u /* 32 bits of microseconds */
#define PSK_KEY_MAX 256u
#define PSK_IDENTITY_MAX 255u
#define ALPN_NAME_MAX 32u
#define ALPN_MAX 8u
#define MTU_MIN 208u
#define MTU_MAX 4000u

/** What is collected while a configuration is made; released at the end in any case. */
struct making {
    const struct ln_env *env;
    const struct ln_tls_options *o;
    struct ln_diag *diag;
    struct ln_tls_config *config;
    struct ln_tls_settings settings;
    unsigned caps; /**< of the back end */
    struct ln_der_list trust;
    size_t trust_optional; /**< so many at its end are of the system's bundle */
    struct ln_der_list crls;
    struct ln_der_list chain;
    struct ln_loaded_key key;
    struct ln_id_list suites;
    struct ln_id_list groups;
};

#define WRONG(m, ...)                                                                              \
    ln_diag_set((m)->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, __VA_ARGS__)
#define CANNOT(m, ...)                                                                             \
    ln_diag_set((m)->diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, __VA_ARGS__)

enum ln_status ln__tls_hash(const struct ln_env *env, const struct ln_tls_backend *backend,
                            enum ln_hash hash, const struct ln_span *parts, size_t count,
                            uint8_t out[LN_HASH_MAX])
{
    if (env->digest.hash != NULL)
        return env->digest.hash(env->digest.ctx, hash, parts, count, out);
    return backend->hash(hash, parts, count, out);
}

enum ln_status ln__tls_records_new(const struct ln_env *env, const struct ln_tls_backend *backend,
                                   const struct ln_tlsa *records, size_t count,
                                   struct ln_diag *diag, struct ln_tlsa_set **out)
{
    struct ln_tlsa_set *set = NULL;
    TRY(ln__tlsa_set_new(env, records, count, diag, &set));
    enum ln_status st = ln__tls_hash(env, backend, LN_SHA256, &set->bytes, 1, set->digest);
    if (st == LN_OK) {
        *out = set;
        return LN_OK;
    }
    ln__tlsa_set_free(env, set);
    return ln_diag_set(diag, st, st == LN_NO_MEMORY ? LN_CAT_OUT_OF_MEMORY : LN_CAT_CONFIGURATION,
                       LN_PHASE_CONFIGURE, "tlsa: no digest of the records: %s",
                       ln_status_meaning(st));
}

int64_t ln__tls_time(const struct ln_tls_config *config, bool *floored)
{
    int64_t wall = config->env->clock.wall(config->env->clock.ctx);
    *floored = wall < config->time_floor;
    return *floored ? config->time_floor : wall;
}

/* ---- versions ---- */

static bool is_dtls(const struct making *m)
{
    return m->config->kind == LN_DTLS;
}

/** Position of a version in its family, oldest first; -1 for one of another family. */
static int rank(bool dtls, uint16_t version)
{
    static const uint16_t tls[] = { LN_TLS_1_0, LN_TLS_1_1, LN_TLS_1_2, LN_TLS_1_3 };
    static const uint16_t datagram[] = { 0, LN_DTLS_1_0, LN_DTLS_1_2, LN_DTLS_1_3 };
    for (int i = 0; i < 4; i++)
        if (version != 0 && version == (dtls ? datagram : tls)[i])
            return i;
    return -1;
}

#define RANK_1_2 2
#define RANK_1_3 3

/** What the newest version takes: a library may have TLS 1.3, and there no external keys. */
static unsigned caps_of_newest(const struct making *m)
{
    unsigned caps = is_dtls(m) ? LN_TLS_CAP_DTLS_1_3 : LN_TLS_CAP_TLS_1_3;
    return caps | (m->o->auth == LN_AUTH_PSK && !is_dtls(m) ? LN_TLS_CAP_PSK_TLS_1_3 : 0);
}

static enum ln_status check_versions(struct making *m)
{
    struct ln_tls_config *c = m->config;
    bool dtls = is_dtls(m);
    bool newest = (m->caps & caps_of_newest(m)) == caps_of_newest(m);
    const char *with = m->o->auth == LN_AUTH_PSK && !dtls ? " with pre-shared keys" : "";
    uint16_t v1_2 = dtls ? LN_DTLS_1_2 : LN_TLS_1_2;
    uint16_t v1_3 = dtls ? LN_DTLS_1_3 : LN_TLS_1_3;
    c->min_version = m->o->min_version != 0 ? m->o->min_version : v1_2;
    c->max_version = m->o->max_version != 0 ? m->o->max_version : newest ? v1_3 : v1_2;
    int min = rank(dtls, c->min_version);
    int max = rank(dtls, c->max_version);
    if (min < 0)
        return WRONG(m, "min_version: 0x%04x is no version of %s", (unsigned)c->min_version,
                     dtls ? "DTLS" : "TLS");
    if (max < 0)
        return WRONG(m, "max_version: 0x%04x is no version of %s", (unsigned)c->max_version,
                     dtls ? "DTLS" : "TLS");
    if (!newest && min == RANK_1_3)
        return CANNOT(m, "min_version: the TLS library has no %s%s", ln_version_name(v1_3), with);
    if (!newest && max == RANK_1_3)
        return CANNOT(m, "max_version: the TLS library has no %s%s", ln_version_name(v1_3), with);
    if (min > max)
        return WRONG(m, "min_version: %s is above max_version %s", ln_version_name(c->min_version),
                     ln_version_name(c->max_version));
    if (min < RANK_1_2 && !m->o->insecure_old_versions)
        return WRONG(m, "min_version: %s needs insecure_old_versions",
                     ln_version_name(c->min_version));
    return LN_OK;
}

/* ---- capabilities ---- */

/** What a back end may be without. Tokens are not here: only it can tell what is missing. */
static enum ln_status check_capabilities(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    const struct {
        unsigned cap;
        bool asked;
        const char *what;
    } table[] = {
        { LN_TLS_CAP_DTLS_1_2, is_dtls(m), "kind: the TLS library has no DTLS" },
        { LN_TLS_CAP_PSK, o->auth == LN_AUTH_PSK, "auth: the TLS library has no pre-shared keys" },
        { LN_TLS_CAP_CERTIFICATES, o->auth != LN_AUTH_PSK,
          "auth: the TLS library has no certificates, only pre-shared keys" },
        { LN_TLS_CAP_RESUMPTION, o->sessions != NULL,
          "sessions: the TLS library cannot resume sessions" },
        { LN_TLS_CAP_CONNECTION_ID, o->connection_id == LN_CID_OFFER,
          "connection_id: the TLS library has none" },
        { LN_TLS_CAP_KEYLOG, o->insecure_keylog != NULL,
          "insecure_keylog: the TLS library does not give its secrets away" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].asked && (m->caps & table[i].cap) == 0)
            return CANNOT(m, "%s", table[i].what);
    return LN_OK;
}

/* ---- modes ---- */

static bool given(const struct ln_source *source)
{
    return source->kind != LN_SOURCE_NONE;
}

static enum ln_status check_psk(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    if (o->psk_identity.len == 0 || o->psk_identity.data == NULL)
        return WRONG(m, "psk_identity: is required with LN_AUTH_PSK");
    if (o->psk_identity.len > PSK_IDENTITY_MAX)
        return WRONG(m, "psk_identity: at most %u bytes", PSK_IDENTITY_MAX);
    if (o->psk_key.len == 0 || o->psk_key.data == NULL)
        return WRONG(m, "psk_key: is required with LN_AUTH_PSK");
    if (o->psk_key.len > PSK_KEY_MAX)
        return WRONG(m, "psk_key: at most %u bytes", PSK_KEY_MAX);
    if (o->psk_hash != LN_SHA256 && o->psk_hash != LN_SHA384)
        return WRONG(m, "psk_hash: SHA-256 or SHA-384");
    if (given(&o->trust) || o->system_trust || given(&o->crls) || given(&o->chain) ||
        given(&o->key))
        return WRONG(m,
                     "auth: LN_AUTH_PSK takes no certificates (trust, system_trust, crls, chain, "
                     "key)");
    if (o->insecure_skip_verification || o->insecure_skip_name)
        return WRONG(m, "insecure_skip_verification, insecure_skip_name: nothing to skip with "
                        "LN_AUTH_PSK");
    return LN_OK;
}

static enum ln_status check_certificates(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    if (o->psk_identity.len != 0 || o->psk_key.len != 0)
        return WRONG(m, "psk_identity, psk_key: only with LN_AUTH_PSK");
    if (given(&o->chain) && !given(&o->key))
        return WRONG(m, "key: is required with chain");
    if (given(&o->key) && !given(&o->chain))
        return WRONG(m, "chain: is required with key");
    if (o->complete_chain && !given(&o->chain))
        return WRONG(m, "complete_chain: there is no chain");
    if (o->complete_chain && o->chain.kind == LN_SOURCE_URI)
        return CANNOT(m, "complete_chain: not for a chain on a token");
    return LN_OK;
}

static enum ln_status check_mode(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    if (o->crl_policy != LN_CRL_IF_PRESENT && o->crl_policy != LN_CRL_ALL)
        return WRONG(m, "crl_policy: is no value of enum ln_crl_policy");
    if (o->client_auth > LN_CLIENT_AUTH_REQUIRE)
        return WRONG(m, "client_auth: is no value of enum ln_client_auth");
    if (o->connection_id > LN_CID_OFF)
        return WRONG(m, "connection_id: is no value of enum ln_connection_id");
    if (o->connection_id == LN_CID_OFFER && !is_dtls(m))
        return WRONG(m, "connection_id: only for DTLS");
    if (o->close_policy > LN_CLOSE_SILENT)
        return WRONG(m, "close_policy: is no value of enum ln_close_policy");
    bool dane = o->auth == LN_AUTH_DANE || o->auth == LN_AUTH_DANE_OPPORTUNISTIC;
    if (!dane && o->tlsa_count != 0)
        return WRONG(m, "tlsa: only with LN_AUTH_DANE or LN_AUTH_DANE_OPPORTUNISTIC");
    if (!dane && o->dane_ee_strict)
        return WRONG(m, "dane_ee_strict: only with DANE");
    switch (o->auth) {
    case LN_AUTH_PSK:
        return check_psk(m);
    case LN_AUTH_CERTIFICATE:
    case LN_AUTH_DANE:
    case LN_AUTH_DANE_OPPORTUNISTIC:
        return check_certificates(m);
    }
    return WRONG(m, "auth: is no value of enum ln_tls_auth");
}

/* ---- credentials ---- */

static struct ln_load load_of(const struct making *m, const char *field, bool folders)
{
    struct ln_load load = { m->env, field, folders, m->diag };
    return load;
}

static enum ln_status load_own(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    struct ln_load chain = load_of(m, "chain", false);
    struct ln_load key = load_of(m, "key", false);
    if (!given(&o->chain))
        return LN_OK;
    if (o->chain.kind == LN_SOURCE_URI)
        m->settings.chain_uri = o->chain.path;
    else
        TRY(ln__load_certificates(&chain, &o->chain, &m->chain));
    if (m->chain.count > LN_CHAIN_MAX)
        return WRONG(m, "chain: at most %d certificates", LN_CHAIN_MAX);
    TRY(ln__load_key(&key, &o->key, &m->key));
    if (!o->complete_chain)
        return LN_OK;
    return ln__chain_complete(m->config->backend, &m->chain, &m->trust);
}

/** For a library that does not find the system's bundle itself. Behind everything else, so that the
 *  own chain is not completed from it. */
static enum ln_status load_system(struct making *m)
{
    size_t before = m->trust.count;
    if (!m->o->system_trust || (m->caps & LN_TLS_CAP_SYSTEM_TRUST) != 0)
        return LN_OK;
    enum ln_status st = ln__load_system_trust(m->env, m->diag, &m->trust);
    m->trust_optional = m->trust.count - before;
    if (st != LN_NOT_FOUND || before == 0)
        return st;
    ln_diag_clear(m->diag); /* somebody else is trusted */
    return LN_OK;
}

static enum ln_status load_credentials(struct making *m)
{
    struct ln_load trust = load_of(m, "trust", true);
    struct ln_load crls = load_of(m, "crls", true);
    TRY(ln__load_certificates(&trust, &m->o->trust, &m->trust));
    TRY(ln__load_crls(&crls, &m->o->crls, &m->crls));
    TRY(load_own(m));
    TRY(load_system(m));
    m->config->has_trust = m->trust.count > 0 || m->o->system_trust;
    if (m->o->tlsa_count == 0)
        return LN_OK;
    return ln__tls_records_new(m->env, m->config->backend, m->o->tlsa, m->o->tlsa_count, m->diag,
                               &m->config->tlsa);
}

/* ---- offers ---- */

static enum ln_status check_suite(struct making *m, uint16_t id, bool *tls13)
{
    const struct ln_suite *suite = ln__suite(id);
    bool psk = m->o->auth == LN_AUTH_PSK;
    const char *name = ln_suite_name(id);
    if (suite == NULL)
        return CANNOT(m, "suites: 0x%04x is not known", (unsigned)id);
    *tls13 = suite->tls13;
    if (suite->tls13 && is_dtls(m))
        return WRONG(m, "suites: %s is for TLS 1.3, not for DTLS 1.2", name);
    if (suite->tls13 && psk && suite->hash != m->o->psk_hash)
        return WRONG(m, "suites: %s has another hash than psk_hash", name);
    if (!suite->tls13 && suite->psk != psk)
        return WRONG(m, "suites: %s is for %s", name,
                     psk ? "certificates, and auth is LN_AUTH_PSK"
                         : "pre-shared keys, and auth is not LN_AUTH_PSK");
    return LN_OK;
}

/** Versions without a suite of theirs are not offered; that may leave none. */
static enum ln_status fit_versions(struct making *m, bool any_tls13, bool any_old)
{
    struct ln_tls_config *c = m->config;
    if (is_dtls(m))
        return LN_OK;
    if (!any_tls13 && c->max_version == LN_TLS_1_3)
        c->max_version = LN_TLS_1_2;
    if (!any_old && c->min_version < LN_TLS_1_3)
        c->min_version = LN_TLS_1_3;
    if (rank(false, c->min_version) > rank(false, c->max_version))
        return WRONG(m, "suites: none is for a version between min_version and max_version");
    return LN_OK;
}

static enum ln_status choose_suites(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    const struct ln_tls_config *c = m->config;
    bool any_tls13 = false;
    bool any_old = false;
    if (o->suite_count == 0) {
        ln__default_suites(is_dtls(m), o->auth == LN_AUTH_PSK, o->psk_hash,
                           c->max_version == LN_TLS_1_3, c->min_version != LN_TLS_1_3,
                           rank(is_dtls(m), c->min_version) < RANK_1_2, &m->suites);
        return LN_OK;
    }
    if (o->suite_count > LN_ID_LIST_MAX || o->suites == NULL)
        return WRONG(m, "suites: 1 to %d of them", LN_ID_LIST_MAX);
    for (size_t i = 0; i < o->suite_count; i++) {
        bool tls13 = false;
        TRY(check_suite(m, o->suites[i], &tls13));
        any_tls13 = any_tls13 || tls13;
        any_old = any_old || !tls13;
        m->suites.ids[m->suites.count++] = o->suites[i];
    }
    return fit_versions(m, any_tls13, any_old);
}

static enum ln_status check_alpn(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    if (o->alpn_count > ALPN_MAX || (o->alpn_count > 0 && o->alpn == NULL))
        return WRONG(m, "alpn: at most %u names", ALPN_MAX);
    for (size_t i = 0; i < o->alpn_count; i++) {
        size_t len = o->alpn[i] != NULL ? strlen(o->alpn[i]) : 0;
        if (len == 0 || len > ALPN_NAME_MAX)
            return WRONG(m, "alpn: names have 1 to %u bytes", ALPN_NAME_MAX);
    }
    return LN_OK;
}

static enum ln_status choose_offers(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    TRY(choose_suites(m));
    TRY(check_alpn(m));
    if (o->signature_count > LN_ID_LIST_MAX || (o->signature_count > 0 && o->signatures == NULL))
        return WRONG(m, "signatures: at most %d of them", LN_ID_LIST_MAX);
    if (o->group_count == 0) {
        ln__default_groups(&m->groups);
        return LN_OK;
    }
    if (o->group_count > LN_ID_LIST_MAX || o->groups == NULL)
        return WRONG(m, "groups: 1 to %d of them", LN_ID_LIST_MAX);
    for (size_t i = 0; i < o->group_count; i++) {
        for (size_t k = 0; k < i; k++)
            if (o->groups[k] == o->groups[i])
                return WRONG(m, "groups: 0x%04x is there twice", (unsigned)o->groups[i]);
        m->groups.ids[m->groups.count++] = o->groups[i];
    }
    return LN_OK;
}

/* ---- time and sessions ---- */

static enum ln_status choose_timers(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    struct ln_tls_config *c = m->config;
    c->first_ms = o->handshake_first_ms != 0 ? o->handshake_first_ms : FIRST_MS;
    c->max_ms = o->handshake_max_ms != 0 ? o->handshake_max_ms : MAX_MS;
    c->total_ms = o->handshake_total_ms;
    if (c->first_ms > TIMER_LIMIT_MS || c->max_ms > TIMER_LIMIT_MS)
        return WRONG(m, "handshake_first_ms, handshake_max_ms: at most %u", TIMER_LIMIT_MS);
    if (c->max_ms < c->first_ms)
        return WRONG(m, "handshake_max_ms: is below handshake_first_ms");
    if (!is_dtls(m) && (o->handshake_first_ms != 0 || o->handshake_max_ms != 0))
        return WRONG(m, "handshake_first_ms, handshake_max_ms: only for DTLS");
    if (!is_dtls(m) && c->total_ms == 0)
        c->total_ms = TOTAL_MS;
    c->time_floor = o->time_floor != 0 ? o->time_floor : LN_TIME_FLOOR;
    c->mtu = o->mtu;
    if (c->mtu != 0 && !is_dtls(m))
        return WRONG(m, "mtu: only for DTLS");
    if (c->mtu != 0 && (c->mtu < MTU_MIN || c->mtu > MTU_MAX))
        return WRONG(m, "mtu: 0, or %u to %u", MTU_MIN, MTU_MAX);
    return LN_OK;
}

static enum ln_status choose_sessions(struct making *m)
{
    const struct ln_session_store *store = m->o->sessions;
    if (store == NULL)
        return LN_OK;
    if (store->load == NULL || store->save == NULL || store->remove == NULL)
        return WRONG(m, "sessions: load, save and remove are all required");
    m->config->has_sessions = true;
    m->config->sessions = *store;
    return LN_OK;
}

/** A digest of all that a stored session relies on: who is accepted, at which security level, by which
 *  algorithms, and who we are. The lengths come first, so that no two settings look the same. */
static enum ln_status digest_settings(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    struct ln_tls_config *c = m->config;
    struct ln_span parts[10 + ALPN_MAX];
    size_t n = 0;
    uint8_t lists[3][LN_HASH_MAX];
    const struct ln_span uri = ln_span_str(m->settings.chain_uri);
    const size_t lengths[] = { o->psk_identity.len, o->psk_key.len,  o->signature_count,
                               m->suites.count,     m->groups.count, uri.len };
    uint8_t flags[] = { (uint8_t)o->auth,
                        (uint8_t)o->crl_policy,
                        o->system_trust,
                        o->partial_chain,
                        o->insecure_skip_name,
                        o->insecure_skip_verification,
                        o->insecure_old_versions,
                        o->insecure_legacy_server,
                        o->dane_ee_strict,
                        (uint8_t)o->psk_hash,
                        (uint8_t)(c->min_version >> 8),
                        (uint8_t)c->min_version,
                        (uint8_t)(c->max_version >> 8),
                        (uint8_t)c->max_version };
    const struct ln_der_list *all[] = { &m->trust, &m->crls, &m->chain };
    for (size_t i = 0; i < 3; i++) {
        TRY(ln__tls_hash(m->env, c->backend, LN_SHA256, all[i]->items, all[i]->count, lists[i]));
        parts[n++] = ln_span(lists[i], 32);
    }
    parts[n++] = ln_span(flags, sizeof flags);
    parts[n++] = ln_span(lengths, sizeof lengths);
    parts[n++] = o->psk_identity;
    parts[n++] = o->psk_key;
    parts[n++] = ln_span(o->signatures, o->signature_count * sizeof *o->signatures);
    parts[n++] = ln_span(m->suites.ids, m->suites.count * sizeof *m->suites.ids);
    parts[n++] = ln_span(m->groups.ids, m->groups.count * sizeof *m->groups.ids);
    parts[n++] = uri;
    for (size_t i = 0; i < o->alpn_count; i++)
        parts[n++] = ln_span(o->alpn[i], strlen(o->alpn[i]) + 1);
    uint8_t digest[LN_HASH_MAX];
    TRY(ln__tls_hash(m->env, c->backend, LN_SHA256, parts, n, digest));
    memcpy(c->digest, digest, sizeof c->digest);
    return LN_OK;
}

/* ---- making ---- */

static void fill_settings(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    const struct ln_tls_config *c = m->config;
    struct ln_tls_settings *s = &m->settings;
    s->env = m->env;
    s->datagram = is_dtls(m);
    s->auth = o->auth;
    s->min_version = c->min_version;
    s->max_version = c->max_version;
    s->insecure_old_versions = o->insecure_old_versions;
    s->insecure_legacy_server = o->insecure_legacy_server;
    s->trust = m->trust.items;
    s->trust_count = m->trust.count;
    s->trust_optional = m->trust_optional;
    s->system_trust = o->system_trust && (m->caps & LN_TLS_CAP_SYSTEM_TRUST) != 0;
    s->partial_chain = o->partial_chain;
    s->crls = m->crls.items;
    s->crl_count = m->crls.count;
    s->crl_policy = o->crl_policy;
    s->chain = m->chain.items;
    s->chain_count = m->chain.count;
    s->key = m->key.key;
    s->client_auth = o->client_auth;
    s->psk_identity = o->psk_identity;
    s->psk_key = o->psk_key;
    s->psk_hash = o->psk_hash;
    s->suites = m->suites.ids;
    s->suite_count = m->suites.count;
    s->suites_default = o->suite_count == 0;
    s->groups = m->groups.ids;
    s->group_count = m->groups.count;
    s->signatures = o->signatures;
    s->signature_count = o->signature_count;
    s->alpn = o->alpn;
    s->alpn_count = o->alpn_count;
    s->first_ms = c->first_ms;
    s->max_ms = c->max_ms;
    s->resume = c->has_sessions;
    s->connection_id = c->connection_id;
    s->keylog = o->insecure_keylog;
    s->keylog_user = o->keylog_user;
    s->native_hook = o->native_hook;
    s->native_user = o->native_user;
}

static void remember_offers(struct making *m)
{
    struct ln_tls_config *c = m->config;
    c->suite_count = m->suites.count;
    for (size_t i = 0; i < m->suites.count && i < LN_DIAG_SUITES_MAX; i++)
        c->suites[i] = m->suites.ids[i];
}

static enum ln_status make(struct making *m)
{
    const struct ln_tls_options *o = m->o;
    struct ln_tls_config *c = m->config;
    struct ln_tls_capabilities can;
    c->backend = o->backend != NULL ? o->backend : ln_tls_builtin(0);
    if (c->backend == NULL)
        return CANNOT(m, "backend: this build has no TLS library; give one");
    memset(&can, 0, sizeof can);
    c->backend->capabilities(&can);
    m->caps = can.caps;
    c->auth = o->auth;
    c->insecure_skip_verification = o->insecure_skip_verification;
    c->insecure_skip_name = o->insecure_skip_name;
    c->dane_ee_strict = o->dane_ee_strict;
    c->close_policy = o->close_policy;
    c->connection_id =
        is_dtls(m) && o->connection_id != LN_CID_OFF && (m->caps & LN_TLS_CAP_CONNECTION_ID) != 0;
    TRY(check_versions(m));
    TRY(check_mode(m));
    TRY(check_capabilities(m));
    TRY(choose_offers(m));
    TRY(choose_timers(m));
    TRY(choose_sessions(m));
    TRY(load_credentials(m));
    TRY(digest_settings(m));
    remember_offers(m);
    fill_settings(m);
    return c->backend->config_new(&m->settings, m->diag, &c->native);
}

static void release(struct making *m)
{
    ln__loaded_key_free(&m->key);
    ln__der_list_free(&m->trust);
    ln__der_list_free(&m->crls);
    ln__der_list_free(&m->chain);
}

static enum ln_status check_call(const struct ln_env *env, enum ln_sock_kind kind,
                                 const struct ln_tls_options *options, struct ln_diag *diag,
                                 struct ln_tls_config **out)
{
    struct making m = { .diag = diag };
    if (env == NULL || options == NULL || out == NULL || *out != NULL)
        return WRONG(&m, "env, options and out are required, and *out must be NULL");
    if (kind != LN_TLS && kind != LN_DTLS)
        return WRONG(&m, "kind: LN_TLS or LN_DTLS");
    if (options->size != sizeof *options)
        return WRONG(&m, "options: start from LN_TLS_OPTIONS_INIT");
    return LN_OK;
}

enum ln_status ln_tls_config_new(const struct ln_env *env, enum ln_sock_kind kind,
                                 const struct ln_tls_options *options, struct ln_diag *diag,
                                 struct ln_tls_config **out)
{
    struct ln_diag unused;
    if (diag == NULL)
        diag = &unused;
    ln_diag_clear(diag);
    TRY(check_call(env, kind, options, diag, out));
    struct making m = { .env = env, .o = options, .diag = diag };
    m.config = ln_calloc(env, 1, sizeof *m.config);
    if (m.config == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a TLS configuration");
    ln__der_list_init(&m.trust, env);
    ln__der_list_init(&m.crls, env);
    ln__der_list_init(&m.chain, env);
    m.key.env = env;
    m.config->env = env;
    m.config->kind = kind;
    atomic_init(&m.config->references, 1u);
    enum ln_status st = make(&m);
    release(&m);
    if (st == LN_NO_MEMORY)
        ln_diag_set(diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                    "no memory for a TLS configuration");
    if (st == LN_OK)
        *out = m.config;
    else
        ln_tls_config_unref(m.config);
    return st;
}

struct ln_tls_config *ln_tls_config_ref(struct ln_tls_config *config)
{
    atomic_fetch_add_explicit(&config->references, 1u, memory_order_relaxed);
    return config;
}

void ln_tls_config_unref(struct ln_tls_config *config)
{
    if (config == NULL ||
        atomic_fetch_sub_explicit(&config->references, 1u, memory_order_acq_rel) != 1)
        return;
    if (config->native != NULL)
        config->backend->config_free(config->native);
    ln__tlsa_set_free(config->env, config->tlsa);
    ln_free_secret(config->env, config, sizeof *config);
}
