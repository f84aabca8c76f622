/* SPDX-License-Identifier: Apache-2.0 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- the server: sending ---- */

static void send_datagram(struct lw_server *s, struct ln_span data)
{
    enum ln_status st = ln_sock_send_to(s->sock, &s->peer, data);
    (void)st; /* what is lost is lost, as on a real network */
}

static void send_writer(struct lw_server *s, struct ln_coap_writer *w)
{
    struct ln_span out;
    assert_int_equal(ln_coap_writer_end(w, &out), LN_OK);
    send_datagram(s, out);
}

static void send_empty(struct lw_server *s, enum ln_coap_type type, uint16_t mid)
{
    uint8_t room[16];
    struct ln_coap_writer w;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), type, 0, mid, NULL);
    send_writer(s, &w);
}

/* An acknowledgement that carries the answer; kept for duplicates. */
static void reply(struct lw_server *s, const struct ln_coap_msg *msg, uint8_t code,
                  const char *one_segment, bool location)
{
    struct ln_coap_writer w;
    struct ln_span out;
    char id[16];
    ln_coap_write_udp(&w, ln_mspan(s->last_reply, sizeof s->last_reply), LN_COAP_ACK, code,
                      msg->mid, &msg->token);
    if (location && one_segment != NULL)
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, one_segment);
    if (location && one_segment == NULL) {
        snprintf(id, sizeof id, "%u", s->registers);
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "rd");
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, id);
    }
    if ((msg->has & LN_COAP_HAS_BLOCK1) != 0)
        ln_coap_put_block(&w, LN_COAP_BLOCK1, msg->block1);
    assert_int_equal(ln_coap_writer_end(&w, &out), LN_OK);
    s->last_mid = msg->mid;
    s->last_reply_len = out.len;
    s->has_last = true;
    send_datagram(s, out);
}

/* ---- the server: registration ---- */

static void join(const struct ln_coap_msg *msg, uint16_t number, char between, char *out,
                 size_t room)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span part;
    size_t len = 0;
    bool first = true;
    while (ln_coap_next_of(&it, number, &part)) {
        if ((!first || between == '/') && len + 1 < room)
            out[len++] = between;
        first = false;
        for (size_t i = 0; i < part.len && len + 1 < room; i++)
            out[len++] = (char)part.data[i];
    }
    out[len] = 0;
}

static struct lw_seen *remember(struct lw_server *s, const struct ln_coap_msg *msg, ln_msec now)
{
    struct lw_seen *seen = &s->seen[s->seen_count++ % LW_SEEN_MAX];
    memset(seen, 0, sizeof *seen);
    seen->at = now;
    seen->code = msg->code;
    join(msg, LN_COAP_URI_PATH, '/', seen->path, sizeof seen->path);
    join(msg, LN_COAP_URI_QUERY, '&', seen->query, sizeof seen->query);
    seen->len = msg->payload.len;
    size_t kept =
        msg->payload.len < sizeof seen->payload ? msg->payload.len : sizeof seen->payload - 1;
    if (kept > 0)
        memcpy(seen->payload, msg->payload.data, kept);
    return seen;
}

static bool uses_up(unsigned *count)
{
    if (*count == 0)
        return false;
    if (*count != UINT32_MAX)
        (*count)--;
    return true;
}

static void on_registration(struct lw_server *s, const struct ln_coap_msg *msg, ln_msec now)
{
    if ((msg->has & LN_COAP_HAS_BLOCK1) != 0 && msg->block1.more) {
        reply(s, msg, LN_COAP_CONTINUE, NULL, false);
        return;
    }
    const struct lw_seen *seen = remember(s, msg, now);
    if (s->script.resets) {
        send_empty(s, LN_COAP_RST, msg->mid);
        return;
    }
    if (msg->code == LN_COAP_DELETE) {
        s->deregisters++;
        reply(s, msg, LN_COAP_DELETED, NULL, false);
        return;
    }
    if (strcmp(seen->path, "/rd") != 0) {
        bool fails = uses_up(&s->script.fail_updates);
        s->updates += !fails;
        reply(s, msg, fails ? s->script.update_code : LN_COAP_CHANGED, NULL, false);
        return;
    }
    bool fails = uses_up(&s->script.fail_registers);
    s->registers += !fails;
    if (!fails)
        memcpy(s->registered_list, seen->payload, sizeof seen->payload);
    reply(s, msg, fails ? s->script.register_code : LN_COAP_CREATED, s->script.location,
          !fails && !s->script.no_location);
}

/* ---- the server: answers and notifications ---- */

