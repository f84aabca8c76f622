/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file link.c
 * Joins an endpoint to a socket. Contract: <linnet/coap_link.h>.
 */
#include "base/try.h"
#include "coap/internal.h"

#include <linnet/coap_link.h>

/* A CoAP message that fits an Ethernet frame; of a stream, what is at hand. */
enum { RECEIVE_ROOM = 1500 };

enum ln_status ln_coap_link_send(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    struct ln_coap_link *link = (struct ln_coap_link *)user;
    (void)peer; /* the socket is connected to the one there is */
    enum ln_status st = ln_sock_send(link->sock, data, sent);
    /* It is not open yet, and what is asked for meanwhile waits for that. */
    return st == LN_BAD_STATE && !link->started ? LN_AGAIN : st;
}

/* Whether the socket holds bytes that no handle will announce: a record that was decrypted. */
static bool has_pending(const struct ln_coap_link *link)
{
    struct ln_interest want = ln_interest(0);
    ln_sock_interest(link->sock, LN_WANT_READ, &want);
    return want.ready;
}

/* One receive. LN_AGAIN: there is nothing. */
static enum ln_status receive(struct ln_coap_link *link, ln_msec now)
{
    uint8_t room[RECEIVE_ROOM];
    size_t most = ln_coap_receive_room(link->coap);
    size_t got = 0;
    if (most == 0)
        return LN_AGAIN;
    enum ln_status st =
        ln_sock_recv(link->sock, ln_mspan(room, most < sizeof room ? most : sizeof room), &got);
    if (st == LN_NO_SPACE)
        return LN_OK; /* longer than any message that we would take */
    TRY(st);
    if (got == 0 && ln__coap_is_tcp(link->coap))
        return LN_CLOSED;
    return ln_coap_receive(link->coap, 0, ln_span(room, got), now);
}

/* Of datagrams one: a second record of the same datagram makes the interest `ready`, which is the next
 * step. Of a stream all that was decrypted with it, whatever its pieces. */
static enum ln_status receive_all(struct ln_coap_link *link, ln_msec now)
{
    bool stream = ln__coap_is_tcp(link->coap);
    enum ln_status st = LN_OK;
    do
        st = receive(link, now);
    while (st == LN_OK && stream && has_pending(link));
    return st == LN_AGAIN ? LN_OK : st;
}

/* What a new connection needs to know and to hear. */
static enum ln_status start(struct ln_coap_link *link, ln_msec now)
{
    struct ln_sock_info info;
    ln_sock_info(link->sock, &info);
    if (info.inner_mtu != 0)
        ln_coap_set_max_message(link->coap, info.inner_mtu);
    TRY(ln_coap_start(link->coap, now));
    link->started = true;
    return LN_OK;
}

enum ln_status ln_coap_link_step(struct ln_coap_link *link, ln_msec now)
{
    TRY(ln_sock_step(link->sock, now));
    if (!link->started)
        TRY(start(link, now));
    enum ln_status st = receive_all(link, now);
    if (st != LN_OK) {
        /* Of datagrams, an ICMP error only: then the socket goes on, and so do we. Whatever else it is
         * would come again and again. */
        enum ln_status socket = ln_sock_step(link->sock, now);
        if (ln__coap_is_tcp(link->coap) || socket != LN_OK || st == LN_IO)
            return st;
    }
    bool due = ln_coap_wants_send(link->coap) || ln_coap_deadline(link->coap) <= now;
    return due ? ln_coap_step(link->coap, now) : LN_OK;
}

void ln_coap_link_interest(const struct ln_coap_link *link, struct ln_interest *want)
{
    bool read = ln_coap_receive_room(link->coap) > 0;
    bool write = ln_coap_wants_send(link->coap);
    ln_sock_interest(link->sock, (read ? LN_WANT_READ : 0u) | (write ? LN_WANT_WRITE : 0u), want);
    ln_interest_until(want, ln_coap_deadline(link->coap));
}

void ln_coap_link_closed(struct ln_coap_link *link, ln_msec now)
{
    ln_sock_close(link->sock);
    link->started = false;
    ln_coap_reset(link->coap, now);
}
