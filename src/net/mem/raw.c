/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file raw.c
 * Raw sockets: handles, ports, readiness, and the table of operations (env.h, struct ln_net_ops).
 *
 * The context of the table is the host. A handle names a slot and its generation, so that a handle
 * used after close is found out (LN_BAD_STATE) instead of meeting somebody else's socket.
 */
#include "net/mem/mem.h"

enum {
    INDEX_BITS = 24,
    GENERATIONS = 128, /* 31 bits in all: a handle is positive on every machine */
    FIRST_SLOTS = 16,
    NO_SLOT = (1 << INDEX_BITS) - 1,
    FIRST_PORT = 49152,
    MAX_STALLED_ROUNDS = 100000, /* of one wait, or waits in a row, in which no time passes */
};

/* ---- failures ---- */

const char *ln__mem_error_text(enum ln_category category)
{
    if (category == LN_CAT_PEER_REFUSED)
        return "connection refused";
    if (category == LN_CAT_UNREACHABLE)
        return "host or network unreachable";
    if (category == LN_CAT_RESET)
        return "connection reset by peer";
    if (category == LN_CAT_NO_ANSWER)
        return "connection timed out";
    return category == LN_CAT_CLOSED_BY_PEER ? "broken pipe" : "input/output error";
}

enum ln_status ln__mem_fail(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                            const char *text)
{
    (void)ln_diag_set(diag, status, category, LN_PHASE_NONE, "%s", text);
    ln_diag_native(diag, "mem", 0, text);
    return status;
}

static enum ln_status fail_state(struct ln_diag *diag)
{
    return ln__mem_fail(diag, LN_BAD_STATE, LN_CAT_INTERNAL_FAULT, "no socket that can do this");
}

static enum ln_status fail_gone(struct ln_diag *diag)
{
    return ln__mem_fail(diag, LN_IO, LN_CAT_LOCAL_IO, "the host was restarted");
}

/* ---- handles ---- */

struct ln__mem_sock *ln__mem_sock_of(const struct ln_testkit *kit, ln_handle handle)
{
    if (handle < 0)
        return NULL;
    size_t index = (size_t)handle & NO_SLOT;
    if (index >= kit->slot_room)
        return NULL;
    struct ln__mem_sock *s = kit->slots[index].sock;
    return s != NULL && s->handle == handle ? s : NULL;
}

static bool slots_reserve(struct ln_testkit *kit)
{
    if (kit->slot_room != 0 && kit->slot_free != NO_SLOT)
        return true;
    uint32_t room = kit->slot_room != 0 ? kit->slot_room * 2 : FIRST_SLOTS;
    if (room > NO_SLOT)
        return false;
    struct ln__mem_slot *slots = ln__mem_resize(kit, kit->slots, room * sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = kit->slot_room; i < room; i++)
        slots[i] = (struct ln__mem_slot) { .next_free = i + 1 < room ? i + 1 : NO_SLOT };
    kit->slot_free = kit->slot_room;
    kit->slots = slots;
    kit->slot_room = room;
    return true;
}

static void slot_take(struct ln_testkit *kit, struct ln__mem_sock *s)
{
    uint32_t index = kit->slot_free;
    struct ln__mem_slot *slot = &kit->slots[index];
    kit->slot_free = slot->next_free;
    slot->sock = s;
    s->handle = (ln_handle)(slot->generation << INDEX_BITS | index);
}

static void slot_give(struct ln_testkit *kit, ln_handle handle)
{
    uint32_t index = (uint32_t)handle & NO_SLOT;
    struct ln__mem_slot *slot = &kit->slots[index];
    slot->sock = NULL;
    slot->generation = (slot->generation + 1) % GENERATIONS;
    slot->next_free = kit->slot_free;
    kit->slot_free = index;
}

