/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file udp.c
 * UDP: connected sockets, bound ones, and clients that a bound one accepts.
 *
 * Connect: sends nothing, so that the first address with a route counts as connected. While a
 *          handshake above gets no answer, LN_NOTICE_NO_ANSWER leads on to the next address, in a
 *          circle; the candidates are kept until the stack is open. The local port stays.
 * Sender:  what was queued before connect() may be from anybody. A connected socket drops what is
 *          not from its peer.
 * Accept:  needs reuse_addr. The listener keeps its handle; the client gets a new one, bound to the
 *          same port and connected to the sender, and from then on the system gives it what that
 *          sender sends. So a failure at any point leaves the listener as it was, datagrams of other
 *          senders stay queued there, and the handle in somebody's event loop stays valid. Only what
 *          comes from an address that cannot be answered is dropped, or it would be the first in the
 *          queue for ever. The datagram that opens the conversation moves to the client. What the
 *          same sender sent before the client existed is still queued behind it and would make a
 *          second client: `recent` remembers whom we accepted until the queue was seen empty, and
 *          drops it.
 *          A server with several addresses binds one socket to each: what comes to the wildcard
 *          does not tell which of them was meant, and the client's socket answers from one.
 */
#include "net/ip.h"

#include "base/try.h"

/** Clients accepted since the queue was empty last. With more of them at once, a datagram that one
 *  had sent twice may be taken for a new client. */
#define RECENT_MAX 8

struct udp {
    struct ln__ip ip;
    struct ln__candidates *candidates; /* from connect until the stack is open */
    struct ln_addr *recent;            /* listeners: a ring of RECENT_MAX; NULL = none yet */
    uint8_t *first;                    /* accepted: the datagram that came before us; NULL = none */
    size_t first_len;
    uint8_t recent_next;
    bool recent_dirty;
};

static const struct ln_sock_ops udp_ops;
static void udp_close(struct ln_sock *s);
static const struct ln__ip_type udp_type = { .ops = &udp_ops, .size = sizeof(struct udp) };

enum ln_status ln__udp_new(const struct ln_env *env, const struct ln_sock_options *options,
                           struct ln_diag *diag, struct ln_sock **out)
{
    return ln__ip_new(&udp_type, env, options, diag, out);
}

static struct udp *udp_of(struct ln_sock *s)
{
    return (struct udp *)s;
}

static const struct udp *udp_view(const struct ln_sock *s)
{
    return (const struct udp *)s;
}

/* ---- connect ---- */

static bool is_bound(const struct ln__ip *ip)
{
    return ip->bound.family != LN_FAMILY_ANY;
}

/* Where to send from: what the user bound, or the port that we had before. Port 0 = anything. */
static struct ln_addr source_for(const struct ln__ip *ip, const struct ln_addr *to)
{
    if (!is_bound(ip))
        return ln__ip_wildcard(to->family, ip->kept_port);
    if (ip->bound.family == to->family)
        return ip->bound;
    return ln__ip_wildcard(to->family, ip->bound.port);
}

static enum ln_status bind_source(struct ln__ip *ip, const struct ln_addr *to, struct ln_diag *diag)
{
    const struct ln_net *net = ln__ip_net(ip);
    struct ln_addr local = source_for(ip, to);
    if (local.port == 0)
        return LN_OK;
    if (is_bound(ip)) {
        TRY(net->ops->bind(net->ctx, ip->handle, LN_NET_DATAGRAM, &local, diag));
        ip->bound = local;
        return LN_OK;
    }
    if (net->ops->bind(net->ctx, ip->handle, LN_NET_DATAGRAM, &local, NULL) != LN_OK)
        ip->kept_port = 0; /* somebody else has it by now: any other will do */
    return LN_OK;
}

/* A raw socket that can reach `to`; none on failure. */
static enum ln_status open_towards(struct ln__ip *ip, const struct ln_addr *to,
                                   struct ln_diag *diag)
{
    bool as_bound = ip->handle != LN_NO_HANDLE && ip->peer.family == LN_FAMILY_ANY;
    if (as_bound && ip->bound.family == to->family)
        return LN_OK;
    if (is_bound(ip) && ip->bound.family != to->family && !ln__ip_is_wildcard(&ip->bound))
        return ln_diag_set(diag, LN_REFUSED, LN_CAT_UNREACHABLE, LN_PHASE_CONNECT,
                           "the socket is bound to an address of the other family");
    ln__ip_drop(ip);
    memset(&ip->peer, 0, sizeof ip->peer);
    TRY(ln__ip_open(ip, LN_NET_DATAGRAM, (enum ln_family)to->family, diag, &ip->handle));
    enum ln_status st = bind_source(ip, to, diag);
    if (st != LN_OK)
        ln__ip_drop(ip);
    return st;
}

