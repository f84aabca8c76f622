/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet why`: what each server and each notification waits for, and until when. */
#include "agent.h"
#include "command.h"

static void show_observation(FILE *out, const cJSON *observation)
{
    fprintf(out, "  observed %s\n", agent_text(observation, "path"));
    agent_show_wait(out, 4, observation);
}

static void show_notification(FILE *out, const cJSON *notification)
{
    char text[48];
    fprintf(out, "  notification %.0f of %s, %s%s, %s old\n", agent_number(notification, "id"),
            agent_text(notification, "path"), agent_text(notification, "state"),
            agent_is(notification, "confirmable") ? ", confirmable" : "",
            agent_duration(agent_number(notification, "age_ms"), text));
    agent_show_wait(out, 4, notification);
}

static void show_server(FILE *out, const cJSON *server)
{
    const cJSON *item = NULL;
    double attempt = agent_number(server, "attempt");
    fprintf(out, "server %.0f  %s  %s\n", agent_number(server, "ssid"), agent_text(server, "uri"),
            agent_text(server, "state"));
    agent_show_wait(out, 2, server);
    if (attempt > 0)
        fprintf(out, "  %.0f failed attempt%s\n", attempt, attempt > 1 ? "s" : "");
    agent_show_failure(out, 2, server);
    cJSON_ArrayForEach(item, agent_member(server, "observations")) show_observation(out, item);
    cJSON_ArrayForEach(item, agent_member(server, "notifications")) show_notification(out, item);
}

static void show(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    const cJSON *server = NULL;
    const cJSON *firmware = agent_member(answer, "firmware");
    (void)args;
    cJSON_ArrayForEach(server, agent_member(answer, "servers")) show_server(out, server);
    if (!cJSON_IsObject(firmware))
        return;
    fprintf(out, "firmware  %s\n", agent_text(firmware, "state"));
    agent_show_wait(out, 2, firmware);
}

int why_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "why",
        .operands = "",
        .about = "Shows what each server, each observation and each notification of a running\n"
                 "linnet-agent waits for, and until when.\n",
        .examples = "  linnet why\n"
                    "  linnet why --json\n",
        .show = show,
    };
    return agent_main(&command, argc, argv);
}
