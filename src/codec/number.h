/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_NUMBER_H
#define LN_CODEC_NUMBER_H
/**
 * @file number.h
 * A number whose payload does not say for which type it is: SenML has one kind of them, CBOR writes
 * 5 and 5.0 in two ways. Whole numbers of 64 bits stay exact; all others are doubles.
 */
#include "codec/decimal.h"

#include <linnet/value.h>

struct ln_number {
    bool is_float; /**< `number`; otherwise `magnitude` and its sign */
    bool negative;
    uint64_t magnitude;
    double number;
};

/** @retval LN_BAD_PEER  beyond the largest double */
LN_MUST_USE enum ln_status ln__number_from_decimal(const struct ln_decimal *d,
                                                   struct ln_number *out);

static inline struct ln_number ln__number_from_float(double number)
{
    struct ln_number n = { true, false, 0, number };
    return n;
}

static inline struct ln_number ln__number_from_integer(bool negative, uint64_t magnitude)
{
    struct ln_number n = { false, negative, magnitude, 0 };
    return n;
}

/** INTEGER, UNSIGNED or FLOAT: the first that holds it. */
enum ln_value_type ln__number_native(const struct ln_number *n);

/**
 * @param type  INTEGER, TIME or UNSIGNED: 5.0 is one, too. FLOAT
 * @retval LN_BAD_PEER  another type, not whole, or out of range
 */
LN_MUST_USE enum ln_status ln__number_to_value(const struct ln_number *n, enum ln_value_type type,
                                               struct ln_value *out);

/** The nearest double. */
double ln__number_to_double(const struct ln_number *n);

#endif
