/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front.c
 * See front.h.
 *
 * Unauthenticated datagrams cost a socket and a few hundred bytes each new address, at most
 * PEERS_MAX of them; what has not become an association within HANDSHAKE_MS makes room.
 */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "front.h"

#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PEERS_MAX 1024
#define HANDSHAKE_MS 60000
#define DATAGRAM_MAX 65536
#define PORT_ATTEMPTS 32
#define EVENTS_A_TURN 64
#define DATAGRAMS_A_TURN 64
#define CONTROL_MAX 64 /* one struct in6_pktinfo or in_pktinfo */

/* The DTLS record header, RFC 6347 4.1, and the ClientHello in it, 4.2.2 and RFC 5246 7.4.1.2. */
#define RECORD_TYPE 0
#define RECORD_EPOCH 3
#define RECORD_LENGTH 11
#define RECORD_HEADER 13
#define TYPE_HANDSHAKE 22
#define HANDSHAKE_CLIENT_HELLO 1
#define HANDSHAKE_FRAGMENT_OFFSET 6
#define HANDSHAKE_HEADER 12
#define HELLO_RANDOM (RECORD_HEADER + HANDSHAKE_HEADER + 2)
#define RANDOM_LEN 32

struct peer;

/** One association: a socket on the loopback interface that stands for the device. */
struct relay {
    struct peer *peer;
    int fd;
    uint16_t port;
    bool connected; /**< libcoap encrypts: it has seen the device's Finished */
    int64_t since;
    uint8_t random[RANDOM_LEN];
};

/** A device, by its address. */
struct peer {
    struct sockaddr_storage address;
    socklen_t address_len;
    uint8_t control[CONTROL_MAX]; /**< the address of ours that it uses, to answer from the same */
    size_t control_len;
    struct relay *current;
    struct relay *next; /**< it came back, and its new handshake is not done */
    struct peer *link;
};

struct front {
    int socket;
    int epoll;
    uint16_t port;
    struct sockaddr_in inner;
    struct peer *peers;
    size_t peer_count;
    uint8_t busy[65536 / 8]; /**< ports on the loopback interface for which libcoap has a session */
    uint8_t datagram[DATAGRAM_MAX];
};

/* ---- relays ---- */

static bool is_busy(const struct front *f, uint16_t port)
{
    return (f->busy[port / 8] >> port % 8 & 1) != 0;
}

static void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    close(relay->fd); /* epoll forgets it */
    free(relay);
}

/* A socket connected to libcoap. A port for which libcoap still has a session of somebody else would
 * be taken for that one. */
static int open_inner(struct front *f, uint16_t *port)
{
    for (int i = 0; i < PORT_ATTEMPTS; i++) {
        struct sockaddr_in own = { .sin_family = AF_INET };
        socklen_t len = sizeof own;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return -1;
        if (bind(fd, (struct sockaddr *)&own, sizeof own) == 0 &&
            getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
            !is_busy(f, ntohs(own.sin_port)) &&
            connect(fd, (struct sockaddr *)&f->inner, sizeof f->inner) == 0) {
            *port = ntohs(own.sin_port);
            return fd;
        }
        close(fd);
    }
    return -1;
}

static struct relay *relay_new(struct front *f, struct peer *peer, const uint8_t *random)
{
    uint16_t port = 0;
    int fd = open_inner(f, &port);
    if (fd < 0)
        return NULL;
    struct relay *relay = lab_alloc(sizeof *relay);
    relay->peer = peer;
    relay->fd = fd;
    relay->port = port;
    relay->since = lab_now();
    memcpy(relay->random, random, RANDOM_LEN);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = relay };
    if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        relay_free(relay);
        return NULL;
    }
    return relay;
}

static void relay_send(const struct relay *relay, const uint8_t *data, size_t len)
{
    if (relay != NULL)
        (void)send(relay->fd, data, len, 0); /* datagrams may be lost: DTLS sends again */
}

/* ---- peers ---- */

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a;
        const struct sockaddr_in *y = (const void *)b;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a;
    const struct sockaddr_in6 *y = (const void *)b;
    return x->sin6_port == y->sin6_port && x->sin6_scope_id == y->sin6_scope_id &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

static void remove_peer(struct front *f, struct peer **at)
{
    struct peer *peer = *at;
    *at = peer->link;
    f->peer_count--;
    relay_free(peer->current);
    relay_free(peer->next);
    free(peer);
}

static bool is_stale(const struct relay *relay, int64_t now)
{
    return relay != NULL && !relay->connected && now - relay->since > HANDSHAKE_MS;
}

/* Handshakes that came to nothing. */
static void expire(struct front *f)
{
    int64_t now = lab_now();
    for (struct peer **at = &f->peers; *at != NULL;) {
        struct peer *peer = *at;
        if (is_stale(peer->next, now)) {
            relay_free(peer->next);
            peer->next = NULL;
        }
        if (is_stale(peer->current, now))
            remove_peer(f, at);
        else
            at = &peer->link;
    }
}

