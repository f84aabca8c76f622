/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json.c
 * Contract: json.h.
 */
#include "codec/json.h"

#include "base/try.h"
#include "base/utf8.h"
#include "codec/reader.h"

/* ---- characters ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum ln_status ln__json_peek(struct ln_reader *r, uint8_t *c)
{
    struct ln_span byte;
    TRY(ln__reader_peek(r, 1, &byte));
    while (is_space(byte.data[0])) {
        ln__reader_drop(r, 1);
        TRY(ln__reader_peek(r, 1, &byte));
    }
    *c = byte.data[0];
    return LN_OK;
}

static enum ln_status hex_value(struct ln_span digits, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = digits.data[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return LN_BAD_PEER;
    }
    *out = value;
    return LN_OK;
}

/* One character of a string, as bytes of UTF-8; those that are no escapes come one by one. */
struct character {
    uint8_t bytes[4];
    size_t len; /* 0: the closing quote */
    size_t raw; /* bytes of the payload */
};

/* \uXXXX, or two of them for what lies above U+FFFF (RFC 8259 7). */
static enum ln_status peek_unicode(struct ln_reader *r, struct character *out)
{
    struct ln_span raw;
    uint32_t high = 0;
    uint32_t low = 0;
    TRY(ln__reader_peek(r, 6, &raw));
    TRY(hex_value(ln_span(raw.data + 2, 4), &high));
    out->raw = 6;
    if (high >= 0xd800 && high <= 0xdbff) {
        TRY(ln__reader_peek(r, 12, &raw));
        if (raw.data[6] != '\\' || raw.data[7] != 'u')
            return LN_BAD_PEER;
        TRY(hex_value(ln_span(raw.data + 8, 4), &low));
        if (low < 0xdc00 || low > 0xdfff)
            return LN_BAD_PEER;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        out->raw = 12;
    } else if (high >= 0xdc00 && high <= 0xdfff) {
        return LN_BAD_PEER;
    }
    out->len = ln__utf8_put(high, out->bytes);
    return LN_OK;
}

static enum ln_status peek_escape(struct ln_reader *r, struct character *out)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    struct ln_span raw;
    TRY(ln__reader_peek(r, 2, &raw));
    if (raw.data[1] == 'u')
        return peek_unicode(r, out);
    const char *found = raw.data[1] != 0 ? strchr(escapes, raw.data[1]) : NULL;
    if (found == NULL)
        return LN_BAD_PEER;
    out->bytes[0] = (uint8_t)meanings[found - escapes];
    out->len = 1;
    out->raw = 2;
    return LN_OK;
}

static enum ln_status peek_character(struct ln_reader *r, struct character *out)
{
    struct ln_span raw;
    TRY(ln__reader_peek(r, 1, &raw));
    uint8_t c = raw.data[0];
    if (c == '\\')
        return peek_escape(r, out);
    if (c < ' ')
        return LN_BAD_PEER;
    out->bytes[0] = c;
    out->len = c == '"' ? 0 : 1;
    out->raw = 1;
    return LN_OK;
}

/* ---- strings ---- */

/* The characters before the next quote or escape, where they stand. */
static size_t count_plain(struct ln_span in)
{
    size_t len = 0;
    while (len < in.len && in.data[len] >= ' ' && in.data[len] != '"' && in.data[len] != '\\')
        len++;
    return len;
}

static void close_string(struct ln_reader *r)
{
    ln__reader_drop(r, 1);
    r->left = 0;
}

/* What does not stand as it is: into the room, up to the end of the string. */
static enum ln_status copy_characters(struct ln_reader *r, struct ln_mspan room,
                                      struct ln_span *out)
{
    size_t len = 0;
    for (;;) {
        struct character c;
        enum ln_status st = peek_character(r, &c);
        if (st == LN_AGAIN && len > 0)
            break;
        TRY(st);
        if (c.len == 0) {
            close_string(r);
            break;
        }
        if (c.len > room.len - len && len == 0)
            return LN_NO_SPACE;
        if (c.len > room.len - len)
            break;
        memcpy(room.data + len, c.bytes, c.len);
        len += c.len;
        ln__reader_drop(r, c.raw);
    }
    *out = ln_span(room.data, len);
    return LN_OK;
}

enum ln_status ln__json_piece(struct ln_reader *r, struct ln_mspan room, struct ln_span *out)
{
    size_t plain = r->carried == 0 ? count_plain(r->in) : 0;
    if (plain == 0)
        return copy_characters(r, room, out);
    *out = ln_span(r->in.data, plain);
    ln__reader_drop(r, plain);
    if (r->in.len > 0 && r->in.data[0] == '"')
        close_string(r);
    return LN_OK;
}

enum ln_status ln__json_peek_char(struct ln_reader *r, uint8_t *c, size_t *raw, bool *end)
{
    struct character next;
    TRY(peek_character(r, &next));
    *c = next.len == 1 ? next.bytes[0] : 0xff;
    *raw = next.raw;
    *end = next.len == 0;
    return LN_OK;
}

enum ln_status ln__json_finish(struct ln_reader *r)
{
    while (r->left > 0) {
        struct character c;
        TRY(peek_character(r, &c));
        if (c.len == 0)
            close_string(r);
        else
            ln__reader_drop(r, c.raw);
    }
    return LN_OK;
}

