/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.c
 * http and https: a part is asked for by Range and If-Range, and an answer is used only if it says
 * exactly what it is (RFC 9110 13.1.5, 14, 15.3.7).
 */
#include "download/download.h"

#include "base/try.h"
#include <linnet/http.h>

/** Pieces of a body that are handed out before the caller gets its turn. */
#define PIECES_PER_STEP 64

struct http_fetch {
    struct ln_download *d;
    struct ln_http *http;
    bool headed;
    bool over;                  /**< the head says that everything is stored already */
    struct ln__validator asked; /**< what was sent in If-Range */
};

static enum ln_status open_socket(void *user, const struct ln_http_hop *hop, struct ln_diag *diag,
                                  struct ln_sock **out)
{
    struct http_fetch *f = user;
    const struct ln_download_target target = { .uri = hop->uri,
                                               .text = hop->text,
                                               .redirects = hop->redirects,
                                               .same_origin = hop->same_origin,
                                               .same_host = hop->same_host };
    return ln__download_socket(f->d, &target, diag, out);
}

static void free_fetch(void *fetch)
{
    struct http_fetch *f = fetch;
    ln_http_free(f->http);
    ln_free(f->d->env, f);
}

static enum ln_status make(struct ln_download *d, void **fetch)
{
    const struct ln_download_options *o = &d->options;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    struct http_fetch *f = ln_calloc(d->env, 1, sizeof *f);
    if (f == NULL)
        return ln__download_refuse(d, LN_DOWNLOAD_MEMORY, LN_NO_MEMORY, NULL);
    f->d = d;
    options.opener = open_socket;
    options.opener_user = f;
    options.insecure_downgrade = o->insecure_downgrade;
    options.insecure_basic = o->insecure_basic;
    options.open_timeout_ms = o->open_timeout_ms;
    options.head_timeout_ms = o->answer_timeout_ms;
    options.idle_timeout_ms = o->idle_timeout_ms;
    options.slow_timeout_ms = o->slow_timeout_ms;
    options.slow_bytes = o->slow_bytes;
    options.buffer_bytes = o->buffer_bytes;
    enum ln_status st = ln_http_new(d->env, &options, &d->diag, &f->http);
    if (st != LN_OK) {
        ln_free(d->env, f);
        return st;
    }
    *fetch = f;
    return LN_OK;
}

static enum ln_status begin(void *fetch, ln_msec now)
{
    struct http_fetch *f = fetch;
    const struct ln_download *d = f->d;
    struct ln_http_request request = { .uri = d->options.uri,
                                       .user = d->options.user,
                                       .password = d->options.password };
    f->headed = false;
    f->over = false;
    f->asked = (struct ln__validator) { .kind = LN__NO_VALIDATOR };
    if (d->offset > 0) {
        f->asked = d->validator;
        request.ranged = true;
        request.from = d->offset;
        request.if_range = ln_span(f->asked.data, f->asked.len);
    }
    enum ln_status st = ln_http_start(f->http, &request, now);
    if (st == LN_AGAIN || st == LN_OK)
        return LN_OK;
    f->d->diag = *ln_http_diag(f->http);
    return st;
}

/* ---- answers ---- */

static struct ln__validator validator_of(const struct ln_http_response *r)
{
    struct ln__validator v = { .kind = LN__NO_VALIDATOR };
    size_t date_len = strlen(r->last_modified);
    if (r->etag.len > 0) { /* a weak one stands in the way of a date, too (RFC 9110 13.1.5) */
        if (r->etag_is_weak || r->etag.len > LN__VALIDATOR_MAX)
            return v;
        v.kind = LN__ETAG;
        v.len = (uint8_t)r->etag.len;
        memcpy(v.data, r->etag.data, r->etag.len);
    } else if (r->last_modified_is_strong && date_len <= LN__VALIDATOR_MAX) {
        v.kind = LN__DATE;
        v.len = (uint8_t)date_len;
        memcpy(v.data, r->last_modified, date_len);
    }
    return v;
}

/* A part need not repeat the date that it was asked for by (RFC 9110 15.3.7): that it comes at all
 * says that the date is still true. A date that differs says otherwise. */
static struct ln__validator validator_of_part(const struct http_fetch *f,
                                              const struct ln_http_response *r)
{
    struct ln__validator v = validator_of(r);
    bool silent = r->etag.len == 0 && r->last_modified[0] == '\0';
    bool same = strlen(r->last_modified) == f->asked.len &&
                memcmp(r->last_modified, f->asked.data, f->asked.len) == 0;
    if (f->asked.kind == LN__DATE && r->etag.len == 0 && (silent || same))
        v = f->asked;
    return v;
}

