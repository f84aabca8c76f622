/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file download.c
 * What a download costs, for scripts/bench.
 *
 * usage: bench_download fetch URI hash|plain [CA]
 *            the file goes nowhere; `plain` computes no SHA-256, as other clients do not: callgrind
 *            counts it for a processor without SHA instructions
 *        bench_download raw PORT PATH CA
 *            the same from https://localhost by a loop over a secure socket: it asks, and receives
 *            until the server ends the connection
 *        bench_download far BYTES AHEAD
 *            by coap over a simulated link of 1 Mbit/s and 100 ms there and back: prints its time
 */
#include "support/coapfile.h"
#include "support/httpserver.h"

#include <linnet/blocking.h>
#include <linnet/download.h>
#include <linnet/tls.h>
#include <stdio.h>
#include <stdlib.h>

static void need(bool truth, const char *what)
{
    if (truth)
        return;
    (void)fprintf(stderr, "bench_download: %s\n", what);
    exit(1);
}

/* ---- a store that keeps nothing ---- */

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    (void)ctx, (void)diag;
    return offset == 0 ? LN_OK : LN_IO;
}

static enum ln_status count(void *ctx, uint64_t offset, struct ln_span data, struct ln_diag *diag)
{
    uint64_t *stored = ctx;
    (void)diag;
    need(offset == *stored, "bytes out of order");
    *stored += data.len;
    return LN_OK;
}

/* ---- a digest that costs nothing ---- */

static enum ln_status no_begin(void *ctx, const struct ln_env *env, enum ln_hash hash, void **out)
{
    static int one;
    (void)ctx, (void)env, (void)hash;
    *out = &one;
    return LN_OK;
}

static enum ln_status no_update(void *digest, struct ln_span data)
{
    (void)digest, (void)data;
    return LN_OK;
}

static enum ln_status no_value(void *digest, uint8_t out[LN_HASH_MAX])
{
    (void)digest;
    memset(out, 0, LN_HASH_MAX);
    return LN_OK;
}

static void no_end(void *digest)
{
    (void)digest;
}

static const struct ln_digest_ops no_digest = { no_begin, no_update, no_value, no_end };

/* ---- the actions ---- */

static struct ln_tls_config *trusting(const struct ln_env *env, const char *ca)
{
    static const char *const alpn[] = { "http/1.1" };
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    o.trust = ln_source_file(ca);
    o.alpn = alpn;
    o.alpn_count = 1;
    need(ln_tls_config_new(env, LN_TLS, &o, &diag, &config) == LN_OK, diag.text);
    return config;
}

static uint64_t download(const struct ln_env *env, const char *uri, struct ln_tls_config *tls,
                         uint8_t ahead)
{
    uint64_t stored = 0;
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    struct ln_download *d = NULL;
    struct ln_diag diag;
    enum ln_status st;
    ln_diag_clear(&diag);
    o.uri = uri;
    o.store.begin = begin;
    o.store.write = count;
    o.store.ctx = &stored;
    o.tls = tls;
    o.coap_ahead = ahead;
    need(ln_download_new(env, &o, &diag, &d) == LN_OK, diag.text);
    while ((st = ln_download_step(d, ln_now(env))) == LN_AGAIN) {
        struct ln_interest want;
        ln_download_interest(d, &want);
        if (!want.ready)
            need(env->net.ops->wait(env->net.ctx, &want, want.deadline) == LN_OK, "cannot wait");
    }
    need(st == LN_OK, ln_download_diag(d)->text);
    ln_download_free(d);
    return stored;
}

static int fetch(const char *uri, bool plain, const char *ca)
{
    struct ln_env *env = NULL;
    struct ln_tls_config *tls = NULL;
    need(ln_env_posix_new(&env) == LN_OK, "no environment");
    if (plain)
        env->digest.pieces = &no_digest;
    if (ca != NULL)
        tls = trusting(env, ca);
    printf("bytes=%llu\n", (unsigned long long)download(env, uri, tls, 0));
    ln_tls_config_unref(tls);
    ln_env_posix_free(env);
    return 0;
}

static int raw(uint16_t port, const char *path, const char *ca)
{
    static uint8_t room[16384];
    struct ln_env *env = NULL;
    struct ln_sock *s = NULL;
    struct ln_diag diag;
    uint64_t received = 0;
    size_t n = 0;
    need(ln_env_posix_new(&env) == LN_OK, "no environment");
    ln_diag_clear(&diag);
    struct ln_tls_config *tls = trusting(env, ca);
    need(ln_sock_new(env, LN_TLS, NULL, tls, &diag, &s) == LN_OK, diag.text);
    need(ln_sock_connect_until(s, "localhost", port, LN_NEVER) == LN_OK, ln_sock_diag(s)->text);
    int len = snprintf((char *)room, sizeof room,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    need(ln_sock_send_until(s, ln_span(room, (size_t)len), LN_NEVER, NULL) == LN_OK,
         ln_sock_diag(s)->text);
    do {
        need(ln_sock_recv_until(s, ln_mspan(room, sizeof room), LN_NEVER, &n) == LN_OK,
             ln_sock_diag(s)->text);
        received += n;
    } while (n > 0);
    printf("bytes=%llu\n", (unsigned long long)received);
    ln_sock_free(s);
    ln_tls_config_unref(tls);
    ln_env_posix_free(env);
    return 0;
}

static struct coap_file file;

static void respond(void *user, const struct coap_ask *ask, struct coap_say *say)
{
    (void)user;
    coap_serve_file(&file, ask, say);
}

static int far_away(size_t bytes, uint8_t ahead)
{
    static struct coap_server server;
    const struct ln_testkit_link link = {
        .delay_min_ms = 50, .bytes_per_s = 125000, .keep_order = true, .mtu = 1500
    };
    struct ln_testkit *kit = NULL;
    struct ln_testkit_host *hosts[2] = { NULL, NULL };
    struct ln_env env[2];
    uint8_t *content = calloc(1, bytes);
    need(content != NULL, "no memory");
    need(ln_testkit_new(NULL, &kit) == LN_OK &&
             ln_testkit_host_new(kit, "device", "192.0.2.10", &hosts[0]) == LN_OK &&
             ln_testkit_host_new(kit, "server", "192.0.2.1", &hosts[1]) == LN_OK &&
             ln_testkit_path(kit, NULL, NULL, &link) == LN_OK,
         "no world");
    ln_testkit_env(hosts[0], &env[0]);
    ln_testkit_env(hosts[1], &env[1]);
    file = (struct coap_file) { .content = { content, bytes }, .etag = ln_span_str("v1") };
    coap_server_open(&server, kit, hosts[1], &env[1], LN_UDP, 5683, NULL, respond, NULL);
    ln_msec began = ln_testkit_now(kit);
    need(download(&env[0], "coap://192.0.2.1/fw", NULL, ahead) == bytes, "not all came");
    printf("ms=%lld\n", (long long)(ln_testkit_now(kit) - began));
    coap_server_close(&server);
    ln_testkit_free(kit);
    free(content);
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "fetch") == 0)
        return fetch(argv[2], strcmp(argv[3], "plain") == 0, argv[4]);
    if (argc == 5 && strcmp(argv[1], "raw") == 0)
        return raw((uint16_t)strtoul(argv[2], NULL, 10), argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "far") == 0)
        return far_away(strtoul(argv[2], NULL, 10), (uint8_t)strtoul(argv[3], NULL, 10));
    (void)fprintf(
        stderr,
        "usage: bench_download fetch URI hash|plain [CA] | raw PORT PATH CA | far BYTES AHEAD\n");
    return 2;
}
