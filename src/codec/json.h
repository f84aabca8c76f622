/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_JSON_H
#define LN_CODEC_JSON_H
/**
 * @file json.h
 * JSON (RFC 8259) as SenML needs it: numbers and literals, strings of any length, and skipping.
 *
 * Numbers have up to 60 digits and stay exact if they are whole. What must be skipped may be nested
 * eight deep; only its strings and brackets are checked.
 *
 * The readers here follow reader.h: LN_AGAIN leaves all as it was.
 */
#include "codec/item.h"
#include "codec/window.h"

struct ln_reader;

/**
 * Go over white space, and look at what follows.
 * @retval LN_BAD_PEER  the payload ends here
 */
LN_MUST_USE enum ln_status ln__json_peek(struct ln_reader *r, uint8_t *c);

/** Begin to read a value: a string (sets `left`), or all of anything else but containers. */
LN_MUST_USE enum ln_status ln__json_begin(struct ln_reader *r, struct ln_item *out);

/** The next bytes of a string, its escapes undone; sets `left`. As read_piece of a format. */
LN_MUST_USE enum ln_status ln__json_piece(struct ln_reader *r, struct ln_mspan room,
                                          struct ln_span *out);

/** The next character of a string, for Base64: what is not ASCII is 0xff. See reader.h. */
LN_MUST_USE enum ln_status ln__json_peek_char(struct ln_reader *r, uint8_t *c, size_t *raw,
                                              bool *end);

/** Skip what is left of a string. */
LN_MUST_USE enum ln_status ln__json_finish(struct ln_reader *r);

#define LN_JSON_DEPTH_MAX 8

/** A value that is being skipped, whatever is in it. All zeros: not begun. */
struct ln_json_skip {
    uint8_t depth;
    uint8_t objects; /**< bit n: the container at depth n is an object */
    bool in_string;
};

/** Skip a value; call again after LN_AGAIN. @retval LN_BAD_PEER  malformed, or nested too deep */
LN_MUST_USE enum ln_status ln__json_skip(struct ln_reader *r, struct ln_json_skip *s);

/** Bytes of a string, with escapes where they are needed. */
void ln__json_put_escaped(struct ln_window *out, struct ln_span bytes);

#endif
