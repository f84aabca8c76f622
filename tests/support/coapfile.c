/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: coapfile.h.
 */
#include "support/coapfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MESSAGE_ROOM = 2048 };

static bool is_stream(const struct coap_server *s)
{
    return s->kind == LN_TCP || s->kind == LN_TLS;
}

/* ---- files ---- */

void coap_serve_file(const struct coap_file *file, const struct coap_ask *ask, struct coap_say *say)
{
    uint8_t most = file->szx != 0 ? file->szx : 6;
    uint8_t szx = ask->szx < most ? ask->szx : most;
    size_t size = ln_coap_block_size(szx);
    size_t all = file->content.len;
    if (ask->at > 0 && ask->at >= all) {
        say->code = LN_COAP_BAD_REQUEST;
        return;
    }
    size_t len = all - ask->at < size ? all - ask->at : size;
    say->code = LN_COAP_CONTENT;
    say->payload = ln_span(file->content.data + ask->at, len);
    say->has_etag = file->etag.len > 0;
    say->etag = file->etag;
    say->has_block = ask->has_block || all > size;
    say->block = (struct ln_coap_block) { .num = ask->at >> (szx + 4u),
                                          .more = ask->at + len < all,
                                          .szx = szx };
    say->has_size = ask->asks_size && !file->no_size;
    say->size = (uint32_t)all;
}

/* ---- requests ---- */

static void join(const struct ln_coap_msg *msg, uint16_t number, const char *between, char *out,
                 size_t room)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span part;
    size_t len = 0;
    out[0] = '\0';
    while (ln_coap_next_of(&it, number, &part)) {
        bool first = len == 0 && between[0] != '/';
        int made = snprintf(out + len, room - len, "%s%.*s", first ? "" : between, (int)part.len,
                            (const char *)part.data);
        assert_true(made >= 0 && (size_t)made < room - len);
        len += (size_t)made;
    }
}

static void read_ask(struct coap_server *s, const struct ln_coap_msg *msg, unsigned connection,
                     struct coap_ask *ask)
{
    memset(ask, 0, sizeof *ask);
    ask->number = ++s->requests;
    ask->connection = connection;
    ask->code = msg->code;
    join(msg, LN_COAP_URI_PATH, "/", ask->path, sizeof ask->path);
    join(msg, LN_COAP_URI_QUERY, "&", ask->query, sizeof ask->query);
    join(msg, LN_COAP_URI_HOST, "", ask->host, sizeof ask->host);
    ask->szx = 6;
    ask->has_block = (msg->has & LN_COAP_HAS_BLOCK2) != 0;
    ask->asks_size = (msg->has & LN_COAP_HAS_SIZE2) != 0;
    if (ask->has_block) {
        assert_true(msg->block2.szx <= 6);
        ask->szx = msg->block2.szx;
        ask->at = ln_coap_block_offset(msg->block2);
    }
    if (s->requests <= sizeof s->asked_at / sizeof s->asked_at[0])
        s->asked_at[s->requests - 1] = ln_testkit_now(s->kit);
}

static void put_answer(struct ln_coap_writer *w, const struct coap_say *say)
{
    ln_coap_set_code(w, say->code);
    if (say->has_etag)
        ln_coap_put(w, LN_COAP_ETAG, say->etag);
    if (say->has_max_age)
        ln_coap_put_uint(w, LN_COAP_MAX_AGE, say->max_age);
    if (say->has_block)
        ln_coap_put_block(w, LN_COAP_BLOCK2, say->block);
    if (say->has_size)
        ln_coap_put_uint(w, LN_COAP_SIZE2, say->size);
    if (say->more_option != 0)
        ln_coap_put(w, say->more_option, ln_span_str("x"));
    ln_coap_put_payload(w, say->payload);
}

/* ---- datagrams ---- */

static void send_datagram(struct coap_server *s, struct coap_connection *c,
                          struct ln_coap_writer *w)
{
    struct ln_span out;
    size_t sent = 0;
    assert_int_equal(ln_coap_writer_end(w, &out), LN_OK);
    if (c != NULL)
        (void)!ln_sock_send(c->sock, out, &sent);
    else
        (void)!ln_sock_send_to(s->listener, &s->peer, out);
}