static struct peer *find_peer(const struct front *f, const struct sockaddr_storage *address)
{
    for (struct peer *peer = f->peers; peer != NULL; peer = peer->link) {
        if (same_address(&peer->address, address))
            return peer;
    }
    return NULL;
}

static struct peer *add_peer(struct front *f, const struct sockaddr_storage *address, socklen_t len,
                             const uint8_t *random)
{
    expire(f);
    if (f->peer_count >= PEERS_MAX)
        return NULL;
    struct peer *peer = lab_alloc(sizeof *peer);
    peer->address = *address;
    peer->address_len = len;
    peer->current = relay_new(f, peer, random);
    if (peer->current == NULL) {
        free(peer);
        return NULL;
    }
    peer->link = f->peers;
    f->peers = peer;
    f->peer_count++;
    return peer;
}

/* ---- from devices to libcoap ---- */

static unsigned epoch_of(const uint8_t *record)
{
    return (unsigned)record[RECORD_EPOCH] << 8 | record[RECORD_EPOCH + 1];
}

/* The random of a ClientHello that begins an association, or NULL. */
static const uint8_t *hello_random(const uint8_t *data, size_t len)
{
    if (len < HELLO_RANDOM + RANDOM_LEN || data[RECORD_TYPE] != TYPE_HANDSHAKE ||
        epoch_of(data) != 0 || data[RECORD_HEADER] != HANDSHAKE_CLIENT_HELLO)
        return NULL;
    const uint8_t *offset = data + RECORD_HEADER + HANDSHAKE_FRAGMENT_OFFSET;
    return offset[0] == 0 && offset[1] == 0 && offset[2] == 0 ? data + HELLO_RANDOM : NULL;
}

static bool has_random(const struct relay *relay, const uint8_t *random)
{
    return relay != NULL && memcmp(relay->random, random, RANDOM_LEN) == 0;
}

/* The association that a ClientHello belongs to: the one with its random (the hello that returns a
 * cookie has the same), or a new one beside what there is. */
static struct relay *relay_of_hello(struct front *f, struct peer *peer, const uint8_t *random)
{
    if (has_random(peer->current, random))
        return peer->current;
    if (has_random(peer->next, random))
        return peer->next;
    struct relay *relay = relay_new(f, peer, random);
    if (relay == NULL)
        return NULL;
    struct relay **place = peer->current->connected ? &peer->next : &peer->current;
    relay_free(*place);
    *place = relay;
    return relay;
}

static void pass_in(struct front *f, struct peer *peer, const uint8_t *data, size_t len)
{
    const uint8_t *random = hello_random(data, len);
    if (random != NULL) {
        relay_send(relay_of_hello(f, peer, random), data, len);
        return;
    }
    /* The rest of a handshake is of the newest one. What is encrypted may be of either: the wrong
     * one cannot decrypt it and drops it. */
    bool plain = len < RECORD_HEADER || epoch_of(data) == 0;
    if (peer->next == NULL || !plain)
        relay_send(peer->current, data, len);
    relay_send(peer->next, data, len);
}

static void keep_control(struct peer *peer, const struct msghdr *message)
{
    peer->control_len = message->msg_controllen <= CONTROL_MAX ? message->msg_controllen : 0;
    if (peer->control_len > 0)
        memcpy(peer->control, message->msg_control, peer->control_len);
}

static void read_outer(struct front *f)
{
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        _Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX];
        struct sockaddr_storage from = { 0 };
        struct iovec part = { .iov_base = f->datagram, .iov_len = sizeof f->datagram };
        struct msghdr message = { .msg_name = &from,
                                  .msg_namelen = sizeof from,
                                  .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof control };
        ssize_t len = recvmsg(f->socket, &message, 0);
        if (len < 0 && errno == EAGAIN)
            return;
        if (len < 0)
            continue; /* an ICMP error about a datagram of before */
        struct peer *peer = find_peer(f, &from);
        const uint8_t *random = hello_random(f->datagram, (size_t)len);
        if (peer == NULL && random != NULL)
            peer = add_peer(f, &from, message.msg_namelen, random);
        if (peer == NULL)
            continue;
        keep_control(peer, &message);
        pass_in(f, peer, f->datagram, (size_t)len);
    }
}

/* ---- from libcoap to devices ---- */

/* Whether one of the records is encrypted. Before that, a server has verified the Finished of its
 * peer; libcoap's does not resume. */
static bool is_encrypted(const uint8_t *data, size_t len)
{
    while (len >= RECORD_HEADER) {
        size_t body = (size_t)data[RECORD_LENGTH] << 8 | data[RECORD_LENGTH + 1];
        if (epoch_of(data) > 0)
            return true;
        if (body > len - RECORD_HEADER)
            return false;
        data += RECORD_HEADER + body;
        len -= RECORD_HEADER + body;
    }
    return false;
}

