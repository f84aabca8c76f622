/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

void json_text(struct json_writer *w, cJSON *at, const char *name, const char *value)
{
    if (cJSON_AddStringToObject(at, name, value != NULL ? value : "") == NULL)
        w->complete = false;
}

void json_number(struct json_writer *w, cJSON *at, const char *name, int64_t value)
{
    if (cJSON_AddNumberToObject(at, name, (double)value) == NULL)
        w->complete = false;
}

void json_flag(struct json_writer *w, cJSON *at, const char *name, bool value)
{
    if (cJSON_AddBoolToObject(at, name, value) == NULL)
        w->complete = false;
}

cJSON *json_object(struct json_writer *w, cJSON *at, const char *name)
{
    cJSON *made = cJSON_AddObjectToObject(at, name);
    if (made == NULL)
        w->complete = false;
    return made;
}

cJSON *json_array(struct json_writer *w, cJSON *at, const char *name)
{
    cJSON *made = cJSON_AddArrayToObject(at, name);
    if (made == NULL)
        w->complete = false;
    return made;
}

static cJSON *append(struct json_writer *w, cJSON *list, cJSON *item)
{
    if (item != NULL && cJSON_AddItemToArray(list, item))
        return item;
    cJSON_Delete(item);
    w->complete = false;
    return NULL;
}

cJSON *json_element(struct json_writer *w, cJSON *list)
{
    return append(w, list, cJSON_CreateObject());
}

void json_word(struct json_writer *w, cJSON *list, const char *value)
{
    append(w, list, cJSON_CreateString(value));
}

bool json_print(FILE *out, struct json_writer *w, cJSON *root)
{
    char *printed = root != NULL && w->complete ? cJSON_Print(root) : NULL;
    if (printed != NULL)
        fprintf(out, "%s\n", printed);
    cJSON_free(printed);
    cJSON_Delete(root);
    return printed != NULL;
}
