/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_coap.c
 * Downloads by coap, coaps, coap+tcp and coaps+tcp over the in-memory network: cut, swapped, lied to,
 * kept waiting, lost, reordered, killed.
 */
#include "support/coapfile.h"
#include "support/dlstore.h"
#include "support/httpserver.h"
#include "support/networld.h"
#include "support/vtime.h"

#include <linnet/digest.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define CONTENT_MAX 400000

static const char *const uris[] = { "coap://server.example/fw", "coap+tcp://server.example/fw",
                                    "coaps://server.example/fw", "coaps+tcp://server.example/fw" };

static struct networld net;
static struct coap_server servers[4]; /* as `uris` */
static struct ln_tls_config *server_tls[2], *device_tls[2];
static struct coap_file file;
static coap_respond *script;
static uint8_t content[CONTENT_MAX], other[CONTENT_MAX];
static struct dl_store store;
static struct ln_download *download;
static struct ln_download_options options;
static struct ln_download_info info;
static struct ln_diag diag;
static enum ln_status result;
static char asked[2000]; /* "0|1024|": the blocks that were asked for, with coap alone */

static void respond(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    size_t len = strlen(asked);
    if (len < sizeof asked - 20)
        (void)snprintf(asked + len, sizeof asked - len, "%u|", (unsigned)ask->at);
    script(user, ask, say);
}

static void serve_file(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    coap_serve_file(&file, ask, say);
}

static struct ln_tls_config *keys(const struct ln_env *env, enum ln_sock_kind kind)
{
    static const char *const alpn[] = { "coap" };
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    http_psk(&o);
    o.alpn = alpn;
    o.alpn_count = kind == LN_TLS ? 1 : 0;
    ln_diag_clear(&diag);
    if (ln_tls_config_new(env, kind, &o, &diag, &config) != LN_OK)
        fail_msg("keys: %s", diag.text);
    return config;
}

static void use_link(struct ln_testkit_link link)
{
    link.mtu = 1500;
    assert_int_equal(ln_testkit_path(net.kit, NULL, NULL, &link), LN_OK);
}

static struct ln_span tag(const char *text)
{
    return ln_span_str(text);
}

static void reset_world(void)
{
    for (size_t i = 0; i < COUNT(servers); i++) {
        servers[i].requests = servers[i].connections = 0;
        servers[i].body_sent = 0;
    }
    dl_store_clear(&store);
    asked[0] = '\0';
}

static int open_world(void **state)
{
    static const enum ln_sock_kind kinds[] = { LN_UDP, LN_TCP, LN_DTLS, LN_TLS };
    (void)state;
    (void)vtime_calls();
    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (uint8_t)(i * 7 + i / 251);
        other[i] = (uint8_t)(i * 11 + i / 241 + 1);
    }
    networld_open(&net, 1);
    networld_name(&net, "server.example", "192.0.2.1");
    use_link((struct ln_testkit_link) { .delay_min_ms = 0 });
    for (size_t i = 0; i < 2; i++) {
        server_tls[i] = keys(&net.server, i == 0 ? LN_DTLS : LN_TLS);
        device_tls[i] = keys(&net.device, i == 0 ? LN_DTLS : LN_TLS);
    }
    for (size_t i = 0; i < COUNT(servers); i++)
        coap_server_open(&servers[i], net.kit, net.server_host, &net.server, kinds[i],
                         i < 2 ? 5683 : 5684, i < 2 ? NULL : server_tls[i - 2], respond, NULL);
    file = (struct coap_file) { .content = { content, 30000 }, .etag = tag("v1") };
    script = serve_file;
    reset_world();
    options = (struct ln_download_options)LN_DOWNLOAD_OPTIONS_INIT;
    options.uri = uris[0];
    options.store = dl_store_ops(&store);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    ln_download_free(download);
    download = NULL;
    for (size_t i = 0; i < COUNT(servers); i++)
        coap_server_close(&servers[i]);
    for (size_t i = 0; i < 2; i++) {
        ln_tls_config_unref(server_tls[i]);
        ln_tls_config_unref(device_tls[i]);
    }
    networld_close(&net);
    return 0;
}

/* ---- running one ---- */

static void use(size_t scheme)
{
    options.uri = uris[scheme];
    options.tls = scheme < 2 ? NULL : device_tls[scheme - 2];
}

static void begin(void)
{
    ln_diag_clear(&diag);
    ln_download_free(download);
    download = NULL;
    if (ln_download_new(&net.device, &options, &diag, &download) != LN_OK)
        fail_msg("download: %s", diag.text);
}

