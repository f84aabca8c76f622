/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tcp.c
 * The place of the message layer over TCP and TLS (RFC 8323): messages are cut out of the stream,
 * signalling is answered, and what the socket does not take at once waits.
 *
 * Received bytes are read where they are; only the beginning of a message that is not whole yet is
 * kept. While a message of any size would not fit the output, nothing more is taken from the input:
 * an answer is never lost.
 */
#include "base/try.h"
#include "coap/internal.h"

/* RFC 8323 5.3.1: what holds until the peer's CSM has come. */
enum { BASE_MAX_MESSAGE = 1152 };

void ln__coap_stream_reset(struct ln_coap *coap)
{
    struct ln__coap_stream *s = coap->stream;
    s->in_used = 0;
    s->out_used = 0;
    s->peer_max = BASE_MAX_MESSAGE;
    s->started = s->ready = s->block_wise = s->released = s->failed = false;
}

/* ---- output ---- */

static enum ln_status fail(struct ln_coap *coap, enum ln_status st)
{
    coap->stream->failed = true;
    return st;
}

/* Whether a message of any size can be sent now. */
static bool is_clear(const struct ln__coap_stream *s)
{
    return s->out_room - s->out_used >= LN_COAP_MESSAGE_MAX;
}

static enum ln_status write_some(struct ln_coap *coap, struct ln_span bytes, size_t *sent)
{
    enum ln_status st = coap->config.send(coap->config.user, 0, bytes, sent);
    if (st == LN_AGAIN) {
        *sent = 0;
        return LN_OK;
    }
    if (st == LN_OK && *sent > bytes.len)
        return fail(coap, LN_INTERNAL);
    return st == LN_OK ? LN_OK : fail(coap, st);
}

enum ln_status ln__coap_stream_send(struct ln_coap *coap, struct ln_span message,
                                    enum ln__coap_urgency urgency)
{
    struct ln__coap_stream *s = coap->stream;
    size_t reserve = urgency == LN__COAP_NOW ? 0 : LN_COAP_MESSAGE_MAX;
    size_t sent = 0;
    if (s->failed)
        return LN_BAD_STATE;
    if (message.len + reserve > s->out_room - s->out_used)
        return LN_AGAIN;
    if (s->out_used == 0)
        TRY(write_some(coap, message, &sent));
    if (message.len > sent) {
        memcpy(s->out + s->out_used, message.data + sent, message.len - sent);
        s->out_used += (uint32_t)(message.len - sent);
    }
    return LN_OK;
}

static enum ln_status flush(struct ln_coap *coap)
{
    struct ln__coap_stream *s = coap->stream;
    size_t sent = 0;
    if (s->failed)
        return LN_BAD_STATE;
    if (s->out_used == 0)
        return LN_OK;
    TRY(write_some(coap, ln_span(s->out, s->out_used), &sent));
    memmove(s->out, s->out + sent, s->out_used - sent);
    s->out_used -= (uint32_t)sent;
    return LN_OK;
}

/* ---- signalling ---- */

enum ln_status ln_coap_start(struct ln_coap *coap, ln_msec now)
{
    struct ln__coap_stream *s = coap->stream;
    struct ln__coap_message m;
    coap->now = now;
    if (!ln__coap_is_tcp(coap))
        return LN_OK;
    if (s->started || s->failed)
        return LN_BAD_STATE;
    ln__coap_begin(coap, &m, LN_COAP_NON, LN_COAP_CSM, 0, NULL);
    ln_coap_put_uint(&m.w, LN_COAP_CSM_MAX_MESSAGE_SIZE, coap->config.max_message);
    ln_coap_put(&m.w, LN_COAP_CSM_BLOCK_WISE, ln_span(NULL, 0));
    TRY(ln__coap_send(coap, 0, &m, LN__COAP_NOW));
    s->started = true;
    return LN_OK;
}

/* Abort, RFC 8323 5.6: with the critical option that was not understood, or a sentence. */
static enum ln_status abort_with(struct ln_coap *coap, uint16_t bad_csm_option, const char *text)
{
    struct ln__coap_message m;
    ln__coap_begin(coap, &m, LN_COAP_NON, LN_COAP_ABORT, 0, NULL);
    if (bad_csm_option != 0)
        ln_coap_put_uint(&m.w, LN_COAP_ABORT_BAD_CSM, bad_csm_option);
    ln_coap_put_payload(&m.w, ln_span_str(text));
    enum ln_status st = ln__coap_send(coap, 0, &m, LN__COAP_NOW);
    coap->stream->failed = true;
    return st;
}

