/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_OPTIONS_H
#define LN_CLI_OPTIONS_H
/**
 * @file options.h
 * Command lines by table: one rule per option, which is parser, checker and help in one.
 *
 * An option is `--name VALUE`, `--name=VALUE`, or `-x VALUE` for the few with a letter. `--` ends
 * the options. A value is stored where the rule says, in a structure of the caller's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_HEADING = 0, /**< no option: `help` heads those that follow */
    OPTION_FLAG,        /**< bool: no value */
    OPTION_TEXT,        /**< char *: the argument itself, borrowed */
    OPTION_MAYBE,       /**< struct option_maybe: --name or --name=VALUE */
    OPTION_MANY,        /**< struct option_many: may be given several times */
    OPTION_NUMBER,      /**< long: from rule->low to rule->high */
    OPTION_SECONDS,     /**< int64_t, milliseconds: "5", "0.25"; the limits are in milliseconds */
    OPTION_SIZE,        /**< uint64_t, bytes: "1500", "64K", "10M", "2G" (powers of 1024); not 0 */
};

#define OPTION_MANY_MAX 32

struct option_many {
    size_t count;
    char *text[OPTION_MANY_MAX];
};

struct option_maybe {
    bool given;
    char *text; /**< NULL if there was no value */
};

struct option_rule {
    const char *name; /**< without its dashes */
    char letter;      /**< 0 = none */
    enum option_kind kind;
    const char *value; /**< what the help calls the value */
    const char *help;  /**< lines; those after the first are indented like it */
    size_t at;         /**< offsetof the member of the caller's structure */
    long low, high;    /**< of numbers */
};

struct option_error {
    char text[256]; /**< names the option and says what was expected */
};

/**
 * Read a command line.
 *
 * @param argc, argv  what follows the name of the subcommand
 * @param into        the structure that the rules describe
 * @param rest        receives what is no option, in order
 * @param rest_max    room there
 * @param rest_count  out
 * @return false: `error` tells; `into` is partly filled
 */
bool options_parse(const struct option_rule *rules, size_t rule_count, int argc, char **argv,
                   void *into, char **rest, size_t rest_max, size_t *rest_count,
                   struct option_error *error);

/** Print headings and options with their help. */
void options_print(FILE *out, const struct option_rule *rules, size_t rule_count);

#endif
