/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file senml.c
 * Contract: senml.h. What JSON and CBOR have in common: which labels there are, how names, times and
 * values make an entry, and in which order a pack is read.
 *
 * The name may stand behind the value. If all the rest of the payload is here, a record is read to
 * its end first; its string is skipped, and read again when the entry is told.
 */
#include "codec/senml.h"

#include "base/try.h"
#include "codec/ieee.h"
#include "codec/objlnk.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* Milliseconds beyond the year 5000 are no time; what is left of a double is exact. */
#define TIME_MAX_S 1e11

/* RFC 8428 4.4: the version that this is. */
#define VERSION 10.0

/* ---- labels ---- */

static const struct {
    const char *json;
    int cbor;
} labels[] = {
#define LABEL_ROW(json, cbor, name) { json, cbor },
    LN_SENML_LABEL_LIST(LABEL_ROW)
#undef LABEL_ROW
};

#define LABEL_COUNT (sizeof labels / sizeof labels[0])

enum ln_status ln__senml_label_of(const struct ln_senml_text *text, enum ln_senml_label *out)
{
    *out = LN_SENML_OTHER;
    for (size_t i = 0; i < LABEL_COUNT && !text->too_long; i++) {
        if (ln_span_equal(ln_span(text->text, text->len), ln_span_str(labels[i].json)))
            *out = (enum ln_senml_label)i;
    }
    bool must_be_known = text->last == '_';
    return must_be_known ? LN_BAD_PEER : LN_OK;
}

enum ln_senml_label ln__senml_label_of_number(int64_t number)
{
    for (size_t i = 0; i < LN_SENML_LINK; i++) {
        if (labels[i].cbor == number)
            return (enum ln_senml_label)i;
    }
    return LN_SENML_OTHER;
}

int ln__senml_number_of_label(enum ln_senml_label label)
{
    return (size_t)label < LABEL_COUNT ? labels[label].cbor : 0;
}

enum ln_senml_label ln__senml_label_of_type(enum ln_value_type type)
{
    switch (type) {
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
        return LN_SENML_STRING;
    case LN_VALUE_OPAQUE:
        return LN_SENML_DATA;
    case LN_VALUE_BOOLEAN:
        return LN_SENML_BOOLEAN;
    case LN_VALUE_OBJLNK:
        return LN_SENML_LINK;
    case LN_VALUE_NONE:
    case LN_VALUE_INTEGER:
    case LN_VALUE_UNSIGNED:
    case LN_VALUE_FLOAT:
    case LN_VALUE_TIME:
        break;
    }
    return LN_SENML_NUMBER;
}

/* ---- texts that are gathered ---- */

static void append(struct ln_senml_text *text, struct ln_span piece)
{
    if (piece.len == 0)
        return;
    text->last = piece.data[piece.len - 1];
    if (piece.len > sizeof text->text - text->len) {
        text->too_long = true;
        return;
    }
    memcpy(text->text + text->len, piece.data, piece.len);
    text->len = (uint8_t)(text->len + piece.len);
}

enum ln_status ln__senml_gather(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                                struct ln_senml_text *text)
{
    if (!text->begun) {
        struct ln_item item;
        TRY(syntax->begin(r, &item));
        if (item.kind != LN_ITEM_TEXT)
            return LN_BAD_PEER;
        *text = (struct ln_senml_text) { .begun = true };
    }
    bool first = true; /* an empty text has been begun, and its end was not read */
    while (r->left > 0 || first) {
        uint8_t room[4];
        struct ln_span piece;
        TRY(syntax->piece(r, LN_VALUE_STRING, ln_mspan(room, sizeof room), &piece));
        append(text, piece);
        first = false;
    }
    text->begun = false;
    return LN_OK;
}

/* ---- fields ---- */

static enum ln_status read_name(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                                struct ln_senml_text *name)
{
    if (r->state.senml.told)
        return LN_NO_SPACE;
    TRY(ln__senml_gather(r, syntax, name));
    return name->too_long ? LN_BAD_PEER : LN_OK;
}

static enum ln_status read_double(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                                  double *out)
{
    struct ln_item item;
    TRY(syntax->begin(r, &item));
    if (item.kind != LN_ITEM_NUMBER)
        return LN_BAD_PEER;
    double value = ln__number_to_double(&item.number);
    if (!ln__ieee_is_finite(value))
        return LN_BAD_PEER;
    *out = value;
    return LN_OK;
}

