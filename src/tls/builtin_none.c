/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file builtin_none.c
 * The list of back ends for a build without a TLS library: the user brings one (tls_backend.h).
 */
#include "tls/builtin.h"

const struct ln_tls_backend *const ln__tls_backends[] = { NULL };
