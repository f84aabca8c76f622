/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cidworld.h"

#include "tls/builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DEVICE_IP "10.0.0.2"
#define KEY "0123456789abcdef"
#define IDENTITY "device-1"

enum { RECORD_HANDSHAKE = 22 };

/* ---- what the device sent ---- */

static uint64_t number_at(const uint8_t *p)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | p[i];
    return number;
}

static void note_record(struct cid_traffic *t, const uint8_t *cid, uint64_t number)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->record[i].number == number && memcmp(t->record[i].cid, cid, CID_LEN) == 0)
            t->repeated++;
    assert_true(t->count < CID_RECORDS_MAX);
    memcpy(t->record[t->count].cid, cid, CID_LEN);
    t->record[t->count++].number = number;
}

static void note_datagram(struct cid_traffic *t, struct ln_span d, bool from_device)
{
    while (d.len >= 13) {
        bool cid = d.data[0] == CID_RECORD;
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

/** False: the device is dead by now, and this does not happen. */
static bool lives_through(struct cid_doom *d)
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
    struct cid_world *w = user;
    bool from_device = packet->from_host == w->device_host;
    if (from_device && !lives_through(&w->doom)) {
        packet->drop = true;
        return;
    }
    w->traffic.packets++;
    if (packet->len > w->traffic.largest)
        w->traffic.largest = packet->len;
    note_datagram(&w->traffic, ln_span(packet->data, packet->len), from_device);
    if (w->touch != NULL)
        w->touch(w, packet);
}

static enum ln_status store_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    struct cid_world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    return w->doom.dead ? LN_IO : s->load(s->ctx, key, room, len);
}

static enum ln_status store_save(void *ctx, const char *key, struct ln_span blob)
{
    struct cid_world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    return lives_through(&w->doom) ? s->save(s->ctx, key, blob) : LN_IO;
}

static enum ln_status store_remove(void *ctx, const char *key)
{
    struct cid_world *w = ctx;
    const struct ln_session_store *s = &w->shelf.store;
    if (w->fail_remove != LN_OK)
        return w->fail_remove;
    return lives_through(&w->doom) ? s->remove(s->ctx, key) : LN_IO;
}

static void note_log(void *ctx, enum ln_level level, const char *module, const char *text)
{
    struct cid_world *w = ctx;
    (void)level;
    (void)module;
    (void)snprintf(w->log, sizeof w->log, "%s", text);
}

static struct cid_world the_world;

static struct cid_world *furnish(struct ln_testkit *kit, struct ln_testkit_host *device,
                                 const struct cid_server_options *server)
{
    static const struct ln_testkit_link link = { .delay_min_ms = 10 };
    struct cid_world *w = &the_world;
    memset(w, 0, sizeof *w);
    w->kit = kit;
    w->device_host = device;
    assert_int_equal(ln_testkit_host_new(kit, "server", CID_SERVER_IP, &w->server_host), LN_OK);
    assert_int_equal(ln_testkit_nat_new(kit, CID_NAT_IP, 0, &w->nat), LN_OK);
    ln_testkit_host_behind(device, w->nat);
    assert_int_equal(ln_testkit_path(kit, device, w->server_host, &link), LN_OK);
    ln_testkit_env(device, &w->device);
    ln_testkit_env(w->server_host, &w->server_env);
    w->device.log.write = note_log;
    w->device.log.ctx = w;
    w->device.log.level = LN_LOG_INFO;
    (void)shelf_init(&w->shelf);
    w->store = (struct ln_session_store) { store_load, store_save, store_remove, w };
    cid_server_open(&w->server, kit, &w->server_env, server);
    ln_testkit_tap(kit, on_packet, w);
    w->options = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
    w->options.backend = &ln__tls_mbedtls;
    w->options.auth = LN_AUTH_PSK;
    w->options.psk_key = server->psk_key;
    w->options.psk_identity = server->psk_identity;
    w->options.sessions = &w->store;
    return w;
}

static struct cid_server_options with_cid(size_t cid_len)
{
    struct cid_server_options o = { .cid_len = cid_len,
                                    .psk_key = ln_span_str(KEY),
                                    .psk_identity = ln_span_str(IDENTITY) };
    return o;
}

struct cid_world *cid_open_in(struct ln_testkit *kit, struct ln_testkit_host *device)
{
    struct cid_server_options o = with_cid(CID_LEN);
    return furnish(kit, device, &o);
}

