/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file transmit.c
 * Segments of streams on their way: sent, lost, sent again, arrived, refused.
 *
 * A segment is one block. It stands in the list of the end that it goes to, from the moment it is
 * sent until it is read, and at times in the heap of events too: on its way, or waiting to be sent
 * again. Whether a segment was lost is known at once; there are no acknowledgements but the window
 * that opens when the reader has read.
 */
#include "net/mem/conn.h"

enum {
    BACKLOG_MAX = 128,
    LONGEST_RTO_MS = 60000,
    SYN_RTO_MS = 1000, /* RFC 6298 2.1; tries as Linux, tcp_syn_retries */
    SYN_TRIES = 7,
    DATA_RTO_MS = 200, /* Linux, TCP_RTO_MIN; tries as tcp_retries2 */
    DATA_TRIES = 16,
};

/* ---- events of a connection ---- */

static void segment_arrive(struct ln_testkit *kit, struct ln__mem_event *event);
static void segment_retry(struct ln_testkit *kit, struct ln__mem_event *event);

static void segment_leave_heap(struct ln__mem_segment *segment)
{
    struct ln__mem_conn *conn = segment->conn;
    segment->in_heap = false;
    if (!segment->in_list)
        ln__mem_free(conn->kit, segment);
    ln__mem_conn_unref(conn);
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
    ln__mem_conn_fail(&segment->conn->ends[1 - segment->to], LN_TIMEOUT, LN_CAT_NO_ANSWER);
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
    ln__mem_conn_unref(conn);
}

static void word_fire(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct word *word = (struct word *)event;
    struct ln__mem_end *end = word->end;
    if (word->status == LN_OK)
        end->unread_by_peer -= word->credit;
    else if (!end->dead && !end->host->dead)
        ln__mem_conn_fail(end, word->status, word->category);
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

void ln__mem_conn_reset(struct ln__mem_end *to, struct ln_testkit_host *from)
{
    struct ln__mem_conn *conn = to->conn;
    enum ln_category category = to->established ? LN_CAT_RESET : LN_CAT_PEER_REFUSED;
    enum ln_status status = to->established ? LN_CLOSED : LN_REFUSED; /* as the POSIX port has it */
    const struct word reset = { .status = status, .category = category };
    ln__mem_note(conn->kit, LN_TESTKIT_RESET, LN_NET_STREAM, &conn->wire[1 - to->side],
                 &conn->wire[to->side], 0);
    ln__mem_conn_capture(&conn->ends[1 - to->side], LN__MEM_TCP_RST | LN__MEM_TCP_ACK, NULL,
                         LN_TESTKIT_SENT);
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

/* What becomes of an attempt; SENT: the segment arrives at *at_us. */
static enum ln_testkit_happened attempt(struct ln__mem_segment *segment, struct ln__mem_link *link,
                                        int64_t *at_us)
{
    struct ln__mem_conn *conn = segment->conn;
    uint32_t delay_ms = 0;
    if (!pass_tap(segment, &delay_ms))
        return LN_TESTKIT_TAPPED;
    size_t bytes = segment->len + ln__mem_header_bytes(&conn->wire[1], LN_NET_STREAM);
    bool blocked = is_blocked(segment, link);
    struct ln__mem_fate fate = ln__mem_link_cast(conn->kit, link, bytes, delay_ms);
    *at_us = fate.at_us;
    if (blocked)
        return LN_TESTKIT_SWALLOWED;
    if (fate.overflowed)
        return LN_TESTKIT_OVERFLOWED;
    return fate.lost ? LN_TESTKIT_LOST : LN_TESTKIT_SENT;
}

static void note(const struct ln__mem_segment *segment, enum ln_testkit_happened what)
{
    const struct ln__mem_conn *conn = segment->conn;
    ln__mem_note(conn->kit, what, LN_NET_STREAM, &conn->wire[1 - segment->to],
                 &conn->wire[segment->to], segment->len);
}

/* What goes out keeps a mapping alive. A connect may also begin anew from another port. */
static void refresh_mapping(const struct ln__mem_segment *segment)
{
    struct ln__mem_conn *conn = segment->conn;
    const struct ln__mem_end *client = &conn->ends[0];
    struct ln_addr outside;
    enum ln_status st =
        ln__mem_nat_outside(client->host, LN_NET_STREAM, &client->local, &conn->wire[1], &outside);
    if (st == LN_OK && segment->to_listener)
        conn->wire[0] = outside;
}

/* Send it, or send it again. The segment stands in its list already (a SYN in none). */
void ln__mem_conn_transmit(struct ln__mem_segment *segment)
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
        ln__mem_conn_reset(from, conn->ends[1].host); /* the server does not know that port */
        wait_for_retry(segment);
        return;
    }
    if (from->side == 0 && conn->translated)
        refresh_mapping(segment);
    link->counters.packets++;
    link->counters.bytes += segment->len;
    link->counters.resent += segment->tries > 0;
    note(segment, segment->tries > 0 ? LN_TESTKIT_RESENT : LN_TESTKIT_SENT);
    segment->in_heap = true; /* the tap may restart a host: neither may go away under us */
    conn->refs++;
    enum ln_testkit_happened what = attempt(segment, link, &at_us);
    ln__mem_link_count(link, what);
    ln__mem_conn_capture(from, 0, segment, what);
    segment->in_heap = false;
    if (what == LN_TESTKIT_SENT) {
        schedule(segment, segment_arrive, at_us);
    } else {
        note(segment, what);
        wait_for_retry(segment);
    }
    ln__mem_conn_unref(conn);
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
        ln__mem_conn_fail(from, LN_TIMEOUT, LN_CAT_NO_ANSWER);
    }
    /* One whose reader has gone is sent all the same: the answer is a reset. */
    if (!from->dead && !(segment->to_listener && from->gone))
        ln__mem_conn_transmit(segment); /* takes a reference of its own */
    else if (!segment->in_list)
        ln__mem_free(kit, segment);
    ln__mem_conn_unref(from->conn);
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
            ln__mem_conn_capture(end, LN__MEM_TCP_ACK, NULL, LN_TESTKIT_SENT);
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
            ln__mem_conn_reset(&conn->ends[1 - to->side], to->host);
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
    ln__mem_conn_unref(conn);
}

/* Put bytes or a flag onto the way to the other end. */
enum ln_status ln__mem_conn_put(struct ln__mem_end *from, uint8_t flags, struct ln_span data)
{
    struct ln__mem_conn *conn = from->conn;
    struct ln__mem_segment *segment = ln__mem_segment_new(conn, 1 - from->side, flags, data);
    if (segment == NULL || ln__mem_queue_reserve(conn->kit, 1) != LN_OK) {
        ln__mem_free(conn->kit, segment);
        return LN_NO_MEMORY;
    }
    ln__mem_conn_append(&conn->ends[1 - from->side], segment);
    ln__mem_conn_transmit(segment);
    return LN_OK;
}

/* Tell the writer that there is room again, in quarters of the window. */
void ln__mem_conn_open_window(struct ln__mem_end *end, size_t read)
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
        ln__mem_conn_reset(client, way->host);
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
    if (ln__mem_conn_put(server, LN__MEM_TCP_SYN, ln_span(NULL, 0)) != LN_OK)
        ln__mem_conn_fail(server, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY);
}
