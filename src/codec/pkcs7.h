/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_PKCS7_H
#define LN_CODEC_PKCS7_H
/**
 * @file pkcs7.h
 * Reads bundles of certificates in PKCS#7: SignedData that signs nothing (RFC 5652 section 5;
 * "certs-only", .p7b, .p7c). DER only; PEM is for pem.h to undo.
 *
 * Pure; spans point into the input and are valid while it is.
 */
#include "base/cursor.h"

/**
 * Open a bundle.
 *
 * @param certs  its certificates, for ln__pkcs7_next(); unchanged unless LN_OK
 * @retval LN_BAD_PEER     malformed, something follows it, or what is in it is no plain certificate
 * @retval LN_UNSUPPORTED  PKCS#7 of another kind: it has contents, or signers
 */
LN_MUST_USE enum ln_status ln__pkcs7_certs(struct ln_span der, struct ln_cursor *certs);

/** The next certificate (one whole SEQUENCE, not yet read), or false behind the last one. */
bool ln__pkcs7_next(struct ln_cursor *certs, struct ln_span *cert);

#endif
