/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/uri_resolve.c and src/codec/uri_parts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/uri.h>

#include "support/bytes.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define P(name) LN_URI_PROBLEM_##name

/* ---- references ---- */

static const char rfc_base[] = "http://a/b/c/d;p?q";

/* RFC 3986 5.4.1 and 5.4.2; where the RFC leaves a choice to the strict, and where it would lead to
 * something that we do not accept anyway, see below. */
static const struct {
    const char *base; /* NULL = rfc_base */
    const char *reference;
    const char *result;
} resolved[] = {
    { NULL, "g", "http://a/b/c/g" },
    { NULL, "./g", "http://a/b/c/g" },
    { NULL, "g/", "http://a/b/c/g/" },
    { NULL, "/g", "http://a/g" },
    { NULL, "//g", "http://g" },
    { NULL, "?y", "http://a/b/c/d;p?y" },
    { NULL, "g?y", "http://a/b/c/g?y" },
    { NULL, "#s", "http://a/b/c/d;p?q#s" },
    { NULL, "g#s", "http://a/b/c/g#s" },
    { NULL, "g?y#s", "http://a/b/c/g?y#s" },
    { NULL, ";x", "http://a/b/c/;x" },
    { NULL, "g;x", "http://a/b/c/g;x" },
    { NULL, "g;x?y#s", "http://a/b/c/g;x?y#s" },
    { NULL, "", "http://a/b/c/d;p?q" },
    { NULL, ".", "http://a/b/c/" },
    { NULL, "./", "http://a/b/c/" },
    { NULL, "..", "http://a/b/" },
    { NULL, "../", "http://a/b/" },
    { NULL, "../g", "http://a/b/g" },
    { NULL, "../..", "http://a/" },
    { NULL, "../../", "http://a/" },
    { NULL, "../../g", "http://a/g" },
    { NULL, "../../../g", "http://a/g" },
    { NULL, "../../../../g", "http://a/g" },
    { NULL, "/./g", "http://a/g" },
    { NULL, "/../g", "http://a/g" },
    { NULL, "g.", "http://a/b/c/g." },
    { NULL, ".g", "http://a/b/c/.g" },
    { NULL, "g..", "http://a/b/c/g.." },
    { NULL, "..g", "http://a/b/c/..g" },
    { NULL, "./../g", "http://a/b/g" },
    { NULL, "./g/.", "http://a/b/c/g/" },
    { NULL, "g/./h", "http://a/b/c/g/h" },
    { NULL, "g/../h", "http://a/b/c/h" },
    { NULL, "g;x=1/./y", "http://a/b/c/g;x=1/y" },
    { NULL, "g;x=1/../y", "http://a/b/c/y" },
    { NULL, "g?y/./x", "http://a/b/c/g?y/./x" },
    { NULL, "g?y/../x", "http://a/b/c/g?y/../x" },
    { NULL, "g#s/../x", "http://a/b/c/g#s/../x" },
    { "http://a", "g", "http://a/g" },
    { "http://a?q", "", "http://a?q" },
    { "http://a", "?y", "http://a?y" },
    { "http://a/b//c/d", "../e", "http://a/b//e" },
    { "http://a/b", "c//../d", "http://a/c/d" },
    { "http://a/b#f", "c", "http://a/c" },
    { "https://a:8443/x", "/y", "https://a:8443/y" },
    { "https://[2001:db8::1]:8443/x", "/y", "https://[2001:db8::1]:8443/y" },
    { "https://a/x", "//b:1/y/../z", "https://b:1/z" },
    { "https://a/x", "http://b/./y?z", "http://b/y?z" },
    { "https://a/x", "HTTPS://B", "HTTPS://B" },
    { "https://a/x", "/%2e%2e/y", "https://a/%2e%2e/y" },
    { "https://a/x", "y:z", NULL },
    { "https://a/x", "./y:z", "https://a/y:z" },
};

