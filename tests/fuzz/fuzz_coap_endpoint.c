/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the endpoint of src/coap as a state machine, over UDP and TCP, in an environment that
 * is the same each time. The input is a script: calls of the program, the passing of time, bytes from
 * the peer, and answers that fit what was sent, so that transfers get somewhere.
 *
 * Whatever happens: every request, notification and source is told its end exactly once, the pieces
 * of a body come in order and without gaps, and nothing is allocated after the beginning. */
#include "fuzz/fuzz.h"

#include <linnet/coap.h>

#include "fuzz/check.h"

enum { TRACKED = 256 };

/* Whatever it says: the endpoint must stand it. */
static void ignore(enum ln_status st)
{
    (void)st;
}

struct track {
    ln_coap_id id;
    uint32_t next; /* of the body */
    bool live;
};

struct script {
    const uint8_t *data;
    size_t size, at;
};

struct fuzzed {
    struct ln_coap *coap;
    struct ln_env env;
    struct script in;
    ln_msec now;
    uint64_t dice;
    unsigned allocations;
    bool tcp;
    bool starting;
    int depth;

    struct track requests[TRACKED];
    size_t request_count;
    int sources;       /* taken and not done */
    int notifications; /* confirmable, not told their end */
    struct ln_coap_later later[8];
    size_t later_count;

    uint8_t last[LN_COAP_MESSAGE_MAX]; /* what was sent last */
    size_t last_len;
};

static uint8_t next_byte(struct fuzzed *f)
{
    return f->in.at < f->in.size ? f->in.data[f->in.at++] : 0;
}

static struct ln_span next_bytes(struct fuzzed *f, size_t most)
{
    size_t left = f->in.size - f->in.at;
    size_t len = left < most ? left : most;
    struct ln_span out = ln_span(f->in.data + f->in.at, len);
    f->in.at += len;
    return out;
}

/* ---- the environment ---- */

static void *resize(void *ctx, void *block, size_t size)
{
    struct fuzzed *f = ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    f->allocations++;
    return realloc(block, size);
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    struct fuzzed *f = ctx;
    for (size_t i = 0; i < room.len; i++) {
        f->dice = f->dice * 6364136223846793005u + 1442695040888963407u;
        room.data[i] = (uint8_t)(f->dice >> 40);
    }
    return LN_OK;
}

static enum ln_status send_out(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    struct fuzzed *f = user;
    struct ln_coap_msg m;
    CHECK(f->coap != NULL || f->starting);
    CHECK(data.len > 0 && peer < 4);
    uint8_t mood = (uint8_t)(f->dice >> 20) & 15;
    if (mood == 0)
        return LN_AGAIN;
    size_t take = f->tcp && mood == 1 ? 1 : data.len;
    if (!f->tcp)
        CHECK(data.len <= LN_COAP_MESSAGE_MAX && ln_coap_read_udp(data, &m) == LN_OK);
    if (data.len <= sizeof f->last) {
        memcpy(f->last, data.data, data.len);
        f->last_len = data.len;
    }
    *sent = take;
    return LN_OK;
}

/* ---- what is promised ---- */

static enum ln_status read_source(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                  bool *end)
{
    struct fuzzed *f = user;
    CHECK(room.len >= 16 && room.len <= 1024 && offset % 16 == 0);
    uint32_t size = 16u + (uint32_t)(f->dice >> 50) % 5000;
    if (((f->dice >> 13) & 63) == 0)
        return LN_IO;
    size_t left = offset < size ? size - offset : 0;
    *end = left <= room.len;
    *len = *end ? left : room.len;
    memset(room.data, 0x33, *len);
    return LN_OK;
}

static void source_done(void *user, bool whole)
{
    struct fuzzed *f = user;
    (void)whole;
    CHECK(f->sources > 0);
    f->sources--;
}

static struct ln_coap_source make_source(struct fuzzed *f)
{
    static const uint8_t etag[] = { 1, 2, 3 };
    return (struct ln_coap_source) {
        .read = read_source,
        .done = source_done,
        .user = f,
        .size = (next_byte(f) & 1) != 0 ? 1000 : LN_COAP_SIZE_UNKNOWN,
        .any_order = (next_byte(f) & 1) != 0,
        .etag = ln_span(etag, next_byte(f) % 4),
    };
}

static void call(struct fuzzed *f);

