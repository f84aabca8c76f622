/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tlv.c
 * Contract: tlv.h. A payload is a sequence of headers and values; the reader counts what is left of
 * the containers that it is in, and every header must fit the innermost one.
 */
#include "codec/tlv.h"

#include "base/cursor.h"
#include "base/try.h"
#include "codec/ieee.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* The first byte: what it is, how long the identifier, how long the length. */
#define KIND_MASK 0xc0u
#define WIDE_ID 0x20u
#define LENGTH_SIZE(first) ((first) >> 3 & 3u)
#define SHORT_LENGTH 0x07u

enum kind {
    INSTANCE = 0x00,
    RESOURCE_INSTANCE = 0x40,
    ARRAY = 0x80,
    RESOURCE = 0xc0,
};

#define HEADER_MAX 6
#define LENGTH_MAX 0xffffffu /* 24 bits */

/* ---- reading ---- */

struct header {
    enum kind kind;
    uint16_t id;
    uint32_t length; /* of the value */
    size_t size;     /* of the header */
};

/* Look at the next header. */
static enum ln_status peek_header(struct ln_reader *r, struct header *out)
{
    struct ln_span bytes;
    struct header h = { .size = 2 };
    TRY(ln__reader_peek(r, 1, &bytes));
    unsigned first = bytes.data[0];
    size_t id_size = (first & WIDE_ID) != 0 ? 2 : 1;
    size_t length_size = LENGTH_SIZE(first);
    h.kind = (enum kind)(first & KIND_MASK);
    h.size = 1 + id_size + length_size;
    TRY(ln__reader_peek(r, h.size, &bytes));
    struct ln_cursor c = ln__cursor(ln_span(bytes.data + 1, h.size - 1));
    uint32_t id = 0;
    TRY(ln__cursor_uint(&c, id_size, &id));
    TRY(ln__cursor_uint(&c, length_size, &h.length));
    if (length_size == 0)
        h.length = first & SHORT_LENGTH;
    h.id = (uint16_t)id;
    *out = h;
    return LN_OK;
}

/* Whether the value is here as far as can be known, and the containers are long enough for it. */
static bool fits(const struct ln_reader *r, const struct header *h)
{
    const struct ln_tlv_reader *tlv = &r->state.tlv;
    size_t whole = h->size + h->length;
    if (whole > ln__reader_rest(r))
        return false;
    if (tlv->in_array)
        return whole <= tlv->array_left;
    return !tlv->in_instance || whole <= tlv->instance_left;
}

/* Leave the containers that end here. */
static void leave_containers(struct ln_tlv_reader *tlv)
{
    if (tlv->in_array && tlv->array_left == 0)
        tlv->in_array = false;
    if (tlv->in_instance && !tlv->in_array && tlv->instance_left == 0)
        tlv->in_instance = false;
}

/* The header was accepted: move behind it, into the container that it opens. */
static void enter(struct ln_reader *r, const struct header *h)
{
    struct ln_tlv_reader *tlv = &r->state.tlv;
    uint32_t whole = (uint32_t)h->size + h->length;
    if (tlv->in_array)
        tlv->array_left -= whole;
    else if (tlv->in_instance)
        tlv->instance_left -= whole;
    if (h->kind == INSTANCE) {
        tlv->in_instance = true;
        tlv->instance = h->id;
        tlv->instance_left = h->length;
    } else if (h->kind == ARRAY) {
        tlv->in_array = true;
        tlv->array = h->id;
        tlv->array_left = h->length;
    } else {
        r->left = h->length;
    }
    ln__reader_drop(r, h->size);
}

/* On the outermost level: what may stand there, by the path of the request. */
static bool may_be_outermost(struct ln_reader *r, const struct header *h)
{
    struct ln_tlv_reader *tlv = &r->state.tlv;
    bool again = tlv->wrapped || tlv->bare;
    switch ((enum ln_path_level)r->base.levels) {
    case LN_LEVEL_OBJECT: /* instances, or resources of one that has no id yet */
        if (h->kind == INSTANCE)
            return !tlv->bare;
        return h->kind != RESOURCE_INSTANCE && !tlv->wrapped;
    case LN_LEVEL_INSTANCE: /* resources, or these wrapped in the instance */
        if (h->kind == INSTANCE)
            return h->id == r->base.id[1] && !again;
        return h->kind != RESOURCE_INSTANCE && !tlv->wrapped;
    case LN_LEVEL_RESOURCE:
        return (h->kind == RESOURCE || h->kind == ARRAY) && h->id == r->base.id[2] && !again;
    case LN_LEVEL_RESOURCE_INSTANCE: /* itself, or wrapped in its resource */
        if (h->kind == ARRAY)
            return h->id == r->base.id[2] && !again;
        return h->kind == RESOURCE_INSTANCE && h->id == r->base.id[3] && !again;
    case LN_LEVEL_ROOT:
        return false;
    }
    return false;
}

