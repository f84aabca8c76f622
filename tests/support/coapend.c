/* SPDX-License-Identifier: Apache-2.0 */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the environment ---- */

static void *resize(void *ctx, void *block, size_t size)
{
    struct coapend *e = ctx;
    if (size == 0) {
        e->live--;
        free(block);
        return NULL;
    }
    assert_null(block);
    e->live++;
    e->heap = size;
    return malloc(size);
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    struct coapend *e = ctx;
    for (size_t i = 0; i < room.len; i++) {
        e->dice = e->dice * 6364136223846793005u + 1442695040888963407u;
        room.data[i] = (uint8_t)(e->dice >> 40);
    }
    return LN_OK;
}

static enum ln_status catch_sent(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    struct coapend *e = user;
    if (e->send_status != LN_OK)
        return e->send_status;
    size_t take = e->send_max != 0 && data.len > e->send_max ? e->send_max : data.len;
    assert_true(e->sent_count < COAPEND_SENT_MAX && take <= sizeof e->sent[0].bytes);
    struct coapend_sent *s = &e->sent[e->sent_count++];
    s->peer = peer;
    s->len = take;
    memcpy(s->bytes, data.data, take);
    *sent = take;
    return LN_OK;
}

/* ---- the log ---- */

void coapend_note(struct coapend *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(e->log + e->log_len, sizeof e->log - e->log_len, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof e->log - e->log_len - 1);
    e->log_len += (size_t)n;
    e->log[e->log_len++] = '\n';
    e->log[e->log_len] = '\0';
}

void coapend_expect_log(struct coapend *e, const char *lines)
{
    if (strcmp(e->log, lines) != 0)
        fail_msg("\nexpected:\n%sis:\n%s", lines, e->log);
    e->log_len = 0;
    e->log[0] = '\0';
}

/* ---- what the endpoint tells ---- */

static void check_body(struct coapend *e, struct ln_span bytes, uint32_t offset)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != coaptext_body(offset + (uint32_t)i)) {
            e->bodies_wrong++;
            return;
        }
}

void coapend_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct coapend *e = user;
    (void)id;
    assert_int_equal(now, e->now);
    coapend_note(e, "done %s", ln_coap_outcome_text(outcome));
}

enum ln_coap_verdict coapend_on_response(void *user, const struct ln_coap_response *r)
{
    struct coapend *e = user;
    const char *last = r->last ? " last" : "";
    const char *final = r->final ? " final" : "";
    assert_int_equal(r->now, e->now);
    assert_true(r->sent <= e->now);
    if (r->outcome == LN_COAP_RESPONSE) {
        char code[LN_COAP_CODE_ROOM];
        assert_non_null(r->msg);
        ln_coap_code_text(r->msg->code, code);
        coapend_note(e, "response %.4s %u+%zu%s%s%s", code, (unsigned)r->offset, r->payload.len,
                     last, final, r->notification ? " notification" : "");
        check_body(e, r->payload, r->offset);
    } else {
        assert_null(r->msg);
        coapend_note(e, "%s", ln_coap_outcome_text(r->outcome));
    }
    if (e->on_response != NULL)
        e->on_response(e, r);
    return e->verdict;
}

static void serve(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct coapend *e = user;
    char path[300] = "";
    char code[LN_COAP_CODE_ROOM];
    struct ln_coap_iter it = ln_coap_options(in->msg->options);
    struct ln_span segment;
    while (ln_coap_next_of(&it, LN_COAP_URI_PATH, &segment)) {
        size_t at = strlen(path);
        assert_true(segment.len < sizeof path - at - 2);
        (void)snprintf(path + at, sizeof path - at, "/%.*s", (int)segment.len,
                       (const char *)segment.data);
    }
    assert_int_equal(in->now, e->now);
    coapend_note(e, "request %s %s %u+%zu%s%s%s", ln_coap_code_text(in->msg->code, code), path,
                 (unsigned)in->offset, in->msg->payload.len, in->first ? " first" : "",
                 in->last ? " last" : "", in->from > 0 ? " further" : "");
    if (!in->first || !in->last)
        check_body(e, in->msg->payload, in->offset);
    if (in->first && !in->last)
        *in->body = e;
    if (e->serve != NULL) {
        e->serve(e, in, reply);
        return;
    }
    reply->code = in->last ? LN_COAP_CONTENT : LN_COAP_CONTINUE;
    if (in->last)
        ln_coap_put_payload(reply->out, ln_span_str(path));
}

static void dropped(void *user, ln_coap_peer peer, void *body)
{
    (void)peer;
    assert_ptr_equal(user, body);
    coapend_note(user, "dropped");
}

static void rejected(void *user, ln_coap_peer peer, const struct ln_coap_token *token)
{
    (void)peer;
    coapend_note(user, "rejected %02x%02x", token->data[0], token->data[1]);
}

static void event(void *user, enum ln_coap_event event, const struct ln_coap_msg *msg)
{
    static const char *const words[] = { "ready", "released", "aborted" };
    assert_non_null(msg);
    coapend_note(user, "event %s", words[event]);
}

