/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pull of Firmware Update: one download, its security, and what its end means to the server.
 *
 * Security for each connection: the application's function, then the account of the same server, then
 * the trust and certificate of the configuration, whose files are read anew each time.
 */
#include <linnet/http.h>

#include "objects/firmware.h"

/* OMA's results for the reasons of a download: docs/howto-download.md. */
enum ln_firmware_result ln__firmware_result_of(enum ln_download_reason reason)
{
    static const uint8_t results[] = {
        [LN_DOWNLOAD_BAD_URI] = LN_FIRMWARE_BAD_URI,
        [LN_DOWNLOAD_NAME] = LN_FIRMWARE_BAD_URI,
        [LN_DOWNLOAD_NOT_FOUND] = LN_FIRMWARE_BAD_URI,
        [LN_DOWNLOAD_SCHEME] = LN_FIRMWARE_PROTOCOL,
        [LN_DOWNLOAD_SECURITY] = LN_FIRMWARE_PROTOCOL,
        [LN_DOWNLOAD_MEMORY] = LN_FIRMWARE_NO_MEMORY,
        [LN_DOWNLOAD_SPACE] = LN_FIRMWARE_NO_SPACE,
        [LN_DOWNLOAD_STORE] = LN_FIRMWARE_NO_SPACE,
        [LN_DOWNLOAD_TOO_LARGE] = LN_FIRMWARE_NO_SPACE,
        [LN_DOWNLOAD_DIGEST] = LN_FIRMWARE_INTEGRITY,
        [LN_DOWNLOAD_INTERNAL] = 0, /* as all the rest: the connection did not do it */
    };
    uint8_t result = (size_t)reason < LN_COUNT_OF(results) ? results[reason] : 0;
    return result != 0 ? (enum ln_firmware_result)result : LN_FIRMWARE_CONNECTION_LOST;
}

/* ---- security ---- */

static enum ln_status from_config(const struct ln_firmware *fw,
                                  const struct ln_download_target *target,
                                  struct ln_download_security *out, struct ln_diag *diag)
{
    static const char *const http[] = { LN_HTTP_ALPN };
    static const char *const coap[] = { "coap" };
    const struct ln_firmware_config *c = &fw->config;
    enum ln_uri_scheme scheme = target->uri->scheme;
    struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
    if (c->trust.kind == LN_SOURCE_NONE && !c->system_trust)
        return ln_diag_set(diag, LN_DENIED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "there is no trust anchor for firmware servers: configure a CA");
    o.trust = c->trust;
    o.system_trust = c->system_trust;
    if (target->same_origin) { /* our certificate is for the server that was named, no other */
        o.chain = c->chain;
        o.key = c->key;
    }
    if (scheme == LN_URI_HTTPS || scheme == LN_URI_COAPS_TCP) {
        o.alpn = scheme == LN_URI_HTTPS ? http : coap;
        o.alpn_count = 1;
    }
    return ln_tls_config_new(fw->env, scheme == LN_URI_COAPS ? LN_DTLS : LN_TLS, &o, diag,
                             &out->tls);
}

static enum ln_status secure(void *user, const struct ln_download_target *target,
                             struct ln_download_security *out, struct ln_diag *diag)
{
    const struct ln_firmware *fw = user;
    if (fw->config.security != NULL) {
        enum ln_status st = fw->config.security(fw->config.user, target, out, diag);
        if (st != LN_NOT_FOUND)
            return st;
    }
    if (target->same_origin) {
        enum ln_status st = ln_client_security_for_uri(fw->client, target->uri, out, diag);
        if (st != LN_NOT_FOUND)
            return st;
    }
    return from_config(fw, target, out, diag);
}

/* ---- the download ---- */

void ln__firmware_pull_end(struct ln_firmware *fw)
{
    ln_download_free(fw->download);
    fw->download = NULL;
}

static void failed(struct ln_firmware *fw, enum ln_firmware_result result,
                   const struct ln_diag *diag)
{
    if (diag != NULL)
        fw->diag = *diag;
    ln__firmware_reset(fw, result);
}

static void begin(struct ln_firmware *fw)
{
    struct ln_diag diag = { .status = LN_OK };
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    o.uri = fw->fields.uri;
    o.store = fw->config.store;
    o.sock = fw->config.sock;
    o.security = secure;
    o.security_user = fw;
    o.size_max = fw->config.size_max;
    o.attempts_max = fw->config.attempts_max;
    o.time_max_ms = fw->config.time_max_ms;
    o.rate_max = fw->config.rate_max;
    o.answer_timeout_ms = o.idle_timeout_ms = fw->config.timeout_ms;
    o.coap = fw->config.coap;
    o.bounded_only = true; /* an end that is nothing but a closed connection proves nothing */
    enum ln_status st = ln_download_new(fw->env, &o, &diag, &fw->download);
    if (st == LN_OK)
        return;
    enum ln_firmware_result result = st == LN_UNSUPPORTED ? LN_FIRMWARE_PROTOCOL
                                     : st == LN_NO_MEMORY ? LN_FIRMWARE_NO_MEMORY
                                                          : LN_FIRMWARE_BAD_URI;
    failed(fw, result, &diag);
}

void ln__firmware_pull_step(struct ln_firmware *fw, ln_msec now)
{
    if (fw->pull_wanted && fw->download == NULL) {
        fw->pull_wanted = false;
        begin(fw);
        if (fw->download != NULL && fw->suspended)
            ln_download_suspend(fw->download);
    }
    if (fw->download == NULL)
        return;
    enum ln_status st = ln_download_step(fw->download, now);
    if (st == LN_AGAIN || st == LN_CLOSED)
        return;
    struct ln_download_info info;
    ln_download_info(fw->download, &info);
    if (st != LN_OK) {
        struct ln_diag diag = *ln_download_diag(fw->download);
        failed(fw, ln__firmware_result_of(info.reason), &diag);
        return;
    }
    ln__firmware_pull_end(fw);
    ln__firmware_complete(fw, info.offset, info.sha256);
}
