/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_MEM_MEM_H
#define LN_NET_MEM_MEM_H
/**
 * @file mem.h
 * The in-memory network: what its files share. The contract is <linnet/testkit.h>.
 *
 * One `struct ln_testkit` is the world: a clock in microseconds and a heap of events ordered by
 * (time, number). An event is one block that holds its packet; it moves from the heap into the
 * receive queue of a socket without a copy. Sockets are found by hash: connected ones by both
 * addresses, all others by port; streams know their other end.
 *
 *   queue.c    the heap of events          host.c      addresses, routes, power
 *   table.c    the hash tables             link.c      settings, dice, counters
 *   world.c    clock, services, life       nat.c       mappings
 *   raw.c      handles, ports, ln_net_ops  datagram.c  send, deliver, refuse
 *   journal.c  list of events, trace hash  conn.c      connections, lists of segments
 *   capture.c  pcapng                      transmit.c  segments on their way
 *                                          stream.c    connect, accept, send, receive, close
 */
#include <linnet/testkit.h>

/* ---- hash tables (table.c): intrusive chains ---- */

struct ln__mem_node {
    struct ln__mem_node *next;
    uint64_t hash;
};

struct ln__mem_table {
    struct ln__mem_node **chains;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

bool ln__mem_table_reserve(struct ln_testkit *kit, struct ln__mem_table *table);
void ln__mem_table_put(struct ln__mem_table *table, struct ln__mem_node *node, uint64_t hash);
void ln__mem_table_drop(struct ln__mem_table *table, struct ln__mem_node *node);
/* The newest node with this hash, and the next one after it; the caller compares the key. */
struct ln__mem_node *ln__mem_table_first(const struct ln__mem_table *table, uint64_t hash);
struct ln__mem_node *ln__mem_table_next(const struct ln__mem_node *node);
uint64_t ln__mem_hash_mix(uint64_t hash, uint64_t value);
/* The address without its port. */
uint64_t ln__mem_hash_ip(uint64_t hash, const struct ln_addr *addr);
bool ln__mem_same_ip(const struct ln_addr *a, const struct ln_addr *b);

/* ---- events (queue.c) ---- */

struct ln__mem_event {
    int64_t at_us;
    uint64_t order;
    /* Takes the event: it owns it from here on. */
    void (*fire)(struct ln_testkit *kit, struct ln__mem_event *event);
    /* The world ends before its time has come. */
    void (*drop)(struct ln_testkit *kit, struct ln__mem_event *event);
};

struct ln__mem_queue {
    struct ln__mem_event **heap;
    size_t room;
    size_t count;
};

/* LN_NO_SPACE: flight_max; LN_NO_MEMORY. The event is taken on LN_OK only. */
enum ln_status ln__mem_queue_put(struct ln_testkit *kit, struct ln__mem_event *event,
                                 int64_t at_us);
/* Room for one event more, so that the next put cannot fail. */
enum ln_status ln__mem_queue_reserve(struct ln_testkit *kit, size_t more);
struct ln__mem_event *ln__mem_queue_take(struct ln__mem_queue *queue);

/* ---- packets (link.c) ---- */

struct ln__mem_packet {
    struct ln__mem_event event;  /* first: an event is cast to its packet */
    struct ln__mem_packet *next; /* in a receive queue */
    struct ln_addr from;         /* on the wire */
    struct ln_addr to;
    struct ln_addr inner;           /* of the sender before its NAT, for refusals */
    struct ln_testkit_host *sender; /* NULL: injected */
    struct ln__mem_link *link;      /* NULL: injected */
    uint8_t dscp;
    size_t len;
    size_t room;
    uint8_t data[];
};

/* ---- links (link.c) ---- */

struct ln__mem_link {
    struct ln__mem_node node;
    struct ln_testkit_host *from; /* NULL: nobody */
    struct ln_testkit_host *to;
    struct ln_testkit_link *own; /* NULL: the hosts' or the world's */
    uint64_t seed;
    uint64_t casts;          /* packets that met the dice */
    int64_t busy_until_us;   /* bytes_per_s */
    int64_t last_arrival_us; /* keep_order */
    struct ln_testkit_counters counters;
    struct ln__mem_link *next; /* all links of the world */
};

/* What the dice say about one packet. */
struct ln__mem_fate {
    bool lost;
    bool duplicated;
    bool reordered;
    bool overflowed;
    int64_t at_us;
    int64_t copy_at_us;
};

/* NULL: no memory. */
struct ln__mem_link *ln__mem_link_between(struct ln_testkit *kit, struct ln_testkit_host *from,
                                          struct ln_testkit_host *to);
const struct ln_testkit_link *ln__mem_link_settings(const struct ln_testkit *kit,
                                                    const struct ln__mem_link *link);
/* Cast all dice for a packet of `bytes` (with headers), which leaves now and is late by `extra`. */
struct ln__mem_fate ln__mem_link_cast(struct ln_testkit *kit, struct ln__mem_link *link,
                                      size_t bytes, uint32_t extra_ms);
/* Count a packet that does not arrive; `link` may be NULL. */
void ln__mem_link_count(struct ln__mem_link *link, enum ln_testkit_happened what);
/* Bytes of IP and UDP (or TCP) headers. */
size_t ln__mem_header_bytes(const struct ln_addr *addr, enum ln_net_kind kind);
/* The next number of a sequence (splitmix64). */
uint64_t ln__mem_random_next(uint64_t *state);

/* ---- the environment's half of a host: kept here, worked on by src/testkit ---- */

#define LN__MEM_POINTS 5

struct ln__mem_point {
    struct ln_testkit_fault fault;
    size_t calls;
    size_t hits;
};

struct ln__mem_machine {
    struct ln__mem_point points[LN__MEM_POINTS]; /* by enum ln_testkit_point */
    struct ln__mem_block *oldest, *newest;       /* live allocations */
    struct ln_testkit_memory memory;
    size_t memory_limit; /* 0 = none */
    uint64_t random;
    struct ln__mem_file *files;
    char *log; /* one block, once there is a line */
    size_t log_len;
};

/* ---- hosts (host.c) ---- */

struct ln__mem_address {
    struct ln__mem_node node;
    struct ln_addr addr;          /* port 0 */
    struct ln_testkit_host *host; /* NULL: nobody has it (a route only, or a NAT's) */
    struct ln_testkit_nat *nat;
    enum ln_testkit_route route;
    struct ln__mem_address *next_of_host; /* in the order they were added */
    struct ln__mem_address *next;         /* all of the world */
};

struct ln_testkit_host {
    struct ln_testkit *kit;
    struct ln_testkit_host *next;
    char name[32];
    unsigned number;
    struct ln__mem_address *addresses;
    enum ln_testkit_closed_port closed_ports;
    bool dead;
    struct ln_testkit_chunks chunks;
    uint64_t chance; /* of chunks */
    struct ln_testkit_nat *nat;
    struct ln_testkit_link *out; /* settings for all links from here, to here */
    struct ln_testkit_link *in;
    struct ln__mem_sock *socks; /* all of the host, newest first */
    size_t open_handles;
    uint16_t next_port;
    struct ln__mem_machine machine;
};

/* What is at an address, as seen by `from`; NULL: nothing is known about it. */
struct ln__mem_address *ln__mem_address_find(const struct ln_testkit *kit,
                                             const struct ln_addr *addr);
/* Enter an address; LN_BAD_ARG: it is taken. `text` may hold one literal only. */
enum ln_status ln__mem_address_claim(struct ln_testkit *kit, const char *text,
                                     struct ln_testkit_host *host, struct ln_testkit_nat *nat,
                                     struct ln__mem_address **out);
bool ln__mem_is_loopback(const struct ln_addr *addr);
bool ln__mem_is_wildcard(const struct ln_addr *addr);
/* The address is the host's own (loopback included). */
bool ln__mem_host_owns(const struct ln_testkit_host *host, const struct ln_addr *addr);
/* The address from which the host talks to `peer`, port 0; false: it has none of that family. */
bool ln__mem_host_source(const struct ln_testkit_host *host, const struct ln_addr *peer,
                         struct ln_addr *out);

/* Where a packet of `from` goes. */
struct ln__mem_way {
    enum ln_testkit_route route;  /* NORMAL, NONE, UNREACHABLE or SILENT */
    struct ln_testkit_host *host; /* NULL: nobody */
    struct ln_addr inner;         /* the destination as that host knows it */
};
struct ln__mem_way ln__mem_way_to(struct ln_testkit *kit, struct ln_testkit_host *from,
                                  const struct ln_addr *to, enum ln_net_kind kind);

/* ---- address translation (nat.c) ---- */

struct ln__mem_mapping {
    struct ln__mem_node by_inside;
    struct ln__mem_node by_public;
    struct ln_testkit_nat *nat;
    struct ln_testkit_host *host;
    enum ln_net_kind kind;
    struct ln_addr inside;
    uint16_t port;
    int64_t last_us;
    struct ln__mem_mapping *next;
    struct ln__mem_mapping *previous;
};

struct ln_testkit_nat {
    struct ln_testkit *kit;
    struct ln_testkit_nat *next;
    struct ln__mem_address *address;
    int64_t idle_us;
    uint16_t next_port;
    struct ln__mem_mapping *mappings;
};

/* The address under which `inside` of the host appears; makes or refreshes the mapping. Without a
 * NAT, or for another family or loopback: `inside` itself. LN_NO_MEMORY, LN_NO_SPACE (no port). */
enum ln_status ln__mem_nat_outside(struct ln_testkit_host *host, enum ln_net_kind kind,
                                   const struct ln_addr *inside, const struct ln_addr *peer,
                                   struct ln_addr *out);
/* Who is behind a public address and port; NULL: no mapping. */
const struct ln__mem_mapping *ln__mem_nat_inside(struct ln_testkit_nat *nat, enum ln_net_kind kind,
                                                 uint16_t port);
void ln__mem_nat_free(struct ln_testkit_nat *nat);

/* ---- sockets (raw.c) ---- */

struct ln__mem_port {
    struct ln__mem_node node;
    struct ln_testkit_host *host;
    enum ln_net_kind kind;
    uint16_t number;
    size_t users;              /* all sockets on it: open ones, connected ones, accepted ones */
    size_t connected;          /* of them, those with a peer */
    struct ln__mem_sock *open; /* without a peer, newest first */
};

enum ln__mem_sock_state {
    LN__MEM_RAW_OPEN, /* nothing yet, or bound */
    LN__MEM_RAW_LISTENING,
    LN__MEM_RAW_CONNECTING,
    LN__MEM_RAW_CONNECTED,
    LN__MEM_RAW_GONE, /* its host was restarted */
};

struct ln__mem_sock {
    struct ln__mem_node node; /* connected datagram sockets, by both addresses */
    struct ln_testkit_host *host;
    struct ln__mem_sock *next_of_host;
    struct ln__mem_sock *previous_of_host;
    ln_handle handle;
    enum ln_net_kind kind;
    enum ln_family family;
    enum ln__mem_sock_state state;
    bool v6_only, reuse_addr, transparent;
    uint8_t dscp;
    struct ln__mem_port *port;      /* NULL: not bound */
    struct ln__mem_sock *next_open; /* of the port */
    struct ln_addr bound;           /* as bound: often the wildcard */
    struct ln_addr local;           /* the same until connected */
    struct ln_addr peer;            /* family 0: none */
    bool shut;
    /* a failure that the next call reports */
    enum ln_status error;
    enum ln_category error_category;
    /* datagrams */
    struct ln__mem_packet *rx_first, *rx_last;
    size_t rx_bytes;
    /* streams */
    struct ln__mem_conn *conn;
    int side; /* of conn: 0 connected, 1 accepted */
    struct ln__mem_conn *backlog_first, *backlog_last;
    size_t backlog_count;
};

struct ln__mem_slot {
    struct ln__mem_sock *sock;
    uint32_t generation;
    uint32_t next_free;
};

extern const struct ln_net_ops ln__mem_net_ops; /* its ctx is the host */

struct ln__mem_sock *ln__mem_sock_of(const struct ln_testkit *kit, ln_handle handle);
enum ln_status ln__mem_sock_new(struct ln_testkit_host *host, enum ln_net_kind kind,
                                enum ln_family family, struct ln__mem_sock **out);
/* Give it a free port, if it has none. */
enum ln_status ln__mem_sock_bind_any(struct ln__mem_sock *s, struct ln_diag *diag);
/* Be bound to a port beside others: of an accepted stream. */
void ln__mem_sock_join_port(struct ln__mem_sock *s, struct ln__mem_port *port);
/* From the port's open list (unconnected) into the table of the connected, or nowhere (streams). */
enum ln_status ln__mem_sock_set_peer(struct ln__mem_sock *s, const struct ln_addr *local,
                                     const struct ln_addr *peer);
/* Who gets a packet: a connected socket that fits, else the newest that is bound closest. */
struct ln__mem_sock *ln__mem_sock_for(struct ln_testkit_host *host, enum ln_net_kind kind,
                                      const struct ln_addr *local, const struct ln_addr *peer);
/* The address, without port, from which the socket talks to `peer`. LN_REFUSED: there is none. */
enum ln_status ln__mem_sock_source(const struct ln__mem_sock *s, const struct ln_addr *peer,
                                   struct ln_addr *out);
/* Drop everything but the handle; the state is GONE. */
void ln__mem_sock_gut(struct ln__mem_sock *s);
unsigned ln__mem_sock_ready(const struct ln__mem_sock *s, unsigned events);
/* Fill diag from a pending or a given failure. */
enum ln_status ln__mem_fail(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                            const char *text);
const char *ln__mem_error_text(enum ln_category category);

/* ---- datagrams (datagram.c) ---- */

enum ln_status ln__mem_datagram_send(struct ln__mem_sock *s, const struct ln_addr *to,
                                     struct ln_span data, size_t *sent, struct ln_diag *diag);
enum ln_status ln__mem_datagram_recv(struct ln__mem_sock *s, struct ln_mspan room, bool peek,
                                     struct ln_net_got *got, struct ln_diag *diag);
enum ln_status ln__mem_datagram_connect(struct ln__mem_sock *s, const struct ln_addr *peer,
                                        struct ln_diag *diag);
void ln__mem_datagram_flush(struct ln__mem_sock *s);

/* ---- streams (stream.c) ---- */

enum ln_status ln__mem_stream_connect(struct ln__mem_sock *s, const struct ln_addr *peer,
                                      struct ln_diag *diag);
enum ln_status ln__mem_stream_finish(struct ln__mem_sock *s, struct ln_diag *diag);
enum ln_status ln__mem_stream_accept(struct ln__mem_sock *s, ln_handle *out, struct ln_addr *peer,
                                     struct ln_diag *diag);
enum ln_status ln__mem_stream_send(struct ln__mem_sock *s, struct ln_span data, size_t *sent,
                                   struct ln_diag *diag);
enum ln_status ln__mem_stream_recv(struct ln__mem_sock *s, struct ln_mspan room, bool peek,
                                   struct ln_net_got *got, struct ln_diag *diag);
void ln__mem_stream_shutdown(struct ln__mem_sock *s);
/* The handle is closed, or the host forgets it (`silent`: nothing is sent). */
void ln__mem_stream_close(struct ln__mem_sock *s, bool silent);
bool ln__mem_stream_readable(const struct ln__mem_sock *s);
bool ln__mem_stream_writable(const struct ln__mem_sock *s);

/* ---- what happened (journal.c, capture.c) ---- */

void ln__mem_note(struct ln_testkit *kit, enum ln_testkit_happened what, enum ln_net_kind kind,
                  const struct ln_addr *from, const struct ln_addr *to, size_t len);

/* "lost" and so on. */
const char *ln__mem_word(enum ln_testkit_happened what);

/* One IP packet for the capture. */
struct ln__mem_frame {
    enum ln_net_kind kind;
    const struct ln_addr *from;
    const struct ln_addr *to;
    uint8_t dscp;
    uint8_t tcp_flags;
    uint32_t seq;
    uint32_t ack;
    struct ln_span data;
    enum ln_testkit_happened fate; /* its word is the comment; SENT = none */
};
#define LN__MEM_TCP_FIN 0x01u
#define LN__MEM_TCP_SYN 0x02u
#define LN__MEM_TCP_RST 0x04u
#define LN__MEM_TCP_PSH 0x08u
#define LN__MEM_TCP_ACK 0x10u
void ln__mem_capture_frame(struct ln_testkit *kit, const struct ln__mem_frame *frame);

/* ---- the world (world.c) ---- */

#define LN__MEM_SERVICES_MAX 8

struct ln__mem_service {
    ln_msec (*serve)(void *user, ln_msec now);
    void *user;
    ln_msec next;
};

struct ln_testkit {
    struct ln_testkit *older; /* of the same thread */
    struct ln_testkit_config config;
    int64_t now_us;
    int64_t wall_offset_us; /* wall = now + offset */
    uint64_t order;
    struct ln__mem_queue queue;
    struct ln_testkit_host *hosts, **hosts_end;
    unsigned host_count;
    struct ln_testkit_nat *nats;
    struct ln__mem_address *all_addresses;
    struct ln__mem_link *all_links;
    struct ln__mem_conn *all_conns;
    struct ln__mem_table addresses;
    struct ln__mem_table links;
    struct ln__mem_table ports;
    struct ln__mem_table connected;
    struct ln__mem_table mappings_inside;
    struct ln__mem_table mappings_public;
    struct ln__mem_slot *slots;
    uint32_t slot_room, slot_free;
    struct ln_testkit_link *any; /* settings of every link without its own */
    void (*tap)(void *user, struct ln_testkit_packet *packet);
    void *tap_user;
    void (*capture)(void *user, struct ln_span bytes);
    void *capture_user;
    struct ln_testkit_event *journal;
    size_t journal_first, journal_count;
    uint64_t trace_hash;
    struct ln__mem_service services[LN__MEM_SERVICES_MAX];
    size_t service_count;
    bool serving;
    int64_t last_wait_us;
    unsigned stalled_waits;                             /* in a row at that time */
    struct ln__mem_name *names;                         /* the zone */
    void (*machine_free)(struct ln_testkit_host *host); /* of src/testkit; NULL: nothing to free */
    void (*names_free)(struct ln_testkit *kit);
    char text[320];
};

void *ln__mem_alloc(struct ln_testkit *kit, size_t size); /* not cleared */
void *ln__mem_zeroed(struct ln_testkit *kit, size_t size);
void *ln__mem_resize(struct ln_testkit *kit, void *block, size_t size);
void ln__mem_free(struct ln_testkit *kit, void *block);

/* Keep a sentence for ln_testkit_text(). */
void ln__mem_text(struct ln_testkit *kit, const char *format, ...) LN_PRINTF(2, 3);

/* Call the services that are due or, after something happened, all of them. */
void ln__mem_serve(struct ln_testkit *kit, bool happened);
/* When something happens next, at most `until`: an event or a service. */
int64_t ln__mem_next_us(const struct ln_testkit *kit, int64_t until_us);
/* Go to `at_us` and let everything happen that is due then. True if something did. */
bool ln__mem_reach(struct ln_testkit *kit, int64_t at_us);
/* Milliseconds into microseconds without overflow; LN_NEVER stays the greatest. */
int64_t ln__mem_us(ln_msec ms);

#endif
