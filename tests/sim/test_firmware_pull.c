/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5 by a Package URI, in virtual time: a scripted LwM2M server, and servers of files
 * for http, https, coap, coap+tcp, coaps and coaps+tcp. What the server asks in each state, what each
 * failure of the download becomes, and what survives a restart of the program.
 */
#include "support/coapfile.h"
#include "support/fwworld.h"
#include "support/httpserver.h"

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

static struct fw_world w;
static struct http_server web[2];
static struct coap_server files[4];
static struct ln_env server_env;
static struct ln_tls_config *server_tls[2];
static struct http_file page;
static struct coap_file file;
static uint8_t image[SIZE], other[SIZE];

/* What the application says when it is asked for security. */
static struct {
    enum ln_status status; /* LN_OK: this key */
    const char *psk;
} key;

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

static void open_servers(struct fw_world *world)
{
    static const enum ln_sock_kind kinds[] = { LN_UDP, LN_TCP, LN_DTLS, LN_TLS };
    static const char psk[] = "0123456789abcdef";
    ln_testkit_env(world->lw.server_host, &server_env);
    server_tls[0] = keys(&server_env, LN_DTLS, psk);
    server_tls[1] = keys(&server_env, LN_TLS, psk);
    http_server_open(&web[0], world->lw.kit, world->lw.server_host, &server_env, 80, NULL,
                     serve_page, NULL);
    http_server_open(&web[1], world->lw.kit, world->lw.server_host, &server_env, 443, server_tls[1],
                     serve_page, NULL);
    for (size_t i = 0; i < COUNT(files); i++)
        coap_server_open(&files[i], world->lw.kit, world->lw.server_host, &server_env, kinds[i],
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

static void close_servers(struct fw_world *world)
{
    (void)world;
    for (size_t i = 0; i < COUNT(web); i++)
        http_server_close(&web[i]);
    for (size_t i = 0; i < COUNT(files); i++)
        coap_server_close(&files[i]);
    ln_tls_config_unref(server_tls[0]);
    ln_tls_config_unref(server_tls[1]);
}

/* ---- the device ---- */

static enum ln_status secure(void *user, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    const struct fw_world *world = user;
    bool datagrams = target->uri->scheme == LN_URI_COAPS;
    (void)diag;
    if (key.status == LN_OK)
        out->tls = keys(&world->lw.env, datagrams ? LN_DTLS : LN_TLS, key.psk);
    return key.status;
}

static void fresh(void)
{
    for (size_t i = 0; i < SIZE; i++) {
        image[i] = (uint8_t)(i * 7 + 1);
        other[i] = (uint8_t)(i * 11 + 5);
    }
    memset(&say, 0, sizeof say);
    key.status = LN_OK;
    key.psk = "0123456789abcdef";
    fw_clear(&w);
    w.on_boot = open_servers;
    w.on_halt = close_servers;
    w.config.security = secure;
    w.config.attempts_max = 3;
    fw_boot(&w);
}

static bool has_some(const struct lw_world *world)
{
    (void)world;
    return w.device.store.len > 0;
}

/* A download that stands still with some bytes stored. */
static void begin_pull(void)
{
    say.from = 1;
    say.until = UINT32_MAX;
    say.cut = true;
    assert_int_equal(fw_write_uri(&w, uris[HTTP]), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, has_some, 600000));
    fw_must_be(&w, "begun", "1/0");
}

/* ---- tests ---- */

/* scenario: S3, S5, S48, U6, U8, FW-10, FW-12, FW-14 */
static void test_every_scheme(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        fresh();
        fw_pull(&w, uris[i]);
        fw_must_be(&w, uris[i], "2/0");
        assert_string_equal(w.device.changes, "1/0 2/0 ");
        assert_true(dl_store_holds(&w.device.store, ln_span(image, SIZE)));
        assert_int_equal(w.device.verifies, 1);
        assert_string_equal(lw_read(&w.lw, "/5/0/1"), uris[i]);
        assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
        assert_true(lw_run(&w.lw, NULL, 6000));
        assert_int_equal(w.device.installs, 1);
        fw_must_be(&w, "installing", "3/0");
        fw_halt(&w);
        fw_boot(&w);
        assert_int_equal(ln_firmware_result(w.fw, LN_FIRMWARE_SUCCESS), LN_OK);
        fw_must_be(&w, "restarted", "0/1");
        fw_halt(&w);
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
        assert_int_equal(lw_read(&w.lw, path)[0], '0' + (int)i);
    }
    assert_int_equal(lw_get(&w.lw, "/5/0/8/6", -1), LN_COAP_NOT_FOUND);
    assert_string_equal(lw_read(&w.lw, "/5/0/9"), "2");
    fw_halt(&w);
}

