/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_FRONT_H
#define LAB_FRONT_H
/**
 * @file front.h
 * What stands in front of libcoap's DTLS: devices that died are answered when they come back.
 *
 * A device that lost its memory, and not its UDP port, begins a new handshake from an address for
 * which libcoap still has an association; libcoap gives the ClientHello to that association, which
 * ignores it. RFC 6347 4.2.8 asks for more: handshake anew, and keep the old association until the
 * new one is complete, so that nobody ends it with a forged datagram.
 *
 * So the port that devices know is a socket of ours. Each association has a socket of its own on the
 * loopback interface, from which its datagrams go on to libcoap, as a NAT would do it; a ClientHello
 * with another random is another association. libcoap sees one peer for each, and one more when a
 * device comes back. Nothing is decrypted here, and what libcoap decides is not second-guessed.
 *
 * One epoll descriptor tells when there is something to do.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct front;

/**
 * Bind the port that devices know.
 * @param address  of IPv4 or IPv6; port 0: the kernel chooses one
 * @return NULL with errno set
 */
struct front *front_new(const struct sockaddr_storage *address, socklen_t len);

/** Where libcoap listens: a port on 127.0.0.1. Before the first front_process(). */
void front_set_inner(struct front *front, uint16_t port);

/** The port that devices know. */
uint16_t front_port(const struct front *front);

/** Readable: call front_process(). */
int front_fd(const struct front *front);

/** Pass on what has come, in both directions. Never blocks. */
void front_process(struct front *front);

/* What libcoap tells about a session, which it knows by the port on the loopback interface. */
void front_session_opened(struct front *front, uint16_t port);
void front_session_closed(struct front *front, uint16_t port);

/** Who is behind a port on the loopback interface. @return false: nobody any more */
bool front_peer(const struct front *front, uint16_t port, struct sockaddr_storage *out);

void front_free(struct front *front);

#endif
