/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_FILTER_H
#define LN_FILTER_H
/**
 * @file filter.h
 * For those who write a filter or a transport of their own: the table behind every socket.
 *
 * A filter embeds `struct ln_sock` as its first member, has one constant `struct ln_sock_ops`, and
 * is allocated by ln_filter_new(). The core (src/net/sock.c) checks every call against the state,
 * drives connect, shutdown, close and destroy through the stack in the right order, counts bytes,
 * and marks failures; a filter does its own work only. An operation that is NULL passes through to
 * the socket below; where there is none below, it is LN_UNSUPPORTED (or, for step, shutdown, close,
 * interest, info, notice and destroy, nothing to do).
 *
 * Example:  examples/04_custom_transport.c, docs/howto-transport.md
 */
#include <linnet/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LN_TRAIT_STREAM 1u   /**< bytes without boundaries */
#define LN_TRAIT_DATAGRAM 2u /**< boundaries are kept */
#define LN_TRAIT_SECURE 4u   /**< what leaves below is encrypted and authenticated */

/** What a filter is told about the stack it is part of. */
enum ln_notice {
    LN_NOTICE_OPENED,           /**< the whole stack is open: this address and port are good */
    LN_NOTICE_HANDSHAKE_FAILED, /**< a filter above failed to connect over us */
    LN_NOTICE_NO_ANSWER,        /**< a datagram handshake above waits and nothing came back yet: try
                                     the next address, if there is one */
    LN_NOTICE_GIVE_UP, /**< the caller's patience ends: whoever is connecting records in the
                                     diagnosis what it was waiting for */
};

struct ln_sock_ops {
    const char *name; /**< for diagnoses and traces: "udp", "tls/openssl" */
    unsigned traits;  /**< LN_TRAIT_*; 0 = those of the socket below */

    /** Called when everything below is OPEN, and again by step until it is not LN_AGAIN. The host is
     *  s->host, the port s->port (both of the stack). Failure leaves the core to mark FAILED. */
    enum ln_status (*connect)(struct ln_sock *s, ln_msec now);
    enum ln_status (*bind)(struct ln_sock *s, const struct ln_addr *local);
    /** *out is a transport made by ln_filter_new(), which counts as OPEN, or a filter over a client
     *  that the socket below accepted, which step drives through connect. */
    enum ln_status (*accept)(struct ln_sock *s, ln_msec now, struct ln_sock **out);
    /** OPEN or BOUND: timers. The socket below was stepped before. */
    enum ln_status (*step)(struct ln_sock *s, ln_msec now);
    enum ln_status (*send)(struct ln_sock *s, struct ln_span data, size_t *sent);
    /** `*got` is 0 at entry. A cut datagram: LN_NO_SPACE, and s->datagram_len its true length. Empty
     *  room is a question, see ln_sock_recv(). */
    enum ln_status (*recv)(struct ln_sock *s, struct ln_mspan room, size_t *got);
    enum ln_status (*send_to)(struct ln_sock *s, const struct ln_addr *to, struct ln_span data);
    /** `peek` leaves the datagram where it is. `from` is never NULL. */
    enum ln_status (*recv_from)(struct ln_sock *s, struct ln_mspan room, bool peek, size_t *got,
                                struct ln_addr *from);
    /** This layer only; the core goes on below. */
    enum ln_status (*shutdown)(struct ln_sock *s, ln_msec now);
    /** This layer only: back to what ln_filter_new() made, settings kept. Cannot fail. */
    void (*close)(struct ln_sock *s);
    /** Rewrite want->events into what is needed from below; lower the deadline; add handles. */
    void (*interest)(const struct ln_sock *s, struct ln_interest *want);
    /** Fill in what this layer knows. Called from the bottom to the top: later ones may correct. */
    void (*info)(const struct ln_sock *s, struct ln_sock_info *out);
    void (*notice)(struct ln_sock *s, enum ln_notice notice);
    /** This layer only: release everything but the structure itself. Called after close. */
    void (*destroy)(struct ln_sock *s);
};

/** The base of every filter. Read it freely; only the core writes what is marked (core). */
struct ln_sock {
    const struct ln_sock_ops *ops;
    const struct ln_env *env;
    struct ln_sock *below;    /**< (core) owned; NULL at the bottom */
    struct ln_diag *diag;     /**< one for the whole stack */
    enum ln_sock_state state; /**< (core) */
    enum ln_role role;        /**< set by accept and wrap */
    unsigned traits;          /**< (core) own or inherited */
    bool accepting;           /**< (core) made by accept: step drives connect */
    bool resting;             /**< (core) accept failed: not again before `accept_at` */
    uint16_t rest_ms;        /**< (core) how long the last rest was; 0 = there is no need for one */
    uint16_t port;           /**< (core) */
    ln_msec accept_at;       /**< (core) */
    char *host;              /**< (core) of the stack, kept in the top socket; NULL = none */
    size_t datagram_len;     /**< true length of the datagram received last */
    uint64_t sent_bytes;     /**< (core) */
    uint64_t received_bytes; /**< (core) */
};

/**
 * Make a filter.
 *
 * @param ops    constant, must outlive the socket
 * @param size   of the structure that embeds struct ln_sock first
 * @param env    borrowed until the socket is freed; NULL = that of `below`
 * @param below  taken on success; NULL for the bottom of a stack
 * @param out    a zeroed structure with its base filled in, to be released with ln_sock_free()
 * @retval LN_BAD_STATE  `below` is SHUT or FAILED. Over an OPEN one the result is CONNECTING, else it
 *                       starts in the state of `below`
 * @retval LN_NO_MEMORY  `below` is still the caller's
 */
LN_MUST_USE LN_API enum ln_status ln_filter_new(const struct ln_sock_ops *ops, size_t size,
                                                const struct ln_env *env, struct ln_sock *below,
                                                struct ln_sock **out);

/** For filters: talk to the socket below. Same contracts as the public calls, with the state
 *  checks and counters of that socket. */
LN_MUST_USE LN_API enum ln_status ln_below_send(struct ln_sock *s, struct ln_span data,
                                                size_t *sent);
LN_MUST_USE LN_API enum ln_status ln_below_recv(struct ln_sock *s, struct ln_mspan room,
                                                size_t *got);

/** Tell every socket below `s`. */
LN_API void ln_below_notice(struct ln_sock *s, enum ln_notice notice);

#ifdef __cplusplus
}
#endif
#endif
