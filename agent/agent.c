/* SPDX-License-Identifier: Apache-2.0 */
/* See agent.h. */
#include "agent.h"

#include "control.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "service.h"
#include "state.h"

#include <errno.h>
#include <linnet/tls_backend.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifndef LN_PROGRAM_VERSION
#define LN_PROGRAM_VERSION "unknown" /* the build defines it */
#endif

/* A De-register is answered in a round trip; who does not answer is not waited for longer. */
#define LEAVE_MS 5000
/* A reboot waits so long for the last word to get out. */
#define REBOOT_MS 2000
/* The clock is looked at again so often while it is behind, or was too early or late for a certificate. */
#define CLOCK_MS 10000

const char *agent_version(void)
{
    return LN_PROGRAM_VERSION;
}

static int64_t wall(const struct agent *a)
{
    return a->env->clock.wall(a->env->clock.ctx);
}

/* ---- what the client tells ---- */

static void tell_registered(struct agent *a, const struct ln_client_event *event)
{
    struct ln_server_info info;
    char peer[LN_ADDR_TEXT_MAX] = "";
    if (ln_client_server_info(a->client, event->ssid, &info) != LN_OK)
        return;
    if (info.sock.peer.family != 0)
        ln_addr_format(&info.sock.peer, peer);
    const struct ln_tls_info *tls = &info.sock.tls;
    const char *suite = ln_suite_name(tls->suite);
    log_line(LN_LOG_INFO, "server %u: registered at %s%s%s%s%s%s", event->ssid, peer,
             tls->version != 0 ? ", " : ", without security",
             tls->version != 0 ? ln_version_name(tls->version) : "", suite != NULL ? ", " : "",
             suite != NULL ? suite : "",
             tls->cid_restored ? ", by the association of before"
             : tls->resumed    ? ", session resumed"
                               : "");
}

static void tell_failure(struct agent *a, const struct ln_client_event *event)
{
    struct failure *failure = problem_of_server(&a->problems, event->ssid);
    char text[LN_DIAG_LINE_MAX];
    char again[64] = "";
    if (failure == NULL)
        return;
    *failure = (struct failure) { .is = true, .since = wall(a), .code = event->code };
    if (event->diag != NULL)
        failure->diag = *event->diag;
    if (event->retry_at != LN_NEVER)
        (void)snprintf(again, sizeof again, "; next attempt in %lld s",
                       (long long)((event->retry_at - ln_now(a->env) + 999) / 1000));
    failure_text(failure, text, sizeof text);
    log_line(LN_LOG_WARN, "server %u: %s%s", event->ssid, text, again);
}

static void tell_success(struct agent *a, uint16_t ssid)
{
    struct failure *failure = problem_of_server(&a->problems, ssid);
    if (failure != NULL)
        failure->is = false;
}

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    struct agent *a = user;
    (void)client;
    control_changed(a->control);
    switch (event->kind) {
    case LN_CLIENT_REGISTERED:
        tell_success(a, event->ssid);
        tell_registered(a, event);
        clock_keep(&a->clock, &a->store, true);
        break;
    case LN_CLIENT_UPDATED:
        tell_success(a, event->ssid);
        clock_keep(&a->clock, &a->store, false);
        log_line(LN_LOG_DEBUG, "server %u: updated", event->ssid);
        break;
    case LN_CLIENT_DEREGISTERED:
        log_line(LN_LOG_INFO, "server %u: de-registered", event->ssid);
        break;
    case LN_CLIENT_ATTEMPT_FAILED:
        tell_failure(a, event);
        break;
    case LN_CLIENT_GAVE_UP:
        log_line(LN_LOG_WARN, "server %u: all attempts were in vain; a new sequence comes later",
                 event->ssid);
        break;
    case LN_CLIENT_DISABLED:
        log_line(LN_LOG_INFO, "server %u: it asked for silence", event->ssid);
        break;
    case LN_CLIENT_NOTIFICATION:
        notes_take(&a->notes, event, ln_now(a->env));
        break;
    case LN_CLIENT_ASLEEP:
    case LN_CLIENT_AWAKE:
        break;
    }
}

