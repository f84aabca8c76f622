/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTKIT_H
#define LN_TESTKIT_H
/**
 * @file testkit.h
 * A bad network for tests: hosts, links, clock, memory and files that fail on command, repeatably.
 *
 * Life:     ln_testkit_new -> ln_testkit_host_new* -> ln_testkit_env for each host -> sockets on
 *           these environments, ln_testkit_run -> free the sockets -> ln_testkit_free.
 * Time:     virtual. It moves only while something waits: the network's wait() (so that blocking.h
 *           works), ln_testkit_run() and ln_testkit_advance(). A day costs what happens in it. Even
 *           a link without delay delivers only then, never within the call that sends.
 *           A wait() for what can never come is LN_IO, one of 100,000 without progress LN_INTERNAL.
 * Chance:   every die is cast from the seed, one sequence for each direction of each link, and each
 *           purpose has its own: the same seed and program give the same run, to the last event
 *           (ln_testkit_trace_hash), and raising the loss does not change the delays.
 * Threads:  a kit and all that hangs on it belong to one thread. The one variable that is not in an
 *           object is the current kit of a thread, see ln_testkit_wall_us().
 * Memory:   the kit's own comes from config.alloc and is bounded by config; what the code under
 *           test allocates is counted for each host, see ln_testkit_memory().
 * Errors:   status.h. Functions that only set something up and cannot fail return nothing.
 * Example:  tests/unit/test_testkit_example.c, docs/howto-testkit.md
 *
 * The library linnet_testkit holds it; it is not part of a device.
 */
#include <linnet/env.h>
#include <linnet/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_testkit;      /**< one world: a clock, a network, its hosts */
struct ln_testkit_host; /**< one machine: addresses, memory, files, log */
struct ln_testkit_nat;  /**< one address translator */

/** Forever, always, without limit: in every count of this file. */
#define LN_TESTKIT_ALWAYS SIZE_MAX

/* ---- the world ---- */

/** All zero is valid and means the defaults. */
struct ln_testkit_config {
    uint64_t seed;
    int64_t wall_s;        /**< wall clock at the start; 0 = 2025-01-01 00:00:00 UTC */
    size_t flight_max;     /**< packets under way, more are dropped; 0 = 65536 */
    size_t events_max;     /**< kept in the list of events; 0 = 1024 */
    struct ln_alloc alloc; /**< for the kit itself; resize NULL = the heap of the C library */
};

/**
 * Make a world without hosts. It becomes the current one of this thread.
 * @param config  copied; NULL = defaults
 * @param out     the caller's
 * @retval LN_OK, LN_NO_MEMORY
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_new(const struct ln_testkit_config *config,
                                                 struct ln_testkit **out);
/** Release the world, its hosts and its NATs. NULL is allowed. Everything that uses an environment
 *  of its hosts must have been freed before. */
LN_API void ln_testkit_free(struct ln_testkit *kit);

/** What went wrong last in a call that says "the text tells", as one line; "" if nothing did. */
LN_API const char *ln_testkit_text(const struct ln_testkit *kit);

/* ---- time ---- */

/** The monotonic clock, which starts at 1,000,000 ms. */
LN_API ln_msec ln_testkit_now(const struct ln_testkit *kit);
/** The wall clock, in seconds. */
LN_API int64_t ln_testkit_wall(const struct ln_testkit *kit);
/** Let the wall clock jump. The monotonic clock does not notice. */
LN_API void ln_testkit_set_wall(struct ln_testkit *kit, int64_t wall_s);
/** Let `ms` pass: everything that is due on the way happens. Negative counts as 0. */
LN_API void ln_testkit_advance(struct ln_testkit *kit, int64_t ms);

