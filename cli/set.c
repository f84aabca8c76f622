/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet set`: a value of the device; who observes it is told. */
#include "agent.h"
#include "command.h"

static void show(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    (void)answer;
    fprintf(out, "%s is set\n", args->rest[0]);
}

static void request(const struct agent_args *args, struct json_writer *w, cJSON *request)
{
    json_text(w, request, "path", args->rest[0]);
    json_text(w, request, "value", args->rest[1]);
}

int set_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "set",
        .operands = "PATH VALUE",
        .operand_count = 2,
        .about =
            "Sets a resource of a running linnet-agent, and tells whoever observes it. The value is\n"
            "read by the resource's type: text, 5, 2.5, true, octets in hexadecimal, 3:0. Write --\n"
            "before the path if the value begins with a dash.\n",
        .examples = "  linnet set /3/0/14 +02:00\n"
                    "  linnet set -- /3333/0/5506 -5\n",
        .request = request,
        .show = show,
    };
    return agent_main(&command, argc, argv);
}
