/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a kit: the world of src/net/mem with a heap under it.
 */
#include <linnet/testkit.h>

#include "net/mem/world.h"
#include "testkit/heap.h"

enum ln_status ln_testkit_new(const struct ln_testkit_config *config, struct ln_testkit **out)
{
    struct ln_testkit_config full = { .seed = 0 };
    if (config != NULL)
        full = *config;
    if (full.alloc.resize == NULL)
        full.alloc = (struct ln_alloc){ .resize = ln__heap_resize };
    return ln__world_new(&full, out);
}
