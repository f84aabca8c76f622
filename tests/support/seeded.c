/* SPDX-License-Identifier: Apache-2.0 */
/* RAND_set_rand_method() is deprecated and has no successor that is as short. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "support/seeded.h"

#include <openssl/rand.h>

static uint64_t state;

/* splitmix64 */
static uint64_t next(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int fill(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++)
        out[i] = (unsigned char)(next() >> 40);
    return 1;
}

static int ready(void)
{
    return 1;
}

void seeded_random(uint64_t seed)
{
    static const RAND_METHOD method = { .bytes = fill, .pseudorand = fill, .status = ready };
    state = seed;
    (void)RAND_set_rand_method(&method);
}

void seeded_random_off(void)
{
    (void)RAND_set_rand_method(NULL);
}
