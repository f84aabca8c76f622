/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file system_trust.c
 * The system's CA bundle, for TLS libraries that have no notion of one.
 */
#include "tls/credentials.h"

/** Where distributions put it: Debian and Arch; Fedora and RHEL; openSUSE; Alpine and the BSDs. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

enum ln_status ln__load_system_trust(const struct ln_env *env, struct ln_diag *diag,
                                     struct ln_der_list *out)
{
    struct ln_load quiet = { env, "system_trust", false, NULL };
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
        struct ln_source file = ln_source_file(bundles[i]);
        enum ln_status st = ln__load_certificates(&quiet, &file, out);
        if (st == LN_OK || st == LN_NO_MEMORY)
            return st;
    }
    return ln_diag_set(diag, LN_NOT_FOUND, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "system_trust: no CA certificates in %s (Debian: package ca-certificates)",
                       bundles[0]);
}
