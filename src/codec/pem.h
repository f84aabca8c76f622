/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_PEM_H
#define LN_CODEC_PEM_H
/**
 * @file pem.h
 * Finds PEM blocks (RFC 7468, and the encapsulated headers of RFC 1421) in any text.
 *
 * Around the blocks may stand what people put there: a byte order mark, comments, the output of
 * `openssl x509 -text`; lines end in LF, CRLF or CR, the last one perhaps not at all, and may be
 * indented. A line that begins with "-----BEGIN " begins a block. From there on the reader is
 * strict: a boundary line that is misspelt, a block without its end or with another's, is an error
 * and never skipped, so that a certificate cannot silently be missing.
 *
 * Pure; spans point into the input and are valid while it is.
 */
#include "base/cursor.h"

/** The longest label; those in use have less than half of it. */
#define LN_PEM_LABEL_MAX 64

/** How credentials are written. */
enum ln_form {
    LN_FORM_EMPTY = 0, /**< no byte at all */
    LN_FORM_PEM,
    LN_FORM_DER,
    LN_FORM_UNKNOWN,
};

/**
 * PEM or DER, told by content. What is made of nothing but whole DER sequences is DER, whatever
 * texts are in them; else what has a line that begins a block is PEM; else what begins with a
 * SEQUENCE is DER, and damaged.
 */
enum ln_form ln__pem_form(struct ln_span content);

struct ln_pem {
    struct ln_span whole;     /**< from "-----BEGIN" to the last "-----" */
    struct ln_span label;     /**< "CERTIFICATE" */
    struct ln_span body;      /**< the lines of Base64, not yet checked */
    struct ln_span proc_type; /**< value of the header Proc-Type, "4,ENCRYPTED"; empty = none */
    struct ln_span dek_info;  /**< value of the header DEK-Info, "AES-256-CBC,..."; empty = none */
};

/**
 * The next block.
 *
 * @param text  moved behind the block; unchanged unless LN_OK
 * @retval LN_NOT_FOUND  there is none any more
 * @retval LN_BAD_PEER   there is one, and it is damaged
 */
LN_MUST_USE enum ln_status ln__pem_next(struct ln_cursor *text, struct ln_pem *out);

/** Whether the contents are encrypted in the old way, by headers ("Proc-Type: 4,ENCRYPTED"). The
 *  newer way is a label, "ENCRYPTED PRIVATE KEY". */
bool ln__pem_is_encrypted(const struct ln_pem *block);

/** Whether the label is this text. */
bool ln__pem_label_is(const struct ln_pem *block, const char *label);

/**
 * The bytes of a block.
 * @param len  as ln__base64_decode(): with LN_NO_SPACE the room that is needed
 * @retval LN_BAD_PEER  the body is no Base64, or it is empty
 * @retval LN_NO_SPACE  the room is too small; body.len is always enough
 */
LN_MUST_USE enum ln_status ln__pem_decode(const struct ln_pem *block, struct ln_mspan room,
                                          size_t *len);

#endif
