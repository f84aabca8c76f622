/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stream.c
 * Streams: connections of two ends, and segments that arrive in any order but are read in theirs.
 *
 * A segment is one block. It stands in the list of the end that it goes to, from the moment it is
 * sent until it is read, and at times in the heap of events too: on its way, or waiting to be sent
 * again. Whether a segment was lost is known at once; there are no acknowledgements but the window
 * that opens when the reader has read.
 *
 * A connection lives while something refers to it: a socket, a backlog, an event.
 */
#include "net/mem/conn.h"

enum {
    BACKLOG_MAX = 128,
    DEFAULT_MSS = 1460,
    LONGEST_RTO_MS = 60000,
    SYN_RTO_MS = 1000, /* RFC 6298 2.1; tries as Linux, tcp_syn_retries */
    SYN_TRIES = 7,
    DATA_RTO_MS = 200, /* Linux, TCP_RTO_MIN; tries as tcp_retries2 */
    DATA_TRIES = 16,
};

/* ---- life ---- */

static void unref(struct ln__mem_conn *conn)
{
    if (--conn->refs > 0)
        return;
    ln__mem_conn_drop_incoming(&conn->ends[0]);
    ln__mem_conn_drop_incoming(&conn->ends[1]);
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        conn->kit->all_conns = conn->next;
    ln__mem_free(conn->kit, conn);
}

static struct ln__mem_conn *conn_new(struct ln_testkit *kit)
{
    struct ln__mem_conn *conn = ln__mem_alloc(kit, sizeof *conn);
    if (conn == NULL)
        return NULL;
    *conn = (struct ln__mem_conn) { .kit = kit, .refs = 1, .next = kit->all_conns };
    if (kit->all_conns != NULL)
        kit->all_conns->previous = conn;
    kit->all_conns = conn;
    for (int side = 0; side < 2; side++) {
        conn->ends[side].conn = conn;
        conn->ends[side].side = side;
        conn->ends[side].seq = (uint32_t)ln__mem_hash_mix(kit->order + (uint64_t)side, 5);
    }
    return conn;
}

static void fail_end(struct ln__mem_end *end, enum ln_status status, enum ln_category category)
{
    end->dead = true;
    if (end->error == LN_OK) {
        end->error = status;
        end->error_category = category;
    }
}

/* ---- events of a connection ---- */

static void segment_arrive(struct ln_testkit *kit, struct ln__mem_event *event);
static void segment_retry(struct ln_testkit *kit, struct ln__mem_event *event);

static void segment_leave_heap(struct ln__mem_segment *segment)
{
    struct ln__mem_conn *conn = segment->conn;
    segment->in_heap = false;
    if (!segment->in_list)
        ln__mem_free(conn->kit, segment);
    unref(conn);
}

static void segment_drop(struct ln_testkit *kit, struct ln__mem_event *event)
{
    (void)kit;
    segment_leave_heap((struct ln__mem_segment *)event);
}

static void schedule(struct ln__mem_segment *segment,
                     void (*fire)(struct ln_testkit *kit, struct ln__mem_event *event),
                     int64_t at_us)
{
    segment->event.fire = fire;
    segment->event.drop = segment_drop;
    if (ln__mem_queue_put(segment->conn->kit, &segment->event, at_us) == LN_OK) {
        segment->in_heap = true;
        segment->conn->refs++;
        return;
    }
    /* flight_max or no memory: this connection has lost a segment for good */
    fail_end(&segment->conn->ends[1 - segment->to], LN_TIMEOUT, LN_CAT_NO_ANSWER);
    if (!segment->in_list)
        ln__mem_free(segment->conn->kit, segment);
}

/* What an end learns without a segment: a reset, an unreachable host, a window that opened. */
struct word {
    struct ln__mem_event event;
    struct ln__mem_end *end;
    enum ln_status status; /* LN_OK: the window */
    enum ln_category category;
    size_t credit;
};

