/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_H
#define CUSTOM_TLS_H
/**
 * @file custom_tls.h
 * A TLS library of one's own: GnuTLS behind Linnet's sockets. Point `options.backend` to this table.
 *
 * Can:      TLS 1.2 and 1.3, DTLS 1.2 (and the old versions, if asked for); client and server;
 *           pre-shared keys and certificates; sessions; CRLs; DANE; the system's trust; key log.
 * Cannot:   tokens (PKCS#11); keys bound to SHA-384 in TLS 1.3; suites in every order, see suites.c.
 *           All of that is refused when a configuration is made.
 * Needs:    GnuTLS >= 3.7.9, and of Linnet its installed headers only.
 * Hook:     `native_hook` gets the gnutls_certificate_credentials_t of the configuration.
 */
#include <linnet/tls_backend.h>

extern const struct ln_tls_backend custom_tls_gnutls;

#endif
