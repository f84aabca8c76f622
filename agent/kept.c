/* SPDX-License-Identifier: Apache-2.0 */
#include "kept.h"

#include "json.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#define RECORD "values"

static void add_value(void *user, struct ln_path path, const struct ln_resource *resource,
                      const struct ln_value *value)
{
    char text[LN_PATH_ROOM];
    if ((resource->flags & LN_RES_WRITE) == 0 || resource->type == LN_VALUE_TIME)
        return; /* times run on: their offset is kept */
    ln_path_text(&path, text);
    json_add(user, text, tree_json(value));
}

static const uint16_t objects[] = { 1, 3, 3333 };

bool kept_is(uint16_t oid)
{
    for (size_t i = 0; i < LN_COUNT_OF(objects); i++)
        if (objects[i] == oid)
            return true;
    return false;
}

/* NULL: there is not enough memory. Half of the values would be a loss of the others. */
static char *values(struct ln_client *client, const struct machine *machine)
{
    json_begin();
    cJSON *all = cJSON_CreateObject();
    for (size_t i = 0; i < LN_COUNT_OF(objects); i++)
        (void)tree_walk(client, ln_path_object(objects[i]), add_value, all);
    cJSON_AddNumberToObject(all, "3 offset", (double)machine->device.time_offset);
    cJSON_AddNumberToObject(all, "3333 offset", (double)machine->time.offset);
    char *text = json_text(all);
    cJSON_Delete(all);
    return text;
}

static void put_back(struct ln_client *client, struct machine *machine, const cJSON *item)
{
    struct ln_path path;
    if (strcmp(item->string, "3 offset") == 0 && cJSON_IsNumber(item))
        machine->device.time_offset = (int64_t)item->valuedouble;
    else if (strcmp(item->string, "3333 offset") == 0 && cJSON_IsNumber(item))
        machine->time.offset = (int64_t)item->valuedouble;
    else if (ln_path_read(ln_span_str(item->string), &path) == LN_OK && kept_is(path.id[0])) {
        enum ln_status st = tree_set(client, path, item);
        (void)st; /* a resource of an older program is left out */
    }
}

/* Whether the configuration says of this the same as it did when the value was kept. */
static bool is_unchanged(const cJSON *was, const cJSON *base, const char *name)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(was, name);
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(base, name);
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && cJSON_Compare(a, b, true));
}

/* NULL and LN_OK: there is none, or it is no JSON. */
static enum ln_status read_record(const struct store *store, cJSON **out)
{
    size_t len = 0;
    char *room = malloc(STORE_RECORD_MAX);
    *out = NULL;
    if (room == NULL)
        return LN_NO_MEMORY;
    enum ln_status st =
        store_load(store, RECORD, ln_mspan((uint8_t *)room, STORE_RECORD_MAX), &len);
    json_begin();
    if (st == LN_OK)
        *out = cJSON_ParseWithLength(room, len);
    free(room);
    return st == LN_NO_MEMORY || !json_is_whole() ? LN_NO_MEMORY : LN_OK;
}

static void put_all_back(const cJSON *record, const cJSON *base, struct ln_client *client,
                         struct machine *machine)
{
    const cJSON *was = cJSON_GetObjectItemCaseSensitive(record, "configured");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(record, "values"))
    {
        if (item->string != NULL && is_unchanged(was, base, item->string))
            put_back(client, machine, item);
    }
}

enum ln_status kept_load(struct kept *kept, const struct store *store, struct ln_client *client,
                         struct machine *machine)
{
    cJSON *record = NULL;
    kept_free(kept);
    kept->base = values(client, machine);
    json_begin();
    cJSON *base = kept->base != NULL ? cJSON_Parse(kept->base) : NULL;
    enum ln_status st = base != NULL ? read_record(store, &record) : LN_NO_MEMORY;
    if (st == LN_OK)
        put_all_back(record, base, client, machine);
    cJSON_Delete(base);
    cJSON_Delete(record);
    if (st == LN_OK)
        kept->saved = values(client, machine);
    return st == LN_OK && kept->saved != NULL ? LN_OK : LN_NO_MEMORY;
}

bool kept_save(struct kept *kept, const struct store *store, struct ln_client *client,
               const struct machine *machine)
{
    char *now = values(client, machine);
    if (now == NULL || strcmp(now, kept->saved) == 0) {
        cJSON_free(now);
        return now != NULL;
    }
    json_begin();
    cJSON *record = cJSON_CreateObject();
    json_add(record, "configured", cJSON_CreateRaw(kept->base));
    json_add(record, "values", cJSON_CreateRaw(now));
    char *text = json_text(record);
    cJSON_Delete(record);
    bool good = text != NULL && store_save(store, RECORD, ln_span_str(text)) == LN_OK;
    cJSON_free(text);
    cJSON_free(good ? kept->saved : now);
    kept->saved = good ? now : kept->saved;
    return good;
}

void kept_undo(const struct kept *kept, struct ln_client *client, struct machine *machine)
{
    cJSON *saved = cJSON_Parse(kept->saved);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, saved)
    {
        put_back(client, machine, item);
    }
    cJSON_Delete(saved);
}

void kept_free(struct kept *kept)
{
    cJSON_free(kept->base);
    cJSON_free(kept->saved);
    *kept = (struct kept) { NULL, NULL };
}
