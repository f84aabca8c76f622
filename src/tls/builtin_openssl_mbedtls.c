/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file builtin_openssl_mbedtls.c
 * The list of back ends for -DLN_TLS=both.
 */
#include "tls/builtin.h"

const struct ln_tls_backend *const ln__tls_backends[] = { &ln__tls_openssl, &ln__tls_mbedtls,
                                                          NULL };
