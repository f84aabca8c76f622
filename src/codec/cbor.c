/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cbor.c
 * Contract: cbor.h, but for the format table, which is in cbor_single.c.
 */
#include "codec/cbor.h"

#include "base/try.h"
#include "codec/ieee.h"
#include "codec/objlnk.h"
#include "codec/reader.h"

/* RFC 8949 3: the five bits behind the major type. */
#define INFO_BYTES_1 24u
#define INFO_BYTES_8 27u
#define INFO_INDEFINITE 31u

/* RFC 8949 3.3: of major type 7 */
#define SIMPLE_FALSE 20u
#define SIMPLE_TRUE 21u
#define SIMPLE_NULL 22u
#define FLOAT_16 25u
#define FLOAT_32 26u
#define FLOAT_64 27u

/* RFC 8949 3.4 */
#define TAG_TIME 1u
#define TAG_DECIMAL_FRACTION 4u

/* ---- heads ---- */

/* Strings and containers may have no length, the break never has one. */
static bool may_be_indefinite(enum ln_cbor_major major)
{
    return (major >= LN_CBOR_BYTES && major <= LN_CBOR_MAP) || major == LN_CBOR_SIMPLE;
}

enum ln_status ln__cbor_peek(struct ln_reader *r, size_t offset, struct ln_cbor_head *out)
{
    struct ln_span bytes;
    struct ln_cbor_head head = { .size = 1 };
    TRY(ln__reader_peek(r, offset + 1, &bytes));
    uint8_t first = bytes.data[offset];
    head.major = (enum ln_cbor_major)(first >> 5);
    head.info = first & 0x1f;
    if (head.info < INFO_BYTES_1) {
        head.value = head.info;
    } else if (head.info <= INFO_BYTES_8) {
        head.size = 1 + ((size_t)1 << (head.info - INFO_BYTES_1));
        TRY(ln__reader_peek(r, offset + head.size, &bytes));
        for (size_t i = 1; i < head.size; i++)
            head.value = head.value << 8 | bytes.data[offset + i];
    } else {
        head.indefinite = head.info == INFO_INDEFINITE && may_be_indefinite(head.major);
        if (!head.indefinite)
            return LN_BAD_PEER;
    }
    *out = head;
    return LN_OK;
}

/* ---- containers ---- */

enum ln_status ln__cbor_open(struct ln_reader *r, enum ln_cbor_major major, uint32_t *items)
{
    struct ln_cbor_head head;
    TRY(ln__cbor_peek(r, 0, &head));
    if (head.major != major || (!head.indefinite && head.value >= LN_CBOR_UNTIL_BREAK))
        return LN_BAD_PEER;
    *items = head.indefinite ? LN_CBOR_UNTIL_BREAK : (uint32_t)head.value;
    ln__reader_drop(r, head.size);
    return LN_OK;
}

enum ln_status ln__cbor_at_end(struct ln_reader *r, uint32_t *items, bool *end)
{
    struct ln_cbor_head head;
    if (*items == LN_CBOR_UNTIL_BREAK) {
        TRY(ln__cbor_peek(r, 0, &head));
        if (ln__cbor_is_break(&head)) {
            ln__reader_drop(r, head.size);
            *items = 0;
        }
    }
    *end = *items == 0;
    return LN_OK;
}

/* ---- values ---- */

static bool is_integer(const struct ln_cbor_head *head)
{
    return head->major == LN_CBOR_UNSIGNED || head->major == LN_CBOR_NEGATIVE;
}

/* -1 - value; that of the last one does not fit, and is a double. */
static struct ln_number number_of(const struct ln_cbor_head *head)
{
    if (head->major == LN_CBOR_UNSIGNED)
        return ln__number_from_integer(false, head->value);
    if (head->value == UINT64_MAX)
        return ln__number_from_float(-18446744073709551616.0);
    return ln__number_from_integer(true, head->value + 1);
}

static enum ln_status read_simple(const struct ln_cbor_head *head, struct ln_item *item)
{
    item->kind = LN_ITEM_NUMBER;
    switch (head->info) {
    case SIMPLE_FALSE:
    case SIMPLE_TRUE:
        item->kind = LN_ITEM_BOOLEAN;
        item->boolean = head->info == SIMPLE_TRUE;
        return LN_OK;
    case SIMPLE_NULL:
        item->kind = LN_ITEM_NULL;
        return LN_OK;
    case FLOAT_16:
        item->number = ln__number_from_float(ln__ieee_from16((uint16_t)head->value));
        return LN_OK;
    case FLOAT_32:
        item->number = ln__number_from_float(ln__ieee_from32((uint32_t)head->value));
        return LN_OK;
    case FLOAT_64:
        item->number = ln__number_from_float(ln__ieee_from64(head->value));
        return LN_OK;
    default: /* not an enumeration: all the numbers there are */
        return LN_BAD_PEER;
    }
}

