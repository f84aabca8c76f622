/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/tls_backend.h>

extern const struct ln_tls_backend custom_tls_gnutls;
void configure(void);

void configure(void)
{
    /* snippet 1 */
}
