/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_TEXT_H
#define LN_BASE_TEXT_H
/*
 * Text for people in buffers of fixed size: it cannot fail, is always terminated, and shows
 * where it was cut by ending in "...".
 *
 * "Cleaned" means that a terminal or a log may print it whatever the peer put into it: line breaks
 * and tabs are spaces; other control characters (C0, C1), bytes that are no UTF-8, and characters
 * that reorder or break lines are question marks.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

/* A text that grows in `data`. `room` counts the NUL. */
struct ln__text {
    char *data;
    size_t room;
    size_t len;
    bool cut;
};

/* An empty text in `data`; `room` 0 is allowed and stays empty. */
struct ln__text ln__text_init(char *data, size_t room);

/* Append. What does not fit is replaced by "...", and nothing can be appended any more. */
void ln__text_add(struct ln__text *text, const char *format, ...) LN_PRINTF(2, 3);

/* Copy bytes from outside, cleaned, to `data`; returns the length without the NUL. */
size_t ln__text_copy(char *data, size_t room, struct ln_span from);

/* Clean a terminated text where it stands; its length never changes. */
void ln__text_clean(char *text);

/* ASCII letters only: whether two names are the same, case aside. */
bool ln__text_same(const char *a, const char *b);

#endif
