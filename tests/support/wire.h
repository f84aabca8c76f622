/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_WIRE_H
#define LN_TESTS_WIRE_H
/**
 * @file wire.h
 * Reads what a client really sent: its ClientHello, and the headers of DTLS records.
 *
 * Written from RFC 8446, 5246, 6347 and 6066, without any code of the library under test.
 */
#include <linnet/span.h>
#include <stdbool.h>

enum { WIRE_LIST_MAX = 64 };

struct wire_list {
    size_t count;
    uint16_t id[WIRE_LIST_MAX];
};

struct wire_hello {
    uint16_t version; /**< legacy_version */
    size_t session_id_len;
    size_t cookie_len;       /**< DTLS */
    struct wire_list suites; /**< as sent, the signalling value 0x00ff included */
    struct wire_list groups;
    struct wire_list versions; /**< supported_versions */
    struct wire_list signatures;
    struct wire_list extensions;
    char server_name[256];   /**< "" = none */
    char alpn[128];          /**< "coap,http/1.1"; "" = none */
    size_t ticket_len;       /**< session_ticket, RFC 5077 */
    bool has_cid;            /**< connection_id, RFC 9146 3 */
    size_t cid_len;          /**< ... of so many bytes */
    bool has_psk;            /**< pre_shared_key, RFC 8446 4.2.11 */
    uint16_t psk_binder_len; /**< of its first binder: tells the hash */
};

/** Find and read the first ClientHello in what a client sent (a stream, or one datagram). */
bool wire_client_hello(struct ln_span sent, bool datagram, struct wire_hello *out);

bool wire_has(const struct wire_list *list, uint16_t id);
/** Whether the list is exactly these, in this order; `ignore` (0 = none) is skipped. */
bool wire_equals(const struct wire_list *list, const uint16_t *ids, size_t count, uint16_t ignore);

/** A DTLS record header, RFC 6347 4.1. */
struct wire_record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    uint64_t sequence;
    struct ln_span body;
};
/** Take the next record of a datagram. */
bool wire_next_record(struct ln_span *datagram, struct wire_record *out);

/** HandshakeType of a plaintext handshake record, or -1. */
int wire_handshake_type(const struct wire_record *record);

#endif
