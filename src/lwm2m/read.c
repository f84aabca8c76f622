/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read and Observe (LwM2M Core 1.1 6.3.1, 6.4.1).
 *
 * The answer is written straight into the reply. What is longer than a message is kept as a snapshot
 * on the heap while it is read block by block; a streamed resource is produced anew for each block
 * instead, and is nowhere in memory as a whole.
 */
#include "codec/format.h"
#include "lwm2m/links.h"

/* ---- long answers ---- */

static enum ln_answer answer_from_snapshot(struct ln__request *rq, const struct ln__view *view,
                                           size_t length, struct ln_span *payload)
{
    struct ln__snapshot *s = NULL;
    size_t again = 0;
    enum ln_answer answer = ln__snapshot_new(rq, length, &s);
    if (answer != LN_ANSWER_OK)
        return answer;
    answer = ln__payload_write(view, 0, ln_mspan(s->data, length), &again);
    if (answer == LN_ANSWER_OK && again != length)
        answer = LN_ANSWER_UNAVAILABLE; /* it changed in between: the server may ask again */
    if (answer != LN_ANSWER_OK) {
        ln__snapshot_free(s);
        return answer;
    }
    ln__snapshot_answer(rq, s);
    *payload = ln_span(s->data, length);
    return LN_ANSWER_OK;
}

/* A streamed resource: the view is all that is kept. */
struct stream {
    struct ln__view view;
    uint32_t length;
};

static enum ln_status stream_read(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                  bool *end)
{
    const struct stream *s = user;
    size_t length = 0;
    if (offset > s->length)
        return LN_INTERNAL;
    if (ln__payload_write(&s->view, offset, room, &length) != LN_ANSWER_OK || length != s->length)
        return LN_IO; /* it became another one meanwhile */
    size_t left = s->length - offset;
    *len = left < room.len ? left : room.len;
    *end = *len == left;
    return LN_OK;
}

static void stream_done(void *user, bool whole)
{
    struct stream *s = user;
    (void)whole;
    ln_free(s->view.client->env, s);
}

static enum ln_answer answer_from_stream(struct ln__request *rq, const struct ln__view *view,
                                         size_t length)
{
    if (length > LN_COAP_BODY_MAX)
        return LN_ANSWER_INTERNAL;
    struct stream *s = ln_calloc(rq->client->env, 1, sizeof *s);
    if (s == NULL)
        return LN_ANSWER_UNAVAILABLE;
    s->view = *view;
    s->length = (uint32_t)length;
    rq->reply->source = (struct ln_coap_source) {
        .read = stream_read, .done = stream_done, .user = s, .size = s->length
    };
    return LN_ANSWER_OK;
}

static bool is_streamed(const struct ln__request *rq)
{
    return rq->resource != NULL && ln__resource_is_streamed(rq->resource);
}

/* ---- the operation ---- */

static bool is_single(const struct ln__request *rq)
{
    return rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE ||
           (rq->resource != NULL && (rq->resource->flags & LN_RES_MULTIPLE) == 0);
}

static enum ln_answer choose_format(const struct ln__request *rq, const struct ln_format **out)
{
    const struct ln_coap_msg *msg = rq->in->msg;
    if ((msg->has & LN_COAP_HAS_ACCEPT) == 0) {
        *out = ln__payload_default(rq);
        return LN_ANSWER_OK;
    }
    *out = ln__format_of(msg->accept);
    bool one_only = *out != NULL && ((*out)->traits & LN_FORMAT_SINGLE) != 0;
    if (*out == NULL || ((*out)->traits & LN_FORMAT_WRITES) == 0 || (one_only && !is_single(rq)))
        return LN_ANSWER_NOT_ACCEPTABLE;
    return LN_ANSWER_OK;
}

static enum ln_answer check(const struct ln__request *rq)
{
    unsigned rights =
        ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], rq->path.id[1]);
    if (rq->path.levels >= LN_LEVEL_INSTANCE && (rights & LN_RIGHT_READ) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    if (rq->resource != NULL && (rq->resource->flags & LN_RES_READ) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    return LN_ANSWER_OK;
}

static enum ln_answer observe(struct ln__request *rq, const struct ln_format *format,
                              struct ln_span payload)
{
    const struct ln_coap_msg *msg = rq->in->msg;
    if (!LN__WITH_OBSERVE || (msg->has & LN_COAP_HAS_OBSERVE) == 0)
        return LN_ANSWER_OK;
    if (msg->observe == 0 && rq->in->from == 0)
        return ln__observe_begin(rq, format, payload);
    if (msg->observe == 1)
        ln__observe_cancel(rq->server, &msg->token);
    return LN_ANSWER_OK;
}

enum ln_answer ln__op_read(struct ln__request *rq)
{
    const struct ln_format *format = NULL;
    enum ln_answer answer = check(rq);
    if (answer == LN_ANSWER_OK)
        answer = choose_format(rq, &format);
    if (answer != LN_ANSWER_OK)
        return answer;

    struct ln__view view = {
        .client = rq->client, .path = rq->path, .format = format, .ssid = rq->server->ssid
    };
    ln_coap_put_uint(rq->reply->out, LN_COAP_CONTENT_FORMAT, format->number);
    struct ln_mspan room = ln_coap_payload_room(rq->reply->out);
    size_t length = 0;
    answer = ln__payload_write(&view, 0, room, &length);
    if (answer != LN_ANSWER_OK)
        return answer;
    bool fits = length <= room.len;
    ln_coap_payload_written(rq->reply->out, fits ? length : 0);
    struct ln_span payload = ln_span(room.data, fits ? length : room.len);
    if (!fits)
        answer = is_streamed(rq) ? answer_from_stream(rq, &view, length)
                                 : answer_from_snapshot(rq, &view, length, &payload);
    if (answer != LN_ANSWER_OK)
        return answer;
    answer = observe(rq, format, payload);
    if (answer != LN_ANSWER_OK && !fits) {
        rq->reply->source.done(rq->reply->source.user, false);
        rq->reply->source = (struct ln_coap_source) { 0 };
    }
    if (answer == LN_ANSWER_OK)
        rq->reply->code = LN_COAP_CONTENT;
    return answer;
}
