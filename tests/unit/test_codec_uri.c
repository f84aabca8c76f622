/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/uri.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/uri.h>

#include "support/bytes.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool is(struct ln_span span, const char *text)
{
    return ln_span_equal(span, ln_span_str(text)) != 0;
}

/* ---- what is accepted ---- */

static const struct {
    const char *text;
    enum ln_uri_scheme scheme;
    enum ln_uri_host kind;
    const char *host;
    const char *zone;
    uint16_t port;
    const char *path;
    const char *query;    /* NULL = none */
    const char *fragment; /* NULL = none */
    const char *why;
} accepted[] = {
    { "coap://a.example", LN_URI_COAP, LN_URI_HOST_NAME, "a.example", "", 5683, "", NULL, NULL,
      "the least" },
    { "coaps://a.example/", LN_URI_COAPS, LN_URI_HOST_NAME, "a.example", "", 5684, "/", NULL, NULL,
      "the port of coaps" },
    { "coap+tcp://a", LN_URI_COAP_TCP, LN_URI_HOST_NAME, "a", "", 5683, "", NULL, NULL,
      "RFC 8323 8.1" },
    { "coaps+tcp://a", LN_URI_COAPS_TCP, LN_URI_HOST_NAME, "a", "", 5684, "", NULL, NULL,
      "RFC 8323 8.2" },
    { "http://a", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "", NULL, NULL, "http" },
    { "https://a", LN_URI_HTTPS, LN_URI_HOST_NAME, "a", "", 443, "", NULL, NULL, "https" },
    { "udp://a:1", LN_URI_UDP, LN_URI_HOST_NAME, "a", "", 1, "", NULL, NULL, "the lowest port" },
    { "tcp://a:65535", LN_URI_TCP, LN_URI_HOST_NAME, "a", "", 65535, "", NULL, NULL,
      "the highest port" },
    { "dtls://a:5684/", LN_URI_DTLS, LN_URI_HOST_NAME, "a", "", 5684, "/", NULL, NULL,
      "a slash says nothing" },
    { "tls://a:443", LN_URI_TLS, LN_URI_HOST_NAME, "a", "", 443, "", NULL, NULL, "tls" },
    { "CoAPS+TCP://A.Example", LN_URI_COAPS_TCP, LN_URI_HOST_NAME, "A.Example", "", 5684, "", NULL,
      NULL, "schemes have no case" },
    { "coap://192.0.2.1:5", LN_URI_COAP, LN_URI_HOST_IPV4, "192.0.2.1", "", 5, "", NULL, NULL,
      "IPv4" },
    { "coap://[2001:db8::1]", LN_URI_COAP, LN_URI_HOST_IPV6, "2001:db8::1", "", 5683, "", NULL,
      NULL, "IPv6" },
    { "coap://[::]:7/x", LN_URI_COAP, LN_URI_HOST_IPV6, "::", "", 7, "/x", NULL, NULL,
      "IPv6 with a port" },
    { "coap://[::ffff:192.0.2.1]", LN_URI_COAP, LN_URI_HOST_IPV6, "::ffff:192.0.2.1", "", 5683, "",
      NULL, NULL, "IPv4-mapped" },
    { "coap://[fe80::1%25eth0]:7", LN_URI_COAP, LN_URI_HOST_IPV6, "fe80::1", "eth0", 7, "", NULL,
      NULL, "a zone" },
    { "coap://[fe80::1%253]", LN_URI_COAP, LN_URI_HOST_IPV6, "fe80::1", "3", 5683, "", NULL, NULL,
      "a zone by number" },
    { "coap://a.example.:5", LN_URI_COAP, LN_URI_HOST_NAME, "a.example.", "", 5, "", NULL, NULL,
      "a trailing dot" },
    { "coap://xn--bcher-kva.example", LN_URI_COAP, LN_URI_HOST_NAME, "xn--bcher-kva.example", "",
      5683, "", NULL, NULL, "an A-label" },
    { "coap://my_host-1", LN_URI_COAP, LN_URI_HOST_NAME, "my_host-1", "", 5683, "", NULL, NULL,
      "underscore and hyphen" },
    { "coap://aZ.zA", LN_URI_COAP, LN_URI_HOST_NAME, "aZ.zA", "", 5683, "", NULL, NULL,
      "the last letters" },
    { "coap://[fe80::1%25123456789012345]", LN_URI_COAP, LN_URI_HOST_IPV6, "fe80::1",
      "123456789012345", 5683, "", NULL, NULL, "the longest zone" },
    { "coap://a.ax", LN_URI_COAP, LN_URI_HOST_NAME, "a.ax", "", 5683, "", NULL, NULL,
      "almost hexadecimal" },
    { "coap://1a.2b", LN_URI_COAP, LN_URI_HOST_NAME, "1a.2b", "", 5683, "", NULL, NULL,
      "digits in a name" },
    { "coap://a:00005683", LN_URI_COAP, LN_URI_HOST_NAME, "a", "", 5683, "", NULL, NULL,
      "leading zeros (RFC 3986 3.2.3)" },
    { "http://a/b/c;d=e,f:@!$&'()*+~._-", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80,
      "/b/c;d=e,f:@!$&'()*+~._-", NULL, NULL, "all that a path may have" },
    { "http://a/%41%2f%fF%aA", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "/%41%2f%fF%aA", NULL,
      NULL, "percent-encoding stays" },
    { "http://a//b/../c", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "//b/../c", NULL, NULL,
      "nothing is normalised" },
    { "http://a/b?c=d/?e", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "/b", "c=d/?e", NULL,
      "a query" },
    { "http://a?", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "", "", NULL, "an empty query" },
    { "http://a/b#c/?d", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "/b", NULL, "c/?d",
      "a fragment" },
    { "http://a/b?c?#", LN_URI_HTTP, LN_URI_HOST_NAME, "a", "", 80, "/b", "c?", "",
      "an empty fragment" },
    { "coap://a/rd?ep=x&lt=60", LN_URI_COAP, LN_URI_HOST_NAME, "a", "", 5683, "/rd", "ep=x&lt=60",
      NULL, "coap with a query" },
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct ln_uri uri;
        enum ln_uri_problem problem = LN_URI_PROBLEM_EMPTY;
        struct ln_span text = bytes_copy(ln_span_str(accepted[i].text));
        print_message("  %s: %s\n", accepted[i].text, accepted[i].why);
        assert_int_equal(ln_uri_read(text, &uri, &problem), LN_OK);
        assert_int_equal(problem, LN_URI_PROBLEM_NONE);
        assert_int_equal(uri.scheme, accepted[i].scheme);
        assert_int_equal(uri.host_kind, accepted[i].kind);
        assert_true(is(uri.host, accepted[i].host));
        assert_true(is(uri.zone, accepted[i].zone));
        assert_int_equal(uri.port, accepted[i].port);
        assert_true(is(uri.path, accepted[i].path));
        assert_int_equal(uri.has_query, accepted[i].query != NULL);
        assert_true(is(uri.query, accepted[i].query != NULL ? accepted[i].query : ""));
        assert_int_equal(uri.has_fragment, accepted[i].fragment != NULL);
        assert_true(is(uri.fragment, accepted[i].fragment != NULL ? accepted[i].fragment : ""));
    }
}

