/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTKIT_HEAP_H
#define LN_TESTKIT_HEAP_H
/**
 * @file heap.h
 * The heap of the C library as an allocator, for kits that were given none.
 */
#include <linnet/env.h>

void *ln__testkit_heap_resize(void *ctx, void *block, size_t size);

#endif
