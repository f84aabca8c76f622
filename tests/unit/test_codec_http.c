/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/http.c: how responses are framed, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "support/httplog.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define P(name) LN__HTTP_PROBLEM_##name
#define OK200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK200 "Transfer-Encoding: chunked\r\n\r\n"

static struct http_log log_;

static void read_all(const char *response, const struct http_feed *feed)
{
    http_log_read(&log_, ln_span_str(response), feed);
}

static void done(void)
{
    free(log_.body);
    log_.body = NULL;
}

/* ---- what is accepted ---- */

enum { ENDS = 1, STAYS = 2, HEAD = 4 }; /* the connection behind the last byte; the request */

static const struct {
    const char *response;
    unsigned how;
    const char *fields;
    const char *body;
    bool keeps_open;
    const char *why;
} accepted[] = {
    { OK200 "Content-Length: 5\r\n\r\nhello", STAYS, "Content-Length=5|200 length 5", "hello", true,
      "a length" },
    { OK200 "Content-Length: 0\r\n\r\n", STAYS, "Content-Length=0|200 length 0", "", true,
      "an empty body" },
    { OK200 "Content-Length: 00005\r\n\r\nhello", STAYS, "Content-Length=00005|200 length 5",
      "hello", true, "decimal, however many zeros: never octal" },
    { OK200 "Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc", STAYS,
      "Content-Length=3|content-length=3|200 length 3", "abc", true, "twice the same" },
    { OK200 "\r\nuntil the end", ENDS, "200", "until the end", false, "until the connection ends" },
    { OK200 "\r\n", ENDS, "200", "", false, "nothing until the connection ends" },
    { "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", STAYS, "Content-Length=1|200 length 1", "x",
      true, "no reason" },
    { "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", STAYS, "Content-Length=1|200 length 1", "x",
      true, "an empty reason" },
    { "HTTP/1.1 404 Not \xe4\xf6 Found\r\nContent-Length: 0\r\n\r\n", STAYS,
      "Content-Length=0|404 length 0", "", true, "a reason that is no ASCII" },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", STAYS, "Content-Length=1|200 length 1", "x",
      false, "HTTP/1.0 closes" },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", STAYS,
      "Content-Length=1|Connection=Keep-Alive|200 length 1", "x", true,
      "unless it says otherwise" },
    { "HTTP/1.9 200 OK\r\nContent-Length: 1\r\n\r\nx", STAYS, "Content-Length=1|200 length 1", "x",
      true, "a later 1.x (RFC 9110 2.5)" },
    { OK200 "Content-Length: 1\r\nConnection: foo , Close\r\n\r\nx", STAYS,
      "Content-Length=1|Connection=foo , Close|200 length 1", "x", false, "a list of tokens" },
    { OK200 "Content-Length: 1\r\nConnection: closed\r\n\r\nx", STAYS,
      "Content-Length=1|Connection=closed|200 length 1", "x", true, "not a token that means it" },
    { OK200 "X:  a \t b \t\r\nY:\r\nContent-Length:1\r\n\r\nx", STAYS,
      "X=a \t b|Y=|Content-Length=1|200 length 1", "x", true, "space around values" },
    { CHUNKED "5\r\nhello\r\n0\r\n\r\n", STAYS, "Transfer-Encoding=chunked|200 chunked", "hello",
      true, "one chunk" },
    { CHUNKED "5\r\nhello\r\n001\r\n!\r\n0000\r\n\r\n", STAYS,
      "Transfer-Encoding=chunked|200 chunked", "hello!", true, "zeros before sizes" },
    { CHUNKED "aB\r\n"
              "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
              "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
              "01234567890\r\n0\r\n\r\n",
      STAYS, "Transfer-Encoding=chunked|200 chunked",
      "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
      "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
      "01234567890",
      true, "hexadecimal of both cases" },
    { CHUNKED "1;a\r\nx\r\n1 ; a=\"b\"\r\ny\r\n0;last\r\n\r\n", STAYS,
      "Transfer-Encoding=chunked|200 chunked", "xy", true, "extensions are ignored" },
    { CHUNKED "1\r\nx\r\n0\r\nExpires: never\r\nContent-Length: 7\r\n\r\n", STAYS,
      "Transfer-Encoding=chunked|200 chunked", "x", true, "trailers mean nothing" },
    { CHUNKED "0\r\n\r\n", STAYS, "Transfer-Encoding=chunked|200 chunked", "", true,
      "chunks of nothing" },
    { CHUNKED "1\r\n\n\r\n0\r\n\r\n", STAYS, "Transfer-Encoding=chunked|200 chunked", "\n", true,
      "a line feed that is data" },
    { OK200 "Transfer-Encoding: , Chunked\r\n\r\n0\r\n\r\n", STAYS,
      "Transfer-Encoding=, Chunked|200 chunked", "", true, "empty elements of a list" },
    { "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early\r\nLink: </>\r\n\r\n" OK200
      "Content-Length: 1\r\n\r\nx",
      STAYS, "Content-Length=1|200 length 1", "x", true, "interim responses are skipped" },
    { "HTTP/1.1 100 C\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n" OK200
      "Content-Length: 1\r\n\r\nx",
      STAYS, "Content-Length=1|200 length 1", "x", true, "with whatever they say" },
    { OK200 "Content-Length: 5\r\n\r\n", HEAD | STAYS, "Content-Length=5|200 length 5", "", true,
      "the answer to HEAD has no body" },
    { OK200 "Transfer-Encoding: chunked\r\n\r\n", HEAD | STAYS,
      "Transfer-Encoding=chunked|200 chunked", "", true, "nor one in chunks" },
    { OK200 "\r\n", HEAD | STAYS, "200", "", true, "nor one until the end" },
    { "HTTP/1.1 204 No\r\n\r\n", STAYS, "204", "", true, "204 has none" },
    { "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", STAYS, "Content-Length=3|204 length 3", "",
      false, "204 with a length: who knows what comes" },
    { "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", STAYS,
      "Transfer-Encoding=chunked|204 chunked", "", false, "204 with chunks likewise" },
    { "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", STAYS, "Content-Length=0|205 length 0", "",
      true, "205 has none" },
    { "HTTP/1.1 304 Not\r\nContent-Length: 3\r\n\r\n", STAYS, "Content-Length=3|304 length 3", "",
      true, "304 tells the length that 200 would have" },
    { "HTTP/1.1 206 Part\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nhello", STAYS,
      "Content-Range=bytes 5-9/10|Content-Length=5|206 length 5", "hello", true, "a part" },
    { "HTTP/1.1 206 Part\r\nContent-Range: bytes 5-9/*\r\n\r\nhello", ENDS,
      "Content-Range=bytes 5-9/*|206", "hello", false, "a part of who knows what" },
    { OK200 "Content-Range: nonsense\r\nContent-Length: 1\r\n\r\nx", STAYS,
      "Content-Range=nonsense|Content-Length=1|200 length 1", "x", true,
      "Content-Range means something with 206 and 416 only (RFC 9110 14.4)" },
    { "HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n", STAYS, "Content-Length=0|599 length 0", "",
      true, "the highest status" },
    { OK200 "X: \x80\xff\r\nContent-Length: 0\r\n\r\n", STAYS,
      "X=\x80\xff|Content-Length=0|200 length 0", "", true, "obs-text" },
    { OK200 "!#$%&'*+-.^_`|~09azAZ: x\r\nContent-Length: 0\r\n\r\n", STAYS,
      "!#$%&'*+-.^_`|~09azAZ=x|Content-Length=0|200 length 0", "", true, "all of a token" },
};

