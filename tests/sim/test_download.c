/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download.c
 * Downloads by http and https over the in-memory network: cut, swapped, lied to, kept waiting, killed.
 */
#include "support/dlstore.h"
#include "support/httpworld.h"

#include <linnet/digest.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define URI "http://server.example/fw"
#define SECURE_URI "https://server.example/fw"
#define DAY "Sun, 06 Nov 1994 08:49:37 GMT"
#define NEXT_DAY "Mon, 07 Nov 1994 08:49:37 GMT"

static struct http_world w;
static struct dl_store store;
static struct ln_download *download;
static struct ln_download_options options;
static struct ln_download_info info;
static struct ln_diag diag;
static enum ln_status result;
static char asked[4096]; /* "0|100 "v1"|": the parts that were asked for */

static int open_world(void **state)
{
    (void)state;
    http_world_open(&w);
    w.file.etag = "\"v1\"";
    dl_store_clear(&store);
    options = (struct ln_download_options)LN_DOWNLOAD_OPTIONS_INIT;
    options.uri = URI;
    options.store = dl_store_ops(&store);
    options.tls = w.client_tls;
    asked[0] = '\0';
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    ln_download_free(download);
    download = NULL;
    http_world_close(&w);
    return 0;
}

static void note(const struct http_ask *ask)
{
    size_t len = strlen(asked);
    if (len < sizeof asked - 100)
        (void)snprintf(asked + len, sizeof asked - len, "%llu%s%s|", (unsigned long long)ask->from,
                       ask->if_range[0] != '\0' ? " " : "", ask->if_range);
}

/* ---- running one ---- */

static void begin(void)
{
    ln_diag_clear(&diag);
    ln_download_free(download);
    download = NULL;
    if (ln_download_new(&w.net.device, &options, &diag, &download) != LN_OK)
        fail_msg("download: %s", diag.text);
}

static void go_on(void)
{
    result = dl_drive(download, &w.net.device);
    if (result == LN_CLOSED) {
        ln_download_info(download, &info); /* cancelled: it is still there */
        diag = *ln_download_diag(download);
        return;
    }
    ln_download_info(download, &info);
    diag = *ln_download_diag(download);
}

static void run(void)
{
    begin();
    go_on();
}

static void must_have(const char *what, struct ln_span content)
{
    if (result != LN_OK || info.state != LN_DOWNLOAD_COMPLETE)
        fail_msg("%s: %s, %s: %s", what, ln_status_name(result),
                 ln_download_reason_word(info.reason), diag.text);
    if (!dl_store_holds(&store, content))
        fail_msg("%s: %zu bytes that are not what was expected", what, store.len);
    assert_true(info.has_total && info.total == content.len && info.offset == content.len);
    struct ln_hasher *h = NULL;
    uint8_t sha256[LN_HASH_MAX];
    assert_int_equal(ln_hasher_new(&w.net.server, LN_SHA256, &h), LN_OK);
    ln_hasher_update(h, content);
    assert_int_equal(ln_hasher_value(h, sha256), LN_OK);
    ln_hasher_free(h);
    assert_true(info.has_sha256);
    assert_memory_equal(info.sha256, sha256, 32);
}

static void must_fail(const char *what, enum ln_download_reason reason, const char *sentence)
{
    if (result == LN_OK || result == LN_AGAIN || info.state != LN_DOWNLOAD_FAILED ||
        info.reason != reason || diag.status != result || strstr(diag.text, sentence) == NULL)
        fail_msg("%s: %s, %s, %s: %s", what, ln_status_name(result),
                 ln_download_state_word(info.state), ln_download_reason_word(info.reason),
                 diag.text);
    assert_false(info.has_sha256);
}

static void sha256_of(struct ln_span content, uint8_t out[LN_HASH_MAX])
{
    struct ln_hasher *h = NULL;
    assert_int_equal(ln_hasher_new(&w.net.server, LN_SHA256, &h), LN_OK);
    ln_hasher_update(h, content);
    assert_int_equal(ln_hasher_value(h, out), LN_OK);
    ln_hasher_free(h);
}

/* ---- in one piece ---- */

/* scenario: S3 */
static void test_whole_files(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 1000, 200000 };
    for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
        dl_store_clear(&store);
        w.file.content.len = sizes[i / 2];
        options.uri = i % 2 != 0 ? SECURE_URI : URI;
        run();
        must_have(options.uri, w.file.content);
        assert_int_equal(info.requests, 1);
        assert_int_equal(info.restarts, 0);
        assert_int_equal(store.calls[DL_BEGIN], 1);
        assert_true(store.calls[DL_SYNC] >= 1);
        assert_true(info.received == sizes[i / 2]);
        assert_string_equal(info.etag, "\"v1\"");
        assert_int_equal(info.answer, 200);
        struct ln_tls_info tls;
        ln_download_tls_info(download, &tls);
        assert_int_equal(tls.version != 0, i % 2 != 0);
    }
    /* asked again, it says so again */
    assert_int_equal(ln_download_step(download, http_world_now(&w)), LN_OK);
}

static void test_other_framings(void **state)
{
    (void)state;
    w.file.chunked = true;
    run();
    must_have("chunks", w.file.content);
    dl_store_clear(&store);
    w.file.chunked = false;
    w.file.until_close = true;
    run();
    must_fail("until the end of a TCP connection", LN_DOWNLOAD_UNBOUNDED, "SHA-256 is not known");
    assert_int_equal(info.requests, 1);
    options.uri = SECURE_URI;
    run();
    must_have("until close_notify", w.file.content);
    dl_store_clear(&store);
    options.bounded_only = true;
    run();
    must_fail("until close_notify, which is not enough", LN_DOWNLOAD_UNBOUNDED, "SHA-256");
    uint8_t sha256[LN_HASH_MAX];
    sha256_of(w.file.content, sha256);
    options.sha256 = ln_span(sha256, 32);
    run();
    must_have("until close_notify, verified", w.file.content);
    options.uri = URI;
    dl_store_clear(&store);
    run();
    must_have("until the end, verified", w.file.content);
}

static void test_the_expected_digest(void **state)
{
    (void)state;
    uint8_t sha256[LN_HASH_MAX];
    sha256_of(w.file.content, sha256);
    options.sha256 = ln_span(sha256, 32);
    run();
    must_have("right", w.file.content);
    dl_store_clear(&store);
    sha256[31] ^= 1;
    run();
    must_fail("wrong", LN_DOWNLOAD_DIGEST, "SHA-256");
    assert_int_equal(info.requests, 1);
    assert_int_equal(store.state_len, 0); /* never to be gone on with */
}

static void test_user_names(void **state)
{
    (void)state;
    options.uri = "https://u:p@server.example/fw";
    run();
    must_have("in the URI", w.file.content);
    options.uri = SECURE_URI;
    dl_store_clear(&store);
    options.user = "u";
    options.password = "p";
    run();
    must_have("apart", w.file.content);
}

/* ---- cuts ---- */

static struct {
    size_t piece; /* bytes of each body that are sent */
    enum http_end end;
    unsigned times; /* answers that are cut */
    bool head;      /* `piece` counts the bytes of heads too */
} cut;

static void cutting(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    note(ask);
    http_serve_file(&world->file, ask, answer);
    if (ask->number <= cut.times && (cut.head || answer->body.len > cut.piece)) {
        answer->limit = (cut.head ? 0 : answer->head_len) + cut.piece;
        answer->end = cut.end;
    }
}

static void cuts(size_t piece, enum http_end end, unsigned times)
{
    cut.piece = piece;
    cut.end = end;
    cut.times = times;
    cut.head = false;
    w.script = cutting;
    w.plain.requests = w.secure.requests = 0;
    w.plain.body_sent = w.secure.body_sent = 0;
    dl_store_clear(&store);
    asked[0] = '\0';
}