/* Make `to` the peer. On failure there is no peer, and no handle unless the user bound it. */
static enum ln_status aim(struct ln__ip *ip, const struct ln_addr *to, struct ln_diag *diag)
{
    const struct ln_net *net = ln__ip_net(ip);
    struct ln_addr local;
    struct ln_addr peer;
    ln_diag_clear(diag);
    enum ln_status st = open_towards(ip, to, diag);
    if (st == LN_OK)
        st = net->ops->connect(net->ctx, ip->handle, to, diag);
    if (st == LN_OK)
        st = net->ops->names(net->ctx, ip->handle, &local, &peer);
    if (st != LN_OK) {
        (void)ln_diag_set(diag, st, LN_CAT_LOCAL_IO, LN_PHASE_CONNECT, "%s", ln_status_meaning(st));
        if (!is_bound(ip))
            ln__ip_drop(ip);
        return st;
    }
    ip->peer = peer;
    if (!ip->options.fresh_port)
        ip->kept_port = local.port;
    return LN_OK;
}

static void forget_candidates(struct udp *u)
{
    ln__ip_resolved(&u->ip, u->candidates);
    u->candidates = NULL;
}

static enum ln_status udp_connect(struct ln_sock *s, ln_msec now)
{
    struct udp *u = udp_of(s);
    struct ln_addr to;
    enum ln_status st;
    if (u->candidates == NULL)
        u->candidates = ln__ip_resolve(&u->ip, now);
    struct ln__candidates *c = u->candidates;
    if (c == NULL)
        return LN_NO_MEMORY;
    ln__candidates_step(c, now);
    while ((st = ln__candidates_next(c, now, &to)) == LN_OK) {
        if (aim(&u->ip, &to, &c->attempt) == LN_OK) {
            u->ip.resolve_ms = now - c->started;
            return LN_OK;
        }
        ln__candidates_failed(c, &to);
    }
    return st == LN_AGAIN ? st : ln__ip_give_up(&u->ip, c);
}

static bool next_in_circle(struct ln__candidates *c, struct ln_addr *out)
{
    if (ln__candidates_next(c, LN_NEVER, out) == LN_OK)
        return true;
    ln__candidates_rewind(c);
    return ln__candidates_next(c, LN_NEVER, out) == LN_OK;
}

/* On to the next address that can be aimed at; the one we had is the last choice. Where there is none,
 * there is no handle: one that was bound, and has no peer, would hear everybody. */
static void move_on(struct udp *u)
{
    struct ln__candidates *c = u->candidates;
    struct ln_addr had = u->ip.peer;
    struct ln_addr to;
    for (int i = 0; i < LN__CANDIDATES_MAX && next_in_circle(c, &to); i++) {
        bool same = to.family == had.family && memcmp(to.ip, had.ip, sizeof to.ip) == 0;
        if (same && u->ip.peer.family != LN_FAMILY_ANY)
            return;
        if (aim(&u->ip, &to, &c->attempt) == LN_OK)
            return;
    }
    if (u->ip.peer.family == LN_FAMILY_ANY)
        ln__ip_drop(&u->ip);
}

static void udp_notice(struct ln_sock *s, enum ln_notice notice)
{
    struct udp *u = udp_of(s);
    ln__ip_notice(s, notice);
    if (notice == LN_NOTICE_OPENED)
        forget_candidates(u);
    if (notice == LN_NOTICE_NO_ANSWER && u->candidates != NULL)
        move_on(u);
    if (notice == LN_NOTICE_GIVE_UP)
        ln__ip_out_of_time(&u->ip, u->candidates);
}

/* Answers that come late are worth something for as long as the handshake goes on. */
static enum ln_status udp_step(struct ln_sock *s, ln_msec now)
{
    struct udp *u = udp_of(s);
    if (u->candidates != NULL)
        ln__candidates_step(u->candidates, now);
    return LN_OK;
}

/* ---- bind and accept ---- */