static void word_drop(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct ln__mem_conn *conn = ((struct word *)event)->end->conn;
    ln__mem_free(kit, event);
    unref(conn);
}

static void word_fire(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct word *word = (struct word *)event;
    struct ln__mem_end *end = word->end;
    if (word->status == LN_OK)
        end->unread_by_peer -= word->credit;
    else if (!end->dead && !end->host->dead)
        fail_end(end, word->status, word->category);
    word_drop(kit, event);
}

/* The delay from one end to the other, or back from a router; -1: it does not get there. */
static int64_t carry(struct ln__mem_end *to, struct ln_testkit_host *from, bool may_fail)
{
    struct ln_testkit *kit = to->conn->kit;
    struct ln__mem_link *link = ln__mem_link_between(kit, from, to->host);
    if (link == NULL)
        return may_fail ? -1 : kit->now_us;
    size_t bytes = ln__mem_header_bytes(&to->local, LN_NET_STREAM);
    struct ln__mem_fate fate = ln__mem_link_cast(kit, link, bytes, 0);
    bool lost = fate.lost || fate.overflowed || ln__mem_link_settings(kit, link)->down ||
                (from != NULL && from->dead);
    return lost && may_fail ? -1 : fate.at_us;
}

/* False: it got lost, or there was no memory for it. */
static bool tell(struct ln__mem_end *end, struct word what, int64_t at_us)
{
    struct ln_testkit *kit = end->conn->kit;
    struct word *word = at_us >= 0 ? ln__mem_alloc(kit, sizeof *word) : NULL;
    if (word == NULL)
        return false;
    *word = what;
    word->event = (struct ln__mem_event) { .fire = word_fire, .drop = word_drop };
    word->end = end;
    if (ln__mem_queue_put(kit, &word->event, at_us) != LN_OK) {
        ln__mem_free(kit, word);
        return false;
    }
    end->conn->refs++;
    return true;
}

static void send_reset(struct ln__mem_end *to, struct ln_testkit_host *from)
{
    struct ln__mem_conn *conn = to->conn;
    enum ln_category category = to->established ? LN_CAT_RESET : LN_CAT_PEER_REFUSED;
    const struct word reset = { .status = LN_REFUSED, .category = category };
    ln__mem_note(conn->kit, LN_TESTKIT_RESET, LN_NET_STREAM, &conn->wire[1 - to->side],
                 &conn->wire[to->side], 0);
    ln__mem_conn_capture(&conn->ends[1 - to->side], LN__MEM_TCP_RST | LN__MEM_TCP_ACK, NULL, NULL);
    (void)tell(to, reset,
               carry(to, from, true)); /* a lost reset is met again by the next segment */
}

/* ---- segments on their way ---- */

static bool nat_broken(struct ln__mem_conn *conn)
{
    struct ln__mem_end *client = &conn->ends[0];
    if (client->host->nat != conn->nat)
        return true;
    if (conn->nat == NULL || !conn->translated)
        return false;
    const struct ln_addr *wire = &conn->wire[0];
    const struct ln__mem_mapping *mapping =
        ln__mem_nat_inside(conn->nat, LN_NET_STREAM, wire->port);
    return mapping == NULL || mapping->host != client->host ||
           !ln_addr_equal(&mapping->inside, &client->local) ||
           !ln__mem_same_ip(&conn->nat->address->addr, wire);
}

/* Whether a segment cannot even leave, whatever the dice say. */
static bool is_blocked(struct ln__mem_segment *segment, const struct ln__mem_link *link)
{
    struct ln__mem_conn *conn = segment->conn;
    const struct ln__mem_end *from = &conn->ends[1 - segment->to];
    if (from->host->dead || ln__mem_link_settings(conn->kit, link)->down ||
        !ln__mem_host_owns(from->host, &from->local))
        return true;
    if (segment->flags & LN__MEM_TCP_SYN && segment->to == 1) {
        struct ln__mem_way way =
            ln__mem_way_to(conn->kit, from->host, &conn->wire[1], LN_NET_STREAM);
        return way.route != LN_TESTKIT_ROUTE_NORMAL && way.route != LN_TESTKIT_ROUTE_UNREACHABLE;
    }
    return nat_broken(conn) ||
           !ln__mem_host_owns(conn->ends[segment->to].host, &conn->ends[segment->to].local);
}

