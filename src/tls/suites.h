/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_SUITES_H
#define LN_TLS_SUITES_H
/**
 * @file suites.h
 * What a cipher suite needs and costs: credentials, hash, bytes per record.
 *
 * The table is also the list of suites that may be configured: AES and ChaCha20 with every key
 * exchange that authenticates the server by a certificate or a pre-shared key alone. Not in it, and
 * so refused: NULL, RC4, 3DES, anonymous suites, RSA_PSK (it needs both), and those that neither
 * LwM2M nor the web uses (Camellia, ARIA, SEED, IDEA, DSS, static DH).
 *
 * Pure; the table is constant.
 */
#include <linnet/env.h>

struct ln_suite {
    uint16_t id; /**< IANA */
    bool tls13;  /**< of TLS 1.3: goes with certificates and pre-shared keys */
    bool psk;    /**< of TLS 1.2: authenticates by a pre-shared key, else by a certificate */
    bool aead;
    uint8_t nonce_len; /**< bytes before the ciphertext: explicit nonce, or IV of CBC */
    uint8_t tag_len;   /**< bytes of the AEAD's tag, or of the MAC */
    uint8_t block_len; /**< of CBC; 0 = no padding */
    enum ln_hash hash; /**< of the key schedule (PRF, HKDF), not of the MAC */
};

/** NULL if the suite is not in the table. Static. */
const struct ln_suite *ln__suite(uint16_t id);

/**
 * The shortest encrypted record of DTLS that can be genuine, without its header: whatever is shorter
 * has no room for nonce, tag and padding. For an unknown suite, the least of all.
 */
size_t ln__suite_record_min(uint16_t id);

/**
 * The largest plaintext that one DTLS record carries in a datagram of `below` bytes; 0 if none.
 *
 * For CBC the less favourable order of MAC and padding is assumed (RFC 7366). For suite 0 or an
 * unknown one it is an estimate that holds for every suite offered by default. A Connection ID
 * (RFC 9146) costs its length and one byte more: take them off `below`.
 */
size_t ln__suite_inner_mtu(uint16_t id, size_t below);

/** A record header of DTLS 1.2, RFC 6347 4.1. */
#define LN_DTLS_HEADER_LEN 13

#endif