/**
 * The wall clock of this thread's current world in microseconds, or -1 where there is none.
 *
 * For libraries that read gettimeofday() themselves, as the DTLS timers of OpenSSL do. The test
 * program defines that function, visible to shared libraries, and serves it from here:
 *
 *     __attribute__((visibility("default")))
 *     int gettimeofday(struct timeval *restrict tv, void *restrict zone)
 *     {
 *         int64_t us = ln_testkit_wall_us();
 *         (void)zone;
 *         if (us < 0)
 *             us = real_wall_us();     // clock_gettime(CLOCK_REALTIME), as it was before
 *         tv->tv_sec = us / 1000000;
 *         tv->tv_usec = us % 1000000;
 *         return 0;
 *     }
 *
 * The current world is the one made last in this thread; when it is freed, the one made before it.
 */
LN_API int64_t ln_testkit_wall_us(void);
/** Choose this thread's current world; NULL = none. */
LN_API void ln_testkit_make_current(struct ln_testkit *kit);

/** Call `act` when the clock reaches `when`: a cable pulled in the middle of a handshake. It may
 *  call everything of this file but what lets time pass. LN_NO_MEMORY: it will not be called. */
LN_MUST_USE LN_API enum ln_status ln_testkit_at(struct ln_testkit *kit, ln_msec when,
                                                void (*act)(void *user), void *user);

/**
 * Have `serve` called whenever something happened, before time goes on: a server in the same thread
 * as a client that blocks. It steps its sockets, must not wait, and returns when it wants to be
 * called at the latest (LN_NEVER: after the next event).
 * LN_NO_SPACE: more than 8 of them.
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_serve(struct ln_testkit *kit,
                                                   ln_msec (*serve)(void *user, ln_msec now),
                                                   void *user);
/** Call none of these with this `user` any more. */
LN_API void ln_testkit_serve_stop(struct ln_testkit *kit, const void *user);

/* ---- hosts ---- */

/**
 * Put a machine into the world. Its only interface is called "mem0".
 *
 * @param name       copied, for logs and captures
 * @param addresses  literals with spaces between them, "192.0.2.10 2001:db8::10"; "" or NULL =
 *                   none. 127.0.0.0/8 and ::1 are each host's own without being named.
 * @param out        the kit's; valid until the kit is freed
 * @retval LN_OK
 * @retval LN_BAD_ARG    a word is not a literal, or an address belongs to somebody; the text tells
 * @retval LN_NO_MEMORY  nothing was made
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_host_new(struct ln_testkit *kit, const char *name,
                                                      const char *addresses,
                                                      struct ln_testkit_host **out);
/** Never NULL. */
LN_API const char *ln_testkit_host_name(const struct ln_testkit_host *host);
/** One more address. LN_BAD_ARG, LN_NO_MEMORY as above. */
LN_MUST_USE LN_API enum ln_status ln_testkit_host_add(struct ln_testkit_host *host,
                                                      const char *address);
/** The address is gone, as after roaming: what is bound to it cannot send, what is sent to it meets
 *  the route of its address. LN_NOT_FOUND: it was not this host's. */
LN_MUST_USE LN_API enum ln_status ln_testkit_host_remove(struct ln_testkit_host *host,
                                                         const char *address);

/** What a datagram or connect to a port meets where nothing listens. */
enum ln_testkit_closed_port {
    LN_TESTKIT_CLOSED_REFUSES = 0, /**< ICMP port unreachable, or RST */
    LN_TESTKIT_CLOSED_SILENT,      /**< a firewall drops it */
};
LN_API void ln_testkit_host_closed_ports(struct ln_testkit_host *host,
                                         enum ln_testkit_closed_port how);

/** Pull the plug: what comes to the host is swallowed, what it sends goes nowhere. Its sockets
 *  still exist for those who hold them. */
LN_API void ln_testkit_host_kill(struct ln_testkit_host *host);
/** Put the plug back without a restart: sockets and connections are as before. */
LN_API void ln_testkit_host_revive(struct ln_testkit_host *host);
/** The machine starts anew (also from dead): its sockets are gone without a word to anybody. Who
 *  holds a handle gets LN_IO and can only close it; old connections are met with RST. */
LN_API void ln_testkit_host_restart(struct ln_testkit_host *host);

