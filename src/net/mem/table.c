/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file table.c
 * Hash tables of chained nodes, which their owners embed. The tables own nothing but the chains.
 *
 * The newest node of a chain comes first; that order survives growth, because runs must repeat.
 */
#include "net/mem/mem.h"

enum { FIRST_CHAINS = 32 };

static size_t chain_of(const struct ln__mem_table *table, uint64_t hash)
{
    return (size_t)hash & (table->room - 1);
}

/* Nodes of one old chain go to two new ones; appending keeps their order. */
static void split(struct ln__mem_table *table, struct ln__mem_node *node)
{
    while (node != NULL) {
        struct ln__mem_node *next = node->next;
        struct ln__mem_node **end = &table->chains[chain_of(table, node->hash)];
        while (*end != NULL)
            end = &(*end)->next;
        node->next = NULL;
        *end = node;
        node = next;
    }
}

bool ln__mem_table_reserve(struct ln_testkit *kit, struct ln__mem_table *table)
{
    if (table->count < table->room)
        return true;
    struct ln__mem_table wider = { .room = table->room != 0 ? table->room * 4 : FIRST_CHAINS,
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

void ln__mem_table_put(struct ln__mem_table *table, struct ln__mem_node *node, uint64_t hash)
{
    struct ln__mem_node **chain = &table->chains[chain_of(table, hash)];
    node->hash = hash;
    node->next = *chain;
    *chain = node;
    table->count++;
}

void ln__mem_table_drop(struct ln__mem_table *table, struct ln__mem_node *node)
{
    struct ln__mem_node **link = &table->chains[chain_of(table, node->hash)];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
    table->count--;
}

static struct ln__mem_node *same_hash(struct ln__mem_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash)
        node = node->next;
    return node;
}

struct ln__mem_node *ln__mem_table_first(const struct ln__mem_table *table, uint64_t hash)
{
    return table->room != 0 ? same_hash(table->chains[chain_of(table, hash)], hash) : NULL;
}

struct ln__mem_node *ln__mem_table_next(const struct ln__mem_node *node)
{
    return same_hash(node->next, node->hash);
}

uint64_t ln__mem_hash_mix(uint64_t hash, uint64_t value)
{
    uint64_t state = hash ^ value;
    return ln__mem_random_next(&state);
}

uint64_t ln__mem_hash_ip(uint64_t hash, const struct ln_addr *addr)
{
    uint64_t half[2];
    memcpy(half, addr->ip, sizeof half);
    hash = ln__mem_hash_mix(hash, half[0] ^ ((uint64_t)addr->scope << 8) ^ addr->family);
    return addr->family == LN_IPV6 ? ln__mem_hash_mix(hash, half[1]) : hash;
}

bool ln__mem_same_ip(const struct ln_addr *a, const struct ln_addr *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0;
}
