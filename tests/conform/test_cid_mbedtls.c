/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_cid_mbedtls.c
 * Connection ID (RFC 9146), against a server that is written on Mbed TLS alone: a client whose address
 * changes, that restarts, that crashes; and no record number is ever sent twice.
 */
#include "support/cidserver.h"
#include "support/shelf.h"
#include "support/wire.h"
#include "tls/blob.h"
#include "tls/builtin.h"

#include <linnet/sock.h>
#include <linnet/tls.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SERVER_IP "192.0.2.1"
#define SERVER_NAME "server.example"
#define DEVICE_IP "10.0.0.2"
#define NAT_IP "198.51.100.7"
#define KEY "0123456789abcdef"
#define IDENTITY "device-1"

enum { CID_LEN = 8, RECORDS_MAX = 4096, RECORD_CID = 25, RECORD_HANDSHAKE = 22 };

/* ---- what the device sent ---- */

/** A record that is encrypted: with a Connection ID, or told apart by the connection it is of. */
struct sent_record {
    uint8_t cid[CID_LEN];
    uint64_t number; /**< epoch and sequence number */
};

struct traffic {
    size_t count;
    struct sent_record record[RECORDS_MAX];
    unsigned repeated;   /**< records with a number that was used before */
    unsigned handshakes; /**< handshake records in plain text, of both sides */
    unsigned packets;
    uint64_t bytes;
    size_t largest;
};

static uint64_t number_at(const uint8_t *p)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | p[i];
    return number;
}

static void note_record(struct traffic *t, const uint8_t *cid, uint64_t number)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->record[i].number == number && memcmp(t->record[i].cid, cid, CID_LEN) == 0)
            t->repeated++;
    assert_true(t->count < RECORDS_MAX);
    memcpy(t->record[t->count].cid, cid, CID_LEN);
    t->record[t->count++].number = number;
}

static void note_datagram(struct traffic *t, struct ln_span d, bool from_device)
{
    while (d.len >= 13) {
        bool cid = d.data[0] == RECORD_CID;
        size_t header = cid ? 13 + CID_LEN : 13;
        size_t body = (size_t)d.data[header - 2] << 8 | d.data[header - 1];
        assert_true(header + body <= d.len);
        if (cid && from_device)
            note_record(t, d.data + 11, number_at(d.data + 3));
        if (d.data[0] == RECORD_HANDSHAKE)
            t->handshakes++;
        d = ln_span(d.data + header + body, d.len - header - body);
    }
}

/* ---- the world ---- */

/** Where the device's life ends: at the step of this number, counted from 0. */
struct doom {
    bool armed;
    bool before; /**< the step does not take place; else it does, and nothing after it */
    unsigned at;
    unsigned steps;
    bool dead;
};

struct world {
    struct ln_testkit *kit;
    struct ln_testkit_host *device_host;
    struct ln_testkit_host *server_host;
    struct ln_testkit_nat *nat;
    struct ln_env device;
    struct ln_env server_env;
    struct cid_server server;
    struct shelf shelf;
    struct ln_session_store store; /**< the shelf, as far as the device lives */
    enum ln_status fail_remove;
    struct traffic traffic;
    struct doom doom;
    struct ln_tls_options options;
    struct ln_tls_config *config;
    struct ln_sock *sock;
    struct ln_sock_info info;
    void (*touch)(struct world *w, struct ln_testkit_packet *packet);
    char log[256];
};

/** False: the device is dead by now, and this does not happen. */
static bool lives_through(struct doom *d)
{
    if (!d->armed || d->dead)
        return !d->dead;
    if (d->steps++ != d->at)
        return true;
    d->dead = true;
    return !d->before;
}

static void on_packet(void *user, struct ln_testkit_packet *packet)
{
    struct world *w = user;
    bool from_device = packet->from_host == w->device_host;
    if (from_device && !lives_through(&w->doom)) {
        packet->drop = true;
        return;
    }
    w->traffic.packets++;
    w->traffic.bytes += packet->len;
    if (packet->len > w->traffic.largest)
        w->traffic.largest = packet->len;
    note_datagram(&w->traffic, ln_span(packet->data, packet->len), from_device);
    if (w->touch != NULL)
        w->touch(w, packet);
}

static enum ln_status store_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    struct world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    return w->doom.dead ? LN_IO : s->load(s->ctx, key, room, len);
}

static enum ln_status store_save(void *ctx, const char *key, struct ln_span blob)
{
    struct world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    return lives_through(&w->doom) ? s->save(s->ctx, key, blob) : LN_IO;
}

static enum ln_status store_remove(void *ctx, const char *key)
{
    struct world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    if (w->fail_remove != LN_OK)
        return w->fail_remove;
    return lives_through(&w->doom) ? s->remove(s->ctx, key) : LN_IO;
}

static void note_log(void *ctx, enum ln_level level, const char *module, const char *text)
{
    struct world *w = ctx;
    (void)level;
    (void)module;
    (void)snprintf(w->log, sizeof w->log, "%s", text);
}