enum ln_status ln__mem_sock_new(struct ln_testkit_host *host, enum ln_net_kind kind,
                                enum ln_family family, struct ln__mem_sock **out)
{
    struct ln_testkit *kit = host->kit;
    struct ln__mem_sock *s = ln__mem_alloc(kit, sizeof *s);
    if (s == NULL || !slots_reserve(kit)) {
        ln__mem_free(kit, s);
        return LN_NO_MEMORY;
    }
    *s = (struct ln__mem_sock) {
        .host = host, .kind = kind, .family = family, .next_of_host = host->socks
    };
    s->local.family = (uint8_t)family;
    s->bound = s->local;
    if (host->socks != NULL)
        host->socks->previous_of_host = s;
    host->socks = s;
    host->open_handles++;
    slot_take(kit, s);
    *out = s;
    return LN_OK;
}

/* ---- ports ---- */

static struct ln__mem_port *port_find(const struct ln_testkit_host *host, enum ln_net_kind kind,
                                      uint16_t number, uint64_t *hash)
{
    *hash = ln__mem_hash_mix(3, (uint64_t)host->number << 20 | (uint64_t)kind << 16 | number);
    struct ln__mem_node *node = ln__mem_table_first(&host->kit->ports, *hash);
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_port *port = (struct ln__mem_port *)node;
        if (port->host == host && port->kind == kind && port->number == number)
            return port;
    }
    return NULL;
}

static enum ln_status port_make(struct ln__mem_sock *s, uint16_t number, struct ln__mem_port **out)
{
    uint64_t hash = 0;
    struct ln_testkit *kit = s->host->kit;
    *out = port_find(s->host, s->kind, number, &hash);
    if (*out != NULL)
        return LN_OK;
    struct ln__mem_port *port = ln__mem_alloc(kit, sizeof *port);
    if (port == NULL || !ln__mem_table_reserve(kit, &kit->ports)) {
        ln__mem_free(kit, port);
        return LN_NO_MEMORY;
    }
    *port = (struct ln__mem_port) { .host = s->host, .kind = s->kind, .number = number };
    ln__mem_table_put(&kit->ports, &port->node, hash);
    *out = port;
    return LN_OK;
}

static void open_list_leave(struct ln__mem_sock *s)
{
    for (struct ln__mem_sock **link = &s->port->open; *link != NULL; link = &(*link)->next_open) {
        if (*link == s) {
            *link = s->next_open;
            s->next_open = NULL;
            return;
        }
    }
}

static void port_leave(struct ln__mem_sock *s)
{
    struct ln__mem_port *port = s->port;
    if (port == NULL)
        return;
    if (s->peer.family == LN_FAMILY_ANY)
        open_list_leave(s);
    else
        port->connected--;
    s->port = NULL;
    if (--port->users == 0) {
        ln__mem_table_drop(&s->host->kit->ports, &port->node);
        ln__mem_free(s->host->kit, port);
    }
}

/* Whether a bound socket takes what comes to `local`: 0 no, 1 by a wildcard, 2 exactly. */
static int closeness(const struct ln__mem_sock *s, const struct ln_addr *local)
{
    if (!ln__mem_is_wildcard(&s->local))
        return ln__mem_same_ip(&s->local, local) ? 2 : 0;
    bool family = s->family == local->family || (s->family == LN_IPV6 && !s->v6_only);
    return family ? 1 : 0;
}

static bool collides(const struct ln__mem_sock *s, const struct ln__mem_port *port,
                     const struct ln_addr *local)
{
    if (port->connected > 0 && !s->reuse_addr)
        return true;
    const struct ln__mem_sock probe = { .family = s->family,
                                        .v6_only = s->v6_only,
                                        .local = *local };
    for (const struct ln__mem_sock *other = port->open; other != NULL; other = other->next_open) {
        bool overlap = closeness(other, local) != 0 || closeness(&probe, &other->local) != 0;
        if (overlap && !(s->reuse_addr && other->reuse_addr))
            return true;
    }
    return false;
}

static uint16_t ephemeral_port(struct ln__mem_sock *s)
{
    struct ln_testkit_host *host = s->host;
    for (unsigned tries = FIRST_PORT; tries <= UINT16_MAX; tries++) {
        uint64_t hash = 0;
        uint16_t number = host->next_port;
        host->next_port = number == UINT16_MAX ? FIRST_PORT : (uint16_t)(number + 1);
        if (port_find(host, s->kind, number, &hash) == NULL)
            return number;
    }
    return 0;
}

