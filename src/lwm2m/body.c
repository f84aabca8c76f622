/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of a Write or a Create as it comes: in one message, or block by block (RFC 7959).
 *
 * What goes into a streamed resource is handed on piece by piece and is nowhere in memory as a
 * whole. All else is gathered, up to config.write_max, since a transaction must see all of it.
 */
#include "codec/format.h"
#include "lwm2m/core.h"

struct body {
    struct ln_client *client;
    bool streamed;
    /* gathered */
    uint32_t len;
    uint32_t room;
    uint8_t *data;
    /* streamed */
    struct ln_path path;
    uint16_t ssid;
    uint32_t taken; /* bytes of the value that were handed on */
    uint32_t size;  /* of the body, as the server told */
    bool begun;     /* the value's entry was found */
    bool over;      /* the value has ended */
    bool handed_on; /* the object has seen something: it must hear how it ends */
    struct ln_reader reader;
};

static bool is_streamed(const struct ln__request *rq)
{
    return rq->resource != NULL && ln__resource_is_streamed(rq->resource);
}

static enum ln_answer operate(struct ln__request *rq, struct ln_span payload, bool replace,
                              bool create)
{
    return LN__WITH_CREATE && create ? ln__op_create(rq, payload)
                                     : ln__op_write(rq, payload, replace);
}

/* ---- gathered ---- */

static enum ln_answer gather(struct ln__request *rq, struct body *b)
{
    const struct ln_span piece = rq->in->msg->payload;
    uint32_t most = rq->client->config.write_max;
    if (piece.len > most || b->len > most - piece.len)
        return LN_ANSWER_TOO_LARGE;
    if (b->len + piece.len > b->room) {
        uint32_t told = rq->in->size;
        uint32_t room = (uint32_t)(b->len + piece.len) * 2;
        room = told != LN_COAP_SIZE_UNKNOWN && told >= b->len + piece.len ? told : room;
        room = room < most ? room : most;
        uint8_t *grown = ln_resize(rq->client->env, b->data, room);
        if (grown == NULL)
            return LN_ANSWER_UNAVAILABLE;
        b->data = grown;
        b->room = room;
    }
    if (piece.len > 0)
        memcpy(b->data + b->len, piece.data, piece.len);
    b->len += (uint32_t)piece.len;
    return LN_ANSWER_OK;
}

/* ---- streamed ---- */

/* Found anew for each piece: the object may have added others meanwhile. False: it is gone. */
static bool find_target(const struct body *b, uint16_t riid, struct ln_at *at)
{
    const uint16_t *id = b->path.id;
    bool found = ln__model_find(&b->client->model, id[0], id[1], id[2], riid, at);
    if (found)
        at->ssid = b->ssid;
    return found;
}

static enum ln_answer begin_stream(struct ln__request *rq, struct body *b)
{
    const struct ln_coap_msg *msg = rq->in->msg;
    unsigned rights =
        ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], rq->path.id[1]);
    if ((rights & LN_RIGHT_WRITE) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    const struct ln_object_ops *ops = rq->object->def->ops;
    if ((rq->resource->flags & LN_RES_WRITE) == 0 || ops == NULL || ops->write_piece == NULL)
        return LN_ANSWER_NOT_ALLOWED;
    uint32_t number =
        (msg->has & LN_COAP_HAS_CONTENT_FORMAT) != 0 ? msg->content_format : LN_CONTENT_OPAQUE;
    const struct ln_format *format = ln__format_of(number);
    if (format == NULL || ln__reader_init(&b->reader, format, &rq->path) != LN_OK)
        return LN_ANSWER_UNSUPPORTED_FORMAT;
    b->path = rq->path;
    b->ssid = rq->server->ssid;
    b->size = (format->traits & LN_FORMAT_SINGLE) != 0 && number == LN_CONTENT_OPAQUE
                  ? rq->in->size
                  : LN_COAP_SIZE_UNKNOWN;
    return LN_ANSWER_OK;
}

static enum ln_answer hand_on(struct ln__request *rq, struct body *b, struct ln_span piece,
                              bool last)
{
    struct ln_at at;
    bool one = rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE;
    if (!find_target(b, one ? rq->path.id[3] : LN_ID_NONE, &at))
        return LN_ANSWER_NOT_FOUND;
    b->handed_on = !last;
    enum ln_answer answer = at.object->ops->write_piece(&at, b->taken, b->size, piece, last);
    b->taken += (uint32_t)piece.len;
    if (answer != LN_ANSWER_OK)
        b->handed_on = false; /* it refused: it knows */
    return answer;
}

