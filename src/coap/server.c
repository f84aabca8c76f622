/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file server.c
 * Requests of the peer: what the endpoint refuses by itself, bodies in blocks (RFC 7959), and the
 * answer, which is written where it is sent from and remembered for duplicates.
 */
#include "coap/internal.h"

/* A request while it is being answered. The handler sees the first member. */
struct serving {
    struct ln_coap_reply reply;
    struct ln_coap *coap;
    ln_coap_peer peer;
    const struct ln_coap_msg *msg;
    ln_msec now;
    struct ln_coap_writer *w;
    bool later;
    bool made;   /* the message is complete as it stands, but for its code */
    bool reject; /* with a Reset instead of an answer */
    bool echo;   /* answer with Block1 */
    struct ln_coap_block block1;
};

/* ---- short answers ---- */

static void clear_reply(struct ln_coap_writer *w)
{
    w->len = w->options;
    w->payload = 0;
    w->last = 0;
    w->status = LN_OK;
}

void ln_coap_reply_text(struct ln_coap_reply *reply, uint8_t code, const char *text)
{
    reply->code = code;
    clear_reply(reply->out);
    struct ln_span words = ln_span_str(text);
    size_t room = ln_coap_payload_room(reply->out).len;
    if (words.len > room)
        words.len = room;
    ln_coap_put_payload(reply->out, words);
}

/* The endpoint answers by itself. */
static void refuse(struct serving *s, uint8_t code, const char *text)
{
    s->coap->counters.refused++;
    ln_coap_reply_text(&s->reply, code, LN__WITH_WORDS ? text : NULL);
}

void ln_coap_reply_later(struct ln_coap_reply *reply, const struct ln_coap_incoming *in,
                         struct ln_coap_later *later)
{
    struct serving *s = (struct serving *)(void *)reply;
    const struct ln_coap_msg *msg = in->msg;
    s->later = true;
    *later = (struct ln_coap_later) {
        .peer = in->peer,
        .token = msg->token,
        .mid = msg->mid,
        .code = msg->code,
        .confirmable = msg->type == LN_COAP_CON,
        .szx = (msg->has & LN_COAP_HAS_BLOCK2) != 0 ? msg->block2.szx : 6,
        .key = ln_coap_key(msg),
    };
}

/* ---- options that somebody must understand ---- */

static bool is_understood(const struct ln_coap *coap, uint16_t number)
{
    static const uint16_t ours[] = { LN_COAP_URI_HOST, LN_COAP_URI_PORT, LN_COAP_URI_PATH,
                                     LN_COAP_URI_QUERY, LN_COAP_ACCEPT };
    if (number == LN_COAP_BLOCK1 || number == LN_COAP_BLOCK2)
        return ln__coap_in_blocks(true);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i] == number)
            return true;
    const struct ln_coap_handler *handler = coap->config.handler;
    if (handler != NULL && handler->understood != NULL)
        for (const uint16_t *n = handler->understood; *n != 0; n++)
            if (*n == number)
                return true;
    return false;
}

/* The first critical option that nobody understands, or that is ours but malformed; or 0. */
static uint16_t not_understood(const struct ln_coap *coap, const struct ln_coap_msg *msg)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        if ((opt.number & 1) != 0 && !is_understood(coap, opt.number))
            return opt.number;
    return ln_coap_option_is_known(msg->bad_option) ? msg->bad_option : 0;
}

/* "option 65535 is not understood" */
static void refuse_option(struct serving *s, uint16_t number)
{
    char text[] = "option 65535 is not understood";
    char *at = text + sizeof "option 65535" - 1;
    unsigned left = number;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    memmove(text + sizeof "option " - 1, at, strlen(at) + 1);
    refuse(s, LN_COAP_BAD_OPTION, text);
}

#define TO_LOOK_AT                                                                                 \
    (LN_COAP_HAS_IF_MATCH | LN_COAP_HAS_IF_NONE_MATCH | LN_COAP_HAS_PROXY | LN_COAP_HAS_OSCORE |   \
     LN_COAP_HAS_BLOCK1 | LN_COAP_HAS_BLOCK2)

/* False if the request was refused for its options. */
static bool options_are_fine(struct serving *s)
{
    const struct ln_coap_msg *msg = s->msg;
    if (msg->bad_option == 0 && (msg->has & TO_LOOK_AT) == 0)
        return true;
    if ((msg->has & LN_COAP_HAS_PROXY) != 0) {
        refuse(s, LN_COAP_PROXYING_NOT_SUPPORTED, NULL);
        return false;
    }
    uint16_t number = not_understood(s->coap, msg);
    if (number == 0)
        return true;
    refuse_option(s, number);
    s->reject = msg->type == LN_COAP_NON && !ln__coap_is_tcp(s->coap); /* RFC 7252 5.4.1 */
    return false;
}