/* [exponent, mantissa] behind the tag, RFC 8949 3.4.4. */
static enum ln_status read_fraction(struct ln_reader *r, size_t *at, struct ln_item *item)
{
    struct ln_cbor_head array;
    struct ln_cbor_head exponent;
    struct ln_cbor_head mantissa;
    struct ln_value power;
    TRY(ln__cbor_peek(r, *at, &array));
    if (array.major != LN_CBOR_ARRAY || array.indefinite || array.value != 2)
        return LN_BAD_PEER;
    TRY(ln__cbor_peek(r, *at + array.size, &exponent));
    TRY(ln__cbor_peek(r, *at + array.size + exponent.size, &mantissa));
    struct ln_number number = number_of(&exponent);
    struct ln_number digits = number_of(&mantissa);
    if (!is_integer(&exponent) || !is_integer(&mantissa) || digits.is_float)
        return LN_BAD_PEER;
    TRY(ln__number_to_value(&number, LN_VALUE_INTEGER, &power));
    if (power.as.integer > 9999 || power.as.integer < -9999)
        return LN_BAD_PEER;
    struct ln_decimal d =
        ln__decimal_make(digits.negative, digits.magnitude, (int32_t)power.as.integer);
    TRY(ln__number_from_decimal(&d, &item->number));
    item->kind = LN_ITEM_NUMBER;
    *at += array.size + exponent.size + mantissa.size;
    return LN_OK;
}

/* Strings: what follows the head is read later. */
static enum ln_status begin_string(struct ln_reader *r, const struct ln_cbor_head *head, size_t at,
                                   struct ln_cbor_value *v)
{
    v->item.kind = head->major == LN_CBOR_TEXT ? LN_ITEM_TEXT : LN_ITEM_BYTES;
    v->chunked = head->indefinite;
    size_t rest = ln__reader_rest(r);
    if (rest != LN_LENGTH_UNKNOWN)
        rest -= at;
    if (!head->indefinite && (head->value > rest || head->value >= LN_LENGTH_UNKNOWN))
        return LN_BAD_PEER;
    r->left = head->indefinite ? LN_LENGTH_UNKNOWN : (size_t)head->value;
    return LN_OK;
}

/* All that has no bytes behind it, from `at` on. */
static enum ln_status read_plain(struct ln_reader *r, const struct ln_cbor_head *head, size_t *at,
                                 struct ln_item *item)
{
    *at += head->size;
    if (is_integer(head)) {
        item->kind = LN_ITEM_NUMBER;
        item->number = number_of(head);
        return LN_OK;
    }
    if (head->major == LN_CBOR_SIMPLE)
        return read_simple(head, item);
    if (head->major == LN_CBOR_TAG && head->value == TAG_DECIMAL_FRACTION)
        return read_fraction(r, at, item);
    return LN_BAD_PEER;
}

enum ln_status ln__cbor_begin(struct ln_reader *r, struct ln_cbor_value *out)
{
    struct ln_cbor_value v = { .chunked = false };
    struct ln_cbor_head head;
    size_t at = 0;
    TRY(ln__cbor_peek(r, 0, &head));
    v.item.is_time = head.major == LN_CBOR_TAG && head.value == TAG_TIME;
    if (v.item.is_time) {
        at = head.size;
        TRY(ln__cbor_peek(r, at, &head));
    }
    if (!v.item.is_time && (head.major == LN_CBOR_TEXT || head.major == LN_CBOR_BYTES)) {
        at = head.size;
        TRY(begin_string(r, &head, at, &v));
    } else {
        TRY(read_plain(r, &head, &at, &v.item));
        r->left = 0;
    }
    if (v.item.is_time && v.item.kind != LN_ITEM_NUMBER)
        return LN_BAD_PEER;
    ln__reader_drop(r, at);
    r->native = ln__item_native(&v.item);
    *out = v;
    return LN_OK;
}

static enum ln_status read_link(struct ln_reader *r, const struct ln_cbor_value *v,
                                struct ln_value *out)
{
    struct ln_span text;
    struct ln_value value = ln_value_objlnk(0, 0);
    if (v->item.kind != LN_ITEM_TEXT || v->chunked)
        return LN_BAD_PEER;
    TRY(ln__reader_peek_left(r, &text));
    TRY(ln__objlnk_read(text, &value.as.link));
    ln__reader_drop(r, r->left);
    r->left = 0;
    *out = value;
    return LN_OK;
}

