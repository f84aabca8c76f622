/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: outbox.h. Records of RFC 6347 4.1, fragments of 4.2.3.
 */
#include "outbox.h"

#define RECORD_HEADER 13
#define MESSAGE_HEADER 12
#define HANDSHAKE 22
/* The largest datagram of a handshake that the filter asks for is 4000 bytes. */
#define PIECE_MAX 4096
/* A flight is smaller than this; what exceeds it counts as lost. */
#define QUEUE_MAX 65536

static size_t read_24(const uint8_t *p)
{
    return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

static void write_24(uint8_t *p, size_t n)
{
    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
}

/* ---- the queue ---- */

static enum ln_status send_datagram(struct gtls_engine *e, struct ln_span datagram)
{
    size_t sent = 0;
    enum ln_status st = e->io->send(e->io->ctx, datagram, &sent);
    if (st == LN_AGAIN)
        e->write_blocked = true;
    else if (st != LN_OK)
        e->io_status = st;
    return st;
}

/* Without memory, or with too much waiting, the datagram is lost, as any may be. */
static void enqueue(struct gtls_outbox *out, struct ln_span datagram)
{
    size_t size = out->queue_len + 2 + datagram.len;
    uint8_t *queue = size <= QUEUE_MAX ? gnutls_realloc(out->queue, size) : NULL;
    if (queue == NULL)
        return;
    queue[out->queue_len] = (uint8_t)(datagram.len >> 8);
    queue[out->queue_len + 1] = (uint8_t)datagram.len;
    memcpy(queue + out->queue_len + 2, datagram.data, datagram.len);
    out->queue = queue;
    out->queue_len = size;
}

bool gtls_outbox_flush(struct gtls_engine *e)
{
    struct gtls_outbox *out = &e->outbox;
    size_t at = 0;
    while (at < out->queue_len) {
        size_t len = (size_t)out->queue[at] << 8 | out->queue[at + 1];
        if (send_datagram(e, ln_span(out->queue + at + 2, len)) != LN_OK)
            break;
        at += 2 + len;
    }
    if (at > 0)
        memmove(out->queue, out->queue + at, out->queue_len - at);
    out->queue_len -= at;
    return out->queue_len == 0;
}

void gtls_outbox_clear(struct gtls_outbox *out)
{
    gnutls_free(out->queue);
    memset(out, 0, sizeof *out);
}

/* Behind the handshake a datagram that finds no room is refused to the caller, by write_blocked. */
static void send_or_keep(struct gtls_engine *e, struct ln_span datagram)
{
    enum ln_status st = LN_AGAIN;
    if (e->outbox.queue_len == 0)
        st = send_datagram(e, datagram);
    if (st == LN_AGAIN && !e->open)
        enqueue(&e->outbox, datagram);
}

/* ---- records in plain text ---- */

/* The number of GnuTLS's first record is where ours begin: a server goes on from its client's. */
static void put_number(struct gtls_outbox *out, uint8_t *record)
{
    uint64_t given = (uint64_t)read_24(record + 5) << 24 | read_24(record + 8);
    if (!out->numbered)
        out->number = given;
    out->numbered = true;
    write_24(record + 5, (size_t)(out->number >> 24));
    write_24(record + 8, (size_t)(out->number & 0xffffff));
    out->number++;
}

static void send_piece(struct gtls_engine *e, const uint8_t *record, size_t offset, size_t at,
                       size_t len)
{
    uint8_t piece[PIECE_MAX];
    memcpy(piece, record, RECORD_HEADER + MESSAGE_HEADER);
    write_24(piece + RECORD_HEADER + 6, offset + at);
    write_24(piece + RECORD_HEADER + 9, len);
    memcpy(piece + RECORD_HEADER + MESSAGE_HEADER, record + RECORD_HEADER + MESSAGE_HEADER + at,
           len);
    piece[11] = (uint8_t)((MESSAGE_HEADER + len) >> 8);
    piece[12] = (uint8_t)(MESSAGE_HEADER + len);
    put_number(&e->outbox, piece);
    send_or_keep(e, ln_span(piece, RECORD_HEADER + MESSAGE_HEADER + len));
}

/* GnuTLS puts one fragment into a record. */
static void send_message(struct gtls_engine *e, struct ln_span record)
{
    const size_t headers = RECORD_HEADER + MESSAGE_HEADER;
    size_t mtu = e->mtu < PIECE_MAX ? e->mtu : PIECE_MAX;
    size_t room = mtu > headers ? mtu - headers : 1;
    size_t offset = read_24(record.data + RECORD_HEADER + 6);
    size_t len = record.len - headers;
    size_t at = 0;
    do {
        size_t part = len - at < room ? len - at : room;
        send_piece(e, record.data, offset, at, part);
        at += part;
    } while (at < len && e->io_status == LN_OK);
}

void gtls_outbox_send(struct gtls_engine *e, struct ln_span record)
{
    uint8_t small[RECORD_HEADER + 2]; /* ChangeCipherSpec, an alert */
    bool plain = record.len > RECORD_HEADER && record.data[3] == 0 && record.data[4] == 0;
    if (plain && record.data[0] == HANDSHAKE && record.len >= RECORD_HEADER + MESSAGE_HEADER) {
        send_message(e, record);
    } else if (plain && record.len <= sizeof small) {
        memcpy(small, record.data, record.len);
        put_number(&e->outbox, small);
        send_or_keep(e, ln_span(small, record.len));
    } else {
        send_or_keep(e, record);
    }
}
