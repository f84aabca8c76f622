/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file datagram.c
 * Datagrams: sending, the way through a link, delivery, refusal.
 *
 * A packet is one block. It is owned by its sender until it is launched, then by the heap of
 * events, then by the receive queue of a socket. Whatever happens to it is counted and noted.
 */
#include "net/mem/mem.h"

enum {
    DATAGRAM_MAX = 65507,
    RX_BYTES_MAX = 212992, /* net.core.rmem_default of Linux */
    RX_OVERHEAD = 256,     /* an empty datagram takes room too */
    TAP_SLACK = 256,       /* by this much a tap may lengthen a datagram */
};

static struct ln__mem_packet *packet_of(struct ln__mem_event *event)
{
    return (struct ln__mem_packet *)event;
}

/* ---- what became of a packet ---- */

static void note(struct ln_testkit *kit, enum ln_testkit_happened what,
                 const struct ln__mem_packet *p)
{
    ln__mem_note(kit, what, LN_NET_DATAGRAM, &p->from, &p->to, p->len);
}

static void capture(struct ln_testkit *kit, const struct ln__mem_packet *p,
                    enum ln_testkit_happened fate)
{
    const struct ln__mem_frame frame = { .kind = LN_NET_DATAGRAM,
                                         .from = &p->from,
                                         .to = &p->to,
                                         .dscp = p->dscp,
                                         .data = ln_span(p->data, p->len),
                                         .fate = fate };
    if (kit->capture != NULL)
        ln__mem_capture_frame(kit, &frame);
}

/* The end of a packet that does not arrive. Takes it. */
static void end_packet(struct ln_testkit *kit, struct ln__mem_packet *p,
                       enum ln_testkit_happened what)
{
    ln__mem_link_count(p->link, what);
    note(kit, what, p);
    ln__mem_free(kit, p);
}

/* ---- refusals: what ICMP does ---- */

struct refusal {
    struct ln__mem_event event;
    struct ln_testkit_host *host;
    struct ln_addr local;
    struct ln_addr peer;
    enum ln_category category;
};

static void refusal_drop(struct ln_testkit *kit, struct ln__mem_event *event)
{
    ln__mem_free(kit, event);
}

static void refusal_fire(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct refusal *r = (struct refusal *)event;
    struct ln__mem_sock *s =
        r->host->dead ? NULL : ln__mem_sock_for(r->host, LN_NET_DATAGRAM, &r->local, &r->peer);
    if (s != NULL && ln_addr_equal(&s->peer, &r->peer)) { /* only connected sockets are told */
        s->error = LN_REFUSED;
        s->error_category = r->category;
    }
    ln__mem_free(kit, r);
}

/* Tell the sender of `p`, over the way back from `by` (NULL: a router). It may get lost. */
static void refuse(struct ln_testkit *kit, const struct ln__mem_packet *p,
                   struct ln_testkit_host *by, enum ln_category category)
{
    if (p->sender == NULL)
        return;
    struct ln__mem_link *back = ln__mem_link_between(kit, by, p->sender);
    struct refusal *r = ln__mem_alloc(kit, sizeof *r);
    if (back == NULL || r == NULL) {
        ln__mem_free(kit, r);
        return;
    }
    *r = (struct refusal) { .event = { .fire = refusal_fire, .drop = refusal_drop },
                            .host = p->sender,
                            .local = p->inner,
                            .peer = p->to,
                            .category = category };
    size_t bytes = 2 * ln__mem_header_bytes(&p->to, LN_NET_DATAGRAM);
    struct ln__mem_fate fate = ln__mem_link_cast(kit, back, bytes, 0);
    bool lost = fate.lost || fate.overflowed || ln__mem_link_settings(kit, back)->down;
    if (lost || ln__mem_queue_put(kit, &r->event, fate.at_us) != LN_OK)
        ln__mem_free(kit, r);
}

/* ---- arrival ---- */

static void receive(struct ln_testkit *kit, struct ln__mem_sock *s, struct ln__mem_packet *p)
{
    if (s->shut || s->rx_bytes + p->len + RX_OVERHEAD > RX_BYTES_MAX) {
        end_packet(kit, p, LN_TESTKIT_OVERFLOWED);
        return;
    }
    if (p->link != NULL) {
        p->link->counters.delivered++;
        p->link->counters.delivered_bytes += p->len;
    }
    note(kit, LN_TESTKIT_DELIVERED, p);
    p->next = NULL;
    if (s->rx_last != NULL)
        s->rx_last->next = p;
    else
        s->rx_first = p;
    s->rx_last = p;
    s->rx_bytes += p->len + RX_OVERHEAD;
}

