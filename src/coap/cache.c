/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cache.c
 * What was answered to whom, so that a duplicate gets the same answer and nothing is done twice
 * (RFC 7252 4.2, 4.3 and 4.5).
 *
 * Records of 24 bytes and a body each stand one behind the other, the oldest first. When room is
 * needed, first what has expired goes, then bodies of answers to GET and FETCH (which may be
 * produced anew), then the oldest records. So a POST is remembered longest.
 */
#include "coap/internal.h"

_Static_assert(sizeof(struct ln__coap_cached) == 24, "what <linnet/coap.h> says a record takes");

static struct ln__coap_cached read_at(const struct ln__coap_cache *cache, size_t at)
{
    struct ln__coap_cached entry;
    memcpy(&entry, cache->data + at, sizeof entry);
    return entry;
}

static void write_at(struct ln__coap_cache *cache, size_t at, const struct ln__coap_cached *entry)
{
    memcpy(cache->data + at, entry, sizeof *entry);
}

static void cut(struct ln__coap_cache *cache, size_t at, size_t len)
{
    memmove(cache->data + at, cache->data + at + len, cache->used - at - len);
    cache->used = (uint16_t)(cache->used - len);
}

static uint32_t seconds(ln_msec at)
{
    return (uint32_t)(at / 1000);
}

/* Records may have different lifetimes (NON, CON); those behind a younger one wait for it. */
static void forget_expired(struct ln__coap_cache *cache, ln_msec now)
{
    while (cache->used > 0) {
        struct ln__coap_cached oldest = read_at(cache, 0);
        if (oldest.expires_s > seconds(now))
            return;
        cut(cache, 0, sizeof oldest + oldest.len);
    }
}

/* Take the body out of the oldest answer that can be produced anew. */
static bool strip_one(struct ln__coap_cache *cache)
{
    struct ln__coap_cached entry;
    for (size_t at = 0; at < cache->used; at += sizeof entry + entry.len) {
        entry = read_at(cache, at);
        if (!entry.safe || entry.len == 0)
            continue;
        cut(cache, at + sizeof entry, entry.len);
        entry.len = 0;
        entry.replay = REPLAY_ANEW;
        write_at(cache, at, &entry);
        return true;
    }
    return false;
}

bool ln__coap_cache_find(struct ln_coap *coap, ln_coap_peer peer, uint16_t mid, ln_msec now,
                         struct ln__coap_cached *out, struct ln_span *body)
{
    struct ln__coap_cache *cache = &coap->cache;
    forget_expired(cache, now);
    struct ln__coap_cached entry;
    for (size_t at = 0; at < cache->used; at += sizeof entry + entry.len) {
        entry = read_at(cache, at);
        if (entry.mid != mid || entry.peer != peer || entry.expires_s <= seconds(now))
            continue;
        *out = entry;
        *body = ln_span(cache->data + at + sizeof entry, entry.len);
        return true;
    }
    return false;
}

/* An older record of the same message: the request is being handled anew. */
static void forget(struct ln__coap_cache *cache, ln_coap_peer peer, uint16_t mid)
{
    struct ln__coap_cached entry;
    for (size_t at = 0; at < cache->used; at += sizeof entry + entry.len) {
        entry = read_at(cache, at);
        if (entry.mid == mid && entry.peer == peer) {
            cut(cache, at, sizeof entry + entry.len);
            return;
        }
    }
}

void ln__coap_cache_add(struct ln_coap *coap, struct ln__coap_cached entry, struct ln_span body,
                        ln_msec now)
{
    struct ln__coap_cache *cache = &coap->cache;
    forget(cache, entry.peer, entry.mid);
    ln_msec life = entry.replay == REPLAY_NOTHING ? coap->non_lifetime : coap->exchange_lifetime;
    entry.expires_s = seconds(ln__coap_after(now, life)) + 1;
    while (sizeof entry + body.len > (size_t)(cache->room - cache->used) && strip_one(cache))
        ;
    if (body.len > 0 &&
        sizeof entry + body.len > (size_t)(entry.safe ? cache->room - cache->used : cache->room)) {
        entry.replay = entry.safe ? REPLAY_ANEW : REPLAY_BARE;
        body.len = 0;
    }
    if (sizeof entry + body.len > cache->room)
        return;
    while (sizeof entry + body.len > (size_t)(cache->room - cache->used))
        cut(cache, 0, sizeof entry + read_at(cache, 0).len);
    entry.len = (uint16_t)body.len;
    write_at(cache, cache->used, &entry);
    if (body.len > 0)
        memcpy(cache->data + cache->used + sizeof entry, body.data, body.len);
    cache->used = (uint16_t)(cache->used + sizeof entry + body.len);
}
