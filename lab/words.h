/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_WORDS_H
#define LAB_WORDS_H
/**
 * @file words.h
 * A line of input as words.
 *
 * Spaces separate; double quotes hold together what has spaces; a backslash makes the next character
 * an ordinary one. A single quote is an ordinary character: Execute has them in its arguments. A #
 * where a word would begin starts a comment.
 */
#include <stdbool.h>
#include <stddef.h>

#define WORDS_MAX 128

struct words {
    char *buffer;
    char *word[WORDS_MAX];
    bool quoted[WORDS_MAX]; /**< it began with a double quote: text, whatever it looks like */
    size_t count;
};

/** @return NULL, or what is wrong with the line; then nothing is to be freed. */
const char *words_split(struct words *words, const char *line);

void words_free(struct words *words);

#endif
