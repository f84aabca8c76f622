/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's hook runner with real programs that do not behave, and with each call that it makes failing
 * in turn, once or from then on (the linker's --wrap brings them to this file).
 *
 * Alone: it says why it cannot start, or calls `done` exactly once; no descriptor, no process and no memory
 * is left, and the next run goes well. In an update: what the server is told is so, a success was installed
 * and confirmed, and after a failure the next update goes well.
 */
#include "support/agentworld.h"

#include "agent/hook.h"
#include "agent/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- calls that fail ---- */

enum call { MALLOC, PIPE, FCNTL, ACTION, FORK, EXEC, READ, WAIT, POLL, CALLS };

static const int error_of[CALLS] = {
    [MALLOC] = ENOMEM, [PIPE] = EMFILE, [FCNTL] = EBADF, [ACTION] = ENOMEM, [FORK] = EAGAIN,
    [EXEC] = EACCES,   [READ] = EIO,    [WAIT] = ECHILD, [POLL] = ENOMEM
};

static struct {
    enum call call;
    bool armed, sticky, reached;
    size_t left; /* calls that still succeed */
} fault;

void *__real_malloc(size_t size);
int __real_pipe2(int ends[2], int flags);
int __real_fcntl(int fd, int command, ...);
int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[]);
int __real_posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
                                            const char *path, int flags, mode_t mode);
int __real_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to);
ssize_t __real_read(int fd, void *room, size_t size);
int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
ssize_t __real_write(int fd, const void *data, size_t len);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
void *__wrap_malloc(size_t size);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[]);
int __wrap_posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
                                            const char *path, int flags, mode_t mode);
int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to);
ssize_t __wrap_read(int fd, void *room, size_t size);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);

/* Whether this call fails; errno is set then. */
static bool fails(enum call call)
{
    if (!fault.armed || fault.call != call || (fault.reached && !fault.sticky))
        return false;
    if (!fault.reached && fault.left > 0) {
        fault.left--;
        return false;
    }
    fault.reached = true;
    errno = error_of[call];
    return true;
}

static void arm(enum call call, size_t n, bool sticky)
{
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.sticky = sticky;
    fault.left = n;
    fault.armed = true;
}

/* @return a failure was met */
static bool disarm(void)
{
    fault.armed = false;
    return fault.reached;
}

void *__wrap_malloc(size_t size)
{
    return fails(MALLOC) ? NULL : __real_malloc(size);
}

int __wrap_pipe2(int ends[2], int flags)
{
    return fails(PIPE) ? -1 : __real_pipe2(ends, flags);
}

int __wrap_fcntl(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    int argument = va_arg(more, int); /* all commands of this program have one */
    va_end(more);
    return command == F_SETFL && fails(FCNTL) ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[])
{
    if (fails(FORK) || fails(EXEC))
        return errno;
    return __real_posix_spawn(pid, path, actions, attributes, arguments, environment);
}

int __wrap_posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
                                            const char *path, int flags, mode_t mode)
{
    return fails(ACTION) ? errno
                         : __real_posix_spawn_file_actions_addopen(actions, fd, path, flags, mode);
}

int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
    return fails(ACTION) ? errno : __real_posix_spawn_file_actions_adddup2(actions, fd, to);
}

/* Of the hook's output alone. */
ssize_t __wrap_read(int fd, void *room, size_t size)
{
    struct stat about;
    bool pipe = fault.armed && fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode);
    return pipe && fails(READ) ? -1 : __real_read(fd, room, size);
}

/* The runner's look at one that has ended; failed by somebody else, who has asked before. */
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
    int st = __real_waitid(type, id, info, flags);
    if ((flags & WNOHANG) == 0 || st != 0 || info->si_pid == 0 || !fails(WAIT))
        return st;
    (void)__real_waitid(type, id, info, WEXITED);
    errno = error_of[WAIT];
    return -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return fails(POLL) ? -1 : __real_poll(fds, count, timeout);
}

/* What a hardened build of glibc (_FORTIFY_SOURCE) calls instead. */
int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    return count <= size / sizeof *fds ? __wrap_poll(fds, count, timeout) : -1;
}

/* What was logged since the hook began. */
static struct {
    size_t len;
    char text[1 << 20];
} told;

/* Of the log alone; cmocka's words go by another way. */
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (fd != STDERR_FILENO)
        return __real_write(fd, data, len);
    if (len >= sizeof told.text - told.len)
        fail_msg("the log does not end");
    memcpy(told.text + told.len, data, len);
    told.len += len;
    told.text[told.len] = '\0';
    return (ssize_t)len;
}