static struct cid_server_options with_cid(size_t cid_len)
{
    struct cid_server_options o = { .cid_len = cid_len,
                                    .psk_key = ln_span(KEY, sizeof KEY - 1),
                                    .psk_identity = ln_span_str(IDENTITY) };
    return o;
}

static struct world the_world;

/** Everything but the kit and the device, which are there. */
static void furnish(struct world *w, const struct cid_server_options *server)
{
    static const struct ln_testkit_link link = { .delay_min_ms = 10 };
    assert_int_equal(ln_testkit_host_new(w->kit, "server", SERVER_IP, &w->server_host), LN_OK);
    assert_int_equal(ln_testkit_nat_new(w->kit, NAT_IP, 0, &w->nat), LN_OK);
    ln_testkit_host_behind(w->device_host, w->nat);
    assert_int_equal(ln_testkit_path(w->kit, w->device_host, w->server_host, &link), LN_OK);
    ln_testkit_env(w->device_host, &w->device);
    ln_testkit_env(w->server_host, &w->server_env);
    w->device.log.write = note_log;
    w->device.log.ctx = w;
    w->device.log.level = LN_LOG_INFO;
    (void)shelf_init(&w->shelf);
    w->store = (struct ln_session_store) { store_load, store_save, store_remove, w };
    cid_server_open(&w->server, w->kit, &w->server_env, server);
    ln_testkit_tap(w->kit, on_packet, w);
    w->options = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
    w->options.backend = &ln__tls_mbedtls;
    w->options.auth = LN_AUTH_PSK;
    w->options.psk_key = server->psk_key;
    w->options.psk_identity = server->psk_identity;
    w->options.sessions = &w->store;
}

static struct world *open_world(const struct cid_server_options *server)
{
    static const struct ln_testkit_config kit_config = { .seed = 7 };
    struct world *w = &the_world;
    memset(w, 0, sizeof *w);
    assert_int_equal(ln_testkit_new(&kit_config, &w->kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(w->kit, "device", DEVICE_IP, &w->device_host), LN_OK);
    furnish(w, server);
    return w;
}

/* ---- the device's lives ---- */

/** The program starts. */
static void start(struct world *w)
{
    struct ln_diag diag;
    enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &w->config);
    if (st != LN_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ln_sock_new(&w->device, LN_DTLS, NULL, w->config, NULL, &w->sock), LN_OK);
    assert_int_equal(ln_sock_set_server_name(w->sock, SERVER_NAME), LN_OK);
}

/** It ends, properly: what is kept is kept now. */
static void end(struct world *w)
{
    ln_sock_free(w->sock);
    ln_tls_config_unref(w->config);
    w->sock = NULL;
    w->config = NULL;
}

/** It is killed: nothing that it still does takes place. */
static void kill_it(struct world *w)
{
    w->doom.dead = true;
    end(w);
    memset(&w->doom, 0, sizeof w->doom);
}

static void close_world(struct world *w)
{
    struct ln_testkit_memory memory;
    if (w->sock != NULL)
        kill_it(w);
    cid_server_close(&w->server);
    ln_testkit_memory(w->device_host, &memory);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(ln_testkit_open_handles(w->device_host), 0);
    assert_int_equal(w->traffic.repeated, 0);
    ln_testkit_free(w->kit);
}

static bool is_decided(void *user, ln_msec now)
{
    struct world *w = user;
    (void)now;
    ln_sock_info(w->sock, &w->info);
    return w->info.state != LN_SOCK_CONNECTING;
}

static enum ln_status try_connect(struct world *w)
{
    struct ln_testkit_pump pump = { &w->sock, 1, is_decided, w, 0, 0 };
    enum ln_status st =
        ln_sock_connect(w->sock, SERVER_IP, CID_SERVER_PORT, ln_testkit_now(w->kit));
    if (st == LN_AGAIN)
        assert_int_equal(ln_testkit_run(w->kit, &pump), LN_OK);
    ln_sock_info(w->sock, &w->info);
    return w->info.state == LN_SOCK_OPEN ? LN_OK : ln_sock_diag(w->sock)->status;
}

static void connect_it(struct world *w)
{
    enum ln_status st = try_connect(w);
    if (st != LN_OK)
        fail_msg("no connection: %s: %s", ln_status_name(st), ln_sock_diag(w->sock)->text);
}

struct waiting {
    struct world *w;
    struct ln_mspan room;
    size_t got;
    enum ln_status st;
};

static bool has_answer(void *user, ln_msec now)
{
    struct waiting *a = user;
    (void)now;
    a->st = ln_sock_recv(a->w->sock, a->room, &a->got);
    return a->st != LN_AGAIN;
}

