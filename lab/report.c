/* SPDX-License-Identifier: Apache-2.0 */
/** @file report.c  See report.h. */
#include "report.h"

#include "util.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text == NULL ? "" : text;
}

static bool is_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

void report_json(FILE *out, const cJSON *told)
{
    char *line = cJSON_PrintUnformatted(told);
    if (line != NULL)
        fprintf(out, "%s\n", line);
    cJSON_free(line);
}

/* ---- parts ---- */

static void print_clean(FILE *out, const char *text)
{
    char *clean = lab_clean(text, strlen(text));
    fputs(clean, out);
    free(clean);
}

/* A value as JSON writes it, but for opaque ones, links and times, which have no quotes. It is exact
 * UTF-8 here, and may have anything in it that is some. */
static void print_value(FILE *out, const cJSON *item)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
    if (cJSON_IsString(value) && strcmp(text_of(item, "type"), "string") != 0) {
        print_clean(out, value->valuestring);
        return;
    }
    char *text = cJSON_PrintUnformatted(value);
    print_clean(out, text == NULL ? "" : text);
    cJSON_free(text);
}

static void print_values(FILE *out, const cJSON *told)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(told, "values"))
    {
        const char *name = text_of(item, "name");
        fprintf(out, "  %-14s ", text_of(item, "path"));
        if (*name != '\0')
            fprintf(out, "%s ", name);
        fputs("= ", out);
        print_value(out, item);
        fputc('\n', out);
    }
}

static void print_link(FILE *out, const cJSON *link)
{
    fprintf(out, "%s", text_of(link, "path"));
    const cJSON *attribute = NULL;
    cJSON_ArrayForEach(attribute, cJSON_GetObjectItemCaseSensitive(link, "attributes"))
    {
        const char *value = cJSON_GetStringValue(attribute);
        fprintf(out, " %s", attribute->string);
        if (value != NULL && *value != '\0')
            fprintf(out, "=%s", value);
    }
}

static void print_links(FILE *out, const cJSON *told)
{
    const cJSON *link = NULL;
    cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(told, "links"))
    {
        fputs("  ", out);
        print_link(out, link);
        fputc('\n', out);
    }
}

static void print_client(FILE *out, const cJSON *client)
{
    const cJSON *lifetime = cJSON_GetObjectItemCaseSensitive(client, "lifetime");
    fprintf(out, "%s  LwM2M %s, %.0f s, %s%s, %s://%s", text_of(client, "endpoint"),
            text_of(client, "version"), cJSON_GetNumberValue(lifetime), text_of(client, "binding"),
            is_true(client, "queue_mode") ? " queued" : "",
            is_true(client, "secure") ? "coaps" : "coap", text_of(client, "address"));
    const char *separator = "\n  ";
    const cJSON *link = NULL;
    cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(client, "objects"))
    {
        fputs(separator, out);
        print_link(out, link);
        separator = ", ";
    }
    fputc('\n', out);
}

static void print_clients(FILE *out, const cJSON *told)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(told, "clients");
    const cJSON *client = NULL;
    if (cJSON_GetArraySize(list) == 0)
        fputs("nobody is registered\n", out);
    cJSON_ArrayForEach(client, list) print_client(out, client);
}

/* What a code that refuses is called (RFC 7252 12.1.2); "" for others. */
static const char *reason_of(const char *code)
{
    static const struct {
        const char *code;
        const char *reason;
    } reasons[] = {
        { "4.00", " Bad Request" },
        { "4.01", " Unauthorized" },
        { "4.02", " Bad Option" },
        { "4.03", " Forbidden" },
        { "4.04", " Not Found" },
        { "4.05", " Method Not Allowed" },
        { "4.06", " Not Acceptable" },
        { "4.08", " Request Entity Incomplete" },
        { "4.09", " Conflict" },
        { "4.12", " Precondition Failed" },
        { "4.13", " Request Entity Too Large" },
        { "4.15", " Unsupported Content-Format" },
        { "5.00", " Internal Server Error" },
        { "5.01", " Not Implemented" },
        { "5.03", " Service Unavailable" },
        { "5.04", " Gateway Timeout" },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(code, reasons[i].code) == 0)
            return reasons[i].reason;
    }
    return "";
}

/* "2.05 /3/0 tlv" or "4.04 Not Found /3/0/99", and what came with it */
static void print_content(FILE *out, const cJSON *told)
{
    static const char *const words[] = { "code",       "path",    "format",    "location",
                                         "diagnostic", "payload", "malformed", "error" };
    const char *separator = "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *text = text_of(told, words[i]);
        if (*text == '\0')
            continue;
        const char *before = strcmp(words[i], "error") == 0      ? "failed: "
                             : strcmp(words[i], "location") == 0 ? "created "
                                                                 : "";
        fprintf(out, "%s%s%s%s", separator, before, text,
                strcmp(words[i], "code") == 0 ? reason_of(text) : "");
        separator = " ";
    }
    if (is_true(told, "ended"))
        fputs(" (the observation ended)", out);
    fputc('\n', out);
    print_values(out, told);
    print_links(out, told);
}

/* ---- all of it ---- */

static void print_event(FILE *out, const cJSON *told, const char *event)
{
    if (strcmp(event, "listening") == 0)
        fprintf(out, "listening on %s and %s\n", text_of(told, "coap"), text_of(told, "coaps"));
    else if (strcmp(event, "notification") == 0) {
        fprintf(out, "notification %s ", text_of(told, "endpoint"));
        print_content(out, told);
    } else if (cJSON_HasObjectItem(told, "objects")) {
        fprintf(out, "%s ", event);
        print_client(out, told);
    } else {
        fprintf(out, "%s %s\n", event, text_of(told, "endpoint"));
    }
}

void report_text(FILE *out, const cJSON *told)
{
    const char *event = text_of(told, "event");
    const char *help = text_of(told, "text");
    if (*event != '\0')
        print_event(out, told, event);
    else if (cJSON_HasObjectItem(told, "clients"))
        print_clients(out, told);
    else if (*help != '\0')
        fprintf(out, "%s", help);
    else if (cJSON_HasObjectItem(told, "code") || cJSON_HasObjectItem(told, "error"))
        print_content(out, told);
    /* else: done, and nothing to tell */
}
