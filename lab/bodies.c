/* SPDX-License-Identifier: Apache-2.0 */
/** @file bodies.c  See bodies.h. */
#include "bodies.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

/* Of one owner; who begins more than that ends the oldest. A device needs one, and one for each
 * observation whose values are that long. */
#define BODIES_MAX 16

struct body {
    const void *owner;
    char *key;
    uint8_t *data;
    size_t len;
    int32_t note;
    bool whole; /**< it was given away, and may be freed */
    struct body *next;
};

static void remove_body(struct body **at)
{
    struct body *body = *at;
    *at = body->next;
    free(body->data);
    free(body->key);
    free(body);
}

static void drop_if(struct bodies *bodies, const void *owner, bool all, bool whole)
{
    for (struct body **at = &bodies->first; *at != NULL;) {
        struct body *body = *at;
        if (all || (whole && body->whole) || (owner != NULL && body->owner == owner))
            remove_body(at);
        else
            at = &body->next;
    }
}

static struct body **find(struct bodies *bodies, const void *owner, const char *key)
{
    struct body **at = &bodies->first;
    while (*at != NULL && ((*at)->owner != owner || strcmp((*at)->key, key) != 0))
        at = &(*at)->next;
    return at;
}

/* Room for one more of this owner. They stand in the order in which they were begun. */
static void make_room(struct bodies *bodies, const void *owner)
{
    struct body **oldest = NULL;
    size_t count = 0;
    for (struct body **at = &bodies->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->owner != owner)
            continue;
        if (count++ == 0)
            oldest = at;
    }
    if (count >= BODIES_MAX)
        remove_body(oldest);
}

enum bodies_result bodies_add(struct bodies *bodies, const void *owner, const char *key,
                              size_t offset, struct ln_span block, bool last, size_t max,
                              int32_t *note, struct ln_span *whole)
{
    drop_if(bodies, NULL, false, true);
    struct body **at = find(bodies, owner, key);
    if (*at == NULL && offset == 0) {
        make_room(bodies, owner);
        at = find(bodies, owner, key); /* the end may be another one by now */
        *at = lab_alloc(sizeof **at);
        (*at)->owner = owner;
        (*at)->key = lab_text(key);
    }
    struct body *body = *at;
    if (body == NULL)
        return BODIES_GAP;
    if (offset == 0) {
        body->len = 0;
        body->note = *note;
    }
    bool gap = offset != body->len;
    if (gap || block.len > max - body->len) {
        remove_body(at);
        return gap ? BODIES_GAP : BODIES_TOO_LARGE;
    }
    body->data = lab_resize(body->data, body->len + block.len);
    if (block.len > 0)
        memcpy(body->data + body->len, block.data, block.len);
    body->len += block.len;
    body->whole = last;
    *note = body->note;
    *whole = ln_span(body->data, body->len);
    return last ? BODIES_WHOLE : BODIES_MORE;
}

void bodies_drop(struct bodies *bodies, const void *owner)
{
    drop_if(bodies, owner, false, false);
}

void bodies_drop_all(struct bodies *bodies)
{
    drop_if(bodies, NULL, true, true);
}
