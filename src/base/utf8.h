/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_UTF8_H
#define LN_BASE_UTF8_H
/*
 * UTF-8 (RFC 3629): shortest sequences only, no surrogates, nothing above U+10FFFF.
 */
#include <linnet/span.h>
#include <stdbool.h>

/* The first character: its length in bytes, 0 if there is no whole and valid one. */
size_t ln__utf8_next(struct ln_span in, uint32_t *point);

/* Whether all of it is valid; nothing at all is. */
bool ln__utf8_is_valid(struct ln_span text);

/* Write a character, which must be none of the surrogates and at most U+10FFFF; its length. */
size_t ln__utf8_put(uint32_t point, uint8_t out[4]);

#endif
