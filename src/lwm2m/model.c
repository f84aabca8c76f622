/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a device. See model.h.
 */
#include "lwm2m/model.h"

/* ---- checking a table ---- */

static enum ln_status refuse(struct ln_diag *diag, const struct ln_object *def, uint16_t rid,
                             const char *why)
{
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "object %u, resource %u: %s", (unsigned)def->id, (unsigned)rid, why);
}

static const char *fault_of(const struct ln_object *def, const struct ln_resource *r)
{
    bool executable = (r->flags & LN_RES_EXECUTE) != 0;
    bool multiple = (r->flags & LN_RES_MULTIPLE) != 0;
    if (executable && (r->flags & (LN_RES_READ | LN_RES_WRITE)) != 0)
        return "what can be executed can be neither read nor written";
    if (executable && r->type != LN_VALUE_NONE)
        return "what is executed has no type";
    if (!executable && (r->type == LN_VALUE_NONE || r->type > LN_VALUE_CORELNK))
        return "it has no type";
    if ((r->flags & LN_RES_STREAMED) != 0 && !ln__resource_is_streamed(r))
        return "what is streamed needs blocks, which this build is without";
    if (r->store == LN_STORE_OPS)
        return def->ops == NULL ? "it has no field, and the object has no functions" : NULL;
    if ((r->flags & LN_RES_STREAMED) != 0)
        return "what is streamed has no field";
    if ((size_t)r->offset + r->size > def->instance_size)
        return "its field is outside the struct";
    if (multiple &&
        (r->most == 0 || (size_t)r->values + (size_t)r->most * r->size > def->instance_size))
        return "its array is outside the struct";
    if (r->store == LN_STORE_CONSTANT && (r->flags & LN_RES_WRITE) != 0)
        return "a constant string cannot be written";
    return NULL;
}

enum ln_status ln__model_check(const struct ln_object *def, struct ln_diag *diag)
{
    if (def->id == LN_ID_NONE)
        return refuse(diag, def, 0, "65535 is no object id");
    for (uint16_t i = 0; i < def->resource_count; i++) {
        const struct ln_resource *r = &def->resources[i];
        if (r->id == LN_ID_NONE || (i > 0 && r->id <= def->resources[i - 1].id))
            return refuse(diag, def, r->id, "ids must rise");
        const char *why = fault_of(def, r);
        if (why != NULL)
            return refuse(diag, def, r->id, why);
    }
    if (def->present != 0 && def->present - 1u + sizeof(uint32_t) > def->instance_size)
        return refuse(diag, def, 0, "the field of presence bits is outside the struct");
    return LN_OK;
}

/* ---- objects ---- */

struct ln__object *ln__model_object(const struct ln__model *m, uint16_t oid)
{
    for (uint16_t i = 0; i < m->count; i++)
        if (m->objects[i].def->id == oid)
            return &m->objects[i];
    return NULL;
}

enum ln_status ln__model_add(struct ln__model *m, const struct ln_object *def, void *user)
{
    if (ln__model_object(m, def->id) != NULL)
        return LN_BAD_STATE;
    struct ln__object *grown = ln_resize(m->env, m->objects, (m->count + 1u) * sizeof *m->objects);
    if (grown == NULL)
        return LN_NO_MEMORY;
    m->objects = grown;
    uint16_t at = m->count;
    for (; at > 0 && grown[at - 1].def->id > def->id; at--)
        grown[at] = grown[at - 1];
    grown[at] = (struct ln__object) { .def = def, .user = user };
    m->count++;
    return LN_OK;
}

static void drop_instance(struct ln__model *m, struct ln__object *object, struct ln__instance *it)
{
    const struct ln_object_ops *ops = object->def->ops;
    struct ln_at at = ln__model_at(m, object, it->iid, it->data, NULL, LN_ID_NONE, LN_ID_NONE);
    if (ops != NULL && ops->removed != NULL)
        ops->removed(&at);
    if (it->owned)
        ln_free_secret(m->env, it->data, object->def->instance_size);
}

static void drop_object(struct ln__model *m, struct ln__object *object)
{
    for (uint16_t i = 0; i < object->count; i++)
        drop_instance(m, object, &object->instances[i]);
    ln_free(m->env, object->instances);
}

enum ln_status ln__model_remove(struct ln__model *m, uint16_t oid)
{
    struct ln__object *object = ln__model_object(m, oid);
    if (object == NULL)
        return LN_NOT_FOUND;
    drop_object(m, object);
    size_t at = (size_t)(object - m->objects);
    memmove(object, object + 1, (m->count - at - 1) * sizeof *object);
    m->count--;
    return LN_OK;
}

void ln__model_free(struct ln__model *m)
{
    for (uint16_t i = 0; i < m->count; i++)
        drop_object(m, &m->objects[i]);
    ln_free(m->env, m->objects);
    m->objects = NULL;
    m->count = 0;
}

/* ---- instances ---- */

struct ln__instance *ln__model_instance(const struct ln__object *object, uint16_t iid)
{
    for (uint16_t i = 0; i < object->count && object->instances[i].iid <= iid; i++)
        if (object->instances[i].iid == iid)
            return &object->instances[i];
    return NULL;
}

