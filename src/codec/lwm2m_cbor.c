/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwm2m_cbor.c
 * Contract: lwm2m_cbor.h.
 */
#include "codec/lwm2m_cbor.h"

#include "base/try.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* ---- reading ---- */

static enum ln_status open_map(struct ln_reader *r)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    if (c->depth == LN_LWM2M_CBOR_DEPTH)
        return LN_BAD_PEER;
    TRY(ln__cbor_open(r, LN_CBOR_MAP, &c->entries[c->depth]));
    c->levels[c->depth] = c->path.levels;
    c->depth++;
    c->stage = LN_LWM2M_CBOR_AT_KEY;
    return LN_OK;
}

static enum ln_status read_id(struct ln_reader *r)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    struct ln_cbor_head head;
    TRY(ln__cbor_peek(r, 0, &head));
    if (head.major != LN_CBOR_UNSIGNED || head.value >= LN_ID_NONE ||
        c->path.levels == LN_PATH_LEVELS_MAX)
        return LN_BAD_PEER;
    c->path = ln_path_child(c->path, (uint16_t)head.value);
    ln__reader_drop(r, head.size);
    return LN_OK;
}

/* What a payload says lies below the path of the request; keys on the way there lead to it. */
static enum ln_status end_key(struct ln_reader *r)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    if (!ln_path_is_below(&c->path, &r->base) && !ln_path_is_below(&r->base, &c->path))
        return LN_BAD_PEER;
    c->stage = LN_LWM2M_CBOR_AT_VALUE;
    return LN_OK;
}

/* A key, or the end of the innermost map. */
static enum ln_status at_key(struct ln_reader *r)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    struct ln_cbor_head head;
    bool end = false;
    TRY(ln__cbor_at_end(r, &c->entries[c->depth - 1], &end));
    if (end) {
        c->depth--;
        c->stage = c->depth > 0 ? LN_LWM2M_CBOR_AT_KEY : LN_LWM2M_CBOR_AT_END;
        return LN_OK;
    }
    TRY(ln__cbor_peek(r, 0, &head));
    struct ln_path outer = ln_path_head(c->path, c->levels[c->depth - 1]);
    if (head.major == LN_CBOR_ARRAY) {
        TRY(ln__cbor_open(r, LN_CBOR_ARRAY, &c->key_left));
        c->path = outer;
        c->stage = LN_LWM2M_CBOR_IN_KEY;
    } else {
        c->path = outer;
        TRY(read_id(r));
        TRY(end_key(r));
    }
    ln__cbor_count(&c->entries[c->depth - 1]);
    return LN_OK;
}

static enum ln_status in_key(struct ln_reader *r)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    bool end = false;
    TRY(ln__cbor_at_end(r, &c->key_left, &end));
    if (end)
        return c->path.levels > c->levels[c->depth - 1] ? end_key(r) : LN_BAD_PEER;
    TRY(read_id(r));
    ln__cbor_count(&c->key_left);
    return LN_OK;
}

/* Maps at the level of an instance or of a resource say that there is one, if the request asks for
 * more than that one. */
static bool tell_map(const struct ln_reader *r, struct ln_entry *out)
{
    const struct ln_path *path = &r->state.lwm2m_cbor.path;
    bool told = r->base.levels < path->levels ||
                (path->levels == LN_LEVEL_RESOURCE && r->base.levels == LN_LEVEL_RESOURCE);
    out->path = *path;
    out->kind = path->levels == LN_LEVEL_INSTANCE ? LN_ENTRY_INSTANCE : LN_ENTRY_ARRAY;
    return told && (path->levels == LN_LEVEL_INSTANCE || path->levels == LN_LEVEL_RESOURCE);
}

static enum ln_status tell_value(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    TRY(ln__cbor_begin(r, &c->value));
    bool is_null = c->value.item.kind == LN_ITEM_NULL;
    if (!ln_path_is_below(&c->path, &r->base))
        return LN_BAD_PEER;
    if (c->path.levels < LN_LEVEL_RESOURCE && !is_null)
        return LN_BAD_PEER;
    out->kind = is_null ? LN_ENTRY_REMOVE : LN_ENTRY_VALUE;
    if (c->path.levels < LN_LEVEL_RESOURCE)
        out->kind = LN_ENTRY_NAME;
    out->path = c->path;
    out->length = r->left;
    c->stage = LN_LWM2M_CBOR_AT_KEY;
    return LN_OK;
}

