/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file off.c
 * <linnet/tls.h> for LN_TLS=off: no configuration can be made, so that there is no TLS socket either.
 */
#include "net/tls_hook.h"

#include <linnet/tls.h>

enum ln_status ln_tls_config_new(const struct ln_env *env, enum ln_sock_kind kind,
                                 const struct ln_tls_options *options, struct ln_diag *diag,
                                 struct ln_tls_config **out)
{
    (void)env;
    (void)kind;
    (void)options;
    (void)out;
    if (diag != NULL)
        ln_diag_clear(diag);
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "this build has no TLS (LN_TLS=off)");
}

struct ln_tls_config *ln_tls_config_ref(struct ln_tls_config *config)
{
    return config;
}

void ln_tls_config_unref(struct ln_tls_config *config)
{
    (void)config; /* NULL: there is no other */
}

enum ln_status ln__tls_filter_new(struct ln_sock *below, struct ln_tls_config *tls,
                                  const char *peer_name, struct ln_diag *diag, struct ln_sock **out)
{
    (void)below;
    (void)tls;
    (void)peer_name;
    (void)diag;
    (void)out;
    return LN_UNSUPPORTED;
}

enum ln_status ln_sock_wrap(struct ln_sock **inout, struct ln_tls_config *tls,
                            const char *peer_name, struct ln_diag *diag)
{
    (void)inout;
    (void)tls;
    (void)peer_name;
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "this build has no TLS (LN_TLS=off)");
}

/* ---- calls on one socket: none is a TLS socket ---- */

enum ln_status ln_sock_set_tlsa(struct ln_sock *s, const struct ln_tlsa *records, size_t count)
{
    (void)s;
    (void)records;
    (void)count;
    return LN_BAD_STATE;
}

enum ln_status ln_sock_set_server_name(struct ln_sock *s, const char *name)
{
    (void)s;
    (void)name;
    return LN_BAD_STATE;
}

void ln_sock_forget_session(struct ln_sock *s)
{
    (void)s;
}

enum ln_status ln_sock_peer_certificate(const struct ln_sock *s, size_t index, struct ln_mspan room,
                                        size_t *len)
{
    (void)s;
    (void)index;
    (void)room;
    (void)len;
    return LN_BAD_STATE;
}