/* ---- what is refused ---- */

#define P(name) LN_URI_PROBLEM_##name

static const struct {
    const char *text;
    enum ln_uri_problem problem;
    const char *why;
} refused[] = {
    { "", P(EMPTY), "nothing" },
    { "coap://a\r\nb", P(CONTROL), "a line break" },
    { "coap://a/\x7f", P(CONTROL), "DEL" },
    { "coap://a/\t", P(CONTROL), "a tab" },
    { " coap://a", P(SPACE), "a space before it" },
    { "coap://a/b c", P(SPACE), "a space inside" },
    { "coap://b\xc3\xbc"
      "cher.example",
      P(NOT_ASCII), "an international name" },
    { "coap://a/\xe2\x98\x83", P(NOT_ASCII), "an international path" },
    { "a.example", P(NO_SCHEME), "a name alone" },
    { "://a", P(NO_SCHEME), "an empty scheme" },
    { "//a", P(NO_SCHEME), "a relative reference" },
    { "/a:b", P(NO_SCHEME), "a path" },
    { "a.example:5684", P(SCHEME), "name and port: the name reads as a scheme" },
    { "ftp://a", P(SCHEME), "another scheme" },
    { "file:///etc/passwd", P(SCHEME), "a file" },
    { "coap2://a", P(SCHEME), "almost a scheme" },
    { "coap+ws://a", P(SCHEME), "CoAP over WebSockets" },
    { "coap:a", P(NO_AUTHORITY), "no //" },
    { "coap:/a", P(NO_AUTHORITY), "one slash" },
    { "coap:", P(NO_AUTHORITY), "a scheme alone" },
    { "coap://user@a", P(USERINFO), "a user" },
    { "coap://user:pass@a:1", P(USERINFO), "a user with a password" },
    { "coap://@a", P(USERINFO), "an empty user" },
    { "http://a.example@evil.example/", P(USERINFO), "a host that is none" },
    { "coap://", P(NO_HOST), "no host" },
    { "coap:///a", P(NO_HOST), "an empty host" },
    { "coap://:5683", P(NO_HOST), "a port alone" },
    { "coap://?a", P(NO_HOST), "a query alone" },
    { "coap://a,b", P(HOST_CHARACTER), "a sub-delimiter" },
    { "coap://a\\b", P(HOST_CHARACTER), "a backslash" },
    { "http://a\\@b/", P(USERINFO), "one that hides a host" },
    { "coap://a*", P(HOST_CHARACTER), "a wildcard" },
    { "coap://%61.example", P(HOST_PERCENT), "an encoded letter" },
    { "coap://a%00.example", P(HOST_PERCENT), "an encoded NUL" },
    { "coap://a%2", P(HOST_PERCENT), "an encoding cut off" },
    { "coap://a..b", P(HOST_LABEL), "an empty label" },
    { "coap://.a", P(HOST_LABEL), "a dot first" },
    { "coap://.", P(HOST_LABEL), "the root" },
    { "coap://a..", P(HOST_LABEL), "two dots at the end" },
    { "coap://127.1", P(HOST_NUMBER), "a short IPv4 address" },
    { "coap://2130706433", P(HOST_NUMBER), "an IPv4 address as one number" },
    { "coap://0177.0.0.1", P(HOST_NUMBER), "octal" },
    { "coap://127.0.0.0x1", P(HOST_NUMBER), "hexadecimal" },
    { "coap://256.0.0.1", P(HOST_NUMBER), "too high" },
    { "coap://1.2.3.4.", P(HOST_NUMBER), "an address has no trailing dot" },
    { "coap://1.2.3.4.5", P(HOST_NUMBER), "five numbers" },
    { "coap://a.1", P(HOST_NUMBER), "no top-level domain is a number" },
    { "coap://a.0x", P(HOST_NUMBER), "nor this (WHATWG URL 3.5)" },
    { "coap://[::1", P(BRACKET), "not closed" },
    { "coap://[::1]a", P(BRACKET), "something behind the bracket" },
    { "coap://[::1].", P(BRACKET), "a dot behind it" },
    { "coap://::1", P(BRACKET), "IPv6 without brackets" },
    { "coap://2001:db8::1/x", P(BRACKET), "IPv6 without brackets" },
    { "coap://a]", P(BRACKET), "a closing one alone" },
    { "coap://a[::1]", P(BRACKET), "a name before it" },
    { "coap://[]", P(IPV6), "nothing in brackets" },
    { "coap://[192.0.2.1]", P(IPV6), "IPv4 in brackets" },
    { "coap://[a.example]", P(IPV6), "a name in brackets" },
    { "coap://[v1.a]", P(IPV6), "a version of the future" },
    { "coap://[1:2:3:4:5:6:7:8:9]", P(IPV6), "nine groups" },
    { "coap://[::1::]", P(IPV6), "two gaps" },
    { "coap://[::12345]", P(IPV6), "five digits" },
    { "coap://[[::1]]", P(IPV6), "brackets in brackets" },
    { "coap://[fe80::1%eth0]", P(ZONE), "a bare percent sign" },
    { "coap://[fe80::1%25]", P(ZONE), "an empty zone" },
    { "coap://[fe80::1%25a/b]", P(BRACKET), "a slash in it ends the host" },
    { "coap://[fe80::1%25a%20]", P(ZONE), "percent-encoding in it" },
    { "coap://[fe80::1%251234567890123456]", P(ZONE), "longer than any interface's name" },
    { "coap://a:", P(PORT_EMPTY), "an empty port" },
    { "coap://a:/b", P(PORT_EMPTY), "an empty port before a path" },
    { "coap://[::1]:", P(PORT_EMPTY), "an empty port behind an address" },
    { "coap://a:1a", P(PORT_CHARACTER), "a letter" },
    { "coap://a:-1", P(PORT_CHARACTER), "a sign" },
    { "coap://a:1:2", P(PORT_CHARACTER), "two ports" },
    { "coap://a:0", P(PORT_RANGE), "port 0" },
    { "coap://a:65536", P(PORT_RANGE), "port 65536" },
    { "coap://a:655350", P(PORT_RANGE), "65535, and a digit more" },
    { "coap://a:4294967297", P(PORT_RANGE), "2^32 + 1" },
    { "coap://a:99999999999999999999999", P(PORT_RANGE), "23 digits" },
    { "udp://a", P(PORT_MISSING), "udp has no port of its own" },
    { "tls://[::1]", P(PORT_MISSING), "nor has tls" },
    { "http://a/%", P(PERCENT), "a percent sign alone" },
    { "http://a/%4", P(PERCENT), "one digit" },
    { "http://a/%4g", P(PERCENT), "no digit" },
    { "http://a/?%", P(PERCENT), "in the query" },
    { "http://a/#%zz", P(PERCENT), "in the fragment" },
    { "http://a/\"", P(CHARACTER), "a quotation mark" },
    { "http://a/b\\c", P(CHARACTER), "a backslash in the path" },
    { "http://a/{b}", P(CHARACTER), "braces" },
    { "http://a/?[b]", P(CHARACTER), "brackets in the query" },
    { "http://a/#b#c", P(CHARACTER), "two fragments" },
    { "coap://a/b#c", P(FRAGMENT), "RFC 7252 6.4, step 4" },
    { "coaps://a#b", P(FRAGMENT), "the same for coaps" },
    { "coap+tcp://a#b", P(FRAGMENT), "and over TCP" },
    { "coaps+tcp://a#", P(FRAGMENT), "an empty one is one" },
    { "udp://a:1/b", P(NOT_AN_ADDRESS), "a path where nobody reads it" },
    { "tls://a:1?b", P(NOT_AN_ADDRESS), "a query" },
    { "tcp://a:1#b", P(NOT_AN_ADDRESS), "a fragment" },
};

