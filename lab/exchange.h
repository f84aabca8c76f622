/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_EXCHANGE_H
#define LAB_EXCHANGE_H
/**
 * @file exchange.h
 * Requests that wait for their answers, and observations.
 */
#include "clients.h"
#include "server.h"

#include <linnet/path.h>

struct lab;
struct exchanges;

/** What is to be known about a request when its answer comes. */
struct exchange_about {
    const char *endpoint; /**< copied */
    struct ln_path path;
    bool observe; /**< notifications may follow */
    bool cancel;  /**< of the observation of this path */
};

struct exchanges *exchanges_new(struct lab *lab);

/** Send it; its answer, or that there was none, goes to lab_answer(). */
void exchanges_send(struct exchanges *exchanges, struct client *client,
                    const struct exchange_about *about, struct server_ask *ask);

/** Whether anybody waits for what has this token; if not, it is to be refused. */
bool exchanges_knows(const struct exchanges *exchanges, const uint8_t token[SERVER_TOKEN_LEN]);

/** From the server: an answer or a notification with a token that is known. */
void exchanges_answer(struct exchanges *exchanges, const struct server_answer *answer);

/** From the server: a request will not be answered. */
void exchanges_failed(struct exchanges *exchanges, const uint8_t token[SERVER_TOKEN_LEN],
                      const char *why);

/** Forget an observation without telling the device: it is told when it next notifies.
 *  @return false: there is none */
bool exchanges_forget(struct exchanges *exchanges, const char *endpoint,
                      const struct ln_path *path);

/** The device is gone or registered anew: its observations are, too. */
void exchanges_drop_client(struct exchanges *exchanges, const char *endpoint);

/** Whether a path is observed. */
bool exchanges_observes(const struct exchanges *exchanges, const char *endpoint,
                        const struct ln_path *path);

/** Give up waiting where it took too long. @return when the next deadline is, INT64_MAX: none */
int64_t exchanges_expire(struct exchanges *exchanges, int64_t now);

/** The user has no patience. */
void exchanges_interrupt(struct exchanges *exchanges);

void exchanges_free(struct exchanges *exchanges);

#endif
