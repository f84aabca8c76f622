/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_BACKENDS_H
#define LN_CLI_BACKENDS_H
/**
 * @file backends.h
 * The TLS libraries of this program: those that are built into Linnet, and those of LN_EXTRA_TLS.
 */
#include <linnet/tls_backend.h>

/** The default one first; NULL behind the last. */
const struct ln_tls_backend *program_backend(size_t index);
/** NULL if there is none of that name. */
const struct ln_tls_backend *program_backend_named(const char *name);

/** Those of LN_EXTRA_TLS. The build writes this list; NULL ends it. */
extern const struct ln_tls_backend *const program_extra_backends[];

#endif
