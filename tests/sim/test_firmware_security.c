/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose keys a pull uses, in virtual time: the application's answer, the account of the very server,
 * the files of the configuration; and to whom none of them goes.
 */
#include "support/coapfile.h"
#include "support/fwworld.h"
#include "support/httpserver.h"
#include "support/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define COAPS "coaps://192.0.2.1:5701/fw"
#define HTTPS "https://192.0.2.1/fw"
#define CA "/ca.pem"

static const char right_key[] = "0123456789abcdef"; /* the one of http_psk() */

static struct fw_world w;
static struct pki *pki;
static const struct pki_cert *root, *strange_root, *server_cert, *named_cert, *device_cert;
static const struct pki_cert *shown; /* by the web servers */
static bool wants_client;            /* they let in who shows a certificate of `root` */
static struct ln_env server_env;
static struct coap_server files;          /* coaps, by a key */
static struct http_server web, other_web; /* https, by a certificate: ports 443 and 444 */
static struct coap_file file;
static struct http_file page;
static const char *moved_to; /* where https leads; NULL: it has the file */
static uint8_t image[5000];

/* What the application says, and what it was asked. */
static struct {
    enum ln_status status;
    const char *psk; /* NULL: OK, and nothing is given */
    unsigned asked, strangers;
} answer;

/* ---- servers ---- */

static void serve_blocks(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    coap_serve_file(&file, ask, say);
}

static void serve_page(void *user, const struct http_ask *ask, struct http_answer *say)
{
    (void)user;
    if (moved_to == NULL || strcmp(ask->target, "/moved") == 0)
        http_serve_file(&page, ask, say);
    else
        http_say(say, "HTTP/1.1 302 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", moved_to);
}

static struct ln_tls_config *by_key(const struct ln_env *env, const char *psk)
{
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    http_psk(&o);
    o.psk_key = ln_span_str(psk);
    assert_int_equal(ln_tls_config_new(env, LN_DTLS, &o, NULL, &config), LN_OK);
    return config;
}

static struct ln_tls_config *by_certificate(const struct ln_env *env)
{
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    o.chain = pki_trust_one(pki, shown);
    o.key = pki_key_source(pki, shown);
    if (wants_client) {
        o.client_auth = LN_CLIENT_AUTH_REQUIRE;
        o.trust = pki_trust_one(pki, root);
    }
    if (ln_tls_config_new(env, LN_TLS, &o, &diag, &config) != LN_OK)
        fail_msg("server: %s", diag.text);
    return config;
}

static void open_servers(struct fw_world *world)
{
    struct ln_testkit *kit = world->lw.kit;
    const struct ln_testkit_host *host = world->lw.server_host;
    ln_testkit_set_wall(kit, PKI_NOW);
    ln_testkit_env(world->lw.server_host, &server_env);
    struct ln_tls_config *key = by_key(&server_env, right_key);
    struct ln_tls_config *certificate = by_certificate(&server_env);
    coap_server_open(&files, kit, host, &server_env, LN_DTLS, 5701, key, serve_blocks, NULL);
    http_server_open(&web, kit, host, &server_env, 443, certificate, serve_page, NULL);
    http_server_open(&other_web, kit, host, &server_env, 444, certificate, serve_page, NULL);
    ln_tls_config_unref(key);
    ln_tls_config_unref(certificate);
}

static void close_servers(struct fw_world *world)
{
    (void)world;
    coap_server_close(&files);
    http_server_close(&web);
    http_server_close(&other_web);
}

/* ---- accounts ---- */

static struct ln_account account; /* the second one; uri NULL: there is none */
static struct ln_account third;

static void add(struct lw_world *lw, const struct ln_account *a)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    if (a->uri != NULL && ln_client_add_account(lw->client, a, &diag) != LN_OK)
        fail_msg("%s: %s", a->uri, diag.text);
}

static void add_accounts(struct lw_world *lw)
{
    add(lw, &account);
    add(lw, &third);
}

static struct ln_account with_key(const char *uri, uint16_t ssid, const char *psk)
{
    struct ln_account a = LN_ACCOUNT_INIT;
    a.uri = uri;
    a.ssid = ssid;
    a.mode = LN_SECURITY_PSK;
    a.identity = ln_span_str("device-1");
    a.secret = ln_span_str(psk);
    return a;
}

