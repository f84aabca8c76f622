/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file blob.c
 * Contract: blob.h.
 *
 * Sums and keys come from one step, which takes a word of eight bytes into a state: exclusive or, a
 * multiplication by an odd number, and the upper half folded onto the lower. For any word it is a
 * bijection of the state, and for any state one of the word; so a single word that differs always
 * shows in the end. It costs three instructions where a cryptographic digest costs hundreds, and
 * nothing here needs more: see blob.h on what a frame does not protect against.
 */
#include "tls/blob.h"
#include "base/cursor.h"
#include "base/try.h"
#include <string.h>

static const uint8_t magic[4] = { 'L', 'N', 'S', 2 };

#define HEADER_LEN 9
#define SUM_LEN 8
#define SPAN_MAX 0xffffu
_Static_assert(HEADER_LEN + SUM_LEN == LN_BLOB_OVERHEAD, "what the header promises");

/* Odd numbers with bits everywhere: 2^64 over the golden ratio, and over the square root of two. */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define OTHER_FACTOR UINT64_C(0xb504f333f9de6485)

/* ---- mixing ---- */

static uint64_t mix(uint64_t state, uint64_t word, uint64_t factor)
{
    state = (state ^ word) * factor;
    return state ^ state >> 32;
}

static uint64_t read_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/** The length goes in first: a tail that is filled up with zeros is not one with zeros. */
static uint64_t mix_all(struct ln_span bytes, uint64_t factor)
{
    uint64_t state = mix(factor, bytes.len, factor);
    size_t at = 0;
    for (; bytes.len - at >= 8; at += 8)
        state = mix(state, read_word(bytes.data + at), factor);
    uint8_t tail[8] = { 0 };
    if (at < bytes.len)
        memcpy(tail, bytes.data + at, bytes.len - at);
    state = mix(state, read_word(tail), factor);
    return mix(state, factor, factor);
}

/* ---- frames ---- */

static uint8_t *put_u16(uint8_t *p, size_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
    return p + 2;
}

static uint8_t *put(uint8_t *p, struct ln_span bytes)
{
    if (bytes.len > 0)
        memcpy(p, bytes.data, bytes.len);
    return p + bytes.len;
}

static void put_sum(uint8_t *p, uint64_t sum)
{
    for (unsigned i = 0; i < SUM_LEN; i++)
        p[i] = (uint8_t)(sum >> (8 * i));
}

size_t ln__blob_write(const struct ln_blob *blob, struct ln_mspan room)
{
    if (blob->identity.len > SPAN_MAX || blob->payload.len > SPAN_MAX)
        return 0;
    size_t body = HEADER_LEN + blob->identity.len + blob->payload.len;
    if (body + SUM_LEN > room.len)
        return 0;
    uint8_t *p = put(room.data, ln_span(magic, sizeof magic));
    *p++ = (uint8_t)blob->kind;
    p = put_u16(p, blob->identity.len);
    p = put_u16(p, blob->payload.len);
    p = put(p, blob->identity);
    p = put(p, blob->payload);
    put_sum(p, mix_all(ln_span(room.data, body), FACTOR));
    return body + SUM_LEN;
}

/** The lengths must add up before anything is summed. */
static enum ln_status take_apart(struct ln_cursor *c, struct ln_blob *out)
{
    struct ln_span start;
    uint8_t kind = 0;
    uint16_t identity_len = 0;
    uint16_t payload_len = 0;
    TRY(ln__cursor_take(c, sizeof magic, &start));
    if (memcmp(start.data, magic, sizeof magic) != 0)
        return LN_BAD_PEER;
    TRY(ln__cursor_u8(c, &kind));
    TRY(ln__cursor_u16(c, &identity_len));
    TRY(ln__cursor_u16(c, &payload_len));
    TRY(ln__cursor_take(c, identity_len, &out->identity));
    TRY(ln__cursor_take(c, payload_len, &out->payload));
    out->kind = (enum ln_blob_kind)kind;
    return ln__cursor_left(c) == SUM_LEN ? LN_OK : LN_BAD_PEER;
}

enum ln_status ln__blob_read(struct ln_span frame, struct ln_blob *out)
{
    struct ln_cursor c = ln__cursor(frame);
    struct ln_blob blob;
    TRY(take_apart(&c, &blob));
    struct ln_span sum = ln__cursor_rest(&c);
    if (read_word(sum.data) != mix_all(ln_span(frame.data, frame.len - SUM_LEN), FACTOR))
        return LN_BAD_PEER;
    *out = blob;
    return LN_OK;
}

/* ---- keys ---- */

struct ln_blob_peer ln__blob_peer(struct ln_span identity)
{
    struct ln_blob_peer peer = { { mix_all(identity, FACTOR), mix_all(identity, OTHER_FACTOR) } };
    peer.half[0] |= peer.half[0] == 0; /* zero is "none" */
    return peer;
}

void ln__blob_key(struct ln_blob_peer peer, enum ln_blob_kind kind, char key[LN_BLOB_KEY_MAX])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < LN_BLOB_KEY_PEER; i++)
        key[i] = hex[peer.half[i / 16] >> (60 - 4 * (i % 16)) & 15];
    key[LN_BLOB_KEY_PEER] = hex[(unsigned)kind >> 4 & 15];
    key[LN_BLOB_KEY_PEER + 1] = hex[(unsigned)kind & 15];
    key[LN_BLOB_KEY_MAX - 1] = '\0';
}
