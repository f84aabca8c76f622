/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_MODEL_H
#define LN_LWM2M_MODEL_H
/**
 * @file model.h
 * The tree of a device: objects, their instances, and the resources of their tables.
 *
 * It holds what was added and finds it again; what may be done with it is decided elsewhere
 * (access.c, write.c). Objects and instances stand in rising order of their ids, so that every walk
 * is in the order of paths.
 *
 * Memory: two arrays, grown by one; an instance's struct is the caller's or one block of its own.
 * Failures: LN_NO_MEMORY leaves the model as it was.
 */
#include <linnet/object.h>

#include "base/features.h"

struct ln__instance {
    void *data;
    uint16_t iid;
    bool owned; /* allocated by the model */
};

struct ln__object {
    const struct ln_object *def;
    void *user;
    struct ln__instance *instances;
    uint16_t count;
    uint16_t room;
};

struct ln__model {
    const struct ln_env *env;
    struct ln_client *client; /* for struct ln_at */
    struct ln__object *objects;
    uint16_t count;
};

/* Check a table: order of ids, sizes, what contradicts itself. diag names the row. */
LN_MUST_USE enum ln_status ln__model_check(const struct ln_object *def, struct ln_diag *diag);

LN_MUST_USE enum ln_status ln__model_add(struct ln__model *m, const struct ln_object *def,
                                         void *user);
LN_MUST_USE enum ln_status ln__model_remove(struct ln__model *m, uint16_t oid);
void ln__model_free(struct ln__model *m);

struct ln__object *ln__model_object(const struct ln__model *m, uint16_t oid);
struct ln__instance *ln__model_instance(const struct ln__object *object, uint16_t iid);
const struct ln_resource *ln__model_resource(const struct ln_object *def, uint16_t rid);

/* The lowest id that is free; LN_ID_NONE: none, or instance_max is reached. */
uint16_t ln__model_free_iid(const struct ln__object *object);

/* Put an instance in its place. `owned`: the model wipes and frees `data` when it goes.
 * LN_BAD_STATE: it exists; LN_NO_SPACE: instance_max, or an object with one instance. */
LN_MUST_USE enum ln_status ln__model_put(struct ln__model *m, struct ln__object *object,
                                         uint16_t iid, void *data, bool owned);
/* Tell `removed`, then take it out. */
void ln__model_take(struct ln__model *m, struct ln__object *object, uint16_t iid);

/* What a function of the object is called for. `resource` may be NULL. */
struct ln_at ln__model_at(const struct ln__model *m, const struct ln__object *object, uint16_t iid,
                          void *data, const struct ln_resource *resource, uint16_t riid,
                          uint16_t ssid);

/* The same, found by path, for the device itself (no ssid). False: there is no such resource. */
bool ln__model_find(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                    uint16_t riid, struct ln_at *out);

/* Values of the instance are going to be read: the object may bring them up to date. */
void ln__model_refresh(const struct ln__model *m, const struct ln__object *object,
                       const struct ln__instance *it);

/* ---- presence and values ---- */

static inline bool ln__resource_is_streamed(const struct ln_resource *r)
{
    return LN__WITH_BLOCKS && (r->flags & LN_RES_STREAMED) != 0;
}

/* The resource exists in this instance now. Asked for each row of each Read, so it stands here. */
static inline bool ln__resource_exists(const struct ln_at *at)
{
    const struct ln_object *def = at->object;
    const struct ln_resource *r = at->resource;
    const uint8_t *fields = (const uint8_t *)at->instance;
    size_t row = (size_t)(r - def->resources);
    if (def->present != 0 && row < 32) {
        uint32_t bits;
        memcpy(&bits, fields + def->present - 1u, sizeof bits);
        if ((bits >> row & 1) == 0)
            return false;
    }
    if (r->store == LN_STORE_OPS)
        return def->ops->exists == NULL || def->ops->exists(at);
    if (r->store == LN_STORE_CONSTANT && (r->flags & LN_RES_MULTIPLE) == 0) {
        const char *text;
        memcpy(&text, fields + r->offset, sizeof text);
        return text != NULL;
    }
    return true;
}
/* Its row's bit is set or cleared; nothing for objects without such bits. */
void ln__resource_mark(const struct ln_at *at, bool exists);

/* Read one value (at->riid set for multiple ones). LN_ANSWER_NOT_FOUND: there is none. */
enum ln_answer ln__resource_read(const struct ln_at *at, struct ln_value *out);
/* Write one value; for multiple ones at->riid is added if it is new. */
enum ln_answer ln__resource_write(const struct ln_at *at, const struct ln_value *value);
/* Remove a resource instance (at->riid), or all values of the resource (LN_ID_NONE). */
enum ln_answer ln__resource_clear(const struct ln_at *at);
/* The resource instance that follows `after`; LN_ID_NONE: the first one, and the end. */
uint16_t ln__resource_next(const struct ln_at *at, uint16_t after);
/* The resource instance at `index`, by position and not by id, of a multiple resource that has a field:
 * sets at->riid. False: there are no more. */
bool ln__resource_item(struct ln_at *at, uint16_t index, struct ln_value *out);
/* How many resource instances there are. */
uint16_t ln__resource_count(const struct ln_at *at);

/* ---- what the engine itself wants to know of /0, /1 and /2 ---- */

bool ln__model_get(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                   uint16_t riid, struct ln_value *out);
int64_t ln__model_int(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid,
                      int64_t otherwise);
struct ln_span ln__model_bytes(const struct ln__model *m, uint16_t oid, uint16_t iid, uint16_t rid);

#endif
