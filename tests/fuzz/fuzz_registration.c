/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the registration as a state machine (src/lwm2m/register.c): any settings, any events in
 * any order, any time in between. Waits are as long as the settings say, no state is a dead end, and
 * a good server is all it takes to be registered. */
#include "fuzz/fuzz.h"

#include "fuzz/check.h"
#include "fuzz/script.h"
#include "lwm2m/register.h"

/* Small and huge ones, for the edges are there. */
static uint32_t take_seconds(struct script *in)
{
    uint32_t value = script_number(in, 2);
    return (value & 0x8000) != 0 ? UINT32_MAX - (value & 0x7fff) : value;
}

static struct ln__reg_policy take_policy(struct script *in)
{
    struct ln__reg_policy policy = { .lifetime_s = take_seconds(in) };
    policy.delay_s = take_seconds(in);
    policy.retry_count = script_number(in, 1);
    policy.retry_s = take_seconds(in);
    policy.pause_s = take_seconds(in);
    policy.sequence_count = script_number(in, 1);
    policy.disable_s = take_seconds(in);
    policy.answer_wait_ms = script_number(in, 3);
    policy.keep_trying = script_number(in, 1) % 2 != 0;
    return policy;
}

/* The deadline is where something becomes due, and not a millisecond before. */
static void check_deadline(const struct ln__reg *reg, ln_msec now)
{
    enum ln__reg_event event;
    ln_msec deadline = ln__reg_deadline(reg);
    if (deadline == LN_NEVER) {
        CHECK(!ln__reg_is_due(reg, now, &event));
        return;
    }
    CHECK(ln__reg_is_due(reg, deadline, &event));
    CHECK(deadline <= now || !ln__reg_is_due(reg, deadline - 1, &event));
}

static void check_wait(const struct ln__reg *reg, ln_msec now, ln_msec base)
{
    CHECK(reg->due >= now + base);
    CHECK(reg->due <= now + base + base / 2);
}

static void check(const struct ln__reg *reg, const struct ln__reg_policy *policy, ln_msec now,
                  enum ln__reg_action action, enum ln__reg_state before)
{
    uint32_t attempts = policy->retry_count > 0 ? policy->retry_count : 1;
    CHECK((unsigned)reg->state < LN_REG_STATE_COUNT && action != LN_REG_DO_FAIL);
    CHECK(reg->attempt < attempts);
    CHECK(!ln__reg_is_registered(reg) || policy->lifetime_s != 0 || reg->expires == LN_NEVER);
    CHECK(reg->state == LN_REG_REGISTERED || reg->state == LN_REG_UPDATING ||
          reg->state == LN_REG_RECONNECTING || reg->state == LN_REG_DEREGISTERING ||
          reg->expires == LN_NEVER);
    check_deadline(reg, now);
    if (reg->state == before)
        return;
    ln_msec retry = policy->retry_s > 0 ? policy->retry_s : LN_REG_RETRY_FLOOR_S;
    uint32_t doublings = reg->attempt < 21 ? reg->attempt - 1 : 20;
    if (reg->state == LN_REG_BACKOFF)
        check_wait(reg, now, (retry * 1000) << doublings);
    else if (reg->state == LN_REG_PAUSED)
        check_wait(reg, now, (ln_msec)policy->pause_s * 1000);
    else if (reg->state == LN_REG_STOPPED)
        CHECK(reg->due == LN_NEVER && reg->attempt == 0 && reg->sequence == 0);
}

/* What a server that does all right says to this action. */
static enum ln__reg_event good_answer(enum ln__reg_action action)
{
    if (action == LN_REG_DO_CONNECT)
        return LN_REG_EV_CONNECTED_NEW;
    if (action == LN_REG_DO_REGISTER || action == LN_REG_DO_UPDATE)
        return LN_REG_EV_ACCEPTED;
    return action == LN_REG_DO_DEREGISTER ? LN_REG_EV_DEREGISTERED : LN_REG_EV_WAIT_OVER;
}

/* From wherever it is: started, and with a good server, it is registered soon. */
static void check_that_it_recovers(struct ln__reg reg, const struct ln__reg_policy *policy,
                                   ln_msec now, enum ln__reg_action action)
{
    if (reg.state == LN_REG_IDLE || reg.state == LN_REG_STOPPED)
        action = ln__reg_happened(&reg, policy, LN_REG_EV_STARTED, now, now, 0);
    for (unsigned steps = 0; reg.state != LN_REG_REGISTERED; steps++) {
        CHECK(steps < 8);
        enum ln__reg_event event = good_answer(action);
        if (event == LN_REG_EV_WAIT_OVER) {
            CHECK(reg.due != LN_NEVER || reg.state == LN_REG_STOPPED);
            now = reg.due > now && reg.due != LN_NEVER ? reg.due : now;
        }
        if (reg.state == LN_REG_STOPPED)
            event = LN_REG_EV_STARTED;
        action = ln__reg_happened(&reg, policy, event, now, now, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, size };
    struct ln__reg_policy policy = take_policy(&in);
    struct ln__reg reg;
    ln_msec now = 1000;
    enum ln__reg_action pending = LN_REG_DO_NOTHING; /* what the connection was told to do */
    ln__reg_init(&reg);
    while (in.size > 0 && now < LN_NEVER / 4) {
        enum ln__reg_event event =
            (enum ln__reg_event)(script_number(&in, 1) % (LN_REG_EVENT_COUNT + 2));
        if ((unsigned)event >=
            LN_REG_EVENT_COUNT) { /* time passes, to the deadline or for a while */
            ln_msec deadline = ln__reg_deadline(&reg);
            bool jump = (unsigned)event > LN_REG_EVENT_COUNT && deadline != LN_NEVER;
            now = jump ? (deadline > now ? deadline : now) : now + script_number(&in, 3);
            if (!ln__reg_is_due(&reg, now, &event))
                continue;
        }
        if (event == LN_REG_EV_WAIT_OVER && reg.due > now)
            continue; /* nobody tells that too early */
        enum ln__reg_state before = reg.state;
        enum ln__reg_action action =
            ln__reg_happened(&reg, &policy, event, now, now, script_number(&in, 1) * 0x01010101u);
        pending = action != LN_REG_DO_NOTHING ? action : pending;
        check(&reg, &policy, now, action, before);
        check_that_it_recovers(reg, &policy, now, pending);
    }
    return 0;
}
