/* SPDX-License-Identifier: Apache-2.0 */
/* The program `linnet`: finds the subcommand and hands over. */
#include "command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef LN_PROGRAM_VERSION
#define LN_PROGRAM_VERSION "unknown" /* the build defines it */
#endif

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "probe", probe_main, "connect to a server, show what was agreed, explain what failed" },
    { "download", download_main, "download a file, go on where it was cut, verify it" },
    { "status", status_main, "how a running linnet-agent is: servers, firmware, problems" },
    { "get", get_main, "values of the agent's device" },
    { "set", set_main, "set a value of the agent's device" },
    { "update", update_main, "have the agent renew its registrations now" },
    { "notify", notify_main, "a value has changed: tell whoever observes it" },
    { "why", why_main, "what the agent's servers and notifications wait for" },
};

const char *program_version(void)
{
    return LN_PROGRAM_VERSION;
}

static void usage(FILE *out)
{
    fprintf(out, "usage: linnet COMMAND [ARGUMENT...]\n"
                 "       linnet help COMMAND\n"
                 "       linnet --version\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "  %-10s %s\n", "help", "show the help of a command");
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    fprintf(stderr, "linnet: there is no command '%s'\n\n", name);
    usage(stderr);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("linnet %s\n", program_version());
        return EXIT_FINE;
    }
    bool help = strcmp(name, "help") == 0;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        (help && (argc == 2 || strcmp(argv[2], "help") == 0))) {
        usage(stdout);
        return EXIT_FINE;
    }
    if (help) {
        char option[] = "--help";
        const struct command *asked = find(argv[2]);
        return asked != NULL ? asked->run(1, (char *[]) { option, NULL }) : EXIT_USAGE;
    }
    const struct command *command = find(name);
    return command != NULL ? command->run(argc - 2, argv + 2) : EXIT_USAGE;
}
