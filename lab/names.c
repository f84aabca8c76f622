/* SPDX-License-Identifier: Apache-2.0 */
/** @file names.c  See names.h. */
#include "names.h"

#include "definitions.h"
#include "util.h"

#include <linnet/registry.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One resource, of what was given or else of the registry. */
static bool find(uint16_t object, uint16_t resource, struct ln_registry_resource *out)
{
    const struct defined_object *given = definitions_find(object);
    if (given == NULL)
        return ln_registry_resource(object, resource, out);
    const struct defined_resource *r = definitions_resource(given, resource);
    if (r == NULL)
        return false;
    *out = (struct ln_registry_resource) {
        .id = r->id, .multiple = r->multiple, .type = r->type, .name = r->name
    };
    return true;
}

const char *names_object(uint16_t object)
{
    struct ln_registry_object o;
    const struct defined_object *given = definitions_find(object);
    if (given != NULL)
        return given->name;
    return ln_registry_object(object, &o) ? o.name : NULL;
}

const char *names_resource(uint16_t object, uint16_t resource)
{
    struct ln_registry_resource r;
    return find(object, resource, &r) ? r.name : NULL;
}

enum ln_value_type names_type(uint16_t object, uint16_t resource)
{
    struct ln_registry_resource r;
    return find(object, resource, &r) ? r.type : LN_VALUE_NONE;
}

bool names_is_multiple(uint16_t object, uint16_t resource)
{
    struct ln_registry_resource r;
    return find(object, resource, &r) && r.multiple;
}

const char *names_object_at(size_t i)
{
    struct ln_registry_object o;
    size_t given = definitions_count();
    if (i < given)
        return definitions_at(i)->name;
    return ln_registry_object_at(i - given, &o) ? o.name : NULL;
}

const char *names_resource_at(uint16_t object, size_t i)
{
    struct ln_registry_resource r;
    const struct defined_object *given = definitions_find(object);
    if (given != NULL)
        return i < given->count ? given->resources[i].name : NULL;
    return ln_registry_resource_at(object, i, &r) ? r.name : NULL;
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

static bool read_number(const char *text, uint16_t *out)
{
    uint64_t number = 0;
    if (!lab_number(text, LN_ID_NONE - 1, &number))
        return false;
    *out = (uint16_t)number;
    return true;
}

/* Names are the same whose letters and digits are. */
static bool same(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        if (*a != '\0' && !isalnum((unsigned char)*a))
            a++;
        else if (*b != '\0' && !isalnum((unsigned char)*b))
            b++;
        else if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
    return true;
}

static bool read_object(const char *text, uint16_t *out)
{
    struct ln_registry_object o;
    if (read_number(text, out))
        return true;
    for (size_t i = 0; i < definitions_count(); i++) {
        if (same(text, definitions_at(i)->name)) {
            *out = definitions_at(i)->id;
            return true;
        }
    }
    if (!ln_registry_object_named(ln_span_str(text), &o))
        return false;
    *out = o.id;
    return true;
}

bool names_read_resource(uint16_t object, const char *text, uint16_t *out)
{
    struct ln_registry_resource r;
    if (read_number(text, out))
        return true;
    const struct defined_object *given = definitions_find(object);
    for (size_t i = 0; given != NULL && i < given->count; i++) {
        if (same(text, given->resources[i].name)) {
            *out = given->resources[i].id;
            return true;
        }
    }
    if (given != NULL)
        return false;
    if (!ln_registry_resource_named(object, ln_span_str(text), &r))
        return false;
    *out = r.id;
    return true;
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
