/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the control protocol, by name: linnet-agent(8). */
#include "control.h"

#include <string.h>

static void finish(struct control_peer *peer, cJSON *line)
{
    cJSON_AddBoolToObject(line, "done", true);
    control_answer(peer, line);
}

static void run_status(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "follow")))
        control_follow(peer);
    else
        finish(peer, status_json(agent));
}

static void run_why(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    (void)request;
    finish(peer, why_json(agent));
}

static const struct {
    const char *name;
    void (*run)(struct agent *agent, struct control_peer *peer, const cJSON *request);
} commands[] = {
    { "status", run_status },
    { "why", run_why },
};

void command_run(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "command"));
    for (size_t i = 0; name != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(agent, peer, request);
            return;
        }
    }
    control_refuse(peer, "unknown_command",
                   "this agent knows no such command: it may be older than the program that asks");
}
