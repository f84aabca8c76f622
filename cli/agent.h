/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_AGENT_H
#define LN_CLI_AGENT_H
/**
 * @file agent.h
 * What the commands about a running linnet-agent share: status, get, set, update, notify, why.
 *
 * Each is one row of what differs, struct agent_command: its words, how it makes its request, how it
 * shows the answer. agent.c reads the command line, asks, and tells failures.
 */
#include "control.h"
#include "json.h"
#include "options.h"

/** The command lines of all of them. */
struct agent_args {
    bool help, json, follow;
    char *socket;
    int64_t timeout_ms;
    long server; /**< 0 = all */
    char *rest[2];
};

struct agent_command {
    const char *name;
    const char *operands; /**< "PATH VALUE"; "" = none */
    size_t operand_count;
    const char *about;               /**< paragraphs of the help */
    const char *examples;            /**< lines of the help */
    const struct option_rule *rules; /**< of its own; NULL = none */
    size_t rule_count;
    /** Add the members of the request besides "command"; may be NULL. */
    void (*request)(const struct agent_args *args, struct json_writer *w, cJSON *request);
    /** Show an answer. What is in it may be printed as it is, and any member may be missing. */
    void (*show)(FILE *out, const struct agent_args *args, const cJSON *answer);
    /** Show a conversation that goes on, for args->follow; may be NULL. @return the exit status */
    int (*follow)(struct control *control, const struct agent_args *args);
};

int agent_main(const struct agent_command *command, int argc, char **argv);

/** Tell a failure, as JSON to standard output or as a sentence. @return its exit status */
int agent_complain(const char *command, const struct agent_args *args,
                   const struct control_failure *failure);

/* ---- members of answers (agent_show.c) ---- */

/** Take what a terminal would obey out of all strings: they come from servers, too. */
void agent_make_printable(cJSON *tree);

const cJSON *agent_member(const cJSON *object, const char *name);
/** "" if there is none. */
const char *agent_text(const cJSON *object, const char *name);
/** -1 if there is none: no number of the agent is negative. */
double agent_number(const cJSON *object, const char *name);
bool agent_is(const cJSON *object, const char *name);

/** "1 min 14 s", "0.3 s", "2 days 3 h"; "never" for what is negative. @return `text` */
const char *agent_duration(double ms, char text[48]);
/** "2026-11-28 08:00:00 UTC". @return `text` */
const char *agent_clock(double wall_s, char text[48]);
/** " waits for WHAT, in TIME" of the members "waits_for" and "waits_ms", with `indent` spaces. */
void agent_show_wait(FILE *out, int indent, const cJSON *object);
/** The member "failure": what happened, when, and what to do. Nothing if there is none. */
void agent_show_failure(FILE *out, int indent, const cJSON *object);

#endif
