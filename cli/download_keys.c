/* SPDX-License-Identifier: Apache-2.0 */
/* Trust and keys of `linnet download`: everything for the server that was named, trust alone for those
 * that it redirects to. */
#include "download.h"

#include <string.h>

enum { HOME = 0, ABROAD };

void download_keys_init(struct download_keys *keys, const struct ln_env *env,
                        const struct download_settings *settings)
{
    memset(keys, 0, sizeof *keys);
    keys->env = env;
    keys->settings = settings;
}

void download_keys_free(struct download_keys *keys)
{
    for (size_t i = 0; i < sizeof keys->config / sizeof keys->config[0]; i++) {
        ln_tls_config_unref(keys->config[i]);
        ln_wipe(&keys->slot[i], sizeof keys->slot[i]);
        keys->config[i] = NULL;
    }
}

static const char *protocol_of(enum ln_uri_scheme scheme)
{
    return scheme == LN_URI_HTTPS ? "http/1.1" : scheme == LN_URI_COAPS_TCP ? "coap" : NULL;
}

/* Whoever we are sent to may be anybody: no key, no certificate and no record of ours. */
static void leave_at_home(struct ln_tls_options *tls)
{
    struct ln_source none = { .kind = LN_SOURCE_NONE };
    tls->auth = LN_AUTH_CERTIFICATE;
    tls->chain = tls->key = none;
    tls->psk_identity = tls->psk_key = ln_span(NULL, 0);
    tls->tlsa = NULL;
    tls->tlsa_count = 0;
}

static enum ln_status make(struct download_keys *keys, int which, enum ln_uri_scheme scheme,
                           struct ln_diag *diag)
{
    struct ln_tls_options tls = keys->settings->security.tls;
    struct ln_session_store sessions = ln_session_store_slot(&keys->slot[which]);
    const char *protocol = protocol_of(scheme);
    if (keys->config[which] != NULL)
        return LN_OK;
    if (which == ABROAD)
        leave_at_home(&tls);
    if (which == ABROAD && tls.trust.kind == LN_SOURCE_NONE && !tls.system_trust &&
        !tls.insecure_skip_verification)
        return ln_diag_set(diag, LN_DENIED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "a redirect leads to another host, and no CA is trusted: give --ca or "
                           "--system-trust");
    tls.alpn = &protocol;
    tls.alpn_count = protocol != NULL ? 1 : 0;
    tls.sessions = &sessions;
    return ln_tls_config_new(keys->env, scheme == LN_URI_COAPS ? LN_DTLS : LN_TLS, &tls, diag,
                             &keys->config[which]);
}

static bool is_secure(enum ln_uri_scheme scheme)
{
    return scheme == LN_URI_HTTPS || scheme == LN_URI_COAPS || scheme == LN_URI_COAPS_TCP;
}

enum ln_status download_keys_check(struct download_keys *keys, struct ln_diag *diag)
{
    const struct download_settings *s = keys->settings;
    bool wanted = is_secure(s->uri.scheme) || security_any(&s->args->security);
    enum ln_uri_scheme scheme = is_secure(s->uri.scheme) ? s->uri.scheme : LN_URI_HTTPS;
    return wanted ? make(keys, HOME, scheme, diag) : LN_OK;
}

enum ln_status download_keys_give(void *user, const struct ln_download_target *target,
                                  struct ln_download_security *out, struct ln_diag *diag)
{
    struct download_keys *keys = user;
    const struct download_settings *s = keys->settings;
    bool upgraded = s->uri.scheme == LN_URI_HTTP && target->same_host;
    int which = target->same_origin || upgraded ? HOME : ABROAD;
    enum ln_status st = make(keys, which, target->uri->scheme, diag);
    if (st != LN_OK)
        return st;
    out->tls = ln_tls_config_ref(keys->config[which]);
    out->server_name = which == HOME ? s->args->security.sni : NULL;
    return LN_OK;
}