/* scenario: HTTP-06 */
static void test_references(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(resolved); i++) {
        uint8_t room[64];
        size_t len = 0;
        const char *base = resolved[i].base != NULL ? resolved[i].base : rfc_base;
        enum ln_uri_problem problem = P(NONE);
        enum ln_status st = ln_uri_resolve(ln_span_str(base), ln_span_str(resolved[i].reference),
                                           ln_mspan(room, sizeof room), &len, &problem);
        if (resolved[i].result == NULL) {
            assert_int_equal(st, LN_BAD_PEER);
            continue;
        }
        assert_int_equal(st, LN_OK);
        assert_int_equal(problem, P(NONE));
        if (!ln_span_equal(ln_span(room, len), ln_span_str(resolved[i].result)))
            fail_msg("%s on %s: %.*s instead of %s", resolved[i].reference, base, (int)len,
                     (const char *)room, resolved[i].result);
    }
}

/* scenario: H84, H114 */
static void test_references_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *base;
        const char *reference;
        enum ln_uri_problem problem;
    } refused[] = {
        { "http://a/", "file:///etc/passwd", P(SCHEME) },
        { "http://a/", "javascript:alert(1)", P(SCHEME) },
        { "http://a/", "g:h", P(SCHEME) },
        { "http://a/", "http:g", P(NO_AUTHORITY) },
        { "http://a/", "//", P(NO_HOST) },
        { "http://a/", "///x", P(NO_HOST) },
        { "http://a/", "//u:p@b/", P(USERINFO) },
        { "http://a/", "//b:65536/", P(PORT_RANGE) },
        { "http://a/", "//b:0/", P(PORT_RANGE) },
        { "http://a/", "//[fe80::1%eth0]/", P(ZONE) },
        { "http://a/", "/x\r\nSet-Cookie: y", P(CONTROL) },
        { "http://a/", "/x y", P(SPACE) },
        { "http://a/", "/\xc3\xa4", P(NOT_ASCII) },
        { "http://a/", "/%zz", P(PERCENT) },
        { "http://a/", "/<>", P(CHARACTER) },
        { "coap://a/", "#f", P(FRAGMENT) },
        { "mailto:a@b", "/", P(SCHEME) },
        { "http://u@a/", "/", P(USERINFO) },
        { "", "http://a/", P(EMPTY) },
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        uint8_t room[64];
        size_t len = 0;
        enum ln_uri_problem problem = P(NONE);
        assert_int_equal(ln_uri_resolve(ln_span_str(refused[i].base),
                                        ln_span_str(refused[i].reference),
                                        ln_mspan(room, sizeof room), &len, &problem),
                         LN_BAD_PEER);
        if (problem != refused[i].problem)
            fail_msg("%s: %s", refused[i].reference, ln_uri_problem_text(problem));
    }
}

static void test_room_for_the_result(void **state)
{
    (void)state;
    static uint8_t letters[LN_URI_MAX];
    static uint8_t room[2 * LN_URI_MAX];
    struct ln_span base = ln_span_str("http://a/b/c");
    size_t len = 0;
    assert_int_equal(ln_uri_resolve(base, ln_span_str("d"), ln_mspan(room, 12), &len, NULL), LN_OK);
    assert_int_equal(len, 12);
    assert_int_equal(ln_uri_resolve(base, ln_span_str("d"), ln_mspan(room, 11), &len, NULL),
                     LN_NO_SPACE);
    assert_int_equal(len, 12);
    assert_int_equal(ln_uri_resolve(base, ln_span_str("d"), ln_mspan(NULL, 0), &len, NULL),
                     LN_NO_SPACE);

    enum ln_uri_problem problem = P(NONE);
    memset(letters, 'x', sizeof letters);
    assert_int_equal(ln_uri_resolve(base, ln_span(letters, sizeof letters),
                                    ln_mspan(room, sizeof room), &len, &problem),
                     LN_BAD_PEER);
    assert_int_equal(problem, P(TOO_LONG));
    assert_int_equal(ln_uri_resolve(base, ln_span(letters, sizeof letters),
                                    ln_mspan(room, LN_URI_MAX), &len, &problem),
                     LN_NO_SPACE);
}

/* ---- user names ---- */

