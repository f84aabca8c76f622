/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_DECIMAL_H
#define LN_CODEC_DECIMAL_H
/**
 * @file decimal.h
 * Numbers as text, exact both ways and the same in every locale: a decimal is read as it is
 * written, and then taken as an integer, if it is one, or as the nearest double (number.h has
 * both). A double is written with the fewest digits that read back as the same double.
 *
 * Numbers of more than 15 digits take up to 1.5 kB of stack, others 200 bytes.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

/** More digits than this are refused. An exact double may have 767, a sane one has 17. */
#define LN_DECIMAL_DIGITS_MAX 60

/** (-1)^negative * digits * 10^exponent. No digits: zero. */
struct ln_decimal {
    bool negative;
    uint8_t count;
    uint8_t digit[LN_DECIMAL_DIGITS_MAX]; /**< 0..9; neither the first nor the last is 0 */
    int32_t exponent;
};

/** What a text may look like. */
enum ln_decimal_style {
    LN_DECIMAL_INTEGER,  /**< -?[0-9]+ */
    LN_DECIMAL_COMPLETE, /**< -?[0-9]+(\.[0-9]+)?, and an exponent */
    LN_DECIMAL_FLOAT,    /**< ".5" and "5." too */
    LN_DECIMAL_JSON,     /**< as RFC 8259 section 6 has it */
};

/**
 * Read all of a text.
 * @retval LN_BAD_PEER  not of this style, or too many digits
 */
LN_MUST_USE enum ln_status ln__decimal_read(struct ln_span text, enum ln_decimal_style style,
                                            struct ln_decimal *out);

/** mantissa * 10^exponent (a decimal fraction of CBOR). */
struct ln_decimal ln__decimal_make(bool negative, uint64_t mantissa, int32_t exponent);

/** @retval LN_BAD_PEER  not an integer ("1.0" and "1e2" are), negative, or out of range */
LN_MUST_USE enum ln_status ln__decimal_to_uint(const struct ln_decimal *d, uint64_t *out);

/** The nearest double; 0 if it is too small. @retval LN_BAD_PEER  beyond the largest double */
LN_MUST_USE enum ln_status ln__decimal_to_double(const struct ln_decimal *d, double *out);

/** Room for each text below; none has a NUL. */
#define LN_DECIMAL_ROOM 32

/** Returns the length. */
size_t ln__decimal_write_uint(uint64_t value, char text[LN_DECIMAL_ROOM]);
size_t ln__decimal_write_int(int64_t value, char text[LN_DECIMAL_ROOM]);

/**
 * "22.5", "-0.001", "100", "1e+21", "5e-324": plain from 1e-12 up to less than 1e21. It is JSON, too.
 * @param value  finite
 */
size_t ln__decimal_write_double(double value, char text[LN_DECIMAL_ROOM]);

#endif
