/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/http_fields.c and src/codec/http_request.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/http.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define MOST 9223372036854775807u /* 2^63 - 1 */

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } numbers[] = {
        { "0", true, 0 },
        { "00", true, 0 },
        { "9223372036854775807", true, MOST },
        { "0009223372036854775807", true, MOST },
        { "9223372036854775808", false, 0 },
        { "99999999999999999999", false, 0 },
        { "", false, 0 },
        { "+1", false, 0 },
        { "-1", false, 0 },
        { "1 ", false, 0 },
        { "1a", false, 0 },
    };
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint64_t value = 77;
        assert_int_equal(ln__http_number(ln_span_str(numbers[i].text), &value), numbers[i].good);
        if (numbers[i].good)
            assert_true(value == numbers[i].value);
    }
}

/* scenario: H113, HTTP-10 */
static void test_content_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ln__http_range_kind kind;
        uint64_t first, last;
        bool has_total;
        uint64_t total;
    } ranges[] = {
        { "bytes 0-0/1", LN__HTTP_RANGE_PART, 0, 0, true, 1 },
        { "bytes 5-9/10", LN__HTTP_RANGE_PART, 5, 9, true, 10 },
        { "Bytes \t5-9/10", LN__HTTP_RANGE_PART, 5, 9, true, 10 },
        { "bytes 005-9/10", LN__HTTP_RANGE_PART, 5, 9, true, 10 },
        { "bytes 5-9/*", LN__HTTP_RANGE_PART, 5, 9, false, 0 },
        { "bytes 0-9223372036854775806/9223372036854775807", LN__HTTP_RANGE_PART, 0, MOST - 1, true,
          MOST },
        { "bytes */10", LN__HTTP_RANGE_TOTAL, 0, 0, true, 10 },
        { "bytes */0", LN__HTTP_RANGE_TOTAL, 0, 0, true, 0 },
        { "bytes */*", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes */", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-4/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-10/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-9", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes -9/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-9/", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5 - 9/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5-9/10, 11-12/20", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 5/9-10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes=5-9/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "lines 5-9/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "5-9/10", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 0-9223372036854775808/*", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
        { "bytes 0-18446744073709551616/*", LN__HTTP_RANGE_BAD, 0, 0, false, 0 },
    };
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct ln__http_range got = ln__http_range_read(ln_span_str(ranges[i].text));
        bool same = got.kind == ranges[i].kind;
        if (same && got.kind == LN__HTTP_RANGE_PART)
            same = got.first == ranges[i].first && got.last == ranges[i].last;
        if (same && got.kind != LN__HTTP_RANGE_BAD)
            same = got.has_total == ranges[i].has_total && got.total == ranges[i].total;
        if (!same)
            fail_msg("'%s'", ranges[i].text);
    }
}

/* scenario: HTTP-10 */
static void test_entity_tags(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good, weak;
    } tags[] = {
        { "\"\"", true, false },
        { "\"abc\"", true, false },
        { "\"66-5f!#~\x80\xff\"", true, false },
        { "W/\"abc\"", true, true },
        { "W/\"\"", true, true },
        { "w/\"abc\"", false, false },
        { "abc", false, false },
        { "\"abc", false, false },
        { "abc\"", false, false },
        { "\"", false, false },
        { "", false, false },
        { "W/", false, false },
        { "W/abc", false, false },
        { "\"a\"b\"", false, false },
        { "\"a b\"", false, false },
        { "\"a\tb\"", false, false },
        { "\"a\x7f\"", false, false },
    };
    for (size_t i = 0; i < COUNT(tags); i++) {
        struct ln_span text = ln_span_str(tags[i].text);
        struct ln__http_etag got = ln__http_etag_read(text);
        if (got.len != (tags[i].good ? text.len : 0) || (got.len > 0 && got.weak != tags[i].weak))
            fail_msg("'%s'", tags[i].text);
        assert_memory_equal(got.data, text.data, got.len);
    }
    char long_tag[LN__HTTP_ETAG_MAX + 2];
    memset(long_tag, 'x', sizeof long_tag);
    long_tag[0] = long_tag[LN__HTTP_ETAG_MAX - 1] = '"';
    assert_int_equal(ln__http_etag_read(ln_span(long_tag, LN__HTTP_ETAG_MAX)).len,
                     LN__HTTP_ETAG_MAX);
    long_tag[LN__HTTP_ETAG_MAX - 1] = 'x';
    long_tag[LN__HTTP_ETAG_MAX] = '"';
    assert_int_equal(ln__http_etag_read(ln_span(long_tag, LN__HTTP_ETAG_MAX + 1)).len, 0);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } dates[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 }, /* RFC 9110 5.6.7 */
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Tue, 29 Feb 2000 23:59:59 GMT", 951868799 },
        { "Wed, 01 Mar 2000 00:00:00 GMT", 951868800 },
        { "Mon, 01 Mar 2100 00:00:00 GMT", 4107542400 },
        { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
        { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", -1 },
        { "Sun Nov  6 08:49:37 1994", -1 },
        { "Sun, 06 Nov 1994 08:49:37 UTC", -1 },
        { "Sun, 06 Nov 1994 08:49:37 GM", -1 },
        { "Sun, 06 Nov 1994 08:49:37 GMTX", -1 },
        { "sun, 06 Nov 1994 08:49:37 GMT", -1 },
        { "Sun, 06 NOV 1994 08:49:37 GMT", -1 },
        { "Sun, 06 ovD 1994 08:49:37 GMT", -1 },
        { "Sun, 00 Nov 1994 08:49:37 GMT", -1 },
        { "Sun, 31 Nov 1994 08:49:37 GMT", -1 },
        { "Mon, 29 Feb 2100 08:49:37 GMT", -1 },
        { "Sun, 29 Feb 2015 08:49:37 GMT", -1 },
        { "Sun,  6 Nov 1994 08:49:37 GMT", -1 },
        { "Sun, 06 Nov 1994 24:00:00 GMT", -1 },
        { "Sun, 06 Nov 1994 08:60:00 GMT", -1 },
        { "Sun, 06 Nov 1994 08:49:61 GMT", -1 },
        { "Sun, 06 Nov 19x4 08:49:37 GMT", -1 },
        { "0", -1 },
        { "", -1 },
    };
    for (size_t i = 0; i < COUNT(dates); i++) {
        int64_t got = ln__http_date_read(ln_span_str(dates[i].text));
        if (got != dates[i].seconds)
            fail_msg("%s: %lld", dates[i].text, (long long)got);
    }
}

