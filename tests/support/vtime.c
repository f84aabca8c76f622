/* SPDX-License-Identifier: Apache-2.0 */
#include "support/vtime.h"

#include <linnet/testkit.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

/* The library that calls them is another one, so they must be visible from outside. */
#define VISIBLE __attribute__((visibility("default")))

static atomic_ulong calls;

unsigned long vtime_calls(void)
{
    return atomic_load(&calls);
}

static int64_t wall_us(void)
{
    int64_t us = ln_testkit_wall_us();
    if (us >= 0) {
        atomic_fetch_add(&calls, 1);
        return us;
    }
    struct timespec now = { 0, 0 };
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

VISIBLE int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    int64_t us = wall_us();
    tv->tv_sec = (time_t)(us / 1000000);
    tv->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

VISIBLE time_t time(time_t *out)
{
    time_t now = (time_t)(wall_us() / 1000000);
    if (out != NULL)
        *out = now;
    return now;
}
