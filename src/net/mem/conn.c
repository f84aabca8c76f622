/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file conn.c
 * Connections: their life, and their lists of segments.
 *
 * A connection lives while something refers to it: a socket, a backlog, an event. A segment that is
 * in the heap of events too is only taken out of its list; the event frees it.
 */
#include "net/mem/conn.h"

/* ---- life ---- */

void ln__mem_conn_unref(struct ln__mem_conn *conn)
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

struct ln__mem_conn *ln__mem_conn_new(struct ln_testkit *kit)
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

void ln__mem_conn_fail(struct ln__mem_end *end, enum ln_status status, enum ln_category category)
{
    end->dead = true;
    if (end->error == LN_OK) {
        end->error = status;
        end->error_category = category;
    }
}

/* ---- segments ---- */

struct ln__mem_segment *ln__mem_segment_new(struct ln__mem_conn *conn, int to, uint8_t flags,
                                            struct ln_span data)
{
    struct ln__mem_end *from = &conn->ends[1 - to];
    struct ln__mem_segment *segment = ln__mem_alloc(conn->kit, sizeof *segment + data.len);
    if (segment == NULL)
        return NULL;
    *segment = (struct ln__mem_segment) {
        .conn = conn, .to = to, .flags = flags, .seq = from->seq, .len = data.len
    };
    bool counts = (flags & (LN__MEM_TCP_SYN | LN__MEM_TCP_FIN)) != 0;
    from->seq += (uint32_t)data.len + counts;
    if (data.len > 0)
        memcpy(segment->data, data.data, data.len);
    return segment;
}

void ln__mem_conn_append(struct ln__mem_end *end, struct ln__mem_segment *segment)
{
    segment->in_list = true;
    if (end->last != NULL)
        end->last->next = segment;
    else
        end->first = segment;
    end->last = segment;
    if (end->expected == NULL)
        end->expected = segment;
}

static void drop_first(struct ln__mem_end *end)
{
    struct ln__mem_segment *segment = end->first;
    end->first = segment->next;
    if (end->first == NULL)
        end->last = NULL;
    if (end->expected == segment)
        end->expected = segment->next;
    segment->next = NULL;
    segment->in_list = false;
    if (!segment->in_heap)
        ln__mem_free(end->conn->kit, segment);
}

void ln__mem_conn_skip_empty(struct ln__mem_end *end)
{
    while (end->first != NULL && end->first->arrived && end->first->read == end->first->len &&
           !(end->first->flags & LN__MEM_TCP_FIN))
        drop_first(end);
}

size_t ln__mem_conn_read(struct ln__mem_end *end, struct ln_mspan room, bool peek)
{
    size_t done = 0;
    const struct ln__mem_segment *segment = end->first;
    while (done < room.len && segment != NULL && segment->arrived) {
        size_t len = segment->len - segment->read;
        if (len > room.len - done)
            len = room.len - done;
        if (len > 0)
            memcpy(room.data + done, segment->data + segment->read, len);
        done += len;
        if (!peek)
            end->first->read += len;
        if (segment->flags & LN__MEM_TCP_FIN)
            break;
        segment = segment->next;
        if (!peek)
            ln__mem_conn_skip_empty(
                end); /* a segment read in part ends the loop: the room is full */
    }
    return done;
}

void ln__mem_conn_drop_incoming(struct ln__mem_end *end)
{
    while (end->first != NULL)
        drop_first(end);
}

void ln__mem_conn_capture(struct ln__mem_end *from, unsigned flags,
                          const struct ln__mem_segment *segment, enum ln_testkit_happened fate)
{
    struct ln__mem_conn *conn = from->conn;
    if (conn->kit->capture == NULL)
        return;
    struct ln__mem_frame frame = { .kind = LN_NET_STREAM,
                                   .from = &conn->wire[from->side],
                                   .to = &conn->wire[1 - from->side],
                                   .dscp = conn->dscp,
                                   .tcp_flags = (uint8_t)flags,
                                   .seq = from->seq,
                                   .ack = from->received_seq,
                                   .fate = fate };
    if (segment != NULL) {
        frame.tcp_flags = segment->flags;
        frame.seq = segment->seq;
        frame.data = ln_span(segment->data, segment->len);
        if (!segment->to_listener)
            frame.tcp_flags |= LN__MEM_TCP_ACK;
    }
    ln__mem_capture_frame(conn->kit, &frame);
}
