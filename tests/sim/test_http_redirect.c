/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_http_redirect.c
 * Where the HTTP client goes when it is sent elsewhere, and what it takes along: redirects, keys,
 * user names and passwords.
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

/* What the servers do: the path "/n" is answered by a redirect to location[n], the others by the
 * file. They note who came, and with which password. */
static struct {
    const char *status;
    const char *location[8];
    bool close;
    char hosts[512];
    char logins[512];
} redirect;

static void note(char *list, size_t room, const char *text)
{
    size_t len = strlen(list);
    assert_true((size_t)snprintf(list + len, room - len, "%s|", text) < room - len);
}

static void redirecting(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    char host[128];
    unsigned at = 7;
    (void)sscanf(asked->target, "/%u", &at);
    (void)snprintf(host, sizeof host, "%s%s %s", asked->secure ? "s:" : "", asked->method,
                   asked->host);
    note(redirect.hosts, sizeof redirect.hosts, host);
    note(redirect.logins, sizeof redirect.logins, asked->authorization);
    if (redirect.location[at] == NULL) {
        http_serve_file(&world->file, asked, answer);
        return;
    }
    http_say(answer, "HTTP/1.1 %s Moved\r\n%sLocation: %s\r\nContent-Length: 5\r\n\r\n",
             redirect.status, redirect.close ? "Connection: close\r\n" : "", redirect.location[at]);
    if (strcmp(asked->method, "HEAD") != 0)
        http_say_more(answer, "moved");
    if (redirect.close)
        answer->end = HTTP_CLOSE;
}

static void redirects(const char *status, const char *first, const char *second)
{
    memset(&redirect, 0, sizeof redirect);
    redirect.status = status;
    redirect.location[0] = first;
    redirect.location[1] = second;
    w.script = redirecting;
}

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

/* ---- cookies ---- */

static void giving_cookies(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    if (strstr(asked->text, "ookie") != NULL)
        fail_msg("request %u: %s", asked->number, asked->text);
    if (strcmp(asked->target, "/0") == 0)
        http_say(answer, "HTTP/1.1 302 Moved\r\nSet-Cookie: a=b; Path=/\r\nLocation: /1\r\n"
                         "Content-Length: 0\r\n\r\n");
    else
        http_serve_file(&world->file, asked, answer);
}

/* What a server wants to be told again is not kept: neither on the way nor for the next request. */
/* scenario: HTTP-08 */
static void test_no_cookies(void **state)
{
    (void)state;
    w.script = giving_cookies;
    for (unsigned i = 1; i <= 2; i++) {
        get("http://server.example/0");
        must_have("no cookies", w.file.content);
        assert_int_equal(w.plain.requests, 2 * i);
    }
    assert_int_equal(w.plain.connections, 1);
}

/* ---- redirects ---- */

/* scenario: HTTP-06 */
static void test_redirects_are_followed(void **state)
{
    (void)state;
    static const char *const statuses[] = { "301", "302", "303", "307", "308" };
    for (size_t i = 0; i < COUNT(statuses); i++) {
        redirects(statuses[i], "1?x", "http://server.example:80/./y/../z#frag");
        get("http://server.example/0");
        must_have(statuses[i], w.file.content);
        assert_string_equal(w.fetch.response.uri, "http://server.example:80/z");
        assert_int_equal(w.fetch.response.redirects, 2);
        assert_string_equal(w.fetch.fields, "Content-Length=1000|");
        assert_string_equal(redirect.hosts, "GET server.example|GET server.example|"
                                            "GET server.example:80|");
    }
    assert_int_equal(w.plain.connections, 1); /* the bodies of redirects were read */
}

static void test_redirects_over_new_connections(void **state)
{
    (void)state;
    redirects("302", "/1", "http://other.example/7");
    redirect.close = true;
    http_world_ask(
        &w, &(struct ln_http_request) { .uri = "http://server.example/0", .method = LN_HTTP_HEAD });
    must_have("closing", ln_span(NULL, 0));
    assert_string_equal(redirect.hosts, "HEAD server.example|HEAD server.example|"
                                        "HEAD other.example|");
    assert_int_equal(w.plain.connections, 3);
}

static void asks_for_a_part(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    assert_true(asked->ranged);
    assert_true(asked->from == 900);
    assert_string_equal(asked->if_range, "\"v1\"");
    if (strcmp(asked->target, "/0") == 0)
        http_say(answer, "HTTP/1.1 307 X\r\nLocation: /1\r\nContent-Length: 0\r\n\r\n");
    else
        http_serve_file(&world->file, asked, answer);
}

