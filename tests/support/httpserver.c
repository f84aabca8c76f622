/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: httpserver.h.
 */
#include "support/httpserver.h"

#include <linnet/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void http_psk(struct ln_tls_options *options)
{
    options->auth = LN_AUTH_PSK;
    options->psk_identity = ln_span_str("device-1");
    options->psk_key = ln_span_str("0123456789abcdef");
}

/* ---- answers ---- */

static void say(struct http_answer *answer, const char *format, va_list args) LN_PRINTF(2, 0);

static void say(struct http_answer *answer, const char *format, va_list args)
{
    size_t left = sizeof answer->head - answer->head_len;
    int made = vsnprintf(answer->head + answer->head_len, left, format, args);
    assert_true(made >= 0 && (size_t)made < left);
    answer->head_len += (size_t)made;
}

void http_say(struct http_answer *answer, const char *format, ...)
{
    va_list args;
    answer->head_len = 0;
    va_start(args, format);
    say(answer, format, args);
    va_end(args);
}

void http_say_more(struct http_answer *answer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(answer, format, args);
    va_end(args);
}

static void say_validators(const struct http_file *file, struct http_answer *answer)
{
    if (file->etag != NULL)
        http_say_more(answer, "ETag: %s\r\n", file->etag);
    if (file->last_modified != NULL)
        http_say_more(answer, "Last-Modified: %s\r\n", file->last_modified);
    if (file->date != NULL)
        http_say_more(answer, "Date: %s\r\n", file->date);
}

/* Whether the part that is asked for may be sent (RFC 9110 13.1.5). */
static bool still_holds(const struct http_file *file, const char *if_range)
{
    if (if_range[0] == '\0')
        return true;
    if (if_range[0] == '"')
        return file->etag != NULL && strcmp(file->etag, if_range) == 0;
    return file->last_modified != NULL && strcmp(file->last_modified, if_range) == 0;
}

static void say_framing(const struct http_file *file, struct http_answer *answer, size_t len)
{
    if (file->until_close)
        answer->end = HTTP_CLOSE;
    else if (!file->chunked)
        http_say_more(answer, "Content-Length: %zu\r\n", len);
    else
        http_say_more(answer, "Transfer-Encoding: chunked\r\n");
    http_say_more(answer, "\r\n");
}

/* In one chunk. */
static void add_body(const struct http_file *file, struct http_answer *answer, struct ln_span body)
{
    if (file->chunked && body.len > 0)
        http_say_more(answer, "%zx\r\n", body.len);
    if (file->chunked)
        answer->tail = body.len > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
    answer->body = body;
}