static enum ln_status bind_to(struct ln__mem_sock *s, const struct ln_addr *local,
                              struct ln_diag *diag)
{
    uint16_t number = local->port != 0 ? local->port : ephemeral_port(s);
    struct ln__mem_port *port = NULL;
    if (number == 0)
        return ln__mem_fail(diag, LN_IO, LN_CAT_LOCAL_IO, "no free port");
    if (port_make(s, number, &port) != LN_OK)
        return ln__mem_fail(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "no memory");
    if (collides(s, port, local))
        return ln__mem_fail(diag, LN_IO, LN_CAT_LOCAL_IO, "address already in use");
    s->local = *local;
    s->local.port = number;
    s->bound = s->local;
    s->port = port;
    port->users++;
    s->next_open = port->open;
    port->open = s;
    return LN_OK;
}

enum ln_status ln__mem_sock_bind_any(struct ln__mem_sock *s, struct ln_diag *diag)
{
    const struct ln_addr any = { .family = (uint8_t)s->family };
    return s->port != NULL ? LN_OK : bind_to(s, &any, diag);
}

void ln__mem_sock_join_port(struct ln__mem_sock *s, struct ln__mem_port *port)
{
    s->port = port;
    port->users++;
    port->connected++;
}

enum ln_status ln__mem_sock_source(const struct ln__mem_sock *s, const struct ln_addr *peer,
                                   struct ln_addr *out)
{
    bool family = peer->family == s->family || (s->family == LN_IPV6 && !s->v6_only);
    if (!family)
        return LN_REFUSED;
    if (ln__mem_is_wildcard(&s->bound))
        return ln__mem_host_source(s->host, peer, out) ? LN_OK : LN_REFUSED;
    *out = s->bound;
    out->port = 0;
    return s->transparent || ln__mem_host_owns(s->host, out) ? LN_OK : LN_REFUSED;
}

/* ---- who gets a packet ---- */

static uint64_t hash_connected(const struct ln_testkit_host *host, uint16_t local_port,
                               const struct ln_addr *peer)
{
    uint64_t first = (uint64_t)host->number << 32 | (uint64_t)local_port << 16 | peer->port;
    return ln__mem_hash_ip(ln__mem_hash_mix(4, first), peer);
}

static void leave_peer(struct ln__mem_sock *s)
{
    if (s->peer.family == LN_FAMILY_ANY)
        return;
    if (s->kind == LN_NET_DATAGRAM)
        ln__mem_table_drop(&s->host->kit->connected, &s->node);
    s->port->connected--;
    s->next_open = s->port->open;
    s->port->open = s;
    s->peer = (struct ln_addr) { .family = LN_FAMILY_ANY };
}

enum ln_status ln__mem_sock_set_peer(struct ln__mem_sock *s, const struct ln_addr *local,
                                     const struct ln_addr *peer)
{
    struct ln_testkit *kit = s->host->kit;
    if (!ln__mem_table_reserve(kit, &kit->connected))
        return LN_NO_MEMORY;
    leave_peer(s);
    open_list_leave(s);
    uint16_t port = s->local.port;
    s->local = *local;
    s->local.port = port;
    s->peer = *peer;
    s->port->connected++;
    s->state = LN__MEM_RAW_CONNECTED;
    if (s->kind == LN_NET_DATAGRAM)
        ln__mem_table_put(&kit->connected, &s->node, hash_connected(s->host, port, peer));
    return LN_OK;
}

static struct ln__mem_sock *find_connected(struct ln_testkit_host *host,
                                           const struct ln_addr *local, const struct ln_addr *peer)
{
    uint64_t hash = hash_connected(host, local->port, peer);
    struct ln__mem_node *node = ln__mem_table_first(&host->kit->connected, hash);
    for (; node != NULL; node = ln__mem_table_next(node)) {
        struct ln__mem_sock *s = (struct ln__mem_sock *)node;
        if (s->host == host && ln_addr_equal(&s->local, local) && ln_addr_equal(&s->peer, peer))
            return s;
    }
    return NULL;
}

