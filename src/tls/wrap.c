/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file wrap.c
 * Makes TLS and DTLS sockets: over a new transport, or around a socket of the caller's own; and the
 * calls of tls.h that act on one socket.
 */
#include "base/try.h"
#include "net/tls_hook.h"
#include "tls/filter.h"
#include "tls/names.h"
#include <string.h>

static enum ln_status check_nature(const struct ln_sock *below, const struct ln_tls_config *tls,
                                   struct ln_diag *diag)
{
    unsigned needed = tls->kind == LN_DTLS ? LN_TRAIT_DATAGRAM : LN_TRAIT_STREAM;
    if ((below->traits & needed) != 0)
        return LN_OK;
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "tls: %s needs %s below, and %s is not",
                       tls->kind == LN_DTLS ? "DTLS" : "TLS",
                       tls->kind == LN_DTLS ? "datagrams" : "a stream", below->ops->name);
}

enum ln_status ln__tls_filter_new(struct ln_sock *below, struct ln_tls_config *tls,
                                  const char *peer_name, struct ln_diag *diag, struct ln_sock **out)
{
    TRY(check_nature(below, tls, diag));
    enum ln_status st = ln__tls_sock_new(below, tls, peer_name, out);
    if (st == LN_OK)
        return LN_OK;
    return ln_diag_set(diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory for a TLS socket");
}

enum ln_status ln_sock_wrap(struct ln_sock **inout, struct ln_tls_config *tls,
                            const char *peer_name, struct ln_diag *diag)
{
    struct ln_sock *top = NULL;
    if (diag != NULL)
        ln_diag_clear(diag);
    if (inout == NULL || *inout == NULL || tls == NULL)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "wrap: a socket and a TLS configuration are required");
    enum ln_sock_state state = (*inout)->state;
    if (state != LN_SOCK_CLOSED && state != LN_SOCK_OPEN && state != LN_SOCK_BOUND)
        return ln_diag_set(diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "wrap: not possible while the socket is %s", ln_sock_state_name(state));
    if (peer_name != NULL && strlen(peer_name) > LN_HOST_MAX)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "peer_name: at most %d bytes", LN_HOST_MAX);
    TRY(ln__tls_filter_new(*inout, tls, peer_name, diag, &top));
    *inout = top;
    return LN_OK;
}

/* ---- calls on one socket ---- */

static struct ln_tls_sock *closed_tls(struct ln_sock *s)
{
    struct ln_tls_sock *t = ln__tls_of(s);
    return t != NULL && s->state == LN_SOCK_CLOSED ? t : NULL;
}

static enum ln_status not_now(struct ln_sock *s, const char *call)
{
    ln_diag_clear(s->diag);
    return ln_diag_set(s->diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "%s: only on a TLS or DTLS socket that is closed", call);
}

enum ln_status ln_sock_set_tlsa(struct ln_sock *s, const struct ln_tlsa *records, size_t count)
{
    struct ln_tls_sock *t = closed_tls(s);
    struct ln_tlsa_set *set = NULL;
    if (t == NULL)
        return not_now(s, "set_tlsa");
    ln_diag_clear(s->diag);
    if (t->config->auth != LN_AUTH_DANE && t->config->auth != LN_AUTH_DANE_OPPORTUNISTIC)
        return ln_diag_set(s->diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "set_tlsa: the configuration does not use DANE");
    if (count > 0)
        TRY(ln__tls_records_new(s->env, t->config->backend, records, count, s->diag, &set));
    ln__tlsa_set_free(s->env, t->tlsa);
    t->tlsa = set;
    return LN_OK;
}

enum ln_status ln_sock_set_server_name(struct ln_sock *s, const char *name)
{
    struct ln_tls_sock *t = closed_tls(s);
    struct ln_name parsed;
    char *copy = NULL;
    if (t == NULL)
        return not_now(s, "set_server_name");
    ln_diag_clear(s->diag);
    if (name != NULL) {
        if (ln__name_parse(name, &parsed) != LN_OK)
            return ln_diag_set(s->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                               "set_server_name: not a host name or address of 1 to %d bytes",
                               LN_HOST_MAX);
        copy = ln_strdup(s->env, name);
        if (copy == NULL)
            return LN_NO_MEMORY;
    }
    ln_free(s->env, t->server_name);
    t->server_name = copy;
    t->peer_id = (struct ln_blob_peer) { { 0, 0 } }; /* that was another peer */
    return LN_OK;
}

void ln_sock_forget_session(struct ln_sock *s)
{
    struct ln_tls_sock *t = ln__tls_of(s);
    if (t != NULL)
        ln__tls_session_forget(t);
}

enum ln_status ln_sock_peer_certificate(const struct ln_sock *s, size_t index, struct ln_mspan room,
                                        size_t *len)
{
    const struct ln_tls_sock *t = ln__tls_of(s);
    *len = 0;
    if (t == NULL || t->link == NULL || !t->link->open)
        return LN_BAD_STATE;
    return t->link->backend->peer_certificate(t->link->engine, index, room, len);
}
