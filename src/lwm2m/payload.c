/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree, or a part of it, as a payload in one of the formats. See core.h.
 *
 * One walk serves all: a writer of src/codec/format.h takes what lies in its window and counts the
 * rest, so the same walk measures, fills a datagram, or produces one block of a long answer.
 */
#include "codec/format.h"
#include "codec/single.h"
#include "codec/tlv.h"
#include "lwm2m/core.h"

const struct ln_format *ln__format_of(uint32_t number)
{
    size_t count = 0;
    const struct ln_format *const *formats = ln__formats(&count);
    return ln__format_find(formats, count, number);
}

const struct ln_format *ln__payload_default(const struct ln__request *rq)
{
    const struct ln_resource *r = rq->resource;
    bool single = r != NULL && ((r->flags & LN_RES_MULTIPLE) == 0 ||
                                rq->path.levels == LN_LEVEL_RESOURCE_INSTANCE);
    if (!single)
        return &ln__format_tlv;
    return r->type == LN_VALUE_OPAQUE ? &ln__format_opaque : &ln__format_text;
}

/* What the walk carries along. */
struct walk {
    const struct ln__view *view;
    struct ln_writer w;
    struct ln_value value; /* the one under way */
    enum ln_answer failed; /* of a function of the object */
};

static enum ln_status fail(struct walk *walk, enum ln_answer answer)
{
    walk->failed = answer;
    return LN_DENIED;
}

/* A value that is asked for piece by piece. */
static enum ln_status put_stream(struct walk *walk, const struct ln_at *at,
                                 const struct ln_path *path)
{
    const struct ln_object_ops *ops = at->object->ops;
    uint32_t size = 0;
    if (ops->read_size == NULL || ops->read_piece == NULL)
        return fail(walk, LN_ANSWER_NOT_ALLOWED);
    enum ln_answer answer = ops->read_size(at, &size);
    if (answer != LN_ANSWER_OK)
        return fail(walk, answer);
    enum ln_status st =
        ln__writer_stream(&walk->w, path, (enum ln_value_type)at->resource->type, size);
    size_t offset = 0;
    struct ln_mspan room;
    while (st == LN_OK && ln__writer_want(&walk->w, &offset, &room)) {
        answer = ops->read_piece(at, (uint32_t)offset, room);
        if (answer != LN_ANSWER_OK)
            return fail(walk, answer);
        ln__writer_filled(&walk->w, room.len);
    }
    return st;
}

static enum ln_status put_value(struct walk *walk, const struct ln_at *at,
                                const struct ln_path *path, bool must)
{
    if (ln__resource_is_streamed(at->resource))
        return put_stream(walk, at, path);
    enum ln_answer answer = ln__resource_read(at, &walk->value);
    if (answer == LN_ANSWER_NOT_FOUND && !must)
        return LN_OK; /* an optional one that does not exist now */
    if (answer != LN_ANSWER_OK)
        return fail(walk, answer);
    return ln__writer_value(&walk->w, path, &walk->value);
}

/* The values stand in a field, one behind the other. */
static enum ln_status put_items(struct walk *walk, struct ln_at *at, const struct ln_path *path)
{
    struct ln_path child = ln_path_child(*path, 0);
    enum ln_status st = LN_OK;
    for (uint16_t i = 0; st == LN_OK && ln__resource_item(at, i, &walk->value); i++) {
        child.id[LN_LEVEL_RESOURCE] = at->riid;
        st = ln__writer_value(&walk->w, &child, &walk->value);
    }
    return st;
}

/* The object says which resource instances there are. */
static enum ln_status put_told(struct walk *walk, struct ln_at *at, const struct ln_path *path)
{
    enum ln_status st = LN_OK;
    uint16_t riid = ln__resource_next(at, LN_ID_NONE);
    while (st == LN_OK && riid != LN_ID_NONE) {
        at->riid = riid;
        struct ln_path child = ln_path_child(*path, riid);
        st = put_value(walk, at, &child, false);
        uint16_t next = ln__resource_next(at, riid);
        riid = next > riid ? next : LN_ID_NONE;
    }
    return st;
}

static enum ln_status put_array(struct walk *walk, struct ln_at *at, const struct ln_path *path)
{
    enum ln_status st = ln__writer_open(&walk->w, path, LN_LENGTH_UNKNOWN);
    if (st == LN_OK)
        st = at->resource->store == LN_STORE_OPS ? put_told(walk, at, path)
                                                 : put_items(walk, at, path);
    return st == LN_OK ? ln__writer_close(&walk->w) : st;
}

