/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <limits.h>

void loop_begin(struct loop *loop)
{
    loop->deadline = LN_NEVER;
    loop->count = 0;
}

bool loop_add(struct loop *loop, int fd, short events, void (*ready)(void *user, short events),
              void *user)
{
    if (loop->count == LOOP_MAX)
        return false;
    size_t i = loop->count++;
    loop->fds[i] = (struct pollfd) { .fd = fd, .events = events };
    loop->parties[i].ready = ready;
    loop->parties[i].user = user;
    return true;
}

void loop_add_interest(struct loop *loop, const struct ln_interest *want)
{
    for (size_t i = 0; i < want->count; i++) {
        const struct ln_wait *w = &want->wait[i];
        short events = (short)(((w->events & LN_WANT_READ) != 0 ? POLLIN : 0) |
                               ((w->events & LN_WANT_WRITE) != 0 ? POLLOUT : 0));
        if (!loop_add(loop, (int)w->handle, events, NULL, NULL))
            loop_until(loop, 0); /* not seen by poll: asked again at once */
    }
    loop_until(loop, want->ready ? 0 : want->deadline);
}

void loop_until(struct loop *loop, ln_msec at)
{
    if (at < loop->deadline)
        loop->deadline = at;
}

static int timeout_of(const struct loop *loop, ln_msec now)
{
    if (loop->deadline == LN_NEVER)
        return -1;
    ln_msec left = loop->deadline - now;
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

void loop_wait(struct loop *loop, ln_msec now)
{
    if (poll(loop->fds, (nfds_t)loop->count, timeout_of(loop, now)) <= 0)
        return; /* the time has come, or a signal: both are looked at by the next turn */
    for (size_t i = 0; i < loop->count; i++)
        if (loop->fds[i].revents != 0 && loop->parties[i].ready != NULL)
            loop->parties[i].ready(loop->parties[i].user, loop->fds[i].revents);
}
