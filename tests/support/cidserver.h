/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_CIDSERVER_H
#define LN_TESTS_CIDSERVER_H
/**
 * @file cidserver.h
 * A DTLS server with Connection ID, for clients that change their address or restart.
 *
 * Written straight on Mbed TLS and a UDP socket of the in-memory network: it shares nothing with the
 * back end that it judges. It finds an association by the Connection ID of a record (RFC 9146 4), or
 * else by the sender's address; follows a new address once a record from there has proven itself
 * (section 6); echoes every message; and gives out tickets. Only built where Mbed TLS is linked.
 */
#include <linnet/testkit.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

enum { CID_SERVER_PORT = 5684, CID_SERVER_ASSOCIATIONS = 4, CID_SERVER_MESSAGE_MAX = 1500 };

struct cid_server_options {
    size_t cid_len;    /**< 0 = it does not know the extension */
    const int *suites; /**< ends with 0; NULL = all of PSK */
    bool mute;         /**< messages are taken and not answered */
    struct ln_span psk_key;
    struct ln_span psk_identity;
};

struct cid_server_association {
    mbedtls_ssl_config conf; /**< a copy of the server's, whose callbacks know this association */
    mbedtls_ssl_context ssl;
    struct cid_server *server;
    bool used;
    bool open;
    bool resumed;
    uint8_t cid[MBEDTLS_SSL_CID_IN_LEN_MAX];
    struct ln_addr peer;
    struct ln_addr sender;  /**< of the datagram under way */
    struct ln_span arrived; /**< ... what the library has not taken yet */
    ln_msec timer_between;
    ln_msec timer_end; /**< LN_NEVER = none */
};

struct cid_server {
    struct cid_server_options options;
    const struct ln_env *env;
    struct ln_sock *udp;
    struct ln_testkit *kit;
    mbedtls_ssl_config conf;
    mbedtls_ssl_ticket_context tickets;
    struct cid_server_association association[CID_SERVER_ASSOCIATIONS];
    size_t next; /**< to be given to the next client */
    /* what happened, since it was opened */
    unsigned full;     /**< handshakes */
    unsigned resumed;  /**< abbreviated ones */
    unsigned moves;    /**< an association's client had another address */
    unsigned messages; /**< that were decrypted */
    unsigned ignored;  /**< datagrams for nobody, or that did not decrypt */
    uint8_t last[CID_SERVER_MESSAGE_MAX];
    size_t last_len;
};

/** Fails the running test where it cannot. Serves by itself, see ln_testkit_serve(). */
void cid_server_open(struct cid_server *s, struct ln_testkit *kit, const struct ln_env *env,
                     const struct cid_server_options *options);
void cid_server_close(struct cid_server *s);
/** It restarts: all associations are gone; with `tickets`, its tickets are void too. */
void cid_server_forget(struct cid_server *s, bool tickets);

#endif
