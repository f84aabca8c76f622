/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file builtin.c
 * The back ends of this build, and what they can do.
 */
#include "tls/builtin.h"
#include <string.h>

const struct ln_tls_backend *ln_tls_builtin(size_t index)
{
    size_t count = 0;
    while (ln__tls_backends[count] != NULL)
        count++;
    return index < count ? ln__tls_backends[index] : NULL;
}

void ln_tls_capabilities(const struct ln_tls_backend *backend, struct ln_tls_capabilities *out)
{
    memset(out, 0, sizeof *out);
    backend->capabilities(out);
    out->caps |= LN_TLS_CAP_SYSTEM_TRUST; /* where the library has none, src/tls/system_trust.c */
}

static const struct {
    unsigned cap;
    const char *word;
} words[] = {
    { LN_TLS_CAP_TLS_1_3, "tls_1_3" },         { LN_TLS_CAP_DTLS_1_2, "dtls_1_2" },
    { LN_TLS_CAP_DTLS_1_3, "dtls_1_3" },       { LN_TLS_CAP_PSK, "psk" },
    { LN_TLS_CAP_PSK_TLS_1_3, "psk_tls_1_3" }, { LN_TLS_CAP_CERTIFICATES, "certificates" },
    { LN_TLS_CAP_RESUMPTION, "resumption" },   { LN_TLS_CAP_CONNECTION_ID, "connection_id" },
    { LN_TLS_CAP_PKCS11, "pkcs11" },           { LN_TLS_CAP_SYSTEM_TRUST, "system_trust" },
    { LN_TLS_CAP_SERVER, "server" },           { LN_TLS_CAP_ALERT_NUMBERS, "alert_numbers" },
    { LN_TLS_CAP_KEYLOG, "keylog" },
};

const char *ln_tls_capability_word(unsigned cap)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].cap == cap)
            return words[i].word;
    return NULL;
}
