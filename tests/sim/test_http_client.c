/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_http_client.c
 * The HTTP client over the in-memory network, against a server that answers rightly or wrongly:
 * framing, parts, kept connections, times, failures. Redirects and passwords: test_http_redirect.c.
 */
#include "support/httpworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct http_world w;

static int open_world(void **state)
{
    (void)state;
    http_world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    http_world_close(&w);
    return 0;
}

static void get(const char *uri)
{
    http_world_get(&w, uri);
}

static void must_have(const char *what, struct ln_span content)
{
    http_world_must_have(&w, what, content);
}

static void must_fail(const char *what, enum ln_status status, enum ln_category category,
                      const char *sentence)
{
    http_world_must_fail(&w, what, status, category, sentence);
}

static void new_client(const struct ln_http_options *options)
{
    http_world_client(&w, options);
}

/* ---- answers ---- */

static void test_a_file(void **state)
{
    (void)state;
    w.file.etag = "\"v1\"";
    w.file.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    w.file.date = "Sun, 06 Nov 1994 08:50:37 GMT";
    get("http://server.example/dir/file?x=1#frag");
    must_have("plain", w.file.content);
    const struct ln_http_response *r = &w.fetch.response;
    assert_int_equal(r->status, 200);
    assert_true(r->has_length && r->length == 1000 && r->end_is_proven);
    assert_false(r->has_range || r->has_total || r->etag_is_weak || r->asks_login);
    assert_true(ln_span_equal(r->etag, ln_span_str("\"v1\"")));
    assert_string_equal(r->last_modified, w.file.last_modified);
    assert_true(r->last_modified_is_strong);
    assert_int_equal(r->retry_after_s, -1);
    assert_string_equal(r->uri, "http://server.example/dir/file?x=1");
    assert_int_equal(r->redirects, 0);
    assert_string_equal(w.fetch.fields, "ETag=\"v1\"|Last-Modified=Sun, 06 Nov 1994 08:49:37 GMT|"
                                        "Date=Sun, 06 Nov 1994 08:50:37 GMT|Content-Length=1000|");
    /* the end can be asked for again */
    struct ln_span part = ln_span_str("x");
    assert_int_equal(ln_http_body(w.http, http_world_now(&w), &part), LN_OK);
    assert_int_equal(part.len, 0);
    assert_int_equal(ln_http_step(w.http, http_world_now(&w)), LN_OK);
}

/* scenario: HTTP-10 */
static void test_validators(void **state)
{
    (void)state;
    w.file.etag = "W/\"v1\"";
    w.file.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    w.file.date = "Sun, 06 Nov 1994 08:50:36 GMT";
    get("http://server.example/");
    assert_true(w.fetch.response.etag_is_weak);
    assert_false(w.fetch.response.last_modified_is_strong); /* 59 seconds */
    w.file.date = NULL;
    w.file.etag = "v1";
    get("http://server.example/");
    assert_int_equal(w.fetch.response.etag.len, 0);
    assert_false(w.fetch.response.last_modified_is_strong);
    w.file.last_modified = "yesterday";
    w.file.date = "Sun, 06 Nov 1994 08:50:37 GMT";
    get("http://server.example/");
    assert_string_equal(w.fetch.response.last_modified, "");
    assert_false(w.fetch.response.last_modified_is_strong);
}

static void check_request(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    assert_string_equal(asked->text, "GET /a?b HTTP/1.1\r\nHost: server.example\r\n"
                                     "User-Agent: linnet\r\nAccept: */*\r\n"
                                     "Accept-Encoding: identity\r\n\r\n");
    http_say(answer, "HTTP/1.1 204 No\r\n\r\n");
}

static void check_part(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    assert_string_equal(asked->text,
                        "HEAD / HTTP/1.1\r\nHost: server.example\r\nRange: bytes=7-\r\n"
                        "Accept: */*\r\nAccept-Encoding: identity\r\nIf-Range: \"x\"\r\n\r\n");
    http_say(answer, "HTTP/1.1 204 No\r\n\r\n");
}

