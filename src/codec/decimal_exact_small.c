/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal_exact_small.c
 * decimal_exact.c of a small build, with double arithmetic alone: each step may round, so that the last of
 * 17 digits may be another one, and the last two of very large and very small numbers. Numbers of up to 15
 * digits never come here.
 */
#include "codec/decimal_exact.h"

#include "codec/ieee.h"

#define POWER_MAX 22 /* 10^22 is the highest power that a double holds exactly */

/* value * 10^exponent, rounded once for each 22 of it. */
static double scaled(double value, int exponent)
{
    while (exponent != 0) {
        double power = 1;
        int left = exponent < 0 ? -exponent : exponent;
        int count = left < POWER_MAX ? left : POWER_MAX;
        for (int i = 0; i < count; i++)
            power *= 10;
        value = exponent < 0 ? value / power : value * power;
        exponent = exponent < 0 ? exponent + count : exponent - count;
    }
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
    int up = 0; /* value * 10^up is to have 17 digits before the point */
    while (scaled(value, up) >= 1e17)
        up--;
    while (scaled(value, up) < 1e16)
        up++;
    double whole = scaled(value, up);
    uint64_t digits =
        whole < 1e17 ? (uint64_t)whole : UINT64_C(99999999999999999); /* it was rounded up */
    out->point = 17 - up;
    out->count = 17;
    for (size_t i = 17; i-- > 0; digits /= 10)
        out->digit[i] = (uint8_t)(digits % 10);
    while (out->count > 1 && out->digit[out->count - 1] == 0)
        out->count--;
}