void http_serve_file(const struct http_file *file, const struct http_ask *ask,
                     struct http_answer *answer)
{
    size_t size = file->content.len;
    bool part = ask->ranged && !file->no_ranges && still_holds(file, ask->if_range);
    if (part && ask->from >= size) {
        http_say(answer, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%zu\r\n",
                 size);
        say_validators(file, answer);
        http_say_more(answer, "Content-Length: 0\r\n\r\n");
        return;
    }
    size_t from = part ? (size_t)ask->from : 0;
    http_say(answer, part ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n");
    if (part)
        http_say_more(answer, "Content-Range: bytes %zu-%zu/%zu\r\n", from, size - 1, size);
    say_validators(file, answer);
    say_framing(file, answer, size - from);
    if (strcmp(ask->method, "HEAD") != 0)
        add_body(file, answer, ln_span(file->content.data + from, size - from));
}

/* ---- requests ---- */

static void copy_field(const char *text, const char *name, char *out, size_t room)
{
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
    const char *at = strstr(text, wanted);
    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(wanted);
    size_t len = strcspn(at, "\r");
    assert_true(len < room);
    memcpy(out, at, len);
    out[len] = '\0';
}

static void read_ask(struct http_server *s, const struct http_connection *c, struct http_ask *ask)
{
    char range[64];
    memset(ask, 0, sizeof *ask);
    ask->number = ++s->requests;
    ask->connection = c->number;
    ask->secure = s->secure;
    ask->text = c->ask;
    assert_int_equal(sscanf(c->ask, "%7s %511s HTTP/1.1", ask->method, ask->target), 2);
    copy_field(c->ask, "Host", ask->host, sizeof ask->host);
    copy_field(c->ask, "If-Range", ask->if_range, sizeof ask->if_range);
    copy_field(c->ask, "Authorization", ask->authorization, sizeof ask->authorization);
    copy_field(c->ask, "Range", range, sizeof range);
    if (range[0] != '\0') {
        unsigned long long from = 0;
        ask->ranged = true;
        assert_int_equal(sscanf(range, "bytes=%llu-", &from), 1);
        ask->from = from;
    }
    if (s->requests <= sizeof s->asked_at / sizeof s->asked_at[0])
        s->asked_at[s->requests - 1] = ln_testkit_now(s->kit);
}

/* ---- connections ---- */

static void drop(struct http_connection *c)
{
    ln_sock_free(c->sock);
    c->sock = NULL;
}

static void accept_all(struct http_server *s, ln_msec now)
{
    for (;;) {
        struct ln_sock *sock = NULL;
        if (ln_sock_accept(s->listener, now, &sock) != LN_OK)
            return;
        struct http_connection *c = s->connection;
        while (c < s->connection + HTTP_CONNECTIONS && c->sock != NULL)
            c++;
        assert_true(c < s->connection + HTTP_CONNECTIONS);
        memset(c, 0, offsetof(struct http_connection, answer));
        c->sock = sock;
        c->number = ++s->connections;
        c->sent = 0;
    }
}

/* The request's head, when it is there. */
static bool hear(struct http_server *s, struct http_connection *c, ln_msec now)
{
    size_t got = 0;
    enum ln_status st = LN_OK;
    while (strstr(c->ask, "\r\n\r\n") == NULL) {
        size_t room = sizeof c->ask - 1 - c->ask_len;
        assert_true(room > 0);
        st = ln_sock_recv(c->sock, ln_mspan(c->ask + c->ask_len, room), &got);
        if (st == LN_AGAIN)
            return false;
        if (st != LN_OK || got == 0) {
            drop(c);
            return false;
        }
        c->ask_len += got;
        c->ask[c->ask_len] = '\0';
    }
    struct http_ask ask;
    memset(&c->answer, 0, offsetof(struct http_answer, head));
    c->answer.head_len = 0;
    c->answer.body = ln_span(NULL, 0);
    c->answer.tail = NULL;
    c->answer.limit = SIZE_MAX;
    c->answer.end = HTTP_STAY;
    c->answer.delay_ms = c->answer.piece_ms = 0;
    c->answer.piece = 0;
    read_ask(s, c, &ask);
    s->respond(s->user, &ask, &c->answer);
    c->answering = true;
    c->sent = 0;
    c->not_before = now + c->answer.delay_ms;
    return true;
}

/* The bytes of the answer from `at` on, as far as they lie together. */
static struct ln_span answer_at(const struct http_answer *a, size_t at)
{
    struct ln_span parts[] = { ln_span(a->head, a->head_len), a->body, ln_span_str(a->tail) };
    size_t start = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && at < a->limit; i++) {
        if (at < start + parts[i].len) {
            struct ln_span part = ln_span(parts[i].data + (at - start), start + parts[i].len - at);
            if (part.len > a->limit - at)
                part.len = a->limit - at;
            return part;
        }
        start += parts[i].len;
    }
    return ln_span(NULL, 0);
}

static void end_answer(struct http_server *s, struct http_connection *c)
{
    c->answering = false;
    c->ask_len = 0;
    c->ask[0] = '\0';
    switch (c->answer.end) {
    case HTTP_STAY:
        break;
    case HTTP_CLOSE:
        drop(c);
        break;
    case HTTP_RESET:
        (void)ln_testkit_reset_streams(s->kit, s->host, NULL);
        drop(c);
        break;
    case HTTP_HANG:
        c->hung = true;
        break;
    }
}

