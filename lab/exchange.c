/* SPDX-License-Identifier: Apache-2.0 */
/** @file exchange.c  See exchange.h. */
#include "exchange.h"

#include "formats.h"
#include "lab.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A request on its way, or an observation: they share a token. */
struct exchange {
    uint8_t token[SERVER_TOKEN_LEN];
    char *endpoint;
    struct ln_path path;
    int64_t deadline; /**< of the answer; INT64_MAX: none is waited for */
    bool observe;     /**< it asked to observe */
    bool observing;   /**< the device agreed: notifications come */
    bool cancelling;
    struct exchange *next;
};

struct exchanges {
    struct lab *lab;
    struct exchange *first;
};

static bool is_waiting(const struct exchange *e)
{
    return e->deadline != INT64_MAX;
}

static bool is_about(const struct exchange *e, const char *endpoint, const struct ln_path *path)
{
    return strcmp(e->endpoint, endpoint) == 0 && ln_path_equal(&e->path, path);
}

static void exchange_free(struct exchange *e)
{
    free(e->endpoint);
    free(e);
}

static void remove_exchange(struct exchanges *ex, struct exchange *e)
{
    for (struct exchange **at = &ex->first; *at != NULL; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            exchange_free(e);
            return;
        }
    }
}

static struct exchange *find_token(const struct exchanges *ex, const uint8_t *token)
{
    for (struct exchange *e = ex->first; e != NULL; e = e->next) {
        if (memcmp(e->token, token, SERVER_TOKEN_LEN) == 0)
            return e;
    }
    return NULL;
}

static struct exchange *find_observation(const struct exchanges *ex, const char *endpoint,
                                         const struct ln_path *path)
{
    for (struct exchange *e = ex->first; e != NULL; e = e->next) {
        if (e->observing && is_about(e, endpoint, path))
            return e;
    }
    return NULL;
}

bool exchanges_observes(const struct exchanges *ex, const char *endpoint,
                        const struct ln_path *path)
{
    return find_observation(ex, endpoint, path) != NULL;
}

/* ---- sending ---- */

static struct exchange *begin(struct exchanges *ex, const struct exchange_about *about)
{
    struct exchange *e = about->cancel ? find_observation(ex, about->endpoint, &about->path) : NULL;
    if (e == NULL) {
        e = lab_alloc(sizeof *e);
        e->endpoint = lab_text(about->endpoint);
        e->path = about->path;
        e->observe = about->observe;
        e->next = ex->first;
        ex->first = e;
    }
    e->cancelling = about->cancel;
    e->deadline = lab_now() + ex->lab->timeout_ms;
    return e;
}

void exchanges_send(struct exchanges *ex, struct client *client, const struct exchange_about *about,
                    struct server_ask *ask)
{
    struct exchange *e = begin(ex, about);
    char path[LN_PATH_ROOM];
    ln_path_text(&about->path, path);
    ask->path = path;
    if (!server_send(ex->lab->server, client->session, ask, e->token)) {
        remove_exchange(ex, e);
        lab_fail(ex->lab, "the request could not be sent: the device's connection is closed");
    }
    ask->path = NULL;
}

/* ---- answers ---- */

static void add_about(cJSON *out, const struct exchange *e)
{
    char path[LN_PATH_ROOM];
    ln_path_text(&e->path, path);
    if (!cJSON_HasObjectItem(out, "endpoint"))
        cJSON_AddStringToObject(out, "endpoint", e->endpoint);
    cJSON_AddStringToObject(out, "path", path);
}

static void add_code(cJSON *out, uint8_t code)
{
    char text[8];
    snprintf(text, sizeof text, "%u.%02u", (unsigned)code >> 5, (unsigned)code & 31);
    cJSON_AddStringToObject(out, "code", text);
}

static void add_format(cJSON *out, int32_t format)
{
    const char *name = formats_name(format);
    if (name != NULL)
        cJSON_AddStringToObject(out, "format", name);
    else if (format != SERVER_NO_FORMAT)
        cJSON_AddNumberToObject(out, "format", format);
}

static void add_raw(cJSON *out, struct ln_span payload)
{
    char *hex = lab_hex_text(payload.data, payload.len);
    cJSON_AddStringToObject(out, "payload", hex);
    free(hex);
}

static void add_content(cJSON *out, const struct exchange *e, const struct server_answer *answer)
{
    const char *wrong = "the list of links is malformed, or too long";
    bool links = answer->format == LN_CONTENT_LINK;
    cJSON *content = links ? clients_links(answer->payload)
                           : formats_read(&e->path, answer->format, answer->payload, &wrong);
    if (content != NULL) {
        cJSON_AddItemToObject(out, links ? "links" : "values", content);
        return;
    }
    cJSON_AddStringToObject(out, "malformed", wrong);
    add_raw(out, answer->payload);
}