static void on_datagram(struct coap_server *s, struct coap_connection *c, struct ln_span bytes)
{
    static const struct ln_coap_token none;
    uint8_t room[MESSAGE_ROOM];
    struct ln_coap_msg msg;
    struct ln_coap_writer w;
    struct coap_ask ask;
    struct coap_say say = { .code = 0 };
    if (ln_coap_read_udp(bytes, &msg) != LN_OK || !ln_coap_is_request(msg.code))
        return; /* an ACK of a separate answer, a Reset of one that came late */
    read_ask(s, &msg, c != NULL ? c->number : s->connections, &ask);
    s->respond(s->user, &ask, &say);
    struct ln_mspan to = ln_mspan(room, sizeof room);
    if (say.silent)
        return;
    if (say.reset || say.separate) {
        ln_coap_write_udp(&w, to, say.reset ? LN_COAP_RST : LN_COAP_ACK, 0, msg.mid, &none);
        send_datagram(s, c, &w);
    }
    if (say.reset)
        return;
    uint16_t mid = say.separate ? ++s->mid : msg.mid;
    ln_coap_write_udp(&w, to, say.separate ? LN_COAP_CON : LN_COAP_ACK, say.code, mid, &msg.token);
    put_answer(&w, &say);
    send_datagram(s, c, &w);
    if (say.code == LN_COAP_CONTENT)
        s->body_sent += say.payload.len;
}

static void hear_datagrams(struct coap_server *s)
{
    uint8_t room[MESSAGE_ROOM];
    struct ln_addr from;
    size_t got = 0;
    while (ln_sock_recv_from(s->listener, ln_mspan(room, sizeof room), &got, &from) == LN_OK) {
        if (s->connections == 0 || from.port != s->peer.port)
            s->connections++;
        s->peer = from;
        on_datagram(s, NULL, ln_span(room, got));
    }
}

/* ---- streams ---- */

static void drop(struct coap_connection *c)
{
    ln_sock_free(c->sock);
    c->sock = NULL;
}

static void queue(struct coap_connection *c, struct ln_coap_writer *w)
{
    struct ln_span out;
    assert_int_equal(ln_coap_writer_end(w, &out), LN_OK);
    assert_true(out.len <= sizeof c->out - c->out_len);
    memcpy(c->out + c->out_len, out.data, out.len);
    c->out_len += out.len;
}

static void greet(struct coap_connection *c)
{
    static const struct ln_coap_token none;
    uint8_t room[MESSAGE_ROOM];
    struct ln_coap_writer w;
    ln_coap_write_tcp(&w, ln_mspan(room, sizeof room), LN_COAP_CSM, &none);
    ln_coap_put_uint(&w, LN_COAP_CSM_MAX_MESSAGE_SIZE, 1152);
    ln_coap_put(&w, LN_COAP_CSM_BLOCK_WISE, ln_span(NULL, 0));
    queue(c, &w);
}

static void on_message(struct coap_server *s, struct coap_connection *c, struct ln_span bytes)
{
    uint8_t room[MESSAGE_ROOM];
    struct ln_coap_msg msg;
    struct ln_coap_writer w;
    struct coap_ask ask;
    struct coap_say say = { .code = 0 };
    assert_int_equal(ln_coap_read_tcp(bytes, &msg), LN_OK);
    if (!ln_coap_is_request(msg.code))
        return;
    read_ask(s, &msg, c->number, &ask);
    s->respond(s->user, &ask, &say);
    if (say.silent)
        return;
    if (say.reset) {
        drop(c);
        return;
    }
    ln_coap_write_tcp(&w, ln_mspan(room, sizeof room), say.code, &msg.token);
    put_answer(&w, &say);
    queue(c, &w);
    if (say.code == LN_COAP_CONTENT)
        s->body_sent += say.payload.len;
}

static void read_messages(struct coap_server *s, struct coap_connection *c)
{
    for (;;) {
        uint64_t len = 0;
        if (ln_coap_frame_tcp(ln_span(c->in, c->in_len), &len) != LN_OK || len > c->in_len)
            return;
        on_message(s, c, ln_span(c->in, (size_t)len));
        if (c->sock == NULL)
            return;
        c->in_len -= (size_t)len;
        memmove(c->in, c->in + len, c->in_len);
    }
}