static void wait_for_retry(struct ln__mem_segment *segment)
{
    bool syn = (segment->flags & LN__MEM_TCP_SYN) != 0;
    int64_t rto_ms = (int64_t)(syn ? SYN_RTO_MS : DATA_RTO_MS) << segment->tries;
    if (!syn && rto_ms > LONGEST_RTO_MS)
        rto_ms = LONGEST_RTO_MS;
    segment->tries++;
    schedule(segment, segment_retry, segment->conn->kit->now_us + rto_ms * 1000);
}

static bool pass_tap(struct ln__mem_segment *segment, uint32_t *delay_ms)
{
    struct ln__mem_conn *conn = segment->conn;
    struct ln_testkit *kit = conn->kit;
    struct ln_testkit_packet view = { .kind = LN_NET_STREAM,
                                      .from_host = conn->ends[1 - segment->to].host,
                                      .to_host = conn->ends[segment->to].host,
                                      .from = conn->wire[1 - segment->to],
                                      .to = conn->wire[segment->to],
                                      .dscp = conn->dscp,
                                      .data = segment->data,
                                      .len = segment->len,
                                      .room = segment->len };
    if (kit->tap == NULL || segment->len == 0)
        return true;
    kit->tap(kit->tap_user, &view);
    *delay_ms = view.delay_ms;
    return !view.drop;
}

/* Why an attempt fails; NULL: it does not, and the segment arrives at *at_us. */
static const char *attempt(struct ln__mem_segment *segment, struct ln__mem_link *link,
                           int64_t *at_us)
{
    struct ln__mem_conn *conn = segment->conn;
    struct ln_testkit_counters *counters = &link->counters;
    uint32_t delay_ms = 0;
    if (!pass_tap(segment, &delay_ms)) {
        counters->dropped_by_tap++;
        return "dropped by the tap";
    }
    size_t bytes = segment->len + ln__mem_header_bytes(&conn->wire[1], LN_NET_STREAM);
    bool blocked = is_blocked(segment, link);
    struct ln__mem_fate fate = ln__mem_link_cast(conn->kit, link, bytes, delay_ms);
    *at_us = fate.at_us;
    if (blocked) {
        counters->swallowed++;
        return "swallowed";
    }
    if (fate.overflowed) {
        counters->overflowed++;
        return "no room";
    }
    counters->lost += fate.lost;
    return fate.lost ? "lost" : NULL;
}

/* Send it, or send it again. The segment stands in its list already (a SYN in none). */
static void transmit(struct ln__mem_segment *segment)
{
    struct ln__mem_conn *conn = segment->conn;
    struct ln__mem_end *from = &conn->ends[1 - segment->to];
    struct ln__mem_link *link =
        ln__mem_link_between(conn->kit, from->host, conn->ends[segment->to].host);
    int64_t at_us = 0;
    if (link == NULL) {
        wait_for_retry(segment);
        return;
    }
    if (from->side == 0 && from->established && nat_broken(conn)) {
        send_reset(from, conn->ends[1].host); /* the server does not know that port */
        wait_for_retry(segment);
        return;
    }
    if (from->side == 0 && conn->translated) {
        struct ln_addr ignored; /* refreshes the mapping */
        (void)ln__mem_nat_outside(from->host, LN_NET_STREAM, &from->local, &conn->wire[1],
                                  &ignored);
    }
    link->counters.packets++;
    link->counters.bytes += segment->len;
    link->counters.resent += segment->tries > 0;
    ln__mem_note(conn->kit, segment->tries > 0 ? LN_TESTKIT_RESENT : LN_TESTKIT_SENT, LN_NET_STREAM,
                 &conn->wire[from->side], &conn->wire[segment->to], segment->len);
    segment->in_heap = true; /* the tap may restart a host: neither may go away under us */
    conn->refs++;
    const char *failure = attempt(segment, link, &at_us);
    ln__mem_conn_capture(from, 0, segment, failure);
    segment->in_heap = false;
    if (failure != NULL)
        wait_for_retry(segment);
    else
        schedule(segment, segment_arrive, at_us);
    unref(conn);
}