/** Send a message; whether it comes back within ten seconds. */
static bool ask(struct world *w, const char *text)
{
    uint8_t room[256];
    struct waiting a = { .w = w, .room = ln_mspan(room, sizeof room), .st = LN_AGAIN };
    struct ln_testkit_pump pump = {
        &w->sock, 1, has_answer, &a, ln_testkit_now(w->kit) + 10000, 0
    };
    size_t sent = 0;
    size_t len = strlen(text);
    if (ln_sock_send(w->sock, ln_span(text, len), &sent) != LN_OK)
        return false;
    a.st = ln_testkit_run(w->kit, &pump) == LN_OK ? a.st : LN_TIMEOUT;
    ln_sock_info(w->sock, &w->info);
    return a.st == LN_OK && a.got == len && memcmp(room, text, len) == 0;
}

static void exchange(struct world *w, const char *text)
{
    if (!ask(w, text))
        fail_msg("\"%s\" was not answered", text);
}

/** One whole life: start, connect, some messages, end. */
static void live(struct world *w)
{
    start(w);
    connect_it(w);
    exchange(w, "one");
    exchange(w, "two");
    end(w);
}

/** It connects without a handshake. */
static void must_be_restored(struct world *w)
{
    unsigned before = w->traffic.packets;
    start(w);
    connect_it(w);
    if (!w->info.tls.cid_restored)
        fail_msg("a handshake was needed; the log says: %s", w->log);
    assert_true(w->info.tls.resumed);
    assert_true(w->info.tls.cid_in_use);
    assert_int_equal(w->traffic.packets, before);
    exchange(w, "restored");
}

/** It connects with a handshake, and what is sent arrives. */
static void must_shake_hands(struct world *w, bool resumed)
{
    struct cid_server *s = &w->server;
    unsigned all = s->full + s->resumed;
    unsigned abbreviated = s->resumed;
    start(w);
    connect_it(w);
    assert_false(w->info.tls.cid_restored);
    exchange(w, "after a handshake");
    assert_int_equal(s->full + s->resumed, all + 1);
    assert_int_equal(s->resumed, abbreviated + (resumed ? 1 : 0));
    assert_int_equal(w->info.tls.resumed, resumed);
}

/* ---- offering ---- */

struct offer {
    bool seen;
    bool offered;
    size_t cid_len;
};
static struct offer offer;

/** Extension 54 of the ClientHello. */
static void look_at_hello(struct world *w, struct ln_testkit_packet *packet)
{
    struct ln_span datagram = ln_span(packet->data, packet->len);
    struct wire_hello hello;
    if (packet->from_host != w->device_host || offer.seen ||
        !wire_client_hello(datagram, true, &hello))
        return;
    offer.seen = true;
    offer.offered = hello.has_cid;
    offer.cid_len = hello.cid_len;
}

/* A Connection ID of no bytes is offered by default: we need none, and one saves 32 bytes per downlink
 * packet (field lessons 4.2). */
/* scenario: C2, H96 */
static void test_what_is_offered(void **state)
{
    (void)state;
    static const struct {
        enum ln_connection_id option;
        size_t server;
        bool offered;
        bool in_use;
    } table[] = {
        { LN_CID_AUTO, CID_LEN, true, true },  { LN_CID_OFFER, CID_LEN, true, true },
        { LN_CID_OFF, CID_LEN, false, false }, { LN_CID_AUTO, 0, true, false },
        { LN_CID_OFFER, 0, true, false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cid_server_options o = with_cid(table[i].server);
        struct world *w = open_world(&o);
        memset(&offer, 0, sizeof offer);
        w->options.connection_id = table[i].option;
        w->touch = look_at_hello;
        start(w);
        connect_it(w);
        exchange(w, "hello");
        assert_true(offer.seen);
        assert_int_equal(offer.offered, table[i].offered);
        assert_int_equal(offer.cid_len, 0);
        assert_int_equal(w->info.tls.cid_in_use, table[i].in_use);
        assert_false(w->info.tls.cid_restored);
        end(w);
        close_world(w);
    }
}

/* scenario: C2, S23 */
static void test_a_library_without_it(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++) {
        struct ln_tls_capabilities can;
        struct ln_diag diag;
        struct ln_tls_config *config = NULL;
        ln_tls_capabilities(ln_tls_builtin(i), &can);
        bool has = (can.caps & LN_TLS_CAP_CONNECTION_ID) != 0;
        w->options.backend = ln_tls_builtin(i);
        w->options.connection_id = LN_CID_OFFER;
        enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &config);
        assert_int_equal(st, has ? LN_OK : LN_UNSUPPORTED);
        if (!has)
            assert_non_null(strstr(diag.text, "connection_id"));
        ln_tls_config_unref(config);
        config = NULL;
        st = ln_tls_config_new(&w->device, LN_TLS, &w->options, &diag, &config);
        assert_int_equal(st, has ? LN_BAD_ARG : st);
        assert_true(st == LN_BAD_ARG || st == LN_UNSUPPORTED);
        w->options.connection_id = LN_CID_AUTO; /* nothing is demanded: nothing is refused */
        assert_int_equal(ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &config),
                         LN_OK);
        ln_tls_config_unref(config);
    }
    close_world(w);
}

/* ---- another address ---- */

