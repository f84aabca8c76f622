/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_coap_block_server.c
 * Bodies that come in blocks, against a model: peers that send any block of any body at any time,
 * repeat themselves, lie about sizes and fall silent. After each step the answer and what the handler
 * was told are what RFC 7959 makes of it.
 *
 * The model keeps, for each body, how many bytes have come and how long the last block was. It knows
 * nothing of tables, keys and caches.
 *
 * A failure tells its seed and step: LN_TEST_SEED=n repeats it. LN_TEST_FULL=1 makes two million
 * steps.
 */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    PEERS = 3,
    RESOURCES = 2,
    SLOTS = 3,      /* of the endpoint: fewer than bodies that may be under way */
    BODY_MAX = 700, /* bytes */
    OUR_SZX = 3,
    LIFETIME = 247000,
    RECENT = 16,
    STEPS = 2000,
    RUNS = 50,
    RUNS_FULL = 1000,
};

struct body {
    bool live;
    uint32_t len;
    uint32_t last_len;
    ln_msec until;
};

struct sent {
    ln_coap_peer peer;
    char request[200];
    char answer[200];
};

struct run {
    struct coapend e;
    uint64_t dice;
    struct body bodies[PEERS][RESOURCES];
    uint16_t mid[PEERS];
    struct sent recent[RECENT];
    size_t recent_count;
    char log[1000]; /* what the handler should be told */
    char answer[300];
};

static uint64_t running_seed;
static unsigned running_step;

static unsigned cast(struct run *r, unsigned faces)
{
    r->dice = r->dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((r->dice >> 33) % faces);
}

static void say(char *text, size_t room, const char *format, ...) LN_PRINTF(3, 4);
static void say(char *text, size_t room, const char *format, ...)
{
    size_t at = strlen(text);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + at, room - at, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < room - at);
}

/* ---- the model ---- */

struct block {
    ln_coap_peer peer;
    unsigned resource;
    uint32_t num;
    bool more;
    unsigned szx;
    uint32_t len;
    bool has_size1;
    uint32_t size1;
};

static unsigned live_bodies(const struct run *r)
{
    unsigned n = 0;
    for (size_t i = 0; i < PEERS; i++)
        for (size_t j = 0; j < RESOURCES; j++)
            n += r->bodies[i][j].live;
    return n;
}

static void drop(struct run *r, struct body *b)
{
    if (b->live)
        say(r->log, sizeof r->log, "dropped\n");
    b->live = false;
}

static void told(struct run *r, const struct block *k, uint32_t offset)
{
    say(r->log, sizeof r->log, "request PUT /%c %u+%u%s%s\n", 'a' + (int)k->resource,
        (unsigned)offset, (unsigned)k->len, offset == 0 ? " first" : "", k->more ? "" : " last");
}

/* The code and the words of the answer. */
static const char *judge(struct run *r, const struct block *k)
{
    struct body *b = &r->bodies[k->peer][k->resource];
    uint32_t size = 16u << k->szx;
    uint32_t offset = k->num * size;
    if (k->more ? k->len != size : k->len > size)
        return "4.00 | the payload is not as long as the block";
    if (offset + k->len > BODY_MAX) {
        drop(r, b);
        return "4.13";
    }
    if (k->num == 0) {
        drop(r, b);
        if (k->more && k->has_size1 && k->size1 > BODY_MAX)
            return "4.13";
        if (k->more && live_bodies(r) == SLOTS)
            return "5.03 | too many transfers at once";
        told(r, k, 0);
        if (!k->more)
            return "2.04";
        *b = (struct body) { .live = true, .len = k->len, .last_len = k->len };
    } else if (!b->live) {
        return "4.08 | this body did not begin with block 0";
    } else if (k->more && offset == b->len - b->last_len && k->len == b->last_len) {
        b->until = r->e.now + LIFETIME; /* once more */
        return "2.31";
    } else if (offset != b->len) {
        return "4.08 | a block before this one is missing";
    } else {
        told(r, k, offset);
        b->len += k->len;
        b->last_len = k->len;
        if (!k->more) {
            b->live = false;
            return "2.04";
        }
    }
    b->until = r->e.now + LIFETIME;
    return "2.31";
}

/* ---- steps ---- */

static struct block any_block(struct run *r)
{
    static const unsigned sizes[] = { 0, 1, 1, 2, 2, 3, 4, 5 };
    struct block k = { .peer = cast(r, PEERS),
                       .resource = cast(r, RESOURCES),
                       .szx = sizes[cast(r, 8)],
                       .more = cast(r, 5) != 0 };
    const struct body *b = &r->bodies[k.peer][k.resource];
    uint32_t size = 16u << k.szx;
    switch (cast(r, 8)) {
    case 0:
        k.num = 0;
        break;
    case 1:
        k.num = cast(r, 60);
        break;
    case 2: /* the last one again */
        for (k.szx = 0; 16u << k.szx < b->last_len; k.szx++)
            ;
        size = 16u << k.szx;
        k.num = b->live ? (b->len - b->last_len) / size : 0;
        break;
    default:
        k.num = b->live ? b->len / size : 0;
        break; /* right, if the size is */
    }
    k.len = k.more ? size : cast(r, size + 1);
    if (cast(r, 20) == 0)
        k.len = cast(r, 200);
    k.has_size1 = cast(r, 4) == 0;
    k.size1 = cast(r, 2) == 0 ? cast(r, 2 * BODY_MAX) : 100;
    return k;
}