struct ln__mem_sock *ln__mem_sock_for(struct ln_testkit_host *host, enum ln_net_kind kind,
                                      const struct ln_addr *local, const struct ln_addr *peer)
{
    struct ln__mem_sock *best = kind == LN_NET_DATAGRAM ? find_connected(host, local, peer) : NULL;
    if (best != NULL)
        return best;
    uint64_t hash = 0;
    int best_closeness = 0;
    const struct ln__mem_port *port = port_find(host, kind, local->port, &hash);
    for (struct ln__mem_sock *s = port != NULL ? port->open : NULL; s != NULL; s = s->next_open) {
        int close = closeness(s, local);
        if (close > best_closeness) {
            best = s;
            best_closeness = close;
        }
    }
    return best;
}

/* ---- readiness ---- */

unsigned ln__mem_sock_ready(const struct ln__mem_sock *s, unsigned events)
{
    unsigned ready = 0;
    if (s == NULL || s->state == LN__MEM_RAW_GONE || s->error != LN_OK)
        return events; /* the call will tell */
    if (s->kind == LN_NET_DATAGRAM)
        ready = LN_WANT_WRITE | (s->rx_first != NULL || s->shut ? LN_WANT_READ : 0);
    else if (s->state == LN__MEM_RAW_LISTENING)
        ready = s->backlog_first != NULL ? LN_WANT_READ : 0;
    else
        ready = (ln__mem_stream_readable(s) ? LN_WANT_READ : 0) |
                (ln__mem_stream_writable(s) ? LN_WANT_WRITE : 0);
    return ready & events;
}

static bool any_ready(const struct ln_testkit *kit, const struct ln_interest *want)
{
    if (want->ready)
        return true;
    for (size_t i = 0; i < want->count; i++) {
        const struct ln_wait *wait = &want->wait[i];
        if (ln__mem_sock_ready(ln__mem_sock_of(kit, wait->handle), wait->events) != 0)
            return true;
    }
    return false;
}

/* ---- the operations ---- */

static struct ln__mem_sock *use(void *ctx, ln_handle h)
{
    const struct ln_testkit_host *host = ctx;
    struct ln__mem_sock *s = ln__mem_sock_of(host->kit, h);
    return s != NULL && s->host == host ? s : NULL;
}

static enum ln_status mem_open(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                               ln_handle *out)
{
    struct ln__mem_sock *s = NULL;
    if (how->interface_name != NULL && how->interface_name[0] != '\0' &&
        strcmp(how->interface_name, "mem0") != 0)
        return ln__mem_fail(diag, LN_NOT_FOUND, LN_CAT_CONFIGURATION, "no such interface");
    enum ln_family family = how->family != LN_FAMILY_ANY ? how->family : LN_IPV6;
    enum ln_status st = ln__mem_sock_new(ctx, how->kind, family, &s);
    if (st != LN_OK)
        return ln__mem_fail(diag, st, LN_CAT_OUT_OF_MEMORY, "no memory");
    s->v6_only = how->v6_only;
    s->reuse_addr = how->reuse_addr;
    s->transparent = how->transparent;
    s->dscp = how->dscp;
    *out = s->handle;
    return LN_OK;
}

static enum ln_status mem_bind(void *ctx, ln_handle h, enum ln_net_kind kind,
                               const struct ln_addr *local, struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s == NULL || s->state != LN__MEM_RAW_OPEN || s->port != NULL || s->kind != kind)
        return s != NULL && s->state == LN__MEM_RAW_GONE ? fail_gone(diag) : fail_state(diag);
    struct ln_addr wanted = local != NULL ? *local : (struct ln_addr) { .port = 0 };
    if (wanted.family == LN_FAMILY_ANY)
        wanted.family = (uint8_t)s->family;
    bool family = wanted.family == s->family || (s->family == LN_IPV6 && !s->v6_only);
    bool ours =
        ln__mem_is_wildcard(&wanted) || s->transparent || ln__mem_host_owns(s->host, &wanted);
    if (!family || !ours)
        return ln__mem_fail(diag, LN_IO, LN_CAT_LOCAL_IO, "cannot assign requested address");
    enum ln_status st = bind_to(s, &wanted, diag);
    if (st == LN_OK && kind == LN_NET_STREAM)
        s->state = LN__MEM_RAW_LISTENING;
    return st;
}

