/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of resources: in fields of the instance's struct, or behind the object's functions.
 * See model.h and <linnet/object.h>.
 *
 * A field is read and written by its `store`; numbers that do not fit it are refused (4.00) and
 * never cut.
 */
#include "lwm2m/model.h"

#include <float.h>

static uint8_t *place(const struct ln_at *at, size_t offset)
{
    return (uint8_t *)at->instance + offset;
}

static bool is_multiple(const struct ln_at *at)
{
    return (at->resource->flags & LN_RES_MULTIPLE) != 0;
}

/* ---- presence ---- */

static uint32_t present_bits(const struct ln_at *at)
{
    uint32_t bits;
    memcpy(&bits, place(at, at->object->present - 1u), sizeof bits);
    return bits;
}

void ln__resource_mark(const struct ln_at *at, bool exists)
{
    size_t row = (size_t)(at->resource - at->object->resources);
    if (at->object->present == 0 || row >= 32)
        return;
    uint32_t bits = present_bits(at);
    bits = exists ? bits | UINT32_C(1) << row : bits & ~(UINT32_C(1) << row);
    memcpy(place(at, at->object->present - 1u), &bits, sizeof bits);
}

/* ---- resource instances in fields ---- */

static uint16_t field_count(const struct ln_at *at)
{
    uint16_t count;
    memcpy(&count, place(at, at->resource->offset), sizeof count);
    return count < at->resource->most ? count : at->resource->most;
}

static uint16_t field_id(const struct ln_at *at, uint16_t index)
{
    uint16_t id;
    memcpy(&id, place(at, at->resource->ids + index * sizeof id), sizeof id);
    return id;
}

/* Where `riid` stands, or would stand. */
static uint16_t field_index(const struct ln_at *at, uint16_t riid, bool *found)
{
    uint16_t count = field_count(at);
    uint16_t i = 0;
    while (i < count && field_id(at, i) < riid)
        i++;
    *found = i < count && field_id(at, i) == riid;
    return i;
}

static void *field_value(const struct ln_at *at, uint16_t index)
{
    return place(at, at->resource->values + (size_t)index * at->resource->size);
}

/* Make the array one longer or shorter at `index`. */
static void field_shift(const struct ln_at *at, uint16_t index, bool longer)
{
    const struct ln_resource *r = at->resource;
    uint16_t count = field_count(at);
    uint16_t from = (uint16_t)(longer ? index : index + 1);
    uint16_t to = (uint16_t)(longer ? index + 1 : index);
    size_t moved = (size_t)count - from;
    memmove(field_value(at, to), field_value(at, from), moved * r->size);
    memmove(place(at, r->ids + to * sizeof(uint16_t)), place(at, r->ids + from * sizeof(uint16_t)),
            moved * sizeof(uint16_t));
    count = (uint16_t)(longer ? count + 1 : count - 1);
    memcpy(place(at, r->offset), &count, sizeof count);
}

uint16_t ln__resource_next(const struct ln_at *at, uint16_t after)
{
    const struct ln_object_ops *ops = at->object->ops;
    if (at->resource->store == LN_STORE_OPS)
        return ops->next_riid != NULL ? ops->next_riid(at, after) : LN_ID_NONE;
    uint16_t count = field_count(at);
    for (uint16_t i = 0; i < count; i++)
        if (after == LN_ID_NONE || field_id(at, i) > after)
            return field_id(at, i);
    return LN_ID_NONE;
}

uint16_t ln__resource_count(const struct ln_at *at)
{
    if (at->resource->store != LN_STORE_OPS)
        return field_count(at);
    uint16_t count = 0;
    uint16_t id = ln__resource_next(at, LN_ID_NONE);
    while (id != LN_ID_NONE) {
        uint16_t next = ln__resource_next(at, id);
        count++;
        if (next != LN_ID_NONE && next <= id)
            break; /* a function that does not rise must not hang us */
        id = next;
    }
    return count;
}