/* The rows of Package, Package URI, Update and Cancel for each state that a pull goes through. */
/* scenario: U3, U4, U5, U7, U9, U10 */
static void test_requests_by_state(void **state)
{
    (void)state;
    fresh();
    assert_int_equal(fw_write_uri(&w, ""), LN_COAP_CHANGED); /* idle */
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    begin_pull();
    assert_int_equal(fw_write_uri(&w, uris[COAP]), LN_COAP_BAD_REQUEST);
    assert_int_equal(fw_push(&w, "image", 5, -1), LN_COAP_BAD_REQUEST);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    fw_must_be(&w, "nothing of that changed it", "1/0");
    assert_string_equal(lw_read(&w.lw, "/5/0/1"), uris[HTTP]);
    say.until = 0;
    assert_true(fw_run_until_over(&w, 600000));
    fw_must_be(&w, "downloaded", "2/0");
    assert_int_equal(fw_write_uri(&w, uris[COAP]), LN_COAP_BAD_REQUEST);
    assert_int_equal(fw_push(&w, "image", 5, -1), LN_COAP_BAD_REQUEST);
    fw_must_be(&w, "nor that", "2/0");
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_CHANGED);
    assert_true(lw_run(&w.lw, NULL, 6000));
    assert_int_equal(fw_write_uri(&w, ""), LN_COAP_METHOD_NOT_ALLOWED); /* updating */
    assert_int_equal(fw_write_uri(&w, uris[COAP]), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_push(&w, "\0", 1, -1), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(fw_execute(&w, "/5/0/2"), LN_COAP_METHOD_NOT_ALLOWED);
    fw_must_be(&w, "nor that", "3/0");
    fw_halt(&w);
}

/* Every way to end a pull: nothing is asked for any more, and nothing is kept. */
/* scenario: U2, U5, U10, FW-13 */
static void test_ends_by_the_server(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++)
        for (int whole = 0; whole < 2; whole++) {
            fresh();
            if (whole != 0)
                fw_pull(&w, uris[COAP]);
            else
                begin_pull();
            unsigned resets = w.device.resets;
            uint8_t code = way == 0   ? fw_write_uri(&w, "")
                           : way == 1 ? fw_push(&w, "\0", 1, -1)
                           : way == 2 ? fw_push(&w, "", 0, -1)
                                      : fw_execute(&w, "/5/0/10");
            assert_int_equal(code, LN_COAP_CHANGED);
            fw_must_be(&w, "ended", way == 3 ? "0/10" : "0/0");
            assert_int_equal(w.device.resets, resets + 1);
            assert_int_equal(w.device.store.len, 0);
            unsigned before = requests();
            assert_true(lw_run(&w.lw, NULL, 3600 * 1000));
            assert_int_equal(requests(), before);
            memset(&say, 0, sizeof say);
            fw_pull(&w, uris[COAP]); /* and another one may begin */
            fw_must_be(&w, "again", "2/0");
            fw_halt(&w);
        }
}

/* What becomes of each failure, whatever the protocol. */
/* scenario: S10, S11, T17, R2, R6 */
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
            fw_pull(&w, uris[scheme]);
            fw_must_be(&w, rows[i].what, rows[i].after);
            assert_int_equal(w.device.store.len, 0);
            assert_true(requests() <= 15);
            fw_halt(&w);
        }
}

