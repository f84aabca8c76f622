/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

void state_open(struct agent *a)
{
    a->store.told = on_saved;
    a->store.user = a;
    a->state_check = ln_now(a->env) + CHECK_MS;
    (void)store_open(&a->store, a->env, a->state);
    open_sessions(a);
    clock_load(&a->clock, &a->store);
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
    if (store_open(&a->store, a->env, a->state))
        open_sessions(a);
}

void state_watch(struct agent *a, ln_msec now)
{
    if (a->problems.of[PROBLEM_STATE].is)
        loop_until(&a->loop, a->state_check > now ? a->state_check : now);
}