/* ---- fields to values ---- */

#define LOAD(type, from) (*(type *)memcpy(&(type) { 0 }, (from), sizeof(type)))

/* A whole number, in the member that its type has. */
static void set_whole(struct ln_value *out, int64_t number)
{
    if (out->type == LN_VALUE_FLOAT)
        out->as.number = (double)number;
    else if (out->type == LN_VALUE_BOOLEAN)
        out->as.boolean = number != 0;
    else if (out->type == LN_VALUE_UNSIGNED)
        out->as.natural = (uint64_t)number;
    else
        out->as.integer = number;
}

static struct ln_span text_in(const void *from, size_t room)
{
    const void *nul = memchr(from, 0, room);
    return ln_span(from, nul != NULL ? (size_t)((const char *)nul - (const char *)from) : room);
}

static struct ln_span bytes_in(const uint8_t *from, size_t room)
{
    uint16_t len = LOAD(uint16_t, from);
    return ln_span(from + sizeof len, len < room ? len : room);
}

/* How much of a LN_BYTES field is data: `size` of the row is of the data, or of the whole in an
 * array. */
static size_t bytes_room(const struct ln_resource *r)
{
    return (r->flags & LN_RES_MULTIPLE) != 0 ? r->size - sizeof(uint16_t) : r->size;
}

static void load(const struct ln_resource *r, const void *from, struct ln_value *out)
{
    int64_t whole = 0;
    out->type = (enum ln_value_type)r->type;
    switch ((enum ln_store)r->store) {
    case LN_STORE_TEXT:
        out->as.bytes = text_in(from, r->size);
        return;
    case LN_STORE_CONSTANT:
        out->as.bytes = ln_span_str(LOAD(const char *, from));
        return;
    case LN_STORE_BYTES:
        out->as.bytes = bytes_in(from, bytes_room(r));
        return;
    case LN_STORE_OBJLNK:
        out->as.link = LOAD(struct ln_objlnk, from);
        return;
    case LN_STORE_FLOAT:
        out->type = LN_VALUE_FLOAT;
        out->as.number = (double)LOAD(float, from);
        return;
    case LN_STORE_DOUBLE:
        out->type = LN_VALUE_FLOAT;
        out->as.number = LOAD(double, from);
        return;
    case LN_STORE_U64:
        if (out->type == LN_VALUE_UNSIGNED) {
            out->as.natural = LOAD(uint64_t, from);
            return;
        }
        whole = (int64_t)LOAD(uint64_t, from);
        break;
    case LN_STORE_I64:
        whole = LOAD(int64_t, from);
        break;
    case LN_STORE_BOOL:
        whole = LOAD(bool, from);
        break;
    case LN_STORE_I8: /* NOLINTNEXTLINE(bugprone-signed-char-misuse,cert-str34-c): it is a number, with its sign */
        whole = LOAD(int8_t, from);
        break;
    case LN_STORE_U8:
        whole = LOAD(uint8_t, from);
        break;
    case LN_STORE_I16:
        whole = LOAD(int16_t, from);
        break;
    case LN_STORE_U16:
        whole = LOAD(uint16_t, from);
        break;
    case LN_STORE_I32:
        whole = LOAD(int32_t, from);
        break;
    case LN_STORE_U32:
        whole = LOAD(uint32_t, from);
        break;
    case LN_STORE_OPS: /* has no field */
        break;
    }
    set_whole(out, whole);
}

enum ln_answer ln__resource_read(const struct ln_at *at, struct ln_value *out)
{
    const struct ln_resource *r = at->resource;
    if (r->store == LN_STORE_OPS) {
        if (at->object->ops->read == NULL)
            return LN_ANSWER_NOT_ALLOWED;
        return at->object->ops->read(at, out);
    }
    const void *from = place(at, r->offset);
    if (is_multiple(at)) {
        bool found;
        uint16_t index = field_index(at, at->riid, &found);
        if (!found)
            return LN_ANSWER_NOT_FOUND;
        from = field_value(at, index);
    }
    load(r, from, out);
    return LN_ANSWER_OK;
}

