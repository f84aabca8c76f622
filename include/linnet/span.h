/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_SPAN_H
#define LN_SPAN_H
/**
 * @file span.h
 * Bytes and their length travel together: `ln_span` to read from, `ln_mspan` to write to.
 *
 * A span owns nothing. Who owns the bytes, and for how long, stands with each function, always in
 * one of these words: borrowed for the call, borrowed until ..., copied, taken.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes to read. {NULL, 0} is the empty span. */
struct ln_span {
    const uint8_t *data;
    size_t len;
};

/** Room to write to. */
struct ln_mspan {
    uint8_t *data;
    size_t len;
};

/** The bytes of `len` at `data`. */
static inline struct ln_span ln_span(const void *data, size_t len)
{
    struct ln_span s;
    s.data = (const uint8_t *)data;
    s.len = len;
    return s;
}

/** The characters of a string without its NUL; NULL gives the empty span. */
static inline struct ln_span ln_span_str(const char *text)
{
    return ln_span(text, text != NULL ? strlen(text) : 0);
}

/** Room of `len` bytes at `data`. */
static inline struct ln_mspan ln_mspan(void *data, size_t len)
{
    struct ln_mspan s;
    s.data = (uint8_t *)data;
    s.len = len;
    return s;
}

/** 1 if both have the same bytes, else 0. Not constant in time: not for secrets. */
static inline int ln_span_equal(struct ln_span a, struct ln_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#ifdef __cplusplus
}
#endif
#endif