static bool is_waited_for(const struct lw_server *s, const struct ln_coap_msg *msg)
{
    return s->waiting && msg->token.len == 8 && memcmp(msg->token.data, &s->token, 8) == 0;
}

static void take_answer(struct lw_server *s, const struct ln_coap_msg *msg)
{
    struct lw_answer *a = &s->answer;
    uint32_t offset = (msg->has & LN_COAP_HAS_BLOCK2) != 0 ? ln_coap_block_offset(msg->block2) : 0;
    a->type = msg->type;
    a->code = msg->code;
    a->observe = (msg->has & LN_COAP_HAS_OBSERVE) != 0;
    a->observe_number = msg->observe;
    a->has_format = (msg->has & LN_COAP_HAS_CONTENT_FORMAT) != 0;
    a->format = msg->content_format;
    memcpy(a->token, msg->token.data, sizeof a->token);
    join(msg, LN_COAP_LOCATION_PATH, '/', a->location, sizeof a->location);
    assert_true(offset + msg->payload.len <= sizeof a->payload);
    if (msg->payload.len > 0)
        memcpy(a->payload + offset, msg->payload.data, msg->payload.len);
    a->len = offset + msg->payload.len;
    a->block2 = msg->block2;
    a->has_block2 = (msg->has & LN_COAP_HAS_BLOCK2) != 0;
    a->block1 = msg->block1;
    a->has_block1 = (msg->has & LN_COAP_HAS_BLOCK1) != 0;
    s->waiting = false;
}

static void take_note(struct lw_server *s, const struct ln_coap_msg *msg, ln_msec now)
{
    struct lw_note *note = &s->notes[s->note_count++ % LW_NOTES_MAX];
    memset(note, 0, sizeof *note);
    note->at = now;
    note->type = msg->type;
    note->code = msg->code;
    note->number = msg->observe;
    memcpy(note->token, msg->token.data, sizeof note->token);
    note->len = msg->payload.len;
    size_t kept =
        msg->payload.len < sizeof note->payload ? msg->payload.len : sizeof note->payload - 1;
    if (kept > 0)
        memcpy(note->payload, msg->payload.data, kept);
}

static void on_response(struct lw_server *s, const struct ln_coap_msg *msg, ln_msec now)
{
    if (is_waited_for(s, msg)) {
        take_answer(s, msg);
        if (msg->type == LN_COAP_CON)
            send_empty(s, LN_COAP_ACK, msg->mid);
        return;
    }
    if (msg->type == LN_COAP_ACK)
        return; /* a late answer, to what was asked anew meanwhile */
    if (s->script.reset_notes) {
        send_empty(s, LN_COAP_RST, msg->mid);
        return;
    }
    bool again = msg->type == LN_COAP_CON && s->has_note && s->note_mid == msg->mid;
    if (!again)
        take_note(s, msg, now);
    if (msg->type != LN_COAP_CON)
        return;
    s->has_note = true;
    s->note_mid = msg->mid;
    if (!s->script.mute_notes)
        send_empty(s, LN_COAP_ACK, msg->mid);
}

static void on_datagram(struct lw_server *s, struct ln_span data, ln_msec now)
{
    struct ln_coap_msg msg;
    assert_int_equal(ln_coap_read_udp(data, &msg), LN_OK);
    s->messages++;
    if (s->script.silent)
        return;
    if (msg.code == 0) {
        if (msg.type == LN_COAP_ACK && s->waiting && msg.mid == s->waiting_mid)
            s->resend_at = LN_NEVER; /* a separate answer follows */
        return;
    }
    if (ln_coap_is_request(msg.code)) {
        if (s->has_last && s->last_mid == msg.mid)
            send_datagram(s, ln_span(s->last_reply, s->last_reply_len));
        else
            on_registration(s, &msg, now);
        return;
    }
    on_response(s, &msg, now);
}

/* Called before time goes on. */
static ln_msec serve(void *user, ln_msec now)
{
    struct lw_server *s = user;
    uint8_t room[1500];
    size_t got = 0;
    while (ln_sock_recv_from(s->sock, ln_mspan(room, sizeof room), &got, &s->peer) == LN_OK)
        on_datagram(s, ln_span(room, got), now);
    if (s->waiting && s->resend_at <= now && s->resends < 4) {
        s->resends++;
        s->resend_at = now + (INT64_C(3000) << s->resends);
        send_datagram(s, ln_span(s->request, s->request_len));
    }
    return s->waiting ? s->resend_at : LN_NEVER;
}

/* ---- the world ---- */

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    struct lw_world *w = user;
    (void)client;
    w->events[w->event_count % 256] = *event;
    w->events[w->event_count % 256].diag = NULL;
    w->event_count++;
}

