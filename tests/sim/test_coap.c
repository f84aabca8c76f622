/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_coap.c
 * Two endpoints on sockets of the in-memory network, both client and server, over UDP and TCP: reads,
 * writes, downloads with blocks asked for ahead, an observation, pings, in a random order, through
 * loss, duplication and reordering by seed; and the same with each allocation and each network call
 * failing.
 *
 * Whatever the network does: a body that is complete is the right one, each piece of it came once and
 * in its place; what was written once is handed out once; everything ends and is told once.
 *
 * A failure tells its seed: LN_TEST_SEED=n repeats it. LN_TEST_FULL=1 runs a thousand.
 */
#include "support/coaptext.h"

#include <linnet/coap_link.h>
#include <linnet/testkit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PORT = 5683, BODIES = 32, OPS = 12, SEEDS = 40, SEEDS_FULL = 1000, LONGEST = 6000 };

/* ---- the world ---- */

struct world;

/* A body on its way to somebody. */
struct body {
    size_t index;
    uint32_t size;
    uint32_t got;  /* bytes that came */
    unsigned done; /* how often it was complete */
    bool seen[LONGEST / 16 + 2];
};

/* An endpoint on a socket. */
struct end {
    struct ln_coap_link link; /* first: it is config.user */
    struct world *w;
    struct ln_env env;
    struct ln_diag diag;
    enum ln_status failed;
    bool observed; /* somebody observes a body here */
    struct ln_coap_token token;
    uint64_t key;
    int notifications; /* confirmable ones that were not told their end */
};

/* A request under way. */
struct asked {
    struct world *w;
    struct body *body;
    bool put;
    bool observe;
    bool unordered;
    bool used;
};

struct world {
    struct ln_testkit *kit;
    struct ln_sock *listener;
    struct end a; /* connects */
    struct end b; /* accepts */
    uint64_t dice;
    bool lossy;
    struct body bodies[BODIES];
    struct asked asked[BODIES];
    size_t body_count;
    unsigned ops_left;
    unsigned busy; /* requests and pings under way, without the observation */
    unsigned notified;
};

static struct world the_world;
static uint64_t running = UINT64_MAX;

static unsigned cast(struct world *w, unsigned faces)
{
    w->dice = w->dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((w->dice >> 33) % faces);
}

/* ---- bodies ---- */

static uint8_t byte_of(const struct body *b, uint32_t offset)
{
    return (uint8_t)(coaptext_body(offset) ^ (b->index * 37));
}

static struct body *new_body(struct world *w, uint32_t size)
{
    struct body *b = &w->bodies[w->body_count];
    assert_true(w->body_count < BODIES);
    *b = (struct body) { .index = w->body_count++, .size = size };
    return b;
}

static void take_piece(struct body *b, uint32_t offset, struct ln_span bytes, bool unordered)
{
    assert_true(offset + bytes.len <= b->size);
    if (offset == 0 && !unordered) { /* it begins, or begins anew */
        b->got = 0;
        memset(b->seen, 0, sizeof b->seen);
    }
    if (!unordered)
        assert_int_equal(offset, b->got);
    for (uint32_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != byte_of(b, offset + i))
            fail_msg("a wrong byte at %u of body %zu", (unsigned)(offset + i), b->index);
        if ((offset + i) % 16 == 0)
            assert_false(b->seen[(offset + i) / 16]); /* once */
        b->seen[(offset + i) / 16] = true;
    }
    b->got += (uint32_t)bytes.len;
}

static void complete(struct body *b)
{
    assert_int_equal(b->got, b->size);
    b->done++;
}

static enum ln_status read_body(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                bool *end)
{
    const struct body *b = user;
    if (offset > b->size)
        return LN_BAD_ARG;
    size_t left = b->size - offset;
    *end = left <= room.len;
    *len = *end ? left : room.len;
    for (uint32_t i = 0; i < *len; i++)
        room.data[i] = byte_of(b, offset + i);
    return LN_OK;
}

static struct ln_coap_source source_of(struct world *w, struct body *b)
{
    bool tell = cast(w, 2) == 0;
    return (struct ln_coap_source) { .read = read_body,
                                     .user = b,
                                     .any_order = true,
                                     .size = tell ? b->size : LN_COAP_SIZE_UNKNOWN };
}

/* ---- the server's half of both ---- */