static enum ln_status read_base_time(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    struct ln_senml_reader *s = &r->state.senml;
    if (s->told)
        return LN_NO_SPACE;
    TRY(read_double(r, syntax, &s->base_time));
    s->has_base_time = true;
    return LN_OK;
}

static enum ln_status read_version(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    double version = 0;
    TRY(read_double(r, syntax, &version));
    return version > VERSION ? LN_BAD_PEER : LN_OK;
}

static enum ln_status read_link(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    struct ln_senml_reader *s = &r->state.senml;
    TRY(ln__senml_gather(r, syntax, &s->text));
    if (s->text.too_long)
        return LN_BAD_PEER;
    TRY(ln__objlnk_read(ln_span(s->text.text, s->text.len), &s->link));
    s->item.kind = LN_ITEM_TEXT;
    s->value = LN_SENML_LINK;
    return LN_OK;
}

static bool is_of_label(const struct ln_senml_syntax *syntax, enum ln_senml_label label,
                        enum ln_item_kind kind)
{
    if (kind == LN_ITEM_NULL)
        return true;
    if (label == LN_SENML_NUMBER)
        return kind == LN_ITEM_NUMBER;
    if (label == LN_SENML_BOOLEAN)
        return kind == LN_ITEM_BOOLEAN;
    return kind == (label == LN_SENML_DATA ? syntax->data : LN_ITEM_TEXT);
}

static bool is_string(const struct ln_senml_reader *s)
{
    return (s->value == LN_SENML_STRING || s->value == LN_SENML_DATA) &&
           s->item.kind != LN_ITEM_NULL;
}

/* A number, or the head of a string. With all of the payload here, the string is passed over. */
static enum ln_status read_value(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    struct ln_senml_reader *s = &r->state.senml;
    struct ln_span at = r->in;
    TRY(syntax->begin(r, &s->item));
    if (!is_of_label(syntax, s->label, s->item.kind))
        return LN_BAD_PEER;
    s->value = s->label;
    s->base64 = (struct ln_base64_text) { .group = 0 };
    if (!s->whole || !is_string(s))
        return LN_OK;
    s->at = at;
    return syntax->finish(r);
}

static enum ln_status read_field(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    struct ln_senml_reader *s = &r->state.senml;
    switch (s->label) {
    case LN_SENML_BASE_VERSION:
        return read_version(r, syntax);
    case LN_SENML_BASE_NAME:
        return read_name(r, syntax, &s->base_name);
    case LN_SENML_NAME:
        return read_name(r, syntax, &s->name);
    case LN_SENML_BASE_TIME:
        return read_base_time(r, syntax);
    case LN_SENML_TIME:
        return s->told ? LN_NO_SPACE : read_double(r, syntax, &s->time);
    case LN_SENML_NUMBER:
    case LN_SENML_STRING:
    case LN_SENML_BOOLEAN:
    case LN_SENML_DATA:
        return s->value == LN_SENML_OTHER ? read_value(r, syntax) : LN_BAD_PEER;
    case LN_SENML_LINK:
        return s->value == LN_SENML_OTHER ? read_link(r, syntax) : LN_BAD_PEER;
    case LN_SENML_BASE_VALUE: /* it would have to be added */
        return LN_BAD_PEER;
    case LN_SENML_BASE_UNIT:
    case LN_SENML_BASE_SUM:
    case LN_SENML_UNIT:
    case LN_SENML_SUM:
    case LN_SENML_UPDATE_TIME:
    case LN_SENML_OTHER:
        break;
    }
    return syntax->skip(r);
}

/* ---- records ---- */

static bool has_seen(const struct ln_senml_reader *s, enum ln_senml_label label)
{
    return (s->seen >> label & 1u) != 0;
}