static void tell_config(void *user, enum ln_level level, const char *line)
{
    (void)user;
    log_line(level, "%s", line);
}

/* ---- making the client ---- */

static bool fail(const char *what, enum ln_status st, const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    if (diag->status != LN_OK)
        ln_diag_line(diag, line, sizeof line);
    else
        (void)snprintf(line, sizeof line, "%s", ln_status_meaning(st));
    log_line(LN_LOG_ERROR, "%s: %s", what, line);
    return false;
}

/* The answer and what observers are told get out first. */
static void on_reboot(void *user)
{
    struct agent *a = user;
    a->reboot_at = ln_now(a->env) + REBOOT_MS;
    log_line(LN_LOG_INFO, "a server asks for a reboot");
}

static void on_rebooted(void *user, const char *verb, const struct hook_end *end)
{
    (void)user;
    (void)verb;
    if (end->status != 0)
        log_line(LN_LOG_ERROR, "the reboot program failed: see its lines above");
}

static void reboot_if_due(struct agent *a, ln_msec now)
{
    const struct hook_run run = { .program = a->config->device.reboot, .limit_ms = 60000 };
    if (a->reboot_at == LN_NEVER || (now < a->reboot_at && !ln_client_is_quiet(a->client)))
        return;
    a->reboot_at = LN_NEVER;
    int error = hook_start(&a->reboot, &run);
    if (error != 0)
        log_line(LN_LOG_ERROR, "%s cannot run: %s; correct reboot in [device]", run.program,
                 strerror(error));
}

static void on_update_changed(void *user)
{
    struct agent *a = user;
    control_changed(a->control);
}

static enum ln_status add_all(struct agent *a, struct ln_diag *diag)
{
    enum ln_status st = ln_core_objects_add(a->client);
    a->machine.reboot = a->config->device.reboot != NULL ? on_reboot : NULL;
    a->machine.user = a;
    a->update.changed = on_update_changed;
    a->update.user = a;
    if (st == LN_OK)
        st = machine_add(&a->machine, a->client);
    if (st == LN_OK)
        st = update_begin(&a->update, a->client, a->config, &a->store, &a->problems, diag);
    for (size_t i = 0; st == LN_OK && i < a->config->server_count; i++)
        st = ln_client_add_account(a->client, &a->config->servers[i].account, diag);
    if (st == LN_OK)
        st = kept_load(&a->kept, &a->store, a->client, &a->machine);
    return st;
}

static void end_client(struct agent *a)
{
    update_end(&a->update);
    ln_client_free(a->client);
    a->client = NULL;
}

static bool make_client(struct agent *a)
{
    struct ln_diag diag = { .status = LN_OK };
    struct ln_client_config c;
    config_client(a->config, &c);
    c.env = a->env;
    c.sessions = a->has_sessions ? &a->session_store : NULL;
    c.on_event = on_event;
    c.keep = state_keep;
    c.user = a;
    machine_init(&a->machine, a->config, agent_version());
    enum ln_status st = ln_client_new(&c, &diag, &a->client);
    if (st == LN_OK)
        st = add_all(a, &diag);
    if (st == LN_OK)
        st = ln_client_start(a->client, ln_now(a->env), &diag);
    if (st == LN_OK)
        return true;
    end_client(a);
    struct config_teller teller = { tell_config, a, 0 };
    return config_try(a->config, a->env, &teller) &&
           fail("the configuration cannot be used", st, &diag);
}

/* ---- signals ---- */

static void on_signal(void *user, short events)
{
    struct agent *a = user;
    struct signalfd_siginfo info;
    (void)events;
    while (read(a->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            a->reload = true;
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            a->end = AGENT_STOPS;
    }
}

static bool open_signals(struct agent *a)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD,
           SIG_DFL); /* who starts us may have ignored it: then no hook's end is ever told */
    signal(SIGXFSZ, SIG_IGN); /* a limit for files is a failed write, as a full disk is */
    a->signals = sigprocmask(SIG_BLOCK, &set, NULL) == 0
                     ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)
                     : -1;
    if (a->signals < 0)
        log_line(LN_LOG_ERROR, "signals cannot be waited for: %s", strerror(errno));
    return a->signals >= 0;
}

