/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_LOOP_H
#define LN_AGENT_LOOP_H
/**
 * @file loop.h
 * One turn of the program: who waits for what is gathered, poll(2) waits, who is ready is called.
 *
 * The set is made anew for each turn, so that nothing has to be unregistered:
 *   loop_begin -> loop_add*, loop_add_interest, loop_until* -> loop_wait
 * A function that is called may add or remove anything of the program: it counts from the next turn.
 */
#include <linnet/env.h>
#include <poll.h>

#define LOOP_MAX 64

struct loop {
    ln_msec deadline;
    size_t count;
    struct pollfd fds[LOOP_MAX];
    struct {
        void (*ready)(void *user, short events);
        void *user;
    } parties[LOOP_MAX];
};

void loop_begin(struct loop *loop);
/** Wait for `events` of poll(2). `ready` NULL: waking up is enough. False: there are LOOP_MAX. */
bool loop_add(struct loop *loop, int fd, short events, void (*ready)(void *user, short events),
              void *user);
void loop_add_interest(struct loop *loop, const struct ln_interest *want);
/** Wait no longer than until then. */
void loop_until(struct loop *loop, ln_msec at);
/** Wait, and call. @param now  monotonic, of now */
void loop_wait(struct loop *loop, ln_msec now);

#endif