/* ---- the handler ---- */

static void call_handler(struct serving *s, struct ln_coap_incoming *in)
{
    const struct ln_coap_handler *handler = s->coap->config.handler;
    void *nowhere = NULL;
    in->coap = s->coap;
    in->peer = s->peer;
    in->now = s->now;
    in->msg = s->msg;
    if (in->body == NULL)
        in->body = &nowhere;
    if (ln__coap_in_blocks((s->msg->has & LN_COAP_HAS_BLOCK2) != 0))
        in->from = ln_coap_block_offset(s->msg->block2);
    if (handler != NULL && handler->request != NULL)
        handler->request(s->coap->config.user, in, &s->reply);
    else
        ln_coap_reply_text(&s->reply, LN_COAP_NOT_FOUND, NULL);
    if (in->body == &nowhere)
        in->body = NULL;
}

static void serve_whole(struct serving *s)
{
    struct ln_coap_incoming in = { .first = true, .last = true };
    in.size = (uint32_t)s->msg->payload.len;
    call_handler(s, &in);
}

/* ---- Block1: a body that comes in blocks ---- */

static void refuse_too_large(struct serving *s)
{
    refuse(s, LN_COAP_TOO_LARGE, NULL);
    ln_coap_put_uint(s->w, LN_COAP_SIZE1, s->coap->config.body_max); /* RFC 7959 2.9.3 */
}

/* One block in its order. */
static void take_block(struct serving *s, struct ln__coap_transfer *t, uint32_t offset)
{
    const struct ln_coap_msg *msg = s->msg;
    uint64_t key = t->key;
    void *body = t->body;
    struct ln_coap_incoming in = {
        .offset = offset,
        .first = offset == 0,
        .last = !msg->block1.more,
        .size = (msg->has & LN_COAP_HAS_SIZE1) != 0 ? msg->size1 : LN_COAP_SIZE_UNKNOWN,
        .body = &body,
    };
    t->at = offset + (uint32_t)msg->payload.len;
    t->last_len = (uint32_t)msg->payload.len;
    ln__coap_transfer_touch(s->coap, t, s->now);
    call_handler(s, &in);
    t = ln__coap_transfer_find(s->coap, TRANSFER_IN, s->peer, key);
    if (t == NULL)
        return;
    bool over = in.last || s->reply.code != LN_COAP_CONTINUE;
    t->body = over ? NULL : body; /* the handler knows that it is over */
    if (over)
        ln__coap_transfer_end(s->coap, t, in.last);
}

static void serve_first_block(struct serving *s, uint64_t key)
{
    const struct ln_coap_msg *msg = s->msg;
    struct ln__coap_transfer *t = ln__coap_transfer_find(s->coap, TRANSFER_IN, s->peer, key);
    if (t != NULL) /* RFC 7959 2.5: block 0 begins anew */
        ln__coap_transfer_end(s->coap, t, false);
    if (!msg->block1.more) { /* all of it in one block */
        serve_whole(s);
        return;
    }
    if ((msg->has & LN_COAP_HAS_SIZE1) != 0 && msg->size1 > s->coap->config.body_max) {
        refuse_too_large(s);
        return;
    }
    t = ln__coap_transfer_take(s->coap, TRANSFER_IN, s->peer, key, s->now);
    if (t == NULL)
        refuse(s, LN_COAP_UNAVAILABLE, "too many transfers at once");
    else
        take_block(s, t, 0);
}

static void serve_next_block(struct serving *s, uint64_t key)
{
    const struct ln_coap_msg *msg = s->msg;
    uint32_t offset = ln_coap_block_offset(msg->block1);
    uint32_t len = (uint32_t)msg->payload.len;
    struct ln__coap_transfer *t = ln__coap_transfer_find(s->coap, TRANSFER_IN, s->peer, key);
    if (t == NULL) {
        refuse(s, LN_COAP_INCOMPLETE, "this body did not begin with block 0");
    } else if (offset + len == t->at && len == t->last_len && msg->block1.more) {
        s->reply.code = LN_COAP_CONTINUE; /* once more: it was handed over already */
        ln__coap_transfer_touch(s->coap, t, s->now);
    } else if (offset != t->at) {
        refuse(s, LN_COAP_INCOMPLETE, "a block before this one is missing");
    } else {
        take_block(s, t, offset);
    }
}

