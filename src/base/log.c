/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: ln_log() of <linnet/env.h>. One line from a buffer of fixed size: needs no memory, and
 * what a peer put into it can neither start a new line nor control a terminal.
 */
#include <linnet/env.h>

#include "base/text_format.h"

/* As long as the longest line that is logged, a diagnosis (LN_DIAG_LINE_MAX), with some words
 * before it. */
#define LOG_LINE_MAX (LN_DIAG_LINE_MAX + 128)

void ln_log(const struct ln_env *env, enum ln_level level, const char *module, const char *format,
            ...)
{
    if (level == LN_LOG_OFF || level > env->log.level || env->log.write == NULL)
        return;
    char line[LOG_LINE_MAX];
    struct ln__text text = ln__text_init(line, sizeof line);
    va_list args;
    va_start(args, format);
    ln__text_vadd(&text, format, args);
    va_end(args);
    ln__text_clean(line);
    env->log.write(env->log.ctx, level, module, line);
}
