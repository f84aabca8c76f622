/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file attr.c
 * Contract: attr.h. Everything about one attribute is in its row of LN_ATTR_LIST.
 */
#include "codec/attr.h"

#include "base/try.h"
#include "codec/decimal.h"

enum kind {
    WHOLE,   /* a whole number, of 32 bits at most */
    DECIMAL, /* any number that can be written without an exponent */
    FLAG,    /* 0 or 1 */
};

enum types {
    ANY,
    NUMERIC,
    BOOLEAN,
};

#define COUNT 10

static const struct row {
    const char *name;
    enum kind kind;
    enum ln_path_level level;
    enum types types;
    size_t member;
} rows[] = {
#define ATTR_ROW(name, text, member, kind, level, types)                                           \
    { text, kind, LN_LEVEL_##level, types, offsetof(struct ln_attrs, member) },
    LN_ATTR_LIST(ATTR_ROW)
#undef ATTR_ROW
};
_Static_assert(sizeof rows / sizeof rows[0] == COUNT, "one row for each attribute");

/* Attributes that tell something and are never written. */
static const char *const told[] = { "dim", "ver", "ssid", "uri", "lwm2m" };

const char *ln__attr_name(enum ln_attr attr)
{
    return (size_t)attr < COUNT ? rows[attr].name : "unknown";
}

static bool is_text(struct ln_span name, const char *text)
{
    return ln_span_equal(name, ln_span_str(text)) != 0;
}

static enum ln_status find(struct ln_span name, size_t *out)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (is_text(name, rows[i].name)) {
            *out = i;
            return LN_OK;
        }
    }
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (is_text(name, told[i]))
            return LN_DENIED;
    }
    return LN_NOT_FOUND;
}

static void *member_of(struct ln_attrs *attrs, size_t attr)
{
    return (uint8_t *)attrs + rows[attr].member;
}

static enum ln_status read_whole(struct ln_span text, uint32_t *out)
{
    struct ln_decimal d;
    uint64_t value = 0;
    TRY(ln__decimal_read(text, LN_DECIMAL_INTEGER, &d));
    TRY(ln__decimal_to_uint(&d, &value));
    if (value > UINT32_MAX || d.negative)
        return LN_BAD_PEER;
    *out = (uint32_t)value;
    return LN_OK;
}

/* The specification has no exponents. Servers in Java write them all the same ("1.0E7"), so they are read;
 * but what Discover could not show without one is no threshold of anything. */
static enum ln_status read_decimal(struct ln_span text, double *out)
{
    struct ln_decimal d;
    double value = 0;
    char shown[LN_DECIMAL_ROOM];
    TRY(ln__decimal_read(text, LN_DECIMAL_COMPLETE, &d));
    TRY(ln__decimal_to_double(&d, &value));
    bool vanished = value == 0 && d.count > 0;
    if (vanished || memchr(shown, 'e', ln__decimal_write_double(value, shown)) != NULL)
        return LN_BAD_PEER;
    *out = value;
    return LN_OK;
}

static enum ln_status read_flag(struct ln_span text, bool *out)
{
    if (text.len != 1 || (text.data[0] != '0' && text.data[0] != '1'))
        return LN_BAD_PEER;
    *out = text.data[0] == '1';
    return LN_OK;
}

/* Reads into a member of a copy. */
static enum ln_status read_value(struct ln_span text, size_t attr, struct ln_attrs *attrs)
{
    switch (rows[attr].kind) {
    case WHOLE:
        return read_whole(text, member_of(attrs, attr));
    case DECIMAL:
        return read_decimal(text, member_of(attrs, attr));
    case FLAG:
        return read_flag(text, member_of(attrs, attr));
    }
    return LN_INTERNAL;
}

enum ln_status ln__attr_read(struct ln_span query, struct ln_attr_change *change)
{
    struct ln_attr_change next = *change;
    size_t name_len = 0;
    size_t attr = 0;
    while (name_len < query.len && query.data[name_len] != '=')
        name_len++;
    TRY(find(ln_span(query.data, name_len), &attr));
    uint16_t bit = (uint16_t)LN_ATTR_BIT(attr);
    if ((ln__attr_named(change) & bit) != 0)
        return LN_BAD_PEER;
    if (name_len == query.len) {
        next.unset |= bit;
    } else {
        struct ln_span text = ln_span(query.data + name_len + 1, query.len - name_len - 1);
        TRY(read_value(text, attr, &next.values));
        next.values.set |= bit;
    }
    *change = next;
    return LN_OK;
}

static bool type_fits(enum types types, enum ln_value_type type)
{
    switch (types) {
    case ANY:
        return true;
    case NUMERIC:
        return type == LN_VALUE_INTEGER || type == LN_VALUE_UNSIGNED || type == LN_VALUE_FLOAT ||
               type == LN_VALUE_TIME || type == LN_VALUE_NONE;
    case BOOLEAN:
        return type == LN_VALUE_BOOLEAN || type == LN_VALUE_NONE;
    }
    return false;
}

bool ln__attr_fits(uint16_t set, enum ln_path_level level, enum ln_value_type type)
{
    for (size_t i = 0; i < COUNT; i++) {
        if ((set & LN_ATTR_BIT(i)) == 0)
            continue;
        if (level < rows[i].level || !type_fits(rows[i].types, type))
            return false;
    }
    return true;
}

/* Copies one attribute, set or not. */
static void copy(struct ln_attrs *to, const struct ln_attrs *from, size_t attr)
{
    static const size_t sizes[] = { sizeof(uint32_t), sizeof(double), sizeof(bool) };
    size_t at = rows[attr].member;
    memcpy((uint8_t *)to + at, (const uint8_t *)from + at, sizes[rows[attr].kind]);
    uint16_t bit = (uint16_t)LN_ATTR_BIT(attr);
    to->set = (uint16_t)((to->set & ~bit) | (from->set & bit));
}

static bool is_allowed(const struct ln_attrs *attrs)
{
    bool gt = ln__attr_is_set(attrs, LN_ATTR_GT);
    bool lt = ln__attr_is_set(attrs, LN_ATTR_LT);
    bool st = ln__attr_is_set(attrs, LN_ATTR_ST);
    if (st && attrs->st < 0)
        return false;
    if (!gt || !lt)
        return true;
    return attrs->lt < attrs->gt && (!st || attrs->lt + 2 * attrs->st < attrs->gt);
}

enum ln_status ln__attr_apply(struct ln_attrs *attrs, const struct ln_attr_change *change)
{
    struct ln_attrs next = *attrs;
    uint16_t named = ln__attr_named(change);
    for (size_t i = 0; i < COUNT; i++) {
        if ((named & LN_ATTR_BIT(i)) != 0) /* what is to be unset is not set in the change */
            copy(&next, &change->values, i);
    }
    if (!is_allowed(&next))
        return LN_BAD_PEER;
    *attrs = next;
    return LN_OK;
}

void ln__attr_inherit(struct ln_attrs *attrs, const struct ln_attrs *parent)
{
    for (size_t i = 0; i < COUNT; i++) {
        if ((attrs->set & LN_ATTR_BIT(i)) == 0)
            copy(attrs, parent, i);
    }
}
