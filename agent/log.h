/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_LOG_H
#define LN_AGENT_LOG_H
/**
 * @file log.h
 * Lines to standard error: "linnet-agent: warning: text" for people, "<4>text" for the journal,
 * which is told apart by JOURNAL_STREAM (systemd.exec(5)). One write for each line.
 */
#include <linnet/env.h>

/** Look whom standard error leads to. Call it once, first. */
void log_open(void);
/** For struct ln_env. */
struct ln_log log_for_env(enum ln_level level);
void log_set_level(enum ln_level level);
/** A line of the agent's own. */
void log_line(enum ln_level level, const char *format, ...) LN_PRINTF(2, 3);

#endif