/* ---- a runner ---- */

static char folder[] = "/tmp/linnet-hook-XXXXXX";
static char program[64], gate[64];
static ln_msec now; /* the clock stands, if a test does not move it */
static int children = -1;

static struct {
    size_t count;
    struct hook_end end;
} done;

static ln_msec clock_now(void *ctx)
{
    (void)ctx;
    return now;
}

static const struct ln_env env = { .clock = { .monotonic = clock_now } };

static void on_done(void *user, const char *verb, const struct hook_end *end)
{
    (void)user;
    assert_string_equal(verb, "verify");
    done.count++;
    done.end = *end;
}

static struct hook hook = { .env = &env, .output = -1, .done = on_done };

static void on_child(void *user, short events)
{
    struct signalfd_siginfo info;
    (void)user;
    (void)events;
    while (__real_read(children, &info, sizeof info) == (ssize_t)sizeof info)
        continue;
}

/* As the agent's. Waits for what the hook does; a failed poll is a turn that has seen nothing. */
static void turn(void)
{
    static struct loop loop;
    hook_step(&hook, now);
    if (hook.pid == 0)
        return;
    loop_begin(&loop);
    (void)loop_add(&loop, children, POLLIN, on_child, NULL);
    hook_watch(&hook, &loop);
    loop_wait(&loop, now);
}