static bool is_allowed(struct ln_reader *r, const struct header *h)
{
    const struct ln_tlv_reader *tlv = &r->state.tlv;
    if (h->id == LN_ID_NONE)
        return false;
    if (tlv->in_array)
        return h->kind == RESOURCE_INSTANCE &&
               (r->base.levels < LN_LEVEL_RESOURCE_INSTANCE || h->id == r->base.id[3]);
    if (tlv->in_instance)
        return h->kind == RESOURCE || h->kind == ARRAY;
    return may_be_outermost(r, h);
}

/* Where the thing is that has this header, before it is entered. */
static struct ln_path path_of(const struct ln_reader *r, const struct header *h)
{
    const struct ln_tlv_reader *tlv = &r->state.tlv;
    struct ln_path path = ln_path_object(r->base.id[0]);
    if (h->kind == INSTANCE)
        return ln_path_child(path, h->id);
    uint16_t instance = r->base.levels >= LN_LEVEL_INSTANCE ? r->base.id[1] : (uint16_t)LN_ID_NONE;
    path = ln_path_child(path, tlv->in_instance ? tlv->instance : instance);
    if (h->kind != RESOURCE_INSTANCE)
        return ln_path_child(path, h->id);
    return ln_path_child(ln_path_child(path, tlv->in_array ? tlv->array : r->base.id[2]), h->id);
}

static enum ln_entry_kind entry_kind(enum kind kind)
{
    switch (kind) {
    case INSTANCE:
        return LN_ENTRY_INSTANCE;
    case ARRAY:
        return LN_ENTRY_ARRAY;
    case RESOURCE:
    case RESOURCE_INSTANCE:
        break;
    }
    return LN_ENTRY_VALUE;
}

/* A wrapper around what the request is about says nothing new. */
static bool is_told(const struct ln_reader *r, const struct ln_entry *entry)
{
    if (entry->kind == LN_ENTRY_INSTANCE)
        return r->base.levels < LN_LEVEL_INSTANCE;
    if (entry->kind == LN_ENTRY_ARRAY)
        return r->base.levels < LN_LEVEL_RESOURCE_INSTANCE;
    return true;
}

static enum ln_status read_one(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_tlv_reader *tlv = &r->state.tlv;
    struct header h;
    leave_containers(tlv);
    if (!tlv->in_instance && !tlv->in_array) {
        bool end = false;
        TRY(ln__reader_at_end(r, &end));
        if (end) {
            out->kind = LN_ENTRY_END;
            return LN_OK;
        }
    }
    TRY(peek_header(r, &h));
    if (!fits(r, &h) || !is_allowed(r, &h))
        return LN_BAD_PEER;
    if (!tlv->in_instance && !tlv->in_array) {
        tlv->wrapped = tlv->wrapped || h.kind == INSTANCE;
        tlv->bare = tlv->bare || h.kind != INSTANCE;
    }
    out->kind = entry_kind(h.kind);
    out->path = path_of(r, &h);
    out->length = h.length;
    enter(r, &h);
    return LN_OK;
}

static enum ln_status read_begin(struct ln_reader *r)
{
    r->native = LN_VALUE_OPAQUE;
    return r->base.levels == LN_LEVEL_ROOT ? LN_UNSUPPORTED : LN_OK;
}

/* Each turn reads a header, so it ends. */
static enum ln_status read_next(struct ln_reader *r, struct ln_entry *out)
{
    do {
        TRY(ln__reader_skip(r));
        TRY(read_one(r, out));
    } while (out->kind != LN_ENTRY_END && !is_told(r, out));
    return LN_OK;
}

