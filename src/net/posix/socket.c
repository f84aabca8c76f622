/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_net_ops of <linnet/env.h>, see net_posix.h. Opening, naming and closing; bytes
 * move in transfer.c.
 *
 * Every descriptor is non-blocking and closed on exec from its first moment. EINTR is never seen by
 * a caller.
 */
#define _GNU_SOURCE /* accept4() */

#include "net/posix/net_posix.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel cuts it to its own limit (net.core.somaxconn). */
#define BACKLOG 1024

static enum ln_status open_socket(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                                  ln_handle *out)
{
    (void)ctx;
    *out = LN_NO_HANDLE;
    if (how->family != LN_IPV4 && how->family != LN_IPV6)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "family: a socket is of IPv4 or of IPv6");
    bool stream = how->kind == LN_NET_STREAM;
    int fd = socket(how->family == LN_IPV6 ? AF_INET6 : AF_INET,
                    (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ln__posix_fail(
            diag, &(struct ln__posix_failure) { .error = errno,
                                                .phase = LN_PHASE_CONNECT,
                                                .verb = how->family == LN_IPV6
                                                            ? "opening an IPv6 socket"
                                                            : "opening an IPv4 socket" });
    enum ln_status st = ln__posix_apply_options(fd, how, diag);
    if (st != LN_OK) {
        (void)close(fd);
        return st;
    }
    if (stream)
        ln__posix_no_delay(fd);
    *out = fd;
    return LN_OK;
}

static enum ln_status wrong_family(struct ln_diag *diag, const struct ln__posix_failure *what)
{
    struct ln__posix_failure failure = *what;
    failure.error = EAFNOSUPPORT;
    return ln__posix_fail(diag, &failure);
}

static enum ln_status failed(struct ln_diag *diag, const struct ln__posix_failure *what)
{
    struct ln__posix_failure failure = *what;
    failure.error = errno;
    return ln__posix_fail(diag, &failure);
}

static enum ln_status bind_socket(void *ctx, ln_handle h, enum ln_net_kind kind,
                                  const struct ln_addr *local, struct ln_diag *diag)
{
    (void)ctx;
    int fd = ln__posix_fd(h);
    struct sockaddr_storage addr;
    const struct ln__posix_failure what = {
        .phase = LN_PHASE_CONNECT, .verb = "bind", .link = " to ", .addr = local
    };
    size_t len = ln__posix_addr_write(local, ln__posix_family(fd), &addr);
    if (len == 0)
        return wrong_family(diag, &what);
    if (bind(fd, (const struct sockaddr *)&addr, (socklen_t)len) != 0)
        return failed(diag, &what);
    if (kind == LN_NET_STREAM && listen(fd, BACKLOG) != 0)
        return failed(diag, &what);
    return LN_OK;
}

static enum ln_status connect_socket(void *ctx, ln_handle h, const struct ln_addr *peer,
                                     struct ln_diag *diag)
{
    (void)ctx;
    int fd = ln__posix_fd(h);
    struct sockaddr_storage addr;
    const struct ln__posix_failure what = {
        .phase = LN_PHASE_CONNECT, .verb = "connect", .link = " to ", .addr = peer
    };
    size_t len = ln__posix_addr_write(peer, ln__posix_family(fd), &addr);
    if (len == 0)
        return wrong_family(diag, &what);
    if (connect(fd, (const struct sockaddr *)&addr, (socklen_t)len) == 0)
        return LN_OK;
    /* an interrupted connect goes on by itself (POSIX) */
    if (errno == EINPROGRESS || errno == EINTR)
        return LN_AGAIN;
    return failed(diag, &what);
}

static enum ln_status finish_connect(void *ctx, ln_handle h, struct ln_diag *diag)
{
    (void)ctx;
    int fd = ln__posix_fd(h);
    struct ln__posix_failure what = { .phase = LN_PHASE_CONNECT, .verb = "connect" };
    socklen_t len = sizeof what.error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &what.error, &len) != 0)
        return failed(diag, &what);
    if (what.error != 0)
        return ln__posix_fail(diag, &what);
    struct sockaddr_storage peer;
    len = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        return LN_OK;
    return errno == ENOTCONN ? LN_AGAIN : failed(diag, &what); /* woken for nothing */
}

