/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of all commands about a running agent. See agent.h. */
#include "agent.h"
#include "command.h"

#define AT(member) offsetof(struct agent_args, member)
#define TIMEOUT_MS 10000

static const struct option_rule common[] = {
    { .kind = OPTION_HEADING, .help = "Which agent:" },
    { "socket", 0, OPTION_TEXT, "PATH",
      "its socket (default: $LINNET_SOCKET, else the first that is there\n"
      "of /run/linnet/agent.sock and $XDG_RUNTIME_DIR/linnet/agent.sock)",
      AT(socket), 0, 0 },
    { "timeout", 0, OPTION_SECONDS, "SECONDS", "longest silence of the agent (default 10)",
      AT(timeout_ms), 1, 86400000 },

    { .kind = OPTION_HEADING, .help = "What is shown:" },
    { "json", 0, OPTION_FLAG, NULL, "JSON, of failures too", AT(json), 0, 0 },
    { "help", 'h', OPTION_FLAG, NULL, "show this help", AT(help), 0, 0 },
};

enum { COMMON_COUNT = sizeof common / sizeof common[0], RULE_MAX = 16 };

static size_t all_rules(const struct agent_command *command, struct option_rule rules[RULE_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < command->rule_count && count < RULE_MAX - COMMON_COUNT; i++)
        rules[count++] = command->rules[i];
    for (size_t i = 0; i < COMMON_COUNT; i++)
        rules[count++] = common[i];
    return count;
}

static void print_help(const struct agent_command *command)
{
    struct option_rule rules[RULE_MAX];
    size_t count = all_rules(command, rules);
    printf("usage: linnet %s [OPTION...]%s%s\n\n%s", command->name,
           *command->operands != '\0' ? " " : "", command->operands, command->about);
    options_print(stdout, rules, count);
    printf("\nExit status:\n"
           "   0  done\n"
           "   2  the command line is wrong\n"
           "  10  the agent says no, and why\n"
           "  11  no agent is running, or its socket is elsewhere\n"
           "  12  you may not speak with the agent\n"
           "  13  the agent does not answer, or not as an agent does\n"
           "  17  out of memory\n"
           "\nExamples:\n%s",
           command->examples);
}

static bool read_line(const struct agent_command *command, int argc, char **argv,
                      struct agent_args *args, struct option_error *error)
{
    struct option_rule rules[RULE_MAX];
    size_t given = 0;
    *args = (struct agent_args) { .timeout_ms = TIMEOUT_MS };
    if (!options_parse(rules, all_rules(command, rules), argc, argv, args, args->rest,
                       command->operand_count, &given, error))
        return false;
    if (given == command->operand_count || args->help)
        return true;
    snprintf(error->text, sizeof error->text, "expected %s", command->operands);
    return false;
}

int agent_complain(const char *command, const struct agent_args *args,
                   const struct control_failure *failure)
{
    if (!args->json) {
        char text[sizeof failure->text];
        snprintf(text, sizeof text, "%s", failure->text);
        cJSON printable = { .valuestring = text };
        agent_make_printable(&printable);
        fprintf(stderr, "linnet %s: %s\n", command, text);
        return failure->exit;
    }
    struct json_writer w = { .complete = true };
    cJSON *root = cJSON_CreateObject();
    cJSON *error = json_object(&w, root, "error");
    json_text(&w, error, "word", failure->word);
    json_text(&w, error, "text", failure->text);
    (void)json_print(stdout, &w, root);
    return failure->exit;
}

static bool ask(const struct agent_command *command, struct control *control,
                const struct agent_args *args, struct control_failure *failure)
{
    struct json_writer w = { .complete = true };
    cJSON *request = cJSON_CreateObject();
    json_text(&w, request, "command", command->name);
    if (command->request != NULL)
        command->request(args, &w, request);
    bool good = w.complete && control_send(control, request, failure);
    if (!w.complete)
        *failure = (struct control_failure) { CONTROL_FAULT, "internal", "out of memory" };
    cJSON_Delete(request);
    return good;
}

static int show(const struct agent_command *command, const struct agent_args *args, cJSON *answer)
{
    if (args->json) {
        struct json_writer w = { .complete = true };
        return json_print(stdout, &w, answer) ? EXIT_FINE : CONTROL_FAULT;
    }
    agent_make_printable(answer);
    command->show(stdout, args, answer);
    cJSON_Delete(answer);
    return EXIT_FINE;
}

static int run(const struct agent_command *command, const struct agent_args *args)
{
    struct control control;
    struct control_failure failure;
    cJSON *answer = NULL;
    int status = -1;
    bool good = control_open(&control, args->socket, args->timeout_ms, &failure);
    bool asked = good && ask(command, &control, args, &failure);
    if (asked && args->follow)
        status = command->follow(&control, args);
    else if (asked)
        answer = control_answer(&control, &failure);
    if (good)
        control_close(&control);
    if (answer != NULL)
        status = show(command, args, answer);
    return status >= 0 ? status : agent_complain(command->name, args, &failure);
}

int agent_main(const struct agent_command *command, int argc, char **argv)
{
    struct agent_args args;
    struct option_error error;
    if (!read_line(command, argc, argv, &args, &error)) {
        fprintf(stderr, "linnet %s: %s\n'linnet help %s' shows the options\n", command->name,
                error.text, command->name);
        return EXIT_USAGE;
    }
    if (args.help) {
        print_help(command);
        return EXIT_FINE;
    }
    return run(command, &args);
}
