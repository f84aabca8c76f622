/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_BASE64_H
#define LN_CODEC_BASE64_H
/**
 * @file base64.h
 * Base64 (RFC 4648 section 4), strict: padding is required, the bits it hides are zero, and each
 * sequence of bytes has exactly one text. Pure, nothing is allocated.
 */
#include <linnet/span.h>
#include <linnet/status.h>

/** Which characters may stand between the others and are skipped. */
enum ln_base64_space {
    LN_BASE64_NO_SPACE = 0,
    LN_BASE64_WRAPPED, /**< spaces, tabs and line ends, as in PEM (RFC 7468 section 3) */
};

/** The most bytes that a text of this length can stand for. */
static inline size_t ln__base64_decoded_max(size_t text_len)
{
    return text_len / 4 * 3;
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
LN_MUST_USE enum ln_status ln__base64_decode(struct ln_span text, enum ln_base64_space space,
                                             struct ln_mspan room, size_t *len);

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

#endif
