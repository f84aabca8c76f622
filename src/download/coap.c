/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coap.c
 * coap, coaps, coap+tcp and coaps+tcp: the blocks of one GET (RFC 7959 2.4), from the block on in which
 * the next byte is.
 *
 * Blocks are asked for ahead. Over UDP that is more than RFC 7252 4.7 allows without a congestion
 * control, so there is one: it begins with one block, goes up while nothing has to be sent again and
 * answers come long before that is due, and down by half when something has.
 */
#include "download/download.h"

#include "base/text.h"
#include "base/try.h"
#include <linnet/coap_link.h>

/** Requests begin at a multiple of the largest block. */
#define BLOCK_MAX 1024
/** Blocks on their way at once: the most that an endpoint can have. */
#define AHEAD_MAX 16
/** Options of a request that fit a message beside a token. */
#define OPTIONS_ROOM 1024
#define OPEN_TIMEOUT_MS 60000
#define SILENCE_MS 30000
#define SLOW_TIMEOUT_MS 60000
#define SLOW_BYTES 1024
#define ACK_TIMEOUT_MS 2000 /* RFC 7252 4.8 */

/** How many blocks may be on their way; see the top of the file. */
struct window {
    uint8_t now;
    uint8_t most;
    uint8_t steep;  /**< up to there it doubles, behind it grows by one */
    uint8_t blocks; /**< that came since it changed */
    uint32_t again; /**< messages that were sent again until then */
    ln_msec at;     /**< when it changed */
};

struct coap_fetch {
    struct ln_download *d;
    struct ln_coap_link link; /**< its socket is ours */
    uint8_t options[OPTIONS_ROOM];
    size_t options_len;
    ln_coap_id id;
    bool asked;
    bool paused;
    bool over;             /**< the last block came */
    enum ln_status result; /**< what a callback found; LN_AGAIN: nothing */
    uint32_t next;         /**< where the next piece belongs */
    struct window window;
    struct ln_tls_info tls; /**< of the last connection */
    char alpn[33];

    uint32_t open_ms, answer_ms, idle_ms, slow_ms; /**< 0 = no limit */
    ln_msec opened_at;
    ln_msec heard_at;
    ln_msec slow_at; /**< since when slow_bytes are counted */
    uint32_t slow_from;
};

static bool is_tcp(const struct coap_fetch *f)
{
    enum ln_uri_scheme scheme = f->d->uri.scheme;
    return scheme == LN_URI_COAP_TCP || scheme == LN_URI_COAPS_TCP;
}

/* ---- the request ---- */

/* Parts of a path or query, each as an option without percent signs (RFC 7252 6.4). */
static enum ln_status put_parts(struct ln_coap_writer *w, uint16_t number, struct ln_span text,
                                char between)
{
    uint8_t room[255];
    size_t at = 0;
    do {
        size_t end = at;
        size_t len = 0;
        while (end < text.len && text.data[end] != (uint8_t)between)
            end++;
        TRY(ln_uri_decode(ln_span(text.data + at, end - at), ln_mspan(room, sizeof room), &len));
        struct ln_span part = ln_span(room, len);
        bool dots = ln_span_equal(part, ln_span_str(".")) || ln_span_equal(part, ln_span_str(".."));
        if (number == LN_COAP_URI_PATH && dots)
            return LN_BAD_ARG; /* RFC 7252 5.10.1 */
        ln_coap_put(w, number, part);
        at = end + 1;
    } while (at <= text.len);
    return LN_OK;
}