static bool is_integer_size(size_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

static uint64_t big_endian(struct ln_span bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

/* Two's complement of 1 to 8 bytes. */
static int64_t signed_value(struct ln_span bytes)
{
    uint64_t value = big_endian(bytes);
    uint64_t sign = UINT64_C(1) << (8 * bytes.len - 1);
    int64_t out = 0;
    value = (value ^ sign) - sign;
    memcpy(&out, &value, sizeof out);
    return out;
}

static enum ln_status decode(struct ln_span bytes, enum ln_value_type type, struct ln_value *out)
{
    switch (type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        if (!is_integer_size(bytes.len))
            return LN_BAD_PEER;
        *out = ln_value_integer(signed_value(bytes));
        out->type = type;
        return LN_OK;
    case LN_VALUE_UNSIGNED:
        if (!is_integer_size(bytes.len))
            return LN_BAD_PEER;
        *out = ln_value_unsigned(big_endian(bytes));
        return LN_OK;
    case LN_VALUE_FLOAT:
        if (bytes.len != 4 && bytes.len != 8)
            return LN_BAD_PEER;
        *out = ln_value_float(bytes.len == 4 ? ln__ieee_from32((uint32_t)big_endian(bytes))
                                             : ln__ieee_from64(big_endian(bytes)));
        return LN_OK;
    case LN_VALUE_BOOLEAN:
        if (bytes.len != 1 || bytes.data[0] > 1)
            return LN_BAD_PEER;
        *out = ln_value_boolean(bytes.data[0] == 1);
        return LN_OK;
    case LN_VALUE_OBJLNK:
        if (bytes.len != 4)
            return LN_BAD_PEER;
        *out = ln_value_objlnk((uint16_t)(bytes.data[0] << 8 | bytes.data[1]),
                               (uint16_t)(bytes.data[2] << 8 | bytes.data[3]));
        return LN_OK;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        break;
    }
    return LN_BAD_PEER;
}

static enum ln_status read_scalar(struct ln_reader *r, enum ln_value_type type,
                                  struct ln_value *out)
{
    struct ln_span bytes;
    if (r->left > 8)
        return LN_BAD_PEER;
    TRY(ln__reader_peek(r, r->left, &bytes));
    TRY(decode(bytes, type, out));
    ln__reader_drop(r, r->left);
    r->left = 0;
    return LN_OK;
}

/* ---- writing ---- */

/* The header in `bytes`, in its shortest form; its size. */
static size_t make_header(uint8_t bytes[HEADER_MAX], enum kind kind, uint16_t id, size_t length)
{
    if (id <= 0xff && length <= SHORT_LENGTH) { /* as most are */
        bytes[0] = (uint8_t)((unsigned)kind | length);
        bytes[1] = (uint8_t)id;
        return 2;
    }
    if (id <= 0xff && length <= 0xff) {
        bytes[0] = (uint8_t)((unsigned)kind | 1u << 3);
        bytes[1] = (uint8_t)id;
        bytes[2] = (uint8_t)length;
        return 3;
    }
    size_t length_size = length <= SHORT_LENGTH ? 0 : length <= 0xff ? 1 : length <= 0xffff ? 2 : 3;
    size_t at = 1;
    bytes[0] = (uint8_t)((unsigned)kind | length_size << 3);
    if (length_size == 0)
        bytes[0] |= (uint8_t)length;
    if (id > 0xff) {
        bytes[0] |= WIDE_ID;
        bytes[at++] = (uint8_t)(id >> 8);
    }
    bytes[at++] = (uint8_t)id;
    for (size_t i = length_size; i-- > 0;)
        bytes[at++] = (uint8_t)(length >> (8 * i));
    return at;
}

/* Where up to `most` bytes are made: in the window, as nearly always, or else beside it. */
static uint8_t *begin(struct ln_writer *w, size_t most)
{
    uint8_t *to = ln__window_room(&w->out, most);
    return to != NULL ? to : w->stream.scratch; /* TLV encodes nothing: it is free */
}

static void end(struct ln_writer *w, const uint8_t *made, size_t len)
{
    if (made == w->stream.scratch)
        ln__window_put(&w->out, made, len);
    else
        w->out.at += len;
}

static enum ln_status put_header(struct ln_writer *w, const struct ln_path *path, enum kind kind,
                                 size_t length)
{
    if (length > LENGTH_MAX)
        return LN_UNSUPPORTED;
    uint8_t *to = begin(w, HEADER_MAX);
    end(w, to, make_header(to, kind, path->id[path->levels - 1], length));
    return LN_OK;
}

static enum kind container_kind(const struct ln_writer_open *top)
{
    return top->path.levels == LN_LEVEL_INSTANCE ? INSTANCE : ARRAY;
}

/* Instances in their object, resources of many instances in an instance or alone. */
static bool shows(const struct ln_writer *w, const struct ln_path *path)
{
    if (path->levels == LN_LEVEL_INSTANCE)
        return w->base.levels < LN_LEVEL_INSTANCE;
    return path->levels == LN_LEVEL_RESOURCE && w->base.levels < LN_LEVEL_RESOURCE_INSTANCE;
}

static enum ln_status write_open(struct ln_writer *w, struct ln_writer_open *top)
{
    if (w->base.levels == LN_LEVEL_ROOT)
        return LN_UNSUPPORTED;
    if (!shows(w, &top->path))
        return LN_OK;
    if (top->told == LN_LENGTH_UNKNOWN)
        w->out.at +=
            top->path.id[top->path.levels - 1] > 0xff ? 3 : 2; /* if short; close() puts it */
    else
        TRY(put_header(w, &top->path, container_kind(top), top->told));
    top->header = (uint8_t)(w->out.at - top->start);
    return LN_OK;
}

static enum ln_status write_close(struct ln_writer *w, const struct ln_writer_open *top)
{
    uint8_t bytes[HEADER_MAX];
    if (top->header == 0)
        return LN_OK;
    if (top->told != LN_LENGTH_UNKNOWN)
        return top->told == w->inner ? LN_OK : LN_BAD_STATE;
    if (w->inner > LENGTH_MAX)
        return LN_NO_SPACE;
    size_t size =
        make_header(bytes, container_kind(top), top->path.id[top->path.levels - 1], w->inner);
    if (size > top->header) {
        if (top->start + top->header < w->out.skip)
            return LN_BAD_STATE;
        ln__window_shift(&w->out, top->start + top->header, size - top->header);
    }
    ln__window_patch(&w->out, top->start, bytes, size);
    return LN_OK;
}

static enum kind value_kind(const struct ln_path *path)
{
    return path->levels == LN_LEVEL_RESOURCE ? RESOURCE : RESOURCE_INSTANCE;
}

/* The low `size` bytes of the value, 1 to 8, and 8 in all are written. */
static void put_big_endian(uint8_t bytes[8], uint64_t value, size_t size)
{
    value <<= 64 - 8 * size;
    bytes[0] = (uint8_t)(value >> 56); /* written out, this is one instruction */
    bytes[1] = (uint8_t)(value >> 48);
    bytes[2] = (uint8_t)(value >> 40);
    bytes[3] = (uint8_t)(value >> 32);
    bytes[4] = (uint8_t)(value >> 24);
    bytes[5] = (uint8_t)(value >> 16);
    bytes[6] = (uint8_t)(value >> 8);
    bytes[7] = (uint8_t)value;
}

static size_t integer_size(int64_t value)
{
    if (value >= INT8_MIN && value <= INT8_MAX)
        return 1;
    if (value >= INT16_MIN && value <= INT16_MAX)
        return 2;
    return value >= INT32_MIN && value <= INT32_MAX ? 4 : 8;
}

/* With the highest bit clear while that is possible: some read all integers as signed. */
static size_t unsigned_size(uint64_t value)
{
    return value <= INT64_MAX ? integer_size((int64_t)value) : 8;
}

static size_t encode_float(double value, uint64_t *bits)
{
    uint32_t single = 0;
    if (ln__ieee_to32(value, &single)) {
        *bits = single;
        return 4;
    }
    *bits = ln__ieee_bits64(value);
    return 8;
}

/* The value as the low bytes of a number, and how many; 0: TLV has no such value. */
static size_t encode(const struct ln_value *value, uint64_t *bits)
{
    switch (value->type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        *bits = (uint64_t)value->as.integer;
        return integer_size(value->as.integer);
    case LN_VALUE_UNSIGNED:
        *bits = value->as.natural;
        return unsigned_size(value->as.natural);
    case LN_VALUE_FLOAT:
        return encode_float(value->as.number, bits);
    case LN_VALUE_BOOLEAN:
        *bits = value->as.boolean ? 1 : 0;
        return 1;
    case LN_VALUE_OBJLNK:
        *bits = (uint64_t)value->as.link.object << 16 | value->as.link.instance;
        return 4;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        break;
    }
    return 0;
}

/* Header and value; how many bytes, at most HEADER_MAX + 8. 0: TLV has no such value. */
static size_t make_scalar(uint8_t *to, const struct ln_path *path, const struct ln_value *value)
{
    uint64_t bits = 0;
    size_t size = encode(value, &bits);
    if (size == 0)
        return 0;
    size_t header = make_header(to, value_kind(path), path->id[path->levels - 1], size);
    put_big_endian(to + header, bits, size);
    return header + size;
}

static enum ln_status write_scalar(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value)
{
    uint8_t *to = begin(w, HEADER_MAX + 8);
    size_t size = make_scalar(to, path, value);
    if (size == 0 || w->base.levels == LN_LEVEL_ROOT)
        return LN_UNSUPPORTED;
    end(w, to, size);
    return LN_OK;
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length)
{
    (void)type;
    if (w->base.levels == LN_LEVEL_ROOT)
        return LN_UNSUPPORTED;
    return put_header(w, path, value_kind(path), length);
}

const struct ln_format ln__format_tlv = {
    .number = LN_CONTENT_TLV,
    .traits = LN_FORMAT_READS | LN_FORMAT_WRITES,
    .name = "tlv",
    .read_begin = read_begin,
    .read_next = read_next,
    .read_scalar = read_scalar,
    .read_piece = ln__reader_raw_piece,
    .write_open = write_open,
    .write_close = write_close,
    .write_scalar = write_scalar,
    .write_bytes = write_bytes,
};