/* scenario: C2, T2 */
static void test_nat_rebind(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    start(w);
    connect_it(w);
    exchange(w, "before");
    unsigned handshakes = w->traffic.handshakes;
    for (unsigned i = 1; i <= 5; i++) {
        char address[32]; /* each second time another port only */
        (void)snprintf(address, sizeof address, "198.51.100.%u", 10 + i);
        assert_int_equal(ln_testkit_nat_rebind(w->nat, i % 2 == 0 ? NULL : address), LN_OK);
        exchange(w, "after the NAT forgot us");
        assert_int_equal(w->server.moves, i);
    }
    assert_int_equal(w->traffic.handshakes, handshakes);
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 0);
    assert_true(w->info.tls.cid_in_use);
    end(w);
    close_world(w);
}

/* The same without Connection ID: silence, and then exactly one abbreviated handshake. */
/* scenario: T2 */
static void test_nat_rebind_without(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(0);
    struct world *w = open_world(&o);
    start(w);
    connect_it(w);
    exchange(w, "before");
    assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
    assert_false(ask(w, "after the NAT forgot us"));
    ln_sock_close(w->sock);
    connect_it(w);
    exchange(w, "after a handshake");
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 1);
    assert_true(w->info.tls.resumed);
    end(w);
    close_world(w);
}

/* ---- a restart ---- */

/* scenario: C2, T2, PIT-24, S17 */
static void test_restart(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    live(w);
    unsigned handshakes = w->traffic.handshakes;
    for (unsigned i = 0; i < 20; i++) {
        if (i % 3 == 0)
            assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
        must_be_restored(w);
        assert_true(w->info.tls.session_stored);
        end(w);
    }
    assert_int_equal(w->traffic.handshakes, handshakes);
    assert_int_equal(w->server.full, 1);
    close_world(w);
}

/* The same object, closed and connected again. */
/* scenario: C2 */
static void test_close_and_connect(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    start(w);
    connect_it(w);
    exchange(w, "first");
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            assert_int_equal(ln_sock_shutdown(w->sock, ln_testkit_now(w->kit)), LN_OK);
        ln_sock_close(w->sock);
        connect_it(w);
        assert_true(w->info.tls.cid_restored);
        exchange(w, "again");
    }
    assert_int_equal(w->server.full + w->server.resumed, 1);
    end(w);
    close_world(w);
}

/* Resumption and Connection ID together: what is negotiated in an abbreviated handshake goes on after a
 * restart as well. */
/* scenario: C2, T2, T2b */
static void test_resumed_and_restored(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    start(w);
    connect_it(w);
    exchange(w, "first");
    kill_it(w); /* a crash: nothing is kept but the session */
    must_shake_hands(w, true);
    assert_true(w->info.tls.cid_in_use);
    end(w);
    must_be_restored(w);
    end(w);
    assert_int_equal(w->server.full, 1);
    assert_int_equal(w->server.resumed, 1);
    close_world(w);
}

/* An abbreviated handshake that nothing came back through is not proven on the server's side: nothing
 * is kept of it but the session. */
/* scenario: C2, T2b, PIT-23 */
static void test_nothing_came_back_yet(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    start(w);
    connect_it(w);
    exchange(w, "first");
    kill_it(w);
    start(w);
    connect_it(w);
    assert_true(w->info.tls.resumed);
    ln_testkit_advance(w->kit, 100);
    end(w); /* for all we know, our Finished was lost */
    must_shake_hands(w, true);
    end(w);
    close_world(w);
}

/* ---- what must not be used ---- */

static struct shelf_slot *find_kind(struct world *w, enum ln_blob_kind kind)
{
    for (size_t i = 0; i < w->shelf.count; i++) {
        struct ln_blob blob;
        struct shelf_slot *slot = &w->shelf.slot[i];
        if (slot->len > 0 && ln__blob_read(ln_span(slot->blob, slot->len), &blob) == LN_OK &&
            blob.kind == kind)
            return slot;
    }
    return NULL;
}

/** After one good life: what lies in the store. */
static struct world *after_one_life(const struct cid_server_options *o)
{
    struct world *w = open_world(o);
    live(w);
    assert_non_null(find_kind(w, LN_BLOB_SESSION));
    assert_non_null(find_kind(w, LN_BLOB_ASSOCIATION));
    assert_non_null(find_kind(w, LN_BLOB_SEAL));
    return w;
}

/* Any byte of what was kept is damaged: a handshake, and nothing is lost. */
/* scenario: C2, T2, H121 */
static void test_damage(void **state)
{
    (void)state;
    static const enum ln_blob_kind kinds[] = { LN_BLOB_ASSOCIATION, LN_BLOB_SEAL };
    static struct shelf whole;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    size_t stride = getenv("LN_TEST_FULL") != NULL ? 1 : 7;
    whole = w->shelf;
    for (size_t k = 0; k < 2; k++) {
        size_t len = find_kind(w, kinds[k])->len;
        for (size_t at = 0; at < len; at += stride) {
            find_kind(w, kinds[k])->blob[at] ^= (uint8_t)(1u << at % 8);
            must_shake_hands(w, true);
            kill_it(w);
            memcpy(w->shelf.slot, whole.slot, sizeof whole.slot);
        }
        find_kind(w, kinds[k])->len /= 2; /* cut */
        must_shake_hands(w, true);
        kill_it(w);
        memcpy(w->shelf.slot, whole.slot, sizeof whole.slot);
    }
    close_world(w);
}