static enum ln_status put_resource(struct walk *walk, struct ln_at *at, const struct ln_path *path,
                                   bool must)
{
    if (!ln__resource_exists(at))
        return must ? fail(walk, LN_ANSWER_NOT_FOUND) : LN_OK;
    if ((at->resource->flags & LN_RES_MULTIPLE) != 0)
        return put_array(walk, at, path);
    return put_value(walk, at, path, must);
}

static void refresh(const struct ln__view *view, const struct ln__object *object,
                    const struct ln__instance *it)
{
    if (!view->fresh)
        ln__model_refresh(&view->client->model, object, it);
}

/* The readable resources of an instance; what cannot be read is left out. */
static enum ln_status put_instance(struct walk *walk, const struct ln__object *object,
                                   const struct ln__instance *it)
{
    const struct ln__view *view = walk->view;
    struct ln_path path = ln_path_instance(object->def->id, it->iid);
    refresh(view, object, it);
    struct ln_at at =
        ln__model_at(&view->client->model, object, it->iid, it->data, NULL, LN_ID_NONE, view->ssid);
    enum ln_status st = ln__writer_open(&walk->w, &path, LN_LENGTH_UNKNOWN);
    struct ln_path child = ln_path_child(path, 0);
    for (uint16_t i = 0; st == LN_OK && i < object->def->resource_count; i++) {
        at.resource = &object->def->resources[i];
        at.riid = LN_ID_NONE;
        child.id[LN_LEVEL_INSTANCE] = at.resource->id;
        if ((at.resource->flags & LN_RES_READ) != 0)
            st = put_resource(walk, &at, &child, false);
    }
    return st == LN_OK ? ln__writer_close(&walk->w) : st;
}

static enum ln_status put_object(struct walk *walk, const struct ln__object *object)
{
    const struct ln__view *view = walk->view;
    struct ln_path path = ln_path_object(object->def->id);
    enum ln_status st = ln__writer_open(&walk->w, &path, LN_LENGTH_UNKNOWN);
    for (uint16_t i = 0; st == LN_OK && i < object->count; i++) {
        unsigned rights =
            ln__access_rights(view->client, view->ssid, object->def->id, object->instances[i].iid);
        if ((rights & LN_RIGHT_READ) != 0)
            st = put_instance(walk, object, &object->instances[i]);
    }
    return st == LN_OK ? ln__writer_close(&walk->w) : st;
}

static enum ln_status put_path(struct walk *walk)
{
    const struct ln_path *path = &walk->view->path;
    const struct ln__model *model = &walk->view->client->model;
    const struct ln__object *object = ln__model_object(model, path->id[0]);
    if (object == NULL)
        return fail(walk, LN_ANSWER_NOT_FOUND);
    if (path->levels == LN_LEVEL_OBJECT)
        return put_object(walk, object);
    const struct ln__instance *it = ln__model_instance(object, path->id[1]);
    if (it == NULL)
        return fail(walk, LN_ANSWER_NOT_FOUND);
    if (path->levels == LN_LEVEL_INSTANCE)
        return put_instance(walk, object, it);
    const struct ln_resource *r = ln__model_resource(object->def, path->id[2]);
    if (r == NULL)
        return fail(walk, LN_ANSWER_NOT_FOUND);
    bool one = path->levels == LN_LEVEL_RESOURCE_INSTANCE;
    refresh(walk->view, object, it);
    struct ln_at at = ln__model_at(model, object, it->iid, it->data, r,
                                   one ? path->id[3] : LN_ID_NONE, walk->view->ssid);
    if (!one)
        return put_resource(walk, &at, path, true);
    if (!ln__resource_exists(&at) || (r->flags & LN_RES_MULTIPLE) == 0)
        return fail(walk, LN_ANSWER_NOT_FOUND);
    return put_value(walk, &at, path, true);
}

enum ln_answer ln__payload_write(const struct ln__view *view, size_t skip, struct ln_mspan room,
                                 size_t *length)
{
    struct walk walk = { .view = view, .failed = LN_ANSWER_OK };
    ln__writer_init(&walk.w, view->format, &view->path, room);
    if (skip > 0)
        ln__writer_window(&walk.w, skip, 1); /* only single long values are read in pieces */
    enum ln_status st = put_path(&walk);
    if (st == LN_OK)
        st = ln__writer_end(&walk.w);
    *length = ln__writer_length(&walk.w);
    if (walk.failed != LN_ANSWER_OK)
        return walk.failed;
    if (st == LN_UNSUPPORTED)
        return LN_ANSWER_NOT_ACCEPTABLE;
    return st == LN_OK ? LN_ANSWER_OK : LN_ANSWER_INTERNAL;
}
