/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file senml_json.c
 * Contract: senml.h. SenML in JSON (RFC 8428 section 5).
 */
#include "base/try.h"
#include "codec/ieee.h"
#include "codec/objlnk.h"
#include "codec/reader.h"
#include "codec/senml.h"
#include "codec/writer.h"

/* ---- reading ---- */

/* The next character, which must be this one. */
static enum ln_status expect(struct ln_reader *r, uint8_t want)
{
    uint8_t c = 0;
    TRY(ln__json_peek(r, &c));
    if (c != want)
        return LN_BAD_PEER;
    ln__reader_drop(r, 1);
    return LN_OK;
}

/* Between the elements of a container: its end, or a comma if it is not the first, which is read. */
static enum ln_status between(struct ln_reader *r, uint8_t close, bool *end)
{
    struct ln_senml_reader *s = &r->state.senml;
    uint8_t c = 0;
    *end = false;
    if (s->syntax.json.comma)
        return LN_OK;
    TRY(ln__json_peek(r, &c));
    if (c == close) {
        ln__reader_drop(r, 1);
        *end = true;
        return LN_OK;
    }
    if (s->syntax.json.first)
        return LN_OK;
    TRY(expect(r, ','));
    s->syntax.json.comma = true;
    return LN_OK;
}

/* Nothing but white space up to the end of the payload. */
static enum ln_status only_space(struct ln_reader *r)
{
    bool end = false;
    uint8_t c = 0;
    TRY(ln__reader_at_end(r, &end));
    if (end)
        return LN_OK;
    enum ln_status st = ln__json_peek(r, &c);
    if (st != LN_BAD_PEER) /* a character, or the next piece is awaited */
        return st == LN_OK ? LN_BAD_PEER : st;
    return LN_OK;
}

static enum ln_status open_pack(struct ln_reader *r)
{
    TRY(expect(r, '['));
    r->state.senml.syntax.json.first = true;
    return LN_OK;
}

static enum ln_status open_record(struct ln_reader *r, bool *end)
{
    struct ln_senml_reader *s = &r->state.senml;
    if (!s->syntax.json.closed) {
        TRY(between(r, ']', end));
        s->syntax.json.closed = *end;
    }
    *end = s->syntax.json.closed;
    if (*end)
        return only_space(r);
    TRY(expect(r, '{'));
    s->syntax.json.first = true;
    s->syntax.json.comma = false;
    return LN_OK;
}

static enum ln_status begin(struct ln_reader *r, struct ln_item *out)
{
    return ln__json_begin(r, out);
}

static enum ln_status piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                            struct ln_span *out)
{
    if (type != LN_VALUE_OPAQUE)
        return ln__json_piece(r, room, out);
    return ln__reader_base64(r, &r->state.senml.base64, ln__json_peek_char, room, out);
}

static enum ln_status finish(struct ln_reader *r)
{
    return ln__json_finish(r);
}

static enum ln_status skip_value(struct ln_reader *r)
{
    return ln__json_skip(r, &r->state.senml.syntax.json.skip);
}

static enum ln_status label(struct ln_reader *r, enum ln_senml_label *out, bool *end);

static const struct ln_senml_syntax syntax = {
    .data = LN_ITEM_TEXT,
    .open_pack = open_pack,
    .open_record = open_record,
    .label = label,
    .begin = begin,
    .piece = piece,
    .finish = finish,
    .skip = skip_value,
};

