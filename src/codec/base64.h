/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_BASE64_H
#define LN_CODEC_BASE64_H
/**
 * @file base64.h
 * Base64 (RFC 4648 sections 4 and 5). Bits that padding hides are zero, always. Without
 * LN_BASE64_ANY it is strict: padding is required, one alphabet, and each sequence of bytes has
 * exactly one text. Pure, nothing is allocated.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

/** What is taken besides the one text that the encoder would write. */
enum ln_base64_form {
    LN_BASE64_NO_SPACE = 0,
    LN_BASE64_WRAPPED, /**< spaces, tabs and line ends, as in PEM (RFC 7468 section 3) */
    LN_BASE64_ANY,     /**< "-" and "_" for "+" and "/", padding or none */
};

/** The most bytes that a text of this length can stand for. */
static inline size_t ln__base64_decoded_max(size_t text_len)
{
    return text_len / 4 * 3 + text_len % 4;
}

/**
 * Decode a whole text.
 *
 * @param room  may overlap nothing of the text
 * @param len   bytes written; the number needed with LN_NO_SPACE; unchanged with LN_BAD_PEER
 * @retval LN_BAD_PEER  a foreign character, padding that is missing, wrong or not at the end, or
 *                      bits that are set where padding hides them; the room is unspecified
 * @retval LN_NO_SPACE  the room is too small; the room is unspecified
 */
LN_MUST_USE enum ln_status ln__base64_decode(struct ln_span text, enum ln_base64_form form,
                                             struct ln_mspan room, size_t *len);

/** A text that comes character by character. All zeros at its start. */
struct ln_base64_text {
    uint32_t group;
    uint8_t digits;  /**< of the group, padding included */
    uint8_t padding; /**< of the group */
    bool done;       /**< padding was there: nothing may follow */
};

/**
 * The next character.
 *
 * @param out   the bytes that are complete now
 * @param made  how many: 0 to 3
 * @retval LN_BAD_PEER  as ln__base64_decode(); text and results are unspecified
 */
LN_MUST_USE enum ln_status ln__base64_next(struct ln_base64_text *text, enum ln_base64_form form,
                                           uint8_t c, uint8_t out[3], size_t *made);

/** No other follows. As ln__base64_next(). */
LN_MUST_USE enum ln_status ln__base64_end(struct ln_base64_text *text, enum ln_base64_form form,
                                          uint8_t out[3], size_t *made);

/** The length of the text of so many bytes, without a NUL. */
static inline size_t ln__base64_encoded_len(size_t bytes)
{
    return (bytes / 3 + (bytes % 3 != 0)) * 4;
}

/**
 * Encode, without line ends and without a NUL.
 * @retval LN_NO_SPACE  the room is smaller than ln__base64_encoded_len(); nothing is written
 */
LN_MUST_USE enum ln_status ln__base64_encode(struct ln_span bytes, struct ln_mspan room,
                                             size_t *len);

/** The same with "-" and "_", and without padding (RFC 4648 section 5, as SenML has it). */
static inline size_t ln__base64url_encoded_len(size_t bytes)
{
    return bytes / 3 * 4 + (bytes % 3 != 0 ? bytes % 3 + 1 : 0);
}

LN_MUST_USE enum ln_status ln__base64url_encode(struct ln_span bytes, struct ln_mspan room,
                                                size_t *len);

#endif
