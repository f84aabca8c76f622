/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_NETWORLD_H
#define LN_TESTS_NETWORLD_H
/**
 * @file networld.h
 * A world with a device and a server for the tests of the plain sockets, and a filter that shakes
 * hands as a test tells it to.
 *
 * The device is 192.0.2.10 and 2001:db8::10, the server 192.0.2.1 to .4 and 2001:db8::1 to ::4.
 * Functions fail the running test where they cannot do what they say.
 */
#include <linnet/filter.h>
#include <linnet/testkit.h>

enum { NETWORLD_PORT = 5683 };

struct networld {
    struct ln_testkit *kit;
    struct ln_testkit_host *device_host;
    struct ln_testkit_host *server_host;
    struct ln_env device;
    struct ln_env server;
};

void networld_open(struct networld *w, uint64_t seed);
/** Also checks that nothing was left behind: no memory, no raw socket. */
void networld_close(struct networld *w);

ln_msec networld_now(const struct networld *w);
/** A name and its addresses, with spaces between them. */
void networld_name(struct networld *w, const char *name, const char *addresses);
/** How late the answers are; UINT32_MAX: they never come. */
void networld_answers(struct networld *w, const char *name, uint32_t v4_ms, uint32_t v6_ms);
void networld_route(struct networld *w, const char *address, enum ln_testkit_route route);
/** The same delay in both directions. */
void networld_delay(struct networld *w, uint32_t ms);

/** A socket; options NULL = defaults. */
struct ln_sock *networld_sock(const struct ln_env *env, enum ln_sock_kind kind,
                              const struct ln_sock_options *options);
/** A server's socket with reuse_addr, bound to `address` ("" = the wildcard). */
struct ln_sock *networld_listener(const struct networld *w, enum ln_sock_kind kind,
                                  const char *address);
/** Connect, and wait in virtual time until it is decided. */
enum ln_status networld_connect(struct networld *w, struct ln_sock *s, const char *host);
/** Step one socket until it is not CONNECTING any more. */
enum ln_status networld_finish(struct networld *w, struct ln_sock *s);
/** Let packets arrive. */
void networld_settle(struct networld *w);

/** The loop of a server for whom a client waits and whose network calls fail: it turns a few times in
 *  a minute, and when the calls work again it has the client within a second. */
struct ln_sock *networld_accept_at_last(struct networld *w, struct ln_sock *listener);

/** "192.0.2.1:5683" of the peer, in a buffer that the next call of it overwrites. */
const char *networld_peer(const struct ln_sock *s);
/** The local address and port. */
const char *networld_local(const struct ln_sock *s);
uint16_t networld_local_port(const struct ln_sock *s);
struct ln_addr networld_addr(const char *address, uint16_t port);

/** Receive one message and compare; NULL: nothing must be there. */
void networld_expect(struct ln_sock *s, const char *text);
/** Send one message. */
void networld_say(struct ln_sock *s, const char *text);

/* ---- a handshake ---- */

/** What the gate says from connect; LN_AGAIN = it waits for gate_set(). */
struct ln_sock *gate_new(struct ln_sock *below, enum ln_status status);
void gate_set(struct ln_sock *gate, enum ln_status status);
/** As DTLS does when its first flight stays without an answer. */
void gate_no_answer(struct ln_sock *gate);
/** Send and receive one message while the gate is still shaking hands. */
enum ln_status gate_send(struct ln_sock *gate, const char *text);
void gate_expect(struct ln_sock *gate, const char *text);

#endif
