/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fault_filter.c
 * The fault filter: a table of rules in a stack of sockets.
 *
 * Calls are counted for FAIL, transfers for all other actions. Datagrams that come later than they
 * should are copied and held, at most HELD_MAX of each direction; more are lost. Counts go on over
 * close and connect, held datagrams do not.
 */
#include <linnet/filter.h>
#include <linnet/testkit.h>

#include "net/mem/mem.h"

enum { CALLS = 3, HELD_MAX = 64, DEFAULT_REORDER_MS = 20 };

struct held {
    struct held *next;
    ln_msec due;
    bool after_next; /* or as soon as the next one has passed */
    size_t len;
    uint8_t data[];
};

struct lane { /* one direction */
    struct held *first;
    size_t held;
    ln_msec hold_until; /* a stream that is delayed; 0 = it is not */
    bool again;         /* LN_AGAIN was said for no reason: the next call works */
};

struct fault {
    struct ln_sock base; /* first */
    uint64_t random;
    size_t rule_count;
    struct ln_fault_rule rules[LN_FAULT_RULES_MAX];
    size_t hits[LN_FAULT_RULES_MAX];
    size_t calls[CALLS]; /* by enum ln_fault_call */
    size_t transfers[CALLS];
    struct lane lanes[CALLS]; /* CONNECT has no held datagrams */
};

static struct fault *fault_of(struct ln_sock *s)
{
    return (struct fault *)s;
}

static bool is_stream(const struct ln_sock *s)
{
    return (s->traits & LN_TRAIT_STREAM) != 0;
}

/* ---- rules ---- */

static bool matches(struct fault *f, const struct ln_fault_rule *rule, size_t number)
{
    size_t times = rule->times != 0 ? rule->times : 1;
    if (number < rule->nth || number - rule->nth >= times)
        return false;
    return rule->permille == 0 || ln__mem_random_next(&f->random) % 1000 < rule->permille;
}

/* The first rule for this call (FAIL) or transfer (all else), or NULL. It counts as acting. */
static const struct ln_fault_rule *rule_for(struct fault *f, enum ln_fault_call call, bool fail)
{
    size_t number = fail ? f->calls[call] : f->transfers[call];
    for (size_t i = 0; i < f->rule_count; i++) {
        const struct ln_fault_rule *rule = &f->rules[i];
        bool meant = rule->call == call && (rule->action == LN_FAULT_FAIL) == fail;
        if (meant && matches(f, rule, number)) {
            f->hits[i]++;
            return rule;
        }
    }
    return NULL;
}

/* Count a call; a status other than LN_OK is its result. */
static enum ln_status fail_call(struct fault *f, enum ln_fault_call call)
{
    const struct ln_fault_rule *rule = rule_for(f, call, true);
    f->calls[call]++;
    f->lanes[call].again = rule != NULL && rule->status == LN_AGAIN;
    if (rule == NULL || rule->status == LN_AGAIN)
        return rule != NULL ? LN_AGAIN : LN_OK;
    (void)ln_diag_set(f->base.diag, rule->status, LN_CAT_LOCAL_IO, LN_PHASE_NONE,
                      "injected fault: %s", ln_status_name(rule->status));
    ln_diag_native(f->base.diag, "testkit", 0, "fault filter");
    return rule->status;
}

static void turn_bit(uint8_t *data, size_t len, uint32_t amount)
{
    if (len > 0)
        data[amount % len] ^= 0x10;
}

/* ---- held datagrams ---- */

/* The copy, or NULL: no memory, or too many are held. It is not in a lane yet. */
static struct held *copy_of(struct fault *f, struct ln_span data)
{
    struct held *held = ln_calloc(f->base.env, 1, sizeof *held + data.len);
    if (held == NULL)
        return NULL;
    held->len = data.len;
    if (data.len > 0)
        memcpy(held->data, data.data, data.len);
    return held;
}

/* Keep it behind those that are due at the same time. */
static void hold(struct fault *f, enum ln_fault_call call, struct held *held)
{
    struct lane *lane = &f->lanes[call];
    if (lane->held == HELD_MAX) {
        ln_free(f->base.env, held);
        return;
    }
    struct held **place = &lane->first;
    while (*place != NULL && (*place)->due <= held->due)
        place = &(*place)->next;
    held->next = *place;
    *place = held;
    lane->held++;
}

