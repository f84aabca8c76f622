/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_PROBLEMS_H
#define LN_AGENT_PROBLEMS_H
/**
 * @file problems.h
 * What is wrong right now, one sentence for each matter: told to the log when it begins or changes,
 * kept for `linnet status`, gone when it has gone well again.
 */
#include <linnet/client.h>

#include "config.h"

enum problem_matter {
    PROBLEM_STATE = 0, /**< the state folder */
    PROBLEM_CLOCK,
    PROBLEM_CONTROL, /**< the control socket */
    PROBLEM_HOOK,
    PROBLEM_CONFIG, /**< a reload that failed */
    PROBLEM_MATTERS,
};
#define PROBLEM_TEXT_MAX 512

struct problem {
    bool is;
    int64_t since; /**< wall clock */
    char text[PROBLEM_TEXT_MAX];
};

/** The last failure of a server, or of a download. */
struct failure {
    bool is;
    int64_t since;
    uint8_t code; /**< CoAP, of the answer; 0 = none */
    struct ln_diag diag;
};

struct problems {
    const struct ln_env *env;
    struct problem of[PROBLEM_MATTERS];
    unsigned changes; /**< counts */
    struct {
        uint16_t ssid; /**< 0 = free */
        struct failure failure;
    } servers[CONFIG_SERVERS_MAX];
};

void problem_set(struct problems *problems, enum problem_matter matter, const char *text, ...)
    LN_PRINTF(3, 4);
void problem_clear(struct problems *problems, enum problem_matter matter);
const char *problem_word(enum problem_matter matter);

/** The entry of a server; never NULL for one of the configuration's. */
struct failure *problem_of_server(struct problems *problems, uint16_t ssid);
/** A failure in words: none is NULL. */
struct failure_words {
    const char *category;        /**< such as "psk_key" */
    const char *advice;          /**< what to do */
    char text[LN_DIAG_LINE_MAX]; /**< what failed */
};
void failure_words(const struct failure *failure, struct failure_words *out);
/** One sentence: what failed, and what to do. */
void failure_text(const struct failure *failure, char *text, size_t size);

#endif