/* Its server is the one that shows `server_cert`. */
static struct ln_account with_certificate(const char *uri, uint16_t ssid)
{
    struct ln_account a = LN_ACCOUNT_INIT;
    a.uri = uri;
    a.ssid = ssid;
    a.mode = LN_SECURITY_CERTIFICATE;
    a.identity = pki_cert_der(device_cert);
    a.secret = pki_write_key(pki, PKI_PKCS8_DER, device_cert, NULL);
    a.server_key = pki_cert_der(server_cert);
    return a;
}

/* ---- the device ---- */

static enum ln_status secure(void *user, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    const struct fw_world *world = user;
    (void)diag;
    answer.asked++;
    answer.strangers += !target->same_origin;
    if (answer.status == LN_OK && answer.psk != NULL)
        out->tls = by_key(&world->lw.env, answer.psk);
    return answer.status;
}

static void fresh(void)
{
    fw_clear(&w);
    w.on_boot = open_servers;
    w.on_halt = close_servers;
    w.options.prepare = add_accounts;
    w.config.attempts_max = 2;
    memset(&answer, 0, sizeof answer);
    account.uri = third.uri = NULL;
    moved_to = NULL;
    shown = server_cert;
    wants_client = false;
}

static void pull(const char *what, const char *uri, const char *after)
{
    fw_pull(&w, uri);
    fw_must_be(&w, what, after);
    if (after[0] == '2')
        assert_true(dl_store_holds(&w.device.store, ln_span(image, sizeof image)));
}

static int make_pki(void **state)
{
    (void)state;
    pki = pki_new();
    root = pki_make(pki, &(struct pki_spec) { .name = "root", .ca = true });
    strange_root = pki_make(pki, &(struct pki_spec) { .name = "other root", .ca = true });
    server_cert = pki_make(
        pki, &(struct pki_spec) { .name = "server", .issuer = root, .san = "IP:192.0.2.1" });
    named_cert = pki_make(
        pki, &(struct pki_spec) { .name = "named", .issuer = root, .san = "DNS:files.example" });
    device_cert = pki_make(pki, &(struct pki_spec) { .name = "device", .issuer = root });
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + 1);
    page = (struct http_file) { .content = { image, sizeof image }, .etag = "\"v1\"" };
    file = (struct coap_file) { .content = { image, sizeof image }, .etag = ln_span_str("v1") };
    return 0;
}

static int free_pki(void **state)
{
    (void)state;
    pki_free(pki);
    return 0;
}

/* ---- the data model ---- */

static enum ln_status asked_for(const char *text)
{
    struct ln_download_security security = { .tls = NULL };
    struct ln_uri uri;
    assert_int_equal(ln_uri_read(ln_span_str(text), &uri, NULL), LN_OK);
    enum ln_status st = ln_client_security_for_uri(w.lw.client, &uri, &security, NULL);
    assert_int_equal(st == LN_OK, security.tls != NULL);
    ln_tls_config_unref(security.tls);
    return st;
}

