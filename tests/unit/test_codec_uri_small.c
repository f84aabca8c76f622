/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/uri_small.c, which a small build has in place of uri.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/uri.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct {
    const char *text;
    enum ln_uri_scheme scheme;
    enum ln_uri_host kind;
    const char *host;
    uint16_t port;
    bool given;
} accepted[] = {
    { "coap://a", LN_URI_COAP, LN_URI_HOST_NAME, "a", 5683, false },
    { "coaps://a.example/", LN_URI_COAPS, LN_URI_HOST_NAME, "a.example", 5684, false },
    { "CoAPs://a_b-c.example:1", LN_URI_COAPS, LN_URI_HOST_NAME, "a_b-c.example", 1, true },
    { "coap://192.0.2.1:65535/", LN_URI_COAP, LN_URI_HOST_IPV4, "192.0.2.1", 65535, true },
    { "coap://[2001:db8::1]", LN_URI_COAP, LN_URI_HOST_IPV6, "2001:db8::1", 5683, false },
    { "coap://[::1]:5000", LN_URI_COAP, LN_URI_HOST_IPV6, "::1", 5000, true },
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct ln_uri uri;
        enum ln_uri_problem problem = LN_URI_PROBLEM_EMPTY;
        char host[LN_URI_HOST_ROOM];
        print_message("%s\n", accepted[i].text);
        assert_int_equal(ln_uri_read(ln_span_str(accepted[i].text), &uri, &problem), LN_OK);
        assert_int_equal(problem, LN_URI_PROBLEM_NONE);
        assert_int_equal(uri.scheme, accepted[i].scheme);
        assert_int_equal(uri.host_kind, accepted[i].kind);
        ln_uri_host_text(&uri, host);
        assert_string_equal(host, accepted[i].host);
        assert_int_equal(uri.port, accepted[i].port);
        assert_int_equal(uri.port_given, accepted[i].given);
        assert_int_equal(uri.path.len + uri.query.len + uri.zone.len, 0);
        assert_false(uri.has_query || uri.has_fragment);
    }
}

static const struct {
    const char *text;
    enum ln_uri_problem problem;
} refused[] = {
    { "", LN_URI_PROBLEM_SCHEME },
    { "coap:", LN_URI_PROBLEM_SCHEME },
    { "coap+tcp://a", LN_URI_PROBLEM_SCHEME },
    { "http://a", LN_URI_PROBLEM_SCHEME },
    { "coap://", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://:1", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://a b", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://a\n", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://u@a", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://%61", LN_URI_PROBLEM_HOST_CHARACTER },
    { "coap://127.1", LN_URI_PROBLEM_HOST_NUMBER },
    { "coap://1.2.3.256", LN_URI_PROBLEM_HOST_NUMBER },
    { "coap://...", LN_URI_PROBLEM_HOST_NUMBER },
    { "coap://2001:db8::1", LN_URI_PROBLEM_HOST_NUMBER },
    { "coap://[::1", LN_URI_PROBLEM_BRACKET },
    { "coap://[", LN_URI_PROBLEM_BRACKET },
    { "coap://[]", LN_URI_PROBLEM_IPV6 },
    { "coap://[192.0.2.1]", LN_URI_PROBLEM_IPV6 },
    { "coap://[fe80::1%251]", LN_URI_PROBLEM_IPV6 },
    { "coap://[::1]x", LN_URI_PROBLEM_NOT_AN_ADDRESS },
    { "coap://a:", LN_URI_PROBLEM_PORT_RANGE },
    { "coap://a:0", LN_URI_PROBLEM_PORT_RANGE },
    { "coap://a:65536", LN_URI_PROBLEM_PORT_RANGE },
    { "coap://a:99999999999999999999", LN_URI_PROBLEM_PORT_RANGE },
    { "coap://a:5x", LN_URI_PROBLEM_NOT_AN_ADDRESS },
    { "coap://a/x", LN_URI_PROBLEM_NOT_AN_ADDRESS },
    { "coap://a//", LN_URI_PROBLEM_NOT_AN_ADDRESS },
    { "coap://a?q", LN_URI_PROBLEM_HOST_CHARACTER },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct ln_uri uri = { .port = 7 };
        enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
        print_message("%s\n", refused[i].text);
        assert_int_equal(ln_uri_read(ln_span_str(refused[i].text), &uri, &problem), LN_BAD_PEER);
        assert_int_equal(problem, refused[i].problem);
        assert_int_equal(uri.port, 7); /* unchanged */
    }
}

static void test_the_longest_host(void **state)
{
    char text[7 + LN_URI_HOST_MAX + 2] = "coap://";
    struct ln_uri uri;
    char host[LN_URI_HOST_ROOM];
    enum ln_uri_problem problem;
    (void)state;
    memset(text + 7, 'a', LN_URI_HOST_MAX + 1);
    assert_int_equal(ln_uri_read(ln_span(text, 7 + LN_URI_HOST_MAX), &uri, NULL), LN_OK);
    ln_uri_host_text(&uri, host);
    assert_int_equal(strlen(host), LN_URI_HOST_MAX);
    assert_int_equal(ln_uri_read(ln_span(text, 7 + LN_URI_HOST_MAX + 1), &uri, &problem),
                     LN_BAD_PEER);
    assert_int_equal(problem, LN_URI_PROBLEM_HOST_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_the_longest_host),
    };
    return cmocka_run_group_tests_name("codec/uri_small", tests, NULL, NULL);
}
