/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kinds.c
 * ln_sock_new(): which transport a kind of socket stands on, and whether TLS goes over it.
 */
#include "net/ip.h"
#include "net/tls_hook.h"

#include "base/try.h"

struct kind {
    enum ln_status (*transport)(const struct ln_env *env, const struct ln_sock_options *options,
                                struct ln_diag *diag, struct ln_sock **out);
    bool secure;
};

static const struct kind kinds[] = {
    [LN_UDP] = { .transport = ln__udp_new, .secure = false },
    [LN_TCP] = { .transport = ln__tcp_new, .secure = false },
    [LN_DTLS] = { .transport = ln__udp_new, .secure = true },
    [LN_TLS] = { .transport = ln__tcp_new, .secure = true },
};

static enum ln_status check(enum ln_sock_kind kind, const struct ln_tls_config *tls,
                            struct ln_sock *const *out, struct ln_diag *diag)
{
    const char *wrong = NULL;
    if ((size_t)kind >= sizeof kinds / sizeof kinds[0])
        wrong = "kind: LN_UDP, LN_TCP, LN_DTLS or LN_TLS is needed";
    else if (*out != NULL)
        wrong = "out: it already holds something";
    else if (kinds[kind].secure && tls == NULL)
        wrong = "tls: a configuration is needed for DTLS and TLS";
    else if (!kinds[kind].secure && tls != NULL)
        wrong = "tls: UDP and TCP have no use for it";
    if (wrong == NULL)
        return LN_OK;
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", wrong);
}

enum ln_status ln_sock_new(const struct ln_env *env, enum ln_sock_kind kind,
                           const struct ln_sock_options *options, struct ln_tls_config *tls,
                           struct ln_diag *diag, struct ln_sock **out)
{
    struct ln_sock *s = NULL;
    ln_diag_clear(diag);
    TRY(check(kind, tls, out, diag));
    TRY(kinds[kind].transport(env, options, diag, &s));
    enum ln_status st = LN_OK;
    if (kinds[kind].secure) {
        struct ln_sock *top = NULL;
        st = ln__tls_filter_new(s, tls, NULL, diag, &top);
        s = st == LN_OK ? top : s;
    }
    if (st != LN_OK) {
        ln_sock_free(s);
        return ln_diag_set(diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a socket");
    }
    *out = s;
    return LN_OK;
}
