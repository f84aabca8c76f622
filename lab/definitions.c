/* SPDX-License-Identifier: Apache-2.0 */
/** @file definitions.c  See definitions.h. */
#include "definitions.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <expat.h>
#include <linnet/path.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Expat 2.9 calls the old name of this function deprecated. */
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
#define LINE_OF(parser) ((unsigned long)XML_GetCurrentLineNumber64(parser))
#else
#define LINE_OF(parser) ((unsigned long)XML_GetCurrentLineNumber(parser))
#endif

#define TEXT_MAX 256

static struct defined_object *all;
static size_t all_count;

/* ---- one file ---- */

/** Where the parser is. Descriptions are long: only the text that is wanted is kept. */
struct reading {
    XML_Parser parser;
    struct defined_object object;
    struct defined_resource resource;
    bool in_object, in_item;
    bool object_id, resource_id; /**< both were there */
    char text[TEXT_MAX];
    size_t len;
    size_t objects;    /**< whole ones of this file */
    const char *wrong; /**< NULL as long as all is well */
};

static void refuse(struct reading *r, const char *why)
{
    if (r->wrong == NULL)
        r->wrong = why;
    XML_StopParser(r->parser, XML_FALSE);
}

static void free_object(struct defined_object *object)
{
    for (size_t i = 0; i < object->count; i++)
        free(object->resources[i].name);
    free(object->resources);
    free(object->name);
    *object = (struct defined_object) { 0 };
}

static void on_doctype(void *user, const char *name, const char *system, const char *public,
                       int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(user, "it has a DOCTYPE, which no object definition needs");
}

static bool read_id(const char *text, uint16_t *out)
{
    uint64_t number = 0;
    if (!lab_number(text, LN_ID_NONE - 1, &number))
        return false;
    *out = (uint16_t)number;
    return true;
}

static void on_start(void *user, const char *element, const char **attributes)
{
    struct reading *r = user;
    r->len = 0;
    if (strcmp(element, "Object") == 0) {
        free_object(&r->object);
        r->in_object = true;
        r->object_id = false;
    } else if (r->in_object && strcmp(element, "Item") == 0) {
        free(r->resource.name);
        r->resource = (struct defined_resource) { 0 };
        r->in_item = true;
        r->resource_id = false;
        for (; attributes[0] != NULL; attributes += 2) {
            if (strcmp(attributes[0], "ID") == 0)
                r->resource_id = read_id(attributes[1], &r->resource.id);
        }
        if (!r->resource_id)
            refuse(r, "an Item has no ID from 0 to 65534");
    }
}

static void on_text(void *user, const char *text, int len)
{
    struct reading *r = user;
    for (int i = 0; i < len && r->len < TEXT_MAX - 1; i++)
        r->text[r->len++] = text[i];
}

static const char *trimmed(struct reading *r)
{
    while (r->len > 0 && strchr(" \t\r\n", r->text[r->len - 1]) != NULL)
        r->len--;
    r->text[r->len] = '\0';
    return r->text + strspn(r->text, " \t\r\n");
}

static bool read_type(const char *text, enum ln_value_type *out)
{
    static const struct {
        const char *name;
        enum ln_value_type type;
    } types[] = {
        { "String", LN_VALUE_STRING },   { "Opaque", LN_VALUE_OPAQUE },
        { "Integer", LN_VALUE_INTEGER }, { "Unsigned Integer", LN_VALUE_UNSIGNED },
        { "Float", LN_VALUE_FLOAT },     { "Boolean", LN_VALUE_BOOLEAN },
        { "Time", LN_VALUE_TIME },       { "Objlnk", LN_VALUE_OBJLNK },
        { "Corelnk", LN_VALUE_CORELNK }, { "", LN_VALUE_NONE },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(text, types[i].name) == 0) {
            *out = types[i].type;
            return true;
        }
    }
    return false;
}

static void end_resource(struct reading *r)
{
    struct defined_object *object = &r->object;
    r->in_item = false;
    if (r->resource.name == NULL || definitions_resource(object, r->resource.id) != NULL) {
        refuse(r, "an Item has no Name, or its ID stands twice");
        return;
    }
    object->resources =
        lab_resize(object->resources, (object->count + 1) * sizeof *object->resources);
    object->resources[object->count++] = r->resource;
    r->resource = (struct defined_resource) { 0 };
}