static void segment_retry(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct ln__mem_segment *segment = (struct ln__mem_segment *)event;
    struct ln__mem_end *from = &segment->conn->ends[1 - segment->to];
    bool syn = (segment->flags & LN__MEM_TCP_SYN) != 0;
    segment->in_heap = false;
    if (!from->dead && segment->tries >= (syn ? SYN_TRIES : DATA_TRIES)) {
        ln__mem_note(kit, LN_TESTKIT_TIMED_OUT, LN_NET_STREAM, &segment->conn->wire[from->side],
                     &segment->conn->wire[segment->to], 0);
        fail_end(from, LN_TIMEOUT, LN_CAT_NO_ANSWER);
    }
    /* One whose reader has gone is sent all the same: the answer is a reset. */
    if (!from->dead && !(segment->to_listener && from->gone))
        transmit(segment); /* takes a reference of its own */
    else if (!segment->in_list)
        ln__mem_free(kit, segment);
    unref(from->conn);
}

/* Segments up to the first that is missing have arrived in order: act on what they say. */
static void absorb(struct ln__mem_end *end)
{
    while (end->expected != NULL && end->expected->arrived) {
        struct ln__mem_segment *segment = end->expected;
        bool counts = (segment->flags & (LN__MEM_TCP_SYN | LN__MEM_TCP_FIN)) != 0;
        end->received_seq = segment->seq + (uint32_t)segment->len + counts;
        if (segment->flags & LN__MEM_TCP_SYN) {
            end->established = true;
            ln__mem_conn_capture(end, LN__MEM_TCP_ACK, NULL, NULL);
        }
        end->expected = segment->next;
    }
    ln__mem_conn_skip_empty(end);
}

static void join_backlog(struct ln__mem_segment *syn);

static void segment_arrive(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct ln__mem_segment *segment = (struct ln__mem_segment *)event;
    struct ln__mem_conn *conn = segment->conn;
    struct ln__mem_end *to = &conn->ends[segment->to];
    segment->in_heap = false;
    if (segment->to_listener) {
        join_backlog(segment);
    } else if (to->host->dead && segment->in_list) {
        wait_for_retry(segment);
    } else if (to->gone || to->dead) {
        bool news = !(segment->flags & LN__MEM_TCP_FIN) || to->dead;
        if (!segment->in_list)
            ln__mem_free(kit, segment);
        if (news && !conn->ends[1 - to->side].gone)
            send_reset(&conn->ends[1 - to->side], to->host);
    } else {
        struct ln__mem_link *link =
            ln__mem_link_between(kit, conn->ends[1 - to->side].host, to->host);
        segment->arrived = true;
        if (link != NULL) {
            link->counters.delivered++;
            link->counters.delivered_bytes += segment->len;
        }
        ln__mem_note(kit,
                     segment->flags & LN__MEM_TCP_FIN ? LN_TESTKIT_FINISHED : LN_TESTKIT_DELIVERED,
                     LN_NET_STREAM, &conn->wire[1 - to->side], &conn->wire[to->side], segment->len);
        absorb(to);
    }
    unref(conn);
}