/* scenario: HTTP-10 */
static void test_a_part_stays_a_part(void **state)
{
    (void)state;
    w.script = asks_for_a_part;
    w.file.etag = "\"v1\"";
    http_world_ask(&w, &(struct ln_http_request) { .uri = "http://server.example/0",
                                                   .ranged = true,
                                                   .from = 900,
                                                   .if_range = ln_span_str("\"v1\"") });
    must_have("part", ln_span(w.content + 900, 100));
}

/* https is where http of the same host may lead, with the same keys. */
static void test_upgrade(void **state)
{
    (void)state;
    redirects("301", "https://server.example/1", "/2");
    get("http://server.example/0");
    must_have("upgraded", w.file.content);
    assert_string_equal(redirect.hosts, "GET server.example|s:GET server.example|"
                                        "s:GET server.example|");
    redirects("301", "https://other.example/1", NULL);
    get("http://server.example/0");
    must_fail("another host", LN_DENIED, LN_CAT_CONFIGURATION, "another host");
    assert_string_equal(redirect.hosts, "GET server.example|");
}

/* scenario: H114, HTTP-06 */
static void test_where_redirects_must_not_lead(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *location;
        enum ln_status status;
        enum ln_category category;
        const char *sentence;
    } refused[] = {
        { "https://server.example/0", "http://server.example/1", LN_DENIED, LN_CAT_ANSWER,
          "from https to http" },
        { "https://server.example/0", "//other.example/1", LN_DENIED, LN_CAT_CONFIGURATION,
          "another host" },
        { "https://server.example/0", "https://server.example:444/1", LN_DENIED,
          LN_CAT_CONFIGURATION, "another host" },
        { "http://server.example/0", "file:///etc/passwd", LN_BAD_PEER, LN_CAT_ANSWER, "scheme" },
        { "http://server.example/0", "coap://server.example/1", LN_DENIED, LN_CAT_ANSWER,
          "away from http" },
        { "http://server.example/0", "http://u:p@server.example/1", LN_BAD_PEER, LN_CAT_ANSWER,
          "user name" },
        { "http://server.example/0", "/0", LN_BAD_PEER, LN_CAT_ANSWER, "circle" },
        { "http://server.example/0", "", LN_BAD_PEER, LN_CAT_ANSWER, "circle" },
        { "http://server.example/0", "#elsewhere", LN_BAD_PEER, LN_CAT_ANSWER, "circle" },
        { "http://server.example/0", "http://server.example/ 1", LN_BAD_PEER, LN_CAT_ANSWER,
          "space" },
        { "http://server.example/0", "http://192.0.2.300/1", LN_BAD_PEER, LN_CAT_ANSWER, "IPv4" },
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        redirects("302", refused[i].location, NULL);
        get(refused[i].from);
        must_fail(refused[i].location, refused[i].status, refused[i].category, refused[i].sentence);
    }
    redirects("302", "/1", "http://server.example/0");
    get("http://server.example/0");
    must_fail("there and back", LN_BAD_PEER, LN_CAT_ANSWER, "circle");
    redirects("302", "https://server.example/1", "http://server.example/2");
    get("http://server.example/0");
    must_fail("up and down again", LN_DENIED, LN_CAT_ANSWER, "from https to http");
}

/* scenario: H114, HTTP-06 */
static void test_redirects_without_end(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    redirects("302", "/1", "/2");
    redirect.location[2] = "/3";
    redirect.location[3] = "/4";
    redirect.location[4] = "/5";
    get("http://server.example/0");
    must_have("five", w.file.content);
    redirect.location[5] = "/6";
    get("http://server.example/0");
    must_fail("six", LN_BAD_PEER, LN_CAT_ANSWER, "more than 5 redirects");
    options.redirects_max = 1;
    http_world_client(&w, &options);
    get("http://server.example/0");
    must_fail("two of one", LN_BAD_PEER, LN_CAT_ANSWER, "more than 1 redirect");
    options.no_redirects = true;
    http_world_client(&w, &options);
    get("http://server.example/0");
    must_have("none", ln_span_str("moved"));
    assert_int_equal(w.fetch.response.status, 302);
    assert_string_equal(w.fetch.fields, "Location=/1|Content-Length=5|");
}

static void test_downgrade_where_it_is_wanted(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    options.insecure_downgrade = true;
    http_world_client(&w, &options);
    redirects("302", "http://server.example/1", NULL);
    get("https://server.example/0");
    must_have("downgrade", w.file.content);
    assert_string_equal(redirect.hosts, "s:GET server.example|GET server.example|");
}

