/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet get`: values of the device, as a server would read them. */
#include "agent.h"
#include "command.h"

#include <linnet/registry.h>
#include <stdlib.h>

/* "/3/0/9" -> the name of resource 9 of object 3, or "". */
static const char *name_of(const char *path)
{
    struct ln_registry_resource resource;
    unsigned long ids[3] = { 0, 0, 0 };
    char *end = NULL;
    for (size_t i = 0; i < 3; i++) {
        if (*path != '/')
            return "";
        ids[i] = strtoul(path + 1, &end, 10);
        if (end == path + 1 || ids[i] > UINT16_MAX)
            return "";
        path = end;
    }
    return ln_registry_resource((uint16_t)ids[0], (uint16_t)ids[2], &resource) ? resource.name : "";
}

static void show_value(FILE *out, const cJSON *item)
{
    char text[48];
    const char *type = agent_text(item, "type");
    const char *word = agent_text(item, "value");
    const cJSON *value = agent_member(item, "value");
    if (cJSON_IsString(value) && type[0] == 's') { /* "string"; all others have no quotes */
        fprintf(out, "\"%s\"", word);
    } else if (cJSON_IsString(value)) {
        fputs(word, out);
    } else {
        char *printed = cJSON_PrintUnformatted(value);
        fputs(printed != NULL ? printed : "?", out);
        cJSON_free(printed);
    }
    if (type[0] == 't' && cJSON_IsNumber(value)) /* "time" */
        fprintf(out, " (%s)", agent_clock(value->valuedouble, text));
}

static void show(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    const cJSON *item = NULL;
    (void)args;
    cJSON_ArrayForEach(item, agent_member(answer, "values"))
    {
        const char *path = agent_text(item, "path");
        const char *name = name_of(path);
        fprintf(out, "%-14s %s%s= ", path, name, *name != '\0' ? " " : "");
        show_value(out, item);
        fputc('\n', out);
    }
}

static void request(const struct agent_args *args, struct json_writer *w, cJSON *request)
{
    json_text(w, request, "path", args->rest[0]);
}

int get_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "get",
        .operands = "PATH",
        .operand_count = 1,
        .about =
            "Shows values of a running linnet-agent: those of an object, an instance, a resource\n"
            "or a resource instance. / is everything. Keys (/0 and /21) are never shown.\n",
        .examples = "  linnet get /3/0\n"
                    "  linnet get --json /3333/0/5506\n",
        .request = request,
        .show = show,
    };
    return agent_main(&command, argc, argv);
}
