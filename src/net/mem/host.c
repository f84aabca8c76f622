/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host.c
 * Hosts: addresses, routes, power. An address is entered once in the world; it belongs to a host,
 * to a NAT, or to nobody (it has a route only) and stays entered until the world ends.
 */
#include <stdio.h>

#include "net/mem/mem.h"

enum { FIRST_PORT = 49152 }; /* RFC 6335 6: dynamic ports */

/* ---- addresses ---- */

bool ln__mem_is_loopback(const struct ln_addr *addr)
{
    static const uint8_t v6[16] = { [15] = 1 };
    return addr->family == LN_IPV4 ? addr->ip[0] == 127
                                   : addr->family == LN_IPV6 && memcmp(addr->ip, v6, 16) == 0;
}

bool ln__mem_is_wildcard(const struct ln_addr *addr)
{
    static const uint8_t none[16];
    return memcmp(addr->ip, none, sizeof none) == 0;
}

static uint64_t hash_of(const struct ln_addr *addr)
{
    return ln__mem_hash_ip(1, addr);
}

struct ln__mem_address *ln__mem_address_find(const struct ln_testkit *kit,
                                             const struct ln_addr *addr)
{
    struct ln__mem_node *node = ln__mem_table_first(&kit->addresses, hash_of(addr));
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_address *address = (struct ln__mem_address *)node;
        if (ln__mem_same_ip(&address->addr, addr))
            return address;
    }
    return NULL;
}

static enum ln_status enter(struct ln_testkit *kit, const char *text, struct ln__mem_address **out)
{
    struct ln_addr addr;
    if (ln_addr_parse(text, 0, &addr) != LN_OK) {
        ln__mem_text(kit, "\"%s\" is not an address", text);
        return LN_BAD_ARG;
    }
    *out = ln__mem_address_find(kit, &addr);
    if (*out != NULL)
        return LN_OK;
    struct ln__mem_address *address = ln__mem_alloc(kit, sizeof *address);
    if (address == NULL || !ln__mem_table_reserve(kit, &kit->addresses)) {
        ln__mem_free(kit, address);
        return LN_NO_MEMORY;
    }
    *address = (struct ln__mem_address) { .addr = addr, .next = kit->all_addresses };
    kit->all_addresses = address;
    ln__mem_table_put(&kit->addresses, &address->node, hash_of(&addr));
    *out = address;
    return LN_OK;
}

enum ln_status ln__mem_address_claim(struct ln_testkit *kit, const char *text,
                                     struct ln_testkit_host *host, struct ln_testkit_nat *nat,
                                     struct ln__mem_address **out)
{
    struct ln__mem_address *address = NULL;
    enum ln_status st = enter(kit, text, &address);
    if (st != LN_OK)
        return st;
    if (address->host != NULL || address->nat != NULL || ln__mem_is_loopback(&address->addr) ||
        ln__mem_is_wildcard(&address->addr)) {
        ln__mem_text(kit, "the address %s belongs to somebody", text);
        return LN_BAD_ARG;
    }
    address->host = host;
    address->nat = nat;
    *out = address;
    return LN_OK;
}

bool ln__mem_host_owns(const struct ln_testkit_host *host, const struct ln_addr *addr)
{
    if (ln__mem_is_loopback(addr))
        return true;
    const struct ln__mem_address *address = ln__mem_address_find(host->kit, addr);
    return address != NULL && address->host == host;
}

bool ln__mem_host_source(const struct ln_testkit_host *host, const struct ln_addr *peer,
                         struct ln_addr *out)
{
    if (ln__mem_is_loopback(peer)) {
        *out = *peer;
        out->port = 0;
        return true;
    }
    const struct ln__mem_address *address = host->addresses;
    while (address != NULL && address->addr.family != peer->family)
        address = address->next_of_host;
    if (address == NULL)
        return false;
    *out = address->addr;
    return true;
}

/* The private address of a host behind a NAT, seen from outside. Forged packets get through. */
static bool is_hidden(const struct ln__mem_address *address, const struct ln_testkit_host *from)
{
    const struct ln_testkit_nat *nat = address->host != NULL ? address->host->nat : NULL;
    return nat != NULL && from != NULL && from != address->host && from->nat != nat &&
           nat->address->addr.family == address->addr.family;
}

struct ln__mem_way ln__mem_way_to(struct ln_testkit *kit, struct ln_testkit_host *from,
                                  const struct ln_addr *to, enum ln_net_kind kind)
{
    struct ln__mem_way way = { .route = LN_TESTKIT_ROUTE_NORMAL, .host = from, .inner = *to };
    if (from != NULL && ln__mem_is_loopback(to))
        return way;
    const struct ln__mem_address *address = ln__mem_address_find(kit, to);
    way.host = NULL;
    way.route = address != NULL ? address->route : LN_TESTKIT_ROUTE_SILENT;
    if (address != NULL && address->nat != NULL) {
        const struct ln__mem_mapping *mapping = ln__mem_nat_inside(address->nat, kind, to->port);
        if (mapping != NULL) {
            way.host = mapping->host;
            way.inner = mapping->inside;
        }
    } else if (address != NULL && !is_hidden(address, from)) {
        way.host = address->host;
    }
    if (way.host == NULL && way.route == LN_TESTKIT_ROUTE_NORMAL)
        way.route = LN_TESTKIT_ROUTE_SILENT;
    return way;
}