static void send_block(struct run *r)
{
    struct block k = any_block(r);
    char request[200] = "";
    uint16_t mid = r->mid[k.peer]++;
    say(request, sizeof request, "CON PUT %04x aa Uri-Path:%c Block1:%u/%d/%u", mid,
        'a' + (int)k.resource, (unsigned)k.num, k.more, 16u << k.szx);
    if (k.has_size1)
        say(request, sizeof request, " Size1:%u", (unsigned)k.size1);
    if (k.len > 0)
        say(request, sizeof request, " | @%u+%u", (unsigned)(k.num * (16u << k.szx)),
            (unsigned)k.len);

    const char *verdict = judge(r, &k);
    unsigned szx = k.szx < OUR_SZX ? k.szx : OUR_SZX;
    r->answer[0] = '\0';
    say(r->answer, sizeof r->answer, "ACK %.4s %04x aa", verdict, mid);
    if (strncmp(verdict, "4.00", 4) != 0)
        say(r->answer, sizeof r->answer, " Block1:%u/%d/%u", (unsigned)k.num, k.more, 16u << szx);
    if (strcmp(verdict, "4.13") == 0)
        say(r->answer, sizeof r->answer, " Size1:%d", BODY_MAX);
    say(r->answer, sizeof r->answer, "%s", verdict + 4);

    coapend_receive_from(&r->e, k.peer, request);
    coapend_expect(&r->e, r->answer);
    struct sent *s = &r->recent[r->recent_count++ % RECENT];
    s->peer = k.peer;
    memcpy(s->request, request, sizeof request);
    memcpy(s->answer, r->answer, sizeof s->answer);
}

/* A message that came before: the same answer, and nobody is told. */
static void send_again(struct run *r)
{
    if (r->recent_count < RECENT)
        return;
    const struct sent *s = &r->recent[cast(r, RECENT)];
    coapend_receive_from(&r->e, s->peer, s->request);
    coapend_expect(&r->e, s->answer);
}

static void pass_time(struct run *r)
{
    ln_msec ms = cast(r, 30) == 0 ? cast(r, 600000) : cast(r, 2000);
    ln_msec until = r->e.now + ms;
    for (;;) { /* in the order of their time */
        struct body *next = NULL;
        for (size_t i = 0; i < PEERS; i++)
            for (size_t j = 0; j < RESOURCES; j++) {
                struct body *b = &r->bodies[i][j];
                if (b->live && b->until <= until && (next == NULL || b->until < next->until))
                    next = b;
            }
        if (next == NULL)
            break;
        drop(r, next);
    }
    coapend_advance(&r->e, ms);
    if (ms > LIFETIME)
        r->recent_count = 0; /* what is older is forgotten; the rest is not tried either */
}

static void serve(struct coapend *e, const struct ln_coap_incoming *in, struct ln_coap_reply *reply)
{
    (void)e;
    reply->code = in->last ? LN_COAP_CHANGED : LN_COAP_CONTINUE;
}

static void run(uint64_t seed)
{
    static struct run r;
    struct ln_coap_config config = {
        .transfers = SLOTS, .body_max = BODY_MAX, .block_szx = OUR_SZX, .cache_bytes = 8000
    };
    memset(&r, 0, sizeof r);
    r.dice = seed * 77 + 5;
    coapend_init(&r.e, &config);
    r.e.serve = serve;
    running_seed = seed;
    ln_msec oldest = r.e.now;
    for (running_step = 0; running_step < STEPS; running_step++) {
        unsigned what = cast(&r, 10);
        if (what == 0)
            pass_time(&r);
        else if (what == 1 && r.e.now - oldest < 200000)
            send_again(&r);
        else
            send_block(&r);
        if (r.e.now - oldest > 200000) { /* start to remember anew */
            oldest = r.e.now;
            r.recent_count = 0;
        }
        coapend_expect_nothing(&r.e);
        coapend_expect_log(&r.e, r.log);
        r.log[0] = '\0';
        assert_int_equal(ln_coap_is_busy(r.e.coap), live_bodies(&r) > 0);
    }
    r.e.vars = (struct coaptext_vars) { .known = { false } };
    coapend_deinit(&r.e);
    running_seed = UINT64_MAX;
}

static int tell_seed(void **state)
{
    (void)state;
    if (running_seed != UINT64_MAX)
        print_message("seed %llu, step %u\n", (unsigned long long)running_seed, running_step);
    return 0;
}

/* scenario: T5 */
static void bodies_that_come_are_what_the_model_says(void **state)
{
    (void)state;
    const char *seed = getenv("LN_TEST_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    uint64_t count = getenv("LN_TEST_FULL") != NULL ? RUNS_FULL : RUNS;
    for (uint64_t i = 0; i < (seed != NULL ? 1 : count); i++)
        run(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bodies_that_come_are_what_the_model_says, tell_seed),
    };
    return cmocka_run_group_tests_name("coap/block_server", tests, NULL, NULL);
}
