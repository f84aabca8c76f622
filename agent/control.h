/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_CONTROL_H
#define LN_AGENT_CONTROL_H
/**
 * @file control.h
 * The control socket: linnet-agent(8), CONTROL PROTOCOL. One JSON object a line in both directions.
 *
 * Only the owner and the group of the socket get in (mode 0660). Nothing that a peer does can block
 * the agent: requests have a longest length, answers wait in a bounded buffer, and who does not read
 * them is dropped.
 */
#include <cjson/cJSON.h>

#include "agent.h"

struct control;
struct control_peer;

/** Bind and listen. NULL: `why` tells, and the agent goes on without. `agent` is borrowed. */
struct control *control_open(struct agent *agent, const char *path, const char *group, char *why,
                             size_t why_size);
/** NULL is allowed. */
void control_close(struct control *control);

/** Who waits for what, for a turn of the loop. */
void control_watch(struct control *control, struct loop *loop);
/** Something changed: followers of the status are to be told. */
void control_changed(struct control *control);
/** After each turn: tell those followers. */
void control_step(struct control *control, ln_msec now);

/** One line to the peer; takes `line` and frees it. */
void control_answer(struct control_peer *peer, cJSON *line);
/** The last line, an error. */
void control_refuse(struct control_peer *peer, const char *word, const char *text, ...)
    LN_PRINTF(3, 4);
/** The peer gets the status at each change, from now on. */
void control_follow(struct control_peer *peer);

/** A request of a peer (commands.c). `request` is borrowed. */
void command_run(struct agent *agent, struct control_peer *peer, const cJSON *request);
/** The member "failure" of a server or the firmware: null or an object. */
void status_add_failure(cJSON *at, const struct failure *failure);
/** The answer to status, without "done" (status.c). NULL: no memory. */
cJSON *status_json(struct agent *agent);
/** The answer to why. */
cJSON *why_json(struct agent *agent);

#endif
