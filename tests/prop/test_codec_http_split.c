/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_codec_http_split.c
 * However the network cuts a response, it is read the same: fields, body, end, and what is refused.
 *
 * Responses are made from pieces, sound and unsound ones, by a seed; each is read at once and then
 * in many ways in pieces. A seed that fails can be repeated alone: LN_TEST_SEED=n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/httplog.h"

enum { SEEDS = 3000, SEEDS_FULL = 200000, CUTS = 8, RESPONSE_MAX = 4096 };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const char *const statuses[] = {
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 206 Partial\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n",
    "HTTP/1.1 204 No\r\n",
    "HTTP/2 200\r\n",
    "HTTP/1.1 200 OK\n",
};
static const char *const fields[] = {
    "Content-Length: 20\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Range: bytes 5-9/10\r\n",
    "ETag: \"x\"\r\n",
    "Connection: close\r\n",
    "Content-Encoding: gzip\r\n",
    "X:   padded   \r\n",
    "Folded: a\r\n b\r\n",
    "Bad name: x\r\n",
    "Content-Length: 0x14\r\n",
    "X: a\rb\r\n",
};
static const char *const bodies[] = {
    "5\r\nhello\r\n",
    "a;x=y\r\n0123456789\r\n",
    "0\r\n\r\n",
    "0\r\nTrailer: x\r\n\r\n",
    "hello, world",
    "\r\n",
    "fffffffffffffffff\r\n",
    "3\r\nabcd\r\n",
};

struct made {
    char text[RESPONSE_MAX];
    size_t len;
    uint64_t dice;
};

static size_t cast(struct made *m, size_t faces)
{
    m->dice = m->dice * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(m->dice >> 33) % faces;
}

static void add(struct made *m, const char *piece)
{
    size_t len = strlen(piece);
    assert_true(len <= sizeof m->text - m->len);
    memcpy(m->text + m->len, piece, len);
    m->len += len;
}

static void make(struct made *m, uint64_t seed)
{
    m->len = 0;
    m->dice = seed * 0x9e3779b97f4a7c15u;
    add(m, statuses[cast(m, COUNT(statuses))]);
    for (size_t n = cast(m, 4); n > 0; n--)
        add(m, fields[cast(m, COUNT(fields) - (cast(m, 4) > 0 ? 4 : 0))]);
    add(m, "\r\n");
    for (size_t n = cast(m, 6); n > 0; n--)
        add(m, bodies[cast(m, COUNT(bodies))]);
    if (cast(m, 4) == 0)
        m->len = cast(m, m->len + 1); /* the connection breaks */
}

static struct http_log whole;
static struct http_log pieces;
static size_t ended;
static size_t refused;

static void check(uint64_t seed)
{
    static struct made m;
    struct http_feed feed = { .seed = 0 };
    make(&m, seed);
    feed.no_body = cast(&m, 8) == 0;
    feed.stays = cast(&m, 2) == 0;
    http_log_read(&whole, ln_span(m.text, m.len), &feed);
    ended += strcmp(whole.end, "end") == 0;
    refused += whole.problem != LN__HTTP_PROBLEM_NONE;
    for (size_t i = 0; i < CUTS; i++) {
        feed.seed = seed * CUTS + i + 1;
        feed.most = (size_t)1 << i;
        http_log_read(&pieces, ln_span(m.text, m.len), &feed);
        if (!http_log_same(&whole, &pieces))
            fail_msg("seed %llu, cuts %zu: %s at once, %s in pieces, of\n%.*s",
                     (unsigned long long)seed, i, whole.end, pieces.end, (int)m.len, m.text);
        free(pieces.body);
    }
    free(whole.body);
}

/* scenario: H111, H112, H115 */
static void test_cuts_do_not_matter(void **state)
{
    (void)state;
    const char *one = getenv("LN_TEST_SEED");
    uint64_t seeds = getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS;
    if (one != NULL) {
        check(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++)
        check(seed);
    /* both kinds are well among them */
    assert_true(ended > seeds / 8);
    assert_true(refused > seeds / 8);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_cuts_do_not_matter) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
