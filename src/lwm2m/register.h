/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_REGISTER_H
#define LN_LWM2M_REGISTER_H
/**
 * @file register.h
 * The life of one registration as a pure state machine: events and time in, one action out.
 *
 * It sends nothing and knows no socket. The server connection (server.c) reports what happened in
 * the past tense, does the action that comes back, and asks for the deadline. Every move is a row of
 * one table, ln__reg_edges(), from which docs/registration.md is made.
 *
 * Retries follow the resources 17..20 of /1 (LwM2M Core 1.1 6.2.1.1): `retry_count` attempts, T
 * apart and doubling, make a sequence; `sequence_count` sequences, D apart. Every wait is stretched
 * by up to a half at random, so that devices that failed together do not return together.
 *
 * Time is monotonic milliseconds. Nothing here allocates, and a call cannot fail.
 */
#include <linnet/env.h>

#include "base/features.h"

enum ln__reg_state {
    LN_REG_IDLE = 0,      /* not wanted yet */
    LN_REG_DELAYED,       /* waits: initial delay (/1/x/14) */
    LN_REG_CONNECTING,    /* a connection for a Register is being made */
    LN_REG_REGISTERING,   /* Register is out */
    LN_REG_REGISTERED,    /* all well */
    LN_REG_UPDATING,      /* Update is out */
    LN_REG_RECONNECTING,  /* the registration is believed to live, its connection is made anew */
    LN_REG_BACKOFF,       /* waits T * 2^n before the next attempt */
    LN_REG_PAUSED,        /* waits D before the next sequence of attempts */
    LN_REG_DEREGISTERING, /* De-register is out */
    LN_REG_DISABLED,      /* by /1/x/4, until the time in /1/x/5 is over */
    LN_REG_STOPPED,       /* ended by the application, or given up; only START leads on */
};
#define LN_REG_STATE_COUNT 12

enum ln__reg_event {
    LN_REG_EV_STARTED = 0,   /* the application, or the order of servers, wants a registration */
    LN_REG_EV_WAIT_OVER,     /* the deadline of the state has come */
    LN_REG_EV_CONNECTED_NEW, /* a connection stands; the peer knows no session of ours */
    LN_REG_EV_CONNECTED_OLD, /* a connection stands and continues an earlier session */
    LN_REG_EV_LINK_FAILED,   /* connecting failed, or the connection broke */
    LN_REG_EV_ACCEPTED,      /* 2.01 with a Location, or 2.04 */
    LN_REG_EV_UNKNOWN,       /* Update: 4.xx, the server has no such registration */
    LN_REG_EV_REFUSED,       /* any other answer that is no success, or a malformed one; Reset */
    LN_REG_EV_NO_ANSWER,     /* all retransmissions were in vain */
    LN_REG_EV_OLDER_VERSION, /* 4.12, and there is a lower version to offer */
    LN_REG_EV_UPDATE_WANTED, /* something changed, or a trigger */
    LN_REG_EV_EXPIRED,       /* the lifetime passed without an Update */
    LN_REG_EV_DISABLED,      /* /1/x/4 was executed */
    LN_REG_EV_STOPPED,       /* the application ends it */
    LN_REG_EV_DEREGISTERED,  /* 2.02, an error, or no answer: all the same now */
};
#define LN_REG_EVENT_COUNT 15

/** What the connection is to do now. */
enum ln__reg_action {
    LN_REG_DO_NOTHING = 0,
    LN_REG_DO_WAIT,       /* nothing until the deadline; the connection may close */
    LN_REG_DO_CONNECT,    /* make a connection; an existing one is closed first */
    LN_REG_DO_REGISTER,   /* send Register; observations of this server end here */
    LN_REG_DO_UPDATE,     /* send Update */
    LN_REG_DO_DEREGISTER, /* send De-register */
    LN_REG_DO_SETTLE,     /* registered: flush what was kept back */
    LN_REG_DO_CLOSE,      /* close the connection; the registration is over */
    LN_REG_DO_FAIL,       /* one attempt more is lost: decided by counters, never given out */
};
#define LN_REG_ACTION_COUNT 9

/** One row of the table. */
struct ln__reg_edge {
    uint8_t state;  /* enum ln__reg_state */
    uint8_t event;  /* enum ln__reg_event */
    uint8_t next;   /* enum ln__reg_state */
    uint8_t action; /* enum ln__reg_action */
    LN__REASON_FIELD
};

/** Settings of one server, from its instance of /1 and the transport. */
struct ln__reg_policy {
    uint32_t lifetime_s;     /* /1/x/1; 0 = never expires */
    uint32_t delay_s;        /* /1/x/14 */
    uint32_t retry_count;    /* /1/x/17; 0 counts as 1 */
    uint32_t retry_s;        /* /1/x/18; below 1 counts as LN_REG_RETRY_FLOOR_S */
    uint32_t pause_s;        /* /1/x/19; UINT32_MAX: no further sequence */
    uint32_t sequence_count; /* /1/x/20; 0 counts as 1 */
    uint32_t disable_s;      /* /1/x/5 */
    uint32_t answer_wait_ms; /* how long a confirmable message may wait: MAX_TRANSMIT_WAIT */
    bool keep_trying;        /* after the last sequence: pause, and begin anew */
};

/* Defaults of LwM2M Core 1.1, table 6.2.1.1-1. */
#define LN_REG_RETRY_COUNT 5u
#define LN_REG_RETRY_S 60u
#define LN_REG_PAUSE_S 86400u
#define LN_REG_SEQUENCE_COUNT 1u
#define LN_REG_DISABLE_S 86400u
#define LN_REG_LIFETIME_S 86400u
/* A retry timer of 0 is legal and would be a storm: this many seconds are kept in any case. */
#define LN_REG_RETRY_FLOOR_S 3u

struct ln__reg {
    enum ln__reg_state state;
    bool first_done;     /* the initial delay was served; cleared by a bootstrap */
    bool update_pending; /* an Update was wanted while one was out */
    bool retried;        /* the connection was already renewed for this Update */
    uint32_t attempt;    /* attempts that failed in this sequence */
    uint32_t sequence;   /* sequences that failed */
    ln_msec due;         /* end of the state's wait, or when the Update is due; LN_NEVER */
    ln_msec expires;     /* end of the lifetime; LN_NEVER: none, or not registered */
};

/** All zero but the times: IDLE. */
void ln__reg_init(struct ln__reg *reg);

/**
 * Something happened.
 * @param sent    when the message that was answered was sent (ACCEPTED only)
 * @param random  any 32 random bits; stretches waits
 * @return what to do; LN_REG_DO_NOTHING for an event that means nothing in this state
 */
enum ln__reg_action ln__reg_happened(struct ln__reg *reg, const struct ln__reg_policy *policy,
                                     enum ln__reg_event event, ln_msec now, ln_msec sent,
                                     uint32_t random);

/** The event whose time has come: EXPIRED, UPDATE_WANTED or WAIT_OVER; false if none has. */
bool ln__reg_is_due(const struct ln__reg *reg, ln_msec now, enum ln__reg_event *event);

/** When ln__reg_is_due() will be true; LN_NEVER if nothing is awaited. */
ln_msec ln__reg_deadline(const struct ln__reg *reg);

/** The registration exists at the server as far as we know. */
bool ln__reg_is_registered(const struct ln__reg *reg);

/* For the documentation and the tests. */
const struct ln__reg_edge *ln__reg_edges(size_t *count);
const char *ln__reg_state_name(enum ln__reg_state state);
const char *ln__reg_event_name(enum ln__reg_event event);
const char *ln__reg_action_name(enum ln__reg_action action);

#endif