static void go_on(void)
{
    result = dl_drive(download, &net.device);
    ln_download_info(download, &info);
    diag = *ln_download_diag(download);
}

static void run(void)
{
    begin();
    go_on();
}

static void must_have(const char *what, struct ln_span expected)
{
    if (result != LN_OK || info.state != LN_DOWNLOAD_COMPLETE)
        fail_msg("%s: %s, %s: %s", what, ln_status_name(result),
                 ln_download_reason_word(info.reason), diag.text);
    if (!dl_store_holds(&store, expected))
        fail_msg("%s: %zu bytes that are not what was expected", what, store.len);
    assert_true(info.has_total && info.total == expected.len && info.has_sha256);
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

/* ---- in one piece ---- */

/* scenario: S3 */
static void test_whole_files(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 1023, 1024, 1025, 2048, 100000 };
    for (size_t scheme = 0; scheme < COUNT(uris); scheme++)
        for (size_t i = 0; i < COUNT(sizes) * 2; i++) {
            reset_world();
            use(scheme);
            file.content.len = sizes[i / 2];
            file.no_size = i % 2 != 0;
            run();
            must_have(uris[scheme], file.content);
            assert_int_equal(info.requests, 1);
            assert_int_equal(info.restarts, 0);
            assert_int_equal(info.answer, 205);
            assert_string_equal(info.etag, "7631");
            assert_true(info.received == sizes[i / 2]);
            assert_true(servers[scheme].body_sent == sizes[i / 2]); /* nothing was asked twice */
            assert_int_equal(store.calls[DL_BEGIN], 1);
            struct ln_tls_info tls;
            ln_download_tls_info(download, &tls);
            assert_int_equal(tls.version, scheme < 2 ? 0 : scheme == 2 ? 0xfefd : 0x0304);
            assert_string_equal(tls.alpn, scheme == 3 ? "coap" : "");
        }
}

static char seen[600];

static void note_uri(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    (void)snprintf(seen, sizeof seen, "%s %s?%s", ask->host, ask->path, ask->query);
    coap_serve_file(&file, ask, say);
}

/* RFC 7252 6.4 */
static void test_uris(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *seen;
    } rows[] = {
        { "coap://Server.Example/", "server.example ?" },
        { "coap://server.example", "server.example ?" },
        { "coap://192.0.2.1/a/b.bin", " /a/b.bin?" },
        { "coap://192.0.2.1:5683/a%2Fb//c/", " /a/b//c/?" },
        { "coap://192.0.2.1/fw?x=1&y=a%26b", " /fw?x=1&y=a&b" },
        { "coap://192.0.2.1/fw?", " /fw?" },
    };
    script = note_uri;
    for (size_t i = 0; i < COUNT(rows); i++) {
        reset_world();
        options.uri = rows[i].uri;
        run();
        must_have(rows[i].uri, file.content);
        assert_string_equal(seen, rows[i].seen);
    }
}

/* scenario: H84 */
static void test_uris_that_cannot_be_said(void **state)
{
    (void)state;
    static char longer[3000];
    static const char *const bad[] = { "coap://192.0.2.1/a/../b", "coap://192.0.2.1/%2e/b" };
    for (size_t i = 0; i < COUNT(bad) + 2; i++) {
        int len = (int)(i == COUNT(bad) ? 256 : 2000);
        (void)snprintf(longer, sizeof longer, "coap://192.0.2.1/%0*d", len, 0);
        for (char *at = longer + 17 + 200; len > 256 && at < longer + len; at += 200)
            *at = '/'; /* parts that are short enough, but too many */
        reset_world();
        options.uri = i < COUNT(bad) ? bad[i] : longer;
        run();
        must_fail(options.uri, LN_DOWNLOAD_BAD_URI, "URI");
        assert_int_equal(servers[0].requests, 0);
    }
}

static void test_refused_options(void **state)
{
    (void)state;
    struct ln_download *d = NULL;
    options.coap_szx = 7;
    assert_int_equal(ln_download_new(&net.device, &options, &diag, &d), LN_BAD_ARG);
    options.coap_szx = 0;
    options.coap_ahead = 17;
    assert_int_equal(ln_download_new(&net.device, &options, &diag, &d), LN_BAD_ARG);
    options.coap_ahead = 0;
    options.coap.ack_random_permille = 999;
    run();
    must_fail("timing", LN_DOWNLOAD_BAD_URI, "ack_random_permille");
}

/* ---- blocks of other sizes ---- */

static struct {
    uint32_t at;
    uint8_t szx;
} shrink;

static void shrinking(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    file.szx = ask->at >= shrink.at ? shrink.szx : 0;
    coap_serve_file(&file, ask, say);
}

