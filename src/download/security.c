/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file security.c
 * Contract: download.h. The only place where a download gets a socket: what belongs to one origin is
 * asked for by that origin, and never kept for another.
 */
#include "download/download.h"

static enum ln_sock_kind kind_of(enum ln_uri_scheme scheme)
{
    switch (scheme) {
    case LN_URI_HTTPS:
    case LN_URI_TLS:
    case LN_URI_COAPS_TCP:
        return LN_TLS;
    case LN_URI_COAPS:
    case LN_URI_DTLS:
        return LN_DTLS;
    case LN_URI_COAP:
    case LN_URI_UDP:
        return LN_UDP;
    case LN_URI_HTTP:
    case LN_URI_TCP:
    case LN_URI_COAP_TCP:
        break;
    }
    return LN_TCP;
}

static bool is_secure(enum ln_sock_kind kind)
{
    return kind == LN_TLS || kind == LN_DTLS;
}

static enum ln_status none(struct ln_download *d, struct ln_diag *diag, enum ln_status status,
                           const char *text)
{
    d->reason = status == LN_NO_MEMORY ? LN_DOWNLOAD_MEMORY : LN_DOWNLOAD_SECURITY;
    d->refused = true;
    return ln_diag_set(diag, status, ln__download_category(d->reason), LN_PHASE_CONFIGURE, "%s",
                       text);
}

/* out->tls is a reference of ours on success. */
static enum ln_status choose(struct ln_download *d, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    const struct ln_download_options *o = &d->options;
    bool upgraded = d->uri.scheme == LN_URI_HTTP && target->same_host;
    if (o->security == NULL) {
        bool ours = target->same_origin || upgraded;
        if (o->tls == NULL || !ours)
            return none(d, diag, LN_DENIED,
                        ours ? "no TLS configuration was given for a URI that needs one"
                             : "a redirect leads to another host, for which no trust and keys "
                               "were given");
        out->tls = ln_tls_config_ref(o->tls);
        return LN_OK;
    }
    enum ln_status st = o->security(o->security_user, target, out, diag);
    if (st == LN_OK && out->tls != NULL)
        return LN_OK;
    ln_tls_config_unref(out->tls);
    return none(d, diag, st != LN_OK && st != LN_AGAIN ? st : LN_DENIED,
                "no trust and keys are known for the server");
}

static enum ln_status make(struct ln_download *d, enum ln_sock_kind kind,
                           const struct ln_download_security *security, struct ln_diag *diag,
                           struct ln_sock **out)
{
    struct ln_sock *s = NULL;
    enum ln_status st = ln_sock_new(d->env, kind, &d->options.sock, security->tls, diag, &s);
    if (st == LN_OK && security->server_name != NULL)
        st = ln_sock_set_server_name(s, security->server_name);
    if (st == LN_OK && security->tlsa_count > 0)
        st = ln_sock_set_tlsa(s, security->tlsa, security->tlsa_count);
    if (st == LN_OK) {
        *out = s;
        return LN_OK;
    }
    ln_sock_free(s);
    return none(d, diag, st, "the server name or a TLSA record cannot be used");
}

enum ln_status ln__download_socket(struct ln_download *d, const struct ln_download_target *target,
                                   struct ln_diag *diag, struct ln_sock **out)
{
    struct ln_download_security security = { .tls = NULL };
    enum ln_sock_kind kind = kind_of(target->uri->scheme);
    if (!is_secure(kind))
        return ln_sock_new(d->env, kind, &d->options.sock, NULL, diag, out);
    enum ln_status st = choose(d, target, &security, diag);
    if (st != LN_OK)
        return st;
    st = make(d, kind, &security, diag, out);
    ln_tls_config_unref(security.tls);
    return st;
}

enum ln_status ln__download_check_tls(struct ln_download *d, struct ln_diag *diag)
{
    struct ln_sock *s = NULL;
    enum ln_sock_kind kind = kind_of(d->uri.scheme);
    struct ln_tls_config *tls = is_secure(kind) ? d->options.tls : NULL;
    if (is_secure(kind) && tls == NULL)
        return LN_OK; /* the callback, or a failure that can be told when it is tried */
    enum ln_status st = ln_sock_new(d->env, kind, &d->options.sock, tls, diag, &s);
    ln_sock_free(s);
    return st;
}
