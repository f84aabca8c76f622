/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_COAP_LINK_H
#define LN_COAP_LINK_H
/**
 * @file coap_link.h
 * Joins a CoAP endpoint to a socket: UDP, DTLS, TCP or TLS, connected to one peer.
 *
 * Life:     ln_coap_link_init with an endpoint and a socket of the caller's -> ln_sock_connect ->
 *           (ln_coap_link_interest, wait, ln_coap_link_step)* -> close and reset both.
 * Use:      ln_coap_link_send is config.send and the link config.user's first member, or is called
 *           from a `send` of the caller's own.
 * Memory:   the caller's; the link holds two pointers.
 * Threads:  the socket's.
 */
#include <linnet/coap.h>
#include <linnet/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_coap_link {
    struct ln_coap *coap; /**< borrowed */
    struct ln_sock *sock; /**< borrowed; ALPN "coap" is set in its TLS options (RFC 8323 8.2) */
    bool started;         /**< false at first; this connection is known to the endpoint */
};

/** `send` of an endpoint: `user` is a struct ln_coap_link. */
LN_API enum ln_status ln_coap_link_send(void *user, ln_coap_peer peer, struct ln_span data,
                                        size_t *sent);

/**
 * Step socket and endpoint: connect and handshake, then receive what has come and do what is due.
 *
 * Takes one datagram, or one piece of the stream, from the system in each call, and all that is
 * pending inside TLS: a loop that waits in between needs no more than one wait, one receive and one
 * send for a request and its answer.
 * @retval LN_OK     open and served
 * @retval LN_AGAIN  still connecting
 * @retval LN_CLOSED the peer ended the connection; ln_coap_link_closed() is due
 * @retval others    the socket or the stream failed (ln_sock_diag); likewise
 */
LN_MUST_USE LN_API enum ln_status ln_coap_link_step(struct ln_coap_link *link, ln_msec now);

/** What to wait for: the socket's handles and the earlier of both deadlines. */
LN_API void ln_coap_link_interest(const struct ln_coap_link *link, struct ln_interest *want);

/** Close the socket and reset the endpoint; connect again for another association. */
LN_API void ln_coap_link_closed(struct ln_coap_link *link, ln_msec now);

#ifdef __cplusplus
}
#endif
#endif