/* scenario: H84 */
static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct ln_uri uri = { .port = 77 };
        enum ln_uri_problem problem = P(NONE);
        struct ln_span text = bytes_copy(ln_span_str(refused[i].text));
        print_message("  %s: %s\n", refused[i].text, refused[i].why);
        assert_int_equal(ln_uri_read(text, &uri, &problem), LN_BAD_PEER);
        assert_string_equal(ln_uri_problem_text(problem), ln_uri_problem_text(refused[i].problem));
        assert_int_equal(uri.port, 77);
        assert_int_equal(ln_uri_read(text, &uri, NULL), LN_BAD_PEER);
    }
}

static void test_nul_bytes(void **state)
{
    (void)state;
    static const char text[] = "coap://a.example\0.evil.example/";
    struct ln_uri uri;
    enum ln_uri_problem problem = P(NONE);
    assert_int_equal(ln_uri_read(ln_span(text, sizeof text - 1), &uri, &problem), LN_BAD_PEER);
    assert_int_equal(problem, P(CONTROL));
}

/* ---- limits ---- */

static enum ln_uri_problem problem_of(struct ln_span text)
{
    struct ln_uri uri;
    enum ln_uri_problem problem = P(EMPTY);
    enum ln_status st = ln_uri_read(text, &uri, &problem);
    assert_int_equal(st, problem == P(NONE) ? LN_OK : LN_BAD_PEER);
    return problem;
}

