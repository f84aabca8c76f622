/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_DIGEST_H
#define LN_DIGEST_H
/**
 * @file digest.h
 * Hash functions in pieces: of a download while it streams, of a file that is larger than memory.
 *
 * Life:     ln_hasher_new -> ln_hasher_update* -> ln_hasher_value, as often as wanted ->
 *           ln_hasher_free.
 * Source:   env->digest.pieces; where that is NULL, the first TLS library that is built in and has
 *           hash functions.
 * Threads:  one thread per hasher.
 * Memory:   one block of the environment's, and what the TLS library needs.
 */
#include <linnet/env.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_hasher;

/**
 * Begin a digest.
 *
 * @param env  borrowed until the hasher is freed
 * @param out  *out must be NULL; the caller owns what it receives
 * @retval LN_UNSUPPORTED  neither the environment nor a TLS library of this build has this hash
 * @retval LN_BAD_ARG      *out was not NULL
 * @retval LN_NO_MEMORY    nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_hasher_new(const struct ln_env *env, enum ln_hash hash,
                                                struct ln_hasher **out);

/** Add bytes, borrowed for the call. What fails here fails ln_hasher_value() too. */
LN_API void ln_hasher_update(struct ln_hasher *hasher, struct ln_span data);

/**
 * The digest of all that was added so far; more may follow.
 *
 * @param out  receives ln_hash_len() bytes; the rest is unspecified
 * @retval LN_NO_MEMORY, LN_INTERNAL  there is none; after LN_INTERNAL there will be none
 */
LN_MUST_USE LN_API enum ln_status ln_hasher_value(struct ln_hasher *hasher,
                                                  uint8_t out[LN_HASH_MAX]);

/** NULL is allowed. */
LN_API void ln_hasher_free(struct ln_hasher *hasher);

#ifdef __cplusplus
}
#endif
#endif
