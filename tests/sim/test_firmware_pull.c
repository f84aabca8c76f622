/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5 by a Package URI, in virtual time: a scripted LwM2M server, and servers of files
 * for http, https, coap, coap+tcp, coaps and coaps+tcp. What the server asks in each state, what each
 * failure of the download becomes, and what survives a restart of the program.
 */
#include "support/coapfile.h"
#include "support/dlstore.h"
#include "support/httpserver.h"
#include "support/lwworld.h"
#include "support/vtime.h"

#include <linnet/firmware.h>
#include <linnet/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define SIZE 20000

enum { HTTP = 0, HTTPS, COAP, COAP_TCP, COAPS, COAPS_TCP, SCHEMES };

static const char *const uris[] = {
    [HTTP] = "http://192.0.2.1/fw",        [HTTPS] = "https://192.0.2.1/fw",
    [COAP] = "coap://192.0.2.1:5700/fw",   [COAP_TCP] = "coap+tcp://192.0.2.1:5700/fw",
    [COAPS] = "coaps://192.0.2.1:5701/fw", [COAPS_TCP] = "coaps+tcp://192.0.2.1:5701/fw",
};

/* What the application keeps: the image and the saved state outlive the client. */
struct device {
    uint8_t state[LN_FIRMWARE_STATE_MAX];
    size_t state_len;
    unsigned resets, installs, verifies;
    enum ln_firmware_result verify;
    char changes[200];       /* "1/0 2/0 " */
    enum ln_status security; /* LN_OK: the key below */
    const char *psk;
    bool fail_memory; /* the next allocation, when it begins to download */
    uint64_t size_max;
    bool trust; /* a CA is configured */
};

static struct device d;
static struct dl_store store;
static struct lw_world w;
static struct ln_firmware *fw;
static struct http_server web[2];
static struct coap_server files[4];
static struct ln_env server_env;
static struct ln_tls_config *server_tls[2];
static struct http_file page;
static struct coap_file file;
static uint8_t image[SIZE], other[SIZE];

/* What the servers do: 0 = give the file, else the status; UINT_MAX = nothing at all. */
static struct {
    unsigned from, until; /* requests that are answered otherwise */
    unsigned status;
    bool cut;  /* ... or cut in the middle */
    bool swap; /* from then on the file is another one */
} say;

/* ---- servers ---- */

static bool is_hit(unsigned number)
{
    return number >= say.from && number < say.until;
}

static void swap_file(unsigned number)
{
    if (!say.swap || number < say.until)
        return;
    page.content.data = file.content.data = other;
    page.etag = "\"v2\"";
    file.etag = ln_span_str("v2");
}

static void serve_page(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    (void)user;
    swap_file(ask->number);
    http_serve_file(&page, ask, answer);
    if (!is_hit(ask->number))
        return;
    if (say.cut) {
        answer->limit = answer->head_len + 7000;
        answer->end = HTTP_CLOSE;
    } else if (say.status == UINT32_MAX) {
        answer->limit = 0;
        answer->end = HTTP_HANG;
    } else {
        http_say(answer, "HTTP/1.1 %u X\r\nContent-Length: 0\r\n\r\n", say.status);
        answer->body = ln_span(NULL, 0);
    }
}

static void serve_blocks(void *user, const struct coap_ask *ask, struct coap_say *answer)
{
    (void)user;
    swap_file(ask->number);
    if (!is_hit(ask->number)) {
        coap_serve_file(&file, ask, answer);
        return;
    }
    answer->reset = say.cut;
    answer->silent = say.status == UINT32_MAX;
    answer->code = (uint8_t)(say.status / 100 << 5 | say.status % 100);
}

static struct ln_tls_config *keys(const struct ln_env *env, enum ln_sock_kind kind, const char *psk)
{
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    http_psk(&o);
    o.psk_key = ln_span_str(psk);
    assert_int_equal(ln_tls_config_new(env, kind, &o, NULL, &config), LN_OK);
    return config;
}

