/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal_exact_small.c
 * decimal_exact.c of a small build, with double arithmetic alone: each step may round, so that the last of
 * 17 digits may be another one. Numbers of up to 15 digits never come here.
 */
#include "codec/decimal_exact.h"

#include "codec/ieee.h"

/* value * 10^exponent */
static double scaled(double value, int exponent)
{
    for (; exponent > 0; exponent--)
        value *= 10;
    for (; exponent < 0; exponent++)
        value /= 10;
    return value;
}

enum ln_status ln__decimal_long_way(const struct ln_decimal *d, double *out)
{
    double value = 0;
    int32_t magnitude = d->count + d->exponent; /* value < 10^magnitude */
    if (magnitude > 310)
        return LN_BAD_PEER;
    for (size_t i = 0; i < d->count; i++)
        value = value * 10 + d->digit[i];
    value = magnitude < -330 ? 0 : scaled(value, d->exponent);
    if (!ln__ieee_is_finite(value))
        return LN_BAD_PEER;
    *out = value;
    return LN_OK;
}

/* All 17 digits: whether fewer would do is not asked. */
void ln__decimal_many_digits(double value, struct ln__digits *out)
{
    out->point = 17;
    for (; value >= 1e17; out->point++)
        value /= 10;
    for (; value < 1e16; out->point--)
        value *= 10;
    uint64_t digits = (uint64_t)value;
    out->count = 17;
    for (size_t i = 17; i-- > 0; digits /= 10)
        out->digit[i] = (uint8_t)(digits % 10);
    while (out->count > 1 && out->digit[out->count - 1] == 0)
        out->count--;
}
