/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BLOCKING_H
#define LN_BLOCKING_H
/**
 * @file blocking.h
 * The classic calls for simple programs: connect, accept, send and receive that wait.
 *
 * A thin layer over sock.h: it loops over interest, the port's wait function and step. Every call
 * has one deadline on the monotonic clock of the environment; nothing restarts it: no EINTR, no
 * spurious wake-up, no discarded record, no post-handshake message. LN_TIMEOUT from recv and accept,
 * and from send on datagrams, changes no state: the socket is as usable as before. On a stream go on
 * with the rest of the same data, from *sent, or close: of TLS, a record of it may be half on its way.
 *
 * deadline: milliseconds of ln_now(env); LN_NEVER waits for ever; a deadline in the past makes one
 * attempt without waiting. LN_UNSUPPORTED where the environment's network has no wait function.
 */
#include <linnet/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `ms` from now, without overflow. Negative counts as 0. */
LN_API ln_msec ln_deadline_in(const struct ln_env *env, int64_t ms);

/** Connect and shake hands. LN_TIMEOUT leaves the socket CLOSED. */
LN_MUST_USE LN_API enum ln_status ln_sock_connect_until(struct ln_sock *s, const char *host,
                                                        uint16_t port, ln_msec deadline);
/** Go on with a socket that is CONNECTING (from accept or wrap) until it is OPEN. */
LN_MUST_USE LN_API enum ln_status ln_sock_open_until(struct ln_sock *s, ln_msec deadline);
/** Wait for a client; the result is OPEN: its handshake is done. */
LN_MUST_USE LN_API enum ln_status ln_sock_accept_until(struct ln_sock *s, ln_msec deadline,
                                                       struct ln_sock **out);
/** Send everything. *sent (may be NULL) tells how much went before a failure. */
LN_MUST_USE LN_API enum ln_status ln_sock_send_until(struct ln_sock *s, struct ln_span data,
                                                     ln_msec deadline, size_t *sent);
/** Receive once: some bytes of a stream, or one datagram. */
LN_MUST_USE LN_API enum ln_status ln_sock_recv_until(struct ln_sock *s, struct ln_mspan room,
                                                     ln_msec deadline, size_t *got);
/** As ln_sock_recv_from(). */
LN_MUST_USE LN_API enum ln_status ln_sock_recv_from_until(struct ln_sock *s, struct ln_mspan room,
                                                          ln_msec deadline, size_t *got,
                                                          struct ln_addr *from);
/** Resolve and send one datagram; the next address is tried only where one is unreachable. */
LN_MUST_USE LN_API enum ln_status ln_sock_send_to_until(struct ln_sock *s, const char *host,
                                                        uint16_t port, struct ln_span data,
                                                        ln_msec deadline);

#ifdef __cplusplus
}
#endif
#endif