/* The handshake is done. If it is one of a device that came back, its old association has ended. */
static void connect_relay(struct relay *relay)
{
    struct peer *peer = relay->peer;
    relay->connected = true;
    if (relay == peer->next) {
        relay_free(peer->current);
        peer->current = relay;
        peer->next = NULL;
    }
}

static void read_relay(struct front *f, struct relay *relay)
{
    struct peer *peer = relay->peer;
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t len = recv(relay->fd, f->datagram, sizeof f->datagram, 0);
        if (len < 0)
            return;
        if (!relay->connected && is_encrypted(f->datagram, (size_t)len))
            connect_relay(relay);
        struct iovec part = { .iov_base = f->datagram, .iov_len = (size_t)len };
        struct msghdr message = { .msg_name = &peer->address,
                                  .msg_namelen = peer->address_len,
                                  .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = peer->control_len > 0 ? peer->control : NULL,
                                  .msg_controllen = peer->control_len };
        (void)sendmsg(f->socket, &message, 0);
    }
}

/* One event at a time: what is done about one may close the socket of another. */
void front_process(struct front *f)
{
    struct epoll_event event;
    for (int i = 0; i < EVENTS_A_TURN && epoll_wait(f->epoll, &event, 1, 0) == 1; i++) {
        if (event.data.ptr == NULL)
            read_outer(f);
        else
            read_relay(f, event.data.ptr);
    }
}

/* ---- what libcoap tells ---- */

static struct peer *peer_of_port(const struct front *f, uint16_t port, struct relay **out)
{
    for (struct peer *peer = f->peers; peer != NULL; peer = peer->link) {
        struct relay *relays[] = { peer->current, peer->next };
        for (size_t i = 0; i < 2; i++) {
            if (relays[i] != NULL && relays[i]->port == port) {
                *out = relays[i];
                return peer;
            }
        }
    }
    return NULL;
}

void front_session_opened(struct front *f, uint16_t port)
{
    f->busy[port / 8] = (uint8_t)(f->busy[port / 8] | 1u << port % 8);
}

void front_session_closed(struct front *f, uint16_t port)
{
    f->busy[port / 8] = (uint8_t)(f->busy[port / 8] & ~(1u << port % 8));
    struct relay *relay = NULL;
    struct peer *peer = peer_of_port(f, port, &relay);
    if (peer == NULL)
        return;
    read_relay(f, relay); /* its last word, an alert, may still be on its way */
    if (relay == peer->next || peer->next != NULL) {
        struct relay *kept = relay == peer->next ? peer->current : peer->next;
        relay_free(relay);
        peer->current = kept;
        peer->next = NULL;
        return;
    }
    for (struct peer **at = &f->peers; *at != NULL; at = &(*at)->link) {
        if (*at == peer) {
            remove_peer(f, at);
            return;
        }
    }
}

bool front_peer(const struct front *f, uint16_t port, struct sockaddr_storage *out)
{
    struct relay *relay = NULL;
    struct peer *peer = peer_of_port(f, port, &relay);
    if (peer != NULL)
        *out = peer->address;
    return peer != NULL;
}

/* ---- life ---- */

static bool bind_outer(struct front *f, const struct sockaddr_storage *address, socklen_t len)
{
    bool v6 = address->ss_family == AF_INET6;
    int on = 1;
    int off = 0;
    f->socket = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f->socket < 0 ||
        (v6 && setsockopt(f->socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) ||
        (v6 && setsockopt(f->socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0) ||
        (!v6 && setsockopt(f->socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) ||
        bind(f->socket, (const struct sockaddr *)address, len) != 0)
        return false;
    struct sockaddr_storage bound = { 0 };
    socklen_t bound_len = sizeof bound;
    if (getsockname(f->socket, (struct sockaddr *)&bound, &bound_len) != 0)
        return false;
    f->port = ntohs(v6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                       : ((struct sockaddr_in *)&bound)->sin_port);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    return f->epoll >= 0 && epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->socket, &event) == 0;
}

struct front *front_new(const struct sockaddr_storage *address, socklen_t len)
{
    struct front *f = lab_alloc(sizeof *f);
    f->socket = -1;
    f->epoll = -1;
    if (!bind_outer(f, address, len)) {
        int error = errno;
        front_free(f);
        errno = error;
        return NULL;
    }
    return f;
}

void front_set_inner(struct front *f, uint16_t port)
{
    f->inner.sin_family = AF_INET;
    f->inner.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->inner.sin_port = htons(port);
}

uint16_t front_port(const struct front *f)
{
    return f->port;
}

int front_fd(const struct front *f)
{
    return f->epoll;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    while (f->peers != NULL)
        remove_peer(f, &f->peers);
    if (f->epoll >= 0)
        close(f->epoll);
    if (f->socket >= 0)
        close(f->socket);
    free(f);
}