/* The connection ends at every n-th byte: nothing is sent twice. */
/* scenario: T3 */
static void test_cut_at_every_nth_byte(void **state)
{
    (void)state;
    static const size_t pieces[] = { 1, 2, 3, 7, 50, 333, 999, 1000 };
    static const struct {
        const char *uri;
        enum http_end end;
    } ways[] = { { URI, HTTP_CLOSE }, { SECURE_URI, HTTP_CLOSE }, { URI, HTTP_HANG } };
    for (size_t i = 0; i < COUNT(pieces) * COUNT(ways); i++) {
        size_t piece = pieces[i / COUNT(ways)];
        options.uri = ways[i % COUNT(ways)].uri;
        if (piece < 50 && ways[i % COUNT(ways)].end == HTTP_HANG)
            continue; /* a thousand connections that hang are more than the server has */
        cuts(piece, ways[i % COUNT(ways)].end, UINT32_MAX);
        if (cut.end == HTTP_HANG && piece < 200)
            cut.times = 6;
        run();
        must_have(options.uri, w.file.content);
        const struct http_server *s = i % COUNT(ways) == 1 ? &w.secure : &w.plain;
        assert_true(s->body_sent == 1000);
        assert_true(info.received == 1000);
        if (cut.times == UINT32_MAX)
            assert_int_equal(info.requests, (1000 + piece - 1) / piece);
        assert_int_equal(info.restarts, 0);
    }
}

static void test_cut_in_heads(void **state)
{
    (void)state;
    static const size_t limits[] = { 0, 1, 12, 17, 40, 52 };
    for (size_t i = 0; i < COUNT(limits); i++) {
        cuts(limits[i], HTTP_CLOSE, 3);
        cut.head = true;
        run();
        must_have("heads", w.file.content);
        assert_int_equal(info.requests, 4);
        assert_true(info.received == 1000);
        cuts(limits[i], HTTP_CLOSE, 8);
        cut.head = true;
        run();
        must_fail("too often", LN_DOWNLOAD_CONNECTION,
                  limits[i] == 0 ? "without an answer" : "head");
        assert_int_equal(info.requests, 8);
    }
}

/* scenario: HTTP-10 */
static void test_what_is_asked_for(void **state)
{
    (void)state;
    cuts(400, HTTP_CLOSE, 2);
    run();
    must_have("etag", w.file.content);
    assert_string_equal(asked, "0|400 \"v1\"|800 \"v1\"|");
    w.file.etag = NULL;
    w.file.last_modified = DAY;
    w.file.date = NEXT_DAY;
    cuts(400, HTTP_CLOSE, 2);
    run();
    must_have("date", w.file.content);
    assert_string_equal(asked, "0|400 " DAY "|800 " DAY "|");
}

/* Without a strong validator nothing can be gone on with: it begins anew, a few times. */
static void test_without_validator(void **state)
{
    (void)state;
    static const struct {
        const char *etag, *last_modified, *date;
    } rows[] = {
        { NULL, NULL, NULL }, { "W/\"v1\"", NULL, NULL }, { "v1", NULL, NULL },
        { NULL, DAY, NULL },  { NULL, DAY, DAY },         { "W/\"v1\"", DAY, NEXT_DAY },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        w.file.etag = rows[i].etag;
        w.file.last_modified = rows[i].last_modified;
        w.file.date = rows[i].date;
        cuts(400, HTTP_CLOSE, 3);
        run();
        must_have("three times", w.file.content);
        assert_string_equal(asked, "0|0|0|0|");
        assert_int_equal(info.restarts, 3);
        assert_int_equal(store.state_len, 0);
        cuts(400, HTTP_CLOSE, 4);
        run();
        must_fail("four times", LN_DOWNLOAD_CONNECTION, "before the body was complete");
    }
}

/* ---- swapped files ---- */

static struct {
    struct http_file second;
    unsigned from; /* this request and later ones are for it */
    size_t piece;  /* of the first one's body */
} swap;

static void swapping(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    note(ask);
    bool second = ask->number >= swap.from;
    http_serve_file(second ? &swap.second : &world->file, ask, answer);
    if (!second && answer->body.len > swap.piece) {
        answer->limit = answer->head_len + swap.piece;
        answer->end = HTTP_CLOSE;
    }
}

static void swaps(size_t piece)
{
    swap.second = w.file;
    swap.second.content = ln_span(w.content + 5000, 1000);
    swap.from = 3;
    swap.piece = piece;
    w.script = swapping;
    w.plain.requests = 0;
    dl_store_clear(&store);
    asked[0] = '\0';
}

/* scenario: T3, H113 */
static void test_swapped_between_tries(void **state)
{
    (void)state;
    swaps(300);
    swap.second.etag = "\"v2\"";
    run();
    must_have("another tag", swap.second.content);
    assert_string_equal(asked, "0|300 \"v1\"|600 \"v1\"|"); /* the 200 was used at once */
    assert_int_equal(info.restarts, 1);
    assert_string_equal(info.etag, "\"v2\"");

    swaps(300);
    swap.second.etag = NULL;
    run();
    must_have("no tag any more", swap.second.content);

    swaps(300);
    swap.second.content.len = 1500; /* the same tag: If-Range holds */
    run();
    must_have("another size", swap.second.content);
    assert_int_equal(info.restarts, 1);
    assert_string_equal(asked, "0|300 \"v1\"|600 \"v1\"|0|");

    swaps(300);
    swap.second.content.len = 500; /* shorter than what is stored */
    run();
    must_have("shorter", swap.second.content);

    w.file.etag = NULL;
    w.file.last_modified = DAY;
    w.file.date = NEXT_DAY;
    swaps(300);
    swap.second.last_modified = NEXT_DAY;
    swap.second.date = "Tue, 08 Nov 1994 08:49:37 GMT";
    run();
    must_have("another date", swap.second.content);
    assert_int_equal(info.restarts, 1);
}

static void always_new(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    char etag[16];
    struct http_file file = world->file;
    note(ask);
    (void)snprintf(etag, sizeof etag, "\"%u\"", ask->number);
    file.etag = etag;
    http_serve_file(&file, ask, answer);
    answer->limit = answer->head_len + 400;
    answer->end = HTTP_CLOSE;
}

static void test_a_file_that_never_stays_the_same(void **state)
{
    (void)state;
    w.script = always_new;
    run();
    must_fail("always new", LN_DOWNLOAD_CHANGED, "keeps changing");
    assert_int_equal(info.restarts, 3);
    assert_int_equal(info.requests, 5);
}

/* ---- answers that lie ---- */

static struct {
    const char *first; /* an answer with 400 of 1000 bytes, if NULL the usual one */
    const char *later;
    struct ln_span body; /* of the later one */
    enum http_end end;
    unsigned lies; /* so many of the later ones; then the truth */
} lie;

static void lying(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    note(ask);
    if (ask->number > 1 && ask->number - 1 <= lie.lies) {
        http_say(answer, "%s", lie.later);
        answer->body = lie.body;
        answer->end = lie.end;
        return;
    }
    http_serve_file(&world->file, ask, answer);
    if (ask->number == 1) {
        answer->limit = answer->head_len + 400;
        answer->end = HTTP_CLOSE;
    }
}

static void lies(const char *later, struct ln_span body, unsigned how_often)
{
    memset(&lie, 0, sizeof lie);
    lie.later = later;
    lie.body = body;
    lie.lies = how_often;
    w.script = lying;
    w.plain.requests = 0;
    w.plain.body_sent = 0;
    dl_store_clear(&store);
    asked[0] = '\0';
}

#define PART "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes "

