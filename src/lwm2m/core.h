/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_CORE_H
#define LN_LWM2M_CORE_H
/**
 * @file core.h
 * The structures that the files of the engine share. Each has one owner:
 *
 *   struct ln_client        client.c    the whole; owns all that follows
 *   struct ln__server       server.c    one management server: account, connection, registration
 *   struct ln__attr         attr.c      what a server wrote by Write-Attributes, per path
 *   struct ln__observation  observe.c   one observation of one server
 *   struct ln__note         queue.c     a notification that waits, is under way, or is stored
 *
 * Everything is allocated through env; lists are short and singly linked. Nothing here is seen by
 * users.
 */
#include <linnet/client.h>
#include <linnet/coap_link.h>

#include <stdatomic.h>

#include "base/features.h"
#include "lwm2m/model.h"
#include "lwm2m/notify.h"
#include "lwm2m/register.h"
#include "lwm2m/session.h"

struct ln_format;

/* Ids of the core objects (OMA registry). */
#define LN_OID_SECURITY 0
#define LN_OID_SERVER 1
#define LN_OID_ACCESS 2
#define LN_OID_DEVICE 3
#define LN_OID_OSCORE 21

/** Attributes of one path, as one server wrote them. */
struct ln__attr {
    struct ln__attr *next;
    struct ln_path path;
    struct ln_attrs set;
};

/** A notification with its payload behind it. */
struct ln__note {
    struct ln__note *next;
    struct ln__server *server;
    struct ln__observation *observation; /* NULL: it has ended, this is its last word */
    struct ln_path path;
    struct ln_coap_token token;
    uint64_t key;
    ln_coap_id exchange; /* while it is under way */
    uint32_t id;
    uint32_t len;
    uint16_t format; /* Content-Format */
    uint8_t code;
    uint8_t szx;
    bool confirmable;
    bool under_way;
    bool was_sent; /* the application was told */
    bool crossed;  /* a threshold: no newer one stands for it */
    uint8_t payload[];
};

struct ln__observation {
    struct ln__observation *next;
    struct ln__server *server;
    struct ln_path path;
    struct ln_coap_token token;
    uint64_t key;
    struct ln__notify rules;
    struct ln_attrs attrs; /* in force, after inheritance */
    const struct ln_format *format;
    uint64_t digest;       /* of the payload that was sent last: tells plain changes */
    ln_msec confirmed;     /* when the last confirmable one was sent: RFC 7641 4.5 */
    struct ln__note *held; /* the value that fired, while pmin holds it back */
    struct ln__notify_value held_value;
    ln_msec retry; /* what could not be read or kept is tried again then, and not before */
    uint8_t szx;
};

/* What a server does not know yet. */
#define LN_NEWS_OBJECTS 0x01u  /* the list of objects */
#define LN_NEWS_LIFETIME 0x02u /* `lt` */
#define LN_NEWS_BINDING 0x04u  /* `b` */

struct ln__server {
    struct ln__server *next;
    struct ln_client *client;
    uint16_t ssid;
    uint16_t security_iid;
    uint16_t server_iid;

    /* connection.c */
    struct ln_sock *sock;
    struct ln_coap *coap;
    struct ln_coap_link link;
    struct ln_tls_config *tls;
    struct ln__session session; /* in memory, if the client has no store */
    char *host;
    uint16_t port;
    uint8_t kind; /* enum ln_sock_kind */
    bool connecting;
    bool up; /* opened, and not seen to fail yet */

    /* server.c */
    struct ln__reg reg;
    uint8_t version;     /* negotiated, or to be tried */
    uint8_t last_code;   /* of the last answer to Register, Update, De-register */
    uint8_t news;        /* LN_NEWS_: what the next Update says */
    uint8_t said;        /* ... and the one under way, until it is accepted */
    bool asleep;         /* queue mode: not reachable until something is to be said */
    bool wanted;         /* is to be started when its turn comes (/1/x/13) */
    uint32_t events;     /* bits of enum ln__reg_event that happened and were not acted on */
    uint32_t disable_s;  /* of the disabling that was asked for */
    ln_msec update_at;   /* batched changes are told then; LN_NEVER */
    ln_msec active;      /* last message in either direction */
    ln_msec asked;       /* when the outstanding message went out first */
    ln_coap_id exchange; /* Register, Update or De-register under way */
    uint8_t *location;   /* checked option list: Uri-Path segments */
    uint16_t location_len;

