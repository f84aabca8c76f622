/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a notification is due. See notify.h.
 */
#include "lwm2m/notify.h"

#include "base/features.h"

#define NUMERIC (LN_ATTR_BIT(LN_ATTR_GT) | LN_ATTR_BIT(LN_ATTR_LT) | LN_ATTR_BIT(LN_ATTR_ST))

static bool has(const struct ln_attrs *a, enum ln_attr attr)
{
    return (LN__WITH_ATTRIBUTES || attr <= LN_ATTR_PMAX) && ln__attr_is_set(a, attr);
}

static ln_msec after(ln_msec from, uint32_t seconds)
{
    ln_msec wait = (ln_msec)seconds * 1000;
    return from > LN_NEVER - wait ? LN_NEVER : from + wait;
}

void ln__notify_init(struct ln__notify *n, const struct ln__notify_value *value, ln_msec now)
{
    *n = (struct ln__notify) { .last = *value, .sent = now, .looked = now };
}

void ln__notify_changed(struct ln__notify *n)
{
    n->changed = true;
}

/* When a change may be evaluated. */
static ln_msec look_time(const struct ln__notify *n, const struct ln_attrs *a)
{
    ln_msec at = LN_NEVER;
    if (n->changed)
        at = has(a, LN_ATTR_EPMIN) ? after(n->looked, a->epmin) : n->looked;
    if (has(a, LN_ATTR_EPMAX) && a->epmax > 0) {
        uint32_t period = a->epmax;
        if (has(a, LN_ATTR_EPMIN) && a->epmin > period)
            period = a->epmin;
        ln_msec tick = after(n->looked, period);
        at = tick < at ? tick : at;
    }
    return at;
}

bool ln__notify_wants_look(const struct ln__notify *n, const struct ln_attrs *a, ln_msec now)
{
    ln_msec at = look_time(n, a);
    return at != LN_NEVER && now >= at;
}

/* The threshold lies between the two, or on the near one: sides are "beyond" and "not beyond". */
static bool crossed_up(double from, double to, double gt)
{
    return (from > gt) != (to > gt);
}

static bool crossed_down(double from, double to, double lt)
{
    return (from < lt) != (to < lt);
}

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

static bool number_fires(const struct ln__notify *n, const struct ln_attrs *a, double to)
{
    double from = n->last.number;
    if (to != to) /* NaN: no sample */
        return false;
    if (from != from)
        return true; /* the first sample */
    return (has(a, LN_ATTR_GT) && crossed_up(from, to, a->gt)) ||
           (has(a, LN_ATTR_LT) && crossed_down(from, to, a->lt)) ||
           (has(a, LN_ATTR_ST) && from != to && distance(from, to) >= a->st);
}

static bool fires(const struct ln__notify *n, const struct ln_attrs *a,
                  const struct ln__notify_value *value, bool differs)
{
    if (LN__WITH_ATTRIBUTES && value->kind == LN_NOTIFY_NUMBER && (a->set & NUMERIC) != 0)
        return number_fires(n, a, value->number);
    if (value->kind == LN_NOTIFY_BOOLEAN && has(a, LN_ATTR_EDGE))
        return value->boolean != n->last.boolean && value->boolean == a->edge;
    return differs;
}

bool ln__notify_looked(struct ln__notify *n, const struct ln_attrs *a,
                       const struct ln__notify_value *value, bool differs, ln_msec now)
{
    n->changed = false;
    n->looked = now;
    bool fired = fires(n, a, value, differs);
    n->last.boolean = value->boolean; /* the other edge is not told, but it arms this one */
    if (!fired)
        return false;
    n->fired = true;
    return true;
}

static bool has_pmax(const struct ln_attrs *a)
{
    uint32_t pmin = has(a, LN_ATTR_PMIN) ? a->pmin : 0;
    return has(a, LN_ATTR_PMAX) && a->pmax > 0 && a->pmax >= pmin;
}

static ln_msec send_time(const struct ln__notify *n, const struct ln_attrs *a)
{
    ln_msec at = has_pmax(a) ? after(n->sent, a->pmax) : LN_NEVER;
    if (n->fired) {
        ln_msec free = has(a, LN_ATTR_PMIN) ? after(n->sent, a->pmin) : n->sent;
        at = free < at ? free : at;
    }
    return at;
}

bool ln__notify_is_due(const struct ln__notify *n, const struct ln_attrs *a, ln_msec now)
{
    ln_msec at = send_time(n, a);
    return at != LN_NEVER && now >= at;
}

void ln__notify_sent(struct ln__notify *n, const struct ln__notify_value *value, bool kept,
                     ln_msec now)
{
    bool known = kept ? n->last.boolean : value->boolean;
    n->last = *value;
    n->last.boolean = known;
    n->sent = now;
    n->fired = false;
}

void ln__notify_passed(struct ln__notify *n, ln_msec now)
{
    n->sent = now;
    n->fired = false;
}

ln_msec ln__notify_deadline(const struct ln__notify *n, const struct ln_attrs *a)
{
    ln_msec look = look_time(n, a);
    ln_msec send = send_time(n, a);
    return look < send ? look : send;
}