static void packet_drop(struct ln_testkit *kit, struct ln__mem_event *event)
{
    ln__mem_free(kit, event);
}

static void packet_arrive(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct ln__mem_packet *p = packet_of(event);
    struct ln__mem_way way = ln__mem_way_to(kit, p->sender, &p->to, LN_NET_DATAGRAM);
    if (way.route == LN_TESTKIT_ROUTE_UNREACHABLE) {
        refuse(kit, p, NULL, LN_CAT_UNREACHABLE);
        end_packet(kit, p, LN_TESTKIT_REFUSED);
        return;
    }
    if (way.route != LN_TESTKIT_ROUTE_NORMAL || way.host->dead) {
        end_packet(kit, p, LN_TESTKIT_SWALLOWED);
        return;
    }
    struct ln__mem_sock *s = ln__mem_sock_for(way.host, LN_NET_DATAGRAM, &way.inner, &p->from);
    if (s != NULL) {
        receive(kit, s, p);
    } else if (way.host->closed_ports == LN_TESTKIT_CLOSED_SILENT) {
        end_packet(kit, p, LN_TESTKIT_SWALLOWED);
    } else {
        refuse(kit, p, way.host, LN_CAT_PEER_REFUSED);
        end_packet(kit, p, LN_TESTKIT_REFUSED);
    }
}

/* ---- departure ---- */

static struct ln__mem_packet *packet_new(struct ln_testkit *kit, struct ln_span data, size_t slack)
{
    size_t room = data.len + slack;
    struct ln__mem_packet *p = ln__mem_alloc(kit, sizeof *p + room);
    if (p == NULL)
        return NULL;
    *p = (struct ln__mem_packet) { .event = { .fire = packet_arrive, .drop = packet_drop },
                                   .len = data.len,
                                   .room = room };
    if (data.len > 0)
        memcpy(p->data, data.data, data.len);
    return p;
}

/* Show it to the tap. False: it wants it dropped. */
static bool pass_tap(struct ln_testkit *kit, struct ln__mem_packet *p,
                     struct ln_testkit_host *to_host, uint32_t *delay_ms)
{
    struct ln_testkit_packet view = { .kind = LN_NET_DATAGRAM,
                                      .from_host = p->sender,
                                      .to_host = to_host,
                                      .from = p->from,
                                      .to = p->to,
                                      .dscp = p->dscp,
                                      .data = p->data,
                                      .len = p->len,
                                      .room = p->room };
    if (kit->tap == NULL)
        return true;
    kit->tap(kit->tap_user, &view);
    p->len = view.len <= p->room ? view.len : p->room;
    *delay_ms = view.delay_ms;
    return !view.drop;
}

static void launch_copy(struct ln_testkit *kit, const struct ln__mem_packet *p, int64_t at_us)
{
    struct ln__mem_packet *copy = packet_new(kit, ln_span(p->data, p->len), 0);
    if (copy == NULL)
        return;
    copy->from = p->from;
    copy->to = p->to;
    copy->inner = p->inner;
    copy->sender = p->sender;
    copy->link = p->link;
    copy->dscp = p->dscp;
    p->link->counters.duplicated++;
    note(kit, LN_TESTKIT_DUPLICATED, copy);
    if (ln__mem_queue_put(kit, &copy->event, at_us) != LN_OK)
        end_packet(kit, copy, LN_TESTKIT_OVERFLOWED);
}

/* The end of a packet that does not even get onto the road. Takes it. */
static void end_departure(struct ln_testkit *kit, struct ln__mem_packet *p,
                          enum ln_testkit_happened what)
{
    capture(kit, p, what);
    end_packet(kit, p, what);
}