static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    struct track *t = user;
    CHECK(t->live && (t->id == r->id || t->id == 0));
    CHECK((r->outcome == LN_COAP_RESPONSE) == (r->msg != NULL));
    CHECK(r->outcome == LN_COAP_RESPONSE || r->final);
    CHECK(!r->final || r->last || r->outcome != LN_COAP_RESPONSE);
    CHECK(r->sent <= r->now);
    if (r->msg != NULL && ln_coap_class(r->msg->code) == 2) {
        CHECK(r->offset == t->next || r->offset == 0);
        t->next = r->last ? 0 : r->offset + (uint32_t)r->payload.len;
    }
    if (r->final)
        t->live = false;
    unsigned mood = r->payload.len > 0 ? r->payload.data[0] % 16u : 3;
    if (mood == 0)
        return LN_COAP_PAUSE;
    if (mood == 1) {
        t->live = false;
        return LN_COAP_STOP;
    }
    return LN_COAP_GO;
}

static void on_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct fuzzed *f = user;
    CHECK(now == f->now);
    if (outcome == LN_COAP_SENT)
        return;
    CHECK(id != 0 && f->notifications > 0);
    f->notifications--;
}

/* A body of the peer's: its pieces come one behind the other. */
struct body {
    uint32_t next;
    bool live;
};
static struct body bodies[64];

static void request(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct fuzzed *f = user;
    CHECK(in->coap == f->coap && in->now == f->now && in->body != NULL);
    CHECK(in->first == (in->offset == 0));
    if (in->first && !in->last) {
        size_t i = 0;
        while (i < 64 && bodies[i].live)
            i++;
        CHECK(i < 64);
        bodies[i] = (struct body) { .live = true };
        *in->body = &bodies[i];
    }
    struct body *body = *in->body;
    if (body != NULL) {
        CHECK(body->live && body->next == in->offset);
        body->next += (uint32_t)in->msg->payload.len;
    }
    uint8_t what = next_byte(f);
    if (!in->last && what % 8 != 0) {
        reply->code = LN_COAP_CONTINUE;
        return;
    }
    if (body != NULL)
        body->live = false;
    if (f->depth < 2 && what % 16 == 9)
        call(f);
    if (in->last && what % 8 == 1 && f->later_count < 8) {
        ln_coap_reply_later(reply, in, &f->later[f->later_count++]);
        return;
    }
    reply->code = what % 8 == 2 ? what : LN_COAP_CONTENT;
    reply->observe = what % 2 != 0;
    ln_coap_put_uint(reply->out, LN_COAP_CONTENT_FORMAT, what);
    if (what % 8 < 5) {
        reply->source = make_source(f);
        f->sources++;
    } else {
        ln_coap_put_payload(reply->out, next_bytes(f, (size_t)what * 5));
    }
}

static void dropped(void *user, ln_coap_peer peer, void *body)
{
    struct body *b = body;
    (void)user;
    (void)peer;
    CHECK(b->live);
    b->live = false;
}

static void rejected(void *user, ln_coap_peer peer, const struct ln_coap_token *token)
{
    (void)user;
    CHECK(peer < 4 && token->len <= 8);
}

static const struct ln_coap_handler handler = { .request = request,
                                                .dropped = dropped,
                                                .rejected = rejected };

/* ---- calls ---- */

static struct ln_span some_options(struct fuzzed *f, struct ln_mspan room)
{
    struct ln_coap_writer w;
    struct ln_span out = ln_span(NULL, 0);
    ln_coap_write_options(&w, room);
    for (unsigned n = next_byte(f) % 4; n > 0; n--)
        ln_coap_put(&w, LN_COAP_URI_PATH, next_bytes(f, next_byte(f) % 40));
    CHECK(ln_coap_writer_end(&w, &out) == LN_OK);
    return out;
}