/* The query is the number of the body. */
static struct body *body_of(struct world *w, const struct ln_coap_msg *msg)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span query;
    size_t index = 0;
    assert_true(ln_coap_next_of(&it, LN_COAP_URI_QUERY, &query));
    for (size_t i = 0; i < query.len; i++)
        index = index * 10 + (size_t)(query.data[i] - '0');
    assert_true(index < w->body_count);
    return &w->bodies[index];
}

static void request(void *user, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    struct end *e = user;
    struct body *b = body_of(e->w, in->msg);
    if (in->msg->code == LN_COAP_PUT) {
        take_piece(b, in->offset, in->msg->payload, false);
        reply->code = in->last ? LN_COAP_CHANGED : LN_COAP_CONTINUE;
        if (in->last)
            complete(b);
        return;
    }
    reply->code = LN_COAP_CONTENT;
    reply->source = source_of(e->w, b);
    if ((in->msg->has & LN_COAP_HAS_OBSERVE) == 0)
        return;
    e->observed = in->msg->observe == 0;
    reply->observe = e->observed;
    e->token = in->msg->token;
    e->key = ln_coap_key(in->msg);
}

static void rejected(void *user, ln_coap_peer peer, const struct ln_coap_token *token)
{
    struct end *e = user;
    (void)peer;
    assert_true(ln_coap_token_equal(token, &e->token));
    e->observed = false;
}

static const struct ln_coap_handler handler = { .request = request, .rejected = rejected };

static void notification_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct end *e = user;
    (void)now;
    if (outcome == LN_COAP_SENT)
        return;
    assert_true(id != 0 && e->notifications > 0);
    e->notifications--;
    if (outcome != LN_COAP_ACKNOWLEDGED)
        e->observed = false;
}

static void notify(struct end *e, struct body *b)
{
    struct ln_coap_source source = source_of(e->w, b);
    struct ln_coap_notification n = { .token = e->token,
                                      .key = e->key,
                                      .confirmable = cast(e->w, 2) == 0,
                                      .szx = 4,
                                      .answer = { .code = LN_COAP_CONTENT, .source = &source },
                                      .done = notification_done,
                                      .user = e };
    ln_coap_id id = 0;
    e->notifications++;
    enum ln_status st = ln_coap_notify(e->link.coap, &n, ln_testkit_now(e->w->kit), &id);
    if (st != LN_OK || id == 0)
        e->notifications--;
}

/* ---- the client's half of both ---- */

static void went_wrong(const struct world *w, const char *how)
{
    if (!w->lossy)
        fail_msg("without loss: %s", how);
}

static void answered(struct asked *q, const struct ln_coap_response *r)
{
    char code[LN_COAP_CODE_ROOM];
    if (ln_coap_class(r->msg->code) != 2) {
        went_wrong(q->w, ln_coap_code_text(r->msg->code, code));
    } else if (q->put) {
        assert_int_equal(r->msg->code, LN_COAP_CHANGED);
        assert_int_equal(q->body->done, 1); /* neither lost nor twice */
    } else {
        take_piece(q->body, r->offset, r->payload, q->unordered);
        if (r->last)
            complete(q->body);
    }
}

static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    struct asked *q = user;
    struct world *w = q->w;
    assert_true(q->used);
    if (r->outcome != LN_COAP_RESPONSE)
        went_wrong(w, ln_coap_outcome_text(r->outcome));
    else
        answered(q, r);
    w->notified += r->notification && r->last;
    if (!r->final)
        return LN_COAP_GO;
    q->used = false;
    w->busy -= !q->observe;
    return LN_COAP_GO;
}

static bool ask(struct end *e, struct body *b, struct ln_coap_request *rq)
{
    uint8_t room[64];
    char query[16];
    struct ln_coap_writer w;
    struct asked *q = &e->w->asked[b->index];
    (void)snprintf(query, sizeof query, "%zu", b->index);
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "x");
    ln_coap_put_text(&w, LN_COAP_URI_QUERY, query);
    assert_int_equal(ln_coap_writer_end(&w, &rq->options), LN_OK);
    rq->on_response = on_response;
    rq->user = q;
    *q = (struct asked) { .w = e->w,
                          .body = b,
                          .put = rq->code == LN_COAP_PUT,
                          .observe = rq->observe,
                          .unordered = rq->unordered,
                          .used = true };
    enum ln_status st = ln_coap_request(e->link.coap, rq, ln_testkit_now(e->w->kit), NULL);
    q->used = st == LN_OK;
    e->w->busy += st == LN_OK && !rq->observe;
    return st == LN_OK;
}