/* scenario: HTTP-01, HTTP-05 */
static void test_what_is_sent(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    w.script = check_request;
    get("http://server.example/a?b#c");
    must_have("request", ln_span(NULL, 0));
    assert_int_equal(w.fetch.response.status, 204);
    assert_int_equal(w.plain.requests, 1);
    options.user_agent = "";
    new_client(&options);
    w.script = check_part;
    http_world_ask(&w, &(struct ln_http_request) { .uri = "http://server.example",
                                                   .method = LN_HTTP_HEAD,
                                                   .ranged = true,
                                                   .from = 7,
                                                   .if_range = ln_span_str("\"x\"") });
    must_have("part", ln_span(NULL, 0));
    assert_int_equal(w.plain.requests, 2);
}

/* Every framing, every place where the network may cut, over TCP and TLS. */
/* scenario: HTTP-03 */
static void test_framing_over_cuts(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 1000, 16384, 16385, 200000 };
    static const struct ln_testkit_chunks cuts[] = { { .read_max = 0 },
                                                     { .read_max = 4000, .vary = true } };
    for (size_t i = 0; i < COUNT(sizes) * COUNT(cuts) * 2 * 3; i++) {
        size_t framing = i % 3;
        bool secure = i / 3 % 2 != 0;
        char what[64];
        w.file.content.len = sizes[i / 6 % COUNT(sizes)];
        w.file.chunked = framing == 1;
        w.file.until_close = framing == 2;
        ln_testkit_host_chunks(w.net.device_host, &cuts[i / 6 / COUNT(sizes)]);
        (void)snprintf(what, sizeof what, "framing %zu, %zu bytes, secure %d, row %zu", framing,
                       w.file.content.len, secure, i);
        get(secure ? "https://server.example/" : "http://server.example/");
        must_have(what, w.file.content);
        assert_int_equal(w.fetch.response.has_length, framing == 0);
        assert_int_equal(w.fetch.response.end_is_proven, framing != 2 || secure);
    }
}

static void first_bytes(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, asked, answer);
    answer->limit = answer->head_len + 5;
    answer->end = HTTP_HANG;
}

/* They came together, and nothing more ever will: what is there is handed out without a wait. */
/* scenario: HTTP-12, S44 */
static void test_bytes_behind_the_head(void **state)
{
    static const char *const where[] = { "http://server.example/", "https://server.example/" };
    (void)state;
    w.script = first_bytes;
    for (size_t i = 0; i < COUNT(where); i++) {
        const struct ln_http_request request = { .uri = where[i] };
        struct ln_interest want;
        struct ln_span piece = { NULL, 0 };
        enum ln_status st = ln_http_start(w.http, &request, http_world_now(&w));
        while (st == LN_AGAIN) {
            ln_http_interest(w.http, &want);
            if (!want.ready)
                http_wait(&w.net.device, &want);
            st = ln_http_step(w.http, http_world_now(&w));
        }
        assert_int_equal(st, LN_OK);
        ln_http_interest(w.http, &want);
        assert_true(want.ready);
        assert_int_equal(ln_http_body(w.http, http_world_now(&w), &piece), LN_OK);
        assert_true(ln_span_equal(piece, ln_span(w.content, 5)));
        assert_int_equal(ln_http_body(w.http, http_world_now(&w), &piece), LN_AGAIN);
        ln_http_close(w.http);
    }
}

/* Each byte alone, in both directions. */
static void test_byte_by_byte(void **state)
{
    (void)state;
    const struct ln_testkit_chunks one = { .read_max = 1, .write_max = 1 };
    w.file.content.len = 500;
    ln_testkit_host_chunks(w.net.device_host, &one);
    for (int chunked = 0; chunked <= 1; chunked++) {
        w.file.chunked = chunked != 0;
        get("http://server.example/");
        must_have("plain", w.file.content);
        get("https://server.example/");
        must_have("secure", w.file.content);
    }
}

