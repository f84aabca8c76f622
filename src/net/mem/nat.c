/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nat.c
 * Address translation: mappings from (host, kind, inside address) to a public port.
 *
 * Endpoint-independent (RFC 4787 REQ-1): one mapping serves every peer. A mapping that has been
 * idle for too long counts as gone and is removed when its owner or its port is wanted next.
 */
#include "net/mem/mem.h"

enum { FIRST_PORT = 20000, LOWEST_PORT = 1024, PORTS = 65536 - LOWEST_PORT };

static uint64_t hash_inside(const struct ln_testkit_host *host, enum ln_net_kind kind,
                            const struct ln_addr *inside)
{
    uint64_t first = (uint64_t)host->number << 20 | (uint64_t)kind << 16 | inside->port;
    return ln__mem_hash_ip(ln__mem_hash_mix(2, first), inside);
}

static uint64_t hash_public(const struct ln_testkit_nat *nat, enum ln_net_kind kind, uint16_t port)
{
    return ln__mem_hash_mix(nat->address->node.hash, (uint64_t)kind << 16 | port);
}

static struct ln__mem_mapping *from_public(struct ln__mem_node *node)
{
    return (struct ln__mem_mapping *)(void *)((char *)node -
                                              offsetof(struct ln__mem_mapping, by_public));
}

static bool is_idle(const struct ln__mem_mapping *mapping)
{
    const struct ln_testkit_nat *nat = mapping->nat;
    return nat->idle_us != 0 && nat->kit->now_us - mapping->last_us >= nat->idle_us;
}

static void mapping_free(struct ln__mem_mapping *mapping)
{
    struct ln_testkit *kit = mapping->nat->kit;
    ln__mem_table_drop(&kit->mappings_inside, &mapping->by_inside);
    ln__mem_table_drop(&kit->mappings_public, &mapping->by_public);
    if (mapping->next != NULL)
        mapping->next->previous = mapping->previous;
    if (mapping->previous != NULL)
        mapping->previous->next = mapping->next;
    else
        mapping->nat->mappings = mapping->next;
    ln__mem_free(kit, mapping);
}

static struct ln__mem_mapping *find_inside(struct ln_testkit_host *host, enum ln_net_kind kind,
                                           const struct ln_addr *inside)
{
    uint64_t hash = hash_inside(host, kind, inside);
    struct ln__mem_node *node = ln__mem_table_first(&host->kit->mappings_inside, hash);
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_mapping *mapping = (struct ln__mem_mapping *)node;
        if (mapping->nat == host->nat && mapping->host == host && mapping->kind == kind &&
            ln_addr_equal(&mapping->inside, inside))
            return mapping;
    }
    return NULL;
}

static struct ln__mem_mapping *find_public(struct ln_testkit_nat *nat, enum ln_net_kind kind,
                                           uint16_t port)
{
    uint64_t hash = hash_public(nat, kind, port);
    struct ln__mem_node *node = ln__mem_table_first(&nat->kit->mappings_public, hash);
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_mapping *mapping = from_public(node);
        if (mapping->nat == nat && mapping->kind == kind && mapping->port == port)
            return mapping;
    }
    return NULL;
}

/* A port nobody uses; 0: all are taken. Mappings that are idle make room. */
static uint16_t free_port(struct ln_testkit_nat *nat, enum ln_net_kind kind)
{
    for (size_t tries = 0; tries < PORTS; tries++) {
        uint16_t port = nat->next_port;
        nat->next_port = port == UINT16_MAX ? LOWEST_PORT : (uint16_t)(port + 1);
        struct ln__mem_mapping *user = find_public(nat, kind, port);
        if (user != NULL && is_idle(user)) {
            mapping_free(user);
            user = NULL;
        }
        if (user == NULL)
            return port;
    }
    return 0;
}