/** What becomes of packets to an address. */
enum ln_testkit_route {
    LN_TESTKIT_ROUTE_NORMAL = 0,  /**< the host that has it; nobody has it: as SILENT */
    LN_TESTKIT_ROUTE_NONE,        /**< no route: the call fails at once, unreachable */
    LN_TESTKIT_ROUTE_UNREACHABLE, /**< a router answers after the link's delay: host unreachable */
    LN_TESTKIT_ROUTE_SILENT,      /**< a black hole */
};
/** Choose for one address, whether somebody has it or not. LN_BAD_ARG: not a literal. */
LN_MUST_USE LN_API enum ln_status ln_testkit_route(struct ln_testkit *kit, const char *address,
                                                   enum ln_testkit_route route);

/** How calls on the streams of a host behave; 0 = no limit. For chunks of 1: every byte alone. */
struct ln_testkit_chunks {
    size_t read_max;  /**< most bytes of one receive */
    size_t write_max; /**< most bytes that one send takes */
    bool vary;        /**< cast between 1 and these */
};
LN_API void ln_testkit_host_chunks(struct ln_testkit_host *host,
                                   const struct ln_testkit_chunks *chunks);

/** Cut all connections between two hosts (NULL = any): both ends find a reset at once.
 *  @return how many */
LN_API size_t ln_testkit_reset_streams(struct ln_testkit *kit, const struct ln_testkit_host *a,
                                       const struct ln_testkit_host *b);
/** End the sending half of each connection from `from` to `to` (NULL = any), as if `from` had done
 *  it: `to` reads what was sent, then the end. The other half goes on.
 *  @return how many */
LN_API size_t ln_testkit_finish_streams(struct ln_testkit *kit, const struct ln_testkit_host *from,
                                        const struct ln_testkit_host *to);

/* ---- links ---- */

/**
 * One direction between two hosts. All zero is a perfect link without delay.
 *
 * Streams lose no bytes: a lost segment comes later (sent again after 200 ms, doubling, up to 15
 * times; a connect after 1 s, doubling, up to 6 times, then LN_TIMEOUT). Duplicates and reordering
 * do not show on streams.
 */
struct ln_testkit_link {
    uint16_t loss_permille;
    uint16_t duplicate_permille; /**< a second copy with a delay of its own */
    uint16_t reorder_permille;   /**< held back by reorder_ms, so that others overtake it */
    uint32_t reorder_ms;         /**< 0 = 50 */
    uint32_t delay_min_ms;       /**< evenly cast between these two */
    uint32_t delay_max_ms;       /**< below delay_min_ms: counts as delay_min_ms */
    bool keep_order;             /**< a shorter delay does not overtake (but `reorder` does) */
    uint32_t bytes_per_s;        /**< of IP packets; 0 = no limit */
    uint32_t queue_bytes;        /**< waiting for bytes_per_s, more are dropped; 0 = 65536 */
    uint16_t mtu;                /**< largest IP packet; 0 = 65535 */
    uint16_t reported_mtu;       /**< what the system believes; 0 = mtu, or "not known" if 0 */
    bool refuse_too_big; /**< a datagram above mtu: the call fails (EMSGSIZE); else dropped */
    bool down;           /**< everything is swallowed */
};

/** Choose for one direction. NULL = any host; the closest choice counts: this pair, then any from
 *  `from`, any to `to`, any. `link` is copied; NULL takes the choice back. LN_NO_MEMORY. */
LN_MUST_USE LN_API enum ln_status ln_testkit_link(struct ln_testkit *kit,
                                                  struct ln_testkit_host *from,
                                                  struct ln_testkit_host *to,
                                                  const struct ln_testkit_link *link);
/** Both directions alike. LN_NO_MEMORY. */
LN_MUST_USE LN_API enum ln_status ln_testkit_path(struct ln_testkit *kit, struct ln_testkit_host *a,
                                                  struct ln_testkit_host *b,
                                                  const struct ln_testkit_link *link);