static void call_request(struct fuzzed *f)
{
    uint8_t room[256];
    if (f->request_count == TRACKED)
        return;
    struct track *t = &f->requests[f->request_count];
    struct ln_coap_source source = make_source(f);
    uint8_t how = next_byte(f);
    struct ln_coap_request rq = {
        .peer = f->tcp ? 0 : how & 3u,
        .code = (uint8_t)(1 + next_byte(f) % 7),
        .non_confirmable = (how & 4) != 0,
        .class_ = (how & 8) != 0 ? LN_COAP_BULK : LN_COAP_NORMAL,
        .options = some_options(f, ln_mspan(room, sizeof room)),
        .szx = next_byte(f) % 8,
        .from = (how & 16) != 0 ? 1024 : 0,
        .on_response = on_response,
        .user = t,
    };
    rq.observe = (how & 32) != 0 && (rq.code == LN_COAP_GET || rq.code == LN_COAP_FETCH);
    if ((how & 64) != 0)
        rq.source = &source;
    else
        rq.payload = next_bytes(f, next_byte(f));
    *t = (struct track) { .next = rq.from };
    f->sources += rq.source != NULL;
    t->live = true;
    ln_coap_id id = 0;
    if (ln_coap_request(f->coap, &rq, f->now, &id) != LN_OK) {
        f->sources -= rq.source != NULL;
        t->live = false;
        return;
    }
    t->id = id;
    f->request_count++;
}

static void call_notify(struct fuzzed *f, bool deferred)
{
    uint8_t room[256];
    struct ln_coap_source source = make_source(f);
    uint8_t how = next_byte(f);
    struct ln_coap_notification n = {
        .peer = f->tcp ? 0 : how & 3u,
        .token = { .len = 1, .data = { how } },
        .key = how,
        .confirmable = (how & 4) != 0,
        .szx = next_byte(f) % 7,
        .answer = { .code = (how & 8) != 0 ? LN_COAP_CONTENT : LN_COAP_NOT_FOUND,
                    .options = some_options(f, ln_mspan(room, sizeof room)) },
        .done = on_done,
        .user = f,
    };
    if ((how & 16) != 0)
        n.answer.source = &source;
    else
        n.answer.payload = next_bytes(f, next_byte(f));
    f->sources += n.answer.source != NULL;
    ln_coap_id id = 0;
    enum ln_status st = LN_BAD_STATE;
    f->notifications++;
    if (!deferred)
        st = ln_coap_notify(f->coap, &n, f->now, &id);
    else if (f->later_count > 0)
        st = ln_coap_respond(f->coap, &f->later[--f->later_count], &n.answer, f->now, on_done, f,
                             &id);
    if (st != LN_OK || id == 0)
        f->notifications--;
    if (st != LN_OK)
        f->sources -= n.answer.source != NULL;
}

static void call_cancel(struct fuzzed *f, bool cancel)
{
    if (f->request_count == 0)
        return;
    struct track *t = &f->requests[next_byte(f) % f->request_count];
    if (cancel) {
        ln_coap_cancel(f->coap, t->id);
        t->live = false;
    } else if (ln_coap_resume(f->coap, t->id, f->now) == LN_OK) {
        ignore(ln_coap_unobserve(f->coap, (next_byte(f) & 1) != 0 ? t->id : 0, f->now));
    }
}

static void call(struct fuzzed *f)
{
    f->depth++;
    switch (next_byte(f) % 8) {
    case 0:
    case 1:
    case 2:
        call_request(f);
        break;
    case 3:
        call_notify(f, false);
        break;
    case 4:
        call_notify(f, true);
        break;
    case 5:
        call_cancel(f, true);
        break;
    case 6:
        call_cancel(f, false);
        break;
    case 7:
        f->notifications++;
        if (ln_coap_ping(f->coap, 0, f->now, on_done, f, NULL) != LN_OK)
            f->notifications--;
        break;
    }
    f->depth--;
}

/* ---- the peer and the clock ---- */

static void receive(struct fuzzed *f, ln_coap_peer peer, struct ln_span bytes)
{
    size_t most = ln_coap_receive_room(f->coap);
    if (bytes.len > most)
        bytes.len = most;
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1); /* of just this length */
    CHECK(copy != NULL);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    enum ln_status st =
        ln_coap_receive(f->coap, f->tcp ? 0 : peer, ln_span(copy, bytes.len), f->now);
    free(copy);
    CHECK(f->tcp || st == LN_OK);
    if (st == LN_OK)
        return;
    f->later_count = 0;
    ln_coap_reset(f->coap, f->now);
    CHECK(f->notifications == 0 && !ln_coap_is_busy(f->coap));
    ignore(ln_coap_start(f->coap, f->now));
}

