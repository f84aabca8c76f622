/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file x509.c
 * Contract: x509.h. The structures are those of RFC 5280 4.1, 4.2 and 5.1.
 */
#include "codec/x509.h"

#include "base/try.h"
#include "codec/der.h"

/* More than any certificate has; it bounds the search for duplicates. */
#define EXTENSIONS_MAX 64

static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_subject_alt_name[] = { 0x55, 0x1d, 0x11 };
static const uint8_t oid_subject_key_id[] = { 0x55, 0x1d, 0x0e };
static const uint8_t oid_authority_key_id[] = { 0x55, 0x1d, 0x23 };

/* The next value of this tag with its identifier and length octets. */
static enum ln_status take_whole(struct ln_cursor *in, uint8_t tag, struct ln_span *whole)
{
    struct ln_der v;
    if (!ln__der_next_is(in, tag))
        return LN_BAD_PEER;
    TRY(ln__der_read(in, &v));
    *whole = v.whole;
    return LN_OK;
}

/* AlgorithmIdentifier ::= SEQUENCE { OID, parameters ANY OPTIONAL } */
static enum ln_status skip_algorithm(struct ln_cursor *in)
{
    struct ln_cursor body;
    struct ln_span oid;
    struct ln_der parameters;
    TRY(ln__der_enter(in, LN_DER_SEQUENCE, &body));
    TRY(ln__der_oid(&body, &oid));
    if (!ln__cursor_is_empty(&body))
        TRY(ln__der_read(&body, &parameters));
    return ln__der_end(&body);
}

/* AttributeTypeAndValue ::= SEQUENCE { OID, ANY } */
static enum ln_status read_attribute(struct ln_cursor *in, struct ln_span *oid,
                                     struct ln_der *value)
{
    struct ln_cursor body;
    TRY(ln__der_enter(in, LN_DER_SEQUENCE, &body));
    TRY(ln__der_oid(&body, oid));
    TRY(ln__der_read(&body, value));
    return ln__der_end(&body);
}