static enum ln_status hold_copy(struct fault *f, const struct ln_fault_rule *rule,
                                struct ln_span data)
{
    struct held *held = copy_of(f, data);
    if (held == NULL)
        return ln_diag_set(f->base.diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_NONE,
                           "no memory to hold a datagram");
    uint32_t ms = rule->amount;
    held->after_next = rule->action == LN_FAULT_REORDER;
    if (held->after_next && ms == 0)
        ms = DEFAULT_REORDER_MS;
    held->due = rule->action == LN_FAULT_DUPLICATE ? 0 : ln_now(f->base.env) + ms;
    hold(f, rule->call, held);
    return LN_OK;
}

/* One has passed: those that waited for it are due. They stay in order. */
static void release_next(struct fault *f, enum ln_fault_call call)
{
    struct held *due = NULL, **due_end = &due;
    for (struct held **place = &f->lanes[call].first; *place != NULL;) {
        struct held *held = *place;
        if (!held->after_next) {
            place = &held->next;
            continue;
        }
        *place = held->next;
        held->after_next = false;
        held->due = 0;
        held->next = NULL;
        *due_end = held;
        due_end = &held->next;
    }
    *due_end = f->lanes[call].first;
    f->lanes[call].first = due;
}

static struct held *take_due(struct fault *f, enum ln_fault_call call)
{
    struct lane *lane = &f->lanes[call];
    struct held *held = lane->first;
    if (held == NULL || held->due > ln_now(f->base.env))
        return NULL;
    lane->first = held->next;
    lane->held--;
    return held;
}

/* Send what is due. What cannot leave now is tried again a millisecond later. */
static enum ln_status flush(struct fault *f)
{
    struct held *held;
    while ((held = take_due(f, LN_FAULT_SEND)) != NULL) {
        size_t sent = 0;
        enum ln_status st = ln_below_send(&f->base, ln_span(held->data, held->len), &sent);
        if (st == LN_AGAIN) {
            held->due = ln_now(f->base.env) + 1;
            hold(f, LN_FAULT_SEND, held);
            return LN_OK;
        }
        ln_free(f->base.env, held);
        if (st != LN_OK)
            return st;
    }
    return LN_OK;
}

/* ---- sending ---- */

static enum ln_status send_changed(struct fault *f, struct ln_span data, uint32_t amount,
                                   size_t *sent)
{
    struct held *copy = copy_of(f, data);
    if (copy == NULL)
        return ln_diag_set(f->base.diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_NONE,
                           "no memory to change a datagram");
    turn_bit(copy->data, copy->len, amount);
    enum ln_status st = ln_below_send(&f->base, ln_span(copy->data, copy->len), sent);
    ln_free(f->base.env, copy);
    return st;
}

static enum ln_status send_datagram(struct fault *f, const struct ln_fault_rule *rule,
                                    struct ln_span data, size_t *sent)
{
    enum ln_status st = LN_OK;
    size_t ignored = 0;
    *sent = data.len;
    if (rule == NULL)
        return ln_below_send(&f->base, data, sent);
    switch (rule->action) {
    case LN_FAULT_DROP:
    case LN_FAULT_FAIL:
        return LN_OK;
    case LN_FAULT_CUT:
        data.len = rule->amount < data.len ? rule->amount : data.len;
        return ln_below_send(&f->base, data, &ignored);
    case LN_FAULT_CORRUPT:
        return send_changed(f, data, rule->amount, sent);
    case LN_FAULT_DUPLICATE:
        st = ln_below_send(&f->base, data, sent);
        return st == LN_OK ? ln_below_send(&f->base, data, sent) : st;
    case LN_FAULT_DELAY:
    case LN_FAULT_REORDER:
        break;
    }
    st = hold_copy(f, rule, data);
    *sent = st == LN_OK ? data.len : 0;
    return st;
}

/* A stream that is delayed says LN_AGAIN until its time has come. True: it still waits. */
static bool stream_waits(struct fault *f, enum ln_fault_call call,
                         const struct ln_fault_rule **rule)
{
    struct lane *lane = &f->lanes[call];
    ln_msec now = ln_now(f->base.env);
    if (lane->hold_until == 0) {
        *rule = rule_for(f, call, false);
        if (*rule == NULL || (*rule)->action != LN_FAULT_DELAY)
            return false;
        lane->hold_until = now + (*rule)->amount;
    }
    if (now < lane->hold_until)
        return true;
    lane->hold_until = 0;
    *rule = NULL; /* that was its fault; it passes */
    return false;
}

static enum ln_status send_stream(struct fault *f, struct ln_span data, size_t *sent)
{
    const struct ln_fault_rule *rule = NULL;
    if (stream_waits(f, LN_FAULT_SEND, &rule))
        return LN_AGAIN;
    if (rule != NULL && rule->action == LN_FAULT_CORRUPT)
        return send_changed(f, data, rule->amount, sent);
    if (rule != NULL && rule->amount < data.len)
        data.len = rule->amount > 0 ? rule->amount : 1; /* CUT; nothing at all would be no send */
    return ln_below_send(&f->base, data, sent);
}