/* An answer that fits what was sent last, with blocks as the script says. */
static void answer(struct fuzzed *f)
{
    uint8_t room[LN_COAP_MESSAGE_MAX + 64];
    struct ln_coap_writer w;
    struct ln_coap_msg m;
    struct ln_span sent = ln_span(f->last, f->last_len);
    struct ln_span out;
    uint8_t how = next_byte(f);
    uint8_t code = (how & 1) != 0 ? next_byte(f) : LN_COAP_CONTENT;
    if ((f->tcp ? ln_coap_read_tcp(sent, &m) : ln_coap_read_udp(sent, &m)) != LN_OK)
        return;
    if (f->tcp)
        ln_coap_write_tcp(&w, ln_mspan(room, sizeof room), code, &m.token);
    else
        ln_coap_write_udp(
            &w, ln_mspan(room, sizeof room), (how & 2) != 0 ? LN_COAP_CON : LN_COAP_ACK,
            (how & 4) != 0 ? LN_COAP_EMPTY : code, m.mid, (how & 4) != 0 ? NULL : &m.token);
    if (f->tcp || (how & 4) == 0) {
        if ((m.has & LN_COAP_HAS_BLOCK1) != 0)
            ln_coap_put_block(&w, LN_COAP_BLOCK1, m.block1);
        if ((how & 8) != 0)
            ln_coap_put_uint(&w, LN_COAP_OBSERVE, next_byte(f));
        struct ln_coap_block block = m.block2;
        if ((m.has & LN_COAP_HAS_BLOCK2) == 0)
            block = (struct ln_coap_block) { .szx = next_byte(f) % 7 };
        block.more = (how & 16) != 0;
        if ((how & 32) != 0)
            ln_coap_put_block(&w, LN_COAP_BLOCK2, block);
        struct ln_mspan payload = ln_coap_payload_room(&w);
        size_t len = ln_coap_block_size(block.szx % 7);
        if (len <= payload.len) {
            memset(payload.data, next_byte(f), len);
            ln_coap_payload_written(&w, len);
        }
    }
    if (ln_coap_writer_end(&w, &out) == LN_OK)
        receive(f, 0, out);
}

static void pass_time(struct fuzzed *f)
{
    ln_msec due = ln_coap_deadline(f->coap);
    ln_msec later = f->now + next_byte(f) * (ln_msec)1000;
    if (due < later)
        later = due;
    if (later > f->now)
        f->now = later;
    ignore(ln_coap_step(f->coap, f->now));
}

static void act(struct fuzzed *f)
{
    uint8_t what = next_byte(f);
    switch (what % 8) {
    case 0:
    case 1:
        receive(f, what >> 6, next_bytes(f, next_byte(f)));
        break;
    case 2:
    case 3:
    case 4:
        answer(f);
        break;
    case 5:
        call(f);
        break;
    case 6:
        pass_time(f);
        break;
    case 7:
        if (what == 7)
            ln_coap_set_max_message(f->coap, (size_t)next_byte(f) * 8);
        else
            call_request(f);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzzed fuzzed;
    struct fuzzed *f = &fuzzed;
    memset(f, 0, sizeof *f);
    memset(bodies, 0, sizeof bodies);
    f->in = (struct script) { .data = data, .size = size };
    f->now = 1000;
    f->dice = 99;
    f->starting = true;
    f->env.alloc = (struct ln_alloc) { .resize = resize, .ctx = f };
    f->env.random = (struct ln_random) { .fill = fill, .ctx = f };
    uint8_t kind = next_byte(f);
    f->tcp = (kind & 1) != 0;
    struct ln_coap_config config = {
        .transport = f->tcp ? LN_COAP_OVER_TCP : LN_COAP_OVER_UDP,
        .nstart = { 1, (uint8_t)(1 + (kind >> 1) % 4) },
        .exchanges = (uint8_t)(1 + (kind >> 3) % 8),
        .transfers = (uint8_t)(1 + (kind >> 6)),
        .cache_bytes = (kind & 16) != 0 ? 100 : 0,
        .send = send_out,
        .handler = &handler,
        .user = f,
    };
    CHECK(ln_coap_new(&f->env, &config, NULL, &f->coap) == LN_OK);
    ignore(ln_coap_start(f->coap, f->now));
    while (f->in.at < f->in.size)
        act(f);
    CHECK(f->allocations == 1);
    f->later_count = 0;
    ln_coap_free(f->coap);
    CHECK(f->sources == 0 && f->notifications == 0);
    for (size_t i = 0; i < f->request_count; i++)
        CHECK(!f->requests[i].live);
    for (size_t i = 0; i < 64; i++)
        CHECK(!bodies[i].live);
    return 0;
}