/* ---- a head ---- */

static struct ln__http_head head;

static enum ln__http_problem give(const char *name, const char *value)
{
    return ln__http_field(&head, ln_span_str(name), ln_span_str(value));
}

static void fresh(void)
{
    ln__http_head_init(&head);
    head.status = 200;
    head.minor = 1;
}

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(give("X-Other", "whatever"), LN__HTTP_PROBLEM_NONE);
    assert_int_equal(ln__http_head_check(&head), LN__HTTP_PROBLEM_NONE);
    assert_false(head.has_length || head.chunked || head.encoded || head.coding_seen);
    assert_int_equal(head.etag.len, 0);
    assert_int_equal(head.last_modified, -1);
    assert_int_equal(head.date, -1);
    assert_int_equal(head.retry_after_s, -1);
    assert_string_equal(head.last_modified_text, "");
}

/* scenario: H117, HTTP-05 */
static void test_content_codings(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool encoded;
    } codings[] = {
        { "identity", false },      { "Identity", false }, { "", false },
        { ", ,", false },           { "gzip", true },      { "x-gzip", true },
        { "deflate", true },        { "br", true },        { "identity, gzip", true },
        { "gzip, identity", true }, { "something", true },
    };
    for (size_t i = 0; i < COUNT(codings); i++) {
        fresh();
        assert_int_equal(give("content-encoding", codings[i].value), LN__HTTP_PROBLEM_NONE);
        assert_int_equal(head.encoded, codings[i].encoded);
    }
    fresh();
    assert_int_equal(give("Content-Encoding", "gzip"), LN__HTTP_PROBLEM_NONE);
    assert_int_equal(give("Content-Encoding", "identity"), LN__HTTP_PROBLEM_NONE);
    assert_true(head.encoded);
}

/* scenario: HTTP-10 */
static void test_last_modified(void **state)
{
    (void)state;
    fresh();
    (void)give("LAST-MODIFIED", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(head.last_modified, 784111777);
    assert_string_equal(head.last_modified_text, "Sun, 06 Nov 1994 08:49:37 GMT");
    (void)give("Last-Modified", "yesterday");
    assert_int_equal(head.last_modified, -1);
    assert_string_equal(head.last_modified_text, "");
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *retry;
        const char *date; /* NULL = none */
        int64_t seconds;
    } waits[] = {
        { "120", NULL, 120 },
        { "0", NULL, 0 },
        { "-1", NULL, -1 },
        { "soon", NULL, -1 },
        { "1.5", NULL, -1 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", NULL, -1 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", 30 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", "today", -1 },
    };
    for (size_t i = 0; i < COUNT(waits); i++) {
        fresh();
        (void)give("Retry-After", waits[i].retry);
        if (waits[i].date != NULL)
            (void)give("Date", waits[i].date);
        assert_int_equal(ln__http_head_check(&head), LN__HTTP_PROBLEM_NONE);
        assert_int_equal(head.retry_after_s, waits[i].seconds);
    }
}

/* scenario: HTTP-07 */
static void test_challenges(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool basic, other;
    } challenges[] = {
        { "Basic", true, false },
        { "basic realm=\"x\"", true, false },
        { "Basic realm=\"a, Digest realm=b\"", true, false },
        { "Basic realm=\"a\\\", Digest x\", charset=\"UTF-8\"", true, false },
        { "Digest realm=\"x\", qop=\"auth\", nonce=\"Basic\"", false, true },
        { "Digest realm=x, Basic realm=y", true, true },
        { "Basic realm = x , Digest realm = y", true, true },
        { "Negotiate, Basic realm=x", true, true },
        { "Newauth token68==, Basic realm=x", true, true },
        { "Digest basic=x", false, true },
        { "Digest Basic", false, true },
        { "Bearer", false, true },
        { "realm=\"x\"", false, false },
        { "Basic realm=\"unfinished", true, false },
        { "Basic realm=\"unfinished\\", true, false },
        { "", false, false },
        { ",,=\"", false, false },
    };
    for (size_t i = 0; i < COUNT(challenges); i++) {
        fresh();
        assert_int_equal(give("WWW-Authenticate", challenges[i].value), LN__HTTP_PROBLEM_NONE);
        if (head.asks_basic != challenges[i].basic || head.asks_other != challenges[i].other)
            fail_msg("'%s': basic %d, other %d", challenges[i].value, head.asks_basic,
                     head.asks_other);
    }
    fresh();
    (void)give("WWW-Authenticate", "Digest realm=x");
    (void)give("WWW-Authenticate", "Basic realm=x");
    assert_true(head.asks_basic && head.asks_other);
}

