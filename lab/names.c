/* SPDX-License-Identifier: Apache-2.0 */
/** @file names.c  See names.h. */
#include "names.h"

#include "definitions.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

static const struct definition_object *find_object(uint16_t id)
{
    for (size_t i = 0; i < definitions_count; i++) {
        if (definitions[i].id == id)
            return &definitions[i];
    }
    return NULL;
}

static const struct definition_resource *find_resource(uint16_t object, uint16_t id)
{
    const struct definition_object *o = find_object(object);
    for (size_t i = 0; o != NULL && i < o->count; i++) {
        if (o->resources[i].id == id)
            return &o->resources[i];
    }
    return NULL;
}

const char *names_object(uint16_t object)
{
    const struct definition_object *o = find_object(object);
    return o == NULL ? NULL : o->name;
}

const char *names_resource(uint16_t object, uint16_t resource)
{
    const struct definition_resource *r = find_resource(object, resource);
    return r == NULL ? NULL : r->name;
}

enum ln_value_type names_type(uint16_t object, uint16_t resource)
{
    const struct definition_resource *r = find_resource(object, resource);
    return r == NULL ? LN_VALUE_NONE : r->type;
}

bool names_is_multiple(uint16_t object, uint16_t resource)
{
    const struct definition_resource *r = find_resource(object, resource);
    return r != NULL && r->multiple;
}

const char *names_object_at(size_t i)
{
    return i < definitions_count ? definitions[i].name : NULL;
}

const char *names_resource_at(uint16_t object, size_t i)
{
    const struct definition_object *o = find_object(object);
    return o != NULL && i < o->count ? o->resources[i].name : NULL;
}

/* ---- names as they are typed ---- */

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == ' ' || c == '_' || c == '/' ? '-' : c;
}

char *names_word(const char *name)
{
    char *word = lab_text(name);
    for (char *c = word; *c != '\0'; c++)
        *c = plain(*c);
    return word;
}

static bool is_same(const char *name, const char *text)
{
    while (*name != '\0' && plain(*name) == plain(*text)) {
        name++;
        text++;
    }
    return *name == '\0' && *text == '\0';
}

static bool read_number(const char *text, uint16_t *out)
{
    uint64_t number = 0;
    if (!lab_number(text, LN_ID_NONE - 1, &number))
        return false;
    *out = (uint16_t)number;
    return true;
}

static bool read_object(const char *text, uint16_t *out)
{
    if (read_number(text, out))
        return true;
    for (size_t i = 0; i < definitions_count; i++) {
        if (is_same(definitions[i].name, text)) {
            *out = definitions[i].id;
            return true;
        }
    }
    return false;
}

bool names_read_resource(uint16_t object, const char *text, uint16_t *out)
{
    const struct definition_object *o = find_object(object);
    if (read_number(text, out))
        return true;
    for (size_t i = 0; o != NULL && i < o->count; i++) {
        if (is_same(o->resources[i].name, text)) {
            *out = o->resources[i].id;
            return true;
        }
    }
    return false;
}

static bool read_part(const char *part, struct ln_path *path)
{
    uint16_t id = 0;
    bool fine = path->levels < LN_PATH_LEVELS_MAX;
    if (path->levels == LN_LEVEL_ROOT)
        fine = read_object(part, &id);
    else if (path->levels == LN_LEVEL_INSTANCE)
        fine = names_read_resource(path->id[0], part, &id);
    else
        fine = fine && read_number(part, &id);
    *path = ln_path_child(*path, id);
    return fine;
}

const char *names_read_path(const char *text, struct ln_path *out)
{
    struct ln_path path = ln_path_root();
    if (text[0] != '/')
        return "a path begins with a slash: /3/0/9";
    const char *at = text + 1;
    while (*at != '\0') {
        size_t len = strcspn(at, "/");
        char *part = lab_copy(at, len);
        bool fine = read_part(part, &path);
        free(part);
        if (!fine)
            return "this path has a part that is no number and no known name, or too many parts";
        at += len;
        at += *at == '/';
    }
    *out = path;
    return NULL;
}
