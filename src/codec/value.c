/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file value.c
 * Contract: <linnet/value.h>.
 */
#include <linnet/value.h>

static const char *const names[] = {
#define NAME_ROW(name, text) text,
    LN_VALUE_TYPE_LIST(NAME_ROW)
#undef NAME_ROW
};

const char *ln_value_type_name(enum ln_value_type type)
{
    size_t i = (size_t)type;
    return i < sizeof names / sizeof names[0] ? names[i] : "unknown";
}

bool ln_value_equal(const struct ln_value *a, const struct ln_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case LN_VALUE_NONE:
        return true;
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_CORELNK:
        return ln_span_equal(a->as.bytes, b->as.bytes) != 0;
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return a->as.integer == b->as.integer;
    case LN_VALUE_UNSIGNED:
        return a->as.natural == b->as.natural;
    case LN_VALUE_FLOAT:
        return a->as.number == b->as.number;
    case LN_VALUE_BOOLEAN:
        return a->as.boolean == b->as.boolean;
    case LN_VALUE_OBJLNK:
        return a->as.link.object == b->as.link.object && a->as.link.instance == b->as.link.instance;
    }
    return false;
}