/* Base name and name, joined. "/3/0/" is "/3/0". */
static enum ln_status resolve(const struct ln_reader *r, struct ln_path *out)
{
    const struct ln_senml_reader *s = &r->state.senml;
    char text[2 * LN_SENML_NAME_MAX];
    size_t len = s->base_name.len;
    memcpy(text, s->base_name.text, len);
    if (has_seen(s, LN_SENML_NAME)) {
        memcpy(text + len, s->name.text, s->name.len);
        len += s->name.len;
    }
    if (len > 1 && text[len - 1] == '/')
        len--;
    if (ln_path_read(ln_span(text, len), out) != LN_OK)
        return LN_BAD_PEER;
    return ln_path_is_below(out, &r->base) ? LN_OK : LN_BAD_PEER;
}

static enum ln_status tell_time(const struct ln_senml_reader *s, struct ln_entry *out)
{
    bool has_time = has_seen(s, LN_SENML_TIME);
    double time = (s->has_base_time ? s->base_time : 0) + (has_time ? s->time : 0);
    if (!s->has_base_time && !has_time)
        return LN_OK;
    if (!(time <= TIME_MAX_S && time >= -TIME_MAX_S))
        return LN_BAD_PEER;
    out->has_time = true;
    out->time_ms = (int64_t)(time * 1000 + (time < 0 ? -0.5 : 0.5));
    return LN_OK;
}

static enum ln_value_type native_type(const struct ln_senml_reader *s)
{
    if (s->value == LN_SENML_LINK)
        return LN_VALUE_OBJLNK;
    return s->value == LN_SENML_DATA ? LN_VALUE_OPAQUE : ln__item_native(&s->item);
}

static enum ln_status tell_entry(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_senml_reader *s = &r->state.senml;
    struct ln_entry entry = { .kind = LN_ENTRY_NAME };
    TRY(resolve(r, &entry.path));
    TRY(tell_time(s, &entry));
    if (s->value != LN_SENML_OTHER) {
        entry.kind = s->item.kind == LN_ITEM_NULL ? LN_ENTRY_REMOVE : LN_ENTRY_VALUE;
        if (entry.path.levels < LN_LEVEL_RESOURCE)
            return LN_BAD_PEER;
        r->native = native_type(s);
    }
    entry.length = r->left;
    s->told = true;
    *out = entry;
    return LN_OK;
}

/* The record is complete. Its string, if any, is opened once more. */
static enum ln_status end_record(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                                 struct ln_entry *out)
{
    struct ln_senml_reader *s = &r->state.senml;
    struct ln_item item;
    r->left = 0;
    if (is_string(s) && s->at.data != NULL) {
        s->resume = r->in;
        s->ahead = true;
        r->in = s->at;
        TRY(syntax->begin(r, &item));
    }
    return tell_entry(r, out);
}

/* A string that is still to come: told as soon as it is reached. */
static enum ln_status tell_early(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_path path;
    if (resolve(r, &path) != LN_OK || path.levels < LN_LEVEL_RESOURCE)
        return LN_NO_SPACE; /* its name may follow */
    return tell_entry(r, out);
}

static void begin_record(struct ln_reader *r)
{
    struct ln_senml_reader *s = &r->state.senml;
    s->seen = 0;
    s->time = 0;
    s->name.len = 0;
    s->value = LN_SENML_OTHER;
    s->told = false;
    s->whole = r->last && r->carried == 0;
    s->at = ln_span(NULL, 0);
    s->stage = LN_SENML_AT_LABEL;
}

static enum ln_status at_record(struct ln_reader *r, const struct ln_senml_syntax *syntax)
{
    bool end = false;
    TRY(syntax->open_record(r, &end));
    if (end)
        r->state.senml.stage = LN_SENML_AT_END;
    else
        begin_record(r);
    return LN_OK;
}

/* *told: an entry is complete. */
static enum ln_status at_label(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                               struct ln_entry *out, bool *told)
{
    struct ln_senml_reader *s = &r->state.senml;
    bool end = false;
    TRY(syntax->label(r, &s->label, &end));
    if (end) {
        s->stage = LN_SENML_AT_RECORD;
        *told = !s->told;
        return s->told ? LN_OK : end_record(r, syntax, out);
    }
    if (s->label != LN_SENML_OTHER && has_seen(s, s->label))
        return LN_BAD_PEER;
    s->seen |= 1u << s->label;
    s->stage = LN_SENML_AT_FIELD;
    return LN_OK;
}

