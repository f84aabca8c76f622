/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: text.h. Pure functions on the caller's buffers.
 */
#include "base/text.h"

#include "base/text_format.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>

static const char cut_mark[] = "...";

/* Bytes from these ranges of code points are not printed: they are no characters, control the
 * terminal, or turn the direction of text (Unicode 15, Cc, Cf of bidirectional text, Zl, Zp). */
static const struct {
    uint32_t first;
    uint32_t last;
} unprintable[] = {
    { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x061c, 0x061c }, { 0x200e, 0x200f },
    { 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

static bool is_printable(uint32_t point)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof unprintable[0]; i++)
        if (point >= unprintable[i].first && point <= unprintable[i].last)
            return false;
    return true;
}

/* Read one character; 0 if there is none that may be printed, else its length in bytes. */
static size_t printable_at(const uint8_t *data, size_t len)
{
    uint32_t point = 0;
    size_t size = ln__utf8_next(ln_span(data, len), &point);
    return size > 0 && is_printable(point) ? size : 0;
}

void ln__text_clean(char *text)
{
    uint8_t *data = (uint8_t *)text;
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        size_t good = printable_at(data + i, len - i);
        if (good == 0)
            data[i] = data[i] == '\n' || data[i] == '\r' || data[i] == '\t' ? ' ' : '?';
        i += good > 0 ? good : 1;
    }
}

struct ln__text ln__text_init(char *data, size_t room)
{
    if (room > 0)
        data[0] = '\0';
    return (struct ln__text) { .data = data, .room = room, .len = 0, .cut = room == 0 };
}

/* Where a text of `len` bytes may end so that no character of UTF-8 is broken. */
static size_t whole_characters(const char *text, size_t len)
{
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* The room is full: put the mark over the end. */
static void mark_cut(struct ln__text *text)
{
    size_t mark = sizeof cut_mark - 1;
    text->cut = true;
    text->len = text->room - 1;
    if (text->len < mark) {
        text->data[text->len] = '\0';
        return;
    }
    size_t end = whole_characters(text->data, text->len - mark);
    memcpy(text->data + end, cut_mark, sizeof cut_mark);
    text->len = end + mark;
}

void ln__text_vadd(struct ln__text *text, const char *format, va_list args)
{
    if (text->cut)
        return;
    size_t left = text->room - text->len;
    int made = vsnprintf(text->data + text->len, left, format, args);
    if (made < 0)
        text->data[text->len] = '\0'; /* a format that libc cannot print adds nothing */
    else if ((size_t)made < left)
        text->len += (size_t)made;
    else
        mark_cut(text);
}

void ln__text_add(struct ln__text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ln__text_vadd(text, format, args);
    va_end(args);
}

size_t ln__text_copy(char *data, size_t room, struct ln_span from)
{
    struct ln__text text = ln__text_init(data, room);
    if (room == 0)
        return 0;
    bool fits = from.len < room;
    size_t take = fits ? from.len : room - 1;
    for (size_t i = 0; i < take; i++)
        data[i] = from.data[i] != 0 ? (char)from.data[i] : '?'; /* a NUL would hide the rest */
    data[take] = '\0';
    text.len = take;
    if (!fits)
        mark_cut(&text);
    ln__text_clean(data);
    return text.len;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ln__text_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}