static void test_smaller_blocks(void **state)
{
    (void)state;
    script = shrinking;
    for (unsigned i = 0; i < 4 * 6 * 2; i++) {
        reset_world();
        use(i % 2);
        shrink.at = i / 12 * 5120;
        shrink.szx = (uint8_t)(i / 2 % 6);
        if (shrink.szx == 0)
            shrink.szx = 1;
        run();
        must_have("smaller by the server", file.content);
        assert_int_equal(info.requests, 1);
    }
    script = serve_file;
    file.szx = 0;
    use(0);
    for (uint8_t szx = 1; szx <= 6; szx++) {
        reset_world();
        options.coap_szx = szx;
        run();
        must_have("smaller by us", file.content);
        assert_int_equal(servers[0].requests, (30000 + (16 << szx) - 1) / (16 << szx));
    }
}

/* ---- cuts ---- */

static struct {
    unsigned from, until; /* requests that are not heard; streams: the first one cuts */
    bool reset;
} cut;

static void cutting(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    bool hit = ask->number >= cut.from && ask->number < cut.until;
    say->silent = hit && !cut.reset;
    say->reset = hit && cut.reset;
    if (!hit)
        serve_file(user, ask, say);
}

/* The path is gone for longer than messages are sent again: then it goes on where it was. */
/* scenario: T3 */
static void test_cut_at_every_nth_message(void **state)
{
    (void)state;
    script = cutting;
    for (unsigned i = 0; i < 2 * 2 * 30; i++) {
        reset_world();
        use(i % 2); /* over TCP the connection is cut */
        options.coap_ahead = i / 2 % 2 == 0 ? 1 : 16;
        cut.from = i / 4 + 1;
        cut.until = cut.from + (i % 2 != 0 ? 1 : options.coap_ahead == 1 ? 5 : 80);
        cut.reset = i % 2 != 0;
        if (i % 2 == 0 && options.coap_ahead == 16)
            options.coap.max_retransmit = LN_COAP_NO_RETRANSMIT, cut.until = cut.from + 1;
        else
            options.coap.max_retransmit = 0;
        run();
        must_have("cut", file.content);
        assert_int_equal(info.requests, 2);
        assert_int_equal(info.restarts, 0);
        assert_true(info.received <= 30000 + 1024);
        if (options.coap_ahead == 1)
            assert_true(servers[i % 2].body_sent <= 30000 * 105 / 100);
    }
}

static void test_resets(void **state)
{
    (void)state;
    script = cutting;
    cut.reset = true;
    cut.from = 5;
    cut.until = UINT32_MAX;
    run();
    must_fail("rejected for ever", LN_DOWNLOAD_CONNECTION, "Reset");
    assert_int_equal(info.requests, 9);
    cut.until = 12;
    run();
    must_have("rejected for a while", file.content);
    assert_true(info.resumed_at > 0);
}

static void test_silence(void **state)
{
    (void)state;
    script = cutting;
    cut.reset = false;
    cut.from = 1;
    cut.until = UINT32_MAX;
    options.attempts_max = 2;
    run();
    must_fail("nobody is there", LN_DOWNLOAD_CONNECTION, "does not answer");
    assert_int_equal(servers[0].requests, 2 * 5);
    reset_world();
    cut.from = 4;
    cut.until = 4 + 4; /* the fifth time is heard */
    options.coap_ahead = 1;
    run();
    must_have("patience", file.content);
    assert_int_equal(info.requests, 1);
    reset_world();
    options.idle_timeout_ms = 5000; /* sooner than RFC 7252 gives up */
    run();
    must_have("less of it", file.content);
    assert_int_equal(info.requests, 2);
    reset_world();
    use(1);
    cut.from = 4;
    cut.until = UINT32_MAX;
    ln_msec before = networld_now(&net);
    options.idle_timeout_ms = 0;
    options.attempts_max = 1;
    run();
    must_fail("a stream that stands still", LN_DOWNLOAD_CONNECTION, "does not answer");
    assert_int_equal(info.requests, 2); /* one that brought something, and one that did not */
    assert_in_range(networld_now(&net) - before, 60000, 62000);
}

/* Each answer is a message of its own, behind an empty ACK. */
static void separate(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    say->separate = true;
    serve_file(user, ask, say);
}

static void test_separate_answers(void **state)
{
    (void)state;
    script = separate;
    use(0);
    run();
    must_have("separate", file.content);
    reset_world();
    use(2);
    run();
    must_have("separate, secured", file.content);
}

/* ---- the file is another one ---- */

