/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding a rule ---- */

static const struct option_rule *find_name(const struct option_rule *rules, size_t count,
                                           const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].kind != OPTION_HEADING && strlen(rules[i].name) == len &&
            memcmp(rules[i].name, name, len) == 0)
            return &rules[i];
    }
    return NULL;
}

static const struct option_rule *find_letter(const struct option_rule *rules, size_t count,
                                             char letter)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].kind != OPTION_HEADING && rules[i].letter == letter)
            return &rules[i];
    }
    return NULL;
}

/* How many letters have to be added, dropped or changed (Levenshtein), for "did you mean". */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[40];
    if (a_len >= sizeof row / sizeof row[0] || b_len >= sizeof row / sizeof row[0])
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_len];
}

static const struct option_rule *nearest(const struct option_rule *rules, size_t count,
                                         const char *name, size_t len)
{
    const struct option_rule *best = NULL;
    size_t best_distance = 4; /* further away is no misspelling */
    for (size_t i = 0; i < count; i++) {
        if (rules[i].kind == OPTION_HEADING)
            continue;
        size_t d = distance(name, len, rules[i].name, strlen(rules[i].name));
        if (d < best_distance) {
            best_distance = d;
            best = &rules[i];
        }
    }
    return best;
}

/* ---- values ---- */

/* "12" or "0.25", in thousandths. Signs, exponents and spaces are not numbers here. */
static bool read_milli(const char *text, int64_t *out)
{
    int64_t whole = 0;
    int64_t milli = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 12)
        return false;
    for (size_t i = 0; i < digits; i++)
        whole = whole * 10 + (text[i] - '0');
    const char *p = text + digits;
    if (*p == '.') {
        p++;
        int64_t unit = 100;
        for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
            milli += (*p - '0') * unit;
    }
    *out = whole * 1000 + milli;
    return *p == '\0';
}

static bool read_long(const char *text, long *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return false;
    errno = 0;
    *out = strtol(text, NULL, 10);
    return errno == 0;
}

static bool store_number(const struct option_rule *rule, const char *value, long *out,
                         struct option_error *error)
{
    long number = 0;
    if (read_long(value, &number) && number >= rule->low && number <= rule->high) {
        *out = number;
        return true;
    }
    snprintf(error->text, sizeof error->text, "--%s '%s': expected a number from %ld to %ld",
             rule->name, value, rule->low, rule->high);
    return false;
}

static bool store_seconds(const struct option_rule *rule, const char *value, int64_t *out,
                          struct option_error *error)
{
    int64_t milli = 0;
    if (read_milli(value, &milli) && milli >= rule->low && milli <= rule->high) {
        *out = milli;
        return true;
    }
    snprintf(error->text, sizeof error->text,
             "--%s '%s': expected seconds from %g to %g, such as 5 or 0.5", rule->name, value,
             (double)rule->low / 1000, (double)rule->high / 1000);
    return false;
}

static bool read_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    char digits[20];
    size_t len = strspn(text, "0123456789");
    const char *unit = text[len] != '\0' ? strchr(units, text[len]) : NULL;
    if (len == 0 || len >= sizeof digits ||
        (text[len] != '\0' && (unit == NULL || text[len + 1] != '\0')))
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    uint64_t value = strtoull(digits, NULL, 10);
    unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
    *out = value << shift;
    return value > 0 && value <= UINT64_MAX / 2 >> shift;
}

static bool store_size(const struct option_rule *rule, const char *value, uint64_t *out,
                       struct option_error *error)
{
    if (read_size(value, out))
        return true;
    snprintf(error->text, sizeof error->text,
             "--%s '%s': expected bytes, such as 1500, 64K, 10M or 2G", rule->name, value);
    return false;
}

static bool store_many(const struct option_rule *rule, char *value, struct option_many *out,
                       struct option_error *error)
{
    if (out->count < OPTION_MANY_MAX) {
        out->text[out->count++] = value;
        return true;
    }
    snprintf(error->text, sizeof error->text, "--%s: at most %d of them", rule->name,
             OPTION_MANY_MAX);
    return false;
}

static bool store(const struct option_rule *rule, char *value, void *into,
                  struct option_error *error)
{
    void *member = (char *)into + rule->at;
    switch (rule->kind) {
    case OPTION_HEADING:
        break;
    case OPTION_FLAG:
        *(bool *)member = true;
        break;
    case OPTION_TEXT:
        *(char **)member = value;
        break;
    case OPTION_MAYBE:
        ((struct option_maybe *)member)->given = true;
        ((struct option_maybe *)member)->text = value;
        break;
    case OPTION_MANY:
        return store_many(rule, value, member, error);
    case OPTION_NUMBER:
        return store_number(rule, value, member, error);
    case OPTION_SECONDS:
        return store_seconds(rule, value, member, error);
    case OPTION_SIZE:
        return store_size(rule, value, member, error);
    }
    return true;
}

