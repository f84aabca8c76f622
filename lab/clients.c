/* SPDX-License-Identifier: Apache-2.0 */
/** @file clients.c  See clients.h. */
#include "clients.h"

#include "exchange.h"
#include "lab.h"
#include "util.h"

#include "codec/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_DEFAULT_S 86400 /* of LwM2M 1.0, where lt may be left out */
#define ENDPOINT_MAX 128
#define LINKS_MAX 65536
#define LINK_FORMAT 40
#define LOCATION_BYTES 5

struct clients {
    struct lab *lab;
    struct client *first;
};

/** What the queries of a Register or an Update say. NULL or unset: nothing. */
struct said {
    const char *endpoint;
    const char *lifetime;
    const char *version;
    const char *binding;
    const char *sms;
    bool queue;
    const char *wrong; /**< why it is refused */
};

/* ---- queries ---- */

static void take_value(const char **place, const char *value, struct said *said)
{
    if (*place != NULL)
        said->wrong = "a parameter stands twice";
    *place = value;
}

static void take_query(const char *query, struct said *said)
{
    static const char *const names[] = { "ep=", "lt=", "lwm2m=", "b=", "sms=" };
    const char **const places[] = { &said->endpoint, &said->lifetime, &said->version,
                                    &said->binding, &said->sms };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (lab_begins(query, names[i])) {
            take_value(places[i], query + strlen(names[i]), said);
            return;
        }
    }
    if (strcmp(query, "Q") == 0)
        said->queue = true;
    else if (lab_begins(query, "Q="))
        said->wrong = "Q has no value";
    /* parameters that are not known are ignored: later versions have more */
}

static struct said read_queries(const struct server_request *request)
{
    struct said said = { 0 };
    for (size_t i = 0; i < request->query_count; i++)
        take_query(request->query[i], &said);
    return said;
}

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, list[i]) == 0)
            return true;
    }
    return false;
}

/* 1.0: U, S, and a Q behind a letter; 1.1: letters of the transports, each once. */
static bool binding_fits(const char *binding, bool version_1_0)
{
    static const char *const old[] = { "U", "UQ", "S", "SQ", "US", "UQS" };
    if (version_1_0)
        return is_one_of(binding, old, sizeof old / sizeof *old);
    size_t len = strlen(binding);
    for (size_t i = 0; i < len; i++) {
        if (strchr("UTSNMH", binding[i]) == NULL || strchr(binding + i + 1, binding[i]) != NULL)
            return false;
    }
    return len > 0;
}

static bool read_lifetime(const char *text, bool version_1_2, uint32_t *out)
{
    uint64_t value = 0;
    if (!lab_number(text, UINT32_MAX, &value) || (value == 0 && !version_1_2))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* ---- the list of objects ---- */

/* A list that names what no server may see is a leak; /0 Security, /21 OSCORE, and of 1.2 /23 and
 * /24 (1.1.1 6.2.1, 1.2 6.2.1). */
static bool is_hidden(const struct ln_path *path)
{
    static const uint16_t hidden[] = { 0, 21, 23, 24 };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        if (path->levels > 0 && path->id[0] == hidden[i])
            return true;
    }
    return false;
}

/* As it would be shown. */
static bool is_name(const char *endpoint)
{
    size_t len = strlen(endpoint);
    char *shown = lab_clean(endpoint, len);
    bool same = strcmp(shown, endpoint) == 0;
    free(shown);
    return same && len > 0 && len <= ENDPOINT_MAX;
}

static const char *check_link(const struct ln_link *link)
{
    struct ln_path path;
    if (ln_path_read(link->target, &path) != LN_OK)
        return NULL; /* an alternate root, or something that is not LwM2M's */
    if (is_hidden(&path))
        return "the list names an object that no server may see";
    if (path.levels > LN_LEVEL_INSTANCE)
        return "the list names a resource; it is for objects and instances";
    return NULL;
}

