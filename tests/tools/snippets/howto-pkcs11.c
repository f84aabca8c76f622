/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/tls.h>

void configure(const struct ln_env *env, struct ln_diag diag, struct ln_tls_config *config);

void configure(const struct ln_env *env, struct ln_diag diag, struct ln_tls_config *config)
{
    /* snippet 1 */
}
