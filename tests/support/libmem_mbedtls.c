/* SPDX-License-Identifier: Apache-2.0 */
#include "support/libmem.h"

#include <mbedtls/platform.h>
#include <psa/crypto.h>
#include <stdint.h>

static void *take(size_t count, size_t size)
{
    return size != 0 && count > SIZE_MAX / size ? NULL : libmem_take(count * size);
}

bool libmem_hook_mbedtls(void);

bool libmem_hook_mbedtls(void)
{
    return mbedtls_platform_set_calloc_free(take, libmem_give) == 0;
}

void libmem_renew_mbedtls(void);

void libmem_renew_mbedtls(void)
{
    mbedtls_psa_crypto_free(); /* the next configuration begins it again */
}
