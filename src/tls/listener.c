/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file listener.c
 * Servers: accept. A DTLS client proves its address before anything is kept for it (RFC 6347 4.2.1).
 *
 * A DTLS listener has one engine in listening mode. It looks at each datagram without taking it:
 * a ClientHello without a valid cookie is answered by a HelloVerifyRequest and forgotten; when one
 * brings its cookie back, the socket below makes a connected socket for that sender, and the engine,
 * which has seen the ClientHello, moves into it.
 */
#include "base/try.h"
#include "tls/filter.h"
#include <string.h>

/** A ClientHello fits one datagram, or it is not answered: fragments cannot be put together without
 *  keeping something for an address that nobody has proven. */
#define HELLO_MAX 2048
/** Datagrams looked at in one call. */
#define LOOKS_PER_CALL 32
/** ContentType, RFC 6347 4.1 */
#define RECORD_HANDSHAKE 22

static enum ln_status accept_stream(struct ln_tls_sock *t, ln_msec now, struct ln_sock **out)
{
    struct ln_sock *lower = NULL;
    enum ln_status st = ln_sock_accept(t->base.below, now, &lower);
    if (st != LN_OK)
        return st;
    st = ln__tls_sock_new(lower, t->config, NULL, out);
    if (st == LN_OK)
        (*out)->role = LN_SERVER;
    else
        ln_sock_free(lower);
    return st;
}

/* ---- the listening engine ---- */

/** A stranger gets a HelloVerifyRequest or nothing. Some libraries would send alerts, and to whoever
 *  the sender's address was stolen from. */
static bool may_answer(const struct ln_tls_link *link, struct ln_span data)
{
    bool handshake = data.len > 0 && data.data[0] == RECORD_HANDSHAKE;
    return handshake || link->facts.address_verified;
}

static enum ln_status hello_send(void *ctx, struct ln_span data, size_t *sent)
{
    struct ln_tls_link *link = ctx;
    const struct ln_sock_ops *ops = link->wire->ops;
    enum ln_status st = LN_UNSUPPORTED;
    *sent = data.len;
    if (!may_answer(link, data))
        return LN_OK;
    /* not through the core: what one client's datagram meets must not end the listener */
    if (ops->send_to != NULL)
        st = ops->send_to(link->wire, &link->sender, data);
    ln_diag_clear(link->wire->diag);
    return st == LN_UNSUPPORTED ? st : LN_OK; /* lost: the client sends again */
}

static enum ln_status hello_recv(void *ctx, struct ln_mspan room, size_t *got)
{
    struct ln_tls_link *link = ctx;
    *got = 0;
    if (link->peeked.len == 0 || link->peeked.len > room.len)
        return LN_AGAIN;
    memcpy(room.data, link->peeked.data, link->peeked.len);
    *got = link->peeked.len;
    link->peeked = ln_span(NULL, 0);
    return LN_OK;
}

static enum ln_status hello_verify(void *ctx, const struct ln_tls_chain *chain)
{
    (void)ctx;
    (void)chain;
    return LN_DENIED; /* no certificate comes before the cookie */
}

static void hello_session(void *ctx, struct ln_span blob)
{
    (void)ctx;
    (void)blob;
}

static struct ln_span hello_sender(void *ctx)
{
    struct ln_tls_link *link = ctx;
    const struct ln_addr *a = &link->sender;
    memcpy(link->sender_id, a->ip, sizeof a->ip);
    link->sender_id[16] = a->family;
    link->sender_id[17] = (uint8_t)(a->port >> 8);
    link->sender_id[18] = (uint8_t)a->port;
    link->sender_id[19] = (uint8_t)(a->scope >> 24);
    link->sender_id[20] = (uint8_t)(a->scope >> 16);
    link->sender_id[21] = (uint8_t)(a->scope >> 8);
    link->sender_id[22] = (uint8_t)a->scope;
    return ln_span(link->sender_id, 23);
}

static enum ln_status listen_with(struct ln_tls_sock *t, struct ln_tls_link *link)
{
    struct ln_tls_start how = {
        .role = LN_SERVER, .io = &link->io, .mtu = ln__tls_handshake_mtu(t), .listen = true
    };
    link->wire = t->base.below;
    link->io.send = hello_send;
    link->io.recv = hello_recv;
    link->io.verify = hello_verify;
    link->io.session = hello_session;
    link->io.client_id = hello_sender;
    return link->backend->start(link->engine, link->config->native, &how, NULL);
}

