/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.c
 * Contract: http.h. One request: open or reuse a connection, send, read the head, decide whether that
 * was the answer (a redirect, a 401 and a connection that was dead already are not), hand out the body.
 *
 * One buffer serves in turn the request, the head and the body. A body of known length goes from the
 * socket to the caller without being copied.
 */
#include "http/http.h"

#include "base/text.h"
#include "base/try.h"
#include "codec/ascii.h"

/** After that long without a request, many servers and middleboxes have forgotten a connection. */
#define KEEP_MS 30000
/** A body that nobody wants is read to its end only if it is no longer than that; else it is cheaper
 *  to connect again. */
#define DRAIN_MAX 16384
/** The largest record of TLS (RFC 8446 5.1). */
#define RECORD_MAX 16384

/* ---- failures ---- */

static enum ln_status out_of_memory(struct ln_http *c)
{
    return ln_diag_set(&c->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_TRANSFER,
                       "no memory for a request");
}

enum ln_status ln__http_fail(struct ln_http *c, enum ln_status status)
{
    if (c->diag.status == LN_OK && c->sock != NULL)
        c->diag = *ln_sock_diag(c->sock);
    if (c->diag.status == LN_OK)
        (void)ln_diag_set(&c->diag, status, LN_CAT_INTERNAL_FAULT, LN_PHASE_TRANSFER, "http: %s",
                          ln_status_meaning(status));
    ln__http_hang_up(c);
    ln__http_forget_login(c);
    c->phase = LN__HTTP_FAILED;
    return c->diag.status;
}

static enum ln_status broken(struct ln_http *c)
{
    enum ln__http_problem problem = c->reader.problem;
    enum ln_category category = LN_CAT_PROTOCOL;
    enum ln_status status = LN_BAD_PEER;
    if (problem == LN__HTTP_PROBLEM_CUT_HEAD || problem == LN__HTTP_PROBLEM_CUT_BODY)
        category = LN_CAT_TRUNCATED;
    if (problem == LN__HTTP_PROBLEM_NOTHING) {
        category = LN_CAT_CLOSED_BY_PEER;
        status = LN_CLOSED;
    }
    (void)ln_diag_set(&c->diag, status, category, LN_PHASE_TRANSFER, "%s",
                      ln__http_problem_text(problem));
    return ln__http_fail(c, status);
}

static enum ln_status timed_out(struct ln_http *c, enum ln_category category, const char *what)
{
    (void)ln_diag_set(&c->diag, LN_TIMEOUT, category, LN_PHASE_TRANSFER, "%s", what);
    return ln__http_fail(c, LN_TIMEOUT);
}

/* ---- time ---- */

static ln_msec after(ln_msec start, uint32_t ms)
{
    return ms == LN_HTTP_NO_LIMIT ? LN_NEVER : start + (ln_msec)ms;
}

static ln_msec earlier(ln_msec a, ln_msec b)
{
    return a < b ? a : b;
}

static ln_msec total_limit(const struct ln_http *c)
{
    return after(c->clock.started, c->options.total_timeout_ms);
}

ln_msec ln__http_deadline(const struct ln_http *c)
{
    const struct ln__http_clock *clock = &c->clock;
    ln_msec limit = total_limit(c);
    switch (c->phase) {
    case LN__HTTP_OPENING:
        return earlier(limit, after(clock->opening, c->options.open_timeout_ms));
    case LN__HTTP_SENDING:
    case LN__HTTP_WAITING:
    case LN__HTTP_DRAINING:
        return earlier(limit, after(clock->asked, c->options.head_timeout_ms));
    case LN__HTTP_BODY:
        limit = earlier(limit, after(clock->heard, c->options.idle_timeout_ms));
        return earlier(limit, after(clock->window, c->options.slow_timeout_ms));
    case LN__HTTP_IDLE:
    case LN__HTTP_DONE:
    case LN__HTTP_FAILED:
        break;
    }
    return LN_NEVER;
}