static struct {
    unsigned at; /* the request from which on it is another one */
    struct coap_file first, then;
} swap;

static void swapping(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    coap_serve_file(ask->number < swap.at ? &swap.first : &swap.then, ask, say);
}

/* Whatever it becomes, and whenever: begun anew, and never a mixture. */
/* scenario: T3 */
static void test_swapped_while_it_comes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 30000, 30001, 40000, 20000, 500, 0 };
    script = swapping;
    swap.first = file;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (unsigned at = 2; at <= 29; at += 3)
            for (size_t scheme = 0; scheme < 2; scheme++) {
                reset_world();
                use(scheme);
                swap.at = at;
                swap.then =
                    (struct coap_file) { .content = { other, sizes[i] }, .etag = tag("v2") };
                run();
                must_have("swapped", swap.then.content);
                assert_int_equal(info.restarts, 1);
                assert_string_equal(info.etag, "7632");
            }
}

/* An entity tag that goes away, too, is another one. */
static void test_tags_that_come_and_go(void **state)
{
    (void)state;
    script = swapping;
    swap.first = file;
    swap.at = 7;
    swap.then = (struct coap_file) { .content = { other, 30000 } };
    run();
    must_have("the tag is gone", swap.then.content);
    assert_int_equal(info.restarts, 1);
}

/* A different file for every block: it ends. */
static void always_another(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    static char text[9];
    serve_file(user, ask, say);
    (void)snprintf(text, sizeof text, "%u", ask->number);
    say->etag = tag(text);
}

static void test_a_file_that_never_stays_the_same(void **state)
{
    (void)state;
    script = always_another;
    run();
    must_fail("never the same", LN_DOWNLOAD_CHANGED, "changed");
    assert_int_equal(info.restarts, 3);
    assert_int_equal(info.requests, 4);
}

/* Between two tries: while nobody was there. */
static void swapping_and_cutting(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    bool hit = ask->number >= cut.from && ask->number < cut.until;
    say->silent = hit;
    if (!hit)
        swapping(user, ask, say);
}

/* scenario: T3 */
static void test_swapped_between_tries(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        size_t size;
        unsigned restarts;
    } rows[] = { { "v2", 30000, 1 }, { "v2", 3000, 1 },  { "v2", 500, 1 }, { "v1", 30000, 0 },
                 { "v1", 20000, 1 }, { "v1", 30001, 1 }, { "", 30000, 1 }, { "", 0, 1 } };
    script = swapping_and_cutting;
    swap.first = file;
    cut.from = swap.at = 12;
    options.coap_ahead = 1;
    cut.until = 17;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool same = rows[i].restarts == 0;
        reset_world();
        swap.then = (struct coap_file) { .content = { same ? content : other, rows[i].size },
                                         .etag = tag(rows[i].tag) };
        run();
        must_have(rows[i].tag, swap.then.content);
        assert_int_equal(info.restarts, rows[i].restarts);
    }
}

/* Nothing proves that the rest belongs to what is stored. */
static void test_without_tag(void **state)
{
    (void)state;
    script = cutting;
    file.etag = tag("");
    options.coap_ahead = 1;
    cut.reset = false;
    cut.from = 12;
    cut.until = 17;
    run();
    must_have("without a tag", file.content);
    assert_int_equal(info.restarts, 1);
    assert_false(info.has_validator);
    reset_world();
    cut.until = UINT32_MAX;
    cut.from = 2;
    run();
    must_fail("and never whole", LN_DOWNLOAD_CONNECTION, "does not answer");
    assert_true(info.restarts <= 3);
}

/* ---- lies ---- */

static struct {
    uint32_t at; /* the first block that is told wrongly */
    void (*tell)(struct coap_say *say);
} lie;

static void lying(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    serve_file(user, ask, say);
    if (ask->at >= lie.at)
        lie.tell(say);
}

static void other_block(struct coap_say *say)
{
    say->block.num++;
}

static void short_block(struct coap_say *say)
{
    say->payload.len /= 2;
}

static void long_block(struct coap_say *say)
{
    say->payload = ln_span(content, 1025);
}

static void no_block(struct coap_say *say)
{
    say->has_block = false;
}

static void reserved_size(struct coap_say *say)
{
    say->block.szx = 7;
}

static void unknown_option(struct coap_say *say)
{
    say->more_option = 13;
}

static void another_success(struct coap_say *say)
{
    say->code = LN_COAP_CHANGED;
}

static void valid(struct coap_say *say)
{
    say->code = LN_COAP_VALID;
    say->payload.len = 0;
    say->has_block = false;
}