static void end_object(struct reading *r)
{
    r->in_object = false;
    if (!r->object_id || r->object.name == NULL || definitions_find(r->object.id) != NULL) {
        refuse(r, "an Object has no ObjectID or Name, or was defined before");
        return;
    }
    all = lab_resize(all, (all_count + 1) * sizeof *all);
    all[all_count++] = r->object;
    r->object = (struct defined_object) { 0 };
    r->objects++;
}

static void end_of_item_part(struct reading *r, const char *element, const char *text)
{
    if (strcmp(element, "Name") == 0) {
        free(r->resource.name);
        r->resource.name = lab_text(text);
    } else if (strcmp(element, "MultipleInstances") == 0) {
        r->resource.multiple = strcmp(text, "Multiple") == 0;
    } else if (strcmp(element, "Type") == 0 && !read_type(text, &r->resource.type)) {
        refuse(r, "a Type is none of LwM2M's");
    }
}

static void end_of_object_part(struct reading *r, const char *element, const char *text)
{
    if (strcmp(element, "Name") == 0) {
        free(r->object.name);
        r->object.name = lab_text(text);
    } else if (strcmp(element, "ObjectID") == 0) {
        r->object_id = read_id(text, &r->object.id);
    }
}

static void on_end(void *user, const char *element)
{
    struct reading *r = user;
    const char *text = trimmed(r);
    if (r->in_item && strcmp(element, "Item") == 0)
        end_resource(r);
    else if (r->in_item)
        end_of_item_part(r, element, text);
    else if (r->in_object && strcmp(element, "Object") == 0)
        end_object(r);
    else if (r->in_object)
        end_of_object_part(r, element, text);
    r->len = 0;
}

static char *parse(struct reading *r, const char *path, FILE *file)
{
    char chunk[16384];
    size_t total = 0;
    bool last = false;
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    while (!last && r->wrong == NULL) {
        size_t len = fread(chunk, 1, sizeof chunk, file);
        if (ferror(file))
            return lab_format("%s: %s", path, strerror(errno));
        total += len;
        last = len < sizeof chunk;
        if (total > DEFINITIONS_FILE_MAX)
            r->wrong = "it is too long for an object definition";
        else if (XML_Parse(r->parser, chunk, (int)len, last) == XML_STATUS_ERROR &&
                 r->wrong == NULL)
            r->wrong = XML_ErrorString(XML_GetErrorCode(r->parser));
    }
    if (r->wrong == NULL && r->objects == 0)
        r->wrong = "there is no Object in it";
    if (r->wrong == NULL)
        return NULL;
    return lab_format("%s, line %lu: %s", path, LINE_OF(r->parser), r->wrong);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return lab_format("%s: %s", path, strerror(errno));
    struct reading r = { .parser = XML_ParserCreate(NULL) };
    if (r.parser == NULL)
        abort(); /* as everywhere here, without memory */
    char *why = parse(&r, path, file);
    XML_ParserFree(r.parser);
    free_object(&r.object);
    free(r.resource.name);
    fclose(file);
    return why;
}

/* ---- folders ---- */

static bool is_xml(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".xml") == 0;
}

char *definitions_read(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOTDIR ? read_file(path) : lab_format("%s: %s", path, strerror(errno));
    char *why = NULL;
    size_t before = all_count;
    for (const struct dirent *e = readdir(folder); e != NULL && why == NULL; e = readdir(folder)) {
        if (!is_xml(e->d_name))
            continue;
        char *name = lab_format("%s/%s", path, e->d_name);
        why = read_file(name);
        free(name);
    }
    closedir(folder);
    if (why == NULL && all_count == before)
        why = lab_format("%s: no file in this folder ends in .xml", path);
    return why;
}

/* ---- what was read ---- */

size_t definitions_count(void)
{
    return all_count;
}

const struct defined_object *definitions_at(size_t i)
{
    return &all[i];
}

const struct defined_object *definitions_find(uint16_t object)
{
    for (size_t i = 0; i < all_count; i++) {
        if (all[i].id == object)
            return &all[i];
    }
    return NULL;
}

const struct defined_resource *definitions_resource(const struct defined_object *object,
                                                    uint16_t resource)
{
    for (size_t i = 0; i < object->count; i++) {
        if (object->resources[i].id == resource)
            return &object->resources[i];
    }
    return NULL;
}

void definitions_free(void)
{
    for (size_t i = 0; i < all_count; i++)
        free_object(&all[i]);
    free(all);
    all = NULL;
    all_count = 0;
}
