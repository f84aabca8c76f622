/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a CoAP request to an operation (LwM2M Transport 1.1 6.4.4, table of core.h's operations).
 *
 * Order of checks: path, object, instance and resource exist, rights, operation possible, format,
 * payload; each file of an operation keeps it. /0 and /21 are refused whatever is asked.
 */
#include "codec/format.h"
#include "lwm2m/core.h"

/* ---- the path ---- */

static enum ln_answer read_path(const struct ln_coap_msg *msg, struct ln_path *out)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span part;
    struct ln_path path = ln_path_root();
    while (ln_coap_next_of(&it, LN_COAP_URI_PATH, &part)) {
        if (part.len == 0 && path.levels == 0)
            continue; /* a single empty option is the root */
        enum ln_status st = ln_path_add_part(&path, part);
        if (st != LN_OK)
            return st == LN_NOT_FOUND ? LN_ANSWER_NOT_FOUND : LN_ANSWER_BAD_REQUEST;
    }
    *out = path;
    return LN_ANSWER_OK;
}

static enum ln_answer find(struct ln__request *rq)
{
    const struct ln_path *path = &rq->path;
    if (path->levels == LN_LEVEL_ROOT)
        return LN_ANSWER_NOT_ALLOWED; /* composite operations come later */
    rq->object = ln__model_object(&rq->client->model, path->id[0]);
    if (rq->object != NULL && (rq->object->def->flags & LN_OBJECT_PRIVATE) != 0)
        return LN_ANSWER_UNAUTHORIZED;
    if (rq->object == NULL)
        return LN_ANSWER_NOT_FOUND;
    if (path->levels < LN_LEVEL_INSTANCE)
        return LN_ANSWER_OK;
    rq->instance = ln__model_instance(rq->object, path->id[1]);
    if (rq->instance == NULL)
        return LN_ANSWER_NOT_FOUND;
    if (path->levels < LN_LEVEL_RESOURCE)
        return LN_ANSWER_OK;
    rq->resource = ln__model_resource(rq->object->def, path->id[2]);
    if (rq->resource == NULL)
        return LN_ANSWER_NOT_FOUND;
    bool one = path->levels == LN_LEVEL_RESOURCE_INSTANCE;
    return one && (rq->resource->flags & LN_RES_MULTIPLE) == 0 ? LN_ANSWER_NOT_FOUND : LN_ANSWER_OK;
}

/* ---- the operation ---- */

static bool has(const struct ln__request *rq, uint32_t what)
{
    return (rq->in->msg->has & what) != 0;
}

static enum ln_answer on_get(struct ln__request *rq)
{
    if (LN__WITH_DISCOVER && has(rq, LN_COAP_HAS_ACCEPT) && rq->in->msg->accept == LN_CONTENT_LINK)
        return rq->path.levels > LN_LEVEL_RESOURCE ? LN_ANSWER_BAD_REQUEST : ln__op_discover(rq);
    return ln__op_read(rq);
}

static enum ln_answer on_put(struct ln__request *rq)
{
    if (!LN__WITH_ATTRIBUTES && has(rq, LN_COAP_HAS_URI_QUERY))
        return LN_ANSWER_NOT_ALLOWED;
    if (has(rq, LN_COAP_HAS_URI_QUERY))
        return rq->in->msg->payload.len > 0 ? LN_ANSWER_BAD_REQUEST : ln__op_write_attributes(rq);
    if (rq->path.levels < LN_LEVEL_INSTANCE)
        return LN_ANSWER_NOT_ALLOWED;
    return ln__body_piece(rq, true, false);
}

/* POST: Create on an object, partial Write on an instance, and on a resource Execute, unless it can
 * be written and the payload is of a format that holds an array. */
static enum ln_answer on_post(struct ln__request *rq)
{
    switch ((enum ln_path_level)rq->path.levels) {
    case LN_LEVEL_OBJECT:
        return LN__WITH_CREATE ? ln__body_piece(rq, false, true) : LN_ANSWER_NOT_ALLOWED;
    case LN_LEVEL_INSTANCE:
        return ln__body_piece(rq, false, false);
    case LN_LEVEL_RESOURCE:
        if ((rq->resource->flags & LN_RES_WRITE) != 0 && has(rq, LN_COAP_HAS_CONTENT_FORMAT))
            return ln__body_piece(rq, false, false);
        if (!rq->in->last)
            return LN_ANSWER_TOO_LARGE; /* arguments in blocks: nobody has so many */
        return ln__op_execute(rq, rq->in->msg->payload);
    case LN_LEVEL_ROOT:
    case LN_LEVEL_RESOURCE_INSTANCE:
        break;
    }
    return LN_ANSWER_NOT_ALLOWED;
}

static enum ln_answer on_delete(struct ln__request *rq)
{
    bool may = LN__WITH_CREATE && rq->path.levels == LN_LEVEL_INSTANCE;
    return may ? ln__op_delete(rq) : LN_ANSWER_NOT_ALLOWED;
}

static enum ln_answer operate(struct ln__request *rq)
{
    switch (rq->in->msg->code) {
    case LN_COAP_GET:
        return on_get(rq);
    case LN_COAP_PUT:
        return on_put(rq);
    case LN_COAP_POST:
        return on_post(rq);
    case LN_COAP_DELETE:
        return on_delete(rq);
    default: /* codes of the wire are no enumeration: FETCH, iPATCH and what may come */
        return LN_ANSWER_NOT_ALLOWED;
    }
}

static void on_request(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct ln__server *server = user;
    struct ln__request rq = {
        .client = server->client, .server = server, .in = in, .reply = reply
    };
    server->client->now = in->now;
    ln__server_active(server, in->now);
    enum ln_answer answer = read_path(in->msg, &rq.path);
    if (answer == LN_ANSWER_OK)
        answer = find(&rq);
    if (answer == LN_ANSWER_OK)
        answer = operate(&rq);
    if (answer != LN_ANSWER_OK && reply->code != (uint8_t)answer)
        ln_coap_reply_text(reply, (uint8_t)answer, NULL);
    if (answer != LN_ANSWER_OK && *in->body != NULL) { /* its target went amid the transfer */
        ln__body_dropped(server->client, *in->body);
        *in->body = NULL;
    }
}

static void on_dropped(void *user, ln_coap_peer peer, void *body)
{
    struct ln__server *server = user;
    (void)peer;
    ln__body_dropped(server->client, body);
}

static void on_rejected(void *user, ln_coap_peer peer, const struct ln_coap_token *token)
{
    struct ln__server *server = user;
    (void)peer;
    ln__observe_cancel(server, token);
}

static const uint16_t understood[] = { LN_COAP_URI_HOST, LN_COAP_URI_PORT, 0 };

const struct ln_coap_handler ln__dispatch = {
    .request = on_request,
    .dropped = on_dropped,
    .rejected = LN__WITH_OBSERVE ? on_rejected : NULL,
    .understood = understood,
};