enum ln_status ln__cbor_scalar(struct ln_reader *r, struct ln_cbor_value *v,
                               enum ln_value_type type, struct ln_value *out)
{
    return type == LN_VALUE_OBJLNK ? read_link(r, v, out) : ln__item_to_value(&v->item, type, out);
}

/* The head of the next chunk that has bytes, or the break. Each turn reads a head, so it ends. */
static enum ln_status next_chunk(struct ln_reader *r, struct ln_cbor_value *v)
{
    enum ln_cbor_major major = v->item.kind == LN_ITEM_TEXT ? LN_CBOR_TEXT : LN_CBOR_BYTES;
    while (v->chunk_left == 0) {
        struct ln_cbor_head head;
        TRY(ln__cbor_peek(r, 0, &head));
        if (ln__cbor_is_break(&head)) {
            ln__reader_drop(r, head.size);
            r->left = 0;
            return LN_OK;
        }
        if (head.major != major || head.indefinite || head.value >= LN_LENGTH_UNKNOWN)
            return LN_BAD_PEER;
        ln__reader_drop(r, head.size);
        v->chunk_left = (size_t)head.value;
    }
    return LN_OK;
}

static enum ln_status read_chunk(struct ln_reader *r, struct ln_cbor_value *v, struct ln_span *out)
{
    TRY(next_chunk(r, v));
    if (r->left == 0) {
        *out = ln_span(NULL, 0);
        return LN_OK;
    }
    TRY(ln__reader_some(r, v->chunk_left, out));
    v->chunk_left -= out->len;
    return LN_OK;
}

enum ln_status ln__cbor_piece(struct ln_reader *r, struct ln_cbor_value *v, enum ln_value_type type,
                              struct ln_span *out)
{
    enum ln_item_kind want = type == LN_VALUE_OPAQUE ? LN_ITEM_BYTES : LN_ITEM_TEXT;
    if (v->item.kind != want)
        return LN_BAD_PEER;
    if (v->chunked)
        return read_chunk(r, v, out);
    return ln__reader_raw_piece(r, type, ln_mspan(NULL, 0), out);
}

enum ln_status ln__cbor_finish(struct ln_reader *r, struct ln_cbor_value *v)
{
    struct ln_span skipped;
    while (v->chunked && r->left > 0)
        TRY(read_chunk(r, v, &skipped));
    return ln__reader_skip(r);
}

/* ---- skipping ---- */

/* How many items follow a head, or LN_CBOR_UNTIL_BREAK. */
static enum ln_status count_items(const struct ln_cbor_head *head, uint32_t *out)
{
    uint64_t each = head->major == LN_CBOR_MAP ? 2 : 1;
    if (head->major == LN_CBOR_TAG) {
        *out = 1;
        return LN_OK;
    }
    if (!head->indefinite && head->value >= LN_CBOR_UNTIL_BREAK / each)
        return LN_BAD_PEER;
    *out = head->indefinite ? LN_CBOR_UNTIL_BREAK : (uint32_t)(head->value * each);
    return LN_OK;
}

/* Whether an item may stand here. In a string of chunks it would have to be one; who skips does
 * not care for that. */
static enum ln_status enter_item(struct ln_cbor_skip *s, const struct ln_cbor_head *head)
{
    bool is_string = head->major == LN_CBOR_BYTES || head->major == LN_CBOR_TEXT;
    bool is_container =
        head->major == LN_CBOR_ARRAY || head->major == LN_CBOR_MAP || head->major == LN_CBOR_TAG;
    if (s->depth > 0 && s->items[s->depth - 1] != LN_CBOR_UNTIL_BREAK)
        s->items[s->depth - 1]--;
    if (is_container || (is_string && head->indefinite)) {
        if (s->depth == LN_CBOR_DEPTH_MAX)
            return LN_BAD_PEER;
        TRY(count_items(head, &s->items[s->depth]));
        s->depth++;
    } else if (is_string) {
        if (head->value >= LN_LENGTH_UNKNOWN)
            return LN_BAD_PEER;
        s->bytes = (size_t)head->value;
    }
    return LN_OK;
}

static enum ln_status leave_at_break(struct ln_cbor_skip *s)
{
    if (s->depth == 0 || s->items[s->depth - 1] != LN_CBOR_UNTIL_BREAK)
        return LN_BAD_PEER;
    s->depth--;
    return LN_OK;
}