/* Put bytes or a flag onto the way to the other end. */
static enum ln_status put(struct ln__mem_end *from, uint8_t flags, struct ln_span data)
{
    struct ln__mem_conn *conn = from->conn;
    struct ln__mem_segment *segment = ln__mem_segment_new(conn, 1 - from->side, flags, data);
    if (segment == NULL || ln__mem_queue_reserve(conn->kit, 1) != LN_OK) {
        ln__mem_free(conn->kit, segment);
        return LN_NO_MEMORY;
    }
    ln__mem_conn_append(&conn->ends[1 - from->side], segment);
    transmit(segment);
    return LN_OK;
}

/* ---- connecting ---- */

static struct ln__mem_sock *listener_for(struct ln__mem_conn *conn, struct ln__mem_way *way)
{
    *way = ln__mem_way_to(conn->kit, conn->ends[0].host, &conn->wire[1], LN_NET_STREAM);
    if (way->route != LN_TESTKIT_ROUTE_NORMAL || way->host->dead)
        return NULL;
    struct ln__mem_sock *s =
        ln__mem_sock_for(way->host, LN_NET_STREAM, &way->inner, &conn->wire[0]);
    return s != NULL && s->state == LN__MEM_RAW_LISTENING ? s : NULL;
}

/* A SYN has arrived where nobody listens. Takes it. */
static void not_listening(struct ln__mem_segment *syn, const struct ln__mem_way *way)
{
    struct ln__mem_conn *conn = syn->conn;
    struct ln__mem_end *client = &conn->ends[0];
    bool unreachable = way->route == LN_TESTKIT_ROUTE_UNREACHABLE;
    bool silent =
        way->host == NULL || way->host->dead || way->host->closed_ports == LN_TESTKIT_CLOSED_SILENT;
    if (!unreachable && silent) {
        wait_for_retry(syn);
        return;
    }
    ln__mem_free(conn->kit, syn);
    struct ln__mem_link *link = ln__mem_link_between(conn->kit, client->host, way->host);
    if (link != NULL)
        link->counters.refused++;
    ln__mem_note(conn->kit, LN_TESTKIT_REFUSED, LN_NET_STREAM, &conn->wire[0], &conn->wire[1], 0);
    const struct word icmp = { .status = LN_REFUSED, .category = LN_CAT_UNREACHABLE };
    if (unreachable)
        (void)tell(client, icmp, carry(client, NULL, true));
    else
        send_reset(client, way->host);
}

/* A SYN arrives: the server's end begins here. */
static void join_backlog(struct ln__mem_segment *syn)
{
    struct ln__mem_conn *conn = syn->conn;
    struct ln__mem_way way;
    struct ln__mem_sock *listener = listener_for(conn, &way);
    if (conn->ends[0].gone || conn->ends[0].dead) {
        ln__mem_free(conn->kit, syn);
        return;
    }
    if (listener == NULL) {
        not_listening(syn, &way);
        return;
    }
    if (listener->backlog_count == BACKLOG_MAX) {
        wait_for_retry(syn);
        return;
    }
    struct ln__mem_end *server = &conn->ends[1];
    server->host = listener->host;
    server->local = way.inner;
    server->established = true;
    server->received_seq = syn->seq + 1;
    ln__mem_free(conn->kit, syn);
    conn->refs++;
    conn->next_waiting = NULL;
    if (listener->backlog_last != NULL)
        listener->backlog_last->next_waiting = conn;
    else
        listener->backlog_first = conn;
    listener->backlog_last = conn;
    listener->backlog_count++;
    if (put(server, LN__MEM_TCP_SYN, ln_span(NULL, 0)) != LN_OK)
        fail_end(server, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY);
}