/* "coap://" and `len` bytes of labels of 50 */
static struct ln_span with_host_of(size_t len, const char *tail)
{
    char text[400] = "coap://";
    for (size_t i = 0; i < len; i++)
        text[7 + i] = i % 51 == 50 ? '.' : 'a';
    strcpy(text + 7 + len, tail);
    return bytes_copy(ln_span_str(text));
}

/* scenario: H18, H84 */
static void test_lengths_of_hosts(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        enum ln_uri_problem problem;
    } hosts[] = { { 127, P(NONE) },         { 128, P(NONE) }, { 253, P(NONE) },
                  { 254, P(NONE) },         { 255, P(NONE) }, { 256, P(HOST_TOO_LONG) },
                  { 300, P(HOST_TOO_LONG) } };
    for (size_t i = 0; i < COUNT(hosts); i++)
        assert_int_equal(problem_of(with_host_of(hosts[i].len, ":1/x")), hosts[i].problem);
}

static void test_lengths_of_labels(void **state)
{
    (void)state;
    char text[7 + 64 + 1] = "coap://";
    for (size_t len = 63; len <= 64; len++) {
        memset(text + 7, 'a', len);
        assert_int_equal(problem_of(ln_span(text, 7 + len)), len == 63 ? P(NONE) : P(HOST_LABEL));
    }
}

