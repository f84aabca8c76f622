/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_KEPT_H
#define LN_TLS_KEPT_H
/**
 * @file kept.h
 * What the files share that keep something of a connection in the user's store: session.c sessions,
 * association.c whole DTLS associations with a Connection ID.
 */
#include "tls/filter.h"

#define LN_KEPT_NAME_LEN 16
#define LN_KEPT_DIGEST_LEN 32
/** kind, port, host, name; back end, digests of the configuration and of the TLSA records */
#define LN_KEPT_PEER_MAX (1 + 2 + 2 * (LN_HOST_MAX + 1))
#define LN_KEPT_IDENTITY_MAX (LN_KEPT_PEER_MAX + LN_KEPT_NAME_LEN + 2 * LN_KEPT_DIGEST_LEN)

/** Whose it is, and for which settings; see session.c. */
struct ln_kept_identity {
    uint8_t bytes[LN_KEPT_IDENTITY_MAX];
    size_t peer_len; /**< of the part that names the peer */
    size_t len;
};
void ln__kept_identify(const struct ln_tls_sock *t, struct ln_kept_identity *id);
/** The same; from here on the socket is one of this peer. */
void ln__kept_set_peer(struct ln_tls_sock *t, struct ln_kept_identity *id);

/** The payload of a frame that is whole, of this kind and of this identity; else an empty span.
 *  Borrowed from `frame`. */
struct ln_span ln__kept_open(struct ln_span frame, enum ln_blob_kind kind, struct ln_span identity);

#endif