/* The client gave up while it waited in the queue, or a network error of its belongs to nobody now
 * (accept(2) of Linux): the next one, please. */
static bool is_about_one_client(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN ||
           error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
           error == ENETUNREACH;
}

static enum ln_status accept_client(void *ctx, ln_handle h, ln_handle *out, struct ln_addr *peer,
                                    struct ln_diag *diag)
{
    (void)ctx;
    *out = LN_NO_HANDLE;
    struct sockaddr_storage from;
    socklen_t len;
    int fd;
    do {
        len = sizeof from;
        fd = accept4(ln__posix_fd(h), (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && is_about_one_client(errno));
    if (fd < 0 && ln__posix_would_block(errno))
        return LN_AGAIN;
    if (fd < 0)
        return failed(diag,
                      &(struct ln__posix_failure) { .phase = LN_PHASE_CONNECT, .verb = "accept" });
    *peer = (struct ln_addr) { .family = LN_FAMILY_ANY };
    (void)ln__posix_addr_read((const struct sockaddr *)&from, len, peer);
    ln__posix_no_delay(fd);
    *out = fd;
    return LN_OK;
}

static enum ln_status shutdown_socket(void *ctx, ln_handle h, struct ln_diag *diag)
{
    (void)ctx;
    /* ENOTCONN: the peer was faster, or an unconnected datagram socket, which is shut all the same */
    if (shutdown(ln__posix_fd(h), SHUT_RDWR) == 0 || errno == ENOTCONN)
        return LN_OK;
    return failed(diag,
                  &(struct ln__posix_failure) { .phase = LN_PHASE_CLOSE, .verb = "shutdown" });
}

static void close_socket(void *ctx, ln_handle h)
{
    (void)ctx;
    if (h != LN_NO_HANDLE)
        (void)close(ln__posix_fd(h)); /* also after EINTR the descriptor is gone on Linux */
}

static enum ln_status names_of(void *ctx, ln_handle h, struct ln_addr *local, struct ln_addr *peer)
{
    (void)ctx;
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    if (local != NULL) {
        if (getsockname(ln__posix_fd(h), (struct sockaddr *)&addr, &len) != 0 ||
            !ln__posix_addr_read((const struct sockaddr *)&addr, len, local))
            return LN_BAD_STATE;
        if (local->port == 0)
            return LN_BAD_STATE; /* not bound yet */
    }
    len = sizeof addr;
    if (peer != NULL) {
        if (getpeername(ln__posix_fd(h), (struct sockaddr *)&addr, &len) != 0 ||
            !ln__posix_addr_read((const struct sockaddr *)&addr, len, peer))
            return LN_BAD_STATE;
    }
    return LN_OK;
}

/* Both answer with the MTU of the whole IP packet, header included. A socket of IPv6 that is
 * connected to an IPv4 address sends IPv4, so the peer decides whom to ask. */
static enum ln_status mtu_of(void *ctx, ln_handle h, size_t *mtu)
{
    struct ln_addr peer;
    int value = 0;
    socklen_t len = sizeof value;
    if (names_of(ctx, h, NULL, &peer) != LN_OK)
        return LN_UNSUPPORTED;
    bool v6 = peer.family == LN_IPV6;
    if (getsockopt(ln__posix_fd(h), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &value,
                   &len) != 0 ||
        value <= 0)
        return LN_UNSUPPORTED;
    *mtu = (size_t)value;
    return LN_OK;
}

const struct ln_net_ops ln__net_posix = {
    .name = "posix",
    .open = open_socket,
    .bind = bind_socket,
    .connect = connect_socket,
    .finish = finish_connect,
    .accept = accept_client,
    .send = ln__posix_send,
    .recv = ln__posix_recv,
    .shutdown = shutdown_socket,
    .close = close_socket,
    .names = names_of,
    .mtu = mtu_of,
    .wait = ln__posix_wait,
};