/** What a link has seen. Datagrams and stream segments; bytes are payload without headers. */
struct ln_testkit_counters {
    uint64_t packets; /**< sent into it */
    uint64_t bytes;
    uint64_t delivered; /**< to a socket */
    uint64_t delivered_bytes;
    uint64_t lost; /**< by chance */
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t too_big;    /**< dropped or refused for the MTU */
    uint64_t refused;    /**< closed port, no route, host unreachable */
    uint64_t swallowed;  /**< dead host, black hole, link down, NAT without mapping, firewall */
    uint64_t overflowed; /**< no room: queue of the link, socket, or the kit's flight_max */
    uint64_t dropped_by_tap;
    uint64_t injected;
    uint64_t resent; /**< stream segments sent again */
    size_t largest;  /**< the largest datagram that was ever sent, payload */
};
/** The sum over all links from `from` to `to`; NULL = any host (also "nobody"). */
LN_API void ln_testkit_counters(const struct ln_testkit *kit, const struct ln_testkit_host *from,
                                const struct ln_testkit_host *to, struct ln_testkit_counters *out);

/* ---- address translation ---- */

/**
 * Make a NAT. Hosts behind it appear with its public address and a port of its choice; a mapping is
 * made by what they send, serves every peer, and is forgotten `idle_ms` after they sent last.
 *
 * @param address  the public address; its family is translated, the other one passes untouched
 * @param idle_ms  0 = never forgotten
 * @param out      the kit's; valid until the kit is freed
 * @retval LN_BAD_ARG, LN_NO_MEMORY  as ln_testkit_host_new()
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_nat_new(struct ln_testkit *kit, const char *address,
                                                     uint32_t idle_ms, struct ln_testkit_nat **out);
/** Put a host behind a NAT; NULL = behind none. Connections that exist do not survive it. */
LN_API void ln_testkit_host_behind(struct ln_testkit_host *host, struct ln_testkit_nat *nat);
/**
 * Forget all mappings: what is sent next comes from another port, what comes to an old one is
 * swallowed, connections break.
 * @param address  the new public address, or NULL to keep it
 * @retval LN_BAD_ARG  as above; nothing changed
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_nat_rebind(struct ln_testkit_nat *nat,
                                                        const char *address);

/* ---- looking at packets, and touching them ---- */

/** A packet on its way, for the tap. */
struct ln_testkit_packet {
    enum ln_net_kind kind;                   /**< of streams each segment with bytes is shown */
    const struct ln_testkit_host *from_host; /**< never NULL */
    const struct ln_testkit_host *to_host;   /**< NULL: nobody has that address */
    struct ln_addr from;                     /**< as on the wire: a NAT's public address */
    struct ln_addr to;
    uint8_t dscp;  /**< as the socket was opened */
    uint8_t *data; /**< may be changed */
    size_t len;    /**< may be changed up to room; of streams it is fixed */
    size_t room;
    uint32_t delay_ms; /**< in: 0; out: added to the link's delay */
    bool drop;         /**< in: false; out: true loses it (a segment is sent again) */
};

/** Show every packet at the moment it is sent, before the link's dice. It may call
 *  ln_testkit_inject() and all settings. One tap; NULL removes it. */
LN_API void ln_testkit_tap(struct ln_testkit *kit,
                           void (*tap)(void *user, struct ln_testkit_packet *packet), void *user);
/** Let a forged datagram arrive at `to` after `delay_ms`, whatever the link is like. `data` is
 *  copied. LN_NO_MEMORY, LN_NO_SPACE (flight_max): nothing was sent. */
LN_MUST_USE LN_API enum ln_status ln_testkit_inject(struct ln_testkit *kit,
                                                    const struct ln_addr *from,
                                                    const struct ln_addr *to, struct ln_span data,
                                                    uint32_t delay_ms);

/**
 * Write all traffic as a pcapng file for Wireshark: IP packets as the server side sees them, at the
 * time they are sent, their fate as a comment ("lost", "too big"). Begins with the file's head.
 * @param write  called with the next bytes of the file, borrowed for the call; NULL stops
 */
LN_API void ln_testkit_capture(struct ln_testkit *kit,
                               void (*write)(void *user, struct ln_span bytes), void *user);

