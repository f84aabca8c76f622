/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file link.c
 * An engine and the I/O it is given: the guard in front of it, flights counted, peers told apart.
 *
 * While a DTLS association stands, what arrives unauthenticated cannot end it: ICMP errors from
 * below, of every kind, count as lost datagrams, and the guard keeps forged records away from the
 * library.
 */
#include "tls/filter.h"

/** Datagrams that may be dropped in one call before the caller gets a turn. */
#define DROPS_PER_CALL 64

static void count_sent(struct ln_tls_link *link)
{
    if (!link->sending)
        link->facts.flights_sent++;
    link->sending = true;
}

static void count_datagram(struct ln_tls_link *link, size_t len)
{
    if (link->datagrams < UINT16_MAX)
        link->datagrams++;
    if (len > link->largest)
        link->largest = len;
}

static void count_received(struct ln_tls_link *link)
{
    if (link->sending || link->facts.flights_received == 0)
        link->facts.flights_received++;
    link->sending = false;
    link->facts.got_bytes = true;
}

/** What is encrypted may be left over from the association before, whose port we still have; it tells
 *  nothing of the peer before anything else came. */
static bool is_of_this_handshake(const struct ln_tls_link *link)
{
    return link->guard.facts.messages != 0 || link->guard.facts.alert;
}

/** A failure of one datagram that is lived with must not be taken for the cause of a later one. */
static void live_with(struct ln_tls_link *link)
{
    ln_diag_clear(link->owner->base.diag);
}

/** What a UDP socket survives: ICMP errors, which come as any of the first three (ICMPv6 knows routers
 *  that prohibit), or a lack of buffers. It proves nothing once the peer is authenticated. */
static bool is_survived(enum ln_status st)
{
    return st == LN_REFUSED || st == LN_DENIED || st == LN_TIMEOUT || st == LN_NO_MEMORY;
}

/** The datagram alone: too large for the path, or not the end of an association. */
static bool only_lost(const struct ln_tls_link *link, enum ln_status st)
{
    return link->datagram && (st == LN_NO_SPACE || (link->open && is_survived(st)));
}

/** A DTLS server's address refuses (ICMP) before anything came from it: on to the next one, until it
 *  is the turn of the first that refused again. The filter begins anew there. */
static bool has_another(struct ln_tls_link *link)
{
    struct ln_sock *below = link->owner->base.below;
    struct ln_sock_info before;
    struct ln_sock_info after;
    ln_sock_info(below, &before);
    ln_below_notice(&link->owner->base, LN_NOTICE_NO_ANSWER);
    ln_sock_info(below, &after);
    if (link->refused.family == LN_FAMILY_ANY)
        link->refused = before.peer;
    return after.peer.family != LN_FAMILY_ANY && !ln_addr_equal(&after.peer, &before.peer) &&
           !ln_addr_equal(&after.peer, &link->refused);
}

static bool next_address(struct ln_tls_link *link, enum ln_status st)
{
    bool icmp = st == LN_REFUSED || st == LN_DENIED;
    if (!icmp || !link->datagram || link->facts.got_bytes || !has_another(link))
        return false;
    live_with(link);
    link->moved = true;
    return true;
}

static enum ln_status io_send(void *ctx, struct ln_span data, size_t *sent)
{
    struct ln_tls_link *link = ctx;
    if (!link->open)
        count_sent(link);
    enum ln_status st = ln_below_send(&link->owner->base, data, sent);
    link->too_large = st == LN_NO_SPACE;
    if (only_lost(link, st))
        live_with(link);
    else if (!next_address(link, st))
        return st;
    *sent = data.len; /* lost, as any datagram may be */
    return LN_OK;
}

static enum ln_status recv_datagram(struct ln_tls_link *link, struct ln_mspan room, size_t *got)
{
    for (int i = 0; i < DROPS_PER_CALL; i++) {
        enum ln_status st = ln_below_recv(&link->owner->base, room, got);
        if (only_lost(link, st)) {
            live_with(link);
            continue;
        }
        if (next_address(link, st))
            return LN_AGAIN;
        if (st != LN_OK)
            return st;
        if (!link->open)
            count_datagram(link, *got);
        *got = ln__dtls_guard_filter(&link->guard, room.data, *got);
        if (*got == 0)
            continue;
        if (!link->open && is_of_this_handshake(link))
            count_received(link);
        return LN_OK;
    }
    return LN_AGAIN;
}

static enum ln_status io_recv(void *ctx, struct ln_mspan room, size_t *got)
{
    struct ln_tls_link *link = ctx;
    *got = 0;
    if (link->datagram)
        return recv_datagram(link, room, got);
    enum ln_status st = ln_below_recv(&link->owner->base, room, got);
    if (st == LN_OK && *got > 0 && !link->open)
        count_received(link);
    return st;
}

static enum ln_status io_verify(void *ctx, const struct ln_tls_chain *chain)
{
    struct ln_tls_link *link = ctx;
    return ln__tls_verify(link->owner, chain);
}

static void io_session(void *ctx, struct ln_span blob)
{
    struct ln_tls_link *link = ctx;
    ln__tls_session_save(link->owner, blob);
}

enum ln_status ln__tls_link_new(const struct ln_env *env, struct ln_tls_config *config,
                                struct ln_tls_link **out)
{
    struct ln_tls_link *link = ln_calloc(env, 1, sizeof *link);
    void *engine = ln_calloc(env, 1, config->backend->engine_bytes);
    if (link == NULL || engine == NULL) {
        ln_free(env, link);
        ln_free(env, engine);
        return LN_NO_MEMORY;
    }
    link->env = env;
    link->backend = config->backend;
    link->config = ln_tls_config_ref(config);
    link->datagram = config->kind == LN_DTLS;
    link->engine = engine;
    link->io.ctx = link;
    link->io.facts = &link->facts;
    link->facts.verify_depth = -1;
    *out = link;
    return LN_OK;
}

void ln__tls_link_own(struct ln_tls_link *link, struct ln_tls_sock *owner)
{
    link->owner = owner;
    link->wire = NULL;
    link->io.send = io_send;
    link->io.recv = io_recv;
    link->io.verify = io_verify;
    link->io.session = io_session;
}

enum ln_status ln__tls_link_start(struct ln_tls_link *link, struct ln_tls_sock *owner,
                                  const char *server_name, struct ln_span session)
{
    struct ln_tls_start how = { .role = owner->base.role,
                                .server_name = server_name,
                                .session = session,
                                .io = &link->io,
                                .mtu = owner->mtu };
    ln__dtls_guard_init(&link->guard, owner->base.role == LN_SERVER);
    ln__tls_link_own(link, owner);
    return link->backend->start(link->engine, link->config->native, &how, owner->base.diag);
}

enum ln_status ln__tls_link_restore(struct ln_tls_link *link, struct ln_tls_sock *owner,
                                    struct ln_span association)
{
    struct ln_tls_start how = {
        .role = LN_CLIENT, .association = association, .io = &link->io, .mtu = owner->mtu
    };
    ln__dtls_guard_init(&link->guard, false);
    ln__tls_link_own(link, owner);
    enum ln_status st = link->backend->start(link->engine, link->config->native, &how, NULL);
    if (st != LN_OK)
        link->backend->stop(link->engine);
    return st;
}

void ln__tls_link_free(struct ln_tls_link *link)
{
    if (link == NULL)
        return;
    const struct ln_env *env = link->env;
    struct ln_tls_config *config = link->config;
    link->backend->stop(link->engine);
    ln_free_secret(env, link->engine, link->backend->engine_bytes);
    ln_free(env, link);
    ln_tls_config_unref(config);
}