/* Let the dice decide. Takes the packet. */
static void launch(struct ln_testkit *kit, struct ln__mem_packet *p, uint32_t delay_ms)
{
    size_t bytes = p->len + ln__mem_header_bytes(&p->to, LN_NET_DATAGRAM);
    struct ln__mem_fate fate = ln__mem_link_cast(kit, p->link, bytes, delay_ms);
    if (fate.overflowed) {
        end_departure(kit, p, LN_TESTKIT_OVERFLOWED);
        return;
    }
    if (fate.duplicated)
        launch_copy(kit, p, fate.copy_at_us);
    if (fate.lost) {
        end_departure(kit, p, LN_TESTKIT_LOST);
        return;
    }
    capture(kit, p, LN_TESTKIT_SENT);
    if (fate.reordered) {
        p->link->counters.reordered++;
        note(kit, LN_TESTKIT_REORDERED, p);
    }
    if (ln__mem_queue_put(kit, &p->event, fate.at_us) != LN_OK)
        end_packet(kit, p, LN_TESTKIT_OVERFLOWED);
}

/* A complete packet leaves its host. Takes it. */
static void depart(struct ln_testkit *kit, struct ln__mem_packet *p, const struct ln__mem_way *way)
{
    size_t mtu = ln__mem_link_settings(kit, p->link)->mtu;
    size_t bytes = p->len + ln__mem_header_bytes(&p->to, LN_NET_DATAGRAM);
    uint32_t delay_ms = 0;
    note(kit, LN_TESTKIT_SENT, p);
    if (mtu != 0 && bytes > mtu)
        end_departure(kit, p, LN_TESTKIT_TOO_BIG);
    else if (!pass_tap(kit, p, way->host, &delay_ms))
        end_departure(kit, p, LN_TESTKIT_TAPPED);
    else if (p->sender->dead || ln__mem_link_settings(kit, p->link)->down ||
             way->route == LN_TESTKIT_ROUTE_SILENT)
        end_departure(kit, p, LN_TESTKIT_SWALLOWED);
    else
        launch(kit, p, delay_ms);
}

static enum ln_status unreachable(struct ln_diag *diag)
{
    return ln__mem_fail(diag, LN_REFUSED, LN_CAT_UNREACHABLE,
                        ln__mem_error_text(LN_CAT_UNREACHABLE));
}

static enum ln_status no_memory(struct ln_diag *diag)
{
    return ln__mem_fail(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "no memory");
}

/* Where it goes and whether it may leave: everything that fails in the call itself. */
static enum ln_status check_way(struct ln__mem_sock *s, const struct ln_addr *to, size_t len,
                                struct ln__mem_way *way, struct ln__mem_link **link,
                                struct ln_diag *diag)
{
    struct ln_testkit *kit = s->host->kit;
    *way = ln__mem_way_to(kit, s->host, to, LN_NET_DATAGRAM);
    *link = ln__mem_link_between(kit, s->host, way->host);
    if (*link == NULL)
        return no_memory(diag);
    struct ln_testkit_counters *counters = &(*link)->counters;
    if (way->route == LN_TESTKIT_ROUTE_NONE) {
        counters->refused++;
        return unreachable(diag);
    }
    const struct ln_testkit_link *set = ln__mem_link_settings(kit, *link);
    size_t bytes = len + ln__mem_header_bytes(to, LN_NET_DATAGRAM);
    if (len > counters->largest)
        counters->largest = len;
    if (len > DATAGRAM_MAX || (set->refuse_too_big && set->mtu != 0 && bytes > set->mtu)) {
        counters->too_big++;
        return ln__mem_fail(diag, LN_NO_SPACE, LN_CAT_LOCAL_IO, "message too long");
    }
    return LN_OK;
}

static enum ln_status take_error(struct ln__mem_sock *s, struct ln_diag *diag)
{
    enum ln_status st = s->error;
    s->error = LN_OK;
    return ln__mem_fail(diag, st, s->error_category, ln__mem_error_text(s->error_category));
}