static void open_servers(void)
{
    static const enum ln_sock_kind kinds[] = { LN_UDP, LN_TCP, LN_DTLS, LN_TLS };
    static const char psk[] = "0123456789abcdef";
    ln_testkit_env(w.server_host, &server_env);
    server_tls[0] = keys(&server_env, LN_DTLS, psk);
    server_tls[1] = keys(&server_env, LN_TLS, psk);
    http_server_open(&web[0], w.kit, w.server_host, &server_env, 80, NULL, serve_page, NULL);
    http_server_open(&web[1], w.kit, w.server_host, &server_env, 443, server_tls[1], serve_page,
                     NULL);
    for (size_t i = 0; i < COUNT(files); i++)
        coap_server_open(&files[i], w.kit, w.server_host, &server_env, kinds[i],
                         i < 2 ? 5700 : 5701, i < 2 ? NULL : server_tls[i - 2], serve_blocks, NULL);
    page = (struct http_file) { .content = { image, SIZE }, .etag = "\"v1\"" };
    file = (struct coap_file) { .content = { image, SIZE }, .etag = ln_span_str("v1") };
}

static unsigned requests(void)
{
    unsigned count = web[0].requests + web[1].requests;
    for (size_t i = 0; i < COUNT(files); i++)
        count += files[i].requests;
    return count;
}

/* ---- the device ---- */

static enum ln_firmware_result verify(void *user, uint64_t size, const uint8_t sha256[32])
{
    (void)user;
    (void)sha256;
    assert_int_equal(size, store.len);
    d.verifies++;
    return d.verify;
}

static void reset(void *user)
{
    (void)user;
    store.len = store.synced = store.state_len = 0;
    d.resets++;
}

static enum ln_firmware_result install(void *user)
{
    (void)user;
    d.installs++;
    return LN_FIRMWARE_INITIAL;
}

static enum ln_status save(void *user, struct ln_span state)
{
    (void)user;
    memcpy(d.state, state.data, state.len);
    d.state_len = state.len;
    return LN_OK;
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    (void)user;
    if (d.state_len == 0)
        return LN_NOT_FOUND;
    assert_true(room.len >= d.state_len);
    memcpy(room.data, d.state, d.state_len);
    *len = d.state_len;
    return LN_OK;
}

static void changed(void *user, enum ln_firmware_state state, enum ln_firmware_result result)
{
    static const struct ln_testkit_fault once = { .times = 1 };
    size_t len = strlen(d.changes);
    (void)user;
    (void)snprintf(d.changes + len, sizeof d.changes - len, "%d/%d ", (int)state, (int)result);
    if (state == LN_FIRMWARE_DOWNLOADING && d.fail_memory)
        ln_testkit_fail(w.device_host, LN_TESTKIT_ALLOC, &once);
}

static enum ln_status secure(void *user, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    bool datagrams = target->uri->scheme == LN_URI_COAPS;
    (void)user;
    (void)diag;
    if (d.security == LN_OK)
        out->tls = keys(&w.env, datagrams ? LN_DTLS : LN_TLS, d.psk);
    return d.security;
}

static void boot(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    struct ln_firmware_config config = LN_FIRMWARE_CONFIG_INIT;
    const char *what = "";
    (void)vtime_calls();
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    open_servers();
    config.store = dl_store_ops(&store);
    config.verify = verify;
    config.reset = reset;
    config.install = install;
    config.security = secure;
    config.save = save;
    config.load = load;
    config.changed = changed;
    config.attempts_max = 3;
    config.size_max = d.size_max;
    fw = NULL;
    assert_int_equal(ln_firmware_new(w.client, &config, NULL, &fw), LN_OK);
    assert_true(lw_register(&w));
}

