/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_BLOB_H
#define LN_TLS_BLOB_H
/**
 * @file blob.h
 * What lies in a user's store: the frame around something that outlives its connection, and the name
 * under which it is kept. Pure functions over spans.
 *
 *   "LNS" 2 | kind, 1 | length of the identity, 2 | length of the payload, 2 | identity | payload | sum, 8
 *
 * Lengths are big-endian. The identity stands there as it is, so that whoever opens the frame can
 * compare all of it. The sum finds damage: any that stays within eight bytes for certain, any other
 * but for one case in 2^64. It is no protection against somebody who can write to the store: what
 * needs that carries a MAC in its payload.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

/** What a payload is. Part of the frame and of the key, so that kinds never meet; a number is never
 *  given to another kind. */
enum ln_blob_kind {
    LN_BLOB_SESSION = 1,     /**< a session or ticket, as the TLS library wrote it */
    LN_BLOB_ASSOCIATION = 2, /**< MAC, 32, and a DTLS association, as the TLS library wrote it */
    LN_BLOB_SEAL = 3,        /**< the key of that MAC, 32: without it the association is void */
};

/** Bytes that a frame takes besides identity and payload. */
#define LN_BLOB_OVERHEAD 17

struct ln_blob {
    enum ln_blob_kind kind;
    struct ln_span identity; /**< whose it is, and under which settings; at most 65535 bytes */
    struct ln_span payload;  /**< at most 65535 bytes */
};

/** Write a frame. @return its length; 0 if the room is too small, or a span too long */
size_t ln__blob_write(const struct ln_blob *blob, struct ln_mspan room);

/**
 * Open a frame.
 * @param out  its spans are borrowed from `frame`; unchanged unless LN_OK
 * @retval LN_BAD_PEER  it is no frame of this version, or damaged
 */
LN_MUST_USE enum ln_status ln__blob_read(struct ln_span frame, struct ln_blob *out);

/** 128 bits that stand for a peer, of which the key has 120. Who shares them with another peer finds
 *  the other's blobs, and by their identity that they are not his. Never all zero. */
struct ln_blob_peer {
    uint64_t half[2];
};
struct ln_blob_peer ln__blob_peer(struct ln_span identity);

/** 32 hexadecimal digits and an end: 30 for the peer, 2 for the kind. */
#define LN_BLOB_KEY_MAX 33
#define LN_BLOB_KEY_PEER 30
void ln__blob_key(struct ln_blob_peer peer, enum ln_blob_kind kind, char key[LN_BLOB_KEY_MAX]);

#endif