static enum ln_status mem_connect(void *ctx, ln_handle h, const struct ln_addr *peer,
                                  struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s != NULL && s->state == LN__MEM_RAW_GONE)
        return fail_gone(diag);
    if (s == NULL || (s->kind == LN_NET_STREAM && s->state != LN__MEM_RAW_OPEN))
        return fail_state(diag);
    return s->kind == LN_NET_DATAGRAM ? ln__mem_datagram_connect(s, peer, diag)
                                      : ln__mem_stream_connect(s, peer, diag);
}

static enum ln_status mem_finish(void *ctx, ln_handle h, struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s != NULL && s->state == LN__MEM_RAW_GONE)
        return fail_gone(diag);
    if (s != NULL && s->kind == LN_NET_DATAGRAM && s->state == LN__MEM_RAW_CONNECTED)
        return LN_OK;
    if (s == NULL || s->conn == NULL)
        return fail_state(diag);
    return ln__mem_stream_finish(s, diag);
}

static enum ln_status mem_accept(void *ctx, ln_handle h, ln_handle *out, struct ln_addr *peer,
                                 struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s != NULL && s->state == LN__MEM_RAW_GONE)
        return fail_gone(diag);
    if (s == NULL || s->state != LN__MEM_RAW_LISTENING)
        return fail_state(diag);
    return ln__mem_stream_accept(s, out, peer, diag);
}

static enum ln_status mem_send(void *ctx, ln_handle h, const struct ln_addr *to,
                               struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    *sent = 0;
    if (s != NULL && s->state == LN__MEM_RAW_GONE)
        return fail_gone(diag);
    if (s == NULL || (s->kind == LN_NET_STREAM && s->conn == NULL))
        return fail_state(diag);
    return s->kind == LN_NET_DATAGRAM ? ln__mem_datagram_send(s, to, data, sent, diag)
                                      : ln__mem_stream_send(s, data, sent, diag);
}

static enum ln_status mem_recv(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                               bool peek, struct ln_net_got *got, struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    *got = (struct ln_net_got) { .len = 0 };
    if (s != NULL && s->state == LN__MEM_RAW_GONE)
        return fail_gone(diag);
    if (s == NULL || kind != s->kind || (kind == LN_NET_STREAM && s->conn == NULL))
        return fail_state(diag);
    return kind == LN_NET_DATAGRAM ? ln__mem_datagram_recv(s, room, peek, got, diag)
                                   : ln__mem_stream_recv(s, room, peek, got, diag);
}

static enum ln_status mem_shutdown(void *ctx, ln_handle h, struct ln_diag *diag)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s == NULL || s->state == LN__MEM_RAW_GONE)
        return s != NULL ? fail_gone(diag) : fail_state(diag);
    s->shut = true;
    if (s->conn != NULL)
        ln__mem_stream_shutdown(s);
    return LN_OK;
}

void ln__mem_sock_gut(struct ln__mem_sock *s)
{
    ln__mem_datagram_flush(s);
    if (s->kind == LN_NET_STREAM)
        ln__mem_stream_close(s, true);
    if (s->kind == LN_NET_DATAGRAM && s->peer.family != LN_FAMILY_ANY)
        ln__mem_table_drop(&s->host->kit->connected, &s->node);
    port_leave(s);
    s->peer = (struct ln_addr) { .family = LN_FAMILY_ANY };
    s->state = LN__MEM_RAW_GONE;
}

