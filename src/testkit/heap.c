/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file heap.c
 * The one place of the testkit that touches the heap of the C library: only here does a block begin
 * and end, so that AddressSanitizer sees each of them alone.
 */
#include "testkit/heap.h"

#include <stdlib.h>

void *ln__testkit_heap_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size != 0)
        return realloc(block, size);
    free(block);
    return NULL;
}
