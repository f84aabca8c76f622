/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest.c
 * Hash functions of Mbed TLS, at once and in pieces.
 */
#include "mbedtls.h"
#include <mbedtls/md.h>

struct mbed_hasher {
    const struct ln_env *env;
    mbedtls_md_context_t so_far;
    mbedtls_md_context_t copy; /**< to finish, while `so_far` goes on */
};

static const mbedtls_md_info_t *digest_of(enum ln_hash hash)
{
    return mbedtls_md_info_from_type(hash == LN_SHA256   ? MBEDTLS_MD_SHA256
                                     : hash == LN_SHA384 ? MBEDTLS_MD_SHA384
                                                         : MBEDTLS_MD_SHA512);
}

enum ln_status mbed_hash(enum ln_hash hash, const struct ln_span *parts, size_t count,
                         uint8_t out[LN_HASH_MAX])
{
    mbedtls_md_context_t md;
    mbedtls_md_init(&md);
    int error = mbedtls_md_setup(&md, digest_of(hash), 0);
    if (error == 0)
        error = mbedtls_md_starts(&md);
    for (size_t i = 0; error == 0 && i < count; i++)
        error = mbedtls_md_update(&md, parts[i].data, parts[i].len);
    if (error == 0)
        error = mbedtls_md_finish(&md, out);
    mbedtls_md_free(&md);
    return error == 0 ? LN_OK : LN_NO_MEMORY;
}

static void end(void *digest)
{
    struct mbed_hasher *h = digest;
    mbedtls_md_free(&h->so_far);
    mbedtls_md_free(&h->copy);
    ln_free(h->env, h);
}

static enum ln_status begin(void *ctx, const struct ln_env *env, enum ln_hash hash, void **out)
{
    (void)ctx;
    if (digest_of(hash) == NULL)
        return LN_UNSUPPORTED;
    struct mbed_hasher *h = ln_calloc(env, 1, sizeof *h);
    if (h == NULL)
        return LN_NO_MEMORY;
    h->env = env;
    mbedtls_md_init(&h->so_far);
    mbedtls_md_init(&h->copy);
    if (mbedtls_md_setup(&h->so_far, digest_of(hash), 0) != 0 ||
        mbedtls_md_setup(&h->copy, digest_of(hash), 0) != 0 || mbedtls_md_starts(&h->so_far) != 0) {
        end(h);
        return LN_NO_MEMORY;
    }
    *out = h;
    return LN_OK;
}

static enum ln_status update(void *digest, struct ln_span data)
{
    struct mbed_hasher *h = digest;
    return mbedtls_md_update(&h->so_far, data.data, data.len) == 0 ? LN_OK : LN_INTERNAL;
}

static enum ln_status value(void *digest, uint8_t out[LN_HASH_MAX])
{
    struct mbed_hasher *h = digest;
    bool ok = mbedtls_md_clone(&h->copy, &h->so_far) == 0 && mbedtls_md_finish(&h->copy, out) == 0;
    return ok ? LN_OK : LN_NO_MEMORY;
}

const struct ln_digest_ops mbed_digest = {
    .begin = begin,
    .update = update,
    .value = value,
    .end = end,
};
