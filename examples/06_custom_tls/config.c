/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings -> what all sessions of a configuration share: credentials, priorities, trust, keys for
 * tickets and cookies. What GnuTLS cannot do is refused here, never in a handshake.
 */
#include "backend.h"

static enum ln_status set_alpn(struct gtls_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    for (size_t i = 0; i < s->alpn_count; i++) {
        size_t len = strlen(s->alpn[i]);
        if (i == GTLS_ALPN_MAX || len >= sizeof c->alpn_names[i] - 1)
            return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                    "alpn: GnuTLS takes 8 names of at most 31 bytes");
        memcpy(c->alpn_names[i], s->alpn[i], len);
        c->alpn[i].data = (unsigned char *)c->alpn_names[i];
        c->alpn[i].size = (unsigned)len;
        c->alpn_count++;
    }
    return LN_OK;
}

static enum ln_status set_server_keys(struct gtls_config *c, struct ln_diag *diag)
{
    struct ln_mspan cookie = ln_mspan(c->cookie_key, sizeof c->cookie_key);
    int ret = gnutls_session_ticket_key_generate(&c->ticket_key);
    if (ret < 0)
        return gtls_config_fail(diag, LN_IO, ret, "a key for session tickets");
    if (!c->datagram)
        return LN_OK;
    if (c->env->random.fill == NULL || c->env->random.fill(c->env->random.ctx, cookie) != LN_OK)
        return gtls_config_fail(diag, LN_IO, 0, "env.random gives no random bytes");
    return LN_OK;
}

static enum ln_status set_certificates(struct gtls_config *c, struct ln_diag *diag)
{
    int ret = gnutls_certificate_allocate_credentials(&c->certificates);
    if (ret >= 0)
        ret = gnutls_certificate_set_known_dh_params(c->certificates, GNUTLS_SEC_PARAM_MEDIUM);
    if (ret < 0)
        return gtls_config_fail(diag, LN_INTERNAL, ret, "certificate credentials");
    gnutls_certificate_set_verify_function(c->certificates, gtls_verify);
    return LN_OK;
}

static enum ln_status fill(struct gtls_config *c, const struct ln_tls_settings *s,
                           struct ln_diag *diag)
{
    enum ln_status st = gtls_set_priority(c, s, diag);
    if (st == LN_OK)
        st = set_certificates(c, diag);
    if (st == LN_OK)
        st = set_alpn(c, s, diag);
    if (st == LN_OK)
        st = set_server_keys(c, diag);
    if (st == LN_OK)
        st = gtls_set_trust(c, s, diag);
    if (st == LN_OK)
        st = gtls_set_own(c, s, diag);
    if (st == LN_OK)
        st = gtls_set_psk(c, s, diag);
    if (st != LN_OK || s->native_hook == NULL)
        return st;
    st = s->native_hook(s->native_user, c->certificates);
    if (st != LN_OK)
        ln_diag_set(diag, st, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                    "native_hook: refused the configuration (%s)", ln_status_name(st));
    return st;
}

static void copy_settings(struct gtls_config *c, const struct ln_tls_settings *s)
{
    c->env = s->env;
    c->datagram = s->datagram;
    c->auth = s->auth;
    c->client_auth = s->client_auth;
    c->min_version = s->min_version;
    c->max_version = s->max_version;
    c->resume = s->resume;
    c->first_ms = s->first_ms;
    c->max_ms = s->max_ms;
    c->keylog = s->keylog;
    c->keylog_user = s->keylog_user;
}

enum ln_status gtls_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config)
{
    struct gtls_config *c = ln_calloc(settings->env, 1, sizeof *c);
    if (c == NULL)
        return gtls_no_memory(diag);
    copy_settings(c, settings);
    enum ln_status st = fill(c, settings, diag);
    if (st == LN_OK)
        *config = c;
    else
        gtls_config_free(c);
    return st;
}

void gtls_config_free(void *config)
{
    struct gtls_config *c = config;
    if (c == NULL)
        return;
    const struct ln_env *env = c->env;
    gtls_free_trust(env, &c->trust);
    if (c->priority != NULL)
        gnutls_priority_deinit(c->priority);
    if (c->client_priority != NULL)
        gnutls_priority_deinit(c->client_priority);
    if (c->certificates != NULL)
        gnutls_certificate_free_credentials(c->certificates);
    if (c->psk_client != NULL)
        gnutls_psk_free_client_credentials(c->psk_client);
    if (c->psk_server != NULL)
        gnutls_psk_free_server_credentials(c->psk_server);
    if (c->ticket_key.data != NULL)
        gnutls_memset(c->ticket_key.data, 0, c->ticket_key.size);
    gnutls_free(c->ticket_key.data);
    ln_free_secret(env, c->psk_identity.data, c->psk_identity.len);
    ln_free_secret(env, c->psk_key.data, c->psk_key.len);
    ln_free_secret(env, c, sizeof *c);
}
