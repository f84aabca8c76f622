/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_SOCK_H
#define LN_SOCK_H
/**
 * @file sock.h
 * One socket API for UDP, TCP, DTLS and TLS, client and server: a stack of filters.
 *
 * Life:     ln_sock_new -> ln_sock_connect -> (interest, wait, step)* -> send/recv* ->
 *           ln_sock_close -> connect again, or ln_sock_free. Servers: bind -> accept*.
 * Blocking: nothing here blocks. blocking.h has the classic calls on top of it.
 * Threads:  one thread per socket. TLS configurations may be shared between threads.
 * Memory:   through the environment given at creation, which must outlive the socket.
 * Errors:   status.h; the story is in ln_sock_diag(). After a failure a socket is either unchanged,
 *           or LN_SOCK_FAILED until ln_sock_close(), which always leads back to LN_SOCK_CLOSED with
 *           settings, counters, preferred address and session kept: the same object connects again.
 * Example:  examples/00_secure_socket.c
 *
 * The rules of the stack:
 *  1. `recv` that returns LN_OK with 0 bytes is the proven end of a stream; on datagrams it is an
 *     empty datagram. The end of a TLS stream without close_notify is LN_BAD_PEER (truncated).
 *  2. LN_AGAIN always comes with a non-empty interest: a handle, a deadline or `ready`.
 *  3. A filter talks to the socket below only; it never connects, closes or frees its neighbour.
 *  4. Interest runs from the top to the bottom: each filter turns what is wanted of it into what it
 *     needs from below (TLS may turn "read" into "write") and may lower the deadline.
 *  5. A datagram filter never merges or splits datagrams, and tells its overhead.
 *  6. What is pending inside a filter (a decrypted record) shows as `ready`; the caller reads until
 *     LN_AGAIN before it waits.
 */
#include <linnet/addr.h>
#include <linnet/diag.h>
#include <linnet/env.h>
#include <linnet/span.h>
#include <linnet/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_sock;
struct ln_tls_config;

enum ln_sock_kind { LN_UDP = 0, LN_TCP, LN_DTLS, LN_TLS };

/**
 * The states, and what is legal in them (anything else: LN_BAD_STATE, nothing changes).
 *
 * CLOSED      connect, bind, set options
 * BOUND       UDP: send_to, recv_from; UDP, DTLS: connect, from the port that was bound; all: accept
 * CONNECTING  step; resolving, connecting and handshaking all count
 * OPEN        send, recv, shutdown, step
 * SHUT        recv of what had already arrived; the addresses still answer
 * FAILED      close
 * close, free, info, interest and diag are legal in every state.
 */
enum ln_sock_state {
    LN_SOCK_CLOSED = 0,
    LN_SOCK_BOUND,
    LN_SOCK_CONNECTING,
    LN_SOCK_OPEN,
    LN_SOCK_SHUT,
    LN_SOCK_FAILED,
};

/** "open" and so on. Never NULL. */
LN_API const char *ln_sock_state_name(enum ln_sock_state state);

/** Settings of the transport, copied. All zero is valid and means the defaults. */
struct ln_sock_options {
    enum ln_family family;           /**< hard: the other family is never used */
    enum ln_family preferred_family; /**< soft: tried first; default IPv6 (RFC 8305) */
    uint8_t dscp;                    /**< 0..63, 0 = leave alone; ECN bits are kept */
    uint8_t priority;                /**< 0..7, 0 = leave alone; SO_PRIORITY */
    bool reuse_addr;                 /**< SO_REUSEADDR at bind; UDP and DTLS need it to accept */
    bool transparent;                /**< IP_TRANSPARENT; privileged */
    bool fresh_port;                 /**< UDP: a new local port for each connect (default: the port
                                          is kept over reconnects until a handshake fails) */
    const char *interface_name;      /**< SO_BINDTODEVICE; NULL or "" = any */
    uint16_t mtu;                    /**< 0 = ask the system; else 68..65535 replaces its answer */
    uint32_t resolve_timeout_ms;     /**< 0 = 30 s, for all questions of one connect */
    uint32_t connect_timeout_ms;     /**< 0 = 10 s, for each address */
    uint32_t race_delay_ms;          /**< 0 = 250 ms between the starts of a race (RFC 8305 5) */
    struct ln_addr preferred;        /**< tried first if it is among the resolved addresses */
};
#define LN_SOCK_OPTIONS_INIT { LN_FAMILY_ANY, LN_FAMILY_ANY, 0, 0, false, false, false, NULL, 0,   \
                               0, 0, 0, { 0, 0, 0, { 0 } } }

/** The longest host name that can be connected to, without its NUL. */
#define LN_HOST_MAX 255

enum ln_role { LN_CLIENT = 0, LN_SERVER };

