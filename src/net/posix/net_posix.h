/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_POSIX_H
#define LN_NET_POSIX_H
/*
 * Internal: raw sockets of POSIX (with the options of Linux) behind struct ln_net_ops.
 *
 * The context is a `const struct ln_env *`: wait() measures deadlines by its clock. A handle is the
 * descriptor. Nothing else is kept, so the operations may be used by several threads.
 *
 * What callers should know beyond <linnet/env.h>:
 *  - finish() does not know which address was tried, and says so; connect() does.
 *  - The peer's address of a stream is gone as soon as the connection is (reset, or closed by both
 *    sides): ask for names() when it opens.
 *  - An ICMP error shows up at the next send or receive of a connected datagram socket, and is over
 *    then. Unconnected ones do not hear of any.
 */
#include <linnet/env.h>

extern const struct ln_net_ops ln__net_posix;

struct sockaddr;
struct sockaddr_storage;

/* The descriptor of a handle. */
static inline int ln__posix_fd(ln_handle h)
{
    return (int)h;
}

/* ---- address.c ---- */

/* False if it is no address of IPv4 or IPv6; IPv4-mapped ones become IPv4. */
bool ln__posix_addr_read(const struct sockaddr *from, size_t len, struct ln_addr *out);

/* For a socket of family `socket_family`, to which an IPv4 address may have to be mapped. NULL or
 * LN_FAMILY_ANY: the wildcard address. Returns the length, or 0 if such a socket cannot take it. */
size_t ln__posix_addr_write(const struct ln_addr *from, enum ln_family socket_family,
                            struct sockaddr_storage *out);

/* Of a descriptor; LN_FAMILY_ANY if it has none that we know. */
enum ln_family ln__posix_family(int fd);

/* ---- options.c ---- */

/* All of `how` that is a socket option. */
enum ln_status ln__posix_apply_options(int fd, const struct ln_net_open *how, struct ln_diag *diag);

/* TLS and CoAP write whole messages: nothing is gained by waiting for more (Nagle). */
void ln__posix_no_delay(int fd);

/* ---- transfer.c ---- */

enum ln_status ln__posix_send(void *ctx, ln_handle h, const struct ln_addr *to, struct ln_span data,
                              size_t *sent, struct ln_diag *diag);
enum ln_status ln__posix_recv(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                              bool peek, struct ln_net_got *got, struct ln_diag *diag);

/* ---- wait.c ---- */

enum ln_status ln__posix_wait(void *ctx, const struct ln_interest *want, ln_msec until);

/* ---- error.c ---- */

/* What failed: "connect to 192.0.2.1:5684 ...". */
struct ln__posix_failure {
    int error; /* errno */
    enum ln_phase phase;
    const char *verb;           /* "connect" */
    const char *link;           /* " to ": between verb and address */
    const struct ln_addr *addr; /* NULL, or without family: not known */
};

/* Record the failure as a sentence, with category and errno; returns the status. */
enum ln_status ln__posix_fail(struct ln_diag *diag, const struct ln__posix_failure *failure);

/* Whether errno says "not now". */
bool ln__posix_would_block(int error);

#endif