/** What happened: name, the word in lines of text. */
#define LN_TESTKIT_HAPPENED_LIST(X)                                                                \
    X(SENT, "sent")                                                                                \
    X(DELIVERED, "delivered")                                                                      \
    X(LOST, "lost")                                                                                \
    X(DUPLICATED, "duplicated")                                                                    \
    X(REORDERED, "reordered")                                                                      \
    X(TOO_BIG, "too big")                                                                          \
    X(REFUSED, "refused")                                                                          \
    X(SWALLOWED, "swallowed")                                                                      \
    X(OVERFLOWED, "no room")                                                                       \
    X(TAPPED, "dropped by the tap")                                                                \
    X(INJECTED, "injected")                                                                        \
    X(RESENT, "sent again")                                                                        \
    X(CONNECTED, "connected")                                                                      \
    X(FINISHED, "finished")                                                                        \
    X(RESET, "reset")                                                                              \
    X(TIMED_OUT, "gave up")                                                                        \
    X(MAPPED, "mapped")                                                                            \
    X(REBOUND, "rebound")                                                                          \
    X(KILLED, "killed")                                                                            \
    X(REVIVED, "revived")                                                                          \
    X(RESTARTED, "restarted")

enum ln_testkit_happened {
#define LN_TESTKIT_HAPPENED_ENUM(name, word) LN_TESTKIT_##name,
    LN_TESTKIT_HAPPENED_LIST(LN_TESTKIT_HAPPENED_ENUM)
#undef LN_TESTKIT_HAPPENED_ENUM
};

struct ln_testkit_event {
    int64_t at_us; /**< monotonic */
    enum ln_testkit_happened what;
    enum ln_net_kind kind;
    struct ln_addr from;
    struct ln_addr to;
    size_t len;
};
/** Events still in the list; the oldest are forgotten first. */
LN_API size_t ln_testkit_event_count(const struct ln_testkit *kit);
/** One of them, 0 = the oldest. NULL: there is none. Borrowed until something happens. */
LN_API const struct ln_testkit_event *ln_testkit_event(const struct ln_testkit *kit, size_t index);
/** As one line: "1000.250 sent udp 192.0.2.1:5000 -> 192.0.2.2:5684 120". Always terminated.
 *  @return the length of the text, without the NUL */
LN_API size_t ln_testkit_event_line(const struct ln_testkit_event *event, char *text, size_t room);
/** A digest of all events from the beginning (not of payload): equal for equal runs. */
LN_API uint64_t ln_testkit_trace_hash(const struct ln_testkit *kit);

/* ---- the environment of a host ---- */

/**
 * Fill in an environment: everything the code under test gets belongs to this host. Members may be
 * replaced afterwards; the log level is DEBUG, the digest is left to the TLS library.
 */
LN_API void ln_testkit_env(struct ln_testkit_host *host, struct ln_env *env);

/** Where a host can be made to fail. */
enum ln_testkit_point {
    LN_TESTKIT_ALLOC = 0, /**< each allocation or growth; status is not used */
    LN_TESTKIT_NET,       /**< each call of ln_net_ops but close and wait */
    LN_TESTKIT_FILE,      /**< each call of ln_files */
    LN_TESTKIT_RANDOM,    /**< each request for randomness */
    LN_TESTKIT_RESOLVE,   /**< each question to the resolver */
};

struct ln_testkit_fault {
    size_t nth;   /**< counted from 0 at the moment of ln_testkit_fail() */
    size_t times; /**< calls in a row; 0 = none, 1 = once, LN_TESTKIT_ALWAYS = from then on */
    enum ln_status status; /**< LN_OK = LN_IO */
};
/** Make a point fail; it also starts its counts anew. NULL = never. */
LN_API void ln_testkit_fail(struct ln_testkit_host *host, enum ln_testkit_point point,
                            const struct ln_testkit_fault *fault);
/** Calls that reached the point since ln_testkit_fail(), or since the beginning. */
LN_API size_t ln_testkit_calls(const struct ln_testkit_host *host, enum ln_testkit_point point);
/** How many of them were made to fail. */
LN_API size_t ln_testkit_hits(const struct ln_testkit_host *host, enum ln_testkit_point point);

