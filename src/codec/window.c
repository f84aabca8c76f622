/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file window.c
 * Contract: window.h. Positions are those of the output; the part of a range that is in the window
 * is worked out in one place, clip().
 */
#include "codec/window.h"

/* Of `len` bytes at `where`: how many lie before the window, and how many in it behind those. */
static size_t clip(const struct ln_window *w, size_t where, size_t len, size_t *before)
{
    size_t cut = where < w->skip ? w->skip - where : 0;
    *before = cut < len ? cut : len;
    size_t start = where + *before;
    size_t room =
        start >= w->skip && start - w->skip < w->room.len ? w->room.len - (start - w->skip) : 0;
    size_t left = len - *before;
    return left < room ? left : room;
}

static void store(struct ln_window *w, size_t where, const uint8_t *data, size_t len)
{
    size_t before = 0;
    size_t fits = clip(w, where, len, &before);
    if (fits > 0)
        memcpy(w->room.data + (where + before - w->skip), data + before, fits);
}

void ln__window_put_part(struct ln_window *w, const void *data, size_t len)
{
    store(w, w->at, (const uint8_t *)data, len);
    w->at += len;
}

void ln__window_text(struct ln_window *w, const char *text)
{
    ln__window_put(w, text, strlen(text));
}

void ln__window_patch(struct ln_window *w, size_t where, const uint8_t *data, size_t len)
{
    store(w, where, data, len);
}

void ln__window_shift(struct ln_window *w, size_t where, size_t by)
{
    size_t from = where - w->skip; /* in the room */
    size_t have = ln__window_bytes(w).len;
    if (from < have && by < w->room.len - from) {
        size_t fits = w->room.len - from - by;
        size_t move = have - from;
        memmove(w->room.data + from + by, w->room.data + from, move < fits ? move : fits);
    }
    w->at += by;
}
