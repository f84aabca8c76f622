/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file udp_small.c
 * udp.c of a small build: a client's UDP socket, and no more.
 *
 * Connect: a literal address, or the first address that the environment's resolver gives for one family:
 *          that of the options, else the preferred one, else IPv4. Each connect has a new local port.
 * There is no bind, accept and send_to (LN_UNSUPPORTED). dscp, priority and interface go to the port's
 * open() as they are.
 */
#include "net/ip.h"

#include "base/try.h"

#define RESOLVE_TIMEOUT_MS 30000
#define MTU_MIN 68 /* RFC 791 3.2; with the headers of IPv6 there is still room for 20 bytes */
#define INTERFACE_NAME_MAX 15

struct udp {
    struct ln_sock base;
    struct ln_sock_options options; /* interface_name is `interface`, or NULL */
    char interface[INTERFACE_NAME_MAX + 1];
    struct ln_lookup *lookup; /* under way, or NULL */
    ln_msec deadline;         /* of the lookup */
    ln_handle handle;
    struct ln_addr peer;
};

static struct udp *udp_of(struct ln_sock *s)
{
    return (struct udp *)s;
}

static const struct ln_net *net_of(const struct udp *u)
{
    return &u->base.env->net;
}

/* ---- connect ---- */

static void hang_up(struct udp *u)
{
    if (u->lookup != NULL)
        u->lookup->ops->cancel(u->lookup);
    u->lookup = NULL;
}

static enum ln_family family_of(const struct ln_sock_options *o)
{
    if (o->family != LN_FAMILY_ANY)
        return o->family;
    return o->preferred_family != LN_FAMILY_ANY ? o->preferred_family : LN_IPV4;
}

/* The address of the host, or LN_AGAIN. */
static enum ln_status resolve(struct udp *u, ln_msec now, struct ln_addr *out)
{
    const struct ln_resolver *r = &u->base.env->resolver;
    size_t count = 0;
    if (ln_addr_parse(u->base.host, u->base.port, out) == LN_OK)
        return LN_OK;
    if (r->ops == NULL)
        return ln_diag_set(u->base.diag, LN_UNSUPPORTED, LN_CAT_DNS, LN_PHASE_RESOLVE,
                           "there is no resolver");
    if (u->lookup == NULL) {
        TRY(r->ops->start(r->ctx, u->base.env, u->base.host, family_of(&u->options), u->base.diag,
                          &u->lookup));
        u->deadline = now + RESOLVE_TIMEOUT_MS;
    }
    enum ln_status st = u->lookup->ops->poll(u->lookup, now, out, 1, &count, u->base.diag);
    if (st == LN_AGAIN && now < u->deadline)
        return st;
    hang_up(u);
    if (st == LN_AGAIN)
        return ln_diag_set(u->base.diag, LN_TIMEOUT, LN_CAT_DNS, LN_PHASE_RESOLVE,
                           "no answer from the name servers");
    out->port = u->base.port;
    return st == LN_OK && count == 0 ? LN_NOT_FOUND : st;
}

static enum ln_status open_to(struct udp *u, const struct ln_addr *to)
{
    const struct ln_net *net = net_of(u);
    struct ln_net_open how = {
        .kind = LN_NET_DATAGRAM,
        .family = (enum ln_family)to->family,
        .dscp = u->options.dscp,
        .priority = u->options.priority,
        .interface_name = u->options.interface_name,
    };
    TRY(net->ops->open(net->ctx, &how, u->base.diag, &u->handle));
    return net->ops->connect(net->ctx, u->handle, to, u->base.diag);
}

static void udp_close(struct ln_sock *s)
{
    struct udp *u = udp_of(s);
    hang_up(u);
    if (u->handle != LN_NO_HANDLE)
        net_of(u)->ops->close(net_of(u)->ctx, u->handle);
    u->handle = LN_NO_HANDLE;
    u->peer.family = LN_FAMILY_ANY;
}