/* The peer broke the protocol. */
static enum ln_status give_up(struct ln_coap *coap, uint16_t bad_csm_option, const char *text)
{
    coap->counters.malformed++;
    (void)abort_with(coap, bad_csm_option, text);
    return LN_BAD_PEER;
}

enum ln_status ln_coap_abort(struct ln_coap *coap, const char *text, ln_msec now)
{
    coap->now = now;
    if (!ln__coap_is_tcp(coap))
        return LN_UNSUPPORTED;
    TRY(ln__coap_may_answer(coap));
    return abort_with(coap, 0, text);
}

enum ln_status ln_coap_release(struct ln_coap *coap, ln_msec now)
{
    struct ln__coap_message m;
    coap->now = now;
    if (!ln__coap_is_tcp(coap))
        return LN_UNSUPPORTED;
    TRY(ln__coap_may_begin(coap));
    ln__coap_begin(coap, &m, LN_COAP_NON, LN_COAP_RELEASE, 0, NULL);
    TRY(ln__coap_send(coap, 0, &m, LN__COAP_NOW));
    coap->stream->released = true;
    return LN_OK;
}

static void tell(struct ln_coap *coap, enum ln_coap_event event, const struct ln_coap_msg *msg)
{
    const struct ln_coap_handler *handler = coap->config.handler;
    if (handler != NULL && handler->event != NULL)
        handler->event(coap->config.user, event, msg);
}

/* RFC 8323 5.2: a critical option that is not understood ends the connection; none is known. */
static uint16_t critical_option(const struct ln_coap_msg *msg)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        if ((opt.number & 1) != 0)
            return opt.number;
    return 0;
}

static void take_csm(struct ln_coap *coap, const struct ln_coap_msg *msg)
{
    struct ln__coap_stream *s = coap->stream;
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_coap_opt opt;
    uint32_t size = 0;
    while (ln_coap_next(&it, &opt)) {
        if (opt.number == LN_COAP_CSM_MAX_MESSAGE_SIZE && ln_coap_uint(opt.value, &size) == LN_OK)
            s->peer_max = size;
        else if (opt.number == LN_COAP_CSM_BLOCK_WISE)
            s->block_wise = true;
    }
    s->ready = true;
    tell(coap, LN_COAP_PEER_READY, msg);
}

static void answer_ping(struct ln_coap *coap, const struct ln_coap_msg *msg)
{
    struct ln__coap_message m;
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span custody;
    ln__coap_begin(coap, &m, LN_COAP_NON, LN_COAP_PONG, 0, &msg->token);
    if (ln_coap_next_of(&it, LN_COAP_PING_CUSTODY, &custody)) /* all before it was worked on */
        ln_coap_put(&m.w, LN_COAP_PING_CUSTODY, ln_span(NULL, 0));
    (void)ln__coap_send(coap, 0, &m, LN__COAP_NOW);
}

static enum ln_status receive_signal(struct ln_coap *coap, const struct ln_coap_msg *msg,
                                     ln_msec now)
{
    uint16_t critical = critical_option(msg);
    if (critical != 0)
        return give_up(coap, msg->code == LN_COAP_CSM ? critical : 0,
                       "a critical option of a signalling message is not understood");
    switch (msg->code) {
    case LN_COAP_CSM:
        take_csm(coap, msg);
        break;
    case LN_COAP_PING:
        answer_ping(coap, msg);
        break;
    case LN_COAP_PONG:
        ln__coap_on_pong(coap, &msg->token, now);
        break;
    case LN_COAP_RELEASE:
        coap->stream->released = true;
        tell(coap, LN_COAP_PEER_RELEASED, msg);
        break;
    case LN_COAP_ABORT:
        coap->stream->failed = true;
        tell(coap, LN_COAP_PEER_ABORTED, msg);
        return LN_CLOSED;
    default: /* a signal of the future, without a critical option: nothing to do */
        coap->counters.unexpected++;
        break;
    }
    return LN_OK;
}