static void test_head(void **state)
{
    (void)state;
    for (int framing = 0; framing < 2; framing++) {
        w.file.chunked = framing == 1;
        http_world_ask(&w, &(struct ln_http_request) { .uri = "http://server.example/",
                                                       .method = LN_HTTP_HEAD });
        must_have("HEAD", ln_span(NULL, 0));
        assert_int_equal(w.fetch.response.has_length, framing == 0);
    }
    w.file.chunked = false;
    get("http://server.example/");
    must_have("GET after HEAD on the same connection", w.file.content);
    assert_int_equal(w.plain.connections, 1);
}

static void interim(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    (void)asked;
    http_say(answer, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
                     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* scenario: HTTP-03 */
static void test_interim_responses(void **state)
{
    (void)state;
    w.script = interim;
    get("http://server.example/");
    must_have("103", ln_span_str("ok"));
    assert_string_equal(w.fetch.fields, "Content-Length=2|");
}

static void many_statuses(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    http_say(answer, "HTTP/1.1 %s X\r\nContent-Length: 3\r\nRetry-After: 7\r\n\r\nbad",
             asked->target + 1);
}

/* Answers are answers. */
/* scenario: HTTP-15 */
static void test_other_statuses(void **state)
{
    (void)state;
    static const char *const paths[] = { "201", "300", "301", "303", "400", "403",
                                         "404", "416", "429", "500", "503" };
    w.script = many_statuses;
    for (size_t i = 0; i < COUNT(paths); i++) {
        char uri[64];
        char status[8];
        (void)snprintf(uri, sizeof uri, "http://server.example/%s", paths[i]);
        get(uri);
        must_have(paths[i], ln_span_str("bad"));
        (void)snprintf(status, sizeof status, "%u", w.fetch.response.status);
        assert_string_equal(status, paths[i]);
        assert_int_equal(w.fetch.response.retry_after_s, 7);
    }
    assert_int_equal(w.plain.connections, 1);
}

/* scenario: H113, HTTP-10 */
static void test_parts(void **state)
{
    (void)state;
    struct ln_http_request request = { .uri = "http://server.example/",
                                       .ranged = true,
                                       .from = 400,
                                       .if_range = ln_span_str("\"v1\"") };
    w.file.etag = "\"v1\"";
    http_world_ask(&w, &request);
    must_have("the rest", ln_span(w.content + 400, 600));
    assert_int_equal(w.fetch.response.status, 206);
    assert_true(w.fetch.response.has_range && w.fetch.response.has_total);
    assert_true(w.fetch.response.range_first == 400 && w.fetch.response.range_last == 999);
    assert_true(w.fetch.response.total == 1000);

    w.file.etag = "\"v2\"";
    http_world_ask(&w, &request);
    must_have("another file", w.file.content);
    assert_int_equal(w.fetch.response.status, 200);
    assert_false(w.fetch.response.has_range || w.fetch.response.has_total);

    request.from = 1000;
    request.if_range = ln_span(NULL, 0);
    http_world_ask(&w, &request);
    must_have("behind the end", ln_span(NULL, 0));
    assert_int_equal(w.fetch.response.status, 416);
    assert_true(w.fetch.response.has_total && w.fetch.response.total == 1000);
    assert_false(w.fetch.response.has_range);
}

/* ---- connections that are kept ---- */

/* scenario: HTTP-09 */
static void test_one_connection_for_many(void **state)
{
    (void)state;
    struct ln_http_traffic traffic;
    for (int i = 0; i < 5; i++) {
        get("https://server.example/");
        must_have("again", w.file.content);
    }
    ln_http_traffic(w.http, &traffic);
    assert_int_equal(traffic.connections, 1);
    assert_int_equal(traffic.requests, 5);
    assert_true(traffic.wire_received > 5 * 1000 && traffic.wire_sent > 500);
    assert_string_equal(traffic.tls.alpn, "http/1.1");
    get("https://server.example:443/");
    must_have("the same origin by another name", w.file.content);
    assert_int_equal(w.secure.connections, 1);
    get("http://server.example/");
    must_have("another origin", w.file.content);
    ln_http_traffic(w.http, &traffic);
    assert_int_equal(traffic.connections, 2);
    assert_true(traffic.wire_received > 7 * 1000);
    get("https://server.example/");
    ln_http_close(w.http);
    ln_http_traffic(w.http, &traffic);
    assert_true(traffic.wire_received > 8 * 1000);
    assert_string_equal(traffic.tls.alpn, "http/1.1"); /* of the last one, also when it is closed */
}

/* scenario: HTTP-09 */
static void test_the_server_closed_meanwhile(void **state)
{
    (void)state;
    static const char *const uris[] = { "http://server.example/", "https://server.example/" };
    networld_delay(&w.net, 20);
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct http_server *s = i == 0 ? &w.plain : &w.secure;
        get(uris[i]);
        must_have("first", w.file.content);
        assert_int_equal(http_server_drop_idle(s), 1);
        ln_testkit_advance(w.net.kit, 1000);
        get(uris[i]);
        must_have("known before it is used", w.file.content);
        assert_int_equal(s->requests, 2);
        assert_int_equal(http_server_drop_idle(s), 1);
        get(uris[i]);
        must_have("found out on the way", w.file.content);
        assert_int_equal(s->connections, 3);
    }
}

static void test_a_connection_that_is_not_kept_long(void **state)
{
    (void)state;
    get("http://server.example/");
    ln_testkit_advance(w.net.kit, 29000);
    get("http://server.example/");
    assert_int_equal(w.plain.connections, 1);
    ln_testkit_advance(w.net.kit, 30000);
    get("http://server.example/");
    must_have("too old", w.file.content);
    assert_int_equal(w.plain.connections, 2);
}

static void closes(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    (void)asked;
    http_say(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

/* scenario: HTTP-09 */
static void test_connections_that_are_not_kept(void **state)
{
    (void)state;
    w.script = closes; /* says so, and does not */
    get("http://server.example/");
    must_have("the first", ln_span_str("ok"));
    get("http://server.example/");
    must_have("the second", ln_span_str("ok"));
    assert_int_equal(w.plain.connections, 2);
}

static void says_more(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    if (asked->number == 1)
        http_say(answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Bad\r\n\r\n");
    else
        http_serve_file(&world->file, asked, answer);
}

/* Bytes that nobody asked for never answer the next request. */
/* scenario: H115 */
static void test_more_than_was_announced(void **state)
{
    (void)state;
    w.script = says_more;
    get("http://server.example/");
    must_have("the first", ln_span_str("ok"));
    get("http://server.example/");
    must_have("the second", w.file.content);
    assert_int_equal(w.plain.connections, 2);
}

static void cut_second(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, asked, answer);
    if (asked->number == 2) {
        answer->limit = 1;
        answer->end = HTTP_CLOSE;
    }
}

/* Once a byte of the answer came, the request is not sent again. */
static void test_an_answer_that_was_begun(void **state)
{
    (void)state;
    w.script = cut_second;
    get("http://server.example/");
    get("http://server.example/");
    must_fail("cut", LN_BAD_PEER, LN_CAT_TRUNCATED, "head");
    assert_int_equal(w.plain.requests, 2);
    get("http://server.example/");
    must_have("the client goes on", w.file.content);
}

static void never_answers_twice(void *user, const struct http_ask *asked,
                                struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, asked, answer);
    if (asked->number > 1) {
        answer->limit = 0;
        answer->end = HTTP_CLOSE;
    }
}

/* A kept connection that dies under the request is replaced once. */
static void test_a_server_that_does_not_answer(void **state)
{
    (void)state;
    w.script = never_answers_twice;
    get("http://server.example/");
    get("http://server.example/");
    must_fail("never", LN_CLOSED, LN_CAT_CLOSED_BY_PEER, "without an answer");
    assert_int_equal(w.plain.requests, 3);
    get("http://server.example/");
    must_fail("a new connection", LN_CLOSED, LN_CAT_CLOSED_BY_PEER, "without an answer");
    assert_int_equal(w.plain.requests, 4);
}

/* scenario: HTTP-16 */
static void test_a_request_that_is_abandoned(void **state)
{
    (void)state;
    struct ln_http_request request = { .uri = "http://server.example/" };
    struct ln_interest want;
    struct ln_span part;
    w.file.content.len = sizeof w.content;
    assert_int_equal(ln_http_start(w.http, &request, http_world_now(&w)), LN_AGAIN);
    ln_http_stop(w.http);
    ln_http_interest(w.http, &want);
    assert_true(!want.ready && want.count == 0 && want.deadline == LN_NEVER);
    assert_int_equal(ln_http_step(w.http, http_world_now(&w)), LN_BAD_STATE);
    assert_null(ln_http_response(w.http));
    assert_int_equal(ln_http_body(w.http, http_world_now(&w), &part), LN_BAD_STATE);
    ln_http_stop(w.http);

    assert_int_equal(ln_http_start(w.http, &request, http_world_now(&w)), LN_AGAIN);
    while (ln_http_step(w.http, http_world_now(&w)) == LN_AGAIN) {
        ln_http_interest(w.http, &want);
        http_wait(&w.net.device, &want);
    }
    assert_int_equal(ln_http_body(w.http, http_world_now(&w), &part), LN_OK);
    assert_true(part.len > 0);
    get("http://server.example/"); /* start abandons */
    must_have("the next one", w.file.content);
    assert_int_equal(w.plain.requests, 2);
}

/* ---- time ---- */

static struct {
    enum http_end end;
    size_t limit;
    uint32_t delay_ms;
    size_t piece;
    uint32_t piece_ms;
} slow;

static void slowly(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, asked, answer);
    answer->limit = slow.limit;
    answer->end = slow.end;
    answer->delay_ms = slow.delay_ms;
    answer->piece = slow.piece;
    answer->piece_ms = slow.piece_ms;
}

static void begin_slow(void)
{
    memset(&slow, 0, sizeof slow);
    slow.limit = SIZE_MAX;
    w.script = slowly;
}

static void expect_time(const char *what, ln_msec low)
{
    if (w.fetch.took < low || w.fetch.took > low + 1)
        fail_msg("%s: took %lld ms", what, (long long)w.fetch.took);
}

/* scenario: H116, HTTP-11 */
static void test_times(void **state)
{
    (void)state;
    begin_slow();
    slow.delay_ms = 29000;
    get("http://server.example/");
    must_have("an answer just in time", w.file.content);
    slow.delay_ms = 31000;
    get("http://server.example/");
    must_fail("no answer", LN_TIMEOUT, LN_CAT_NO_ANSWER, "did not answer in time");
    expect_time("no answer", 30000);

    begin_slow();
    slow.piece = 1;
    slow.piece_ms = 2000; /* a head of one byte in two seconds */
    get("http://server.example/");
    must_fail("a slow head", LN_TIMEOUT, LN_CAT_NO_ANSWER, "did not answer in time");
    expect_time("a slow head", 30000);

    begin_slow();
    slow.limit = 500;
    slow.end = HTTP_HANG;
    get("http://server.example/");
    must_fail("silence in the body", LN_TIMEOUT, LN_CAT_STALLED, "silent");
    expect_time("silence in the body", 30000);

    begin_slow();
    slow.piece = 100; /* the head, then 100 bytes in 20 s */
    slow.piece_ms = 20000;
    get("http://server.example/");
    must_fail("a trickle", LN_TIMEOUT, LN_CAT_STALLED, "slower");
    expect_time("a trickle", 60000);
}

/* scenario: HTTP-11 */
static void test_times_of_choice(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    begin_slow();
    slow.piece = 100;
    slow.piece_ms = 20000;
    options.slow_timeout_ms = LN_HTTP_NO_LIMIT;
    options.idle_timeout_ms = 21000;
    new_client(&options);
    get("http://server.example/");
    must_have("patience", w.file.content);
    options.idle_timeout_ms = 19000;
    new_client(&options);
    get("http://server.example/");
    must_fail("less patience", LN_TIMEOUT, LN_CAT_STALLED, "silent");
    options.idle_timeout_ms = LN_HTTP_NO_LIMIT;
    options.total_timeout_ms = 50000;
    new_client(&options);
    get("http://server.example/");
    must_fail("in all", LN_TIMEOUT, LN_CAT_STALLED, "in all");
    expect_time("in all", 50000);
    options.total_timeout_ms = 0;
    options.slow_timeout_ms = 40000;
    options.slow_bytes = 100;
    new_client(&options);
    get("http://server.example/");
    must_have("just fast enough", w.file.content);
    slow.delay_ms = 1001;
    options.head_timeout_ms = 1000;
    new_client(&options);
    get("http://server.example/");
    must_fail("a head in time", LN_TIMEOUT, LN_CAT_NO_ANSWER, "in time");
    expect_time("a head in time", 1000);
}

/* The caller writes to slow storage: that is not the server's fault. */
static void test_a_caller_that_takes_its_time(void **state)
{
    (void)state;
    w.file.content.len = sizeof w.content;
    http_fetch(w.http, &w.net.device, &(struct ln_http_request) { .uri = "http://server.example/" },
               100000, &w.fetch);
    must_have("slow caller", w.file.content);
    assert_true(w.fetch.took > 1000000);

    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.slow_timeout_ms = 28000; /* 25 s it takes, without the 15 s that the caller is away */
    new_client(&options);
    begin_slow();
    w.file.content.len = 1000;
    slow.piece = 500;
    slow.piece_ms = 20000;
    http_fetch(w.http, &w.net.device, &(struct ln_http_request) { .uri = "http://server.example/" },
               15000, &w.fetch);
    must_have("and a slow server", w.file.content);
}

/* The time for all of it runs also while there is always something to read. */
static void test_a_caller_that_takes_too_long(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.total_timeout_ms = 50000;
    new_client(&options);
    w.file.content.len = sizeof w.content;
    http_fetch(w.http, &w.net.device, &(struct ln_http_request) { .uri = "http://server.example/" },
               20000, &w.fetch);
    must_fail("in all", LN_TIMEOUT, LN_CAT_STALLED, "in all");
    assert_in_range(w.fetch.took, 50000, 70000);
}

static void test_opening_fails(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.open_timeout_ms = 3000;
    new_client(&options);
    networld_route(&w.net, "192.0.2.1", LN_TESTKIT_ROUTE_SILENT);
    get("http://server.example/");
    must_fail("no answer", LN_TIMEOUT, LN_CAT_NO_ANSWER, "server.example");
    expect_time("no answer", 3000);
    networld_route(&w.net, "192.0.2.1", LN_TESTKIT_ROUTE_NORMAL);
    get("http://server.example/");
    must_have("later", w.file.content);
    get("http://nobody.example/");
    must_fail("no such name", LN_NOT_FOUND, LN_CAT_DNS, "nobody.example");
    get("http://server.example:81/");
    must_fail("nobody listens", LN_REFUSED, LN_CAT_PEER_REFUSED, "server.example");
}

/* A server that takes the connection and never shakes hands. */
/* scenario: HTTP-11 */
static void test_handshakes_that_hang(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.open_timeout_ms = 5000;
    new_client(&options);
    get("https://server.example:80/"); /* waits for the end of a request's head */
    must_fail("hang", LN_TIMEOUT, LN_CAT_STALLED, "never answered our hello");
    assert_int_equal(w.fetch.diag.phase, LN_PHASE_HANDSHAKE);
    expect_time("hang", 5000);
}

/* ---- failures ---- */

static struct {
    const char *text;
    enum http_end end;
} bad;

static void badly(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    (void)asked;
    http_say(answer, "%s", bad.text);
    answer->end = bad.end;
}

/* scenario: H115, H117, HTTP-02, HTTP-05 */
static void test_bad_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum http_end end;
        enum ln_status status;
        enum ln_category category;
        const char *sentence;
    } rows[] = {
        { "", HTTP_CLOSE, LN_CLOSED, LN_CAT_CLOSED_BY_PEER, "without an answer" },
        { "HTTP/1.1 200", HTTP_CLOSE, LN_BAD_PEER, LN_CAT_TRUNCATED, "head" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", HTTP_CLOSE, LN_BAD_PEER,
          LN_CAT_TRUNCATED, "body" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", HTTP_CLOSE,
          LN_BAD_PEER, LN_CAT_TRUNCATED, "body" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", HTTP_STAY,
          LN_BAD_PEER, LN_CAT_PROTOCOL, "longer than its size" },
        { "220 mail ESMTP\r\n", HTTP_HANG, LN_BAD_PEER, LN_CAT_PROTOCOL, "another protocol" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", HTTP_HANG,
          LN_BAD_PEER, LN_CAT_PROTOCOL, "different values" },
        { "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", HTTP_STAY,
          LN_BAD_PEER, LN_CAT_PROTOCOL, "compressed" },
        { "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nhello", HTTP_CLOSE, LN_BAD_PEER,
          LN_CAT_PROTOCOL, "compressed" },
        { "HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello", HTTP_STAY, LN_BAD_PEER,
          LN_CAT_PROTOCOL, "206" },
    };
    w.script = badly;
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        bad.text = rows[i / 2].text;
        bad.end = rows[i / 2].end;
        get(i % 2 != 0 ? "https://server.example/" : "http://server.example/");
        must_fail(bad.text, rows[i / 2].status, rows[i / 2].category, rows[i / 2].sentence);
    }
    bad.text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n";
    bad.end = HTTP_STAY;
    get("http://server.example/");
    must_have("nothing, compressed", ln_span(NULL, 0));
}