static const struct ln_coap_handler handler = {
    .request = serve,
    .dropped = dropped,
    .rejected = rejected,
    .event = event,
};

static enum ln_status read_body(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                bool *end)
{
    struct coapend *e = user;
    if (e->read_status != LN_OK)
        return e->read_status;
    /* the contract of sources */
    assert_true(e->any_order || offset == 0 || offset >= e->read_max_offset);
    if (offset == 0 || offset > e->read_max_offset)
        e->read_max_offset = offset;
    if (offset > e->body_size)
        return LN_BAD_ARG;
    size_t left = e->body_size - offset;
    *end = left <= room.len;
    *len = *end ? left : room.len;
    for (size_t i = 0; i < *len; i++)
        room.data[i] = coaptext_body(offset + (uint32_t)i);
    return LN_OK;
}

static void source_done(void *user, bool whole)
{
    coapend_note(user, "source done %s", whole ? "whole" : "broken");
}

struct ln_coap_source coapend_source(struct coapend *e)
{
    return (struct ln_coap_source) { .read = read_body,
                                     .done = source_done,
                                     .user = e,
                                     .size = e->body_size,
                                     .any_order = e->any_order,
                                     .etag = e->etag };
}

/* ---- life ---- */

void coapend_init(struct coapend *e, const struct ln_coap_config *config)
{
    memset(e, 0, sizeof *e);
    e->now = 1000000;
    e->dice = 1;
    e->env.alloc = (struct ln_alloc) { .resize = resize, .ctx = e };
    e->env.random = (struct ln_random) { .fill = fill, .ctx = e };
    if (config != NULL)
        e->config = *config;
    e->config.send = catch_sent;
    e->config.handler = &handler;
    e->config.user = e;
    assert_int_equal(ln_coap_new(&e->env, &e->config, NULL, &e->coap), LN_OK);
}

void coapend_deinit(struct coapend *e)
{
    ln_coap_free(e->coap);
    assert_int_equal(e->live, 0);
    assert_int_equal(e->bodies_wrong, 0);
}

/* ---- in and out ---- */

void coapend_receive_bytes(struct coapend *e, ln_coap_peer peer, struct ln_span bytes)
{
    /* a block of just its length: a sanitizer sees what is read behind it */
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    enum ln_status st = ln_coap_receive(e->coap, peer, ln_span(copy, bytes.len), e->now);
    free(copy);
    assert_int_equal(st, LN_OK);
}

void coapend_receive_from(struct coapend *e, ln_coap_peer peer, const char *text)
{
    uint8_t room[COAPTEXT_ROOM];
    coapend_receive_bytes(e, peer, coaptext_build(text, &e->vars, room));
}

void coapend_receive(struct coapend *e, const char *text)
{
    coapend_receive_from(e, 0, text);
}

void coapend_expect(struct coapend *e, const char *text)
{
    if (e->sent_read == e->sent_count)
        fail_msg("nothing was sent; expected: %s", text);
    const struct coapend_sent *s = &e->sent[e->sent_read++];
    coaptext_expect(ln_span(s->bytes, s->len), text, &e->vars);
    if (e->sent_read == e->sent_count)
        e->sent_read = e->sent_count = 0;
}

void coapend_expect_nothing(struct coapend *e)
{
    char text[COAPTEXT_ROOM];
    if (e->sent_read == e->sent_count)
        return;
    const struct coapend_sent *s = &e->sent[e->sent_read];
    bool tcp = e->config.transport == LN_COAP_OVER_TCP;
    fail_msg("sent: %s", coaptext_render(ln_span(s->bytes, s->len), tcp, text));
}

void coapend_advance(struct coapend *e, ln_msec ms)
{
    ln_msec until = e->now + ms;
    for (;;) {
        ln_msec due = ln_coap_deadline(e->coap);
        if (due > until)
            break;
        e->now = due > e->now ? due : e->now;
        assert_int_equal(ln_coap_step(e->coap, e->now), LN_OK);
        assert_true(ln_coap_deadline(e->coap) > e->now);
    }
    e->now = until;
}

/* ---- requests ---- */

enum ln_status coapend_request(struct coapend *e, const char *text,
                               const struct ln_coap_request *more, ln_coap_id *id)
{
    char with_header[COAPTEXT_ROOM];
    uint8_t room[COAPTEXT_ROOM];
    struct ln_coap_msg msg;
    struct ln_coap_request rq = { .peer = 0 };
    size_t method = strcspn(text, " ");
    if (more != NULL)
        rq = *more;
    (void)snprintf(with_header, sizeof with_header, "CON %.*s 0000 -%s", (int)method, text,
                   text + method);
    assert_int_equal(ln_coap_read_udp(coaptext_build(with_header, &e->vars, room), &msg), LN_OK);
    rq.code = msg.code;
    rq.options = msg.options;
    rq.payload = msg.payload;
    rq.on_response = coapend_on_response;
    rq.user = e;
    return ln_coap_request(e->coap, &rq, e->now, id);
}
