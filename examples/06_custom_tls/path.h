/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_PATH_H
#define CUSTOM_TLS_PATH_H
/**
 * @file path.h
 * A candidate for a certification path, and whether it holds. path.c looks for candidates, check.c
 * judges them.
 */
#include "backend.h"

/** Leaf to anchor. */
#define GTLS_PATH_MAX (LN_CHAIN_MAX + 1)

struct gtls_path {
    size_t count;
    struct gtls_cert at[GTLS_PATH_MAX];
};

struct gtls_finding {
    enum ln_verify result;
    unsigned native; /**< GNUTLS_CERT_* */
    int depth;
};

/** The last certificate is an anchor. False without memory. */
bool gtls_path_check(const struct gtls_verifying *v, const struct gtls_path *path,
                     const struct ln_tls_path_request *how, struct gtls_finding *out);

#endif