static enum ln_status at_field(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                               struct ln_entry *out, bool *told)
{
    struct ln_senml_reader *s = &r->state.senml;
    TRY(read_field(r, syntax));
    bool is_value = s->value != LN_SENML_OTHER && s->value == s->label;
    s->stage = LN_SENML_AT_LABEL;
    *told = is_value && is_string(s) && s->at.data == NULL;
    if (!*told)
        return LN_OK;
    s->stage = LN_SENML_IN_VALUE;
    return tell_early(r, out);
}

/* Back behind the record whose value was read. */
static void leave_value(struct ln_reader *r)
{
    struct ln_senml_reader *s = &r->state.senml;
    if (!s->ahead)
        return;
    r->in = s->resume;
    r->carried = 0;
    r->left = 0;
    s->ahead = false;
}

/* Each turn reads something, so it ends. */
enum ln_status ln__senml_next(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                              struct ln_entry *out)
{
    struct ln_senml_reader *s = &r->state.senml;
    bool told = false;
    leave_value(r);
    while (!told) {
        switch (s->stage) {
        case LN_SENML_AT_PACK:
            TRY(syntax->open_pack(r));
            s->stage = LN_SENML_AT_RECORD;
            break;
        case LN_SENML_AT_RECORD:
            TRY(at_record(r, syntax));
            break;
        case LN_SENML_AT_LABEL:
            TRY(at_label(r, syntax, out, &told));
            break;
        case LN_SENML_AT_FIELD:
            TRY(at_field(r, syntax, out, &told));
            break;
        case LN_SENML_IN_VALUE:
            TRY(syntax->finish(r));
            s->stage = LN_SENML_AT_LABEL;
            break;
        case LN_SENML_AT_END:
            out->kind = LN_ENTRY_END;
            told = true;
            break;
        }
    }
    return LN_OK;
}

/* ---- values ---- */

enum ln_status ln__senml_scalar(struct ln_reader *r, enum ln_value_type type, struct ln_value *out)
{
    const struct ln_senml_reader *s = &r->state.senml;
    if (s->value != LN_SENML_LINK)
        return ln__item_to_value(&s->item, type, out);
    if (type != LN_VALUE_OBJLNK)
        return LN_BAD_PEER;
    *out = ln_value_objlnk(s->link.object, s->link.instance);
    return LN_OK;
}

enum ln_status ln__senml_piece(struct ln_reader *r, const struct ln_senml_syntax *syntax,
                               enum ln_value_type type, struct ln_mspan room, struct ln_span *out)
{
    if (r->state.senml.value != ln__senml_label_of_type(type))
        return LN_BAD_PEER;
    return syntax->piece(r, type, room, out);
}

/* ---- writing ---- */

static void head_of(const struct ln_writer *w, struct ln_senml_head *out)
{
    out->after = w->senml;
    out->has_time = w->has_time && (!w->senml.has_time || w->senml.time_ms != w->time_ms);
    if (!out->has_time)
        return;
    out->time_ms = w->time_ms;
    out->after.has_time = true;
    out->after.time_ms = w->time_ms;
}

void ln__senml_head(const struct ln_writer *w, const struct ln_path *path,
                    struct ln_senml_head *out)
{
    char text[LN_PATH_ROOM];
    struct ln_path instance = ln_path_head(*path, LN_LEVEL_INSTANCE);
    head_of(w, out);
    out->base_len = ln_path_text(&instance, out->base);
    out->base[out->base_len++] = '/';
    out->name_len = ln_path_text(path, text) - out->base_len;
    memcpy(out->name, text + out->base_len, out->name_len);
    out->has_base = !w->senml.has_base || !ln_path_equal(&w->senml.base, &instance);
    out->after.has_base = true;
    out->after.base = instance;
}

/* The name is absolute; a base name that is in force has to go. */
void ln__senml_head_of_name(const struct ln_writer *w, const struct ln_path *path,
                            struct ln_senml_head *out)
{
    head_of(w, out);
    out->name_len = ln_path_text(path, out->name);
    out->base_len = 0;
    out->has_base = w->senml.has_base;
    out->after.has_base = false;
}

enum ln_status ln__senml_open(struct ln_writer *w, struct ln_writer_open *top)
{
    (void)w;
    (void)top;
    return LN_OK;
}

enum ln_status ln__senml_close(struct ln_writer *w, const struct ln_writer_open *top)
{
    (void)w;
    (void)top;
    return LN_OK;
}