/* ---- requests ---- */

/* scenario: HTTP-01 */
static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *text;
    } requests[] = {
        { "http://a", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "http://a/", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "https://a.example:443/x%20y", "GET /x%20y HTTP/1.1\r\nHost: a.example:443\r\n\r\n" },
        { "https://a.example:8443/?q=1&r=%2f#frag",
          "GET /?q=1&r=%2f HTTP/1.1\r\nHost: a.example:8443\r\n\r\n" },
        { "http://a?", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "http://192.0.2.1:80/", "GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n" },
        { "http://[2001:db8::1]/x", "GET /x HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n" },
        { "http://[fe80::1%25eth0]:8080/", "GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\n\r\n" },
        { "http://a//b", "GET //b HTTP/1.1\r\nHost: a\r\n\r\n" },
    };
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct ln_uri uri;
        char room[256];
        size_t len = 0;
        assert_int_equal(ln_uri_read(ln_span_str(requests[i].uri), &uri, NULL), LN_OK);
        struct ln__http_request request = { .method = "GET", .uri = &uri };
        assert_int_equal(ln__http_request_write(&request, ln_mspan(room, sizeof room), &len),
                         LN_OK);
        room[len] = '\0';
        assert_string_equal(room, requests[i].text);
        size_t needed = 0;
        assert_int_equal(ln__http_request_write(&request, ln_mspan(room, len), &needed), LN_OK);
        for (size_t less = 0; less < len; less++) {
            assert_int_equal(ln__http_request_write(&request, ln_mspan(room, less), &needed),
                             LN_NO_SPACE);
            assert_int_equal(needed, len);
        }
    }
}

/* scenario: HTTP-01, HTTP-05, HTTP-10 */
static void test_a_request_with_all(void **state)
{
    (void)state;
    struct ln_uri uri;
    char room[256];
    size_t len = 0;
    const struct ln__http_field fields[] = {
        { ln_span_str("If-Range"), ln_span_str("\"abc\"") },
        { ln_span_str("X"), ln_span_str("") },
    };
    struct ln__http_request request = { .method = "HEAD",
                                        .uri = &uri,
                                        .ranged = true,
                                        .from = UINT64_MAX,
                                        .fields = fields,
                                        .field_count = COUNT(fields) };
    assert_int_equal(ln_uri_read(ln_span_str("http://a/x"), &uri, NULL), LN_OK);
    assert_int_equal(ln__http_request_write(&request, ln_mspan(room, sizeof room), &len), LN_OK);
    room[len] = '\0';
    assert_string_equal(room, "HEAD /x HTTP/1.1\r\nHost: a\r\n"
                              "Range: bytes=18446744073709551615-\r\nIf-Range: \"abc\"\r\n"
                              "X: \r\n\r\n");
}

/* scenario: H84 */
static void test_fields_that_would_split_a_request(void **state)
{
    (void)state;
    static const struct ln__http_field bad[] = {
        { { (const uint8_t *)"X", 1 }, { (const uint8_t *)"a\r\nY: b", 7 } },
        { { (const uint8_t *)"X", 1 }, { (const uint8_t *)"a\nb", 3 } },
        { { (const uint8_t *)"X", 1 }, { (const uint8_t *)"a\0b", 3 } },
        { { (const uint8_t *)"X: a\r\nY", 7 }, { (const uint8_t *)"b", 1 } },
        { { (const uint8_t *)"", 0 }, { (const uint8_t *)"b", 1 } },
    };
    struct ln_uri uri;
    assert_int_equal(ln_uri_read(ln_span_str("http://a/x"), &uri, NULL), LN_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char room[64];
        size_t len = 0;
        struct ln__http_request request = {
            .method = "GET", .uri = &uri, .fields = &bad[i], .field_count = 1
        };
        assert_int_equal(ln__http_request_write(&request, ln_mspan(room, sizeof room), &len),
                         LN_BAD_ARG);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_content_ranges),
        cmocka_unit_test(test_entity_tags),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_content_codings),
        cmocka_unit_test(test_last_modified),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_a_request_with_all),
        cmocka_unit_test(test_fields_that_would_split_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
