/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_LAB_H
#define LAB_LAB_H
/**
 * @file lab.h
 * The parts of linnet-lab and how they hold together.
 *
 * One thread and one loop (main.c). libcoap calls back from server.c; what devices ask is answered by
 * clients.c, what they answer goes to exchange.c. Commands (command.c) come from a prompt, a script
 * or a pipe (input.c), one after another: the next is taken when the one before is done. Everything
 * that is told, be it an answer or an event, is a JSON object first; report.c prints it, as it is or
 * for people, and expect.c compares it with what a script expects.
 */
#include "keys.h"
#include "options.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct server;
struct clients;
struct exchanges;
struct input;
struct expectation;

struct lab {
    const struct options *options;
    struct keys keys;
    struct server *server;
    struct clients *clients;
    struct exchanges *exchanges;
    struct input *input;
    struct expectation *expectation;
    int64_t timeout_ms;  /**< how long a device may take to answer, and an event to happen */
    char *chosen;        /**< the endpoint that commands mean when they name none; NULL */
    const char *command; /**< the command that is not done yet: the next line waits; NULL */
    char *
        failed; /**< where the last command stands, if it failed and nobody expected that yet; NULL */
    int failures; /**< expectations that did not hold, commands of a script that made no sense */
    bool stopping;
};

/** A command is done: tell its answer. @param answer  taken */
void lab_answer(struct lab *lab, cJSON *answer);

/** Something happened. @param event  taken */
void lab_event(struct lab *lab, cJSON *event);

/** An object with "answer": the command that runs, or "event". */
cJSON *lab_new_answer(const struct lab *lab);
cJSON *lab_new_event(const char *kind, const char *endpoint);

/** The command that runs cannot be done. */
void lab_fail(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
