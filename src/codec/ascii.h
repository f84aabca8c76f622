/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_ASCII_H
#define LN_CODEC_ASCII_H
/**
 * @file ascii.h
 * Text of protocols: characters of ASCII whatever the locale is, and spans taken apart.
 *
 * Pure; spans that are handed out point into the input.
 */
#include <linnet/span.h>
#include <stdbool.h>

static inline bool ln__is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool ln__is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/** 0 to 15, or -1. */
static inline int ln__hex_value(uint8_t c)
{
    if (ln__is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline bool ln__is_hex(uint8_t c)
{
    return ln__hex_value(c) >= 0;
}

/** NUL is in no set. */
static inline bool ln__is_one_of(uint8_t c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static inline uint8_t ln__lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/** Equal, case aside. */
static inline bool ln__same_word(struct ln_span a, struct ln_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ln__lower(a.data[i]) != ln__lower(b.data[i]))
            return false;
    }
    return true;
}

/** Where the first of these characters is; the length if there is none. */
static inline size_t ln__find(struct ln_span s, const char *set)
{
    size_t i = 0;
    while (i < s.len && !ln__is_one_of(s.data[i], set))
        i++;
    return i;
}

/** The first `len` bytes, which must be there. */
static inline struct ln_span ln__head(struct ln_span s, size_t len)
{
    return ln_span(s.data, len);
}

/** What comes behind the first `len` bytes, which must be there. */
static inline struct ln_span ln__behind(struct ln_span s, size_t len)
{
    return len > 0 ? ln_span(s.data + len, s.len - len) : s;
}

#endif
