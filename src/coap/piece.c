/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file piece.c
 * Puts a piece of a body into a message, and the options that say which piece it is: Observe, ETag,
 * Block1, Block2, Size1, Size2 (RFC 7641 2, RFC 7959 2.1 and 4).
 *
 * The piece is first put at the end of the room, because its options depend on what it turns out to
 * be and stand before it.
 */
#include "coap/internal.h"

/* Room that is left for them: Observe 3, ETag 8, two Blocks and a Size with 4 bytes at most, each with
 * a header of up to 3; and the marker. */
enum { OPTIONS_MAX = 6 + 11 + 2 * 6 + 7 + 1 };

uint8_t ln__coap_fit_szx(uint8_t szx, size_t room)
{
    while (szx > 0 && ln_coap_block_size(szx) > room)
        szx--;
    return ln_coap_block_size(szx) > room ? 7 : szx;
}

static void put_size(struct ln_coap_writer *w, const struct ln__coap_piece *piece)
{
    uint32_t size = piece->source != NULL ? piece->source->size : LN_COAP_SIZE_UNKNOWN;
    if (piece->at == 0 && !piece->end && size != LN_COAP_SIZE_UNKNOWN)
        ln_coap_put_uint(w, piece->option == LN_COAP_BLOCK1 ? LN_COAP_SIZE1 : LN_COAP_SIZE2, size);
}

static void put_options(struct ln_coap_writer *w, const struct ln__coap_piece *piece)
{
    if (piece->observe)
        ln_coap_put_uint(w, LN_COAP_OBSERVE, piece->seq);
    if (piece->source != NULL && piece->source->etag.len > 0)
        ln_coap_put(w, LN_COAP_ETAG, piece->source->etag);
    if (piece->echo)
        ln_coap_put_block(w, LN_COAP_BLOCK1, piece->block1);
    if (piece->force || piece->at > 0 || !piece->end) {
        struct ln_coap_block block = { .num = piece->at >> (piece->szx + 4u),
                                       .more = !piece->end,
                                       .szx = piece->szx };
        ln_coap_put_block(w, piece->option, block);
        put_size(w, piece);
    }
}

enum ln_status ln__coap_put_piece(struct ln_coap_writer *w, const struct ln__coap_piece *piece)
{
    if (piece->in_place)
        return w->status;
    w->room -= piece->len; /* where the piece waits */
    put_options(w, piece);
    w->room += piece->len;
    ln_coap_put_payload(w, ln_span(w->data + w->room - piece->len, piece->len));
    return w->status;
}

/* Cut the piece out of the payload that stands in the message. */
static enum ln_status cut_payload(struct ln_coap_writer *w, struct ln__coap_piece *piece)
{
    size_t all = ln_coap_payload_len(w);
    size_t size = piece->uncut ? all : ln_coap_block_size(piece->szx);
    if (w->status != LN_OK)
        return w->status;
    if (piece->at > 0 && piece->at >= all)
        return LN_BAD_ARG;
    size_t left = all - piece->at;
    piece->end = left <= size;
    piece->len = (uint32_t)(piece->end ? left : size);
    piece->in_place =
        piece->end && piece->at == 0 && !piece->force && !piece->observe && !piece->echo;
    if (piece->in_place || all == 0)
        return LN_OK;
    memmove(w->data + w->room - piece->len, w->data + w->payload + piece->at, piece->len);
    w->len = w->payload - 1;
    w->payload = 0;
    return LN_OK;
}

static enum ln_status read_source(struct ln_coap_writer *w, struct ln__coap_piece *piece)
{
    size_t used = w->len + OPTIONS_MAX;
    piece->szx = ln__coap_fit_szx(piece->szx, w->room > used ? w->room - used : 0);
    if (w->status != LN_OK || piece->szx > 6 || w->payload != 0)
        return w->status != LN_OK ? w->status : LN_NO_SPACE;
    size_t size = ln_coap_block_size(piece->szx);
    uint8_t *tail = w->data + w->room - size;
    size_t len = 0;
    bool end = false;
    enum ln_status st =
        piece->source->read(piece->source->user, piece->at, ln_mspan(tail, size), &len, &end);
    if (st != LN_OK)
        return st == LN_AGAIN || st == LN_BAD_ARG ? LN_INTERNAL : st;
    if (len > size || (len < size && !end)) /* only the last block may be short, RFC 7959 2.2 */
        return LN_INTERNAL;
    if (len == 0 && piece->at > 0)
        return LN_BAD_ARG;
    memmove(w->data + w->room - len, tail, len);
    piece->len = (uint32_t)len;
    piece->end = end;
    return LN_OK;
}

enum ln_status ln__coap_cut_piece(struct ln_coap_writer *w, struct ln__coap_piece *piece)
{
    return ln__coap_is_source(piece->source) ? read_source(w, piece) : cut_payload(w, piece);
}