/** Somebody who knows the frame changes a byte of what is in it, and mends the frame's sum. */
static void forge(struct shelf_slot *slot, size_t at, uint8_t with)
{
    static uint8_t payload[LN_SESSION_MAX];
    static uint8_t identity[1024];
    struct ln_blob blob;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    memcpy(payload, blob.payload.data, blob.payload.len);
    memcpy(identity, blob.identity.data, blob.identity.len);
    payload[at] ^= with;
    blob.payload = ln_span(payload, blob.payload.len);
    blob.identity = ln_span(identity, blob.identity.len);
    slot->len = ln__blob_write(&blob, ln_mspan(slot->blob, sizeof slot->blob));
    assert_true(slot->len > 0);
}

/* The MAC finds what the frame's sum does not: the library itself would load most of these. */
/* scenario: C2, T2 */
static void test_forgery(void **state)
{
    (void)state;
    static struct shelf whole;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    struct ln_blob blob;
    struct shelf_slot *slot = find_kind(w, LN_BLOB_ASSOCIATION);
    size_t stride = getenv("LN_TEST_FULL") != NULL ? 1 : 5;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    size_t len = blob.payload.len;
    whole = w->shelf;
    for (size_t at = 0; at < len; at += stride) {
        forge(find_kind(w, LN_BLOB_ASSOCIATION), at, 1);
        must_shake_hands(w, true);
        kill_it(w);
        memcpy(w->shelf.slot, whole.slot, sizeof whole.slot);
    }
    forge(find_kind(w, LN_BLOB_SEAL), 0, 1);
    must_shake_hands(w, true);
    kill_it(w);
    close_world(w);
}

/** HMAC-SHA-256, by another library than the one that is tested. */
static void seal_anew(struct world *w)
{
    struct shelf_slot *slot = find_kind(w, LN_BLOB_ASSOCIATION);
    const struct shelf_slot *seal_slot = find_kind(w, LN_BLOB_SEAL);
    static uint8_t covered[LN_SESSION_MAX];
    static uint8_t payload[LN_SESSION_MAX];
    static uint8_t identity[1024];
    struct ln_blob blob;
    struct ln_blob seal;
    unsigned mac_len = 0;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    assert_int_equal(ln__blob_read(ln_span(seal_slot->blob, seal_slot->len), &seal), LN_OK);
    memcpy(identity, blob.identity.data, blob.identity.len);
    memcpy(payload, blob.payload.data, blob.payload.len);
    memcpy(covered, identity, blob.identity.len);
    memcpy(covered + blob.identity.len, payload + 32, blob.payload.len - 32);
    assert_non_null(HMAC(EVP_sha256(), seal.payload.data, 32, covered,
                         blob.identity.len + blob.payload.len - 32, payload, &mac_len));
    assert_int_equal(mac_len, 32);
    blob.identity.data = identity;
    blob.payload.data = payload;
    slot->len = ln__blob_write(&blob, ln_mspan(slot->blob, sizeof slot->blob));
}

/* An association of another version of the library: a handshake. */
/* scenario: C2, T2, H121 */
static void test_another_version(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    seal_anew(w); /* that alone changes nothing */
    must_be_restored(w);
    end(w);
    for (size_t at = 0; at < 8; at++) { /* the library's own header: version and switches */
        forge(find_kind(w, LN_BLOB_ASSOCIATION), 32 + at, 0x40);
        seal_anew(w);
        must_shake_hands(w, true);
        end(w);
    }
    close_world(w);
}

/* An association is used once. A copy of it that is put back is void. */
/* scenario: C2, T2, PIT-24 */
static void test_a_used_one(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    static struct shelf_slot copy;
    struct shelf_slot *slot = find_kind(w, LN_BLOB_ASSOCIATION);
    copy = *slot;
    must_be_restored(w);
    kill_it(w);
    assert_null(find_kind(w, LN_BLOB_ASSOCIATION));
    assert_null(find_kind(w, LN_BLOB_SEAL));
    *slot = copy;
    must_shake_hands(w, true);
    end(w); /* a new one is kept */
    *slot = copy;
    must_shake_hands(w, true);
    end(w);
    close_world(w);
}

/* A seal that cannot be removed for certain leaves the association alone. */
/* scenario: C2, PIT-24 */
static void test_a_seal_that_stays(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    w->fail_remove = LN_IO;
    must_shake_hands(w, true);
    kill_it(w);
    w->fail_remove = LN_OK;
    must_be_restored(w); /* nobody had used it */
    end(w);
    close_world(w);
}

