/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_IMAGE_H
#define LN_AGENT_IMAGE_H
/**
 * @file image.h
 * The firmware image: a file in the state folder, written while it comes, with the download's state
 * in the store beside it.
 */
#include <linnet/download.h>

#include "store.h"

struct image {
    const struct store *store;
    int fd; /**< -1 = not open */
    char path[4096];
};

void image_init(struct image *image, const struct store *store);
/** Functions on the image, which outlives them. */
struct ln_download_store image_store(struct image *image);
/** Close it; what was written stays. */
void image_close(struct image *image);
/** Remove it, and the download's state. */
void image_remove(struct image *image);

#endif
