/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.c
 * What we sent and wait for: a queue with NSTART, retransmission, and endings that are told once.
 *
 *   QUEUED  -> UNACKED (confirmable), WAITING (non-confirmable request, TCP)
 *   UNACKED -> WAITING (empty ACK of a request), ended (answer, ACK, Reset, timeout)
 *   WAITING -> ended (answer, timeout); a request may go back to QUEUED for the next block, or to
 *              RESTING while it observes, is paused, or its legs fetch
 *   HELD    a leg whose block came too early: handed over or QUEUED again when its turn comes
 */
#include "coap/internal.h"

/* ---- finding ---- */

enum { INDEX_BITS = 8 };

struct ln__coap_exchange *ln__coap_find(const struct ln_coap *coap, ln_coap_id id)
{
    size_t index = id & ((1u << INDEX_BITS) - 1);
    if (id == 0 || index >= coap->config.exchanges || coap->exchanges[index].id != id)
        return NULL;
    return &coap->exchanges[index];
}

unsigned ln__coap_index(const struct ln_coap *coap, const struct ln__coap_exchange *ex)
{
    return (unsigned)(ex - coap->exchanges);
}

struct ln__coap_exchange *ln__coap_match_mid(const struct ln_coap *coap, ln_coap_peer peer,
                                             uint16_t mid)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0 && ex->state == EX_UNACKED && ex->mid == mid && ex->peer == peer)
            return ex;
    }
    return NULL;
}

/* The request or leg that waits for an answer with this token; resting ones observe. */
struct ln__coap_exchange *ln__coap_match_token(const struct ln_coap *coap, ln_coap_peer peer,
                                               const struct ln_coap_token *token)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id == 0 || ex->peer != peer || (ex->kind != EX_REQUEST && !ln__coap_is_leg(ex)))
            continue;
        bool listens = ex->state == EX_UNACKED || ex->state == EX_WAITING ||
                       (ln__coap_observes(ex) && (ex->flags & EX_SEQUENCED) != 0);
        if (listens && ln_coap_token_equal(&ex->token, token))
            return ex;
    }
    return NULL;
}

/* ---- taking and ending ---- */

struct ln__coap_exchange *ln__coap_take(struct ln_coap *coap, enum ln__coap_kind kind,
                                        ln_coap_peer peer)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0)
            continue;
        coap->generation = (coap->generation + 1) & (UINT32_MAX >> INDEX_BITS);
        if (coap->generation == 0)
            coap->generation = 1;
        coap->live++;
        *ex = (struct ln__coap_exchange) { .id = coap->generation << INDEX_BITS | (uint32_t)i,
                                           .kind = (uint8_t)kind,
                                           .peer = peer,
                                           .state = EX_RESTING,
                                           .deadline = LN_NEVER };
        return ex;
    }
    coap->counters.no_space++;
    return NULL;
}

void ln__coap_free_slot(struct ln_coap *coap, struct ln__coap_exchange *ex)
{
    ex->id = 0;
    coap->live--;
}

void ln__coap_drop_legs(struct ln_coap *coap, const struct ln__coap_exchange *ex)
{
    unsigned parent = ln__coap_index(coap, ex);
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *leg = &coap->exchanges[i];
        if (leg->id != 0 && ln__coap_is_leg(leg) && leg->parent == parent) {
            ln__coap_release(coap, &leg->held);
            ln__coap_free_slot(coap, leg);
        }
    }
}

void ln__coap_drop(struct ln_coap *coap, struct ln__coap_exchange *ex, bool whole)
{
    struct ln_coap_source source = ex->source;
    bool has_source = (ex->flags & EX_SOURCE) != 0;
    bool up_end = ex->up_end;
    if (ex->kind == EX_REQUEST && ln__coap_fetches(ex))
        ln__coap_drop_legs(coap, ex);
    ln__coap_release(coap, &ex->data);
    ln__coap_release(coap, &ex->held);
    ln__coap_free_slot(coap, ex);
    if (has_source && source.done != NULL)
        source.done(source.user, whole && up_end);
}