enum ln_status ln__mem_datagram_send(struct ln__mem_sock *s, const struct ln_addr *to,
                                     struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    struct ln_testkit *kit = s->host->kit;
    struct ln__mem_way way;
    struct ln__mem_link *link = NULL;
    struct ln_addr inner, outside;
    if (s->error != LN_OK)
        return take_error(s, diag);
    to = to != NULL ? to : &s->peer;
    if (to->family == LN_FAMILY_ANY || s->shut)
        return ln__mem_fail(diag, LN_BAD_STATE, LN_CAT_INTERNAL_FAULT, "not connected");
    enum ln_status st = ln__mem_sock_bind_any(s, diag);
    if (st != LN_OK)
        return st;
    if (ln__mem_sock_source(s, to, &inner) != LN_OK)
        return unreachable(diag);
    if (s->peer.family != LN_FAMILY_ANY && !s->transparent &&
        !ln__mem_host_owns(s->host, &s->local))
        return unreachable(diag); /* its address left the host after it connected */
    st = check_way(s, to, data.len, &way, &link, diag);
    if (st != LN_OK)
        return st;
    if (s->peer.family != LN_FAMILY_ANY)
        inner = s->local;
    inner.port = s->local.port;
    if (ln__mem_nat_outside(s->host, LN_NET_DATAGRAM, &inner, to, &outside) != LN_OK)
        return no_memory(diag);
    struct ln__mem_packet *p = packet_new(kit, data, kit->tap != NULL ? TAP_SLACK : 0);
    if (p == NULL)
        return no_memory(diag);
    p->from = outside;
    p->to = *to;
    p->inner = inner;
    p->sender = s->host;
    p->link = link;
    p->dscp = s->dscp;
    link->counters.packets++;
    link->counters.bytes += data.len;
    depart(kit, p, &way);
    *sent = data.len;
    return LN_OK;
}

enum ln_status ln_testkit_inject(struct ln_testkit *kit, const struct ln_addr *from,
                                 const struct ln_addr *to, struct ln_span data, uint32_t delay_ms)
{
    struct ln__mem_packet *p = packet_new(kit, data, 0);
    struct ln__mem_way way = ln__mem_way_to(kit, NULL, to, LN_NET_DATAGRAM);
    struct ln__mem_link *link = ln__mem_link_between(kit, NULL, way.host);
    enum ln_status st = p != NULL && link != NULL ? LN_OK : LN_NO_MEMORY;
    if (st == LN_OK) {
        p->from = *from;
        p->to = *to;
        st = ln__mem_queue_put(kit, &p->event, kit->now_us + (int64_t)delay_ms * 1000);
    }
    if (st != LN_OK) {
        ln__mem_free(kit, p);
        return st;
    }
    link->counters.injected++;
    note(kit, LN_TESTKIT_INJECTED, p);
    capture(kit, p, LN_TESTKIT_INJECTED);
    return LN_OK;
}

void ln_testkit_tap(struct ln_testkit *kit,
                    void (*tap)(void *user, struct ln_testkit_packet *packet), void *user)
{
    kit->tap = tap;
    kit->tap_user = user;
}

/* ---- receiving and connecting ---- */

enum ln_status ln__mem_datagram_recv(struct ln__mem_sock *s, struct ln_mspan room, bool peek,
                                     struct ln_net_got *got, struct ln_diag *diag)
{
    struct ln__mem_packet *p = s->rx_first;
    if (s->error != LN_OK)
        return take_error(s, diag);
    if (p == NULL && s->shut)
        return ln__mem_fail(diag, LN_CLOSED, LN_CAT_NONE, "the socket was shut down");
    if (p == NULL)
        return LN_AGAIN;
    got->len = p->len < room.len ? p->len : room.len;
    got->full = p->len;
    got->from = p->from;
    if (got->len > 0)
        memcpy(room.data, p->data, got->len);
    if (peek)
        return LN_OK;
    s->rx_first = p->next;
    if (s->rx_first == NULL)
        s->rx_last = NULL;
    s->rx_bytes -= p->len + RX_OVERHEAD;
    ln__mem_free(s->host->kit, p);
    return LN_OK;
}

void ln__mem_datagram_flush(struct ln__mem_sock *s)
{
    while (s->rx_first != NULL) {
        struct ln__mem_packet *p = s->rx_first;
        s->rx_first = p->next;
        ln__mem_free(s->host->kit, p);
    }
    s->rx_last = NULL;
    s->rx_bytes = 0;
}

enum ln_status ln__mem_datagram_connect(struct ln__mem_sock *s, const struct ln_addr *peer,
                                        struct ln_diag *diag)
{
    struct ln_addr local;
    struct ln__mem_way way = ln__mem_way_to(s->host->kit, s->host, peer, LN_NET_DATAGRAM);
    if (ln__mem_sock_source(s, peer, &local) != LN_OK || way.route == LN_TESTKIT_ROUTE_NONE)
        return unreachable(diag);
    enum ln_status st = ln__mem_sock_bind_any(s, diag);
    if (st != LN_OK)
        return st;
    s->error = LN_OK;
    return ln__mem_sock_set_peer(s, &local, peer) == LN_OK ? LN_OK : no_memory(diag);
}
