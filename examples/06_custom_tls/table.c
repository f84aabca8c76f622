/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table, and what does not need a connection.
 */
#include "engine.h"
#include <gnutls/crypto.h>

static void capabilities(struct ln_tls_capabilities *out)
{
    out->backend = "gnutls";
    out->version = gnutls_check_version(NULL);
    out->caps = LN_TLS_CAP_TLS_1_3 | LN_TLS_CAP_DTLS_1_2 | LN_TLS_CAP_PSK | LN_TLS_CAP_PSK_TLS_1_3 |
                LN_TLS_CAP_CERTIFICATES | LN_TLS_CAP_RESUMPTION | LN_TLS_CAP_SYSTEM_TRUST |
                LN_TLS_CAP_SERVER | LN_TLS_CAP_ALERT_NUMBERS | LN_TLS_CAP_KEYLOG;
    out->warning = NULL;
}

static enum ln_status hash_parts(enum ln_hash hash, const struct ln_span *parts, size_t count,
                                 uint8_t out[LN_HASH_MAX])
{
    static const gnutls_digest_algorithm_t digests[] = { [LN_SHA256] = GNUTLS_DIG_SHA256,
                                                         [LN_SHA384] = GNUTLS_DIG_SHA384,
                                                         [LN_SHA512] = GNUTLS_DIG_SHA512 };
    gnutls_hash_hd_t digest = NULL;
    int ret = gnutls_hash_init(&digest, digests[hash]);
    if (ret < 0)
        return LN_NO_MEMORY;
    for (size_t i = 0; ret >= 0 && i < count; i++) {
        if (parts[i].len > 0)
            ret = gnutls_hash(digest, parts[i].data, parts[i].len);
    }
    gnutls_hash_deinit(digest, out);
    return ret >= 0 ? LN_OK : LN_INTERNAL;
}

const struct ln_tls_backend custom_tls_gnutls = {
    .name = "gnutls",
    .capabilities = capabilities,
    .engine_bytes = sizeof(struct gtls_engine),
    .config_new = gtls_config_new,
    .config_free = gtls_config_free,
    .start = gtls_start,
    .handshake = gtls_handshake,
    .timer = gtls_flight_timer,
    .set_mtu = gtls_set_mtu,
    .wants_write = gtls_wants_write,
    .write = gtls_write,
    .read = gtls_read,
    .pending = gtls_pending,
    .info = gtls_info,
    .peer_certificate = gtls_peer_certificate,
    .close_notify = gtls_close_notify,
    .stop = gtls_stop,
    .hash = hash_parts,
    .issued = gtls_issued,
};
