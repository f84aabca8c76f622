/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_VALUE_H
#define LN_VALUE_H
/**
 * @file value.h
 * One value of a resource: what objects hold, and what payload formats carry.
 *
 * The types are those of LwM2M (OMA-TS-LightweightM2M_Core, appendix C "Data Types"). A value of
 * text or bytes borrows them; who owns them, and for how long, stands with each function that
 * takes or gives a value. All else is in the struct itself.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** name, text for people and tools */
#define LN_VALUE_TYPE_LIST(X)                                                                      \
    X(NONE, "none")                                                                                \
    X(STRING, "string")                                                                            \
    X(OPAQUE, "opaque")                                                                            \
    X(INTEGER, "integer")                                                                          \
    X(UNSIGNED, "unsigned")                                                                        \
    X(FLOAT, "float")                                                                              \
    X(BOOLEAN, "boolean")                                                                          \
    X(TIME, "time")                                                                                \
    X(OBJLNK, "objlnk")                                                                            \
    X(CORELNK, "corelnk")

enum ln_value_type {
#define LN_VALUE_TYPE_ENUM(name, text) LN_VALUE_##name,
    LN_VALUE_TYPE_LIST(LN_VALUE_TYPE_ENUM)
#undef LN_VALUE_TYPE_ENUM
};

/** An object instance that a resource points to. 65535:65535 (MAX_ID) points nowhere. */
struct ln_objlnk {
    uint16_t object;
    uint16_t instance;
};

struct ln_value {
    enum ln_value_type type;
    union {
        struct ln_span bytes;  /**< STRING and CORELNK (UTF-8, no NUL), OPAQUE; borrowed */
        int64_t integer;       /**< INTEGER; TIME in seconds since 1970-01-01 00:00:00 UTC */
        uint64_t natural;      /**< UNSIGNED */
        double number;         /**< FLOAT; may be infinite or not a number */
        bool boolean;          /**< BOOLEAN */
        struct ln_objlnk link; /**< OBJLNK */
    } as;                      /**< nothing of it counts for NONE */
};

/** "string", "integer" and so on; "unknown" for a value outside the enumeration. Never NULL. */
LN_API const char *ln_value_type_name(enum ln_value_type type);

/** Whether values of this type are text or bytes: STRING, OPAQUE, CORELNK. */
static inline bool ln_value_type_is_bytes(enum ln_value_type type)
{
    return type == LN_VALUE_STRING || type == LN_VALUE_OPAQUE || type == LN_VALUE_CORELNK;
}

/** Whether both have the same type and value. Numbers that are not a number equal nothing. */
LN_API bool ln_value_equal(const struct ln_value *a, const struct ln_value *b);

/* ---- making values ---- */

static inline struct ln_value ln_value_none(void)
{
    struct ln_value v;
    memset(&v, 0, sizeof v);
    return v;
}

/** `type` is STRING, OPAQUE or CORELNK; the bytes are borrowed. */
static inline struct ln_value ln_value_bytes(enum ln_value_type type, struct ln_span bytes)
{
    struct ln_value v = ln_value_none();
    v.type = type;
    v.as.bytes = bytes;
    return v;
}

/** The characters of `text` without its NUL, borrowed; NULL gives the empty string. */
static inline struct ln_value ln_value_string(const char *text)
{
    return ln_value_bytes(LN_VALUE_STRING, ln_span_str(text));
}

static inline struct ln_value ln_value_opaque(struct ln_span bytes)
{
    return ln_value_bytes(LN_VALUE_OPAQUE, bytes);
}

static inline struct ln_value ln_value_integer(int64_t integer)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_INTEGER;
    v.as.integer = integer;
    return v;
}

static inline struct ln_value ln_value_unsigned(uint64_t natural)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_UNSIGNED;
    v.as.natural = natural;
    return v;
}

static inline struct ln_value ln_value_float(double number)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_FLOAT;
    v.as.number = number;
    return v;
}

static inline struct ln_value ln_value_boolean(bool boolean)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_BOOLEAN;
    v.as.boolean = boolean;
    return v;
}

/** @param seconds  since 1970-01-01 00:00:00 UTC */
static inline struct ln_value ln_value_time(int64_t seconds)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_TIME;
    v.as.integer = seconds;
    return v;
}

static inline struct ln_value ln_value_objlnk(uint16_t object, uint16_t instance)
{
    struct ln_value v = ln_value_none();
    v.type = LN_VALUE_OBJLNK;
    v.as.link.object = object;
    v.as.link.instance = instance;
    return v;
}

#ifdef __cplusplus
}
#endif
#endif
