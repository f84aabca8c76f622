/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_ITEM_H
#define LN_CODEC_ITEM_H
/**
 * @file item.h
 * A value in a payload that tells types of its own, JSON's or CBOR's, and which of ours it is.
 */
#include "codec/number.h"

enum ln_item_kind {
    LN_ITEM_NUMBER,
    LN_ITEM_BOOLEAN,
    LN_ITEM_NULL,
    LN_ITEM_TEXT,  /**< its bytes are read elsewhere */
    LN_ITEM_BYTES, /**< of CBOR; likewise */
};

struct ln_item {
    enum ln_item_kind kind;
    bool boolean;
    bool is_time; /**< a number that says so */
    struct ln_number number;
};

/** The type that it has if nobody asks for another. */
enum ln_value_type ln__item_native(const struct ln_item *item);

/**
 * A number or a boolean as a value of this type.
 * @retval LN_BAD_PEER  it is none, or out of range
 */
LN_MUST_USE enum ln_status ln__item_to_value(const struct ln_item *item, enum ln_value_type type,
                                             struct ln_value *out);

#endif