    /* attr.c, observe.c, queue.c */
    struct ln__attr *attrs;
    struct ln__observation *observations;
    struct ln__note *notes;
    uint16_t note_count;
    uint32_t note_bytes;
};

/* What a server has; a build without the feature has none, and knows it. */

static inline struct ln__attr *ln__attrs(const struct ln__server *server)
{
    return LN__WITH_ATTRIBUTES ? server->attrs : NULL;
}

static inline struct ln__observation *ln__observations(const struct ln__server *server)
{
    return LN__WITH_OBSERVE ? server->observations : NULL;
}

static inline struct ln__note *ln__notes(const struct ln__server *server)
{
    return LN__WITH_OBSERVE ? server->notes : NULL;
}

enum ln__client_state { LN_CLIENT_NEW = 0, LN_CLIENT_RUNNING, LN_CLIENT_STOPPING, LN_CLIENT_OVER };

struct ln_client {
    const struct ln_env *env;
    struct ln_client_config config;
    char *endpoint;
    struct ln__model model;
    struct ln__server *servers;
    enum ln__client_state state;
    ln_msec now; /* of the call under way */
    uint32_t note_id;
    uint16_t observations;
    bool telling;   /* within on_event */
    bool looking;   /* at what is observed: objects are being asked */
    uint16_t ended; /* counts observations that ended: a walk over them begins anew */
    struct ln_client_job *jobs;
    struct ln_client_job *next_job; /* while they are stepped */
    uint16_t stay_awake;            /* how many want no sleep */
    _Atomic(struct ln_post *) posts;
};

/* ---- requests of servers (dispatch.c) ---- */

/** A request, taken apart. Borrowed for the call. */
struct ln__request {
    struct ln_client *client;
    struct ln__server *server;
    const struct ln_coap_incoming *in;
    struct ln_coap_reply *reply;
    struct ln_path path;
    struct ln__object *object;     /* found by path */
    struct ln__instance *instance; /* found; NULL if the path ends above it */
    const struct ln_resource *resource;
};

/** `handler` of each server's endpoint; `user` is the server. */
extern const struct ln_coap_handler ln__dispatch;

/* ---- operations ---- */

enum ln_answer ln__op_read(struct ln__request *rq);     /* read.c; also Observe */
enum ln_answer ln__op_discover(struct ln__request *rq); /* discover.c */
/** NOT_FOUND for a resource, or an instance of one, that this instance does not have; else OK. */
enum ln_answer ln__discoverable(const struct ln__request *rq);
enum ln_answer ln__op_write(struct ln__request *rq, struct ln_span payload, bool replace);
enum ln_answer ln__op_create(struct ln__request *rq, struct ln_span payload); /* write.c */
enum ln_answer ln__op_delete(struct ln__request *rq);
enum ln_answer ln__op_execute(struct ln__request *rq, struct ln_span payload);
enum ln_answer ln__op_write_attributes(struct ln__request *rq); /* attr.c */

/** A Write that comes in blocks (body.c): gathered, or handed on piece by piece. */
enum ln_answer ln__body_piece(struct ln__request *rq, bool replace, bool create);
void ln__body_dropped(struct ln_client *client, void *body);

/* ---- payloads (payload.c) ---- */

const struct ln_format *ln__format_of(uint32_t number);
/** All formats of the build. */
const struct ln_format *const *ln__formats(size_t *count);

/** What is to be written. */
struct ln__view {
    struct ln_client *client;
    struct ln_path path;
    const struct ln_format *format;
    uint16_t ssid; /* whose rights count; LN_ID_NONE: all */
    bool fresh;    /* the one instance that is seen was brought up to date just now */
};
/** Produce the payload into the window [skip, skip + room.len) of it.
 *  @param length  of the whole payload
 *  @return LN_ANSWER_OK, or why there is none */
enum ln_answer ln__payload_write(const struct ln__view *view, size_t skip, struct ln_mspan room,
                                 size_t *length);
/** The format for an answer without Accept, LwM2M 1.1: text or opaque for one value, else TLV. */
const struct ln_format *ln__payload_default(const struct ln__request *rq);

/* ---- rights (access.c) ---- */

