/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file floor_mbedtls.c
 * The floor of the other back end: a client of plain Mbed TLS that does what its user needs and
 * nothing else, as floor.c does with OpenSSL.
 *
 * One shared mbedtls_ssl_config, one blocking descriptor per connection, the library's own net_sockets,
 * timing and CTR_DRBG. The server's chain and name are verified, only the suite of the mode is
 * offered, and a session that is to be resumed is serialised when it arrives and read back when it is
 * used. The library does not tell its user whether it resumed: scripts/bench asks the server.
 *
 * usage: see bench_args_read() in common.h; it takes "each" and "hold".
 */
#include "bench/common.h"
#include "support/libmem.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/timing.h>
#include <psa/crypto.h>

struct connection {
    mbedtls_ssl_context ssl;
    mbedtls_net_context net;
    mbedtls_timing_delay_context timer;
};

static struct {
    struct bench_args args;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt root;
    mbedtls_ssl_config conf;
    int suites[2];
    char port[6];
    uint8_t session[16384];
    size_t session_len;
    uint64_t received;
} bench;

/* ---- the shared configuration ---- */

static void use_key(void)
{
    bench_need(mbedtls_ssl_conf_psk(&bench.conf, (const unsigned char *)BENCH_KEY,
                                    sizeof BENCH_KEY - 1, (const unsigned char *)BENCH_IDENTITY,
                                    sizeof BENCH_IDENTITY - 1) == 0,
               "key");
}

static void trust(const char *folder)
{
    bench_need(mbedtls_x509_crt_parse_file(&bench.root, bench_path(folder, "root.pem")) == 0,
               "root.pem");
    mbedtls_ssl_conf_ca_chain(&bench.conf, &bench.root, NULL);
    mbedtls_ssl_conf_authmode(&bench.conf, MBEDTLS_SSL_VERIFY_REQUIRED);
}

static void use_tickets(bool wanted)
{
    mbedtls_ssl_conf_session_tickets(&bench.conf, wanted ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                         : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    if (wanted)
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            &bench.conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
}

static void configure(const struct bench_args *a)
{
    static const uint16_t groups[] = { BENCH_GROUP_ID, 0 };
    const struct bench_mode *m = a->mode;
    mbedtls_ssl_protocol_version version =
        m->version == 0x0304 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
    mbedtls_ssl_config_init(&bench.conf);
    bench_need(mbedtls_ssl_config_defaults(&bench.conf, MBEDTLS_SSL_IS_CLIENT,
                                           m->datagram ? MBEDTLS_SSL_TRANSPORT_DATAGRAM
                                                       : MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT) == 0,
               "configuration");
    mbedtls_ssl_conf_rng(&bench.conf, mbedtls_ctr_drbg_random, &bench.random);
    mbedtls_ssl_conf_min_tls_version(&bench.conf, version);
    mbedtls_ssl_conf_max_tls_version(&bench.conf, version);
    bench.suites[0] = m->suite;
    mbedtls_ssl_conf_ciphersuites(&bench.conf, bench.suites);
    mbedtls_ssl_conf_groups(&bench.conf, groups);
    if (m->psk)
        use_key();
    else
        trust(a->folder);
    use_tickets(a->sessions != BENCH_NO_SESSIONS);
}

/* ---- sessions ---- */

static void keep_session(const mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    bench_need(mbedtls_ssl_get_session(ssl, &session) == 0 &&
                   mbedtls_ssl_session_save(&session, bench.session, sizeof bench.session,
                                            &bench.session_len) == 0,
               "session");
    mbedtls_ssl_session_free(&session);
}

static void offer_session(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    bench_need(mbedtls_ssl_session_load(&session, bench.session, bench.session_len) == 0 &&
                   mbedtls_ssl_set_session(ssl, &session) == 0,
               "session to resume");
    mbedtls_ssl_session_free(&session);
}

/* ---- one connection ---- */

static void use_datagrams(struct connection *c)
{
    mbedtls_ssl_set_timer_cb(&c->ssl, &c->timer, mbedtls_timing_set_delay,
                             mbedtls_timing_get_delay);
    mbedtls_ssl_set_mtu(&c->ssl, BENCH_MTU);
}

static void shake(const struct bench_args *a, struct connection *c)
{
    int kind = a->mode->datagram ? MBEDTLS_NET_PROTO_UDP : MBEDTLS_NET_PROTO_TCP;
    mbedtls_ssl_init(&c->ssl);
    bench_need(mbedtls_net_connect(&c->net, BENCH_ADDRESS, bench.port, kind) == 0, "connect");
    bench_need(mbedtls_ssl_setup(&c->ssl, &bench.conf) == 0 &&
                   mbedtls_ssl_set_hostname(&c->ssl, a->mode->psk ? NULL : BENCH_NAME) == 0,
               "connection");
    mbedtls_ssl_set_bio(&c->ssl, &c->net, mbedtls_net_send, mbedtls_net_recv,
                        a->mode->datagram ? mbedtls_net_recv_timeout : NULL);
    if (a->mode->datagram)
        use_datagrams(c);
    if (a->sessions == BENCH_RESUME && bench.session_len > 0)
        offer_session(&c->ssl);
    bench_need(mbedtls_ssl_handshake(&c->ssl) == 0, "the handshake failed");
    if (a->sessions != BENCH_NO_SESSIONS && a->mode->version != 0x0304)
        keep_session(&c->ssl);
}

static void receive(mbedtls_ssl_context *ssl, uint64_t wanted)
{
    static uint8_t room[BENCH_CHUNK];
    uint8_t request[BENCH_REQUEST];
    bench_request_write(wanted, request);
    bench_need(mbedtls_ssl_write(ssl, request, sizeof request) == (int)sizeof request, "send");
    for (uint64_t got = 0; got < wanted;) {
        int n = mbedtls_ssl_read(ssl, room, sizeof room);
        if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            keep_session(ssl);
            continue;
        }
        if (n == MBEDTLS_ERR_SSL_WANT_READ) /* what came was not for us */
            continue;
        bench_need(n > 0, "receive");
        got += (uint64_t)n;
        bench.received += (uint64_t)n;
    }
}