static void test_user_names(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        const char *userinfo; /* NULL = none */
    } users[] = {
        { "https://u:p@h/x", "u:p" },
        { "https://u@h", "u" },
        { "https://@h", "" },
        { "https://:@h", ":" },
        { "https://a@b@h/", "a@b" },
        { "https://h/@x", NULL },
        { "https://h?u@x", NULL },
        { "https://h#u@x", NULL },
        { "https://h", NULL },
        { "u@h", NULL },
        { "mailto:u@h", NULL },
        { "https:/u@h", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < COUNT(users); i++) {
        struct ln_span found = ln_uri_userinfo(ln_span_str(users[i].uri));
        assert_int_equal(found.data != NULL, users[i].userinfo != NULL);
        assert_true(ln_span_equal(found, ln_span_str(users[i].userinfo)));
    }
}

/* ---- percent-encoding ---- */

static void test_percent_encoding(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes; /* NULL = refused */
        size_t len;
    } texts[] = {
        { "", "", 0 },      { "abc", "abc", 3 },         { "a%20b", "a b", 3 },
        { "%00", "\0", 1 }, { "%fF%Aa", "\xff\xaa", 2 }, { "%25%32%35", "%25", 3 },
        { "%", NULL, 0 },   { "%4", NULL, 0 },           { "a%4", NULL, 0 },
        { "%4g", NULL, 0 }, { "%g4", NULL, 0 },          { "%%41", NULL, 0 },
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint8_t room[8];
        size_t len = 99;
        struct ln_span text = ln_span_str(texts[i].text);
        enum ln_status st = ln_uri_decode(text, ln_mspan(room, sizeof room), &len);
        assert_int_equal(st, texts[i].bytes != NULL ? LN_OK : LN_BAD_PEER);
        if (st != LN_OK)
            continue;
        assert_true(ln_span_equal(ln_span(room, len), ln_span(texts[i].bytes, texts[i].len)));
        if (len > 0) {
            assert_int_equal(ln_uri_decode(text, ln_mspan(room, len - 1), &len), LN_NO_SPACE);
            assert_int_equal(len, texts[i].len);
        }
    }
    char same[] = "%41%42c";
    size_t len = 0;
    assert_int_equal(ln_uri_decode(ln_span_str(same), ln_mspan(same, sizeof same), &len), LN_OK);
    assert_memory_equal(same, "ABc", 3);
}

/* ---- origins ---- */

/* scenario: H114, HTTP-06 */
static void test_origins(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } pairs[] = {
        { "https://a/x", "https://a/y?z", true },
        { "https://a/", "https://A:443/", true },
        { "http://a/", "http://a:80/", true },
        { "https://a/", "http://a/", false },
        { "https://a/", "http://a:443/", false },
        { "https://a/", "https://a:444/", false },
        { "https://a/", "https://b/", false },
        { "https://a/", "https://a.b/", false },
        { "https://a/", "https://a./", false },
        { "https://192.0.2.1/", "https://192.0.2.1/", true },
        { "https://192.0.2.1/", "https://192.0.2.2/", false },
        { "https://192.0.2.1/", "https://[::ffff:192.0.2.1]/", true },
        { "https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", true },
        { "https://[2001:DB8::1]/", "https://[2001:db8::1]/", true },
        { "https://[2001:db8::1]/", "https://[2001:db8::2]/", false },
        { "https://[fe80::1%25eth0]/", "https://[fe80::1%25eth0]/", true },
        { "https://[fe80::1%25eth0]/", "https://[fe80::1%25eth1]/", false },
        { "https://[fe80::1%253]/", "https://[fe80:0::1%253]/", true },
        { "https://[fe80::1%253]/", "https://[fe80::1]/", false },
        { "https://[::1]/", "https://a/", false },
        { "coaps://a/", "coaps+tcp://a/", false },
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct ln_uri a;
        struct ln_uri b;
        assert_int_equal(ln_uri_read(ln_span_str(pairs[i].a), &a, NULL), LN_OK);
        assert_int_equal(ln_uri_read(ln_span_str(pairs[i].b), &b, NULL), LN_OK);
        if (ln_uri_same_origin(&a, &b) != pairs[i].same ||
            ln_uri_same_origin(&b, &a) != pairs[i].same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_references_that_are_refused),
        cmocka_unit_test(test_room_for_the_result),
        cmocka_unit_test(test_user_names),
        cmocka_unit_test(test_percent_encoding),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
