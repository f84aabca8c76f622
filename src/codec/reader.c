/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reader.c
 * Contract: format.h and reader.h. What all readers share: the seam between two pieces of a
 * payload, values of any length, and the states in which a call is legal.
 *
 * The seam is a small buffer. What lies across it is copied there until it is whole; all else is
 * read where it stands.
 */
#include "codec/reader.h"

#include "base/try.h"
#include "base/utf8.h"

/* ---- bytes ---- */

enum ln_status ln__reader_peek(struct ln_reader *r, size_t want, struct ln_span *out)
{
    if (r->carried == 0 && want <= r->in.len) {
        *out = ln_span(r->in.data, want);
        return LN_OK;
    }
    while (r->carried < want && r->carried < LN_READER_CARRY && r->in.len > 0) {
        r->carry[r->carried++] = r->in.data[0];
        r->in = ln_span(r->in.data + 1, r->in.len - 1);
    }
    if (r->carried < want)
        return r->last || want > LN_READER_CARRY ? LN_BAD_PEER : LN_AGAIN;
    *out = ln_span(r->carry, want);
    return LN_OK;
}

enum ln_status ln__reader_peek_left(struct ln_reader *r, struct ln_span *out)
{
    if (r->left == LN_LENGTH_UNKNOWN && r->last)
        r->left = ln__reader_rest(r);
    if (r->left != LN_LENGTH_UNKNOWN)
        return r->left > LN_READER_CARRY ? LN_BAD_PEER : ln__reader_peek(r, r->left, out);
    /* how long it is, the next piece will tell: keep what is here */
    size_t here = r->carried + r->in.len;
    if (here > LN_READER_CARRY)
        return LN_BAD_PEER;
    if (r->in.len > 0)
        memcpy(r->carry + r->carried, r->in.data, r->in.len);
    r->in = ln_span(NULL, 0);
    r->carried = (uint8_t)here;
    return LN_AGAIN;
}

void ln__reader_drop(struct ln_reader *r, size_t len)
{
    size_t carried = len < r->carried ? len : r->carried;
    if (carried > 0) {
        r->carried = (uint8_t)(r->carried - carried);
        memmove(r->carry, r->carry + carried, r->carried);
    }
    len -= carried;
    if (len > 0 && len <= r->in.len)
        r->in = ln_span(r->in.data + len, r->in.len - len);
}

enum ln_status ln__reader_some(struct ln_reader *r, size_t max, struct ln_span *out)
{
    struct ln_span here = r->carried > 0 ? ln_span(r->carry, r->carried) : r->in;
    if (here.len == 0)
        return r->last ? LN_BAD_PEER : LN_AGAIN;
    if (here.len > max)
        here.len = max;
    *out = here;
    if (r->carried == 0) {
        r->in = ln_span(r->in.data + here.len, r->in.len - here.len);
        return LN_OK;
    }
    /* drop would move the rest over what is handed out: that goes to the end of the buffer */
    uint8_t bytes[LN_READER_CARRY];
    memcpy(bytes, here.data, here.len);
    ln__reader_drop(r, here.len);
    memcpy(r->carry + (LN_READER_CARRY - here.len), bytes, here.len);
    *out = ln_span(r->carry + (LN_READER_CARRY - here.len), here.len);
    return LN_OK;
}

enum ln_status ln__reader_at_end(const struct ln_reader *r, bool *end)
{
    if (r->carried == 0 && r->in.len == 0 && !r->last)
        return LN_AGAIN;
    *end = r->carried == 0 && r->in.len == 0;
    return LN_OK;
}

size_t ln__reader_rest(const struct ln_reader *r)
{
    return r->last ? r->carried + r->in.len : LN_LENGTH_UNKNOWN;
}

enum ln_status ln__reader_skip(struct ln_reader *r)
{
    struct ln_span skipped;
    for (;;) {
        if (r->left == LN_LENGTH_UNKNOWN) {
            bool end = false;
            TRY(ln__reader_at_end(r, &end));
            r->left = end ? 0 : LN_LENGTH_UNKNOWN;
        }
        if (r->left == 0)
            return LN_OK;
        TRY(ln__reader_some(r, r->left, &skipped));
        if (r->left != LN_LENGTH_UNKNOWN)
            r->left -= skipped.len;
    }
}

enum ln_status ln__reader_raw_piece(struct ln_reader *r, enum ln_value_type type,
                                    struct ln_mspan room, struct ln_span *out)
{
    (void)type;
    (void)room;
    struct ln_span piece = ln_span(NULL, 0);
    if (r->left == LN_LENGTH_UNKNOWN) /* to the end of the payload, which may be right here */
        r->left = ln__reader_rest(r);
    if (r->left > 0)
        TRY(ln__reader_some(r, r->left, &piece));
    if (r->left != LN_LENGTH_UNKNOWN)
        r->left -= piece.len;
    *out = piece;
    return LN_OK;
}