/* scenario: HTTP-02, HTTP-03 */
static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct http_feed feed = { .stays = (accepted[i].how & STAYS) != 0,
                                  .no_body = (accepted[i].how & HEAD) != 0 };
        read_all(accepted[i].response, &feed);
        struct ln_span fields = ln_span(log_.fields, log_.fields_len);
        if (strcmp(log_.end, "end") != 0 || log_.left != 0 ||
            !ln_span_equal(fields, ln_span_str(accepted[i].fields)) ||
            !ln_span_equal(ln_span(log_.body, log_.body_len), ln_span_str(accepted[i].body)) ||
            log_.keeps_open != accepted[i].keeps_open)
            fail_msg("%s: %s, %zu left, %.*s, body %.*s, keeps open %d", accepted[i].why, log_.end,
                     log_.left, (int)fields.len, (const char *)fields.data, (int)log_.body_len,
                     (const char *)log_.body, log_.keeps_open);
        done();
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *response; /* the connection ends behind it */
    enum ln__http_problem problem;
    const char *why;
} refused[] = {
    { "", P(NOTHING), "nothing at all" },
    { "H", P(CUT_HEAD), "one byte" },
    { "HTTP/1.1 200 OK", P(CUT_HEAD), "cut in the first line" },
    { OK200 "Content-Length: 5\r\n", P(CUT_HEAD), "cut before the empty line" },
    { "HTTP/1.1 100 C\r\n\r\n", P(CUT_HEAD), "nothing but an interim response" },
    { OK200 "Content-Length: 5\r\n\r\nhell", P(CUT_BODY), "a byte is missing" },
    { OK200 "Content-Length: 5\r\n\r\n", P(CUT_BODY), "the whole body is missing" },
    { CHUNKED, P(CUT_BODY), "no chunk" },
    { CHUNKED "5", P(CUT_BODY), "cut in a size" },
    { CHUNKED "5\r\nhell", P(CUT_BODY), "cut in a chunk" },
    { CHUNKED "5\r\nhello", P(CUT_BODY), "cut behind a chunk" },
    { CHUNKED "5\r\nhello\r", P(CUT_BODY), "cut within its end" },
    { CHUNKED "5\r\nhello\r\n", P(CUT_BODY), "the last chunk is missing" },
    { CHUNKED "5\r\nhello\r\n0\r\n", P(CUT_BODY), "the end of the trailer is missing" },
    { "SSH-2.0-OpenSSH_9.2\r\n", P(STATUS_LINE), "SSH" },
    { "SSH-2.0-OpenSSH_9.2", P(STATUS_LINE), "SSH that does not end its line" },
    { "\x15\x03\x03\x00\x02\x02\x46", P(STATUS_LINE), "a TLS alert" },
    { "220 mail ESMTP\r\n", P(STATUS_LINE), "SMTP" },
    { "http/1.1 200 OK\r\n", P(STATUS_LINE), "case counts (RFC 9112 2.3)" },
    { " HTTP/1.1 200 OK\r\n", P(STATUS_LINE), "space before it" },
    { "\r\nHTTP/1.1 200 OK\r\n", P(STATUS_LINE), "an empty line before it" },
    { "HTTP/2 200\r\n", P(VERSION), "HTTP/2" },
    { "HTTP/2.0 200 OK\r\n", P(VERSION), "HTTP/2.0" },
    { "HTTP/0.9 200 OK\r\n", P(VERSION), "HTTP/0.9" },
    { "HTTP/1.10 200 OK\r\n", P(VERSION), "two digits" },
    { "HTTP/1.1\t200 OK\r\n", P(VERSION), "a tabulator" },
    { "HTTP/1.x 200 OK\r\n", P(VERSION), "no digit" },
    { "HTTP/1.1\r\n", P(VERSION), "nothing behind it" },
    { "HTTP/1.1  200 OK\r\n", P(STATUS), "two spaces" },
    { "HTTP/1.1 20 OK\r\n", P(STATUS), "two digits" },
    { "HTTP/1.1 2000 OK\r\n", P(STATUS), "four digits" },
    { "HTTP/1.1 099 OK\r\n", P(STATUS), "too low" },
    { "HTTP/1.1 600 OK\r\n", P(STATUS), "too high" },
    { "HTTP/1.1 -20 OK\r\n", P(STATUS), "negative" },
    { "HTTP/1.1 2x0 OK\r\n", P(STATUS), "no number" },
    { "HTTP/1.1 200OK\r\n", P(STATUS), "no space" },
    { "HTTP/1.1 200 O\x07K\r\n", P(FIELD_VALUE), "a control character in the reason" },
    { "HTTP/1.1 200 O\rK\r\n", P(FIELD_VALUE), "a carriage return in the reason" },
    { "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", P(SWITCHED), "101" },
    { OK200 "Content-Length: 5\n\r\nhello", P(LINE_END), "a bare line feed" },
    { "HTTP/1.1 200 OK\n", P(LINE_END), "... in the first line" },
    { OK200 "\n", P(LINE_END), "... alone" },
    { OK200 "X: y\r\n z\r\n\r\n", P(FOLDED), "folded with a space" },
    { OK200 "X: y\r\n\tz\r\n\r\n", P(FOLDED), "folded with a tabulator" },
    { OK200 " X: y\r\n\r\n", P(FOLDED), "space before the first field" },
    { OK200 "Content-Length : 5\r\n\r\nhello", P(FIELD_NAME), "space before the colon" },
    { OK200 ": x\r\n\r\n", P(FIELD_NAME), "no name" },
    { OK200 "X\r\n\r\n", P(FIELD_NAME), "no colon" },
    { OK200 "X\x7fY: z\r\n\r\n", P(FIELD_NAME), "a control character in a name" },
    { OK200 "(X): z\r\n\r\n", P(FIELD_NAME), "a separator in a name" },
    { OK200 "X: a\x01z\r\n\r\n", P(FIELD_VALUE), "a control character in a value" },
    { OK200 "X: a\rz\r\n\r\n", P(FIELD_VALUE), "a carriage return in a value" },
    { OK200 "X: a\x7fz\r\n\r\n", P(FIELD_VALUE), "DEL in a value" },
    { OK200 "Content-Length: \r\n\r\n", P(LENGTH), "no number" },
    { OK200 "Content-Length: -1\r\n\r\n", P(LENGTH), "negative" },
    { OK200 "Content-Length: +5\r\n\r\nhello", P(LENGTH), "a plus" },
    { OK200 "Content-Length: 0x5\r\n\r\nhello", P(LENGTH), "hexadecimal" },
    { OK200 "Content-Length: 5 5\r\n\r\nhello", P(LENGTH), "two numbers" },
    { OK200 "Content-Length: 5,5\r\n\r\nhello", P(LENGTH), "a list" },
    { OK200 "Content-Length: 5.0\r\n\r\nhello", P(LENGTH), "a fraction" },
    { OK200 "Content-Length: 9223372036854775808\r\n\r\n", P(LENGTH), "2^63" },
    { OK200 "Content-Length: 18446744073709551616\r\n\r\n", P(LENGTH), "2^64" },
    { OK200 "Content-Length: 184467440737095516160\r\n\r\n", P(LENGTH), "ten times that" },
    { OK200 "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", P(LENGTHS), "two lengths" },
    { OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      P(LENGTH_AND_CHUNKS), "both" },
    { OK200 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      P(LENGTH_AND_CHUNKS), "both, the other way round" },
    { OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n", P(CODING), "compressed on the way" },
    { OK200 "Transfer-Encoding: gzip\r\n\r\n", P(CODING), "... until the end" },
    { OK200 "Transfer-Encoding: identity\r\n\r\n", P(CODING), "identity is no transfer coding" },
    { OK200 "Transfer-Encoding: chunked, chunked\r\n\r\n", P(CODING), "chunked twice" },
    { OK200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", P(CODING),
      "... in two fields" },
    { OK200 "Transfer-Encoding: chunked, identity\r\n\r\n", P(CODING), "chunked is not the last" },
    { OK200 "Transfer-Encoding: chunked;q=1\r\n\r\n", P(CODING), "a parameter" },
    { OK200 "Transfer-Encoding: xchunked\r\n\r\n", P(CODING), "another word" },
    { OK200 "Transfer-Encoding:\r\n\r\n", P(CODING), "an empty list" },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", P(CODING), "chunks in HTTP/1.0" },
    { "HTTP/1.1 206 P\r\nContent-Length: 1\r\n\r\nx", P(RANGE), "a part of unknown place" },
    { "HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n--x", P(RANGE),
      "several parts" },
    { "HTTP/1.1 206 P\r\nContent-Range: bytes */10\r\n\r\n", P(RANGE), "no part" },
    { "HTTP/1.1 206 P\r\nContent-Range: bytes 0-0/1\r\nContent-Range: bytes 0-0/1\r\n\r\n",
      P(RANGE), "two places" },
    { "HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 4\r\n\r\n", P(RANGE_LENGTH),
      "shorter than it says" },
    { "HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 6\r\n\r\n", P(RANGE_LENGTH),
      "longer than it says" },
    { CHUNKED "\r\n", P(CHUNK_SIZE), "no size" },
    { CHUNKED "g\r\n", P(CHUNK_SIZE), "no digit" },
    { CHUNKED "-1\r\n", P(CHUNK_SIZE), "negative" },
    { CHUNKED "+1\r\nx\r\n", P(CHUNK_SIZE), "a plus" },
    { CHUNKED " 1\r\nx\r\n", P(CHUNK_SIZE), "space before it" },
    { CHUNKED ";x\r\n", P(CHUNK_SIZE), "an extension of nothing" },
    { CHUNKED "8000000000000000\r\n", P(CHUNK_SIZE), "2^63" },
    { CHUNKED "10000000000000000\r\n", P(CHUNK_SIZE), "2^64" },
    { CHUNKED "ffffffffffffffffffffffff\r\n", P(CHUNK_SIZE), "2^96 - 1" },
    { CHUNKED "0x1\r\nx\r\n", P(CHUNK_LINE), "a prefix" },
    { CHUNKED "1 \r\nx\r\n", P(CHUNK_LINE), "space behind it" },
    { CHUNKED "1 1\r\nx\r\n", P(CHUNK_LINE), "two sizes" },
    { CHUNKED "1;a\x01\r\nx\r\n", P(CHUNK_LINE), "a control character in an extension" },
    { CHUNKED "1\nx\r\n", P(LINE_END), "a bare line feed behind a size" },
    { CHUNKED "1\r\nxy\r\n", P(CHUNK_END), "more than its size" },
    { CHUNKED "1\r\nx\n0\r\n\r\n", P(CHUNK_END), "a bare line feed behind a chunk" },
    { CHUNKED "1\r\nx\r0\r\n\r\n", P(CHUNK_END), "a bare carriage return behind a chunk" },
    { CHUNKED "1\r\nx\r\n7fffffffffffffff\r\n", P(TOO_LONG), "2^63 in sum" },
    { CHUNKED "0\r\nX : y\r\n\r\n", P(FIELD_NAME), "a trailer that is no field" },
    { CHUNKED "0\r\nX: y\r\n z\r\n\r\n", P(FOLDED), "a folded trailer" },
    { CHUNKED "0\r\n\n", P(LINE_END), "a bare line feed behind the trailer" },
};

/* scenario: H111, H112, H113, H115, HTTP-02, HTTP-03, HTTP-04 */
static void test_refused(void **state)
{
    (void)state;
    bool seen[64] = { false };
    for (size_t i = 0; i < COUNT(refused); i++) {
        read_all(refused[i].response, &(struct http_feed) { .seed = 0 });
        if (log_.problem != refused[i].problem)
            fail_msg("%s: %s", refused[i].why, log_.end);
        assert_false(log_.keeps_open);
        seen[log_.problem] = true;
        done();
    }
    /* these need more than a line of a table: see below */
    seen[P(NONE)] = seen[P(LINE_TOO_LONG)] = seen[P(HEAD_TOO_LONG)] = true;
    seen[P(TOO_MANY_FIELDS)] = seen[P(TOO_MANY_INTERIM)] = true;
    for (size_t i = 0; i <= P(TOO_LONG); i++)
        if (!seen[i])
            fail_msg("no case for: %s", ln__http_problem_text((enum ln__http_problem)i));
}

static void test_nul_bytes(void **state)
{
    (void)state;
    static const char in_name[] = OK200 "X\0: y\r\n\r\n";
    static const char in_value[] = OK200 "X: y\0z\r\n\r\n";
    static const char in_body[] = OK200 "Content-Length: 3\r\n\r\na\0b";
    const struct http_feed feed = { .seed = 0 };
    http_log_read(&log_, ln_span(in_name, sizeof in_name - 1), &feed);
    assert_int_equal(log_.problem, P(FIELD_NAME));
    done();
    http_log_read(&log_, ln_span(in_value, sizeof in_value - 1), &feed);
    assert_int_equal(log_.problem, P(FIELD_VALUE));
    done();
    http_log_read(&log_, ln_span(in_body, sizeof in_body - 1), &feed);
    assert_int_equal(log_.problem, P(NONE));
    assert_int_equal(log_.body_len, 3);
    done();
}

/* ---- limits ---- */

struct text {
    char data[1 << 17];
    size_t len;
};

static struct text text;

static void begin(const char *start)
{
    text.len = strlen(start);
    memcpy(text.data, start, text.len);
}

static void more(const char *piece, size_t times)
{
    size_t len = strlen(piece);
    for (size_t i = 0; i < times; i++, text.len += len)
        memcpy(text.data + text.len, piece, len);
}

static enum ln__http_problem problem_of(const struct http_feed *feed)
{
    http_log_read(&log_, ln_span(text.data, text.len), feed);
    enum ln__http_problem problem = log_.problem;
    done();
    return problem;
}

static const struct http_feed at_once = { .seed = 0 };

/* scenario: H110, HTTP-02 */
static void test_long_lines(void **state)
{
    (void)state;
    for (size_t len = LN__HTTP_LINE_MAX - 2; len <= LN__HTTP_LINE_MAX + 2; len++) {
        begin(OK200 "Content-Length: 0\r\nX: ");
        more("y", len - 3);
        more("\r\n\r\n", 1);
        assert_int_equal(problem_of(&at_once),
                         len <= LN__HTTP_LINE_MAX ? P(NONE) : P(LINE_TOO_LONG));
    }
    begin(OK200 "Content-Length: 0\r\nX: ");
    more("y", 65536);
    more("\r\n\r\n", 1);
    assert_int_equal(problem_of(&at_once), P(LINE_TOO_LONG));

    begin(OK200 "Content-Length: 0\r\nX: ");
    more("y", 97);
    more("\r\n\r\n", 1);
    struct http_feed small = { .line_max = 100 };
    assert_int_equal(problem_of(&small), P(NONE));
    small.line_max = 99;
    assert_int_equal(problem_of(&small), P(LINE_TOO_LONG));
}

/* No line ends: it is refused as soon as the limit is reached, while the connection stands. */
/* scenario: H110 */
static void test_lines_without_end(void **state)
{
    (void)state;
    struct http_feed feed = { .stays = true };
    begin("HTTP/1.1 200 ");
    more("x", LN__HTTP_LINE_MAX + 2 - text.len);
    assert_int_equal(problem_of(&feed), P(LINE_TOO_LONG));
    text.len--;
    assert_int_equal(problem_of(&feed), P(NONE));
    begin(CHUNKED "1;");
    size_t start = text.len - 2;
    more("x", LN__HTTP_CHUNK_LINE_MAX + 2 - (text.len - start));
    assert_int_equal(problem_of(&feed), P(CHUNK_LINE));
    text.len--;
    assert_int_equal(problem_of(&feed), P(NONE));
}

/* scenario: H110, HTTP-02 */
static void test_many_fields(void **state)
{
    (void)state;
    for (size_t fields = LN__HTTP_FIELDS_MAX - 1; fields <= LN__HTTP_FIELDS_MAX + 1; fields++) {
        begin(OK200);
        more("A: b\r\n", fields - 1);
        more("Content-Length: 0\r\n\r\n", 1);
        assert_int_equal(problem_of(&at_once),
                         fields <= LN__HTTP_FIELDS_MAX ? P(NONE) : P(TOO_MANY_FIELDS));
    }
    begin(OK200);
    more("A: b\r\n", 10000);
    assert_int_equal(problem_of(&at_once), P(TOO_MANY_FIELDS));
    begin(CHUNKED "0\r\n");
    more("A: b\r\n", 10000);
    assert_int_equal(problem_of(&at_once), P(TOO_MANY_FIELDS));
}

/* scenario: H110, HTTP-02 */
static void test_long_heads(void **state)
{
    (void)state;
    begin(OK200);
    for (int i = 0; i < 7; i++) {
        more("X: ", 1);
        more("y", LN__HTTP_LINE_MAX - 3);
        more("\r\n", 1);
    }
    more("Content-Length: 0\r\nX: ", 1);
    size_t left = LN__HTTP_HEAD_MAX - text.len - 4;
    more("y", left);
    more("\r\n\r\n", 1);
    assert_int_equal(text.len, LN__HTTP_HEAD_MAX);
    assert_int_equal(problem_of(&at_once), P(NONE));
    text.len -= 4;
    more("y\r\n\r\n", 1);
    assert_int_equal(problem_of(&at_once), P(HEAD_TOO_LONG));
}

/* scenario: HTTP-03 */
static void test_many_interim_responses(void **state)
{
    (void)state;
    for (size_t count = LN__HTTP_INTERIM_MAX; count <= LN__HTTP_INTERIM_MAX + 1; count++) {
        begin("");
        more("HTTP/1.1 100 Continue\r\n\r\n", count);
        more(OK200 "Content-Length: 0\r\n\r\n", 1);
        assert_int_equal(problem_of(&at_once),
                         count <= LN__HTTP_INTERIM_MAX ? P(NONE) : P(TOO_MANY_INTERIM));
    }
}

/* ---- ends ---- */

/* What comes behind the end is nobody's, and told apart. */
/* scenario: H115 */
static void test_bytes_behind_the_end(void **state)
{
    (void)state;
    const struct http_feed feed = { .stays = true };
    read_all(OK200 "Content-Length: 2\r\n\r\nxyz", &feed);
    assert_string_equal(log_.end, "end");
    assert_int_equal(log_.body_len, 2);
    assert_int_equal(log_.left, 1);
    done();
    read_all(CHUNKED "1\r\nx\r\n0\r\n\r\n" OK200, &feed);
    assert_string_equal(log_.end, "end");
    assert_int_equal(log_.left, strlen(OK200));
    done();
}

static void test_a_connection_that_stays(void **state)
{
    (void)state;
    const struct http_feed feed = { .stays = true };
    static const char *const waiting[] = { "",          "H",
                                           OK200,       OK200 "\r\nx",
                                           CHUNKED "1", OK200 "Content-Length: 2\r\n\r\nx" };
    for (size_t i = 0; i < COUNT(waiting); i++) {
        read_all(waiting[i], &feed);
        assert_string_equal(log_.end, "more");
        assert_int_equal(log_.problem, P(NONE));
        assert_false(log_.keeps_open);
        done();
    }
}

static void test_after_the_end_there_is_nothing(void **state)
{
    (void)state;
    struct ln__http_reader r;
    struct ln__http_event event;
    size_t used = 0;
    struct ln_span in = ln_span_str("HTTP/1.1 204 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    ln__http_reader_init(&r, false, SIZE_MAX);
    assert_int_equal(ln__http_next(&r, in, &used, &event), LN_OK);
    assert_int_equal(event.kind, LN__HTTP_HEAD);
    in = ln_span(in.data + used, in.len - used);
    assert_int_equal(ln__http_next(&r, in, &used, &event), LN_OK);
    assert_int_equal(event.kind, LN__HTTP_END);
    assert_int_equal(used, 0);
    assert_int_equal(ln__http_next(&r, in, &used, &event), LN_CLOSED);
    assert_int_equal(ln__http_ended(&r), LN_OK);
    assert_int_equal(ln__http_next(&r, in, &used, &event), LN_CLOSED);

    ln__http_reader_init(&r, false, SIZE_MAX);
    assert_int_equal(ln__http_next(&r, ln_span_str("x"), &used, &event), LN_BAD_PEER);
    assert_int_equal(ln__http_next(&r, in, &used, &event), LN_BAD_PEER);
    assert_int_equal(ln__http_ended(&r), LN_BAD_PEER);
    assert_int_equal(r.problem, P(STATUS_LINE));
}

static void test_names_of_problems(void **state)
{
    (void)state;
    assert_string_equal(ln__http_problem_text(P(NONE)), "nothing is wrong");
    assert_string_equal(ln__http_problem_text((enum ln__http_problem)999), "unknown");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_lines_without_end),
        cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_long_heads),
        cmocka_unit_test(test_many_interim_responses),
        cmocka_unit_test(test_bytes_behind_the_end),
        cmocka_unit_test(test_a_connection_that_stays),
        cmocka_unit_test(test_after_the_end_there_is_nothing),
        cmocka_unit_test(test_names_of_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
