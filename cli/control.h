/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_CONTROL_H
#define LN_CLI_CONTROL_H
/**
 * @file control.h
 * A conversation with linnet-agent over its unix socket: lines of JSON, one request at a time.
 *
 * What comes back is held against limits, of a line, of an answer and of time, and is JSON or a
 * failure. A failure is a sentence for people and an exit status; all calls fill it in when they
 * return false or NULL.
 */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Exit statuses, the same for all commands about the agent. */
enum control_exit {
    CONTROL_REFUSED = 10, /**< the agent says no */
    CONTROL_ABSENT = 11,  /**< no agent is there */
    CONTROL_DENIED = 12,  /**< nobody lets us speak with it */
    CONTROL_BROKEN = 13,  /**< it is silent, ends in the middle, or speaks something else */
    CONTROL_FAULT = 17,   /**< of this machine: no memory */
};

struct control_failure {
    int exit;
    char word[32]; /**< for --json: "not_running" and so on, or the agent's own */
    char text[512];
};

struct control {
    int fd; /**< -1 = not open */
    char path[108];
    int64_t timeout_ms; /**< longest silence */
    char *line;         /**< what came and was not taken yet */
    size_t len, room;
    size_t taken; /**< of `line`, the bytes that the last answer was in */
};

/**
 * Connect.
 * @param path  NULL = $LINNET_SOCKET, or where an agent makes its socket if it is not told otherwise
 */
bool control_open(struct control *control, const char *path, int64_t timeout_ms,
                  struct control_failure *failure);
/** Send one request. Borrowed. */
bool control_send(struct control *control, const cJSON *request, struct control_failure *failure);
/**
 * Wait for the next line, an object; the caller frees it.
 * @param patient  wait for as long as it takes
 */
cJSON *control_line(struct control *control, bool patient, struct control_failure *failure);
/**
 * Wait for the whole answer: its last line, without "done", and what came before that as the array
 * "values". An answer that says no is a failure. The caller frees it.
 */
cJSON *control_answer(struct control *control, struct control_failure *failure);
void control_close(struct control *control);

/** Whether this line says no: then `failure` is filled in. */
bool control_is_refusal(const cJSON *line, struct control_failure *failure);

#endif
