/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "agent.h"
#include "config_tell.h"

#include <getopt.h>
#include <linnet/tls_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/linnet/agent.ini"
#define COLUMN 30

#define KEY_BASE 1000 /* a key is this and its place in the table, for getopt */

enum { OPT_CONFIG = 2000, OPT_CHECK, OPT_KEYS, OPT_VERSION };

static const struct option own[] = {
    { "config", required_argument, NULL, OPT_CONFIG }, { "check", no_argument, NULL, OPT_CHECK },
    { "keys", no_argument, NULL, OPT_KEYS },           { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
};

/* ---- help ---- */

static void print_wrapped(const char *text)
{
    size_t column = COLUMN;
    for (const char *word = text; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (column > COLUMN && column + len > 98) {
            printf("\n%*s", COLUMN, "");
            column = COLUMN;
        }
        printf("%s%.*s", column > COLUMN ? " " : "", (int)len, word);
        column += len + 1;
        word += len + strspn(word + len, " ");
    }
    printf("\n");
}

static void print_row(const char *name, const char *value, const char *help, const char *standard)
{
    char left[64];
    (void)snprintf(left, sizeof left, "  %s%s%s", name, value != NULL ? " " : "",
                   value != NULL ? value : "");
    printf("%-*s%s", COLUMN, left, strlen(left) >= COLUMN ? "\n" : "");
    if (strlen(left) >= COLUMN)
        printf("%*s", COLUMN, "");
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s%s%s", help, standard != NULL ? " Default: " : "",
                   standard != NULL ? standard : "", standard != NULL ? "." : "");
    print_wrapped(text);
}

static void usage(void)
{
    printf(
        "usage: linnet-agent --server URI --endpoint NAME [--psk-identity ID --psk-key @FILE]\n"
        "       linnet-agent [--config FILE] [--check]\n\n"
        "An LwM2M device on Linux: registers at servers, shows this machine, updates its firmware.\n"
        "It runs in the foreground; SIGTERM or SIGINT end it, SIGHUP reads the configuration anew.\n"
        "`linnet status` tells how it is.\n\n");
    print_row("--config", "FILE", "The INI file; options of the command line win over it.",
              CONFIG_DEFAULT ", if there is no --server");
    print_row("--check", NULL, "Check the configuration, tell what is wrong, and end.", NULL);
    print_row("--keys", NULL, "List the keys of the INI file, and end.", NULL);
    print_row("--help", NULL, "This.", NULL);
    print_row("--version", NULL, "The version, and the TLS libraries that are built in.", NULL);
    printf("\n");
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char name[48];
        if (key->option == NULL)
            continue;
        (void)snprintf(name, sizeof name, "--%s", key->option);
        print_row(name, key->value, key->help, key->type == CONFIG_BOOL ? NULL : key->standard);
    }
    printf("\nexit: 0 stopped; 1 it cannot run, or --check found an error; 2 wrong usage\n");
}

static void print_keys(void)
{
    const char *section = "";
    char name[48];
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(section, key->section) != 0)
            printf("%s[%s]\n", i > 0 ? "\n" : "", key->section);
        section = key->section;
        (void)snprintf(name, sizeof name, "%s =", key->name);
        print_row(name, key->type == CONFIG_BOOL ? "yes|no" : key->value, key->help, key->standard);
    }
}

static void print_version(void)
{
    printf("linnet-agent %s", agent_version());
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++)
        printf("%s%s", i == 0 ? " (TLS: " : ", ", ln_tls_builtin(i)->name);
    printf("%s\n", ln_tls_builtin(0) != NULL ? ")" : "");
}

/* ---- reading ---- */

static enum options_result wrong(const char *option, const char *why)
{
    fprintf(stderr, "linnet-agent: --%s: %s\n", option, why);
    return OPTIONS_WRONG;
}

