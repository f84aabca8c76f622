/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_IP_H
#define LN_NET_IP_H
/**
 * @file ip.h
 * What UDP and TCP have in common: options, addresses, the raw handle, and what is remembered.
 *
 * Remembered over close:
 *  - the address of the last peer with which the whole stack opened (DNS may give many: the server
 *    that knows our session is tried first). A handshake that fails there forgets it.
 *  - UDP: the local port, so that a server recognises us. It is not kept for TCP, where the port of
 *    a connection that we closed is blocked for minutes (TIME-WAIT, RFC 9293 3.6.1).
 */
#include "net/candidates.h"
#include <linnet/filter.h>

struct ln__ip {
    struct ln_sock base;
    struct ln_sock_options options; /**< interface_name is our own copy, or NULL */
    ln_handle handle;               /**< LN_NO_HANDLE = none */
    struct ln_addr bound;           /**< by ln_sock_bind(); without family = not bound */
    struct ln_addr peer;            /**< without family = not connected */
    struct ln_addr remembered;      /**< peer of the last success; without family = none */
    uint16_t kept_port;             /**< local port to come back to; 0 = any */
    ln_msec resolve_ms;
    ln_msec connect_ms;
};

/** What a kind of socket brings to ln__ip_new(). */
struct ln__ip_type {
    const struct ln_sock_ops *ops;
    size_t size; /**< of the structure that embeds struct ln__ip first */
};

/** LN_BAD_ARG: a field of the options is out of range, diag names it. */
enum ln_status ln__ip_new(const struct ln__ip_type *type, const struct ln_env *env,
                          const struct ln_sock_options *options, struct ln_diag *diag,
                          struct ln_sock **out);
void ln__ip_destroy(struct ln_sock *s);

static inline struct ln__ip *ln__ip_of(struct ln_sock *s)
{
    return (struct ln__ip *)s;
}

static inline const struct ln_net *ln__ip_net(const struct ln__ip *ip)
{
    return &ip->base.env->net;
}

/* ---- connecting ---- */

/** Allocate and start the candidates for the host of the stack. NULL: no memory, diag tells. */
struct ln__candidates *ln__ip_resolve(struct ln__ip *ip, ln_msec now);
/** Take them back. NULL is allowed. */
void ln__ip_resolved(struct ln__ip *ip, struct ln__candidates *c);
/** Every address failed, or there was none: put that into words. */
enum ln_status ln__ip_give_up(struct ln__ip *ip, const struct ln__candidates *c);
/** The caller's time is up (LN_NOTICE_GIVE_UP): put into words what is missing. `c` may be NULL. */
void ln__ip_out_of_time(struct ln__ip *ip, const struct ln__candidates *c);

/** A raw socket with our options. */
enum ln_status ln__ip_open(const struct ln__ip *ip, enum ln_net_kind kind, enum ln_family family,
                           struct ln_diag *diag, ln_handle *out);
/** Bind to `local`, or to the wildcard of the family that is to be had. */
enum ln_status ln__ip_bind(struct ln__ip *ip, enum ln_net_kind kind, const struct ln_addr *local);
/** Any address of a family, with a port. */
struct ln_addr ln__ip_wildcard(uint8_t family, uint16_t port);
bool ln__ip_is_wildcard(const struct ln_addr *addr);

/** Give the handle back. */
void ln__ip_drop(struct ln__ip *ip);
/** The part of close() that both share; what is remembered stays. */
void ln__ip_close(struct ln__ip *ip);

/* ---- telling ---- */

void ln__ip_notice(struct ln_sock *s, enum ln_notice notice);
/** Addresses and MTU. inner_mtu is that of datagrams: a stream sets it to 0. */
void ln__ip_info(const struct ln_sock *s, struct ln_sock_info *out);
/** Bytes of the headers of IP and UDP. */
size_t ln__ip_overhead(uint8_t family);

/* ---- the two kinds (udp.c, tcp.c); parameters as ln__ip_new() ---- */

enum ln_status ln__udp_new(const struct ln_env *env, const struct ln_sock_options *options,
                           struct ln_diag *diag, struct ln_sock **out);
enum ln_status ln__tcp_new(const struct ln_env *env, const struct ln_sock_options *options,
                           struct ln_diag *diag, struct ln_sock **out);

#endif
