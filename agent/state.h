/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_STATE_H
#define LN_AGENT_STATE_H
/**
 * @file state.h
 * The state folder in the life of the agent: without it the agent runs and says so.
 *
 * A failure to write is one sentence in the log and the status; while it lasts the folder is looked at
 * every few seconds, and the first success clears it. What a server writes is kept before the server
 * is told, or refused: see `keep` of struct ln_client_config.
 *
 * A folder is one agent's: two would write into each other's records and image.
 */
#include "agent.h"

/** Open the folder `a->state`, its sessions, and the kept time. False: another agent uses it, and that
 *  was told. */
bool state_open(struct agent *agent);
/** Keep what was written into an instance: LN_ANSWER_OK, or what the server is told. `user` is the
 *  agent. */
enum ln_answer state_keep(void *user, struct ln_client *client, uint16_t oid, uint16_t iid);
/** Look whether a folder that failed has become well; and when to look again. */
void state_step(struct agent *agent, ln_msec now);
void state_watch(struct agent *agent, ln_msec now);

#endif