/* scenario: T3 */
static void test_blocks_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*tell)(struct coap_say *say);
    } rows[] = { { "another block", other_block },     { "too short", short_block },
                 { "too long", long_block },           { "no block", no_block },
                 { "a reserved size", reserved_size }, { "an option", unknown_option },
                 { "changed", another_success },       { "valid", valid } };
    script = lying;
    for (size_t i = 0; i < COUNT(rows) * 4; i++) {
        const char *what = rows[i / 4].what;
        reset_world();
        use(i % 2);
        lie.at = i / 2 % 2 == 0 ? 0 : 9216;
        lie.tell = rows[i / 4].tell;
        run();
        if (result == LN_OK || info.state != LN_DOWNLOAD_FAILED ||
            (info.reason != LN_DOWNLOAD_PROTOCOL && info.reason != LN_DOWNLOAD_CHANGED &&
             lie.tell != no_block)) /* which is whole, but less than it is said to be */
            fail_msg("%s: %s, %s: %s", what, ln_status_name(result),
                     ln_download_reason_word(info.reason), diag.text);
        assert_true(store.len <= lie.at + 1024);
        assert_memory_equal(store.bytes, content, store.len);
        assert_true(info.requests <= 40);
    }
}

static uint32_t told_size;

static void wrong_size(struct coap_say *say)
{
    say->size = told_size;
}

/* scenario: T3, H115 */
static void test_sizes_that_lie(void **state)
{
    (void)state;
    script = lying;
    lie.at = 0;
    lie.tell = wrong_size;
    told_size = 29999;
    run();
    must_fail("more than was told", LN_DOWNLOAD_PROTOCOL, "more than it announced");
    assert_true(store.len <= 30000);
    reset_world();
    told_size = 30001;
    run();
    must_fail("less than was told", LN_DOWNLOAD_CONNECTION, "less than it announced");
    reset_world();
    told_size = UINT32_MAX;
    run();
    assert_true(result != LN_OK || store.len == 30000); /* as if none was told */
    reset_world();
    told_size = 30000;
    options.size_max = 30000;
    run();
    must_have("as large as may be", file.content);
    reset_world();
    options.size_max = 29999;
    run();
    must_fail("larger than may be", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_int_equal(store.calls[DL_BEGIN], 0);
    reset_world();
    script = serve_file;
    file.no_size = true;
    run();
    must_fail("larger, and not told", LN_DOWNLOAD_TOO_LARGE, "larger");
    assert_true(store.len <= 29999);
}

/* A file without an end. */
static void endless(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    serve_file(user, ask, say);
    say->code = LN_COAP_CONTENT;
    say->has_size = false;
    say->has_etag = true;
    say->etag = file.etag;
    say->has_block = true;
    say->block = (struct ln_coap_block) { .num = ask->at / 1024, .more = true, .szx = 6 };
    say->payload = ln_span(content, 1024);
}

static void test_a_file_without_an_end(void **state)
{
    (void)state;
    script = endless;
    options.bytes_max = 200000;
    run();
    must_fail("endless", LN_DOWNLOAD_BYTES, "bytes");
    assert_true(store.len <= 201000);
}

/* ---- answers that refuse ---- */

static struct {
    uint8_t code;
    uint32_t max_age; /* 0 = none */
    unsigned from, until;
} refusal;

static void refusing(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    if (ask->number < refusal.from || ask->number >= refusal.until) {
        serve_file(user, ask, say);
        return;
    }
    say->code = refusal.code;
    say->has_max_age = refusal.max_age != 0;
    say->max_age = refusal.max_age;
}

/* scenario: T3 */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        enum ln_download_reason reason;
        unsigned requests, answer;
    } rows[] = {
        { LN_COAP_BAD_REQUEST, LN_DOWNLOAD_ANSWER, 1, 400 },
        { LN_COAP_UNAUTHORIZED, LN_DOWNLOAD_DENIED, 1, 401 },
        { LN_COAP_BAD_OPTION, LN_DOWNLOAD_ANSWER, 1, 402 },
        { LN_COAP_FORBIDDEN, LN_DOWNLOAD_DENIED, 1, 403 },
        { LN_COAP_NOT_FOUND, LN_DOWNLOAD_NOT_FOUND, 1, 404 },
        { LN_COAP_METHOD_NOT_ALLOWED, LN_DOWNLOAD_ANSWER, 1, 405 },
        { LN_COAP_TOO_MANY_REQUESTS, LN_DOWNLOAD_BUSY, 8, 429 },
        { LN_COAP_INTERNAL_ERROR, LN_DOWNLOAD_BUSY, 8, 500 },
        { LN_COAP_NOT_IMPLEMENTED, LN_DOWNLOAD_ANSWER, 1, 501 },
        { LN_COAP_BAD_GATEWAY, LN_DOWNLOAD_BUSY, 8, 502 },
        { LN_COAP_UNAVAILABLE, LN_DOWNLOAD_BUSY, 8, 503 },
        { LN_COAP_GATEWAY_TIMEOUT, LN_DOWNLOAD_BUSY, 8, 504 },
        { LN_COAP_PROXYING_NOT_SUPPORTED, LN_DOWNLOAD_ANSWER, 1, 505 },
    };
    script = refusing;
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        char text[LN_COAP_CODE_ROOM];
        reset_world();
        use(i % 2);
        refusal.code = rows[i / 2].code;
        refusal.from = 1;
        refusal.until = UINT32_MAX;
        run();
        must_fail("refused", rows[i / 2].reason, ln_coap_code_text(refusal.code, text));
        assert_int_equal(info.answer, rows[i / 2].answer);
        assert_int_equal(info.requests, rows[i / 2].requests);
        assert_int_equal(servers[i % 2].requests, rows[i / 2].requests);
        assert_int_equal(store.calls[DL_BEGIN], 0);
    }
}