static void open_host(struct lw_world *w)
{
    assert_int_equal(
        ln_testkit_host_new(w->kit, "server", "192.0.2.1 2001:db8::1", &w->server_host), LN_OK);
}

static void open_server(struct lw_world *w, struct lw_server *s, uint16_t port)
{
    struct ln_sock_options options = { .reuse_addr = true };
    struct ln_addr local;
    ln_testkit_env(w->server_host, &s->env);
    assert_int_equal(ln_sock_new(&s->env, LN_UDP, &options, NULL, NULL, &s->sock), LN_OK);
    assert_int_equal(ln_addr_parse("192.0.2.1", port, &local), LN_OK);
    assert_int_equal(ln_sock_bind(s->sock, &local), LN_OK);
    s->mid = 0x4000;
    s->resend_at = LN_NEVER;
    assert_int_equal(ln_testkit_serve(w->kit, serve, s), LN_OK);
}

static enum ln_status add_account(struct lw_world *w, const char *uri, uint16_t ssid,
                                  uint32_t lifetime_s)
{
    struct ln_account account = LN_ACCOUNT_INIT;
    account.uri = uri;
    account.ssid = ssid;
    account.lifetime_s = lifetime_s != 0 ? lifetime_s : 3600;
    return ln_client_add_account(w->client, &account, NULL);
}

static enum ln_status add_objects(struct lw_world *w)
{
    ln_device_init(&w->device);
    w->device.manufacturer = "Linnet";
    w->device.model = "model";
    w->device.serial = "345000123";
    w->device.firmware = "1.0";
    w->device.present |= UINT32_MAX;
    w->device.battery_level = 100;
    w->device.memory_free = 15;
    enum ln_status st = ln_device_add(w->client, &w->device);
    if (st == LN_OK)
        st = ln_time_add(w->client, &w->time);
    if (st == LN_OK)
        st = ln_test_objects_add(w->client);
    return st;
}

enum ln_status lw_open(struct lw_world *w, const struct lw_options *options, const char **what)
{
    struct ln_client_config config = options->config;
    memset(w, 0, sizeof *w);
    w->own_kit = options->trial == NULL;
    if (w->own_kit) {
        struct ln_testkit_config kit = { .seed = options->seed };
        assert_int_equal(ln_testkit_new(&kit, &w->kit), LN_OK);
        assert_int_equal(ln_testkit_host_new(w->kit, "device", "192.0.2.10", &w->device_host),
                         LN_OK);
    } else {
        w->kit = options->trial->kit;
        w->device_host = options->trial->device;
    }
    open_host(w);
    open_server(w, &w->server, 5683);
    if (options->two_servers)
        open_server(w, &w->other, 5693);
    assert_int_equal(ln_testkit_path(w->kit, w->device_host, w->server_host, &options->link),
                     LN_OK);
    ln_testkit_env(w->device_host, &w->env);
    config.env = &w->env;
    config.endpoint = "device-1";
    config.on_event = on_event;
    config.user = w;
    *what = "client";
    enum ln_status st = ln_client_new(&config, NULL, &w->client);
    *what = "objects";
    if (st == LN_OK)
        st = ln_core_objects_add(w->client);
    if (st == LN_OK && !options->without_objects)
        st = add_objects(w);
    *what = "account";
    if (st == LN_OK)
        st = add_account(w, "coap://192.0.2.1", 1, options->lifetime_s);
    if (st == LN_OK && options->two_accounts)
        st = add_account(w, "coap://192.0.2.2", 2, options->lifetime_s);
    if (st == LN_OK && options->two_servers)
        st = add_account(
            w, options->second_uri != NULL ? options->second_uri : "coap://192.0.2.1:5693", 2,
            options->lifetime_s);
    if (st == LN_OK && options->prepare != NULL)
        options->prepare(w);
    return st;
}

void lw_close(struct lw_world *w)
{
    ln_client_free(w->client);
    w->client = NULL;
    ln_testkit_serve_stop(w->kit, &w->server);
    ln_sock_free(w->server.sock);
    ln_testkit_serve_stop(w->kit, &w->other);
    ln_sock_free(w->other.sock);
    if (!w->own_kit)
        return;
    struct ln_testkit_memory memory;
    ln_testkit_memory(w->device_host, &memory);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(ln_testkit_open_handles(w->device_host), 0);
    ln_testkit_free(w->kit);
}

void lw_swap(struct lw_world *w)
{
    static struct lw_server old;
    old = w->server;
    w->server = w->other;
    w->other = old;
}

ln_msec lw_now(const struct lw_world *w)
{
    return ln_testkit_now(w->kit);
}