/* scenario: R1, R3, R4, R6, FW-12 */
static void test_results_of_other_kinds(void **state)
{
    (void)state;
    fresh();
    fw_pull(&w, "http://nobody.example/fw");
    fw_must_be(&w, "a name that nobody has", "0/7");
    fw_pull(&w, "http://192.0.2.1:81/fw");
    fw_must_be(&w, "nobody listens", "0/4");
    fw_pull(&w, "coap+tcp://192.0.2.1:81/fw");
    fw_must_be(&w, "nobody listens", "0/4");
    assert_int_equal(fw_write_uri(&w, "ftp://192.0.2.1/fw"), LN_COAP_BAD_REQUEST);
    fw_must_be(&w, "a scheme that nobody speaks", "0/9");
    w.device.fail_memory = true;
    fw_pull(&w, uris[HTTP]);
    fw_must_be(&w, "no memory", "0/3");
    w.device.fail_memory = false;
    w.device.verify = LN_FIRMWARE_INTEGRITY;
    fw_pull(&w, uris[HTTP]);
    fw_must_be(&w, "not whole", "0/5");
    w.device.verify = LN_FIRMWARE_PACKAGE_TYPE;
    fw_pull(&w, uris[COAP]);
    fw_must_be(&w, "not for this device", "0/6");
    w.device.verify = LN_FIRMWARE_INITIAL;
    fw_pull(&w, uris[COAP]);
    fw_must_be(&w, "and after all that a good one", "2/0");
    fw_halt(&w);
}

/* scenario: S10, R8, FW-11 */
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
        w.device.store.fails = rows[i / 2].call;
        w.device.store.fail_at = 1;
        w.device.store.status = rows[i / 2].status;
        fw_pull(&w, uris[i % 2 == 0 ? HTTP : COAP]);
        fw_must_be(&w, "storage", rows[i / 2].after);
        fw_halt(&w);
    }
    fresh();
    fw_halt(&w);
    w.config.size_max = SIZE - 1;
    for (size_t i = 0; i < 2; i++) {
        fw_boot(&w);
        fw_pull(&w, uris[i == 0 ? HTTP : COAP]);
        fw_must_be(&w, "too large", "0/2");
        fw_halt(&w);
    }
}

static void test_a_limited_rate(void **state)
{
    (void)state;
    fresh();
    fw_halt(&w);
    w.config.rate_max = SIZE / 10;
    fw_boot(&w);
    ln_msec begun = lw_now(&w.lw);
    fw_pull(&w, uris[HTTP]);
    fw_must_be(&w, "slowly", "2/0");
    assert_in_range(lw_now(&w.lw) - begun, 9000, 15000);
    fw_halt(&w);
}

/* scenario: S9, S11, S12, H101, R5, R6, FW-16 */
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
            key.status = rows[i].security;
            key.psk = rows[i].psk;
            fw_pull(&w, uris[secure_ones[k]]);
            fw_must_be(&w, uris[secure_ones[k]], rows[i].after);
            assert_int_equal(requests(), 0);
            fw_halt(&w);
        }
}

/* It is cut, and goes on; it is another one, and begins anew: the state is Downloading all the time. */
/* scenario: T3, R7 */
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
            fw_pull(&w, uris[scheme]);
            fw_must_be(&w, uris[scheme], "2/0");
            assert_string_equal(w.device.changes, "1/0 2/0 ");
            assert_true(dl_store_holds(&w.device.store, ln_span(swap != 0 ? other : image, SIZE)));
            fw_halt(&w);
        }
}

/* An end that only a closed connection tells proves nothing: not even where TLS says goodbye, for a
 * server whose disk fails does that, too. */
static void test_without_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fresh();
        page.until_close = true;
        fw_pull(&w, uris[i == 0 ? HTTP : HTTPS]);
        fw_must_be(&w, "unbounded", "0/4");
        fw_halt(&w);
    }
}