static struct connection *open_one(const struct bench_args *a)
{
    struct connection *c = mbedtls_calloc(1, sizeof *c);
    bench_need(c != NULL, "no memory");
    shake(a, c);
    if (a->bytes > 0)
        receive(&c->ssl, a->bytes);
    return c;
}

static void close_one(struct connection *c)
{
    (void)mbedtls_ssl_close_notify(&c->ssl);
    mbedtls_ssl_free(&c->ssl);
    mbedtls_net_free(&c->net);
    mbedtls_free(c);
}

/* ---- all of them ---- */

static void all_at_once(const struct bench_args *a, size_t heap_before)
{
    struct bench_growth growth = { .config = libmem_live() - heap_before };
    struct connection **all = calloc(a->count, sizeof *all);
    bench_need(all != NULL, "no memory");
    size_t empty = libmem_live();
    for (unsigned i = 0; i < a->count; i++) {
        size_t before = libmem_live();
        libmem_mark();
        all[i] = open_one(a);
        growth.peak = libmem_peak() - before;
        if (i == 0)
            growth.first = libmem_live() - empty;
    }
    growth.all = libmem_live() - empty;
    for (unsigned i = 0; i < a->count; i++)
        close_one(all[i]);
    free(all);
    bench_print_growth("mbedtls", &growth, a->count);
}

int main(int argc, char **argv)
{
    bench.args = bench_args_read(argc, argv);
    const struct bench_args *a = &bench.args;
    bench_need(a->action != BENCH_DEVICE, "floor.c is the device's floor");
    bench_need(a->action != BENCH_HOLD || libmem_install(), "Mbed TLS's memory cannot be counted");
    (void)snprintf(bench.port, sizeof bench.port, "%u", (unsigned)a->port);
    mbedtls_entropy_init(&bench.entropy);
    mbedtls_ctr_drbg_init(&bench.random);
    bench_need(psa_crypto_init() == PSA_SUCCESS &&
                   mbedtls_ctr_drbg_seed(&bench.random, mbedtls_entropy_func, &bench.entropy, NULL,
                                         0) == 0,
               "randomness");
    size_t heap_before = libmem_live();
    configure(a);
    if (a->action == BENCH_HOLD)
        all_at_once(a, heap_before);
    for (unsigned i = 0; a->action == BENCH_EACH && i < a->count; i++)
        close_one(open_one(a));
    mbedtls_ssl_config_free(&bench.conf);
    mbedtls_x509_crt_free(&bench.root);
    mbedtls_ctr_drbg_free(&bench.random);
    mbedtls_entropy_free(&bench.entropy);
    mbedtls_psa_crypto_free();
    bench_print_usage(false, bench.received);
    return EXIT_SUCCESS;
}