/* ---- the loop ---- */

/* What ended beside us. Before the client's step: what it tells the client is done in the same turn. */
static void step_hooks(struct agent *a, ln_msec now)
{
    update_step(&a->update, now);
    hook_step(&a->reboot, now);
}

/* Followers of the status see a download go on. */
static void step_progress(struct agent *a)
{
    struct ln_firmware_info info;
    if (a->update.firmware == NULL)
        return;
    ln_firmware_info(a->update.firmware, &info);
    uint64_t progress = info.downloading ? info.download.offset : info.received;
    if (progress != a->progress)
        control_changed(a->control);
    a->progress = progress;
}

static bool is_of_the_clock(const struct failure *failure)
{
    return failure->is && (failure->diag.category == LN_CAT_NOT_YET_VALID ||
                           failure->diag.category == LN_CAT_EXPIRED);
}

static bool waits_for_the_clock(const struct agent *a)
{
    for (size_t i = 0; i < CONFIG_SERVERS_MAX; i++)
        if (is_of_the_clock(&a->problems.servers[i].failure))
            return true;
    return a->problems.of[PROBLEM_CLOCK].is;
}

/* Who was judged by the clock of before is judged anew, now and not after its back-off. */
static void step_clock(struct agent *a)
{
    clock_check(&a->clock, &a->problems);
    if (!clock_was_set(&a->clock) || a->leaves)
        return;
    for (size_t i = 0; i < CONFIG_SERVERS_MAX; i++) {
        if (!is_of_the_clock(&a->problems.servers[i].failure))
            continue;
        enum ln_status st = ln_client_enable(a->client, a->problems.servers[i].ssid);
        (void)st; /* it is one of the configuration, so it is there */
    }
}

/* What the agent itself has to do in a turn. */
static void step_own(struct agent *a, ln_msec now)
{
    reboot_if_due(a, now);
    step_progress(a);
    if (a->reload && a->end == AGENT_GOES_ON && a->update.hook.pid == 0 && !a->update.stops) {
        a->reload = false; /* a hook at work is not cut off for it */
        a->end = AGENT_RELOADS;
    }
    if (a->update.restart && a->end == AGENT_GOES_ON && !a->update.stops)
        a->end = AGENT_RESTARTS;
    if (a->update.stops && a->update.hook.pid == 0 && !a->leaves)
        a->end = AGENT_STOPS; /* the hook that was waited for has ended in this turn */
    state_step(a, now);
    step_clock(a);
    if (a->problems.changes != a->problems_told)
        control_changed(a->control);
    a->problems_told = a->problems.changes;
    control_step(a->control, now);
}

static void watch_own(struct agent *a, ln_msec now)
{
    (void)loop_add(&a->loop, a->signals, POLLIN, on_signal, a);
    control_watch(a->control, &a->loop);
    update_watch(&a->update, &a->loop);
    hook_watch(&a->reboot, &a->loop);
    loop_until(&a->loop, a->reboot_at);
    state_watch(a, now);
    if (waits_for_the_clock(a)) {
        ln_msec behind = clock_behind_ms(&a->clock);
        loop_until(&a->loop, now + (behind > 0 && behind < CLOCK_MS ? behind : CLOCK_MS));
    }
}

/* One turn. @return the client's status */
static enum ln_status turn(struct agent *a, ln_msec until)
{
    struct ln_interest want;
    ln_msec now = ln_now(a->env);
    ln_interest_init(&want, 0);
    step_hooks(a, now);
    enum ln_status st = ln_client_step(a->client, now, &want);
    step_own(a, now);
    if (st == LN_CLOSED)
        return st;
    loop_begin(&a->loop);
    loop_until(&a->loop, until);
    loop_add_interest(&a->loop, &want);
    watch_own(a, now);
    if (a->end != AGENT_GOES_ON)
        return st;
    loop_wait(&a->loop, ln_now(a->env));
    return st;
}

