/* SPDX-License-Identifier: Apache-2.0 */
/** @file words.c  See words.h. */
#include "words.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes one word from *in and writes it behind *out, with a NUL. */
static const char *take_word(const char **in, char **out)
{
    bool inside = false;
    const char *at = *in;
    for (; *at != '\0' && (inside || !is_space(*at)); at++) {
        if (*at == '"') {
            inside = !inside;
            continue;
        }
        if (*at == '\\' && at[1] != '\0')
            at++;
        *(*out)++ = *at;
    }
    *(*out)++ = '\0';
    *in = at;
    return inside ? "a double quote is not closed" : NULL;
}

const char *words_split(struct words *words, const char *line)
{
    memset(words, 0, sizeof *words);
    words->buffer = lab_alloc(2 * strlen(line) + 2); /* a NUL behind each word */
    char *out = words->buffer;
    const char *wrong = NULL;
    while (wrong == NULL) {
        while (is_space(*line))
            line++;
        if (*line == '\0' || *line == '#')
            return NULL;
        if (words->count == WORDS_MAX) {
            wrong = "too many words";
            break;
        }
        words->quoted[words->count] = *line == '"';
        words->word[words->count++] = out;
        wrong = take_word(&line, &out);
    }
    words_free(words);
    return wrong;
}

void words_free(struct words *words)
{
    free(words->buffer);
    memset(words, 0, sizeof *words);
}
