/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file answer.c
 * What we send as a server without being asked at that moment: notifications (RFC 7641 4) and
 * answers that were put off (RFC 7252 5.2.2).
 *
 * Confirmable ones are exchanges that keep options and payload in the pool. All others are gone when
 * the call returns.
 */
#include "base/try.h"
#include "coap/internal.h"

/* One of both, on its way. */
struct outgoing {
    ln_coap_peer peer;
    const struct ln_coap_token *token;
    const struct ln_coap_answer *answer;
    uint64_t key;
    enum ln__coap_kind kind;
    bool confirmable;
    bool observe;
    uint8_t szx;
    ln_coap_on_done *done;
    void *user;
};

/* Options and payload, or the first block of a source. */
static enum ln_status compose(struct ln_coap *coap, const struct outgoing *out,
                              struct ln_coap_writer *w, struct ln__coap_piece *piece)
{
    *piece = (struct ln__coap_piece) {
        .option = LN_COAP_BLOCK2,
        .szx = ln__coap_szx(coap, out->szx),
        .observe = out->observe,
        .seq = coap->observe_seq,
        .source = out->answer->source,
        .end = true,
    };
    ln_coap_put_options(w, out->answer->options);
    if (ln__coap_is_source(piece->source)) {
        TRY(ln__coap_cut_piece(w, piece));
        return ln__coap_put_piece(w, piece);
    }
    if (piece->observe)
        ln_coap_put_uint(w, LN_COAP_OBSERVE, piece->seq);
    ln_coap_put_payload(w, out->answer->payload);
    return w->status;
}

/* Send at once. */
static enum ln_status send_now(struct ln_coap *coap, const struct outgoing *out,
                               struct ln__coap_message *m, uint16_t mid)
{
    TRY(ln__coap_send(coap, out->peer, m, LN__COAP_MAY_WAIT));
    if (out->kind != EX_NOTIFICATION || coap->config.notes == 0)
        return LN_OK;
    struct ln__coap_note *note = &coap->notes[coap->next_note];
    coap->next_note = (uint8_t)((coap->next_note + 1u) % coap->config.notes);
    *note = (struct ln__coap_note) {
        .peer = out->peer, .mid = mid, .used = true, .token = *out->token
    };
    return LN_OK;
}

/* Keep what was composed, to be sent when its turn comes, and again. */
static enum ln_status keep(struct ln_coap *coap, const struct outgoing *out,
                           const struct ln_coap_writer *w, ln_coap_id *id)
{
    struct ln__coap_exchange *ex = ln__coap_take(coap, out->kind, out->peer);
    if (ex == NULL)
        return LN_NO_SPACE;
    size_t len = w->len - w->options;
    if (len > 0 && !ln__coap_store(coap, len, &ex->data)) {
        ln__coap_drop(coap, ex, false);
        return LN_NO_SPACE;
    }
    if (len > 0)
        memcpy(ln__coap_chunk_data(coap, ex->data), w->data + w->options, len);
    ex->code = out->answer->code;
    ex->token = *out->token;
    ex->on.done = out->done;
    ex->user = out->user;
    *id = ex->id;
    ln__coap_queue(coap, ex);
    return LN_OK;
}

static void tell_source(const struct outgoing *out, bool whole)
{
    if (out->answer->source != NULL && out->answer->source->done != NULL)
        out->answer->source->done(out->answer->source->user, whole);
}

/* The peer will fetch what does not fit: keep the source before the message goes. */
static enum ln_status keep_rest(struct ln_coap *coap, const struct outgoing *out,
                                const struct ln__coap_piece *piece, ln_msec now)
{
    bool kept = piece->end || ln__coap_transfer_out(coap, out->peer, out->key, out->answer->code,
                                                    out->answer->options, piece, now);
    return kept ? LN_OK : LN_NO_SPACE;
}

/* Leave no more room than the pool has for the message and, of a source, for its options again. */
static void fit_pool(const struct ln_coap *coap, const struct outgoing *out,
                     struct ln_coap_writer *w)
{
    size_t left = ln__coap_pool_left(coap);
    size_t options = out->answer->source != NULL ? out->answer->options.len : 0;
    size_t most = w->options + (left > options ? left - options : 0);
    if (most < w->room)
        w->room = most;
}

static enum ln_status go(struct ln_coap *coap, const struct outgoing *out, ln_msec now,
                         ln_coap_id *id)
{
    struct ln__coap_message m;
    struct ln__coap_piece piece;
    uint16_t mid = 0;
    bool tcp = ln__coap_is_tcp(coap);
    bool kept = out->confirmable && !tcp;
    if (!kept && !tcp && !ln__coap_new_mid(coap, now, &mid))
        return LN_AGAIN;
    ln__coap_begin(coap, &m, LN_COAP_NON, out->answer->code, mid, out->token);
    if (kept)
        fit_pool(coap, out, &m.w);
    TRY(compose(coap, out, &m.w, &piece));
    TRY(keep_rest(coap, out, &piece, now));
    enum ln_status st = kept ? keep(coap, out, &m.w, id) : send_now(coap, out, &m, mid);
    if (st != LN_OK && !piece.end)
        ln__coap_transfer_forget(coap, out->peer, out->key);
    if (st != LN_OK)
        return st;
    if (out->observe)
        coap->observe_seq = (coap->observe_seq + 1) & 0xffffff;
    if (piece.end)
        tell_source(out, true);
    if (kept)
        ln__coap_pump(coap, now);
    else if (out->done != NULL)
        out->done(out->user, 0, LN_COAP_SENT, now);
    return LN_OK;
}

static bool is_fine(const struct ln_coap_answer *answer)
{
    return ln_coap_is_response(answer->code) &&
           (answer->source == NULL ||
            (ln__coap_is_source(answer->source) && answer->payload.len == 0 &&
             answer->source->etag.len <= 8)) &&
           ln__coap_options_are_fine(answer->options);
}

static enum ln_status checked_go(struct ln_coap *coap, const struct outgoing *out, ln_msec now,
                                 ln_coap_id *id)
{
    ln_coap_id none = 0;
    coap->now = now;
    if (id == NULL)
        id = &none;
    *id = 0;
    TRY(ln__coap_may_answer(coap));
    if (!is_fine(out->answer) || out->szx > 6 || out->token->len > sizeof out->token->data)
        return LN_BAD_ARG;
    return go(coap, out, now, id);
}

enum ln_status ln_coap_notify(struct ln_coap *coap, const struct ln_coap_notification *n,
                              ln_msec now, ln_coap_id *id)
{
    struct outgoing out = {
        .peer = n->peer,
        .token = &n->token,
        .answer = &n->answer,
        .key = n->key,
        .kind = EX_NOTIFICATION,
        .confirmable = n->confirmable,
        .observe = ln_coap_class(n->answer.code) == 2, /* an error ends it, RFC 7641 4.2 */
        .szx = n->szx,
        .done = n->done,
        .user = n->user,
    };
    return checked_go(coap, &out, now, id);
}

enum ln_status ln_coap_respond(struct ln_coap *coap, const struct ln_coap_later *later,
                               const struct ln_coap_answer *answer, ln_msec now,
                               ln_coap_on_done *done, void *user, ln_coap_id *id)
{
    struct outgoing out = {
        .peer = later->peer,
        .token = &later->token,
        .answer = answer,
        .key = later->key,
        .kind = EX_ANSWER,
        .confirmable = later->confirmable,
        .szx = later->szx,
        .done = done,
        .user = user,
    };
    enum ln_status st = checked_go(coap, &out, now, id);
    if (st == LN_OK && coap->deferred > 0)
        coap->deferred--;
    return st;
}
