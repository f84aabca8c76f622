/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: send and recv of struct ln_net_ops (<linnet/env.h>). Never a signal, never a wait.
 */
#include "net/posix/net_posix.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The connected peer, for the sentence of a failure. */
static const struct ln_addr *peer_of(int fd, struct ln_addr *room)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    if (getpeername(fd, (struct sockaddr *)&addr, &len) != 0 ||
        !ln__posix_addr_read((const struct sockaddr *)&addr, len, room))
        return NULL;
    return room;
}

/* What failed as `what` says, in a transfer; without an address, that of the peer is told. */
static enum ln_status transfer_failed(int fd, struct ln__posix_failure what, struct ln_diag *diag)
{
    struct ln_addr peer;
    what.phase = LN_PHASE_TRANSFER;
    if (what.addr == NULL)
        what.addr = peer_of(fd, &peer);
    return ln__posix_fail(diag, &what);
}

enum ln_status ln__posix_send(void *ctx, ln_handle h, const struct ln_addr *to, struct ln_span data,
                              size_t *sent, struct ln_diag *diag)
{
    (void)ctx;
    int fd = ln__posix_fd(h);
    struct sockaddr_storage addr;
    size_t addr_len = 0;
    struct ln__posix_failure what = { .verb = "send", .link = " to ", .addr = to };
    *sent = 0;
    if (to != NULL) {
        addr_len = ln__posix_addr_write(to, ln__posix_family(fd), &addr);
        if (addr_len == 0) {
            what.error = EAFNOSUPPORT;
            return transfer_failed(fd, what, diag);
        }
    }
    ssize_t n;
    do {
        n = sendto(fd, data.data, data.len, MSG_NOSIGNAL,
                   to != NULL ? (const struct sockaddr *)&addr : NULL, (socklen_t)addr_len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        *sent = (size_t)n;
        return LN_OK;
    }
    if (ln__posix_would_block(errno))
        return LN_AGAIN;
    what.error = errno;
    return transfer_failed(fd, what, diag);
}

enum ln_status ln__posix_recv(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                              bool peek, struct ln_net_got *got, struct ln_diag *diag)
{
    (void)ctx;
    int fd = ln__posix_fd(h);
    bool datagram = kind == LN_NET_DATAGRAM;
    struct sockaddr_storage from;
    uint8_t one;
    *got = (struct ln_net_got) { .len = 0 };

    /* MSG_TRUNC asks a datagram socket for the full length; a stream would throw the bytes away. And
     * a stream answers "0 bytes" to empty room at once: look whether there is anything instead. */
    bool look = room.len == 0 && !datagram;
    struct iovec part = { .iov_base = look ? &one : room.data, .iov_len = look ? 1 : room.len };
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &part,
        .msg_iovlen = 1,
    };
    ssize_t n;
    do {
        n = recvmsg(fd, &message, (peek || look ? MSG_PEEK : 0) | (datagram ? MSG_TRUNC : 0));
    } while (n < 0 && errno == EINTR);
    if (n < 0 && ln__posix_would_block(errno))
        return LN_AGAIN;
    if (n < 0) {
        struct ln__posix_failure what = { .error = errno, .verb = "receive", .link = " from " };
        return transfer_failed(fd, what, diag);
    }
    got->full = (size_t)n;
    got->len = got->full < room.len ? got->full : room.len;
    if (datagram)
        (void)ln__posix_addr_read((const struct sockaddr *)&from, message.msg_namelen, &got->from);
    return LN_OK;
}