static void halt(void)
{
    ln_testkit_fail(w.device_host, LN_TESTKIT_ALLOC, NULL);
    ln_firmware_free(fw);
    for (size_t i = 0; i < COUNT(web); i++)
        http_server_close(&web[i]);
    for (size_t i = 0; i < COUNT(files); i++)
        coap_server_close(&files[i]);
    ln_tls_config_unref(server_tls[0]);
    ln_tls_config_unref(server_tls[1]);
    lw_close(&w);
}

static void fresh(void)
{
    for (size_t i = 0; i < SIZE; i++) {
        image[i] = (uint8_t)(i * 7 + 1);
        other[i] = (uint8_t)(i * 11 + 5);
    }
    dl_store_clear(&store);
    memset(&d, 0, sizeof d);
    memset(&say, 0, sizeof say);
    d.psk = "0123456789abcdef";
    boot();
}

static uint8_t push(const void *data, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = data;
    rq.len = len;
    return lw_ask(&w, &rq) ? w.server.answer.code : 0;
}

static uint8_t execute(const char *path)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = path };
    return lw_ask(&w, &rq) ? w.server.answer.code : 0;
}

static uint8_t write_uri(const char *uri)
{
    return lw_put(&w, "/5/0/1", 0, uri, strlen(uri));
}

/* State and result as the server reads them: "2/0". */
static void assert_is(const char *what, const char *expected)
{
    char seen[8];
    (void)snprintf(seen, sizeof seen, "%s/", lw_read(&w, "/5/0/3"));
    strcpy(seen + 2, lw_read(&w, "/5/0/5"));
    struct ln_firmware_info info;
    ln_firmware_info(fw, &info);
    if (strcmp(seen, expected) != 0)
        fail_msg("%s: %s, not %s: %s (%s)", what, seen, expected, info.diag->text, d.changes);
}

static bool is_over(const struct lw_world *world)
{
    struct ln_firmware_info info;
    (void)world;
    ln_firmware_info(fw, &info);
    return info.state != LN_FIRMWARE_DOWNLOADING;
}

static void pull(const char *uri)
{
    assert_int_equal(write_uri(uri), LN_COAP_CHANGED);
    if (!lw_run(&w, is_over, 3600 * 1000))
        fail_msg("%s does not end: %s", uri, d.changes);
}

static bool has_some(const struct lw_world *world)
{
    (void)world;
    return store.len > 0;
}

/* A download that stands still with some bytes stored. */
static void begin_pull(void)
{
    say.from = 1;
    say.until = UINT32_MAX;
    say.cut = true;
    assert_int_equal(write_uri(uris[HTTP]), LN_COAP_CHANGED);
    assert_true(lw_run(&w, has_some, 600000));
    assert_is("begun", "1/0");
}

/* ---- tests ---- */

/* scenario: S3, S5, S48 */
static void test_every_scheme(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        fresh();
        pull(uris[i]);
        assert_is(uris[i], "2/0");
        assert_string_equal(d.changes, "1/0 2/0 ");
        assert_true(dl_store_holds(&store, ln_span(image, SIZE)));
        assert_int_equal(d.verifies, 1);
        assert_string_equal(lw_read(&w, "/5/0/1"), uris[i]);
        assert_int_equal(execute("/5/0/2"), LN_COAP_CHANGED);
        assert_true(lw_run(&w, NULL, 6000));
        assert_int_equal(d.installs, 1);
        assert_is("installing", "3/0");
        halt();
        boot();
        assert_int_equal(ln_firmware_result(fw, LN_FIRMWARE_SUCCESS), LN_OK);
        assert_is("restarted", "0/1");
        halt();
    }
}

