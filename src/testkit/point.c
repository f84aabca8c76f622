/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file point.c
 * Points of failure: each counts its calls and makes those of a window [nth, nth + times) fail.
 */
#include "testkit/machine.h"

_Static_assert(LN_TESTKIT_RESOLVE + 1 == LN__MEM_POINTS, "a counter for each point");

bool ln__testkit_point_fails(struct ln_testkit_host *host, enum ln_testkit_point point,
                             enum ln_status *status)
{
    struct ln__mem_point *p = &host->machine.points[point];
    size_t number = p->calls++;
    if (number < p->fault.nth || number - p->fault.nth >= p->fault.times)
        return false;
    p->hits++;
    *status = p->fault.status != LN_OK ? p->fault.status : LN_IO;
    return true;
}

void ln_testkit_fail(struct ln_testkit_host *host, enum ln_testkit_point point,
                     const struct ln_testkit_fault *fault)
{
    struct ln__mem_point *p = &host->machine.points[point];
    *p = (struct ln__mem_point) { .calls = 0 };
    if (fault != NULL)
        p->fault = *fault;
}

size_t ln_testkit_calls(const struct ln_testkit_host *host, enum ln_testkit_point point)
{
    return host->machine.points[point].calls;
}

size_t ln_testkit_hits(const struct ln_testkit_host *host, enum ln_testkit_point point)
{
    return host->machine.points[point].hits;
}
