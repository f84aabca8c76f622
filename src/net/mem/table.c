/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.c
 * Hash tables of chained nodes, which their owners embed. The tables own nothing but the chains.
 *
 * The newest node of a chain comes first; that order survives growth, because runs must repeat.
 */
#include "net/mem/mem.h"

enum { FIRST_CHAINS = 32 };

static size_t chain_of(const struct ln__table *table, uint64_t hash)
{
    return (size_t)hash & (table->room - 1);
}

/* Nodes of one old chain go to two new ones; appending keeps their order. */
static void split(struct ln__table *table, struct ln__node *node)
{
    while (node != NULL) {
        struct ln__node *next = node->next;
        struct ln__node **end = &table->chains[chain_of(table, node->hash)];
        while (*end != NULL)
            end = &(*end)->next;
        node->next = NULL;
        *end = node;
        node = next;
    }
}

bool ln__table_reserve(struct ln_testkit *kit, struct ln__table *table)
{
    if (table->count < table->room)
        return true;
    struct ln__table wider = { .room = table->room != 0 ? table->room * 4 : FIRST_CHAINS,
                               .count = table->count };
    wider.chains = ln__mem_zeroed(kit, wider.room * sizeof *wider.chains);
    if (wider.chains == NULL)
        return table->room != 0; /* longer chains will do */
    for (size_t i = 0; i < table->room; i++)
        split(&wider, table->chains[i]);
    ln__mem_free(kit, table->chains);
    *table = wider;
    return true;
}

void ln__table_put(struct ln__table *table, struct ln__node *node, uint64_t hash)
{
    struct ln__node **chain = &table->chains[chain_of(table, hash)];
    node->hash = hash;
    node->next = *chain;
    *chain = node;
    table->count++;
}

void ln__table_drop(struct ln__table *table, struct ln__node *node)
{
    struct ln__node **link = &table->chains[chain_of(table, node->hash)];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
    table->count--;
}

static struct ln__node *same_hash(struct ln__node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash)
        node = node->next;
    return node;
}

struct ln__node *ln__table_first(const struct ln__table *table, uint64_t hash)
{
    return table->room != 0 ? same_hash(table->chains[chain_of(table, hash)], hash) : NULL;
}

struct ln__node *ln__table_next(const struct ln__node *node)
{
    return same_hash(node->next, node->hash);
}

uint64_t ln__hash_mix(uint64_t hash, uint64_t value)
{
    uint64_t state = hash ^ value;
    return ln__random_next(&state);
}

uint64_t ln__hash_ip(uint64_t hash, const struct ln_addr *addr)
{
    uint64_t half[2];
    memcpy(half, addr->ip, sizeof half);
    hash = ln__hash_mix(hash, half[0] ^ ((uint64_t)addr->scope << 8) ^ addr->family);
    return addr->family == LN_IPV6 ? ln__hash_mix(hash, half[1]) : hash;
}

bool ln__same_ip(const struct ln_addr *a, const struct ln_addr *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0;
}