static void run_until_something(struct agent *a)
{
    ln_msec period = service_watchdog_ms();
    ln_msec fed = LN_NEVER;
    while (a->end == AGENT_GOES_ON) {
        ln_msec now = ln_now(a->env);
        if (period > 0 && (fed == LN_NEVER || now >= fed + period)) {
            service_tell("WATCHDOG=1");
            fed = now;
        }
        (void)turn(a, period > 0 ? fed + period : LN_NEVER);
    }
}

/* De-register everywhere, as long as it takes or LEAVE_MS; a second signal ends it at once. */
static void leave(struct agent *a)
{
    ln_msec until = ln_now(a->env) + LEAVE_MS;
    a->leaves = true;
    a->end = AGENT_GOES_ON;
    ln_client_stop(a->client, ln_now(a->env));
    while (ln_now(a->env) < until && a->end == AGENT_GOES_ON)
        if (turn(a, until) == LN_CLOSED)
            break;
    a->leaves = false;
}

/* What installs is not torn in its middle: it has its time, and the service manager is told so. The
 * device stays registered meanwhile. */
static void let_hook_end(struct agent *a)
{
    ln_msec until = 0;
    char extend[128];
    if (!update_stop(&a->update, &until))
        return;
    long long left = (until - ln_now(a->env)) + LEAVE_MS;
    (void)snprintf(extend, sizeof extend,
                   "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=Waiting for the hook to %s", left * 1000,
                   a->update.hook.verb);
    service_tell(extend);
    while (a->update.hook.pid != 0) {
        if (a->end == AGENT_STOPS)
            log_line(LN_LOG_INFO,
                     "to be ended, as soon as the hook has ended to %s, in %lld s at the latest",
                     a->update.hook.verb, (long long)((until - ln_now(a->env) + 999) / 1000));
        a->end = AGENT_GOES_ON;
        (void)turn(a, until);
    }
}

static void stop(struct agent *a)
{
    service_tell("STOPPING=1");
    if (a->client == NULL)
        return;
    let_hook_end(a);
    leave(a);
}

/* ---- reloading ---- */

static void tell_problem(void *user, enum ln_level level, const char *line)
{
    struct agent *a = user;
    if (level == LN_LOG_ERROR)
        problem_set(&a->problems, PROBLEM_CONFIG, "it was read anew and is not used: %s", line);
    else
        log_line(level, "%s", line);
}

static void reload(struct agent *a)
{
    struct config_teller teller = { tell_problem, a, 0 };
    struct config *next = NULL;
    service_tell("RELOADING=1");
    if (!options_configure(a->options, a->env, &teller, &next)) {
        service_tell("READY=1");
        return;
    }
    (void)config_look(next, LN_LOG_WARN, &teller);
    problem_clear(&a->problems, PROBLEM_CONFIG);
    if (!config_same_servers(a->config, next)) {
        leave(a);
        memset(a->problems.servers, 0, sizeof a->problems.servers);
    }
    end_client(a);
    memset(&a->notes, 0, sizeof a->notes);
    struct config *before = a->config;
    a->config = next;
    log_set_level((enum ln_level)next->log_level);
    a->env->log.level = (enum ln_level)next->log_level;
    if (make_client(a)) {
        config_free(before);
        log_line(LN_LOG_INFO, "the configuration was read anew");
    } else {
        a->config = before;
        config_free(next);
        problem_set(&a->problems, PROBLEM_CONFIG, "the new one cannot be used; see the log");
        if (!make_client(a))
            a->end = AGENT_STOPS;
    }
    service_tell("READY=1");
}

/* ---- life ---- */

static bool environment(const char *name, const char *suffix, char *room, size_t size)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] != '/')
        return false;
    int made = snprintf(room, size, "%.*s%s", (int)strcspn(value, ":"), value, suffix);
    return made > 0 && (size_t)made < size;
}