static enum ln_status map(struct ln_testkit_host *host, enum ln_net_kind kind,
                          const struct ln_addr *inside, struct ln__mem_mapping **out)
{
    struct ln_testkit *kit = host->kit;
    struct ln_testkit_nat *nat = host->nat;
    uint16_t port = free_port(nat, kind);
    if (port == 0)
        return LN_NO_SPACE;
    struct ln__mem_mapping *mapping = ln__mem_alloc(kit, sizeof *mapping);
    if (mapping == NULL || !ln__mem_table_reserve(kit, &kit->mappings_inside) ||
        !ln__mem_table_reserve(kit, &kit->mappings_public)) {
        ln__mem_free(kit, mapping);
        return LN_NO_MEMORY;
    }
    *mapping = (struct ln__mem_mapping) { .nat = nat,
                                          .host = host,
                                          .kind = kind,
                                          .inside = *inside,
                                          .port = port,
                                          .next = nat->mappings };
    if (nat->mappings != NULL)
        nat->mappings->previous = mapping;
    nat->mappings = mapping;
    ln__mem_table_put(&kit->mappings_inside, &mapping->by_inside, hash_inside(host, kind, inside));
    ln__mem_table_put(&kit->mappings_public, &mapping->by_public, hash_public(nat, kind, port));
    struct ln_addr outside = nat->address->addr;
    outside.port = port;
    ln__mem_note(kit, LN_TESTKIT_MAPPED, kind, inside, &outside, 0);
    *out = mapping;
    return LN_OK;
}

/* Whether what the host sends to `peer` passes its NAT. */
static bool passes(const struct ln_testkit_host *host, const struct ln_addr *peer)
{
    if (host->nat == NULL || ln__mem_is_loopback(peer) ||
        peer->family != host->nat->address->addr.family)
        return false;
    const struct ln__mem_address *address = ln__mem_address_find(host->kit, peer);
    return address == NULL || address->host == NULL || address->host->nat != host->nat;
}

enum ln_status ln__mem_nat_outside(struct ln_testkit_host *host, enum ln_net_kind kind,
                                   const struct ln_addr *inside, const struct ln_addr *peer,
                                   struct ln_addr *out)
{
    *out = *inside;
    if (!passes(host, peer))
        return LN_OK;
    struct ln__mem_mapping *mapping = find_inside(host, kind, inside);
    if (mapping != NULL && is_idle(mapping)) {
        mapping_free(mapping);
        mapping = NULL;
    }
    enum ln_status st = mapping != NULL ? LN_OK : map(host, kind, inside, &mapping);
    if (st != LN_OK)
        return st;
    mapping->last_us = host->kit->now_us;
    *out = host->nat->address->addr;
    out->port = mapping->port;
    return LN_OK;
}

const struct ln__mem_mapping *ln__mem_nat_inside(struct ln_testkit_nat *nat, enum ln_net_kind kind,
                                                 uint16_t port)
{
    const struct ln__mem_mapping *mapping = find_public(nat, kind, port);
    return mapping != NULL && !is_idle(mapping) ? mapping : NULL;
}

/* ---- life ---- */

enum ln_status ln_testkit_nat_new(struct ln_testkit *kit, const char *address, uint32_t idle_ms,
                                  struct ln_testkit_nat **out)
{
    *out = NULL;
    struct ln_testkit_nat *nat = ln__mem_alloc(kit, sizeof *nat);
    if (nat == NULL)
        return LN_NO_MEMORY;
    *nat = (struct ln_testkit_nat) { .kit = kit,
                                     .idle_us = (int64_t)idle_ms * 1000,
                                     .next_port = FIRST_PORT };
    enum ln_status st = ln__mem_address_claim(kit, address, NULL, nat, &nat->address);
    if (st != LN_OK) {
        ln__mem_free(kit, nat);
        return st;
    }
    nat->next = kit->nats;
    kit->nats = nat;
    *out = nat;
    return LN_OK;
}

static void forget_all(struct ln_testkit_nat *nat)
{
    while (nat->mappings != NULL)
        mapping_free(nat->mappings);
}

void ln__mem_nat_free(struct ln_testkit_nat *nat)
{
    forget_all(nat);
    ln__mem_free(nat->kit, nat);
}

void ln_testkit_host_behind(struct ln_testkit_host *host, struct ln_testkit_nat *nat)
{
    host->nat = nat;
}

enum ln_status ln_testkit_nat_rebind(struct ln_testkit_nat *nat, const char *address)
{
    struct ln_addr before = nat->address->addr;
    struct ln__mem_address *claimed = nat->address;
    if (address != NULL) {
        enum ln_status st = ln__mem_address_claim(nat->kit, address, NULL, nat, &claimed);
        if (st != LN_OK)
            return st;
    }
    forget_all(nat); /* while their hashes still name the old address */
    if (claimed != nat->address)
        nat->address->nat = NULL;
    nat->address = claimed;
    ln__mem_note(nat->kit, LN_TESTKIT_REBOUND, LN_NET_DATAGRAM, &before, &claimed->addr, 0);
    return LN_OK;
}
