/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_MBEDTLS_COMPAT_H
#define LN_TLS_MBEDTLS_COMPAT_H
/**
 * @file compat.h
 * Mbed TLS's headers, and what differs between its versions and configurations.
 *
 * The library is made to measure by its mbedtls_config.h. What this back end cannot do without is
 * checked here; what it can do without is a function below, which says so where it is missing, and
 * a bit of LN_MBED_CAPS. Debian's packages have all of it.
 */
#include <linnet/tls.h>
#include <mbedtls/build_info.h>
#include <mbedtls/debug.h>
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#if MBEDTLS_VERSION_NUMBER < 0x03060000 || MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "Linnet needs Mbed TLS 3.6"
#endif
#if !defined(MBEDTLS_SSL_CLI_C) || !defined(MBEDTLS_SSL_SRV_C) ||                                  \
    !defined(MBEDTLS_SSL_PROTO_TLS1_2) || !defined(MBEDTLS_SSL_PROTO_DTLS) ||                      \
    !defined(MBEDTLS_SSL_DTLS_HELLO_VERIFY) || !defined(MBEDTLS_SSL_DTLS_ANTI_REPLAY)
#error "Linnet needs TLS and DTLS 1.2, both roles, cookies and replay protection of Mbed TLS"
#endif
#if !defined(MBEDTLS_X509_CRT_PARSE_C) || !defined(MBEDTLS_X509_CRL_PARSE_C) ||                    \
    !defined(MBEDTLS_SSL_HANDSHAKE_WITH_PSK_ENABLED) ||                                            \
    !defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE) || !defined(MBEDTLS_PEM_PARSE_C) ||                \
    !defined(MBEDTLS_SSL_SERVER_NAME_INDICATION) || !defined(MBEDTLS_SSL_ALPN) ||                  \
    !defined(MBEDTLS_SSL_EXTENDED_MASTER_SECRET)
#error "Linnet needs certificates, CRLs, PEM, PSK, SNI, ALPN and EMS of Mbed TLS"
#endif

/* ---- TLS 1.3 ---- */

#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define LN_MBED_CAP_TLS13 (LN_TLS_CAP_TLS_1_3 | LN_TLS_CAP_PSK_TLS_1_3)
static inline void mbed_key_exchange_modes(mbedtls_ssl_config *conf, bool psk)
{
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        conf, psk ? MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_ALL
                  : MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
}
#define LN_MBED_KEY_LABELS                                                                         \
    { MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET, "CLIENT_RANDOM" },                               \
        { MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET,                           \
          "CLIENT_HANDSHAKE_TRAFFIC_SECRET" },                                                     \
        { MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET,                           \
          "SERVER_HANDSHAKE_TRAFFIC_SECRET" },                                                     \
        { MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET,                         \
          "CLIENT_TRAFFIC_SECRET_0" },                                                             \
    {                                                                                              \
        MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET, "SERVER_TRAFFIC_SECRET_0" \
    }
#else
#define LN_MBED_KEY_LABELS { MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET, "CLIENT_RANDOM" }
#define LN_MBED_CAP_TLS13 0u
static inline void mbed_key_exchange_modes(mbedtls_ssl_config *conf, bool psk)
{
    (void)conf;
    (void)psk;
}
#endif

#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_SSL_SESSION_TICKETS) &&                   \
    MBEDTLS_VERSION_NUMBER >= 0x03060100
static inline void mbed_signal_tickets(mbedtls_ssl_config *conf)
{
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
}
#else
static inline void mbed_signal_tickets(mbedtls_ssl_config *conf)
{
    (void)conf; /* 3.6.0 signals them always */
}
#endif

/* ---- finite field groups of TLS 1.3 ---- */

#if defined(PSA_WANT_ALG_FFDH)
#define LN_MBED_HAS_FFDH true
#else
#define LN_MBED_HAS_FFDH false
#endif

/* ---- tickets ---- */

#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_TICKET_C) &&                       \
    (defined(MBEDTLS_GCM_C) || defined(PSA_WANT_ALG_GCM))
