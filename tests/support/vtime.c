/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* syscall() */
#include "support/vtime.h"

#include <linnet/testkit.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The library that calls them is another one, so they must be visible from outside. */
#define VISIBLE __attribute__((visibility("default")))

static atomic_ulong calls;

unsigned long vtime_calls(void)
{
    return atomic_load(&calls);
}

static int64_t virtual_us(void)
{
    int64_t us = ln_testkit_wall_us();
    if (us >= 0)
        atomic_fetch_add(&calls, 1);
    return us;
}

static int real_time(clockid_t clock, struct timespec *out)
{
    return (int)syscall(SYS_clock_gettime, clock, out);
}

static int64_t wall_us(void)
{
    struct timespec now = { 0, 0 };
    int64_t us = virtual_us();
    if (us >= 0)
        return us;
    (void)real_time(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Only ages are taken from it, so one clock serves for all but those of processes and threads. */
VISIBLE int clock_gettime(clockid_t clock, struct timespec *out)
{
    bool of_the_cpu = clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
    int64_t us = of_the_cpu ? -1 : virtual_us();
    if (us < 0)
        return real_time(clock, out);
    out->tv_sec = (time_t)(us / 1000000);
    out->tv_nsec = (long)(us % 1000000) * 1000;
    return 0;
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