/* scenario: S9, FW-20 */
static void test_whose_keys_fit(void **state)
{
    static const struct {
        const char *account; /* with a key; "+" before it: with a certificate */
        const char *uri;
        bool fits;
    } rows[] = {
        { "coaps://192.0.2.1:5701", "coaps://192.0.2.1:5701/fw", true },
        { "coaps://192.0.2.1", "coaps://192.0.2.1:5684/fw", true },
        { "coaps://192.0.2.1:5701", "coaps://192.0.2.1/fw", false },
        { "coaps://192.0.2.1:5701", "coaps+tcp://192.0.2.1:5701/fw", false },
        { "coaps://192.0.2.1:5701", "https://192.0.2.1:5701/fw", false },
        { "coaps://192.0.2.1:5701", "https://192.0.2.1/fw", false },
        { "coaps://192.0.2.1:5701", "coap://192.0.2.1:5701/fw", false },
        { "coaps://192.0.2.1:5701", "coaps://192.0.2.2:5701/fw", false },
        { "coaps://192.0.2.1:5701", "coaps://192.0.2.11:5701/fw", false },
        { "coaps://Lwm2m.Example:5701", "coaps://lwM2M.exampLE:5701/fw", true },
        { "coaps://lwm2m.example:5701", "coaps://lwm2m.example.org:5701/fw", false },
        { "coaps://[2001:db8::1]:5701", "coaps://[2001:0db8:0:0::0001]:5701/fw", true },
        { "+coaps://192.0.2.1:5701", "coaps://192.0.2.1:5701/fw", true },
        { "+coaps://192.0.2.1:5701", "coaps://192.0.2.1:5702/fw", true },
        { "+coaps://192.0.2.1:5701", "coaps+tcp://192.0.2.1/fw", true },
        { "+coaps://192.0.2.1:5701", "https://192.0.2.1/fw", true },
        { "+coaps://192.0.2.1:5701", "http://192.0.2.1/fw", false },
        { "+coaps://192.0.2.1:5701", "https://192.0.2.2/fw", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fresh();
        account = rows[i].account[0] == '+' ? with_certificate(rows[i].account + 1, 2)
                                            : with_key(rows[i].account, 2, right_key);
        fw_boot(&w);
        if ((asked_for(rows[i].uri) == LN_OK) != rows[i].fits)
            fail_msg("%s for %s", rows[i].account, rows[i].uri);
        fw_halt(&w);
    }
}

/* Of several with the same host: the very server; else the first whose credentials are for its host. */
/* scenario: FW-20 */
static void test_several_accounts(void **state)
{
    (void)state;
    fresh();
    account = with_key("coaps://192.0.2.1:5701", 2, right_key);
    third = with_certificate("coaps://192.0.2.1:5800", 3);
    fw_boot(&w);
    assert_int_equal(asked_for(HTTPS), LN_OK); /* the key in front of it is for nobody else */
    pull("by the certificate of the host", HTTPS, "2/0");
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    pull("by the key of the very server", COAPS, "2/0");
    fw_halt(&w);
}

/* scenario: S9 */
static void test_keys_of_an_account(void **state)
{
    (void)state;
    fresh();
    account = with_key("coaps://192.0.2.1:5701", 2, right_key);
    fw_boot(&w);
    pull("the key of the account", COAPS, "2/0");
    assert_int_equal(fw_execute(&w, "/5/0/10"), LN_COAP_CHANGED);
    pull("it is for no other scheme", HTTPS, "0/9");
    assert_int_equal(web.connections, 0);
    fw_halt(&w);

    fresh();
    account = with_key("coaps://192.0.2.1:5701", 2, "fedcba9876543210");
    fw_boot(&w);
    pull("a key that is wrong", COAPS, "0/4");
    assert_int_equal(files.body_sent, 0);
    fw_halt(&w);
}

/* The name of an account (/0/x/14) is the one that its host must prove, also where a file is fetched. */
/* scenario: FW-21 */
static void test_the_name_of_an_account(void **state)
{
    static const char *const names[] = { NULL, "files.example", "other.example" };
    static const char *const after[] = { "0/4", "2/0", "0/4" };
    struct ln_download_security security = { .tls = NULL };
    struct ln_uri uri;
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        fresh();
        shown = named_cert;
        w.options.config.trust = pki_trust_one(pki, root);
        account = with_certificate("coaps://192.0.2.1:5701", 2);
        account.server_key = ln_span(NULL, 0);
        account.sni = names[i];
        fw_boot(&w);
        pull(names[i] != NULL ? names[i] : "no name", HTTPS, after[i]);
        assert_int_equal(ln_uri_read(ln_span_str(COAPS), &uri, NULL), LN_OK);
        assert_int_equal(ln_client_security_for_uri(w.lw.client, &uri, &security, NULL), LN_OK);
        if (names[i] != NULL)
            assert_string_equal(security.server_name, names[i]); /* the very server */
        else
            assert_null(security.server_name);
        ln_tls_config_unref(security.tls);
        security = (struct ln_download_security) { .tls = NULL };
        fw_halt(&w);
    }
}

/* ---- the application ---- */

