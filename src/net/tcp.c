/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tcp.c
 * TCP: a race of connects (RFC 8305 5), and listeners.
 *
 * Attempts start one after the other: the next one race_delay_ms after the last, or at once when one
 * fails. Each has connect_timeout_ms. The first that connects wins and the others are closed. It is
 * over when the last one has failed and no answer of a name server is missing.
 *
 * Memory: a race exists only while it is run.
 */
#include "net/ip.h"

#include "base/try.h"

struct attempt {
    ln_handle handle;
    struct ln_addr to;
    ln_msec give_up_at;
};

struct race {
    struct ln__candidates *candidates;
    ln_msec first_at; /* start of the first attempt; LN_NEVER = there was none */
    ln_msec next_at;  /* start of the next one */
    size_t running;
    struct attempt attempts[LN__CANDIDATES_MAX];
};

struct tcp {
    struct ln__ip ip;
    struct race *race; /* while connecting */
};

static const struct ln_sock_ops tcp_ops;
static const struct ln__ip_type tcp_type = { .ops = &tcp_ops, .size = sizeof(struct tcp) };

enum ln_status ln__tcp_new(const struct ln_env *env, const struct ln_sock_options *options,
                           struct ln_diag *diag, struct ln_sock **out)
{
    return ln__ip_new(&tcp_type, env, options, diag, out);
}

static struct tcp *tcp_of(struct ln_sock *s)
{
    return (struct tcp *)s;
}

static const struct tcp *tcp_view(const struct ln_sock *s)
{
    return (const struct tcp *)s;
}

/* ---- the race ---- */

static void race_free(struct tcp *t)
{
    struct race *r = t->race;
    const struct ln_net *net = ln__ip_net(&t->ip);
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->running; i++)
        net->ops->close(net->ctx, r->attempts[i].handle);
    ln__ip_resolved(&t->ip, r->candidates);
    ln_free(t->ip.base.env, r);
    t->race = NULL;
}

static enum ln_status race_new(struct tcp *t, ln_msec now)
{
    struct race *r = (struct race *)ln_calloc(t->ip.base.env, 1, sizeof *r);
    t->race = r;
    if (r == NULL)
        return LN_NO_MEMORY;
    r->first_at = LN_NEVER;
    r->next_at = now;
    r->candidates = ln__ip_resolve(&t->ip, now);
    if (r->candidates == NULL)
        return LN_NO_MEMORY; /* close() releases the rest */
    return LN_OK;
}

/* The attempt leaves the field, its handle stays open. */
static struct attempt remove_attempt(struct race *r, size_t index)
{
    struct attempt a = r->attempts[index];
    r->running--;
    memmove(&r->attempts[index], &r->attempts[index + 1],
            (r->running - index) * sizeof r->attempts[0]);
    return a;
}

static void win(struct tcp *t, const struct attempt *a, ln_msec now)
{
    const struct ln_net *net = ln__ip_net(&t->ip);
    t->ip.handle = a->handle;
    t->ip.peer = a->to;
    (void)net->ops->names(net->ctx, a->handle, NULL, &t->ip.peer);
    t->ip.connect_ms = now - t->race->first_at;
    race_free(t);
}

static enum ln_status lose(struct tcp *t, const struct attempt *a, enum ln_status st, ln_msec now)
{
    struct race *r = t->race;
    const struct ln_net *net = ln__ip_net(&t->ip);
    struct ln__candidates *c = r->candidates;
    if (a->handle != LN_NO_HANDLE)
        net->ops->close(net->ctx, a->handle);
    (void)ln_diag_set(&c->attempt, st, LN_CAT_LOCAL_IO, LN_PHASE_CONNECT, "%s",
                      ln_status_meaning(st));
    ln__candidates_failed(c, &a->to);
    r->next_at = now; /* RFC 8305 5: a failure does not have to be waited out */
    return LN_AGAIN;
}

/* LN_OK: it has won, LN_AGAIN: it goes on, or was lost. */
static enum ln_status start_attempt(struct tcp *t, const struct ln_addr *to, ln_msec now)
{
    struct race *r = t->race;
    const struct ln_net *net = ln__ip_net(&t->ip);
    struct ln_diag *diag = &r->candidates->attempt;
    struct attempt a = { .handle = LN_NO_HANDLE,
                         .to = *to,
                         .give_up_at = now + (ln_msec)t->ip.options.connect_timeout_ms };
    if (r->first_at == LN_NEVER) {
        r->first_at = now;
        t->ip.resolve_ms = now - r->candidates->started;
    }
    r->next_at = now + (ln_msec)t->ip.options.race_delay_ms;
    ln_diag_clear(diag);
    enum ln_status st =
        ln__ip_open(&t->ip, LN_NET_STREAM, (enum ln_family)to->family, diag, &a.handle);
    if (st != LN_OK) {
        a.handle = LN_NO_HANDLE;
        return lose(t, &a, st, now);
    }
    st = net->ops->connect(net->ctx, a.handle, to, diag);
    if (st == LN_OK)
        win(t, &a, now);
    else if (st != LN_AGAIN)
        return lose(t, &a, st, now);
    else
        r->attempts[r->running++] = a;
    return st;
}

