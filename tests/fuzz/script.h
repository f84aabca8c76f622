/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FUZZ_SCRIPT_H
#define LN_TESTS_FUZZ_SCRIPT_H
/**
 * @file script.h
 * An input that is a script: numbers and byte strings are taken off its front, one after the other.
 * Behind its end come zeros and empty strings, so that each input is a whole script.
 */
#include <linnet/span.h>
#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *data;
    size_t size;
};

/** A number of so many bytes, most significant first. */
static inline uint32_t script_number(struct script *in, size_t bytes)
{
    uint32_t value = 0;
    for (; bytes > 0 && in->size > 0; bytes--, in->size--)
        value = value << 8 | *in->data++;
    return value;
}

/** A byte with the length, at most `most`, and the bytes; borrowed from the input. */
static inline struct ln_span script_bytes(struct script *in, size_t most)
{
    size_t len = script_number(in, 1);
    len = len < most ? len : most;
    len = len < in->size ? len : in->size;
    struct ln_span out = ln_span(in->data, len);
    in->data += len;
    in->size -= len;
    return out;
}

#endif