/* Nothing came: is that still fine? */
static enum ln_status check_time(struct ln_http *c, ln_msec now)
{
    struct ln__http_clock *clock = &c->clock;
    if (now < ln__http_deadline(c))
        return LN_AGAIN;
    if (now >= total_limit(c))
        return timed_out(c, LN_CAT_STALLED, "the request took longer than it may in all");
    if (c->phase != LN__HTTP_BODY)
        return timed_out(c, LN_CAT_NO_ANSWER,
                         "the server took the request and did not answer in time");
    if (now >= after(clock->heard, c->options.idle_timeout_ms))
        return timed_out(c, LN_CAT_STALLED, "the server fell silent in the middle of the body");
    if (c->reader.body - clock->window_at < c->options.slow_bytes)
        return timed_out(c, LN_CAT_STALLED, "the body comes slower than is accepted");
    clock->window = now;
    clock->window_at = c->reader.body;
    return LN_AGAIN;
}

/* ---- connections ---- */

void ln__http_add_traffic(const struct ln_http *c, struct ln_http_traffic *out)
{
    struct ln_sock_info info;
    if (c->sock == NULL)
        return;
    ln_sock_info(c->sock, &info);
    out->wire_sent += info.wire_sent - c->sent_before;
    out->wire_received += info.wire_received - c->received_before;
    if (info.tls.version != 0)
        out->tls = info.tls;
}

void ln__http_hang_up(struct ln_http *c)
{
    if (c->sock == NULL)
        return;
    ln__http_add_traffic(c, &c->traffic);
    /* that of the socket is gone in a moment */
    (void)ln__text_copy(c->alpn, sizeof c->alpn, ln_span_str(c->traffic.tls.alpn));
    c->traffic.tls.alpn = c->alpn;
    if (c->sock == c->plain || c->sock == c->secure)
        ln_sock_close(c->sock);
    else
        ln_sock_free(c->sock);
    c->sock = NULL;
    ln_free(c->env, c->peer_text);
    c->peer_text = NULL;
}