bool ln__resource_item(struct ln_at *at, uint16_t index, struct ln_value *out)
{
    if (index >= field_count(at))
        return false;
    at->riid = field_id(at, index);
    load(at->resource, field_value(at, index), out);
    return true;
}

/* ---- values to fields ---- */

/* A whole number of the range lowest..highest of the field. */
#define STORE_WHOLE(type, lowest, highest)                                                         \
    do {                                                                                           \
        if (number < (lowest) || number > (highest))                                               \
            return LN_ANSWER_BAD_REQUEST;                                                          \
        type stored = (type)number;                                                                \
        memcpy(to, &stored, sizeof stored);                                                        \
        return LN_ANSWER_OK;                                                                       \
    } while (0)

static enum ln_answer store_whole(enum ln_store store, void *to, int64_t number)
{
    switch (store) {
    case LN_STORE_BOOL:
        STORE_WHOLE(bool, 0, 1);
    case LN_STORE_I8:
        STORE_WHOLE(int8_t, INT8_MIN, INT8_MAX);
    case LN_STORE_U8:
        STORE_WHOLE(uint8_t, 0, UINT8_MAX);
    case LN_STORE_I16:
        STORE_WHOLE(int16_t, INT16_MIN, INT16_MAX);
    case LN_STORE_U16:
        STORE_WHOLE(uint16_t, 0, UINT16_MAX);
    case LN_STORE_I32:
        STORE_WHOLE(int32_t, INT32_MIN, INT32_MAX);
    case LN_STORE_U32:
        STORE_WHOLE(uint32_t, 0, UINT32_MAX);
    case LN_STORE_I64:
        STORE_WHOLE(int64_t, INT64_MIN, INT64_MAX);
    case LN_STORE_U64:
        STORE_WHOLE(uint64_t, 0, INT64_MAX);
    case LN_STORE_FLOAT:
    case LN_STORE_DOUBLE:
    case LN_STORE_OPS:
    case LN_STORE_TEXT:
    case LN_STORE_CONSTANT:
    case LN_STORE_BYTES:
    case LN_STORE_OBJLNK:
        break;
    }
    return LN_ANSWER_INTERNAL;
}

static enum ln_answer store_float(enum ln_store store, void *to, double number)
{
    if (store == LN_STORE_DOUBLE) {
        memcpy(to, &number, sizeof number);
        return LN_ANSWER_OK;
    }
    if (store != LN_STORE_FLOAT)
        return LN_ANSWER_INTERNAL;
    bool finite = number - number == 0; /* infinity itself fits */
    if (finite && (number > (double)FLT_MAX || number < -(double)FLT_MAX))
        return LN_ANSWER_BAD_REQUEST;
    float single = (float)number;
    memcpy(to, &single, sizeof single);
    return LN_ANSWER_OK;
}

static enum ln_answer store_bytes(const struct ln_resource *r, uint8_t *to, struct ln_span bytes)
{
    if (r->store == LN_STORE_TEXT) {
        if (bytes.len >= r->size || (bytes.len > 0 && memchr(bytes.data, 0, bytes.len) != NULL))
            return LN_ANSWER_BAD_REQUEST;
        memset(to, 0, r->size);
        if (bytes.len > 0)
            memcpy(to, bytes.data, bytes.len);
        return LN_ANSWER_OK;
    }
    if (r->store != LN_STORE_BYTES)
        return LN_ANSWER_INTERNAL;
    size_t room = bytes_room(r);
    if (bytes.len > room)
        return LN_ANSWER_BAD_REQUEST;
    uint16_t len = (uint16_t)bytes.len;
    memcpy(to, &len, sizeof len);
    memset(to + sizeof len, 0, room);
    if (bytes.len > 0)
        memcpy(to + sizeof len, bytes.data, bytes.len);
    return LN_ANSWER_OK;
}