/* Of two that want it, one gets it. */
static bool steal;
static enum ln_status remove_behind_our_back(void *ctx, const char *key)
{
    struct world *w = ctx;
    if (steal)
        (void)store_remove(ctx, key);
    return store_remove(w, key);
}

/* scenario: C2, PIT-24 */
static void test_somebody_was_faster(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    w->store.remove = remove_behind_our_back;
    steal = true;
    must_shake_hands(w, true);
    steal = false;
    end(w);
    close_world(w);
}

/* Other settings: not used, and not spoilt for those it is for. */
/* scenario: C2, PIT-17 */
static void test_other_settings(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    w->options.psk_key = ln_span("another key.....", 16);
    start(w);
    assert_int_not_equal(try_connect(w), LN_OK);
    assert_false(w->info.tls.cid_restored);
    kill_it(w);
    w->options.psk_key = o.psk_key;
    must_be_restored(w);
    end(w);
    close_world(w);
}

/* A peer of another name or port is another peer. */
/* scenario: C2, PIT-17 */
static void test_another_name(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    start(w);
    assert_int_equal(ln_sock_set_server_name(w->sock, "other.example"), LN_OK);
    connect_it(w);
    assert_false(w->info.tls.cid_restored);
    assert_false(w->info.tls.resumed);
    exchange(w, "as somebody else");
    end(w);
    close_world(w);
}

/* ---- a server that has forgotten us ---- */

/* No answer: what nobody answers to is not kept again, and the next connect is an abbreviated
 * handshake, or a full one. */
/* scenario: C2, T2 */
static void test_the_server_lost_it(void **state)
{
    (void)state;
    for (int tickets = 0; tickets <= 1; tickets++) {
        struct cid_server_options o = with_cid(CID_LEN);
        struct world *w = after_one_life(&o);
        cid_server_forget(&w->server, tickets != 0);
        start(w);
        connect_it(w);
        assert_true(w->info.tls.cid_restored);
        assert_false(ask(w, "is anybody there?"));
        end(w);
        must_shake_hands(w, tickets == 0);
        end(w);
        must_be_restored(w);
        end(w);
        close_world(w);
    }
}

/* Who connects and sends nothing keeps it for the next time. */
/* scenario: C2 */
static void test_nothing_was_asked(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    start(w);
    connect_it(w);
    assert_true(w->info.tls.cid_restored);
    end(w);
    must_be_restored(w);
    end(w);
    close_world(w);
}

/* ---- what is not kept ---- */

/* scenario: C2, S28 */
static void test_forget(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = after_one_life(&o);
    start(w);
    connect_it(w);
    exchange(w, "one");
    ln_sock_forget_session(w->sock);
    end(w);
    assert_null(find_kind(w, LN_BLOB_SESSION));
    assert_null(find_kind(w, LN_BLOB_ASSOCIATION));
    assert_null(find_kind(w, LN_BLOB_SEAL));
    must_shake_hands(w, false);
    end(w);
    must_be_restored(w);
    end(w);
    close_world(w);
}

/* scenario: C2 */
static void test_goodbye_ends_it(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    w->options.close_policy = LN_CLOSE_NOTIFY;
    live(w);
    assert_null(find_kind(w, LN_BLOB_ASSOCIATION));
    must_shake_hands(w, true);
    end(w);
    close_world(w);
}

/* In use without a store: good for a new address, and nothing is kept. No goodbye either: it would end
 * the association that another socket may not need any more, and the server finds out by itself. */
/* scenario: C2 */
static void test_without_a_store(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    w->options.sessions = NULL;
    start(w);
    connect_it(w);
    exchange(w, "before");
    assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
    exchange(w, "after");
    unsigned packets = w->traffic.packets;
    end(w);
    assert_int_equal(w->traffic.packets, packets);
    assert_int_equal(w->shelf.saves, 0);
    close_world(w);
}

/* CBC suites cannot be saved, and the log says so. */
/* scenario: C2, S25 */
static void test_cbc(void **state)
{
    (void)state;
    static const uint16_t suite[] = { 0x00ae }; /* PSK_WITH_AES_128_CBC_SHA256 */
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    w->options.suites = suite;
    w->options.suite_count = 1;
    start(w);
    connect_it(w);
    exchange(w, "one");
    assert_true(w->info.tls.cid_in_use);
    assert_int_equal(w->info.tls.suite, suite[0]);
    w->log[0] = '\0';
    end(w);
    assert_non_null(strstr(w->log, "CBC"));
    assert_null(find_kind(w, LN_BLOB_ASSOCIATION));
    must_shake_hands(w, true);
    end(w);
    close_world(w);
}

/* ---- records ---- */