static void two_locations(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    if (asked->target[1] == '1')
        http_serve_file(&world->file, asked, answer);
    else
        http_say(answer,
                 "HTTP/1.1 302 X\r\nLocation: /1\r\nlocation: %s\r\n"
                 "Content-Length: 0\r\n\r\n",
                 asked->target[1] == '0' ? "/1" : "/2");
}

static void test_two_locations(void **state)
{
    (void)state;
    w.script = two_locations;
    get("http://server.example/0");
    must_have("twice the same", w.file.content);
    get("http://server.example/9");
    must_fail("two", LN_BAD_PEER, LN_CAT_ANSWER, "two locations");
}

static void big_redirect(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    char kind = asked->target[1];
    if (kind == '1') {
        http_serve_file(&world->file, asked, answer);
        return;
    }
    http_say(answer, "HTTP/1.1 302 X\r\nLocation: /1\r\n%s\r\n",
             kind == 'c' ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 200000\r\n");
    if (kind == 'c')
        http_say_more(answer, "%zx\r\n", sizeof world->content);
    answer->body = ln_span(world->content, sizeof world->content);
    answer->end = kind == 'h' ? HTTP_HANG : HTTP_STAY;
    if (kind == 'h')
        answer->limit = answer->head_len;
}

static void hanging_redirect(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    if (asked->target[1] == '1') {
        http_serve_file(&world->file, asked, answer);
        return;
    }
    http_say(answer, "HTTP/1.1 302 X\r\nLocation: /1\r\nContent-Length: 5\r\n\r\nmo");
    answer->end = asked->target[1] == 'h' ? HTTP_HANG : HTTP_CLOSE;
}

/* What is behind a redirect is not waited for long, and its failure is none. */
static void test_bodies_of_redirects(void **state)
{
    (void)state;
    w.script = big_redirect;
    get("http://server.example/length");
    must_have("length", w.file.content);
    get("http://server.example/chunks");
    must_have("chunks", w.file.content);
    assert_true(w.fetch.took < 1000);
    get("http://server.example/hang");
    must_have("hang", w.file.content);
    assert_true(w.fetch.took < 1000);
    w.script = hanging_redirect;
    get("http://server.example/cut");
    must_have("cut", w.file.content);
    get("http://server.example/hang");
    must_have("hang within a short one", w.file.content);
    assert_true(w.fetch.took < 31000);
}

/* ---- logging in ---- */

static bool wants_login;

static void protected(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    struct http_world *world = user;
    note(redirect.logins, sizeof redirect.logins, asked->authorization);
    if (wants_login && strcmp(asked->authorization, "Basic dTpwOiBxw6Q=") != 0)
        http_say(answer, "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\"\r\n"
                         "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 4\r\n\r\nwho?");
    else
        http_serve_file(&world->file, asked, answer);
}

static void login(const char *uri, const char *user, const char *password, bool preemptive)
{
    redirect.logins[0] = '\0';
    w.script = protected;
    http_world_ask(&w,
                   &(struct ln_http_request) {
                       .uri = uri, .user = user, .password = password, .preemptive = preemptive });
}

#define SECRET "p: q\xc3\xa4"

/* scenario: HTTP-07 */
static void test_logging_in(void **state)
{
    (void)state;
    wants_login = true;
    login("https://server.example/", "u", SECRET, false);
    must_have("asked", w.file.content);
    assert_string_equal(redirect.logins, "|Basic dTpwOiBxw6Q=|");
    assert_string_equal(w.fetch.fields, "Content-Length=1000|");
    login("https://server.example/", "u", SECRET, true);
    must_have("unasked", w.file.content);
    assert_string_equal(redirect.logins, "Basic dTpwOiBxw6Q=|");
    login("https://u:p:%20q%C3%a4@server.example/", NULL, NULL, false);
    must_have("in the URI", w.file.content);
    assert_string_equal(redirect.logins, "|Basic dTpwOiBxw6Q=|");
    assert_string_equal(w.fetch.response.uri, "https://server.example/");
    login("https://x:y@server.example/", "u", SECRET, true);
    must_have("the request's goes before the URI's", w.file.content);

    login("https://server.example/", "u", "wrong", false);
    must_have("a wrong password", ln_span_str("who?"));
    assert_int_equal(w.fetch.response.status, 401);
    assert_true(w.fetch.response.asks_login);
    assert_string_equal(redirect.logins, "|Basic dTp3cm9uZw==|");
    assert_string_equal(w.fetch.fields, "WWW-Authenticate=Digest realm=\"x\"|"
                                        "WWW-Authenticate=Basic realm=\"x\"|Content-Length=4|");
    login("https://server.example/", NULL, NULL, false);
    must_have("no password", ln_span_str("who?"));
    assert_string_equal(redirect.logins, "|");
    login("https://server.example/", "", NULL, false);
    must_have("an empty one", ln_span_str("who?"));
    assert_string_equal(redirect.logins, "|Basic Og==|");
    login("https://@server.example/", NULL, NULL, false);
    must_have("an empty one in the URI", ln_span_str("who?"));
    assert_string_equal(redirect.logins, "|Basic Og==|");
    wants_login = false;
    login("https://server.example/", "u", SECRET, false);
    must_have("nobody asks", w.file.content);
    assert_string_equal(redirect.logins, "|");
    assert_int_equal(w.secure.connections, 1);
}

static void cut_401(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    protected(user, asked, answer);
    if (asked->authorization[0] != '\0')
        return;
    http_say(answer, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                     "Content-Length: 400\r\n\r\nwho?");
    answer->end = asked->number % 2 == 0 ? HTTP_CLOSE : HTTP_HANG;
}

/* What is behind the head of a 401 does not matter: its body may be cut, or never come. */
/* scenario: HTTP-07, HTTP-09 */
static void test_a_401_that_is_cut(void **state)
{
    (void)state;
    wants_login = true;
    for (unsigned i = 0; i < 2; i++) {
        redirect.logins[0] = '\0';
        w.script = cut_401;
        w.secure.requests = i;
        http_world_ask(&w, &(struct ln_http_request) {
                               .uri = "https://server.example/", .user = "u", .password = SECRET });
        must_have(i == 0 ? "silent" : "cut", w.file.content);
        assert_string_equal(redirect.logins, "|Basic dTpwOiBxw6Q=|");
    }
}

/* scenario: HTTP-07 */
static void test_no_password_in_the_clear(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    wants_login = true;
    for (int preemptive = 0; preemptive <= 1; preemptive++) {
        login("http://server.example/", "u", SECRET, preemptive != 0);
        must_have("over http", ln_span_str("who?"));
        assert_string_equal(redirect.logins, "|");
    }
    options.insecure_basic = true;
    http_world_client(&w, &options);
    login("http://server.example/", "u", SECRET, false);
    must_have("over http, where that is wanted", w.file.content);
    assert_string_equal(redirect.logins, "|Basic dTpwOiBxw6Q=|");
}

static void only_digest(void *user, const struct http_ask *asked, struct http_answer *answer)
{
    (void)user;
    assert_string_equal(asked->authorization, "");
    http_say(answer, "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\"\r\n"
                     "Content-Length: 4\r\n\r\nwho?");
}

static void test_no_password_where_basic_is_not_offered(void **state)
{
    (void)state;
    w.script = only_digest;
    http_world_ask(&w, &(struct ln_http_request) {
                           .uri = "https://server.example/", .user = "u", .password = "p" });
    must_have("digest", ln_span_str("who?"));
    assert_false(w.fetch.response.asks_login);
}

/* scenario: H114, HTTP-07 */
static void test_no_password_for_others(void **state)
{
    (void)state;
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    struct ln_http_request request = {
        .uri = "http://server.example/0", .user = "u", .password = "p", .preemptive = true
    };
    options.insecure_basic = true;
    options.insecure_downgrade = true;
    http_world_client(&w, &options);
    redirects("302", "http://other.example/1", "http://server.example/2");
    http_world_ask(&w, &request);
    must_have("another host, and back", w.file.content);
    assert_string_equal(redirect.logins, "Basic dTpw||Basic dTpw|");
    redirects("302", "http://server.example/1", NULL);
    request.uri = "https://server.example/0";
    http_world_ask(&w, &request);
    must_have("the same host without TLS", w.file.content);
    assert_string_equal(redirect.logins, "Basic dTpw||");
}

static void test_passwords_that_cannot_be_sent(void **state)
{
    (void)state;
    static char long_one[600];
    memset(long_one, 'x', sizeof long_one - 1);
    static const struct {
        const char *user, *password, *uri;
    } bad[] = {
        { "a:b", "c", "http://server.example/" },
        { "a\n", "c", "http://server.example/" },
        { "a", "c\r\nX: y", "http://server.example/" },
        { "a", long_one, "http://server.example/" },
        { NULL, NULL, "http://a%3ab:c@server.example/" },
        { NULL, NULL, "http://a%0ab:c@server.example/" },
        { NULL, NULL, "http://a%zz:c@server.example/" },
        { NULL, NULL, "http://a:%4@server.example/" },
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        login(bad[i].uri, bad[i].user, bad[i].password, false);
        must_fail(bad[i].uri, LN_BAD_ARG, LN_CAT_CONFIGURATION, "user name and password");
    }
    assert_int_equal(w.plain.requests, 0);
}

/* ---- the opener ---- */

static struct {
    char hops[512];
    struct ln_tls_config *tls;
    enum ln_status status;
    bool nothing;
} opener;

static enum ln_status open_hop(void *user, const struct ln_http_hop *hop, struct ln_diag *diag,
                               struct ln_sock **out)
{
    char text[256];
    assert_ptr_equal(user, &opener);
    (void)snprintf(text, sizeof text, "%.*s %u %s", (int)hop->text.len,
                   (const char *)hop->text.data, hop->redirects,
                   hop->same_origin ? "origin"
                   : hop->same_host ? "host"
                                    : "abroad");
    note(opener.hops, sizeof opener.hops, text);
    if (opener.status != LN_OK)
        return ln_diag_set(diag, opener.status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "nobody knows that host");
    if (opener.nothing)
        return LN_OK;
    bool secure = hop->uri->scheme == LN_URI_HTTPS && opener.tls != NULL;
    return ln_sock_new(&w.net.device, secure ? LN_TLS : LN_TCP, NULL, secure ? opener.tls : NULL,
                       diag, out);
}

static void use_opener(void)
{
    struct ln_http_options options = LN_HTTP_OPTIONS_INIT;
    memset(&opener, 0, sizeof opener);
    opener.tls = w.client_tls;
    options.opener = open_hop;
    options.opener_user = &opener;
    http_world_client(&w, &options);
}

static void test_sockets_of_an_opener(void **state)
{
    (void)state;
    struct ln_http_traffic traffic;
    use_opener();
    redirects("302", "https://other.example/1", "https://server.example:443/2");
    get("https://u:p@server.example/0#x");
    must_have("through other hosts", w.file.content);
    assert_string_equal(opener.hops, "https://server.example/0 0 origin|"
                                     "https://other.example/1 1 abroad|"
                                     "https://server.example:443/2 2 origin|");
    ln_http_traffic(w.http, &traffic);
    assert_int_equal(traffic.connections, 3);
    assert_true(traffic.wire_received > 1000);

    opener.hops[0] = '\0';
    get("https://server.example/7");
    must_have("the last connection is kept", w.file.content);
    assert_string_equal(opener.hops, "");

    redirects("302", "https://server.example/1", NULL);
    get("http://server.example/0");
    must_have("to https", w.file.content);
    assert_string_equal(opener.hops, "http://server.example/0 0 origin|"
                                     "https://server.example/1 1 host|");
}

static void test_openers_that_fail(void **state)
{
    (void)state;
    use_opener();
    opener.tls = NULL;
    get("https://server.example:80/7");
    must_fail("a socket without TLS", LN_DENIED, LN_CAT_CONFIGURATION, "has no TLS");
    assert_int_equal(w.plain.requests, 0);
    opener.status = LN_NOT_FOUND;
    get("https://other.example/7");
    must_fail("no socket", LN_NOT_FOUND, LN_CAT_CONFIGURATION, "nobody knows");
    opener.status = LN_OK;
    opener.nothing = true;
    get("https://other.example/7");
    must_fail("neither socket nor failure", LN_INTERNAL, LN_CAT_INTERNAL_FAULT, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_no_cookies),
        TEST(test_redirects_are_followed),
        TEST(test_redirects_over_new_connections),
        TEST(test_a_part_stays_a_part),
        TEST(test_upgrade),
        TEST(test_where_redirects_must_not_lead),
        TEST(test_redirects_without_end),
        TEST(test_downgrade_where_it_is_wanted),
        TEST(test_two_locations),
        TEST(test_bodies_of_redirects),
        TEST(test_logging_in),
        TEST(test_a_401_that_is_cut),
        TEST(test_no_password_in_the_clear),
        TEST(test_no_password_where_basic_is_not_offered),
        TEST(test_no_password_for_others),
        TEST(test_passwords_that_cannot_be_sent),
        TEST(test_sockets_of_an_opener),
        TEST(test_openers_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
