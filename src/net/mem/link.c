/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file link.c
 * Links: which settings count, what the dice say, what was counted.
 *
 * A link is made when the first packet uses it. Its dice are numbers of (seed of the link, number
 * of the packet, purpose): a changed setting changes what it decides and no other decision.
 */
#include "net/mem/mem.h"

enum {
    DEFAULT_REORDER_MS = 50,
    DEFAULT_QUEUE_BYTES = 65536,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    UDP_BYTES = 8,
    TCP_BYTES = 20,
};

enum purpose { LOSS, DUPLICATION, REORDERING, DELAY, COPY_DELAY };

static const struct ln_testkit_link perfect;

uint64_t ln__mem_random_next(uint64_t *state)
{
    /* splitmix64, Vigna: every start gives a full period and neighbours look independent. */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- which link, which settings ---- */

static uint64_t number_of(const struct ln_testkit_host *host)
{
    return host != NULL ? host->number : 0;
}

static struct ln__mem_link *find(const struct ln_testkit *kit, uint64_t hash,
                                 const struct ln_testkit_host *from,
                                 const struct ln_testkit_host *to)
{
    struct ln__mem_node *node = ln__mem_table_first(&kit->links, hash);
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_link *link = (struct ln__mem_link *)node;
        if (link->from == from && link->to == to)
            return link;
    }
    return NULL;
}

struct ln__mem_link *ln__mem_link_between(struct ln_testkit *kit, struct ln_testkit_host *from,
                                          struct ln_testkit_host *to)
{
    uint64_t pair = number_of(from) << 32 | number_of(to);
    uint64_t hash = ln__mem_hash_mix(0, pair);
    struct ln__mem_link *link = find(kit, hash, from, to);
    if (link != NULL)
        return link;
    link = ln__mem_alloc(kit, sizeof *link);
    if (link == NULL || !ln__mem_table_reserve(kit, &kit->links)) {
        ln__mem_free(kit, link);
        return NULL;
    }
    *link = (struct ln__mem_link) { .from = from,
                                    .to = to,
                                    .seed = ln__mem_hash_mix(kit->config.seed, pair),
                                    .next = kit->all_links };
    kit->all_links = link;
    ln__mem_table_put(&kit->links, &link->node, hash);
    return link;
}

const struct ln_testkit_link *ln__mem_link_settings(const struct ln_testkit *kit,
                                                    const struct ln__mem_link *link)
{
    if (link->own != NULL)
        return link->own;
    if (link->from != NULL && link->from->out != NULL)
        return link->from->out;
    if (link->to != NULL && link->to->in != NULL)
        return link->to->in;
    return kit->any != NULL ? kit->any : &perfect;
}

static enum ln_status choose(struct ln_testkit *kit, struct ln_testkit_link **place,
                             const struct ln_testkit_link *link)
{
    if (link == NULL) {
        ln__mem_free(kit, *place);
        *place = NULL;
        return LN_OK;
    }
    if (*place == NULL)
        *place = ln__mem_alloc(kit, sizeof **place);
    if (*place == NULL)
        return LN_NO_MEMORY;
    **place = *link;
    return LN_OK;
}

enum ln_status ln_testkit_link(struct ln_testkit *kit, struct ln_testkit_host *from,
                               struct ln_testkit_host *to, const struct ln_testkit_link *link)
{
    if (from == NULL && to == NULL)
        return choose(kit, &kit->any, link);
    if (to == NULL)
        return choose(kit, &from->out, link);
    if (from == NULL)
        return choose(kit, &to->in, link);
    struct ln__mem_link *pair = ln__mem_link_between(kit, from, to);
    return pair != NULL ? choose(kit, &pair->own, link) : LN_NO_MEMORY;
}

enum ln_status ln_testkit_path(struct ln_testkit *kit, struct ln_testkit_host *a,
                               struct ln_testkit_host *b, const struct ln_testkit_link *link)
{
    enum ln_status st = ln_testkit_link(kit, a, b, link);
    return st == LN_OK ? ln_testkit_link(kit, b, a, link) : st;
}

size_t ln__mem_header_bytes(const struct ln_addr *addr, enum ln_net_kind kind)
{
    return (addr->family == LN_IPV6 ? IPV6_BYTES : IPV4_BYTES) +
           (size_t)(kind == LN_NET_STREAM ? TCP_BYTES : UDP_BYTES);
}

/* ---- dice ---- */

static uint64_t cast(const struct ln__mem_link *link, enum purpose purpose)
{
    uint64_t state = link->seed ^ (link->casts << 3 | (uint64_t)purpose);
    (void)ln__mem_random_next(&state); /* the first number would be close to its neighbour's seed */
    return ln__mem_random_next(&state);
}

static bool chance(const struct ln__mem_link *link, enum purpose purpose, uint16_t permille)
{
    return permille != 0 && cast(link, purpose) % 1000 < permille;
}

