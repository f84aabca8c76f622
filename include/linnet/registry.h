/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_REGISTRY_H
#define LN_REGISTRY_H
/**
 * @file registry.h
 * The objects of OMA's registry: names, types and operations, for programs that talk to people.
 *
 * A table that never changes, in a library of its own (CMake: Linnet::registry, pkg-config needs
 * -llinnet_registry): a device has no use for the names of 300 objects and does not link them. It
 * holds the newest version of each object, as tools/oma_table.py found it in OMA's definitions.
 *
 * All functions are pure and safe in every thread; all texts are in the table and never freed.
 */
#include <linnet/status.h>
#include <linnet/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a server may do with a resource. */
#define LN_REGISTRY_READ 0x1u
#define LN_REGISTRY_WRITE 0x2u
#define LN_REGISTRY_EXECUTE 0x4u

struct ln_registry_object {
    uint16_t id;
    bool multiple;       /**< may have more than one instance */
    bool mandatory;      /**< every client has it */
    const char *name;    /**< "Connectivity Monitoring" */
    const char *version; /**< "1.3" */
    const char *urn;     /**< "urn:oma:lwm2m:oma:4:1.3" */
    size_t resources;    /**< how many it has */
};

struct ln_registry_resource {
    uint16_t id;
    bool multiple;           /**< may have more than one instance */
    bool mandatory;          /**< every instance of the object has it */
    unsigned operations;     /**< LN_REGISTRY_...; 0: of the bootstrap server only */
    enum ln_value_type type; /**< NONE if it is executed, or OMA does not tell */
    const char *name;        /**< "Battery Level" */
};

/** How many objects there are. */
LN_API size_t ln_registry_count(void);

/**
 * The object at a place in the list, which is ordered by id.
 * @param out  unchanged if there is none
 * @return false: `index` is not less than ln_registry_count()
 */
LN_MUST_USE LN_API bool ln_registry_object_at(size_t index, struct ln_registry_object *out);

/** The object of an id. @return false: there is none, and *out is unchanged */
LN_MUST_USE LN_API bool ln_registry_object(uint16_t id, struct ln_registry_object *out);

/**
 * The object of a name. Case, spaces and punctuation do not count: "connectivity-monitoring" and
 * "ConnectivityMonitoring" are the same. Of several, the one with the lowest id.
 * @param name  borrowed for the call
 * @return false: there is none, and *out is unchanged
 */
LN_MUST_USE LN_API bool ln_registry_object_named(struct ln_span name,
                                                 struct ln_registry_object *out);

/** The resource at a place in the list of an object, which is ordered by id. As above. */
LN_MUST_USE LN_API bool ln_registry_resource_at(uint16_t object, size_t index,
                                                struct ln_registry_resource *out);

/** The resource of an id. @return false: there is no such object or resource */
LN_MUST_USE LN_API bool ln_registry_resource(uint16_t object, uint16_t id,
                                             struct ln_registry_resource *out);

/** The resource of a name, as ln_registry_object_named(). */
LN_MUST_USE LN_API bool ln_registry_resource_named(uint16_t object, struct ln_span name,
                                                   struct ln_registry_resource *out);

#ifdef __cplusplus
}
#endif
#endif
