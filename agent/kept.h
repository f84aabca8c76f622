/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_KEPT_H
#define LN_AGENT_KEPT_H
/**
 * @file kept.h
 * What servers and people wrote into the objects 1, 3 and 3333, over restarts.
 *
 * Each value is kept together with the one of the configuration at that time: where the configuration
 * has changed since, it wins.
 */
#include "machine.h"
#include "store.h"

struct kept {
    char *base;  /**< the values of the configuration, as JSON */
    char *saved; /**< what the store has */
};

/** Whether values of this object are kept. */
bool kept_is(uint16_t oid);
/** Before the client starts: note the configuration's values, then put back what was kept.
 *  LN_NO_MEMORY: not all of it is back. */
LN_MUST_USE enum ln_status kept_load(struct kept *kept, const struct store *store,
                                     struct ln_client *client, struct machine *machine);
/** Save what has changed since, if anything: it survives a loss of power then. @return false: it could
 *  not be saved, and what was kept before stands */
LN_MUST_USE bool kept_save(struct kept *kept, const struct store *store, struct ln_client *client,
                           const struct machine *machine);
/** Put back what was kept last. */
void kept_undo(const struct kept *kept, struct ln_client *client, struct machine *machine);
void kept_free(struct kept *kept);

#endif
