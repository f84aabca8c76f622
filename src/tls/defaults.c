/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file defaults.c
 * What is offered when nothing is said. Short lists: a ClientHello stays within one small datagram.
 *
 * Order: authenticated encryption only, AES-128 first (hardware and small devices), forward secrecy
 * where the mode has it. CBC is never a default. CCM_8 (RFC 6655), which LwM2M makes mandatory, ends
 * the lists of PSK and of DTLS; for TLS with certificates, that is HTTPS, nobody needs it.
 */
#include "tls/defaults.h"
#include "tls/suites.h"

static const uint16_t tls13[] = { 0x1301, 0x1302, 0x1303 };

/** TLS_AES_128_GCM, CHACHA20_POLY1305, AES_128_CCM: the suites of SHA-256. */
static const uint16_t tls13_psk_sha256[] = { 0x1301, 0x1303, 0x1304 };
static const uint16_t tls13_psk_sha384[] = { 0x1302 };

/** ECDHE_PSK_CHACHA20, PSK with AES_128_GCM, AES_128_CCM, AES_256_GCM, CHACHA20, AES_128_CCM_8 */
static const uint16_t old_psk[] = { 0xccac, 0x00a8, 0xc0a4, 0x00a9, 0xccab, 0xc0a8 };

/** ECDHE_ECDSA and ECDHE_RSA with AES_128_GCM, AES_256_GCM, CHACHA20 */
static const uint16_t old_certificate[] = { 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8 };

/** ECDHE_ECDSA with AES_128_CCM and AES_128_CCM_8 (RFC 7251) */
static const uint16_t old_ccm[] = { 0xc0ac, 0xc0ae };

/** AES_128_CBC_SHA with ECDHE_ECDSA, ECDHE_RSA and RSA; with PSK: TLS before 1.2 has nothing better, and
 *  is used only where insecure_old_versions allows it. */
static const uint16_t ancient_certificate[] = { 0xc009, 0xc013, 0x002f };
static const uint16_t ancient_psk[] = { 0x008c };

/** x25519, secp256r1, secp384r1 */
static const uint16_t groups[] = { 0x001d, 0x0017, 0x0018 };

static void append(struct ln_id_list *list, const uint16_t *ids, size_t count)
{
    for (size_t i = 0; i < count && list->count < LN_ID_LIST_MAX; i++)
        list->ids[list->count++] = ids[i];
}

#define APPEND(list, ids) append(list, ids, sizeof(ids) / sizeof *(ids))

void ln__default_suites(bool datagram, bool psk, enum ln_hash psk_hash, bool with_tls13,
                        bool with_old, bool with_ancient, struct ln_id_list *out)
{
    out->count = 0;
    if (with_tls13 && !datagram) {
        if (!psk)
            APPEND(out, tls13);
        else if (psk_hash == LN_SHA384)
            APPEND(out, tls13_psk_sha384);
        else
            APPEND(out, tls13_psk_sha256);
    }
    if (!with_old)
        return;
    if (psk) {
        APPEND(out, old_psk);
        if (with_ancient)
            APPEND(out, ancient_psk);
        return;
    }
    APPEND(out, old_certificate);
    if (datagram)
        APPEND(out, old_ccm);
    if (with_ancient)
        APPEND(out, ancient_certificate);
}

void ln__default_groups(struct ln_id_list *out)
{
    out->count = 0;
    APPEND(out, groups);
}
