/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: wait of struct ln_net_ops (<linnet/env.h>). The deadline is absolute: neither a signal
 * nor a wait that had to be cut in pieces moves it.
 */
#include "net/posix/net_posix.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

/* Milliseconds for poll(): -1 = for ever. Longer ones than it can take are cut; the loop goes on. */
static int timeout_until(ln_msec until, ln_msec now)
{
    if (until == LN_NEVER)
        return -1;
    if (until <= now)
        return 0;
    /* in unsigned numbers the difference of any two is right */
    uint64_t left = (uint64_t)until - (uint64_t)now;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static nfds_t fill(const struct ln_interest *want, struct pollfd fds[LN_WAIT_MAX])
{
    nfds_t count = 0;
    for (size_t i = 0; i < want->count && i < LN_WAIT_MAX; i++) {
        bool reads = (want->wait[i].events & LN_WANT_READ) != 0;
        bool writes = (want->wait[i].events & LN_WANT_WRITE) != 0;
        fds[count++] = (struct pollfd) {
            .fd = ln__posix_fd(want->wait[i].handle),
            .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
        };
    }
    return count;
}

enum ln_status ln__posix_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    const struct ln_env *env = (const struct ln_env *)ctx;
    struct pollfd fds[LN_WAIT_MAX];
    nfds_t count = fill(want, fds);
    if (want->ready)
        return LN_OK;
    if (want->deadline < until)
        until = want->deadline;
    if (count == 0 && until == LN_NEVER)
        return LN_BAD_STATE; /* nothing could ever end this wait */
    for (;;) {
        int timeout = timeout_until(until, ln_now(env));
        int n = poll(fds, count, timeout);
        /* errors and hang-ups count as ready: the next call on the socket tells what they are */
        if (n > 0 || (n == 0 && timeout == 0))
            return LN_OK;
        if (n < 0 && errno != EINTR)
            return errno == ENOMEM ? LN_NO_MEMORY : LN_IO;
    }
}