void ln__coap_end(struct ln_coap *coap, struct ln__coap_exchange *ex, enum ln_coap_outcome outcome,
                  const struct ln_coap_msg *msg, ln_msec now)
{
    if (ln__coap_is_leg(ex))
        ex = &coap->exchanges[ex->parent];
    struct ln__coap_exchange was = *ex;
    ln__coap_drop(coap, ex, msg != NULL && ln_coap_class(msg->code) == 2);
    if (was.kind != EX_REQUEST) {
        if (was.on.done != NULL)
            was.on.done(was.user, was.id, outcome, now);
        return;
    }
    struct ln_coap_response r = {
        .coap = coap,
        .id = was.id,
        .outcome = outcome,
        .now = now,
        .sent = was.sent,
        .msg = msg,
        .payload = msg != NULL ? msg->payload : ln_span(NULL, 0),
        .size = LN_COAP_SIZE_UNKNOWN,
        .last = outcome == LN_COAP_RESPONSE,
        .final = true,
    };
    (void)was.on.response(was.user, &r);
}

void ln__coap_fail_soon(struct ln__coap_exchange *ex, enum ln_coap_outcome outcome, ln_msec now)
{
    ex->flags |= EX_FAILED;
    ex->failure = (uint8_t)outcome;
    ex->state = EX_RESTING;
    ex->deadline = now;
}

void ln_coap_cancel(struct ln_coap *coap, ln_coap_id id)
{
    struct ln__coap_exchange *ex = ln__coap_find(coap, id);
    if (ex != NULL && !ln__coap_is_leg(ex))
        ln__coap_drop(coap, ex, false);
}

/* ---- the queue ---- */

enum ln_status ln__coap_may_answer(const struct ln_coap *coap)
{
    const struct ln__coap_stream *s = coap->stream;
    bool open = !ln__coap_is_tcp(coap) || (s->started && !s->failed);
    return open && !coap->resetting ? LN_OK : LN_BAD_STATE;
}

enum ln_status ln__coap_may_begin(const struct ln_coap *coap)
{
    bool released = ln__coap_is_tcp(coap) && coap->stream->released;
    return released ? LN_BAD_STATE : ln__coap_may_answer(coap);
}

void ln__coap_queue(struct ln_coap *coap, struct ln__coap_exchange *ex)
{
    if ((ex->flags & EX_FAILED) != 0)
        return; /* its end is due, and nothing else */
    ex->state = EX_QUEUED;
    ex->flags &= ~(uint32_t)EX_HAS_MID;
    ex->order = coap->next_order++;
    ex->deadline = LN_NEVER;
}

/* RFC 7252 4.7: at most NSTART interactions that wait for their ACK. A deferred answer goes past
 * them: the peer may wait for it before it answers us. */
static bool may_go(const struct ln_coap *coap, const struct ln__coap_exchange *ex)
{
    if (ln__coap_is_tcp(coap) || ex->kind == EX_ANSWER || (ex->flags & EX_NON) != 0)
        return true;
    unsigned outstanding = 0;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        const struct ln__coap_exchange *other = &coap->exchanges[i];
        if (other->id != 0 && other->state == EX_UNACKED && other->peer == ex->peer &&
            other->class_ == ex->class_ && other->kind != EX_ANSWER)
            outstanding++;
    }
    return outstanding < coap->config.nstart[ex->class_];
}

static struct ln__coap_exchange *next_queued(const struct ln_coap *coap)
{
    struct ln__coap_exchange *next = NULL;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0 && ex->state == EX_QUEUED && may_go(coap, ex) &&
            (next == NULL || (int32_t)(ex->order - next->order) < 0))
            next = ex;
    }
    return next;
}

/* ---- sending ---- */

static enum ln_status build(struct ln_coap *coap, struct ln__coap_exchange *ex,
                            struct ln__coap_message *m)
{
    switch ((enum ln__coap_kind)ex->kind) {
    case EX_REQUEST:
    case EX_LEG:
        return ln__coap_build_request(coap, ex, m);
    case EX_NOTIFICATION:
    case EX_ANSWER:
        ln__coap_begin(coap, m, (ex->flags & EX_NON) != 0 ? LN_COAP_NON : LN_COAP_CON, ex->code,
                       ex->mid, &ex->token);
        ln__coap_put_checked(&m->w, ln__coap_chunk_bytes(coap, ex->data), 0);
        break;
    case EX_PING:
        ln__coap_begin(coap, m, LN_COAP_CON, ex->code, ex->mid, &ex->token);
        break;
    case EX_FREE:
        return LN_INTERNAL;
    }
    return m->w.status;
}

