/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FUZZ_CHECK_H
#define LN_TESTS_FUZZ_CHECK_H
/**
 * @file check.h
 * What fuzz targets claim. Not assert(): a claim holds in every build.
 */
#include <linnet/span.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim);            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** Whether all of `part` lies in `whole`; an empty span lies anywhere. */
static inline bool lies_in(struct ln_span part, struct ln_span whole)
{
    if (part.len == 0)
        return true;
    return part.data >= whole.data && part.len <= whole.len &&
           (size_t)(part.data - whole.data) <= whole.len - part.len;
}

/** Whether a text is terminated after `len` bytes, fits, and has no control character. */
static inline bool is_clean(const char *text, size_t len, size_t room)
{
    if (room == 0 || len >= room || strlen(text) != len)
        return room == 0 && len == 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return true;
}

#endif
