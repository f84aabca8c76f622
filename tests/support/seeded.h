/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_SEEDED_H
#define LN_TESTS_SEEDED_H
/**
 * @file seeded.h
 * Repeatable "randomness" for libcrypto, so that a seed of a test with losses means the same
 * datagrams each time: the length of an ECDSA signature hangs on it. Only for tests.
 */
#include <stdint.h>

/** From now on libcrypto draws from this seed. */
void seeded_random(uint64_t seed);
/** Back to real randomness. */
void seeded_random_off(void);

#endif