/* In the middle of it: what a server says once it may take back, what it has is gone. */
static void test_refusals_on_the_way(void **state)
{
    (void)state;
    script = refusing;
    refusal.from = 9;
    refusal.until = UINT32_MAX;
    refusal.code = LN_COAP_NOT_FOUND;
    run();
    must_fail("gone", LN_DOWNLOAD_NOT_FOUND, "4.04");
    reset_world();
    options.coap_ahead = 1;
    refusal.until = 10;
    refusal.code = LN_COAP_UNAVAILABLE;
    run();
    must_have("busy once", file.content);
    assert_int_equal(info.restarts, 0);
    assert_int_equal(info.requests, 2);
}

/* A server that wants its blocks asked for one by one. */
static uint32_t in_order;

static void orderly(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    if (ask->at > in_order) {
        say->code = LN_COAP_INCOMPLETE;
        return;
    }
    serve_file(user, ask, say);
    if (ask->at == in_order)
        in_order = ask->at + (uint32_t)say->payload.len;
}

static void test_a_server_that_wants_order(void **state)
{
    (void)state;
    const struct ln_testkit_link link = { .delay_min_ms = 50,
                                          .reorder_permille = 300,
                                          .reorder_ms = 30 };
    use_link(link);
    script = orderly;
    in_order = 0;
    run();
    must_have("in order", file.content);
    assert_int_equal(info.requests, 1);
}

/* scenario: T3 */
static void test_patience_that_is_asked_for(void **state)
{
    (void)state;
    script = refusing;
    refusal.code = LN_COAP_UNAVAILABLE;
    refusal.max_age = 120;
    refusal.from = 1;
    refusal.until = 2;
    run();
    must_have("later", file.content);
    ln_msec paused = servers[0].asked_at[1] - servers[0].asked_at[0];
    assert_in_range(paused, 120000, 150000);
    reset_world();
    refusal.max_age = UINT32_MAX; /* an hour will do */
    run();
    must_have("much later", file.content);
    paused = servers[0].asked_at[1] - servers[0].asked_at[0];
    assert_in_range(paused, 3600000, 4500000);
}

/* ---- bad paths ---- */

/* scenario: T3 */
static void test_loss_duplication_and_order(void **state)
{
    (void)state;
    unsigned seeds = getenv("LN_TEST_FULL") != NULL ? 300 : 10;
    for (unsigned seed = 0; seed < seeds; seed++)
        for (size_t scheme = 0; scheme < COUNT(uris); scheme++) {
            (void)close_world(NULL);
            (void)open_world(NULL);
            use(scheme);
            const struct ln_testkit_link link = { .loss_permille = (uint16_t)(seed * 37 % 200),
                                                  .duplicate_permille = 100,
                                                  .reorder_permille = 100,
                                                  .delay_min_ms = 20,
                                                  .delay_max_ms = 20 + seed * 13 % 300,
                                                  .keep_order = scheme % 2 != 0 };
            ln_testkit_advance(net.kit, seed); /* other dice */
            use_link(link);
            run();
            must_have(uris[scheme], file.content);
            assert_int_equal(info.restarts, 0);
            assert_true(info.received <= 30000 + 1024 * info.requests);
        }
}

