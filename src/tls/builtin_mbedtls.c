/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file builtin_mbedtls.c
 * The list of back ends for -DLN_TLS=mbedtls.
 */
#include "tls/builtin.h"

const struct ln_tls_backend *const ln__tls_backends[] = { &ln__tls_mbedtls, NULL };
