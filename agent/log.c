/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_ROOM 2048

static bool to_journal;
static enum ln_level limit = LN_LOG_INFO;

static const char *const words[] = { "", "error: ", "warning: ", "", "debug: " };
/* syslog(3): error, warning, informational, debug */
static const char *const priorities[] = { "", "<3>", "<4>", "<6>", "<7>" };

void log_open(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat about;
    char *end = NULL;
    unsigned long long device = stream != NULL ? strtoull(stream, &end, 10) : 0;
    if (end == NULL || *end != ':' || fstat(STDERR_FILENO, &about) != 0)
        return;
    to_journal = about.st_dev == device && about.st_ino == strtoull(end + 1, NULL, 10);
}

static void put(enum ln_level level, const char *module, const char *text)
{
    char line[LINE_ROOM];
    int saved = errno;
    bool own = module[0] == '\0';
    int made =
        snprintf(line, sizeof line, "%s%s%s%s%s\n",
                 to_journal ? priorities[level] : "linnet-agent: ", to_journal ? "" : words[level],
                 module, own ? "" : ": ", text);
    size_t len = made > 0 ? (size_t)made : 0;
    if (len >= sizeof line) {
        len = sizeof line - 1;
        line[len - 1] = '\n';
    }
    while (len > 0 && write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
        continue;
    errno = saved;
}

static void write_line(void *ctx, enum ln_level level, const char *module, const char *text)
{
    (void)ctx;
    if (level > LN_LOG_OFF && level <= LN_LOG_DEBUG)
        put(level, module, text);
}

struct ln_log log_for_env(enum ln_level level)
{
    return (struct ln_log) { .write = write_line, .level = level };
}

void log_set_level(enum ln_level level)
{
    limit = level;
}

void log_line(enum ln_level level, const char *format, ...)
{
    char text[LINE_ROOM];
    va_list values;
    if (level > limit || level == LN_LOG_OFF)
        return;
    va_start(values, format);
    int made = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (made >= 0)
        put(level, "", text);
}
