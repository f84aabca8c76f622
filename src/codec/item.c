/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file item.c
 * Contract: item.h.
 */
#include "codec/item.h"

enum ln_value_type ln__item_native(const struct ln_item *item)
{
    switch (item->kind) {
    case LN_ITEM_NUMBER:
        return item->is_time ? LN_VALUE_TIME : ln__number_native(&item->number);
    case LN_ITEM_BOOLEAN:
        return LN_VALUE_BOOLEAN;
    case LN_ITEM_NULL:
        return LN_VALUE_NONE;
    case LN_ITEM_TEXT:
        return LN_VALUE_STRING;
    case LN_ITEM_BYTES:
        return LN_VALUE_OPAQUE;
    }
    return LN_VALUE_NONE;
}

enum ln_status ln__item_to_value(const struct ln_item *item, enum ln_value_type type,
                                 struct ln_value *out)
{
    if (item->kind == LN_ITEM_NUMBER)
        return ln__number_to_value(&item->number, type, out);
    if (item->kind != LN_ITEM_BOOLEAN || type != LN_VALUE_BOOLEAN)
        return LN_BAD_PEER;
    *out = ln_value_boolean(item->boolean);
    return LN_OK;
}
