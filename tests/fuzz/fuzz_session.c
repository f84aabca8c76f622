/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_session.c
 * A stored session of any content: offered to a connect, it is used or ignored, and never crashes.
 *
 * The first byte of the input chooses: even, the rest is the blob as the store gives it; odd, the
 * rest is what the TLS library stored, in a frame that is whole and fits, so that the library's own
 * reader sees it too.
 */
#include "fuzz/fuzz.h"
#include "tls/filter.h"
#include <linnet/tls.h>
#include <stdlib.h>

static struct ln_env *env;
static struct ln_sock *sock;
static uint8_t stored[LN_SESSION_MAX];
static size_t stored_len;

static enum ln_status load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    (void)ctx;
    (void)key;
    *len = stored_len;
    if (room.len < stored_len)
        return LN_NO_SPACE;
    memcpy(room.data, stored, stored_len);
    return LN_OK;
}

static enum ln_status save(void *ctx, const char *key, struct ln_span blob)
{
    (void)ctx;
    (void)key;
    memcpy(stored, blob.data, blob.len);
    stored_len = blob.len;
    return LN_OK;
}

static enum ln_status forget(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return LN_OK;
}

/* A transport that takes everything and answers nothing. */
static enum ln_status null_connect(struct ln_sock *s, ln_msec now)
{
    (void)s;
    (void)now;
    return LN_OK;
}

static enum ln_status null_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    (void)s;
    *sent = data.len;
    return LN_OK;
}

static enum ln_status null_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    (void)s;
    (void)room;
    *got = 0;
    return LN_AGAIN;
}

static const struct ln_sock_ops null_ops = { .name = "null",
                                             .traits = LN_TRAIT_STREAM,
                                             .connect = null_connect,
                                             .send = null_send,
                                             .recv = null_recv };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void set_up(void)
{
    static const struct ln_session_store store = { load, save, forget, NULL };
    struct ln_tls_config *tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    options.insecure_skip_verification = true;
    options.sessions = &store;
    must(ln_env_posix_new(&env) == LN_OK);
    env->log.level = LN_LOG_OFF;
    must(ln_tls_config_new(env, LN_TLS, &options, NULL, &tls) == LN_OK);
    must(ln_filter_new(&null_ops, sizeof(struct ln_sock), env, NULL, &sock) == LN_OK);
    must(ln_sock_wrap(&sock, tls, NULL, NULL) == LN_OK);
    ln_tls_config_unref(tls);
}

static void offer(void)
{
    enum ln_status st = ln_sock_connect(sock, "server.example", 443, 0);
    must(st == LN_AGAIN || st == LN_NO_MEMORY);
    ln_sock_close(sock);
}

/** Have the library put the payload into a frame for this peer and these settings. */
static void frame(const uint8_t *payload, size_t len)
{
    stored_len = 0;
    enum ln_status st = ln_sock_connect(sock, "server.example", 443, 0);
    if (st == LN_AGAIN)
        ln__tls_session_save(ln__tls_of(sock), ln_span(payload, len));
    ln_sock_close(sock);
    must(st == LN_NO_MEMORY || stored_len > len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (sock == NULL)
        set_up();
    if (size == 0 || size > 8192)
        return 0;
    if ((data[0] & 1) != 0) {
        frame(data + 1, size - 1);
    } else {
        memcpy(stored, data + 1, size - 1);
        stored_len = size - 1;
    }
    offer();
    return 0;
}
