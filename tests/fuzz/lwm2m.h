/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FUZZ_LWM2M_H
#define LN_TESTS_FUZZ_LWM2M_H
/**
 * @file lwm2m.h
 * A client with the objects 0, 1, 2, 3, 3441 and 3442 in the in-memory network, and a server
 * whose datagrams the fuzzer makes. For the targets fuzz_lwm2m_*.c.
 *
 * fz_open -> fz_register -> fz_say* -> fz_close, which checks that nothing is left behind.
 */
#include <linnet/objects.h>
#include <linnet/testkit.h>

#include "fuzz/check.h"

enum { FZ_LIVE_BYTES_MAX = 64 * 1024 }; /* more than the client ever needs */

struct fz {
    struct ln_testkit *kit;
    struct ln_testkit_host *device_host;
    struct ln_testkit_host *server_host;
    struct ln_env env;
    struct ln_env server_env;
    struct ln_sock *server;
    struct ln_addr peer;
    struct ln_client *client;
    struct ln_device device;
    uint8_t heard[1500]; /* the last datagram of the device */
    size_t heard_len;
};

/* Step the client, and let the server hear, for so long. */
static inline void fz_run(struct fz *z, ln_msec ms)
{
    ln_msec end = ln_testkit_now(z->kit) + ms;
    struct ln_interest want;
    for (unsigned rounds = 0;; rounds++) {
        ln_msec now = ln_testkit_now(z->kit);
        CHECK(ln_client_step(z->client, now, &want) == LN_OK);
        CHECK(rounds < 10000); /* it has work without end */
        if (now >= end)
            break;
        ln_msec next = want.ready ? now + 1 : want.deadline < end ? want.deadline : end;
        ln_testkit_advance(z->kit, next > now ? (next - now < 10 ? next - now : 10) : 1);
    }
    size_t got = 0;
    while (ln_sock_recv_from(z->server, ln_mspan(z->heard, sizeof z->heard), &got, &z->peer) ==
           LN_OK)
        z->heard_len = got;
}

/* `configure` may change the settings of the client; NULL. */
static inline void fz_open_with(struct fz *z, void (*configure)(struct ln_client_config *config))
{
    struct ln_testkit_config kit = { .seed = 1 };
    struct ln_testkit_link link = { .loss_permille = 0 };
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    struct ln_account account = LN_ACCOUNT_INIT;
    struct ln_addr local;
    memset(z, 0, sizeof *z);
    CHECK(ln_testkit_new(&kit, &z->kit) == LN_OK);
    CHECK(ln_testkit_host_new(z->kit, "device", "192.0.2.10", &z->device_host) == LN_OK);
    CHECK(ln_testkit_host_new(z->kit, "server", "192.0.2.1", &z->server_host) == LN_OK);
    CHECK(ln_testkit_path(z->kit, z->device_host, z->server_host, &link) == LN_OK);
    ln_testkit_env(z->device_host, &z->env);
    ln_testkit_env(z->server_host, &z->server_env);
    CHECK(ln_sock_new(&z->server_env, LN_UDP, NULL, NULL, NULL, &z->server) == LN_OK);
    CHECK(ln_addr_parse("192.0.2.1", 5683, &local) == LN_OK);
    CHECK(ln_sock_bind(z->server, &local) == LN_OK);
    config.env = &z->env;
    config.endpoint = "fuzz";
    if (configure != NULL)
        configure(&config);
    account.uri = "coap://192.0.2.1";
    CHECK(ln_client_new(&config, NULL, &z->client) == LN_OK);
    CHECK(ln_core_objects_add(z->client) == LN_OK);
    ln_device_init(&z->device);
    z->device.manufacturer = "Linnet";
    z->device.present |= UINT32_MAX;
    CHECK(ln_device_add(z->client, &z->device) == LN_OK);
    CHECK(ln_test_objects_add(z->client) == LN_OK);
    CHECK(ln_client_add_account(z->client, &account, NULL) == LN_OK);
    CHECK(ln_client_start(z->client, ln_testkit_now(z->kit), NULL) == LN_OK);
    fz_run(z, 20);
    CHECK(z->heard_len > 0);
}

static inline void fz_open(struct fz *z)
{
    fz_open_with(z, NULL);
}

/* The server sends this, and the client does with it what it does at once. */
static inline void fz_say(struct fz *z, struct ln_span datagram)
{
    z->heard_len = 0;
    CHECK(ln_sock_send_to(z->server, &z->peer, datagram) == LN_OK);
    fz_run(z, 20);
}

/* As fz_run(), in as few steps as the client wants, so that hours cost what happens in them.
 * @return LN_CLOSED: the client has stopped */
static inline enum ln_status fz_pass(struct fz *z, ln_msec ms)
{
    ln_msec end = ln_testkit_now(z->kit) + ms;
    struct ln_testkit_memory memory;
    struct ln_interest want;
    unsigned idle = 0;
    for (unsigned steps = 0;; steps++) {
        ln_msec now = ln_testkit_now(z->kit);
        size_t got = 0;
        enum ln_status st = ln_client_step(z->client, now, &want);
        CHECK(st == LN_OK || st == LN_CLOSED);
        ln_testkit_memory(z->device_host, &memory);
        CHECK(memory.live_bytes < FZ_LIVE_BYTES_MAX);
        while (ln_sock_recv_from(z->server, ln_mspan(z->heard, sizeof z->heard), &got, &z->peer) ==
               LN_OK)
            z->heard_len = got;
        if (st == LN_CLOSED || now >= end || steps > 5000)
            return st;
        idle = want.ready ? idle + 1 : 0;
        CHECK(idle < 1000); /* it has work without end */
        ln_interest_until(&want, end);
        CHECK(z->env.net.ops->wait(z->env.net.ctx, &want, end) == LN_OK);
    }
}

static inline bool fz_is_registered(const struct fz *z)
{
    struct ln_server_info info;
    return ln_client_server_info(z->client, 1, &info) == LN_OK && info.registered;
}

/* Answer the Register that was heard: 2.01 and /rd/1. */
static inline void fz_register(struct fz *z)
{
    uint8_t room[64];
    struct ln_coap_msg msg;
    struct ln_coap_writer w;
    struct ln_span out;
    CHECK(ln_coap_read_udp(ln_span(z->heard, z->heard_len), &msg) == LN_OK);
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_ACK, LN_COAP_CREATED, msg.mid,
                      &msg.token);
    ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "rd");
    ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "1");
    CHECK(ln_coap_writer_end(&w, &out) == LN_OK);
    fz_say(z, out);
    CHECK(fz_is_registered(z));
}

static inline void fz_close(struct fz *z)
{
    struct ln_testkit_memory memory;
    ln_client_free(z->client);
    ln_sock_free(z->server);
    ln_testkit_memory(z->device_host, &memory);
    CHECK(memory.live_blocks == 0);
    CHECK(ln_testkit_open_handles(z->device_host) == 0);
    ln_testkit_free(z->kit);
}

#endif