static int64_t cast_delay_us(const struct ln__mem_link *link, enum purpose purpose,
                             const struct ln_testkit_link *set)
{
    uint64_t us = (uint64_t)set->delay_min_ms * 1000;
    if (set->delay_max_ms > set->delay_min_ms)
        us += cast(link, purpose) % ((uint64_t)(set->delay_max_ms - set->delay_min_ms) * 1000 + 1);
    return (int64_t)us;
}

/* When the last byte of a packet has left; -1: the queue is full. */
static int64_t departure(const struct ln_testkit *kit, struct ln__mem_link *link,
                         const struct ln_testkit_link *set, size_t bytes)
{
    if (set->bytes_per_s == 0)
        return kit->now_us;
    int64_t start = link->busy_until_us > kit->now_us ? link->busy_until_us : kit->now_us;
    uint64_t waiting = (uint64_t)(start - kit->now_us) * set->bytes_per_s / 1000000;
    uint32_t limit = set->queue_bytes != 0 ? set->queue_bytes : DEFAULT_QUEUE_BYTES;
    if (waiting + bytes > limit)
        return -1;
    link->busy_until_us = start + (int64_t)((uint64_t)bytes * 1000000 / set->bytes_per_s);
    return link->busy_until_us;
}

struct ln__mem_fate ln__mem_link_cast(struct ln_testkit *kit, struct ln__mem_link *link,
                                      size_t bytes, uint32_t extra_ms)
{
    const struct ln_testkit_link *set = ln__mem_link_settings(kit, link);
    struct ln__mem_fate fate = { .lost = chance(link, LOSS, set->loss_permille),
                                 .duplicated = chance(link, DUPLICATION, set->duplicate_permille),
                                 .reordered = chance(link, REORDERING, set->reorder_permille) };
    int64_t left = departure(kit, link, set, bytes);
    fate.overflowed = left < 0;
    int64_t base = (fate.overflowed ? kit->now_us : left) + (int64_t)extra_ms * 1000;
    fate.at_us = base + cast_delay_us(link, DELAY, set);
    fate.copy_at_us = base + cast_delay_us(link, COPY_DELAY, set);
    link->casts++;
    if (set->keep_order && fate.at_us < link->last_arrival_us)
        fate.at_us = link->last_arrival_us;
    if (set->keep_order && fate.copy_at_us < fate.at_us)
        fate.copy_at_us = fate.at_us;
    if (!fate.lost && !fate.overflowed)
        link->last_arrival_us = fate.at_us;
    if (fate.reordered)
        fate.at_us += (int64_t)(set->reorder_ms != 0 ? set->reorder_ms : DEFAULT_REORDER_MS) * 1000;
    return fate;
}

/* ---- counters ---- */

#define COUNTER(field) offsetof(struct ln_testkit_counters, field)

/* The counter of each end that a packet may find; 0: it has none. */
static const size_t end_counters[] = {
    [LN_TESTKIT_LOST] = COUNTER(lost),
    [LN_TESTKIT_TOO_BIG] = COUNTER(too_big),
    [LN_TESTKIT_REFUSED] = COUNTER(refused),
    [LN_TESTKIT_SWALLOWED] = COUNTER(swallowed),
    [LN_TESTKIT_OVERFLOWED] = COUNTER(overflowed),
    [LN_TESTKIT_TAPPED] = COUNTER(dropped_by_tap),
};

void ln__mem_link_count(struct ln__mem_link *link, enum ln_testkit_happened what)
{
    bool known = (size_t)what < sizeof end_counters / sizeof end_counters[0];
    if (link == NULL || !known || end_counters[what] == 0)
        return;
    uint64_t *counter = (uint64_t *)(void *)((uint8_t *)&link->counters + end_counters[what]);
    ++*counter;
}

static void add(struct ln_testkit_counters *sum, const struct ln_testkit_counters *one)
{
    sum->packets += one->packets;
    sum->bytes += one->bytes;
    sum->delivered += one->delivered;
    sum->delivered_bytes += one->delivered_bytes;
    sum->lost += one->lost;
    sum->duplicated += one->duplicated;
    sum->reordered += one->reordered;
    sum->too_big += one->too_big;
    sum->refused += one->refused;
    sum->swallowed += one->swallowed;
    sum->overflowed += one->overflowed;
    sum->dropped_by_tap += one->dropped_by_tap;
    sum->injected += one->injected;
    sum->resent += one->resent;
    if (one->largest > sum->largest)
        sum->largest = one->largest;
}

void ln_testkit_counters(const struct ln_testkit *kit, const struct ln_testkit_host *from,
                         const struct ln_testkit_host *to, struct ln_testkit_counters *out)
{
    *out = (struct ln_testkit_counters) { .packets = 0 };
    for (const struct ln__mem_link *link = kit->all_links; link != NULL; link = link->next) {
        if ((from == NULL || link->from == from) && (to == NULL || link->to == to))
            add(out, &link->counters);
    }
}
