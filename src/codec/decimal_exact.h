/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_DECIMAL_EXACT_H
#define LN_CODEC_DECIMAL_EXACT_H
/**
 * @file decimal_exact.h
 * Doubles of many digits: what decimal.c asks for where double arithmetic alone may round wrong. A small
 * build has decimal_exact_small.c, which does round wrong there, in the last of 17 digits.
 */
#include "codec/decimal.h"

/* At most 17 digits with nothing but zeros left out; value = 0.d1d2d3... * 10^point. */
struct ln__digits {
    uint8_t digit[20];
    size_t count;
    int point;
};

/** The nearest double to |d|; `d` has digits. @retval LN_BAD_PEER  beyond the largest double */
LN_MUST_USE enum ln_status ln__decimal_long_way(const struct ln_decimal *d, double *out);

/** The fewest digits that read back as `value`, which is finite and above 0. */
void ln__decimal_many_digits(double value, struct ln__digits *out);

#endif