/* One character is decoded on a copy, and read only if the room takes what it makes. */
enum ln_status ln__reader_base64(struct ln_reader *r, struct ln_base64_text *text,
                                 ln__reader_peek_char *peek, struct ln_mspan room,
                                 struct ln_span *out)
{
    size_t len = 0;
    bool end = false;
    r->left = LN_LENGTH_UNKNOWN; /* its end will show */
    while (!end) {
        struct ln_base64_text next = *text;
        uint8_t bytes[3];
        uint8_t c = 0;
        size_t raw = 0;
        size_t made = 0;
        enum ln_status st = peek(r, &c, &raw, &end);
        if (st == LN_AGAIN && len > 0)
            break;
        TRY(st);
        TRY(end ? ln__base64_end(&next, LN_BASE64_ANY, bytes, &made)
                : ln__base64_next(&next, LN_BASE64_ANY, c, bytes, &made));
        if (made > room.len - len && len == 0)
            return LN_NO_SPACE;
        if (made > room.len - len)
            break;
        if (made > 0)
            memcpy(room.data + len, bytes, made);
        len += made;
        *text = next;
        ln__reader_drop(r, raw);
        if (end)
            r->left = 0;
    }
    *out = ln_span(room.data, len);
    return LN_OK;
}

/* ---- the calls ---- */

enum ln_status ln__reader_init(struct ln_reader *r, const struct ln_format *format,
                               const struct ln_path *path)
{
    memset(r, 0, sizeof *r);
    r->format = format;
    r->base = *path;
    r->hungry = true;
    if ((format->traits & LN_FORMAT_READS) == 0)
        return LN_UNSUPPORTED;
    if ((format->traits & LN_FORMAT_SINGLE) != 0 && path->levels < LN_LEVEL_RESOURCE)
        return LN_UNSUPPORTED;
    return format->read_begin != NULL ? format->read_begin(r) : LN_OK;
}

enum ln_status ln__reader_feed(struct ln_reader *r, struct ln_span piece, bool last)
{
    if (!r->hungry || r->last)
        return LN_BAD_STATE;
    r->in = piece;
    r->last = last;
    r->hungry = false;
    return LN_OK;
}

/* Every result passes here. */
static enum ln_status result(struct ln_reader *r, enum ln_status st)
{
    if (st == LN_AGAIN)
        r->hungry = true;
    return st;
}

enum ln_status ln__reader_next(struct ln_reader *r, struct ln_entry *out)
{
    struct ln_entry entry = { .length = 0 };
    if (r->failed != LN_OK)
        return r->failed;
    r->in_value = false;
    r->pieced = false;
    r->taken = 0;
    enum ln_status st = r->hungry ? LN_AGAIN : r->format->read_next(r, &entry);
    if (st != LN_OK && st != LN_AGAIN)
        r->failed = st;
    if (st != LN_OK)
        return result(r, st);
    r->in_value = entry.kind == LN_ENTRY_VALUE;
    *out = entry;
    return LN_OK;
}

/* All bytes of the value in one piece: where they stand, or in the room. */
static enum ln_status gather(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                             struct ln_span *out)
{
    for (;;) {
        struct ln_span piece;
        struct ln_mspan tail = ln_mspan(NULL, 0);
        if (r->taken < room.len)
            tail = ln_mspan(room.data + r->taken, room.len - r->taken);
        bool stands = r->carried == 0; /* what is carried does not stay where it is */
        TRY(r->format->read_piece(r, type, tail, &piece));
        if (stands && r->taken == 0 && r->left == 0) {
            *out = piece;
            return LN_OK;
        }
        if (piece.len > tail.len)
            return LN_NO_SPACE;
        if (piece.len > 0 && piece.data != tail.data)
            memcpy(tail.data, piece.data, piece.len);
        r->taken += piece.len;
        if (r->left == 0) {
            *out = ln_span(room.data, r->taken);
            return LN_OK;
        }
    }
}

/* A NUL is UTF-8, but would cut the string in every program written in C. */
static bool is_text(struct ln_span bytes)
{
    return ln__utf8_is_valid(bytes) && (bytes.len == 0 || memchr(bytes.data, 0, bytes.len) == NULL);
}

static enum ln_status take_bytes(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                 struct ln_value *out)
{
    struct ln_span bytes;
    TRY(gather(r, type, room, &bytes));
    if (type != LN_VALUE_OPAQUE && !is_text(bytes))
        return LN_BAD_PEER;
    *out = ln_value_bytes(type, bytes);
    return LN_OK;
}

enum ln_status ln__reader_value(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                struct ln_value *out)
{
    if (!r->in_value || r->failed != LN_OK)
        return r->failed != LN_OK ? r->failed : LN_BAD_STATE;
    if (r->hungry)
        return LN_AGAIN;
    if (type == LN_VALUE_NONE)
        type = r->native;
    enum ln_status st = ln_value_type_is_bytes(type) ? take_bytes(r, type, room, out)
                                                     : r->format->read_scalar(r, type, out);
    r->in_value = st == LN_AGAIN;
    return result(r, st);
}

enum ln_status ln__reader_piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                struct ln_span *out)
{
    struct ln_span piece = ln_span(NULL, 0);
    if (!r->in_value || r->failed != LN_OK)
        return r->failed != LN_OK ? r->failed : LN_BAD_STATE;
    if (!ln_value_type_is_bytes(type))
        return LN_BAD_STATE;
    if (r->hungry)
        return LN_AGAIN;
    bool ended = r->pieced && r->left == 0; /* the first call tells whether the type is right */
    enum ln_status st = ended ? LN_OK : r->format->read_piece(r, type, room, &piece);
    if (st == LN_OK) {
        r->pieced = true;
        *out = piece;
    } else if (st != LN_AGAIN) {
        r->in_value = false;
    }
    return result(r, st);
}
