/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_KEYS_H
#define LN_AGENT_KEYS_H
/**
 * @file keys.h
 * The table of all that can be configured. One row is a key of the INI file, mostly an option of the
 * command line, a line of --help and --keys, and an entry of linnet-agent(8).
 */
#include "config.h"

enum config_type {
    CONFIG_TEXT = 0, /**< not empty */
    CONFIG_PATH,     /**< an absolute path */
    CONFIG_FILE,     /**< a path of a file that is read; relative ones count from the INI file */
    CONFIG_SECRET,   /**< hexadecimal, "@FILE", "credential:NAME"; never shown */
    CONFIG_NUMBER,   /**< low..high */
    CONFIG_BOOL,     /**< yes, no */
    CONFIG_WORD,     /**< one of `words`, NULL ends them; the number is low + its position */
};

struct config_key {
    const char *section; /**< "agent", "server", "device", "firmware" */
    const char *name;
    const char *option; /**< long option of the command line; NULL = none */
    enum config_type type;
    const char *value;    /**< what help calls the value */
    const char *standard; /**< default, as one would write it; NULL = none */
    const char *help;     /**< one sentence */
    size_t at;            /**< in struct config, or in struct config_server */
    long low, high;
    const char *const *words;
};

/** All of them; a section's keys stand together. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/** NULL: there is none. */
const struct config_key *config_key_named(const char *section, const char *name);
const struct config_key *config_key_of_option(const char *option);
/** The key of that section whose name is most like `name`; NULL: none is. */
const struct config_key *config_key_like(const char *section, const char *name);
bool config_has_section(const char *section);

#endif