static enum ln_status start(struct ln__mem_sock *s, const struct ln_addr *local,
                            const struct ln_addr *peer, struct ln__mem_conn *conn)
{
    struct ln_addr inner = *local;
    inner.port = s->local.port;
    struct ln__mem_segment *syn = ln__mem_segment_new(conn, 1, LN__MEM_TCP_SYN, ln_span(NULL, 0));
    enum ln_status st = syn != NULL ? ln__mem_queue_reserve(conn->kit, 1) : LN_NO_MEMORY;
    if (st == LN_OK)
        st = ln__mem_nat_outside(s->host, LN_NET_STREAM, &inner, peer, &conn->wire[0]);
    if (st == LN_OK)
        st = ln__mem_sock_set_peer(s, local, peer);
    if (st != LN_OK) {
        ln__mem_free(conn->kit, syn);
        return st;
    }
    conn->wire[1] = *peer;
    conn->dscp = s->dscp;
    conn->nat = s->host->nat;
    conn->translated = !ln_addr_equal(&conn->wire[0], &inner);
    conn->ends[0].host = s->host;
    conn->ends[0].local = inner;
    conn->ends[0].sock = s;
    conn->ends[1].host = ln__mem_way_to(conn->kit, s->host, peer, LN_NET_STREAM).host;
    s->conn = conn;
    s->side = 0;
    s->state = LN__MEM_RAW_CONNECTING;
    syn->to_listener = true;
    transmit(syn);
    return LN_OK;
}

enum ln_status ln__mem_stream_connect(struct ln__mem_sock *s, const struct ln_addr *peer,
                                      struct ln_diag *diag)
{
    struct ln_addr local;
    struct ln_testkit *kit = s->host->kit;
    struct ln__mem_way way = ln__mem_way_to(kit, s->host, peer, LN_NET_STREAM);
    if (ln__mem_sock_source(s, peer, &local) != LN_OK || way.route == LN_TESTKIT_ROUTE_NONE)
        return ln__mem_fail(diag, LN_REFUSED, LN_CAT_UNREACHABLE,
                            ln__mem_error_text(LN_CAT_UNREACHABLE));
    enum ln_status st = ln__mem_sock_bind_any(s, diag);
    if (st != LN_OK)
        return st;
    struct ln__mem_conn *conn = conn_new(kit);
    if (conn == NULL || start(s, &local, peer, conn) != LN_OK) {
        if (conn != NULL)
            unref(conn);
        return ln__mem_fail(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "no memory");
    }
    return LN_AGAIN;
}

static enum ln_status fail_from(const struct ln__mem_end *end, struct ln_diag *diag)
{
    return ln__mem_fail(diag, end->error, end->error_category,
                        ln__mem_error_text(end->error_category));
}

enum ln_status ln__mem_stream_finish(struct ln__mem_sock *s, struct ln_diag *diag)
{
    struct ln__mem_end *end = &s->conn->ends[s->side];
    if (end->error != LN_OK)
        return fail_from(end, diag);
    if (!end->established)
        return LN_AGAIN;
    if (s->state == LN__MEM_RAW_CONNECTING)
        ln__mem_note(s->conn->kit, LN_TESTKIT_CONNECTED, LN_NET_STREAM, &s->conn->wire[0],
                     &s->conn->wire[1], 0);
    s->state = LN__MEM_RAW_CONNECTED;
    return LN_OK;
}

enum ln_status ln__mem_stream_accept(struct ln__mem_sock *s, ln_handle *out, struct ln_addr *peer,
                                     struct ln_diag *diag)
{
    struct ln__mem_conn *conn = s->backlog_first;
    struct ln__mem_sock *made = NULL;
    if (conn == NULL)
        return LN_AGAIN;
    if (ln__mem_sock_new(s->host, LN_NET_STREAM, s->family, &made) != LN_OK)
        return ln__mem_fail(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "no memory");
    s->backlog_first = conn->next_waiting;
    if (s->backlog_first == NULL)
        s->backlog_last = NULL;
    s->backlog_count--;
    /* the backlog's reference is the socket's from here on */
    ln__mem_sock_join_port(made, s->port);
    made->v6_only = s->v6_only;
    made->reuse_addr = s->reuse_addr;
    made->local = made->bound = conn->ends[1].local;
    made->peer = conn->wire[0];
    made->conn = conn;
    made->side = 1;
    made->state = LN__MEM_RAW_CONNECTED;
    conn->ends[1].sock = made;
    *peer = made->peer;
    *out = made->handle;
    return LN_OK;
}

