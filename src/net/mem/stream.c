/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stream.c
 * Streams as their owners see them: connect, accept, send, receive, close; and the commands for
 * tests.
 */
#include "net/mem/conn.h"

enum { DEFAULT_MSS = 1460 };

/* ---- connecting ---- */

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
    ln__mem_conn_transmit(syn);
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
    struct ln__mem_conn *conn = ln__mem_conn_new(kit);
    if (conn == NULL || start(s, &local, peer, conn) != LN_OK) {
        if (conn != NULL)
            ln__mem_conn_unref(conn);
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
        if (ln__mem_conn_put(end, LN__MEM_TCP_PSH, ln_span(data.data + *sent, len)) != LN_OK)
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
    (void)ln__mem_conn_put(end, LN__MEM_TCP_FIN,
                           ln_span(NULL, 0)); /* without memory the peer waits for ever */
}

void ln__mem_stream_shutdown(struct ln__mem_sock *s)
{
    finish_end(&s->conn->ends[s->side]);
}

/* ---- receiving ---- */

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
        ln__mem_conn_open_window(end, got->len);
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
        ln__mem_conn_reset(peer, end->host);
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
            ln__mem_conn_reset(&conn->ends[0], s->host);
        end_gone(&conn->ends[1], true);
        ln__mem_conn_unref(conn);
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
    ln__mem_conn_unref(conn);
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
        ln__mem_conn_fail(&conn->ends[0], LN_CLOSED, LN_CAT_RESET);
        ln__mem_conn_fail(&conn->ends[1], LN_CLOSED, LN_CAT_RESET);
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