/* The program ends in the middle, and the next one goes on. */
/* scenario: T3, T17 */
static void test_restarts(void **state)
{
    (void)state;
    fresh();
    begin_pull();
    fw_halt(&w);
    size_t stored = w.device.store.len;
    say.until = 0;
    fw_boot(&w);
    assert_true(fw_run_until_over(&w, 600000));
    fw_must_be(&w, "gone on", "2/0");
    assert_true(dl_store_holds(&w.device.store, ln_span(image, SIZE)));
    assert_true(stored > 0 && web[0].body_sent == SIZE - stored);
    fw_halt(&w);
    fw_boot(&w);
    fw_must_be(&w, "and is still there", "2/0");
    fw_halt(&w);

    fresh();
    begin_pull();
    fw_halt(&w);
    say.until = 0;
    w.device.store.state_len = 0; /* nothing tells what is stored */
    fw_boot(&w);
    assert_true(fw_run_until_over(&w, 600000));
    fw_must_be(&w, "begun anew", "2/0");
    assert_true(web[0].body_sent == SIZE);
    fw_halt(&w);
}

/* scenario: R9 */
static void test_suspended(void **state)
{
    (void)state;
    fresh();
    ln_firmware_suspend(w.fw, true);
    assert_int_equal(fw_write_uri(&w, uris[COAP]), LN_COAP_CHANGED);
    assert_false(fw_run_until_over(&w, 600000));
    assert_int_equal(requests(), 0);
    fw_must_be(&w, "suspended", "1/0");
    ln_firmware_suspend(w.fw, false);
    assert_true(fw_run_until_over(&w, 600000));
    fw_must_be(&w, "and on", "2/0");
    fw_halt(&w);
}

/* Requests are answered at once for a minute, which the download waits for its storage. */
static void assert_served_for_a_minute(const char *what)
{
    for (ln_msec end = lw_now(&w.lw) + 60000; lw_now(&w.lw) < end;) {
        ln_msec asked = lw_now(&w.lw);
        fw_must_be(&w, what, "1/0");
        assert_in_range(lw_now(&w.lw) - asked, 0, 40);
        assert_true(lw_run(&w.lw, NULL, 1000));
    }
}

/* Storage that takes a minute holds up the download, and nothing else; then the download goes on. */
/* scenario: T6 */
static void test_storage_that_is_stalled_for_a_minute(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMES; i++) {
        fresh();
        w.device.store.busy = true;
        assert_int_equal(fw_write_uri(&w, uris[i]), LN_COAP_CHANGED);
        assert_true(lw_run(&w.lw, has_some, 600000));
        assert_true(lw_run(&w.lw, NULL, 5000)); /* what is under way arrives */
        size_t stored = w.device.store.len;
        unsigned asked = requests();
        assert_true(stored < SIZE);
        assert_served_for_a_minute(uris[i]);
        assert_int_equal(w.device.store.len, stored);
        assert_int_equal(requests(), asked);
        w.device.store.busy = false;
        ln_firmware_ready(w.fw);
        assert_true(fw_run_until_over(&w, 600000));
        fw_must_be(&w, uris[i], "2/0");
        assert_true(dl_store_holds(&w.device.store, ln_span(image, SIZE)));
        fw_halt(&w);
    }
}

/* A push cannot be held: its blocks want their answers. */
static void test_a_push_into_busy_storage(void **state)
{
    (void)state;
    fresh();
    w.device.store.busy = true;
    assert_int_equal(fw_push(&w, image, SIZE, 6), LN_COAP_CHANGED);
    fw_must_be(&w, "pushed", "2/0");
    assert_true(dl_store_holds(&w.device.store, ln_span(image, SIZE)));
    ln_firmware_ready(w.fw); /* there is no download */
    fw_halt(&w);
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
        cmocka_unit_test(test_a_limited_rate),
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
