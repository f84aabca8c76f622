/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file registry.c
 * Contract: <linnet/registry.h>. The table is objects.inc, read several times with other meanings of
 * OBJECT and RESOURCE. Names are kept in one block and named by their place in it: a pointer for
 * each would have to be relocated whenever a program starts.
 */
#include <linnet/registry.h>

/* ---- the block of names ---- */

struct names {
#define OBJECT(id, name, version, urn, instances, presence)                                        \
    char name_##id[sizeof name];                                                                   \
    char version_##id[sizeof version];                                                             \
    char urn_##id[sizeof urn];
#define RESOURCE(object, id, name, operations, type, instances, presence)                          \
    char name_##object##_##id[sizeof name];
#include "registry/objects.inc"
#undef OBJECT
#undef RESOURCE
};

static const struct names names = {
#define OBJECT(id, name, version, urn, instances, presence) name, version, urn,
#define RESOURCE(object, id, name, operations, type, instances, presence) name,
#include "registry/objects.inc"
#undef OBJECT
#undef RESOURCE
};

#define AT(member) (uint32_t)offsetof(struct names, member)

static const char *name_at(uint32_t at)
{
    return (const char *)&names + at;
}

/* ---- resources ---- */

#define IS_R LN_REGISTRY_READ
#define IS_W LN_REGISTRY_WRITE
#define IS_RW (LN_REGISTRY_READ | LN_REGISTRY_WRITE)
#define IS_E LN_REGISTRY_EXECUTE
#define IS_0 0u
#define IS_SINGLE 0u
#define IS_MULTIPLE 0x10u
#define IS_OPTIONAL 0u
#define IS_MANDATORY 0x20u
#define OPERATIONS_MASK 0x0fu

struct resource {
    uint16_t id;
    uint8_t flags;
    uint8_t type;
    uint32_t name;
};

static const struct resource resources[] = {
#define OBJECT(id, name, version, urn, instances, presence)
#define RESOURCE(object, id, name, operations, type, instances, presence)                          \
    { id, (uint8_t)(IS_##operations | IS_##instances | IS_##presence), LN_VALUE_##type,            \
      AT(name_##object##_##id) },
#include "registry/objects.inc"
#undef OBJECT
#undef RESOURCE
};

/* ---- objects ---- */

/* FIRST_n: how many resources stand before those of object n. The line behind it steps back by one,
 * so that the resource after it has the same number. */
/* NOLINTNEXTLINE(cert-int09-c,readability-enum-initial-value): each line counts on from the one before */
enum {
#define OBJECT(id, name, version, urn, instances, presence) FIRST_##id, STEP_##id = FIRST_##id - 1,
#define RESOURCE(object, id, name, operations, type, instances, presence) NUMBER_##object##_##id,
#include "registry/objects.inc"
#undef OBJECT
#undef RESOURCE
};

struct object {
    uint16_t id;
    uint16_t first; /* of its resources; the last is before the first of the next object */
    uint8_t flags;
    uint32_t name;
    uint32_t version;
    uint32_t urn;
};

static const struct object objects[] = {
#define OBJECT(id, name, version, urn, instances, presence)                                        \
    { id,           FIRST_##id,         (uint8_t)(IS_##instances | IS_##presence),                 \
      AT(name_##id), AT(version_##id), AT(urn_##id) },
#define RESOURCE(object, id, name, operations, type, instances, presence)
#include "registry/objects.inc"
#undef OBJECT
#undef RESOURCE
};

#define OBJECT_COUNT (sizeof objects / sizeof objects[0])
#define RESOURCE_COUNT (sizeof resources / sizeof resources[0])

_Static_assert(RESOURCE_COUNT <= UINT16_MAX, "struct object counts resources with 16 bits");

static const struct object *find_object(uint16_t id)
{
    size_t low = 0;
    size_t high = OBJECT_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (objects[middle].id == id)
            return &objects[middle];
        if (objects[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The resources of an object, from `first` to before `end`; none if it is NULL. */
struct range {
    const struct resource *first;
    const struct resource *end;
};

static struct range resources_of(const struct object *object)
{
    struct range range = { resources, resources };
    if (object == NULL)
        return range;
    bool is_last = object + 1 == objects + OBJECT_COUNT;
    range.first = resources + object->first;
    range.end = resources + (is_last ? RESOURCE_COUNT : object[1].first);
    return range;
}

/* ---- names ---- */

/* The next letter or digit, small; 0 at the end. */
static uint8_t next_letter(struct ln_span text, size_t *at)
{
    while (*at < text.len) {
        uint8_t c = text.data[(*at)++];
        if (c >= 'A' && c <= 'Z')
            return (uint8_t)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c > 0x7f)
            return c;
    }
    return 0;
}

static bool is_same(struct ln_span name, const char *other)
{
    struct ln_span second = ln_span_str(other);
    size_t a = 0;
    size_t b = 0;
    uint8_t letter = 0;
    do {
        letter = next_letter(name, &a);
        if (letter != next_letter(second, &b))
            return false;
    } while (letter != 0);
    return true;
}

/* ---- the calls ---- */

static bool tell_object(const struct object *object, struct ln_registry_object *out)
{
    struct range range = resources_of(object);
    if (object == NULL)
        return false;
    *out = (struct ln_registry_object) {
        .id = object->id,
        .multiple = (object->flags & IS_MULTIPLE) != 0,
        .mandatory = (object->flags & IS_MANDATORY) != 0,
        .name = name_at(object->name),
        .version = name_at(object->version),
        .urn = name_at(object->urn),
        .resources = (size_t)(range.end - range.first),
    };
    return true;
}

static bool tell_resource(const struct resource *resource, struct ln_registry_resource *out)
{
    *out = (struct ln_registry_resource) {
        .id = resource->id,
        .multiple = (resource->flags & IS_MULTIPLE) != 0,
        .mandatory = (resource->flags & IS_MANDATORY) != 0,
        .operations = resource->flags & OPERATIONS_MASK,
        .type = (enum ln_value_type)resource->type,
        .name = name_at(resource->name),
    };
    return true;
}

size_t ln_registry_count(void)
{
    return OBJECT_COUNT;
}

bool ln_registry_object_at(size_t index, struct ln_registry_object *out)
{
    return tell_object(index < OBJECT_COUNT ? &objects[index] : NULL, out);
}

bool ln_registry_object(uint16_t id, struct ln_registry_object *out)
{
    return tell_object(find_object(id), out);
}

bool ln_registry_object_named(struct ln_span name, struct ln_registry_object *out)
{
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        if (is_same(name, name_at(objects[i].name)))
            return tell_object(&objects[i], out);
    }
    return false;
}

bool ln_registry_resource_at(uint16_t object, size_t index, struct ln_registry_resource *out)
{
    struct range range = resources_of(find_object(object));
    return index < (size_t)(range.end - range.first) && tell_resource(range.first + index, out);
}

bool ln_registry_resource(uint16_t object, uint16_t id, struct ln_registry_resource *out)
{
    struct range range = resources_of(find_object(object));
    for (const struct resource *r = range.first; r < range.end; r++) {
        if (r->id == id)
            return tell_resource(r, out);
    }
    return false;
}

bool ln_registry_resource_named(uint16_t object, struct ln_span name,
                                struct ln_registry_resource *out)
{
    struct range range = resources_of(find_object(object));
    for (const struct resource *r = range.first; r < range.end; r++) {
        if (is_same(name, name_at(r->name)))
            return tell_resource(r, out);
    }
    return false;
}