static enum ln_status send_message(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    struct ln__coap_message m;
    ln_coap_id id = ex->id;
    enum ln_status st = build(coap, ex, &m);
    if (ln__coap_find(coap, id) == NULL) /* its source thought better of it */
        return LN_NOT_FOUND;
    if (st != LN_OK) {
        ln__coap_fail_soon(ex, LN_COAP_BROKEN, now);
        return st;
    }
    return ln__coap_send(coap, ex->peer, &m, LN__COAP_MAY_WAIT);
}

/* ACK_TIMEOUT * a random factor from 1 to ACK_RANDOM_FACTOR, RFC 7252 4.2. Without randomness the
 * longest: it must not be shorter. */
static uint32_t first_timeout(struct ln_coap *coap)
{
    const struct ln_coap_timing *t = &coap->config.timing;
    uint16_t dice = UINT16_MAX;
    if (ln__coap_random(coap, &dice, sizeof dice) != LN_OK)
        dice = UINT16_MAX;
    uint64_t spread = (uint64_t)(t->ack_random_permille - 1000u) * dice / UINT16_MAX;
    return (uint32_t)(t->ack_timeout_ms + t->ack_timeout_ms * spread / 1000);
}

static bool needs_ack(const struct ln_coap *coap, const struct ln__coap_exchange *ex)
{
    return !ln__coap_is_tcp(coap) && (ex->flags & EX_NON) == 0;
}

static void was_sent(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    if ((ex->flags & EX_SENT_ONCE) == 0)
        ex->sent = now;
    bool tell = ex->kind == EX_NOTIFICATION || ex->kind == EX_ANSWER;
    ex->flags |= EX_SENT_ONCE;
    ex->retries = 0;
    if (needs_ack(coap, ex)) {
        ex->state = EX_UNACKED;
        ex->timeout_ms = first_timeout(coap);
        ex->deadline = ln__coap_after(now, ex->timeout_ms);
    } else {
        ex->state = EX_WAITING;
        ex->deadline = ln__coap_after(now, coap->config.timing.response_ms);
    }
    if (tell && ex->on.done != NULL)
        ex->on.done(ex->user, ex->id, LN_COAP_SENT, now);
}

/* The first transmission. False: nothing more can go now. */
static bool send_first(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    if (!ln__coap_is_tcp(coap) && (ex->flags & EX_HAS_MID) == 0) {
        if (!ln__coap_new_mid(coap, now, &ex->mid))
            return false;
        ex->flags |= EX_HAS_MID; /* kept, if the socket does not take it now */
    }
    ln_coap_id id = ex->id;
    enum ln_status st = send_message(coap, ex, now);
    if (st == LN_AGAIN)
        return false;
    if (ln__coap_find(coap, id) == NULL || (ex->flags & EX_FAILED) != 0)
        return true;
    if (ln__coap_is_tcp(coap) && st != LN_OK)
        return false; /* the stream has failed: all ends with ln_coap_reset() */
    was_sent(coap, ex, now);
    return true;
}

void ln__coap_pump(struct ln_coap *coap, ln_msec now)
{
    while (!coap->blocked && coap->live > 0) {
        struct ln__coap_exchange *ex = next_queued(coap);
        if (ex == NULL || !send_first(coap, ex, now))
            return;
    }
}

/* ---- what comes ---- */

bool ln__coap_on_ack(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_match_mid(coap, peer, mid);
    if (ex == NULL || ex->kind == EX_PING)
        return false;
    if (ex->kind == EX_REQUEST || ln__coap_is_leg(ex)) {
        ex->state = EX_WAITING; /* the answer will be a message of its own */
        ex->deadline = ln__coap_after(now, coap->config.timing.response_ms);
    } else {
        ln__coap_end(coap, ex, LN_COAP_ACKNOWLEDGED, NULL, now);
    }
    return true;
}

/* A Reset of a notification that was not confirmable, RFC 7641 3.6 */
static bool on_rejected(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid)
{
    for (size_t i = 0; i < coap->config.notes; i++) {
        struct ln__coap_note *note = &coap->notes[i];
        if (!note->used || note->mid != mid || note->peer != peer)
            continue;
        struct ln_coap_token token = note->token;
        note->used = false;
        if (coap->config.handler != NULL && coap->config.handler->rejected != NULL)
            coap->config.handler->rejected(coap->config.user, peer, &token);
        return true;
    }
    return false;
}