static void mem_close(void *ctx, ln_handle h)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s == NULL)
        return;
    struct ln_testkit_host *host = s->host;
    if (s->kind == LN_NET_STREAM)
        ln__mem_stream_close(s, false);
    ln__mem_sock_gut(s);
    if (s->next_of_host != NULL)
        s->next_of_host->previous_of_host = s->previous_of_host;
    if (s->previous_of_host != NULL)
        s->previous_of_host->next_of_host = s->next_of_host;
    else
        host->socks = s->next_of_host;
    host->open_handles--;
    slot_give(host->kit, h);
    ln__mem_free(host->kit, s);
}

static enum ln_status mem_names(void *ctx, ln_handle h, struct ln_addr *local, struct ln_addr *peer)
{
    const struct ln__mem_sock *s = use(ctx, h);
    if (s == NULL || (local != NULL && s->port == NULL) ||
        (peer != NULL && s->peer.family == LN_FAMILY_ANY))
        return LN_BAD_STATE;
    if (local != NULL)
        *local = s->local;
    if (peer != NULL)
        *peer = s->peer;
    return LN_OK;
}

static enum ln_status mem_mtu(void *ctx, ln_handle h, size_t *mtu)
{
    struct ln__mem_sock *s = use(ctx, h);
    if (s == NULL || s->peer.family == LN_FAMILY_ANY)
        return LN_BAD_STATE;
    struct ln_testkit *kit = s->host->kit;
    struct ln__mem_way way = ln__mem_way_to(kit, s->host, &s->peer, s->kind);
    const struct ln__mem_link *link = ln__mem_link_between(kit, s->host, way.host);
    if (link == NULL)
        return LN_NO_MEMORY;
    const struct ln_testkit_link *set = ln__mem_link_settings(kit, link);
    *mtu = set->reported_mtu != 0 ? set->reported_mtu : set->mtu;
    return *mtu != 0 ? LN_OK : LN_UNSUPPORTED;
}

static enum ln_status tell_livelock(struct ln_testkit *kit, const char *who)
{
    ln__mem_text(kit, "livelock: %s, again and again, while no time passes", who);
    return LN_INTERNAL;
}

/* Somebody who waits for what is ready and does not use it would wait like this for ever. */
static bool stands_still(struct ln_testkit *kit)
{
    kit->stalled_waits = kit->now_us == kit->last_wait_us ? kit->stalled_waits + 1 : 0;
    kit->last_wait_us = kit->now_us;
    return kit->stalled_waits > MAX_STALLED_ROUNDS;
}

static enum ln_status mem_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    struct ln_testkit *kit = ((struct ln_testkit_host *)ctx)->kit;
    int64_t end = ln__mem_us(want->deadline < until ? want->deadline : until);
    int64_t stalled_at = -1;
    unsigned rounds = 0;
    if (stands_still(kit))
        return tell_livelock(kit, "a socket is ready and nobody uses it");
    while (!any_ready(kit, want)) {
        int64_t next = ln__mem_next_us(kit, end);
        if (next == INT64_MAX) {
            ln__mem_text(kit, "waiting for ever: nothing is under way");
            return LN_IO;
        }
        ln__mem_serve(kit, ln__mem_reach(kit, next));
        if (kit->now_us >= end && ln__mem_next_us(kit, INT64_MAX) > kit->now_us)
            return LN_OK;
        rounds = kit->now_us == stalled_at ? rounds + 1 : 0;
        stalled_at = kit->now_us;
        if (rounds > MAX_STALLED_ROUNDS)
            return tell_livelock(kit, "something happens");
    }
    return LN_OK;
}

const struct ln_net_ops ln__mem_net_ops = {
    .name = "mem",
    .open = mem_open,
    .bind = mem_bind,
    .connect = mem_connect,
    .finish = mem_finish,
    .accept = mem_accept,
    .send = mem_send,
    .recv = mem_recv,
    .shutdown = mem_shutdown,
    .close = mem_close,
    .names = mem_names,
    .mtu = mem_mtu,
    .wait = mem_wait,
};