static enum ln_status udp_bind(struct ln_sock *s, const struct ln_addr *local)
{
    return ln__ip_bind(ln__ip_of(s), LN_NET_DATAGRAM, local);
}

static void forget_recent(struct udp *u)
{
    if (u->recent_dirty)
        memset(u->recent, 0, RECENT_MAX * sizeof *u->recent);
    u->recent_dirty = false;
}

static bool is_recent(const struct udp *u, const struct ln_addr *sender)
{
    for (size_t i = 0; u->recent_dirty && i < RECENT_MAX; i++) {
        if (ln_addr_equal(&u->recent[i], sender))
            return true;
    }
    return false;
}

/* Where the queue is empty, there is nothing to remember. */
static void remember_recent(struct udp *u, const struct ln_addr *sender)
{
    const struct ln_net *net = ln__ip_net(&u->ip);
    struct ln_net_got head;
    uint8_t byte;
    enum ln_status st = net->ops->recv(net->ctx, u->ip.handle, LN_NET_DATAGRAM, ln_mspan(&byte, 1),
                                       true, &head, NULL);
    if (st == LN_AGAIN) {
        forget_recent(u);
        return;
    }
    u->recent[u->recent_next] = *sender;
    u->recent_next = (uint8_t)((u->recent_next + 1) % RECENT_MAX);
    u->recent_dirty = true;
}

/* The raw half of a new client, at the listener's port. */
static enum ln_status open_beside(struct udp *u, struct ln__ip *client, uint8_t family,
                                  struct ln_diag *diag)
{
    const struct ln_net *net = ln__ip_net(client);
    struct ln_addr local = u->ip.bound;
    if (local.family != family) /* an IPv4 client of the IPv6 wildcard */
        local = ln__ip_wildcard(family, u->ip.bound.port);
    TRY(ln__ip_open(client, LN_NET_DATAGRAM, (enum ln_family)local.family, diag, &client->handle));
    return net->ops->bind(net->ctx, client->handle, LN_NET_DATAGRAM, &local, diag);
}

/* Make the sender its peer. The source of a datagram may be anything: port 0, to which a socket
 * connects without being connected, or an address without a route. Then `*hopeless` is true. */
static enum ln_status reach_back(struct ln__ip *client, const struct ln_addr *sender,
                                 struct ln_diag *diag, bool *hopeless)
{
    const struct ln_net *net = ln__ip_net(client);
    enum ln_status st = net->ops->connect(net->ctx, client->handle, sender, diag);
    if (st == LN_OK)
        st = net->ops->names(net->ctx, client->handle, NULL, &client->peer);
    *hopeless = st == LN_REFUSED || st == LN_DENIED || st == LN_BAD_ARG || st == LN_BAD_STATE ||
                st == LN_UNSUPPORTED;
    return st;
}

/* The last step, because it takes the datagram from the listener. */
static enum ln_status take_first(struct udp *u, struct udp *client, struct ln_diag *diag)
{
    const struct ln_net *net = ln__ip_net(&u->ip);
    struct ln_net_got got = { .len = 0 };
    struct ln_mspan room = ln_mspan(client->first, client->first_len > 0 ? client->first_len : 1);
    enum ln_status st =
        net->ops->recv(net->ctx, u->ip.handle, LN_NET_DATAGRAM, room, false, &got, diag);
    client->first_len = got.len;
    return st == LN_NO_SPACE ? LN_OK : st;
}

static enum ln_status make_client(struct udp *u, const struct ln_net_got *head, bool *hopeless,
                                  struct ln_sock **out)
{
    struct ln_sock *s = NULL;
    struct ln_diag *diag = u->ip.base.diag;
    if (u->recent == NULL)
        u->recent = (struct ln_addr *)ln_calloc(u->ip.base.env, RECENT_MAX, sizeof *u->recent);
    if (u->recent == NULL)
        return LN_NO_MEMORY;
    TRY(ln__udp_new(u->ip.base.env, &u->ip.options, diag, &s));
    struct udp *client = udp_of(s);
    client->first = (uint8_t *)ln_resize(s->env, NULL, head->full);
    client->first_len = head->full;
    enum ln_status st = client->first != NULL ? LN_OK : LN_NO_MEMORY;
    if (st == LN_OK)
        st = open_beside(u, &client->ip, head->from.family, diag);
    if (st == LN_OK)
        st = reach_back(&client->ip, &head->from, diag, hopeless);
    if (st == LN_OK)
        st = take_first(u, client, diag);
    if (st == LN_OK) {
        *out = s;
        return st;
    }
    udp_close(s);
    ln_sock_free(s);
    return st;
}

