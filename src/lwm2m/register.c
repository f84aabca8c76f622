/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration's state machine. See register.h.
 *
 * The table is all there is to read: what is not in it does not happen. Counters and times live
 * behind it, in `lost` (an attempt failed) and `accepted` (the server said yes).
 */
#include "lwm2m/register.h"

/* Rows of one state stand together; an event that is missing in a state means nothing there. */
static const struct ln__reg_edge edges[] = {
    { LN_REG_IDLE, LN_REG_EV_STARTED, LN_REG_DELAYED, LN_REG_DO_WAIT,
      LN__REASON("the initial delay (/1/x/14) is served once") },

    { LN_REG_DELAYED, LN_REG_EV_WAIT_OVER, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the delay is over") },
    { LN_REG_DELAYED, LN_REG_EV_STARTED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the application knows better: at once") },
    { LN_REG_DELAYED, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_WAIT, LN__REASON("disabled") },
    { LN_REG_DELAYED, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("the application ends it") },

    { LN_REG_CONNECTING, LN_REG_EV_CONNECTED_NEW, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("connected") },
    { LN_REG_CONNECTING, LN_REG_EV_CONNECTED_OLD, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("connected by an old session, but not registered") },
    { LN_REG_CONNECTING, LN_REG_EV_LINK_FAILED, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("an attempt includes its connection") },
    { LN_REG_CONNECTING, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("disabled") },
    { LN_REG_CONNECTING, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("nothing to de-register") },

    { LN_REG_REGISTERING, LN_REG_EV_ACCEPTED, LN_REG_REGISTERED, LN_REG_DO_SETTLE,
      LN__REASON("2.01 with a Location") },
    { LN_REG_REGISTERING, LN_REG_EV_OLDER_VERSION, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("4.12: once more with the next lower version, at once") },
    { LN_REG_REGISTERING, LN_REG_EV_REFUSED, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("an error, a Reset or a Location that cannot be used") },
    { LN_REG_REGISTERING, LN_REG_EV_UNKNOWN, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("4.04 to a Register is an error like others") },
    { LN_REG_REGISTERING, LN_REG_EV_NO_ANSWER, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("silence") },
    { LN_REG_REGISTERING, LN_REG_EV_LINK_FAILED, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("the connection broke") },
    { LN_REG_REGISTERING, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("disabled") },
    { LN_REG_REGISTERING, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("no Location to de-register") },

    { LN_REG_REGISTERED, LN_REG_EV_UPDATE_WANTED, LN_REG_UPDATING, LN_REG_DO_UPDATE,
      LN__REASON("the lifetime nears its end, something changed, or a trigger") },
    { LN_REG_REGISTERED, LN_REG_EV_LINK_FAILED, LN_REG_RECONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("only the connection is lost") },
    { LN_REG_REGISTERED, LN_REG_EV_CONNECTED_NEW, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("woken by a full handshake: the server knows no session") },
    { LN_REG_REGISTERED, LN_REG_EV_CONNECTED_OLD, LN_REG_UPDATING, LN_REG_DO_UPDATE,
      LN__REASON("woken by an old session") },
    { LN_REG_REGISTERED, LN_REG_EV_UNKNOWN, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("the server says that it lost the registration") },
    { LN_REG_REGISTERED, LN_REG_EV_EXPIRED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("no Update got through in time") },
    { LN_REG_REGISTERED, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_DEREGISTER,
      LN__REASON("de-registers, then is silent") },
    { LN_REG_REGISTERED, LN_REG_EV_STOPPED, LN_REG_DEREGISTERING, LN_REG_DO_DEREGISTER,
      LN__REASON("the application ends it") },

    { LN_REG_UPDATING, LN_REG_EV_ACCEPTED, LN_REG_REGISTERED, LN_REG_DO_SETTLE,
      LN__REASON("2.04") },
    { LN_REG_UPDATING, LN_REG_EV_UNKNOWN, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("4.04: Register at once") },
    { LN_REG_UPDATING, LN_REG_EV_REFUSED, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("4.03, 5.xx, a Reset") },
    { LN_REG_UPDATING, LN_REG_EV_NO_ANSWER, LN_REG_RECONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the server may have lost the session: a new connection shows it") },
    { LN_REG_UPDATING, LN_REG_EV_LINK_FAILED, LN_REG_RECONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the connection broke") },
    { LN_REG_UPDATING, LN_REG_EV_EXPIRED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the lifetime is over") },
    { LN_REG_UPDATING, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_DEREGISTER,
      LN__REASON("disabled") },
    { LN_REG_UPDATING, LN_REG_EV_STOPPED, LN_REG_DEREGISTERING, LN_REG_DO_DEREGISTER,
      LN__REASON("the application ends it") },

    { LN_REG_RECONNECTING, LN_REG_EV_CONNECTED_OLD, LN_REG_UPDATING, LN_REG_DO_UPDATE,
      LN__REASON("a resumed session continues") },
    { LN_REG_RECONNECTING, LN_REG_EV_CONNECTED_NEW, LN_REG_REGISTERING, LN_REG_DO_REGISTER,
      LN__REASON("a new session registers and drops observations") },
    { LN_REG_RECONNECTING, LN_REG_EV_LINK_FAILED, LN_REG_BACKOFF, LN_REG_DO_FAIL,
      LN__REASON("the path or the server is away") },
    { LN_REG_RECONNECTING, LN_REG_EV_EXPIRED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the lifetime is over") },
    { LN_REG_RECONNECTING, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("disabled") },
    { LN_REG_RECONNECTING, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("not reachable: it expires at the server") },

    { LN_REG_BACKOFF, LN_REG_EV_WAIT_OVER, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the next attempt") },
    { LN_REG_BACKOFF, LN_REG_EV_UPDATE_WANTED, LN_REG_BACKOFF, LN_REG_DO_NOTHING,
      LN__REASON("the attempt to come says it all") },
    { LN_REG_BACKOFF, LN_REG_EV_STARTED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the application knows better: at once") },
    { LN_REG_BACKOFF, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("disabled") },
    { LN_REG_BACKOFF, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("nothing to say") },

    { LN_REG_PAUSED, LN_REG_EV_WAIT_OVER, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the next sequence") },
    { LN_REG_PAUSED, LN_REG_EV_STARTED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the application knows better: at once") },
    { LN_REG_PAUSED, LN_REG_EV_DISABLED, LN_REG_DISABLED, LN_REG_DO_CLOSE, LN__REASON("disabled") },
    { LN_REG_PAUSED, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("nothing to say") },

    { LN_REG_DEREGISTERING, LN_REG_EV_CONNECTED_NEW, LN_REG_DEREGISTERING, LN_REG_DO_DEREGISTER,
      LN__REASON("it slept, and woke up to say it") },
    { LN_REG_DEREGISTERING, LN_REG_EV_CONNECTED_OLD, LN_REG_DEREGISTERING, LN_REG_DO_DEREGISTER,
      LN__REASON("it slept, and woke up to say it") },
    { LN_REG_DEREGISTERING, LN_REG_EV_DEREGISTERED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("whatever the server said") },
    { LN_REG_DEREGISTERING, LN_REG_EV_NO_ANSWER, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("it expires at the server") },
    { LN_REG_DEREGISTERING, LN_REG_EV_LINK_FAILED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("it expires at the server") },
    { LN_REG_DEREGISTERING, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("asked twice: no more waiting") },

    { LN_REG_DISABLED, LN_REG_EV_CONNECTED_NEW, LN_REG_DISABLED, LN_REG_DO_DEREGISTER,
      LN__REASON("it slept, and woke up to say it") },
    { LN_REG_DISABLED, LN_REG_EV_CONNECTED_OLD, LN_REG_DISABLED, LN_REG_DO_DEREGISTER,
      LN__REASON("it slept, and woke up to say it") },
    { LN_REG_DISABLED, LN_REG_EV_DEREGISTERED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("silence begins") },
    { LN_REG_DISABLED, LN_REG_EV_NO_ANSWER, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("silence begins") },
    { LN_REG_DISABLED, LN_REG_EV_LINK_FAILED, LN_REG_DISABLED, LN_REG_DO_CLOSE,
      LN__REASON("silence begins") },
    { LN_REG_DISABLED, LN_REG_EV_WAIT_OVER, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the time in /1/x/5 is over") },
    { LN_REG_DISABLED, LN_REG_EV_STARTED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the application enables it") },
    { LN_REG_DISABLED, LN_REG_EV_STOPPED, LN_REG_STOPPED, LN_REG_DO_CLOSE,
      LN__REASON("nothing to say") },

    { LN_REG_STOPPED, LN_REG_EV_STARTED, LN_REG_CONNECTING, LN_REG_DO_CONNECT,
      LN__REASON("the application starts it anew") },
};

const struct ln__reg_edge *ln__reg_edges(size_t *count)
{
    *count = sizeof edges / sizeof edges[0];
    return edges;
}

static const struct ln__reg_edge *find(enum ln__reg_state state, enum ln__reg_event event)
{
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if (edges[i].state == state && edges[i].event == event)
            return &edges[i];
    return NULL;
}

void ln__reg_init(struct ln__reg *reg)
{
    *reg = (struct ln__reg) { .state = LN_REG_IDLE, .due = LN_NEVER, .expires = LN_NEVER };
}

static ln_msec after(ln_msec now, ln_msec wait)
{
    return wait >= LN_NEVER - now ? LN_NEVER : now + wait;
}

/* 1.0 to 1.5 times, as the first timeout of CoAP (RFC 7252 4.8). */
static ln_msec stretched(ln_msec wait, uint32_t random)
{
    return wait + (ln_msec)((double)wait * 0.5 * ((double)random / 4294967296.0));
}

/* When the next Update must go out so that all its retransmissions fit into the lifetime; devices
 * that registered together are spread over a tenth of it. */
static ln_msec update_time(const struct ln__reg_policy *policy, ln_msec from, uint32_t random)
{
    if (policy->lifetime_s == 0)
        return LN_NEVER;
    ln_msec life = (ln_msec)policy->lifetime_s * 1000;
    ln_msec margin = policy->answer_wait_ms;
    ln_msec latest = life > 2 * margin ? life - margin : life / 2;
    ln_msec early = (ln_msec)((double)latest * 0.1 * ((double)random / 4294967296.0));
    return after(from, latest - early);
}

static void accepted(struct ln__reg *reg, const struct ln__reg_policy *policy, ln_msec sent,
                     uint32_t random)
{
    reg->attempt = 0;
    reg->sequence = 0;
    reg->retried = false;
    reg->first_done = true;
    reg->expires =
        policy->lifetime_s == 0 ? LN_NEVER : after(sent, (ln_msec)policy->lifetime_s * 1000);
    reg->due = update_time(policy, sent, random);
    if (reg->update_pending)
        reg->due = sent;
    reg->update_pending = false;
}

static ln_msec retry_wait(const struct ln__reg *reg, const struct ln__reg_policy *policy)
{
    ln_msec base = policy->retry_s < 1 ? LN_REG_RETRY_FLOOR_S : policy->retry_s;
    uint32_t doublings = reg->attempt - 1 < 20 ? reg->attempt - 1 : 20;
    return (base * 1000) << doublings;
}

/* An attempt is lost: the counters decide what is waited for. The registration, if there was one, is
 * no longer counted on. */
static enum ln__reg_action lost(struct ln__reg *reg, const struct ln__reg_policy *policy,
                                ln_msec now, uint32_t random)
{
    uint32_t attempts = policy->retry_count > 0 ? policy->retry_count : 1;
    uint32_t sequences = policy->sequence_count > 0 ? policy->sequence_count : 1;
    reg->expires = LN_NEVER;
    reg->retried = false;
    if (++reg->attempt < attempts) {
        reg->state = LN_REG_BACKOFF;
        reg->due = after(now, stretched(retry_wait(reg, policy), random));
        return LN_REG_DO_WAIT;
    }
    reg->attempt = 0;
    reg->sequence++;
    bool more = reg->sequence < sequences || policy->keep_trying;
    if (more && policy->pause_s != UINT32_MAX) {
        if (reg->sequence >= sequences)
            reg->sequence = 0;
        reg->state = LN_REG_PAUSED;
        reg->due = after(now, stretched((ln_msec)policy->pause_s * 1000, random));
        return LN_REG_DO_WAIT;
    }
    reg->state = LN_REG_STOPPED;
    reg->sequence = 0;
    reg->due = LN_NEVER;
    return LN_REG_DO_CLOSE;
}

/* A second Update in vain over a connection that was just renewed: the server is there for no one. */
static bool is_second_silence(struct ln__reg *reg, enum ln__reg_event event)
{
    if (reg->state != LN_REG_UPDATING ||
        (event != LN_REG_EV_NO_ANSWER && event != LN_REG_EV_LINK_FAILED))
        return false;
    bool second = reg->retried;
    reg->retried = true;
    return second;
}

/* Times that come with entering a state. */
static void entered(struct ln__reg *reg, const struct ln__reg_policy *policy, ln_msec now,
                    ln_msec sent, uint32_t random, bool anew)
{
    switch (reg->state) {
    case LN_REG_DELAYED:
        reg->due = after(now, reg->first_done ? 0 : (ln_msec)policy->delay_s * 1000);
        break;
    case LN_REG_REGISTERED:
        accepted(reg, policy, sent, random);
        break;
    case LN_REG_DISABLED:
        if (anew)
            reg->due = after(now, (ln_msec)policy->disable_s * 1000);
        reg->expires = LN_NEVER;
        break;
    case LN_REG_STOPPED:
        reg->attempt = 0; /* a later start begins a first sequence */
        reg->sequence = 0;
        reg->due = LN_NEVER;
        reg->expires = LN_NEVER;
        break;
    case LN_REG_CONNECTING:
    case LN_REG_REGISTERING:
        reg->due = LN_NEVER;
        reg->expires = LN_NEVER;
        reg->retried = false;
        break;
    case LN_REG_UPDATING:
    case LN_REG_RECONNECTING:
    case LN_REG_DEREGISTERING:
        reg->due = LN_NEVER;
        break;
    case LN_REG_IDLE:
    case LN_REG_BACKOFF:
    case LN_REG_PAUSED:
        break;
    }
}

enum ln__reg_action ln__reg_happened(struct ln__reg *reg, const struct ln__reg_policy *policy,
                                     enum ln__reg_event event, ln_msec now, ln_msec sent,
                                     uint32_t random)
{
    const struct ln__reg_edge *edge = find(reg->state, event);
    if (edge == NULL) {
        /* what is wanted while it cannot be done is done with the next yes */
        if (event == LN_REG_EV_UPDATE_WANTED)
            reg->update_pending = reg->state == LN_REG_UPDATING ||
                                  reg->state == LN_REG_REGISTERING ||
                                  reg->state == LN_REG_RECONNECTING;
        return LN_REG_DO_NOTHING;
    }
    if (edge->action == LN_REG_DO_FAIL || is_second_silence(reg, event))
        return lost(reg, policy, now, random);
    bool anew = reg->state != (enum ln__reg_state)edge->next;
    reg->state = (enum ln__reg_state)edge->next;
    entered(reg, policy, now, sent, random, anew);
    return (enum ln__reg_action)edge->action;
}

bool ln__reg_is_due(const struct ln__reg *reg, ln_msec now, enum ln__reg_event *event)
{
    if (reg->expires != LN_NEVER && now >= reg->expires) {
        *event = LN_REG_EV_EXPIRED;
        return find(reg->state, LN_REG_EV_EXPIRED) != NULL;
    }
    if (reg->due == LN_NEVER || now < reg->due)
        return false;
    *event = reg->state == LN_REG_REGISTERED ? LN_REG_EV_UPDATE_WANTED : LN_REG_EV_WAIT_OVER;
    return true;
}

ln_msec ln__reg_deadline(const struct ln__reg *reg)
{
    if (reg->expires >= reg->due)
        return reg->due; /* as nearly always; the table is not looked at in each step */
    return find(reg->state, LN_REG_EV_EXPIRED) != NULL ? reg->expires : reg->due;
}

bool ln__reg_is_registered(const struct ln__reg *reg)
{
    return reg->state == LN_REG_REGISTERED || reg->state == LN_REG_UPDATING ||
           reg->state == LN_REG_RECONNECTING;
}

const char *ln__reg_state_name(enum ln__reg_state state)
{
    static const char *const names[LN_REG_STATE_COUNT] = {
        [LN_REG_IDLE] = "idle",
        [LN_REG_DELAYED] = "delayed",
        [LN_REG_CONNECTING] = "connecting",
        [LN_REG_REGISTERING] = "registering",
        [LN_REG_REGISTERED] = "registered",
        [LN_REG_UPDATING] = "updating",
        [LN_REG_RECONNECTING] = "reconnecting",
        [LN_REG_BACKOFF] = "backoff",
        [LN_REG_PAUSED] = "paused",
        [LN_REG_DEREGISTERING] = "deregistering",
        [LN_REG_DISABLED] = "disabled",
        [LN_REG_STOPPED] = "stopped",
    };
    return (unsigned)state < LN_REG_STATE_COUNT ? names[state] : "?";
}

const char *ln__reg_event_name(enum ln__reg_event event)
{
    static const char *const names[LN_REG_EVENT_COUNT] = {
        [LN_REG_EV_STARTED] = "started",
        [LN_REG_EV_WAIT_OVER] = "wait over",
        [LN_REG_EV_CONNECTED_NEW] = "connected, new session",
        [LN_REG_EV_CONNECTED_OLD] = "connected, old session",
        [LN_REG_EV_LINK_FAILED] = "link failed",
        [LN_REG_EV_ACCEPTED] = "accepted",
        [LN_REG_EV_UNKNOWN] = "unknown registration",
        [LN_REG_EV_REFUSED] = "refused",
        [LN_REG_EV_NO_ANSWER] = "no answer",
        [LN_REG_EV_OLDER_VERSION] = "older version",
        [LN_REG_EV_UPDATE_WANTED] = "update wanted",
        [LN_REG_EV_EXPIRED] = "expired",
        [LN_REG_EV_DISABLED] = "disabled",
        [LN_REG_EV_STOPPED] = "stopped",
        [LN_REG_EV_DEREGISTERED] = "deregistered",
    };
    return (unsigned)event < LN_REG_EVENT_COUNT ? names[event] : "?";
}

const char *ln__reg_action_name(enum ln__reg_action action)
{
    static const char *const names[LN_REG_ACTION_COUNT] = {
        [LN_REG_DO_NOTHING] = "nothing",     [LN_REG_DO_WAIT] = "wait",
        [LN_REG_DO_CONNECT] = "connect",     [LN_REG_DO_REGISTER] = "send Register",
        [LN_REG_DO_UPDATE] = "send Update",  [LN_REG_DO_DEREGISTER] = "send De-register",
        [LN_REG_DO_SETTLE] = "settle",       [LN_REG_DO_CLOSE] = "close",
        [LN_REG_DO_FAIL] = "count and wait",
    };
    return (unsigned)action < LN_REG_ACTION_COUNT ? names[action] : "?";
}
