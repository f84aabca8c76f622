/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.c
 * Bytes that must be kept, one behind the other and without gaps: what is released is closed up at
 * once, so that all that is left can be used. There are few chunks and they are short.
 */
#include "coap/internal.h"

bool ln__coap_store(struct ln_coap *coap, size_t len, struct ln__coap_chunk *out)
{
    if (len > ln__coap_pool_left(coap)) {
        coap->counters.no_space++;
        return false;
    }
    *out = (struct ln__coap_chunk) { .at = coap->pool_used, .len = (uint16_t)len };
    coap->pool_used = (uint16_t)(coap->pool_used + len);
    return true;
}

static void close_up(struct ln__coap_chunk *chunk, struct ln__coap_chunk gap)
{
    if (chunk->len > 0 && chunk->at > gap.at)
        chunk->at = (uint16_t)(chunk->at - gap.len);
}

void ln__coap_release(struct ln_coap *coap, struct ln__coap_chunk *chunk)
{
    struct ln__coap_chunk gap = *chunk;
    *chunk = (struct ln__coap_chunk) { .len = 0 };
    if (gap.len == 0)
        return;
    size_t end = (size_t)gap.at + gap.len;
    memmove(coap->pool + gap.at, coap->pool + end, coap->pool_used - end);
    coap->pool_used = (uint16_t)(coap->pool_used - gap.len);
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        close_up(&coap->exchanges[i].data, gap);
        close_up(&coap->exchanges[i].held, gap);
    }
    for (size_t i = 0; i < ln__coap_transfers(&coap->config); i++)
        close_up(&coap->transfers[i].options, gap);
}

struct ln_span ln__coap_chunk_bytes(const struct ln_coap *coap, struct ln__coap_chunk chunk)
{
    return ln_span(coap->pool + chunk.at, chunk.len);
}

uint8_t *ln__coap_chunk_data(struct ln_coap *coap, struct ln__coap_chunk chunk)
{
    return coap->pool + chunk.at;
}

size_t ln__coap_pool_left(const struct ln_coap *coap)
{
    return (size_t)coap->config.pool_bytes - coap->pool_used;
}