/* LN_OK: one has won. */
static enum ln_status look_at_attempts(struct tcp *t, ln_msec now)
{
    struct race *r = t->race;
    const struct ln_net *net = ln__ip_net(&t->ip);
    struct ln_diag *diag = &r->candidates->attempt;
    for (size_t i = 0; i < r->running;) {
        struct attempt *a = &r->attempts[i];
        ln_diag_clear(diag);
        enum ln_status st = net->ops->finish(net->ctx, a->handle, diag);
        if (st == LN_AGAIN && now >= a->give_up_at)
            st = ln_diag_set(diag, LN_TIMEOUT, LN_CAT_NO_ANSWER, LN_PHASE_CONNECT, "no answer");
        if (st == LN_AGAIN) {
            i++;
            continue;
        }
        struct attempt done = remove_attempt(r, i);
        if (st == LN_OK) {
            win(t, &done, now);
            return LN_OK;
        }
        (void)lose(t, &done, st, now);
    }
    return LN_AGAIN;
}

static enum ln_status tcp_connect(struct ln_sock *s, ln_msec now)
{
    struct tcp *t = tcp_of(s);
    struct ln_addr to;
    if (t->race == NULL)
        TRY(race_new(t, now));
    struct race *r = t->race;
    ln__candidates_step(r->candidates, now);
    if (look_at_attempts(t, now) == LN_OK)
        return LN_OK;
    enum ln_status more = LN_OK;
    while (now >= r->next_at || r->running == 0) {
        more = ln__candidates_next(r->candidates, now, &to);
        if (more != LN_OK)
            break;
        if (start_attempt(t, &to, now) == LN_OK)
            return LN_OK;
    }
    if (more == LN_NOT_FOUND && r->running == 0)
        return ln__ip_give_up(&t->ip, r->candidates);
    return LN_AGAIN;
}

static void race_interest(const struct race *r, struct ln_interest *want)
{
    ln__candidates_interest(r->candidates, want);
    for (size_t i = 0; i < r->running; i++) {
        ln_interest_add(want, r->attempts[i].handle, LN_WANT_WRITE);
        ln_interest_until(want, r->attempts[i].give_up_at);
    }
    if (r->running > 0 && ln__candidates_more(r->candidates))
        ln_interest_until(want, r->next_at);
}

static void tcp_notice(struct ln_sock *s, enum ln_notice notice)
{
    const struct tcp *t = tcp_of(s);
    ln__ip_notice(s, notice);
    if (notice == LN_NOTICE_GIVE_UP && t->race != NULL)
        ln__ip_out_of_time(ln__ip_of(s), t->race->candidates);
}

/* ---- servers ---- */

static enum ln_status tcp_bind(struct ln_sock *s, const struct ln_addr *local)
{
    return ln__ip_bind(ln__ip_of(s), LN_NET_STREAM, local);
}

static enum ln_status tcp_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    ln_handle handle = LN_NO_HANDLE;
    struct ln_addr peer;
    (void)now;
    TRY(net->ops->accept(net->ctx, ip->handle, &handle, &peer, s->diag));
    enum ln_status st = ln__tcp_new(s->env, &ip->options, s->diag, out);
    if (st != LN_OK) {
        net->ops->close(net->ctx, handle);
        return st;
    }
    ln__ip_of(*out)->handle = handle;
    ln__ip_of(*out)->peer = peer;
    return LN_OK;
}

/* ---- data ---- */

static enum ln_status tcp_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    return net->ops->send(net->ctx, ip->handle, NULL, data, sent, s->diag);
}

static enum ln_status tcp_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    struct ln_net_got n = { .len = 0 };
    uint8_t byte;
    if (room.len == 0) /* "is there something?" */
        return net->ops->recv(net->ctx, ip->handle, LN_NET_STREAM, ln_mspan(&byte, 1), true, &n,
                              s->diag);
    enum ln_status st =
        net->ops->recv(net->ctx, ip->handle, LN_NET_STREAM, room, false, &n, s->diag);
    *got = n.len;
    return st;
}

/* ---- the rest ---- */

static enum ln_status tcp_shutdown(struct ln_sock *s, ln_msec now)
{
    struct ln__ip *ip = ln__ip_of(s);
    const struct ln_net *net = ln__ip_net(ip);
    (void)now;
    return net->ops->shutdown(net->ctx, ip->handle, s->diag);
}

static void tcp_close(struct ln_sock *s)
{
    race_free(tcp_of(s));
    ln__ip_close(ln__ip_of(s));
}

static void tcp_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct tcp *t = tcp_view(s);
    if (t->race != NULL)
        race_interest(t->race, want);
    else
        ln_interest_add(want, t->ip.handle, want->events);
}

static void tcp_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    ln__ip_info(s, out);
    out->inner_mtu = 0;
}

static const struct ln_sock_ops tcp_ops = {
    .name = "tcp",
    .traits = LN_TRAIT_STREAM,
    .connect = tcp_connect,
    .bind = tcp_bind,
    .accept = tcp_accept,
    .send = tcp_send,
    .recv = tcp_recv,
    .shutdown = tcp_shutdown,
    .close = tcp_close,
    .interest = tcp_interest,
    .info = tcp_info,
    .notice = tcp_notice,
    .destroy = ln__ip_destroy,
};
