/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/blocking.h>
#include <linnet/tls.h>

void program(struct ln_env *env, const uint8_t *key, size_t key_len, struct ln_diag diag,
             struct ln_tls_config *tls, struct ln_sock *sock);

void program(struct ln_env *env, const uint8_t *key, size_t key_len, struct ln_diag diag,
             struct ln_tls_config *tls, struct ln_sock *sock)
{
    /* snippet 1 */
}
