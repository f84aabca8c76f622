/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_ATTR_H
#define LN_CODEC_ATTR_H
/**
 * @file attr.h
 * Notification attributes (OMA-TS-LightweightM2M_Core-V1_1_1 5.1.2, V1_2 7.3): read from the query
 * of a Write-Attributes or an Observe, checked, inherited.
 *
 * Nothing is applied by halves: queries are gathered in a change, and ln__attr_apply() makes the
 * change if its result is allowed. Printing for Discover is in link.h.
 */
#include <linnet/path.h>
#include <linnet/value.h>

/** name, as it is written, member, kind of value, lowest level, types
 *  The level is the first at which the attribute may be set: gt, lt, st and edge say something
 *  about a value, so they stand at resources and their instances only. */
#define LN_ATTR_LIST(X)                                                                            \
    X(PMIN, "pmin", pmin, WHOLE, OBJECT, ANY)                                                    \
    X(PMAX, "pmax", pmax, WHOLE, OBJECT, ANY)                                                    \
    X(GT, "gt", gt, DECIMAL, RESOURCE, NUMERIC)                                                    \
    X(LT, "lt", lt, DECIMAL, RESOURCE, NUMERIC)                                                    \
    X(ST, "st", st, DECIMAL, RESOURCE, NUMERIC)                                                    \
    X(EPMIN, "epmin", epmin, WHOLE, OBJECT, ANY)                                                 \
    X(EPMAX, "epmax", epmax, WHOLE, OBJECT, ANY)                                                 \
    X(EDGE, "edge", edge, FLAG, RESOURCE, BOOLEAN)                                                 \
    X(CON, "con", con, FLAG, OBJECT, ANY)                                                          \
    X(HQMAX, "hqmax", hqmax, WHOLE, OBJECT, ANY)

enum ln_attr {
#define LN_ATTR_ENUM(name, text, member, kind, level, types) LN_ATTR_##name,
    LN_ATTR_LIST(LN_ATTR_ENUM)
#undef LN_ATTR_ENUM
};

/** The bit of an attribute in a set. */
#define LN_ATTR_BIT(attr) (1u << (attr))

/** The attributes that are set at one place, for one server. All zeros: none. */
struct ln_attrs {
    uint16_t set;   /**< LN_ATTR_BIT of those that are; the members of others are 0 */
    bool edge;      /**< true: 1, rising; false: 0, falling */
    bool con;       /**< true: confirmable */
    uint32_t pmin;  /**< seconds */
    uint32_t pmax;  /**< seconds; 0 is as good as unset */
    uint32_t epmin; /**< seconds */
    uint32_t epmax; /**< seconds */
    uint32_t hqmax; /**< notifications to keep */
    double gt;
    double lt;
    double st;
};

/** What a request wants: `values.set` to be set, `unset` to be removed. All zeros: nothing yet. */
struct ln_attr_change {
    struct ln_attrs values;
    uint16_t unset;
};

static inline bool ln__attr_is_set(const struct ln_attrs *attrs, enum ln_attr attr)
{
    return (attrs->set & LN_ATTR_BIT(attr)) != 0;
}

/** "pmin" and so on. Never NULL. */
const char *ln__attr_name(enum ln_attr attr);

/**
 * One Uri-Query option: "pmin=10", or "pmin" alone to unset it.
 *
 * @param change  is added to; unchanged unless LN_OK
 * @retval LN_NOT_FOUND  no attribute has this name
 * @retval LN_DENIED     an attribute that nobody writes: dim, ver, ssid, uri, lwm2m
 * @retval LN_BAD_PEER   the value is malformed or out of range, or the attribute was named before
 */
LN_MUST_USE enum ln_status ln__attr_read(struct ln_span query, struct ln_attr_change *change);

/** All attributes that a change names, as a set. */
static inline uint16_t ln__attr_named(const struct ln_attr_change *change)
{
    return (uint16_t)(change->values.set | change->unset);
}

/**
 * Whether all of a set may stand at this level, on a value of this type.
 * @param type  of the resource; NONE at levels above it, or if it is not known
 */
LN_MUST_USE bool ln__attr_fits(uint16_t set, enum ln_path_level level, enum ln_value_type type);

/**
 * Make a change.
 *
 * @param attrs  unchanged unless LN_OK
 * @retval LN_BAD_PEER  the result would not be allowed: st must not be negative, lt must be less
 *                      than gt, and lt + 2 * st less than gt. (pmin greater than pmax is allowed:
 *                      pmax does not count then. So are epmin and epmax.)
 */
LN_MUST_USE enum ln_status ln__attr_apply(struct ln_attrs *attrs,
                                          const struct ln_attr_change *change);

/** Inherit: what is not set here is as it is in the parent. */
void ln__attr_inherit(struct ln_attrs *attrs, const struct ln_attrs *parent);

#endif
