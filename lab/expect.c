/* SPDX-License-Identifier: Apache-2.0 */
/** @file expect.c  See expect.h. */
#include "expect.h"

#include "lab.h"
#include "names.h"
#include "util.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 1024 /* of those that nobody expected, the oldest go first */

struct expectation {
    cJSON *last;   /**< the answer, or the event that was expected; NULL: none yet */
    cJSON *events; /**< an array: since the last one that was expected */

    /* the event that is waited for; NULL and INT64_MAX: none */
    char *kind;
    char *endpoint; /**< NULL: anybody's */
    char *path;     /**< NULL: any */
    int64_t deadline;
};

static const char *const kinds[] = { "registered", "updated", "deregistered", "expired",
                                     "notification" };

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void held(struct lab *lab)
{
    cJSON *answer = lab_new_answer(lab);
    cJSON_AddBoolToObject(answer, "held", true);
    lab_answer(lab, answer);
}

/* ---- values ---- */

/* A member as people write it: text without quotes, numbers and booleans as JSON has them. */
static char *written(const cJSON *value)
{
    if (cJSON_IsString(value))
        return lab_text(value->valuestring);
    char *json = cJSON_PrintUnformatted(value);
    char *text = lab_text(json == NULL ? "" : json);
    cJSON_free(json);
    return text;
}

static bool both_numbers(const char *a, const char *b, double *x, double *y)
{
    char *end_a = NULL;
    char *end_b = NULL;
    *x = strtod(a, &end_a);
    *y = strtod(b, &end_b);
    return *a != '\0' && *b != '\0' && *end_a == '\0' && *end_b == '\0';
}

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

/* Equality is of the texts, so that no digit of a long number is lost; order is of numbers. */
static bool holds(const char *is, const char *operator, const char * wanted)
{
    double x = 0;
    double y = 0;
    bool numbers = both_numbers(is, wanted, &x, &y);
    bool equal =
        strcmp(is, wanted) == 0 || (numbers && strpbrk(wanted, ".eE") != NULL && x >= y && x <= y);
    if (strcmp(operator, "=") == 0)
        return equal;
    if (strcmp(operator, "!=") == 0)
        return !equal;
    if (strcmp(operator, "~") == 0)
        return matches(is, wanted);
    if (!numbers)
        return false;
    if (strcmp(operator, "<") == 0)
        return x < y;
    if (strcmp(operator, "<=") == 0)
        return x <= y;
    if (strcmp(operator, ">") == 0)
        return x > y;
    return x >= y;
}

static bool is_operator(const char *text)
{
    static const char *const operators[] = { "=", "!=", "<", "<=", ">", ">=", "~" };
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(text, operators[i]) == 0)
            return true;
    }
    return false;
}

static const cJSON *find_path(const cJSON *told, const char *list, const char *path)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(told, list))
    {
        const char *text = text_of(item, "path");
        if (text != NULL && strcmp(text, path) == 0)
            return item;
    }
    return NULL;
}

/* A path as people write it, as it stands in answers. */
static bool read_path(struct lab *lab, const char *text, char out[LN_PATH_ROOM])
{
    struct ln_path path;
    const char *wrong = names_read_path(text, &path);
    if (wrong != NULL)
        lab_fail(lab, "%s: %s", text, wrong);
    else
        ln_path_text(&path, out);
    return wrong == NULL;
}

static void expect_value(struct lab *lab, const struct words *words)
{
    char path[LN_PATH_ROOM];
    if (!read_path(lab, words->word[1], path))
        return;
    const cJSON *item = find_path(lab->expectation->last, "values", path);
    if (item == NULL) {
        lab_fail(lab, "there is no value of %s", path);
        return;
    }
    char *is = written(cJSON_GetObjectItemCaseSensitive(item, "value"));
    if (holds(is, words->word[2], words->word[3]))
        held(lab);
    else
        lab_fail(lab, "%s is %s, expected %s %s", path, is, words->word[2], words->word[3]);
    free(is);
}

static void expect_nothing(struct lab *lab, const char *text)
{
    char path[LN_PATH_ROOM];
    if (!read_path(lab, text, path))
        return;
    const cJSON *last = lab->expectation->last;
    if (find_path(last, "values", path) == NULL && find_path(last, "links", path) == NULL)
        held(lab);
    else
        lab_fail(lab, "%s is there", path);
}

static void expect_link(struct lab *lab, const struct words *words)
{
    char path[LN_PATH_ROOM];
    if (!read_path(lab, words->word[2], path))
        return;
    const cJSON *link = find_path(lab->expectation->last, "links", path);
    if (link == NULL) {
        lab_fail(lab, "there is no link %s", path);
        return;
    }
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(link, "attributes");
    for (size_t i = 3; i < words->count; i++) {
        char *name = words->word[i];
        char *value = strchr(name, '=');
        if (value != NULL)
            *value++ = '\0';
        const char *is = text_of(attributes, name);
        if (is == NULL || (value != NULL && strcmp(is, value) != 0)) {
            lab_fail(lab, "%s has %s=%s", path, name, is == NULL ? " nothing" : is);
            return;
        }
    }
    held(lab);
}

static void expect_code(struct lab *lab, const char *code)
{
    const char *is = text_of(lab->expectation->last, "code");
    const char *error = text_of(lab->expectation->last, "error");
    if (is != NULL && strcmp(is, code) == 0)
        held(lab);
    else
        lab_fail(lab, "expected %s, got %s%s%s", code, is == NULL ? "no answer" : is,
                 error == NULL ? "" : ": ", error == NULL ? "" : error);
}

