/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_CLIENTS_H
#define LAB_CLIENTS_H
/**
 * @file clients.h
 * The registration interface: who is registered, until when, with what (OMA-TS-LightweightM2M_Core
 * 6.2).
 *
 * Strict on purpose, because devices are tried against it: what the specification forbids is refused
 * with a diagnostic payload that says why.
 */
#include "server.h"

#include <linnet/path.h>

struct lab;
struct clients;

struct client {
    char *endpoint;
    char location[12]; /**< behind /rd/ */
    char version[4];   /**< "1.0" to "1.2" */
    char *binding;
    char *links; /**< as they came */
    uint32_t lifetime_s;
    bool queue_mode;
    int64_t expires;                /**< lab_now() at that time; INT64_MAX: never */
    struct server_session *session; /**< a reference: where requests go */
    char *identity;                 /**< that it proved; NULL without security */
    struct client *next;
};

struct clients *clients_new(struct lab *lab);

/** POST /rd. */
void clients_register(struct clients *clients, const struct server_request *request,
                      struct server_reply *reply);

/** Anything below /rd: POST is Update, DELETE is De-register. @param location  the part behind it */
void clients_update(struct clients *clients, const char *location,
                    const struct server_request *request, struct server_reply *reply);
void clients_deregister(struct clients *clients, const char *location,
                        const struct server_request *request, struct server_reply *reply);

/** End registrations whose lifetime is over. @return when the next one ends, INT64_MAX: never */
int64_t clients_expire(struct clients *clients, int64_t now);

const struct client *clients_first(const struct clients *clients);
struct client *clients_find(const struct clients *clients, const char *endpoint);

/** What is known about one, as JSON: endpoint, version, lifetime, objects and so on. */
cJSON *clients_describe(const struct client *client);

/** application/link-format as JSON: [{"path": "/3/0", "attributes": {"pmin": "5"}}, ...].
 *  @return NULL: malformed, or longer than any list of a device */
cJSON *clients_links(struct ln_span payload);

void clients_free(struct clients *clients);

#endif
