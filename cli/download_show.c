/* SPDX-License-Identifier: Apache-2.0 */
/* What `linnet download` shows: a line that moves on a terminal, or one for each change; the result. */
#include "download.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Often enough to look alive, seldom enough to cost nothing. */
#define SHOW_MS 100

/* ---- the bar ---- */

void download_bar_init(struct download_bar *bar, FILE *out,
                       const struct download_settings *settings)
{
    const char *slash = strrchr(settings->path, '/');
    *bar = (struct download_bar) { .out = out, .shown_at = -SHOW_MS };
    bar->quiet = settings->args->quiet || settings->args->json;
    bar->on = !bar->quiet && isatty(fileno(out)) != 0 && !settings->args->verbose;
    bar->name = settings->path[0] == '\0' ? "-" : slash != NULL ? slash + 1 : settings->path;
}

void download_bar_clear(struct download_bar *bar)
{
    if (bar->shown)
        fprintf(bar->out, "\r\033[K");
    bar->shown = false;
    fflush(bar->out);
}

static void line_other(const struct download_bar *bar, const struct ln_download *download,
                       const struct ln_download_info *info, ln_msec now, char line[GAUGE_LINE_MAX])
{
    char done[32];
    ln_msec left = info->wait_until > now ? (info->wait_until - now + 999) / 1000 : 0;
    if (info->state == LN_DOWNLOAD_CHECKING)
        snprintf(line, GAUGE_LINE_MAX, "%s  reading what is there from before", bar->name);
    else if (info->reason == LN_DOWNLOAD_NONE)
        snprintf(line, GAUGE_LINE_MAX, "%s  connecting", bar->name);
    else
        snprintf(line, GAUGE_LINE_MAX, "%s  %s; again in %lld s: %s", bar->name,
                 gauge_bytes(info->offset, done), (long long)left,
                 ln_download_diag(download)->text);
}

/* Without a terminal: what a person who reads a log wants to know. */
static void tell_change(struct download_bar *bar, const struct ln_download *download,
                        const struct ln_download_info *info, ln_msec now)
{
    char line[GAUGE_LINE_MAX];
    bool waits = info->state == LN_DOWNLOAD_WAITING && bar->state != LN_DOWNLOAD_WAITING &&
                 info->reason != LN_DOWNLOAD_NONE;
    if (info->restarts > bar->restarts)
        fprintf(bar->out, "linnet download: beginning anew with the first byte\n");
    if (!waits)
        return;
    line_other(bar, download, info, now, line);
    fprintf(bar->out, "linnet download: %s\n", line);
}

void download_bar_update(struct download_bar *bar, const struct ln_download *download, ln_msec now)
{
    struct ln_download_info info;
    char line[GAUGE_LINE_MAX];
    bool due = now - bar->shown_at >= SHOW_MS;
    if (bar->quiet || (bar->on && !due))
        return;
    ln_download_info(download, &info);
    gauge_rate_note(&bar->rate, info.offset, now);
    if (!bar->on) {
        tell_change(bar, download, &info, now);
    } else {
        int columns = gauge_columns(bar->out);
        if (info.state == LN_DOWNLOAD_RUNNING && info.answer != 0)
            gauge_line(bar->name, info.offset, info.has_total ? &info.total : NULL,
                       gauge_rate_of(&bar->rate, info.offset, now), columns, line);
        else
            line_other(bar, download, &info, now, line);
        fprintf(bar->out, "\r\033[K%.*s", columns - 1, line);
        fflush(bar->out);
        bar->shown = true;
        bar->shown_at = now;
    }
    bar->state = info.state;
    bar->restarts = info.restarts;
}

ln_msec download_bar_deadline(const struct download_bar *bar, ln_msec now)
{
    return bar->on ? now + SHOW_MS : LN_NEVER;
}

/* ---- the result ---- */

static void print_failure(FILE *err, const struct download_report *r)
{
    char line[LN_DIAG_LINE_MAX];
    const struct ln_download_info *info = &r->info;
    char done[32];
    if (r->signal != 0) {
        fprintf(err, "linnet download: interrupted\n");
    } else if (r->usage) {
        fprintf(err, "linnet download: %s\n", r->diag.text);
    } else {
        ln_diag_line(&r->diag, line, sizeof line);
        fprintf(err, "linnet download: %s: %s\n", ln_download_reason_word(info->reason), line);
    }
    if (info->requests > 1)
        fprintf(err, "  after %u requests, at %s\n", info->requests,
                gauge_bytes(info->offset, done));
    if (r->kept && info->offset > 0)
        fprintf(err, "  %s of it are kept in %s.part: the same command goes on from there\n",
                gauge_bytes(info->offset, done), r->settings->path);
}

static void print_hex(FILE *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", bytes[i]);
}

void download_print(FILE *out, FILE *err, const struct download_report *r)
{
    char size[32], rate[32];
    const struct ln_download_info *info = &r->info;
    bool quiet = r->settings->args->quiet;
    for (size_t i = 0; i < r->settings->security.warning_count && !quiet; i++)
        fprintf(err, "linnet download: warning: %s\n", r->settings->security.warnings[i]);
    if (info->state != LN_DOWNLOAD_COMPLETE || r->usage) {
        print_failure(err, r);
        return;
    }
    if (quiet)
        return;
    if (r->settings->path[0] == '\0')
        out = err; /* standard output has the file */
    uint64_t fresh = info->offset - info->resumed_at;
    uint64_t speed = r->took_ms > 0 ? fresh * 1000 / (uint64_t)r->took_ms : 0;
    print_hex(out, info->sha256, sizeof info->sha256);
    fprintf(out, "  %s\n", r->settings->path[0] != '\0' ? r->settings->path : "-");
    fprintf(out, "%s in %lld.%01lld s", gauge_bytes(info->offset, size),
            (long long)(r->took_ms / 1000), (long long)(r->took_ms % 1000 / 100));
    if (speed > 0)
        fprintf(out, ", %s/s", gauge_bytes(speed, rate));
    if (info->resumed_at > 0)
        fprintf(out, "; %s were there from before", gauge_bytes(info->resumed_at, size));
    if (info->requests > 1)
        fprintf(out, "; %u requests", info->requests);
    if (info->restarts > 0)
        fprintf(out, "; begun anew %u times", info->restarts);
    fprintf(out, "%s\n", r->settings->has_sha256 ? "; the SHA-256 is the expected one" : "");
}
