/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CURSOR_H
#define LN_CURSOR_H
/**
 * @file cursor.h
 * Reading bytes that a stranger sent: a cursor over a span that cannot overrun.
 *
 * Every read is checked before the cursor moves: it takes all it was asked for and returns LN_OK,
 * or takes nothing, leaves its result alone and returns LN_BAD_PEER. Integers are big-endian, as
 * everywhere on the wire. Copying a cursor is looking ahead.
 *
 * A cursor borrows the bytes of its span; so do the spans that it hands out.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

struct ln_cursor {
    struct ln_span left; /**< what was not read yet */
};

static inline struct ln_cursor ln__cursor(struct ln_span in)
{
    struct ln_cursor c = { in };
    return c;
}

/** How many bytes are left. */
static inline size_t ln__cursor_left(const struct ln_cursor *c)
{
    return c->left.len;
}

static inline bool ln__cursor_is_empty(const struct ln_cursor *c)
{
    return c->left.len == 0;
}

/** The next `len` bytes. */
LN_MUST_USE static inline enum ln_status ln__cursor_take(struct ln_cursor *c, size_t len,
                                                         struct ln_span *out)
{
    if (len > c->left.len)
        return LN_BAD_PEER;
    *out = ln_span(c->left.data, len);
    if (len > 0) /* {NULL, 0} is a span too, and NULL + 0 is not defined in C */
        c->left = ln_span(c->left.data + len, c->left.len - len);
    return LN_OK;
}

LN_MUST_USE static inline enum ln_status ln__cursor_skip(struct ln_cursor *c, size_t len)
{
    struct ln_span skipped;
    return ln__cursor_take(c, len, &skipped);
}

/** All that is left; the cursor is empty afterwards. */
static inline struct ln_span ln__cursor_rest(struct ln_cursor *c)
{
    struct ln_span rest = c->left;
    if (rest.len > 0)
        c->left = ln_span(rest.data + rest.len, 0);
    return rest;
}

/** An unsigned integer of 1 to 4 bytes. */
LN_MUST_USE static inline enum ln_status ln__cursor_uint(struct ln_cursor *c, size_t bytes,
                                                         uint32_t *out)
{
    struct ln_span part;
    if (bytes > sizeof *out || ln__cursor_take(c, bytes, &part) != LN_OK)
        return LN_BAD_PEER;
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | part.data[i];
    *out = value;
    return LN_OK;
}

LN_MUST_USE static inline enum ln_status ln__cursor_u8(struct ln_cursor *c, uint8_t *out)
{
    uint32_t value = 0;
    enum ln_status st = ln__cursor_uint(c, 1, &value);
    if (st == LN_OK)
        *out = (uint8_t)value;
    return st;
}

LN_MUST_USE static inline enum ln_status ln__cursor_u16(struct ln_cursor *c, uint16_t *out)
{
    uint32_t value = 0;
    enum ln_status st = ln__cursor_uint(c, 2, &value);
    if (st == LN_OK)
        *out = (uint16_t)value;
    return st;
}

LN_MUST_USE static inline enum ln_status ln__cursor_u24(struct ln_cursor *c, uint32_t *out)
{
    return ln__cursor_uint(c, 3, out);
}

LN_MUST_USE static inline enum ln_status ln__cursor_u32(struct ln_cursor *c, uint32_t *out)
{
    return ln__cursor_uint(c, 4, out);
}

/** A vector as TLS writes it: a length of 1 to 3 bytes, then that many bytes. All or nothing. */
LN_MUST_USE static inline enum ln_status ln__cursor_vector(struct ln_cursor *c, size_t length_bytes,
                                                           struct ln_span *out)
{
    struct ln_cursor ahead = *c;
    uint32_t len = 0;
    if (ln__cursor_uint(&ahead, length_bytes, &len) != LN_OK ||
        ln__cursor_take(&ahead, len, out) != LN_OK)
        return LN_BAD_PEER;
    *c = ahead;
    return LN_OK;
}

#endif
