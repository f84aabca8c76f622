/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file request.c
 * Our requests, from the call to the answer; and observing (RFC 7641 3).
 */
#include "base/try.h"
#include "coap/internal.h"

/* ---- beginning ---- */

bool ln__coap_options_are_fine(struct ln_span options)
{
    struct ln_coap_iter it = ln_coap_options(options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        switch (opt.number) {
        case LN_COAP_OBSERVE:
        case LN_COAP_BLOCK1:
        case LN_COAP_BLOCK2:
        case LN_COAP_SIZE1:
        case LN_COAP_SIZE2:
            return false;
        }
    return it.left.len == 0;
}

static bool is_fine(const struct ln_coap_request *rq)
{
    bool may_observe = rq->code == LN_COAP_GET || rq->code == LN_COAP_FETCH;
    return ln_coap_is_request(rq->code) && rq->on_response != NULL &&
           (rq->class_ == LN_COAP_NORMAL || rq->class_ == LN_COAP_BULK) &&
           (!rq->observe || may_observe) && (rq->source == NULL || rq->payload.len == 0) &&
           (rq->source == NULL || ln__coap_is_source(rq->source)) && rq->from % 1024 == 0 &&
           rq->from < LN_COAP_BODY_MAX && rq->etag.len <= 8 && rq->szx <= 6 &&
           rq->answer_max <= LN_COAP_BODY_MAX && ln__coap_options_are_fine(rq->options);
}

/* Options and payload, as they will stand in a message, to the pool. */
static enum ln_status keep_message(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                   const struct ln_coap_request *rq)
{
    uint8_t room[LN_COAP_MESSAGE_MAX];
    struct ln_coap_writer w;
    struct ln_span options;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_options(&w, rq->options);
    if (rq->observe)
        ln_coap_put_uint(&w, LN_COAP_OBSERVE, 0);
    TRY(ln_coap_writer_end(&w, &options));
    ex->options_len = (uint16_t)options.len;
    ex->last_option = w.last;
    size_t marker = rq->payload.len > 0 ? 1 : 0;
    size_t len = options.len + marker + rq->payload.len;
    if (len == 0)
        return LN_OK;
    if (!ln__coap_store(coap, len, &ex->data))
        return LN_NO_SPACE;
    uint8_t *data = ln__coap_chunk_data(coap, ex->data);
    memcpy(data, options.data, options.len);
    if (marker > 0) {
        data[options.len] = 0xff;
        memcpy(data + options.len + 1, rq->payload.data, rq->payload.len);
    }
    return LN_OK;
}

/* Header, token, options and one block: does it fit a message? */
static bool fits(const struct ln_coap *coap, const struct ln__coap_exchange *ex, size_t payload)
{
    size_t most = coap->max_message;
    if (ln__coap_is_tcp(coap) && coap->stream->peer_max < most)
        most = coap->stream->peer_max;
    return (size_t)6 + ex->token.len + ex->options_len + 1 + payload <= most;
}

static enum ln_status set_up(struct ln_coap *coap, struct ln__coap_exchange *ex,
                             const struct ln_coap_request *rq, ln_msec now)
{
    TRY(ln__coap_new_token(coap, &ex->token));
    TRY(keep_message(coap, ex, rq));
    ex->code = rq->code;
    ex->class_ = (uint8_t)rq->class_;
    ex->on.response = rq->on_response;
    ex->user = rq->user;
    ex->sent = now;
    ex->from = rq->from;
    ex->down_at = rq->from;
    ex->up_szx = ln__coap_szx(coap, rq->szx);
    ex->down_szx = ex->up_szx;
    ex->answer_max = rq->answer_max != 0 ? rq->answer_max : LN_COAP_BODY_MAX;
    ex->etag_len = (uint8_t)rq->etag.len;
    if (rq->etag.len > 0)
        memcpy(ex->etag, rq->etag.data, rq->etag.len);
    bool whole = rq->source == NULL && fits(coap, ex, rq->payload.len);
    bool upload = ln__coap_in_blocks(!whole || rq->payload.len > ln_coap_block_size(ex->up_szx));
    bool ask = rq->class_ == LN_COAP_BULK || rq->from > 0 || rq->szx != 0 || ex->down_szx < 6;
    if (upload && !fits(coap, ex, ln_coap_block_size(0) + 16))
        return LN_NO_SPACE;
    ex->flags = (rq->observe ? EX_OBSERVE : 0u) | (upload ? EX_UPLOAD : 0u) |
                (rq->unordered ? EX_UNORDERED : 0u) | (ask ? EX_ASK_BLOCK2 : 0u) |
                (rq->etag.len > 0 ? EX_HAS_ETAG : 0u) | (rq->every_etag ? EX_EVERY_ETAG : 0u) |
                (rq->non_confirmable && !upload ? EX_NON : 0u);
    return fits(coap, ex, upload ? 0 : rq->payload.len) ? LN_OK : LN_NO_SPACE;
}

enum ln_status ln_coap_request(struct ln_coap *coap, const struct ln_coap_request *rq, ln_msec now,
                               ln_coap_id *id)
{
    coap->now = now;
    TRY(ln__coap_may_begin(coap));
    if (!is_fine(rq))
        return LN_BAD_ARG;
    if (!LN__WITH_FETCH && (rq->observe || rq->from > 0))
        return LN_UNSUPPORTED;
    struct ln__coap_exchange *ex = ln__coap_take(coap, EX_REQUEST, rq->peer);
    if (ex == NULL)
        return LN_NO_SPACE;
    enum ln_status st = set_up(coap, ex, rq, now);
    if (st != LN_OK) {
        ln__coap_drop(coap, ex, false);
        return st;
    }
    if (rq->source != NULL) { /* from here on its `done` is ours to call */
        ex->source = *rq->source;
        ex->source.etag = ln_span(NULL, 0);
        ex->flags |= EX_SOURCE;
    }
    if (id != NULL)
        *id = ex->id;
    ln__coap_queue(coap, ex);
    ln__coap_pump(coap, now);
    return LN_OK;
}

/* ---- the message ---- */

/* The options of the request, with another Observe or none. */
static void put_other_options(struct ln_coap_writer *w, struct ln_span options, bool unobserve)
{
    struct ln_coap_iter it = ln_coap_options(options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        if (opt.number != LN_COAP_OBSERVE)
            ln_coap_put(w, opt.number, opt.value);
    if (unobserve)
        ln_coap_put_uint(w, LN_COAP_OBSERVE, 1);
}

static void put_block2(struct ln_coap_writer *w, uint32_t at, uint8_t szx)
{
    ln_coap_put_block(w, LN_COAP_BLOCK2,
                      (struct ln_coap_block) { .num = at >> (szx + 4u), .szx = szx });
}

/* The first message of a request, or a block of its body. */
static enum ln_status put_request(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                  struct ln_coap_writer *w)
{
    struct ln_span data = ln__coap_chunk_bytes(coap, ex->data);
    bool upload = ln__coap_in_blocks((ex->flags & EX_UPLOAD) != 0);
    bool ask = LN__WITH_FETCH && (ex->flags & EX_ASK_BLOCK2) != 0 && ex->up_at == 0;
    if (!upload && !ask) {
        ln__coap_put_checked(w, data, ex->last_option);
        return w->status;
    }
    ln__coap_put_checked(w, ln_span(data.data, ex->options_len), ex->last_option);
    if (ask) {
        put_block2(w, ex->from, ex->down_szx);
        if (ex->class_ == LN_COAP_BULK) /* 0 asks how long it is, RFC 7959 4 */
            ln_coap_put_uint(w, LN_COAP_SIZE2, 0);
    }
    if (upload)
        return ln__coap_build_upload(coap, ex, w);
    if (data.len > ex->options_len)
        ln_coap_put_payload(
            w, ln_span(data.data + ex->options_len + 1, data.len - ex->options_len - 1));
    return w->status;
}

enum ln_status ln__coap_build_request(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                      struct ln__coap_message *m)
{
    struct ln__coap_exchange *root = ln__coap_is_leg(ex) ? &coap->exchanges[ex->parent] : ex;
    enum ln_coap_type type = (ex->flags & EX_NON) != 0 ? LN_COAP_NON : LN_COAP_CON;
    ln__coap_begin(coap, m, type, root->code, ex->mid, &ex->token);
    struct ln_coap_writer *w = &m->w;
    bool unobserve = ln__coap_observes(ex) && (ex->flags & EX_UNOBSERVE) != 0;
    bool block = ln__coap_is_leg(ex) || ln__coap_fetches(ex);
    if (!unobserve && !block)
        return put_request(coap, ex, w);
    struct ln_span data = ln__coap_chunk_bytes(coap, root->data);
    put_other_options(w, ln_span(data.data, root->options_len), unobserve);
    if (!unobserve)
        put_block2(w, ex->down_at, ex->ask_szx);
    return w->status;
}

/* ---- the answer ---- */

struct ln__coap_exchange *ln__coap_hand_over(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                             const struct ln_coap_msg *msg, struct ln_span bytes,
                                             uint32_t offset, bool last, ln_msec now)
{
    struct ln__coap_exchange was = *ex;
    bool stands = ln__coap_observes(&was);
    struct ln_coap_response r = {
        .coap = coap,
        .id = was.id,
        .outcome = LN_COAP_RESPONSE,
        .now = now,
        .sent = was.sent,
        .msg = msg,
        .payload = bytes,
        .offset = offset,
        .size = was.down_size,
        .last = last,
        .final = last && !stands,
        .notification = stands,
    };
    if (r.final)
        ln__coap_drop(coap, ex, ln_coap_class(msg->code) == 2);
    enum ln_coap_verdict verdict = was.on.response(was.user, &r);
    ex = ln__coap_find(coap, was.id);
    if (ex != NULL && verdict == LN_COAP_STOP) {
        ln__coap_drop(coap, ex, false);
        return NULL;
    }
    if (LN__WITH_FETCH && ex != NULL && verdict == LN_COAP_PAUSE)
        ex->flags |= EX_PAUSED;
    return ex;
}

/* RFC 7641 3.4: newer by number, or so long ago that numbers have no meaning. Streams keep order. */
static bool is_fresh(const struct ln_coap *coap, const struct ln__coap_exchange *ex,
                     const struct ln_coap_msg *msg, ln_msec now)
{
    uint32_t v1 = ex->observe_seq;
    uint32_t v2 = msg->observe;
    if ((ex->flags & EX_SEQUENCED) == 0 || ln__coap_is_tcp(coap) ||
        now > ln__coap_after(ex->observe_at, 128000))
        return true;
    return (v1 < v2 && v2 - v1 < UINT32_C(1) << 23) || (v1 > v2 && v1 - v2 > UINT32_C(1) << 23);
}

/* Whether the answer counts: false for a notification that was overtaken. */
static bool take_sequence(struct ln_coap *coap, struct ln__coap_exchange *ex,
                          const struct ln_coap_msg *msg, ln_msec now)
{
    bool stands = ln__coap_observes(ex) && (ex->flags & EX_UNOBSERVE) == 0 &&
                  (msg->has & LN_COAP_HAS_OBSERVE) != 0 && ln_coap_class(msg->code) == 2;
    if (!stands) {
        ex->flags &= ~(uint32_t)(EX_OBSERVE | EX_SEQUENCED | EX_UNOBSERVE);
        return true;
    }
    if (!is_fresh(coap, ex, msg, now)) {
        coap->counters.duplicates++;
        return false;
    }
    ex->flags |= EX_SEQUENCED;
    ex->observe_seq = msg->observe;
    ex->observe_at = now;
    return true;
}

void ln__coap_on_response(struct ln_coap *coap, struct ln__coap_exchange *ex,
                          const struct ln_coap_msg *msg, ln_msec now)
{
    if (ln__coap_is_leg(ex) || (ln__coap_fetches(ex) && !ln__coap_observes(ex))) {
        ln__coap_on_block(coap, ex, msg, now);
        return;
    }
    if (ln__coap_upload_goes_on(coap, ex, msg, now) || !take_sequence(coap, ex, msg, now))
        return;
    ex->state = EX_RESTING;
    ex->deadline = LN_NEVER;
    ex->flags &= ~(uint32_t)EX_PAUSED;
    if (ln__coap_fetches(ex)) /* a newer state came while the older was fetched */
        ln__coap_download_void(coap, ex);
    ex->down_code = msg->code;
    ex->down_size = (msg->has & LN_COAP_HAS_SIZE2) != 0 ? msg->size2 : LN_COAP_SIZE_UNKNOWN;
    bool in_blocks = (msg->has & LN_COAP_HAS_BLOCK2) != 0 && ln_coap_class(msg->code) == 2;
    if (in_blocks)
        ln__coap_on_block(coap, ex, msg, now);
    else if (LN__WITH_FETCH && ex->from > 0 && ln_coap_class(msg->code) == 2)
        ln__coap_end(coap, ex, LN_COAP_BROKEN, NULL,
                     now); /* asked for the rest, got something else */
    else if (msg->payload.len > ex->answer_max)
        ln__coap_end(coap, ex, LN_COAP_TOO_LONG, NULL, now);
    else
        (void)ln__coap_hand_over(coap, ex, msg, msg->payload, 0, true, now);
}

/* ---- going on and ending ---- */

enum ln_status ln_coap_resume(struct ln_coap *coap, ln_coap_id id, ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_find(coap, id);
    if (ex == NULL || ex->kind != EX_REQUEST)
        return LN_NOT_FOUND;
    coap->now = now;
    ex->flags &= ~(uint32_t)EX_PAUSED;
    if (ln__coap_fetches(ex))
        ln__coap_download_go_on(coap, ex, now);
    ln__coap_pump(coap, now);
    return LN_OK;
}

enum ln_status ln_coap_unobserve(struct ln_coap *coap, ln_coap_id id, ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_find(coap, id);
    if (ex == NULL || ex->kind != EX_REQUEST || !ln__coap_observes(ex))
        return LN_NOT_FOUND;
    TRY(ln__coap_may_begin(coap));
    coap->now = now;
    if (ln__coap_fetches(ex))
        ln__coap_download_void(coap, ex);
    ex->flags |= EX_UNOBSERVE;
    ln__coap_queue(coap, ex);
    ln__coap_pump(coap, now);
    return LN_OK;
}