static void pinged(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct world *w = user;
    (void)id;
    (void)now;
    if (outcome != LN_COAP_RESPONSE)
        went_wrong(w, ln_coap_outcome_text(outcome));
    w->busy--;
}

/* One more thing to do, by one of the two. */
static void begin_one(struct world *w)
{
    struct end *e = cast(w, 3) == 0 ? &w->b : &w->a;
    uint32_t size = cast(w, 3) == 0 ? cast(w, 100) : cast(w, LONGEST) + 1;
    unsigned what = cast(w, 6);
    if (what == 3) {
        enum ln_status st = ln_coap_ping(e->link.coap, 0, ln_testkit_now(w->kit), pinged, w, NULL);
        w->busy += st == LN_OK;
        return;
    }
    struct body *b = new_body(w, size);
    struct ln_coap_source source = source_of(w, b);
    struct ln_coap_request rq = { .code = what == 0 ? LN_COAP_PUT : LN_COAP_GET,
                                  .class_ = what == 1 || what == 2 ? LN_COAP_BULK : LN_COAP_NORMAL,
                                  .unordered = what == 2,
                                  .source = what == 0 ? &source : NULL,
                                  .szx = (uint8_t)(cast(w, 3) == 0 ? 0 : 2 + cast(w, 5)) };
    (void)ask(e, b, &rq);
}

/* All the time, by the device: it begins, so that the server knows its address. Over TCP there must
 * be a connection first. */
static void begin_observing(struct world *w, bool tcp)
{
    struct ln_coap_request observe = { .code = LN_COAP_GET, .observe = true };
    if (!tcp)
        assert_true(ask(&w->a, new_body(w, 300 + cast(w, 2000)), &observe));
}

/* ---- driving ---- */

/* Step until nothing more is there to be read. */
static void step_end(struct end *e)
{
    enum ln_status st = LN_OK;
    uint32_t before = 0;
    if (e->link.sock == NULL || e->link.coap == NULL || e->failed != LN_OK)
        return;
    do {
        before = ln_coap_counters(e->link.coap)->received;
        st = ln_coap_link_step(&e->link, ln_testkit_now(e->w->kit));
    } while (st == LN_OK && ln_coap_counters(e->link.coap)->received != before);
    if (st != LN_AGAIN)
        e->failed = st;
}

static bool step_both(void *user, ln_msec now)
{
    struct world *w = user;
    step_end(&w->a);
    if (w->b.link.sock == NULL && ln_sock_accept(w->listener, now, &w->b.link.sock) != LN_OK)
        w->b.link.sock = NULL; /* nobody yet */
    step_end(&w->b);
    if (w->a.failed != LN_OK || w->b.failed != LN_OK)
        return true;
    if (w->b.observed && w->notified < 6 && cast(w, 4) == 0)
        notify(&w->b, &w->bodies[0]);
    if (w->busy < 3 && w->ops_left > 0 && w->b.link.sock != NULL) {
        w->ops_left--;
        begin_one(w);
    }
    /* the first request of all came to nothing: the server never heard of us */
    bool unheard = w->b.link.sock == NULL && w->asked[0].body != NULL && !w->asked[0].used;
    return w->busy == 0 && (w->ops_left == 0 || unheard);
}

static ln_msec due_at(const struct world *w, ln_msec due)
{
    const struct end *ends[] = { &w->a, &w->b };
    for (size_t i = 0; i < 2; i++)
        if (ends[i]->link.coap != NULL && ln_coap_deadline(ends[i]->link.coap) < due)
            due = ln_coap_deadline(ends[i]->link.coap);
    ln_msec next = ln_testkit_now(w->kit) + 1;
    return due > next ? due : next;
}

/* Until all is done, or the deadline comes. */
static enum ln_status run_world(struct world *w, ln_msec deadline)
{
    enum ln_status st = LN_TIMEOUT;
    while (st == LN_TIMEOUT && ln_testkit_now(w->kit) < deadline) {
        struct ln_sock *socks[] = { w->a.link.sock, w->b.link.sock, w->listener };
        struct ln_testkit_pump pump = { .socks = socks,
                                        .count = 3,
                                        .until = step_both,
                                        .user = w,
                                        .deadline = due_at(w, deadline) };
        st = ln_testkit_run(w->kit, &pump);
    }
    return st;
}