struct ln_testkit_memory {
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    uint64_t allocations; /**< that succeeded, growing included */
    uint64_t oldest_live; /**< number of the oldest live block, counted from 0; 0 if none is */
    size_t oldest_bytes;  /**< and its size; 0 = none is live */
};
LN_API void ln_testkit_memory(const struct ln_testkit_host *host, struct ln_testkit_memory *out);
/** Fail every allocation that would exceed `bytes` live ones, as a small device; 0 = no limit. */
LN_API void ln_testkit_memory_limit(struct ln_testkit_host *host, size_t bytes);
/** Raw sockets that are open on the host. */
LN_API size_t ln_testkit_open_handles(const struct ln_testkit_host *host);

/** The last 32 KiB of what was logged, oldest first, one line each: "1000.250 warn tls: text".
 *  Borrowed until the next line. Never NULL. */
LN_API const char *ln_testkit_log(const struct ln_testkit_host *host);
/** Forget what was logged. */
LN_API void ln_testkit_log_clear(struct ln_testkit_host *host);

/* ---- names ---- */

/** How a name server treats a question. All zero: it answers at once. */
struct ln_testkit_answer {
    uint32_t delay_ms;
    bool silent;           /**< never answers */
    enum ln_status status; /**< instead of addresses: LN_NOT_FOUND, LN_IO, LN_TIMEOUT, ... */
};
/** Write a name and its addresses (as ln_testkit_host_new()) into the zone of this world, in the
 *  order in which the resolver gives them; replaces what was there. LN_BAD_ARG, LN_NO_MEMORY. */
LN_MUST_USE LN_API enum ln_status ln_testkit_name(struct ln_testkit *kit, const char *name,
                                                  const char *addresses);
/** Choose how questions for a name (NULL = all not in the zone) and a family (LN_FAMILY_ANY = both)
 *  are treated. LN_NOT_FOUND: the name is not in the zone. */
LN_MUST_USE LN_API enum ln_status ln_testkit_name_answer(struct ln_testkit *kit, const char *name,
                                                         enum ln_family family,
                                                         const struct ln_testkit_answer *answer);

/* ---- files ---- */

enum ln_testkit_file_fault {
    LN_TESTKIT_FILE_SOUND = 0,
    LN_TESTKIT_FILE_SHORT,      /**< only the first half is there */
    LN_TESTKIT_FILE_MISSING,    /**< read and remove: LN_NOT_FOUND */
    LN_TESTKIT_FILE_DENIED,     /**< everything: LN_DENIED */
    LN_TESTKIT_FILE_UNREADABLE, /**< read: LN_IO */
    LN_TESTKIT_FILE_READ_ONLY,  /**< replace and remove: LN_IO, the old content stays */
    LN_TESTKIT_FILE_DISK_FULL,  /**< replace: LN_NO_SPACE, the old content stays */
};
/** Put a file onto the host, copied; or replace one. LN_NO_MEMORY. */
LN_MUST_USE LN_API enum ln_status ln_testkit_file_put(struct ln_testkit_host *host,
                                                      const char *path, struct ln_span data);
/** Look at a file whatever its fault. Borrowed until it changes. LN_NOT_FOUND. */
LN_MUST_USE LN_API enum ln_status ln_testkit_file_get(const struct ln_testkit_host *host,
                                                      const char *path, struct ln_span *out);
/** Give a path a fault, whether the file exists or not. LN_NO_MEMORY. */
LN_MUST_USE LN_API enum ln_status ln_testkit_file_fault(struct ln_testkit_host *host,
                                                        const char *path,
                                                        enum ln_testkit_file_fault fault);

/* ---- driving sockets ---- */

