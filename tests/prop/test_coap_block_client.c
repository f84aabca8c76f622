/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_coap_block_client.c
 * Bodies that we fetch and send in blocks, against a model of the peer: it answers rightly most of
 * the time, in smaller blocks as it likes, late, twice, in messages of their own, from elsewhere; and
 * now and then wrongly in one of many ways. After each step the next message and what is told are
 * what RFC 7959 makes of it.
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

enum { ANSWER_MAX = 1500, STEPS = 2000, RUNS = 50, RUNS_FULL = 1000 };

struct run {
    struct coapend e;
    uint64_t dice;
    unsigned step;

    bool busy;
    bool upload;
    bool asks_block2; /* in the first message, ... */
    unsigned wish;    /* ... of this size */
    unsigned szx;     /* of the block under way */
    uint32_t size;    /* of the body */
    uint32_t at;
    bool first;
    bool restarted;
    bool has_etag;
    unsigned own_mid;  /* of the peer */
    unsigned lost;     /* how often it was sent again */
    char request[300]; /* what was sent last, with $m and $t */
    char late[300];    /* an answer that was given before */
    char log[500];
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

/* ---- what is sent ---- */

/* The block under way: its message is new, with an id and a token of its own. */
static void expect_request(struct run *r)
{
    uint32_t len = r->size - r->at < 16u << r->szx ? r->size - r->at : 16u << r->szx;
    bool more = r->at + len < r->size;
    r->lost = 0;
    r->e.vars.known['m'] = r->e.vars.known['t'] = false;
    r->request[0] = '\0';
    say(r->request, sizeof r->request, "CON %s $m $t Uri-Path:x", r->upload ? "PUT" : "GET");
    if (r->upload ? r->at == 0 && r->asks_block2 : !r->first || r->asks_block2)
        say(r->request, sizeof r->request, " Block2:%u/0/%u",
            (unsigned)(r->upload ? 0 : r->at >> (r->szx + 4)),
            16u << (r->upload ? r->wish : r->szx));
    if (r->upload && (more || r->at > 0)) {
        say(r->request, sizeof r->request, " Block1:%u/%d/%u", (unsigned)(r->at >> (r->szx + 4)),
            more, 16u << r->szx);
        if (r->at == 0)
            say(r->request, sizeof r->request, " Size1:%u", (unsigned)r->size);
    }
    if (r->upload && len > 0)
        say(r->request, sizeof r->request, " | @%u+%u", (unsigned)r->at, (unsigned)len);
    coapend_expect(&r->e, r->request);
}

static void begin(struct run *r)
{
    struct ln_coap_request rq = { .answer_max = ANSWER_MAX, .szx = (uint8_t)cast(r, 4) };
    r->upload = cast(r, 2) == 0;
    r->size = cast(r, 3) == 0 ? cast(r, 40) : cast(r, ANSWER_MAX);
    r->at = 0;
    r->first = true;
    r->restarted = false;
    r->has_etag = cast(r, 2) == 0;
    r->szx = rq.szx != 0 ? rq.szx : 6;
    r->asks_block2 = rq.szx != 0;
    r->wish = r->szx;
    r->busy = true;
    r->e.body_size = r->size;
    r->e.read_max_offset = 0;
    struct ln_coap_source source = coapend_source(&r->e);
    if (r->upload)
        rq.source = &source;
    assert_int_equal(
        coapend_request(&r->e, r->upload ? "PUT Uri-Path:x" : "GET Uri-Path:x", &rq, NULL), LN_OK);
    expect_request(r);
}

/* ---- what is answered ---- */

/* It is over, in these words. */
static void over(struct run *r, const char *words, bool whole)
{
    if (r->upload)
        say(r->log, sizeof r->log, "source done %s\n", whole ? "whole" : "broken");
    say(r->log, sizeof r->log, "%s\n", words);
    r->busy = false;
}

/* Give an answer: in the ACK, or behind it in a message of its own. */
static void give(struct run *r, const char *answer)
{
    char text[400] = "";
    unsigned how = cast(r, 6);
    if (how > 2) {
        say(text, sizeof text, "ACK %.4s $m $t%s", answer, answer + 4);
        coapend_receive(&r->e, text);
    } else {
        if (how == 0)
            coapend_receive(&r->e, "ACK $m");
        if (how == 0 && cast(r, 2) == 0)
            coapend_receive(&r->e, "ACK $m");
        char id[8] = "";
        say(id, sizeof id, "%04x", r->own_mid++ & 0xffff);
        say(text, sizeof text, "%s %.4s %s $t%s", how == 1 ? "NON" : "CON", answer, id, answer + 4);
        coapend_receive(&r->e, text);
        char ack[20] = "";
        say(ack, sizeof ack, "ACK %s", id);
        if (how != 1)
            coapend_expect(&r->e, ack);
        if (how != 1 && cast(r, 3) == 0) { /* our ACK was lost */
            bool was[2] = { r->e.vars.known['m'], r->e.vars.known['t'] };
            coapend_receive(&r->e, text);
            assert_true(was[0] && was[1]);
        }
    }
}

/* Everything that was sent meanwhile: ACKs of repetitions first come after the next request. */
static void settle(struct run *r)
{
    if (r->busy)
        expect_request(r);
    while (r->e.sent_read < r->e.sent_count) {
        const struct coapend_sent *s = &r->e.sent[r->e.sent_read++];
        assert_int_equal(s->len, 4); /* an ACK */
        assert_int_equal(s->bytes[0], 0x60);
    }
    r->e.sent_read = r->e.sent_count = 0;
}

/* A right block of the body that we fetch. */
static void give_block(struct run *r)
{
    char answer[300] = "";
    unsigned szx = cast(r, 5) == 0 ? cast(r, r->szx + 1) : r->szx;
    uint32_t size = 16u << szx;
    uint32_t len = r->size - r->at < size ? r->size - r->at : size;
    bool more = r->at + len < r->size;
    bool blocks = more || !r->first || cast(r, 2) == 0;
    say(answer, sizeof answer, "2.05");
    if (r->has_etag)
        say(answer, sizeof answer, " ETag:01");
    if (blocks)
        say(answer, sizeof answer, " Block2:%u/%d/%u", (unsigned)(r->at >> (szx + 4)), more, size);
    if (blocks && cast(r, 4) == 0)
        say(answer, sizeof answer, " Size2:%u", cast(r, 3000)); /* nothing depends on it */
    if (len > 0)
        say(answer, sizeof answer, " | @%u+%u", (unsigned)r->at, (unsigned)len);
    say(r->log, sizeof r->log, "response 2.05 %u+%u%s\n", (unsigned)r->at, (unsigned)len,
        more ? "" : " last final");
    r->at += len;
    r->szx = szx;
    r->busy = more;
    r->first = false;
    give(r, answer);
}

/* A right answer to a block of the body that we send. */
static void take_block(struct run *r)
{
    char answer[300] = "";
    uint32_t size = 16u << r->szx;
    uint32_t num = r->at >> (r->szx + 4);
    bool in_blocks = r->size > size || r->at > 0;
    bool last = r->at + size >= r->size;
    if (last) {
        say(answer, sizeof answer, "2.04");
        if (in_blocks)
            say(answer, sizeof answer, " Block1:%u/0/%u", (unsigned)num, (unsigned)size);
        over(r, "response 2.04 0+0 last final", true);
    } else {
        unsigned szx = cast(r, 5) == 0 ? cast(r, 7) : r->szx; /* larger ones do not count */
        say(answer, sizeof answer, "%s Block1:%u/%u/%u", cast(r, 4) == 0 ? "2.04" : "2.31",
            (unsigned)num, cast(r, 2), 16u << szx);
        r->at += size;
        r->szx = szx < r->szx ? szx : r->szx;
    }
    give(r, answer);
}

static void give_right(struct run *r)
{
    if (r->upload)
        take_block(r);
    else
        give_block(r);
}

/* An answer that ends it, or makes it begin anew. */
static void give_wrong_to_upload(struct run *r)
{
    char answer[300] = "";
    uint32_t size = 16u << r->szx;
    uint32_t num = r->at >> (r->szx + 4);
    bool last = r->at + size >= r->size;
    switch (cast(r, 5)) {
    case 0: /* not ours */
        say(answer, sizeof answer, "2.31 Block1:%u/1/16", (unsigned)num + 1);
        over(r, "the answer is unusable", false);
        break;
    case 1: /* forgotten */
        say(answer, sizeof answer, "4.08");
        if (r->at > 0 && !r->restarted) {
            r->at = 0;
            r->restarted = true;
        } else {
            over(r, "response 4.08 0+0 last final", false);
        }
        break;
    case 2: { /* smaller ones, from the start */
        uint32_t sent = r->size - r->at < size ? r->size - r->at : size;
        unsigned szx = cast(r, 7);
        bool whole = r->at == 0 && last;
        bool helps = szx < r->szx || (szx == r->szx && whole);
        say(answer, sizeof answer, "4.13 Block1:%u/0/%u", (unsigned)num, 16u << szx);
        while (szx > 0 && 16u << szx >= sent)
            szx--;
        if (helps && 16u << szx < sent) {
            r->szx = szx;
            r->at = 0;
        } else {
            over(r, "response 4.13 0+0 last final", false);
        }
        break;
    }
    case 3: /* not at all */
        say(answer, sizeof answer, "4.13 Size1:%u", r->size > 0 ? r->size - 1 : 0);
        if (r->size == 0)
            say(r->log, sizeof r->log, "%s", "");
        over(r, "response 4.13 0+0 last final", false);
        break;
    case 4:
        say(answer, sizeof answer, "5.00");
        over(r, "response 5.00 0+0 last final", false);
        break;
    }
    give(r, answer);
}

static void give_wrong_to_download(struct run *r)
{
    char answer[300] = "";
    uint32_t size = 16u << r->szx;
    uint32_t num = r->at >> (r->szx + 4);
    const char *words = "the answer is unusable";
    switch (cast(r, 7)) {
    case 0:
        say(answer, sizeof answer, "2.05 Block2:%u/1/%u | @0+%u", (unsigned)num + 1, (unsigned)size,
            (unsigned)size);
        break;
    case 1: /* short */
        say(answer, sizeof answer, "2.05 Block2:%u/1/%u | @0+%u", (unsigned)num, (unsigned)size,
            (unsigned)size - 1 - cast(r, size - 1));
        break;
    case 2: /* long */
        say(answer, sizeof answer, "2.05 Block2:%u/0/%u | @0+%u", (unsigned)num, (unsigned)size,
            (unsigned)size + 1);
        break;
    case 3: /* the size, but not the offset */
        if (r->first || r->szx == 6 || r->at == 0) {
            say(answer, sizeof answer, "2.05 Block2:%u/1/16 | @0+16", (unsigned)(r->at / 16) + 1);
            break;
        }
        say(answer, sizeof answer, "2.05 Block2:%u/1/%u | @0+%u", (unsigned)num, 2 * size,
            2 * size);
        break;
    case 4: /* endless */
        if (r->at + size < ANSWER_MAX) {
            say(answer, sizeof answer, "4.04");
            words = "response 4.04 0+0 last final";
            break;
        }
        say(answer, sizeof answer, "2.05 Block2:%u/1/%u | @0+%u", (unsigned)num, (unsigned)size,
            (unsigned)size);
        words = "the answer is too long";
        break;
    case 5: /* another body */
        say(answer, sizeof answer, "2.05 ETag:02 Block2:%u/0/%u | @0+1", (unsigned)num,
            (unsigned)size);
        if (!r->first && r->has_etag) {
            words = "the body changed while it was fetched";
            break;
        }
        answer[0] = '\0';
        say(answer, sizeof answer, "5.03");
        words = "response 5.03 0+0 last final";
        break;
    case 6: /* blocks no more */
        if (r->first) {
            say(answer, sizeof answer, "2.05 #23:07");
            break;
        }
        say(answer, sizeof answer, "2.05 | @0+9");
        break;
    }
    over(r, words, false);
    give(r, answer);
}

/* What must change nothing. */
static void give_noise(struct run *r)
{
    switch (cast(r, 6)) {
    case 0:
        coapend_receive_from(&r->e, 9, "ACK 2.05 $m $t | @0+4");
        break;
    case 1:
        coapend_receive(&r->e, "ACK 2.05 $m 0102 | @0+4");
        break;
    case 2:
        coapend_receive(&r->e, "ACK GET $m $t");
        break;
    case 3:
        coapend_receive(&r->e, "NON $m");
        break;
    case 4:
        coapend_receive(&r->e, "CON 2.05 ffff 010203");
        coapend_expect(&r->e, "RST ffff");
        break;
    case 5:
        coapend_receive(&r->e, "RST ffee");
        break;
    }
    coapend_expect_nothing(&r->e);
}

/* It is lost: the same message again, four times in all, and then no more. */
static void lose(struct run *r)
{
    for (unsigned n = cast(r, 20) == 0 ? 5 : cast(r, 3); n > 0 && r->busy; n--) {
        ln_msec due = ln_coap_deadline(r->e.coap);
        assert_true(due - r->e.now <= 48000);
        coapend_advance(&r->e, due - r->e.now);
        if (r->lost++ < 4)
            coapend_expect(&r->e, r->request);
        else
            over(r, "timed out", false);
    }
}

static void step(struct run *r)
{
    unsigned what = cast(r, 100);
    if (!r->busy) {
        begin(r);
        return;
    }
    bool was_busy = r->busy;
    if (what < 80)
        give_right(r);
    else if (what < 84 && r->upload)
        give_wrong_to_upload(r);
    else if (what < 84)
        give_wrong_to_download(r);
    else if (what < 85) {
        over(r, "reset by the peer", false);
        coapend_receive(&r->e, "RST $m");
    } else if (what < 93) {
        give_noise(r);
        return;
    } else {
        lose(r);
        was_busy = false;
    }
    if (was_busy)
        settle(r);
}

static void run(uint64_t seed)
{
    static struct run r;
    struct ln_coap_config config = { .timing = { .max_retransmit = 4 } };
    memset(&r, 0, sizeof r);
    r.dice = seed * 77 + 5;
    coapend_init(&r.e, &config);
    running_seed = seed;
    for (running_step = 0; running_step < STEPS; running_step++) {
        step(&r);
        coapend_expect_nothing(&r.e);
        coapend_expect_log(&r.e, r.log);
        r.log[0] = '\0';
        assert_int_equal(ln_coap_is_busy(r.e.coap), r.busy);
        assert_int_equal(r.e.bodies_wrong, 0);
    }
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
static void what_we_fetch_and_send_is_what_the_model_says(void **state)
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
        cmocka_unit_test_teardown(what_we_fetch_and_send_is_what_the_model_says, tell_seed),
    };
    return cmocka_run_group_tests_name("coap/block_client", tests, NULL, NULL);
}
