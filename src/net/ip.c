/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ip.c
 * The contract is ip.h.
 */
#include "net/ip.h"

#include "base/try.h"

/* Limits of struct ln_sock_options, and their defaults. */
#define DSCP_MAX 63
#define PRIORITY_MAX 7
#define INTERFACE_NAME_MAX 15 /* IF_NAMESIZE - 1 of every system we know */
#define MTU_MIN 68            /* RFC 791: every link carries that */
#define RESOLVE_TIMEOUT_MS 30000
#define CONNECT_TIMEOUT_MS 10000 /* SOCK-20 */
#define RACE_DELAY_MS 250        /* RFC 8305 5 */

/* The largest UDP payload is that of the largest IPv4 packet. */
#define IP_PACKET_MAX 65535
#define IPV4_UDP_HEADERS 28
#define IPV6_UDP_HEADERS 48
/* Where the path is not known: what every host takes (RFC 791: 576; RFC 8200 5: 1280). */
#define IPV4_MTU_KNOWN_GOOD 576
#define IPV6_MTU_KNOWN_GOOD 1280

/* ---- options ---- */

static enum ln_status wrong(struct ln_diag *diag, const char *text)
{
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", text);
}

static bool is_family(unsigned family)
{
    return family == LN_FAMILY_ANY || family == LN_IPV4 || family == LN_IPV6;
}

static enum ln_status check_options(const struct ln_sock_options *o, struct ln_diag *diag)
{
    if (!is_family((unsigned)o->family))
        return wrong(diag, "family: LN_FAMILY_ANY, LN_IPV4 or LN_IPV6 is needed");
    if (!is_family((unsigned)o->preferred_family))
        return wrong(diag, "preferred_family: LN_FAMILY_ANY, LN_IPV4 or LN_IPV6 is needed");
    if (o->dscp > DSCP_MAX)
        return wrong(diag, "dscp: 0 to 63 is needed");
    if (o->priority > PRIORITY_MAX)
        return wrong(diag, "priority: 0 to 7 is needed");
    if (o->interface_name != NULL && strlen(o->interface_name) > INTERFACE_NAME_MAX)
        return wrong(diag, "interface_name: at most 15 bytes are possible");
    if (o->mtu != 0 && o->mtu < MTU_MIN)
        return wrong(diag, "mtu: 0 or 68 to 65535 is needed");
    if (!is_family(o->preferred.family))
        return wrong(diag, "preferred: its family is neither IPv4 nor IPv6");
    return LN_OK;
}

static void set_defaults(struct ln_sock_options *o)
{
    if (o->resolve_timeout_ms == 0)
        o->resolve_timeout_ms = RESOLVE_TIMEOUT_MS;
    if (o->connect_timeout_ms == 0)
        o->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (o->race_delay_ms == 0)
        o->race_delay_ms = RACE_DELAY_MS;
}

static enum ln_status make(const struct ln__ip_type *type, const struct ln_env *env,
                           const struct ln_sock_options *options, struct ln_sock **out)
{
    char *interface_name = NULL;
    bool named = options->interface_name != NULL && options->interface_name[0] != '\0';
    if (named) {
        interface_name = ln_strdup(env, options->interface_name);
        if (interface_name == NULL)
            return LN_NO_MEMORY;
    }
    enum ln_status st = ln_filter_new(type->ops, type->size, env, NULL, out);
    if (st != LN_OK) {
        ln_free(env, interface_name);
        return st;
    }
    struct ln__ip *ip = ln__ip_of(*out);
    ip->options = *options;
    ip->options.interface_name = interface_name;
    set_defaults(&ip->options);
    ip->handle = LN_NO_HANDLE;
    return LN_OK;
}

enum ln_status ln__ip_new(const struct ln__ip_type *type, const struct ln_env *env,
                          const struct ln_sock_options *options, struct ln_diag *diag,
                          struct ln_sock **out)
{
    static const struct ln_sock_options defaults = LN_SOCK_OPTIONS_INIT;
    if (env->net.ops == NULL)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "the environment has no network");
    if (options == NULL)
        options = &defaults;
    TRY(check_options(options, diag));
    enum ln_status st = make(type, env, options, out);
    if (st != LN_OK)
        return ln_diag_set(diag, st, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a socket");
    return LN_OK;
}

void ln__ip_destroy(struct ln_sock *s)
{
    struct ln__ip *ip = ln__ip_of(s);
    char *interface_name = (char *)(uintptr_t)ip->options.interface_name; /* our own copy */
    ln_free(s->env, interface_name);
}

/* ---- names ---- */

