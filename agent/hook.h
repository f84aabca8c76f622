/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_HOOK_H
#define LN_AGENT_HOOK_H
/**
 * @file hook.h
 * One program that runs beside the agent, with a time limit; what it writes goes to the log, line by
 * line, ten thousand of them at most. It runs in a process group of its own, so that all of it can be
 * ended: SIGTERM at the limit, SIGKILL five seconds later, and when it has ended, what it left running.
 *
 * Life: hook_start -> (hook_watch, hook_step)* until `done` was called. One at a time.
 */
#include "loop.h"

#include <sys/types.h>

#define HOOK_LINE_MAX 1024

/** How it ended. */
struct hook_end {
    bool too_long;
    int status; /**< exit status; -1 = by a signal */
    int signal; /**< 0 = nobody knows how it ended */
};

struct hook {
    const struct ln_env *env;
    pid_t pid; /**< 0 = none runs */
    int output;
    const char *verb; /**< static */
    ln_msec until;
    bool ending, too_long;
    char line[HOOK_LINE_MAX];
    size_t line_len;
    size_t lines; /**< that it has written */
    void (*done)(void *user, const char *verb, const struct hook_end *end);
    void *user;
};

struct hook_run {
    const char *program;
    const char *verb;               /**< the first argument; static; NULL = none */
    const char *file;               /**< the second; NULL = none */
    const char *const *environment; /**< "NAME=VALUE", added to our own; at most 7, NULL ends it */
    ln_msec limit_ms;
};

/** @return 0, or the errno of why it cannot run */
int hook_start(struct hook *hook, const struct hook_run *run);
void hook_watch(struct hook *hook, struct loop *loop);
void hook_step(struct hook *hook, ln_msec now);
/** When it will have ended at the latest, by force. */
ln_msec hook_ends(const struct hook *hook);
/** Kill what runs and forget it; `done` is not called. */
void hook_kill(struct hook *hook);

#endif
