/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file upload.c
 * The body of a request in blocks (RFC 7959 3.2): one block is under way at a time; the peer may
 * ask for smaller ones, and for the whole thing once more.
 */
#include "base/try.h"
#include "coap/internal.h"

/* A payload that stands in the pool, as a source. */
static enum ln_status read_kept(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                bool *end)
{
    const struct ln_span *kept = (const struct ln_span *)user;
    if (offset > kept->len)
        return LN_BAD_ARG;
    size_t left = kept->len - offset;
    *end = left <= room.len;
    *len = *end ? left : room.len;
    if (*len > 0)
        memcpy(room.data, kept->data + offset, *len);
    return LN_OK;
}

static struct ln_span kept_payload(const struct ln_coap *coap, const struct ln__coap_exchange *ex)
{
    struct ln_span data = ln__coap_chunk_bytes(coap, ex->data);
    if (data.len <= ex->options_len)
        return ln_span(NULL, 0);
    return ln_span(data.data + ex->options_len + 1, data.len - ex->options_len - 1u);
}

enum ln_status ln__coap_build_upload(struct ln_coap *coap, struct ln__coap_exchange *ex,
                                     struct ln_coap_writer *w)
{
    struct ln_span kept = kept_payload(coap, ex);
    struct ln_coap_source own = { .read = read_kept, .user = &kept, .size = (uint32_t)kept.len };
    struct ln__coap_piece piece = {
        .option = LN_COAP_BLOCK1,
        .at = ex->up_at,
        .szx = ex->up_szx,
        .source = (ex->flags & EX_SOURCE) != 0 ? &ex->source : &own,
    };
    TRY(ln__coap_cut_piece(w, &piece));
    TRY(ln__coap_put_piece(w, &piece));
    ex->up_szx = piece.szx;
    ex->up_len = piece.len;
    ex->up_end = piece.end;
    return LN_OK;
}

/* Ask anew, or go on: a message of its own, with a token of its own. */
static void send_block(struct ln_coap *coap, struct ln__coap_exchange *ex, ln_msec now)
{
    if (ln__coap_new_token(coap, &ex->token) != LN_OK)
        ln__coap_fail_soon(ex, LN_COAP_BROKEN, now);
    else
        ln__coap_queue(coap, ex);
}

/* 4.13: the peer may want smaller blocks (RFC 7959 2.9.3), or have wanted blocks at all. */
static bool shrink(struct ln_coap *coap, struct ln__coap_exchange *ex,
                   const struct ln_coap_msg *msg)
{
    size_t len = (ex->flags & EX_UPLOAD) != 0 ? ex->up_len : kept_payload(coap, ex).len;
    bool whole = (ex->flags & EX_UPLOAD) == 0 || (ex->up_at == 0 && ex->up_end);
    uint8_t szx = ex->up_szx;
    if ((msg->has & LN_COAP_HAS_BLOCK1) != 0) {
        /* the peer's size; a first block of this size is no smaller than what was refused */
        szx = msg->block1.szx;
        if (szx > ex->up_szx || (szx == ex->up_szx && !whole))
            return false;
    } else if (!whole || (msg->has & LN_COAP_HAS_SIZE1) == 0 || msg->size1 < len) {
        return false; /* the body itself is too long */
    }
    while (szx > 0 && ln_coap_block_size(szx) >= len)
        szx--;
    if (ln_coap_block_size(szx) >= len)
        return false; /* nothing smaller can be sent */
    ex->up_szx = szx;
    ex->up_at = 0;
    ex->flags |= EX_UPLOAD;
    ex->flags &= ~(uint32_t)EX_NON;
    return true;
}

/* A block was taken, and there is more to send. */
static bool next_block(struct ln__coap_exchange *ex, const struct ln_coap_msg *msg)
{
    if ((msg->has & LN_COAP_HAS_BLOCK1) != 0) {
        if (msg->block1.num != ex->up_at >> (ex->up_szx + 4u) || msg->block1.szx > 6)
            return false;
        if (msg->block1.szx < ex->up_szx)
            ex->up_szx = msg->block1.szx;
    }
    ex->up_at += ex->up_len;
    return true;
}

bool ln__coap_upload_goes_on(struct ln_coap *coap, struct ln__coap_exchange *ex,
                             const struct ln_coap_msg *msg, ln_msec now)
{
    bool upload = ln__coap_in_blocks((ex->flags & EX_UPLOAD) != 0);
    bool has_block1 = (msg->has & LN_COAP_HAS_BLOCK1) != 0;
    if (ln__coap_in_blocks(msg->code == LN_COAP_TOO_LARGE) && shrink(coap, ex, msg)) {
        send_block(coap, ex, now);
        return true;
    }
    if (!upload)
        return false;
    if (msg->code == LN_COAP_INCOMPLETE && ex->up_at > 0 && (ex->flags & EX_RESTARTED) == 0) {
        ex->flags |= EX_RESTARTED;
        ex->up_at = 0;
        send_block(coap, ex, now);
        return true;
    }
    bool goes_on = msg->code == LN_COAP_CONTINUE || (ln_coap_class(msg->code) == 2 && has_block1);
    if (goes_on && !ex->up_end && next_block(ex, msg)) {
        send_block(coap, ex, now);
        return true;
    }
    if (msg->code == LN_COAP_CONTINUE) { /* behind the last block, or of another one */
        ln__coap_end(coap, ex, LN_COAP_BROKEN, NULL, now);
        return true;
    }
    return false;
}
