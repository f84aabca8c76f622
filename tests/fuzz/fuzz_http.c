/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/http.c and http_fields.c. The first byte chooses how the rest is read. A
 * response in pieces is what it is at once, and what is told of it is consistent. */
#include "fuzz/fuzz.h"

#include "fuzz/check.h"
#include "support/httplog.h"

static struct http_log whole;
static struct http_log pieces;

static void check_head(const struct ln__http_head *h)
{
    CHECK(h->status >= 200 && h->status <= 599 && h->minor <= 1);
    CHECK(!(h->has_length && h->coding_seen) && h->length <= (uint64_t)INT64_MAX);
    CHECK(!h->chunked || h->coding_seen);
    CHECK(h->retry_after_s >= -1 && h->date >= -1 && h->last_modified >= -1);
    CHECK((h->last_modified < 0) == (h->last_modified_text[0] == '\0'));
    if (h->status == 206) {
        CHECK(h->range.kind == LN__HTTP_RANGE_PART && h->range.first <= h->range.last);
        CHECK(!h->has_length || h->length == h->range.last - h->range.first + 1);
        CHECK(!h->range.has_total || h->range.last < h->range.total);
    }
    if (h->etag.len > 0)
        CHECK(h->etag.data[h->etag.len - 1] == '"' &&
              h->etag.data[0] == (h->etag.weak ? 'W' : '"'));
}

static void check_body(const struct http_log *log, const struct http_feed *feed)
{
    const struct ln__http_head *h = &log->head;
    if (h->status == 0) {
        CHECK(log->body_len == 0);
        return;
    }
    check_head(h);
    bool none = feed->no_body || h->status == 204 || h->status == 205 || h->status == 304;
    bool ended = strcmp(log->end, "end") == 0;
    CHECK(!none || log->body_len == 0);
    if (!none && h->has_length)
        CHECK(log->body_len <= h->length && (!ended || log->body_len == h->length));
    CHECK(ended || !log->keeps_open);
    CHECK(ended || log->problem != LN__HTTP_PROBLEM_NONE || feed->stays);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    struct http_feed feed = { .no_body = (data[0] & 1) != 0, .stays = (data[0] & 2) != 0 };
    feed.line_max = (data[0] & 4) != 0 ? 32 : 0;
    struct ln_span response = ln_span(data + 1, size - 1);
    http_log_read(&whole, response, &feed);
    check_body(&whole, &feed);
    feed.seed = 1 + (data[0] >> 3);
    feed.most = (data[0] & 0x80) != 0 ? 1 : 100;
    http_log_read(&pieces, response, &feed);
    CHECK(http_log_same(&whole, &pieces));
    free(whole.body);
    free(pieces.body);
    return 0;
}
