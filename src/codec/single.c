/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file single.c
 * Contract: single.h.
 */
#include "codec/single.h"

#include "base/features.h"
#include "base/try.h"
#include "codec/ieee.h"
#include "codec/number.h"
#include "codec/objlnk.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* ---- reading ---- */

/* The payload is the value of what the request is about. */
static enum ln_status read_next(struct ln_reader *r, struct ln_entry *out)
{
    TRY(ln__reader_skip(r));
    if (r->state.single.told) {
        out->kind = LN_ENTRY_END;
        return LN_OK;
    }
    r->state.single.told = true;
    r->left = ln__reader_rest(r);
    out->kind = LN_ENTRY_VALUE;
    out->path = r->base;
    out->length = r->left;
    return LN_OK;
}

static enum ln_status begin_text(struct ln_reader *r)
{
    r->native = LN_VALUE_STRING;
    return LN_OK;
}

static enum ln_status begin_opaque(struct ln_reader *r)
{
    r->native = LN_VALUE_OPAQUE;
    return LN_OK;
}

static enum ln_status decode_number(struct ln_span text, enum ln_value_type type,
                                    struct ln_value *out)
{
    enum ln_decimal_style style = type == LN_VALUE_FLOAT ? LN_DECIMAL_FLOAT : LN_DECIMAL_INTEGER;
    struct ln_decimal d;
    struct ln_number number;
    TRY(ln__decimal_read(text, style, &d));
    TRY(ln__number_from_decimal(&d, &number));
    return ln__number_to_value(&number, type, out);
}

static enum ln_status decode_text(struct ln_span text, enum ln_value_type type,
                                  struct ln_value *out)
{
    struct ln_value value = { .type = type };
    switch (type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
    case LN_VALUE_UNSIGNED:
    case LN_VALUE_FLOAT:
        return decode_number(text, type, out);
    case LN_VALUE_BOOLEAN:
        if (text.len != 1 || (text.data[0] != '0' && text.data[0] != '1'))
            return LN_BAD_PEER;
        value.as.boolean = text.data[0] == '1';
        break;
    case LN_VALUE_OBJLNK:
        TRY(ln__objlnk_read(text, &value.as.link));
        break;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        return LN_BAD_PEER;
    }
    *out = value;
    return LN_OK;
}

static enum ln_status read_text_scalar(struct ln_reader *r, enum ln_value_type type,
                                       struct ln_value *out)
{
    struct ln_span text;
    TRY(ln__reader_peek_left(r, &text));
    TRY(decode_text(text, type, out));
    ln__reader_drop(r, r->left);
    r->left = 0;
    return LN_OK;
}

static enum ln_status read_opaque_scalar(struct ln_reader *r, enum ln_value_type type,
                                         struct ln_value *out)
{
    (void)r;
    (void)type;
    (void)out;
    return LN_BAD_PEER;
}

static enum ln_status peek_char(struct ln_reader *r, uint8_t *c, size_t *raw, bool *end)
{
    struct ln_span byte;
    TRY(ln__reader_at_end(r, end));
    *raw = 0;
    if (*end)
        return LN_OK;
    TRY(ln__reader_peek(r, 1, &byte));
    *c = byte.data[0];
    *raw = 1;
    return LN_OK;
}

static enum ln_status read_text_piece(struct ln_reader *r, enum ln_value_type type,
                                      struct ln_mspan room, struct ln_span *out)
{
    if (type != LN_VALUE_OPAQUE)
        return ln__reader_raw_piece(r, type, room, out);
    return LN__WITH_BASE64 ? ln__reader_base64(r, &r->state.single.base64, peek_char, room, out)
                           : LN_UNSUPPORTED;
}

/* ---- writing ---- */

/* The text of anything but bytes; its length, 0 if it has none. */
static size_t encode_text(const struct ln_value *value, char text[LN_DECIMAL_ROOM])
{
    switch (value->type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return ln__decimal_write_int(value->as.integer, text);
    case LN_VALUE_UNSIGNED:
        return ln__decimal_write_uint(value->as.natural, text);
    case LN_VALUE_FLOAT:
        return ln__ieee_is_finite(value->as.number)
                   ? ln__decimal_write_double(value->as.number, text)
                   : 0;
    case LN_VALUE_BOOLEAN:
        text[0] = value->as.boolean ? '1' : '0';
        return 1;
    case LN_VALUE_OBJLNK:
        return ln__objlnk_write(value->as.link, text);
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        break;
    }
    return 0;
}

static enum ln_status write_text_scalar(struct ln_writer *w, const struct ln_path *path,
                                        const struct ln_value *value)
{
    char text[LN_DECIMAL_ROOM];
    (void)path;
    size_t len = encode_text(value, text);
    if (len == 0)
        return LN_UNSUPPORTED;
    ln__window_put(&w->out, text, len);
    return LN_OK;
}

static enum ln_status write_text_bytes(struct ln_writer *w, const struct ln_path *path,
                                       enum ln_value_type type, size_t length)
{
    (void)path;
    (void)length;
    if (type != LN_VALUE_OPAQUE)
        return LN_OK;
    if (!LN__WITH_BASE64)
        return LN_UNSUPPORTED;
    ln__writer_base64(w, false);
    return LN_OK;
}

static enum ln_status write_opaque_scalar(struct ln_writer *w, const struct ln_path *path,
                                          const struct ln_value *value)
{
    (void)w;
    (void)path;
    (void)value;
    return LN_UNSUPPORTED;
}

static enum ln_status write_opaque_bytes(struct ln_writer *w, const struct ln_path *path,
                                         enum ln_value_type type, size_t length)
{
    (void)w;
    (void)path;
    (void)length;
    return type == LN_VALUE_OPAQUE ? LN_OK : LN_UNSUPPORTED;
}

const struct ln_format ln__format_text = {
    .number = LN_CONTENT_TEXT,
    .traits = LN_FORMAT_READS | LN_FORMAT_WRITES | LN_FORMAT_SINGLE,
    .name = "text",
    .read_begin = begin_text,
    .read_next = read_next,
    .read_scalar = read_text_scalar,
    .read_piece = read_text_piece,
    .write_scalar = write_text_scalar,
    .write_bytes = write_text_bytes,
};

const struct ln_format ln__format_opaque = {
    .number = LN_CONTENT_OPAQUE,
    .traits = LN_FORMAT_READS | LN_FORMAT_WRITES | LN_FORMAT_SINGLE,
    .name = "opaque",
    .read_begin = begin_opaque,
    .read_next = read_next,
    .read_scalar = read_opaque_scalar,
    .read_piece = ln__reader_raw_piece,
    .write_scalar = write_opaque_scalar,
    .write_bytes = write_opaque_bytes,
};
