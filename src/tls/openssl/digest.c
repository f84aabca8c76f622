/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest.c
 * Hash functions of libcrypto, at once and in pieces. Nothing stays behind in its error queue.
 */
#include "openssl.h"
#include <openssl/err.h>
#include <openssl/evp.h>

struct ossl_hasher {
    const struct ln_env *env;
    EVP_MD_CTX *so_far;
    EVP_MD_CTX *copy; /**< to finish, while `so_far` goes on */
};

static const EVP_MD *digest_of(enum ln_hash hash)
{
    return hash == LN_SHA256 ? EVP_sha256() : hash == LN_SHA384 ? EVP_sha384() : EVP_sha512();
}

enum ln_status ossl_hash(enum ln_hash hash, const struct ln_span *parts, size_t count,
                         uint8_t out[LN_HASH_MAX])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md != NULL && EVP_DigestInit_ex(md, digest_of(hash), NULL);
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(md, parts[i].data, parts[i].len);
    ok = ok && EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return ok ? LN_OK : LN_NO_MEMORY;
}

static void end(void *digest)
{
    struct ossl_hasher *h = digest;
    EVP_MD_CTX_free(h->so_far);
    EVP_MD_CTX_free(h->copy);
    ln_free(h->env, h);
}

static enum ln_status begin(void *ctx, const struct ln_env *env, enum ln_hash hash, void **out)
{
    (void)ctx;
    struct ossl_hasher *h = ln_calloc(env, 1, sizeof *h);
    if (h == NULL)
        return LN_NO_MEMORY;
    h->env = env;
    h->so_far = EVP_MD_CTX_new();
    h->copy = EVP_MD_CTX_new();
    bool ok =
        h->so_far != NULL && h->copy != NULL && EVP_DigestInit_ex(h->so_far, digest_of(hash), NULL);
    ERR_clear_error();
    if (!ok) {
        end(h);
        return LN_NO_MEMORY;
    }
    *out = h;
    return LN_OK;
}

static enum ln_status update(void *digest, struct ln_span data)
{
    struct ossl_hasher *h = digest;
    if (EVP_DigestUpdate(h->so_far, data.data, data.len))
        return LN_OK;
    ERR_clear_error();
    return LN_INTERNAL;
}

static enum ln_status value(void *digest, uint8_t out[LN_HASH_MAX])
{
    struct ossl_hasher *h = digest;
    bool ok = EVP_MD_CTX_copy_ex(h->copy, h->so_far) && EVP_DigestFinal_ex(h->copy, out, NULL);
    ERR_clear_error();
    return ok ? LN_OK : LN_NO_MEMORY;
}

const struct ln_digest_ops ossl_digest = {
    .begin = begin,
    .update = update,
    .value = value,
    .end = end,
};
