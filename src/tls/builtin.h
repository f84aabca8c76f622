/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_BUILTIN_H
#define LN_TLS_BUILTIN_H
/**
 * @file builtin.h
 * The list of back ends; each build compiles the one src/tls/builtin_*.c that it chose (LN_TLS).
 */
#include <linnet/tls_backend.h>

/** Ends with NULL; the first is the default. */
extern const struct ln_tls_backend *const ln__tls_backends[];

extern const struct ln_tls_backend ln__tls_openssl;
extern const struct ln_tls_backend ln__tls_mbedtls;

#endif