#define LN_RIGHT_READ 0x01u
#define LN_RIGHT_WRITE 0x02u
#define LN_RIGHT_EXECUTE 0x04u
#define LN_RIGHT_DELETE 0x08u
#define LN_RIGHT_CREATE 0x10u

/** What server `ssid` may do with the instance (LN_ID_NONE: with the object, to create). */
unsigned ln__access_rights(const struct ln_client *client, uint16_t ssid, uint16_t oid,
                           uint16_t iid);
/** A server created the instance, or it is gone: /2 follows. */
void ln__access_created(struct ln_client *client, uint16_t ssid, uint16_t oid, uint16_t iid);
void ln__access_removed(struct ln_client *client, uint16_t oid, uint16_t iid);
/** With more than one account, every instance has its /2. */
void ln__access_complete(struct ln_client *client);

/* ---- changes (client.c) ---- */

/** Values below the path changed: observers, and the engine's own interest in /0, /1, /2. */
void ln__client_touched(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid);
/** Instances came or went: servers are to be told. */
void ln__client_listed(struct ln_client *client);
void ln__client_tell(struct ln_client *client, const struct ln_client_event *event);

/* ---- attributes (attr.c) ---- */

/** In force at `path` for this server: nearest ancestor, then the defaults of /1. */
struct ln_attrs ln__attr_effective(const struct ln__server *server, const struct ln_path *path);
/** As written for exactly this path; NULL. */
const struct ln_attrs *ln__attr_own(const struct ln__server *server, const struct ln_path *path);
void ln__attr_removed(struct ln__server *server, const struct ln_path *below);
void ln__attr_free(struct ln__server *server);

/* ---- observations (observe.c) and the queue of notifications (queue.c) ---- */

enum ln_answer ln__observe_begin(struct ln__request *rq, const struct ln_format *format,
                                 struct ln_span payload);
void ln__observe_cancel(struct ln__server *server, const struct ln_coap_token *token);
void ln__observe_changed(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid);
/** The object or instance is no more: its observations end, and its attributes are forgotten. */
void ln__observe_gone(struct ln_client *client, struct ln_path path);
void ln__observe_attrs_changed(struct ln__server *server);
void ln__observe_step(struct ln__server *server, ln_msec now);
ln_msec ln__observe_deadline(const struct ln__server *server);
void ln__observe_free(struct ln__server *server, enum ln_note_event why);

struct ln__note *ln__note_new(struct ln__observation *o, uint8_t code, size_t len);
void ln__note_queue(struct ln__note *note);
void ln__note_drop(struct ln__server *server, struct ln__note *note, enum ln_note_event why);
void ln__queue_flush(struct ln__server *server, ln_msec now);
bool ln__queue_is_busy(const struct ln__server *server);

/* ---- a server's connection (connection.c) ---- */

/** Read the account and check that it can be used; resolves nothing, connects nothing. */
LN_MUST_USE enum ln_status ln__connection_setup(struct ln__server *server, struct ln_diag *diag);
LN_MUST_USE enum ln_status ln__connection_open(struct ln__server *server, ln_msec now);
void ln__connection_close(struct ln__server *server, ln_msec now);
void ln__connection_free(struct ln__server *server);
bool ln__connection_is_open(const struct ln__server *server);

/* ---- a server (server.c) ---- */

void ln__server_step(struct ln__server *server, ln_msec now);
void ln__server_interest(const struct ln__server *server, struct ln_interest *want);
void ln__server_happened(struct ln__server *server, enum ln__reg_event event, ln_msec now);
void ln__server_active(struct ln__server *server, ln_msec now);
struct ln__reg_policy ln__server_policy(const struct ln__server *server);
/** Whether notifications can go out now. */
bool ln__server_is_online(const struct ln__server *server);
/** Whether they will once they are there: as above, or after waking up for them. */
bool ln__server_is_reachable(const struct ln__server *server);
/** /1/x/1, or the default where it makes no sense to this server. */
uint32_t ln__server_lifetime(const struct ln__server *server);
/** Messages of the registration interface (message.c). */
LN_MUST_USE enum ln_status ln__message_register(struct ln__server *server, ln_msec now);
LN_MUST_USE enum ln_status ln__message_update(struct ln__server *server, ln_msec now);
LN_MUST_USE enum ln_status ln__message_deregister(struct ln__server *server, ln_msec now);

#endif
