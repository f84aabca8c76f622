/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/download.h>

void run(const struct ln_env *env, struct ln_tls_config *config, struct ln_download_store my_store);

void run(const struct ln_env *env, struct ln_tls_config *config, struct ln_download_store my_store)
{
    struct ln_diag diag;
    enum ln_status st;
    /* snippet 1 */
}
