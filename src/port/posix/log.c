/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_log of <linnet/env.h>: "linnet: warning: tls: text" on standard error, each
 * line by one write(2), so that lines of threads and processes do not mix. errno is kept.
 */
#include "port/posix/posix.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* ln_log() cuts lines at some 1300 bytes; what is longer is cut here. */
#define LINE_MAX_BYTES 2048

static const char *const level_words[] = {
    [LN_LOG_OFF] = "",      [LN_LOG_ERROR] = "error", [LN_LOG_WARN] = "warning",
    [LN_LOG_INFO] = "info", [LN_LOG_DEBUG] = "debug",
};

static const char *level_word(enum ln_level level)
{
    return (size_t)level < sizeof level_words / sizeof level_words[0] ? level_words[level] : "?";
}

static void write_line(void *ctx, enum ln_level level, const char *module, const char *text)
{
    (void)ctx;
    int saved = errno;
    char line[LINE_MAX_BYTES];
    int made = snprintf(line, sizeof line, "linnet: %s: %s: %s\n", level_word(level), module, text);
    if (made > 0) {
        size_t len = (size_t)made;
        if (len >= sizeof line) {
            len = sizeof line - 1;
            line[len - 1] = '\n';
        }
        /* half a line is not worth a second attempt: it would stand alone */
        while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR)
            continue;
    }
    errno = saved;
}

const struct ln_log ln__posix_log = { .write = write_line, .level = LN_LOG_WARN };
