/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file blocking.c
 * The contract is <linnet/blocking.h>. Every call is a loop of: try, look at the clock, wait, step.
 *
 * The deadline is a point in time that is compared and never moved: what wakes the wait early (a
 * signal, a record that is dropped) costs a turn of the loop and nothing else.
 */
#include <linnet/blocking.h>
#include <linnet/filter.h>

#include "base/try.h"
#include "net/candidates.h"

/* For the question of a single datagram. */
#define RESOLVE_TIMEOUT_MS 30000

ln_msec ln_deadline_in(const struct ln_env *env, int64_t ms)
{
    ln_msec now = ln_now(env);
    if (ms < 0)
        ms = 0;
    return ms > LN_NEVER - now ? LN_NEVER : now + ms;
}

static enum ln_status check_wait(struct ln_sock *s)
{
    if (s->env->net.ops != NULL && s->env->net.ops->wait != NULL)
        return LN_OK;
    return ln_diag_set(s->diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_NONE,
                       "the environment's network cannot wait: use step and interest");
}

/* Wait for what is wanted, but not beyond the deadline. LN_TIMEOUT: it has come. */
static enum ln_status wait_for(const struct ln_env *env, const struct ln_interest *want,
                               ln_msec deadline)
{
    if (ln_now(env) >= deadline)
        return LN_TIMEOUT;
    if (want->ready)
        return LN_OK;
    ln_msec until = want->deadline < deadline ? want->deadline : deadline;
    return env->net.ops->wait(env->net.ctx, want, until);
}

/* One turn: wait, then let the stack work. LN_OK: try again. */
static enum ln_status turn(struct ln_sock *s, unsigned events, ln_msec deadline)
{
    struct ln_interest want;
    ln_sock_interest(s, events, &want);
    TRY(wait_for(s->env, &want, deadline));
    enum ln_status st = ln_sock_step(s, ln_now(s->env));
    return st == LN_AGAIN ? LN_OK : st;
}

/* ---- connecting ---- */

/* Step until the stack is not CONNECTING any more. */
static enum ln_status finish(struct ln_sock *s, ln_msec deadline)
{
    enum ln_status st = LN_AGAIN;
    while (s->state == LN_SOCK_CONNECTING) {
        st = ln_sock_step(s, ln_now(s->env));
        if (st != LN_AGAIN)
            return st;
        struct ln_interest want;
        ln_sock_interest(s, 0, &want);
        TRY(wait_for(s->env, &want, deadline));
    }
    return s->state == LN_SOCK_FAILED ? s->diag->status : LN_OK;
}

enum ln_status ln_sock_connect_until(struct ln_sock *s, const char *host, uint16_t port,
                                     ln_msec deadline)
{
    TRY(check_wait(s));
    enum ln_status st = ln_sock_connect(s, host, port, ln_now(s->env));
    while (st == LN_AGAIN) {
        st = turn(s, 0, deadline);
        if (st == LN_OK && s->state == LN_SOCK_CONNECTING)
            st = LN_AGAIN;
    }
    if (st == LN_TIMEOUT) {
        ln_sock_give_up(s); /* unless the stack itself did */
        ln_sock_close(s);
    }
    return st;
}

enum ln_status ln_sock_open_until(struct ln_sock *s, ln_msec deadline)
{
    TRY(check_wait(s));
    if (s->state != LN_SOCK_CONNECTING && s->state != LN_SOCK_OPEN)
        return s->state == LN_SOCK_FAILED ? s->diag->status : LN_BAD_STATE;
    return finish(s, deadline);
}

enum ln_status ln_sock_accept_until(struct ln_sock *s, ln_msec deadline, struct ln_sock **out)
{
    struct ln_sock *client = NULL;
    TRY(check_wait(s));
    enum ln_status st;
    while ((st = ln_sock_accept(s, ln_now(s->env), out)) == LN_AGAIN)
        TRY(turn(s, LN_WANT_READ, deadline));
    if (st != LN_OK)
        return st;
    st = finish(*out, deadline);
    if (st == LN_OK)
        return st;
    client = *out;
    *out = NULL;
    if (st != LN_TIMEOUT || client->state == LN_SOCK_FAILED)
        *s->diag = *client->diag; /* the story outlives who told it */
    ln_sock_free(client);
    return st;
}

/* ---- data ---- */

