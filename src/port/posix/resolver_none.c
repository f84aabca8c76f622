/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: ln__posix_resolver_init() of posix.h, for builds without c-ares: no resolver. Literals
 * can be connected to; a program that wants names puts its own operations into env->resolver.
 */
#include "port/posix/posix.h"

enum ln_status ln__posix_resolver_init(struct ln__posix_dns *dns, struct ln_resolver *out)
{
    (void)dns;
    *out = (struct ln_resolver) { .ops = NULL };
    return LN_OK;
}
