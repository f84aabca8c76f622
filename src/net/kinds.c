/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kinds.c
 * ln_sock_new(): which transport a kind of socket stands on, and whether TLS goes over it.
 */
#include "net/kinds.h"
#include "net/tls_hook.h"

#include "base/try.h"

static enum ln_status check(enum ln_sock_kind kind, const struct ln_tls_config *tls,
                            struct ln_sock *const *out, struct ln_diag *diag)
{
    const char *wrong = NULL;
    if ((size_t)kind >= LN__KIND_COUNT)
        wrong = "kind: LN_UDP, LN_TCP, LN_DTLS or LN_TLS is needed";
    else if (*out != NULL)
        wrong = "out: it already holds something";
    else if (ln__kinds[kind].secure && tls == NULL)
        wrong = "tls: a configuration is needed for DTLS and TLS";
    else if (!ln__kinds[kind].secure && tls != NULL)
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
    if (ln__kinds[kind].transport == NULL)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "this build has datagrams alone (LN_SMALL)");
    TRY(ln__kinds[kind].transport(env, options, diag, &s));
    enum ln_status st = LN_OK;
    if (ln__kinds[kind].secure) {
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
