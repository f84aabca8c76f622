/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the memory functions of <linnet/env.h>. All memory of the library goes through here.
 *
 * No request is ever passed on with size 0: to the allocator that means "free", and a caller could
 * not tell its NULL from a failure.
 */
#include <linnet/env.h>

void *ln_resize(const struct ln_env *env, void *block, size_t size)
{
    return env->alloc.resize(env->alloc.ctx, block, size > 0 ? size : 1);
}

void *ln_calloc(const struct ln_env *env, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    size_t bytes = count * size;
    void *block = ln_resize(env, NULL, bytes);
    if (block != NULL)
        memset(block, 0, bytes > 0 ? bytes : 1);
    return block;
}

void ln_free(const struct ln_env *env, void *block)
{
    if (block != NULL)
        (void)env->alloc.resize(env->alloc.ctx, block, 0);
}

void ln_free_secret(const struct ln_env *env, void *block, size_t size)
{
    if (block == NULL)
        return;
    ln_wipe(block, size);
    ln_free(env, block);
}

/* Called through a volatile pointer: a compiler cannot know which function it is, so it cannot
 * drop the call because nobody reads the bytes again. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;

void ln_wipe(void *block, size_t size)
{
    if (block != NULL && size > 0)
        (void)overwrite(block, 0, size);
}

bool ln_equal_secret(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *left = (const volatile uint8_t *)a;
    const volatile uint8_t *right = (const volatile uint8_t *)b;
    uint8_t differences = 0;
    for (size_t i = 0; i < len; i++)
        differences = (uint8_t)(differences | (left[i] ^ right[i]));
    return differences == 0;
}

char *ln_strdup(const struct ln_env *env, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = (char *)ln_resize(env, NULL, bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}
