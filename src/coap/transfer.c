/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file transfer.c
 * Bodies that come or go in blocks while we are the server. Each belongs to one peer and one key;
 * the same peer may have several under way. One that nobody asks about for EXCHANGE_LIFETIME ends;
 * an answer that is read no further makes room for others after MAX_TRANSMIT_WAIT.
 */
#include "coap/internal.h"

/* FNV-1a, 64 bits. A peer that finds two requests with one key confuses its own transfers only. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *p = (const uint8_t *)bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t mix_option(uint64_t hash, const struct ln_coap_opt *opt)
{
    hash = mix(hash, &opt->number, sizeof opt->number);
    hash = mix(hash, &opt->value.len, sizeof opt->value.len);
    return mix(hash, opt->value.data, opt->value.len);
}

static uint64_t key_of(const struct ln_coap_msg *request, bool with_format)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &request->code, sizeof request->code);
    struct ln_coap_iter it = ln_coap_options(request->options);
    struct ln_coap_opt opt;
    while (ln_coap_next(&it, &opt))
        switch (opt.number) {
        case LN_COAP_CONTENT_FORMAT:
            if (!with_format)
                break;
            hash = mix_option(hash, &opt);
            break;
        case LN_COAP_URI_HOST:
        case LN_COAP_URI_PORT:
        case LN_COAP_URI_PATH:
        case LN_COAP_URI_QUERY:
        case LN_COAP_ACCEPT:
        case LN_COAP_REQUEST_TAG:
            hash = mix_option(hash, &opt);
            break;
        }
    return hash;
}

uint64_t ln_coap_key(const struct ln_coap_msg *request)
{
    return key_of(request, false);
}

uint64_t ln__coap_key_in(const struct ln_coap_msg *request)
{
    return key_of(request, true);
}

struct ln__coap_transfer *ln__coap_transfer_find(const struct ln_coap *coap,
                                                 enum ln__coap_direction direction,
                                                 ln_coap_peer peer, uint64_t key)
{
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++) {
        struct ln__coap_transfer *t = &coap->transfers[i];
        if (t->direction == direction && t->key == key && t->peer == peer)
            return t;
    }
    return NULL;
}

void ln__coap_transfer_touch(const struct ln_coap *coap, struct ln__coap_transfer *t, ln_msec now)
{
    t->deadline = ln__coap_after(now, coap->exchange_lifetime);
}

/* The answer that was left alone longest, and for so long that whoever read it has given up: should
 * that be wrong, the handler is asked for the rest of it. */
static struct ln__coap_transfer *abandoned(const struct ln_coap *coap, ln_msec now)
{
    ln_msec patience = ln_coap_max_transmit_wait(&coap->config.timing);
    struct ln__coap_transfer *oldest = NULL;
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++) {
        struct ln__coap_transfer *t = &coap->transfers[i];
        if (t->direction == TRANSFER_OUT &&
            t->deadline <= ln__coap_after(now, coap->exchange_lifetime - patience) &&
            (oldest == NULL || t->deadline < oldest->deadline))
            oldest = t;
    }
    return oldest;
}

static struct ln__coap_transfer *free_one(const struct ln_coap *coap)
{
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++)
        if (coap->transfers[i].direction == TRANSFER_FREE)
            return &coap->transfers[i];
    return NULL;
}

struct ln__coap_transfer *ln__coap_transfer_take(struct ln_coap *coap,
                                                 enum ln__coap_direction direction,
                                                 ln_coap_peer peer, uint64_t key, ln_msec now)
{
    struct ln__coap_transfer *t = free_one(coap);
    struct ln__coap_transfer *old = t == NULL ? abandoned(coap, now) : NULL;
    if (old != NULL) {
        ln__coap_transfer_end(coap, old, false);
        t = free_one(coap);
    }
    if (t == NULL) {
        coap->counters.no_space++;
        return NULL;
    }
    *t = (struct ln__coap_transfer) { .direction = (uint8_t)direction, .peer = peer, .key = key };
    ln__coap_transfer_touch(coap, t, now);
    return t;
}

void ln__coap_transfer_end(struct ln_coap *coap, struct ln__coap_transfer *t, bool whole)
{
    struct ln__coap_transfer was = *t;
    const struct ln_coap_handler *handler = coap->config.handler;
    ln__coap_release(coap, &t->options);
    t->direction = TRANSFER_FREE;
    if (was.direction == TRANSFER_OUT) {
        if (was.source.done != NULL)
            was.source.done(was.source.user, whole);
    } else if (!whole && was.body != NULL && handler != NULL && handler->dropped != NULL) {
        handler->dropped(coap->config.user, was.peer, was.body);
    }
}

bool ln__coap_transfer_out(struct ln_coap *coap, ln_coap_peer peer, uint64_t key, uint8_t code,
                           struct ln_span options, const struct ln__coap_piece *first, ln_msec now)
{
    struct ln__coap_transfer *old = ln__coap_transfer_find(coap, TRANSFER_OUT, peer, key);
    if (old != NULL) /* the peer will want the newer one */
        ln__coap_transfer_end(coap, old, false);
    struct ln__coap_transfer *t = ln__coap_transfer_take(coap, TRANSFER_OUT, peer, key, now);
    if (t == NULL)
        return false;
    if (options.len > 0 && !ln__coap_store(coap, options.len, &t->options)) {
        t->direction = TRANSFER_FREE;
        return false;
    }
    if (options.len > 0)
        memcpy(ln__coap_chunk_data(coap, t->options), options.data, options.len);
    t->code = code;
    t->at = first->at;
    t->source = *first->source;
    if (t->source.etag.len > 0)
        memcpy(t->etag, t->source.etag.data, t->source.etag.len);
    t->source.etag = ln_span(t->etag, t->source.etag.len);
    return true;
}

void ln__coap_transfer_forget(struct ln_coap *coap, ln_coap_peer peer, uint64_t key)
{
    struct ln__coap_transfer *t = ln__coap_transfer_find(coap, TRANSFER_OUT, peer, key);
    if (t == NULL)
        return;
    ln__coap_release(coap, &t->options);
    t->direction = TRANSFER_FREE;
}

void ln__coap_transfers_step(struct ln_coap *coap, ln_msec now)
{
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++) {
        struct ln__coap_transfer *t = &coap->transfers[i];
        if (t->direction != TRANSFER_FREE && t->deadline <= now)
            ln__coap_transfer_end(coap, t, false);
    }
}

ln_msec ln__coap_transfers_deadline(const struct ln_coap *coap)
{
    ln_msec earliest = LN_NEVER;
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++) {
        const struct ln__coap_transfer *t = &coap->transfers[i];
        if (t->direction != TRANSFER_FREE && t->deadline < earliest)
            earliest = t->deadline;
    }
    return earliest;
}
