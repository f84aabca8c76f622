/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file download.c
 * What a download costs, for scripts/bench.
 *
 * usage: bench_download fetch URI hash|plain
 *            the file goes nowhere; `plain` computes no SHA-256, as other clients do not: callgrind
 *            counts it for a processor without SHA instructions
 *        bench_download far BYTES AHEAD
 *            by coap over a simulated link of 1 Mbit/s and 100 ms there and back: prints its time
 */
#include "support/coapfile.h"
#include "support/httpserver.h"

#include <linnet/download.h>
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

static uint64_t download(const struct ln_env *env, const char *uri, uint8_t ahead)
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

static int fetch(const char *uri, bool plain)
{
    struct ln_env *env = NULL;
    need(ln_env_posix_new(&env) == LN_OK, "no environment");
    if (plain)
        env->digest.pieces = &no_digest;
    printf("bytes=%llu\n", (unsigned long long)download(env, uri, 0));
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
    need(download(&env[0], "coap://192.0.2.1/fw", ahead) == bytes, "not all came");
    printf("ms=%lld\n", (long long)(ln_testkit_now(kit) - began));
    coap_server_close(&server);
    ln_testkit_free(kit);
    free(content);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "fetch") == 0)
        return fetch(argv[2], strcmp(argv[3], "plain") == 0);
    if (argc == 4 && strcmp(argv[1], "far") == 0)
        return far_away(strtoul(argv[2], NULL, 10), (uint8_t)strtoul(argv[3], NULL, 10));
    (void)fprintf(stderr, "usage: bench_download fetch URI hash|plain | far BYTES AHEAD\n");
    return 2;
}