static enum ln_answer store(const struct ln_resource *r, void *to, const struct ln_value *value)
{
    enum ln_store how = (enum ln_store)r->store;
    if (value->type != (enum ln_value_type)r->type)
        return LN_ANSWER_BAD_REQUEST;
    switch (value->type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return store_whole(how, to, value->as.integer);
    case LN_VALUE_UNSIGNED:
        if (how == LN_STORE_U64) {
            memcpy(to, &value->as.natural, sizeof value->as.natural);
            return LN_ANSWER_OK;
        }
        if (value->as.natural > INT64_MAX)
            return LN_ANSWER_BAD_REQUEST;
        return store_whole(how, to, (int64_t)value->as.natural);
    case LN_VALUE_BOOLEAN:
        return store_whole(how, to, value->as.boolean);
    case LN_VALUE_FLOAT:
        return store_float(how, to, value->as.number);
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        return store_bytes(r, to, value->as.bytes);
    case LN_VALUE_OBJLNK:
        if (how != LN_STORE_OBJLNK)
            return LN_ANSWER_INTERNAL;
        memcpy(to, &value->as.link, sizeof value->as.link);
        return LN_ANSWER_OK;
    case LN_VALUE_NONE:
        break;
    }
    return LN_ANSWER_BAD_REQUEST;
}

static enum ln_answer store_instance(const struct ln_at *at, const struct ln_value *value)
{
    const struct ln_resource *r = at->resource;
    bool found;
    uint16_t index = field_index(at, at->riid, &found);
    if (found)
        return store(r, field_value(at, index), value);
    if (at->riid == LN_ID_NONE || field_count(at) >= r->most)
        return LN_ANSWER_BAD_REQUEST;
    field_shift(at, index, true);
    memset(field_value(at, index), 0, r->size);
    memcpy(place(at, r->ids + index * sizeof at->riid), &at->riid, sizeof at->riid);
    enum ln_answer answer = store(r, field_value(at, index), value);
    if (answer != LN_ANSWER_OK)
        field_shift(at, index, false);
    return answer;
}

enum ln_answer ln__resource_write(const struct ln_at *at, const struct ln_value *value)
{
    const struct ln_resource *r = at->resource;
    enum ln_answer answer;
    if (r->store == LN_STORE_OPS)
        answer = at->object->ops->write != NULL ? at->object->ops->write(at, value)
                                                : LN_ANSWER_NOT_ALLOWED;
    else if (is_multiple(at))
        answer = store_instance(at, value);
    else
        answer = store(r, place(at, r->offset), value);
    if (answer == LN_ANSWER_OK)
        ln__resource_mark(at, true);
    return answer;
}

enum ln_answer ln__resource_clear(const struct ln_at *at)
{
    const struct ln_resource *r = at->resource;
    if (r->store == LN_STORE_OPS)
        return at->object->ops->clear != NULL ? at->object->ops->clear(at) : LN_ANSWER_NOT_ALLOWED;
    if (r->store == LN_STORE_CONSTANT)
        return LN_ANSWER_NOT_ALLOWED;
    if (!is_multiple(at)) {
        size_t size = r->store == LN_STORE_BYTES ? r->size + sizeof(uint16_t) : r->size;
        memset(place(at, r->offset), 0, size);
        ln__resource_mark(at, false);
        return LN_ANSWER_OK;
    }
    if (at->riid == LN_ID_NONE) {
        while (field_count(at) > 0)
            field_shift(at, (uint16_t)(field_count(at) - 1), false);
        return LN_ANSWER_OK;
    }
    bool found;
    uint16_t index = field_index(at, at->riid, &found);
    if (!found)
        return LN_ANSWER_NOT_FOUND;
    field_shift(at, index, false);
    return LN_ANSWER_OK;
}
