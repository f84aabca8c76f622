/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: <linnet/status.h>. Made from LN_STATUS_LIST, so that no status can be without words.
 */
#include <linnet/status.h>

#include <stddef.h>

static const struct {
    const char *name;
    const char *meaning;
} words[] = {
#define STATUS_WORDS(name, meaning, action) { "LN_" #name, meaning },
    LN_STATUS_LIST(STATUS_WORDS)
#undef STATUS_WORDS
};

static const size_t word_count = sizeof words / sizeof words[0];

const char *ln_status_name(enum ln_status status)
{
    return (size_t)status < word_count ? words[status].name : "LN_?";
}

const char *ln_status_meaning(enum ln_status status)
{
    return (size_t)status < word_count ? words[status].meaning : "an unknown status";
}