/* Other users may see a command line: a key is copied and wiped there, and we say so. */
static enum options_result keep(struct options *o, const struct config_key *key, char *value)
{
    if (o->count == OPTIONS_MAX)
        return wrong(key->option, "too many options");
    char *copy = strdup(value != NULL ? value : "yes");
    if (copy == NULL)
        return wrong(key->option, "there is not enough memory");
    if (key->type == CONFIG_SECRET && value != NULL && value[0] != '@' &&
        strncmp(value, "credential:", 11) != 0) {
        o->exposed = true;
        o->set[o->count].exposed = value;
        ln_wipe(value, strlen(value));
    }
    o->set[o->count].key = key;
    o->set[o->count].value = copy;
    o->count++;
    return OPTIONS_RUN;
}

static enum options_result take(struct options *o, int option)
{
    switch (option) {
    case OPT_CONFIG:
        o->config = optarg;
        return OPTIONS_RUN;
    case OPT_CHECK:
        o->check = true;
        return OPTIONS_RUN;
    case OPT_KEYS:
        print_keys();
        return OPTIONS_DONE;
    case OPT_VERSION:
        print_version();
        return OPTIONS_DONE;
    case 'h':
        usage();
        return OPTIONS_DONE;
    default:
        return OPTIONS_WRONG; /* getopt has told */
    }
}

/* getopt's table: our own rows, then a row for each key with an option, numbered by the key. */
static void make_table(struct option *table)
{
    size_t count = LN_COUNT_OF(own);
    memcpy(table, own, sizeof own);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->option == NULL || count == OPTIONS_MAX)
            continue;
        table[count++] =
            (struct option) { key->option,
                              key->type == CONFIG_BOOL ? no_argument : required_argument, NULL,
                              KEY_BASE + (int)i };
    }
    table[count] = (struct option) { 0 };
}

static bool has_server(const struct options *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->set[i].key->name, "uri") == 0)
            return true;
    return false;
}

enum options_result options_read(struct options *options, int argc, char **argv)
{
    struct option table[OPTIONS_MAX + 1];
    memset(options, 0, sizeof *options);
    make_table(table);
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        bool is_key = option >= KEY_BASE && option < OPT_CONFIG;
        enum options_result result =
            is_key ? keep(options, &config_keys[option - KEY_BASE], optarg) : take(options, option);
        if (result == OPTIONS_WRONG)
            fprintf(stderr, "linnet-agent: see linnet-agent --help\n");
        if (result != OPTIONS_RUN)
            return result;
    }
    if (optind < argc) {
        fprintf(stderr, "linnet-agent: %.100s: no argument is expected; see --help\n",
                argv[optind]);
        return OPTIONS_WRONG;
    }
    if (options->config == NULL && !has_server(options))
        options->config = CONFIG_DEFAULT;
    return OPTIONS_RUN;
}

void options_restore(const struct options *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (options->set[i].exposed != NULL)
            memcpy(options->set[i].exposed, options->set[i].value, strlen(options->set[i].value));
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        ln_wipe(options->set[i].value, strlen(options->set[i].value));
        free(options->set[i].value);
    }
    options->count = 0;
}

bool options_configure(const struct options *options, const struct ln_env *env,
                       struct config_teller *teller, struct config **out)
{
    const struct config_place place = { NULL, 0, "" };
    struct config *config = config_new();
    if (config == NULL)
        return config_wrong(teller, &place, NULL, "there is not enough memory");
    bool good = options->config == NULL || config_read_file(config, options->config, teller);
    for (size_t i = 0; i < options->count; i++)
        good =
            config_set(config, options->set[i].key, options->set[i].value, &place, teller) && good;
    if (options->exposed)
        config_warn(teller, &place, config_key_named("server", "psk_key"),
                    "other users of this machine may see a key on the command line; better @FILE");
    good = good && config_finish(config, env, teller);
    if (good)
        *out = config;
    else
        config_free(config);
    return good;
}