static enum ln_status no_security(struct ln_http *c, const char *why)
{
    return ln_diag_set(&c->diag, LN_DENIED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", why);
}

/* One of the two sockets of options.sock and options.tls, or the opener's. */
static enum ln_status make_socket(struct ln_http *c, const struct ln_http_hop *hop,
                                  struct ln_sock **out)
{
    bool secure = hop->uri->scheme == LN_URI_HTTPS;
    if (c->options.opener != NULL) {
        enum ln_status st = c->options.opener(c->options.opener_user, hop, &c->diag, out);
        if (st == LN_OK && *out == NULL)
            return LN_INTERNAL;
        return st == LN_AGAIN ? LN_INTERNAL : st;
    }
    if (secure && c->secure == NULL)
        return no_security(c, "https needs a TLS configuration, and none was given");
    bool upgraded = c->home.scheme == LN_URI_HTTP && hop->same_host;
    if (secure && !hop->same_origin && !upgraded)
        return no_security(c, "the redirect leads to another host, for which no trust and keys "
                              "were given");
    *out = secure ? c->secure : c->plain;
    return LN_OK;
}

/* Remember whom the connection leads to; the request may be forgotten before it is. */
static bool note_peer(struct ln_http *c)
{
    c->peer_text = ln_strdup(c->env, c->hops[c->hop]);
    return c->peer_text != NULL && ln_uri_read(ln_span_str(c->peer_text), &c->peer, NULL) == LN_OK;
}

static enum ln_status open_connection(struct ln_http *c, ln_msec now)
{
    struct ln_http_hop hop = { .uri = &c->here,
                               .text = ln_span_str(c->hops[c->hop]),
                               .redirects = c->hop,
                               .same_origin = ln__http_at_home(c),
                               .same_host = ln__http_at_home_host(c) };
    struct ln_sock_info info;
    char host[LN_URI_HOST_ROOM];
    c->phase = LN__HTTP_OPENING;
    c->clock.opening = now;
    c->reused = false;
    enum ln_status st = make_socket(c, &hop, &c->sock);
    if (st != LN_OK)
        return ln__http_fail(c, st);
    ln_sock_info(c->sock, &info);
    c->sent_before = info.wire_sent;
    c->received_before = info.wire_received;
    c->traffic.connections++;
    if (!note_peer(c))
        return ln__http_fail(c, out_of_memory(c));
    ln_uri_host_text(&c->here, host);
    st = ln_sock_connect(c->sock, host, c->here.port, now);
    return st == LN_OK || st == LN_AGAIN ? LN_AGAIN : ln__http_fail(c, st);
}

/* The server behind an https URI must have proven itself, and speak what we speak. */
static enum ln_status check_connection(struct ln_http *c)
{
    struct ln_sock_info info;
    ln_sock_info(c->sock, &info);
    if (c->here.scheme == LN_URI_HTTPS && info.tls.version == 0)
        return no_security(c, "the socket that was made for an https URI has no TLS");
    if (info.tls.alpn[0] != '\0' && strcmp(info.tls.alpn, LN_HTTP_ALPN) != 0)
        return ln_diag_set(&c->diag, LN_BAD_PEER, LN_CAT_PROTOCOL, LN_PHASE_HANDSHAKE,
                           "the server chose the application protocol %.32s instead of http/1.1",
                           info.tls.alpn);
    return LN_OK;
}

/* Whether the connection that stands may carry the request, as far as that can be known. */
static bool can_reuse(struct ln_http *c, ln_msec now)
{
    size_t got = 0;
    if (c->sock == NULL || now - c->clock.kept_since >= KEEP_MS)
        return false;
    /* whatever it has to say unasked, its end above all, is no answer to us */
    return ln_uri_same_origin(&c->here, &c->peer) && ln_sock_step(c->sock, now) == LN_OK &&
           ln_sock_recv(c->sock, ln_mspan(NULL, 0), &got) == LN_AGAIN;
}

/* ---- the request ---- */

static size_t list_fields(const struct ln_http *c, struct ln__http_field *fields)
{
    size_t count = 0;
    if (c->options.user_agent[0] != '\0')
        fields[count++] = (struct ln__http_field) { ln_span_str("User-Agent"),
                                                    ln_span_str(c->options.user_agent) };
    fields[count++] = (struct ln__http_field) { ln_span_str("Accept"), ln_span_str("*/*") };
    fields[count++] =
        (struct ln__http_field) { ln_span_str("Accept-Encoding"), ln_span_str("identity") };
    if (c->if_range != NULL)
        fields[count++] =
            (struct ln__http_field) { ln_span_str("If-Range"), ln_span_str(c->if_range) };
    if (c->login_sent)
        fields[count++] =
            (struct ln__http_field) { ln_span_str("Authorization"), ln_span_str(c->login) };
    return count;
}

static enum ln_status write_request(struct ln_http *c, ln_msec now)
{
    struct ln__http_field fields[5];
    c->login_sent = ln__http_may_log_in(c) && (c->preemptive || c->login_sent);
    struct ln__http_request request = { .method = c->method == LN_HTTP_HEAD ? "HEAD" : "GET",
                                        .uri = &c->here,
                                        .ranged = c->ranged,
                                        .from = c->from,
                                        .fields = fields,
                                        .field_count = list_fields(c, fields) };
    size_t len = 0;
    enum ln_status st =
        ln__http_request_write(&request, ln_mspan(c->buffer, c->options.buffer_bytes), &len);
    if (st == LN_NO_SPACE)
        return ln_diag_set(&c->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "the request has %zu bytes, and buffer_bytes is %zu", len,
                           c->options.buffer_bytes);
    if (st != LN_OK)
        return st;
    c->begin = 0;
    c->end = len;
    c->phase = LN__HTTP_SENDING;
    c->clock.asked = now;
    c->traffic.requests++;
    return LN_OK;
}

static void forget_head(struct ln_http *c)
{
    ln__http_reader_init(&c->reader, c->method == LN_HTTP_HEAD, c->options.buffer_bytes - 2);
    ln_free(c->env, c->location);
    c->location = NULL;
}

enum ln_status ln__http_ask(struct ln_http *c, ln_msec now)
{
    forget_head(c);
    if (can_reuse(c, now)) {
        c->reused = true;
        enum ln_status st = write_request(c, now);
        return st == LN_OK ? LN_AGAIN : ln__http_fail(c, st);
    }
    ln__http_hang_up(c);
    ln_diag_clear(&c->diag);
    return open_connection(c, now);
}

/* A server may close a connection that it kept at any time, also while our request is on its way. It
 * was not even begun to be answered, so it may be sent again (RFC 9110 9.2.2, RFC 9112 9.3.1). */
static bool was_dead(const struct ln_http *c, enum ln_status status)
{
    return c->reused && !c->reader.started && status != LN_NO_MEMORY;
}

static enum ln_status lost(struct ln_http *c, enum ln_status status, ln_msec now)
{
    if (!was_dead(c, status))
        return ln__http_fail(c, status);
    ln__http_hang_up(c);
    forget_head(c);
    ln_diag_clear(&c->diag);
    return open_connection(c, now);
}

static enum ln_status go_on_opening(struct ln_http *c, ln_msec now)
{
    enum ln_status st = ln_sock_step(c->sock, now);
    if (st == LN_AGAIN && now >= ln__http_deadline(c)) {
        ln_sock_give_up(c->sock);
        st = ln_sock_step(c->sock, now);
    }
    if (st == LN_OK)
        st = check_connection(c);
    if (st == LN_OK)
        st = write_request(c, now);
    return st == LN_OK || st == LN_AGAIN ? st : ln__http_fail(c, st);
}

static enum ln_status go_on_sending(struct ln_http *c, ln_msec now)
{
    while (c->begin < c->end) {
        size_t sent = 0;
        enum ln_status st =
            ln_sock_send(c->sock, ln_span(c->buffer + c->begin, c->end - c->begin), &sent);
        if (st == LN_AGAIN)
            return check_time(c, now);
        if (st != LN_OK)
            return lost(c, st, now);
        c->begin += sent;
    }
    if (c->login_sent)
        ln_wipe(c->buffer, c->end);
    c->begin = c->end = 0;
    c->phase = LN__HTTP_WAITING;
    return LN_OK;
}

/* ---- receiving ---- */

/* What else is there at once, as long as a whole TLS record has room: larger pieces cost the caller
 * less. A failure is told when what came before it is used: the socket tells it again. */
static void receive_more(struct ln_http *c)
{
    while (c->options.buffer_bytes - c->end >= RECORD_MAX) {
        size_t got = 0;
        enum ln_status st = ln_sock_recv(c->sock, ln_mspan(c->buffer + c->end, RECORD_MAX), &got);
        if (st != LN_OK || got == 0)
            return;
        c->end += got;
    }
}

/* More bytes behind those that are not used yet. LN_OK: there are, or the connection ended as it may. */
static enum ln_status receive(struct ln_http *c, ln_msec now)
{
    size_t got = 0;
    if (c->begin > 0 && c->end > c->begin)
        memmove(c->buffer, c->buffer + c->begin, c->end - c->begin);
    c->end -= c->begin;
    c->begin = 0;
    if (c->end == c->options.buffer_bytes)
        return ln__http_fail(c, LN_INTERNAL); /* a line is never that long */
    enum ln_status st =
        ln_sock_recv(c->sock, ln_mspan(c->buffer + c->end, c->options.buffer_bytes - c->end), &got);
    if (st == LN_AGAIN)
        return check_time(c, now);
    if (st != LN_OK)
        return lost(c, st, now);
    if (got > 0) {
        c->end += got;
        c->clock.heard = now;
        if (c->phase == LN__HTTP_BODY)
            receive_more(c);
        return LN_OK;
    }
    if (ln__http_ended(&c->reader) == LN_OK)
        return LN_OK;
    return was_dead(c, LN_CLOSED) ? lost(c, LN_CLOSED, now) : broken(c);
}

/* The next event of the response. LN_AGAIN also when a new connection is being opened. */
static enum ln_status next_event(struct ln_http *c, ln_msec now, struct ln__http_event *event)
{
    for (;;) {
        size_t used = 0;
        struct ln_span in = ln_span(c->buffer + c->begin, c->end - c->begin);
        enum ln_status st = ln__http_next(&c->reader, in, &used, event);
        c->begin += used;
        if (st == LN_BAD_PEER)
            return broken(c);
        if (st != LN_AGAIN)
            return st;
        TRY(receive(c, now));
    }
}

/* ---- the head ---- */

static bool will_log_in(const struct ln_http *c)
{
    return c->reader.head.status == 401 && c->login != NULL && !c->login_sent;
}

static enum ln_status on_field(struct ln_http *c, const struct ln__http_event *event)
{
    bool redirect = ln__http_is_redirect(c);
    if (redirect && ln__same_word(event->name, ln_span_str("Location"))) {
        enum ln_status st = ln__http_note_location(c, event->data);
        return st == LN_OK ? LN_OK : ln__http_fail(c, st);
    }
    if (c->on_field != NULL && !redirect && !will_log_in(c))
        c->on_field(c->on_field_user, event->name, event->data);
    return LN_OK;
}

/* Finish what nobody wants to read, if that is cheap, and ask again. */
static enum ln_status ask_again(struct ln_http *c, ln_msec now)
{
    const struct ln__http_head *h = &c->reader.head;
    bool same = ln_uri_same_origin(&c->here, &c->peer);
    bool cheap = h->chunked || (h->has_length && h->length <= DRAIN_MAX) || c->reader.no_body;
    if (same && cheap && !h->says_close) {
        c->phase = LN__HTTP_DRAINING;
        return LN_OK;
    }
    ln__http_hang_up(c);
    return ln__http_ask(c, now);
}

static void fill_response(struct ln_http *c)
{
    const struct ln__http_head *h = &c->reader.head;
    struct ln_sock_info info;
    ln_sock_info(c->sock, &info);
    c->response = (struct ln_http_response) {
        .status = h->status,
        .has_length = h->has_length,
        .length = h->length,
        .is_bounded = !c->reader.until_close,
        .end_is_proven = !c->reader.until_close || info.tls.version != 0,
        .has_range = h->status == 206,
        .range_first = h->range.first,
        .range_last = h->range.last,
        .has_total =
            (h->status == 206 || (h->status == 416 && h->range.kind == LN__HTTP_RANGE_TOTAL)) &&
            h->range.has_total,
        .total = h->range.total,
        .etag = ln_span(h->etag.data, h->etag.len),
        .etag_is_weak = h->etag.weak,
        .last_modified = h->last_modified_text,
        .last_modified_is_strong =
            h->last_modified >= 0 && h->date >= 0 && h->date - h->last_modified >= 60,
        .retry_after_s = h->retry_after_s,
        .asks_login = h->status == 401 && h->asks_basic,
        .uri = c->hops[c->hop],
        .redirects = c->hop,
    };
}

static enum ln_status on_head(struct ln_http *c, ln_msec now)
{
    const struct ln__http_head *h = &c->reader.head;
    if (c->location != NULL) {
        enum ln_status st = ln__http_follow(c);
        return st == LN_OK ? ask_again(c, now) : ln__http_fail(c, st);
    }
    if (will_log_in(c) && h->asks_basic && ln__http_may_log_in(c)) {
        c->login_sent = true;
        return ask_again(c, now);
    }
    if (h->encoded && c->reader.state != LN__HTTP_AT_END) {
        (void)ln_diag_set(&c->diag, LN_BAD_PEER, LN_CAT_PROTOCOL, LN_PHASE_TRANSFER,
                          "the server sends the body compressed, which was not asked for");
        return ln__http_fail(c, LN_BAD_PEER);
    }
    fill_response(c);
    c->phase = LN__HTTP_BODY;
    c->clock.heard = now;
    c->clock.window = now;
    c->clock.window_at = 0;
    c->clock.handed = LN_NEVER;
    ln__http_forget_login(c);
    return LN_OK;
}

static enum ln_status go_on_waiting(struct ln_http *c, ln_msec now)
{
    struct ln__http_event event;
    while (c->phase == LN__HTTP_WAITING) {
        TRY(next_event(c, now, &event));
        if (event.kind == LN__HTTP_FIELD)
            TRY(on_field(c, &event));
        else if (event.kind == LN__HTTP_HEAD)
            return on_head(c, now);
    }
    return LN_AGAIN;
}

/* ---- the end ---- */

/* Nothing more belongs to the response: is the connection good for another request? */
static void finish(struct ln_http *c, ln_msec now)
{
    c->clock.kept_since = now;
    if (!ln__http_keeps_open(&c->reader) || c->begin != c->end)
        ln__http_hang_up(c);
}

/* A body that nobody wants may fail: that is no failure of the request, whose password stays. */
static enum ln_status next_unwanted(struct ln_http *c, ln_msec now, struct ln__http_event *event)
{
    char *login = c->login;
    c->login = NULL;
    enum ln_status st = next_event(c, now, event);
    c->login = login;
    return st;
}

static enum ln_status go_on_draining(struct ln_http *c, ln_msec now)
{
    struct ln__http_event event;
    for (;;) {
        enum ln_status st = next_unwanted(c, now, &event);
        if (st == LN_AGAIN)
            return st;
        bool enough = c->reader.body > DRAIN_MAX;
        if (st != LN_OK || enough) { /* that connection is of no use, but no failure either */
            ln_diag_clear(&c->diag);
            ln__http_hang_up(c);
            return ln__http_ask(c, now);
        }
        if (event.kind == LN__HTTP_END)
            break;
    }
    finish(c, now);
    return ln__http_ask(c, now);
}

/* ---- all of it ---- */

static enum ln_status advance_once(struct ln_http *c, ln_msec now)
{
    switch (c->phase) {
    case LN__HTTP_OPENING:
        return go_on_opening(c, now);
    case LN__HTTP_SENDING:
        return go_on_sending(c, now);
    case LN__HTTP_WAITING:
        return go_on_waiting(c, now);
    case LN__HTTP_DRAINING:
        return go_on_draining(c, now);
    case LN__HTTP_BODY:
    case LN__HTTP_DONE:
        return LN_OK;
    case LN__HTTP_IDLE:
    case LN__HTTP_FAILED:
        break;
    }
    return LN_BAD_STATE;
}

enum ln_status ln__http_advance(struct ln_http *c, ln_msec now)
{
    for (;;) {
        enum ln__http_phase before = c->phase;
        enum ln_status st = advance_once(c, now);
        if (st == LN_AGAIN && c->phase != before)
            continue; /* the next phase may have something to do at once */
        if (st != LN_OK || c->phase == LN__HTTP_BODY || c->phase == LN__HTTP_DONE)
            return st;
    }
}

/* The time that the caller took over the last bytes is not the server's. */
static void excuse_caller(struct ln_http *c, ln_msec now)
{
    struct ln__http_clock *clock = &c->clock;
    ln_msec away = clock->handed != LN_NEVER ? now - clock->handed : 0;
    clock->heard += away;
    clock->window += away;
    clock->handed = LN_NEVER;
}

enum ln_status ln__http_read_body(struct ln_http *c, ln_msec now, struct ln_span *out)
{
    struct ln__http_event event;
    excuse_caller(c, now);
    if (now >= total_limit(c))
        return check_time(c, now);
    TRY(next_event(c, now, &event));
    if (event.kind == LN__HTTP_DATA) {
        *out = event.data;
        c->clock.handed = now;
        return LN_OK;
    }
    finish(c, now);
    c->phase = LN__HTTP_DONE;
    return LN_OK;
}