/* What the socket says fits does fit, with Connection ID and padding. */
/* scenario: C2, S20 */
static void test_sizes(void **state)
{
    (void)state;
    static const uint16_t suites[] = { 0xc0a8, 0xc0a4, 0x00a8, 0xccab, 0x00ae };
    static const struct ln_testkit_link link = { .delay_min_ms = 10,
                                                 .mtu = 576,
                                                 .refuse_too_big = true };
    static const uint8_t data[600];
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        struct cid_server_options o = with_cid(CID_LEN);
        struct world *w = open_world(&o);
        size_t sent = 0;
        w->options.suites = &suites[i];
        w->options.suite_count = 1;
        assert_int_equal(ln_testkit_path(w->kit, w->device_host, w->server_host, &link), LN_OK);
        start(w);
        connect_it(w);
        exchange(w, "one");
        size_t most = w->info.inner_mtu;
        assert_true(most > 400 && most < 576 - 28);
        w->traffic.largest = 0;
        w->server.options.mute = true;
        for (size_t len = most - 40; len <= most; len++)
            assert_int_equal(ln_sock_send(w->sock, ln_span(data, len), &sent), LN_OK);
        assert_true(w->traffic.largest <= 576 - 28);
        assert_int_equal(ln_sock_send(w->sock, ln_span(data, most + 1), &sent), LN_NO_SPACE);
        ln_testkit_advance(w->kit, 100);
        assert_int_equal(w->server.last_len, most);
        w->server.options.mute = false;
        exchange(w, "two");
        end(w);
        close_world(w);
    }
}

/* Records with a Connection ID are not for us, who gave none out; whatever is in them. */
/* scenario: H96, C2 */
static void test_records_with_unknown_ids(void **state)
{
    (void)state;
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    struct ln_addr from;
    struct ln_addr to;
    start(w);
    connect_it(w);
    exchange(w, "before");
    assert_int_equal(ln_addr_parse(SERVER_IP, CID_SERVER_PORT, &from), LN_OK);
    assert_int_equal(ln_addr_parse(NAT_IP, 0, &to), LN_OK);
    to.port = w->server.association[0].peer.port;
    uint64_t dropped = w->info.tls.dropped_records;
    for (size_t len = 0; len <= 254; len += 127) {
        uint8_t record[13 + 254 + 64] = { RECORD_CID, 0xfe, 0xfd, 0, 1 };
        memset(record + 11, 0x5a, len);
        record[11 + len + 1] = 64;
        assert_int_equal(ln_testkit_inject(w->kit, &from, &to, ln_span(record, 13 + len + 64), 0),
                         LN_OK);
        exchange(w, "in spite of it");
    }
    assert_true(w->info.tls.dropped_records >= dropped + 3);
    end(w);
    close_world(w);
}

/** The server's connection_id extension, spoilt on its way. */
static uint8_t bad_length;
static void spoil_server_hello(struct world *w, struct ln_testkit_packet *packet)
{
    static const uint8_t extension[] = { 0, 54, 0, CID_LEN + 1, CID_LEN };
    if (packet->from_host != w->server_host)
        return;
    for (size_t at = 0; at + sizeof extension <= packet->len; at++)
        if (memcmp(packet->data + at, extension, sizeof extension) == 0)
            packet->data[at + 4] = bad_length;
}

/* Lengths that lie: the handshake fails, and nothing else happens. */
/* scenario: H96 */
static void test_lengths_that_lie(void **state)
{
    (void)state;
    static const uint8_t lengths[] = { 0, 1, CID_LEN - 1, CID_LEN + 1, 32, 33, 254, 255 };
    for (size_t i = 0; i < sizeof lengths; i++) {
        struct cid_server_options o = with_cid(CID_LEN);
        struct world *w = open_world(&o);
        bad_length = lengths[i];
        w->touch = spoil_server_hello;
        start(w);
        assert_int_not_equal(try_connect(w), LN_OK);
        assert_false(w->info.tls.cid_in_use);
        w->touch = NULL;
        ln_sock_close(w->sock);
        connect_it(w);
        exchange(w, "and then it works");
        end(w);
        close_world(w);
    }
}

/* ---- the device dies at every step ---- */

/** A life that may end at any time. */
static bool mortal_life(struct world *w)
{
    start(w);
    bool lived = try_connect(w) == LN_OK && ask(w, "one") && ask(w, "two");
    end(w);
    return lived && !w->doom.dead;
}

/** Three lives, of which one ends where `doom` says; then a life without fear. */
static unsigned die_once(const struct doom *doom)
{
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = open_world(&o);
    w->doom = *doom;
    for (int life = 0; life < 3; life++) {
        (void)mortal_life(w);
        if (w->doom.dead)
            w->doom = (struct doom) { .armed = false };
    }
    unsigned steps = w->doom.steps;
    live(w);
    must_be_restored(w);
    end(w);
    if (w->traffic.repeated != 0)
        fail_msg("dead %s step %u: %u record numbers were sent twice",
                 doom->before ? "before" : "after", doom->at, w->traffic.repeated);
    close_world(w);
    return steps;
}