struct ln_testkit_pump {
    struct ln_sock *const *socks; /**< borrowed for the call; NULL among them are skipped */
    size_t count;
    /** Called after each round: accept, send and receive here. It may change `socks`. True ends
     *  the run. NULL: run until the deadline. */
    bool (*until)(void *user, ln_msec now);
    void *user;
    ln_msec deadline;  /**< monotonic; 0 = in 10 minutes of virtual time; LN_NEVER is allowed */
    size_t rounds_max; /**< rounds in which no time passes before it is a livelock; 0 = 10,000 */
};
/**
 * Step all sockets, wait in virtual time, again and again, until `until` is true. Made for tens of
 * sockets. Failures of the sockets are theirs to tell (ln_sock_diag).
 *
 * @retval LN_OK        `until` was true
 * @retval LN_TIMEOUT   the deadline came first, or (with LN_NEVER) nothing will ever happen again
 * @retval LN_INTERNAL  a livelock: somebody has work to do without end; the text tells who
 */
LN_MUST_USE LN_API enum ln_status ln_testkit_run(struct ln_testkit *kit,
                                                 const struct ln_testkit_pump *pump);

/* ---- sweeps: fail the first, the second, the third, ... ---- */

/** What a scenario came to. */
enum ln_testkit_verdict {
    LN_TESTKIT_COMPLETED = 0, /**< everything worked */
    LN_TESTKIT_TOLERATED,     /**< it worked, though what failed may fail (a ticket not stored) */
    LN_TESTKIT_FAILED,        /**< a failure was reported: from ln_testkit_failed() */
    LN_TESTKIT_BROKEN,        /**< a promise was broken: from ln_testkit_broken() */
};

/** One run of a scenario in a world of its own. */
struct ln_testkit_trial {
    struct ln_testkit *kit;         /**< new; freed after the scenario */
    struct ln_testkit_host *device; /**< its faults are armed; 192.0.2.10 and 2001:db8::10 */
    const char *phase;              /**< static text; set it as the scenario goes on */
    enum ln_status status;          /**< filled in by ln_testkit_failed() */
    char text[256];                 /**< filled in by ln_testkit_failed() and ln_testkit_broken() */
};

/**
 * Do what is to be tested on trial->device and free everything that was made there, whatever fails.
 * Other hosts are made by the scenario and do not fail.
 */
typedef enum ln_testkit_verdict ln_testkit_scenario(void *user, struct ln_testkit_trial *trial);

/** Return this when a call reported a failure. LN_OK and LN_AGAIN are no failures: BROKEN.
 *  @param diag  its text is kept for the report; NULL = none */
LN_API enum ln_testkit_verdict ln_testkit_failed(struct ln_testkit_trial *trial,
                                                 enum ln_status status, const struct ln_diag *diag);
/** Return this when something is not as it must be; `text` is a printf format. */
LN_API enum ln_testkit_verdict ln_testkit_broken(struct ln_testkit_trial *trial, const char *text,
                                                 ...) LN_PRINTF(2, 3);

#define LN_TESTKIT_TRANSIENT 1u /**< the Nth call fails, the next ones work */
#define LN_TESTKIT_STICKY 2u    /**< the Nth call and all after it fail */

struct ln_testkit_sweep {
    ln_testkit_scenario *scenario;
    void *user;
    uint64_t seed;         /**< of every trial */
    size_t first;          /**< the first N; to replay a failure: its N, and limit 1 */
    size_t stride;         /**< 0 = 1; larger ones sample */
    size_t limit;          /**< trials of each mode; 0 = until the fault is not reached any more */
    unsigned modes;        /**< LN_TESTKIT_TRANSIENT | _STICKY; 0 = both */
    enum ln_status status; /**< what fails with it (not memory); LN_OK = LN_IO */
    bool may_complete; /**< COMPLETED is fine although a fault was met: retransmission heals it */
};

/** What a sweep found. If it did not hold, the second half says where, for a replay. */
struct ln_testkit_report {
    bool held;  /**< every trial kept every promise */
    bool whole; /**< and the last N was not reached by any of them */
    size_t trials;
    size_t completed;
    size_t tolerated;
    size_t failed;
    size_t points; /**< calls of a run without faults */
    size_t n;      /**< of the first failing trial; LN_TESTKIT_ALWAYS = the run without faults */
    bool sticky;
    uint64_t seed;
    enum ln_status status;
    char phase[32];
    char text[320];
};