static void choose_places(struct agent *a)
{
    const struct config *c = a->config;
    if (c->state != NULL)
        (void)snprintf(a->state, sizeof a->state, "%s", c->state);
    else if (!environment("STATE_DIRECTORY", "", a->state, sizeof a->state))
        (void)snprintf(a->state, sizeof a->state, "/var/lib/linnet");
    if (c->socket != NULL)
        (void)snprintf(a->socket, sizeof a->socket, "%s", c->socket);
    else if (environment("RUNTIME_DIRECTORY", "/agent.sock", a->socket, sizeof a->socket))
        return;
    else if (geteuid() == 0)
        (void)snprintf(a->socket, sizeof a->socket, "/run/linnet/agent.sock");
    else if (!environment("XDG_RUNTIME_DIR", "/linnet/agent.sock", a->socket, sizeof a->socket))
        (void)snprintf(a->socket, sizeof a->socket, "%.90s/agent.sock", a->state);
}

static void open_control(struct agent *a)
{
    char why[PROBLEM_TEXT_MAX];
    a->control = control_open(a, a->socket, a->config->socket_group, why, sizeof why);
    if (a->control == NULL)
        problem_set(&a->problems, PROBLEM_CONTROL, "%s", why);
}

static bool begin(struct agent *a)
{
    struct config_teller teller = { tell_config, NULL, 0 };
    json_watch();
    a->env->log = log_for_env(LN_LOG_INFO);
    clock_install(&a->clock, a->env);
    a->reboot = (struct hook) { .env = a->env, .output = -1, .done = on_rebooted };
    a->reboot_at = LN_NEVER;
    a->problems.env = a->env;
    a->started = ln_now(a->env);
    if (!options_configure(a->options, a->env, &teller, &a->config))
        return false;
    log_set_level((enum ln_level)a->config->log_level);
    a->env->log.level = (enum ln_level)a->config->log_level;
    (void)config_look(a->config, LN_LOG_WARN, &teller);
    choose_places(a);
    if (!state_open(a) || !open_signals(a) || !make_client(a))
        return false;
    open_control(a);
    log_line(LN_LOG_INFO, "linnet-agent %s, endpoint %s, state in %s", agent_version(),
             a->config->endpoint, a->state);
    service_tell("READY=1\nSTATUS=Running");
    return true;
}

static void run(struct agent *a)
{
    for (;;) {
        run_until_something(a);
        if (a->end != AGENT_RELOADS)
            break;
        a->end = AGENT_GOES_ON;
        reload(a);
    }
    if (a->end == AGENT_STOPS)
        stop(a);
}

/* The program that lies under our name now, with our arguments: a new version of it, perhaps. It
 * comes back only if that is not possible. */
static void execute_anew(const struct options *options, char **argv)
{
    options_restore(options);
    log_line(LN_LOG_INFO, "restarting as %s", argv[0]);
    (void)execvp(argv[0], argv);
    log_line(LN_LOG_ERROR, "%s cannot be executed: %s; the service manager has to start it",
             argv[0], strerror(errno));
}

int agent_run(const struct options *options, char **argv)
{
    struct agent *a = calloc(1, sizeof *a);
    if (a == NULL || ln_env_posix_new(&a->env) != LN_OK) {
        log_line(LN_LOG_ERROR, "there is not enough memory");
        free(a);
        return 1;
    }
    a->options = options;
    a->signals = a->state_lock = -1;
    bool good = begin(a);
    if (good)
        run(a);
    bool restarts = good && a->end == AGENT_RESTARTS;
    control_close(a->control);
    end_client(a);
    kept_free(&a->kept);
    config_free(a->config);
    if (a->signals >= 0)
        (void)close(a->signals);
    if (a->state_lock >= 0)
        (void)close(a->state_lock);
    ln_env_posix_free(a->env);
    free(a);
    if (restarts)
        execute_anew(options, argv);
    return good && !restarts ? 0 : 1;
}