static bool is_full(const struct ln__object *object)
{
    const struct ln_object *def = object->def;
    if ((def->flags & LN_OBJECT_SINGLE) != 0)
        return object->count > 0;
    return def->instance_max != 0 && object->count >= def->instance_max;
}

uint16_t ln__model_free_iid(const struct ln__object *object)
{
    if (is_full(object))
        return LN_ID_NONE;
    uint16_t iid = 0;
    for (uint16_t i = 0; i < object->count && object->instances[i].iid == iid; i++)
        iid++;
    return iid;
}

enum ln_status ln__model_put(struct ln__model *m, struct ln__object *object, uint16_t iid,
                             void *data, bool owned)
{
    if (ln__model_instance(object, iid) != NULL)
        return LN_BAD_STATE;
    if (is_full(object) || ((object->def->flags & LN_OBJECT_SINGLE) != 0 && iid != 0))
        return LN_NO_SPACE;
    if (object->count == object->room) {
        uint16_t room = (uint16_t)(object->room == 0 ? 1 : object->room * 2u);
        struct ln__instance *grown =
            ln_resize(m->env, object->instances, room * sizeof *object->instances);
        if (grown == NULL)
            return LN_NO_MEMORY;
        object->instances = grown;
        object->room = room;
    }
    uint16_t at = object->count;
    for (; at > 0 && object->instances[at - 1].iid > iid; at--)
        object->instances[at] = object->instances[at - 1];
    object->instances[at] = (struct ln__instance) { .data = data, .iid = iid, .owned = owned };
    object->count++;
    return LN_OK;
}

void ln__model_take(struct ln__model *m, struct ln__object *object, uint16_t iid)
{
    struct ln__instance *it = ln__model_instance(object, iid);
    if (it == NULL)
        return;
    struct ln__instance gone = *it;
    size_t at = (size_t)(it - object->instances);
    memmove(it, it + 1, (object->count - at - 1) * sizeof *it);
    object->count--;
    drop_instance(m, object, &gone);
}

/* ---- resources ---- */

const struct ln_resource *ln__model_resource(const struct ln_object *def, uint16_t rid)
{
    size_t low = 0;
    size_t high = def->resource_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (def->resources[middle].id < rid)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < def->resource_count && def->resources[low].id == rid;
    return found ? &def->resources[low] : NULL;
}

struct ln_at ln__model_at(const struct ln__model *m, const struct ln__object *object, uint16_t iid,
                          void *data, const struct ln_resource *resource, uint16_t riid,
                          uint16_t ssid)
{
    return (struct ln_at) {
        .client = m->client,
        .object = object->def,
        .user = object->user,
        .instance = data,
        .resource = resource,
        .iid = iid,
        .riid = riid,
        .ssid = ssid,
    };
}

bool ln__model_find(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                    uint16_t riid, struct ln_at *out)
{
    const struct ln__object *object = ln__model_object(m, oid);
    const struct ln__instance *it = object != NULL ? ln__model_instance(object, iid) : NULL;
    const struct ln_resource *r = it != NULL ? ln__model_resource(object->def, rid) : NULL;
    if (r == NULL)
        return false;
    *out = ln__model_at(m, object, iid, it->data, r, riid, LN_ID_NONE);
    return true;
}

void ln__model_refresh(const struct ln__model *m, const struct ln__object *object,
                       const struct ln__instance *it)
{
    const struct ln_object_ops *ops = object->def->ops;
    if (ops == NULL || ops->refresh == NULL)
        return;
    struct ln_at at = ln__model_at(m, object, it->iid, it->data, NULL, LN_ID_NONE, LN_ID_NONE);
    ops->refresh(&at);
}

uint32_t ln_object_bit(const struct ln_object *object, uint16_t rid)
{
    const struct ln_resource *r = ln__model_resource(object, rid);
    size_t row = r != NULL ? (size_t)(r - object->resources) : 32;
    return row < 32 ? UINT32_C(1) << row : 0;
}

bool ln__model_get(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                   uint16_t riid, struct ln_value *out)
{
    struct ln_at at;
    return ln__model_find(m, oid, iid, rid, riid, &at) && ln__resource_exists(&at) &&
           ln__resource_read(&at, out) == LN_ANSWER_OK;
}

int64_t ln__model_int(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                      int64_t otherwise)
{
    struct ln_value v;
    if (!ln__model_get(m, oid, iid, rid, LN_ID_NONE, &v))
        return otherwise;
    switch (v.type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return v.as.integer;
    case LN_VALUE_UNSIGNED:
        return v.as.natural > INT64_MAX ? INT64_MAX : (int64_t)v.as.natural;
    case LN_VALUE_BOOLEAN:
        return v.as.boolean;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_FLOAT:
    case LN_VALUE_OBJLNK:
    case LN_VALUE_CORELNK:
        break;
    }
    return otherwise;
}

struct ln_span ln__model_bytes(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid)
{
    struct ln_value v;
    if (!ln__model_get(m, oid, iid, rid, LN_ID_NONE, &v) || !ln_value_type_is_bytes(v.type))
        return ln_span(NULL, 0);
    return v.as.bytes;
}