/* Each turn reads a head or bytes, so it ends. */
enum ln_status ln__cbor_skip(struct ln_reader *r, struct ln_cbor_skip *s)
{
    for (;;) {
        struct ln_cbor_head head;
        struct ln_span skipped;
        while (s->bytes > 0) {
            TRY(ln__reader_some(r, s->bytes, &skipped));
            s->bytes -= skipped.len;
        }
        while (s->depth > 0 && s->items[s->depth - 1] == 0)
            s->depth--;
        if (s->begun && s->depth == 0) {
            s->begun = false;
            return LN_OK;
        }
        TRY(ln__cbor_peek(r, 0, &head));
        struct ln_cbor_skip next = *s;
        TRY(ln__cbor_is_break(&head) ? leave_at_break(&next) : enter_item(&next, &head));
        next.begun = true;
        *s = next;
        ln__reader_drop(r, head.size);
    }
}

/* ---- writing ---- */

static void put_sized(struct ln_window *out, enum ln_cbor_major major, unsigned info,
                      uint64_t value, size_t size)
{
    uint8_t bytes[9];
    bytes[0] = (uint8_t)((unsigned)major << 5 | info);
    for (size_t i = 0; i < size; i++)
        bytes[1 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    ln__window_put(out, bytes, 1 + size);
}

void ln__cbor_put_head(struct ln_window *out, enum ln_cbor_major major, uint64_t value)
{
    if (value < INFO_BYTES_1)
        put_sized(out, major, (unsigned)value, 0, 0);
    else if (value <= UINT8_MAX)
        put_sized(out, major, INFO_BYTES_1, value, 1);
    else if (value <= UINT16_MAX)
        put_sized(out, major, INFO_BYTES_1 + 1, value, 2);
    else if (value <= UINT32_MAX)
        put_sized(out, major, INFO_BYTES_1 + 2, value, 4);
    else
        put_sized(out, major, INFO_BYTES_8, value, 8);
}

void ln__cbor_put_open(struct ln_window *out, enum ln_cbor_major major)
{
    put_sized(out, major, INFO_INDEFINITE, 0, 0);
}

void ln__cbor_put_break(struct ln_window *out)
{
    put_sized(out, LN_CBOR_SIMPLE, INFO_INDEFINITE, 0, 0);
}

void ln__cbor_put_int(struct ln_window *out, int64_t value)
{
    if (value >= 0)
        ln__cbor_put_head(out, LN_CBOR_UNSIGNED, (uint64_t)value);
    else
        ln__cbor_put_head(out, LN_CBOR_NEGATIVE, (uint64_t)(-1 - value));
}

void ln__cbor_put_double(struct ln_window *out, double value)
{
    uint16_t half = 0;
    uint32_t single = 0;
    if (ln__ieee_to16(value, &half))
        put_sized(out, LN_CBOR_SIMPLE, FLOAT_16, half, 2);
    else if (ln__ieee_to32(value, &single))
        put_sized(out, LN_CBOR_SIMPLE, FLOAT_32, single, 4);
    else
        put_sized(out, LN_CBOR_SIMPLE, FLOAT_64, ln__ieee_bits64(value), 8);
}

void ln__cbor_put_text(struct ln_window *out, const char *text, size_t len)
{
    ln__cbor_put_head(out, LN_CBOR_TEXT, len);
    ln__window_put(out, text, len);
}

static void put_link(struct ln_window *out, struct ln_objlnk link)
{
    char text[LN_OBJLNK_ROOM];
    ln__cbor_put_text(out, text, ln__objlnk_write(link, text));
}

bool ln__cbor_put_value(struct ln_window *out, const struct ln_value *value, bool tagged)
{
    switch (value->type) {
    case LN_VALUE_NONE:
        put_sized(out, LN_CBOR_SIMPLE, SIMPLE_NULL, 0, 0);
        return true;
    case LN_VALUE_INTEGER:
        ln__cbor_put_int(out, value->as.integer);
        return true;
    case LN_VALUE_TIME:
        if (tagged)
            ln__cbor_put_head(out, LN_CBOR_TAG, TAG_TIME);
        ln__cbor_put_int(out, value->as.integer);
        return true;
    case LN_VALUE_UNSIGNED:
        ln__cbor_put_head(out, LN_CBOR_UNSIGNED, value->as.natural);
        return true;
    case LN_VALUE_FLOAT:
        ln__cbor_put_double(out, value->as.number);
        return true;
    case LN_VALUE_BOOLEAN:
        put_sized(out, LN_CBOR_SIMPLE, value->as.boolean ? SIMPLE_TRUE : SIMPLE_FALSE, 0, 0);
        return true;
    case LN_VALUE_OBJLNK:
        put_link(out, value->as.link);
        return true;
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        break;
    }
    return false;
}