static const char *check_links(struct ln_span payload)
{
    if (payload.len == 0)
        return "the list of objects is missing";
    if (payload.len > LINKS_MAX || memchr(payload.data, 0, payload.len) != NULL)
        return "the list of objects is too long, or has a NUL in it";
    for (;;) {
        struct ln_link link;
        struct ln_span params;
        struct ln_link_param param;
        bool end = false;
        if (ln__link_next(&payload, &link, &end) != LN_OK)
            return "the list of objects is malformed";
        if (end)
            return NULL;
        params = link.params;
        for (bool last = false; !last;) {
            if (ln__link_next_param(&params, &param, &last) != LN_OK)
                return "an attribute in the list of objects is malformed";
        }
        const char *wrong = check_link(&link);
        if (wrong != NULL)
            return wrong;
    }
}

/* ---- who it is ---- */

/* The endpoint's entry says how it must come; without one it may come in the clear. */
static bool may_come(struct clients *c, const char *endpoint, struct server_session *session)
{
    const struct key *key = keys_of_endpoint(&c->lab->keys, endpoint);
    const char *identity = server_session_identity(session);
    if (identity == NULL)
        return key == NULL;
    if (server_session_has_certificate(session))
        return strcmp(identity, endpoint) == 0 && (key == NULL || key->identity == NULL);
    return key != NULL && key->identity != NULL && strcmp(key->identity, identity) == 0;
}

/* The endpoint name may be left out where the identity says it (1.1, 6.2.1). Borrowed; or NULL. */
static const char *implied_endpoint(struct clients *c, struct server_session *session)
{
    const char *identity = server_session_identity(session);
    if (identity == NULL || server_session_has_certificate(session))
        return identity;
    const struct key *key = keys_of_identity(&c->lab->keys, identity, strlen(identity));
    return key == NULL ? NULL : key->endpoint;
}

/* ---- clients ---- */

static void client_free(struct client *client)
{
    server_session_drop(client->session);
    free(client->endpoint);
    free(client->binding);
    free(client->links);
    free(client->identity);
    free(client);
}

static void unlink_client(struct clients *c, struct client *client)
{
    for (struct client **at = &c->first; *at != NULL; at = &(*at)->next) {
        if (*at == client) {
            *at = client->next;
            return;
        }
    }
}

static void remove_client(struct clients *c, struct client *client, const char *event)
{
    unlink_client(c, client);
    exchanges_drop_client(c->lab->exchanges, client->endpoint);
    if (event != NULL)
        lab_event(c->lab, lab_new_event(event, client->endpoint));
    client_free(client);
}

struct client *clients_find(const struct clients *c, const char *endpoint)
{
    for (struct client *client = c->first; client != NULL; client = client->next) {
        if (strcmp(client->endpoint, endpoint) == 0)
            return client;
    }
    return NULL;
}

static struct client *find_location(const struct clients *c, const char *location)
{
    for (struct client *client = c->first; client != NULL; client = client->next) {
        if (strcmp(client->location, location) == 0)
            return client;
    }
    return NULL;
}

static void set_text(char **place, const char *text)
{
    free(*place);
    *place = text == NULL ? NULL : lab_text(text);
}

static void set_lifetime(struct client *client, uint32_t lifetime_s)
{
    client->lifetime_s = lifetime_s;
    client->expires = lifetime_s == 0 ? INT64_MAX : lab_now() + (int64_t)lifetime_s * 1000;
}

static void set_session(struct client *client, struct server_session *session)
{
    struct server_session *before = client->session;
    client->session = server_session_keep(session);
    server_session_drop(before);
    set_text(&client->identity, server_session_identity(session));
}

/* ---- JSON ---- */

static void describe_link(cJSON *list, const struct ln_link *link)
{
    cJSON *item = cJSON_CreateObject();
    char *target = lab_clean(link->target.data, link->target.len);
    cJSON_AddStringToObject(item, "path", target);
    free(target);
    struct ln_span params = link->params;
    cJSON *attributes = NULL;
    for (;;) {
        struct ln_link_param param;
        bool end = false;
        if (ln__link_next_param(&params, &param, &end) != LN_OK || end)
            break;
        if (attributes == NULL)
            attributes = cJSON_AddObjectToObject(item, "attributes");
        char *name = lab_clean(param.name.data, param.name.len);
        char *value = lab_clean(param.value.data, param.value.len);
        cJSON_AddStringToObject(attributes, name, value);
        free(name);
        free(value);
    }
    cJSON_AddItemToArray(list, item);
}

