/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEEP_MS (INT64_C(3600) * 1000)
#define RECORD "time"
/* A clock that is slewed goes on; one that is set jumps by more than the roundings of two clocks. */
#define JUMP_S 2

static ln_msec monotonic(void *ctx)
{
    const struct agent_clock *c = ctx;
    return c->machine.monotonic(c->machine.ctx);
}

static int64_t counted(const struct agent_clock *c)
{
    return c->floor + (c->machine.monotonic(c->machine.ctx) - c->since) / 1000;
}

static int64_t wall(void *ctx)
{
    const struct agent_clock *c = ctx;
    int64_t now = c->machine.wall(c->machine.ctx);
    return now >= c->floor ? now : counted(c);
}

void clock_install(struct agent_clock *clock, struct ln_env *env)
{
    *clock = (struct agent_clock) { .machine = env->clock, .floor = LN_TIME_FLOOR };
    clock->since = clock->machine.monotonic(clock->machine.ctx);
    (void)clock_was_set(clock);
    env->clock = (struct ln_clock) { .monotonic = monotonic, .wall = wall, .ctx = clock };
}

void clock_load(struct agent_clock *clock, const struct store *store)
{
    uint8_t room[8];
    size_t len = 0;
    if (store_load(store, RECORD, ln_mspan(room, sizeof room), &len) != LN_OK || len != sizeof room)
        return;
    int64_t kept = 0;
    for (size_t i = 0; i < sizeof room; i++)
        kept = kept << 8 | room[i];
    if (kept <= clock->floor || kept > INT64_C(32503680000)) /* the year 3000 */
        return;
    clock->floor = kept;
    clock->since = clock->machine.monotonic(clock->machine.ctx);
}

static void date(int64_t seconds, char *text, size_t size)
{
    time_t t = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&t, &parts) == NULL || strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        (void)snprintf(text, size, "unknown");
}

bool clock_was_set(struct agent_clock *clock)
{
    int64_t ahead = clock->machine.wall(clock->machine.ctx) -
                    clock->machine.monotonic(clock->machine.ctx) / 1000;
    int64_t jump = ahead - clock->ahead;
    clock->ahead = ahead;
    return jump < -JUMP_S || jump > JUMP_S;
}

ln_msec clock_behind_ms(const struct agent_clock *clock)
{
    int64_t behind = clock->floor - clock->machine.wall(clock->machine.ctx);
    return behind > 0 ? behind * 1000 : 0;
}

void clock_check(struct agent_clock *clock, struct problems *problems)
{
    int64_t now = clock->machine.wall(clock->machine.ctx);
    char shown[32];
    char kept[32];
    if (now >= clock->floor) {
        problem_clear(problems, PROBLEM_CLOCK);
        return;
    }
    date(now, shown, sizeof shown);
    date(clock->floor, kept, sizeof kept);
    if (problems->of[PROBLEM_CLOCK].is)
        return; /* it was told; that it goes on is no news */
    problem_set(problems, PROBLEM_CLOCK,
                "the machine's clock says %s, and it has been %s already: certificates are checked "
                "against the later one; set the clock, by NTP or by hand",
                shown, kept);
}

void clock_keep(struct agent_clock *clock, const struct store *store, bool at_once)
{
    ln_msec now = clock->machine.monotonic(clock->machine.ctx);
    uint8_t room[8];
    if (!at_once && now < clock->kept + KEEP_MS)
        return;
    clock->kept = now;
    int64_t seconds = wall(clock);
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (uint8_t)((uint64_t)seconds >> (8 * (7 - i)));
    enum ln_status st = store_save(store, RECORD, ln_span(room, sizeof room));
    (void)st; /* the folder's problem is told where it was opened; the next hour tries again */
}
