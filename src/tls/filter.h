/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_FILTER_H
#define LN_TLS_FILTER_H
/**
 * @file filter.h
 * One TLS or DTLS socket as the files of src/tls see it.
 *
 * filter.c    the socket operations: handshake, timers, data, closing
 * link.c      the engine and its I/O: guard, flights, byte counts
 * listener.c  servers: accept, and the cookie exchange of DTLS before anything is kept
 * verify.c    whether the peer's certificate is accepted
 * session.c   what is remembered of a session, and whose it is
 * diagnose.c  facts -> category and sentence
 *
 * Ownership: a socket owns its link while it is connecting or open; the link owns the engine. A
 * link may be born in a listener and handed to the socket of the client that proved its address.
 */
#include "tls/blob.h"
#include "tls/config.h"
#include "tls/dtls_guard.h"
#include <linnet/filter.h>

struct ln_tls_sock;

/** One run of an engine, from start() to stop(). */
struct ln_tls_link {
    const struct ln_env *env;
    const struct ln_tls_backend *backend;
    struct ln_tls_config *config; /**< referenced */
    struct ln_tls_sock *owner;    /**< NULL while a listener holds it */
    struct ln_tls_io io;
    struct ln_tls_facts facts;
    struct ln_dtls_guard guard;
    bool datagram;
    bool open;
    size_t cid_overhead;    /**< bytes that a Connection ID adds to each datagram */
    bool sending;           /**< the flight under way is ours */
    struct ln_addr refused; /**< the first address of a DTLS server that refused; or none */
    uint16_t datagrams;     /**< DTLS: received in the handshake */
    size_t largest;         /**< DTLS: the largest of them */
    bool too_large;         /**< the socket below would not take the last datagram */
    bool moved;             /**< the hello must go to another address */
    struct ln_span peeked;  /**< listeners: the datagram being looked at */
    struct ln_addr sender;  /**< listeners: who sent it */
    struct ln_sock *wire;   /**< listeners: where answers go */
    uint8_t sender_id[32];
    void *engine;
};

struct ln_tls_sock {
    struct ln_sock base;
    struct ln_tls_config *config; /**< referenced */
    struct ln_tls_link *link;     /**< NULL while closed */
    struct ln_tlsa_set *tlsa;     /**< of this socket alone; NULL = the configuration's */
    char *server_name;            /**< set by the user; NULL = the host */
    char *peer_name;              /**< given to wrap; NULL = the host */
    ln_msec started_at;
    ln_msec retransmit_at; /**< DTLS; LN_NEVER = no timer runs */
    ln_msec give_up_at;
    ln_msec handshake_ms;
    uint32_t flight;       /**< of the timer: which of our flights it runs for */
    uint16_t tries_before; /**< retransmissions before this flight */
    size_t mtu;
    size_t send_max;  /**< DTLS: the longest datagram that is known to fit */
    bool handed_over; /**< by a listener: the clock has not begun */
    bool session_offered;
    bool session_stored;
    bool restored;  /**< no handshake was needed */
    bool forgotten; /**< the user wants nothing kept of this connection */
    bool asked;     /**< something was sent since the peer proved that it knows the association, */
    bool answered;  /**< ... and it did so again */
    bool time_floored;           /**< the wall clock could not be believed */
    struct ln_blob_peer peer_id; /**< of the last connect, for the store; all zero = none */
};

/* filter.c */
struct ln_tls_sock *ln__tls_of(const struct ln_sock *s); /**< NULL if it is no TLS socket */
/** The name to verify, or "". */
const char *ln__tls_name(const struct ln_tls_sock *t);
const struct ln_tlsa_set *ln__tls_records(const struct ln_tls_sock *t);
/** The largest datagram that a handshake sends. */
size_t ln__tls_handshake_mtu(const struct ln_tls_sock *t);
enum ln_status ln__tls_sock_new(struct ln_sock *below, struct ln_tls_config *config,
                                const char *peer_name, struct ln_sock **out);

/* link.c */
/** @param env  of the socket: those that share a configuration do not share its memory */
enum ln_status ln__tls_link_new(const struct ln_env *env, struct ln_tls_config *config,
                                struct ln_tls_link **out);
/** Start the engine for a socket of its own. */
enum ln_status ln__tls_link_start(struct ln_tls_link *link, struct ln_tls_sock *owner,
                                  const char *server_name, struct ln_span session);
/** The same with an association that goes on. Where it cannot, the link is as before. */
enum ln_status ln__tls_link_restore(struct ln_tls_link *link, struct ln_tls_sock *owner,
                                    struct ln_span association);
void ln__tls_link_own(struct ln_tls_link *link, struct ln_tls_sock *owner);
void ln__tls_link_free(struct ln_tls_link *link);

/* listener.c */
enum ln_status ln__tls_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out);
enum ln_status ln__tls_bind(struct ln_sock *s, const struct ln_addr *local);

/* verify.c */
enum ln_status ln__tls_verify(struct ln_tls_sock *t, const struct ln_tls_chain *chain);

/* session.c */
/** Load the session of this peer and these settings into `room`; 0 if there is none that fits. */
size_t ln__tls_session_load(struct ln_tls_sock *t, struct ln_mspan room);
/** Keep a session for the peer that the last load was for. */
void ln__tls_session_save(struct ln_tls_sock *t, struct ln_span session);
/** Whether the store has a session of the peer that the last load was for. */
bool ln__tls_session_is_kept(struct ln_tls_sock *t);
/** Remove what is stored of the peer, and keep nothing of what is open now. */
void ln__tls_session_forget(struct ln_tls_sock *t);

/* association.c */
/**
 * Take the association of this peer and these settings out of the store. It cannot be taken twice,
 * also not after a crash from here on.
 * @return its length; 0 if there is none that may be used
 */
size_t ln__tls_association_take(struct ln_tls_sock *t, struct ln_mspan room);
/** Keep the open association, if it is worth it. The engine is of no use afterwards. */
void ln__tls_association_keep(struct ln_tls_sock *t);

/* diagnose.c */
enum ln_status ln__tls_diagnose(struct ln_tls_sock *t, enum ln_status status, enum ln_phase phase);

#endif
