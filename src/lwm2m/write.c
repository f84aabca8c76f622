/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write, Create, Delete and Execute (LwM2M Core 1.1 6.3.3 .. 6.3.7).
 *
 * A Write is a transaction on a copy of the instance's struct: values go into the copy, `validate`
 * sees it, and only then it replaces the original. What fails anywhere changes nothing. See
 * <linnet/object.h>.
 *
 * What a payload says twice: a resource or an object instance is refused (4.00), for what it asks for
 * is not clear; of a resource instance the later value counts.
 */
#include "codec/format.h"
#include "lwm2m/core.h"

/* Strings and bytes that do not stand in one piece in the payload (Base64, escapes) are put together
 * here; a value that has to be and is longer is refused. */
#define SCRATCH 512

struct transaction {
    struct ln_client *client;
    struct ln__object *object;   /* until `written` was told, which may move it */
    const struct ln_object *def; /* of it */
    uint16_t iid;
    uint16_t ssid;
    uint8_t *copy; /* of the struct */
    uint8_t *seen; /* one byte for each row: a value came */
    bool creating;
    bool replace;
    struct ln_path target; /* what the request names */
    uint8_t scratch[SCRATCH];
};

static struct ln_at at_of(const struct transaction *t, const struct ln_resource *r, uint16_t riid)
{
    return ln__model_at(&t->client->model, t->object, t->iid, t->copy, r, riid, t->ssid);
}

/* The copy, and behind it a byte for each row of the table. */
static struct transaction *begin(struct ln_client *client, struct ln__object *object, uint16_t iid,
                                 const void *was, uint16_t ssid)
{
    const struct ln_object *def = object->def;
    struct transaction *t =
        ln_calloc(client->env, 1, sizeof *t + def->instance_size + def->resource_count);
    if (t == NULL)
        return NULL;
    t->client = client;
    t->object = object;
    t->def = def;
    t->iid = iid;
    t->ssid = ssid;
    t->seen = (uint8_t *)(t + 1) + def->instance_size;
    t->copy = (uint8_t *)(t + 1);
    if (was != NULL)
        memcpy(t->copy, was, def->instance_size);
    return t;
}

static void end(struct transaction *t)
{
    const struct ln_object *def = t->def;
    ln_free_secret(t->client->env, t, sizeof *t + def->instance_size + def->resource_count);
}

static bool is_multiple(const struct ln_resource *r)
{
    return (r->flags & LN_RES_MULTIPLE) != 0;
}

static enum ln_answer clear(const struct transaction *t, const struct ln_resource *r)
{
    struct ln_at at = at_of(t, r, LN_ID_NONE);
    enum ln_answer answer = ln__resource_clear(&at);
    /* an object that cannot clear keeps what it has */
    return answer == LN_ANSWER_NOT_ALLOWED ? LN_ANSWER_OK : answer;
}

/* PUT on an instance: what may be left out is left out, until the payload brings it. */
static enum ln_answer clear_for_replace(const struct transaction *t)
{
    const struct ln_object *def = t->def;
    for (uint16_t i = 0; i < def->resource_count; i++) {
        const struct ln_resource *r = &def->resources[i];
        if ((r->flags & LN_RES_WRITE) == 0 || ln__resource_is_streamed(r) ||
            ((r->flags & LN_RES_MANDATORY) != 0 && !is_multiple(r)))
            continue;
        enum ln_answer answer = clear(t, r);
        if (answer != LN_ANSWER_OK)
            return answer;
    }
    return LN_ANSWER_OK;
}

/* May the payload set this row? Create sets what it likes but for what is read only: that is the
 * device's own, and passed over. */
static enum ln_answer admit(const struct transaction *t, const struct ln_resource *r, bool *take)
{
    *take = (r->flags & LN_RES_WRITE) != 0;
    if (*take || t->creating)
        return LN_ANSWER_OK;
    return LN_ANSWER_NOT_ALLOWED;
}

/* The array is begun: once, and before its first value, the old one goes if it is replaced. */
static enum ln_answer begin_array(struct transaction *t, const struct ln_resource *r)
{
    uint8_t *seen = &t->seen[r - t->def->resources];
    bool whole = t->replace && t->target.levels == LN_LEVEL_RESOURCE;
    bool first = *seen == 0;
    *seen = 1;
    return first && whole ? clear(t, r) : LN_ANSWER_OK;
}

