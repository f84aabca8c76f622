/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS libraries of this program, by number and by name. */
#include "backends.h"

#include <string.h>

const struct ln_tls_backend *program_backend(size_t index)
{
    size_t built_in = 0;
    const struct ln_tls_backend *backend = NULL;
    while ((backend = ln_tls_builtin(built_in)) != NULL) {
        if (built_in++ == index)
            return backend;
    }
    for (size_t i = built_in; (backend = program_extra_backends[i - built_in]) != NULL; i++) {
        if (i == index)
            return backend;
    }
    return NULL;
}

const struct ln_tls_backend *program_backend_named(const char *name)
{
    const struct ln_tls_backend *backend = NULL;
    for (size_t i = 0; (backend = program_backend(i)) != NULL; i++) {
        if (strcmp(backend->name, name) == 0)
            return backend;
    }
    return NULL;
}