/* ---- values ---- */

static bool is_of_number(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static enum ln_status read_number(struct ln_reader *r, struct ln_item *out)
{
    struct ln_decimal d;
    struct ln_span text;
    size_t len = 0;
    for (;; len++) { /* a payload does not end with a number: a bracket follows */
        if (len == LN_READER_CARRY)
            break;
        TRY(ln__reader_peek(r, len + 1, &text));
        if (!is_of_number(text.data[len]))
            break;
    }
    TRY(ln__decimal_read(ln_span(text.data, len), LN_DECIMAL_JSON, &d));
    TRY(ln__number_from_decimal(&d, &out->number));
    out->kind = LN_ITEM_NUMBER;
    ln__reader_drop(r, len);
    return LN_OK;
}

static enum ln_status read_literal(struct ln_reader *r, struct ln_item *out)
{
    static const struct {
        const char *text;
        struct ln_item item;
    } literals[] = {
        { "true", { .kind = LN_ITEM_BOOLEAN, .boolean = true } },
        { "false", { .kind = LN_ITEM_BOOLEAN, .boolean = false } },
        { "null", { .kind = LN_ITEM_NULL } },
    };
    struct ln_span first;
    TRY(ln__reader_peek(r, 1, &first));
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        struct ln_span want = ln_span_str(literals[i].text);
        struct ln_span text;
        if (first.data[0] != want.data[0])
            continue;
        TRY(ln__reader_peek(r, want.len, &text));
        if (!ln_span_equal(text, want))
            return LN_BAD_PEER;
        ln__reader_drop(r, want.len);
        *out = literals[i].item;
        return LN_OK;
    }
    return LN_BAD_PEER;
}

enum ln_status ln__json_begin(struct ln_reader *r, struct ln_item *out)
{
    struct ln_item item = { .is_time = false };
    uint8_t c = 0;
    TRY(ln__json_peek(r, &c));
    r->left = 0;
    if (c == '"') {
        ln__reader_drop(r, 1);
        r->left = LN_LENGTH_UNKNOWN;
        item.kind = LN_ITEM_TEXT;
    } else if (is_of_number(c)) {
        TRY(read_number(r, &item));
    } else {
        TRY(read_literal(r, &item));
    }
    r->native = ln__item_native(&item);
    *out = item;
    return LN_OK;
}

/* ---- skipping ---- */

static enum ln_status skip_string(struct ln_reader *r, struct ln_json_skip *s)
{
    r->left = LN_LENGTH_UNKNOWN;
    TRY(ln__json_finish(r));
    s->in_string = false;
    return LN_OK;
}

static enum ln_status enter(struct ln_json_skip *s, uint8_t c)
{
    if (s->depth == LN_JSON_DEPTH_MAX)
        return LN_BAD_PEER;
    unsigned bit = 1u << s->depth;
    s->objects = (uint8_t)(c == '{' ? s->objects | bit : s->objects & ~bit);
    s->depth++;
    return LN_OK;
}

static enum ln_status leave(struct ln_json_skip *s, uint8_t c)
{
    if (s->depth == 0)
        return LN_BAD_PEER;
    bool is_object = (s->objects >> (s->depth - 1) & 1) != 0;
    if (is_object != (c == '}'))
        return LN_BAD_PEER;
    s->depth--;
    return LN_OK;
}

/* One token, but for the inside of strings. */
static enum ln_status skip_token(struct ln_reader *r, struct ln_json_skip *s, uint8_t c)
{
    struct ln_item item;
    switch (c) {
    case '"':
        s->in_string = true;
        break;
    case '[':
    case '{':
        TRY(enter(s, c));
        break;
    case ']':
    case '}':
        TRY(leave(s, c));
        break;
    case ',':
    case ':':
        if (s->depth == 0)
            return LN_BAD_PEER;
        break;
    default: /* not an enumeration: all other characters */
        return ln__json_begin(r, &item);
    }
    ln__reader_drop(r, 1);
    return LN_OK;
}

/* Each turn reads a token, so it ends. */
enum ln_status ln__json_skip(struct ln_reader *r, struct ln_json_skip *s)
{
    do {
        uint8_t c = 0;
        if (!s->in_string) {
            TRY(ln__json_peek(r, &c));
            TRY(skip_token(r, s, c));
        }
        if (s->in_string)
            TRY(skip_string(r, s));
    } while (s->depth > 0);
    return LN_OK;
}

/* ---- writing ---- */

static void put_escape(struct ln_window *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        ln__window_byte(out, '\\');
        ln__window_byte(out, c);
        return;
    }
    ln__window_text(out, "\\u00");
    ln__window_byte(out, (uint8_t)hex[c >> 4]);
    ln__window_byte(out, (uint8_t)hex[c & 0x0f]);
}

void ln__json_put_escaped(struct ln_window *out, struct ln_span bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        size_t plain = count_plain(ln_span(bytes.data + at, bytes.len - at));
        ln__window_put(out, bytes.data + at, plain);
        at += plain;
        if (at < bytes.len)
            put_escape(out, bytes.data[at++]);
    }
}