/* With 100 ms there and back: what the link takes is what comes, not a block for each round trip. */
static ln_msec time_of(size_t scheme, uint8_t ahead, uint32_t bytes_per_s, uint32_t delay_ms)
{
    const struct ln_testkit_link link = { .delay_min_ms = delay_ms,
                                          .bytes_per_s = bytes_per_s,
                                          .queue_bytes = 1 << 20,
                                          .keep_order = true };
    use_link(link);
    reset_world();
    use(scheme);
    options.coap_ahead = ahead;
    ln_msec before = networld_now(&net);
    run();
    must_have("far away", file.content);
    assert_int_equal(info.requests, 1);
    return networld_now(&net) - before;
}

static void test_the_link_is_the_limit(void **state)
{
    (void)state;
    file.content.len = CONTENT_MAX;
    ln_msec link = (ln_msec)CONTENT_MAX * 1000 / 125000;                /* 1 Mbit/s */
    assert_in_range(time_of(0, 0, 125000, 50), link, link * 135 / 100); /* headers, slow start */
    assert_in_range(time_of(1, 0, 125000, 50), link, link * 135 / 100);
    assert_true(time_of(0, 1, 125000, 50) > 391 * 100); /* one by one */
}

/* A link of 20 kbit/s would hold what is asked for ahead so long that it is asked for again. */
static void test_a_narrow_link(void **state)
{
    (void)state;
    file.content.len = 100000;
    ln_msec link = (ln_msec)100000 * 1000 / 2500;
    assert_in_range(time_of(0, 0, 2500, 200), link, link * 115 / 100);
    assert_true(servers[0].body_sent <= 100000 * 105 / 100);
}

/* ---- the program ends, and begins again ---- */

static void step_until(size_t stored)
{
    begin();
    for (;;) {
        struct ln_interest want;
        result = ln_download_step(download, networld_now(&net));
        if (result != LN_AGAIN || store.len >= stored)
            return;
        ln_download_interest(download, &want);
        http_wait(&net.device, &want);
    }
}

/* As kill -9 would do it: nothing is said to anybody. What the store has is what it has. */
static void kill_program(void)
{
    static struct dl_store kept;
    networld_settle(&net); /* what was asked for ahead */
    kept = store;
    ln_download_free(download);
    download = NULL;
    store = kept;
}

/* scenario: T3 */
static void test_killed_anywhere(void **state)
{
    (void)state;
    options.save_bytes = 2000;
    options.sync_bytes = 5000;
    for (size_t scheme = 0; scheme < 2; scheme++)
        for (size_t at = 1; at < 30000; at += 1999) {
            reset_world();
            use(scheme);
            step_until(at);
            size_t stored = store.len;
            kill_program();
            run();
            must_have("killed", file.content);
            assert_true(info.resumed_at + 2000 + 16 * 1024 > stored);
            assert_int_equal(info.restarts, 0);
            assert_true(info.requests <= 1); /* none: everything was there */
        }
}

/* The end was not told before: the block before it is asked for, and proves that nothing follows. */
static void test_killed_behind_the_last_byte(void **state)
{
    (void)state;
    file.content.len = 10240;
    file.no_size = true;
    options.save_bytes = 1;
    step_until(10240);
    assert_int_equal(store.len, 10240);
    kill_program();
    asked[0] = '\0';
    run();
    must_have("all was there", file.content);
    assert_true(info.requests == 0 || strcmp(asked, "9216|") == 0);
}

static void test_blocks_that_do_not_fit_the_start(void **state)
{
    (void)state;
    options.save_bytes = 1;
    file.szx = 1;
    step_until(1056); /* 33 blocks of 32 bytes */
    assert_int_equal(store.len, 1056);
    kill_program();
    asked[0] = '\0';
    file.szx = 0;
    options.coap_ahead = 1;
    run();
    must_have("from 1056", file.content);
    assert_memory_equal(asked, "1024|2048|", 10);
    assert_true(info.resumed_at == 1056 && info.received == 30000 + 32);
}

/* ---- from outside ---- */

static void test_suspend_reconnect_cancel(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < COUNT(uris); scheme++) {
        reset_world();
        use(scheme);
        step_until(5000);
        ln_download_suspend(download);
        go_on();
        assert_int_equal(info.state, LN_DOWNLOAD_SUSPENDED);
        unsigned before = servers[scheme].requests;
        ln_testkit_advance(net.kit, 600000);
        assert_true(servers[scheme].requests <= before + 16);
        ln_download_resume(download);
        go_on();
        must_have("suspended", file.content);
        assert_int_equal(info.restarts, 0);

        reset_world();
        step_until(9000);
        ln_download_reconnect(download);
        go_on();
        must_have("reconnected", file.content);
        assert_int_equal(info.requests, 2);
        assert_true(info.received <= 30000 + 1024);

        reset_world();
        step_until(9000);
        ln_download_cancel(download);
        ln_download_info(download, &info);
        assert_int_equal(info.reason, LN_DOWNLOAD_CANCELLED);
        assert_int_equal(ln_download_step(download, networld_now(&net)), LN_CLOSED);
        run();
        must_have("begun again", file.content);
        assert_true(info.resumed_at >= 9000);
    }
}

