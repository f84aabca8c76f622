/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cid_mbedtls.c
 * What it takes to be heard again, on the wire: a full handshake, an abbreviated one, and Connection ID.
 *
 * In the in-memory network, so that nothing varies. The device has a pre-shared key with CCM_8, the
 * server is tests/support/cidserver.h, with an id of eight bytes. Each time it connects, sends 32 bytes
 * and gets them back; bytes are UDP payload, of both directions.
 *
 * prints: HOW_handshake_packets=N HOW_handshake_bytes=N HOW_message_packets=N HOW_message_bytes=N
 *   HOW: full, resumed, cid
 */
#include "support/cidserver.h"

#include <linnet/sock.h>
#include <linnet/tls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "0123456789abcdef"
#define IDENTITY "bench-device-0001"
#define SERVER_IP "192.0.2.1"

enum { MESSAGE_LEN = 32, CID_LEN = 8 };

static struct {
    struct ln_testkit *kit;
    struct ln_env env;
    struct ln_tls_config *config;
    struct ln_session_slot slot;
    struct cid_server server;
    struct ln_sock *sock;
    struct ln_sock_info info;
    unsigned packets;
    size_t bytes;
} bench;

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void count(void *user, struct ln_testkit_packet *packet)
{
    (void)user;
    bench.packets++;
    bench.bytes += packet->len;
}

static void print(const char *how, const char *what)
{
    (void)printf("%s_%s_packets=%u %s_%s_bytes=%zu ", how, what, bench.packets, how, what,
                 bench.bytes);
    bench.packets = 0;
    bench.bytes = 0;
}

/* ---- the world ---- */

static void make_world(void)
{
    static const struct ln_testkit_config kit_config = { .seed = 1 };
    static const struct ln_testkit_link link = { .delay_min_ms = 10 };
    static struct ln_env server_env;
    struct cid_server_options server = { .cid_len = CID_LEN,
                                         .psk_key = ln_span(KEY, sizeof KEY - 1),
                                         .psk_identity = ln_span_str(IDENTITY) };
    struct ln_testkit_host *device = NULL;
    struct ln_testkit_host *host = NULL;
    need(ln_testkit_new(&kit_config, &bench.kit) == LN_OK &&
             ln_testkit_host_new(bench.kit, "device", "192.0.2.2", &device) == LN_OK &&
             ln_testkit_host_new(bench.kit, "server", SERVER_IP, &host) == LN_OK &&
             ln_testkit_path(bench.kit, device, host, &link) == LN_OK,
         "no world");
    ln_testkit_env(device, &bench.env);
    ln_testkit_env(host, &server_env);
    cid_server_open(&bench.server, bench.kit, &server_env, &server);
    ln_testkit_tap(bench.kit, count, NULL);
}

static void configure(void)
{
    static const uint16_t suite = 0xc0a8;
    struct ln_session_store store = ln_session_store_slot(&bench.slot);
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++) {
        struct ln_tls_capabilities can;
        ln_tls_capabilities(ln_tls_builtin(i), &can);
        if ((can.caps & LN_TLS_CAP_CONNECTION_ID) != 0)
            options.backend = ln_tls_builtin(i);
    }
    options.auth = LN_AUTH_PSK;
    options.psk_key = ln_span(KEY, sizeof KEY - 1);
    options.psk_identity = ln_span_str(IDENTITY);
    options.suites = &suite;
    options.suite_count = 1;
    options.sessions = &store;
    options.connection_id = LN_CID_OFFER;
    struct ln_diag diag;
    need(ln_tls_config_new(&bench.env, LN_DTLS, &options, &diag, &bench.config) == LN_OK,
         "configuration");
}

/* ---- one life ---- */

static bool is_open(void *user, ln_msec now)
{
    (void)user;
    (void)now;
    ln_sock_info(bench.sock, &bench.info);
    return bench.info.state != LN_SOCK_CONNECTING;
}

static bool has_answer(void *user, ln_msec now)
{
    uint8_t room[MESSAGE_LEN];
    size_t got = 0;
    (void)user;
    (void)now;
    return ln_sock_recv(bench.sock, ln_mspan(room, sizeof room), &got) == LN_OK;
}

static void wait_until(bool (*done)(void *user, ln_msec now))
{
    struct ln_testkit_pump pump = { &bench.sock, 1, done, NULL, 0, 0 };
    need(ln_testkit_run(bench.kit, &pump) == LN_OK, "nothing happens any more");
}

static void live(const char *how, bool resumed, bool restored)
{
    static const uint8_t message[MESSAGE_LEN];
    size_t sent = 0;
    bench.sock = NULL;
    need(ln_sock_new(&bench.env, LN_DTLS, NULL, bench.config, NULL, &bench.sock) == LN_OK,
         "socket");
    enum ln_status st =
        ln_sock_connect(bench.sock, SERVER_IP, CID_SERVER_PORT, ln_testkit_now(bench.kit));
    need(st == LN_OK || st == LN_AGAIN, "connect");
    wait_until(is_open);
    need(bench.info.state == LN_SOCK_OPEN && bench.info.tls.cid_in_use, "no Connection ID");
    need(bench.info.tls.resumed == resumed && bench.info.tls.cid_restored == restored,
         "another handshake than was to be measured");
    print(how, "handshake");
    need(ln_sock_send(bench.sock, ln_span(message, sizeof message), &sent) == LN_OK, "send");
    wait_until(has_answer);
    print(how, "message");
}

int main(void)
{
    make_world();
    configure();
    live("full", false, false);
    struct ln_session_slot crashed = bench.slot; /* no association in it yet */
    ln_sock_free(bench.sock);
    bench.slot = crashed;
    live("resumed", true, false);
    ln_sock_free(bench.sock);
    live("cid", true, true);
    ln_sock_free(bench.sock);
    (void)printf("\n");
    ln_tls_config_unref(bench.config);
    cid_server_close(&bench.server);
    ln_testkit_free(bench.kit);
    return EXIT_SUCCESS;
}
