/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet notify`: a value has changed behind the agent's back. */
#include "agent.h"
#include "command.h"

static void show(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    double count = agent_number(answer, "observations");
    if (count > 0)
        fprintf(out, "%s: it concerns %.0f observation%s; 'linnet why' shows what they wait for\n",
                args->rest[0], count, count > 1 ? "s" : "");
    else
        fprintf(out, "%s: nobody observes it\n", args->rest[0]);
}

static void request(const struct agent_args *args, struct json_writer *w, cJSON *request)
{
    json_text(w, request, "path", args->rest[0]);
}

int notify_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "notify",
        .operands = "PATH",
        .operand_count = 1,
        .about = "Says to a running linnet-agent that the value of an instance or a resource has\n"
                 "changed, so that whoever observes it is told, as the attributes allow.\n",
        .examples = "  linnet notify /3/0/13\n",
        .request = request,
        .show = show,
    };
    return agent_main(&command, argc, argv);
}