/* scenario: T3, H113 */
static void test_parts_that_were_not_asked_for(void **state)
{
    (void)state;
    struct ln_span all = w.file.content;
    const struct {
        const char *what;
        const char *later;
        size_t from, to; /* of the file, as the body */
        enum ln_download_reason reason;
        const char *sentence;
    } rows[] = {
        { "too far behind", PART "500-999/1000\r\nContent-Length: 500\r\n\r\n", 500, 1000,
          LN_DOWNLOAD_PROTOCOL, "another part" },
        { "all before that", PART "100-399/1000\r\nContent-Length: 300\r\n\r\n", 100, 400,
          LN_DOWNLOAD_PROTOCOL, "another part" },
        { "more than the part", PART "400-400/1000\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n", 400,
          402, LN_DOWNLOAD_PROTOCOL, "more than it announced" },
        { "no range", "HTTP/1.1 206 X\r\nETag: \"v1\"\r\nContent-Length: 600\r\n\r\n", 400, 1000,
          LN_DOWNLOAD_PROTOCOL, "206" },
        { "several parts",
          "HTTP/1.1 206 X\r\nETag: \"v1\"\r\n"
          "Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: 10\r\n\r\n--x\r\n\r\n",
          0, 1, LN_DOWNLOAD_PROTOCOL, "206" },
        { "a length that does not fit", PART "400-999/1000\r\nContent-Length: 5\r\n\r\n", 400, 405,
          LN_DOWNLOAD_PROTOCOL, "does not fit" },
        { "not modified", "HTTP/1.1 304 X\r\nETag: \"v1\"\r\n\r\n", 0, 0, LN_DOWNLOAD_REDIRECT,
          "304" },
        { "a list", "HTTP/1.1 300 X\r\nContent-Length: 0\r\n\r\n", 0, 0, LN_DOWNLOAD_REDIRECT,
          "300" },
        { "accepted", "HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n", 0, 0, LN_DOWNLOAD_ANSWER,
          "202" },
        { "no content", "HTTP/1.1 204 X\r\n\r\n", 0, 0, LN_DOWNLOAD_ANSWER, "204" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ln_span body = ln_span(all.data + rows[i].from, rows[i].to - rows[i].from);
        lies(rows[i].later, body, UINT32_MAX);
        run();
        must_fail(rows[i].what, rows[i].reason, rows[i].sentence);
        assert_true(store.len == 400);
        assert_int_equal(info.requests, rows[i].reason == LN_DOWNLOAD_PROTOCOL ? 9 : 2);
        lies(rows[i].later, body, 2);
        run();
        if (rows[i].reason == LN_DOWNLOAD_PROTOCOL)
            must_have(rows[i].what, all); /* it was a bad day */
    }
}

/* scenario: T3, H113 */
static void test_parts_that_can_be_used(void **state)
{
    (void)state;
    struct ln_span all = w.file.content;
    lies(PART "300-999/1000\r\nContent-Length: 700\r\n\r\n", ln_span(all.data + 300, 700), 1);
    run();
    must_have("an overlap", all);
    lies(PART "400-999/*\r\nContent-Length: 600\r\n\r\n", ln_span(all.data + 400, 600), 1);
    run();
    must_have("of unknown size", all);
    lies("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 1000\r\n\r\n", all, 1);
    run();
    must_have("everything again", all);
    assert_int_equal(info.restarts, 0);
    assert_true(info.received == 1400);
    assert_int_equal(store.calls[DL_BEGIN], 1);
    lies("HTTP/1.1 206 X\r\nContent-Range: bytes 400-999/1000\r\nContent-Length: 600\r\n\r\n",
         ln_span(all.data + 400, 600), 1);
    run();
    must_have("a part without its tag is not believed", all);
    assert_int_equal(info.restarts, 1);
    lies("HTTP/1.1 416 X\r\nETag: \"v1\"\r\nContent-Range: bytes */1000\r\n"
         "Content-Length: 0\r\n\r\n",
         ln_span(NULL, 0), 1);
    run();
    must_have("nothing there, and yet", all);
    assert_int_equal(info.restarts, 1);
    lies("HTTP/1.1 412 X\r\nContent-Length: 0\r\n\r\n", ln_span(NULL, 0), 1);
    run();
    must_have("a condition that failed", all);
}

/* A server may send less than was asked for (RFC 9110 15.3.7): the next part is asked for, until it
 * is known that nothing is behind it. */
/* scenario: T3, HTTP-10 */
static void test_parts_of_the_rest(void **state)
{
    static const struct {
        const char *later;
        size_t len;
        bool chunked; /* at first nobody knows how much there is */
        const char *asked;
    } rows[] = {
        { PART "400-699/1000\r\nContent-Length: 300\r\n\r\n", 300, false,
          "0|400 \"v1\"|700 \"v1\"|" },
        { PART "400-699/*\r\nContent-Length: 300\r\n\r\n", 300, false, "0|400 \"v1\"|700 \"v1\"|" },
        { PART "400-699/1000\r\nContent-Length: 300\r\n\r\n", 300, true,
          "0|400 \"v1\"|700 \"v1\"|" },
        { PART "400-699/*\r\nContent-Length: 300\r\n\r\n", 300, true, "0|400 \"v1\"|700 \"v1\"|" },
        { PART "400-999/*\r\nContent-Length: 600\r\n\r\n", 600, true,
          "0|400 \"v1\"|1000 \"v1\"|" }, /* 416: that was all */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        w.file.chunked = rows[i].chunked;
        lies(rows[i].later, ln_span(w.content + 400, rows[i].len), 1);
        run();
        must_have(rows[i].later, w.file.content);
        assert_string_equal(asked, rows[i].asked);
        assert_int_equal(info.restarts, 0);
    }
}

/* What is smaller than what is stored is another file, whatever its tag says. */
/* scenario: T3, H113 */
static void test_a_file_that_is_smaller_now(void **state)
{
    (void)state;
    w.file.chunked = true;
    lies("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 300\r\n\r\n",
         ln_span(w.content + 5000, 300), 1);
    run();
    must_have("smaller", ln_span(w.content + 5000, 300));
    assert_int_equal(info.restarts, 1);
    assert_int_equal(info.requests, 2);
}

static void test_dates_in_parts(void **state)
{
    (void)state;
    struct ln_span rest = ln_span(w.content + 400, 600);
    w.file.etag = NULL;
    w.file.last_modified = DAY;
    w.file.date = NEXT_DAY;
    lies("HTTP/1.1 206 X\r\nContent-Range: bytes 400-999/1000\r\nContent-Length: 600\r\n\r\n", rest,
         1);
    run();
    must_have("a part need not repeat the date", w.file.content);
    assert_int_equal(info.restarts, 0);
    lies("HTTP/1.1 206 X\r\nContent-Range: bytes 400-999/1000\r\nLast-Modified: " NEXT_DAY "\r\n"
         "Content-Length: 600\r\n\r\n",
         rest, 1);
    run();
    must_have("but not another one", w.file.content);
    assert_int_equal(info.restarts, 1);
    lies("HTTP/1.1 206 X\r\nContent-Range: bytes 400-999/1000\r\nETag: \"x\"\r\n"
         "Content-Length: 600\r\n\r\n",
         rest, 1);
    run();
    must_have("nor a tag", w.file.content);
    assert_int_equal(info.restarts, 1);
}

static void a_part_at_first(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    note(ask);
    http_say(answer, PART "0-999/1000\r\nContent-Length: 1000\r\n\r\n");
    answer->body = world->file.content;
}

static void test_a_part_where_all_was_asked_for(void **state)
{
    (void)state;
    w.script = a_part_at_first;
    run();
    must_fail("206 to a request without Range", LN_DOWNLOAD_PROTOCOL, "everything was asked for");
    assert_int_equal(store.len, 0);
}

/* More is announced than ever comes, for ever. */
/* scenario: T3, H115 */
static void test_lengths_that_lie(void **state)
{
    (void)state;
    lies(PART "400-999/1000\r\nContent-Length: 600\r\n\r\n", ln_span(NULL, 0), UINT32_MAX);
    lie.end = HTTP_CLOSE;
    run();
    must_fail("nothing comes", LN_DOWNLOAD_CONNECTION, "before the body was complete");
    assert_int_equal(info.requests, 9); /* the first brought something, eight did not */
    lies(PART "400-999/1000\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
         ln_span(NULL, 0), UINT32_MAX);
    run();
    must_fail("chunks that are less", LN_DOWNLOAD_CONNECTION, "less than it announced");
    lies(PART "400-999/1000\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n",
         ln_span(w.content + 400, 0x400), UINT32_MAX);
    run();
    must_fail("chunks that are more", LN_DOWNLOAD_PROTOCOL, "more than it announced");
    assert_true(store.len <= 1000);
    lies("HTTP/1.1 200 X\r\nETag: \"v1\"\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n",
         w.file.content, UINT32_MAX);
    run();
    must_fail("compressed", LN_DOWNLOAD_PROTOCOL, "compressed");
}

/* The validators lie: the parts are of two files. Once more, in one piece. */
static void test_a_digest_after_parts(void **state)
{
    (void)state;
    uint8_t sha256[LN_HASH_MAX];
    sha256_of(w.file.content, sha256);
    options.sha256 = ln_span(sha256, 32);
    lies(PART "400-999/1000\r\nContent-Length: 600\r\n\r\n", ln_span(w.content + 5000, 600), 1);
    run();
    must_have("mixed by the server", w.file.content);
    assert_string_equal(asked, "0|400 \"v1\"|0|");
    assert_int_equal(info.restarts, 1);
}

/* ---- answers that refuse ---- */

static struct {
    const char *text;
    unsigned times;
} refusal;

static void refusing(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    note(ask);
    if (ask->number <= refusal.times)
        http_say(answer, "%s", refusal.text);
    else
        http_serve_file(&world->file, ask, answer);
}

static void refuses(const char *text, unsigned times)
{
    refusal.text = text;
    refusal.times = times;
    w.script = refusing;
    w.plain.requests = 0;
    dl_store_clear(&store);
}

/* scenario: T3, HTTP-15 */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        enum ln_download_reason reason;
        unsigned requests;
    } rows[] = {
        { 400, LN_DOWNLOAD_ANSWER, 1 },  { 401, LN_DOWNLOAD_DENIED, 1 },
        { 403, LN_DOWNLOAD_DENIED, 1 },  { 404, LN_DOWNLOAD_NOT_FOUND, 1 },
        { 405, LN_DOWNLOAD_ANSWER, 1 },  { 407, LN_DOWNLOAD_DENIED, 1 },
        { 408, LN_DOWNLOAD_BUSY, 8 },    { 410, LN_DOWNLOAD_NOT_FOUND, 1 },
        { 412, LN_DOWNLOAD_CHANGED, 4 }, { 416, LN_DOWNLOAD_CHANGED, 4 },
        { 418, LN_DOWNLOAD_ANSWER, 1 },  { 429, LN_DOWNLOAD_BUSY, 8 },
        { 500, LN_DOWNLOAD_BUSY, 8 },    { 501, LN_DOWNLOAD_ANSWER, 1 },
        { 502, LN_DOWNLOAD_BUSY, 8 },    { 503, LN_DOWNLOAD_BUSY, 8 },
        { 504, LN_DOWNLOAD_BUSY, 8 },    { 505, LN_DOWNLOAD_ANSWER, 1 },
        { 201, LN_DOWNLOAD_ANSWER, 1 },  { 301, LN_DOWNLOAD_REDIRECT, 1 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        char number[8];
        (void)snprintf(text, sizeof text, "HTTP/1.1 %u X\r\nContent-Length: 3\r\n\r\nbad",
                       rows[i].status);
        (void)snprintf(number, sizeof number, "%u", rows[i].status);
        refuses(text, UINT32_MAX);
        run();
        must_fail(number, rows[i].reason, number);
        assert_int_equal(info.answer, rows[i].status);
        if (info.requests != rows[i].requests)
            fail_msg("%u: %u requests", rows[i].status, info.requests);
        assert_int_equal(store.calls[DL_BEGIN], 0); /* nothing is thrown away */
        assert_int_equal(store.calls[DL_WRITE], 0);
    }
    refuses("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", 7);
    run();
    must_have("at last", w.file.content);
}

