/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_RAWPEER_H
#define LN_TESTS_RAWPEER_H
/**
 * @file rawpeer.h
 * A TLS or DTLS peer made of libssl alone, for what our own server would not do: weak
 * certificates, old versions, a PSK and a certificate at once, no close_notify, many tickets.
 *
 * It talks through a plain socket of the library over the in-memory network, in virtual time.
 */
#include "support/pki.h"

#include <openssl/ssl.h>

struct raw_server {
    /* what it has; all zero = anonymous, which nobody wants */
    struct pki *pki;
    const struct pki_cert *const *chain; /**< leaf first, NULL-ended; NULL = no certificate */
    const char *psk_identity;            /**< NULL = no PSK */
    struct ln_span psk_key;
    bool psk_sha384;     /**< TLS 1.3: the key is bound to SHA-384 */
    const char *ciphers; /**< <= 1.2, OpenSSL's names; NULL = all, with security level 0 */
    const char *suites;  /**< TLS 1.3, OpenSSL's names; NULL = its own list */
    const char *groups;  /**< OpenSSL's names; NULL = its own list */
    int min_version;     /**< 0 = the row's */
    int max_version;
    int tickets;    /**< TLS 1.3: how many; 0 = OpenSSL's own number, -1 = none */
    bool no_ticket; /**< <= 1.2: session ids instead of tickets */
    bool request_certificate;
    bool require_certificate;
    size_t mtu;                              /**< DTLS; 0 = 1200 */
    void (*setup)(void *user, SSL_CTX *ctx); /**< called last; NULL = not */
    void *user;

    /* how it goes */
    SSL_CTX *ctx;
    SSL *ssl;
    struct ln_sock *listener; /**< TCP, or the one UDP socket */
    struct ln_sock *sock;     /**< TCP only, accepted */
    struct ln_addr peer;
    bool datagram;
    bool handshake_done;
    bool failed;
    unsigned long error; /**< of the OpenSSL queue, the first */
    unsigned handshakes;
    unsigned resumed;
};

/** Make the SSL_CTX and bind. Aborts if that fails. */
void raw_server_start(struct raw_server *raw, const struct ln_env *env, bool datagram, int version,
                      const struct ln_addr *local);
/** Do what can be done without waiting. */
void raw_server_step(struct raw_server *raw, ln_msec now);
/** Add what it waits for. */
void raw_server_interest(struct raw_server *raw, ln_msec now, struct ln_interest *want);
/** Plaintext, from the handshake's end on. @return bytes; 0 = nothing now or an error */
size_t raw_server_read(struct raw_server *raw, void *data, size_t room);
/** Write as one record. */
bool raw_server_write(struct raw_server *raw, const void *data, size_t len);
/** Drop the connection; `notify` says close_notify before. The listener stays. */
void raw_server_hang_up(struct raw_server *raw, bool notify);
void raw_server_stop(struct raw_server *raw);

#endif