/* ---- sending ---- */

static size_t chunk(struct ln_testkit_host *host, size_t most)
{
    if (most == 0)
        return SIZE_MAX;
    return host->chunks.vary ? 1 + (size_t)(ln__mem_random_next(&host->chance) % most) : most;
}

static size_t mss_of(struct ln__mem_end *end)
{
    struct ln__mem_conn *conn = end->conn;
    struct ln__mem_link *link =
        ln__mem_link_between(conn->kit, end->host, conn->ends[1 - end->side].host);
    size_t mtu = link != NULL ? ln__mem_link_settings(conn->kit, link)->mtu : 0;
    size_t headers = ln__mem_header_bytes(&conn->wire[1], LN_NET_STREAM);
    return mtu > headers ? mtu - headers : DEFAULT_MSS;
}

enum ln_status ln__mem_stream_send(struct ln__mem_sock *s, struct ln_span data, size_t *sent,
                                   struct ln_diag *diag)
{
    struct ln__mem_end *end = &s->conn->ends[s->side];
    if (end->error != LN_OK)
        return fail_from(end, diag);
    if (s->shut || end->finished)
        return ln__mem_fail(diag, LN_CLOSED, LN_CAT_CLOSED_BY_PEER,
                            ln__mem_error_text(LN_CAT_CLOSED_BY_PEER));
    if (!end->established)
        return LN_AGAIN;
    size_t room = LN__MEM_WINDOW - end->unread_by_peer;
    if (room == 0)
        return LN_AGAIN;
    size_t take = chunk(s->host, s->host->chunks.write_max);
    take = data.len < take ? data.len : take;
    take = room < take ? room : take;
    size_t mss = mss_of(end);
    while (*sent < take) {
        size_t len = take - *sent < mss ? take - *sent : mss;
        if (put(end, LN__MEM_TCP_PSH, ln_span(data.data + *sent, len)) != LN_OK)
            break;
        end->unread_by_peer += len;
        *sent += len;
    }
    if (*sent == 0 && take > 0)
        return ln__mem_fail(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "no memory");
    return LN_OK;
}

static void finish_end(struct ln__mem_end *end)
{
    if (end->finished || end->dead || !end->established)
        return;
    end->finished = true;
    (void)put(end, LN__MEM_TCP_FIN, ln_span(NULL, 0)); /* without memory the peer waits for ever */
}

void ln__mem_stream_shutdown(struct ln__mem_sock *s)
{
    finish_end(&s->conn->ends[s->side]);
}

/* ---- receiving ---- */

/* Tell the writer that there is room again, in quarters of the window. */
static void open_window(struct ln__mem_end *end, size_t read)
{
    end->credit += read;
    if (end->credit < LN__MEM_WINDOW / 4)
        return;
    struct ln__mem_end *writer = &end->conn->ends[1 - end->side];
    const struct word window = { .status = LN_OK, .credit = end->credit };
    if (!tell(writer, window, carry(writer, end->host, false)))
        writer->unread_by_peer -= end->credit; /* at once rather than never */
    end->credit = 0;
}

enum ln_status ln__mem_stream_recv(struct ln__mem_sock *s, struct ln_mspan room, bool peek,
                                   struct ln_net_got *got, struct ln_diag *diag)
{
    struct ln__mem_end *end = &s->conn->ends[s->side];
    struct ln__mem_segment *first = end->first;
    if (first == NULL || !first->arrived) {
        if (end->error != LN_OK)
            return fail_from(end, diag);
        return s->shut ? LN_OK : LN_AGAIN;
    }
    size_t most = chunk(s->host, s->host->chunks.read_max);
    if (room.len > most)
        room.len = most;
    got->len = ln__mem_conn_read(end, room, peek);
    got->full = got->len;
    if (!peek)
        open_window(end, got->len);
    return LN_OK;
}