/* scenario: FW-16, S12 */
static void test_the_application_first(void **state)
{
    static const struct {
        const char *what;
        enum ln_status status;
        const char *psk, *after;
    } rows[] = {
        { "its key is used", LN_OK, right_key, "2/0" },
        { "its key is used, though the account's is right", LN_OK, "fedcba9876543210", "0/4" },
        { "it does not know: the account does", LN_NOT_FOUND, NULL, "2/0" },
        { "it says no", LN_DENIED, NULL, "0/9" },
        { "it says yes and gives nothing", LN_OK, NULL, "0/9" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fresh();
        account = with_key("coaps://192.0.2.1:5701", 2, right_key);
        answer.status = rows[i].status;
        answer.psk = rows[i].psk;
        w.config.security = secure;
        fw_boot(&w);
        pull(rows[i].what, COAPS, rows[i].after);
        assert_true(answer.asked >= 1);
        assert_int_equal(answer.strangers, 0);
        fw_halt(&w);
    }
}

/* ---- files ---- */

static void put_ca(const struct pki_cert *cert)
{
    assert_int_equal(ln_testkit_file_put(w.lw.device_host, CA, pki_pem(pki, cert)), LN_OK);
}

/* scenario: FW-21, S10, S11 */
static void test_files_that_change(void **state)
{
    (void)state;
    fresh();
    w.config.trust = ln_source_file(CA);
    fw_boot(&w);
    pull("there is no such file", HTTPS, "0/9");
    assert_int_equal(web.connections, 0);
    put_ca(strange_root);
    pull("it trusts another one", HTTPS, "0/4");
    assert_int_equal(web.requests, 0);
    put_ca(root);
    pull("it was replaced", HTTPS, "2/0");
    fw_halt(&w);
}

/* ---- elsewhere ---- */

/* The origin is known by its account; where it leads to is not, and the account is not asked. */
/* scenario: FW-23, H114 */
static void test_where_redirects_lead(void **state)
{
    (void)state;
    fresh();
    account = with_certificate("coaps://192.0.2.1:5800", 2);
    moved_to = "https://192.0.2.1:444/moved";
    w.config.security = secure;
    answer.status = LN_NOT_FOUND;
    fw_boot(&w);
    pull("no trust for the other one", HTTPS, "0/9");
    assert_int_equal(web.requests, 1);
    assert_int_equal(other_web.connections, 0);
    assert_int_equal(answer.asked, 2);
    assert_int_equal(answer.strangers, 1);
    fw_halt(&w);

    fresh();
    account = with_certificate("coaps://192.0.2.1:5800", 2);
    moved_to = "https://192.0.2.1:444/moved";
    w.config.trust = ln_source_file(CA);
    fw_boot(&w);
    put_ca(root);
    pull("the configuration trusts it", HTTPS, "2/0");
    assert_int_equal(other_web.requests, 1);
    fw_halt(&w);
}

/* The device's certificate is for the server that was named: whom that leads to is not told who we are. */
/* scenario: H101, FW-21 */
static void test_our_certificate_stays_at_home(void **state)
{
    static const char *const uris[] = { HTTPS, "https://192.0.2.1:444/fw", HTTPS };
    (void)state;
    for (size_t i = 0; i < COUNT(uris); i++) {
        fresh();
        wants_client = true;
        moved_to = i == 2 ? "https://192.0.2.1:444/moved" : NULL;
        w.config.trust = pki_trust_one(pki, root);
        w.config.chain = pki_trust_one(pki, device_cert);
        w.config.key = pki_key_source(pki, device_cert);
        fw_boot(&w);
        pull(uris[i], uris[i], moved_to == NULL ? "2/0" : "0/4");
        assert_int_equal(other_web.requests, i == 1);
        fw_halt(&w);
    }
}

/* ---- times ---- */

static void say_nothing(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    (void)ask;
    say->silent = true;
}

/* A server that is silent: given up after the application's times, and not after the usual ones. */
/* scenario: FW-17 */
static void test_times(void **state)
{
    static const struct {
        const char *uri;
        ln_msec least, most;
    } rows[] = { { "coap://192.0.2.1:5700/fw", 3000, 6000 },
                 { "coap+tcp://192.0.2.1:5700/fw", 7000, 7500 } };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct coap_server mute;
        fresh();
        w.config.attempts_max = 1;
        w.config.timeout_ms = 7000;
        w.config.coap = (struct ln_coap_timing) { .ack_timeout_ms = 1000, .max_retransmit = 1 };
        fw_boot(&w);
        coap_server_open(&mute, w.lw.kit, w.lw.server_host, &server_env, i == 0 ? LN_UDP : LN_TCP,
                         5700, NULL, say_nothing, NULL);
        ln_msec before = lw_now(&w.lw);
        pull("silence", rows[i].uri, "0/4");
        assert_in_range(lw_now(&w.lw) - before, rows[i].least, rows[i].most);
        coap_server_close(&mute);
        fw_halt(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_keys_fit),
        cmocka_unit_test(test_several_accounts),
        cmocka_unit_test(test_keys_of_an_account),
        cmocka_unit_test(test_the_name_of_an_account),
        cmocka_unit_test(test_the_application_first),
        cmocka_unit_test(test_files_that_change),
        cmocka_unit_test(test_where_redirects_lead),
        cmocka_unit_test(test_our_certificate_stays_at_home),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests_name("firmware/security", tests, make_pki, free_pki);
}