/** The one engine that listens. Made before anybody calls, so that a stranger costs nothing. */
static enum ln_status ensure_link(struct ln_tls_sock *t)
{
    if (t->link != NULL)
        return LN_OK;
    enum ln_status st = ln__tls_link_new(t->base.env, t->config, &t->link);
    if (st == LN_OK)
        st = listen_with(t, t->link);
    if (st == LN_OK)
        return LN_OK;
    ln__tls_link_free(t->link);
    t->link = NULL;
    (void)ln_diag_set(t->base.diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_HANDSHAKE,
                      "no memory to listen");
    return LN_NO_MEMORY;
}

/* ---- accepting ---- */

/** Past the core, as hello_send(): a datagram, its sender, and whether it stays where it is. */
static enum ln_status take(struct ln_sock *below, struct ln_mspan room, bool peek, size_t *got,
                           struct ln_addr *from)
{
    if (below->ops->recv_from == NULL)
        return LN_UNSUPPORTED;
    *got = 0;
    return below->ops->recv_from(below, room, peek, got, from);
}

static void drop(struct ln_sock *below)
{
    uint8_t byte;
    size_t got = 0;
    struct ln_addr from;
    (void)take(below, ln_mspan(&byte, 1), false, &got, &from);
    ln_diag_clear(below->diag); /* that it was cut short is what we want */
}

/** Whether the datagram's sender has proven its address. */
static bool proves_address(struct ln_tls_link *link, uint8_t *datagram, size_t len)
{
    ln__dtls_guard_init(&link->guard, true);
    len = ln__dtls_guard_filter(&link->guard, datagram, len);
    memset(&link->facts, 0, sizeof link->facts);
    link->facts.verify_depth = -1;
    link->peeked = ln_span(datagram, len);
    (void)link->backend->handshake(link->engine, NULL);
    link->peeked = ln_span(NULL, 0);
    return link->facts.address_verified;
}

/** The datagram is still queued: the socket below finds its sender there. */
static enum ln_status hand_over(struct ln_tls_sock *t, ln_msec now, struct ln_sock **out)
{
    struct ln_sock *lower = NULL;
    enum ln_status st = ln_sock_accept(t->base.below, now, &lower);
    if (st == LN_OK)
        st = ln__tls_sock_new(lower, t->config, NULL, out);
    if (st != LN_OK) {
        ln_sock_free(lower);
        ln__tls_link_free(t->link); /* it has spent its state on this client */
        t->link = NULL;
        return st;
    }
    struct ln_tls_sock *client = ln__tls_of(*out);
    client->base.role = LN_SERVER;
    client->mtu = ln__tls_handshake_mtu(client); /* of the path to this client */
    client->link = t->link;
    client->handed_over = true;
    t->link = NULL;
    ln__tls_link_own(client->link, client);
    (void)ensure_link(t); /* without memory now, accept tries again */
    client->link->backend->set_mtu(client->link->engine, client->mtu);
    return LN_OK;
}

static enum ln_status accept_datagram(struct ln_tls_sock *t, ln_msec now, struct ln_sock **out)
{
    uint8_t room[HELLO_MAX];
    for (int i = 0; i < LOOKS_PER_CALL; i++) {
        size_t got = 0;
        struct ln_addr from;
        struct ln_mspan all = ln_mspan(room, sizeof room);
        enum ln_status st = take(t->base.below, all, true, &got, &from);
        if (st != LN_OK && st != LN_NO_SPACE)
            return st;
        if (st == LN_OK) {
            TRY(ensure_link(t));
            t->link->sender = from;
            if (proves_address(t->link, room, got))
                return hand_over(t, now, out);
        }
        drop(t->base.below);
    }
    return LN_AGAIN;
}

enum ln_status ln__tls_bind(struct ln_sock *s, const struct ln_addr *local)
{
    struct ln_tls_sock *t = ln__tls_of(s);
    struct ln_tls_capabilities can;
    (void)local; /* the socket below is bound */
    ln_tls_capabilities(t->config->backend, &can);
    if ((can.caps & LN_TLS_CAP_SERVER) == 0)
        return ln_diag_set(s->diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "bind: the TLS library of this socket has no server role");
    return t->config->kind == LN_DTLS ? ensure_link(t) : LN_OK;
}

enum ln_status ln__tls_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    struct ln_tls_sock *t = ln__tls_of(s);
    return t->config->kind == LN_DTLS ? accept_datagram(t, now, out) : accept_stream(t, now, out);
}