#define LN_MBED_CAP_TICKETS LN_TLS_CAP_RESUMPTION
static inline void mbed_accept_tickets(mbedtls_ssl_config *conf, bool yes)
{
    mbedtls_ssl_conf_session_tickets(conf, yes ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                               : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
}
#else
#error "Linnet needs session tickets (MBEDTLS_SSL_TICKET_C) and GCM of Mbed TLS"
#endif

/* ---- Connection ID, and associations that outlive the process ---- */

#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID) && defined(MBEDTLS_SSL_CONTEXT_SERIALIZATION) &&       \
    MBEDTLS_SSL_DTLS_CONNECTION_ID_COMPAT == 0
#define LN_MBED_CAP_CID LN_TLS_CAP_CONNECTION_ID
/** Offer a CID of no bytes: the peer gives us its own, and needs none of us. */
static inline int mbed_offer_cid(mbedtls_ssl_context *ssl)
{
    return mbedtls_ssl_set_cid(ssl, MBEDTLS_SSL_CID_ENABLED, NULL, 0);
}
/** Whether records to the peer carry a CID, and of how many bytes. */
static inline bool mbed_peer_cid(mbedtls_ssl_context *ssl, size_t *len)
{
    unsigned char cid[MBEDTLS_SSL_CID_OUT_LEN_MAX];
    int enabled = MBEDTLS_SSL_CID_DISABLED;
    *len = 0;
    return mbedtls_ssl_get_peer_cid(ssl, &enabled, cid, len) == 0 &&
           enabled == MBEDTLS_SSL_CID_ENABLED;
}
static inline int mbed_save(mbedtls_ssl_context *ssl, struct ln_mspan room, size_t *len)
{
    return mbedtls_ssl_context_save(ssl, room.data, room.len, len);
}
static inline int mbed_load(mbedtls_ssl_context *ssl, struct ln_span blob)
{
    return mbedtls_ssl_context_load(ssl, blob.data, blob.len);
}
#else
#define LN_MBED_CAP_CID 0u
static inline int mbed_offer_cid(mbedtls_ssl_context *ssl)
{
    (void)ssl;
    return 0;
}
static inline bool mbed_peer_cid(mbedtls_ssl_context *ssl, size_t *len)
{
    (void)ssl;
    *len = 0;
    return false;
}
static inline int mbed_save(mbedtls_ssl_context *ssl, struct ln_mspan room, size_t *len)
{
    (void)ssl;
    (void)room;
    *len = 0;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}
static inline int mbed_load(mbedtls_ssl_context *ssl, struct ln_span blob)
{
    (void)ssl;
    (void)blob;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}
#endif

/* ---- the debug callback: the one public way to the number of an encrypted alert ---- */

typedef void mbed_debug(void *engine, int level, const char *file, int line, const char *text);

#if defined(MBEDTLS_DEBUG_C)
#define LN_MBED_CAP_ALERTS LN_TLS_CAP_ALERT_NUMBERS
static inline void mbed_set_debug(mbedtls_ssl_config *conf, mbed_debug *callback, void *engine)
{
    mbedtls_ssl_conf_dbg(conf, callback, engine);
}
static inline void mbed_debug_level(int level)
{
    mbedtls_debug_set_threshold(level);
}
#else
#define LN_MBED_CAP_ALERTS 0u
static inline void mbed_set_debug(mbedtls_ssl_config *conf, mbed_debug *callback, void *engine)
{
    (void)conf;
    (void)callback;
    (void)engine;
}
static inline void mbed_debug_level(int level)
{
    (void)level;
}
#endif

#define LN_MBED_CAPS                                                                               \
    (LN_TLS_CAP_DTLS_1_2 | LN_TLS_CAP_PSK | LN_TLS_CAP_CERTIFICATES | LN_TLS_CAP_SERVER |          \
     LN_TLS_CAP_KEYLOG | LN_MBED_CAP_TLS13 | LN_MBED_CAP_TICKETS | LN_MBED_CAP_CID |               \
     LN_MBED_CAP_ALERTS)

/* Without threads there is no lock around what configurations and TLS 1.3 share. */
#if defined(MBEDTLS_THREADING_C)
#define LN_MBED_WARNING NULL
#else
#define LN_MBED_WARNING                                                                            \
    "this Mbed TLS was built without MBEDTLS_THREADING_C: use its sockets in one thread only"
#endif

#endif
