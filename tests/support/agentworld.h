/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_AGENTWORLD_H
#define LN_TESTS_AGENTWORLD_H
/**
 * @file agentworld.h
 * A device of the agent's parts at a scripted LwM2M server, under virtual time: its state and image are in
 * a real folder, its hook is a real program, which notes each verb it was asked and says yes.
 *
 * What is in the folder outlives the program, so that a test may end it and start it again. While the hook
 * runs, virtual time stands still. Linked to tests of the agent only. Functions fail the running test
 * where they cannot do what they say.
 */
#include "support/lwworld.h"

#include "agent/kept.h"
#include "agent/machine.h"
#include "agent/update.h"

struct agent_world {
    struct lw_world lw;
    struct ln_env *posix;
    struct config *config;
    struct store store;
    struct machine machine;
    struct kept kept;
    struct problems problems;
    struct update update;
    struct ln_client_job job;
    char folder[40], state[64], hook[64], hook_log[64];
    /** Called when the world is made, before its client is started; NULL. */
    void (*on_boot)(struct agent_world *a);
    /** Called before the world is freed; NULL. */
    void (*on_halt)(struct agent_world *a);
};

/** The folder and the hook; the log of the agent is switched off. */
void agent_world_make(struct agent_world *a);
/** @return 0 when nothing was left in the folder but what belongs there */
int agent_world_remove(struct agent_world *a);
/** Start the program; it does not register by itself. */
void agent_world_boot(struct agent_world *a);
/** End it, as SIGKILL does. */
void agent_world_halt(struct agent_world *a);
/** So often the hook has begun with this verb. */
size_t agent_world_count(const struct agent_world *a, const char *verb);

#endif