static enum ln_answer take_value(struct transaction *t, struct ln_reader *reader,
                                 const struct ln_resource *r, uint16_t riid)
{
    struct ln_value value;
    enum ln_status st = ln__reader_value(reader, (enum ln_value_type)r->type,
                                         ln_mspan(t->scratch, sizeof t->scratch), &value);
    if (st != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    struct ln_at at = at_of(t, r, riid);
    return ln__resource_write(&at, &value);
}

static enum ln_answer apply_entry(struct transaction *t, struct ln_reader *reader,
                                  const struct ln_entry *e)
{
    if (e->path.levels < LN_LEVEL_RESOURCE)
        return LN_ANSWER_OK; /* the instance itself */
    const struct ln_resource *r = ln__model_resource(t->def, e->path.id[2]);
    if (r == NULL)
        return LN_ANSWER_OK; /* optional resources that we do not have may be ignored */
    bool take = false;
    enum ln_answer answer = admit(t, r, &take);
    if (answer != LN_ANSWER_OK || !take)
        return answer;
    bool in_array = e->path.levels == LN_LEVEL_RESOURCE_INSTANCE || e->kind == LN_ENTRY_ARRAY;
    bool again = t->seen[r - t->def->resources] != 0 && e->path.levels == LN_LEVEL_RESOURCE;
    if (in_array != is_multiple(r) || ln__resource_is_streamed(r) || again)
        return LN_ANSWER_BAD_REQUEST;
    if (in_array) {
        answer = begin_array(t, r);
        if (answer != LN_ANSWER_OK || e->kind == LN_ENTRY_ARRAY)
            return answer;
        return take_value(t, reader, r, e->path.id[3]);
    }
    t->seen[r - t->def->resources] = 1;
    return take_value(t, reader, r, LN_ID_NONE);
}

static enum ln_answer apply(struct transaction *t, const struct ln_format *format,
                            const struct ln_path *base, struct ln_span payload)
{
    struct ln_reader reader;
    struct ln_entry e;
    if (ln__reader_init(&reader, format, base) != LN_OK)
        return LN_ANSWER_UNSUPPORTED_FORMAT;
    if (ln__reader_feed(&reader, payload, true) != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    for (;;) {
        if (ln__reader_next(&reader, &e) != LN_OK)
            return LN_ANSWER_BAD_REQUEST;
        if (e.kind == LN_ENTRY_END)
            return LN_ANSWER_OK;
        if (e.kind == LN_ENTRY_NAME || e.kind == LN_ENTRY_REMOVE)
            return LN_ANSWER_BAD_REQUEST;
        enum ln_answer answer = apply_entry(t, &reader, &e);
        if (answer != LN_ANSWER_OK)
            return answer;
    }
}

/* Every mandatory resource that a server can write must have come. */
static bool is_complete(const struct transaction *t)
{
    const struct ln_object *def = t->def;
    for (uint16_t i = 0; i < def->resource_count; i++) {
        uint8_t flags = def->resources[i].flags;
        if ((flags & LN_RES_MANDATORY) != 0 && (flags & LN_RES_WRITE) != 0 && t->seen[i] == 0 &&
            (flags & LN_RES_STREAMED) == 0)
            return false;
    }
    return true;
}

static bool has_come(const struct transaction *t, const struct ln_resource *r)
{
    return t->seen[r - t->def->resources] != 0;
}

static enum ln_answer validate(const struct transaction *t, const void *was)
{
    const struct ln_object_ops *ops = t->def->ops;
    if (ops == NULL || ops->validate == NULL)
        return LN_ANSWER_OK;
    struct ln_at at = at_of(t, NULL, LN_ID_NONE);
    return ops->validate(&at, was);
}

static void tell_written(const struct transaction *t, void *data, const void *was)
{
    const struct ln_object_ops *ops = t->def->ops;
    if (ops == NULL || ops->written == NULL)
        return;
    struct ln_at at =
        ln__model_at(&t->client->model, t->object, t->iid, data, NULL, LN_ID_NONE, t->ssid);
    ops->written(&at, was);
}

/* The program makes the values last, before anybody is told. What it cannot keep is not written. */
static enum ln_answer keep(struct ln__request *rq, uint16_t iid)
{
    const struct ln_client_config *config = &rq->client->config;
    if (config->keep == NULL)
        return LN_ANSWER_OK;
    enum ln_answer answer = config->keep(config->user, rq->client, rq->path.id[0], iid);
    if (answer != LN_ANSWER_OK)
        ln_coap_reply_text(rq->reply, (uint8_t)answer,
                           LN__WORDS("this device cannot keep the value"));
    return answer;
}

/* The copy becomes the instance, and the old bytes the copy. */
static void swap_bytes(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t old = a[i];
        a[i] = b[i];
        b[i] = old;
    }
}

static void tell_changes(const struct transaction *t)
{
    const struct ln_object *def = t->def;
    if (t->replace && t->target.levels == LN_LEVEL_INSTANCE) {
        ln__client_touched(t->client, def->id, t->iid, LN_ID_NONE);
        return;
    }
    for (uint16_t i = 0; i < def->resource_count; i++)
        if (t->seen[i] != 0)
            ln__client_touched(t->client, def->id, t->iid, def->resources[i].id);
}

static enum ln_answer check_write(const struct ln__request *rq)
{
    unsigned rights =
        ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], rq->path.id[1]);
    if ((rights & LN_RIGHT_WRITE) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    const struct ln_resource *r = rq->resource;
    if (r == NULL)
        return LN_ANSWER_OK;
    if ((r->flags & LN_RES_WRITE) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    return rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE && !is_multiple(r) ? LN_ANSWER_BAD_REQUEST
                                                                            : LN_ANSWER_OK;
}

static enum ln_answer payload_format(const struct ln__request *rq, const struct ln_format **out)
{
    const struct ln_coap_msg *msg = rq->in->msg;
    /* A request without Content-Format is text, as servers of the first days send it. */
    uint32_t number =
        (msg->has & LN_COAP_HAS_CONTENT_FORMAT) != 0 ? msg->content_format : LN_CONTENT_TEXT;
    *out = ln__format_of(number);
    if (*out == NULL || ((*out)->traits & LN_FORMAT_READS) == 0)
        return LN_ANSWER_UNSUPPORTED_FORMAT;
    bool one = rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE ||
               (rq->resource != NULL && !is_multiple(rq->resource));
    if (((*out)->traits & LN_FORMAT_SINGLE) != 0 && !one)
        return LN_ANSWER_BAD_REQUEST;
    return LN_ANSWER_OK;
}

static enum ln_answer transact(struct ln__request *rq, struct transaction *t,
                               struct ln_span payload, const struct ln_format *format)
{
    void *data = rq->instance->data;
    bool whole = t->replace && rq->path.levels == LN_LEVEL_INSTANCE;
    enum ln_answer answer = whole ? clear_for_replace(t) : LN_ANSWER_OK;
    if (answer == LN_ANSWER_OK)
        answer = apply(t, format, &rq->path, payload);
    bool lacks = whole ? !is_complete(t) : rq->resource != NULL && !has_come(t, rq->resource);
    if (answer == LN_ANSWER_OK && lacks)
        answer = LN_ANSWER_BAD_REQUEST;
    if (answer == LN_ANSWER_OK)
        answer = validate(t, data);
    if (answer != LN_ANSWER_OK)
        return answer;
    uint16_t size = data != NULL ? t->def->instance_size : 0;
    swap_bytes(data, t->copy, size);
    answer = keep(rq, t->iid);
    if (answer != LN_ANSWER_OK) {
        swap_bytes(data, t->copy, size);
        return answer;
    }
    tell_written(t, data, t->copy);
    tell_changes(t);
    return LN_ANSWER_OK;
}

enum ln_answer ln__op_write(struct ln__request *rq, struct ln_span payload, bool replace)
{
    const struct ln_format *format = NULL;
    enum ln_answer answer = check_write(rq);
    if (answer == LN_ANSWER_OK)
        answer = payload_format(rq, &format);
    if (answer != LN_ANSWER_OK)
        return answer;
    struct transaction *t =
        begin(rq->client, rq->object, rq->path.id[1], rq->instance->data, rq->server->ssid);
    if (t == NULL)
        return LN_ANSWER_UNAVAILABLE;
    t->replace = replace;
    t->target = rq->path;
    answer = transact(rq, t, payload, format);
    end(t);
    if (answer == LN_ANSWER_OK)
        rq->reply->code = LN_COAP_CHANGED;
    return answer;
}

/* ---- Create ---- */

/* The id that the payload names, if any: the second level of its first path. */
static enum ln_answer wanted_iid(const struct ln__request *rq, const struct ln_format *format,
                                 struct ln_span payload, uint16_t *iid)
{
    struct ln_reader reader;
    struct ln_entry e;
    *iid = LN_ID_NONE;
    if (ln__reader_init(&reader, format, &rq->path) != LN_OK)
        return LN_ANSWER_UNSUPPORTED_FORMAT;
    if (ln__reader_feed(&reader, payload, true) != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    for (bool first = true;; first = false) {
        if (ln__reader_next(&reader, &e) != LN_OK)
            return LN_ANSWER_BAD_REQUEST;
        if (e.kind == LN_ENTRY_END)
            return LN_ANSWER_OK;
        if (e.path.levels < LN_LEVEL_INSTANCE)
            return LN_ANSWER_BAD_REQUEST;
        if (!first && (e.kind == LN_ENTRY_INSTANCE || e.path.id[1] != *iid))
            return LN_ANSWER_BAD_REQUEST; /* one instance at a time */
        *iid = e.path.id[1];
    }
}

static enum ln_answer fill_new(struct transaction *t, const struct ln__request *rq,
                               const struct ln_format *format, struct ln_span payload)
{
    const struct ln_object_ops *ops = t->def->ops;
    struct ln_at at = at_of(t, NULL, LN_ID_NONE);
    enum ln_answer answer = LN_ANSWER_OK;
    if (ops != NULL && ops->create != NULL)
        answer = ops->create(&at);
    if (answer == LN_ANSWER_OK)
        answer = apply(t, format, &rq->path, payload);
    if (answer == LN_ANSWER_OK && !is_complete(t))
        answer = LN_ANSWER_BAD_REQUEST;
    return answer == LN_ANSWER_OK ? validate(t, NULL) : answer;
}

static enum ln_answer add_new(struct transaction *t, struct ln__request *rq)
{
    struct ln_client *client = t->client;
    uint16_t size = t->def->instance_size;
    void *data = ln_calloc(client->env, 1, size > 0 ? size : 1u);
    if (data == NULL)
        return LN_ANSWER_UNAVAILABLE;
    memcpy(data, t->copy, size);
    if (ln__model_put(&client->model, t->object, t->iid, data, true) != LN_OK) {
        ln_free_secret(client->env, data, size);
        return LN_ANSWER_UNAVAILABLE;
    }
    enum ln_answer answer = keep(rq, t->iid);
    if (answer == LN_ANSWER_OK)
        tell_written(t, data, NULL);
    else
        ln__model_take(&client->model, t->object, t->iid);
    return answer;
}

static void answer_location(struct ln__request *rq, uint16_t iid)
{
    const uint16_t ids[] = { rq->path.id[0], iid };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct ln_path one = ln_path_object(ids[i]);
        char text[LN_PATH_ROOM];
        ln_path_text(&one, text);
        ln_coap_put_text(rq->reply->out, LN_COAP_LOCATION_PATH, text + 1);
    }
}

static enum ln_answer choose_iid(struct ln__request *rq, uint16_t wanted, uint16_t *iid)
{
    *iid = wanted != LN_ID_NONE ? wanted : ln__model_free_iid(rq->object);
    if (*iid == LN_ID_NONE || ln__model_free_iid(rq->object) == LN_ID_NONE)
        return wanted == LN_ID_NONE || ln__model_instance(rq->object, wanted) == NULL
                   ? LN_ANSWER_NOT_ALLOWED
                   : LN_ANSWER_BAD_REQUEST;
    if (ln__model_instance(rq->object, *iid) != NULL)
        return LN_ANSWER_BAD_REQUEST;
    return LN_ANSWER_OK;
}

enum ln_answer ln__op_create(struct ln__request *rq, struct ln_span payload)
{
    const struct ln_format *format = NULL;
    uint16_t wanted = LN_ID_NONE;
    uint16_t iid = LN_ID_NONE;
    unsigned rights = ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], LN_ID_NONE);
    if ((rights & LN_RIGHT_CREATE) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    if ((rq->object->def->flags & LN_OBJECT_CREATE) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    enum ln_answer answer = payload_format(rq, &format);
    if (answer == LN_ANSWER_OK)
        answer = wanted_iid(rq, format, payload, &wanted);
    if (answer == LN_ANSWER_OK)
        answer = choose_iid(rq, wanted, &iid);
    if (answer != LN_ANSWER_OK)
        return answer;

    struct transaction *t = begin(rq->client, rq->object, iid, NULL, rq->server->ssid);
    if (t == NULL)
        return LN_ANSWER_UNAVAILABLE;
    t->creating = true;
    t->target = rq->path;
    answer = fill_new(t, rq, format, payload);
    if (answer == LN_ANSWER_OK)
        answer = add_new(t, rq);
    end(t);
    if (answer != LN_ANSWER_OK)
        return answer;
    ln__access_created(rq->client, rq->server->ssid, rq->path.id[0], iid);
    ln__client_touched(rq->client, rq->path.id[0], iid, LN_ID_NONE);
    ln__client_listed(rq->client);
    answer_location(rq, iid);
    rq->reply->code = LN_COAP_CREATED;
    return LN_ANSWER_OK;
}

/* ---- Delete ---- */

enum ln_answer ln__op_delete(struct ln__request *rq)
{
    uint16_t oid = rq->path.id[0];
    uint16_t iid = rq->path.id[1];
    unsigned rights = ln__access_rights(rq->client, rq->server->ssid, oid, iid);
    if ((rights & LN_RIGHT_DELETE) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    if ((rq->object->def->flags & LN_OBJECT_DELETE) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    const struct ln_object_ops *ops = rq->object->def->ops;
    struct ln_at at = ln__model_at(&rq->client->model, rq->object, iid, rq->instance->data, NULL,
                                   LN_ID_NONE, rq->server->ssid);
    enum ln_answer answer =
        ops != NULL && ops->may_delete != NULL ? ops->may_delete(&at) : LN_ANSWER_OK;
    if (answer != LN_ANSWER_OK)
        return answer;
    enum ln_status st = ln_client_remove_instance(rq->client, oid, iid);
    if (st != LN_OK)
        return LN_ANSWER_INTERNAL;
    rq->reply->code = LN_COAP_DELETED;
    return LN_ANSWER_OK;
}

/* ---- Execute ---- */

enum ln_answer ln__op_execute(struct ln__request *rq, struct ln_span payload)
{
    const struct ln_coap_msg *msg = rq->in->msg;
    unsigned rights =
        ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], rq->path.id[1]);
    if (ln__discoverable(rq) != LN_ANSWER_OK)
        return LN_ANSWER_NOT_FOUND;
    if ((rights & LN_RIGHT_EXECUTE) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    if ((rq->resource->flags & LN_RES_EXECUTE) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    if ((msg->has & LN_COAP_HAS_CONTENT_FORMAT) != 0 && msg->content_format != LN_CONTENT_TEXT)
        return LN_ANSWER_UNSUPPORTED_FORMAT;
    struct ln_args args;
    if (ln_args_read(payload, &args) != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    const struct ln_object_ops *ops = rq->object->def->ops;
    if (ops == NULL || ops->execute == NULL)
        return LN_ANSWER_NOT_ALLOWED;
    struct ln_at at = ln__model_at(&rq->client->model, rq->object, rq->path.id[1],
                                   rq->instance->data, rq->resource, LN_ID_NONE, rq->server->ssid);
    enum ln_answer answer = ops->execute(&at, &args);
    if (answer == LN_ANSWER_OK)
        rq->reply->code = LN_COAP_CHANGED;
    return answer;
}
