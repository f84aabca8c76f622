/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_COMPOSER_H
#define LN_CODEC_COMPOSER_H
/**
 * @file composer.h
 * Writing into room that may be too small: what does not fit is counted and not written.
 *
 * A piece is written whole or not at all, and behind one that did not fit the bytes mean nothing;
 * ln__composer_end() tells which it is.
 */
#include <linnet/span.h>
#include <linnet/status.h>

struct ln__composer {
    struct ln_mspan room;
    size_t len; /**< needed so far, also beyond the room */
};

static inline struct ln__composer ln__composer(struct ln_mspan room)
{
    struct ln__composer w = { room, 0 };
    return w;
}

static inline void ln__compose(struct ln__composer *w, struct ln_span bytes)
{
    if (bytes.len > 0 && w->len <= w->room.len && bytes.len <= w->room.len - w->len)
        memcpy(w->room.data + w->len, bytes.data, bytes.len);
    w->len += bytes.len;
}

static inline void ln__compose_text(struct ln__composer *w, const char *text)
{
    ln__compose(w, ln_span_str(text));
}

/** In decimal digits. */
static inline void ln__compose_number(struct ln__composer *w, uint64_t number)
{
    uint8_t digits[20]; /* those of UINT64_MAX */
    size_t i = sizeof digits;
    do {
        digits[--i] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    ln__compose(w, ln_span(digits + i, sizeof digits - i));
}

/** @param len  what is needed. @retval LN_NO_SPACE  it did not fit */
LN_MUST_USE static inline enum ln_status ln__composer_end(const struct ln__composer *w, size_t *len)
{
    *len = w->len;
    return w->len <= w->room.len ? LN_OK : LN_NO_SPACE;
}

#endif