enum ln_status lw_start(struct lw_world *w)
{
    return ln_client_start(w->client, lw_now(w), NULL);
}

/* What the server hears does not wake the device: look at it again after so long. */
static ln_msec slice(const struct lw_world *w, bool (*until)(const struct lw_world *w), int64_t ms)
{
    if (until == NULL)
        return LN_NEVER;
    return lw_now(w) + (w->server.waiting ? 10 : ms <= 600000 ? 100 : 1000);
}

bool lw_run(struct lw_world *w, bool (*until)(const struct lw_world *w), int64_t ms)
{
    ln_msec deadline = lw_now(w) + ms;
    struct ln_interest want;
    unsigned idle = 0;
    for (;;) {
        ln_msec now = lw_now(w);
        enum ln_status st = ln_client_step(w->client, now, &want);
        if (until != NULL && until(w))
            return true;
        if (now >= deadline || (st == LN_CLOSED && until == NULL))
            return until == NULL;
        if (want.ready && ++idle > 1000)
            fail_msg("the client has work to do without end");
        idle = want.ready ? idle : 0;
        ln_interest_until(&want, deadline);
        ln_interest_until(&want, slice(w, until, ms));
        st = w->env.net.ops->wait(w->env.net.ctx, &want, deadline);
        if (st != LN_OK)
            return false;
        if (until != NULL && until(w))
            return true;
    }
}

bool lw_is_registered_at(const struct lw_world *w, uint16_t ssid)
{
    struct ln_server_info info;
    return ln_client_server_info(w->client, ssid, &info) == LN_OK && info.registered;
}

bool lw_is_registered(const struct lw_world *w)
{
    return lw_is_registered_at(w, 1);
}

bool lw_register(struct lw_world *w)
{
    bool ok = lw_start(w) == LN_OK && lw_run(w, lw_is_registered, 600000);
    if (!ok)
        print_message("%s", ln_testkit_log(w->device_host));
    return ok;
}

bool lw_stop(struct lw_world *w, int64_t ms)
{
    ln_msec deadline = lw_now(w) + ms;
    struct ln_interest want;
    ln_client_stop(w->client, lw_now(w));
    while (ln_client_step(w->client, lw_now(w), &want) != LN_CLOSED) {
        if (lw_now(w) >= deadline)
            return false;
        if (w->env.net.ops->wait(w->env.net.ctx, &want, deadline) != LN_OK)
            return false;
    }
    return true;
}

/* ---- asking the device ---- */

static bool answered(const struct lw_world *w)
{
    return !w->server.waiting;
}

static void put_path(struct ln_coap_writer *w, const char *path)
{
    while (*path == '/') {
        const char *part = path + 1;
        const char *end = strchr(part, '/');
        size_t len = end != NULL ? (size_t)(end - part) : strlen(part);
        ln_coap_put(w, LN_COAP_URI_PATH, ln_span(part, len));
        path = part + len;
    }
}

static void put_queries(struct ln_coap_writer *w, const char *query)
{
    while (query != NULL && *query != 0) {
        const char *end = strchr(query, '&');
        size_t len = end != NULL ? (size_t)(end - query) : strlen(query);
        ln_coap_put(w, LN_COAP_URI_QUERY, ln_span(query, len));
        query = end != NULL ? end + 1 : NULL;
    }
}

static bool exchange(struct lw_world *w, const struct lw_request *rq, int block2, int block1,
                     struct ln_span payload)
{
    struct lw_server *s = &w->server;
    struct ln_coap_writer out;
    struct ln_span datagram;
    struct ln_coap_token token = { .len = 8 };
    s->token++;
    memcpy(token.data, &s->token, 8);
    ln_coap_write_udp(&out, ln_mspan(s->request, sizeof s->request), LN_COAP_CON, rq->code,
                      ++s->mid, &token);
    put_path(&out, rq->path);
    put_queries(&out, rq->query);
    if (rq->observe >= 0 && block2 <= 0)
        ln_coap_put_uint(&out, LN_COAP_OBSERVE, (uint32_t)rq->observe);
    if (rq->accept >= 0)
        ln_coap_put_uint(&out, LN_COAP_ACCEPT, (uint32_t)rq->accept);
    if (rq->format >= 0)
        ln_coap_put_uint(&out, LN_COAP_CONTENT_FORMAT, (uint32_t)rq->format);
    if (block2 >= 0)
        ln_coap_put_block(
            &out, LN_COAP_BLOCK2,
            (struct ln_coap_block) { .num = (uint32_t)block2, .szx = (uint8_t)rq->block2_szx });
    if (block1 >= 0) {
        size_t size = ln_coap_block_size((uint8_t)rq->block1_szx);
        bool more = (size_t)(block1 + 1) * size < rq->len;
        ln_coap_put_block(&out, LN_COAP_BLOCK1,
                          (struct ln_coap_block) { .num = (uint32_t)block1,
                                                   .more = more,
                                                   .szx = (uint8_t)rq->block1_szx });
    }
    if (rq->size1 != 0)
        ln_coap_put_uint(&out, LN_COAP_SIZE1, rq->size1);
    ln_coap_put_payload(&out, payload);
    assert_int_equal(ln_coap_writer_end(&out, &datagram), LN_OK);
    memmove(s->request, datagram.data, datagram.len);
    s->request_len = datagram.len;
    s->waiting_mid = s->mid;
    s->waiting = true;
    s->resends = 0;
    s->resend_at = lw_now(w) + 3000;
    send_datagram(s, ln_span(s->request, s->request_len));
    /* a service that waited for nothing is asked anew: if this is lost, nothing else may happen */
    ln_testkit_serve_stop(w->kit, s);
    assert_int_equal(ln_testkit_serve(w->kit, serve, s), LN_OK);
    if (lw_run(w, answered, 120000))
        return true;
    s->waiting = false;
    s->answer.code = 0;
    return false;
}