static void flush(struct coap_connection *c)
{
    size_t sent = 0;
    while (c->out_len > 0 && ln_sock_send(c->sock, ln_span(c->out, c->out_len), &sent) == LN_OK) {
        c->out_len -= sent;
        memmove(c->out, c->out + sent, c->out_len);
    }
}

/* ---- connections ---- */

static void accept_all(struct coap_server *s, ln_msec now)
{
    for (;;) {
        struct ln_sock *sock = NULL;
        if (ln_sock_accept(s->listener, now, &sock) != LN_OK)
            return;
        struct coap_connection *c = s->connection;
        while (c < s->connection + COAPFILE_CONNECTIONS && c->sock != NULL)
            c++;
        assert_true(c < s->connection + COAPFILE_CONNECTIONS);
        *c = (struct coap_connection) { .sock = sock, .number = ++s->connections };
        if (is_stream(s))
            greet(c);
    }
}

static void hear(struct coap_server *s, struct coap_connection *c)
{
    uint8_t room[MESSAGE_ROOM];
    for (;;) {
        struct ln_mspan to = is_stream(s) ? ln_mspan(c->in + c->in_len, sizeof c->in - c->in_len)
                                          : ln_mspan(room, sizeof room);
        size_t got = 0;
        enum ln_status st = ln_sock_recv(c->sock, to, &got);
        if (st == LN_AGAIN)
            return;
        if (st != LN_OK || (got == 0 && is_stream(s))) {
            drop(c);
            return;
        }
        c->in_len += is_stream(s) ? got : 0;
        if (is_stream(s))
            read_messages(s, c);
        else
            on_datagram(s, c, ln_span(room, got));
        if (c->sock == NULL)
            return;
    }
}

static void serve_one(struct coap_server *s, struct coap_connection *c, ln_msec now)
{
    enum ln_status st = ln_sock_step(c->sock, now);
    if (st == LN_AGAIN)
        return;
    if (st == LN_OK)
        hear(s, c);
    else
        drop(c);
    if (c->sock != NULL)
        flush(c);
}

static ln_msec serve(void *user, ln_msec now)
{
    struct coap_server *s = user;
    ln_msec next = LN_NEVER;
    (void)!ln_sock_step(s->listener, now);
    if (s->kind == LN_UDP) {
        hear_datagrams(s);
        return LN_NEVER;
    }
    accept_all(s, now);
    for (size_t i = 0; i < COAPFILE_CONNECTIONS; i++) {
        struct coap_connection *c = &s->connection[i];
        struct ln_interest want;
        if (c->sock == NULL)
            continue;
        serve_one(s, c, now);
        if (c->sock == NULL)
            continue;
        ln_sock_interest(c->sock, LN_WANT_READ, &want);
        ln_msec at = want.ready ? now : want.deadline;
        next = at < next ? at : next;
    }
    return next;
}

void coap_server_open(struct coap_server *s, struct ln_testkit *kit,
                      const struct ln_testkit_host *host, const struct ln_env *env,
                      enum ln_sock_kind kind, uint16_t port, struct ln_tls_config *tls,
                      coap_respond *respond, void *user)
{
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    const struct ln_addr local = { .port = port };
    struct ln_diag diag;
    memset(s, 0, sizeof *s);
    ln_diag_clear(&diag);
    s->kit = kit;
    s->host = host;
    s->kind = kind;
    s->respond = respond;
    s->user = user;
    options.reuse_addr = true;
    if (ln_sock_new(env, kind, &options, tls, &diag, &s->listener) != LN_OK ||
        ln_sock_bind(s->listener, &local) != LN_OK || ln_testkit_serve(kit, serve, s) != LN_OK)
        fail_msg("CoAP server: %s", diag.text);
}

void coap_server_close(struct coap_server *s)
{
    ln_testkit_serve_stop(s->kit, s);
    for (size_t i = 0; i < COAPFILE_CONNECTIONS; i++)
        drop(&s->connection[i]);
    ln_sock_free(s->listener);
    s->listener = NULL;
}