cJSON *clients_links(struct ln_span payload)
{
    if (payload.len > LINKS_MAX)
        return NULL;
    cJSON *list = cJSON_CreateArray();
    for (;;) {
        struct ln_link link;
        bool end = false;
        if (ln__link_next(&payload, &link, &end) != LN_OK) {
            cJSON_Delete(list);
            return NULL;
        }
        if (end)
            return list;
        describe_link(list, &link);
    }
}

static void describe(cJSON *out, const struct client *client)
{
    char *location = lab_format("/rd/%s", client->location);
    char *address = server_session_address(client->session);
    cJSON_AddStringToObject(out, "location", location);
    cJSON_AddStringToObject(out, "address", address);
    cJSON_AddBoolToObject(out, "secure", client->identity != NULL);
    if (client->identity != NULL)
        cJSON_AddStringToObject(out, "identity", client->identity);
    cJSON_AddStringToObject(out, "version", client->version);
    cJSON_AddNumberToObject(out, "lifetime", client->lifetime_s);
    cJSON_AddStringToObject(out, "binding", client->binding);
    cJSON_AddBoolToObject(out, "queue_mode", client->queue_mode);
    cJSON_AddItemToObject(out, "objects", clients_links(ln_span_str(client->links)));
    free(location);
    free(address);
}

cJSON *clients_describe(const struct client *client)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "endpoint", client->endpoint);
    describe(out, client);
    return out;
}

static void tell(struct clients *c, const char *event, const struct client *client)
{
    cJSON *told = lab_new_event(event, client->endpoint);
    describe(told, client);
    lab_event(c->lab, told);
}

/* ---- Register ---- */

static void refuse(struct server_reply *reply, uint8_t code, const char *why)
{
    reply->code = code;
    reply->why = why;
}

/* What is wrong with the parameters, in the order in which a person would look. */
static const char *check_register(const struct server_request *request, const struct said *said,
                                  const char *version, uint32_t *lifetime)
{
    bool v1_0 = strcmp(version, "1.0") == 0;
    bool v1_2 = strcmp(version, "1.2") == 0;
    if (said->wrong != NULL)
        return said->wrong;
    if (!request->confirmable)
        return "Register must be confirmable";
    if (said->lifetime == NULL && !v1_0)
        return "lt is mandatory since 1.1";
    if (said->lifetime != NULL && !read_lifetime(said->lifetime, v1_2, lifetime))
        return "lt is no lifetime";
    if (said->binding != NULL && !binding_fits(said->binding, v1_0))
        return "b is no binding of this version";
    if (said->queue && v1_0)
        return "1.0 has queue mode in b, and no Q";
    if (request->format != LINK_FORMAT)
        return "the Content-Format must be 40, application/link-format";
    return check_links(request->payload);
}

static struct client *add_client(struct clients *c, const char *endpoint)
{
    struct client *client = lab_alloc(sizeof *client);
    client->endpoint = lab_text(endpoint);
    uint8_t random[LOCATION_BYTES]; /* a device of before must not find somebody else's */
    lab_random(random, sizeof random);
    char *location = lab_hex_text(random, sizeof random);
    strncpy(client->location, location, sizeof client->location - 1);
    free(location);
    client->next = c->first;
    c->first = client;
    return client;
}

void clients_register(struct clients *c, const struct server_request *request,
                      struct server_reply *reply)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };
    struct said said = read_queries(request);
    const char *version = said.version == NULL ? "1.0" : said.version;
    const char *endpoint = said.endpoint;
    uint32_t lifetime = LIFETIME_DEFAULT_S;
    if (!is_one_of(version, versions, sizeof versions / sizeof *versions)) {
        refuse(reply, SERVER_CODE(4, 12), "lwm2m: this server speaks 1.0, 1.1 and 1.2");
        return;
    }
    const char *wrong = check_register(request, &said, version, &lifetime);
    if (endpoint == NULL && strcmp(version, "1.0") != 0)
        endpoint = implied_endpoint(c, request->session);
    if (wrong == NULL && (endpoint == NULL || !is_name(endpoint)))
        wrong = "ep is missing, or no endpoint name";
    if (wrong != NULL) {
        refuse(reply, SERVER_CODE(4, 0), wrong);
        return;
    }
    if (!may_come(c, endpoint, request->session)) {
        refuse(reply, SERVER_CODE(4, 3), "this endpoint may not come like that");
        return;
    }
    struct client *before = clients_find(c, endpoint);
    if (before != NULL) /* a Register is a new beginning */
        remove_client(c, before, NULL);
    struct client *client = add_client(c, endpoint);
    snprintf(client->version, sizeof client->version, "%s", version);
    client->binding = lab_text(said.binding == NULL ? "U" : said.binding);
    client->queue_mode = said.queue || strchr(client->binding, 'Q') != NULL;
    client->links = lab_copy((const char *)request->payload.data, request->payload.len);
    set_lifetime(client, lifetime);
    set_session(client, request->session);
    tell(c, "registered", client);
    reply->code = SERVER_CODE(2, 1);
    reply->location = client->location;
}

