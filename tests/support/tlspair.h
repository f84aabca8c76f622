/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_TLSPAIR_H
#define LN_TESTS_TLSPAIR_H
/**
 * @file tlspair.h
 * A client and a server of this library that talk over the in-memory network, in virtual time.
 *
 * A test fills a `struct tls_case`, mostly from a row of a table with a sentence, opens the pair,
 * connects and compares. Every case runs for each `struct tls_row`: each protocol version over each
 * pair of TLS libraries. What fails tells the sentence, the row and the diagnoses of both sides.
 */
#include "support/pki.h"
#include "support/tlsrows.h"
#include "support/wire.h"

#include <linnet/testkit.h>
#include <linnet/tls.h>
#include <linnet/tls_backend.h>
#include <stdio.h>

struct raw_server; /* rawpeer.h */
struct tls_pair;

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- cases ---- */

#define TLS_HOST "server.example"
#define TLS_SERVER_IP "192.0.2.1"
#define TLS_SERVER_IP6 "2001:db8::1"
#define TLS_CLIENT_IP "192.0.2.10"
#define TLS_PORT 5684

struct tls_case {
    const char *what; /**< the sentence: what is special */
    struct tls_row row;
    unsigned client_needs;    /**< of the back end for the client's options, for tls_pair_able() */
    unsigned server_needs;    /**< the same of the server */
    const char *refusal_word; /**< in the sentence of a back end that lacks them */
    const char *client_refusal_word; /**< where the client says another one; NULL = the same */
    struct ln_tls_options client;    /**< versions and back end are the row's where they are 0 */
    struct ln_tls_options server;
    struct ln_tls_config *shared_client; /**< instead of a configuration of the pair's own */
    struct ln_tls_config *shared_server;
    struct ln_sock_options client_socket;
    struct ln_sock_options server_socket;
    const char *host;            /**< NULL = TLS_HOST */
    uint16_t port;               /**< 0 = TLS_PORT */
    const char *server_name;     /**< for ln_sock_set_server_name(); NULL = not called */
    struct ln_testkit_link link; /**< of both directions; all zero = perfect */
    uint64_t seed;
    int64_t client_wall;    /**< what the client's clock always says; 0 = PKI_NOW, and moves */
    bool no_polling;        /**< DTLS: nobody looks at open sockets but the test */
    struct raw_server *raw; /**< this one instead of ours */
    /** Called for every packet, after it was noted; NULL = not. */
    void (*on_packet)(struct tls_pair *p, struct ln_testkit_packet *packet, void *user);
    void *user;
};

/** A case for the row, with nothing but clocks and versions set. */
struct tls_case tls_case(const struct tls_row *row, const char *what);
/** ... with a PSK that both know: identity "device-1", 16 bytes of key. */
struct tls_case tls_case_psk(const struct tls_row *row, const char *what);

/** A small PKI: root -> ca -> server (names TLS_HOST and its addresses) and client. */
struct tls_pki {
    struct pki *pki;
    const struct pki_cert *root;
    const struct pki_cert *ca;
    const struct pki_cert *server;
    const struct pki_cert *client;
    const struct pki_cert *stranger;        /**< a root of somebody else */
    const struct pki_cert *server_chain[3]; /**< server and ca, NULL-ended */
};
void tls_pki_init(struct tls_pki *t);
void tls_pki_init_type(struct tls_pki *t, enum pki_key_type type);
void tls_pki_deinit(struct tls_pki *t);

/** The one that the tests of a program share, and cmocka's fixtures around it. */
extern struct tls_pki tls_world;
int tls_world_setup(void **state);
int tls_world_teardown(void **state);
/** ... with a server that has `server` and its chain, and a client that trusts `root`. */
struct tls_case tls_case_cert(const struct tls_row *row, const char *what, const struct tls_pki *t);
/** Let one side present these, leaf first, with the key of the first. */
void tls_present(struct ln_tls_options *options, struct pki *pki,
                 const struct pki_cert *const *certs);

/* ---- what went over the wire ---- */

enum { TLS_CAPTURE_MAX = 1 << 16, TLS_PACKETS_MAX = 512 };

struct tls_packet {
    size_t at;
    size_t len;
    ln_msec when;
};

/** What one side gave to the network. */
struct tls_tap {
    uint8_t bytes[TLS_CAPTURE_MAX]; /**< the first ones */
    size_t len;
    struct tls_packet packet[TLS_PACKETS_MAX];
    size_t packets; /**< kept */
    size_t sent;    /**< all */
    size_t largest;
    uint64_t total;
};
void tls_tap_clear(struct tls_tap *tap);
struct ln_span tls_tap_packet(const struct tls_tap *tap, size_t index);

/* ---- the pair ---- */

struct tls_pair {
    struct tls_case spec;
    struct ln_testkit *kit;
    bool own_kit;
    struct ln_testkit_host *client_host;
    struct ln_testkit_host *server_host;
    struct ln_env client_env;
    struct ln_env server_env;
    struct tls_tap client_tap;
    struct tls_tap server_tap;
    struct ln_tls_config *client_config;
    struct ln_tls_config *server_config;
    struct ln_sock *client;
    struct ln_sock *listener;
    struct ln_sock *server;       /**< the accepted one, or NULL */
    struct ln_sock *socks[8];     /**< the same, for the pump; from 3 on the test's own */
    unsigned accept_failures;     /**< since the pair was opened */
    unsigned refused;             /**< further sockets that the listener gave out */
    enum ln_status client_status; /**< of the last connect */
    enum ln_status server_status; /**< LN_AGAIN: nobody came */
    struct ln_diag client_diag;
    struct ln_diag server_diag;
    struct ln_sock_info client_info;
    struct ln_sock_info server_info;
    ln_msec started; /**< when the last connect began */
    ln_msec ended;   /**< when the client's result was there */
};