static void expect_error(struct lab *lab, const char *part)
{
    const char *error = text_of(lab->expectation->last, "error");
    if (error == NULL)
        lab_fail(lab, "the last command did not fail");
    else if (part != NULL && strstr(error, part) == NULL)
        lab_fail(lab, "it failed, but: %s", error);
    else
        held(lab);
}

/* ---- events ---- */

static bool is_kind(const char *text)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(text, kinds[i]) == 0)
            return true;
    }
    return false;
}

static bool fits(const char *wanted, const char *is)
{
    return wanted == NULL || (is != NULL && strcmp(wanted, is) == 0);
}

static bool is_wanted(const struct expectation *ex, const cJSON *event)
{
    return fits(ex->kind, text_of(event, "event")) &&
           fits(ex->endpoint, text_of(event, "endpoint")) && fits(ex->path, text_of(event, "path"));
}

static void stop_waiting(struct expectation *ex)
{
    free(ex->kind);
    free(ex->endpoint);
    free(ex->path);
    ex->kind = NULL;
    ex->endpoint = NULL;
    ex->path = NULL;
    ex->deadline = INT64_MAX;
}

/* Look for the event among those that have come; those before it are over. */
static bool look(struct lab *lab)
{
    struct expectation *ex = lab->expectation;
    for (int i = 0; i < cJSON_GetArraySize(ex->events); i++) {
        if (!is_wanted(ex, cJSON_GetArrayItem(ex->events, i)))
            continue;
        while (i-- > 0)
            cJSON_DeleteItemFromArray(ex->events, 0);
        cJSON_Delete(ex->last);
        ex->last = cJSON_DetachItemFromArray(ex->events, 0);
        stop_waiting(ex);
        held(lab);
        return true;
    }
    return false;
}

/* EVENT [ENDPOINT] [PATH] [within SECONDS] */
static const char *read_event(struct lab *lab, const struct words *words)
{
    struct expectation *ex = lab->expectation;
    int64_t wait = lab->timeout_ms;
    size_t count = words->count;
    uint64_t seconds = 0;
    if (count >= 4 && strcmp(words->word[count - 2], "within") == 0) {
        if (!lab_number(words->word[count - 1], TIMEOUT_MAX_S, &seconds))
            return "within: a number of seconds";
        wait = (int64_t)seconds * 1000;
        count -= 2;
    }
    ex->kind = lab_text(words->word[1]);
    for (size_t i = 2; i < count; i++) {
        const char *word = words->word[i];
        char path[LN_PATH_ROOM];
        struct ln_path read;
        if (word[0] != '/' && ex->endpoint == NULL && ex->path == NULL) {
            ex->endpoint = lab_text(word);
        } else if (ex->path == NULL && names_read_path(word, &read) == NULL) {
            ln_path_text(&read, path);
            ex->path = lab_text(path);
        } else {
            return "EVENT [ENDPOINT] [PATH] [within SECONDS]";
        }
    }
    ex->deadline = lab_now() + wait;
    return NULL;
}

static void expect_event(struct lab *lab, const struct words *words)
{
    const char *wrong = read_event(lab, words);
    if (wrong != NULL) {
        stop_waiting(lab->expectation);
        lab_fail(lab, "%s", wrong);
        return;
    }
    (void)look(lab); /* else it is waited for: the command is not done */
}

int64_t expect_expire(struct lab *lab, int64_t now)
{
    struct expectation *ex = lab->expectation;
    if (ex->deadline > now)
        return ex->deadline;
    char *what = lab_format("%s%s%s%s%s", ex->kind, ex->endpoint == NULL ? "" : " ",
                            ex->endpoint == NULL ? "" : ex->endpoint, ex->path == NULL ? "" : " ",
                            ex->path == NULL ? "" : ex->path);
    stop_waiting(ex);
    lab_fail(lab, "%s did not come in time", what);
    free(what);
    return INT64_MAX;
}

/* ---- the command ---- */

void expect_run(struct lab *lab, const struct words *words)
{
    const char *first = words->count > 1 ? words->word[1] : "";
    if (is_kind(first))
        expect_event(lab, words);
    else if (strcmp(first, "error") == 0 && words->count <= 3)
        expect_error(lab, words->count == 3 ? words->word[2] : NULL);
    else if (strcmp(first, "no") == 0 && words->count == 3)
        expect_nothing(lab, words->word[2]);
    else if (strcmp(first, "link") == 0 && words->count >= 3)
        expect_link(lab, words);
    else if (first[0] == '/' && words->count == 4 && is_operator(words->word[2]))
        expect_value(lab, words);
    else if (strlen(first) == 4 && first[1] == '.' && words->count == 2)
        expect_code(lab, first);
    else
        lab_fail(lab, "expect what? see linnet-lab(1)");
}

void expect_note_answer(struct lab *lab, const cJSON *answer)
{
    struct expectation *ex = lab->expectation;
    cJSON_Delete(ex->last);
    ex->last = cJSON_Duplicate(answer, true);
}

void expect_note_event(struct lab *lab, const cJSON *event)
{
    struct expectation *ex = lab->expectation;
    if (cJSON_GetArraySize(ex->events) >= EVENTS_MAX)
        cJSON_DeleteItemFromArray(ex->events, 0);
    cJSON_AddItemToArray(ex->events, cJSON_Duplicate(event, true));
    if (ex->kind != NULL)
        (void)look(lab);
}

struct expectation *expect_new(struct lab *lab)
{
    (void)lab;
    struct expectation *ex = lab_alloc(sizeof *ex);
    ex->events = cJSON_CreateArray();
    ex->deadline = INT64_MAX;
    return ex;
}

void expect_free(struct expectation *ex)
{
    if (ex == NULL)
        return;
    stop_waiting(ex);
    cJSON_Delete(ex->last);
    cJSON_Delete(ex->events);
    free(ex);
}