/* /5/0/8 is what this build speaks, /5/0/9 both ways. */
static void test_what_is_supported(void **state)
{
    (void)state;
    fresh();
    static const enum ln_uri_scheme schemes[] = { LN_URI_COAP,  LN_URI_COAPS,    LN_URI_HTTP,
                                                  LN_URI_HTTPS, LN_URI_COAP_TCP, LN_URI_COAPS_TCP };
    for (size_t i = 0; i < COUNT(schemes); i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "/5/0/8/%zu", i);
        assert_true(ln_download_speaks(schemes[i]));
        assert_int_equal(lw_read(&w, path)[0], '0' + (int)i);
    }
    assert_int_equal(lw_get(&w, "/5/0/8/6", -1), LN_COAP_NOT_FOUND);
    assert_string_equal(lw_read(&w, "/5/0/9"), "2");
    halt();
}

/* The rows of Package, Package URI, Update and Cancel for each state that a pull goes through. */
static void test_requests_by_state(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(write_uri(""), LN_COAP_CHANGED); /* idle */
    assert_int_equal(execute("/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    begin_pull();
    assert_int_equal(write_uri(uris[COAP]), LN_COAP_BAD_REQUEST);
    assert_int_equal(push("image", 5), LN_COAP_BAD_REQUEST);
    assert_int_equal(execute("/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_is("nothing of that changed it", "1/0");
    assert_string_equal(lw_read(&w, "/5/0/1"), uris[HTTP]);
    say.until = 0;
    assert_true(lw_run(&w, is_over, 600000));
    assert_is("downloaded", "2/0");
    assert_int_equal(write_uri(uris[COAP]), LN_COAP_BAD_REQUEST);
    assert_int_equal(push("image", 5), LN_COAP_BAD_REQUEST);
    assert_is("nor that", "2/0");
    assert_int_equal(execute("/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 6000));
    assert_int_equal(write_uri(""), LN_COAP_METHOD_NOT_ALLOWED); /* updating */
    assert_int_equal(write_uri(uris[COAP]), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(push("\0", 1), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(execute("/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(execute("/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_is("nor that", "3/0");
    halt();
}

/* Every way to end a pull: nothing is asked for any more, and nothing is kept. */
static void test_ends_by_the_server(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++)
        for (int whole = 0; whole < 2; whole++) {
            fresh();
            if (whole != 0)
                pull(uris[COAP]);
            else
                begin_pull();
            unsigned resets = d.resets;
            uint8_t code = way == 0   ? write_uri("")
                           : way == 1 ? push("\0", 1)
                           : way == 2 ? push("", 0)
                                      : execute("/5/0/10");
            assert_int_equal(code, LN_COAP_CHANGED);
            assert_is("ended", way == 3 ? "0/10" : "0/0");
            assert_int_equal(d.resets, resets + 1);
            assert_int_equal(store.len, 0);
            unsigned before = requests();
            assert_true(lw_run(&w, NULL, 3600 * 1000));
            assert_int_equal(requests(), before);
            memset(&say, 0, sizeof say);
            pull(uris[COAP]); /* and another one may begin */
            assert_is("again", "2/0");
            halt();
        }
}

/* What becomes of each failure, whatever the protocol. */
/* scenario: S10, S11, T17 */
static void test_results(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned schemes; /* bits */
        unsigned status;
        const char *after;
    } rows[] = {
        { "not found", 0x3f, 404, "0/7" },
        { "denied", 0x3f, 403, "0/4" },
        { "wrong credentials", 0x3f, 401, "0/4" },
        { "refused", 0x3f, 400, "0/4" },
        { "busy for ever", 0x3f, 503, "0/4" },
        { "broken for ever", 0x3f, 500, "0/4" },
        { "gone", 0x03, 410, "0/7" },
        { "silent for ever", 0x3f, UINT32_MAX, "0/4" },
        { "changed for ever", 0x03, 412, "0/4" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t scheme = 0; scheme < SCHEMES; scheme++) {
            if ((rows[i].schemes >> scheme & 1) == 0)
                continue;
            fresh();
            say.from = 1;
            say.until = UINT32_MAX;
            say.status = rows[i].status;
            pull(uris[scheme]);
            assert_is(rows[i].what, rows[i].after);
            assert_int_equal(store.len, 0);
            assert_true(requests() <= 15);
            halt();
        }
}

static void test_results_of_other_kinds(void **state)
{
    (void)state;
    fresh();
    pull("http://nobody.example/fw");
    assert_is("a name that nobody has", "0/7");
    pull("http://192.0.2.1:81/fw");
    assert_is("nobody listens", "0/4");
    pull("coap+tcp://192.0.2.1:81/fw");
    assert_is("nobody listens", "0/4");
    assert_int_equal(write_uri("ftp://192.0.2.1/fw"), LN_COAP_BAD_REQUEST);
    assert_is("a scheme that nobody speaks", "0/9");
    d.fail_memory = true;
    pull(uris[HTTP]);
    assert_is("no memory", "0/3");
    d.fail_memory = false;
    d.verify = LN_FIRMWARE_INTEGRITY;
    pull(uris[HTTP]);
    assert_is("not whole", "0/5");
    d.verify = LN_FIRMWARE_PACKAGE_TYPE;
    pull(uris[COAP]);
    assert_is("not for this device", "0/6");
    d.verify = LN_FIRMWARE_INITIAL;
    pull(uris[COAP]);
    assert_is("and after all that a good one", "2/0");
    halt();
}

/* scenario: S10 */
static void test_storage(void **state)
{
    (void)state;
    static const struct {
        enum dl_call call;
        enum ln_status status;
        const char *after;
    } rows[] = { { DL_BEGIN, LN_IO, "0/2" },
                 { DL_WRITE, LN_NO_SPACE, "0/2" },
                 { DL_WRITE, LN_IO, "0/2" },
                 { DL_SYNC, LN_IO, "0/2" } };
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        fresh();
        store.fails = rows[i / 2].call;
        store.fail_at = 1;
        store.status = rows[i / 2].status;
        pull(uris[i % 2 == 0 ? HTTP : COAP]);
        assert_is("storage", rows[i / 2].after);
        halt();
    }
    fresh();
    halt();
    d.size_max = SIZE - 1;
    for (size_t i = 0; i < 2; i++) {
        boot();
        pull(uris[i == 0 ? HTTP : COAP]);
        assert_is("too large", "0/2");
        halt();
    }
}

/* scenario: S9, S11, S12, H101 */
static void test_security(void **state)
{
    (void)state;
    static const size_t secure_ones[] = { HTTPS, COAPS, COAPS_TCP };
    static const struct {
        enum ln_status security;
        const char *psk;
        const char *after;
    } rows[] = {
        { LN_NOT_FOUND, "", "0/9" }, /* neither the data model nor the configuration has one */
        { LN_DENIED, "", "0/9" },
        { LN_OK, "0123456789abcdeX", "0/4" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t k = 0; k < COUNT(secure_ones); k++) {
            fresh();
            d.security = rows[i].security;
            d.psk = rows[i].psk;
            pull(uris[secure_ones[k]]);
            assert_is(uris[secure_ones[k]], rows[i].after);
            assert_int_equal(requests(), 0);
            halt();
        }
}

/* It is cut, and goes on; it is another one, and begins anew: the state is Downloading all the time. */
/* scenario: T3 */
static void test_cuts_and_swaps(void **state)
{
    (void)state;
    for (size_t scheme = 0; scheme < SCHEMES; scheme++)
        for (int swap = 0; swap < 2; swap++) {
            bool web_like = scheme == HTTP || scheme == HTTPS;
            fresh();
            say.from = web_like ? 1 : 6;
            say.until = say.from + 1;
            say.cut = true;
            say.swap = swap != 0;
            pull(uris[scheme]);
            assert_is(uris[scheme], "2/0");
            assert_string_equal(d.changes, "1/0 2/0 ");
            assert_true(dl_store_holds(&store, ln_span(swap != 0 ? other : image, SIZE)));
            halt();
        }
}

/* An end that only a closed connection tells proves nothing. */
static void test_without_an_end(void **state)
{
    (void)state;
    fresh();
    page.until_close = true;
    pull(uris[HTTP]);
    assert_is("unbounded", "0/4");
    halt();
}

/* The program ends in the middle, and the next one goes on. */
/* scenario: T3, T17 */
static void test_restarts(void **state)
{
    (void)state;
    fresh();
    begin_pull();
    halt();
    size_t stored = store.len;
    say.until = 0;
    boot();
    assert_true(lw_run(&w, is_over, 600000));
    assert_is("gone on", "2/0");
    assert_true(dl_store_holds(&store, ln_span(image, SIZE)));
    assert_true(stored > 0 && web[0].body_sent == SIZE - stored);
    halt();
    boot();
    assert_is("and is still there", "2/0");
    halt();

    fresh();
    begin_pull();
    halt();
    say.until = 0;
    store.state_len = 0; /* nothing tells what is stored */
    boot();
    assert_true(lw_run(&w, is_over, 600000));
    assert_is("begun anew", "2/0");
    assert_true(web[0].body_sent == SIZE);
    halt();
}

static void test_suspended(void **state)
{
    (void)state;
    fresh();
    ln_firmware_suspend(fw, true);
    assert_int_equal(write_uri(uris[COAP]), LN_COAP_CHANGED);
    assert_false(lw_run(&w, is_over, 600000));
    assert_int_equal(requests(), 0);
    assert_is("suspended", "1/0");
    ln_firmware_suspend(fw, false);
    assert_true(lw_run(&w, is_over, 600000));
    assert_is("and on", "2/0");
    halt();
}

/* Requests are answered at once for a minute, which the download waits for its storage. */
static void assert_served_for_a_minute(const char *what)
{
    for (ln_msec end = lw_now(&w) + 60000; lw_now(&w) < end;) {
        ln_msec asked = lw_now(&w);
        assert_is(what, "1/0");
        assert_in_range(lw_now(&w) - asked, 0, 40);
        assert_true(lw_run(&w, NULL, 1000));
    }
}

/* Storage that takes a minute holds up the download, and nothing else; then the download goes on. */
/* scenario: T6 */
static void test_storage_that_is_stalled_for_a_minute(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        fresh();
        store.busy = true;
        assert_int_equal(write_uri(uris[i]), LN_COAP_CHANGED);
        assert_true(lw_run(&w, has_some, 600000));
        assert_true(lw_run(&w, NULL, 5000)); /* what is under way arrives */
        size_t stored = store.len;
        unsigned asked = requests();
        assert_true(stored < SIZE);
        assert_served_for_a_minute(uris[i]);
        assert_int_equal(store.len, stored);
        assert_int_equal(requests(), asked);
        store.busy = false;
        ln_firmware_ready(fw);
        assert_true(lw_run(&w, is_over, 600000));
        assert_is(uris[i], "2/0");
        assert_true(dl_store_holds(&store, ln_span(image, SIZE)));
        halt();
    }
}

/* A push cannot be held: its blocks want their answers. */
static void test_a_push_into_busy_storage(void **state)
{
    (void)state;
    fresh();
    store.busy = true;
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = image;
    rq.len = SIZE;
    rq.block1_szx = 6;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    assert_is("pushed", "2/0");
    assert_true(dl_store_holds(&store, ln_span(image, SIZE)));
    ln_firmware_ready(fw); /* there is no download */
    halt();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scheme),
        cmocka_unit_test(test_what_is_supported),
        cmocka_unit_test(test_requests_by_state),
        cmocka_unit_test(test_ends_by_the_server),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_results_of_other_kinds),
        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_security),
        cmocka_unit_test(test_cuts_and_swaps),
        cmocka_unit_test(test_without_an_end),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_storage_that_is_stalled_for_a_minute),
        cmocka_unit_test(test_a_push_into_busy_storage),
    };
    return cmocka_run_group_tests_name("firmware/pull", tests, NULL, NULL);
}
