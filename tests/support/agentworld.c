/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: agentworld.h.
 */
#include "support/agentworld.h"

#include "agent/log.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The world whose program runs: the callbacks of the client do not say which. */
static struct agent_world *running;

static void step_job(void *user, ln_msec now)
{
    struct agent_world *a = user;
    siginfo_t info;
    if (a->update.hook.pid != 0) /* a program runs in real time, and all else waits for it */
        (void)waitid(P_PID, (id_t)a->update.hook.pid, &info, WEXITED | WNOWAIT);
    update_step(&a->update, now);
}

static void wait_job(void *user, struct ln_interest *want)
{
    const struct agent_world *a = user;
    want->ready = want->ready || a->update.hook.pid != 0;
    if (a->update.confirm_at < want->deadline)
        want->deadline = a->update.confirm_at;
}

static void on_changed(void *user)
{
    (void)user;
}

static enum ln_answer keep(void *user, struct ln_client *client, uint16_t oid, uint16_t iid)
{
    (void)user;
    (void)iid;
    return !kept_is(oid) || kept_save(&running->kept, &running->store, client, &running->machine)
               ? LN_ANSWER_OK
               : LN_ANSWER_INTERNAL;
}

static void prepare(struct lw_world *lw)
{
    struct agent_world *a = running;
    struct ln_diag diag;
    lw->env.files = a->posix->files;
    a->problems = (struct problems) { .env = &lw->env };
    memset(&a->update, 0, sizeof a->update);
    memset(&a->store, 0, sizeof a->store);
    a->update.changed = on_changed;
    (void)store_open(&a->store, &lw->env, a->state); /* it may fail, and the agent goes on then */
    machine_init(&a->machine, a->config, "1");
    assert_int_equal(machine_add(&a->machine, lw->client), LN_OK);
    assert_int_equal(
        update_begin(&a->update, lw->client, a->config, &a->store, &a->problems, &diag), LN_OK);
    assert_int_equal(kept_load(&a->kept, &a->store, lw->client, &a->machine), LN_OK);
    a->job = (struct ln_client_job) { .step = step_job, .interest = wait_job, .user = a };
    ln_client_add_job(lw->client, &a->job);
}

void agent_world_boot(struct agent_world *a)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    running = a;
    options.without_objects = true;
    options.prepare = prepare;
    options.config.keep = keep;
    a->lw.device_host = NULL;
    assert_int_equal(lw_open(&a->lw, &options, &what), LN_OK);
    if (a->on_boot != NULL)
        a->on_boot(a);
}

void agent_world_halt(struct agent_world *a)
{
    update_end(&a->update);
    kept_free(&a->kept);
    if (a->on_halt != NULL)
        a->on_halt(a);
    lw_close(&a->lw);
}

size_t agent_world_count(const struct agent_world *a, const char *verb)
{
    char line[64];
    size_t count = 0;
    FILE *log = fopen(a->hook_log, "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        count += strncmp(line, verb, strlen(verb)) == 0;
    if (log != NULL)
        (void)fclose(log);
    return count;
}

void agent_world_make(struct agent_world *a)
{
    memset(a, 0, sizeof *a);
    strcpy(a->folder, "/tmp/linnet-agent-XXXXXX");
    assert_non_null(mkdtemp(a->folder));
    assert_int_equal(ln_env_posix_new(&a->posix), LN_OK);
    log_set_level(LN_LOG_OFF);
    (void)snprintf(a->state, sizeof a->state, "%s/state", a->folder);
    (void)snprintf(a->hook, sizeof a->hook, "%s/hook", a->folder);
    (void)snprintf(a->hook_log, sizeof a->hook_log, "%s/log", a->folder);
    assert_int_equal(mkdir(a->state, 0700), 0);
    FILE *hook = fopen(a->hook, "w");
    assert_non_null(hook);
    (void)fprintf(hook, "#!/bin/sh\necho $1 >> %s\n", a->hook_log);
    (void)fclose(hook);
    (void)chmod(a->hook, 0700);
    a->config = config_new();
    assert_non_null(a->config);
    a->config->firmware.hook = strdup(a->hook);
    assert_non_null(a->config->firmware.hook);
}

int agent_world_remove(struct agent_world *a)
{
    config_free(a->config);
    ln_env_posix_free(a->posix);
    DIR *state = opendir(a->state);
    for (const struct dirent *e = state != NULL ? readdir(state) : NULL; e != NULL;
         e = readdir(state))
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(state), e->d_name, 0);
    if (state != NULL)
        (void)closedir(state);
    (void)unlink(a->hook);
    (void)unlink(a->hook_log);
    (void)rmdir(a->state);
    return rmdir(a->folder);
}