/* The datagram of somebody who has a client already, or of whom none can be made. */
static void drop(struct udp *u)
{
    const struct ln_net *net = ln__ip_net(&u->ip);
    struct ln_net_got got;
    uint8_t byte;
    (void)net->ops->recv(net->ctx, u->ip.handle, LN_NET_DATAGRAM, ln_mspan(&byte, 1), false, &got,
                         NULL);
    ln_diag_clear(u->ip.base.diag);
}

static enum ln_status udp_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    struct udp *u = udp_of(s);
    const struct ln_net *net = ln__ip_net(&u->ip);
    struct ln_net_got head = { .len = 0 };
    uint8_t byte;
    (void)now;
    if (!u->ip.options.reuse_addr)
        return ln_diag_set(s->diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_CONNECT,
                           "accept: a UDP listener shares its port with its clients: bind it with "
                           "option reuse_addr");
    enum ln_status st = net->ops->recv(net->ctx, u->ip.handle, LN_NET_DATAGRAM, ln_mspan(&byte, 1),
                                       true, &head, s->diag);
    if (st == LN_AGAIN)
        forget_recent(u); /* all that was sent before a client existed has been looked at */
    if (st != LN_OK && st != LN_NO_SPACE)
        return st;
    bool unwanted = is_recent(u, &head.from);
    st = unwanted ? LN_OK : make_client(u, &head, &unwanted, out);
    if (unwanted) {
        drop(u);
        return LN_AGAIN;
    }
    if (st == LN_OK)
        remember_recent(u, &head.from);
    return st;
}

/* ---- data ---- */

/* Where moving on between addresses has failed altogether. */
static enum ln_status no_handle(struct udp *u)
{
    const struct ln_diag *why = u->candidates != NULL ? &u->candidates->attempt : NULL;
    return ln_diag_set(u->ip.base.diag, LN_REFUSED,
                       why != NULL ? why->category : LN_CAT_UNREACHABLE, LN_PHASE_CONNECT,
                       "no address of %.80s can be reached any more", u->ip.base.host);
}

/* A forced MTU holds for us: the system does not know of it. */
static enum ln_status check_length(const struct ln__ip *ip, size_t len, uint8_t family)
{
    if (ip->options.mtu == 0 || len + ln__ip_overhead(family) <= ip->options.mtu)
        return LN_OK;
    size_t most = ip->options.mtu - ln__ip_overhead(family);
    return ln_diag_set(ip->base.diag, LN_NO_SPACE, LN_CAT_CONFIGURATION, LN_PHASE_TRANSFER,
                       "a datagram of %lu bytes: option mtu leaves room for %lu",
                       (unsigned long)len, (unsigned long)most);
}

static enum ln_status udp_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    TRY(check_length(ip, data.len, ip->peer.family));
    if (ip->handle == LN_NO_HANDLE)
        return no_handle(udp_of(s));
    return net->ops->send(net->ctx, ip->handle, NULL, data, sent, s->diag);
}

static enum ln_status udp_send_to(struct ln_sock *s, const struct ln_addr *to, struct ln_span data)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    size_t sent = 0;
    TRY(check_length(ip, data.len, to->family));
    if (ip->handle == LN_NO_HANDLE)
        return no_handle(udp_of(s));
    return net->ops->send(net->ctx, ip->handle, to, data, &sent, s->diag);
}

static enum ln_status give(struct ln_sock *s, struct ln_mspan room, const struct ln_net_got *got,
                           size_t *len)
{
    *len = got->len < room.len ? got->len : room.len;
    s->datagram_len = got->full;
    return got->full > room.len ? LN_NO_SPACE : LN_OK;
}

/* The datagram that accept moved here. */
static enum ln_status give_first(struct udp *u, struct ln_mspan room, bool peek,
                                 struct ln_net_got *got)
{
    got->from = u->ip.peer;
    got->full = u->first_len;
    got->len = u->first_len < room.len ? u->first_len : room.len;
    if (got->len > 0)
        memcpy(room.data, u->first, got->len);
    if (!peek) {
        ln_free(u->ip.base.env, u->first);
        u->first = NULL;
    }
    return LN_OK;
}

