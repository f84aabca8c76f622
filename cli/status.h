/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_STATUS_H
#define LN_CLI_STATUS_H
/**
 * @file status.h
 * The two forms of `linnet status`: a page (status.c), and what changes as it changes (status_follow.c).
 */
#include "agent.h"

/** How far a download is. */
struct status_gauge {
    uint64_t offset, total;
    bool has_total;
};

/** @return false if none runs; `firmware` is a member of the agent's answer, or NULL */
bool status_gauge(const cJSON *firmware, struct status_gauge *out);

/** As struct agent_command wants it. */
int status_follow(struct control *control, const struct agent_args *args);

#endif
