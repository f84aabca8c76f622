/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_TESTKIT_WORLD_H
#define LN_TESTS_TESTKIT_WORLD_H
/**
 * @file testkit_world.h
 * Two hosts and raw sockets on them, for the tests of the testkit itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linnet/testkit.h>

#define A_IP "192.0.2.1"
#define B_IP "192.0.2.2"
#define A_IP6 "2001:db8::1"
#define B_IP6 "2001:db8::2"

struct world {
    struct ln_testkit *kit;
    struct ln_testkit_host *a, *b;
    struct ln_env ea, eb;
};

/** The status is what it must be; if not, both are named. */
#define EXPECT(wanted, got)                                                                        \
    do {                                                                                           \
        enum ln_status wanted_ = (wanted), got_ = (got);                                           \
        if (wanted_ != got_)                                                                       \
            fail_msg("%s:%d: %s is %s, not %s", __FILE__, __LINE__, #got, ln_status_name(got_),    \
                     ln_status_name(wanted_));                                                     \
    } while (0)

static inline void world_open_with(struct world *w, const struct ln_testkit_config *config)
{
    memset(w, 0, sizeof *w);
    EXPECT(LN_OK, ln_testkit_new(config, &w->kit));
    EXPECT(LN_OK, ln_testkit_host_new(w->kit, "a", A_IP " " A_IP6, &w->a));
    EXPECT(LN_OK, ln_testkit_host_new(w->kit, "b", B_IP " " B_IP6, &w->b));
    ln_testkit_env(w->a, &w->ea);
    ln_testkit_env(w->b, &w->eb);
}

static inline void world_open(struct world *w, uint64_t seed)
{
    struct ln_testkit_config config;
    memset(&config, 0, sizeof config);
    config.seed = seed;
    world_open_with(w, &config);
}

static inline void world_close(struct world *w)
{
    ln_testkit_free(w->kit);
    w->kit = NULL;
}

static inline struct ln_addr at(const char *ip, uint16_t port)
{
    struct ln_addr addr;
    memset(&addr, 0, sizeof addr);
    EXPECT(LN_OK, ln_addr_parse(ip, port, &addr));
    return addr;
}

static inline ln_handle raw_open(const struct ln_env *env, enum ln_net_kind kind,
                                 enum ln_family family)
{
    struct ln_net_open how;
    ln_handle h = LN_NO_HANDLE;
    memset(&how, 0, sizeof how);
    how.kind = kind;
    how.family = family;
    EXPECT(LN_OK, env->net.ops->open(env->net.ctx, &how, NULL, &h));
    return h;
}

/** A bound socket; streams listen. */
static inline ln_handle raw_bound(const struct ln_env *env, enum ln_net_kind kind, const char *ip,
                                  uint16_t port)
{
    struct ln_addr local = at(ip, port);
    ln_handle h = raw_open(env, kind, (enum ln_family)local.family);
    EXPECT(LN_OK, env->net.ops->bind(env->net.ctx, h, kind, &local, NULL));
    return h;
}

static inline ln_handle udp_at(const struct ln_env *env, const char *ip, uint16_t port)
{
    return raw_bound(env, LN_NET_DATAGRAM, ip, port);
}

static inline enum ln_status raw_connect(const struct ln_env *env, ln_handle h, const char *ip,
                                         uint16_t port)
{
    struct ln_addr peer = at(ip, port);
    return env->net.ops->connect(env->net.ctx, h, &peer, NULL);
}

static inline enum ln_status raw_send(const struct ln_env *env, ln_handle h, const void *data,
                                      size_t len, size_t *sent)
{
    size_t ignored = 0;
    return env->net.ops->send(env->net.ctx, h, NULL, ln_span(data, len),
                              sent != NULL ? sent : &ignored, NULL);
}

static inline enum ln_status raw_send_to(const struct ln_env *env, ln_handle h, const char *ip,
                                         uint16_t port, const void *data, size_t len)
{
    struct ln_addr to = at(ip, port);
    size_t sent = 0;
    return env->net.ops->send(env->net.ctx, h, &to, ln_span(data, len), &sent, NULL);
}

static inline enum ln_status raw_recv(const struct ln_env *env, ln_handle h, void *room,
                                      size_t size, struct ln_net_got *got)
{
    return env->net.ops->recv(env->net.ctx, h, LN_NET_DATAGRAM, ln_mspan(room, size), false, got,
                              NULL);
}

/** The same of a stream. */
static inline enum ln_status raw_read(const struct ln_env *env, ln_handle h, void *room,
                                      size_t size, struct ln_net_got *got)
{
    return env->net.ops->recv(env->net.ctx, h, LN_NET_STREAM, ln_mspan(room, size), false, got,
                              NULL);
}

static inline void raw_close(const struct ln_env *env, ln_handle h)
{
    env->net.ops->close(env->net.ctx, h);
}

/** Wait until the handle is ready for the events, at most `ms`. False: it is not. */
static inline bool raw_wait(const struct ln_env *env, ln_handle h, unsigned events, int64_t ms)
{
    struct ln_interest want = ln_interest(0);
    ln_msec until = ln_now(env) + ms;
    ln_interest_add(&want, h, events);
    EXPECT(LN_OK, env->net.ops->wait(env->net.ctx, &want, until));
    return ln_now(env) < until;
}

#endif