static void serve_block1(struct serving *s)
{
    const struct ln_coap_msg *msg = s->msg;
    struct ln_coap_block block = msg->block1;
    uint64_t key = ln__coap_key_in(msg);
    size_t size = block.szx <= 6 ? ln_coap_block_size(block.szx) : 0;
    s->echo = true;
    s->block1 = block;
    uint8_t ours = ln__coap_szx(s->coap, 0);
    if (block.szx > ours)
        s->block1.szx = ours; /* RFC 7959 2.3: smaller ones from now on */
    if (block.more ? msg->payload.len != size : msg->payload.len > size) {
        refuse(s, LN_COAP_BAD_REQUEST, "the payload is not as long as the block");
        s->echo = false;
        return;
    }
    uint32_t offset = ln_coap_block_offset(block);
    if (offset + (uint32_t)msg->payload.len > s->coap->config.body_max) {
        struct ln__coap_transfer *t = ln__coap_transfer_find(s->coap, TRANSFER_IN, s->peer, key);
        if (t != NULL)
            ln__coap_transfer_end(s->coap, t, false);
        refuse_too_large(s);
    } else if (block.num == 0) {
        serve_first_block(s, key);
    } else {
        serve_next_block(s, key);
    }
}

/* ---- Block2: a body that goes in blocks ---- */

/* A further block of an answer whose source we have; false if we do not. */
static bool serve_from_transfer(struct serving *s)
{
    const struct ln_coap_msg *msg = s->msg;
    if ((msg->has & LN_COAP_HAS_BLOCK2) == 0 || msg->block2.num == 0 ||
        (msg->has & (LN_COAP_HAS_BLOCK1 | LN_COAP_HAS_OBSERVE)) != 0)
        return false;
    uint32_t offset = ln_coap_block_offset(msg->block2);
    uint64_t key = ln_coap_key(msg);
    struct ln__coap_transfer *t = ln__coap_transfer_find(s->coap, TRANSFER_OUT, s->peer, key);
    if (t == NULL || (offset < t->at && !t->source.any_order))
        return false;
    struct ln__coap_piece piece = {
        .option = LN_COAP_BLOCK2,
        .at = offset,
        .szx = msg->block2.szx,
        .source = &t->source,
    };
    ln_coap_put_options(s->w, ln__coap_chunk_bytes(s->coap, t->options));
    s->reply.code = t->code;
    enum ln_status st = ln__coap_cut_piece(s->w, &piece);
    if (st == LN_OK)
        st = ln__coap_put_piece(s->w, &piece);
    if (st == LN_BAD_ARG) {
        refuse(s, LN_COAP_BAD_REQUEST, "this block is behind the end of the body");
        return true;
    }
    if (st != LN_OK) {
        ln__coap_transfer_end(s->coap, t, false);
        refuse(s, LN_COAP_INTERNAL_ERROR, NULL);
        return true;
    }
    s->made = true;
    t->at = offset > t->at ? offset : t->at;
    ln__coap_transfer_touch(s->coap, t, s->now);
    if (piece.end)
        ln__coap_transfer_end(s->coap, t, true);
    return true;
}

static bool is_safe(uint8_t code)
{
    return code == LN_COAP_GET || code == LN_COAP_FETCH;
}

static void drop_source(struct serving *s, bool whole)
{
    struct ln_coap_source source = s->reply.source;
    s->reply.source.read = NULL;
    if (source.read != NULL && source.done != NULL)
        source.done(source.user, whole);
}

/* Which piece of the handler's answer the peer wants, and what else stands in it. */
static struct ln__coap_piece piece_of(const struct serving *s)
{
    const struct ln_coap_msg *msg = s->msg;
    bool success = ln_coap_class(s->reply.code) == 2;
    bool from_source = ln__coap_is_source(&s->reply.source);
    bool may_cut = ln__coap_in_blocks(success && (from_source || is_safe(msg->code)));
    bool wish = may_cut && (msg->has & LN_COAP_HAS_BLOCK2) != 0;
    uint8_t szx = ln__coap_szx(s->coap, 0);
    return (struct ln__coap_piece) {
        .option = LN_COAP_BLOCK2,
        .szx = wish && msg->block2.szx < szx ? msg->block2.szx : szx,
        .at = wish ? ln_coap_block_offset(msg->block2) : 0,
        .force = wish,
        .uncut = !may_cut,
        .observe = s->reply.observe && success && (msg->has & LN_COAP_HAS_OBSERVE) != 0 &&
                   msg->observe == 0 && (!wish || msg->block2.num == 0),
        .seq = s->coap->observe_seq,
        .echo = s->echo,
        .block1 = s->block1,
        .source = from_source ? &s->reply.source : NULL,
    };
}