/* ---- the command line ---- */

struct cursor {
    int argc;
    char **argv;
    int next;
};

static const struct option_rule *unknown(const struct option_rule *rules, size_t count,
                                         const char *name, size_t len, struct option_error *error)
{
    const struct option_rule *near = nearest(rules, count, name, len);
    snprintf(error->text, sizeof error->text, "unknown option --%.*s%s%s%s", (int)len, name,
             near != NULL ? "; did you mean --" : "", near != NULL ? near->name : "",
             near != NULL ? "?" : "");
    return NULL;
}

/* The rule for `argument`, with its "=VALUE" in *value (NULL if there is none). */
static const struct option_rule *match(const struct option_rule *rules, size_t count,
                                       char *argument, char **value, struct option_error *error)
{
    *value = NULL;
    if (argument[1] != '-') {
        const struct option_rule *rule =
            argument[2] == '\0' ? find_letter(rules, count, argument[1]) : NULL;
        if (rule == NULL)
            snprintf(error->text, sizeof error->text, "unknown option %.40s", argument);
        return rule;
    }
    char *name = argument + 2;
    size_t len = strcspn(name, "=");
    if (name[len] == '=')
        *value = name + len + 1;
    const struct option_rule *rule = find_name(rules, count, name, len);
    return rule != NULL ? rule : unknown(rules, count, name, len, error);
}

static bool take_option(const struct option_rule *rules, size_t count, struct cursor *at,
                        void *into, struct option_error *error)
{
    char *value = NULL;
    const struct option_rule *rule = match(rules, count, at->argv[at->next++], &value, error);
    if (rule == NULL)
        return false;
    if (rule->kind == OPTION_FLAG && value != NULL) {
        snprintf(error->text, sizeof error->text, "--%s takes no value", rule->name);
        return false;
    }
    if (rule->kind != OPTION_FLAG && rule->kind != OPTION_MAYBE && value == NULL) {
        if (at->next == at->argc) {
            snprintf(error->text, sizeof error->text, "--%s: expected %s", rule->name, rule->value);
            return false;
        }
        value = at->argv[at->next++];
    }
    return store(rule, value, into, error);
}

bool options_parse(const struct option_rule *rules, size_t rule_count, int argc, char **argv,
                   void *into, char **rest, size_t rest_max, size_t *rest_count,
                   struct option_error *error)
{
    struct cursor at = { argc, argv, 0 };
    bool options = true;
    *rest_count = 0;
    while (at.next < argc) {
        char *argument = argv[at.next];
        if (options && strcmp(argument, "--") == 0) {
            options = false;
            at.next++;
        } else if (options && argument[0] == '-' && argument[1] != '\0') {
            if (!take_option(rules, rule_count, &at, into, error))
                return false;
        } else if (*rest_count < rest_max) {
            rest[(*rest_count)++] = argument;
            at.next++;
        } else {
            snprintf(error->text, sizeof error->text, "unexpected argument '%.100s'", argument);
            return false;
        }
    }
    return true;
}

/* ---- help ---- */

#define HELP_COLUMN 30

static void print_rule(FILE *out, const struct option_rule *rule)
{
    char left[80];
    bool maybe = rule->kind == OPTION_MAYBE;
    int used = 0;
    if (rule->letter != 0)
        used = snprintf(left, sizeof left, "  -%c, --%s", rule->letter, rule->name);
    else
        used = snprintf(left, sizeof left, "      --%s", rule->name);
    if (rule->value != NULL && used > 0 && (size_t)used < sizeof left)
        snprintf(left + used, sizeof left - (size_t)used, maybe ? "[=%s]" : " %s", rule->value);
    if (strlen(left) >= HELP_COLUMN)
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "%-*s", HELP_COLUMN, left);
    for (const char *line = rule->help;;) {
        size_t len = strcspn(line, "\n");
        fprintf(out, "%.*s\n", (int)len, line);
        if (line[len] == '\0')
            return;
        line += len + 1;
        fprintf(out, "%*s", HELP_COLUMN, "");
    }
}

void options_print(FILE *out, const struct option_rule *rules, size_t rule_count)
{
    for (size_t i = 0; i < rule_count; i++) {
        if (rules[i].kind == OPTION_HEADING)
            fprintf(out, "\n%s\n", rules[i].help);
        else
            print_rule(out, &rules[i]);
    }
}