struct ln__candidates *ln__ip_resolve(struct ln__ip *ip, ln_msec now)
{
    struct ln__candidates *c = (struct ln__candidates *)ln_calloc(ip->base.env, 1, sizeof *c);
    if (c == NULL) {
        (void)ln_diag_set(ip->base.diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_RESOLVE,
                          "no memory to resolve %.100s", ip->base.host);
        return NULL;
    }
    struct ln__wanted wanted = {
        .host = ip->base.host,
        .port = ip->base.port,
        .family = ip->options.family,
        .preferred = ip->options.preferred_family,
        .favourites = { ip->remembered, ip->options.preferred },
        .timeout_ms = ip->options.resolve_timeout_ms,
    };
    ip->resolve_ms = 0;
    ip->connect_ms = 0;
    ln__candidates_start(c, ip->base.env, &wanted, now);
    return c;
}

void ln__ip_resolved(struct ln__ip *ip, struct ln__candidates *c)
{
    if (c == NULL)
        return;
    ln__candidates_finish(c);
    ln_free(ip->base.env, c);
}

/* "refused", to go behind an address; NULL where only the whole sentence will do. */
static const char *verb(const struct ln_diag *d)
{
    static const char *const verbs[] = {
        [LN_CAT_NO_ANSWER] = "did not answer",
        [LN_CAT_UNREACHABLE] = "is unreachable",
        [LN_CAT_PEER_REFUSED] = "refused",
    };
    return (size_t)d->category < sizeof verbs / sizeof verbs[0] ? verbs[d->category] : NULL;
}

/* From connect these two promise that nothing has changed, which a system call cannot know. */
static enum ln_status outcome(enum ln_status st)
{
    return st == LN_BAD_ARG || st == LN_BAD_STATE ? LN_IO : st;
}

static void say_tried(struct ln__ip *ip, const struct ln__candidates *c)
{
    const struct ln_diag *why = &c->failure;
    const char *did = verb(why);
    const char *colon = did != NULL ? "" : ":";
    char addr[LN_ADDR_TEXT_MAX];
    ln_addr_format_ip(&c->last, addr);
    if (did == NULL)
        did = why->text;
    if (c->tried == 1)
        (void)ln_diag_set(ip->base.diag, outcome(why->status), why->category, LN_PHASE_CONNECT,
                          "connect to host %.80s port %u: %s%s %s", ip->base.host, ip->base.port,
                          addr, colon, did);
    else
        (void)ln_diag_set(ip->base.diag, outcome(why->status), why->category, LN_PHASE_CONNECT,
                          "connect to host %.80s port %u: %u addresses tried, the last one %s%s %s",
                          ip->base.host, ip->base.port, c->tried, addr, colon, did);
}

enum ln_status ln__ip_give_up(struct ln__ip *ip, const struct ln__candidates *c)
{
    const struct ln_diag *why = &c->failure;
    struct ln_diag *diag = ip->base.diag;
    ln_diag_clear(diag);
    if (c->tried > 0)
        say_tried(ip, c);
    else
        (void)ln_diag_set(diag, outcome(why->status), why->category, LN_PHASE_RESOLVE,
                          "resolve %.80s: %s", ip->base.host, why->text);
    if (why->origin != NULL)
        ln_diag_native(diag, why->origin, why->native, why->native_text);
    return outcome(why->status);
}

void ln__ip_out_of_time(struct ln__ip *ip, const struct ln__candidates *c)
{
    struct ln_diag *diag = ip->base.diag;
    if (ip->base.state != LN_SOCK_CONNECTING || c == NULL)
        return;
    if (!c->begun) {
        (void)ln_diag_set(diag, LN_TIMEOUT, LN_CAT_DNS, LN_PHASE_RESOLVE,
                          "resolve %.80s: no answer from the name servers in the time that was "
                          "given",
                          ip->base.host);
        return;
    }
    (void)ln_diag_set(diag, LN_TIMEOUT, LN_CAT_NO_ANSWER, LN_PHASE_CONNECT,
                      "connect to host %.80s port %u: of %u addresses %u failed, and none answered "
                      "in the time that was given",
                      ip->base.host, ip->base.port, c->handed, c->tried);
}

/* ---- handles ---- */

enum ln_status ln__ip_open(const struct ln__ip *ip, enum ln_net_kind kind, enum ln_family family,
                           struct ln_diag *diag, ln_handle *out)
{
    const struct ln_net *net = ln__ip_net(ip);
    struct ln_net_open how = {
        .kind = kind,
        .family = family,
        .dscp = ip->options.dscp,
        .priority = ip->options.priority,
        .reuse_addr = ip->options.reuse_addr,
        .transparent = ip->options.transparent,
        .v6_only = ip->options.family == LN_IPV6,
        .interface_name = ip->options.interface_name,
    };
    return net->ops->open(net->ctx, &how, diag, out);
}

struct ln_addr ln__ip_wildcard(uint8_t family, uint16_t port)
{
    struct ln_addr any = { .family = family, .port = port };
    return any;
}