/* ---- making and ending it ---- */

static enum ln_status new_coap(struct end *e, bool tcp)
{
    struct ln_coap_config config = {
        .transport = tcp ? LN_COAP_OVER_TCP : LN_COAP_OVER_UDP,
        .nstart = { 1, 3 },
        .exchanges = 8,
        .transfers = 4,
        .pool_bytes = 3000,
        .cache_bytes = 1500,
        .send = ln_coap_link_send,
        .handler = &handler,
        .user = e,
    };
    ln_diag_clear(&e->diag);
    return ln_coap_new(&e->env, &config, &e->diag, &e->link.coap);
}

static void open_server(struct world *w, struct ln_testkit_host *host, bool tcp)
{
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    struct ln_addr local;
    options.reuse_addr = true;
    ln_testkit_env(host, &w->b.env);
    assert_int_equal(ln_addr_parse("192.0.2.1", PORT, &local), LN_OK);
    assert_int_equal(
        ln_sock_new(&w->b.env, tcp ? LN_TCP : LN_UDP, &options, NULL, NULL, &w->listener), LN_OK);
    assert_int_equal(ln_sock_bind(w->listener, &local), LN_OK);
    assert_int_equal(new_coap(&w->b, tcp), LN_OK);
}

/* The device's side, which may fail. */
static enum ln_status open_device(struct world *w, struct ln_testkit_host *host, bool tcp)
{
    struct end *e = &w->a;
    ln_testkit_env(host, &e->env);
    ln_diag_clear(&e->diag);
    enum ln_status st =
        ln_sock_new(&e->env, tcp ? LN_TCP : LN_UDP, NULL, NULL, &e->diag, &e->link.sock);
    if (st == LN_OK)
        st = new_coap(e, tcp);
    if (st == LN_OK)
        st = ln_sock_connect(e->link.sock, "192.0.2.1", PORT, ln_testkit_now(w->kit));
    if (st != LN_OK && st != LN_AGAIN && e->link.coap != NULL)
        e->diag = *ln_sock_diag(e->link.sock);
    return st == LN_AGAIN ? LN_OK : st;
}

static struct world *begin_world(struct ln_testkit *kit, uint64_t seed)
{
    struct world *w = &the_world;
    memset(w, 0, sizeof *w);
    w->kit = kit;
    w->a.w = w->b.w = w;
    w->dice = seed * 77 + 5;
    return w;
}

static void end_world(struct world *w)
{
    struct end *ends[] = { &w->a, &w->b };
    w->lossy = true; /* what is still under way ends as dropped */
    for (size_t i = 0; i < 2; i++) {
        ln_coap_free(ends[i]->link.coap);
        ln_sock_free(ends[i]->link.sock);
        assert_int_equal(ends[i]->notifications, 0);
    }
    ln_sock_free(w->listener);
    assert_int_equal(w->busy, 0);
    for (size_t i = 0; i < BODIES; i++)
        assert_false(w->asked[i].used);
}

/* ---- a world for each seed ---- */

static void set_path(struct world *w, struct ln_testkit_host *a, struct ln_testkit_host *b)
{
    struct ln_testkit_link link = { .delay_min_ms = 5, .delay_max_ms = 5 + cast(w, 400) };
    if (w->lossy) {
        link.loss_permille = (uint16_t)cast(w, 300);
        link.duplicate_permille = (uint16_t)cast(w, 200);
        link.reorder_permille = (uint16_t)cast(w, 200);
    } else {
        link.duplicate_permille = (uint16_t)cast(w, 300);
        link.keep_order = true;
    }
    assert_int_equal(ln_testkit_path(w->kit, a, b, &link), LN_OK);
}