static enum ln_status udp_connect(struct ln_sock *s, ln_msec now)
{
    struct udp *u = udp_of(s);
    struct ln_addr to;
    TRY(resolve(u, now, &to));
    enum ln_status st = open_to(u, &to);
    if (st != LN_OK) {
        udp_close(s);
        return ln_diag_set(s->diag, st == LN_AGAIN ? LN_IO : st, LN_CAT_LOCAL_IO, LN_PHASE_CONNECT,
                           "no socket towards the server");
    }
    u->peer = to;
    return LN_OK;
}

/* ---- data ---- */

static enum ln_status udp_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    const struct udp *u = udp_of(s);
    const struct ln_net *net = net_of(u);
    return net->ops->send(net->ctx, u->handle, NULL, data, sent, s->diag);
}

/* A datagram of somebody else, queued before the socket was connected, is passed over. */
static enum ln_status udp_recv(struct ln_sock *s, struct ln_mspan room, size_t *len)
{
    const struct udp *u = udp_of(s);
    const struct ln_net *net = net_of(u);
    struct ln_net_got got;
    uint8_t byte;
    bool peek = room.len == 0; /* "is there something?" */
    enum ln_status st;
    do {
        got = (struct ln_net_got) { .len = 0 };
        st = net->ops->recv(net->ctx, u->handle, LN_NET_DATAGRAM, peek ? ln_mspan(&byte, 1) : room,
                            peek, &got, s->diag);
    } while (st == LN_OK && !peek && !ln_addr_equal(&got.from, &u->peer));
    if (st != LN_OK && st != LN_NO_SPACE)
        return st;
    *len = peek ? 0 : got.len;
    s->datagram_len = got.full;
    return !peek && got.full > room.len ? LN_NO_SPACE : LN_OK;
}

/* ---- the rest ---- */

static void udp_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct udp *u = (const struct udp *)s;
    if (u->lookup != NULL) {
        u->lookup->ops->interest(u->lookup, want);
        ln_interest_until(want, u->deadline);
    } else if (s->state != LN_SOCK_CONNECTING) {
        ln_interest_add(want, u->handle, want->events);
    }
}

/* 1,280 and 576 bytes, less the headers: what every path takes (RFC 8200 5, RFC 791 3.2). */
static void udp_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    const struct udp *u = (const struct udp *)s;
    size_t headers = u->peer.family == LN_IPV4 ? 28 : 48;
    out->peer = u->peer;
    if (s->state != LN_SOCK_OPEN)
        return;
    out->mtu = u->options.mtu;
    out->inner_mtu =
        (out->mtu != 0 ? out->mtu : (u->peer.family == LN_IPV4 ? 576u : 1280u)) - headers;
}

static const struct ln_sock_ops udp_ops = {
    .name = "udp",
    .traits = LN_TRAIT_DATAGRAM,
    .connect = udp_connect,
    .send = udp_send,
    .recv = udp_recv,
    .close = udp_close,
    .interest = udp_interest,
    .info = udp_info,
};

static const char *fault_of(const struct ln_sock_options *o)
{
    if (o->mtu != 0 && o->mtu < MTU_MIN)
        return "mtu: 0 or 68 to 65535 is needed";
    if (o->interface_name != NULL && strlen(o->interface_name) > INTERFACE_NAME_MAX)
        return "interface_name: at most 15 bytes are possible";
    return NULL;
}

static void copy_options(struct udp *u, const struct ln_sock_options *o)
{
    u->options = *o;
    if (o->interface_name != NULL)
        u->options.interface_name =
            memcpy(u->interface, o->interface_name, strlen(o->interface_name) + 1);
}

enum ln_status ln__udp_new(const struct ln_env *env, const struct ln_sock_options *options,
                           struct ln_diag *diag, struct ln_sock **out)
{
    const char *fault = options != NULL ? fault_of(options) : NULL;
    if (env->net.ops == NULL)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "the environment has no network");
    if (fault != NULL)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", fault);
    enum ln_status st = ln_filter_new(&udp_ops, sizeof(struct udp), env, NULL, out);
    if (st != LN_OK)
        return ln_diag_set(diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a socket");
    struct udp *u = udp_of(*out);
    if (options != NULL)
        copy_options(u, options);
    u->handle = LN_NO_HANDLE;
    return LN_OK;
}
