/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_KINDS_H
#define LN_NET_KINDS_H
/**
 * @file kinds.h
 * Which transport a kind of socket stands on. The table is that of the build.
 */
#include "net/ip.h"

#define LN__KIND_COUNT 4 /* of enum ln_sock_kind */

struct ln__kind {
    /** NULL: this build has none. */
    enum ln_status (*transport)(const struct ln_env *env, const struct ln_sock_options *options,
                                struct ln_diag *diag, struct ln_sock **out);
    bool secure;
};

/** By enum ln_sock_kind. */
extern const struct ln__kind ln__kinds[LN__KIND_COUNT];

#endif