/* ---- input ---- */

static void receive_answer(struct ln_coap *coap, const struct ln_coap_msg *msg, ln_msec now)
{
    struct ln__coap_exchange *ex = ln__coap_match_token(coap, 0, &msg->token);
    if (ex == NULL)
        coap->counters.unexpected++;
    else if (msg->bad_option != 0)
        ln__coap_end(coap, ex, LN_COAP_BROKEN, NULL, now);
    else
        ln__coap_on_response(coap, ex, msg, now);
}

static enum ln_status receive_one(struct ln_coap *coap, struct ln_span frame, ln_msec now)
{
    struct ln_coap_msg msg;
    coap->counters.received++;
    if (ln_coap_read_tcp(frame, &msg) != LN_OK)
        return give_up(coap, 0, "a message is malformed");
    if (!coap->stream->ready && msg.code != LN_COAP_CSM) /* RFC 8323 5.3 */
        return give_up(coap, 0, "the first message is not a CSM");
    if (ln_coap_class(msg.code) == 7)
        return receive_signal(coap, &msg, now);
    if (ln_coap_is_request(msg.code))
        ln__coap_serve(coap, 0, &msg, now);
    else if (msg.code != LN_COAP_EMPTY) /* an empty message keeps the path open, RFC 8323 4.2 */
        receive_answer(coap, &msg, now);
    return coap->stream->failed ? LN_BAD_STATE : LN_OK;
}

/* Work on the whole messages of `in`, as far as their answers find room; *used of it are done. */
static enum ln_status receive_whole(struct ln_coap *coap, struct ln_span in, size_t *used,
                                    ln_msec now)
{
    *used = 0;
    while (is_clear(coap->stream)) {
        struct ln_span left = ln_span(in.data + *used, in.len - *used);
        uint64_t len = 0;
        enum ln_status st = ln_coap_frame_tcp(left, &len);
        if (st == LN_AGAIN)
            return LN_OK;
        if (st != LN_OK)
            return give_up(coap, 0, "a token is longer than 8 bytes");
        if (len > coap->config.max_message)
            return give_up(coap, 0, "a message is longer than our Max-Message-Size");
        if (len > left.len)
            return LN_OK;
        *used += (size_t)len;
        TRY(receive_one(coap, ln_span(left.data, (size_t)len), now));
    }
    return LN_OK;
}

static void keep_input(struct ln__coap_stream *s, struct ln_span bytes)
{
    if (bytes.len > 0)
        memcpy(s->in + s->in_used, bytes.data, bytes.len);
    s->in_used += (uint32_t)bytes.len;
}

/* What was kept, as far as it is whole. */
static enum ln_status receive_kept(struct ln_coap *coap, ln_msec now)
{
    struct ln__coap_stream *s = coap->stream;
    size_t used = 0;
    if (s->in_used == 0)
        return LN_OK;
    TRY(receive_whole(coap, ln_span(s->in, s->in_used), &used, now));
    memmove(s->in, s->in + used, s->in_used - used);
    s->in_used -= (uint32_t)used;
    return LN_OK;
}

size_t ln_coap_receive_room(const struct ln_coap *coap)
{
    const struct ln__coap_stream *s = coap->stream;
    if (!ln__coap_is_tcp(coap))
        return SIZE_MAX;
    return is_clear(s) ? s->in_room - s->in_used : 0;
}

enum ln_status ln__coap_receive_tcp(struct ln_coap *coap, struct ln_span in, ln_msec now)
{
    struct ln__coap_stream *s = coap->stream;
    size_t used = 0;
    if (s->failed)
        return LN_BAD_STATE;
    if (in.len > s->in_room - s->in_used)
        return LN_BAD_ARG;
    if (s->in_used == 0)
        TRY(receive_whole(coap, in, &used, now));
    keep_input(s, ln_span(in.data + used, in.len - used));
    if (used == 0)
        TRY(receive_kept(coap, now));
    ln__coap_pump(coap, now);
    return s->failed ? LN_BAD_STATE : LN_OK;
}

enum ln_status ln__coap_stream_step(struct ln_coap *coap, ln_msec now)
{
    TRY(flush(coap));
    return receive_kept(coap, now);
}
