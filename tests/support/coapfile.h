/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_COAPFILE_H
#define LN_TESTS_COAPFILE_H
/**
 * @file coapfile.h
 * A CoAP server of the in-memory network that gives out files, rightly or wrongly.
 *
 * It uses the codec of messages and nothing of our endpoint, over UDP, TCP, DTLS or TLS, and runs
 * whenever something happens in the world (ln_testkit_serve). For each request a function of the test
 * fills in what is said. Functions fail the running test where they cannot do what they say.
 */
#include <linnet/coap_msg.h>
#include <linnet/sock.h>
#include <linnet/testkit.h>
#include <linnet/tls.h>

/** What was asked; a message that is sent again counts again. */
struct coap_ask {
    unsigned number;     /**< from 1, over all connections */
    unsigned connection; /**< from 1; UDP: counts the ports it came from */
    uint8_t code;        /**< GET ... */
    char path[256];      /**< "/a/b" */
    char query[64];      /**< "x=1&y" */
    char host[64];       /**< Uri-Host; "" = none */
    bool has_block;
    uint32_t at; /**< where the block begins */
    uint8_t szx; /**< 6 where none was asked for */
    bool asks_size;
};

struct coap_say {
    bool silent;   /**< nothing comes */
    bool reset;    /**< a Reset; streams: the connection is cut */
    bool separate; /**< UDP: an empty ACK, and the answer in a confirmable message */
    uint8_t code;
    bool has_etag, has_size, has_block, has_max_age;
    struct ln_span etag;
    uint32_t size;
    struct ln_coap_block block;
    uint32_t max_age;
    uint16_t more_option;   /**< one that the client may not know; 0 = none */
    struct ln_span payload; /**< borrowed until the next request */
};

typedef void coap_respond(void *user, const struct coap_ask *ask, struct coap_say *say);

enum { COAPFILE_CONNECTIONS = 8, COAPFILE_BUFFER = 1 << 16 };

struct coap_connection {
    struct ln_sock *sock; /**< NULL = free */
    unsigned number;
    uint8_t in[2048];
    size_t in_len;
    uint8_t out[COAPFILE_BUFFER];
    size_t out_len;
};

struct coap_server {
    struct ln_testkit *kit;
    const struct ln_testkit_host *host;
    enum ln_sock_kind kind;
    struct ln_sock *listener;
    coap_respond *respond;
    void *user;
    struct coap_connection connection[COAPFILE_CONNECTIONS];
    struct ln_addr peer; /**< UDP: the last one */
    uint16_t mid;
    unsigned connections;
    unsigned requests;
    uint64_t body_sent;   /**< bytes of payloads of 2.05 */
    ln_msec asked_at[64]; /**< when the first requests came */
};

/** Listen. `tls` is for DTLS and TLS, referenced. */
void coap_server_open(struct coap_server *s, struct ln_testkit *kit,
                      const struct ln_testkit_host *host, const struct ln_env *env,
                      enum ln_sock_kind kind, uint16_t port, struct ln_tls_config *tls,
                      coap_respond *respond, void *user);
void coap_server_close(struct coap_server *s);

/** A file that a correct server has. */
struct coap_file {
    struct ln_span content;
    struct ln_span etag; /**< empty = none */
    bool no_size;
    uint8_t szx; /**< largest block that the server gives; 0 = 6 */
};
/** Answer as RFC 7959 says. */
void coap_serve_file(const struct coap_file *file, const struct coap_ask *ask,
                     struct coap_say *say);

#endif
