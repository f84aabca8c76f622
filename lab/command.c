/* SPDX-License-Identifier: Apache-2.0 */
/** @file command.c  See command.h. */
#include "command.h"

#include "clients.h"
#include "exchange.h"
#include "expect.h"
#include "formats.h"
#include "lab.h"
#include "names.h"
#include "util.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/** A command line, taken apart as far as its form says. */
struct args {
    struct lab *lab;
    const struct words *words;
    size_t next; /**< the first word that was not read yet */
    struct client *client;
    struct ln_path path;
    int32_t format; /**< --format; SERVER_NO_FORMAT */
    bool update;    /**< --update */
    bool multiple;  /**< --multiple */
    bool passive;   /**< --passive */
};

/** What a command takes, in this order. */
enum takes {
    TAKES_WORDS,  /**< reads its words itself */
    TAKES_PATH,   /**< [ENDPOINT] PATH and no more */
    TAKES_VALUES, /**< [ENDPOINT] PATH and words that it reads itself */
};

struct command {
    const char *name;
    enum takes takes;
    unsigned levels; /**< bit n: a path of n ids is allowed */
    void (*run)(struct args *args);
    const char *form;
    const char *does;
};

#define OBJECT (1u << LN_LEVEL_OBJECT)
#define INSTANCE (1u << LN_LEVEL_INSTANCE)
#define RESOURCE (1u << LN_LEVEL_RESOURCE)
#define ONE_OF_MANY (1u << LN_LEVEL_RESOURCE_INSTANCE)
#define ANY (OBJECT | INSTANCE | RESOURCE | ONE_OF_MANY)

static bool has_more(const struct args *a)
{
    return a->next < a->words->count;
}

static const char *take(struct args *a)
{
    return a->words->word[a->next++];
}

/* ---- requests ---- */

static struct server_ask ask(enum server_method method)
{
    return (struct server_ask) { .method = method,
                                 .format = SERVER_NO_FORMAT,
                                 .accept = SERVER_NO_FORMAT,
                                 .observe = SERVER_NO_FORMAT };
}

static void send_ask(struct args *a, struct server_ask *asked, bool observe, bool cancel)
{
    struct exchange_about about = {
        .endpoint = a->client->endpoint, .path = a->path, .observe = observe, .cancel = cancel
    };
    exchanges_send(a->lab->exchanges, a->client, &about, asked);
}

static void run_read(struct args *a)
{
    struct server_ask asked = ask(METHOD_GET);
    asked.accept = a->format;
    send_ask(a, &asked, false, false);
}

static void run_discover(struct args *a)
{
    struct server_ask asked = ask(METHOD_GET);
    asked.accept = LN_CONTENT_LINK;
    send_ask(a, &asked, false, false);
}

static void run_observe(struct args *a)
{
    struct server_ask asked = ask(METHOD_GET);
    asked.accept = a->format;
    asked.observe = 0;
    exchanges_forget(a->lab->exchanges, a->client->endpoint, &a->path);
    send_ask(a, &asked, true, false);
}

static void run_cancel(struct args *a)
{
    const char *endpoint = a->client->endpoint;
    if (!exchanges_observes(a->lab->exchanges, endpoint, &a->path)) {
        lab_fail(a->lab, "this path is not observed");
        return;
    }
    if (a->passive) {
        exchanges_forget(a->lab->exchanges, endpoint, &a->path);
        lab_answer(a->lab, lab_new_answer(a->lab));
        return;
    }
    struct server_ask asked = ask(METHOD_GET);
    asked.observe = 1;
    send_ask(a, &asked, false, true);
}

static void run_delete(struct args *a)
{
    struct server_ask asked = ask(METHOD_DELETE);
    send_ask(a, &asked, false, false);
}

static void run_execute(struct args *a)
{
    struct server_ask asked = ask(METHOD_POST);
    if (has_more(a)) {
        asked.format = LN_CONTENT_TEXT;
        asked.payload = ln_span_str(take(a));
    }
    if (has_more(a)) {
        lab_fail(a->lab, "the arguments are one word: 0='a',1");
        return;
    }
    send_ask(a, &asked, false, false);
}

static void run_write_attributes(struct args *a)
{
    struct server_ask asked = ask(METHOD_PUT);
    while (has_more(a) && asked.query_count < SERVER_OPTIONS_MAX)
        asked.query[asked.query_count++] = take(a);
    if (asked.query_count == 0 || has_more(a)) {
        lab_fail(a->lab, "name the attributes: pmin=1 pmax=60; a name alone unsets");
        return;
    }
    send_ask(a, &asked, false, false);
}

/* ---- values ---- */

