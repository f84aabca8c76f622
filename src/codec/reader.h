/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_READER_H
#define LN_CODEC_READER_H
/**
 * @file reader.h
 * What the read functions of a format are made of: bytes of a payload that may come in pieces.
 *
 * The rules for a format:
 *  - LN_AGAIN from any function here is passed on at once, with nothing changed that the same call
 *    would not find again: look first (peek), move last (drop);
 *  - read_next skips what is left of a value, sets `native` and `left` for a new one;
 *  - `left` is 0 when a value has been read to its end, and not before;
 *  - read_scalar leaves a value that it refuses so that it can be skipped.
 */
#include "codec/format.h"

/**
 * The next `want` bytes in one piece, still to be read. @param want  at most LN_READER_CARRY
 * @retval LN_AGAIN     they have not come yet
 * @retval LN_BAD_PEER  the payload ends before
 */
LN_MUST_USE enum ln_status ln__reader_peek(struct ln_reader *r, size_t want, struct ln_span *out);

/**
 * All the rest of the payload, or of the `left` bytes of the value if that is less, in one piece
 * and still to be read. As ln__reader_peek().
 * @retval LN_BAD_PEER  it is longer than LN_READER_CARRY
 */
LN_MUST_USE enum ln_status ln__reader_peek_left(struct ln_reader *r, struct ln_span *out);

/** Move on by bytes that were seen. */
void ln__reader_drop(struct ln_reader *r, size_t len);

/**
 * Read up to `max` bytes in one piece, at least one; as ln__reader_peek(). They are borrowed until
 * the next call.
 */
LN_MUST_USE enum ln_status ln__reader_some(struct ln_reader *r, size_t max, struct ln_span *out);

/** Whether the payload ends here. @retval LN_AGAIN  that is not known yet */
LN_MUST_USE enum ln_status ln__reader_at_end(const struct ln_reader *r, bool *end);

/** How many bytes are here, and can come no other. @return LN_LENGTH_UNKNOWN if others may */
size_t ln__reader_rest(const struct ln_reader *r);

/** Skip the `left` bytes of the value, which may be LN_LENGTH_UNKNOWN: all of the payload. */
LN_MUST_USE enum ln_status ln__reader_skip(struct ln_reader *r);

/** read_piece of formats in which bytes stand as they are: the next of the `left`. */
LN_MUST_USE enum ln_status ln__reader_raw_piece(struct ln_reader *r, enum ln_value_type type,
                                                struct ln_mspan room, struct ln_span *out);

/**
 * Looks at the next character of a text that is being read.
 * @param raw  how many bytes of the payload it is, or its end is
 * @param end  the text ends here, and there is no character
 */
typedef enum ln_status ln__reader_peek_char(struct ln_reader *r, uint8_t *c, size_t *raw,
                                            bool *end);

/** read_piece of a text in Base64; sets `left`. All zeros in `text` at the start of a value. */
LN_MUST_USE enum ln_status ln__reader_base64(struct ln_reader *r, struct ln_base64_text *text,
                                             ln__reader_peek_char *peek, struct ln_mspan room,
                                             struct ln_span *out);

#endif
