/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder that cannot be written is looked at again so often. */
#define CHECK_MS 10000

static void on_saved(void *user, const char *why)
{
    struct agent *a = user;
    if (why != NULL)
        problem_set(&a->problems, PROBLEM_STATE, "%s", why);
    else
        problem_clear(&a->problems, PROBLEM_STATE);
}

/* Held as long as this program runs: the descriptor is closed by its end, and by exec. A folder that is
 * not there yet, or on a file system without locks, is not locked. */
static bool lock_folder(struct agent *a)
{
    if (a->state_lock < 0)
        a->state_lock = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->state_lock < 0 || flock(a->state_lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true;
    (void)close(a->state_lock);
    a->state_lock = -1;
    return false;
}

/* Sessions that cannot be stored cost a handshake and nothing else. */
static void open_sessions(struct agent *a)
{
    (void)snprintf(a->session_path, sizeof a->session_path, "%.3000s/sessions", a->state);
    a->has_sessions = strlen(a->session_path) <= 200;
    if (!a->has_sessions)
        return;
    (void)mkdir(a->session_path, 0700); /* there already, or told by the folder around it */
    a->sessions = (struct ln_session_folder) { a->env, a->session_path };
    a->session_store = ln_session_store_folder(&a->sessions);
}

bool state_open(struct agent *a)
{
    a->store.told = on_saved;
    a->store.user = a;
    a->state_check = ln_now(a->env) + CHECK_MS;
    (void)store_open(&a->store, a->env, a->state);
    if (!lock_folder(a)) {
        log_line(LN_LOG_ERROR,
                 "another agent uses the state folder %s; give this one a folder of its own with "
                 "--state, or end the other one",
                 a->state);
        return false;
    }
    open_sessions(a);
    clock_load(&a->clock, &a->store);
    return true;
}

enum ln_answer state_keep(void *user, struct ln_client *client, uint16_t oid, uint16_t iid)
{
    struct agent *a = user;
    (void)client;
    (void)iid;
    if (!kept_is(oid))
        return LN_ANSWER_OK;
    return kept_save(&a->kept, &a->store, a->client, &a->machine) ? LN_ANSWER_OK
                                                                  : LN_ANSWER_INTERNAL;
}

void state_step(struct agent *a, ln_msec now)
{
    if (!a->problems.of[PROBLEM_STATE].is || now < a->state_check)
        return;
    a->state_check = now + CHECK_MS;
    if (!store_open(&a->store, a->env, a->state))
        return;
    (void)lock_folder(a); /* it may have been made just now */
    open_sessions(a);
}

void state_watch(struct agent *a, ln_msec now)
{
    if (a->problems.of[PROBLEM_STATE].is)
        loop_until(&a->loop, a->state_check > now ? a->state_check : now);
}