/** What TLS and DTLS know about their session. All zero on plain sockets and before the handshake. */
struct ln_tls_info {
    uint16_t version;      /**< 0x0303, 0x0304, 0xfefd; 0 = no handshake yet */
    uint16_t suite;        /**< IANA id */
    uint16_t group;        /**< IANA id; 0 = none (plain PSK, RSA) or not known */
    bool resumed;          /**< an earlier session was resumed; never true for an external PSK */
    bool cid_in_use;       /**< DTLS Connection ID was negotiated */
    bool cid_restored;     /**< the last connect needed no handshake at all */
    bool session_stored;   /**< the session store holds a session of this connection */
    enum ln_verify verify; /**< also recorded where verification is switched off */
    int verify_native;
    const char *alpn; /**< chosen protocol or ""; borrowed until the socket is closed */
    uint16_t flights_sent;
    uint16_t flights_received;
    uint16_t retransmissions;
    ln_msec handshake_ms;     /**< from the first byte to the last, 0 before */
    uint64_t dropped_records; /**< DTLS records our guard kept away from the library */
};

/** What is known about a socket; legal in every state, so unknown values are zero. */
struct ln_sock_info {
    enum ln_sock_state state;
    enum ln_role role;
    const char *host;     /**< as given to connect, "" if none; borrowed until close */
    struct ln_addr peer;  /**< numeric, after connect or accept */
    struct ln_addr local; /**< numeric, after bind or connect */
    size_t mtu;           /**< largest IP packet of the path; 0 = not known or not IP */
    size_t inner_mtu;     /**< largest datagram send() takes now; 0 = a stream, or not open */
    size_t overhead;      /**< bytes the filters add to each datagram */
    size_t datagram_len;  /**< true length of the datagram that recv() gave last */
    uint64_t app_sent;    /**< bytes the caller sent; survives close */
    uint64_t app_received;
    uint64_t wire_sent; /**< bytes the lowest socket sent: records, handshakes; survives */
    uint64_t wire_received;
    ln_msec resolve_ms; /**< how long the last connect took to resolve, ... */
    ln_msec connect_ms; /**< ... to reach an address, from the first attempt */
    struct ln_tls_info tls;
};

/**
 * Make a stack: UDP, TCP, or DTLS over UDP, TLS over TCP.
 *
 * Touches no network. Credentials were loaded and checked when `tls` was made.
 * @param env      borrowed until the socket is freed
 * @param options  copied; NULL = defaults
 * @param tls      referenced; NULL for UDP and TCP, required otherwise
 * @param out      *out must be NULL; the caller owns what it receives
 * @retval LN_BAD_ARG    a field is out of range, *out was not NULL, tls is missing or of the other
 *                       kind; diag names it
 * @retval LN_NO_MEMORY  nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_sock_new(const struct ln_env *env, enum ln_sock_kind kind,
                                              const struct ln_sock_options *options,
                                              struct ln_tls_config *tls, struct ln_diag *diag,
                                              struct ln_sock **out);

/**
 * Put TLS or DTLS around a socket of the caller's own, in place (STARTTLS, modems, test doubles).
 *
 * A CLOSED socket is adopted and the handshake comes with connect. An OPEN one is adopted and its
 * handshake starts: the result is CONNECTING, its role is the lower socket's; go on with
 * ln_sock_step(). A BOUND one becomes a listener.
 * @param inout      taken on success, replaced by the wrapping socket; on failure untouched
 * @param tls        referenced; its kind must fit the nature of the socket (stream or datagram)
 * @param peer_name  copied; the name to verify and send as SNI; NULL = the lower socket's host
 * @retval LN_BAD_ARG    the natures differ; diag tells
 * @retval LN_BAD_STATE  the socket is SHUT, FAILED or CONNECTING
 * @retval LN_NO_MEMORY
 */
LN_MUST_USE LN_API enum ln_status ln_sock_wrap(struct ln_sock **inout, struct ln_tls_config *tls,
                                               const char *peer_name, struct ln_diag *diag);

/**
 * Begin to connect: resolve, connect, handshake. Never blocks.
 *
 * @param host  name or literal, copied; 1..255 bytes
 * @param port  1..65535
 * @retval LN_OK       open already
 * @retval LN_AGAIN    under way: wait for ln_sock_interest(), then ln_sock_step()
 * @retval LN_BAD_ARG, LN_BAD_STATE  nothing changed
 * @retval others      FAILED; see ln_sock_diag()
 */
LN_MUST_USE LN_API enum ln_status ln_sock_connect(struct ln_sock *s, const char *host,
                                                  uint16_t port, ln_msec now);

/**
 * Bind to a local address; streams listen at once.
 *
 * @param local  NULL or port 0: any address, a free port
 * @retval LN_OK       BOUND
 * @retval others      CLOSED as before; see ln_sock_diag()
 */
LN_MUST_USE LN_API enum ln_status ln_sock_bind(struct ln_sock *s, const struct ln_addr *local);

/**
 * Take one waiting client, if there is one.
 *
 * The new socket uses the same environment, options and TLS configuration; with DTLS the client
 * has proven its address by a cookie (RFC 6347 4.2.1) before anything was allocated for it.
 * @param out  *out must be NULL; receives a socket that is OPEN, or CONNECTING while it shakes hands
 * @retval LN_AGAIN  nobody waits; or this failed a moment ago, see below
 * @retval others    still BOUND; see ln_sock_diag(). Where this was no mistake of the program, nobody is
 *                   asked again for 10 ms, and for twice as long after each further failure, up to a
 *                   second: a client that cannot be taken (no descriptor left) would otherwise keep
 *                   an event loop busy. Interest has a deadline then, and nothing to read.
 */