static const struct {
    uint16_t status;
    enum ln_download_reason reason;
    enum ln_status result;
} answers[] = {
    { 401, LN_DOWNLOAD_DENIED, LN_DENIED },       { 403, LN_DOWNLOAD_DENIED, LN_DENIED },
    { 407, LN_DOWNLOAD_DENIED, LN_DENIED },       { 404, LN_DOWNLOAD_NOT_FOUND, LN_NOT_FOUND },
    { 410, LN_DOWNLOAD_NOT_FOUND, LN_NOT_FOUND }, { 408, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { 412, LN_DOWNLOAD_CHANGED, LN_REFUSED },     { 416, LN_DOWNLOAD_CHANGED, LN_REFUSED },
    { 425, LN_DOWNLOAD_BUSY, LN_REFUSED },        { 429, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { 500, LN_DOWNLOAD_BUSY, LN_REFUSED },        { 502, LN_DOWNLOAD_BUSY, LN_REFUSED },
    { 503, LN_DOWNLOAD_BUSY, LN_REFUSED },        { 504, LN_DOWNLOAD_BUSY, LN_REFUSED },
};

static enum ln_status refuse_answer(struct http_fetch *f, const struct ln_http_response *r)
{
    struct ln_download *d = f->d;
    enum ln_download_reason reason = LN_DOWNLOAD_ANSWER;
    enum ln_status result = LN_REFUSED;
    if (r->status >= 300 && r->status < 400)
        reason = LN_DOWNLOAD_REDIRECT;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i].status == r->status) {
            reason = answers[i].reason;
            result = answers[i].result;
        }
    d->answer = r->status;
    d->retry_after_s = r->retry_after_s;
    d->reason = reason;
    d->refused = true;
    return ln_diag_set(&d->diag, result, ln__download_category(reason), LN_PHASE_TRANSFER,
                       "the server answered %u: %s%s", (unsigned)r->status,
                       ln_download_reason_meaning(reason),
                       r->asks_login && d->uri.scheme == LN_URI_HTTP && !d->options.insecure_basic
                           ? "; no password is sent over http"
                           : "");
}

static enum ln_status on_part(struct http_fetch *f, const struct ln_http_response *r, ln_msec now)
{
    struct ln_download *d = f->d;
    struct ln__download_head head = { .start = r->range_first,
                                      .end = r->range_last + 1,
                                      .total = r->has_total ? r->total : LN__UNKNOWN,
                                      .validator = validator_of_part(f, r),
                                      .bounded = true };
    if (d->offset == 0)
        return ln__download_refuse(d, LN_DOWNLOAD_PROTOCOL, LN_BAD_PEER,
                                   "the server sends a part, and everything was asked for");
    return ln__download_head(d, &head, now);
}

static enum ln_status on_all(struct http_fetch *f, const struct ln_http_response *r, ln_msec now)
{
    const struct ln__download_head head = { .start = 0,
                                            .total = r->has_length ? r->length : LN__UNKNOWN,
                                            .validator = validator_of(r),
                                            .bounded = r->is_bounded,
                                            .proven = r->end_is_proven };
    return ln__download_head(f->d, &head, now);
}

/* 416: nothing is behind what we have (RFC 9110 14.4). That is how a resource of unknown size ends
 * that was cut just behind its last byte. */
static enum ln_status on_nothing_left(struct http_fetch *f, const struct ln_http_response *r,
                                      ln_msec now)
{
    struct ln_download *d = f->d;
    struct ln__download_head head = {
        .start = d->offset, .total = r->total, .validator = validator_of_part(f, r), .bounded = true
    };
    if (r->etag.len == 0)
        head.validator = f->asked; /* errors need not carry it */
    if (d->offset == 0 || !r->has_total || r->total != d->offset)
        return refuse_answer(f, r);
    f->over = true;
    return ln__download_head(d, &head, now);
}

static enum ln_status on_head(struct http_fetch *f, ln_msec now)
{
    const struct ln_http_response *r = ln_http_response(f->http);
    f->headed = true;
    f->d->answer = r->status;
    if (r->status == 200)
        return on_all(f, r, now);
    if (r->status == 206)
        return on_part(f, r, now);
    if (r->status == 416)
        return on_nothing_left(f, r, now);
    return refuse_answer(f, r);
}

/* ---- bodies ---- */

static enum ln_status failed(struct http_fetch *f, enum ln_status st)
{
    const struct ln_diag *diag = ln_http_diag(f->http);
    if (st != LN_AGAIN && f->d->diag.status == LN_OK)
        f->d->diag = *diag;
    return st;
}

static enum ln_status step(void *fetch, ln_msec now)
{
    struct http_fetch *f = fetch;
    if (ln__download_is_held(f->d))
        return LN_AGAIN;
    if (!f->headed) {
        enum ln_status st = ln_http_step(f->http, now);
        if (st != LN_OK)
            return failed(f, st);
        TRY(on_head(f, now));
    }
    for (int i = 0; i < PIECES_PER_STEP; i++) {
        struct ln_span piece = { NULL, 0 };
        enum ln_status st = f->over ? LN_OK : ln_http_body(f->http, now, &piece);
        if (st != LN_OK)
            return failed(f, st);
        if (piece.len == 0)
            return LN_OK;
        TRY(ln__download_data(f->d, piece, now));
    }
    return LN_AGAIN;
}

static void interest(const void *fetch, struct ln_interest *want)
{
    const struct http_fetch *f = fetch;
    ln_http_interest(f->http, want);
}

static void stop(void *fetch)
{
    struct http_fetch *f = fetch;
    ln_http_close(f->http);
}

static void tls_info(const void *fetch, struct ln_tls_info *out)
{
    const struct http_fetch *f = fetch;
    struct ln_http_traffic traffic;
    ln_http_traffic(f->http, &traffic);
    *out = traffic.tls;
}

const struct ln__download_driver ln__download_http = {
    .make = make,
    .begin = begin,
    .step = step,
    .interest = interest,
    .stop = stop,
    .free = free_fetch,
    .tls_info = tls_info,
};
