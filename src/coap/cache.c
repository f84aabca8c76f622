/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cache.c
 * What was answered to whom, so that a duplicate gets the same answer and nothing is done twice
 * (RFC 7252 4.2, 4.3 and 4.5).
 *
 * Records of 24 bytes and a body each stand one behind the other, the oldest first. When room is
 * needed, first what has expired goes, then the oldest answers to GET and FETCH, which may be
 * produced anew, then the oldest of all. So a POST is remembered longest; if its answer is too long,
 * it is remembered without its body.
 */
#include "coap/internal.h"

_Static_assert(sizeof(struct ln__coap_cached) == 24, "what <linnet/coap.h> says a record takes");

static struct ln__coap_cached read_at(const struct ln__coap_cache *cache, size_t at)
{
    struct ln__coap_cached entry;
    memcpy(&entry, cache->data + at, sizeof entry);
    return entry;
}

/* The record behind this one: of a record that is passed over, no more is looked at. */
static size_t next_at(const struct ln__coap_cache *cache, size_t at)
{
    uint16_t len;
    memcpy(&len, cache->data + at + offsetof(struct ln__coap_cached, len), sizeof len);
    return at + sizeof(struct ln__coap_cached) + len;
}

static uint16_t mid_at(const struct ln__coap_cache *cache, size_t at)
{
    uint16_t mid;
    memcpy(&mid, cache->data + at + offsetof(struct ln__coap_cached, mid), sizeof mid);
    return mid;
}

static void cut(struct ln__coap_cache *cache, size_t at)
{
    size_t end = next_at(cache, at);
    memmove(cache->data + at, cache->data + end, cache->used - end);
    cache->used = (uint16_t)(cache->used - (end - at));
}

static uint32_t seconds(ln_msec at)
{
    return (uint32_t)(at / 1000);
}

bool ln__coap_cache_find(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now,
                         struct ln__coap_cached *out, struct ln_span *body)
{
    const struct ln__coap_cache *cache = &coap->cache;
    for (size_t at = 0; at < cache->used; at = next_at(cache, at)) {
        if (mid_at(cache, at) != mid)
            continue;
        *out = read_at(cache, at);
        if (out->peer != peer || out->expires_s <= seconds(now))
            continue;
        *body = ln_span(cache->data + at + sizeof *out, out->len);
        return true;
    }
    return false;
}

static size_t left(const struct ln__coap_cache *cache)
{
    return (size_t)cache->room - cache->used;
}

/* Forget one record: an old answer to GET or FETCH, or else, unless `only_safe`, the oldest. */
static bool forget_one(struct ln__coap_cache *cache, bool only_safe)
{
    for (size_t at = 0; at < cache->used; at = next_at(cache, at))
        if (read_at(cache, at).safe) {
            cut(cache, at);
            return true;
        }
    if (only_safe || cache->used == 0)
        return false;
    cut(cache, 0);
    return true;
}

void ln__coap_cache_add(struct ln_coap *coap, struct ln__coap_cached entry, struct ln_span body,
                        ln_msec now)
{
    struct ln__coap_cache *cache = &coap->cache;
    /* Those of NON live shorter; behind a younger one of CON they wait for it. */
    while (cache->used > 0 && read_at(cache, 0).expires_s <= seconds(now))
        cut(cache, 0);
    if (sizeof entry + body.len > cache->room && !entry.safe) {
        entry.replay = REPLAY_BARE;
        body.len = 0;
    }
    if (sizeof entry + body.len > cache->room)
        return;
    while (sizeof entry + body.len > left(cache))
        if (!forget_one(cache, entry.safe))
            return; /* it may be produced anew, and what must not be stays */
    ln_msec life = entry.replay == REPLAY_NOTHING ? coap->non_lifetime : coap->exchange_lifetime;
    entry.expires_s = seconds(ln__coap_after(now, life)) + 1;
    entry.len = (uint16_t)body.len;
    memcpy(cache->data + cache->used, &entry, sizeof entry);
    if (body.len > 0)
        memcpy(cache->data + cache->used + sizeof entry, body.data, body.len);
    cache->used = (uint16_t)(cache->used + sizeof entry + body.len);
}
