/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_NOTES_H
#define LN_AGENT_NOTES_H
/**
 * @file notes.h
 * Notifications that have not come to an end: queued, or sent and not acknowledged. For `linnet why`.
 *
 * Fed with the client's events. The newest NOTES_MAX are known; the client itself keeps more.
 */
#include <linnet/client.h>

#define NOTES_MAX 32

struct note {
    uint32_t id; /**< 0 = free */
    uint16_t ssid;
    bool confirmable;
    bool sent;
    struct ln_path path;
    ln_msec since; /**< monotonic, of the last change */
};

struct notes {
    struct note of[NOTES_MAX];
};

/** Take an event of the kind LN_CLIENT_NOTIFICATION. */
void notes_take(struct notes *notes, const struct ln_client_event *event, ln_msec now);

#endif
