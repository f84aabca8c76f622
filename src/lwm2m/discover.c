/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discover (LwM2M Core 1.1 6.3.2), and the list of objects of Register and Update (6.2.1).
 *
 * Both are link-format through a window: a short list goes straight into the message, a long one is
 * produced block by block. Discover needs no rights; /0 and /21 are in neither.
 */
#include "codec/format.h"
#include "codec/link.h"
#include "lwm2m/links.h"

static const struct ln_span no_prefix = { NULL, 0 };

/* ---- the list of objects ---- */

/* `ver` is told unless it is 1.0, which servers assume; 1.0 wants it quoted, later ones do not. */
static void put_version(struct ln_link_writer *w, const struct ln_object *def, bool quoted)
{
    if (def->version == NULL || strcmp(def->version, "1.0") == 0)
        return;
    if (quoted)
        ln__link_quoted(w, "ver", ln_span_str(def->version));
    else
        ln__link_token(w, "ver", ln_span_str(def->version));
}

static bool has_version(const struct ln_object *def)
{
    return def->version != NULL && strcmp(def->version, "1.0") != 0;
}

static void list_object(struct ln_link_writer *w, const struct ln__object *object, bool quoted)
{
    if ((object->def->flags & LN_OBJECT_PRIVATE) != 0)
        return;
    struct ln_path path = ln_path_object(object->def->id);
    if (object->count == 0 || has_version(object->def)) {
        ln__link_path(w, no_prefix, &path);
        put_version(w, object->def, quoted);
    }
    for (uint16_t i = 0; i < object->count; i++) {
        struct ln_path child = ln_path_child(path, object->instances[i].iid);
        ln__link_path(w, no_prefix, &child);
    }
}

size_t ln__links_write(const struct ln_client *client, uint8_t version, size_t skip,
                       struct ln_mspan room)
{
    struct ln_link_writer w = ln__link_writer(room, skip);
    for (uint16_t i = 0; i < client->model.count; i++)
        list_object(&w, &client->model.objects[i], version < LN_LWM2M_1_1);
    return w.out.at;
}

/* ---- Discover ---- */

struct discovery {
    const struct ln__request *rq;
    struct ln_link_writer w;
};

/* The request's own path shows what is inherited too; what lies below shows its own. */
static void put_attrs(struct discovery *d, const struct ln_path *path)
{
    struct ln_attrs shown = { 0 };
    if (!LN__WITH_ATTRIBUTES)
        return;
    bool target = ln_path_equal(path, &d->rq->path);
    for (unsigned levels = path->levels; levels > 0; levels--) {
        struct ln_path at = ln_path_head(*path, levels);
        const struct ln_attrs *own = ln__attr_own(d->rq->server, &at);
        if (own != NULL)
            ln__attr_inherit(&shown, own);
        if (!target)
            break;
    }
    ln__link_attrs(&d->w, &shown);
}

static void put_resource(struct discovery *d, const struct ln__instance *it,
                         const struct ln_resource *r)
{
    const struct ln__request *rq = d->rq;
    struct ln_at at = ln__model_at(&rq->client->model, rq->object, it->iid, it->data, r, LN_ID_NONE,
                                   rq->server->ssid);
    if (!ln__resource_exists(&at))
        return;
    struct ln_path path = ln_path_resource(rq->object->def->id, it->iid, r->id);
    ln__link_path(&d->w, no_prefix, &path);
    bool multiple = (r->flags & LN_RES_MULTIPLE) != 0;
    if (multiple)
        ln__link_number(&d->w, "dim", ln__resource_count(&at));
    put_attrs(d, &path);
    if (!multiple || rq->path.levels != LN_LEVEL_RESOURCE)
        return;
    uint16_t riid = ln__resource_next(&at, LN_ID_NONE);
    while (riid != LN_ID_NONE) {
        struct ln_path child = ln_path_child(path, riid);
        ln__link_path(&d->w, no_prefix, &child);
        put_attrs(d, &child);
        uint16_t next = ln__resource_next(&at, riid);
        riid = next > riid ? next : LN_ID_NONE;
    }
}

static void put_instance(struct discovery *d, const struct ln__instance *it)
{
    struct ln_path path = ln_path_instance(d->rq->object->def->id, it->iid);
    ln__link_path(&d->w, no_prefix, &path);
    put_attrs(d, &path);
    for (uint16_t i = 0; i < d->rq->object->def->resource_count; i++)
        put_resource(d, it, &d->rq->object->def->resources[i]);
}

static void put_object(struct discovery *d)
{
    const struct ln__object *object = d->rq->object;
    struct ln_path path = ln_path_object(object->def->id);
    ln__link_path(&d->w, no_prefix, &path);
    put_version(&d->w, object->def, d->rq->server->version < LN_LWM2M_1_1);
    put_attrs(d, &path);
    for (uint16_t i = 0; i < object->count; i++)
        put_instance(d, &object->instances[i]);
}

static size_t discover(const struct ln__request *rq, struct ln_mspan room)
{
    struct discovery d = { .rq = rq, .w = ln__link_writer(room, 0) };
    if (rq->resource != NULL)
        put_resource(&d, rq->instance, rq->resource);
    else if (rq->instance != NULL)
        put_instance(&d, rq->instance);
    else
        put_object(&d);
    return d.w.out.at;
}

static bool has_instance(const struct ln_at *at, uint16_t riid)
{
    uint16_t id = ln__resource_next(at, LN_ID_NONE);
    while (id < riid) {
        uint16_t next = ln__resource_next(at, id);
        id = next > id ? next : LN_ID_NONE;
    }
    return id == riid;
}

enum ln_answer ln__discoverable(const struct ln__request *rq)
{
    if (rq->resource == NULL)
        return LN_ANSWER_OK;
    struct ln_at at = ln__model_at(&rq->client->model, rq->object, rq->path.id[1],
                                   rq->instance->data, rq->resource, LN_ID_NONE, rq->server->ssid);
    bool exists = ln__resource_exists(&at);
    if (exists && rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE)
        exists = has_instance(&at, rq->path.id[3]);
    return exists ? LN_ANSWER_OK : LN_ANSWER_NOT_FOUND;
}

enum ln_answer ln__op_discover(struct ln__request *rq)
{
    enum ln_answer answer = ln__discoverable(rq);
    if (answer != LN_ANSWER_OK)
        return answer;
    ln_coap_put_uint(rq->reply->out, LN_COAP_CONTENT_FORMAT, LN_CONTENT_LINK);
    struct ln_mspan room = ln_coap_payload_room(rq->reply->out);
    size_t length = discover(rq, room);
    bool fits = length <= room.len;
    ln_coap_payload_written(rq->reply->out, fits ? length : 0);
    if (!fits) {
        struct ln__snapshot *s = NULL;
        answer = ln__snapshot_new(rq, length, &s);
        if (answer != LN_ANSWER_OK)
            return answer;
        (void)discover(rq, ln_mspan(s->data, length));
        ln__snapshot_answer(rq, s);
    }
    rq->reply->code = LN_COAP_CONTENT;
    return LN_ANSWER_OK;
}
