/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

/* The entry of that notification, else a free one, else the oldest. */
static struct note *find(struct notes *notes, uint32_t id)
{
    struct note *best = &notes->of[0];
    for (size_t i = 0; i < NOTES_MAX; i++) {
        struct note *note = &notes->of[i];
        if (note->id == id)
            return note;
        if (note->id < best->id) /* ids rise, and 0 is free */
            best = note;
    }
    return best;
}

void notes_take(struct notes *notes, const struct ln_client_event *event, ln_msec now)
{
    struct note *note = find(notes, event->note.id);
    bool waits = event->note.event == LN_NOTE_QUEUED ||
                 (event->note.event == LN_NOTE_SENT && event->note.confirmable);
    if (waits)
        *note = (struct note) { .id = event->note.id,
                                .ssid = event->ssid,
                                .confirmable = event->note.confirmable,
                                .sent = event->note.event == LN_NOTE_SENT,
                                .path = event->note.path,
                                .since = now };
    else if (note->id == event->note.id)
        note->id = 0;
}