enum ln_status ln_sock_send_until(struct ln_sock *s, struct ln_span data, ln_msec deadline,
                                  size_t *sent)
{
    size_t done = 0;
    enum ln_status st = check_wait(s);
    while (st == LN_OK) {
        size_t n = 0;
        st = ln_sock_send(s, ln_span(data.data != NULL ? data.data + done : NULL, data.len - done),
                          &n);
        done += n;
        if (st == LN_OK && done == data.len)
            break;
        if (st == LN_AGAIN)
            st = turn(s, LN_WANT_WRITE, deadline);
    }
    if (sent != NULL)
        *sent = done;
    return st;
}

enum ln_status ln_sock_recv_until(struct ln_sock *s, struct ln_mspan room, ln_msec deadline,
                                  size_t *got)
{
    *got = 0;
    TRY(check_wait(s));
    enum ln_status st;
    while ((st = ln_sock_recv(s, room, got)) == LN_AGAIN)
        TRY(turn(s, LN_WANT_READ, deadline));
    return st;
}

enum ln_status ln_sock_recv_from_until(struct ln_sock *s, struct ln_mspan room, ln_msec deadline,
                                       size_t *got, struct ln_addr *from)
{
    *got = 0;
    TRY(check_wait(s));
    enum ln_status st;
    while ((st = ln_sock_recv_from(s, room, got, from)) == LN_AGAIN)
        TRY(turn(s, LN_WANT_READ, deadline));
    return st;
}

/* ---- one datagram to a name ---- */

static enum ln_status send_one(struct ln_sock *s, const struct ln_addr *to, struct ln_span data,
                               ln_msec deadline)
{
    enum ln_status st;
    while ((st = ln_sock_send_to(s, to, data)) == LN_AGAIN)
        TRY(turn(s, LN_WANT_WRITE, deadline));
    return st;
}

static enum ln_status next_address(struct ln_sock *s, struct ln__candidates *c, ln_msec deadline,
                                   struct ln_addr *to)
{
    for (;;) {
        ln__candidates_step(c, ln_now(s->env));
        enum ln_status st = ln__candidates_next(c, ln_now(s->env), to);
        if (st != LN_AGAIN)
            return st;
        struct ln_interest want = ln_interest(0);
        ln__candidates_interest(c, &want);
        TRY(wait_for(s->env, &want, deadline));
    }
}

static enum ln_status send_to_any(struct ln_sock *s, struct ln__candidates *c, struct ln_span data,
                                  ln_msec deadline)
{
    struct ln_addr to;
    enum ln_status st;
    bool tried = false;
    while ((st = next_address(s, c, deadline, &to)) == LN_OK) {
        tried = true;
        st = send_one(s, &to, data, deadline);
        if (st == LN_OK || s->diag->category != LN_CAT_UNREACHABLE)
            return st;
    }
    if (st != LN_NOT_FOUND)
        return st;
    if (tried)
        return s->diag->status; /* of the last one */
    return ln_diag_set(s->diag, c->failure.status, c->failure.category, LN_PHASE_RESOLVE,
                       "resolve %.80s: %s", c->wanted.host, c->failure.text);
}

enum ln_status ln_sock_send_to_until(struct ln_sock *s, const char *host, uint16_t port,
                                     struct ln_span data, ln_msec deadline)
{
    struct ln_sock_info info;
    TRY(check_wait(s));
    if (s->state != LN_SOCK_BOUND && s->state != LN_SOCK_OPEN)
        return LN_BAD_STATE;
    ln_diag_clear(s->diag);
    if (host == NULL || host[0] == '\0' || strlen(host) > LN_HOST_MAX || port == 0)
        return ln_diag_set(s->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_TRANSFER,
                           "send_to: a host of 1 to %d bytes and a port are needed", LN_HOST_MAX);
    struct ln__candidates *c = (struct ln__candidates *)ln_calloc(s->env, 1, sizeof *c);
    if (c == NULL)
        return ln_diag_set(s->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_RESOLVE,
                           "no memory to resolve %.80s", host);
    ln_sock_info(s, &info);
    struct ln__wanted wanted = { .host = host, .port = port, .timeout_ms = RESOLVE_TIMEOUT_MS };
    if (info.local.family == LN_IPV4) /* the IPv6 wildcard reaches both */
        wanted.family = LN_IPV4;
    ln__candidates_start(c, s->env, &wanted, ln_now(s->env));
    enum ln_status st = send_to_any(s, c, data, deadline);
    ln__candidates_finish(c);
    ln_free(s->env, c);
    return st;
}
