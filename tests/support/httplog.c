/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: httplog.h.
 */
#include "support/httplog.h"

#include <stdio.h>
#include <stdlib.h>

static void add(struct http_log *log, struct ln_span text)
{
    if (text.len > sizeof log->fields - log->fields_len)
        abort(); /* more than a head may have */
    if (text.len > 0)
        memcpy(log->fields + log->fields_len, text.data, text.len);
    log->fields_len += text.len;
}

static void add_text(struct http_log *log, const char *text)
{
    add(log, ln_span_str(text));
}

static void note(struct http_log *log, const struct ln__http_reader *r,
                 const struct ln__http_event *event)
{
    char line[64];
    switch (event->kind) {
    case LN__HTTP_FIELD:
        add(log, event->name);
        add_text(log, "=");
        add(log, event->data);
        add_text(log, "|");
        break;
    case LN__HTTP_HEAD:
        log->head = r->head;
        (void)snprintf(line, sizeof line, "%u%s", r->head.status,
                       r->head.chunked ? " chunked" : "");
        add_text(log, line);
        if (r->head.has_length)
            (void)snprintf(line, sizeof line, " length %llu", (unsigned long long)r->head.length);
        add_text(log, r->head.has_length ? line : "");
        break;
    case LN__HTTP_DATA:
        memcpy(log->body + log->body_len, event->data.data, event->data.len);
        log->body_len += event->data.len;
        break;
    case LN__HTTP_END:
        log->end = "end";
        break;
    }
}

static size_t cut(uint64_t *dice, const struct http_feed *feed, size_t left)
{
    size_t most = feed->most > 0 ? feed->most : 16;
    if (feed->seed == 0)
        return left;
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    size_t n = (size_t)(*dice >> 33) % most + 1;
    return n < left ? n : left;
}

void http_log_read(struct http_log *log, struct ln_span response, const struct http_feed *feed)
{
    struct ln__http_reader r;
    uint64_t dice = feed->seed;
    size_t seen = 0;
    size_t done = 0;
    enum ln_status st = LN_AGAIN;
    memset(log, 0, sizeof *log);
    log->end = "more";
    log->body = malloc(response.len + 1);
    if (log->body == NULL)
        abort();
    ln__http_reader_init(&r, feed->no_body, feed->line_max > 0 ? feed->line_max : SIZE_MAX);
    for (;;) {
        struct ln__http_event event;
        size_t used = 0;
        struct ln_span in = { NULL, 0 };
        if (seen > done)
            in = ln_span(response.data + done, seen - done);
        st = ln__http_next(&r, in, &used, &event);
        if (used > in.len)
            abort();
        done += used;
        if (st == LN_OK)
            note(log, &r, &event);
        if (st == LN_AGAIN && seen == response.len && (feed->stays || ln__http_ended(&r) != LN_OK))
            break;
        if (st != LN_OK && st != LN_AGAIN)
            break;
        if (st == LN_AGAIN)
            seen += cut(&dice, feed, response.len - seen);
    }
    log->problem = r.problem;
    if (r.problem != LN__HTTP_PROBLEM_NONE)
        log->end = ln__http_problem_text(r.problem);
    log->keeps_open = ln__http_keeps_open(&r);
    log->left = response.len - done;
}

bool http_log_same(const struct http_log *a, const struct http_log *b)
{
    bool refused = a->problem != LN__HTTP_PROBLEM_NONE;
    return a->problem == b->problem && strcmp(a->end, b->end) == 0 &&
           a->fields_len == b->fields_len && memcmp(a->fields, b->fields, a->fields_len) == 0 &&
           a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0 &&
           a->keeps_open == b->keeps_open && (refused || a->left == b->left);
}
