/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_MEM_CONN_H
#define LN_NET_MEM_CONN_H
/**
 * @file conn.h
 * A connection: two ends and the segments between them. Shared by conn.c, transmit.c and stream.c.
 */
#include "net/mem/mem.h"

#define LN__MEM_WINDOW ((size_t)65536)

struct ln__mem_segment {
    struct ln__mem_event event; /* first: an event is cast to its segment */
    struct ln__mem_conn *conn;
    struct ln__mem_segment *next;
    int to;        /* the side it goes to */
    uint8_t flags; /* LN__MEM_TCP_* */
    bool in_list;
    bool in_heap;
    bool to_listener; /* the first SYN: the server's end does not exist yet */
    bool arrived;
    unsigned tries; /* that failed */
    uint32_t seq;
    size_t len;
    size_t read; /* by the owner of the end */
    uint8_t data[];
};

struct ln__mem_end {
    struct ln__mem_conn *conn;
    int side;
    struct ln__mem_sock *sock; /* NULL: in a backlog, or closed */
    struct ln_testkit_host *host;
    struct ln_addr local;          /* as the host knows it */
    struct ln__mem_segment *first; /* what comes to this end, in order */
    struct ln__mem_segment *last;
    struct ln__mem_segment *expected; /* the first that has not arrived */
    bool established;
    bool finished; /* it has sent its FIN */
    bool gone;     /* nobody holds it any more */
    bool dead;     /* it knows of a reset, or gave up, or was forgotten */
    enum ln_status error;
    enum ln_category error_category;
    size_t unread_by_peer; /* sent and not yet known to be read: at most LN__MEM_WINDOW */
    size_t credit;         /* read, and not yet told to the writer */
    uint32_t seq;          /* of the next byte it sends */
    uint32_t received_seq;
};

struct ln__mem_conn {
    struct ln_testkit *kit;
    struct ln__mem_conn *next;
    struct ln__mem_conn *previous;
    struct ln__mem_conn *next_waiting; /* in a backlog */
    unsigned refs;
    struct ln_testkit_nat *nat; /* of the client, when it connected */
    bool translated;
    uint8_t dscp;
    struct ln_addr wire[2];     /* both addresses as on the wire */
    struct ln__mem_end ends[2]; /* 0 connected, 1 accepted */
};

/* ---- conn.c ---- */

/* With one reference. NULL: no memory. */
struct ln__mem_conn *ln__mem_conn_new(struct ln_testkit *kit);
void ln__mem_conn_unref(struct ln__mem_conn *conn);
/* An end learns that its connection is over. The first reason counts. */
void ln__mem_conn_fail(struct ln__mem_end *end, enum ln_status status, enum ln_category category);
/* NULL: no memory. Takes the next numbers of the sender's sequence. */
struct ln__mem_segment *ln__mem_segment_new(struct ln__mem_conn *conn, int to, uint8_t flags,
                                            struct ln_span data);
void ln__mem_conn_append(struct ln__mem_end *end, struct ln__mem_segment *segment);
/* Read what has arrived in order; returns the bytes. */
size_t ln__mem_conn_read(struct ln__mem_end *end, struct ln_mspan room, bool peek);
/* Drop arrived segments at the front that hold nothing to read. */
void ln__mem_conn_skip_empty(struct ln__mem_end *end);
void ln__mem_conn_drop_incoming(struct ln__mem_end *end);
/* One segment (or, without one, a bare flag) for the capture, sent by `from`. */
void ln__mem_conn_capture(struct ln__mem_end *from, unsigned flags,
                          const struct ln__mem_segment *segment, enum ln_testkit_happened fate);

/* ---- transmit.c ---- */

/* Put bytes or a flag onto the way to the other end. LN_NO_MEMORY: nothing was sent. */
enum ln_status ln__mem_conn_put(struct ln__mem_end *from, uint8_t flags, struct ln_span data);
/* Send a segment, or send it again. It stands in its list already (a SYN in none). */
void ln__mem_conn_transmit(struct ln__mem_segment *segment);
/* Let an end know of a reset, as if `from` had sent it. It may get lost. */
void ln__mem_conn_reset(struct ln__mem_end *to, struct ln_testkit_host *from);
/* Tell the writer that there is room again, in quarters of the window. */
void ln__mem_conn_open_window(struct ln__mem_end *end, size_t read);

#endif
