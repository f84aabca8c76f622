/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_IEEE_H
#define LN_CODEC_IEEE_H
/**
 * @file ieee.h
 * Numbers of IEEE 754 as the wire has them: the bits of binary16, 32 and 64.
 */
#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t ln__ieee_bits64(double number)
{
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static inline double ln__ieee_from64(uint64_t bits)
{
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline double ln__ieee_from32(uint32_t bits)
{
    float number = 0;
    memcpy(&number, &bits, sizeof number);
    return (double)number;
}

/** Half precision, which C11 has no type for. */
static inline double ln__ieee_from16(uint16_t bits)
{
    uint64_t sign = (uint64_t)(bits >> 15) << 63;
    uint64_t exponent = bits >> 10 & 0x1fu;
    uint64_t fraction = bits & 0x3ffu;
    if (exponent == 0) { /* zero, or a multiple of 2^-24 */
        double number = (double)fraction / 16777216.0;
        return sign != 0 ? -number : number;
    }
    exponent = exponent == 0x1f ? 0x7ff : exponent - 15 + 1023;
    return ln__ieee_from64(sign | exponent << 52 | fraction << 42);
}

static inline bool ln__ieee_is_finite(double number)
{
    return (ln__ieee_bits64(number) >> 52 & 0x7ffu) != 0x7ff;
}

/**
 * Single precision, if that says the same.
 * @return false: it does not; NaN never does
 */
static inline bool ln__ieee_to32(double number, uint32_t *bits)
{
    bool in_range = number >= -(double)FLT_MAX && number <= (double)FLT_MAX;
    if (!in_range && (ln__ieee_is_finite(number) || number != number))
        return false;
    float single = (float)number;
    if ((double)single != number)
        return false;
    memcpy(bits, &single, sizeof *bits);
    return true;
}

/** Half precision, if that says the same; NaN never does. */
static inline bool ln__ieee_to16(double number, uint16_t *bits)
{
    uint64_t whole = ln__ieee_bits64(number);
    uint16_t sign = (uint16_t)(whole >> 48 & 0x8000u);
    double size = sign != 0 ? -number : number;
    uint16_t half = 0x7c00;      /* infinite */
    if (size < 0.00006103515625) /* below 2^-14: a multiple of 2^-24, or nothing */
        half = (uint16_t)(size * 16777216.0);
    else if (size <= 65504.0)
        half = (uint16_t)(((whole >> 52 & 0x7ffu) - 1023 + 15) << 10 | (whole >> 42 & 0x3ffu));
    if (ln__ieee_from16(half) != size)
        return false;
    *bits = sign | half;
    return true;
}

#endif
