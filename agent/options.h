/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_OPTIONS_H
#define LN_AGENT_OPTIONS_H
/**
 * @file options.h
 * The command line. Its options are keys of the table (keys.h), so that they are read, checked and
 * explained like those of the file.
 */
#include "keys.h"

#define OPTIONS_MAX 64

struct options {
    const char *config; /**< the file; NULL = none */
    bool check;
    struct {
        const struct config_key *key;
        char *value;   /**< a secret is copied and wiped from the command line */
        char *exposed; /**< where it stood there; NULL = it was not wiped */
    } set[OPTIONS_MAX];
    size_t count;
    bool exposed; /**< a key stood on the command line in hexadecimal */
};

enum options_result { OPTIONS_RUN = 0, OPTIONS_DONE, OPTIONS_WRONG };

/** Read the command line; what is wrong is told on standard error, help on standard output. */
enum options_result options_read(struct options *options, int argc, char **argv);
/** Put back what was wiped, to execute the program anew. */
void options_restore(const struct options *options);
void options_free(struct options *options);

/**
 * The configuration: file and command line together, checked.
 * @param out  the caller's, to be freed
 * @return false: what is wrong was told to the teller
 */
bool options_configure(const struct options *options, const struct ln_env *env,
                       struct config_teller *teller, struct config **out);

#endif