static void test_a_store_that_needs_time(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < 2; scheme++) {
        reset_world();
        use(scheme);
        store.busy = true;
        begin();
        for (size_t before = 0;; before = store.len) {
            go_on();
            if (result == LN_OK)
                break;
            assert_int_equal(result, LN_AGAIN);
            assert_true(store.len > before);
            ln_testkit_advance(net.kit, 600000);
            assert_int_equal(dl_drive(download, &net.device), LN_AGAIN);
            ln_download_ready(download);
        }
        must_have("slow flash", file.content);
        assert_true(info.received <= 30000);
    }
}

static void cancel_in_callback(void *user, enum dl_call call)
{
    (void)user;
    if (call == DL_WRITE && store.len > 9000)
        ln_download_cancel(download);
}

static void free_in_callback(void *user, enum dl_call call)
{
    (void)user;
    if (call == DL_WRITE && store.len > 9000 && download != NULL) {
        ln_download_free(download);
        download = NULL;
    }
}

static void test_callbacks_may_end_it(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < COUNT(uris); scheme++) {
        reset_world();
        use(scheme);
        store.hook = cancel_in_callback;
        run();
        must_fail("cancelled", LN_DOWNLOAD_CANCELLED, "cancelled");
        assert_in_range(store.len, 9001, 10240);
        reset_world();
        store.hook = free_in_callback;
        begin();
        struct ln_download *d = download;
        assert_int_equal(dl_drive(d, &net.device), LN_CLOSED);
        assert_null(download);
    }
}

static void test_stores_that_fail(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < 2; scheme++) {
        reset_world();
        use(scheme);
        store.fails = DL_WRITE;
        store.fail_at = 4;
        store.status = LN_NO_SPACE;
        run();
        must_fail("full", LN_DOWNLOAD_SPACE, "worn out");
        assert_int_equal(info.requests, 1);
    }
}

/* ---- security ---- */

/* scenario: H101 */
static void test_no_keys_no_download(void **state)
{
    (void)state;
    for (size_t scheme = 2; scheme < COUNT(uris); scheme++) {
        use(scheme);
        options.tls = NULL;
        run();
        must_fail("no keys", LN_DOWNLOAD_SECURITY, "no TLS configuration");
        assert_int_equal(servers[scheme].connections, 0);
    }
}

static void test_memory_does_not_grow(void **state)
{
    (void)state;
    struct ln_testkit_memory memory[2];
    static const size_t sizes[] = { 10000, CONTENT_MAX };
    for (size_t i = 0; i < 2; i++) {
        reset_world();
        file.content.len = sizes[i];
        run();
        must_have("memory", file.content);
        ln_testkit_memory(net.device_host, &memory[i]);
    }
    assert_true(memory[1].peak_bytes == memory[0].peak_bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_whole_files),
        TEST(test_uris),
        TEST(test_uris_that_cannot_be_said),
        TEST(test_refused_options),
        TEST(test_smaller_blocks),
        TEST(test_cut_at_every_nth_message),
        TEST(test_resets),
        TEST(test_silence),
        TEST(test_separate_answers),
        TEST(test_swapped_while_it_comes),
        TEST(test_tags_that_come_and_go),
        TEST(test_a_file_that_never_stays_the_same),
        TEST(test_swapped_between_tries),
        TEST(test_without_tag),
        TEST(test_blocks_that_are_wrong),
        TEST(test_sizes_that_lie),
        TEST(test_a_file_without_an_end),
        TEST(test_refusals),
        TEST(test_refusals_on_the_way),
        TEST(test_a_server_that_wants_order),
        TEST(test_patience_that_is_asked_for),
        TEST(test_loss_duplication_and_order),
        TEST(test_the_link_is_the_limit),
        TEST(test_a_narrow_link),
        TEST(test_killed_anywhere),
        TEST(test_killed_behind_the_last_byte),
        TEST(test_blocks_that_do_not_fit_the_start),
        TEST(test_suspend_reconnect_cancel),
        TEST(test_a_store_that_needs_time),
        TEST(test_callbacks_may_end_it),
        TEST(test_stores_that_fail),
        TEST(test_no_keys_no_download),
        TEST(test_memory_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
