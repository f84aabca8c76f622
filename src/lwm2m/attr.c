/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write-Attributes, and which attributes are in force (LwM2M Core 1.1 5.1.2, 6.3.4).
 *
 * A server's attributes are a list of paths. In force at a path is, for each attribute by itself,
 * what is set there, else at the nearest ancestor, else the defaults of its instance of /1.
 */
#include "lwm2m/core.h"

/* What one server may set at most: attributes are the server's, the memory is the device's. */
#define ATTRS_MAX 64

static struct ln__attr *find(const struct ln__server *server, const struct ln_path *path)
{
    for (struct ln__attr *a = ln__attrs(server); a != NULL; a = a->next)
        if (ln_path_equal(&a->path, path))
            return a;
    return NULL;
}

const struct ln_attrs *ln__attr_own(const struct ln__server *server, const struct ln_path *path)
{
    const struct ln__attr *a = find(server, path);
    return a != NULL ? &a->set : NULL;
}

static void inherit_defaults(const struct ln__server *server, struct ln_attrs *attrs)
{
    const struct ln__model *m = &server->client->model;
    struct ln_attrs defaults = { 0 };
    int64_t pmin = ln__model_int(m, LN_OID_SERVER, server->server_iid, 2, -1);
    int64_t pmax = ln__model_int(m, LN_OID_SERVER, server->server_iid, 3, -1);
    if (pmin >= 0 && pmin <= UINT32_MAX) {
        defaults.set |= LN_ATTR_BIT(LN_ATTR_PMIN);
        defaults.pmin = (uint32_t)pmin;
    }
    if (pmax >= 0 && pmax <= UINT32_MAX) {
        defaults.set |= LN_ATTR_BIT(LN_ATTR_PMAX);
        defaults.pmax = (uint32_t)pmax;
    }
    ln__attr_inherit(attrs, &defaults);
}

struct ln_attrs ln__attr_effective(const struct ln__server *server, const struct ln_path *path)
{
    struct ln_attrs attrs = { 0 };
    for (unsigned levels = path->levels; levels > 0; levels--) {
        struct ln_path at = ln_path_head(*path, levels);
        const struct ln_attrs *own = ln__attr_own(server, &at);
        if (own != NULL)
            ln__attr_inherit(&attrs, own);
    }
    inherit_defaults(server, &attrs);
    return attrs;
}

static void unlink_attr(struct ln__server *server, struct ln__attr *gone)
{
    struct ln__attr **at = &server->attrs;
    while (*at != NULL && *at != gone)
        at = &(*at)->next;
    if (*at != NULL)
        *at = gone->next;
    ln_free(server->client->env, gone);
}

void ln__attr_removed(struct ln__server *server, const struct ln_path *below)
{
    struct ln__attr *a = ln__attrs(server);
    while (a != NULL) {
        struct ln__attr *next = a->next;
        if (ln_path_is_below(&a->path, below))
            unlink_attr(server, a);
        a = next;
    }
}

void ln__attr_free(struct ln__server *server)
{
    struct ln_path root = ln_path_root();
    ln__attr_removed(server, &root);
}

static enum ln_answer read_queries(const struct ln_coap_msg *msg, struct ln_attr_change *change)
{
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span query;
    while (ln_coap_next_of(&it, LN_COAP_URI_QUERY, &query))
        if (ln__attr_read(query, change) != LN_OK)
            return LN_ANSWER_BAD_REQUEST;
    return LN_ANSWER_OK;
}

static enum ln_answer check(const struct ln__request *rq, const struct ln_attr_change *change)
{
    const struct ln_resource *r = rq->resource;
    enum ln_value_type type = r != NULL ? (enum ln_value_type)r->type : LN_VALUE_NONE;
    if (!ln__attr_fits(ln__attr_named(change), (enum ln_path_level)rq->path.levels, type))
        return LN_ANSWER_BAD_REQUEST;
    if (rq->path.levels == LN_LEVEL_OBJECT)
        return LN_ANSWER_OK;
    unsigned rights =
        ln__access_rights(rq->client, rq->server->ssid, rq->path.id[0], rq->path.id[1]);
    if ((rights & LN_RIGHT_READ) == 0)
        return LN_ANSWER_UNAUTHORIZED;
    if (r != NULL && (r->flags & LN_RES_READ) == 0)
        return LN_ANSWER_NOT_ALLOWED;
    return ln__discoverable(rq); /* what Discover does not list has no attributes either */
}

static struct ln__attr *new_attr(struct ln__server *server, const struct ln_path *path)
{
    unsigned count = 0;
    for (const struct ln__attr *a = ln__attrs(server); a != NULL; a = a->next)
        count++;
    struct ln__attr *a = count < ATTRS_MAX ? ln_calloc(server->client->env, 1, sizeof *a) : NULL;
    if (a == NULL)
        return NULL;
    a->path = *path;
    a->next = server->attrs;
    server->attrs = a;
    return a;
}

enum ln_answer ln__op_write_attributes(struct ln__request *rq)
{
    struct ln_attr_change change = { 0 };
    enum ln_answer answer = read_queries(rq->in->msg, &change);
    if (answer == LN_ANSWER_OK)
        answer = check(rq, &change);
    if (answer != LN_ANSWER_OK)
        return answer;
    const struct ln_attrs *own = ln__attr_own(rq->server, &rq->path);
    struct ln_attrs result = own != NULL ? *own : (struct ln_attrs) { 0 };
    if (ln__attr_apply(&result, &change) != LN_OK)
        return LN_ANSWER_BAD_REQUEST;
    struct ln__attr *a = find(rq->server, &rq->path);
    if (a == NULL && result.set != 0)
        a = new_attr(rq->server, &rq->path);
    if (a == NULL && result.set != 0)
        return LN_ANSWER_UNAVAILABLE;
    if (a != NULL)
        a->set = result;
    if (a != NULL && result.set == 0)
        unlink_attr(rq->server, a);
    ln__observe_attrs_changed(rq->server);
    rq->reply->code = LN_COAP_CHANGED;
    return LN_ANSWER_OK;
}
