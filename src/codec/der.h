/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_DER_H
#define LN_CODEC_DER_H
/**
 * @file der.h
 * A strict reader of DER (X.690): what is not the one canonical encoding is refused.
 *
 * Strict means: definite lengths only, no spare length octets, tag numbers up to 30, shortest
 * integers, BOOLEAN 0x00 or 0xff, no spare bits set in a BIT STRING, times in UTC with seconds and
 * without fractions. Two readers of one certificate must never see two different certificates.
 *
 * All functions are pure: they allocate nothing and give out spans into their input, valid while
 * the input is. Malformed input is LN_BAD_PEER, and then neither cursor nor results have changed.
 */
#include "base/cursor.h"

/* Identifier octets, X.690 8.1.2. */
#define LN_DER_BOOLEAN 0x01
#define LN_DER_INTEGER 0x02
#define LN_DER_BIT_STRING 0x03
#define LN_DER_OCTET_STRING 0x04
#define LN_DER_NULL 0x05
#define LN_DER_OID 0x06
#define LN_DER_ENUMERATED 0x0a
#define LN_DER_UTF8_STRING 0x0c
#define LN_DER_NUMERIC_STRING 0x12
#define LN_DER_PRINTABLE_STRING 0x13
#define LN_DER_T61_STRING 0x14
#define LN_DER_IA5_STRING 0x16
#define LN_DER_UTC_TIME 0x17
#define LN_DER_GENERALIZED_TIME 0x18
#define LN_DER_VISIBLE_STRING 0x1a
#define LN_DER_UNIVERSAL_STRING 0x1c
#define LN_DER_BMP_STRING 0x1e
#define LN_DER_SEQUENCE 0x30
#define LN_DER_SET 0x31
#define LN_DER_CONSTRUCTED 0x20
/** [n] as a primitive (IMPLICIT string) or around other values (EXPLICIT, or IMPLICIT SEQUENCE). */
#define LN_DER_CONTEXT(n) (0x80 | (n))
#define LN_DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n))

/** Deeper than any certificate, CRL or PKCS#7 bundle is nested (those need less than 12). */
#define LN_DER_DEPTH_MAX 24

/** One value: identifier, length, contents. */
struct ln_der {
    uint8_t tag;
    struct ln_span whole; /**< with identifier and length octets */
    struct ln_span body;  /**< the contents */
};

/** The next value, whatever it is. */
LN_MUST_USE enum ln_status ln__der_read(struct ln_cursor *in, struct ln_der *out);

/** The next value, which must have this tag: its contents. */
LN_MUST_USE enum ln_status ln__der_expect(struct ln_cursor *in, uint8_t tag, struct ln_span *body);

/** The same, opened for reading. */
LN_MUST_USE enum ln_status ln__der_enter(struct ln_cursor *in, uint8_t tag, struct ln_cursor *out);

/** Whether the next value has this tag. */
bool ln__der_next_is(const struct ln_cursor *in, uint8_t tag);

/** The next value if it has this tag, otherwise nothing is read and *present is false. */
LN_MUST_USE enum ln_status ln__der_optional(struct ln_cursor *in, uint8_t tag, bool *present,
                                            struct ln_span *body);

/** Nothing may follow. */
LN_MUST_USE enum ln_status ln__der_end(const struct ln_cursor *in);

/**
 * Walk through all that is nested in `in`: every constructed value must be made of whole values.
 * @param depth  how deep values may be nested, at most LN_DER_DEPTH_MAX
 */
LN_MUST_USE enum ln_status ln__der_check(struct ln_span in, size_t depth);

/** Contents of an INTEGER of any size: at least one octet, shortest form, negative ones too. */
LN_MUST_USE enum ln_status ln__der_integer(struct ln_cursor *in, struct ln_span *body);

/** An INTEGER or ENUMERATED (`tag`) from 0 to UINT32_MAX. */
LN_MUST_USE enum ln_status ln__der_uint(struct ln_cursor *in, uint8_t tag, uint32_t *out);

LN_MUST_USE enum ln_status ln__der_boolean(struct ln_cursor *in, bool *out);

/** An OBJECT IDENTIFIER: its contents, checked to be made of whole, shortest arcs. */
LN_MUST_USE enum ln_status ln__der_oid(struct ln_cursor *in, struct ln_span *body);

/** A BIT STRING: its bytes and how many bits (0..7) at the end of the last one do not count. */
LN_MUST_USE enum ln_status ln__der_bit_string(struct ln_cursor *in, struct ln_span *bytes,
                                              unsigned *unused);

/**
 * A UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them (YYMMDDHHMMSSZ, YYYYMMDDHHMMSSZ).
 * @param out  seconds since 1970-01-01 00:00:00 UTC; negative before
 */
LN_MUST_USE enum ln_status ln__der_time(struct ln_cursor *in, int64_t *out);

/** Whether the contents of an OID are these `len` bytes. */
static inline bool ln__der_oid_is(struct ln_span body, const uint8_t *oid, size_t len)
{
    return ln_span_equal(body, ln_span(oid, len)) != 0;
}

#endif