static void write_program(const char *text)
{
    FILE *file = fopen(program, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s", text);
    (void)fclose(file);
    assert_int_equal(chmod(program, 0700), 0);
}

/* @return what hook_start() has said */
static int begin(void)
{
    static const char *const own[] = { "LINNET_URI=coap://x", NULL };
    const struct hook_run run = { program, "verify", "/image", own, 1000 };
    memset(&done, 0, sizeof done);
    told.len = 0;
    told.text[0] = '\0';
    return hook_start(&hook, &run);
}

static void finish(void)
{
    while (hook.pid != 0)
        turn();
    assert_int_equal(done.count, 1);
    assert_int_equal(hook.output, -1);
}

static void run(const char *text)
{
    write_program(text);
    assert_int_equal(begin(), 0);
    finish();
}

static void assert_logged(const char *text)
{
    if (strstr(told.text, text) == NULL)
        fail_msg("no '%s' in: %s", text, told.text);
}

/* What the programs left behind has come to us, and ends now. */
static void reap_what_is_left(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *list = opendir("/proc/self/fd");
    assert_non_null(list);
    while (readdir(list) != NULL)
        count++;
    (void)closedir(list);
    return count;
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- calls that fail, alone ---- */

static const char good[] =
    "echo \"$1 $2 $LINNET_URI\"; echo two >&2; read x && echo input; exit 3\n";

/* Not ended before it is let through the gate. */
static void write_gated(void)
{
    char text[200];
    (void)snprintf(text, sizeof text, "echo \"$1 $2 $LINNET_URI\"; read x < %s; exit 3\n", gate);
    write_program(text);
}

/* As good as a run can be. */
static void run_gated(int gate_fd)
{
    assert_int_equal(begin(), 0);
    assert_int_equal(write(gate_fd, "x\n", 2), 2);
    finish();
    assert_int_equal(done.end.status, 3);
    assert_logged("hook verify: verify /image coap://x\n");
}

/* @return the failure was met */
static bool run_once(enum call call, size_t n, bool sticky, int gate_fd)
{
    size_t descriptors = open_descriptors();
    arm(call, n, sticky);
    int error = begin();
    while (hook.pid != 0 && !fault.reached && told.len == 0)
        turn(); /* it stands at the gate, so that there is something to wait for and to read */
    if (error == 0)
        assert_int_equal(write(gate_fd, "x\n", 2), 2);
    for (size_t turns = 0; hook.pid != 0 && turns < 100; turns++)
        turn();
    bool was_over = hook.pid == 0;
    bool met = disarm();
    if (error != 0) {
        assert_true(met && error == error_of[call] && call < READ);
        assert_int_equal(done.count, 0);
    } else {
        finish(); /* of poll there may be nothing but failures: the turns spin, and none is lost */
        assert_true(was_over || call == POLL);
        if (call == WAIT && met)
            assert_true(done.end.status == -1 && done.end.signal == 0);
        else if (call != READ)
            assert_int_equal(done.end.status, 3);
    }
    assert_no_children();
    assert_int_equal(open_descriptors(), descriptors);
    return met;
}

static void test_calls_that_fail(void **state)
{
    (void)state;
    int gate_fd = open(gate, O_RDWR | O_CLOEXEC);
    assert_true(gate_fd >= 0);
    write_gated();
    for (enum call call = MALLOC; call < CALLS; call++) {
        for (int sticky = 0; sticky <= 1; sticky++) {
            size_t n = 0;
            while (n < 8 && run_once(call, n, sticky != 0, gate_fd))
                n++;
            assert_true(n > 0);
            run_gated(gate_fd); /* and the next one goes well */
        }
    }
    (void)close(gate_fd);
}

/* ---- programs that do not behave ---- */

static void test_what_it_gets_and_says(void **state)
{
    (void)state;
    run(good);
    assert_int_equal(done.end.status, 3);
    assert_false(done.end.too_long);
    assert_logged("hook verify: verify /image coap://x\n");
    assert_logged("hook verify: two\n");
    assert_null(strstr(told.text, "input"));
    run("kill -9 $$\n");
    assert_true(done.end.status == -1 && done.end.signal == SIGKILL);
    run("printf 'a\\033[31mb\\rc\\177d\\0e'; exit 0\n"); /* without a last end of line, too */
    assert_logged("hook verify: a [31mb c d e\n");
    (void)unlink(program);
    assert_int_equal(begin(), ENOENT);
    assert_int_equal(mkfifo(program, 0600), 0);
    assert_int_equal(begin(), EACCES);
    (void)unlink(program);
}

static void test_output_without_end(void **state)
{
    (void)state;
    write_program("yes 0123456789\n");
    assert_int_equal(begin(), 0);
    while (hook.lines < 30000)
        turn();
    now += 1000; /* it is still read, and it is ended in time */
    finish();
    assert_true(done.end.too_long);
    assert_logged("hook verify: more than 10000 lines; the rest of them is not logged\n");
    assert_true(told.len < 10010 * strlen("linnet-agent: hook verify: 0123456789\n"));
    reap_what_is_left();
    run("head -c 5000 /dev/zero | tr '\\0' x\n"); /* one line, in parts */
    assert_true(told.len > 5000);
    assert_int_equal(done.end.status, 0);
}

static void open_gate(void)
{
    int fd = open(gate, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x\n", 2), 2);
    (void)close(fd);
}

static void test_output_that_is_closed(void **state)
{
    char text[160];
    (void)state;
    (void)snprintf(text, sizeof text, "echo one; exec >&- 2>&-; read x < %s; exit 7\n", gate);
    write_program(text);
    assert_int_equal(begin(), 0);
    while (hook.output >= 0)
        turn();
    hook_step(&hook, now); /* it runs on, and is not taken for ended */
    assert_true(hook.pid != 0 && done.count == 0);
    open_gate();
    finish();
    assert_int_equal(done.end.status, 7);
    assert_logged("hook verify: one\n");
}

static void test_what_is_left_running(void **state)
{
    char text[200];
    int status = 0;
    (void)state;
    /* in its group, with the pipe open: ended with it */
    run("sleep 600 & echo done\n");
    assert_int_equal(done.end.status, 0);
    assert_logged("hook verify: done\n");
    pid_t left = waitpid(-1, &status, 0);
    assert_true(left > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* a daemon, which floods the pipe: not waited for, and what it writes is nobody's */
    (void)snprintf(text, sizeof text, "setsid sh -c 'echo x > %s; exec yes' &\nread x < %s\n", gate,
                   gate);
    run(text);
    assert_int_equal(done.end.status, 0);
    left = waitpid(-1, &status, 0);
    assert_true(left > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    assert_no_children();
}

static void test_time_limit(void **state)
{
    (void)state;
    write_program("trap 'echo ends; exit 4' TERM; echo begins; while :; do sleep 1; done\n");
    assert_int_equal(begin(), 0);
    while (strstr(told.text, "begins") == NULL)
        turn();
    assert_int_equal(hook_ends(&hook), now + 1000 + 5000);
    now += 1000;
    finish();
    assert_true(done.end.too_long && done.end.status == 4);
    assert_logged("hook verify: ends\n");
    /* who does not hear */
    write_program("trap '' TERM; echo begins; while :; do sleep 1; done\n");
    assert_int_equal(begin(), 0);
    while (strstr(told.text, "begins") == NULL)
        turn();
    now += 1000;
    hook_step(&hook, now);
    assert_int_equal(hook_ends(&hook), now + 5000);
    now += 5000;
    finish();
    assert_true(done.end.too_long && done.end.status == -1 && done.end.signal == SIGKILL);
    /* and who is not needed any more */
    assert_int_equal(begin(), 0);
    hook_kill(&hook);
    assert_true(hook.pid == 0 && hook.output == -1 && done.count == 0);
    reap_what_is_left();
}

/* ---- calls that fail, in an update ---- */

enum { IMAGE_BYTES = 2500 };
static struct agent_world a;
static uint8_t image[IMAGE_BYTES];

static bool is_over(const struct lw_world *world)
{
    (void)world;
    return a.update.restart;
}

/* Let it go on by itself, as long as it does: a failed start of `confirm` is made up for. */
static void go_on(void)
{
    while (lw_run(&a.lw, is_over, 15000)) {
        agent_world_halt(&a);
        agent_world_boot(&a);
        assert_true(lw_register(&a.lw));
    }
}

static int number(const char *path)
{
    return (int)strtol(lw_read(&a.lw, path), NULL, 10);
}

/* From Idle or Downloaded. */
static void update_once(void)
{
    struct lw_request push = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    struct lw_request install = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/5/0/2" };
    push.format = 42;
    push.block1_szx = 6;
    push.payload = image;
    push.len = sizeof image;
    if (number("/5/0/3") == LN_FIRMWARE_IDLE) {
        assert_true(lw_ask(&a.lw, &push));
        go_on();
    }
    if (number("/5/0/3") == LN_FIRMWARE_DOWNLOADED) {
        assert_true(lw_ask(&a.lw, &install));
        go_on();
    }
}

/* @return the failure was met */
static bool update_with(enum call call, size_t n, bool sticky)
{
    (void)unlink(a.hook_log);
    agent_world_boot(&a);
    assert_true(lw_register(&a.lw));
    arm(call, n, sticky);
    update_once();
    bool met = disarm();
    if (number("/5/0/3") ==
        LN_FIRMWARE_UPDATING) { /* it has waited for a machine that can confirm */
        assert_true(met && sticky && a.problems.of[PROBLEM_HOOK].is);
        go_on();
        assert_int_equal(number("/5/0/5"), LN_FIRMWARE_SUCCESS);
    }
    int result = number("/5/0/5");
    if (result != LN_FIRMWARE_SUCCESS) {
        assert_true(met);
        assert_true(result == LN_FIRMWARE_FAILED || result == LN_FIRMWARE_INTEGRITY);
        update_once();
    }
    assert_int_equal(number("/5/0/3"), LN_FIRMWARE_IDLE);
    assert_int_equal(number("/5/0/5"), LN_FIRMWARE_SUCCESS);
    assert_true(agent_world_count(&a, "verify") > 0);
    assert_true(agent_world_count(&a, "install") > 0);
    assert_true(agent_world_count(&a, "confirm") > 0);
    assert_false(a.problems.of[PROBLEM_HOOK].is);
    agent_world_halt(&a);
    assert_no_children();
    return met;
}

static void test_calls_that_fail_in_an_update(void **state)
{
    static const enum call calls[] = { PIPE, FCNTL, ACTION, FORK, EXEC, READ, WAIT };
    (void)state;
    agent_world_make(&a);
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 256 + 1);
    for (size_t i = 0; i < LN_COUNT_OF(calls); i++) {
        for (int sticky = 0; sticky <= 1; sticky++) {
            size_t n = 0;
            while (n < 20 && update_with(calls[i], n, sticky != 0))
                n++;
            assert_true(n >= 3 || calls[i] == READ); /* verify, install, confirm */
        }
    }
    assert_int_equal(agent_world_remove(&a), 0);
}

/* ---- the group ---- */

static int set_up(void **state)
{
    sigset_t set;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (mkdtemp(folder) == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
        sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    (void)snprintf(program, sizeof program, "%s/hook", folder);
    (void)snprintf(gate, sizeof gate, "%s/gate", folder);
    children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return children < 0 || mkfifo(gate, 0600) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(children);
    (void)unlink(program);
    (void)unlink(gate);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_gets_and_says),
        cmocka_unit_test(test_output_without_end),
        cmocka_unit_test(test_output_that_is_closed),
        cmocka_unit_test(test_what_is_left_running),
        cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_calls_that_fail),
        cmocka_unit_test(test_calls_that_fail_in_an_update),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
