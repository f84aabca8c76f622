/* SPDX-License-Identifier: Apache-2.0 */
#include "support/libmem.h"

#include <openssl/crypto.h>

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return libmem_take(size);
}

static void *resize(void *data, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return libmem_resize(data, size);
}

static void give(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    libmem_give(data);
}

bool libmem_hook_openssl(void);

bool libmem_hook_openssl(void)
{
    return CRYPTO_set_mem_functions(take, resize, give) == 1;
}

void libmem_renew_openssl(void);

void libmem_renew_openssl(void)
{
    /* It begins once in a process, and never again. */
}