static enum ln_status label(struct ln_reader *r, enum ln_senml_label *out, bool *end)
{
    struct ln_senml_reader *s = &r->state.senml;
    *end = false;
    if (!s->syntax.json.labeled) {
        if (!s->text.begun) { /* otherwise we are in the middle of one */
            TRY(between(r, '}', end));
            if (*end) {
                s->syntax.json.first = false;
                return LN_OK;
            }
        }
        TRY(ln__senml_gather(r, &syntax, &s->text));
        s->syntax.json.labeled = true;
    }
    TRY(expect(r, ':'));
    s->syntax.json.labeled = false;
    s->syntax.json.first = false;
    s->syntax.json.comma = false;
    return ln__senml_label_of(&s->text, out);
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

static void write_begin(struct ln_writer *w)
{
    ln__window_byte(&w->out, '[');
}

static enum ln_status write_end(struct ln_writer *w)
{
    ln__window_byte(&w->out, ']');
    return LN_OK;
}

/* Seconds, with up to three decimals. */
static void put_time(struct ln_window *out, int64_t time_ms)
{
    char text[LN_DECIMAL_ROOM];
    uint64_t size = time_ms < 0 ? 0 - (uint64_t)time_ms : (uint64_t)time_ms;
    unsigned rest = (unsigned)(size % 1000);
    ln__window_text(out, time_ms < 0 ? "-" : "");
    ln__window_put(out, text, ln__decimal_write_uint(size / 1000, text));
    if (rest == 0)
        return;
    ln__window_byte(out, '.');
    for (unsigned digit = 100; rest > 0; digit /= 10) {
        ln__window_byte(out, (uint8_t)('0' + rest / digit));
        rest %= digit;
    }
}

static void put_record(struct ln_writer *w, const struct ln_senml_head *head)
{
    struct ln_window *out = &w->out;
    ln__window_text(out, w->values > 0 ? ",{" : "{");
    if (head->has_base) {
        ln__window_text(out, "\"bn\":\"");
        ln__window_put(out, head->base, head->base_len);
        ln__window_text(out, "\",");
    }
    if (head->has_time) {
        ln__window_text(out, "\"bt\":");
        put_time(out, head->time_ms);
        ln__window_byte(out, ',');
    }
    ln__window_text(out, "\"n\":\"");
    ln__window_put(out, head->name, head->name_len);
    ln__window_byte(out, '"');
    w->senml = head->after;
}

/* Without its NUL. */
static size_t put_word(const char *word, char *text)
{
    size_t len = 0;
    for (; word[len] != '\0'; len++)
        text[len] = word[len];
    return len;
}

/* The value with its label; the length is 0 if there is none. */
static size_t make_value(const struct ln_value *value, char text[LN_DECIMAL_ROOM],
                         const char **label_text, const char **behind)
{
    *label_text = ",\"v\":";
    *behind = "}";
    switch (value->type) {
    case LN_VALUE_NONE:
        return put_word("null", text);
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
        *label_text = ",\"vb\":";
        return put_word(value->as.boolean ? "true" : "false", text);
    case LN_VALUE_OBJLNK:
        *label_text = ",\"vlo\":\"";
        *behind = "\"}";
        return ln__objlnk_write(value->as.link, text);
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        break;
    }
    return 0;
}

static enum ln_status write_scalar(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value)
{
    struct ln_senml_head head;
    char text[LN_DECIMAL_ROOM];
    const char *label_text = NULL;
    const char *behind = NULL;
    size_t len = make_value(value, text, &label_text, &behind);
    if (len == 0)
        return LN_UNSUPPORTED;
    ln__senml_head(w, path, &head);
    put_record(w, &head);
    ln__window_text(&w->out, label_text);
    ln__window_put(&w->out, text, len);
    ln__window_text(&w->out, behind);
    return LN_OK;
}

static enum ln_status write_name(struct ln_writer *w, const struct ln_path *path)
{
    struct ln_senml_head head;
    ln__senml_head_of_name(w, path, &head);
    put_record(w, &head);
    ln__window_byte(&w->out, '}');
    return LN_OK;
}

static void put_escaped(struct ln_writer *w, struct ln_span bytes)
{
    ln__json_put_escaped(&w->out, bytes);
}

static void end_string(struct ln_writer *w)
{
    ln__window_text(&w->out, "\"}");
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length)
{
    struct ln_senml_head head;
    (void)length;
    ln__senml_head(w, path, &head);
    put_record(w, &head);
    w->stream.finish = end_string;
    if (type == LN_VALUE_OPAQUE) {
        ln__window_text(&w->out, ",\"vd\":\"");
        ln__writer_base64(w, true);
    } else {
        ln__window_text(&w->out, ",\"vs\":\"");
        w->stream.encode = put_escaped;
        w->stream.makes = 0; /* escapes are longer than what they stand for */
    }
    return LN_OK;
}

const struct ln_format ln__format_senml_json = LN_SENML_TABLE(LN_CONTENT_SENML_JSON, "senml-json");
const struct ln_format ln__format_senml_etch_json =
    LN_SENML_TABLE(LN_CONTENT_SENML_ETCH_JSON, "senml-etch-json");
