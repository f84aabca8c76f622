/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file run.c
 * The pump: step every socket, ask the test, wait in virtual time for whatever comes first.
 *
 * A round in which no time passes is normal (an answer to an answer); too many of them in a row are
 * a livelock, and the pump then names a socket that keeps it from sleeping.
 */
#include <linnet/filter.h>

#include "net/mem/mem.h"

enum { DEFAULT_ROUNDS = 10000, DEFAULT_RUN_MS = 600000 };

/* What the sockets wait for, all together. */
struct waiting {
    int64_t until_us;
    bool ready;
    size_t who; /* the socket that is ready, or has the earliest deadline */
    const char *why;
};

static void step_all(struct ln_testkit *kit, const struct ln_testkit_pump *pump)
{
    for (size_t i = 0; i < pump->count; i++) {
        if (pump->socks[i] != NULL)
            (void)!ln_sock_step(pump->socks[i], ln_testkit_now(kit)); /* it keeps its own state */
    }
}

static const char *why_ready(const struct ln_testkit *kit, const struct ln_interest *want)
{
    if (want->ready)
        return "has work to do (ready)";
    for (size_t i = 0; i < want->count; i++) {
        const struct ln__mem_sock *s = ln__mem_sock_of(kit, want->wait[i].handle);
        if (ln__mem_sock_ready(s, want->wait[i].events) != 0)
            return s != NULL ? "does not use a handle that is ready"
                             : "waits for a handle that is not open";
    }
    return NULL;
}

static struct waiting ask_all(const struct ln_testkit *kit, const struct ln_testkit_pump *pump)
{
    struct waiting all = { .until_us = INT64_MAX, .why = "nobody" };
    for (size_t i = 0; i < pump->count && !all.ready; i++) {
        struct ln_interest want;
        if (pump->socks[i] == NULL || pump->socks[i]->state == LN_SOCK_FAILED)
            continue; /* a failed one has told so, and has nothing to wait for */
        ln_sock_interest(pump->socks[i], 0, &want);
        const char *why = why_ready(kit, &want);
        if (why != NULL || ln__mem_us(want.deadline) < all.until_us) {
            all.ready = why != NULL;
            all.until_us = ln__mem_us(want.deadline);
            all.who = i;
            all.why = why != NULL ? why : "has a deadline that stays in the past";
        }
    }
    return all;
}

static enum ln_status tell_livelock(struct ln_testkit *kit, const struct ln_testkit_pump *pump,
                                    const struct waiting *all, size_t rounds)
{
    bool socket = all->ready || all->until_us <= kit->now_us;
    if (socket)
        ln__mem_text(kit, "livelock after %zu rounds at %lld ms: socket %zu (%s) %s", rounds,
                     (long long)ln_testkit_now(kit), all->who,
                     ln_sock_state_name(pump->socks[all->who]->state), all->why);
    else
        ln__mem_text(kit, "livelock after %zu rounds at %lld ms: packets or services without end",
                     rounds, (long long)ln_testkit_now(kit));
    return LN_INTERNAL;
}

static enum ln_status tell_timeout(struct ln_testkit *kit, const char *what)
{
    ln__mem_text(kit, "%s at %lld ms", what, (long long)ln_testkit_now(kit));
    return LN_TIMEOUT;
}

enum ln_status ln_testkit_run(struct ln_testkit *kit, const struct ln_testkit_pump *pump)
{
    size_t most = pump->rounds_max != 0 ? pump->rounds_max : DEFAULT_ROUNDS;
    ln_msec deadline = pump->deadline != 0 ? pump->deadline : ln_testkit_now(kit) + DEFAULT_RUN_MS;
    int64_t end = ln__mem_us(deadline);
    int64_t stalled_at = kit->now_us;
    size_t rounds = 0;
    kit->text[0] = '\0';
    for (;;) {
        step_all(kit, pump);
        if (pump->until != NULL && pump->until(pump->user, ln_testkit_now(kit)))
            return LN_OK;
        struct waiting all = ask_all(kit, pump);
        if (rounds >= most)
            return tell_livelock(kit, pump, &all, rounds);
        int64_t next = ln__mem_next_us(kit, all.until_us);
        if (all.ready || next < kit->now_us)
            next = kit->now_us;
        if (next == INT64_MAX && end == INT64_MAX)
            return tell_timeout(kit, "nothing will ever happen again");
        if (next >= end && kit->now_us >= end)
            return tell_timeout(kit, "the deadline came");
        ln__mem_serve(kit, ln__mem_reach(kit, next < end ? next : end));
        rounds = kit->now_us == stalled_at ? rounds + 1 : 0;
        stalled_at = kit->now_us;
    }
}
