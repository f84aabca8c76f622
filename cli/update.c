/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet update`: registrations, now. */
#include "agent.h"
#include "command.h"

static void show(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    const cJSON *servers = agent_member(answer, "servers");
    const cJSON *server = NULL;
    const char *separator = "";
    (void)args;
    fputs("an Update is on its way to server ", out);
    cJSON_ArrayForEach(server, servers)
    {
        fprintf(out, "%s%.0f", separator, cJSON_IsNumber(server) ? server->valuedouble : 0);
        separator = ", ";
    }
    fputs("; 'linnet status' shows how it went\n", out);
}

static void request(const struct agent_args *args, struct json_writer *w, cJSON *request)
{
    if (args->server > 0)
        json_number(w, request, "ssid", args->server);
}

static const struct option_rule rules[] = {
    { .kind = OPTION_HEADING, .help = "To whom:" },
    { "server", 0, OPTION_NUMBER, "SSID", "one server, by its short server id (default: all)",
      offsetof(struct agent_args, server), 1, 65534 },
};

int update_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "update",
        .operands = "",
        .about =
            "Has a running linnet-agent renew its registrations now. A server that it waits for,\n"
            "after a failure, is tried again at once.\n",
        .examples = "  linnet update\n"
                    "  linnet update --server 1\n",
        .rules = rules,
        .rule_count = sizeof rules / sizeof rules[0],
        .request = request,
        .show = show,
    };
    return agent_main(&command, argc, argv);
}
