/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <stdlib.h>

static bool failed;

static void *allocate(size_t size)
{
    void *block = malloc(size);
    failed = failed || block == NULL;
    return block;
}

void json_watch(void)
{
    cJSON_Hooks hooks = { allocate, free };
    cJSON_InitHooks(&hooks);
}

void json_begin(void)
{
    failed = false;
}

bool json_is_whole(void)
{
    return !failed;
}

void json_add(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, item))
        cJSON_Delete(item);
}

void json_append(cJSON *list, cJSON *item)
{
    if (!cJSON_AddItemToArray(list, item))
        cJSON_Delete(item);
}

char *json_text(const cJSON *json)
{
    char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
    if (!failed)
        return text;
    cJSON_free(text);
    return NULL;
}
