/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file number.c
 * Contract: number.h.
 */
#include "codec/number.h"

#include "base/try.h"
#include "codec/ieee.h"

enum ln_status ln__number_from_decimal(const struct ln_decimal *d, struct ln_number *out)
{
    struct ln_decimal magnitude = *d;
    struct ln_number n = { .is_float = false, .negative = d->negative };
    magnitude.negative = false;
    if (ln__decimal_to_uint(&magnitude, &n.magnitude) != LN_OK) {
        n = ln__number_from_float(0);
        TRY(ln__decimal_to_double(d, &n.number));
    }
    *out = n;
    return LN_OK;
}

/* A double that is whole and below 2^64, as an integer. */
static enum ln_status to_integer(const struct ln_number *n, struct ln_number *out)
{
    if (!n->is_float) {
        *out = *n;
        return LN_OK;
    }
    double size = n->number < 0 ? -n->number : n->number;
    if (!(size < 18446744073709551616.0)) /* NaN is not, either */
        return LN_BAD_PEER;
    uint64_t magnitude = (uint64_t)size;
    if ((double)magnitude != size)
        return LN_BAD_PEER;
    *out = ln__number_from_integer(n->number < 0, magnitude);
    return LN_OK;
}

static enum ln_status to_int64(const struct ln_number *n, int64_t *out)
{
    struct ln_number whole;
    TRY(to_integer(n, &whole));
    uint64_t limit = (uint64_t)INT64_MAX + (whole.negative ? 1 : 0);
    if (whole.magnitude > limit)
        return LN_BAD_PEER;
    if (!whole.negative || whole.magnitude == 0)
        *out = (int64_t)whole.magnitude;
    else /* not -(int64_t)magnitude: the smallest has no opposite */
        *out = -(int64_t)(whole.magnitude - 1) - 1;
    return LN_OK;
}

double ln__number_to_double(const struct ln_number *n)
{
    if (n->is_float)
        return n->number;
    return n->negative ? -(double)n->magnitude : (double)n->magnitude;
}

enum ln_value_type ln__number_native(const struct ln_number *n)
{
    int64_t value = 0;
    if (n->is_float)
        return LN_VALUE_FLOAT;
    if (to_int64(n, &value) == LN_OK)
        return LN_VALUE_INTEGER;
    return n->negative ? LN_VALUE_FLOAT : LN_VALUE_UNSIGNED;
}

enum ln_status ln__number_to_value(const struct ln_number *n, enum ln_value_type type,
                                   struct ln_value *out)
{
    struct ln_number whole;
    struct ln_value value = { .type = type };
    switch (type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        TRY(to_int64(n, &value.as.integer));
        break;
    case LN_VALUE_UNSIGNED:
        TRY(to_integer(n, &whole));
        if (whole.negative && whole.magnitude > 0)
            return LN_BAD_PEER;
        value.as.natural = whole.magnitude;
        break;
    case LN_VALUE_FLOAT:
        value.as.number = ln__number_to_double(n);
        break;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_BOOLEAN:
    case LN_VALUE_OBJLNK:
    case LN_VALUE_CORELNK:
        return LN_BAD_PEER;
    }
    *out = value;
    return LN_OK;
}
