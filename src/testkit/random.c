/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file random.c
 * Randomness that repeats: one sequence for each host, from the seed. Never for a device.
 */
#include "testkit/machine.h"

enum ln_status ln__testkit_machine_random(void *ctx, struct ln_mspan room)
{
    struct ln_testkit_host *host = ctx;
    enum ln_status st = LN_OK;
    if (ln__testkit_point_fails(host, LN_TESTKIT_RANDOM, &st))
        return st;
    for (size_t i = 0; i < room.len; i++)
        room.data[i] = (uint8_t)(ln__mem_random_next(&host->machine.random) >> 32);
    return LN_OK;
}