static enum ln_status at_value(struct ln_reader *r, struct ln_entry *out, bool *told)
{
    struct ln_cbor_head head;
    TRY(ln__cbor_peek(r, 0, &head));
    if (head.major == LN_CBOR_MAP) {
        if (r->state.lwm2m_cbor.path.levels == LN_PATH_LEVELS_MAX)
            return LN_BAD_PEER;
        TRY(open_map(r));
        *told = tell_map(r, out);
        return LN_OK;
    }
    *told = true;
    return tell_value(r, out);
}

static enum ln_status at_end(struct ln_reader *r, struct ln_entry *out)
{
    bool end = false;
    TRY(ln__reader_at_end(r, &end));
    out->kind = LN_ENTRY_END;
    return end ? LN_OK : LN_BAD_PEER;
}

/* Each turn reads something, so it ends. */
static enum ln_status read_next(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_lwm2m_cbor_reader *c = &r->state.lwm2m_cbor;
    bool told = false;
    TRY(ln__cbor_finish(r, &c->value));
    while (!told) {
        switch (c->stage) {
        case LN_LWM2M_CBOR_AT_START:
            TRY(open_map(r));
            break;
        case LN_LWM2M_CBOR_AT_KEY:
            TRY(at_key(r));
            break;
        case LN_LWM2M_CBOR_IN_KEY:
            TRY(in_key(r));
            break;
        case LN_LWM2M_CBOR_AT_VALUE:
            TRY(at_value(r, out, &told));
            break;
        case LN_LWM2M_CBOR_AT_END:
            return at_end(r, out);
        }
    }
    return LN_OK;
}

static enum ln_status read_scalar(struct ln_reader *r, enum ln_value_type type,
                                  struct ln_value *out)
{
    return ln__cbor_scalar(r, &r->state.lwm2m_cbor.value, type, out);
}

static enum ln_status read_piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                 struct ln_span *out)
{
    (void)room;
    return ln__cbor_piece(r, &r->state.lwm2m_cbor.value, type, out);
}

/* ---- writing ---- */

static void write_begin(struct ln_writer *w)
{
    ln__cbor_put_open(&w->out, LN_CBOR_MAP);
}

static enum ln_status write_end(struct ln_writer *w)
{
    ln__cbor_put_break(&w->out);
    return LN_OK;
}

/* The ids of a path behind those of the container that it is in. */
static void put_key(struct ln_writer *w, const struct ln_path *path, unsigned outer)
{
    unsigned count = path->levels - outer;
    if (count != 1)
        ln__cbor_put_head(&w->out, LN_CBOR_ARRAY, count);
    for (size_t i = outer; i < path->levels; i++)
        ln__cbor_put_head(&w->out, LN_CBOR_UNSIGNED, path->id[i]);
}

static unsigned open_levels(const struct ln_writer *w, size_t depth)
{
    return depth > 0 ? w->open[depth - 1].path.levels : 0;
}

static enum ln_status write_open(struct ln_writer *w, struct ln_writer_open *top)
{
    put_key(w, &top->path, open_levels(w, w->depth - 1u));
    ln__cbor_put_open(&w->out, LN_CBOR_MAP);
    top->header = (uint8_t)(w->out.at - top->start);
    return LN_OK;
}

static enum ln_status write_close(struct ln_writer *w, const struct ln_writer_open *top)
{
    if (top->told != LN_LENGTH_UNKNOWN && top->told != w->inner)
        return LN_BAD_STATE;
    ln__cbor_put_break(&w->out);
    return LN_OK;
}

static enum ln_status write_scalar(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value)
{
    put_key(w, path, open_levels(w, w->depth));
    return ln__cbor_put_value(&w->out, value, true) ? LN_OK : LN_INTERNAL;
}

static enum ln_status write_name(struct ln_writer *w, const struct ln_path *path)
{
    struct ln_value none = ln_value_none();
    if (path->levels == LN_LEVEL_ROOT) /* a key has an id at least */
        return LN_UNSUPPORTED;
    return write_scalar(w, path, &none);
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length)
{
    put_key(w, path, open_levels(w, w->depth));
    ln__cbor_put_head(&w->out, type == LN_VALUE_OPAQUE ? LN_CBOR_BYTES : LN_CBOR_TEXT, length);
    return LN_OK;
}

const struct ln_format ln__format_lwm2m_cbor = {
    .number = LN_CONTENT_LWM2M_CBOR,
    .traits = LN_FORMAT_READS | LN_FORMAT_WRITES | LN_FORMAT_TYPED | LN_FORMAT_NAMED,
    .name = "lwm2m-cbor",
    .read_next = read_next,
    .read_scalar = read_scalar,
    .read_piece = read_piece,
    .write_begin = write_begin,
    .write_open = write_open,
    .write_close = write_close,
    .write_scalar = write_scalar,
    .write_name = write_name,
    .write_bytes = write_bytes,
    .write_end = write_end,
};