static enum ln_status fault_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct fault *f = fault_of(s);
    enum ln_status st = fail_call(f, LN_FAULT_SEND);
    if (st != LN_OK)
        return st;
    if (is_stream(s)) {
        st = send_stream(f, data, sent);
        f->transfers[LN_FAULT_SEND] += st == LN_OK;
        return st;
    }
    const struct ln_fault_rule *rule = rule_for(f, LN_FAULT_SEND, false);
    st = send_datagram(f, rule, data, sent);
    if (st != LN_OK)
        return st;
    f->transfers[LN_FAULT_SEND]++;
    if (rule == NULL || (rule->action != LN_FAULT_REORDER && rule->action != LN_FAULT_DROP))
        release_next(f, LN_FAULT_SEND);
    return flush(f);
}

/* ---- receiving ---- */

static enum ln_status give_held(struct fault *f, struct held *held, struct ln_mspan room,
                                size_t *got)
{
    enum ln_status st = held->len > room.len ? LN_NO_SPACE : LN_OK;
    *got = held->len < room.len ? held->len : room.len;
    if (*got > 0)
        memcpy(room.data, held->data, *got);
    f->base.datagram_len = held->len;
    ln_free(f->base.env, held);
    return st;
}

/* What becomes of a datagram that has come. False: the caller does not see it (now). */
static bool passes(struct fault *f, struct ln_mspan room, size_t *got, enum ln_status *st)
{
    const struct ln_fault_rule *rule = rule_for(f, LN_FAULT_RECV, false);
    f->transfers[LN_FAULT_RECV]++;
    if (rule == NULL) {
        release_next(f, LN_FAULT_RECV);
        return true;
    }
    switch (rule->action) {
    case LN_FAULT_FAIL:
        break;
    case LN_FAULT_CUT:
        *got = rule->amount < *got ? rule->amount : *got;
        break;
    case LN_FAULT_CORRUPT:
        turn_bit(room.data, *got, rule->amount);
        break;
    case LN_FAULT_DUPLICATE:
        *st = hold_copy(f, rule, ln_span(room.data, *got));
        break;
    case LN_FAULT_DELAY:
    case LN_FAULT_REORDER:
        *st = hold_copy(f, rule, ln_span(room.data, *got));
        return *st != LN_OK;
    case LN_FAULT_DROP:
        return false;
    }
    release_next(f, LN_FAULT_RECV);
    return true;
}

static enum ln_status recv_datagram(struct fault *f, struct ln_mspan room, size_t *got)
{
    for (;;) {
        struct held *held = take_due(f, LN_FAULT_RECV);
        if (held != NULL)
            return give_held(f, held, room, got);
        enum ln_status st = ln_below_recv(&f->base, room, got);
        if (st == LN_NO_SPACE)
            f->base.datagram_len = f->base.below->datagram_len; /* too long for any rule */
        if (st != LN_OK || passes(f, room, got, &st))
            return st;
    }
}

static enum ln_status recv_stream(struct fault *f, struct ln_mspan room, size_t *got)
{
    const struct ln_fault_rule *rule = NULL;
    enum ln_status st = ln_below_recv(&f->base, ln_mspan(NULL, 0), got); /* is there something? */
    if (st != LN_OK)
        return st;
    if (stream_waits(f, LN_FAULT_RECV, &rule))
        return LN_AGAIN;
    if (rule != NULL && rule->action == LN_FAULT_CUT && rule->amount < room.len)
        room.len = rule->amount > 0 ? rule->amount : 1;
    st = ln_below_recv(&f->base, room, got);
    if (st == LN_OK && rule != NULL && rule->action == LN_FAULT_CORRUPT)
        turn_bit(room.data, *got, rule->amount);
    f->transfers[LN_FAULT_RECV] += st == LN_OK;
    return st;
}

/* Would a receive bring something? Nothing is consumed, no rule acts. */
static enum ln_status is_waiting(struct fault *f, size_t *got)
{
    const struct lane *lane = &f->lanes[LN_FAULT_RECV];
    if (lane->first != NULL && lane->first->due <= ln_now(f->base.env))
        return LN_OK;
    if (lane->hold_until > ln_now(f->base.env))
        return LN_AGAIN;
    return ln_below_recv(&f->base, ln_mspan(NULL, 0), got);
}