/** What a Write or a Create carries. */
struct body {
    struct formats_item items[WORDS_MAX];
    size_t count;
    const char *wrong;
};

static void free_body(struct body *body)
{
    for (size_t i = 0; i < body->count; i++)
        free(body->items[i].memory);
}

static void add_value(struct body *body, const struct ln_path *path, const char *text, bool quoted)
{
    struct formats_item *item = &body->items[body->count];
    memset(item, 0, sizeof *item);
    item->path = *path;
    body->wrong = formats_read_value(text, quoted, names_type(path->id[0], path->id[2]), item);
    if (body->wrong == NULL)
        body->count++;
}

static bool read_id(const char *text, uint16_t *out)
{
    uint64_t id = 0;
    if (!lab_number(text, LN_ID_NONE - 1, &id))
        return false;
    *out = (uint16_t)id;
    return true;
}

/* "1=60", "6/0=5" below an instance, "0=5" below a resource of many: where the value goes. */
static bool read_place(const struct ln_path *base, char *text, struct ln_path *out)
{
    uint16_t id = 0;
    *out = *base;
    if (base->levels == LN_LEVEL_RESOURCE) {
        *out = ln_path_child(*base, id);
        return read_id(text, &out->id[LN_LEVEL_RESOURCE]);
    }
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!names_read_resource(base->id[0], text, &id))
        return false;
    *out = ln_path_child(*base, id);
    if (slash == NULL)
        return true;
    *out = ln_path_child(*out, 0);
    return read_id(slash + 1, &out->id[LN_LEVEL_RESOURCE]);
}

static void add_named_value(struct body *body, const struct ln_path *base, char *word)
{
    struct ln_path path;
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        body->wrong = "values are written ID=VALUE";
        return;
    }
    *equals = '\0';
    if (read_place(base, word, &path))
        add_value(body, &path, equals + 1, equals[1] == '"');
    else
        body->wrong = "no resource of that name or number";
}

static int by_path(const void *a, const void *b)
{
    const struct formats_item *x = a;
    const struct formats_item *y = b;
    return ln_path_compare(&x->path, &y->path);
}

static void read_body(struct args *a, const struct ln_path *base, bool named, struct body *body)
{
    memset(body, 0, sizeof *body);
    while (has_more(a) && body->wrong == NULL) {
        bool quoted = a->words->quoted[a->next];
        char *word = a->words->word[a->next++];
        if (named)
            add_named_value(body, base, word);
        else
            add_value(body, base, word, quoted);
    }
    if (body->count > 0)
        qsort(body->items, body->count, sizeof *body->items, by_path);
}

/* One value alone goes as what it is; all else as TLV, which every device can read. */
static int32_t format_of(const struct args *a, const struct body *body, bool named)
{
    if (a->format != SERVER_NO_FORMAT)
        return a->format;
    if (named || body->count != 1)
        return LN_CONTENT_TLV;
    return body->items[0].value.type == LN_VALUE_OPAQUE ? LN_CONTENT_OPAQUE : LN_CONTENT_TEXT;
}

static void send_body(struct args *a, struct server_ask *asked, struct body *body, bool named)
{
    uint8_t *payload = NULL;
    size_t len = 0;
    asked->format = format_of(a, body, named);
    if (body->wrong == NULL)
        body->wrong =
            formats_write(&a->path, asked->format, body->items, body->count, &payload, &len);
    if (body->wrong != NULL) {
        lab_fail(a->lab, "%s", body->wrong);
    } else {
        asked->payload = ln_span(payload, len);
        send_ask(a, asked, false, false);
    }
    free(payload);
    free_body(body);
}

static void run_write(struct args *a)
{
    struct server_ask asked = ask(a->update ? METHOD_POST : METHOD_PUT);
    bool resource = a->path.levels == LN_LEVEL_RESOURCE;
    bool many = resource && (a->multiple || names_is_multiple(a->path.id[0], a->path.id[2]));
    bool named = many || a->path.levels == LN_LEVEL_INSTANCE;
    if (!named && a->words->count - a->next != 1) {
        lab_fail(a->lab, "one value, in double quotes if there are spaces in it");
        return;
    }
    struct body body;
    read_body(a, &a->path, named, &body);
    send_body(a, &asked, &body, named);
}

static void run_create(struct args *a)
{
    struct server_ask asked = ask(METHOD_POST);
    struct ln_path base = a->path;
    if (base.levels == LN_LEVEL_OBJECT)
        base = ln_path_child(base, LN_ID_NONE); /* the device chooses */
    a->path = ln_path_head(a->path, LN_LEVEL_OBJECT);
    struct body body;
    read_body(a, &base, true, &body);
    if (body.count == 0 && body.wrong == NULL && base.id[1] != LN_ID_NONE)
        body.items[body.count++] = (struct formats_item) { .path = base };
    send_body(a, &asked, &body, true);
}

