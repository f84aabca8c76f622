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
 *   table.c    the hash tables             link.c      settings, dice, counters, the fate of packets
 *   world.c    clock, services, life       nat.c       mappings
 *   raw.c      handles, ports, ln_net_ops  datagram.c  send, deliver, refuse
 *   journal.c  list of events, trace hash  stream.c    segments, connect, accept, reset
 *   capture.c  pcapng
 */
#include <linnet/testkit.h>

/* ---- hash tables (table.c): intrusive chains ---- */

struct ln__node {
    struct ln__node *next;
    uint64_t hash;
};

struct ln__table {
    struct ln__node **chains;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

bool ln__table_reserve(struct ln_testkit *kit, struct ln__table *table);
void ln__table_put(struct ln__table *table, struct ln__node *node, uint64_t hash);
void ln__table_drop(struct ln__table *table, struct ln__node *node);
/* The newest node with this hash, and the next one after it; the caller compares the key. */
struct ln__node *ln__table_first(const struct ln__table *table, uint64_t hash);
struct ln__node *ln__table_next(const struct ln__node *node);
uint64_t ln__hash_mix(uint64_t hash, uint64_t value);
/* The address without its port. */
uint64_t ln__hash_ip(uint64_t hash, const struct ln_addr *addr);
bool ln__same_ip(const struct ln_addr *a, const struct ln_addr *b);

/* ---- events (queue.c) ---- */

struct ln__event {
    int64_t at_us;
    uint64_t order;
    /* Takes the event: it owns it from here on. */
    void (*fire)(struct ln_testkit *kit, struct ln__event *event);
    /* The world ends before its time has come. */
    void (*drop)(struct ln_testkit *kit, struct ln__event *event);
};

struct ln__queue {
    struct ln__event **heap;
    size_t room;
    size_t count;
};

/* LN_NO_SPACE: flight_max; LN_NO_MEMORY. The event is taken on LN_OK only. */
enum ln_status ln__queue_put(struct ln_testkit *kit, struct ln__event *event, int64_t at_us);
/* Room for one event more, so that the next put cannot fail. */
enum ln_status ln__queue_reserve(struct ln_testkit *kit, size_t more);
struct ln__event *ln__queue_take(struct ln__queue *queue);

/* ---- packets (link.c) ---- */

struct ln__packet {
    struct ln__event event;    /* first: an event is cast to its packet */
    struct ln__packet *next;   /* in a receive queue */
    struct ln_addr from;       /* on the wire */
    struct ln_addr to;
    struct ln_addr inner;      /* of the sender before its NAT, for refusals */
    struct ln_testkit_host *sender; /* NULL: injected */
    struct ln__link *link;     /* NULL: injected */
    uint8_t dscp;
    size_t len;
    size_t room;
    uint8_t data[];
};

/* ---- links (link.c) ---- */

struct ln__link {
    struct ln__node node;
    struct ln_testkit_host *from; /* NULL: nobody */
    struct ln_testkit_host *to;
    struct ln_testkit_link *own;  /* NULL: the hosts' or the world's */
    uint64_t seed;
    uint64_t casts;               /* packets that met the dice */
    int64_t busy_until_us;        /* bytes_per_s */
    int64_t last_arrival_us;      /* keep_order */
    struct ln_testkit_counters counters;
    struct ln__link *next;        /* all links of the world */
};

/* What the dice say about one packet. */
struct ln__fate {
    bool lost;
    bool duplicated;
    bool reordered;
    bool overflowed;
    int64_t at_us;
    int64_t copy_at_us;
};

/* NULL: no memory. */
struct ln__link *ln__link_between(struct ln_testkit *kit, struct ln_testkit_host *from,
                                  struct ln_testkit_host *to);
const struct ln_testkit_link *ln__link_settings(const struct ln_testkit *kit,
                                                const struct ln__link *link);
/* Cast all dice for a packet of `bytes` (with headers), which leaves now and is late by `extra`. */
struct ln__fate ln__link_cast(struct ln_testkit *kit, struct ln__link *link, size_t bytes,
                              uint32_t extra_ms);
/* Bytes of IP and UDP (or TCP) headers. */
size_t ln__header_bytes(const struct ln_addr *addr, enum ln_net_kind kind);
/* The next number of a sequence (splitmix64). */
uint64_t ln__random_next(uint64_t *state);

/* ---- the environment's half of a host: kept here, worked on by src/testkit ---- */

#define LN__POINTS 5

struct ln__point {
    struct ln_testkit_fault fault;
    size_t calls;
    size_t hits;
};

struct ln__machine {
    struct ln__point points[LN__POINTS]; /* by enum ln_testkit_point */
    struct ln__block *oldest, *newest;   /* live allocations */
    struct ln_testkit_memory memory;
    size_t memory_limit;                 /* 0 = none */
    uint64_t random;
    struct ln__file *files;
    char *log;                           /* one block, once there is a line */
    size_t log_len;
};

/* ---- hosts (host.c) ---- */

struct ln__address {
    struct ln__node node;
    struct ln_addr addr;            /* port 0 */
    struct ln_testkit_host *host;   /* NULL: nobody has it (a route only, or a NAT's) */
    struct ln_testkit_nat *nat;
    enum ln_testkit_route route;
    struct ln__address *next_of_host; /* in the order they were added */
    struct ln__address *next;         /* all of the world */
};

struct ln_testkit_host {
    struct ln_testkit *kit;
    struct ln_testkit_host *next;
    char name[32];
    unsigned number;
    struct ln__address *addresses;
    enum ln_testkit_closed_port closed_ports;
    bool dead;
    struct ln_testkit_chunks chunks;
    uint64_t chance;                /* of chunks */
    struct ln_testkit_nat *nat;
    struct ln_testkit_link *out;    /* settings for all links from here, to here */
    struct ln_testkit_link *in;
    struct ln__sock *socks;         /* all of the host, newest first */
    size_t open_handles;
    uint16_t next_port;
    struct ln__machine machine;
};

/* What is at an address, as seen by `from`; NULL: nothing is known about it. */
struct ln__address *ln__address_find(const struct ln_testkit *kit, const struct ln_addr *addr);
/* Enter an address; LN_BAD_ARG: it is taken. `text` may hold one literal only. */
enum ln_status ln__address_claim(struct ln_testkit *kit, const char *text,
                                 struct ln_testkit_host *host, struct ln_testkit_nat *nat,
                                 struct ln__address **out);
bool ln__is_loopback(const struct ln_addr *addr);
bool ln__is_wildcard(const struct ln_addr *addr);
/* The address is the host's own (loopback included). */
bool ln__host_owns(const struct ln_testkit_host *host, const struct ln_addr *addr);
/* The address from which the host talks to `peer`, port 0; false: it has none of that family. */
bool ln__host_source(const struct ln_testkit_host *host, const struct ln_addr *peer,
                     struct ln_addr *out);

/* Where a packet of `from` goes. */
struct ln__way {
    enum ln_testkit_route route;   /* NORMAL, NONE, UNREACHABLE or SILENT */
    struct ln_testkit_host *host;  /* NULL: nobody */
    struct ln_addr inner;          /* the destination as that host knows it */
};
struct ln__way ln__way_to(struct ln_testkit *kit, struct ln_testkit_host *from,
                          const struct ln_addr *to, enum ln_net_kind kind);

/* ---- address translation (nat.c) ---- */

struct ln__mapping {
    struct ln__node by_inside;
    struct ln__node by_public;
    struct ln_testkit_nat *nat;
    struct ln_testkit_host *host;
    enum ln_net_kind kind;
    struct ln_addr inside;
    uint16_t port;
    int64_t last_us;
    struct ln__mapping *next;
    struct ln__mapping *previous;
};

struct ln_testkit_nat {
    struct ln_testkit *kit;
    struct ln_testkit_nat *next;
    struct ln__address *address;
    int64_t idle_us;
    uint16_t next_port;
    struct ln__mapping *mappings;
};

/* The address under which `inside` of the host appears; makes or refreshes the mapping. Without a
 * NAT, or for another family or loopback: `inside` itself. LN_NO_MEMORY, LN_NO_SPACE (no port). */
enum ln_status ln__nat_outside(struct ln_testkit_host *host, enum ln_net_kind kind,
                               const struct ln_addr *inside, const struct ln_addr *peer,
                               struct ln_addr *out);
/* Who is behind a public address and port; NULL: no mapping. */
const struct ln__mapping *ln__nat_inside(struct ln_testkit_nat *nat, enum ln_net_kind kind,
                                         uint16_t port);
void ln__nat_free(struct ln_testkit_nat *nat);

/* ---- sockets (raw.c) ---- */

struct ln__port {
    struct ln__node node;
    struct ln_testkit_host *host;
    enum ln_net_kind kind;
    uint16_t number;
    size_t users;            /* all sockets on it: open ones, connected ones, accepted ones */
    size_t connected;        /* of them, those with a peer */
    struct ln__sock *open;   /* without a peer, newest first */
};

enum ln__sock_state {
    LN__RAW_OPEN,       /* nothing yet, or bound */
    LN__RAW_LISTENING,
    LN__RAW_CONNECTING,
    LN__RAW_CONNECTED,
    LN__RAW_GONE,       /* its host was restarted */
};

struct ln__sock {
    struct ln__node node;         /* connected datagram sockets, by both addresses */
    struct ln_testkit_host *host;
    struct ln__sock *next_of_host;
    struct ln__sock *previous_of_host;
    ln_handle handle;
    enum ln_net_kind kind;
    enum ln_family family;
    enum ln__sock_state state;
    bool v6_only, reuse_addr, transparent;
    uint8_t dscp;
    struct ln__port *port;        /* NULL: not bound */
    struct ln__sock *next_open;   /* of the port */
    struct ln_addr bound;         /* as bound: often the wildcard */
    struct ln_addr local;         /* the same until connected */
    struct ln_addr peer;          /* family 0: none */
    bool shut;
    /* a failure that the next call reports */
    enum ln_status error;
    enum ln_category error_category;
    /* datagrams */
    struct ln__packet *rx_first, *rx_last;
    size_t rx_bytes;
    /* streams */
    struct ln__conn *conn;
    int side;                     /* of conn: 0 connected, 1 accepted */
    struct ln__conn *backlog_first, *backlog_last;
    size_t backlog_count;
};

struct ln__slot {
    struct ln__sock *sock;
    uint32_t generation;
    uint32_t next_free;
};

extern const struct ln_net_ops ln__mem_net_ops; /* its ctx is the host */

struct ln__sock *ln__sock_of(const struct ln_testkit *kit, ln_handle handle);
enum ln_status ln__sock_new(struct ln_testkit_host *host, enum ln_net_kind kind,
                            enum ln_family family, struct ln__sock **out);
/* Give it a free port, if it has none. */
enum ln_status ln__sock_bind_any(struct ln__sock *s, struct ln_diag *diag);
/* Be bound to a port beside others: of an accepted stream. */
void ln__sock_join_port(struct ln__sock *s, struct ln__port *port);
/* From the port's open list (unconnected) into the table of the connected, or nowhere (streams). */
enum ln_status ln__sock_set_peer(struct ln__sock *s, const struct ln_addr *local,
                                 const struct ln_addr *peer);
/* Who gets a packet: a connected socket that fits, else the newest that is bound closest. */
struct ln__sock *ln__sock_for(struct ln_testkit_host *host, enum ln_net_kind kind,
                              const struct ln_addr *local, const struct ln_addr *peer);
/* The address, without port, from which the socket talks to `peer`. LN_REFUSED: there is none. */
enum ln_status ln__sock_source(const struct ln__sock *s, const struct ln_addr *peer,
                               struct ln_addr *out);
/* Drop everything but the handle; the state is GONE. */
void ln__sock_gut(struct ln__sock *s);
unsigned ln__sock_ready(const struct ln__sock *s, unsigned events);
/* Fill diag from a pending or a given failure. */
enum ln_status ln__fail(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                        const char *text);
const char *ln__error_text(enum ln_category category);

/* ---- datagrams (datagram.c) ---- */

enum ln_status ln__datagram_send(struct ln__sock *s, const struct ln_addr *to, struct ln_span data,
                                 size_t *sent, struct ln_diag *diag);
enum ln_status ln__datagram_recv(struct ln__sock *s, struct ln_mspan room, bool peek,
                                 struct ln_net_got *got, struct ln_diag *diag);
enum ln_status ln__datagram_connect(struct ln__sock *s, const struct ln_addr *peer,
                                    struct ln_diag *diag);
void ln__datagram_flush(struct ln__sock *s);

/* ---- streams (stream.c) ---- */

enum ln_status ln__stream_connect(struct ln__sock *s, const struct ln_addr *peer,
                                  struct ln_diag *diag);
enum ln_status ln__stream_finish(struct ln__sock *s, struct ln_diag *diag);
enum ln_status ln__stream_accept(struct ln__sock *s, ln_handle *out, struct ln_addr *peer,
                                 struct ln_diag *diag);
enum ln_status ln__stream_send(struct ln__sock *s, struct ln_span data, size_t *sent,
                               struct ln_diag *diag);
enum ln_status ln__stream_recv(struct ln__sock *s, struct ln_mspan room, bool peek,
                               struct ln_net_got *got, struct ln_diag *diag);
void ln__stream_shutdown(struct ln__sock *s);
/* The handle is closed, or the host forgets it (`silent`: nothing is sent). */
void ln__stream_close(struct ln__sock *s, bool silent);
bool ln__stream_readable(const struct ln__sock *s);
bool ln__stream_writable(const struct ln__sock *s);

/* ---- what happened (journal.c, capture.c) ---- */

void ln__note(struct ln_testkit *kit, enum ln_testkit_happened what, enum ln_net_kind kind,
              const struct ln_addr *from, const struct ln_addr *to, size_t len);

/* One IP packet for the capture. */
struct ln__frame {
    enum ln_net_kind kind;
    const struct ln_addr *from;
    const struct ln_addr *to;
    uint8_t dscp;
    uint8_t tcp_flags;
    uint32_t seq;
    uint32_t ack;
    struct ln_span data;
    const char *comment; /* NULL = none */
};
#define LN__TCP_FIN 0x01u
#define LN__TCP_SYN 0x02u
#define LN__TCP_RST 0x04u
#define LN__TCP_PSH 0x08u
#define LN__TCP_ACK 0x10u
void ln__capture_frame(struct ln_testkit *kit, const struct ln__frame *frame);

/* ---- the world (world.c) ---- */

#define LN__SERVICES_MAX 8

struct ln__service {
    ln_msec (*serve)(void *user, ln_msec now);
    void *user;
    ln_msec next;
};

struct ln_testkit {
    struct ln_testkit *older;       /* of the same thread */
    struct ln_testkit_config config;
    int64_t now_us;
    int64_t wall_offset_us; /* wall = now + offset */
    uint64_t order;
    struct ln__queue queue;
    struct ln_testkit_host *hosts, **hosts_end;
    unsigned host_count;
    struct ln_testkit_nat *nats;
    struct ln__address *all_addresses;
    struct ln__link *all_links;
    struct ln__conn *all_conns;
    struct ln__table addresses;
    struct ln__table links;
    struct ln__table ports;
    struct ln__table connected;
    struct ln__table mappings_inside;
    struct ln__table mappings_public;
    struct ln__slot *slots;
    uint32_t slot_room, slot_free;
    struct ln_testkit_link *any;    /* settings of every link without its own */
    void (*tap)(void *user, struct ln_testkit_packet *packet);
    void *tap_user;
    void (*capture)(void *user, struct ln_span bytes);
    void *capture_user;
    struct ln_testkit_event *journal;
    size_t journal_first, journal_count;
    uint64_t trace_hash;
    struct ln__service services[LN__SERVICES_MAX];
    size_t service_count;
    bool serving;
    int64_t last_wait_us;
    unsigned stalled_waits;         /* in a row at that time */
    struct ln__name *names;         /* the zone */
    void (*machine_free)(struct ln_testkit_host *host); /* of src/testkit; NULL: nothing to free */
    void (*names_free)(struct ln_testkit *kit);
    char text[320];
};

void *ln__mem_alloc(struct ln_testkit *kit, size_t size); /* not cleared */
void *ln__mem_zeroed(struct ln_testkit *kit, size_t size);
void *ln__mem_resize(struct ln_testkit *kit, void *block, size_t size);
void ln__mem_free(struct ln_testkit *kit, void *block);

/* Keep a sentence for ln_testkit_text(). */
void ln__text(struct ln_testkit *kit, const char *format, ...) LN_PRINTF(2, 3);

/* Call the services that are due or, after something happened, all of them. */
void ln__serve(struct ln_testkit *kit, bool happened);
/* When something happens next, at most `until`: an event or a service. */
int64_t ln__next_us(const struct ln_testkit *kit, int64_t until_us);
/* Go to `at_us` and let everything happen that is due then. True if something did. */
bool ln__reach(struct ln_testkit *kit, int64_t at_us);
/* Milliseconds into microseconds without overflow; LN_NEVER stays the greatest. */
int64_t ln__us(ln_msec ms);

#endif