bool ln__mem_stream_readable(const struct ln__mem_sock *s)
{
    if (s->conn == NULL)
        return true;
    const struct ln__mem_end *end = &s->conn->ends[s->side];
    return end->error != LN_OK || s->shut || (end->first != NULL && end->first->arrived);
}

bool ln__mem_stream_writable(const struct ln__mem_sock *s)
{
    if (s->conn == NULL)
        return true;
    const struct ln__mem_end *end = &s->conn->ends[s->side];
    return end->error != LN_OK || s->shut || end->finished ||
           (end->established && end->unread_by_peer < LN__MEM_WINDOW);
}

/* ---- closing ---- */

static void end_gone(struct ln__mem_end *end, bool silent)
{
    struct ln__mem_end *peer = &end->conn->ends[1 - end->side];
    bool unread = end->first != NULL && end->first->arrived && end->first->len > 0;
    if (!silent && !end->dead && unread && peer->host != NULL)
        send_reset(peer, end->host);
    else if (!silent)
        finish_end(end);
    end->gone = true;
    end->dead = end->dead || silent || unread;
    end->sock = NULL;
    ln__mem_conn_drop_incoming(end);
}

static void drop_backlog(struct ln__mem_sock *s, bool silent)
{
    while (s->backlog_first != NULL) {
        struct ln__mem_conn *conn = s->backlog_first;
        s->backlog_first = conn->next_waiting;
        if (!silent)
            send_reset(&conn->ends[0], s->host);
        end_gone(&conn->ends[1], true);
        unref(conn);
    }
    s->backlog_last = NULL;
    s->backlog_count = 0;
}

void ln__mem_stream_close(struct ln__mem_sock *s, bool silent)
{
    drop_backlog(s, silent);
    if (s->conn == NULL)
        return;
    struct ln__mem_conn *conn = s->conn;
    s->conn = NULL;
    end_gone(&conn->ends[s->side], silent);
    unref(conn);
}

/* ---- commands ---- */

static bool is_between(const struct ln__mem_conn *conn, const struct ln_testkit_host *a,
                       const struct ln_testkit_host *b)
{
    const struct ln_testkit_host *x = conn->ends[0].host, *y = conn->ends[1].host;
    return ((a == NULL || a == x) && (b == NULL || b == y)) ||
           ((a == NULL || a == y) && (b == NULL || b == x));
}

size_t ln_testkit_reset_streams(struct ln_testkit *kit, const struct ln_testkit_host *a,
                                const struct ln_testkit_host *b)
{
    size_t count = 0;
    for (struct ln__mem_conn *conn = kit->all_conns; conn != NULL; conn = conn->next) {
        bool alive = !(conn->ends[0].dead || conn->ends[0].gone) ||
                     !(conn->ends[1].dead || conn->ends[1].gone);
        if (!alive || !is_between(conn, a, b))
            continue;
        fail_end(&conn->ends[0], LN_REFUSED, LN_CAT_RESET);
        fail_end(&conn->ends[1], LN_REFUSED, LN_CAT_RESET);
        ln__mem_note(kit, LN_TESTKIT_RESET, LN_NET_STREAM, &conn->wire[0], &conn->wire[1], 0);
        count++;
    }
    return count;
}

size_t ln_testkit_finish_streams(struct ln_testkit *kit, const struct ln_testkit_host *from,
                                 const struct ln_testkit_host *to)
{
    size_t count = 0;
    for (struct ln__mem_conn *conn = kit->all_conns; conn != NULL; conn = conn->next) {
        for (int side = 0; side < 2; side++) {
            struct ln__mem_end *end = &conn->ends[side];
            if ((from != NULL && end->host != from) ||
                (to != NULL && conn->ends[1 - side].host != to) || end->finished || end->dead ||
                end->gone || !end->established)
                continue;
            finish_end(end);
            count++;
        }
    }
    return count;
}
