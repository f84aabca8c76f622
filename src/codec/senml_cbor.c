/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file senml_cbor.c
 * Contract: senml.h. SenML in CBOR: records are maps, labels are numbers (RFC 8428 section 6).
 */
#include "base/try.h"
#include "codec/reader.h"
#include "codec/senml.h"
#include "codec/writer.h"

/* ---- reading ---- */

static enum ln_status open_pack(struct ln_reader *r)
{
    return ln__cbor_open(r, LN_CBOR_ARRAY, &r->state.senml.syntax.cbor.records_left);
}

static enum ln_status open_record(struct ln_reader *r, bool *end)
{
    struct ln_senml_reader *s = &r->state.senml;
    bool payload_ends = false;
    TRY(ln__cbor_at_end(r, &s->syntax.cbor.records_left, end));
    if (*end) {
        TRY(ln__reader_at_end(r, &payload_ends));
        return payload_ends ? LN_OK : LN_BAD_PEER;
    }
    TRY(ln__cbor_open(r, LN_CBOR_MAP, &s->syntax.cbor.fields_left));
    ln__cbor_count(&s->syntax.cbor.records_left);
    return LN_OK;
}

static enum ln_status begin(struct ln_reader *r, struct ln_item *out)
{
    struct ln_cbor_value *value = &r->state.senml.syntax.cbor.value;
    TRY(ln__cbor_begin(r, value));
    *out = value->item;
    return LN_OK;
}

static enum ln_status piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                            struct ln_span *out)
{
    (void)room;
    return ln__cbor_piece(r, &r->state.senml.syntax.cbor.value, type, out);
}

static enum ln_status finish(struct ln_reader *r)
{
    return ln__cbor_finish(r, &r->state.senml.syntax.cbor.value);
}

static enum ln_status skip_value(struct ln_reader *r)
{
    return ln__cbor_skip(r, &r->state.senml.syntax.cbor.skip);
}

static enum ln_status label(struct ln_reader *r, enum ln_senml_label *out, bool *end);

static const struct ln_senml_syntax syntax = {
    .data = LN_ITEM_BYTES,
    .open_pack = open_pack,
    .open_record = open_record,
    .label = label,
    .begin = begin,
    .piece = piece,
    .finish = finish,
    .skip = skip_value,
};

static enum ln_status number_label(struct ln_reader *r, enum ln_senml_label *out)
{
    struct ln_item item;
    struct ln_value number;
    TRY(begin(r, &item));
    TRY(ln__item_to_value(&item, LN_VALUE_INTEGER, &number));
    *out = ln__senml_label_of_number(number.as.integer);
    return LN_OK;
}

static enum ln_status text_label(struct ln_reader *r, enum ln_senml_label *out)
{
    struct ln_senml_text *text = &r->state.senml.text;
    TRY(ln__senml_gather(r, &syntax, text));
    return ln__senml_label_of(text, out);
}

static enum ln_status label(struct ln_reader *r, enum ln_senml_label *out, bool *end)
{
    struct ln_senml_reader *s = &r->state.senml;
    struct ln_cbor_head head = { .major = LN_CBOR_TEXT };
    if (!s->text.begun) { /* otherwise we are in the middle of one */
        TRY(ln__cbor_at_end(r, &s->syntax.cbor.fields_left, end));
        if (*end)
            return LN_OK;
        TRY(ln__cbor_peek(r, 0, &head));
    }
    *end = false;
    if (head.major == LN_CBOR_TEXT)
        TRY(text_label(r, out));
    else if (head.major == LN_CBOR_UNSIGNED || head.major == LN_CBOR_NEGATIVE)
        TRY(number_label(r, out));
    else
        return LN_BAD_PEER;
    ln__cbor_count(&s->syntax.cbor.fields_left);
    return LN_OK;
}

static enum ln_status read_next(struct ln_reader *r, struct ln_entry *out)
{
    return ln__senml_next(r, &syntax, out);
}

static enum ln_status read_piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                 struct ln_span *out)
{
    return ln__senml_piece(r, &syntax, type, room, out);
}

/* ---- writing ---- */

static void put_label(struct ln_window *out, enum ln_senml_label of)
{
    if (of == LN_SENML_LINK)
        ln__cbor_put_text(out, "vlo", 3);
    else
        ln__cbor_put_int(out, ln__senml_number_of_label(of));
}

/* The number of records, if it is known; otherwise one byte, and write_end() makes it right. */
static void write_begin(struct ln_writer *w)
{
    size_t records = w->values_told == LN_LENGTH_UNKNOWN ? 0 : w->values_told;
    ln__cbor_put_head(&w->out, LN_CBOR_ARRAY, records);
}

static enum ln_status write_end(struct ln_writer *w)
{
    uint8_t bytes[9];
    struct ln_window head = ln__window(ln_mspan(bytes, sizeof bytes), 0);
    if (w->values_told != LN_LENGTH_UNKNOWN)
        return w->values_told == w->values ? LN_OK : LN_BAD_STATE;
    ln__cbor_put_head(&head, LN_CBOR_ARRAY, w->values);
    if (head.at > 1) {
        if (w->out.skip > 1)
            return LN_BAD_STATE;
        ln__window_shift(&w->out, 1, head.at - 1);
    }
    ln__window_patch(&w->out, 0, bytes, head.at);
    return LN_OK;
}

static void put_time(struct ln_window *out, int64_t time_ms)
{
    put_label(out, LN_SENML_BASE_TIME);
    if (time_ms % 1000 == 0)
        ln__cbor_put_int(out, time_ms / 1000);
    else
        ln__cbor_put_double(out, (double)time_ms / 1000);
}

/* All of a record but its value. @param has_value  0 or 1 */
static void put_record(struct ln_writer *w, const struct ln_senml_head *head, unsigned has_value)
{
    unsigned fields = (head->has_base ? 1u : 0) + (head->has_time ? 1u : 0) + 1 + has_value;
    ln__cbor_put_head(&w->out, LN_CBOR_MAP, fields);
    if (head->has_base) {
        put_label(&w->out, LN_SENML_BASE_NAME);
        ln__cbor_put_text(&w->out, head->base, head->base_len);
    }
    if (head->has_time)
        put_time(&w->out, head->time_ms);
    put_label(&w->out, LN_SENML_NAME);
    ln__cbor_put_text(&w->out, head->name, head->name_len);
    w->senml = head->after;
}

static enum ln_status write_scalar(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value)
{
    struct ln_senml_head head;
    ln__senml_head(w, path, &head);
    put_record(w, &head, 1);
    put_label(&w->out, ln__senml_label_of_type(value->type));
    return ln__cbor_put_value(&w->out, value, false) ? LN_OK : LN_INTERNAL;
}

static enum ln_status write_name(struct ln_writer *w, const struct ln_path *path)
{
    struct ln_senml_head head;
    ln__senml_head_of_name(w, path, &head);
    put_record(w, &head, 0);
    return LN_OK;
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length)
{
    struct ln_senml_head head;
    ln__senml_head(w, path, &head);
    put_record(w, &head, 1);
    put_label(&w->out, ln__senml_label_of_type(type));
    ln__cbor_put_head(&w->out, type == LN_VALUE_OPAQUE ? LN_CBOR_BYTES : LN_CBOR_TEXT, length);
    return LN_OK;
}

const struct ln_format ln__format_senml_cbor = LN_SENML_TABLE(LN_CONTENT_SENML_CBOR, "senml-cbor");
const struct ln_format ln__format_senml_etch_cbor =
    LN_SENML_TABLE(LN_CONTENT_SENML_ETCH_CBOR, "senml-etch-cbor");
