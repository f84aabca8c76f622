/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_CHAIN_H
#define LN_TLS_CHAIN_H
/**
 * @file chain.h
 * Completes the own certificate chain from the trusted certificates.
 */
#include "tls/credentials.h"

/**
 * Append the missing issuers of `chain` that `trust` holds, the self-signed root included.
 *
 * Starts at the last certificate of `chain` and stops at a self-signed one, when no issuer is found,
 * at LN_CHAIN_MAX certificates, or when the issuer is in the chain already (cross-signing, cycles).
 * A chain that cannot be completed is no error: it stays as it is.
 * @retval LN_NO_MEMORY  the chain may be longer than before, and is in order
 */
enum ln_status ln__chain_complete(const struct ln_tls_backend *backend, struct ln_der_list *chain,
                                  const struct ln_der_list *trust);

#endif