static bool ask_in_blocks(struct lw_world *w, const struct lw_request *rq)
{
    size_t size = ln_coap_block_size((uint8_t)rq->block1_szx);
    size_t num = rq->block1_from;
    for (size_t at = num * size; at == 0 || at < rq->len; at += size, num++) {
        size_t len = rq->len - at < size ? rq->len - at : size;
        const uint8_t *piece = (const uint8_t *)rq->payload + at;
        if (!exchange(w, rq, -1, (int)num, ln_span(piece, len)))
            return false;
        if (at + size < rq->len && w->server.answer.code != LN_COAP_CONTINUE)
            return true; /* refused on the way */
        if (num + 1 == rq->block1_stop)
            return true;
    }
    return true;
}

bool lw_ask(struct lw_world *w, const struct lw_request *rq)
{
    struct lw_answer *a = &w->server.answer;
    memset(a, 0, sizeof *a);
    if (rq->block1_szx >= 0)
        return ask_in_blocks(w, rq);
    struct ln_span payload = ln_span(rq->payload, rq->len);
    if (!exchange(w, rq, rq->block2_szx >= 0 ? 0 : -1, -1, payload))
        return false;
    struct lw_request next = *rq;
    while (a->has_block2 && a->block2.more && a->code == LN_COAP_CONTENT) {
        next.block2_szx = a->block2.szx;
        if (!exchange(w, &next, (int)a->block2.num + 1, -1, ln_span(NULL, 0)))
            return false;
    }
    return true;
}

uint8_t lw_get(struct lw_world *w, const char *path, int accept)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = path };
    rq.accept = accept;
    return lw_ask(w, &rq) ? w->server.answer.code : 0;
}

uint8_t lw_put(struct lw_world *w, const char *path, int format, const void *payload, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = path };
    rq.format = format;
    rq.payload = payload;
    rq.len = len;
    return lw_ask(w, &rq) ? w->server.answer.code : 0;
}

uint8_t lw_observe(struct lw_world *w, const char *path)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = path };
    rq.observe = 0;
    return lw_ask(w, &rq) ? w->server.answer.code : 0;
}

const char *lw_read(struct lw_world *w, const char *path)
{
    assert_int_equal(lw_get(w, path, -1), LN_COAP_CONTENT);
    w->server.answer.payload[w->server.answer.len] = 0;
    return (const char *)w->server.answer.payload;
}

/* ---- what was told ---- */

size_t lw_count(const struct lw_world *w, enum ln_client_event_kind kind)
{
    size_t count = 0;
    for (size_t i = w->event_count > 256 ? w->event_count - 256 : 0; i < w->event_count; i++)
        count += w->events[i % 256].kind == kind;
    return count;
}

size_t lw_count_notes(const struct lw_world *w, enum ln_note_event event)
{
    size_t count = 0;
    for (size_t i = w->event_count > 256 ? w->event_count - 256 : 0; i < w->event_count; i++)
        count += w->events[i % 256].kind == LN_CLIENT_NOTIFICATION &&
                 w->events[i % 256].note.event == event;
    return count;
}

const struct lw_seen *lw_last_seen(const struct lw_world *w)
{
    static const struct lw_seen none;
    const struct lw_server *s = &w->server;
    return s->seen_count > 0 ? &s->seen[(s->seen_count - 1) % LW_SEEN_MAX] : &none;
}
