/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_WRITER_H
#define LN_CODEC_WRITER_H
/**
 * @file writer.h
 * Writing into room that may be too small: what does not fit is counted and not written.
 *
 * A piece is written whole or not at all, and behind one that did not fit the bytes mean nothing;
 * ln__writer_end() tells which it is.
 */
#include <linnet/span.h>
#include <linnet/status.h>

struct ln__writer {
    struct ln_mspan room;
    size_t len; /**< needed so far, also beyond the room */
};

static inline struct ln__writer ln__writer(struct ln_mspan room)
{
    struct ln__writer w = { room, 0 };
    return w;
}

static inline void ln__write(struct ln__writer *w, struct ln_span bytes)
{
    if (bytes.len > 0 && w->len <= w->room.len && bytes.len <= w->room.len - w->len)
        memcpy(w->room.data + w->len, bytes.data, bytes.len);
    w->len += bytes.len;
}

static inline void ln__write_text(struct ln__writer *w, const char *text)
{
    ln__write(w, ln_span_str(text));
}

/** In decimal digits. */
static inline void ln__write_number(struct ln__writer *w, uint64_t number)
{
    uint8_t digits[20]; /* those of UINT64_MAX */
    size_t i = sizeof digits;
    do {
        digits[--i] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    ln__write(w, ln_span(digits + i, sizeof digits - i));
}

/** @param len  what is needed. @retval LN_NO_SPACE  it did not fit */
LN_MUST_USE static inline enum ln_status ln__writer_end(const struct ln__writer *w, size_t *len)
{
    *len = w->len;
    return w->len <= w->room.len ? LN_OK : LN_NO_SPACE;
}

#endif
