/* SPDX-License-Identifier: Apache-2.0 */
/* The program `linnet-agent`. */
#include "agent.h"
#include "log.h"
#include "options.h"

#include <stdio.h>

enum { EXIT_FINE = 0, EXIT_CANNOT = 1, EXIT_USAGE = 2 };

static void tell(void *user, enum ln_level level, const char *line)
{
    (void)user;
    fprintf(stderr, "%s%s\n", level == LN_LOG_WARN ? "warning: " : "", line);
}

static int check(const struct options *options)
{
    struct config_teller teller = { tell, NULL, 0 };
    struct config *config = NULL;
    struct ln_env *env = NULL;
    if (ln_env_posix_new(&env) != LN_OK)
        return EXIT_CANNOT;
    bool good = options_configure(options, env, &teller, &config);
    if (good) {
        good = config_look(config, LN_LOG_ERROR, &teller);
        good = config_try(config, env, &teller) && good;
    }
    config_free(config);
    ln_env_posix_free(env);
    if (good)
        printf("the configuration is good\n");
    return good ? EXIT_FINE : EXIT_CANNOT;
}

int main(int argc, char **argv)
{
    struct options options;
    enum options_result result = options_read(&options, argc, argv);
    int status = result == OPTIONS_DONE ? EXIT_FINE : EXIT_USAGE;
    log_open();
    if (result == OPTIONS_RUN)
        status = options.check ? check(&options) : agent_run(&options, argv);
    options_free(&options);
    return status;
}