struct cid_world *cid_open(size_t cid_len)
{
    static const struct ln_testkit_config kit_config = { .seed = 7 };
    struct cid_server_options o = with_cid(cid_len);
    struct ln_testkit *kit = NULL;
    struct ln_testkit_host *device = NULL;
    assert_int_equal(ln_testkit_new(&kit_config, &kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(kit, "device", DEVICE_IP, &device), LN_OK);
    return furnish(kit, device, &o);
}

struct cid_world *cid_after_one_life(void)
{
    struct cid_world *w = cid_open(CID_LEN);
    cid_live(w);
    assert_non_null(cid_find(w, LN_BLOB_SESSION));
    assert_non_null(cid_find(w, LN_BLOB_ASSOCIATION));
    assert_non_null(cid_find(w, LN_BLOB_SEAL));
    return w;
}

/* ---- the device's lives ---- */

void cid_start(struct cid_world *w)
{
    struct ln_diag diag;
    enum ln_status st = ln_tls_config_new(&w->device, LN_DTLS, &w->options, &diag, &w->config);
    if (st != LN_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ln_sock_new(&w->device, LN_DTLS, NULL, w->config, NULL, &w->sock), LN_OK);
    assert_int_equal(ln_sock_set_server_name(w->sock, CID_SERVER_NAME), LN_OK);
}

void cid_end(struct cid_world *w)
{
    ln_sock_free(w->sock);
    ln_tls_config_unref(w->config);
    w->sock = NULL;
    w->config = NULL;
}

void cid_kill(struct cid_world *w)
{
    w->doom.dead = true;
    cid_end(w);
    memset(&w->doom, 0, sizeof w->doom);
}

void cid_close(struct cid_world *w)
{
    struct ln_testkit_memory memory;
    if (w->sock != NULL)
        cid_end(w);
    cid_server_close(&w->server);
    ln_testkit_memory(w->device_host, &memory);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(ln_testkit_open_handles(w->device_host), 0);
    assert_int_equal(w->traffic.repeated, 0);
    ln_testkit_free(w->kit);
}

static bool is_decided(void *user, ln_msec now)
{
    struct cid_world *w = user;
    (void)now;
    ln_sock_info(w->sock, &w->info);
    return w->info.state != LN_SOCK_CONNECTING;
}

enum ln_status cid_try_connect(struct cid_world *w)
{
    struct ln_testkit_pump pump = { &w->sock, 1, is_decided, w, 0, 0 };
    enum ln_status st =
        ln_sock_connect(w->sock, CID_SERVER_IP, CID_SERVER_PORT, ln_testkit_now(w->kit));
    if (st == LN_AGAIN)
        assert_int_equal(ln_testkit_run(w->kit, &pump), LN_OK);
    ln_sock_info(w->sock, &w->info);
    return w->info.state == LN_SOCK_OPEN ? LN_OK : ln_sock_diag(w->sock)->status;
}

void cid_connect(struct cid_world *w)
{
    enum ln_status st = cid_try_connect(w);
    if (st != LN_OK)
        fail_msg("no connection: %s: %s", ln_status_name(st), ln_sock_diag(w->sock)->text);
}

struct waiting {
    struct cid_world *w;
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

bool cid_ask(struct cid_world *w, const char *text)
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

void cid_exchange(struct cid_world *w, const char *text)
{
    if (!cid_ask(w, text))
        fail_msg("\"%s\" was not answered", text);
}

void cid_begin(struct cid_world *w)
{
    cid_start(w);
    cid_connect(w);
    cid_exchange(w, "one");
}

void cid_live(struct cid_world *w)
{
    cid_begin(w);
    cid_exchange(w, "two");
    cid_end(w);
}

void cid_must_be_restored(struct cid_world *w)
{
    unsigned before = w->traffic.packets;
    cid_start(w);
    cid_connect(w);
    if (!w->info.tls.cid_restored)
        fail_msg("a handshake was needed; the log says: %s", w->log);
    assert_true(w->info.tls.resumed);
    assert_true(w->info.tls.cid_in_use);
    assert_int_equal(w->traffic.packets, before);
    cid_exchange(w, "restored");
}

void cid_must_shake_hands(struct cid_world *w, bool resumed)
{
    struct cid_server *s = &w->server;
    unsigned all = s->full + s->resumed;
    unsigned abbreviated = s->resumed;
    cid_start(w);
    cid_connect(w);
    assert_false(w->info.tls.cid_restored);
    cid_exchange(w, "after a handshake");
    assert_int_equal(s->full + s->resumed, all + 1);
    assert_int_equal(s->resumed, abbreviated + (resumed ? 1 : 0));
    assert_int_equal(w->info.tls.resumed, resumed);
}

struct shelf_slot *cid_find(struct cid_world *w, enum ln_blob_kind kind)
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
