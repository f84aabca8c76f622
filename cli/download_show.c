/* SPDX-License-Identifier: Apache-2.0 */
/* What `linnet download` shows: a line that moves on a terminal, or one for each change; the result. */
#include "download.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Often enough to look alive, seldom enough to cost nothing. */
#define SHOW_MS 100
#define SAMPLE_MS 250
#define LINE_MAX_ 512

/* ---- numbers for people ---- */

static const char *bytes_text(uint64_t bytes, char text[32])
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

static const char *time_text(uint64_t seconds, char text[32])
{
    if (seconds >= 3600)
        snprintf(text, 32, "%" PRIu64 ":%02u:%02u", seconds / 3600, (unsigned)(seconds / 60 % 60),
                 (unsigned)(seconds % 60));
    else
        snprintf(text, 32, "%02u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    return text;
}

/* ---- the bar ---- */

static int columns_of(FILE *out)
{
    struct winsize size;
    memset(&size, 0, sizeof size);
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

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

static void take_sample(struct download_bar *bar, uint64_t offset, ln_msec now)
{
    unsigned last = (bar->sample_count + DOWNLOAD_SAMPLES - 1) % DOWNLOAD_SAMPLES;
    if (bar->sample_count > 0 && now - bar->samples[last].at < SAMPLE_MS)
        return;
    unsigned at = bar->sample_count % DOWNLOAD_SAMPLES;
    bar->samples[at].at = now;
    bar->samples[at].offset = offset;
    bar->sample_count++;
}

/* Bytes in a second, over the last seconds; 0 = not known yet. */
static uint64_t rate_of(const struct download_bar *bar, uint64_t offset, ln_msec now)
{
    unsigned first =
        bar->sample_count > DOWNLOAD_SAMPLES ? bar->sample_count % DOWNLOAD_SAMPLES : 0;
    ln_msec passed = bar->sample_count > 0 ? now - bar->samples[first].at : 0;
    if (passed < SAMPLE_MS || offset < bar->samples[first].offset)
        return 0;
    return (offset - bar->samples[first].offset) * 1000 / (uint64_t)passed;
}

static void draw_gauge(char *text, size_t room, int width, unsigned permille)
{
    int filled = (int)((unsigned)width * permille / 1000);
    size_t at = 0;
    if (room < (size_t)width + 3)
        return;
    text[at++] = '[';
    for (int i = 0; i < width; i++)
        text[at++] = i < filled ? '=' : i == filled ? '>' : ' ';
    text[at++] = ']';
    text[at] = '\0';
}

static unsigned permille_of(const struct ln_download_info *info)
{
    if (!info->has_total || info->total == 0)
        return info->has_total ? 1000 : 0;
    return (unsigned)(info->offset / (info->total / 1000 + 1) > 1000
                          ? 1000
                          : (double)info->offset / (double)info->total * 1000);
}

static void line_running(const struct download_bar *bar, const struct ln_download_info *info,
                         ln_msec now, int columns, char line[LINE_MAX_])
{
    char done[32], total[32], rate[32], left[32];
    char right[160];
    char gauge[128] = "";
    uint64_t speed = rate_of(bar, info->offset, now);
    int used = snprintf(right, sizeof right, "%s", bytes_text(info->offset, done));
    if (info->has_total)
        used += snprintf(right + used, sizeof right - (size_t)used, " of %s",
                         bytes_text(info->total, total));
    if (speed > 0)
        used +=
            snprintf(right + used, sizeof right - (size_t)used, "  %s/s", bytes_text(speed, rate));
    if (speed > 0 && info->has_total)
        used += snprintf(right + used, sizeof right - (size_t)used, "  %s left",
                         time_text((info->total - info->offset) / speed, left));
    int width = columns - used - (int)strlen(bar->name) - 14;
    if (info->has_total && width >= 10)
        draw_gauge(gauge, sizeof gauge, width < 60 ? width : 60, permille_of(info));
    if (info->has_total)
        snprintf(line, LINE_MAX_, "%s %3u%% %s %s", bar->name, permille_of(info) / 10, gauge,
                 right);
    else
        snprintf(line, LINE_MAX_, "%s  %s", bar->name, right);
}

static void line_other(const struct download_bar *bar, const struct ln_download *download,
                       const struct ln_download_info *info, ln_msec now, char line[LINE_MAX_])
{
    char done[32];
    ln_msec left = info->wait_until > now ? (info->wait_until - now + 999) / 1000 : 0;
    if (info->state == LN_DOWNLOAD_CHECKING)
        snprintf(line, LINE_MAX_, "%s  reading what is there from before", bar->name);
    else if (info->reason == LN_DOWNLOAD_NONE)
        snprintf(line, LINE_MAX_, "%s  connecting", bar->name);
    else
        snprintf(line, LINE_MAX_, "%s  %s; again in %lld s: %s", bar->name,
                 bytes_text(info->offset, done), (long long)left, ln_download_diag(download)->text);
}

/* Without a terminal: what a person who reads a log wants to know. */
static void tell_change(struct download_bar *bar, const struct ln_download *download,
                        const struct ln_download_info *info, ln_msec now)
{
    char line[LINE_MAX_];
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
    char line[LINE_MAX_];
    bool due = now - bar->shown_at >= SHOW_MS;
    if (bar->quiet || (bar->on && !due))
        return;
    ln_download_info(download, &info);
    take_sample(bar, info.offset, now);
    if (!bar->on) {
        tell_change(bar, download, &info, now);
    } else {
        int columns = columns_of(bar->out);
        if (info.state == LN_DOWNLOAD_RUNNING && info.answer != 0)
            line_running(bar, &info, now, columns, line);
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
                bytes_text(info->offset, done));
    if (r->kept && info->offset > 0)
        fprintf(err, "  %s of it are kept in %s.part: the same command goes on from there\n",
                bytes_text(info->offset, done), r->settings->path);
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
    fprintf(out, "%s in %lld.%01lld s", bytes_text(info->offset, size),
            (long long)(r->took_ms / 1000), (long long)(r->took_ms % 1000 / 100));
    if (speed > 0)
        fprintf(out, ", %s/s", bytes_text(speed, rate));
    if (info->resumed_at > 0)
        fprintf(out, "; %s were there from before", bytes_text(info->resumed_at, size));
    if (info->requests > 1)
        fprintf(out, "; %u requests", info->requests);
    if (info->restarts > 0)
        fprintf(out, "; begun anew %u times", info->restarts);
    fprintf(out, "%s\n", r->settings->has_sha256 ? "; the SHA-256 is the expected one" : "");
}
