/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet download`: a file, in one piece in the end, however often it was cut. */
#include "download.h"
#include "command.h"

#define EXIT_FAULT 17

static int usage_error(const struct option_error *error)
{
    fprintf(stderr, "linnet download: %s\n", error->text);
    fprintf(stderr, "'linnet help download' shows the options\n");
    return EXIT_USAGE;
}

static int out_of_memory(void)
{
    fprintf(stderr, "linnet download: out of memory\n");
    return EXIT_FAULT;
}

static int run(const struct download_settings *settings)
{
    static struct download_report report;
    struct ln_env *env = NULL;
    if (ln_env_posix_new(&env) != LN_OK)
        return out_of_memory();
    if (settings->args->verbose)
        env->log.level = LN_LOG_DEBUG;
    enum ln_status st = download_run(env, settings, &report);
    int status = download_exit_status(&report);
    if (st != LN_OK)
        status = out_of_memory();
    else if (!settings->args->json)
        download_print(stdout, stderr, &report);
    else if (!download_json(stdout, &report))
        status = out_of_memory();
    ln_env_posix_free(env);
    return status;
}

int download_main(int argc, char **argv)
{
    struct download_args args;
    static struct download_settings settings;
    struct option_error error;
    if (!download_args_read(argc, argv, &args, &error))
        return usage_error(&error);
    if (args.help) {
        download_args_help();
        return EXIT_FINE;
    }
    if (args.json && args.output != NULL && args.output[0] == '-' && args.output[1] == '\0') {
        snprintf(error.text, sizeof error.text,
                 "--json and -o - would both write to standard output");
        return usage_error(&error);
    }
    bool good = download_settings_read(&args, &settings, &error);
    int status = good ? run(&settings) : usage_error(&error);
    download_settings_wipe(&settings);
    return status;
}
