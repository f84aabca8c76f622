/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_DANE_H
#define LN_TLS_DANE_H
/**
 * @file dane.h
 * DANE (RFC 6698, RFC 7671): sets of TLSA records, and what they ask of a certificate. The same
 * matcher for every TLS library; SHA-384, which LwM2M has and DNS has not, included.
 *
 * What is decided here: whether records are well-formed, which of them count, and whether a
 * certificate matches one. A match alone authenticates nobody; src/tls/verify.c asks for the rest:
 *
 *   usage         the certificate that must match                what else must be true
 *   0 PKIX-TA     an issuer in the path that was verified        PKIX path, name
 *   1 PKIX-EE     the leaf                                       PKIX path, name
 *   2 DANE-TA     an issuer that was sent, or the record itself  a path to this anchor alone, name
 *   3 DANE-EE     the leaf                                       nothing (RFC 7671 5.1)
 *
 * Memory:  a set is one block of env memory, which holds copies of everything.
 */
#include <linnet/tls.h>

/* ---- sets ---- */

/** Records, copied. */
struct ln_tlsa_set {
    struct ln_span bytes;        /**< the same only for the same records in the same order */
    uint8_t digest[LN_HASH_MAX]; /**< SHA-256 of these, by ln__tls_records_new(); else zeros */
    size_t count;
    struct ln_tlsa records[]; /**< their data is part of the same block */
};

/**
 * Check and copy records.
 *
 * Malformed is: no data; a digest of another length than its matching type has; with
 * LN_TLSA_EXACT, data that is no whole certificate (selector 0) or SubjectPublicKeyInfo (selector
 * 1). A usage, selector or matching type that nobody has defined is not malformed: the record is
 * kept, and never usable.
 *
 * @param count  1..LN_TLSA_MAX
 * @param diag   may be NULL; on failure names the record: "tlsa[2]: ..."
 * @param out    the caller's, to be freed by ln__tlsa_set_free(); unchanged unless LN_OK
 * @retval LN_BAD_ARG    a record is malformed, or the count out of range
 * @retval LN_NO_MEMORY
 */
LN_MUST_USE enum ln_status ln__tlsa_set_new(const struct ln_env *env, const struct ln_tlsa *records,
                                            size_t count, struct ln_diag *diag,
                                            struct ln_tlsa_set **out);
/** NULL is allowed. */
void ln__tlsa_set_free(const struct ln_env *env, struct ln_tlsa_set *set);

/** Why a record is malformed: one clause; NULL if it is not. Pure. */
const char *ln__tlsa_fault(const struct ln_tlsa *record);

/* ---- which records count ---- */

enum ln_dane_plan {
    LN_DANE_PKIX,    /**< no records: a path to `trust`, and the name */
    LN_DANE_RECORDS, /**< one of the usable records must authenticate the peer */
    LN_DANE_NOBODY,  /**< opportunistic, and nothing usable: anyone is accepted */
    LN_DANE_REFUSE,  /**< records were set and none is usable: fail before anything is sent */
};

/**
 * What to do with these records.
 * @param set            NULL = none are set
 * @param opportunistic  LN_AUTH_DANE_OPPORTUNISTIC; else LN_AUTH_DANE
 */
enum ln_dane_plan ln__dane_plan(const struct ln_tlsa_set *set, bool opportunistic);

/** Whether a record may authenticate: its values are known, and where nobody is trusted by a PKIX
 *  path (opportunistic), it is not of usage 0 or 1 (RFC 7672 3.1.3). */
bool ln__tlsa_is_usable(const struct ln_tlsa *record, bool opportunistic);

/* ---- matching ---- */

/** A digest of all parts, one after the other; the same as `hash` of struct ln_tls_backend. */
typedef enum ln_status (*ln_tlsa_hash)(enum ln_hash hash, const struct ln_span *parts, size_t count,
                                       uint8_t out[LN_HASH_MAX]);

/**
 * Whether a certificate is the one that a record is about.
 *
 * @param record  of a set; one of unknown values matches nothing
 * @param cert    DER; a certificate that cannot be read matches nothing
 * @param hash    where it fails, nothing matches
 */
bool ln__tlsa_matches(const struct ln_tlsa *record, struct ln_span cert, ln_tlsa_hash hash);

#endif