/**
 * Run a scenario with the Nth call at `point` failing, N = first, first + stride, ... until it is
 * not reached; before that once without a fault. Stops at the first trial that breaks a promise:
 * the run without a fault must be COMPLETED; no trial may be BROKEN, or COMPLETED where a fault was
 * met (see may_complete); afterwards no memory and no raw socket of any host may be live.
 *
 * @param sweep   borrowed for the call
 * @param report  NULL is allowed
 * @return report->held
 */
LN_API bool ln_testkit_for_each_fault(enum ln_testkit_point point,
                                      const struct ln_testkit_sweep *sweep,
                                      struct ln_testkit_report *report);
/** Of every allocation. */
LN_API bool ln_testkit_for_each_oom(const struct ln_testkit_sweep *sweep,
                                    struct ln_testkit_report *report);
/** Of every raw network call. */
LN_API bool ln_testkit_for_each_io_fault(const struct ln_testkit_sweep *sweep,
                                         struct ln_testkit_report *report);

/* ---- filters for any stack ---- */

enum ln_fault_call { LN_FAULT_CONNECT = 0, LN_FAULT_SEND, LN_FAULT_RECV };

enum ln_fault_action {
    LN_FAULT_FAIL = 0, /**< the call fails with `status`; nothing reaches the socket below */
    LN_FAULT_CUT,      /**< only `amount` bytes go: a short write or read, a truncated datagram */
    LN_FAULT_DELAY,    /**< it comes `amount` ms later; later ones may overtake datagrams */
    LN_FAULT_DROP,     /**< datagrams only, as the rest */
    LN_FAULT_DUPLICATE,
    LN_FAULT_REORDER, /**< after the next one, or after `amount` ms (0 = 20) */
    LN_FAULT_CORRUPT, /**< one bit of byte `amount` (modulo the length) turns; streams too */
};

#define LN_FAULT_RULES_MAX 16

struct ln_fault_rule {
    enum ln_fault_call call;
    enum ln_fault_action action;
    size_t nth;            /**< the first that is meant, from 0. FAIL counts calls; all others count
                                what was sent or received, because LN_AGAIN is not worth counting */
    size_t times;          /**< how many in a row; 0 = 1; LN_TESTKIT_ALWAYS */
    uint16_t permille;     /**< and of these only this many, by chance; 0 = all */
    enum ln_status status; /**< of FAIL. LN_AGAIN keeps the promise to be `ready` at once */
    uint32_t amount;
};

struct ln_fault_settings {
    uint64_t seed;
    const struct ln_fault_rule *rules; /**< copied; the first that matches acts */
    size_t count;                      /**< up to LN_FAULT_RULES_MAX */
};

/**
 * Put faults into a stack: above the transport, between TLS and UDP, or on top. Only connect, send
 * and recv; send_to and recv_from pass. The rules see both directions as the caller does.
 *
 * @param below     taken on success
 * @param settings  copied
 * @param out       the new top of the stack
 * @retval LN_BAD_ARG    too many rules, or one that does not fit (FAIL with LN_OK)
 * @retval LN_NO_MEMORY  `below` is still the caller's
 */
LN_MUST_USE LN_API enum ln_status ln_fault_filter_new(struct ln_sock *below,
                                                      const struct ln_fault_settings *settings,
                                                      struct ln_sock **out);
/** How often rule `index` acted. */
LN_API size_t ln_fault_filter_hits(const struct ln_sock *filter, size_t index);

enum ln_direction { LN_OUT = 0, LN_IN };

struct ln_trace_sink {
    /** Bytes as they pass; borrowed for the call. `s` is the filter. */
    void (*bytes)(void *user, const struct ln_sock *s, enum ln_direction direction,
                  struct ln_span bytes);
    void *user;
};
/** Report what passes through this place of a stack. `below` is taken on success, `sink` copied.
 *  LN_NO_MEMORY: `below` is still the caller's. */
LN_MUST_USE LN_API enum ln_status ln_trace_filter_new(struct ln_sock *below,
                                                      const struct ln_trace_sink *sink,
                                                      struct ln_sock **out);

#ifdef __cplusplus
}
#endif
#endif
