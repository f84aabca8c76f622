/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet probe`: configure, connect N times, and note what happened. */
#include "command.h"
#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The library gives up by itself at the timeout; this is for what it should miss. */
#define GRACE_MS 500

/* ---- the socket ---- */

static enum ln_status make_socket(const struct ln_env *env, const struct probe_settings *settings,
                                  struct ln_tls_config *config, struct ln_diag *diag,
                                  struct ln_sock **out)
{
    const char *name = settings->args->security.sni;
    enum ln_status st = ln_sock_new(env, settings->kind, &settings->sock, config, diag, out);
    if (st != LN_OK || name == NULL)
        return st;
    st = ln_sock_set_server_name(*out, name);
    if (st == LN_OK)
        return LN_OK;
    return ln_diag_set(diag, st, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "--sni: '%.100s' is not a host name", name);
}

/* ---- one connect ---- */

static void note_chain(const struct ln_sock *s, struct probe_report *report)
{
    static uint8_t der[65536];
    if (report->certificate_count > 0)
        return;
    for (size_t i = 0; i < LN_CHAIN_MAX; i++) {
        size_t len = 0;
        if (ln_sock_peer_certificate(s, i, ln_mspan(der, sizeof der), &len) != LN_OK ||
            ln_certificate_read(ln_span(der, len), &report->certificates[i]) != LN_OK)
            return;
        report->certificate_count = i + 1;
    }
}

/* What failed took the time that no finished phase has. */
static void note_times(struct probe_attempt *out)
{
    ln_msec rest = out->total_ms - out->info.resolve_ms - out->info.connect_ms;
    if (out->diag.phase == LN_PHASE_RESOLVE)
        out->info.resolve_ms = out->total_ms;
    else if (out->diag.phase == LN_PHASE_CONNECT)
        out->info.connect_ms = out->total_ms - out->info.resolve_ms;
    else if (out->diag.phase == LN_PHASE_HANDSHAKE && rest > 0)
        out->info.tls.handshake_ms = rest;
}

static void note_info(const struct ln_sock *s, const struct ln_sock_info *before,
                      const struct probe_settings *settings, struct probe_attempt *out)
{
    ln_sock_info(s, &out->info);
    if (out->info.tls.alpn != NULL)
        snprintf(out->alpn, sizeof out->alpn, "%s", out->info.tls.alpn);
    out->info.tls.alpn = NULL;
    out->info.host = settings->host;
    out->wire_sent = out->info.wire_sent - before->wire_sent;
    out->wire_received = out->info.wire_received - before->wire_received;
}

static void attempt_once(const struct ln_env *env, struct ln_sock *s, struct probe_report *report,
                         struct probe_attempt *out)
{
    const struct probe_settings *settings = report->settings;
    struct ln_sock_info before;
    ln_sock_info(s, &before);
    ln_msec start = ln_now(env);
    ln_msec deadline = ln_deadline_in(env, settings->args->timeout_ms + GRACE_MS);
    enum ln_status st = ln_sock_connect_until(s, settings->host, settings->uri.port, deadline);
    out->total_ms = ln_now(env) - start;
    if (st == LN_OK)
        probe_after(env, s, settings, out);
    else
        out->diag = *ln_sock_diag(s);
    if (settings->kind == LN_UDP) /* the question and its answer are all there is */
        out->total_ms = ln_now(env) - start;
    if (st != LN_OK && out->diag.status == LN_OK) /* a status without its story */
        ln_diag_set(&out->diag, st, LN_CAT_INTERNAL_FAULT, LN_PHASE_CONNECT, "%s: %s",
                    ln_status_name(st), ln_status_meaning(st));
    note_info(s, &before, settings, out);
    note_chain(s, report);
    if (out->diag.status == LN_OK)
        report->good++;
    else
        note_times(out);
    ln_sock_close(s);
}

/* ---- a second look ---- */

/* Whether a certificate was refused: then a person wants to see it. */
static bool was_refused(enum ln_verify verify)
{
    return verify != LN_VERIFY_NOT_DONE && verify != LN_VERIFY_OK && verify != LN_VERIFY_UNWANTED;
}

/* Connect once more, without verification and without anything of ours, and note the chain. */
static void look_again(const struct ln_env *env, struct probe_report *report)
{
    const struct probe_settings *settings = report->settings;
    const struct ln_diag *failure = probe_failure(report);
    if (failure == NULL || !was_refused(failure->verify) || report->certificate_count > 0)
        return;
    struct ln_tls_options tls = settings->security.tls;
    struct ln_tls_options none = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    struct ln_sock *s = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    tls.auth = LN_AUTH_CERTIFICATE;
    tls.insecure_skip_verification = true;
    tls.trust = tls.crls = tls.chain = tls.key = none.trust;
    tls.tlsa_count = 0;
    tls.system_trust = false;
    tls.sessions = NULL;
    tls.insecure_keylog = NULL;
    if (ln_tls_config_new(env, settings->kind, &tls, &diag, &config) == LN_OK &&
        make_socket(env, settings, config, &diag, &s) == LN_OK &&
        ln_sock_connect_until(s, settings->host, settings->uri.port,
                              ln_deadline_in(env, settings->args->timeout_ms)) == LN_OK) {
        note_chain(s, report);
        report->second_look = report->certificate_count > 0;
    }
    ln_sock_free(s);
    ln_tls_config_unref(config);
}

/* ---- configuration ---- */

static FILE *keylog_file;

static void keylog(void *user, const char *line)
{
    fprintf(user, "%s\n", line);
    fflush(user);
}

static enum ln_status open_keylog(struct ln_tls_options *tls, const char *path,
                                  struct ln_diag *diag)
{
    if (path == NULL)
        return LN_OK;
    /* whoever reads it reads the traffic: nobody else shall */
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    keylog_file = descriptor >= 0 ? fdopen(descriptor, "a") : NULL;
    if (keylog_file == NULL)
        return ln_diag_set(diag, LN_IO, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "--keylog: cannot write to %.100s", path);
    tls->insecure_keylog = keylog;
    tls->keylog_user = keylog_file;
    return LN_OK;
}

static enum ln_status configure(const struct ln_env *env, struct probe_settings *settings,
                                struct ln_session_store *store, struct ln_diag *diag,
                                struct ln_tls_config **out)
{
    if (!settings->secure)
        return LN_OK;
    if (settings->args->resume != NULL)
        settings->security.tls.sessions = store;
    enum ln_status st = open_keylog(&settings->security.tls, settings->args->keylog, diag);
    if (st == LN_OK)
        st = ln_tls_config_new(env, settings->kind, &settings->security.tls, diag, out);
    return st;
}

/* ---- the run ---- */

static enum ln_status run_socket(const struct ln_env *env, struct ln_sock *s,
                                 struct probe_report *report)
{
    size_t wanted = (size_t)report->settings->args->count;
    report->attempts = calloc(wanted, sizeof *report->attempts);
    if (report->attempts == NULL)
        return LN_NO_MEMORY;
    for (; report->count < wanted; report->count++)
        attempt_once(env, s, report, &report->attempts[report->count]);
    return LN_OK;
}

enum ln_status probe_run(const struct ln_env *env, struct probe_settings *settings,
                         struct probe_report *out)
{
    struct probe_session session = { env, settings->args->resume };
    struct ln_session_store store = probe_session_store(&session);
    struct ln_tls_config *config = NULL;
    struct ln_sock *s = NULL;
    *out = (struct probe_report) { .settings = settings, .now = env->clock.wall(env->clock.ctx) };

    enum ln_status st = configure(env, settings, &store, &out->config, &config);
    if (st == LN_OK)
        st = make_socket(env, settings, config, &out->config, &s);
    if (st == LN_OK)
        st = run_socket(env, s, out);
    else if (out->config.status != LN_OK)
        st = LN_OK; /* refused: the report tells */
    ln_sock_free(s);
    ln_tls_config_unref(config);
    if (st == LN_OK)
        look_again(env, out);
    if (keylog_file != NULL)
        fclose(keylog_file);
    keylog_file = NULL;
    settings->security.tls.sessions = NULL; /* its store ends here */
    return st;
}

void probe_report_free(struct probe_report *report)
{
    free(report->attempts);
    report->attempts = NULL;
    report->count = 0;
}

const struct ln_diag *probe_failure(const struct probe_report *report)
{
    if (report->config.status != LN_OK)
        return &report->config;
    for (size_t i = 0; i < report->count; i++) {
        if (report->attempts[i].diag.status != LN_OK)
            return &report->attempts[i].diag;
    }
    return NULL;
}

int probe_exit_status(const struct probe_report *report)
{
    if (report->config.status != LN_OK)
        return EXIT_USAGE;
    const struct ln_diag *failure = probe_failure(report);
    return failure != NULL ? EXIT_CATEGORY + (int)failure->category : EXIT_FINE;
}