/* A server may have many names; of an address it knows. */
static void put_host(struct ln_coap_writer *w, const struct ln_uri *uri)
{
    uint8_t name[LN_URI_HOST_MAX];
    if (uri->host_kind != LN_URI_HOST_NAME || uri->host.len > sizeof name)
        return;
    for (size_t i = 0; i < uri->host.len; i++) {
        uint8_t c = uri->host.data[i];
        name[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    ln_coap_put(w, LN_COAP_URI_HOST, ln_span(name, uri->host.len));
}

static enum ln_status write_options(struct coap_fetch *f)
{
    const struct ln_uri *uri = &f->d->uri;
    struct ln_coap_writer w;
    struct ln_span out;
    ln_coap_write_options(&w, ln_mspan(f->options, sizeof f->options));
    put_host(&w, uri);
    if (uri->path.len > 1)
        TRY(put_parts(&w, LN_COAP_URI_PATH, ln_span(uri->path.data + 1, uri->path.len - 1), '/'));
    if (uri->has_query)
        TRY(put_parts(&w, LN_COAP_URI_QUERY, uri->query, '&'));
    TRY(ln_coap_writer_end(&w, &out));
    f->options_len = out.len;
    return LN_OK;
}

/* ---- life ---- */

static uint32_t or_else(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

/* Over UDP it is the endpoint that knows when a server is silent: it asks again and again. */
static void set_limits(struct coap_fetch *f)
{
    const struct ln_download_options *o = &f->d->options;
    uint32_t slow = or_else(o->slow_timeout_ms, is_tcp(f) ? SLOW_TIMEOUT_MS : 0);
    f->open_ms = or_else(o->open_timeout_ms, OPEN_TIMEOUT_MS);
    f->answer_ms = or_else(o->answer_timeout_ms, is_tcp(f) ? SILENCE_MS : 0);
    f->idle_ms = or_else(o->idle_timeout_ms, is_tcp(f) ? SILENCE_MS : 0);
    f->slow_ms = slow != UINT32_MAX ? slow : 0;
    f->window.most = o->coap_ahead != 0 ? o->coap_ahead : AHEAD_MAX;
}

static enum ln_status make_endpoint(struct coap_fetch *f)
{
    const struct ln_download_options *o = &f->d->options;
    struct ln_coap_config config = {
        .transport = is_tcp(f) ? LN_COAP_OVER_TCP : LN_COAP_OVER_UDP,
        .timing = o->coap,
        .nstart = { 1, f->window.most },
        .block_szx = o->coap_szx,
        .exchanges = (uint8_t)(f->window.most + 1),
        .pool_bytes = (uint16_t)(OPTIONS_ROOM + f->window.most * (BLOCK_MAX + 16)),
        .transfers = 1,
        .notes = 1,
        .cache_bytes = LN_COAP_NO_CACHE,
        .send = ln_coap_link_send,
        .user = &f->link,
    };
    if (config.timing.response_ms == 0)
        config.timing.response_ms = or_else(o->answer_timeout_ms, SILENCE_MS);
    return ln_coap_new(f->d->env, &config, &f->d->diag, &f->link.coap);
}

static void free_fetch(void *fetch)
{
    struct coap_fetch *f = fetch;
    ln_coap_free(f->link.coap);
    ln_sock_free(f->link.sock);
    ln_free(f->d->env, f);
}

static enum ln_status make(struct ln_download *d, void **fetch)
{
    struct coap_fetch *f = ln_calloc(d->env, 1, sizeof *f);
    if (f == NULL)
        return ln__download_refuse(d, LN_DOWNLOAD_MEMORY, LN_NO_MEMORY, NULL);
    f->d = d;
    f->tls.alpn = f->alpn;
    set_limits(f);
    enum ln_status st = write_options(f);
    if (st != LN_OK)
        st = ln__download_refuse(d, LN_DOWNLOAD_BAD_URI, LN_BAD_ARG,
                                 "the path or query of the URI cannot be said in CoAP");
    else
        st = make_endpoint(f);
    if (st != LN_OK) {
        free_fetch(f);
        return st;
    }
    *fetch = f;
    return LN_OK;
}

static void stop(void *fetch)
{
    struct coap_fetch *f = fetch;
    if (f->link.sock == NULL)
        return;
    struct ln_sock_info info;
    ln_sock_info(f->link.sock, &info);
    (void)ln__text_copy(f->alpn, sizeof f->alpn, ln_span_str(info.tls.alpn));
    f->tls = info.tls;
    f->tls.alpn = f->alpn;
    ln_coap_cancel(f->link.coap, f->id);
    ln_coap_link_closed(&f->link, f->d->now);
    ln_sock_free(f->link.sock);
    f->link.sock = NULL;
    f->id = 0;
}

static enum ln_status lost(struct coap_fetch *f, enum ln_status st)
{
    const struct ln_diag *diag = ln_sock_diag(f->link.sock);
    if (diag->status != LN_OK)
        f->d->diag = *diag;
    else if (st == LN_BAD_PEER)
        return ln_diag_set(&f->d->diag, st, LN_CAT_PROTOCOL, LN_PHASE_TRANSFER,
                           "the server breaks the rules of CoAP over TCP");
    return ln_diag_set(&f->d->diag, st, LN_CAT_CLOSED_BY_PEER, LN_PHASE_TRANSFER,
                       "the server ended the connection");
}

static enum ln_status begin(void *fetch, ln_msec now)
{
    struct coap_fetch *f = fetch;
    struct ln_download *d = f->d;
    char host[LN_URI_HOST_ROOM];
    const struct ln_download_target target = {
        .uri = &d->uri, .text = ln_span_str(d->text), .same_origin = true, .same_host = true
    };
    f->asked = f->paused = f->over = false;
    f->opened_at = f->heard_at = now;
    f->link.started = false;
    TRY(ln__download_socket(d, &target, &d->diag, &f->link.sock));
    ln_uri_host_text(&d->uri, host);
    enum ln_status st = ln_sock_connect(f->link.sock, host, d->uri.port, now);
    return st == LN_OK || st == LN_AGAIN ? LN_OK : lost(f, st);
}

/* ---- blocks ahead ---- */

static void use_window(struct coap_fetch *f, unsigned blocks, ln_msec now)
{
    struct window *w = &f->window;
    w->now = (uint8_t)(blocks < 1 ? 1 : blocks < w->most ? blocks : w->most);
    w->blocks = 0;
    w->again = ln_coap_counters(f->link.coap)->retransmitted;
    w->at = now;
    ln_coap_set_nstart(f->link.coap, LN_COAP_BULK, w->now);
}

/* A stream has a congestion control of its own. */
static void open_window(struct coap_fetch *f, ln_msec now)
{
    f->window.steep = f->window.most;
    use_window(f, is_tcp(f) ? f->window.most : 1, now);
}

/* All that were on their way have come: how long they took is how long the next ones will. */
static unsigned next_window(const struct coap_fetch *f, ln_msec now)
{
    const struct window *w = &f->window;
    uint32_t patience = or_else(f->d->options.coap.ack_timeout_ms, ACK_TIMEOUT_MS);
    if (now - w->at > (ln_msec)patience / 2)
        return w->now;
    return w->now < w->steep ? w->now * 2u : w->now + 1u;
}

static void adapt_window(struct coap_fetch *f, ln_msec now)
{
    struct window *w = &f->window;
    w->blocks++;
    if (ln_coap_counters(f->link.coap)->retransmitted != w->again) {
        w->steep = (uint8_t)(w->now / 2);
        use_window(f, w->now / 2, now);
    } else if (w->blocks >= w->now && w->now < w->most) {
        use_window(f, next_window(f, now), now);
    }
}

/* ---- answers ---- */

static const struct {
    uint8_t code;
    enum ln_download_reason reason;
    enum ln_status result;
} answers[] = {
    { LN_COAP_UNAUTHORIZED, LN_DOWNLOAD_DENIED, LN_DENIED },
    { LN_COAP_FORBIDDEN, LN_DOWNLOAD_DENIED, LN_DENIED },
    { LN_COAP_NOT_FOUND, LN_DOWNLOAD_NOT_FOUND, LN_NOT_FOUND },
    { LN_COAP_TOO_MANY_REQUESTS, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { LN_COAP_INTERNAL_ERROR, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { LN_COAP_BAD_GATEWAY, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { LN_COAP_UNAVAILABLE, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { LN_COAP_GATEWAY_TIMEOUT, LN_DOWNLOAD_BUSY, LN_REFUSED },
};

/* Whoever asks for a block that is not there any more hears any of these (RFC 7959 2.9): what was
 * asked for at its beginning was there. */
static enum ln_download_reason reason_of(const struct coap_fetch *f, uint8_t code,
                                         enum ln_status *result)
{
    *result = LN_REFUSED;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i].code == code) {
            *result = answers[i].result;
            return answers[i].reason;
        }
    if (ln_coap_class(code) == 2)
        return LN_DOWNLOAD_PROTOCOL;
    return ln_coap_class(code) == 4 && f->next > 0 ? LN_DOWNLOAD_CHANGED : LN_DOWNLOAD_ANSWER;
}

static unsigned answer_of(uint8_t code)
{
    return ln_coap_class(code) * 100 + (code & 0x1f);
}

static enum ln_status refuse_answer(struct coap_fetch *f, const struct ln_coap_msg *msg)
{
    struct ln_download *d = f->d;
    char text[LN_COAP_CODE_ROOM];
    enum ln_status result = LN_REFUSED;
    d->reason = reason_of(f, msg->code, &result);
    d->answer = answer_of(msg->code);
    d->refused = true;
    if ((msg->has & LN_COAP_HAS_MAX_AGE) != 0) /* 5.03, and 4.29 of RFC 8516 */
        d->retry_after_s = msg->max_age;
    return ln_diag_set(&d->diag, result, ln__download_category(d->reason), LN_PHASE_TRANSFER,
                       "the server answered %s: %s", ln_coap_code_text(msg->code, text),
                       ln_download_reason_meaning(d->reason));
}

static enum ln_status on_head(struct coap_fetch *f, const struct ln_coap_response *r)
{
    struct ln__download_head head = {
        .start = r->offset,
        .total = r->size != LN_COAP_SIZE_UNKNOWN ? r->size : LN__UNKNOWN,
        .bounded = true,
    };
    if (r->last && head.total == LN__UNKNOWN)
        head.total = r->offset + r->payload.len;
    if ((r->msg->has & LN_COAP_HAS_ETAG) != 0) {
        head.validator.kind = LN__ETAG;
        head.validator.len = (uint8_t)r->msg->etag.len;
        memcpy(head.validator.data, r->msg->etag.data, r->msg->etag.len);
    }
    f->d->answer = answer_of(r->msg->code);
    return ln__download_head(f->d, &head, r->now);
}

/* LN_OK: it was the last one. */
static enum ln_status on_piece(struct coap_fetch *f, const struct ln_coap_response *r)
{
    struct ln_download *d = f->d;
    if (r->msg->code != LN_COAP_CONTENT)
        return refuse_answer(f, r->msg);
    if (r->offset != f->next)
        return ln__download_refuse(d, LN_DOWNLOAD_PROTOCOL, LN_BAD_PEER,
                                   "the server sends another part than was asked for");
    if (!d->headed)
        TRY(on_head(f, r));
    f->next += (uint32_t)r->payload.len;
    f->heard_at = r->now;
    f->over = r->last;
    adapt_window(f, r->now);
    TRY(ln__download_data(d, r->payload, r->now));
    return r->last ? LN_OK : LN_AGAIN;
}

static enum ln_status on_failure(struct coap_fetch *f, enum ln_coap_outcome outcome)
{
    struct ln_download *d = f->d;
    switch (outcome) {
    case LN_COAP_TIMED_OUT:
        return ln_diag_set(&d->diag, LN_TIMEOUT, d->headed ? LN_CAT_STALLED : LN_CAT_NO_ANSWER,
                           LN_PHASE_TRANSFER, "the server does not answer");
    case LN_COAP_WAS_RESET:
        return ln_diag_set(&d->diag, LN_REFUSED, LN_CAT_PEER_REFUSED, LN_PHASE_TRANSFER,
                           "the server rejects the request (CoAP Reset)");
    case LN_COAP_REPLACED:
        return ln__download_refuse(d, LN_DOWNLOAD_CHANGED, LN_BAD_PEER,
                                   "the resource has changed while it was downloaded");
    case LN_COAP_TOO_LONG:
        return ln__download_refuse(d, LN_DOWNLOAD_TOO_LARGE, LN_NO_SPACE, NULL);
    case LN_COAP_BROKEN:
        if (!d->headed && f->next > 0) /* what is shorter now does not come in blocks */
            return ln__download_refuse(d, LN_DOWNLOAD_CHANGED, LN_BAD_PEER,
                                       "the rest of the resource is not there any more");
        break;
    case LN_COAP_RESPONSE:
    case LN_COAP_SENT:
    case LN_COAP_ACKNOWLEDGED:
    case LN_COAP_DROPPED:
        break;
    }
    return ln__download_refuse(d, LN_DOWNLOAD_PROTOCOL, LN_BAD_PEER,
                               "the server's answer is no block of the resource");
}

static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    struct coap_fetch *f = user;
    bool answered = r->outcome == LN_COAP_RESPONSE;
    enum ln_status st = answered ? on_piece(f, r) : on_failure(f, r->outcome);
    if (r->final)
        f->id = 0;
    if (st == LN_AGAIN) {
        f->paused = ln__download_is_held(f->d);
        return f->paused ? LN_COAP_PAUSE : LN_COAP_GO;
    }
    f->result = st;
    return LN_COAP_STOP;
}

/* ---- steps ---- */

/* Where to go on: at the block of the next byte. If nobody knows where the resource ends, the last
 * byte may be stored already, and behind it there is no block. */
static uint32_t first_block(const struct ln_download *d)
{
    uint64_t at = d->offset;
    if (d->total == LN__UNKNOWN && at > 0)
        at--;
    return (uint32_t)(at - at % BLOCK_MAX);
}

static uint32_t longest(const struct ln_download *d)
{
    uint64_t most = d->options.size_max;
    return most != 0 && most < LN_COAP_BODY_MAX ? (uint32_t)most : LN_COAP_BODY_MAX;
}

static enum ln_status ask(struct coap_fetch *f, ln_msec now)
{
    struct ln_download *d = f->d;
    const struct ln_coap_request request = {
        .code = LN_COAP_GET,
        .class_ = LN_COAP_BULK,
        .options = ln_span(f->options, f->options_len),
        .from = first_block(d),
        .etag = ln_span(d->validator.data, d->offset > 0 ? d->validator.len : 0),
        .every_etag = true,
        .answer_max = longest(d),
        .on_response = on_response,
        .user = f,
    };
    f->next = request.from;
    f->asked = true;
    f->heard_at = f->slow_at = now;
    f->slow_from = f->next;
    open_window(f, now);
    enum ln_status st = ln_coap_request(f->link.coap, &request, now, &f->id);
    if (st == LN_NO_SPACE)
        return ln__download_refuse(d, LN_DOWNLOAD_BAD_URI, LN_BAD_ARG,
                                   "the URI is too long for a CoAP message");
    if (st != LN_OK)
        return ln_diag_set(&d->diag, st, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER,
                           "the request cannot be sent: %s", ln_status_meaning(st));
    return LN_OK;
}

static ln_msec later(ln_msec from, uint32_t ms)
{
    return ms != 0 ? from + (ln_msec)ms : LN_NEVER;
}

static ln_msec limit(const struct coap_fetch *f)
{
    if (!f->link.started)
        return later(f->opened_at, f->open_ms);
    if (!f->d->headed)
        return later(f->heard_at, f->answer_ms);
    ln_msec idle = later(f->heard_at, f->idle_ms);
    ln_msec slow = later(f->slow_at, f->slow_ms);
    return idle < slow ? idle : slow;
}

/* Enough came in time to count anew. */
static bool is_fast_enough(struct coap_fetch *f, ln_msec now)
{
    uint32_t enough = or_else(f->d->options.slow_bytes, SLOW_BYTES);
    if (!f->d->headed || now >= later(f->heard_at, f->idle_ms) || f->next - f->slow_from < enough)
        return false;
    f->slow_at = now;
    f->slow_from = f->next;
    return true;
}

static enum ln_status check_time(struct coap_fetch *f, ln_msec now)
{
    if (now < limit(f) || is_fast_enough(f, now))
        return LN_AGAIN;
    if (!f->link.started) {
        ln_sock_give_up(f->link.sock);
        return lost(f, LN_TIMEOUT);
    }
    return ln_diag_set(&f->d->diag, LN_TIMEOUT, LN_CAT_STALLED, LN_PHASE_TRANSFER, "%s",
                       f->d->headed ? "the server sends no more, or too slowly"
                                    : "the server does not answer");
}

/* The store takes more again. */
static void go_on(struct coap_fetch *f, ln_msec now)
{
    f->paused = false;
    f->heard_at = f->slow_at = now;
    f->slow_from = f->next;
    (void)!ln_coap_resume(f->link.coap, f->id, now); /* void: it has ended, and told how */
}

static enum ln_status work(struct coap_fetch *f, ln_msec now)
{
    if (f->paused)
        go_on(f, now);
    if (f->paused || f->result != LN_AGAIN)
        return LN_AGAIN;
    enum ln_status st = ln_coap_link_step(&f->link, now);
    if (f->result != LN_AGAIN)
        return LN_AGAIN;
    if (st != LN_OK && st != LN_AGAIN)
        return lost(f, st);
    if (f->link.started && !f->asked)
        TRY(ask(f, now));
    return check_time(f, now);
}

static enum ln_status step(void *fetch, ln_msec now)
{
    struct coap_fetch *f = fetch;
    if (ln__download_is_held(f->d))
        return LN_AGAIN;
    if (f->over)
        return LN_OK;
    f->result = LN_AGAIN;
    enum ln_status st = work(f, now);
    return f->result != LN_AGAIN ? f->result : st;
}

static void interest(const void *fetch, struct ln_interest *want)
{
    const struct coap_fetch *f = fetch;
    if (f->paused || f->over) {
        want->ready = true;
        return;
    }
    ln_coap_link_interest(&f->link, want);
    ln_interest_until(want, limit(f));
}

static void tls_info(const void *fetch, struct ln_tls_info *out)
{
    const struct coap_fetch *f = fetch;
    struct ln_sock_info info;
    *out = f->tls;
    if (f->link.sock == NULL)
        return;
    ln_sock_info(f->link.sock, &info);
    *out = info.tls;
}

const struct ln__download_driver ln__download_coap = {
    .make = make,
    .begin = begin,
    .step = step,
    .interest = interest,
    .stop = stop,
    .free = free_fetch,
    .tls_info = tls_info,
};