static ln_msec pause_before(unsigned request)
{
    return w.plain.asked_at[request - 1] - w.plain.asked_at[request - 2];
}

static void test_pauses(void **state)
{
    (void)state;
    ln_msec first[16] = { 0 };
    unsigned kinds = 0;
    for (unsigned round = 0; round < 16; round++) {
        refuses("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", UINT32_MAX);
        run();
        assert_int_equal(info.requests, 8);
        for (unsigned i = 0; i < 7; i++) {
            ln_msec whole = (ln_msec)1000 << i;
            assert_in_range(pause_before(i + 2), whole / 2, whole + 1);
        }
        first[round] = pause_before(2);
        bool known = false;
        for (unsigned i = 0; i < round; i++)
            known = known || first[i] == first[round];
        kinds += !known;
    }
    assert_true(kinds > 8); /* not all at once */

    options.backoff_first_ms = 100;
    options.backoff_max_ms = 400;
    options.attempts_max = 5;
    refuses("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", UINT32_MAX);
    run();
    assert_int_equal(info.requests, 5);
    assert_in_range(pause_before(2), 50, 101);
    assert_in_range(pause_before(5), 200, 401);
}

static void test_patience_that_is_asked_for(void **state)
{
    (void)state;
    refuses("HTTP/1.1 503 X\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n", 1);
    run();
    must_have("100 s", w.file.content);
    assert_in_range(pause_before(2), 100000, 125001);
    refuses("HTTP/1.1 503 X\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n", 1);
    run();
    must_have("for ever", w.file.content);
    assert_in_range(pause_before(2), 3600000, 4500001);
    refuses("HTTP/1.1 503 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", 1);
    run();
    must_have("none", w.file.content);
    assert_in_range(pause_before(2), 500, 1001);
    options.time_max_ms = 60000;
    refuses("HTTP/1.1 503 X\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n", 1);
    run();
    must_fail("more than there is", LN_DOWNLOAD_TIME, "longer than it may");
}

/* Progress makes the server a good one again. */
static void test_progress_resets_the_count(void **state)
{
    (void)state;
    options.attempts_max = 2;
    cuts(1, HTTP_CLOSE, UINT32_MAX);
    w.file.content.len = 50;
    run();
    must_have("50 cuts", w.file.content);
    assert_int_equal(info.requests, 50);
    assert_int_equal(info.attempts, 0);
}

/* ---- no connection ---- */

static void test_connections_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        enum ln_download_reason reason;
        unsigned requests;
    } rows[] = {
        { "http://nobody.example/", LN_DOWNLOAD_NAME, 8 },
        { "http://server.example:81/", LN_DOWNLOAD_CONNECTION, 8 },
        { "https://server.example:80/", LN_DOWNLOAD_CONNECTION, 8 },
        { "http://server.example:443/", LN_DOWNLOAD_CONNECTION, 8 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        options.uri = rows[i].uri;
        options.open_timeout_ms = 3000;
        options.answer_timeout_ms = 3000;
        run();
        must_fail(rows[i].uri, rows[i].reason, "");
        assert_int_equal(info.requests, rows[i].requests);
    }
}

static void test_keys_that_do_not_fit(void **state)
{
    (void)state;
    struct ln_tls_options tls = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    http_psk(&tls);
    tls.psk_key = ln_span_str("another key 1234");
    assert_int_equal(ln_tls_config_new(&w.net.device, LN_TLS, &tls, &diag, &config), LN_OK);
    options.tls = config;
    options.uri = SECURE_URI;
    run();
    must_fail("another key", LN_DOWNLOAD_HANDSHAKE, "");
    assert_int_equal(info.requests, 1); /* it would not become right */
    ln_tls_config_unref(config);
}

static void test_slow_servers(void **state)
{
    (void)state;
    cuts(400, HTTP_HANG, 2);
    ln_msec start = http_world_now(&w);
    run();
    must_have("hangs", w.file.content);
    assert_in_range(http_world_now(&w) - start, 60000, 70000);
}

static void trickling(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, ask, answer);
    answer->piece = 1;
    answer->piece_ms = 60000;
}

/* scenario: H116 */
static void test_a_byte_in_a_minute(void **state)
{
    (void)state;
    w.script = trickling;
    run();
    must_fail("no head", LN_DOWNLOAD_CONNECTION, "did not answer in time");
    options.time_max_ms = 100000;
    run();
    must_fail("no time", LN_DOWNLOAD_TIME, "longer than it may");
}

