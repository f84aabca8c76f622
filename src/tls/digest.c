/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file digest.c
 * Contract: <linnet/digest.h>. Finds who can hash, and remembers a failure until it is asked for.
 */
#include <linnet/digest.h>

#include "tls/builtin.h"

struct ln_hasher {
    const struct ln_env *env;
    const struct ln_digest_ops *ops;
    void *digest;
    enum ln_status failed; /**< an update went wrong: there is no value any more */
};

static const struct ln_digest_ops *find(const struct ln_env *env, void **ctx)
{
    *ctx = env->digest.ctx;
    if (env->digest.pieces != NULL)
        return env->digest.pieces;
    *ctx = NULL;
    for (size_t i = 0; ln__tls_backends[i] != NULL; i++)
        if (ln__tls_backends[i]->digest != NULL)
            return ln__tls_backends[i]->digest;
    return NULL;
}

enum ln_status ln_hasher_new(const struct ln_env *env, enum ln_hash hash, struct ln_hasher **out)
{
    void *ctx = NULL;
    const struct ln_digest_ops *ops = find(env, &ctx);
    if (*out != NULL)
        return LN_BAD_ARG;
    if (ops == NULL)
        return LN_UNSUPPORTED;
    struct ln_hasher *h = ln_calloc(env, 1, sizeof *h);
    if (h == NULL)
        return LN_NO_MEMORY;
    h->env = env;
    h->ops = ops;
    enum ln_status st = ops->begin(ctx, env, hash, &h->digest);
    if (st != LN_OK) {
        ln_free(env, h);
        return st;
    }
    *out = h;
    return LN_OK;
}

void ln_hasher_update(struct ln_hasher *h, struct ln_span data)
{
    if (h->failed == LN_OK && data.len > 0)
        h->failed = h->ops->update(h->digest, data);
}

enum ln_status ln_hasher_value(struct ln_hasher *h, uint8_t out[LN_HASH_MAX])
{
    return h->failed != LN_OK ? h->failed : h->ops->value(h->digest, out);
}

void ln_hasher_free(struct ln_hasher *h)
{
    if (h == NULL)
        return;
    h->ops->end(h->digest);
    ln_free(h->env, h);
}
