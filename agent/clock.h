/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_CLOCK_H
#define LN_AGENT_CLOCK_H
/**
 * @file clock.h
 * The wall clock, never behind the last time that was trusted: a machine without a clock of its own
 * starts in 1970, and certificates would all be "not yet valid".
 *
 * The time is kept when a server has accepted us, and while it goes well, once an hour. While the
 * machine's clock is behind it, the kept time counts on; when the clock is set, the clock counts. Where
 * none was kept, LN_TIME_FLOOR is the least that it can be: better than 1970, and yet before the
 * certificates of today.
 */
#include "problems.h"
#include "store.h"

#include <linnet/tls.h>

struct agent_clock {
    struct ln_clock machine; /**< the environment's own */
    int64_t floor;           /**< seconds since 1970; LN_TIME_FLOOR = none was kept */
    ln_msec since;           /**< monotonic, when `floor` was true */
    ln_msec kept;            /**< monotonic, of the last keeping */
    int64_t ahead; /**< of the machine's clocks: seconds from the monotonic to the wall clock */
};

/** Stand before the environment's clock. `clock` outlives it. */
void clock_install(struct agent_clock *clock, struct ln_env *env);
/** Take the kept time as floor. */
void clock_load(struct agent_clock *clock, const struct store *store);
/** Tell or clear PROBLEM_CLOCK. */
void clock_check(struct agent_clock *clock, struct problems *problems);
/** Whether the machine's clock was set since the last call. */
bool clock_was_set(struct agent_clock *clock);
/** How far the machine's clock is behind the floor; 0: it is not. */
ln_msec clock_behind_ms(const struct agent_clock *clock);
/** All goes well: keep the time, if the last keeping is an hour ago or `now` is true. */
void clock_keep(struct agent_clock *clock, const struct store *store, bool at_once);

#endif