/* ---- limits ---- */

static void test_limits(void **state)
{
    (void)state;
    options.size_max = 999;
    run();
    must_fail("announced", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_int_equal(store.calls[DL_BEGIN], 0);
    w.file.chunked = true;
    run();
    must_fail("not announced", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_true(store.len <= 999);
    options.size_max = 1000;
    dl_store_clear(&store);
    run();
    must_have("just so", w.file.content);
    w.file.chunked = false;

    options.size_max = 0;
    options.bytes_max = 999;
    dl_store_clear(&store);
    run();
    must_fail("bytes", LN_DOWNLOAD_BYTES, "more bytes");
    options.bytes_max = 1000;
    dl_store_clear(&store);
    run();
    must_have("no byte too much", w.file.content);
}

static void test_the_usual_limit_of_bytes(void **state)
{
    (void)state;
    w.file.content.len = sizeof w.content;
    options.restarts_max = 100;
    w.script = always_new;
    /* each answer is cut behind 400 bytes: 666,000 bytes are never reached */
    run();
    must_fail("new for ever", LN_DOWNLOAD_CHANGED, "keeps changing");
    assert_int_equal(info.restarts, 100);
    w.file.etag = NULL;
    cuts(150000, HTTP_CLOSE, UINT32_MAX);
    run();
    must_fail("long and no tag", LN_DOWNLOAD_BYTES, "more bytes");
    assert_in_range(info.received, 3 * sizeof w.content + 65536, 3 * sizeof w.content + 90000);
    options.bytes_max = LN_DOWNLOAD_NO_LIMIT;
    options.restarts_max = 20;
    cuts(150000, HTTP_CLOSE, 10);
    run();
    must_have("no limit", w.file.content);
}

/* ---- the rate ---- */

static size_t server_piece; /* every 100 ms; 0 = as fast as it can */

static void in_pieces(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    http_serve_file(&world->file, ask, answer);
    answer->piece = server_piece;
    answer->piece_ms = server_piece != 0 ? 100 : 0;
}

/* On average; a pause of ours is no silence of the server. */
static void test_a_limited_rate(void **state)
{
    static const struct {
        uint64_t rate;
        size_t len;
        size_t piece; /* of the server */
        ln_msec least, most;
    } rows[] = {
        { 10000, 100000, 0, 9900, 10100 }, { 1000000, 200000, 0, 190, 320 },
        { 500, 40000, 0, 79900, 80100 },   /* pauses of half a minute: longer than any silence */
        { 10000, 20000, 500, 3900, 4200 }, /* half as fast as it may be */
        { UINT64_MAX, 100000, 0, 0, 100 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        dl_store_clear(&store);
        w.file.content.len = rows[i].len;
        server_piece = rows[i].piece;
        w.script = in_pieces;
        options.rate_max = rows[i].rate;
        ln_msec begun = http_world_now(&w);
        run();
        must_have("limited", w.file.content);
        assert_int_equal(info.requests, 1);
        assert_in_range(http_world_now(&w) - begun, rows[i].least, rows[i].most);
    }
}

/* It holds for all tries together, and a full store and a cancel go before it. */
static void test_a_limited_rate_among_others(void **state)
{
    (void)state;
    options.rate_max = 1000;
    w.file.content.len = 10000;
    cuts(3000, HTTP_CLOSE, 3);
    ln_msec begun = http_world_now(&w);
    run();
    must_have("cut", w.file.content);
    assert_in_range(http_world_now(&w) - begun, 9900, 15000);

    cuts(0, HTTP_STAY, 0);
    dl_store_clear(&store);
    store.busy = true;
    begin();
    while (result = dl_drive(download, &w.net.device), result == LN_AGAIN) {
        struct ln_interest want;
        ln_download_interest(download, &want);
        assert_false(want.ready); /* the store is full: time alone does not help */
        ln_download_ready(download);
    }
    go_on();
    must_have("full", w.file.content);
    store.busy = false;

    dl_store_clear(&store);
    options.rate_max = 1;
    begin();
    go_on();
    assert_int_equal(result, LN_AGAIN); /* for hours */
    ln_download_cancel(download);
    go_on();
    assert_int_equal(info.reason, LN_DOWNLOAD_CANCELLED);
}

/* ---- the store ---- */

/* scenario: S28 */
static void test_stores_that_fail(void **state)
{
    (void)state;
    static const struct {
        enum dl_call call;
        enum ln_status status;
        enum ln_download_reason reason; /* NONE: it costs nothing */
        const char *sentence;
    } rows[] = {
        { DL_BEGIN, LN_IO, LN_DOWNLOAD_STORE, "cannot begin" },
        { DL_BEGIN, LN_NO_SPACE, LN_DOWNLOAD_SPACE, "cannot begin" },
        { DL_RESERVE, LN_IO, LN_DOWNLOAD_STORE, "too small" },
        { DL_RESERVE, LN_NO_SPACE, LN_DOWNLOAD_SPACE, "too small" },
        { DL_WRITE, LN_IO, LN_DOWNLOAD_STORE, "worn out" },
        { DL_WRITE, LN_NO_SPACE, LN_DOWNLOAD_SPACE, "worn out" },
        { DL_SYNC, LN_IO, LN_DOWNLOAD_STORE, "last" },
        { DL_SYNC, LN_NO_SPACE, LN_DOWNLOAD_SPACE, "last" },
        { DL_LOAD, LN_IO, LN_DOWNLOAD_NONE, "" },
        { DL_LOAD, LN_NO_SPACE, LN_DOWNLOAD_NONE, "" },
        { DL_SAVE, LN_IO, LN_DOWNLOAD_NONE, "" },
        { DL_SAVE, LN_DENIED, LN_DOWNLOAD_NONE, "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        dl_store_clear(&store);
        store.fails = rows[i].call;
        store.fail_at = 1;
        store.status = rows[i].status;
        run();
        if (rows[i].reason == LN_DOWNLOAD_NONE) {
            must_have(rows[i].sentence, w.file.content);
            continue;
        }
        must_fail(rows[i].sentence, rows[i].reason, rows[i].sentence);
        assert_int_equal(result, rows[i].status);
        assert_int_equal(info.requests, 1);
        run(); /* the disk is mended: it goes on */
        must_have("later", w.file.content);
    }
}

static void test_a_store_that_needs_time(void **state)
{
    (void)state;
    w.file.content.len = sizeof w.content;
    store.busy = true;
    begin();
    for (size_t before = 0, rounds = 0;; rounds++, before = store.len) {
        go_on();
        if (result == LN_OK)
            break;
        assert_int_equal(result, LN_AGAIN);
        assert_int_equal(info.state, LN_DOWNLOAD_RUNNING);
        assert_true(store.len > before && rounds < 1000);
        ln_testkit_advance(w.net.kit, 60000); /* longer than any limit: nobody is to blame */
        assert_int_equal(dl_drive(download, &w.net.device), LN_AGAIN);
        assert_true(store.len > before);
        ln_download_ready(download);
    }
    must_have("slow flash", w.file.content);
    assert_int_equal(info.requests, 1);
}

static void test_without_state(void **state)
{
    (void)state;
    options.store.load = NULL;
    options.store.save = NULL;
    options.store.read = NULL;
    options.store.sync = NULL;
    cuts(300, HTTP_CLOSE, UINT32_MAX);
    run();
    must_have("a program that keeps nothing", w.file.content);
    assert_true(w.plain.body_sent == 1000);
}

/* ---- the program ends, and begins again ---- */

/* As kill -9 would do it: nothing is said to anybody. What the store has is what it has. */
static void kill_program(void)
{
    struct dl_store kept = store;
    ln_download_free(download);
    download = NULL;
    store = kept;
}

static void step_until(size_t stored)
{
    begin();
    for (;;) {
        struct ln_interest want;
        result = ln_download_step(download, http_world_now(&w));
        if (result != LN_AGAIN || store.len >= stored)
            return;
        ln_download_interest(download, &want);
        http_wait(&w.net.device, &want);
    }
}

/* A file of 100,000 bytes that takes its second, in pieces of up to 3,000. */
static void prepare_for_kills(void)
{
    const struct ln_testkit_chunks chunks = { .read_max = 3000, .vary = true };
    const struct ln_testkit_link link = { .bytes_per_s = 100000, .mtu = 1500 };
    w.file.content.len = 100000;
    options.save_bytes = 4000;
    options.sync_bytes = 20000;
    ln_testkit_host_chunks(w.net.device_host, &chunks);
    assert_int_equal(ln_testkit_path(w.net.kit, NULL, NULL, &link), LN_OK);
}

/* scenario: T3, PIT-09c */
static void test_killed_anywhere(void **state)
{
    (void)state;
    prepare_for_kills();
    for (size_t at = 1; at < 100000; at += 7919) {
        cuts(SIZE_MAX, HTTP_STAY, 0);
        step_until(at);
        size_t stored = store.len;
        kill_program();
        run();
        must_have("killed", w.file.content);
        assert_true(info.resumed_at + 4000 + 3000 > stored);
        assert_true(info.resumed_at <= stored);
        assert_int_equal(info.requests, 1);
        assert_true(info.restarts == 0);
    }
}

/* What was not synced is lost, or became junk: up to the last sync everything is true. */
/* scenario: T17, PIT-09c */
static void test_power_is_lost(void **state)
{
    (void)state;
    prepare_for_kills();
    for (size_t i = 0, at = 1; at < 100000; at += 7919, i++) {
        cuts(SIZE_MAX, HTTP_STAY, 0);
        step_until(at);
        size_t synced = store.synced;
        kill_program();
        dl_store_lose_power(&store, i % 2 != 0);
        run();
        must_have("no power", w.file.content);
        assert_true(info.resumed_at >= synced);
        assert_int_equal(info.restarts, 0);
    }
}

/* Every byte of the state turned, every shorter one: it begins anew, and is right. */
/* scenario: H120 */
static void test_damaged_states(void **state)
{
    (void)state;
    step_until(1);
    kill_program();
    static struct dl_store kept;
    kept = store;
    cuts(500, HTTP_CLOSE, 1);
    store = kept;
    assert_true(kept.state_len > 100);
    for (size_t i = 0; i < kept.state_len * 2; i++) {
        store = kept;
        store.len = 600;
        if (i < kept.state_len)
            store.state[i] ^= 0x10;
        else
            store.state_len = i - kept.state_len;
        run();
        must_have("damaged", w.file.content);
        assert_true(info.resumed_at == 0);
    }
}

static void stop_at_400(void)
{
    cuts(400, HTTP_CLOSE, 1);
    step_until(400);
    kill_program();
    asked[0] = '\0';
    w.plain.requests = 0;
    cut.times = 0;
}

/* The size is told before the first byte, and again where the file begins anew or goes on. */
static void test_room_is_asked_for(void **state)
{
    (void)state;
    run();
    must_have("told", w.file.content);
    assert_int_equal(store.calls[DL_RESERVE], 1);
    assert_int_equal(store.reserved, 1000);

    dl_store_clear(&store);
    store.fails = DL_RESERVE;
    store.fail_at = 1;
    store.status = LN_NO_SPACE;
    run();
    must_fail("no room", LN_DOWNLOAD_SPACE, "too small");
    assert_int_equal(store.calls[DL_WRITE], 0);
    assert_int_equal(store.state_len, 0);

    dl_store_clear(&store);
    stop_at_400();
    run();
    must_have("gone on", w.file.content);
    assert_int_equal(store.calls[DL_RESERVE], 2); /* by each of the two programs */

    dl_store_clear(&store);
    cuts(300, HTTP_CLOSE, 2);
    run();
    must_have("cut", w.file.content);
    assert_int_equal(store.calls[DL_RESERVE], 1); /* it has the room already */

    dl_store_clear(&store);
    cuts(300, HTTP_CLOSE, 0);
    w.file.chunked = true; /* nobody knows */
    run();
    must_have("no size", w.file.content);
    assert_int_equal(store.calls[DL_RESERVE], 0);
}

static void test_what_is_stored_was_changed(void **state)
{
    (void)state;
    options.save_bytes = 100;
    stop_at_400();
    store.bytes[399] ^= 1;
    run();
    must_have("the last byte", w.file.content);
    assert_string_equal(asked, "0|");
    stop_at_400();
    store.len = 399;
    run();
    must_have("a byte is missing", w.file.content);
    assert_string_equal(asked, "0|");
    stop_at_400();
    memset(store.bytes + 400, 0xff, 1000);
    store.len = 1400;
    run();
    must_have("more than was saved", w.file.content);
    assert_string_equal(asked, "400 \"v1\"|");
    stop_at_400();
    store.fails = DL_READ;
    store.fail_at = 1;
    store.status = LN_IO;
    run();
    must_have("it cannot be read", w.file.content);
    assert_string_equal(asked, "0|");
    stop_at_400();
    options.store.read = NULL;
    run();
    must_have("it can never be read", w.file.content);
    assert_string_equal(asked, "0|");
}

static void test_the_state_of_another_download(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool same;
    } uris[] = {
        { "http://server.example/fw", true },    { "http://u:p@server.example/fw#x", true },
        { "http://server.example/fw?x", false }, { "http://server.example:80/fw", false },
        { "http://server.example/fw2", false },  { "https://server.example/fw", false },
        { "http://other.example/fw", false },
    };
    options.save_bytes = 100;
    for (size_t i = 0; i < COUNT(uris); i++) {
        options.uri = URI;
        stop_at_400();
        options.uri = uris[i].uri;
        run();
        must_have(uris[i].uri, w.file.content);
        assert_int_equal(info.resumed_at, uris[i].same ? 400 : 0);
    }
}

/* scenario: T3 */
static void test_swapped_while_the_program_was_away(void **state)
{
    (void)state;
    options.save_bytes = 100;
    stop_at_400();
    struct http_file before = w.file;
    w.file.etag = "\"v2\"";
    w.file.content = ln_span(w.content + 5000, 1000);
    run();
    must_have("swapped", w.file.content);
    assert_string_equal(asked, "400 \"v1\"|");
    assert_int_equal(info.restarts, 1);
    w.file = before;
}

static void test_killed_behind_the_end(void **state)
{
    (void)state;
    run();
    must_have("complete", w.file.content);
    kill_program();
    w.plain.requests = 0;
    run();
    must_have("complete still", w.file.content);
    assert_int_equal(w.plain.requests, 0); /* nobody was asked */
    assert_int_equal(info.requests, 0);
}

/* What it costs is counted over restarts of the program, and settled when it ends. */
static void test_costs_over_restarts(void **state)
{
    (void)state;
    options.save_bytes = 100;
    options.bytes_max = 1399;
    stop_at_400();
    store.len = 0; /* and is lost each time */
    run();
    must_fail("in all", LN_DOWNLOAD_BYTES, "more bytes");
    run();
    must_have("a new account", w.file.content);

    options.bytes_max = 950;
    cuts(300, HTTP_CLOSE, 10);
    run();
    must_fail("spent on its way", LN_DOWNLOAD_BYTES, "more bytes");
    assert_int_equal(store.len, 900);
    options.bytes_max = 100;
    cut.times = 0;
    run();
    must_have("a new account for the rest", w.file.content);
    assert_true(info.resumed_at == 900);
}

/* ---- suspend, reconnect, cancel, free: from outside and from every callback ---- */

static struct {
    enum dl_call call; /* the last one of this kind acts; DL_CALLS: progress */
    unsigned countdown;
    void (*act)(struct ln_download *d);
} hook;

static void act_now(void)
{
    if (hook.countdown > 0 && --hook.countdown == 0)
        hook.act(download);
}

static void in_store(void *user, enum dl_call call)
{
    (void)user;
    if (call == hook.call)
        act_now();
}

static void in_progress(void *user, const struct ln_download *d)
{
    (void)user;
    assert_ptr_equal(d, download);
    if (hook.call == DL_CALLS)
        act_now();
}

static void hook_up(enum dl_call call, unsigned countdown, void (*act)(struct ln_download *d))
{
    hook.call = call;
    hook.countdown = countdown;
    hook.act = act;
    store.hook = in_store;
    options.progress = in_progress;
}

static bool was_freed;

static void free_it(struct ln_download *d)
{
    ln_download_free(d);
    was_freed = true;
}

/* With a state to be read, a cut, and a resource that has changed, every callback is reached. */
static void prepare_all_callbacks(void)
{
    options.progress = NULL;
    options.save_bytes = 100;
    stop_at_400();
    w.script = swapping;
    swap.second = w.file;
    swap.second.etag = "\"v2\"";
    swap.from = 2;
    swap.piece = 300;
    memset(store.calls, 0, sizeof store.calls);
}

static void test_every_callback_may_do_everything(void **state)
{
    (void)state;
    static void (*const acts[])(struct ln_download *d) = { ln_download_cancel, ln_download_suspend,
                                                           ln_download_reconnect, free_it };
    size_t acted = 0;
    for (size_t act = 0; act < COUNT(acts); act++) {
        for (enum dl_call call = DL_BEGIN; call <= DL_CALLS; call++) {
            for (unsigned nth = 1;; nth++) {
                prepare_all_callbacks();
                hook_up(call, nth, acts[act]);
                was_freed = false;
                begin();
                result = dl_drive(download, &w.net.device);
                if (was_freed) {
                    download = NULL;
                    assert_int_equal(result, LN_CLOSED);
                } else {
                    ln_download_info(download, &info);
                    diag = *ln_download_diag(download);
                }
                if (hook.countdown > 0)
                    break; /* not so many of them */
                acted++;
                bool complete = !was_freed && info.state == LN_DOWNLOAD_COMPLETE;
                if (acts[act] == ln_download_cancel && !complete)
                    must_fail("cancelled", LN_DOWNLOAD_CANCELLED, "cancelled");
                if (acts[act] == ln_download_suspend && !complete) {
                    assert_int_equal(result, LN_AGAIN);
                    assert_int_equal(info.state, LN_DOWNLOAD_SUSPENDED);
                    assert_int_equal(http_server_open_connections(&w.plain), 0);
                    ln_testkit_advance(w.net.kit, 1000000);
                    assert_int_equal(dl_drive(download, &w.net.device), LN_AGAIN);
                    ln_download_resume(download);
                    go_on();
                    must_have("resumed", w.file.content);
                }
                if (acts[act] == ln_download_reconnect)
                    must_have("reconnected", w.file.content);
                store.hook = NULL;
                options.progress = NULL;
                run(); /* whatever happened: it can be done later */
                must_have("later", w.file.content);
            }
        }
    }
    assert_true(acted > 60);
}

static void test_from_outside(void **state)
{
    (void)state;
    w.file.content.len = sizeof w.content;
    begin();
    ln_download_suspend(download);
    go_on();
    assert_int_equal(info.state, LN_DOWNLOAD_SUSPENDED);
    assert_int_equal(w.plain.requests, 0);
    ln_download_suspend(download);
    ln_download_reconnect(download);
    ln_download_info(download, &info);
    assert_int_equal(info.state, LN_DOWNLOAD_SUSPENDED);
    ln_download_resume(download);
    ln_download_resume(download);
    go_on();
    must_have("suspended before it began", w.file.content);
    ln_download_suspend(download);
    ln_download_cancel(download);
    ln_download_reconnect(download);
    go_on();
    must_have("over is over", w.file.content);

    dl_store_clear(&store);
    step_until(1);
    ln_download_cancel(download);
    ln_download_info(download, &info);
    assert_int_equal(info.state, LN_DOWNLOAD_FAILED); /* at once */
    assert_int_equal(info.reason, LN_DOWNLOAD_CANCELLED);
    result = ln_download_step(download, http_world_now(&w));
    assert_int_equal(result, LN_CLOSED);
    ln_download_resume(download);
    assert_int_equal(ln_download_step(download, http_world_now(&w)), LN_CLOSED);
    struct ln_interest want;
    ln_download_interest(download, &want);
    assert_true(!want.ready && want.count == 0 && want.deadline == LN_NEVER);
    size_t stored = store.len;
    run();
    must_have("what was stored before is used", w.file.content);
    assert_true(info.resumed_at == stored);
}

static void reconnect_once(void *user, const struct ln_download *d)
{
    bool *done = user;
    struct ln_download_info now;
    ln_download_info(d, &now);
    if (now.state != LN_DOWNLOAD_WAITING || now.requests != 1 || *done)
        return;
    *done = true;
    ln_download_reconnect(download);
}

/* It is the network that has changed: what failed before it did does not count. */
static void test_reconnecting_counts_as_no_try(void **state)
{
    (void)state;
    options.attempts_max = 2;
    bool done = false;
    options.progress = reconnect_once;
    options.progress_user = &done;
    refuses("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 2);
    run();
    must_have("third time", w.file.content);
    assert_int_equal(info.requests, 3);
}

static void step_again(struct ln_download *d)
{
    assert_int_equal(ln_download_step(d, http_world_now(&w)), LN_BAD_STATE);
}

static void test_no_steps_within_steps(void **state)
{
    (void)state;
    hook_up(DL_WRITE, 1, step_again);
    run();
    must_have("it goes on", w.file.content);
    assert_int_equal(hook.countdown, 0);
}

/* ---- security ---- */

static struct {
    char targets[512];
    enum ln_status status;
    struct ln_tls_config *tls;
    const char *server_name;
} security;

static enum ln_status secure(void *user, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *why)
{
    size_t len = strlen(security.targets);
    assert_ptr_equal(user, &security);
    assert_null(out->tls);
    (void)snprintf(security.targets + len, sizeof security.targets - len, "%.*s %u %s|",
                   (int)target->text.len, (const char *)target->text.data, target->redirects,
                   target->same_origin ? "origin"
                   : target->same_host ? "host"
                                       : "abroad");
    if (security.status != LN_OK)
        return ln_diag_set(why, security.status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "the key is in the safe");
    out->tls = security.tls != NULL ? ln_tls_config_ref(security.tls) : NULL;
    out->server_name = security.server_name;
    return LN_OK;
}

static void use_security(void)
{
    memset(&security, 0, sizeof security);
    security.tls = w.client_tls;
    options.uri = "https://u:p@server.example/fw#x";
    options.tls = NULL;
    options.security = secure;
    options.security_user = &security;
    dl_store_clear(&store);
}

static const char *elsewhere_is; /* NULL: https://other.example/there */

static void elsewhere(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    struct http_world *world = user;
    if (strcmp(ask->host, "server.example") == 0 && strcmp(ask->target, "/fw") == 0)
        http_say(answer, "HTTP/1.1 302 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                 elsewhere_is != NULL ? elsewhere_is : "https://other.example/there");
    else
        http_serve_file(&world->file, ask, answer);
}

/* scenario: S12 */
static void test_security_by_callback(void **state)
{
    (void)state;
    use_security();
    run();
    must_have("asked", w.file.content);
    assert_string_equal(security.targets, "https://server.example/fw 0 origin|");

    use_security();
    w.script = elsewhere;
    run();
    must_have("asked for each host", w.file.content);
    assert_string_equal(security.targets, "https://server.example/fw 0 origin|"
                                          "https://other.example/there 1 abroad|");

    use_security();
    options.uri = URI;
    run();
    assert_string_equal(security.targets, "https://other.example/there 1 abroad|");
    use_security();
    security.status = LN_DENIED;
    run();
    must_fail("no", LN_DOWNLOAD_SECURITY, "in the safe");
    assert_int_equal(info.requests, 1);
    use_security();
    security.tls = NULL;
    run();
    must_fail("nothing is not everything", LN_DOWNLOAD_SECURITY, "no trust and keys");
    use_security();
    security.server_name = "";
    run();
    must_fail("a bad name", LN_DOWNLOAD_SECURITY, "");
    assert_int_equal(w.secure.connections, 4);
}

/* scenario: H101, H114, FW-23 */
static void test_keys_stay_at_home(void **state)
{
    (void)state;
    options.uri = SECURE_URI;
    w.script = elsewhere;
    run();
    must_fail("another host", LN_DOWNLOAD_SECURITY, "another host");
    assert_int_equal(w.secure.connections, 1);
    elsewhere_is = "https://server.example:444/there";
    run();
    must_fail("another port", LN_DOWNLOAD_SECURITY, "another host");
    elsewhere_is = NULL;
    options.tls = NULL;
    run();
    must_fail("no configuration", LN_DOWNLOAD_SECURITY, "no TLS configuration");
    assert_int_equal(w.secure.connections, 2);
}

/* ---- memory ---- */

static size_t peak_of(size_t size)
{
    struct ln_testkit_memory memory;
    ln_download_free(download);
    download = NULL;
    dl_store_clear(&store);
    w.file.content.len = size;
    ln_testkit_memory(w.net.device_host, &memory);
    size_t before = memory.live_bytes;
    size_t peak = 0;
    begin();
    do {
        struct ln_interest want;
        result = ln_download_step(download, http_world_now(&w));
        ln_testkit_memory(w.net.device_host, &memory);
        peak = memory.live_bytes > peak ? memory.live_bytes : peak;
        ln_download_interest(download, &want);
        if (result == LN_AGAIN)
            http_wait(&w.net.device, &want);
    } while (result == LN_AGAIN);
    ln_download_info(download, &info);
    must_have("memory", w.file.content);
    return peak - before;
}

static void test_memory_does_not_grow(void **state)
{
    (void)state;
    static const char *const uris[] = { URI, SECURE_URI };
    for (size_t i = 0; i < COUNT(uris); i++) {
        options.uri = uris[i];
        size_t small = peak_of(20000);
        assert_true(small > 16384 && small < 40000);
        assert_int_equal(peak_of(sizeof w.content), small);
    }
}

/* ---- what is refused at once ---- */

static void refused(const char *what, enum ln_status status, const char *sentence)
{
    struct ln_download *none = NULL;
    ln_diag_clear(&diag);
    enum ln_status st = ln_download_new(&w.net.device, &options, &diag, &none);
    if (st != status || diag.status != status || strstr(diag.text, sentence) == NULL)
        fail_msg("%s: %s: %s", what, ln_status_name(st), diag.text);
    assert_null(none);
}

/* scenario: H84 */
static void test_refused_options(void **state)
{
    (void)state;
    static char long_uri[9000] = "http://server.example/";
    static const char *const uris[] = { "",
                                        "server.example",
                                        "http://",
                                        "http://h:0/",
                                        "http://h/ x",
                                        "http://h/\r\nX: y",
                                        "http://u:p@/",
                                        "ftp://h/" };
    for (size_t i = 0; i < COUNT(uris); i++) {
        options.uri = uris[i];
        refused(uris[i], LN_BAD_ARG, "uri: ");
    }
    memset(long_uri + 22, 'x', sizeof long_uri - 23);
    options.uri = long_uri;
    refused("9000 bytes", LN_BAD_ARG, "uri: ");
    options.uri = "tcp://h:1";
    refused("tcp", LN_UNSUPPORTED, "by tcp");
    options.uri = NULL;
    refused("no URI", LN_BAD_ARG, "uri: ");
    options.uri = URI;
    options.store.begin = NULL;
    refused("no begin", LN_BAD_ARG, "store: ");
    options.store = dl_store_ops(&store);
    options.store.write = NULL;
    refused("no write", LN_BAD_ARG, "store: ");
    options.store = dl_store_ops(&store);
    options.store.load = NULL;
    refused("no load", LN_BAD_ARG, "store: load and save");
    options.store = dl_store_ops(&store);
    options.sha256 = ln_span("x", 1);
    refused("a short digest", LN_BAD_ARG, "sha256: ");
    options.sha256 = ln_span(NULL, 0);
    options.size = 0;
    refused("size", LN_BAD_ARG, "size: ");
    options.size = sizeof options;
    struct ln_tls_config *dtls = NULL;
    struct ln_tls_options tls = LN_TLS_OPTIONS_INIT;
    http_psk(&tls);
    assert_int_equal(ln_tls_config_new(&w.net.device, LN_DTLS, &tls, &diag, &dtls), LN_OK);
    options.uri = SECURE_URI;
    options.tls = dtls;
    refused("DTLS for https", LN_BAD_ARG, "");
    ln_tls_config_unref(dtls);
    options.tls = w.client_tls;
    begin();
    assert_int_equal(ln_download_new(&w.net.device, &options, &diag, &download), LN_BAD_ARG);
    ln_download_free(NULL);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(ln_download_reason_word(LN_DOWNLOAD_NOT_FOUND), "not_found");
    assert_string_equal(ln_download_reason_meaning(LN_DOWNLOAD_NONE), "nothing failed");
    assert_string_equal(ln_download_reason_word((enum ln_download_reason)99), "internal");
    assert_int_equal(ln_download_reason_class(LN_DOWNLOAD_BUSY), LN_DOWNLOAD_RETRY);
    assert_int_equal(ln_download_reason_class(LN_DOWNLOAD_CHANGED), LN_DOWNLOAD_RESTART);
    assert_int_equal(ln_download_reason_class(LN_DOWNLOAD_DENIED), LN_DOWNLOAD_FINAL);
    assert_string_equal(ln_download_state_word(LN_DOWNLOAD_WAITING), "waiting");
    assert_string_equal(ln_download_state_word((enum ln_download_state)99), "unknown");
    assert_true(ln_download_speaks(LN_URI_HTTPS));
    assert_false(ln_download_speaks(LN_URI_TLS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_whole_files),
        TEST(test_other_framings),
        TEST(test_the_expected_digest),
        TEST(test_user_names),
        TEST(test_cut_at_every_nth_byte),
        TEST(test_cut_in_heads),
        TEST(test_what_is_asked_for),
        TEST(test_without_validator),
        TEST(test_swapped_between_tries),
        TEST(test_a_file_that_never_stays_the_same),
        TEST(test_parts_that_were_not_asked_for),
        TEST(test_parts_that_can_be_used),
        TEST(test_parts_of_the_rest),
        TEST(test_a_file_that_is_smaller_now),
        TEST(test_dates_in_parts),
        TEST(test_a_part_where_all_was_asked_for),
        TEST(test_lengths_that_lie),
        TEST(test_a_digest_after_parts),
        TEST(test_refusals),
        TEST(test_pauses),
        TEST(test_patience_that_is_asked_for),
        TEST(test_progress_resets_the_count),
        TEST(test_connections_that_fail),
        TEST(test_keys_that_do_not_fit),
        TEST(test_slow_servers),
        TEST(test_a_byte_in_a_minute),
        TEST(test_limits),
        TEST(test_the_usual_limit_of_bytes),
        TEST(test_a_limited_rate),
        TEST(test_a_limited_rate_among_others),
        TEST(test_stores_that_fail),
        TEST(test_room_is_asked_for),
        TEST(test_a_store_that_needs_time),
        TEST(test_without_state),
        TEST(test_killed_anywhere),
        TEST(test_power_is_lost),
        TEST(test_damaged_states),
        TEST(test_what_is_stored_was_changed),
        TEST(test_the_state_of_another_download),
        TEST(test_swapped_while_the_program_was_away),
        TEST(test_killed_behind_the_end),
        TEST(test_costs_over_restarts),
        TEST(test_every_callback_may_do_everything),
        TEST(test_from_outside),
        TEST(test_reconnecting_counts_as_no_try),
        TEST(test_no_steps_within_steps),
        TEST(test_security_by_callback),
        TEST(test_keys_stay_at_home),
        TEST(test_memory_does_not_grow),
        TEST(test_refused_options),
        TEST(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