LN_MUST_USE LN_API enum ln_status ln_sock_accept(struct ln_sock *s, ln_msec now,
                                                 struct ln_sock **out);

/**
 * Do all work that is due: answers of name servers, connects, handshakes, retransmissions.
 *
 * @param now  monotonic; must not go back
 * @retval LN_OK     nothing is under way any more (OPEN, BOUND, CLOSED, SHUT)
 * @retval LN_AGAIN  still CONNECTING
 * @retval others    FAILED now, or before; see ln_sock_diag()
 */
LN_MUST_USE LN_API enum ln_status ln_sock_step(struct ln_sock *s, ln_msec now);

/**
 * Stop waiting for a connect or handshake: FAILED, LN_TIMEOUT, and a diagnosis of what was missing.
 * For callers with a deadline of their own. A socket that is not CONNECTING is left as it is.
 */
LN_API void ln_sock_give_up(struct ln_sock *s);

/**
 * Say what to wait for.
 * @param events  what the caller wants to do: LN_WANT_READ to receive or accept, LN_WANT_WRITE
 * @param want    out
 */
LN_API void ln_sock_interest(const struct ln_sock *s, unsigned events, struct ln_interest *want);

/**
 * Send. A datagram goes out whole; of a stream at least one byte is taken, perhaps not all.
 *
 * @param sent  bytes taken; 0 unless LN_OK
 * @retval LN_AGAIN     nothing was taken; send the same data again later (on TLS before anything else:
 *                      its record may be half on its way, and would be taken for what comes instead)
 * @retval LN_NO_SPACE  the datagram is larger than info.inner_mtu allows; nothing changed
 * @retval others       FAILED, or (UDP) an ICMP error of an earlier datagram: unchanged
 */
LN_MUST_USE LN_API enum ln_status ln_sock_send(struct ln_sock *s, struct ln_span data,
                                               size_t *sent);

/**
 * Receive. See the rules at the top of this file for 0 bytes.
 *
 * Empty room is a question: LN_OK if a receive would not say LN_AGAIN. Nothing is consumed.
 * @param got  bytes in room; 0 unless LN_OK or LN_NO_SPACE
 * @retval LN_NO_SPACE  the datagram was longer than the room: room is full of its first bytes, the
 *                      rest is gone, info.datagram_len is its true length. Not a failure.
 * @retval LN_CLOSED    DTLS: the peer ended the association (close_notify). Streams: the connection
 *                      was reset. FAILED
 * @retval LN_BAD_PEER  a stream that was cut, a record that was forged; FAILED
 * @retval LN_REFUSED   UDP: an ICMP error; unchanged. TLS, DTLS: the peer sent a fatal alert; FAILED
 */
LN_MUST_USE LN_API enum ln_status ln_sock_recv(struct ln_sock *s, struct ln_mspan room,
                                               size_t *got);

/** Send one datagram to an address. UDP, BOUND (or OPEN). Results as ln_sock_send(). */
LN_MUST_USE LN_API enum ln_status ln_sock_send_to(struct ln_sock *s, const struct ln_addr *to,
                                                  struct ln_span data);

/** Receive one datagram and its sender (also with LN_NO_SPACE). UDP, BOUND (or OPEN).
 *  `from` may be NULL. Results as ln_sock_recv(). */
LN_MUST_USE LN_API enum ln_status ln_sock_recv_from(struct ln_sock *s, struct ln_mspan room,
                                                    size_t *got, struct ln_addr *from);

/**
 * Stop traffic in both directions and keep everything else: SHUT. Sends close_notify where the
 * policy says so (tls.h), as far as it can be sent at once.
 * @retval LN_BAD_STATE  the socket is not OPEN
 */
LN_MUST_USE LN_API enum ln_status ln_sock_shutdown(struct ln_sock *s, ln_msec now);

/** Drop the connection: always CLOSED afterwards, from every state. Unread data is gone; host and
 *  peer are forgotten; settings, counters, the preferred address and the session are kept. A healthy
 *  connection says close_notify where the policy says so (tls.h). */
LN_API void ln_sock_close(struct ln_sock *s);

/** Close and release the whole stack. NULL is allowed. */
LN_API void ln_sock_free(struct ln_sock *s);

/** Whether the state is LN_SOCK_OPEN; much cheaper than ln_sock_info(). */
LN_API bool ln_sock_is_open(const struct ln_sock *s);

/** Fill in everything that is known. Legal in every state. */
LN_API void ln_sock_info(const struct ln_sock *s, struct ln_sock_info *out);

/** What failed last; status LN_OK if nothing did. Borrowed until the next call on the socket.
 *  It survives close and is cleared by the next connect, bind or accept. */
LN_API const struct ln_diag *ln_sock_diag(const struct ln_sock *s);

#ifdef __cplusplus
}
#endif
#endif
