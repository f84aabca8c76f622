/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: ln_interest_add() and ln_interest_until() of <linnet/env.h>.
 */
#include <linnet/env.h>

void ln_interest_add(struct ln_interest *want, ln_handle handle, unsigned events)
{
    if (handle == LN_NO_HANDLE || events == 0)
        return;
    for (size_t i = 0; i < want->count; i++) {
        if (want->wait[i].handle == handle) {
            want->wait[i].events |= events;
            return;
        }
    }
    if (want->count >= LN_WAIT_MAX) {
        want->ready = true; /* costs a turn of the loop; to forget the handle would hang it */
        return;
    }
    want->wait[want->count] = (struct ln_wait) { .handle = handle, .events = events };
    want->count++;
}

void ln_interest_until(struct ln_interest *want, ln_msec at)
{
    if (at < want->deadline)
        want->deadline = at;
}