/* Make the handler's answer one message. LN_AGAIN: there is no room to keep the source. */
static enum ln_status complete(struct serving *s)
{
    struct ln_coap *coap = s->coap;
    struct ln__coap_piece piece = piece_of(s);
    if (piece.source == NULL && s->reply.source.read != NULL)
        return LN_INTERNAL; /* only blocks could carry it */
    struct ln_span options = ln_span(s->w->data + s->w->options, s->w->len - s->w->options);
    if (s->w->payload != 0)
        options.len = s->w->payload - 1 - s->w->options;
    enum ln_status st = ln__coap_cut_piece(s->w, &piece);
    if (st == LN_OK && piece.source != NULL && !piece.end &&
        !ln__coap_transfer_out(coap, s->peer, ln_coap_key(s->msg), s->reply.code, options, &piece,
                               s->now))
        st = LN_AGAIN;
    if (st != LN_OK)
        return st;
    st = ln__coap_put_piece(s->w, &piece);
    if (piece.end)
        drop_source(s, true);
    if (piece.observe)
        coap->observe_seq = (coap->observe_seq + 1) & 0xffffff;
    return st;
}

/* ---- the answer ---- */

/* What the handler left behind becomes an answer in any case. */
static void make_answer(struct serving *s)
{
    bool to_go_on = s->echo && s->msg->block1.more;
    if (!ln_coap_is_response(s->reply.code) || (s->reply.code == LN_COAP_CONTINUE && !to_go_on))
        ln_coap_reply_text(&s->reply, LN_COAP_INTERNAL_ERROR, NULL);
    if (ln_coap_class(s->reply.code) != 2)
        drop_source(s, false);
    enum ln_status st = s->made ? LN_OK : complete(s);
    if (st != LN_OK) {
        drop_source(s, false);
        s->echo = false;
        if (st == LN_AGAIN)
            refuse(s, LN_COAP_UNAVAILABLE, "too many transfers at once");
        else if (st == LN_BAD_ARG)
            refuse(s, LN_COAP_BAD_REQUEST, "this block is behind the end of the body");
        else
            refuse(s, LN_COAP_INTERNAL_ERROR, NULL);
    }
    ln_coap_set_code(s->w, s->reply.code);
}

static void put_off(struct serving *s, struct ln__coap_cached *entry)
{
    s->coap->deferred++;
    drop_source(s, false);
    if (s->msg->type != LN_COAP_CON || ln__coap_is_tcp(s->coap))
        return;
    entry->replay = REPLAY_ACK;
    (void)ln__coap_send_empty(s->coap, s->peer, LN_COAP_ACK, s->msg->mid);
}

static void finish(struct serving *s, struct ln__coap_message *m)
{
    bool confirmable = s->msg->type == LN_COAP_CON;
    struct ln__coap_cached entry = {
        .peer = s->peer, .mid = s->msg->mid, .safe = is_safe(s->msg->code), .token = s->msg->token
    };
    struct ln_span body = ln_span(NULL, 0);
    if (s->reject) {
        (void)ln__coap_send_empty(s->coap, s->peer, LN_COAP_RST, s->msg->mid);
        return;
    }
    if (s->later) {
        put_off(s, &entry);
    } else {
        make_answer(s);
        entry.code = s->reply.code;
        /* lost, if it cannot be sent: the peer repeats the request and gets it from the cache */
        (void)ln__coap_send(s->coap, s->peer, m, LN__COAP_NOW);
        if (confirmable) {
            entry.replay = REPLAY_ANSWER;
            body = ln_span(s->w->data + s->w->options, s->w->len - s->w->options);
        }
    }
    if (!ln__coap_is_tcp(s->coap))
        ln__coap_cache_add(s->coap, entry, body, s->now);
}

static void answer(struct serving *s)
{
    const struct ln_coap_msg *msg = s->msg;
    bool bad_block = ((msg->has & LN_COAP_HAS_BLOCK1) != 0 && msg->block1.szx > 6) ||
                     ((msg->has & LN_COAP_HAS_BLOCK2) != 0 && msg->block2.szx > 6);
    if (!options_are_fine(s))
        return;
    if (bad_block)
        refuse(s, LN_COAP_BAD_REQUEST, "block size 7 is reserved"); /* RFC 7959 2.2 */
    else if (ln__coap_in_blocks((msg->has & LN_COAP_HAS_BLOCK1) != 0))
        serve_block1(s);
    else if (!ln__coap_in_blocks(true) || !serve_from_transfer(s))
        serve_whole(s);
}

void ln__coap_serve(struct ln_coap *coap, ln_coap_peer peer, const struct ln_coap_msg *msg,
                    ln_msec now)
{
    struct ln__coap_message m;
    uint16_t mid = msg->mid;
    enum ln_coap_type type = LN_COAP_ACK;
    if (msg->type != LN_COAP_CON) {
        type = LN_COAP_NON;
        if (!ln__coap_is_tcp(coap) && !ln__coap_new_mid(coap, now, &mid)) {
            coap->counters.not_sent++;
            return;
        }
    }
    ln__coap_begin(coap, &m, type, 0, mid, &msg->token);
    struct serving s = {
        .reply = { .out = &m.w }, .coap = coap, .peer = peer, .msg = msg, .now = now, .w = &m.w
    };
    answer(&s);
    finish(&s, &m);
}