static void until_close(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    (void)asked;
    http_say(answer, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    answer->end = bad.end;
}

/* scenario: S47, HTTP-03 */
static void test_the_end_of_a_tls_stream_must_be_proven(void **state)
{
    (void)state;
    static struct http_server silent;
    struct ln_tls_config *tls = http_world_tls(&w.net.server, LN_CLOSE_SILENT, NULL);
    w.script = until_close;
    bad.end = HTTP_CLOSE;
    http_world_serve(&w, &silent, 444, tls);
    get("https://server.example:444/");
    must_fail("no close_notify", LN_BAD_PEER, LN_CAT_TRUNCATED, "");
    assert_true(w.fetch.headed);
    http_server_close(&silent);
    ln_tls_config_unref(tls);

    get("https://server.example/");
    must_have("close_notify", ln_span_str("until the end"));
    get("http://server.example/");
    must_have("TCP proves nothing", ln_span_str("until the end"));
    assert_false(w.fetch.response.end_is_proven);
    bad.end = HTTP_RESET;
    get("http://server.example/");
    assert_int_not_equal(w.fetch.status, LN_OK);
}

/* scenario: HTTP-14 */
static void test_servers_that_are_not_what_they_should_be(void **state)
{
    (void)state;
    static struct http_server server;
    struct ln_tls_config *h2 = http_world_tls(&w.net.server, LN_CLOSE_AUTO, "h2");
    struct ln_tls_config *mute = http_world_tls(&w.net.server, LN_CLOSE_AUTO, NULL);
    http_world_serve(&w, &server, 444, mute);
    get("https://server.example:444/");
    must_have("no ALPN", w.file.content);
    http_server_close(&server);

    struct ln_tls_config *asks = http_world_tls(&w.net.device, LN_CLOSE_AUTO, "h2");
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.tls = asks;
    new_client(&options);
    http_world_serve(&w, &server, 444, h2);
    get("https://server.example:444/");
    must_fail("h2", LN_BAD_PEER, LN_CAT_PROTOCOL, "h2 instead of http/1.1");
    assert_int_equal(server.requests, 0);
    http_server_close(&server);
    ln_tls_config_unref(asks);
    ln_tls_config_unref(h2);
    ln_tls_config_unref(mute);
}

/* ---- what is refused at once ---- */

static void test_refused_options(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    struct ln_http *http = NULL;
    struct ln_diag diag;
    static const struct {
        const char *name;
        uint8_t redirects_max;
        size_t buffer_bytes;
        const char *user_agent;
        size_t size;
    } rows[] = {
        { "redirects_max", 21, 0, NULL, sizeof options },
        { "buffer_bytes", 0, 1023, NULL, sizeof options },
        { "buffer_bytes", 0, (1 << 20) + 1, NULL, sizeof options },
        { "user_agent", 0, 0, "a\r\nX: y", sizeof options },
        { "size", 0, 0, NULL, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ln_diag_clear(&diag);
        options.size = rows[i].size;
        options.redirects_max = rows[i].redirects_max;
        options.buffer_bytes = rows[i].buffer_bytes;
        options.user_agent = rows[i].user_agent;
        assert_int_equal(ln_http_new(&w.net.device, &options, &diag, &http), LN_BAD_ARG);
        assert_non_null(strstr(diag.text, rows[i].name));
        assert_null(http);
    }
    ln_diag_clear(&diag);
    assert_int_equal(ln_http_new(&w.net.device, NULL, &diag, &w.http), LN_BAD_ARG);
    ln_http_free(NULL);
}

/* scenario: H84 */
static void test_refused_requests(void **state)
{
    (void)state;
    static char long_uri[9000] = "http://server.example/";
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    static const struct {
        const char *uri;
        const char *sentence;
    } rows[] = {
        { "", "empty" },
        { "server.example", "scheme" },
        { "ftp://server.example/", "scheme" },
        { "coap://server.example/", "neither http nor https" },
        { "http://server.example/ x", "space" },
        { "http://server.example/\r\nX: y", "control" },
        { "http:///x", "host" },
        { "http://server.example:0/", "port" },
        { "http://server.example:65536/", "port" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        get(rows[i].uri);
        must_fail(rows[i].uri, LN_BAD_ARG, LN_CAT_CONFIGURATION, rows[i].sentence);
    }
    memset(long_uri + 22, 'x', sizeof long_uri - 23);
    get(long_uri);
    must_fail("9000 bytes", LN_BAD_ARG, LN_CAT_CONFIGURATION, "8192");
    http_world_ask(&w, &(struct ln_http_request) { .uri = "http://server.example/",
                                                   .ranged = true,
                                                   .if_range = ln_span_str("a\r\nX: y") });
    must_fail("if_range", LN_BAD_ARG, LN_CAT_CONFIGURATION, "if_range");

    options.buffer_bytes = 1024;
    new_client(&options);
    long_uri[1000] = '\0';
    get(long_uri);
    must_fail("larger than the buffer", LN_BAD_ARG, LN_CAT_CONFIGURATION, "buffer_bytes");
    get("http://server.example/");
    must_have("a small buffer is enough for the usual", w.file.content);
}

static void test_https_without_configuration(void **state)
{
    (void)state;
    struct ln_diag diag;
    ln_http_free(w.http);
    w.http = NULL;
    ln_diag_clear(&diag);
    assert_int_equal(ln_http_new(&w.net.device, NULL, &diag, &w.http), LN_OK);
    get("https://server.example/");
    must_fail("https", LN_DENIED, LN_CAT_CONFIGURATION, "TLS configuration");
    assert_int_equal(w.secure.connections, 0);
    get("http://server.example/");
    must_have("http", w.file.content);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_a_file),
        TEST(test_validators),
        TEST(test_what_is_sent),
        TEST(test_framing_over_cuts),
        TEST(test_bytes_behind_the_head),
        TEST(test_byte_by_byte),
        TEST(test_head),
        TEST(test_interim_responses),
        TEST(test_other_statuses),
        TEST(test_parts),
        TEST(test_one_connection_for_many),
        TEST(test_the_server_closed_meanwhile),
        TEST(test_a_connection_that_is_not_kept_long),
        TEST(test_connections_that_are_not_kept),
        TEST(test_more_than_was_announced),
        TEST(test_an_answer_that_was_begun),
        TEST(test_a_server_that_does_not_answer),
        TEST(test_a_request_that_is_abandoned),
        TEST(test_times),
        TEST(test_times_of_choice),
        TEST(test_a_caller_that_takes_its_time),
        TEST(test_a_caller_that_takes_too_long),
        TEST(test_opening_fails),
        TEST(test_handshakes_that_hang),
        TEST(test_bad_answers),
        TEST(test_the_end_of_a_tls_stream_must_be_proven),
        TEST(test_servers_that_are_not_what_they_should_be),
        TEST(test_refused_options),
        TEST(test_refused_requests),
        TEST(test_https_without_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
