/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_WINDOW_H
#define LN_CODEC_WINDOW_H
/**
 * @file window.h
 * Output of which only a part is wanted: bytes before and behind the window are counted and not
 * stored. Writing the same again through the next window gives the next part.
 */
#include <linnet/span.h>
#include <stdbool.h>
#include <string.h>

struct ln_window {
    struct ln_mspan room; /**< borrowed; empty to measure only */
    size_t skip;          /**< bytes of the output before the room */
    size_t at;            /**< bytes of the output so far */
};

static inline struct ln_window ln__window(struct ln_mspan room, size_t skip)
{
    struct ln_window w = { room, skip, 0 };
    return w;
}

/** What ln__window_put() does where the bytes do not lie in the window as a whole. */
void ln__window_put_part(struct ln_window *w, const void *data, size_t len);

/** Append; what lies outside the window is counted only. */
static inline void ln__window_put(struct ln_window *w, const void *data, size_t len)
{
    size_t in = w->at - w->skip; /* wraps before the window: then nothing fits */
    if (in > w->room.len || len > w->room.len - in) {
        ln__window_put_part(w, data, len);
        return;
    }
    if (len > 0)
        memcpy(w->room.data + in, data, len);
    w->at += len;
}

/** Room for `most` bytes at the end, to be written there and counted by adding to `at`; NULL if so many
 *  do not lie in the window. What is written and not counted is written over later. */
static inline uint8_t *ln__window_room(const struct ln_window *w, size_t most)
{
    size_t in = w->at - w->skip;
    return in <= w->room.len && most <= w->room.len - in ? w->room.data + in : NULL;
}

/** Append the characters of a text. */
void ln__window_text(struct ln_window *w, const char *text);

/** Append one byte. */
static inline void ln__window_byte(struct ln_window *w, uint8_t byte)
{
    if (w->at >= w->skip && w->at - w->skip < w->room.len)
        w->room.data[w->at - w->skip] = byte;
    w->at++;
}

/**
 * Make room of `by` bytes at `where`, which must not lie before the window: what was written
 * there and behind moves. The new bytes are not set.
 */
void ln__window_shift(struct ln_window *w, size_t where, size_t by);

/** Write over bytes that are there already; those outside the window are left alone. */
void ln__window_patch(struct ln_window *w, size_t where, const uint8_t *data, size_t len);

/** What is in the window. */
static inline struct ln_span ln__window_bytes(const struct ln_window *w)
{
    size_t len = w->at > w->skip ? w->at - w->skip : 0;
    return ln_span(w->room.data, len < w->room.len ? len : w->room.len);
}

/** Whether something lies behind it. */
static inline bool ln__window_has_more(const struct ln_window *w)
{
    return w->at > w->skip && w->at - w->skip > w->room.len;
}

#endif
