/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pkcs7.c
 * Contract: pkcs7.h. The structures are those of RFC 5652 3 and 5.1.
 */
#include "codec/pkcs7.h"

#include "base/try.h"
#include "codec/der.h"

/* pkcs7-data and pkcs7-signedData, 1.2.840.113549.1.7.1 and .2 */
static const uint8_t oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };

/* ContentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT ANY } around SignedData */
static enum ln_status open_signed_data(struct ln_span der, struct ln_cursor *out)
{
    struct ln_cursor in = ln__cursor(der);
    struct ln_cursor info;
    struct ln_cursor content;
    struct ln_span oid;
    TRY(ln__der_enter(&in, LN_DER_SEQUENCE, &info));
    TRY(ln__der_end(&in));
    TRY(ln__der_oid(&info, &oid));
    if (!ln__der_oid_is(oid, oid_signed_data, sizeof oid_signed_data))
        return LN_UNSUPPORTED;
    TRY(ln__der_enter(&info, LN_DER_CONTEXT_CONSTRUCTED(0), &content));
    TRY(ln__der_end(&info));
    TRY(ln__der_enter(&content, LN_DER_SEQUENCE, out));
    return ln__der_end(&content);
}

/* EncapsulatedContentInfo ::= SEQUENCE { OID, [0] OPTIONAL }: here data, and none of it */
static enum ln_status check_no_content(struct ln_cursor *in)
{
    struct ln_cursor content;
    struct ln_span oid;
    TRY(ln__der_enter(in, LN_DER_SEQUENCE, &content));
    TRY(ln__der_oid(&content, &oid));
    bool is_data = ln__der_oid_is(oid, oid_data, sizeof oid_data);
    return is_data && ln__cursor_is_empty(&content) ? LN_OK : LN_UNSUPPORTED;
}

/* CertificateSet ::= SET OF CertificateChoices. All choices but a plain certificate (a SEQUENCE)
 * have tags of their own and are refused: whoever wrote them in meant something by it. */
static enum ln_status check_certs(struct ln_cursor certs)
{
    struct ln_span body;
    while (!ln__cursor_is_empty(&certs))
        TRY(ln__der_expect(&certs, LN_DER_SEQUENCE, &body));
    return LN_OK;
}

/* SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0],
 * crls [1], signerInfos SET } */
static enum ln_status read_signed_data(struct ln_cursor in, struct ln_cursor *certs)
{
    struct ln_span list = ln_span(NULL, 0);
    struct ln_span skipped;
    struct ln_span signers;
    uint32_t version = 0;
    bool present = false;
    TRY(ln__der_uint(&in, LN_DER_INTEGER, &version));
    TRY(ln__der_expect(&in, LN_DER_SET, &skipped));
    TRY(check_no_content(&in));
    TRY(ln__der_optional(&in, LN_DER_CONTEXT_CONSTRUCTED(0), &present, &list));
    TRY(ln__der_optional(&in, LN_DER_CONTEXT_CONSTRUCTED(1), &present, &skipped));
    TRY(ln__der_expect(&in, LN_DER_SET, &signers));
    TRY(ln__der_end(&in));
    if (signers.len > 0)
        return LN_UNSUPPORTED;
    *certs = ln__cursor(list);
    return check_certs(*certs);
}

enum ln_status ln__pkcs7_certs(struct ln_span der, struct ln_cursor *certs)
{
    struct ln_cursor in;
    struct ln_cursor found;
    TRY(open_signed_data(der, &in));
    TRY(read_signed_data(in, &found));
    *certs = found;
    return LN_OK;
}

bool ln__pkcs7_next(struct ln_cursor *certs, struct ln_span *cert)
{
    struct ln_der v;
    if (ln__cursor_is_empty(certs) || ln__der_read(certs, &v) != LN_OK)
        return false;
    *cert = v.whole;
    return true;
}