static enum ln_status fault_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct fault *f = fault_of(s);
    if (room.len == 0)
        return is_waiting(f, got);
    enum ln_status st = fail_call(f, LN_FAULT_RECV);
    if (st != LN_OK)
        return st;
    return is_stream(s) ? recv_stream(f, room, got) : recv_datagram(f, room, got);
}

/* ---- the rest of the table ---- */

static enum ln_status fault_connect(struct ln_sock *s, ln_msec now)
{
    struct fault *f = fault_of(s);
    const struct ln_fault_rule *rule = NULL;
    (void)now;
    enum ln_status st =
        f->lanes[LN_FAULT_CONNECT].hold_until == 0 ? fail_call(f, LN_FAULT_CONNECT) : LN_OK;
    if (st != LN_OK)
        return st;
    if (stream_waits(f, LN_FAULT_CONNECT, &rule))
        return LN_AGAIN;
    f->transfers[LN_FAULT_CONNECT]++;
    return LN_OK;
}

static enum ln_status fault_step(struct ln_sock *s, ln_msec now)
{
    (void)now;
    return s->state == LN_SOCK_OPEN ? flush(fault_of(s)) : LN_OK;
}

/* `event` is what the caller wants of this lane, 0 = nothing. */
static void lane_interest(const struct lane *lane, ln_msec now, unsigned event,
                          struct ln_interest *want)
{
    bool wanted = event != 0;
    if (lane->first != NULL)
        ln_interest_until(want, lane->first->due);
    if (wanted && lane->hold_until != 0) {
        ln_interest_until(want, lane->hold_until);
        want->events &= ~event; /* until then it does not help that the socket below is ready */
    }
    if (wanted && (lane->again || (lane->first != NULL && lane->first->due <= now)))
        want->ready = true;
}

static void fault_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct fault *f = (const struct fault *)s;
    ln_msec now = ln_now(s->env);
    unsigned reading = want->events & LN_WANT_READ, writing = want->events & LN_WANT_WRITE;
    struct lane in = f->lanes[LN_FAULT_RECV];
    if (reading == 0)
        in.first = NULL; /* nobody asks for it: no reason to wake up */
    if (s->state == LN_SOCK_CONNECTING)
        lane_interest(&f->lanes[LN_FAULT_CONNECT], now, LN_WANT_READ | LN_WANT_WRITE, want);
    lane_interest(&f->lanes[LN_FAULT_SEND], now, writing, want);
    lane_interest(&in, now, reading, want);
}

static void fault_close(struct ln_sock *s)
{
    struct fault *f = fault_of(s);
    for (size_t i = 0; i < CALLS; i++) {
        while (f->lanes[i].first != NULL) {
            struct held *held = f->lanes[i].first;
            f->lanes[i].first = held->next;
            ln_free(s->env, held);
        }
        f->lanes[i] = (struct lane) { .held = 0 };
    }
}

static const struct ln_sock_ops fault_ops = {
    .name = "fault",
    .connect = fault_connect,
    .step = fault_step,
    .send = fault_send,
    .recv = fault_recv,
    .close = fault_close,
    .interest = fault_interest,
};

/* ---- life ---- */

static bool fits(const struct ln_fault_rule *rule, bool stream)
{
    bool shared = rule->action == LN_FAULT_CUT || rule->action == LN_FAULT_DELAY ||
                  rule->action == LN_FAULT_CORRUPT;
    if (rule->action == LN_FAULT_FAIL)
        return rule->status != LN_OK;
    if (rule->call == LN_FAULT_CONNECT)
        return rule->action == LN_FAULT_DELAY;
    return shared || !stream;
}

enum ln_status ln_fault_filter_new(struct ln_sock *below, const struct ln_fault_settings *settings,
                                   struct ln_sock **out)
{
    struct ln_sock *s = NULL;
    if (settings->count > LN_FAULT_RULES_MAX)
        return LN_BAD_ARG;
    for (size_t i = 0; i < settings->count; i++) {
        if (!fits(&settings->rules[i], is_stream(below)))
            return LN_BAD_ARG;
    }
    enum ln_status st = ln_filter_new(&fault_ops, sizeof(struct fault), NULL, below, &s);
    if (st != LN_OK)
        return st;
    struct fault *f = fault_of(s);
    f->random = settings->seed;
    f->rule_count = settings->count;
    if (settings->count > 0)
        memcpy(f->rules, settings->rules, settings->count * sizeof *settings->rules);
    *out = s;
    return LN_OK;
}

size_t ln_fault_filter_hits(const struct ln_sock *filter, size_t index)
{
    const struct fault *f = (const struct fault *)filter;
    return index < f->rule_count ? f->hits[index] : 0;
}