/* ---- about the lab itself ---- */

static void done(struct lab *lab)
{
    lab_answer(lab, lab_new_answer(lab));
}

static void run_clients(struct args *a)
{
    cJSON *answer = lab_new_answer(a->lab);
    cJSON *list = cJSON_AddArrayToObject(answer, "clients");
    for (const struct client *c = clients_first(a->lab->clients); c != NULL; c = c->next)
        cJSON_AddItemToArray(list, clients_describe(c));
    lab_answer(a->lab, answer);
}

/* The one word that there must be. */
static char *only_word(struct args *a, const char *what)
{
    if (a->words->count == 2)
        return a->words->word[1];
    lab_fail(a->lab, "%s", what);
    return NULL;
}

static void run_use(struct args *a)
{
    const char *endpoint = only_word(a, "name one endpoint");
    if (endpoint == NULL)
        return;
    free(a->lab->chosen);
    a->lab->chosen = lab_text(endpoint);
    done(a->lab);
}

static void tell_or_fail(struct lab *lab, const char *wrong)
{
    if (wrong != NULL)
        lab_fail(lab, "%s", wrong);
    else
        done(lab);
}

static void run_psk(struct args *a)
{
    char *entry = only_word(a, "write it as ENDPOINT=IDENTITY:HEXKEY");
    if (entry == NULL)
        return;
    const char *wrong = keys_add(&a->lab->keys, entry);
    lab_wipe(entry, strlen(entry));
    tell_or_fail(a->lab, wrong);
}

static void run_certified(struct args *a)
{
    const char *endpoint = only_word(a, "name one endpoint");
    if (endpoint != NULL)
        tell_or_fail(a->lab, keys_add_certificate(&a->lab->keys, endpoint));
}

static void run_forget(struct args *a)
{
    const char *endpoint = only_word(a, "name one endpoint");
    if (endpoint != NULL)
        tell_or_fail(a->lab, keys_remove(&a->lab->keys, endpoint) ? NULL : "it has no entry");
}

static void run_timeout(struct args *a)
{
    uint64_t seconds = 0;
    const char *text = only_word(a, "name the seconds");
    if (text == NULL)
        return;
    if (!lab_number(text, TIMEOUT_MAX_S, &seconds) || seconds == 0) {
        lab_fail(a->lab, "seconds, from 1 to %u", TIMEOUT_MAX_S);
        return;
    }
    a->lab->timeout_ms = (int64_t)seconds * 1000;
    done(a->lab);
}

static void run_expect(struct args *a)
{
    expect_run(a->lab, a->words);
}

static void run_quit(struct args *a)
{
    a->lab->stopping = true;
    done(a->lab);
}

static void run_help(struct args *args);