static void run_seed(uint64_t seed)
{
    struct ln_testkit_config config = { .seed = seed };
    struct ln_testkit *kit = NULL;
    struct ln_testkit_host *device = NULL;
    struct ln_testkit_host *server = NULL;
    bool tcp = seed % 4 == 2;
    running = seed;
    assert_int_equal(ln_testkit_new(&config, &kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(kit, "device", "192.0.2.10", &device), LN_OK);
    assert_int_equal(ln_testkit_host_new(kit, "server", "192.0.2.1", &server), LN_OK);
    struct world *w = begin_world(kit, seed);
    w->lossy = seed % 2 != 0;
    w->ops_left = OPS;
    set_path(w, device, server);
    open_server(w, server, tcp);
    assert_int_equal(open_device(w, device, tcp), LN_OK);
    begin_observing(w, tcp);
    enum ln_status st = run_world(w, ln_testkit_now(kit) + (ln_msec)24 * 3600 * 1000);
    if (st != LN_OK || w->a.failed != LN_OK || w->b.failed != LN_OK)
        fail_msg("%s, ends %s and %s: %u under way, %u to do", ln_status_name(st),
                 ln_status_name(w->a.failed), ln_status_name(w->b.failed), w->busy, w->ops_left);
    assert_int_equal(ln_coap_counters(w->a.link.coap)->malformed, 0);
    assert_int_equal(ln_coap_counters(w->b.link.coap)->malformed, 0);
    end_world(w);
    ln_testkit_free(kit);
    running = UINT64_MAX;
}

static int tell_seed(void **state)
{
    (void)state;
    if (running != UINT64_MAX)
        print_message("seed %llu\n", (unsigned long long)running);
    return 0;
}

/* scenario: T5 */
static void both_ends_agree_whatever_the_network_does(void **state)
{
    (void)state;
    const char *seed = getenv("LN_TEST_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    uint64_t count = getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS;
    for (uint64_t i = 0; i < (seed != NULL ? 1 : count); i++)
        run_seed(first + i);
}

/* ---- faults of the device ---- */

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    bool tcp = *(const bool *)user;
    struct ln_testkit_host *server = NULL;
    struct world *w = begin_world(trial->kit, 1);
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    w->lossy = true;
    trial->phase = "open";
    assert_int_equal(ln_testkit_host_new(trial->kit, "server", "192.0.2.1", &server), LN_OK);
    open_server(w, server, tcp);
    enum ln_status st = open_device(w, trial->device, tcp);
    if (st != LN_OK) {
        verdict = ln_testkit_failed(trial, st, &w->a.diag);
    } else {
        trial->phase = "transfer";
        w->ops_left = 8;
        begin_observing(w, tcp);
        st = run_world(w, ln_testkit_now(trial->kit) + 3600 * 1000);
        if (w->a.failed != LN_OK)
            verdict = ln_testkit_failed(trial, w->a.failed, ln_sock_diag(w->a.link.sock));
        else if (w->b.failed != LN_OK) /* the device's reset; it would notice next */
            verdict = ln_testkit_failed(trial, w->b.failed, NULL);
        else if (st == LN_OK && w->ops_left > 0)
            verdict = ln_testkit_failed(trial, LN_TIMEOUT, NULL);
        else if (st != LN_OK)
            verdict = ln_testkit_broken(trial, "%s: %u under way", ln_status_name(st), w->busy);
    }
    end_world(w);
    return verdict;
}

static void faults_are_told_and_leave_nothing_behind(void **state)
{
    static const enum ln_status statuses[] = { LN_IO, LN_REFUSED, LN_AGAIN };
    (void)state;
    for (int tcp = 0; tcp <= 1; tcp++) {
        bool over_tcp = tcp != 0;
        struct ln_testkit_report report;
        struct ln_testkit_sweep sweep = { .scenario = scenario, .user = &over_tcp, .seed = 1 };
        if (!ln_testkit_for_each_oom(&sweep, &report))
            fail_msg("memory, n = %zu, sticky %d: %s: %s", report.n, report.sticky, report.phase,
                     report.text);
        assert_true(report.whole && report.failed > 0);
        for (size_t i = 0; i < 2; i++) {
            sweep.status = statuses[i];
            sweep.may_complete = true; /* a lost datagram is sent again */
            sweep.limit = getenv("LN_TEST_FULL") != NULL ? 0 : 60;
            if (!ln_testkit_for_each_io_fault(&sweep, &report))
                fail_msg("%s, n = %zu, sticky %d: %s: %s", ln_status_name(statuses[i]), report.n,
                         report.sticky, report.phase, report.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(both_ends_agree_whatever_the_network_does, tell_seed),
        cmocka_unit_test(faults_are_told_and_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("coap", tests, NULL, NULL);
}
