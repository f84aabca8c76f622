/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet download`: the loop. Signals come through a pipe, so that none is slept over. */
#include "command.h"
#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A machine with a disk: memory is cheap, and waiting for the disk is not. Larger writes cost the
 * system less for each byte: 64 KiB need 13 % more time in all than 256. */
#define BUFFER_BYTES (256u * 1024)
#define BUFFER_LEAST (16u * 1024) /* a head must fit in it */
#define SAVE_BYTES (512u * 1024)        /* the most that kill -9 costs */
#define SYNC_BYTES (64u * 1024 * 1024)  /* the most that a loss of power costs */

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
    int kept = errno;
    unsigned char byte = (unsigned char)number;
    (void)!write(signal_pipe[1], &byte, 1);
    errno = kept;
}

static bool hear_signals(void)
{
    struct sigaction action;
    if (pipe(signal_pipe) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigemptyset(&action.sa_mask);
    struct sigaction ignore = action;
    ignore.sa_handler = SIG_IGN;
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
           sigaction(SIGPIPE, &ignore, NULL) == 0; /* for -o - */
}

static int heard(void)
{
    unsigned char byte = 0;
    return read(signal_pipe[0], &byte, 1) == 1 ? byte : 0;
}

/* ---- making it ---- */

static uint32_t or_default(int64_t ms)
{
    return ms > 0 ? (uint32_t)ms : 0;
}

/* What is handed out at once is followed by a pause as long as it was: some of them in a second. */
static uint32_t buffer_of(uint64_t rate)
{
    uint64_t wanted = rate != 0 ? rate / 4 : BUFFER_BYTES;
    return wanted > BUFFER_BYTES   ? BUFFER_BYTES
           : wanted < BUFFER_LEAST ? BUFFER_LEAST
                                   : (uint32_t)wanted;
}

static struct ln_download_options options_of(const struct download_settings *s,
                                             struct download_keys *keys, struct download_file *file)
{
    const struct download_args *args = s->args;
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    o.uri = args->uri;
    o.user = args->user;
    o.password = args->user != NULL ? s->password : NULL;
    o.store = download_file_store(file);
    o.sock = s->sock;
    o.security = download_keys_give;
    o.security_user = keys;
    if (s->has_sha256)
        o.sha256 = ln_span(s->sha256, sizeof s->sha256);
    o.size_max = args->limit_size;
    o.bytes_max = args->limit_bytes;
    o.time_max_ms = (uint64_t)args->limit_time_ms;
    o.attempts_max = (uint32_t)args->tries;
    o.answer_timeout_ms = o.idle_timeout_ms = or_default(args->timeout_ms);
    o.open_timeout_ms = 2 * or_default(args->timeout_ms);
    o.rate_max = args->limit_rate;
    o.buffer_bytes = buffer_of(args->limit_rate);
    o.save_bytes = SAVE_BYTES;
    o.sync_bytes = SYNC_BYTES;
    o.insecure_downgrade = args->insecure_downgrade;
    o.insecure_basic = args->insecure_basic;
    return o;
}

/* ---- the loop ---- */

static void wait_for(const struct ln_env *env, struct ln_interest *want, struct download_bar *bar)
{
    ln_msec now = ln_now(env);
    if (want->ready)
        return;
    ln_interest_add(want, signal_pipe[0], LN_WANT_READ);
    ln_interest_until(want, download_bar_deadline(bar, now));
    (void)env->net.ops->wait(env->net.ctx, want, want->deadline);
}

static enum ln_status loop(const struct ln_env *env, struct ln_download *download,
                           struct download_bar *bar, int *signal_number)
{
    for (;;) {
        struct ln_interest want;
        enum ln_status st = ln_download_step(download, ln_now(env));
        download_bar_update(bar, download, ln_now(env));
        if (st != LN_AGAIN)
            return st;
        ln_download_interest(download, &want);
        wait_for(env, &want, bar);
        *signal_number = heard();
        if (*signal_number != 0)
            ln_download_cancel(download);
    }
}

static void note(const struct ln_download *download, struct download_report *out)
{
    ln_download_info(download, &out->info);
    ln_download_tls_info(download, &out->tls);
    snprintf(out->alpn, sizeof out->alpn, "%s", out->tls.alpn);
    out->tls.alpn = "";
    out->diag = *ln_download_diag(download);
}

static void put_in_place(struct download_file *file, struct download_report *out)
{
    if (download_file_finish(file))
        return;
    out->info.state = LN_DOWNLOAD_FAILED;
    out->info.reason = LN_DOWNLOAD_STORE;
    ln_diag_clear(&out->diag);
    (void)ln_diag_set(&out->diag, LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER,
                      "it is complete, but cannot be renamed to %.120s: %s", file->path,
                      strerror(errno));
}

static enum ln_status run(const struct ln_env *env, const struct download_settings *settings,
                          struct download_keys *keys, struct download_file *file,
                          struct download_report *out)
{
    struct ln_download_options options = options_of(settings, keys, file);
    struct ln_download *download = NULL;
    struct download_bar bar;
    ln_msec start = ln_now(env);
    enum ln_status st = ln_download_new(env, &options, &out->diag, &download);
    if (st == LN_NO_MEMORY)
        return st;
    if (st != LN_OK) {
        out->usage = true;
        return LN_OK;
    }
    download_bar_init(&bar, stderr, settings);
    st = loop(env, download, &bar, &out->signal);
    download_bar_clear(&bar);
    note(download, out);
    out->took_ms = ln_now(env) - start;
    ln_download_free(download);
    if (st == LN_OK)
        put_in_place(file, out);
    return LN_OK;
}

enum ln_status download_run(const struct ln_env *env, const struct download_settings *settings,
                            struct download_report *out)
{
    static struct download_keys keys; /* large */
    static struct download_file file;
    *out = (struct download_report) { .settings = settings };
    ln_diag_clear(&out->diag);
    download_keys_init(&keys, env, settings);
    download_file_init(&file, settings->path);
    if (settings->args->restart)
        download_file_discard(&file);
    enum ln_status st = download_keys_check(&keys, &out->diag);
    out->usage = st != LN_OK && st != LN_NO_MEMORY;
    if (st == LN_OK)
        st = hear_signals() ? run(env, settings, &keys, &file, out) : LN_NO_MEMORY;
    out->kept = download_file_is_kept(&file);
    download_file_close(&file);
    download_keys_free(&keys);
    return out->usage ? LN_OK : st;
}

/* ---- what it came to ---- */

static const struct {
    enum ln_download_reason reason;
    int status;
} statuses[] = {
    { LN_DOWNLOAD_NONE, EXIT_FINE }, { LN_DOWNLOAD_BAD_URI, 10 },    { LN_DOWNLOAD_SCHEME, 10 },
    { LN_DOWNLOAD_NOT_FOUND, 10 },   { LN_DOWNLOAD_DENIED, 10 },     { LN_DOWNLOAD_ANSWER, 10 },
    { LN_DOWNLOAD_REDIRECT, 10 },    { LN_DOWNLOAD_UNBOUNDED, 10 },  { LN_DOWNLOAD_TOO_LARGE, 10 },
    { LN_DOWNLOAD_NAME, 11 },        { LN_DOWNLOAD_CONNECTION, 11 }, { LN_DOWNLOAD_BUSY, 11 },
    { LN_DOWNLOAD_PROTOCOL, 11 },    { LN_DOWNLOAD_CHANGED, 12 },    { LN_DOWNLOAD_SECURITY, 13 },
    { LN_DOWNLOAD_HANDSHAKE, 13 },   { LN_DOWNLOAD_DIGEST, 14 },     { LN_DOWNLOAD_SPACE, 15 },
    { LN_DOWNLOAD_STORE, 15 },       { LN_DOWNLOAD_BYTES, 16 },      { LN_DOWNLOAD_TIME, 16 },
};

int download_exit_status(const struct download_report *report)
{
    if (report->usage)
        return EXIT_USAGE;
    if (report->signal != 0 && report->info.state != LN_DOWNLOAD_COMPLETE)
        return 128 + report->signal; /* as a shell tells it */
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].reason == report->info.reason)
            return statuses[i].status;
    return 17;
}