/* After shutdown the system says "end" or "nothing", neither of which is a datagram. */
static bool is_end(const struct ln_sock *s, enum ln_status st, const struct ln_net_got *got)
{
    bool nothing =
        st == LN_AGAIN || (st == LN_OK && got->full == 0 && got->from.family == LN_FAMILY_ANY);
    return s->state == LN_SOCK_SHUT && nothing;
}

static bool is_stranger(const struct ln__ip *ip, const struct ln_addr *from)
{
    return ip->peer.family != LN_FAMILY_ANY && from->family != LN_FAMILY_ANY &&
           !ln_addr_equal(&ip->peer, from);
}

/* One datagram, from our peer if we have one. */
static enum ln_status take(struct udp *u, struct ln_mspan room, bool peek, struct ln_net_got *got)
{
    struct ln__ip *ip = &u->ip;
    const struct ln_net *net = ln__ip_net(ip);
    if (u->first != NULL)
        return give_first(u, room, peek, got);
    if (ip->handle == LN_NO_HANDLE)
        return no_handle(u);
    for (;;) {
        enum ln_status st =
            net->ops->recv(net->ctx, ip->handle, LN_NET_DATAGRAM, room, peek, got, ip->base.diag);
        if (st == LN_NO_SPACE)
            st = LN_OK; /* got->full tells */
        if (is_end(&ip->base, st, got))
            return LN_CLOSED;
        if (st == LN_AGAIN && ip->base.state == LN_SOCK_BOUND)
            forget_recent(u);
        if (st != LN_OK || !is_stranger(ip, &got->from))
            return st;
        if (peek)
            (void)net->ops->recv(net->ctx, ip->handle, LN_NET_DATAGRAM, room, false, got, NULL);
    }
}

static enum ln_status receive(struct ln_sock *s, struct ln_mspan room, bool peek, size_t *len,
                              struct ln_addr *from)
{
    struct ln_net_got got = { .len = 0 };
    uint8_t byte;
    if (room.len == 0) { /* "is there something?" */
        TRY(take(udp_of(s), ln_mspan(&byte, 1), true, &got));
        *from = got.from;
        return LN_OK;
    }
    TRY(take(udp_of(s), room, peek, &got));
    *from = got.from;
    return give(s, room, &got, len);
}

static enum ln_status udp_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct ln_addr from;
    return receive(s, room, false, got, &from);
}

static enum ln_status udp_recv_from(struct ln_sock *s, struct ln_mspan room, bool peek, size_t *got,
                                    struct ln_addr *from)
{
    return receive(s, room, peek, got, from);
}

/* ---- the rest ---- */

static enum ln_status udp_shutdown(struct ln_sock *s, ln_msec now)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    (void)now;
    if (ip->handle == LN_NO_HANDLE)
        return LN_OK;
    return net->ops->shutdown(net->ctx, ip->handle, s->diag);
}

static void udp_close(struct ln_sock *s)
{
    struct udp *u = udp_of(s);
    forget_candidates(u);
    ln__ip_close(&u->ip);
    ln_free(s->env, u->first);
    ln_free(s->env, u->recent);
    u->first = NULL;
    u->recent = NULL;
    u->recent_dirty = false;
}

static void udp_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct udp *u = udp_view(s);
    if (u->candidates != NULL)
        ln__candidates_interest(u->candidates, want);
    if (s->state == LN_SOCK_CONNECTING)
        return;
    ln_interest_add(want, u->ip.handle, want->events);
    bool first = u->first != NULL && (want->events & LN_WANT_READ) != 0;
    bool lost = u->ip.handle == LN_NO_HANDLE && want->events != 0; /* the next call tells */
    want->ready = want->ready || first || lost;
}

static const struct ln_sock_ops udp_ops = {
    .name = "udp",
    .traits = LN_TRAIT_DATAGRAM,
    .connect = udp_connect,
    .bind = udp_bind,
    .accept = udp_accept,
    .step = udp_step,
    .send = udp_send,
    .recv = udp_recv,
    .send_to = udp_send_to,
    .recv_from = udp_recv_from,
    .shutdown = udp_shutdown,
    .close = udp_close,
    .interest = udp_interest,
    .info = ln__ip_info,
    .notice = udp_notice,
    .destroy = ln__ip_destroy,
};