/* Name ::= SEQUENCE OF SET SIZE (1..MAX) OF AttributeTypeAndValue */
static enum ln_status take_name(struct ln_cursor *in, struct ln_span *whole)
{
    struct ln_cursor ahead = *in;
    struct ln_cursor name;
    TRY(take_whole(in, LN_DER_SEQUENCE, whole));
    TRY(ln__der_enter(&ahead, LN_DER_SEQUENCE, &name));
    while (!ln__cursor_is_empty(&name)) {
        struct ln_cursor set;
        TRY(ln__der_enter(&name, LN_DER_SET, &set));
        do {
            struct ln_span oid;
            struct ln_der value;
            TRY(read_attribute(&set, &oid, &value));
        } while (!ln__cursor_is_empty(&set));
    }
    return LN_OK;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { AlgorithmIdentifier, BIT STRING } */
static enum ln_status take_spki(struct ln_cursor *in, struct ln_span *whole)
{
    struct ln_cursor ahead = *in;
    struct ln_cursor spki;
    struct ln_span key;
    unsigned unused = 0;
    TRY(take_whole(in, LN_DER_SEQUENCE, whole));
    TRY(ln__der_enter(&ahead, LN_DER_SEQUENCE, &spki));
    TRY(skip_algorithm(&spki));
    TRY(ln__der_bit_string(&spki, &key, &unused));
    return key.len > 0 ? ln__der_end(&spki) : LN_BAD_PEER;
}

enum ln_status ln__x509_spki_check(struct ln_span der)
{
    struct ln_cursor c = ln__cursor(der);
    struct ln_span whole;
    TRY(take_spki(&c, &whole));
    return ln__der_end(&c);
}

/* version [0] EXPLICIT INTEGER DEFAULT v1 */
static enum ln_status read_version(struct ln_cursor *tbs, unsigned *out)
{
    bool present = false;
    struct ln_span body;
    uint32_t version = 0;
    TRY(ln__der_optional(tbs, LN_DER_CONTEXT_CONSTRUCTED(0), &present, &body));
    if (present) {
        struct ln_cursor c = ln__cursor(body);
        TRY(ln__der_uint(&c, LN_DER_INTEGER, &version));
        TRY(ln__der_end(&c));
    }
    if (version > 2)
        return LN_BAD_PEER;
    *out = version + 1;
    return LN_OK;
}

/* Validity ::= SEQUENCE { notBefore Time, notAfter Time } */
static enum ln_status read_validity(struct ln_cursor *tbs, struct ln_x509 *cert)
{
    struct ln_cursor body;
    TRY(ln__der_enter(tbs, LN_DER_SEQUENCE, &body));
    TRY(ln__der_time(&body, &cert->not_before));
    TRY(ln__der_time(&body, &cert->not_after));
    return ln__der_end(&body);
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
static enum ln_status read_basic_constraints(struct ln_cursor *value, struct ln_x509 *cert)
{
    struct ln_cursor body;
    TRY(ln__der_enter(value, LN_DER_SEQUENCE, &body));
    if (ln__der_next_is(&body, LN_DER_BOOLEAN))
        TRY(ln__der_boolean(&body, &cert->is_ca));
    cert->has_path_len = ln__der_next_is(&body, LN_DER_INTEGER);
    if (cert->has_path_len)
        TRY(ln__der_uint(&body, LN_DER_INTEGER, &cert->path_len));
    return ln__der_end(&body);
}

/* AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] OCTET STRING OPTIONAL, issuer [1],
 * serial [2] } */
static enum ln_status read_authority_key_id(struct ln_cursor *value, struct ln_x509 *cert)
{
    struct ln_cursor body;
    bool present = false;
    TRY(ln__der_enter(value, LN_DER_SEQUENCE, &body));
    TRY(ln__der_optional(&body, LN_DER_CONTEXT(0), &present, &cert->aki));
    return ln__der_check(ln__cursor_rest(&body), LN_DER_DEPTH_MAX);
}

/* GeneralName ::= CHOICE { ..., dNSName [2] IA5String, ..., iPAddress [7] OCTET STRING, ... } */
static enum ln_status read_san(struct ln_cursor *sans, struct ln_san *out)
{
    struct ln_der v;
    TRY(ln__der_read(sans, &v));
    if ((v.tag & 0xc0) != LN_DER_CONTEXT(0)) /* every choice has a context tag */
        return LN_BAD_PEER;
    out->value = v.body;
    out->kind = LN_SAN_OTHER;
    if (v.tag == LN_DER_CONTEXT(2))
        out->kind = LN_SAN_DNS;
    if (v.tag == LN_DER_CONTEXT(7)) {
        out->kind = LN_SAN_IP;
        if (v.body.len != 4 && v.body.len != 16)
            return LN_BAD_PEER;
    }
    return LN_OK;
}

/* GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName. An empty one is accepted: it names
 * nobody, and that is for the policy to say. */
static enum ln_status read_subject_alt_name(struct ln_cursor *value, struct ln_x509 *cert)
{
    TRY(ln__der_expect(value, LN_DER_SEQUENCE, &cert->san));
    cert->has_san = true;
    struct ln_cursor sans = ln__cursor(cert->san);
    while (!ln__cursor_is_empty(&sans)) {
        struct ln_san name;
        TRY(read_san(&sans, &name));
    }
    return LN_OK;
}

static enum ln_status read_subject_key_id(struct ln_cursor *value, struct ln_x509 *cert)
{
    return ln__der_expect(value, LN_DER_OCTET_STRING, &cert->ski);
}

/* The extensions that somebody asks for. The contents of all others stay unread. */
static const struct {
    struct ln_span oid;
    enum ln_status (*read)(struct ln_cursor *value, struct ln_x509 *cert);
} known_extensions[] = {
    { { oid_basic_constraints, sizeof oid_basic_constraints }, read_basic_constraints },
    { { oid_subject_alt_name, sizeof oid_subject_alt_name }, read_subject_alt_name },
    { { oid_subject_key_id, sizeof oid_subject_key_id }, read_subject_key_id },
    { { oid_authority_key_id, sizeof oid_authority_key_id }, read_authority_key_id },
};

static enum ln_status read_known_extension(struct ln_span oid, struct ln_span value,
                                           struct ln_x509 *cert)
{
    for (size_t i = 0; i < sizeof known_extensions / sizeof known_extensions[0]; i++) {
        struct ln_cursor c = ln__cursor(value);
        if (!ln_span_equal(oid, known_extensions[i].oid))
            continue;
        TRY(known_extensions[i].read(&c, cert));
        return ln__der_end(&c);
    }
    return LN_OK;
}

/* Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } */
static enum ln_status read_extension(struct ln_cursor *in, struct ln_span *oid,
                                     struct ln_span *value)
{
    struct ln_cursor body;
    bool critical = false;
    TRY(ln__der_enter(in, LN_DER_SEQUENCE, &body));
    TRY(ln__der_oid(&body, oid));
    if (ln__der_next_is(&body, LN_DER_BOOLEAN))
        TRY(ln__der_boolean(&body, &critical));
    TRY(ln__der_expect(&body, LN_DER_OCTET_STRING, value));
    return ln__der_end(&body);
}

/* RFC 5280 4.2: no extension twice. Otherwise one reader might take the first and another one the
 * last. `cert` NULL: only check. */
static enum ln_status read_extensions(struct ln_cursor in, struct ln_x509 *cert)
{
    struct ln_span seen[EXTENSIONS_MAX];
    size_t count = 0;
    do {
        struct ln_span value;
        if (count == EXTENSIONS_MAX)
            return LN_BAD_PEER;
        TRY(read_extension(&in, &seen[count], &value));
        for (size_t i = 0; i < count; i++) {
            if (ln_span_equal(seen[i], seen[count]))
                return LN_BAD_PEER;
        }
        if (cert != NULL)
            TRY(read_known_extension(seen[count], value, cert));
        count++;
    } while (!ln__cursor_is_empty(&in));
    return LN_OK;
}

/* extensions [n] EXPLICIT SEQUENCE SIZE (1..MAX) OF Extension, OPTIONAL and last */
static enum ln_status read_optional_extensions(struct ln_cursor *in, uint8_t tag,
                                               struct ln_x509 *cert)
{
    bool present = false;
    struct ln_span body;
    TRY(ln__der_optional(in, tag, &present, &body));
    if (present) {
        struct ln_cursor outer = ln__cursor(body);
        struct ln_cursor list;
        TRY(ln__der_enter(&outer, LN_DER_SEQUENCE, &list));
        TRY(ln__der_end(&outer));
        TRY(read_extensions(list, cert));
    }
    return ln__der_end(in);
}

/* issuerUniqueID [1], subjectUniqueID [2]: versions 2 and 3, used by nobody */
static enum ln_status skip_unique_ids(struct ln_cursor *tbs)
{
    struct ln_span body;
    bool present = false;
    TRY(ln__der_optional(tbs, LN_DER_CONTEXT(1), &present, &body));
    return ln__der_optional(tbs, LN_DER_CONTEXT(2), &present, &body);
}

static enum ln_status read_tbs(struct ln_cursor tbs, struct ln_x509 *cert)
{
    TRY(read_version(&tbs, &cert->version));
    TRY(ln__der_integer(&tbs, &cert->serial));
    TRY(skip_algorithm(&tbs));
    TRY(take_name(&tbs, &cert->issuer));
    TRY(read_validity(&tbs, cert));
    TRY(take_name(&tbs, &cert->subject));
    TRY(take_spki(&tbs, &cert->spki));
    cert->self_issued = ln_span_equal(cert->issuer, cert->subject);
    if (cert->version > 1)
        TRY(skip_unique_ids(&tbs));
    if (cert->version < 3)
        return ln__der_end(&tbs);
    return read_optional_extensions(&tbs, LN_DER_CONTEXT_CONSTRUCTED(3), cert);
}

/* Certificate and CertificateList ::= SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING } */
static enum ln_status open_signed(struct ln_span der, struct ln_span *tbs, struct ln_cursor *body)
{
    struct ln_cursor c = ln__cursor(der);
    struct ln_cursor outer;
    struct ln_span signature;
    unsigned unused = 0;
    TRY(ln__der_enter(&c, LN_DER_SEQUENCE, &outer));
    TRY(ln__der_end(&c));
    struct ln_cursor ahead = outer;
    TRY(ln__der_enter(&ahead, LN_DER_SEQUENCE, body));
    TRY(take_whole(&outer, LN_DER_SEQUENCE, tbs));
    TRY(skip_algorithm(&outer));
    TRY(ln__der_bit_string(&outer, &signature, &unused));
    return ln__der_end(&outer);
}

enum ln_status ln__x509_read(struct ln_span der, struct ln_x509 *out)
{
    struct ln_x509 cert = { .der = der };
    struct ln_cursor body;
    TRY(open_signed(der, &cert.tbs, &body));
    TRY(read_tbs(body, &cert));
    *out = cert;
    return LN_OK;
}

bool ln__x509_san_next(struct ln_cursor *sans, struct ln_san *out)
{
    return !ln__cursor_is_empty(sans) && read_san(sans, out) == LN_OK;
}

/* revokedCertificates ::= SEQUENCE OF SEQUENCE { serial, date, extensions OPTIONAL } OPTIONAL */
static enum ln_status check_revoked(struct ln_cursor *tbs)
{
    bool present = false;
    struct ln_span list;
    TRY(ln__der_optional(tbs, LN_DER_SEQUENCE, &present, &list));
    struct ln_cursor in = ln__cursor(present ? list : ln_span(NULL, 0));
    while (!ln__cursor_is_empty(&in)) {
        struct ln_cursor entry;
        struct ln_span serial;
        int64_t when = 0;
        TRY(ln__der_enter(&in, LN_DER_SEQUENCE, &entry));
        TRY(ln__der_integer(&entry, &serial));
        TRY(ln__der_time(&entry, &when));
        if (!ln__cursor_is_empty(&entry)) {
            struct ln_cursor extensions;
            TRY(ln__der_enter(&entry, LN_DER_SEQUENCE, &extensions));
            TRY(ln__der_end(&entry));
            TRY(read_extensions(extensions, NULL));
        }
    }
    return LN_OK;
}

static enum ln_status read_crl_tbs(struct ln_cursor tbs, struct ln_crl *crl)
{
    uint32_t version = 0;
    if (ln__der_next_is(&tbs,
                        LN_DER_INTEGER)) { /* absent in version 1, otherwise 1 for version 2 */
        TRY(ln__der_uint(&tbs, LN_DER_INTEGER, &version));
        if (version != 1)
            return LN_BAD_PEER;
    }
    TRY(skip_algorithm(&tbs));
    TRY(take_name(&tbs, &crl->issuer));
    TRY(ln__der_time(&tbs, &crl->this_update));
    crl->has_next_update =
        ln__der_next_is(&tbs, LN_DER_UTC_TIME) || ln__der_next_is(&tbs, LN_DER_GENERALIZED_TIME);
    if (crl->has_next_update)
        TRY(ln__der_time(&tbs, &crl->next_update));
    TRY(check_revoked(&tbs));
    return read_optional_extensions(&tbs, LN_DER_CONTEXT_CONSTRUCTED(0), NULL);
}

enum ln_status ln__x509_crl_read(struct ln_span der, struct ln_crl *out)
{
    struct ln_crl crl = { .der = der };
    struct ln_span tbs;
    struct ln_cursor body;
    TRY(open_signed(der, &tbs, &body));
    TRY(read_crl_tbs(body, &crl));
    *out = crl;
    return LN_OK;
}
