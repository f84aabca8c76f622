/* SPDX-License-Identifier: Apache-2.0 */
/* A bar, and the numbers beside it. See gauge.h. */
#include "gauge.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAMPLE_MS 250
#define BAR_MIN 10
#define BAR_MAX 60

const char *gauge_bytes(uint64_t bytes, char text[32])
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

const char *gauge_time(uint64_t seconds, char text[32])
{
    if (seconds >= 3600)
        snprintf(text, 32, "%" PRIu64 ":%02u:%02u", seconds / 3600, (unsigned)(seconds / 60 % 60),
                 (unsigned)(seconds % 60));
    else
        snprintf(text, 32, "%02u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    return text;
}

int gauge_columns(FILE *out)
{
    struct winsize size;
    memset(&size, 0, sizeof size);
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

void gauge_rate_note(struct gauge_rate *rate, uint64_t offset, ln_msec now)
{
    unsigned last = (rate->count + GAUGE_SAMPLES - 1) % GAUGE_SAMPLES;
    if (rate->count > 0 && now - rate->samples[last].at < SAMPLE_MS)
        return;
    unsigned at = rate->count % GAUGE_SAMPLES;
    rate->samples[at].at = now;
    rate->samples[at].offset = offset;
    rate->count++;
}

uint64_t gauge_rate_of(const struct gauge_rate *rate, uint64_t offset, ln_msec now)
{
    unsigned first = rate->count > GAUGE_SAMPLES ? rate->count % GAUGE_SAMPLES : 0;
    ln_msec passed = rate->count > 0 ? now - rate->samples[first].at : 0;
    if (passed < SAMPLE_MS || offset < rate->samples[first].offset)
        return 0;
    return (offset - rate->samples[first].offset) * 1000 / (uint64_t)passed;
}

static void draw(char *text, size_t room, int width, unsigned permille)
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

static unsigned permille_of(uint64_t offset, uint64_t total)
{
    return offset >= total ? 1000 : (unsigned)((double)offset / (double)total * 1000);
}

void gauge_line(const char *name, uint64_t offset, const uint64_t *total, uint64_t speed,
                int columns, char line[GAUGE_LINE_MAX])
{
    char done[32], all[32], each[32], left[32];
    char right[160];
    char bar[128] = "";
    int used = snprintf(right, sizeof right, "%s", gauge_bytes(offset, done));
    if (total != NULL)
        used +=
            snprintf(right + used, sizeof right - (size_t)used, " of %s", gauge_bytes(*total, all));
    if (speed > 0)
        used +=
            snprintf(right + used, sizeof right - (size_t)used, "  %s/s", gauge_bytes(speed, each));
    if (speed > 0 && total != NULL && *total >= offset)
        used += snprintf(right + used, sizeof right - (size_t)used, "  %s left",
                         gauge_time((*total - offset) / speed, left));
    if (total == NULL) {
        snprintf(line, GAUGE_LINE_MAX, "%s  %s", name, right);
        return;
    }
    unsigned permille = permille_of(offset, *total);
    int width = columns - used - (int)strlen(name) - 14;
    if (width >= BAR_MIN)
        draw(bar, sizeof bar, width < BAR_MAX ? width : BAR_MAX, permille);
    snprintf(line, GAUGE_LINE_MAX, "%s %3u%% %s %s", name, permille / 10, bar, right);
}