static void add_text(cJSON *out, const char *name, struct ln_span said)
{
    char *text = lab_clean(said.data, said.len);
    cJSON_AddStringToObject(out, name, text);
    free(text);
}

static void add_answer(cJSON *out, const struct exchange *e, const struct server_answer *answer)
{
    add_about(out, e);
    add_code(out, answer->code);
    add_format(out, answer->format);
    if (answer->location[0] != '\0')
        add_text(out, "location", ln_span_str(answer->location));
    if (answer->code == SERVER_CODE(2, 5))
        add_content(out, e, answer);
    else if (answer->payload.len > 0)
        add_text(out, "diagnostic", answer->payload);
}

/* A notification goes on while it is a success and says that it is one (RFC 7641 4.2). */
static bool goes_on(const struct server_answer *answer)
{
    return answer->code >> 5 == 2 && answer->observe != SERVER_NO_FORMAT;
}

static void notify(struct exchanges *ex, struct exchange *e, const struct server_answer *answer)
{
    cJSON *event = lab_new_event("notification", e->endpoint);
    add_answer(event, e, answer);
    cJSON_AddBoolToObject(event, "confirmable", answer->confirmable);
    if (answer->observe != SERVER_NO_FORMAT)
        cJSON_AddNumberToObject(event, "sequence", answer->observe);
    bool ended = !goes_on(answer);
    if (ended) {
        cJSON_AddBoolToObject(event, "ended", true);
        remove_exchange(ex, e);
    }
    lab_event(ex->lab, event);
}

bool exchanges_knows(const struct exchanges *ex, const uint8_t token[SERVER_TOKEN_LEN])
{
    return find_token(ex, token) != NULL;
}

void exchanges_answer(struct exchanges *ex, const struct server_answer *answer)
{
    struct exchange *e = find_token(ex, answer->token);
    if (e == NULL)
        return;
    if (!is_waiting(e) || (e->cancelling && answer->observe != SERVER_NO_FORMAT)) {
        notify(ex, e, answer); /* while it is cancelled, one may still be on its way */
        return;
    }
    cJSON *out = lab_new_answer(ex->lab);
    add_answer(out, e, answer);
    e->deadline = INT64_MAX;
    e->observing = e->observe && !e->cancelling && goes_on(answer);
    if (e->observe && !e->cancelling)
        cJSON_AddBoolToObject(out, "observing", e->observing);
    if (!e->observing)
        remove_exchange(ex, e);
    lab_answer(ex->lab, out);
}

/* ---- no answers ---- */

static void give_up(struct exchanges *ex, struct exchange *e, const char *why)
{
    if (e->observing)
        e->deadline = INT64_MAX; /* it was not cancelled */
    else
        remove_exchange(ex, e);
    lab_fail(ex->lab, "%s", why);
}

void exchanges_failed(struct exchanges *ex, const uint8_t token[SERVER_TOKEN_LEN], const char *why)
{
    struct exchange *e = find_token(ex, token);
    if (e != NULL && is_waiting(e))
        give_up(ex, e, why);
}

void exchanges_interrupt(struct exchanges *ex)
{
    for (struct exchange *e = ex->first; e != NULL; e = e->next) {
        if (is_waiting(e)) {
            give_up(ex, e, "interrupted");
            return;
        }
    }
}

int64_t exchanges_expire(struct exchanges *ex, int64_t now)
{
    int64_t next = INT64_MAX;
    for (struct exchange *e = ex->first; e != NULL;) {
        struct exchange *following = e->next;
        if (e->deadline <= now)
            give_up(ex, e, "the device did not answer in time");
        else if (e->deadline < next)
            next = e->deadline;
        e = following;
    }
    return next;
}

bool exchanges_forget(struct exchanges *ex, const char *endpoint, const struct ln_path *path)
{
    struct exchange *e = find_observation(ex, endpoint, path);
    if (e != NULL)
        remove_exchange(ex, e);
    return e != NULL;
}

void exchanges_drop_client(struct exchanges *ex, const char *endpoint)
{
    for (struct exchange *e = ex->first; e != NULL;) {
        struct exchange *following = e->next;
        if (strcmp(e->endpoint, endpoint) == 0) {
            bool waiting = is_waiting(e);
            remove_exchange(ex, e);
            if (waiting)
                lab_fail(ex->lab, "the registration ended before the answer came");
        }
        e = following;
    }
}

struct exchanges *exchanges_new(struct lab *lab)
{
    struct exchanges *ex = lab_alloc(sizeof *ex);
    ex->lab = lab;
    return ex;
}

void exchanges_free(struct exchanges *ex)
{
    if (ex == NULL)
        return;
    while (ex->first != NULL) {
        struct exchange *e = ex->first;
        ex->first = e->next;
        exchange_free(e);
    }
    free(ex);
}
