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
/* One that talks without end does not fill the log. */
#define LINES_MAX 10000
/* What a pipe holds, if nobody has made it larger. */
#define PIPE_BYTES 65536
#define OWN_VARIABLES_MAX 7

/* ---- output ---- */

static void log_output(struct hook *h, size_t len)
{
    const char *verb = h->verb != NULL ? h->verb : "";
    const char *space = h->verb != NULL ? " " : "";
    h->lines++;
    if (h->lines <= LINES_MAX)
        log_line(LN_LOG_INFO, "hook%s%s: %.*s", space, verb, (int)len, h->line);
    else if (h->lines == LINES_MAX + 1)
        log_line(LN_LOG_WARN, "hook%s%s: more than %d lines; the rest of them is not logged", space,
                 verb, LINES_MAX);
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

/* One read. @return what read(2) has said */
static ssize_t take_output(struct hook *h)
{
    ssize_t n = read(h->output, h->line + h->line_len, HOOK_LINE_MAX - h->line_len);
    if (n <= 0)
        return n;
    for (size_t i = h->line_len; i < h->line_len + (size_t)n; i++)
        if (((unsigned char)h->line[i] < ' ' && h->line[i] != '\n') || h->line[i] == '\x7f')
            h->line[i] = ' ';
    h->line_len += (size_t)n;
    log_lines(h);
    return n;
}

static void close_output(struct hook *h)
{
    if (h->output >= 0)
        (void)close(h->output);
    h->output = -1;
}

static void on_output(void *user, short events)
{
    struct hook *h = user;
    (void)events;
    if (h->output < 0)
        return;
    ssize_t n = take_output(h);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_output(h);
}

/* What is in the pipe; not what a child left behind may still write, however fast it does. */
static void end_output(struct hook *h)
{
    size_t left = h->output >= 0 ? PIPE_BYTES : 0;
    while (left > 0) {
        ssize_t n = take_output(h);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        size_t got = n > 0 ? (size_t)n : 0;
        left -= got < left ? got : left;
    }
    close_output(h);
    if (h->line_len > 0)
        log_output(h, h->line_len);
    h->line_len = 0;
}

/* ---- running ---- */

/* Our own environment with the run's. For free(); NULL: there is not enough memory. */
static char **environment_of(const struct hook_run *run)
{
    size_t count = 0;
    union { /* posix_spawn() does not write to them */
        const char *given;
        char *taken;
    } text;
    while (environ[count] != NULL)
        count++;
    char **made = malloc((count + OWN_VARIABLES_MAX + 1) * sizeof *made);
    if (made == NULL)
        return NULL;
    memcpy(made, environ, count * sizeof *made);
    for (size_t i = 0;
         run->environment != NULL && run->environment[i] != NULL && i < OWN_VARIABLES_MAX; i++) {
        text.given = run->environment[i];
        made[count++] = text.taken;
    }
    made[count] = NULL;
    return made;
}

/* Its standard streams. @return 0 or an errno */
static int redirect(posix_spawn_file_actions_t *actions, int output)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    return error != 0 ? error : posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
}

static int execute(struct hook *h, const struct hook_run *run,
                   const posix_spawn_file_actions_t *actions, char *const *environment)
{
    union { /* as above */
        const char *given[4];
        char *taken[4];
    } arguments = { { run->program, run->verb, run->verb != NULL ? run->file : NULL, NULL } };
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    int error =
        posix_spawn(&h->pid, run->program, actions, &attributes, arguments.taken, environment);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int spawn(struct hook *h, const struct hook_run *run, int output)
{
    posix_spawn_file_actions_t actions;
    char **environment = environment_of(run);
    if (environment == NULL)
        return ENOMEM;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = redirect(&actions, output);
        if (error == 0)
            error = execute(h, run, &actions, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(environment);
    return error;
}

int hook_start(struct hook *hook, const struct hook_run *run)
{
    int ends[2];
    if (hook->pid != 0)
        return EBUSY;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    /* the program's end may block, ours never */
    int error = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? spawn(hook, run, ends[1]) : errno;
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
    hook->line_len = hook->lines = 0;
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

/* Whether it has ended, and how. Its group is ended with it, while its number is still its own. */
static bool reap(const struct hook *h, int flags, struct hook_end *end)
{
    siginfo_t info = { .si_pid = 0 };
    int st = waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOWAIT | flags);
    while (st < 0 && errno == EINTR)
        st = waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOWAIT | flags);
    if (st == 0 && info.si_pid == 0)
        return false;
    *end = (struct hook_end) { .too_long = h->too_long, .status = -1 };
    if (st < 0)
        return true; /* somebody else has asked for its end, and nobody knows it now */
    (void)kill(-h->pid, SIGKILL);
    (void)waitid(P_PID, (id_t)h->pid, &info, WEXITED);
    if (info.si_code == CLD_EXITED)
        end->status = info.si_status;
    else
        end->signal = info.si_status;
    return true;
}

void hook_step(struct hook *hook, ln_msec now)
{
    struct hook_end end;
    if (hook->pid == 0)
        return;
    if (reap(hook, WNOHANG, &end)) {
        end_output(hook);
        hook->pid = 0;
        hook->done(hook->user, hook->verb, &end);
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
    struct hook_end end;
    if (hook->pid == 0)
        return;
    (void)kill(-hook->pid, SIGKILL);
    (void)reap(hook, 0, &end);
    end_output(hook);
    hook->pid = 0;
}
