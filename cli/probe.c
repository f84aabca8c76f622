/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet probe`: connect, show what was agreed, explain what failed. */
#include "probe.h"
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage_error(const struct option_error *error)
{
    fprintf(stderr, "linnet probe: %s\n", error->text);
    fprintf(stderr, "'linnet help probe' shows the options\n");
    return EXIT_USAGE;
}

/* no-color.org: set and not empty means none, whatever the terminal can do */
static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static int out_of_memory(void)
{
    fprintf(stderr, "linnet probe: out of memory\n");
    return EXIT_CATEGORY + LN_CAT_OUT_OF_MEMORY;
}

static int run(struct probe_settings *settings)
{
    struct ln_env *env = NULL;
    struct probe_report report;
    if (ln_env_posix_new(&env) != LN_OK)
        return out_of_memory();
    if (settings->args->verbose)
        env->log.level = LN_LOG_DEBUG;
    enum ln_status st = probe_run(env, settings, &report);
    int status = probe_exit_status(&report);
    if (st != LN_OK)
        status = out_of_memory();
    else if (!settings->args->json)
        probe_print(stdout, &report, wants_colour());
    else if (!probe_json(stdout, &report))
        status = out_of_memory();
    probe_report_free(&report);
    ln_env_posix_free(env);
    return status;
}

int probe_main(int argc, char **argv)
{
    struct probe_args args;
    static struct probe_settings settings;
    struct option_error error;
    if (!probe_args_read(argc, argv, &args, &error))
        return usage_error(&error);
    if (args.help) {
        probe_args_help();
        return EXIT_FINE;
    }
    if (args.capabilities)
        return probe_capabilities(stdout, args.json) ? EXIT_FINE : out_of_memory();
    bool good = probe_settings_read(&args, &settings, &error);
    int status = good ? run(&settings) : usage_error(&error);
    probe_settings_wipe(&settings);
    return status;
}