/* @return when it wants to go on; LN_NEVER: when something happened */
static ln_msec answer(struct http_server *s, struct http_connection *c, ln_msec now)
{
    struct http_answer *a = &c->answer;
    while (now >= c->not_before) {
        struct ln_span part = answer_at(a, c->sent);
        size_t sent = 0;
        if (part.len == 0) {
            end_answer(s, c);
            return LN_NEVER;
        }
        if (a->piece > 0 && part.len > a->piece)
            part.len = a->piece;
        enum ln_status st = ln_sock_send(c->sock, part, &sent);
        if (st == LN_AGAIN)
            return LN_NEVER;
        if (st != LN_OK) {
            drop(c);
            return LN_NEVER;
        }
        if (c->sent >= a->head_len)
            s->body_sent += sent;
        c->sent += sent;
        if (a->piece_ms > 0)
            c->not_before = now + a->piece_ms;
    }
    return c->not_before;
}

/* It says nothing any more; but it notices that its client is gone. */
static void stay_silent(struct http_connection *c)
{
    uint8_t byte;
    size_t got = 0;
    enum ln_status st = ln_sock_recv(c->sock, ln_mspan(&byte, 1), &got);
    if (st != LN_AGAIN && (st != LN_OK || got == 0))
        drop(c);
}

static ln_msec serve(void *user, ln_msec now)
{
    struct http_server *s = user;
    ln_msec next = LN_NEVER;
    (void)!ln_sock_step(s->listener, now);
    accept_all(s, now);
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++) {
        struct http_connection *c = &s->connection[i];
        if (c->sock == NULL)
            continue;
        if (c->hung) {
            stay_silent(c);
            continue;
        }
        enum ln_status st = ln_sock_step(c->sock, now);
        if (st != LN_OK && st != LN_AGAIN) {
            drop(c);
            continue;
        }
        while (st == LN_OK && c->sock != NULL && !c->hung) {
            if (!c->answering && !hear(s, c, now))
                break;
            ln_msec at = answer(s, c, now);
            next = at < next ? at : next;
            if (c->answering)
                break;
        }
    }
    return next;
}

void http_server_open(struct http_server *s, struct ln_testkit *kit,
                      const struct ln_testkit_host *host, const struct ln_env *env, uint16_t port,
                      struct ln_tls_config *tls, http_respond *respond, void *user)
{
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    struct ln_addr local = { .port = port };
    struct ln_diag diag;
    memset(s, 0, sizeof *s);
    ln_diag_clear(&diag);
    s->kit = kit;
    s->host = host;
    s->env = env;
    s->secure = tls != NULL;
    s->respond = respond;
    s->user = user;
    options.reuse_addr = true;
    if (ln_sock_new(env, tls != NULL ? LN_TLS : LN_TCP, &options, tls, &diag, &s->listener) !=
            LN_OK ||
        ln_sock_bind(s->listener, &local) != LN_OK || ln_testkit_serve(kit, serve, s) != LN_OK)
        fail_msg("HTTP server: %s", diag.text);
}

size_t http_server_drop_idle(struct http_server *s)
{
    size_t dropped = 0;
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++) {
        struct http_connection *c = &s->connection[i];
        if (c->sock != NULL && !c->answering && c->ask_len == 0) {
            drop(c);
            dropped++;
        }
    }
    return dropped;
}

size_t http_server_open_connections(struct http_server *s)
{
    size_t count = 0;
    ln_testkit_advance(s->kit, 1); /* what was closed arrives */
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++)
        count += s->connection[i].sock != NULL && !s->connection[i].hung;
    return count;
}

void http_server_close(struct http_server *s)
{
    ln_testkit_serve_stop(s->kit, s);
    for (size_t i = 0; i < HTTP_CONNECTIONS; i++)
        drop(&s->connection[i]);
    ln_sock_free(s->listener);
    s->listener = NULL;
}

void http_wait(const struct ln_env *env, const struct ln_interest *want)
{
    if (want->ready || want->deadline <= ln_now(env))
        return;
    enum ln_status st = env->net.ops->wait(env->net.ctx, want, want->deadline);
    if (st != LN_OK)
        fail_msg("waiting for what never comes: %s", ln_status_name(st));
}
