/* SPDX-License-Identifier: Apache-2.0 */
#include "support/shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct shelf_slot *find(struct shelf *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->slot[i].key, key) == 0)
            return &s->slot[i];
    }
    return NULL;
}

static void check_key(const char *key)
{
    assert_int_equal(strlen(key), 32);
    assert_int_equal(strspn(key, "0123456789abcdef"), 32);
}

static enum ln_status load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    struct shelf *s = ctx;
    check_key(key);
    s->loads++;
    if (s->fail_load != LN_OK)
        return s->fail_load;
    const struct shelf_slot *slot = find(s, key);
    if (slot == NULL || slot->len == 0)
        return LN_NOT_FOUND;
    *len = slot->len;
    if (slot->len > room.len)
        return LN_NO_SPACE;
    memcpy(room.data, slot->blob, slot->len);
    return LN_OK;
}

static enum ln_status save(void *ctx, const char *key, struct ln_span blob)
{
    struct shelf *s = ctx;
    check_key(key);
    s->saves++;
    if (s->fail_save != LN_OK)
        return s->fail_save;
    assert_true(blob.len > 0 && blob.len <= LN_SESSION_MAX);
    struct shelf_slot *slot = find(s, key);
    if (slot == NULL) {
        assert_true(s->count < SHELF_MAX);
        slot = &s->slot[s->count++];
        memcpy(slot->key, key, sizeof slot->key);
    }
    memcpy(slot->blob, blob.data, blob.len);
    slot->len = blob.len;
    return LN_OK;
}

static enum ln_status take_away(void *ctx, const char *key)
{
    struct shelf *s = ctx;
    check_key(key);
    s->removes++;
    struct shelf_slot *slot = find(s, key);
    if (slot == NULL || slot->len == 0)
        return LN_NOT_FOUND;
    slot->len = 0;
    return LN_OK;
}

const struct ln_session_store *shelf_init(struct shelf *s)
{
    memset(s, 0, sizeof *s);
    s->store = (struct ln_session_store) { load, save, take_away, s };
    return &s->store;
}

static enum ln_status load_nothing(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    (void)ctx;
    (void)key;
    (void)room;
    (void)len;
    return LN_NOT_FOUND;
}

static enum ln_status save_nothing(void *ctx, const char *key, struct ln_span blob)
{
    (void)ctx;
    (void)key;
    (void)blob;
    return LN_OK;
}

static enum ln_status remove_nothing(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return LN_NOT_FOUND;
}

const struct ln_session_store shelf_nothing = { load_nothing, save_nothing, remove_nothing, NULL };
