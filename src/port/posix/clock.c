/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_clock of <linnet/env.h>.
 *
 * The monotonic clock also counts the time that the machine sleeps, where the system has such a
 * clock: a registration or a DTLS session at the server grows older while the device is suspended.
 */
#include "port/posix/posix.h"

#include <time.h>

#ifdef CLOCK_BOOTTIME
#define STEADY_CLOCK CLOCK_BOOTTIME
#else
#define STEADY_CLOCK CLOCK_MONOTONIC
#endif

static ln_msec monotonic(void *ctx)
{
    (void)ctx;
    struct timespec now = { .tv_sec = 0 };
    (void)clock_gettime(STEADY_CLOCK, &now); /* cannot fail for a clock that exists */
    return (ln_msec)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    struct timespec now = { .tv_sec = 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

const struct ln_clock ln__posix_clock = { .monotonic = monotonic, .wall = wall };