/* A non-confirmable request may be reset too, while its answer is awaited. */
static struct ln__coap_exchange *match_reset(const struct ln_coap *coap, ln_coap_peer peer,
                                             uint16_t mid)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0 && (ex->state == EX_UNACKED || ex->state == EX_WAITING) && ex->mid == mid &&
            ex->peer == peer)
            return ex;
    }
    return NULL;
}

bool ln__coap_on_rst(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now)
{
    struct ln__coap_exchange *ex = match_reset(coap, peer, mid);
    if (ex == NULL)
        return on_rejected(coap, peer, mid);
    ln__coap_end(coap, ex, ex->kind == EX_PING ? LN_COAP_RESPONSE : LN_COAP_WAS_RESET, NULL, now);
    return true;
}

/* Pings have no token: a stream keeps order, so that the first Pong belongs to the first Ping; and
 * there are peers that do not return one. */
void ln__coap_on_pong(struct ln_coap *coap, const struct ln_coap_token *token, ln_msec now)
{
    struct ln__coap_exchange *first = NULL;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0 && ex->kind == EX_PING && ex->state == EX_WAITING &&
            (first == NULL || (int32_t)(ex->order - first->order) < 0))
            first = ex;
    }
    if (first == NULL || token->len != 0)
        coap->counters.unexpected++;
    else
        ln__coap_end(coap, first, LN_COAP_RESPONSE, NULL, now);
}

/* ---- time ---- */

static void send_again(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    ex->retries++;
    ex->timeout_ms *= 2; /* bounded by what ln_coap_new() allows */
    ex->deadline = ln__coap_after(now, ex->timeout_ms);
    coap->counters.retransmitted++;
    (void)send_message(coap, ex, now); /* what does not go out is lost: the next one may */
}

static void due(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    if ((ex->flags & EX_FAILED) != 0)
        ln__coap_end(coap, ex, (enum ln_coap_outcome)ex->failure, NULL, now);
    else if (ex->state == EX_UNACKED && ex->retries < coap->config.timing.max_retransmit)
        send_again(coap, ex, now);
    else
        ln__coap_end(coap, ex, LN_COAP_TIMED_OUT, NULL, now);
}

void ln__coap_exchanges_step(struct ln_coap *coap, ln_msec now)
{
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id != 0 && ex->deadline <= now)
            due(coap, ex, now);
    }
    ln__coap_pump(coap, now);
}

ln_msec ln__coap_exchanges_deadline(const struct ln_coap *coap)
{
    ln_msec earliest = LN_NEVER;
    for (size_t i = 0; i < coap->config.exchanges && coap->live > 0; i++) {
        const struct ln__coap_exchange *ex = &coap->exchanges[i];
        if (ex->id == 0)
            continue;
        ln_msec at = ex->deadline;
        if (ex->state == EX_QUEUED && !ln__coap_is_tcp(coap) && may_go(coap, ex))
            at = ln__coap_mid_due(coap); /* what else it may wait for is not a matter of time */
        if (at < coap->now)
            at = coap->now;
        if (at < earliest && !(ex->state == EX_QUEUED && coap->blocked))
            earliest = at;
    }
    return earliest;
}

/* ---- ping ---- */

enum ln_status ln_coap_ping(struct ln_coap *coap, ln_coap_peer peer, ln_msec now,
                            ln_coap_on_done *done, void *user, ln_coap_id *id)
{
    enum ln_status st = ln__coap_may_begin(coap);
    if (st != LN_OK)
        return st;
    coap->now = now;
    struct ln__coap_exchange *ex = ln__coap_take(coap, EX_PING, peer);
    if (ex == NULL)
        return LN_NO_SPACE;
    ex->code = ln__coap_is_tcp(coap) ? LN_COAP_PING : LN_COAP_EMPTY;
    ex->on.done = done;
    ex->user = user;
    if (id != NULL)
        *id = ex->id;
    ln__coap_queue(coap, ex);
    ln__coap_pump(coap, now);
    return LN_OK;
}