/* scenario: H84 */
static void test_lengths_of_uris(void **state)
{
    (void)state;
    static uint8_t letters[65536];
    struct ln_span parts[] = { ln_span_str("http://a/"), ln_span(letters, 0) };
    memset(letters, 'a', sizeof letters);
    parts[1].len = LN_URI_MAX - parts[0].len;
    assert_int_equal(problem_of(bytes_join(parts, 2)), P(NONE));
    parts[1].len++;
    assert_int_equal(problem_of(bytes_join(parts, 2)), P(TOO_LONG));
    parts[1].len = sizeof letters;
    assert_int_equal(problem_of(bytes_join(parts, 2)), P(TOO_LONG));
}

/* ---- texts ---- */

static void test_host_for_connect(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *host;
    } hosts[] = {
        { "coap://a.example:1", "a.example" },
        { "coap://192.0.2.1", "192.0.2.1" },
        { "coap://[2001:db8::1]", "2001:db8::1" },
        { "coap://[fe80::1%25eth0]", "fe80::1%eth0" },
    };
    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct ln_uri uri;
        char text[LN_URI_HOST_ROOM];
        assert_int_equal(ln_uri_read(ln_span_str(hosts[i].uri), &uri, NULL), LN_OK);
        ln_uri_host_text(&uri, text);
        assert_string_equal(text, hosts[i].host);
    }
    struct ln_uri uri;
    char text[LN_URI_HOST_ROOM];
    assert_int_equal(ln_uri_read(with_host_of(254, ""), &uri, NULL), LN_OK);
    ln_uri_host_text(&uri, text);
    assert_int_equal(strlen(text), 254);
}

static void test_names_of_values(void **state)
{
    (void)state;
    assert_string_equal(ln_uri_scheme_text(LN_URI_COAPS_TCP), "coaps+tcp");
    assert_string_equal(ln_uri_scheme_text(LN_URI_UDP), "udp");
    assert_string_equal(ln_uri_scheme_text((enum ln_uri_scheme)99), "unknown");
    assert_string_equal(ln_uri_problem_text(P(PORT_EMPTY)),
                        "no port follows the colon behind the host");
    assert_string_equal(ln_uri_problem_text((enum ln_uri_problem)999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_bytes),         cmocka_unit_test(test_lengths_of_hosts),
        cmocka_unit_test(test_lengths_of_labels), cmocka_unit_test(test_lengths_of_uris),
        cmocka_unit_test(test_host_for_connect),  cmocka_unit_test(test_names_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