static const struct command commands[] = {
    { "clients", TAKES_WORDS, 0, run_clients, "", "who is registered, with what" },
    { "use", TAKES_WORDS, 0, run_use, "ENDPOINT", "mean this one where no endpoint is named" },
    { "read", TAKES_PATH, ANY, run_read, "[ENDPOINT] PATH [--format FORMAT]", "Read" },
    { "write", TAKES_VALUES, INSTANCE | RESOURCE | ONE_OF_MANY, run_write,
      "[ENDPOINT] PATH VALUE | ID=VALUE... [--update] [--multiple] [--format FORMAT]",
      "Write: replace, or with --update the listed ones only" },
    { "write-attributes", TAKES_VALUES, ANY, run_write_attributes,
      "[ENDPOINT] PATH NAME=VALUE | NAME...", "Write-Attributes; a name alone unsets" },
    { "execute", TAKES_VALUES, RESOURCE, run_execute, "[ENDPOINT] PATH [ARGUMENTS]",
      "Execute; arguments as 0='a',1" },
    { "create", TAKES_VALUES, OBJECT | INSTANCE, run_create,
      "[ENDPOINT] PATH [ID=VALUE...] [--format FORMAT]", "Create an instance" },
    { "delete", TAKES_PATH, INSTANCE | ONE_OF_MANY, run_delete, "[ENDPOINT] PATH", "Delete" },
    { "discover", TAKES_PATH, OBJECT | INSTANCE | RESOURCE, run_discover, "[ENDPOINT] PATH",
      "Discover" },
    { "observe", TAKES_PATH, ANY, run_observe, "[ENDPOINT] PATH [--format FORMAT]",
      "Observe; notifications are told as they come" },
    { "cancel", TAKES_PATH, ANY, run_cancel, "[ENDPOINT] PATH [--passive]",
      "Cancel an observation, by a request or by a Reset to the next notification" },
    { "psk", TAKES_WORDS, 0, run_psk, "ENDPOINT=IDENTITY:HEXKEY",
      "this endpoint comes with a key" },
    { "certified", TAKES_WORDS, 0, run_certified, "ENDPOINT",
      "this endpoint comes with a certificate" },
    { "forget", TAKES_WORDS, 0, run_forget, "ENDPOINT", "take back psk or certified" },
    { "timeout", TAKES_WORDS, 0, run_timeout, "SECONDS", "how long a device may take to answer" },
    { "expect", TAKES_WORDS, 0, run_expect, "...",
      "hold an answer or an event against what it should be" },
    { "help", TAKES_WORDS, 0, run_help, "", "this" },
    { "quit", TAKES_WORDS, 0, run_quit, "", "end" },
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void run_help(struct args *a)
{
    char *text = lab_text("");
    for (size_t i = 0; i < COMMANDS; i++) {
        char *longer = lab_format("%s%s %s\n    %s\n", text, commands[i].name, commands[i].form,
                                  commands[i].does);
        free(text);
        text = longer;
    }
    cJSON *answer = lab_new_answer(a->lab);
    cJSON_AddStringToObject(answer, "text", text);
    free(text);
    lab_answer(a->lab, answer);
}

const char *command_name_at(size_t i)
{
    return i < COMMANDS ? commands[i].name : NULL;
}

/* ---- reading a line ---- */

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* Takes the options out of the words. */
static const char *read_options(struct words *words, struct args *a)
{
    size_t kept = 1;
    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->word[i];
        if (words->quoted[i] || !lab_begins(word, "--")) {
            words->quoted[kept] = words->quoted[i];
            words->word[kept++] = words->word[i];
        } else if (strcmp(word, "--update") == 0) {
            a->update = true;
        } else if (strcmp(word, "--multiple") == 0) {
            a->multiple = true;
        } else if (strcmp(word, "--passive") == 0) {
            a->passive = true;
        } else if (strcmp(word, "--format") == 0) {
            i++;
            if (i == words->count || !formats_number(words->word[i], &a->format))
                return "--format wants a format: text, tlv, cbor, ... or a number";
        } else {
            return "no option of that name";
        }
    }
    words->count = kept;
    return NULL;
}

/* [ENDPOINT]: without one, the chosen one, or the only one. */
static const char *read_endpoint(struct args *a)
{
    const char *endpoint = a->lab->chosen;
    const struct client *only = clients_first(a->lab->clients);
    if (has_more(a) && a->words->word[a->next][0] != '/')
        endpoint = take(a);
    if (endpoint == NULL && only != NULL && only->next == NULL)
        endpoint = only->endpoint;
    if (endpoint == NULL)
        return only == NULL ? "nobody is registered" : "name an endpoint, or choose one with 'use'";
    a->client = clients_find(a->lab->clients, endpoint);
    return a->client == NULL ? "this endpoint is not registered" : NULL;
}

static const char *read_target(const struct command *command, struct args *a)
{
    const char *wrong = read_endpoint(a);
    if (wrong != NULL)
        return wrong;
    if (!has_more(a))
        return "name a path: /3/0/9";
    wrong = names_read_path(take(a), &a->path);
    if (wrong != NULL)
        return wrong;
    if ((command->levels >> a->path.levels & 1) == 0)
        return "this cannot be done at a path of that length";
    return command->takes == TAKES_PATH && has_more(a) ? "too many words" : NULL;
}

static void run(struct lab *lab, const struct command *command, struct words *words)
{
    struct args a = { .lab = lab, .words = words, .next = 1, .format = SERVER_NO_FORMAT };
    const char *wrong = NULL;
    if (command->takes != TAKES_WORDS) {
        wrong = read_options(words, &a);
        if (wrong == NULL)
            wrong = read_target(command, &a);
    }
    if (wrong != NULL)
        lab_fail(lab, "%s", wrong);
    else
        command->run(&a);
}

void command_run(struct lab *lab, const char *line)
{
    struct words words;
    const char *wrong = words_split(&words, line);
    if (wrong == NULL && words.count == 0) {
        words_free(&words);
        return;
    }
    const struct command *command = wrong == NULL ? find_command(words.word[0]) : NULL;
    lab->command = command == NULL ? "?" : command->name;
    if (wrong != NULL) {
        lab_fail(lab, "%s", wrong);
        return;
    }
    if (command == NULL)
        lab_fail(lab, "%s: no such command; 'help' lists them", words.word[0]);
    else
        run(lab, command, &words);
    words_free(&words);
}