/* ---- Update and De-register ---- */

/* The registration at this place, if whoever asks may change it; else the reply says why not. */
static struct client *owned(struct clients *c, const char *location,
                            const struct server_request *request, struct server_reply *reply)
{
    struct client *client = find_location(c, location);
    if (client == NULL) {
        refuse(reply, SERVER_CODE(4, 4), NULL);
        return NULL;
    }
    const char *identity = server_session_identity(request->session);
    bool same = identity == NULL
                    ? client->identity == NULL
                    : client->identity != NULL && strcmp(identity, client->identity) == 0;
    if (!same) {
        refuse(reply, SERVER_CODE(4, 3), "this registration is somebody else's");
        return NULL;
    }
    return client;
}

static const char *check_update(const struct server_request *request, const struct said *said,
                                const struct client *client, uint32_t *lifetime)
{
    if (said->wrong != NULL)
        return said->wrong;
    if (!request->confirmable)
        return "Update must be confirmable";
    if (said->endpoint != NULL || said->version != NULL)
        return "ep and lwm2m are for Register";
    if (said->lifetime != NULL &&
        !read_lifetime(said->lifetime, strcmp(client->version, "1.2") == 0, lifetime))
        return "lt is no lifetime";
    if (said->binding != NULL && !binding_fits(said->binding, strcmp(client->version, "1.0") == 0))
        return "b is no binding of this version";
    if (request->payload.len == 0)
        return NULL;
    if (request->format != LINK_FORMAT)
        return "the Content-Format must be 40, application/link-format";
    return check_links(request->payload);
}

void clients_update(struct clients *c, const char *location, const struct server_request *request,
                    struct server_reply *reply)
{
    struct client *client = owned(c, location, request, reply);
    if (client == NULL)
        return;
    struct said said = read_queries(request);
    uint32_t lifetime = client->lifetime_s;
    const char *wrong = check_update(request, &said, client, &lifetime);
    if (wrong != NULL) {
        refuse(reply, SERVER_CODE(4, 0), wrong);
        return;
    }
    if (said.binding != NULL)
        set_text(&client->binding, said.binding);
    if (said.queue)
        client->queue_mode = true;
    if (request->payload.len > 0) {
        free(client->links);
        client->links = lab_copy((const char *)request->payload.data, request->payload.len);
    }
    set_lifetime(client, lifetime);
    set_session(client, request->session);
    tell(c, "updated", client);
    reply->code = SERVER_CODE(2, 4);
}

void clients_deregister(struct clients *c, const char *location,
                        const struct server_request *request, struct server_reply *reply)
{
    struct client *client = owned(c, location, request, reply);
    if (client == NULL)
        return;
    remove_client(c, client, "deregistered");
    reply->code = SERVER_CODE(2, 2);
}

/* ---- the rest of a life ---- */

int64_t clients_expire(struct clients *c, int64_t now)
{
    int64_t next = INT64_MAX;
    for (struct client *client = c->first; client != NULL;) {
        struct client *following = client->next;
        if (client->expires <= now)
            remove_client(c, client, "expired");
        else if (client->expires < next)
            next = client->expires;
        client = following;
    }
    return next;
}

const struct client *clients_first(const struct clients *c)
{
    return c->first;
}

struct clients *clients_new(struct lab *lab)
{
    struct clients *c = lab_alloc(sizeof *c);
    c->lab = lab;
    return c;
}

void clients_free(struct clients *c)
{
    if (c == NULL)
        return;
    while (c->first != NULL) {
        struct client *client = c->first;
        c->first = client->next;
        client_free(client);
    }
    free(c);
}