/* Move on to the entry of our value, and later behind it. */
static enum ln_status next_entry(struct body *b, bool *found, bool *finished)
{
    struct ln_entry e;
    enum ln_status st = ln__reader_next(&b->reader, &e);
    if (st != LN_OK)
        return st;
    *finished = e.kind == LN_ENTRY_END;
    *found = e.kind == LN_ENTRY_VALUE;
    return LN_OK;
}

static enum ln_answer stream(struct ln__request *rq, struct body *b)
{
    uint8_t room[192];
    enum ln_value_type type = (enum ln_value_type)rq->resource->type;
    if (ln__reader_feed(&b->reader, rq->in->msg->payload, rq->in->last) != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    for (;;) {
        if (!b->begun || b->over) {
            bool found = false;
            bool finished = false;
            enum ln_status st = next_entry(b, &found, &finished);
            if (st == LN_AGAIN && !rq->in->last)
                return LN_ANSWER_OK;
            if (st != LN_OK || (finished && !b->over) || (found && b->over))
                return LN_ANSWER_BAD_REQUEST;
            if (finished)
                return hand_on(rq, b, ln_span(NULL, 0), true);
            b->begun = b->begun || found;
            continue;
        }
        struct ln_span piece;
        enum ln_status st = ln__reader_piece(&b->reader, type, ln_mspan(room, sizeof room), &piece);
        if (st == LN_AGAIN && !rq->in->last)
            return LN_ANSWER_OK;
        if (st != LN_OK)
            return LN_ANSWER_BAD_REQUEST;
        b->over = piece.len == 0;
        enum ln_answer answer = b->over ? LN_ANSWER_OK : hand_on(rq, b, piece, false);
        if (answer != LN_ANSWER_OK)
            return answer;
    }
}

/* ---- both ---- */

static void release(struct body *b)
{
    ln_free_secret(b->client->env, b->data, b->room);
    ln_free(b->client->env, b);
}

/* The object has seen a part and will not see the rest. */
static void tell_dropped(struct body *b)
{
    struct ln_at at;
    if (find_target(b, LN_ID_NONE, &at) && at.object->ops->write_dropped != NULL)
        at.object->ops->write_dropped(&at);
}

void ln__body_dropped(struct ln_client *client, void *body)
{
    struct body *b = body;
    (void)client;
    if (b->streamed && b->handed_on)
        tell_dropped(b);
    release(b);
}

static struct body *first_piece(struct ln__request *rq, enum ln_answer *answer)
{
    struct body *b = ln_calloc(rq->client->env, 1, sizeof *b);
    *answer = LN_ANSWER_UNAVAILABLE;
    if (b == NULL)
        return NULL;
    b->client = rq->client;
    b->streamed = is_streamed(rq);
    *answer = b->streamed ? begin_stream(rq, b) : LN_ANSWER_OK;
    return b;
}

static enum ln_answer take_piece(struct ln__request *rq, struct body *b, bool replace, bool create)
{
    if (b->streamed)
        return stream(rq, b);
    enum ln_answer answer = gather(rq, b);
    if (answer != LN_ANSWER_OK || !rq->in->last)
        return answer;
    return operate(rq, ln_span(b->data, b->len), replace, create);
}

enum ln_answer ln__body_piece(struct ln__request *rq, bool replace, bool create)
{
    const struct ln_coap_incoming *in = rq->in;
    if (!LN__WITH_BLOCKS || (in->first && in->last && !is_streamed(rq)))
        return operate(rq, in->msg->payload, replace, create);
    enum ln_answer answer = LN_ANSWER_OK;
    struct body *b = in->first ? first_piece(rq, &answer) : *in->body;
    if (b == NULL)
        return in->first ? answer : LN_ANSWER_INTERNAL;
    if (answer == LN_ANSWER_OK)
        answer = take_piece(rq, b, replace, create);
    if (answer == LN_ANSWER_OK && !in->last) {
        *in->body = b;
        rq->reply->code = LN_COAP_CONTINUE;
        return LN_ANSWER_OK;
    }
    if (!in->last || !in->first)
        *in->body = NULL; /* the transfer ends here: `dropped` has nothing to find */
    if (answer != LN_ANSWER_OK && b->streamed && b->handed_on)
        tell_dropped(b);
    bool streamed = b->streamed;
    release(b);
    if (answer == LN_ANSWER_OK && streamed) {
        ln__client_touched(rq->client, rq->path.id[0], rq->path.id[1], rq->path.id[2]);
        rq->reply->code = LN_COAP_CHANGED;
    }
    return answer;
}
