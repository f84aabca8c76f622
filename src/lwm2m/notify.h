/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_NOTIFY_H
#define LN_LWM2M_NOTIFY_H
/**
 * @file notify.h
 * When a notification is due: the attributes of one observation against time and values. Pure.
 *
 * The rules of LwM2M Core 1.1 7.3.2 / 5.1.2 and RFC 7641:
 *  - a plain target fires on any change; a number with gt, lt or st only when one of these says so,
 *    a boolean with edge only on that edge. They compare with the value that was sent last.
 *  - gt and lt fire when a side is changed, in both directions; the threshold itself is not beyond.
 *  - pmin holds a notification back, never loses it; pmax sends one without a change, unless pmax is
 *    0 or less than pmin. Equal periods make a steady beat.
 *  - epmin holds the evaluation of changes back; epmax asks for an evaluation without a change.
 *  - the answer to the Observe request counts as the first notification.
 *
 * The observation (observe.c) tells what happened and asks what is due. Nothing allocates or fails.
 */
#include <linnet/env.h>

#include "codec/attr.h"

/** What is watched, as far as the rules care. */
enum ln__notify_kind { LN_NOTIFY_PLAIN = 0, LN_NOTIFY_NUMBER, LN_NOTIFY_BOOLEAN };

struct ln__notify_value {
    enum ln__notify_kind kind;
    double number; /* NaN: no sample; never compared, never fires */
    bool boolean;
};

struct ln__notify {
    struct ln__notify_value last; /* sent last; `boolean`: known last, edges begin there */
    ln_msec sent;                 /* when */
    ln_msec looked;               /* when changes were evaluated last */
    bool changed;                 /* a change waits for its evaluation (epmin) */
    bool fired;                   /* a notification waits for pmin */
};

/** The Observe request was answered with `value`. */
void ln__notify_init(struct ln__notify *n, const struct ln__notify_value *value, ln_msec now);

/** Something below the target was changed (or perhaps was). */
void ln__notify_changed(struct ln__notify *n);

/** Whether it is time to look at the value: a change was not evaluated, and epmin is over; or
 *  epmax is over. */
bool ln__notify_wants_look(const struct ln__notify *n, const struct ln_attrs *a, ln_msec now);

/**
 * The value was looked at.
 * @param differs  plain targets: it is not what was sent last
 * @return whether this value is the trigger of a notification (which pmin may still hold back):
 *         it is the value to be sent
 */
bool ln__notify_looked(struct ln__notify *n, const struct ln_attrs *a,
                       const struct ln__notify_value *value, bool differs, ln_msec now);

/** Whether one is to be sent now: fired and not held, or the maximum period is over. */
bool ln__notify_is_due(const struct ln__notify *n, const struct ln_attrs *a, ln_msec now);

/**
 * It was handed over with `value`.
 * @param kept  it is the value that fired, looked at before; false: it is as it is now
 */
void ln__notify_sent(struct ln__notify *n, const struct ln__notify_value *value, bool kept,
                     ln_msec now);

/** It was due, and there is nothing to tell: the periods begin anew, and what was sent last stays so. */
void ln__notify_passed(struct ln__notify *n, ln_msec now);

/** When wants_look() or is_due() turn true; LN_NEVER. */
ln_msec ln__notify_deadline(const struct ln__notify *n, const struct ln_attrs *a);

#endif