bool ln__ip_is_wildcard(const struct ln_addr *addr)
{
    static const uint8_t zero[sizeof addr->ip];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

static enum ln_status bind_to(struct ln__ip *ip, enum ln_net_kind kind, const struct ln_addr *local)
{
    const struct ln_net *net = ln__ip_net(ip);
    struct ln_diag *diag = ip->base.diag;
    TRY(ln__ip_open(ip, kind, (enum ln_family)local->family, diag, &ip->handle));
    enum ln_status st = net->ops->bind(net->ctx, ip->handle, kind, local, diag);
    if (st == LN_OK)
        st = net->ops->names(net->ctx, ip->handle, &ip->bound, NULL);
    if (st != LN_OK)
        ln__ip_drop(ip);
    return st;
}

/* IPv6 first: its wildcard serves both families. IPv4 alone where there is no IPv6. */
static enum ln_status bind_any(struct ln__ip *ip, enum ln_net_kind kind, uint16_t port)
{
    enum ln_family first = ip->options.family;
    if (first == LN_FAMILY_ANY)
        first = ip->options.preferred_family;
    if (first == LN_FAMILY_ANY)
        first = LN_IPV6;
    struct ln_addr local = ln__ip_wildcard((uint8_t)first, port);
    enum ln_status st = bind_to(ip, kind, &local);
    bool no_family = st == LN_UNSUPPORTED || ip->base.diag->category == LN_CAT_UNREACHABLE;
    if (st == LN_OK || !no_family || ip->options.family != LN_FAMILY_ANY)
        return st;
    ln_diag_clear(ip->base.diag);
    local.family = first == LN_IPV6 ? LN_IPV4 : LN_IPV6;
    return bind_to(ip, kind, &local);
}

enum ln_status ln__ip_bind(struct ln__ip *ip, enum ln_net_kind kind, const struct ln_addr *local)
{
    if (local == NULL || local->family == LN_FAMILY_ANY)
        return bind_any(ip, kind, local != NULL ? local->port : 0);
    if (!is_family(local->family) ||
        (ip->options.family != LN_FAMILY_ANY && ip->options.family != local->family))
        return wrong(ip->base.diag, "local: its family is not the one that the options allow");
    return bind_to(ip, kind, local);
}

void ln__ip_drop(struct ln__ip *ip)
{
    const struct ln_net *net = ln__ip_net(ip);
    if (ip->handle != LN_NO_HANDLE)
        net->ops->close(net->ctx, ip->handle);
    ip->handle = LN_NO_HANDLE;
}

void ln__ip_close(struct ln__ip *ip)
{
    ln__ip_drop(ip);
    memset(&ip->bound, 0, sizeof ip->bound);
    memset(&ip->peer, 0, sizeof ip->peer);
}

/* ---- what is learned from above ---- */

void ln__ip_notice(struct ln_sock *s, enum ln_notice notice)
{
    struct ln__ip *ip = ln__ip_of(s);
    if (s->role == LN_SERVER)
        return;
    switch (notice) {
    case LN_NOTICE_OPENED:
        ip->remembered = ip->peer;
        break;
    case LN_NOTICE_HANDSHAKE_FAILED:
        /* A middlebox may have taken a dislike to our port, or the server to that address. */
        ip->kept_port = 0;
        if (ln_addr_equal(&ip->remembered, &ip->peer))
            memset(&ip->remembered, 0, sizeof ip->remembered);
        break;
    case LN_NOTICE_NO_ANSWER:
    case LN_NOTICE_GIVE_UP:
        break;
    }
}

/* ---- what is told ---- */

size_t ln__ip_overhead(uint8_t family)
{
    return family == LN_IPV4 ? IPV4_UDP_HEADERS : IPV6_UDP_HEADERS;
}

static size_t path_mtu(const struct ln__ip *ip)
{
    const struct ln_net *net = ln__ip_net(ip);
    size_t mtu = 0;
    if (ip->options.mtu != 0)
        return ip->options.mtu;
    if (net->ops->mtu == NULL || net->ops->mtu(net->ctx, ip->handle, &mtu) != LN_OK)
        return 0;
    if (mtu < MTU_MIN)
        return 0;
    return mtu < IP_PACKET_MAX ? mtu : IP_PACKET_MAX; /* loopback says 65536 */
}

void ln__ip_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    const struct ln__ip *ip = (const struct ln__ip *)s;
    const struct ln_net *net = ln__ip_net(ip);
    out->peer = ip->peer;
    out->resolve_ms = ip->resolve_ms;
    out->connect_ms = ip->connect_ms;
    if (ip->handle == LN_NO_HANDLE)
        return;
    (void)net->ops->names(net->ctx, ip->handle, &out->local, NULL);
    if (s->state != LN_SOCK_OPEN || ip->peer.family == LN_FAMILY_ANY)
        return;
    out->mtu = path_mtu(ip);
    size_t good = ip->peer.family == LN_IPV4 ? IPV4_MTU_KNOWN_GOOD : IPV6_MTU_KNOWN_GOOD;
    out->inner_mtu = (out->mtu != 0 ? out->mtu : good) - ln__ip_overhead(ip->peer.family);
}
