/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_ARGS_H
#define LN_ARGS_H
/**
 * @file args.h
 * The arguments of Execute (OMA-TS-LightweightM2M_Core-V1_1_1 6.3.5): "0='alpha',3,5='x y'".
 *
 * Each argument has a number of one digit, once at most and in any order, and may have a value in
 * single quotes.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LN_ARGS_MAX 10

struct ln_args {
    uint16_t present;                  /**< bit n: argument n is there */
    uint16_t valued;                   /**< bit n: and has a value, be it an empty one */
    struct ln_span value[LN_ARGS_MAX]; /**< borrowed from the text; what is not there is empty */
};

/** Whether argument `number` (0..9) is there. */
static inline bool ln_args_has(const struct ln_args *args, unsigned number)
{
    return number < LN_ARGS_MAX && (args->present >> number & 1u) != 0;
}

/** Whether it is there and has a value. */
static inline bool ln_args_has_value(const struct ln_args *args, unsigned number)
{
    return number < LN_ARGS_MAX && (args->valued >> number & 1u) != 0;
}

/**
 * Read all of them. No text at all is no arguments.
 *
 * More is taken than the specification allows servers to send: values may hold any UTF-8 but the
 * single quote and control characters.
 *
 * @param text  borrowed for as long as the values are used
 * @param out   unchanged unless LN_OK
 * @retval LN_BAD_PEER  malformed, or a number stands there twice
 */
LN_MUST_USE LN_API enum ln_status ln_args_read(struct ln_span text, struct ln_args *out);

#ifdef __cplusplus
}
#endif
#endif
