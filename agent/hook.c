/* SPDX-License-Identifier: Apache-2.0 */
#include "hook.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_MS 5000
#define ENVIRONMENT_MAX 256

/* ---- output ---- */

static void log_output(struct hook *h, size_t len)
{
    log_line(LN_LOG_INFO, "hook%s%s: %.*s", h->verb != NULL ? " " : "",
             h->verb != NULL ? h->verb : "", (int)len, h->line);
}

/* Whole lines go out; a longer one goes out in parts. */
static void log_lines(struct hook *h)
{
    char *end = NULL;
    while ((end = memchr(h->line, '\n', h->line_len)) != NULL || h->line_len == HOOK_LINE_MAX) {
        size_t len = end != NULL ? (size_t)(end - h->line) : h->line_len;
        size_t taken = end != NULL ? len + 1 : len;
        log_output(h, len);
        memmove(h->line, h->line + taken, h->line_len - taken);
        h->line_len -= taken;
    }
}

static void on_output(void *user, short events)
{
    struct hook *h = user;
    (void)events;
    if (h->output < 0)
        return;
    ssize_t n = read(h->output, h->line + h->line_len, HOOK_LINE_MAX - h->line_len);
    if (n > 0) {
        for (size_t i = h->line_len; i < h->line_len + (size_t)n; i++)
            if ((unsigned char)h->line[i] < ' ' && h->line[i] != '\n')
                h->line[i] = ' ';
        h->line_len += (size_t)n;
        log_lines(h);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)close(h->output);
        h->output = -1;
    }
}

static void end_output(struct hook *h)
{
    while (h->output >= 0) { /* what is in the pipe; not what a child left behind may still write */
        size_t before = h->line_len;
        ssize_t n = read(h->output, h->line + before, HOOK_LINE_MAX - before);
        if (n <= 0) {
            (void)close(h->output);
            h->output = -1;
            break;
        }
        h->line_len += (size_t)n;
        log_lines(h);
    }
    if (h->line_len > 0)
        log_output(h, h->line_len);
    h->line_len = 0;
}

/* ---- running ---- */

static int spawn(struct hook *h, const struct hook_run *run, int output)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t defaults;
    char *arguments[4] = { strdup(run->program), NULL, NULL, NULL };
    char *environment[ENVIRONMENT_MAX];
    size_t count = 0;
    union { /* posix_spawn() does not write to them */
        const char *given;
        char *taken;
    } text;
    for (size_t i = 0; environ[i] != NULL && count < ENVIRONMENT_MAX - 8; i++)
        environment[count++] = environ[i];
    for (size_t i = 0; run->environment != NULL && run->environment[i] != NULL && i < 7; i++) {
        text.given = run->environment[i];
        environment[count++] = text.taken;
    }
    environment[count] = NULL;
    text.given = run->verb;
    arguments[1] = text.taken;
    text.given = run->file;
    arguments[2] = run->verb != NULL ? text.taken : NULL;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    int error = posix_spawn(&h->pid, run->program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(arguments[0]);
    return error;
}

int hook_start(struct hook *hook, const struct hook_run *run)
{
    int ends[2];
    if (hook->pid != 0)
        return EBUSY;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return errno;
    (void)fcntl(ends[1], F_SETFL, 0); /* the program's end may block, ours never */
    int error = spawn(hook, run, ends[1]);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        hook->pid = 0;
        return error;
    }
    hook->output = ends[0];
    hook->verb = run->verb;
    hook->until = ln_now(hook->env) + run->limit_ms;
    hook->ending = hook->too_long = false;
    hook->line_len = 0;
    return 0;
}

void hook_watch(struct hook *hook, struct loop *loop)
{
    if (hook->pid == 0)
        return;
    if (hook->output >= 0)
        (void)loop_add(loop, hook->output, POLLIN, on_output, hook);
    loop_until(loop, hook->until); /* its end is told by SIGCHLD */
}

static void ended(struct hook *h, int status)
{
    struct hook_end end = { .too_long = h->too_long, .status = -1 };
    if (WIFEXITED(status))
        end.status = WEXITSTATUS(status);
    else
        end.signal = WTERMSIG(status);
    end_output(h);
    h->pid = 0;
    h->done(h->user, h->verb, &end);
}

void hook_step(struct hook *hook, ln_msec now)
{
    int status = 0;
    if (hook->pid == 0)
        return;
    if (waitpid(hook->pid, &status, WNOHANG) == hook->pid) {
        (void)kill(-hook->pid, SIGKILL); /* what it has left running */
        ended(hook, status);
        return;
    }
    if (now < hook->until)
        return;
    (void)kill(-hook->pid, hook->ending ? SIGKILL : SIGTERM);
    hook->ending = hook->too_long = true;
    hook->until = now + KILL_MS;
}

ln_msec hook_ends(const struct hook *hook)
{
    return hook->ending ? hook->until : hook->until + KILL_MS;
}

void hook_kill(struct hook *hook)
{
    int status = 0;
    if (hook->pid == 0)
        return;
    (void)kill(-hook->pid, SIGKILL);
    while (waitpid(hook->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    end_output(hook);
    hook->pid = 0;
}