/* Every store operation and every packet sent is a step; death comes before or behind it. */
/* scenario: C2, T2, PIT-24 */
static void test_death_at_every_step(void **state)
{
    (void)state;
    const struct doom none = { .armed = true, .at = UINT32_MAX };
    unsigned steps = die_once(&none);
    assert_true(steps > 12);
    for (unsigned at = 0; at < steps; at++) {
        for (int before = 0; before <= 1; before++) {
            const struct doom doom = { .armed = true, .before = before != 0, .at = at };
            (void)die_once(&doom);
        }
    }
    print_message("%u steps, death before and behind each: no record number twice\n", steps);
}

/* ---- the Nth call fails ---- */

/** A life of which anything may fail. What did is in `diag`. */
static enum ln_status brave_life(struct world *w, struct ln_diag *diag)
{
    enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, diag, &w->config);
    if (st == LN_OK)
        st = ln_sock_new(&w->device, LN_DTLS, NULL, w->config, diag, &w->sock);
    if (st == LN_OK)
        st = ln_sock_set_server_name(w->sock, SERVER_NAME);
    if (st == LN_OK)
        st = try_connect(w);
    if (st == LN_OK && !ask(w, "one"))
        st = ln_sock_diag(w->sock)->status != LN_OK ? ln_sock_diag(w->sock)->status : LN_TIMEOUT;
    if (w->sock != NULL && ln_sock_diag(w->sock)->status != LN_OK)
        *diag = *ln_sock_diag(w->sock);
    end(w);
    return st;
}

static enum ln_testkit_verdict lives_with_a_fault(void *user, struct ln_testkit_trial *trial)
{
    struct cid_server_options o = with_cid(CID_LEN);
    struct world *w = &the_world;
    struct ln_diag diag;
    const enum ln_testkit_point *point = user;
    memset(w, 0, sizeof *w);
    memset(&diag, 0, sizeof diag);
    w->kit = trial->kit;
    w->device_host = trial->device;
    furnish(w, &o);
    struct ln_session_folder folder = { &w->device, "sessions" };
    if (*point == LN_TESTKIT_FILE)
        w->store = ln_session_store_folder(&folder);
    trial->phase = "handshake";
    enum ln_status st = brave_life(w, &diag);
    if (st == LN_OK) {
        trial->phase = "again";
        st = brave_life(w, &diag);
    }
    bool hit = ln_testkit_hits(trial->device, *point) > 0;
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    if (st != LN_OK)
        verdict = ln_testkit_failed(trial, st, &diag);
    else if (hit)
        verdict = LN_TESTKIT_TOLERATED; /* nothing could be kept, or a datagram was sent again */
    if (!hit && w->server.full + w->server.resumed != 1)
        verdict = ln_testkit_broken(trial, "nothing failed, and yet a second handshake");
    if (w->traffic.repeated != 0)
        verdict = ln_testkit_broken(trial, "a record number was sent twice");
    ln_testkit_tap(w->kit, NULL, NULL);
    cid_server_close(&w->server);
    return verdict;
}

/* scenario: C2, PIT-24, S21 */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        enum ln_testkit_point point;
        const char *what;
        bool told; /* else it costs a handshake at most */
    } table[] = {
        { LN_TESTKIT_ALLOC, "allocation", true },
        { LN_TESTKIT_NET, "network call", true },
        { LN_TESTKIT_RANDOM, "random number", true },
        { LN_TESTKIT_FILE, "file operation", false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum ln_testkit_point point = table[i].point;
        struct ln_testkit_sweep settings = {
            .scenario = lives_with_a_fault, .user = &point, .seed = 3, .may_complete = true
        };
        struct ln_testkit_report report;
        if (!ln_testkit_for_each_fault(point, &settings, &report))
            fail_msg("%s %zu%s, %s: %s", table[i].what, report.n, report.sticky ? " and on" : "",
                     report.phase, report.text);
        assert_true(report.whole);
        assert_int_equal(report.failed > 0, table[i].told);
        assert_true(report.failed + report.tolerated > 0);
        print_message("%s: %zu trials, %zu told, %zu tolerated\n", table[i].what, report.trials,
                      report.failed, report.tolerated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_offered),
        cmocka_unit_test(test_a_library_without_it),
        cmocka_unit_test(test_nat_rebind),
        cmocka_unit_test(test_nat_rebind_without),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_close_and_connect),
        cmocka_unit_test(test_resumed_and_restored),
        cmocka_unit_test(test_nothing_came_back_yet),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forgery),
        cmocka_unit_test(test_another_version),
        cmocka_unit_test(test_a_used_one),
        cmocka_unit_test(test_a_seal_that_stays),
        cmocka_unit_test(test_somebody_was_faster),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_another_name),
        cmocka_unit_test(test_the_server_lost_it),
        cmocka_unit_test(test_nothing_was_asked),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_goodbye_ends_it),
        cmocka_unit_test(test_without_a_store),
        cmocka_unit_test(test_cbc),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_records_with_unknown_ids),
        cmocka_unit_test(test_lengths_that_lie),
        cmocka_unit_test(test_death_at_every_step),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