/** World, configurations, listener and client socket. Whatever fails fails the test. */
void tls_pair_open(struct tls_pair *p, const struct tls_case *spec);
/** The same, if client and server have what the case needs of them. Else whoever has not must refuse
 *  its configuration as tls_must_refuse() says, nothing is open, and this is false. */
bool tls_pair_able(struct tls_pair *p, const struct tls_case *spec);
/** Without configurations and sockets. */
void tls_pair_open_bare(struct tls_pair *p, const struct tls_case *spec);
/** Close and free everything; no block and no handle may be left on either host. */
void tls_pair_close(struct tls_pair *p);

/** For sweeps: everything in a given world, nothing asserted. `device` is the client, or with
 *  `device_serves` the server. The first failure is returned with its diagnosis. */
enum ln_status tls_pair_try_open(struct tls_pair *p, const struct tls_case *spec,
                                 struct ln_testkit *kit, struct ln_testkit_host *device,
                                 bool device_serves, struct ln_diag *diag);
/** Free what there is; nothing asserted. */
void tls_pair_free(struct tls_pair *p);

/** Connect, and drive both sides until each has its result. @return the client's */
enum ln_status tls_pair_connect(struct tls_pair *p);
/** Drive both sides for `ms` of virtual time. */
void tls_pair_run(struct tls_pair *p, ln_msec ms);
/** Drive both sides until `done`; false after `ms`. */
bool tls_pair_until(struct tls_pair *p, bool (*done)(struct tls_pair *p, void *user), void *user,
                    ln_msec ms);
/** Close the client and, when that has arrived, free the accepted socket. */
void tls_pair_hang_up(struct tls_pair *p);
/** Replace the client's socket by a fresh one with another configuration. */
void tls_pair_new_client(struct tls_pair *p, const struct ln_tls_options *options);
/** Restart the server with other options: a new configuration, a new listener. */
void tls_pair_new_server(struct tls_pair *p, const struct ln_tls_options *options);
/** Let the same server listen on another port, where the client connects to from now on. */
void tls_pair_move_server(struct tls_pair *p, uint16_t port);
/** Make a configuration; versions and back end are the row's where they are 0. */
enum ln_status tls_pair_config(struct tls_pair *p, const struct ln_env *env,
                               const struct ln_tls_options *options,
                               const struct ln_tls_backend *backend, struct ln_diag *diag,
                               struct ln_tls_config **out);

/** Connect must succeed on both sides. */
void tls_pair_must_connect(struct tls_pair *p);
/** Open, and connect, which must succeed. */
void tls_pair_start(struct tls_pair *p, const struct tls_case *spec);
/** Open, and connect, whatever that comes to. @return the client's result */
enum ln_status tls_pair_attempt(struct tls_pair *p, const struct tls_case *spec);
/** Some messages in both directions must arrive unchanged. */
void tls_pair_must_exchange(struct tls_pair *p);
/** ... and that was it: close. */
void tls_pair_finish(struct tls_pair *p);
/** The same, telling instead of failing. */
bool tls_pair_try_exchange(struct tls_pair *p);
/** One connection from its begin to its end, so long that the tickets of TLS 1.3 are read. Both sides
 *  must agree on whether it was resumed. @return that */
bool tls_pair_visit(struct tls_pair *p);
/** The same, which must come out like this. */
void tls_pair_visit_is(struct tls_pair *p, bool resumed, const char *detail);
/** Send all of it, waiting where that is needed. */
enum ln_status tls_pair_send(struct tls_pair *p, struct ln_sock *s, struct ln_span data);
/** Receive, and wait in virtual time until something comes or `ms` are over: LN_TIMEOUT. */
enum ln_status tls_pair_recv(struct tls_pair *p, struct ln_sock *s, struct ln_mspan room,
                             size_t *got, ln_msec ms);
/** Receive exactly so many bytes of a stream, or one datagram of that length. */
bool tls_pair_recv_all(struct tls_pair *p, struct ln_sock *s, struct ln_mspan room);
/** The client's first ClientHello. */
bool tls_pair_client_hello(const struct tls_pair *p, struct wire_hello *out);

ln_msec tls_pair_now(const struct tls_pair *p);

/* ---- telling what is wrong ---- */

/** Fails the test with the case's sentence, both diagnoses and this text. */
void tls_fail(const struct tls_pair *p, const char *text, ...) LN_PRINTF(2, 3);
/** The client's result of the last connect is this. */
void tls_want_status(const struct tls_pair *p, enum ln_status want);
/** A record says this category. */
void tls_want_category(const struct tls_pair *p, const struct ln_diag *diag, enum ln_category want);
/** A record names an alert with this direction and number; of a library without
 *  LN_TLS_CAP_ALERT_NUMBERS it need not tell the number. */
void tls_want_alert(const struct tls_pair *p, const struct ln_diag *diag, enum ln_alert_from from,
                    uint8_t number);
/** True if LN_TEST_FULL is set in the environment. */
bool tls_full(void);

#endif
