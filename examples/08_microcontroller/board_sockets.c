/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file board_sockets.c
 * A board with BSD sockets and poll(): Linux, where the tests run it, or a microcontroller's stack
 * (lwIP has the same functions; its clock and its random numbers go by other names). Datagrams over
 * IPv4 alone, to addresses, without names and streams.
 */
#define _DEFAULT_SOURCE /* getentropy() */

#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- memory, clocks, randomness ---- */

static void *resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

static ln_msec monotonic(void *ctx)
{
    struct timespec t;
    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (ln_msec)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    return time(NULL);
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    return getentropy(room.data, room.len) == 0 ? LN_OK : LN_IO;
}

/* ---- datagrams ---- */

static enum ln_status status_of(int error)
{
    if (error == EAGAIN) /* EWOULDBLOCK is the same number on Linux and in lwIP */
        return LN_AGAIN;
    return error == ECONNREFUSED ? LN_REFUSED : LN_IO;
}

static struct sockaddr_in to_socket(const struct ln_addr *addr)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(addr->port) };
    memcpy(&in.sin_addr, addr->ip, 4);
    return in;
}

static struct ln_addr to_addr(const struct sockaddr_in *in)
{
    struct ln_addr addr = { .family = LN_IPV4, .port = ntohs(in->sin_port) };
    memcpy(addr.ip, &in->sin_addr, 4);
    return addr;
}

static enum ln_status udp_open(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                               ln_handle *out)
{
    (void)ctx;
    (void)diag;
    *out = LN_NO_HANDLE;
    if (how->kind != LN_NET_DATAGRAM || how->family != LN_IPV4)
        return LN_UNSUPPORTED;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return LN_IO;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)close(fd);
        return LN_IO;
    }
    *out = fd;
    return LN_OK;
}

static enum ln_status udp_bind(void *ctx, ln_handle h, enum ln_net_kind kind,
                               const struct ln_addr *local, struct ln_diag *diag)
{
    struct sockaddr_in in = to_socket(local);
    (void)ctx;
    (void)kind;
    (void)diag;
    return bind((int)h, (const struct sockaddr *)&in, sizeof in) == 0 ? LN_OK : status_of(errno);
}

static enum ln_status udp_connect(void *ctx, ln_handle h, const struct ln_addr *peer,
                                  struct ln_diag *diag)
{
    struct sockaddr_in in = to_socket(peer);
    (void)ctx;
    (void)diag;
    return connect((int)h, (const struct sockaddr *)&in, sizeof in) == 0 ? LN_OK : status_of(errno);
}

static enum ln_status udp_send(void *ctx, ln_handle h, const struct ln_addr *to,
                               struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    (void)ctx;
    (void)to; /* NULL: the client's sockets are connected */
    (void)diag;
    ssize_t n = send((int)h, data.data, data.len, 0);
    *sent = n > 0 ? (size_t)n : 0;
    return n >= 0 ? LN_OK : status_of(errno);
}

static enum ln_status udp_recv(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                               bool peek, struct ln_net_got *got, struct ln_diag *diag)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    (void)ctx;
    (void)kind;
    (void)diag;
    *got = (struct ln_net_got) { .len = 0 };
    ssize_t n = recvfrom((int)h, room.data, room.len, MSG_TRUNC | (peek ? MSG_PEEK : 0),
                         (struct sockaddr *)&from, &from_len);
    if (n < 0)
        return status_of(errno);
    got->full = (size_t)n;
    got->len = got->full < room.len ? got->full : room.len;
    got->from = to_addr(&from);
    return LN_OK;
}

static void udp_close(void *ctx, ln_handle h)
{
    (void)ctx;
    (void)close((int)h);
}

static enum ln_status udp_names(void *ctx, ln_handle h, struct ln_addr *local, struct ln_addr *peer)
{
    struct sockaddr_in in;
    socklen_t len = sizeof in;
    (void)ctx;
    if (local != NULL) {
        if (getsockname((int)h, (struct sockaddr *)&in, &len) != 0)
            return LN_BAD_STATE;
        *local = to_addr(&in);
    }
    len = sizeof in;
    if (peer != NULL) {
        if (getpeername((int)h, (struct sockaddr *)&in, &len) != 0)
            return LN_BAD_STATE;
        *peer = to_addr(&in);
    }
    return LN_OK;
}

/* One client has one socket. A board without poll() sleeps until its network or its timer wakes it. */
static enum ln_status udp_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    struct pollfd fd = { .fd = -1 };
    ln_msec now = monotonic(ctx);
    int timeout = -1;
    if (want->ready)
        return LN_OK;
    if (want->count > 0) {
        fd.fd = (int)want->wait[0].handle;
        fd.events = (short)(((want->wait[0].events & LN_WANT_READ) != 0 ? POLLIN : 0) |
                            ((want->wait[0].events & LN_WANT_WRITE) != 0 ? POLLOUT : 0));
    }
    if (until <= now)
        timeout = 0;
    else if (until != LN_NEVER)
        timeout = until - now > INT_MAX ? INT_MAX : (int)(until - now);
    return poll(&fd, 1, timeout) >= 0 || errno == EINTR ? LN_OK : LN_IO;
}

static const struct ln_net_ops udp_net = {
    .name = "sockets",
    .open = udp_open,
    .bind = udp_bind,
    .connect = udp_connect,
    .send = udp_send,
    .recv = udp_recv,
    .close = udp_close,
    .names = udp_names,
    .wait = udp_wait,
};

/* ---- the board ---- */

void board_start(struct ln_env *env, struct board_settings *settings, int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s coap://ADDRESS ENDPOINT\n", argv[0]);
        exit(2);
    }
    env->alloc = (struct ln_alloc) { .resize = resize };
    env->clock = (struct ln_clock) { .monotonic = monotonic, .wall = wall };
    env->random = (struct ln_random) { .fill = fill };
    env->net = (struct ln_net) { .ops = &udp_net };
    settings->server = argv[1];
    settings->endpoint = argv[2];
}

void board_event(const struct ln_client_event *event)
{
    if (event->kind == LN_CLIENT_REGISTERED)
        printf("registered at server %u\n", event->ssid);
    if (event->kind == LN_CLIENT_ATTEMPT_FAILED)
        printf("no registration: code %u\n", event->code);
    fflush(stdout);
}

int32_t board_battery(void)
{
    return 77;
}

void board_reboot(void)
{
    printf("restart\n");
}