enum ln_status ln_testkit_route(struct ln_testkit *kit, const char *text,
                                enum ln_testkit_route route)
{
    struct ln__mem_address *address = NULL;
    enum ln_status st = enter(kit, text, &address);
    if (st == LN_OK)
        address->route = route;
    return st;
}

/* ---- hosts ---- */

enum ln_status ln_testkit_host_add(struct ln_testkit_host *host, const char *text)
{
    struct ln__mem_address *address = NULL;
    enum ln_status st = ln__mem_address_claim(host->kit, text, host, NULL, &address);
    if (st != LN_OK)
        return st;
    struct ln__mem_address **end = &host->addresses;
    while (*end != NULL)
        end = &(*end)->next_of_host;
    address->next_of_host = NULL;
    *end = address;
    return LN_OK;
}

static void give_up(struct ln__mem_address **place)
{
    struct ln__mem_address *address = *place;
    *place = address->next_of_host;
    address->next_of_host = NULL;
    address->host = NULL;
}

enum ln_status ln_testkit_host_remove(struct ln_testkit_host *host, const char *text)
{
    struct ln_addr addr;
    if (ln_addr_parse(text, 0, &addr) != LN_OK)
        return LN_NOT_FOUND;
    for (struct ln__mem_address **place = &host->addresses; *place != NULL;
         place = &(*place)->next_of_host) {
        if (ln__mem_same_ip(&(*place)->addr, &addr)) {
            give_up(place);
            return LN_OK;
        }
    }
    return LN_NOT_FOUND;
}

static enum ln_status add_all(struct ln_testkit_host *host, const char *addresses)
{
    char word[LN_ADDR_TEXT_MAX];
    const char *at = addresses;
    while (*(at += strspn(at, " ")) != '\0') {
        size_t len = strcspn(at, " ");
        (void)snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : 0, at);
        enum ln_status st = ln_testkit_host_add(host, word);
        if (st != LN_OK)
            return st;
        at += len;
    }
    return LN_OK;
}

enum ln_status ln_testkit_host_new(struct ln_testkit *kit, const char *name, const char *addresses,
                                   struct ln_testkit_host **out)
{
    *out = NULL;
    struct ln_testkit_host *host = ln__mem_alloc(kit, sizeof *host);
    if (host == NULL)
        return LN_NO_MEMORY;
    *host = (struct ln_testkit_host) { .kit = kit,
                                       .number = ++kit->host_count,
                                       .next_port = FIRST_PORT };
    host->chance = ln__mem_hash_mix(kit->config.seed, UINT64_C(0x686f7374) << 32 | host->number);
    host->machine.random = ln__mem_hash_mix(host->chance, 1);
    (void)snprintf(host->name, sizeof host->name, "%s", name);
    enum ln_status st = add_all(host, addresses != NULL ? addresses : "");
    if (st != LN_OK) {
        while (host->addresses != NULL)
            give_up(&host->addresses);
        ln__mem_free(kit, host);
        return st;
    }
    *kit->hosts_end = host;
    kit->hosts_end = &host->next;
    *out = host;
    return LN_OK;
}

const char *ln_testkit_host_name(const struct ln_testkit_host *host)
{
    return host->name;
}

void ln_testkit_host_closed_ports(struct ln_testkit_host *host, enum ln_testkit_closed_port how)
{
    host->closed_ports = how;
}

void ln_testkit_host_chunks(struct ln_testkit_host *host, const struct ln_testkit_chunks *chunks)
{
    host->chunks = *chunks;
}

size_t ln_testkit_open_handles(const struct ln_testkit_host *host)
{
    return host->open_handles;
}

/* ---- power ---- */

static void note_power(struct ln_testkit_host *host, enum ln_testkit_happened what)
{
    static const struct ln_addr nobody;
    const struct ln_addr *who = host->addresses != NULL ? &host->addresses->addr : &nobody;
    ln__mem_note(host->kit, what, LN_NET_DATAGRAM, who, &nobody, 0);
}

void ln_testkit_host_kill(struct ln_testkit_host *host)
{
    host->dead = true;
    note_power(host, LN_TESTKIT_KILLED);
}

void ln_testkit_host_revive(struct ln_testkit_host *host)
{
    host->dead = false;
    note_power(host, LN_TESTKIT_REVIVED);
}

void ln_testkit_host_restart(struct ln_testkit_host *host)
{
    for (struct ln__mem_sock *s = host->socks; s != NULL; s = s->next_of_host)
        ln__mem_sock_gut(s);
    host->dead = false;
    host->next_port = FIRST_PORT;
    note_power(host, LN_TESTKIT_RESTARTED);
}
