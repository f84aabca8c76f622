/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file server.c
 * See server.h.
 *
 * libcoap cuts bodies into blocks and asks for the next ones; bodies.c puts them together. A request
 * that comes twice is answered twice by the same answer, and carried out once (RFC 7252 4.5).
 */
#include "server.h"

#include "bodies.h"
#include "clients.h"
#include "exchange.h"
#include "front.h"
#include "lab.h"
#include "util.h"

#include <arpa/inet.h>
#include <coap3/coap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECENT_MAX 64
#define IDLE_MAX 1024                  /* addresses that said something and did not register */
#define REQUEST_MAX 65536u             /* a list of objects */
#define ANSWER_MAX (16u * 1024 * 1024) /* what a device tells */
#define EXCHANGE_LIFETIME_MS 247000 /* RFC 7252 4.8.2 */
#define LOG_NOTHING 0               /* the levels are those of syslog */
#define LOG_MUCH 6
#define LOG_ALL 7

/** A request that was answered, and how. */
struct recent {
    const coap_session_t *session; /**< NULL: unused */
    int64_t when;
    coap_mid_t mid;
    uint8_t token[8];
    size_t token_len;
    uint8_t code;
    const char *why;
    char location[12];
};

struct server {
    struct lab *lab;
    coap_context_t *context;
    struct front *front;
    uint16_t port;
    struct bodies bodies;
    coap_bin_const_t secret; /**< of the key that libcoap asked for last */
    struct recent recent[RECENT_MAX];
    size_t recent_next;
};

static bool failed(const char *what)
{
    fprintf(stderr, "linnet-lab: %s\n", what);
    return false;
}

static struct server *server_of(const coap_session_t *session)
{
    return coap_get_app_data(coap_session_get_context(session));
}

static coap_session_t *coap_of(struct server_session *session)
{
    return (coap_session_t *)session;
}

/* ---- sessions ---- */

static bool is_secure(const coap_session_t *session)
{
    return coap_session_get_proto(session) == COAP_PROTO_DTLS;
}

static uint16_t inner_port(const coap_session_t *session)
{
    const coap_address_t *remote = coap_session_get_addr_remote(session);
    return remote == NULL ? 0 : ntohs(remote->addr.sin.sin_port);
}

static int on_event(coap_session_t *session, const coap_event_t event)
{
    struct server *server = server_of(session);
    if (event == COAP_EVENT_SERVER_SESSION_DEL) {
        for (size_t i = 0; i < RECENT_MAX; i++) {
            if (server->recent[i].session == session)
                server->recent[i].session = NULL;
        }
        bodies_drop(&server->bodies, session);
        free(coap_session_get_app_data(session));
        coap_session_set_app_data(session, NULL);
    }
    if (!is_secure(session))
        return 0;
    if (event == COAP_EVENT_SERVER_SESSION_NEW)
        front_session_opened(server->front, inner_port(session));
    else if (event == COAP_EVENT_SERVER_SESSION_DEL)
        front_session_closed(server->front, inner_port(session));
    return 0;
}

struct server_session *server_session_keep(struct server_session *session)
{
    return (struct server_session *)coap_session_reference(coap_of(session));
}

void server_session_drop(struct server_session *session)
{
    if (session != NULL)
        coap_session_release(coap_of(session));
}

bool server_session_has_certificate(struct server_session *session)
{
    return coap_session_get_app_data(coap_of(session)) != NULL;
}

const char *server_session_identity(struct server_session *session)
{
    coap_session_t *coap = coap_of(session);
    if (!is_secure(coap))
        return NULL;
    const char *common_name = coap_session_get_app_data(coap);
    if (common_name != NULL)
        return common_name;
    const coap_bin_const_t *identity = coap_session_get_psk_identity(coap);
    const struct key *key = NULL;
    if (identity != NULL && identity->s != NULL)
        key = keys_of_identity(&server_of(coap)->lab->keys, identity->s, identity->length);
    return key == NULL ? "" : key->identity; /* its key was taken away */
}

static char *address_text(const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        return lab_format("%s:%u", text, (unsigned)ntohs(v4->sin_port));
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) /* ::ffff:192.0.2.1 */
        return lab_format("%s:%u", strrchr(text, ':') + 1, (unsigned)ntohs(v6->sin6_port));
    return lab_format("[%s]:%u", text, (unsigned)ntohs(v6->sin6_port));
}

char *server_session_address(struct server_session *session)
{
    const coap_session_t *coap = coap_of(session);
    struct sockaddr_storage peer;
    if (is_secure(coap)) {
        if (front_peer(server_of(coap)->front, inner_port(coap), &peer))
            return address_text((struct sockaddr *)&peer);
        return lab_text("gone");
    }
    return address_text(&coap_session_get_addr_remote(coap)->addr.sa);
}

/* ---- who may come ---- */

static const coap_bin_const_t *on_identity(coap_bin_const_t *identity, coap_session_t *session,
                                           void *user)
{
    (void)session;
    struct server *server = user;
    const struct key *key = keys_of_identity(&server->lab->keys, identity->s, identity->length);
    if (key == NULL)
        return NULL;
    server->secret.s = key->secret;
    server->secret.length = key->secret_len;
    return &server->secret;
}

static int on_common_name(const char *name, const uint8_t *certificate, size_t len,
                          coap_session_t *session, unsigned depth, int validated, void *user)
{
    (void)certificate;
    (void)len;
    (void)user;
    if (!validated || name == NULL)
        return 0;
    if (depth == 0) {
        free(coap_session_get_app_data(session));
        coap_session_set_app_data(session, lab_text(name));
    }
    return 1;
}

static bool set_keys(struct server *server)
{
    coap_dtls_spsk_t psk = { .version = COAP_DTLS_SPSK_SETUP_VERSION,
                             .validate_id_call_back = on_identity,
                             .id_call_back_arg = server };
    return coap_context_set_psk2(server->context, &psk) != 0 ||
           failed("libcoap takes no pre-shared keys");
}

static bool set_certificate(struct server *server)
{
    const struct options *o = server->lab->options;
    if (o->certificate == NULL)
        return true;
    coap_dtls_pki_t pki = { .version = COAP_DTLS_PKI_SETUP_VERSION,
                            .verify_peer_cert = 1,
                            .check_common_ca = 0,
                            .cert_chain_validation = 1,
                            .cert_chain_verify_depth = 4,
                            .allow_no_crl = 1,
                            .validate_cn_call_back = on_common_name,
                            .cn_call_back_arg = server };
    pki.pki_key.key_type = COAP_PKI_KEY_PEM;
    pki.pki_key.key.pem.ca_file = o->trust;
    pki.pki_key.key.pem.public_cert = o->certificate;
    pki.pki_key.key.pem.private_key = o->private_key;
    return coap_context_set_pki(server->context, &pki) != 0 ||
           failed("--cert, --key, --ca: GnuTLS cannot use them");
}

/* ---- what devices ask ---- */

struct parts {
    char *text[SERVER_OPTIONS_MAX];
    size_t count;
    bool wrong; /**< too many, or with a NUL inside */
};

static void add_part(struct parts *parts, const coap_opt_t *option)
{
    const uint8_t *value = coap_opt_value(option);
    size_t len = coap_opt_length(option);
    if (parts->count == SERVER_OPTIONS_MAX || (len > 0 && memchr(value, 0, len) != NULL)) {
        parts->wrong = true;
        return;
    }
    parts->text[parts->count++] = lab_copy((const char *)value, len);
}

static void free_parts(struct parts *parts)
{
    while (parts->count > 0)
        free(parts->text[--parts->count]);
}

static void read_parts(const coap_pdu_t *pdu, coap_option_num_t number, struct parts *out)
{
    memset(out, 0, sizeof *out);
    coap_opt_filter_t filter;
    coap_option_filter_clear(&filter);
    coap_option_filter_set(&filter, number);
    coap_opt_iterator_t i;
    coap_option_iterator_init(pdu, &i, &filter);
    for (coap_opt_t *option = coap_option_next(&i); option != NULL; option = coap_option_next(&i))
        add_part(out, option);
}

static int32_t number_of(const coap_pdu_t *pdu, coap_option_num_t number)
{
    coap_opt_iterator_t i;
    coap_opt_t *option = coap_check_option(pdu, number, &i);
    if (option == NULL || coap_opt_length(option) > 3)
        return SERVER_NO_FORMAT;
    return (int32_t)coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
}

/* The body of a message. One that comes in blocks is gathered, and whole with the last of them. */
static enum bodies_result body_of(struct server *server, coap_session_t *session,
                                  const coap_pdu_t *pdu, coap_option_num_t option, const char *key,
                                  size_t max, int32_t *note, struct ln_span *out)
{
    size_t len = 0;
    size_t offset = 0;
    size_t total = 0;
    const uint8_t *data = NULL;
    coap_block_b_t block;
    bool in_blocks = coap_get_block_b(session, pdu, option, &block) != 0;
    if (!coap_get_data_large(pdu, &len, &data, &offset, &total))
        len = 0;
    *out = ln_span(data, len);
    if (!in_blocks || (block.num == 0 && block.m == 0))
        return BODIES_WHOLE;
    return bodies_add(&server->bodies, session, key, (size_t)block.num << (block.szx + 4), *out,
                      block.m == 0, max, note, out);
}

static struct recent *find_recent(struct server *server, const coap_session_t *session,
                                  const coap_pdu_t *request)
{
    coap_bin_const_t token = coap_pdu_get_token(request);
    int64_t now = lab_now();
    for (size_t i = 0; i < RECENT_MAX; i++) {
        struct recent *r = &server->recent[i];
        if (r->session == session && now - r->when < EXCHANGE_LIFETIME_MS &&
            r->mid == coap_pdu_get_mid(request) && r->token_len == token.length &&
            memcmp(r->token, token.s, token.length) == 0)
            return r;
    }
    return NULL;
}

static void keep_recent(struct server *server, const coap_session_t *session,
                        const coap_pdu_t *request, const struct server_reply *reply)
{
    struct recent *r = &server->recent[server->recent_next];
    coap_bin_const_t token = coap_pdu_get_token(request);
    if (token.length > sizeof r->token)
        return;
    server->recent_next = (server->recent_next + 1) % RECENT_MAX;
    *r = (struct recent) { .session = session,
                           .when = lab_now(),
                           .mid = coap_pdu_get_mid(request),
                           .token_len = token.length,
                           .code = reply->code,
                           .why = reply->why };
    memcpy(r->token, token.s, token.length);
    if (reply->location != NULL)
        snprintf(r->location, sizeof r->location, "%s", reply->location);
}

/* A request with Block1 is answered with it (RFC 7959 2.3); between the first block and the last one
 * libcoap has done so. Options stand in the order of their numbers. */
static void add_block(coap_session_t *session, const coap_pdu_t *request, coap_pdu_t *response)
{
    coap_block_b_t block;
    uint8_t buffer[4];
    if (coap_get_block_b(session, request, COAP_OPTION_BLOCK1, &block) == 0 || block.m != 0)
        return;
    size_t len = coap_encode_var_safe(buffer, sizeof buffer, block.num << 4 | block.szx);
    coap_add_option(response, COAP_OPTION_BLOCK1, len, buffer);
}

static void answer(coap_session_t *session, const coap_pdu_t *request,
                   const struct server_reply *reply, coap_pdu_t *response)
{
    coap_pdu_set_code(response, (coap_pdu_code_t)reply->code);
    if (reply->location != NULL) {
        coap_add_option(response, COAP_OPTION_LOCATION_PATH, 2, (const uint8_t *)"rd");
        coap_add_option(response, COAP_OPTION_LOCATION_PATH, strlen(reply->location),
                        (const uint8_t *)reply->location);
    }
    add_block(session, request, response);
    if (reply->why != NULL)
        coap_add_data(response, strlen(reply->why), (const uint8_t *)reply->why);
}

/* /rd, or a place behind it. */
static bool is_here(const struct parts *path)
{
    return !path->wrong && (path->count == 1 || path->count == 2) &&
           strcmp(path->text[0], "rd") == 0;
}

static void serve(struct server *server, const struct parts *path, coap_pdu_code_t method,
                  const struct server_request *request, struct server_reply *reply)
{
    struct clients *clients = server->lab->clients;
    bool post = method == COAP_REQUEST_CODE_POST;
    if (path->count == 1 && post)
        clients_register(clients, request, reply);
    else if (path->count == 2 && post)
        clients_update(clients, path->text[1], request, reply);
    else if (path->count == 2 && method == COAP_REQUEST_CODE_DELETE)
        clients_deregister(clients, path->text[1], request, reply);
    else
        reply->code = SERVER_CODE(4, 5);
}

/* With its payload whole, serve it; else say that it goes on, or why it cannot. What is for nobody is not
 * gathered. */
static void serve_body(struct server *server, const struct parts *path, const coap_pdu_t *pdu,
                       struct server_request *request, struct server_reply *reply)
{
    *reply = (struct server_reply) { .code = SERVER_CODE(4, 4) };
    if (!is_here(path))
        return;
    char *key = lab_format("%u %s", (unsigned)coap_pdu_get_code(pdu), path->text[path->count - 1]);
    int32_t note = 0;
    enum bodies_result result = body_of(server, coap_of(request->session), pdu, COAP_OPTION_BLOCK1,
                                        key, REQUEST_MAX, &note, &request->payload);
    free(key);
    switch (result) {
    case BODIES_WHOLE:
        serve(server, path, coap_pdu_get_code(pdu), request, reply);
        break;
    case BODIES_MORE:
        reply->code = SERVER_CODE(2, 31);
        break;
    case BODIES_GAP:
        reply->code = SERVER_CODE(4, 8);
        break;
    case BODIES_TOO_LARGE:
        reply->code = SERVER_CODE(4, 13);
        break;
    }
}

static void on_request(coap_resource_t *resource, coap_session_t *session,
                       const coap_pdu_t *request, const coap_string_t *joined, coap_pdu_t *response)
{
    (void)resource;
    (void)joined; /* cut at each &, which may be part of a value */
    struct server *server = server_of(session);
    struct server_reply reply = { .code = SERVER_CODE(4, 0) };
    const struct recent *recent = find_recent(server, session, request);
    if (recent != NULL) {
        reply.code = recent->code;
        reply.why = recent->why;
        reply.location = recent->location[0] != '\0' ? recent->location : NULL;
        answer(session, request, &reply, response);
        return;
    }
    struct parts path;
    struct parts query;
    read_parts(request, COAP_OPTION_URI_PATH, &path);
    read_parts(request, COAP_OPTION_URI_QUERY, &query);
    struct server_request asked = {
        .session = (struct server_session *)session,
        .confirmable = coap_pdu_get_type(request) == COAP_MESSAGE_CON,
        .query_count = query.count,
        .format = number_of(request, COAP_OPTION_CONTENT_FORMAT),
    };
    memcpy(asked.query, query.text, sizeof query.text);
    if (!query.wrong)
        serve_body(server, &path, request, &asked, &reply);
    answer(session, request, &reply, response);
    keep_recent(server, session, request, &reply);
    free_parts(&path);
    free_parts(&query);
}

/* ---- what devices answer ---- */

static void read_location(const coap_pdu_t *pdu, char *out, size_t size)
{
    struct parts parts;
    read_parts(pdu, COAP_OPTION_LOCATION_PATH, &parts);
    out[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < parts.count; i++) {
        int len = snprintf(out + used, size - used, "/%s", parts.text[i]);
        used += len < 0 || (size_t)len >= size - used ? 0 : (size_t)len;
    }
    free_parts(&parts);
}

static bool token_of(const coap_pdu_t *pdu, uint8_t out[SERVER_TOKEN_LEN])
{
    coap_bin_const_t token = coap_pdu_get_token(pdu);
    if (token.length != SERVER_TOKEN_LEN)
        return false;
    memcpy(out, token.s, SERVER_TOKEN_LEN);
    return true;
}

/* The blocks of one answer have one token, and only the first has the Observe option. */
static bool gather(struct server *server, coap_session_t *session, const coap_pdu_t *received,
                   struct server_answer *told)
{
    char *key = lab_hex_text(told->token, SERVER_TOKEN_LEN);
    enum bodies_result result = body_of(server, session, received, COAP_OPTION_BLOCK2, key,
                                        ANSWER_MAX, &told->observe, &told->payload);
    free(key);
    if (result == BODIES_GAP || result == BODIES_TOO_LARGE)
        exchanges_failed(server->lab->exchanges, told->token,
                         result == BODIES_GAP ? "a block of the answer is missing"
                                              : "the answer is too long");
    return result == BODIES_WHOLE;
}

static coap_response_t on_response(coap_session_t *session, const coap_pdu_t *sent,
                                   const coap_pdu_t *received, const coap_mid_t mid)
{
    (void)sent;
    (void)mid;
    struct server *server = server_of(session);
    struct server_answer told = {
        .code = (uint8_t)coap_pdu_get_code(received),
        .confirmable = coap_pdu_get_type(received) == COAP_MESSAGE_CON,
        .format = number_of(received, COAP_OPTION_CONTENT_FORMAT),
        .observe = number_of(received, COAP_OPTION_OBSERVE),
    };
    if (!token_of(received, told.token) || !exchanges_knows(server->lab->exchanges, told.token))
        return COAP_RESPONSE_FAIL; /* a Reset: what a passive cancel is */
    read_location(received, told.location, sizeof told.location);
    if (gather(server, session, received, &told))
        exchanges_answer(server->lab->exchanges, &told);
    return COAP_RESPONSE_OK;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent,
                    const coap_nack_reason_t reason, const coap_mid_t mid)
{
    (void)mid;
    uint8_t token[SERVER_TOKEN_LEN];
    if (sent == NULL || !token_of(sent, token))
        return;
    const char *why = "the device does not acknowledge";
    if (reason == COAP_NACK_RST)
        why = "the device answers with a Reset";
    else if (reason == COAP_NACK_ICMP_ISSUE)
        why = "nobody listens at the device's address";
    else if (reason == COAP_NACK_TLS_FAILED || reason == COAP_NACK_NOT_DELIVERABLE)
        why = "the device's connection is closed";
    exchanges_failed(server_of(session)->lab->exchanges, token, why);
}

/* ---- what the lab asks ---- */

static void add_text(coap_optlist_t **list, coap_option_num_t number, const char *text, size_t len)
{
    coap_insert_optlist(list, coap_new_optlist(number, len, (const uint8_t *)text));
}

static void add_number(coap_optlist_t **list, coap_option_num_t number, int32_t value)
{
    uint8_t buffer[4];
    if (value == SERVER_NO_FORMAT)
        return;
    size_t len = coap_encode_var_safe(buffer, sizeof buffer, (unsigned)value);
    coap_insert_optlist(list, coap_new_optlist(number, len, buffer));
}

static void add_options(coap_optlist_t **list, const struct server_ask *ask)
{
    for (const char *at = ask->path; *at == '/' && at[1] != '\0';) {
        size_t len = strcspn(at + 1, "/");
        add_text(list, COAP_OPTION_URI_PATH, at + 1, len);
        at += len + 1;
    }
    for (size_t i = 0; i < ask->query_count; i++)
        add_text(list, COAP_OPTION_URI_QUERY, ask->query[i], strlen(ask->query[i]));
    add_number(list, COAP_OPTION_CONTENT_FORMAT, ask->format);
    add_number(list, COAP_OPTION_ACCEPT, ask->accept);
    add_number(list, COAP_OPTION_OBSERVE, ask->observe);
}

static void free_payload(coap_session_t *session, void *payload)
{
    (void)session;
    free(payload);
}

static bool fill(coap_session_t *session, coap_pdu_t *pdu, const struct server_ask *ask,
                 const uint8_t *token)
{
    coap_optlist_t *options = NULL;
    add_options(&options, ask);
    bool fine = coap_add_token(pdu, SERVER_TOKEN_LEN, token) != 0 &&
                (options == NULL || coap_add_optlist_pdu(pdu, &options) != 0);
    coap_delete_optlist(options);
    if (!fine || ask->payload.len == 0)
        return fine;
    char *copy = lab_copy((const char *)ask->payload.data, ask->payload.len);
    return coap_add_data_large_request(session, pdu, ask->payload.len, (const uint8_t *)copy,
                                       free_payload, copy) != 0;
}

bool server_send(struct server *server, struct server_session *session,
                 const struct server_ask *ask, uint8_t token[SERVER_TOKEN_LEN])
{
    (void)server;
    coap_session_t *coap = coap_of(session);
    bool cancel = ask->observe == 1;
    coap_binary_t known = { SERVER_TOKEN_LEN, token };
    if (cancel && coap_cancel_observe(coap, &known, COAP_MESSAGE_CON))
        return true;
    if (!cancel)
        coap_prng(token, SERVER_TOKEN_LEN);
    coap_pdu_t *pdu = coap_new_pdu(COAP_MESSAGE_CON, (coap_pdu_code_t)ask->method, coap);
    if (pdu == NULL)
        return false;
    if (!fill(coap, pdu, ask, token)) {
        coap_delete_pdu(pdu);
        return false;
    }
    return coap_send(coap, pdu) != COAP_INVALID_MID;
}

/* ---- endpoints ---- */

static socklen_t read_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (void *)out;
    struct sockaddr_in6 *v6 = (void *)out;
    memset(out, 0, sizeof *out);
    if (text != NULL && inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    if (text != NULL && inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6; /* no text: ::, which is IPv4 too */
    v6->sin6_port = htons(port);
    return sizeof *v6;
}

static coap_endpoint_t *listen_at(struct server *server, const struct sockaddr_storage *address,
                                  socklen_t len, coap_proto_t proto)
{
    coap_address_t at;
    coap_address_init(&at);
    memcpy(&at.addr, address, len);
    at.size = len;
    return coap_new_endpoint(server->context, &at, proto);
}

/* libcoap tells where an endpoint is in one place only: "127.0.0.1:5683 UDP", for its log. */
static uint16_t port_of(const coap_endpoint_t *endpoint)
{
    const char *text = coap_endpoint_str(endpoint);
    const char *colon = strrchr(text, ':');
    return (uint16_t)(colon == NULL ? 0 : strtoul(colon + 1, NULL, 10));
}

/* libcoap lets several programs have one port, and then only one of them hears. */
static bool is_free(const struct sockaddr_storage *address, socklen_t len)
{
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool bound = bind(fd, (const struct sockaddr *)address, len) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return bound;
}

static bool listen_plain(struct server *server)
{
    const struct options *o = server->lab->options;
    struct sockaddr_storage address;
    socklen_t len = read_address(o->address, o->port, &address);
    if (len == 0)
        return failed("--address: an address of IPv4 or IPv6, no name");
    coap_endpoint_t *endpoint = NULL;
    if (is_free(&address, len))
        endpoint = listen_at(server, &address, len, COAP_PROTO_UDP);
    if (endpoint == NULL) {
        fprintf(stderr, "linnet-lab: cannot listen on port %u for coap: %s; --port takes another\n",
                (unsigned)o->port, strerror(errno));
        return false;
    }
    server->port = port_of(endpoint);
    return true;
}

static bool listen_secure(struct server *server)
{
    const struct options *o = server->lab->options;
    struct sockaddr_storage address;
    socklen_t len = read_address(o->address, o->secure_port, &address);
    server->front = front_new(&address, len);
    if (server->front == NULL) {
        fprintf(stderr,
                "linnet-lab: cannot listen on port %u for coaps: %s; --secure-port takes another\n",
                (unsigned)o->secure_port, strerror(errno));
        return false;
    }
    len = read_address("127.0.0.1", 0, &address);
    coap_endpoint_t *endpoint = listen_at(server, &address, len, COAP_PROTO_DTLS);
    if (endpoint == NULL)
        return failed("libcoap cannot listen for DTLS");
    front_set_inner(server->front, port_of(endpoint));
    return true;
}

static bool add_resources(struct server *server)
{
    coap_resource_t *rd = coap_resource_init(coap_make_str_const("rd"), 0);
    coap_resource_t *others = coap_resource_unknown_init(on_request);
    if (rd == NULL || others == NULL)
        return failed("libcoap has no memory");
    for (coap_request_t method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; method++) {
        coap_register_request_handler(rd, method, on_request);
        coap_register_request_handler(others, method, on_request);
    }
    coap_add_resource(server->context, rd);
    coap_add_resource(server->context, others);
    return true;
}

static bool set_up(struct server *server)
{
    server->context = coap_new_context(NULL);
    if (server->context == NULL)
        return failed("libcoap cannot start");
    if (coap_context_get_coap_fd(server->context) < 0)
        return failed("this libcoap was built without epoll");
    coap_set_app_data(server->context, server);
    coap_context_set_block_mode(server->context, COAP_BLOCK_USE_LIBCOAP);
    coap_context_set_max_idle_sessions(server->context, IDLE_MAX);
    coap_register_event_handler(server->context, on_event);
    coap_register_response_handler(server->context, on_response);
    coap_register_nack_handler(server->context, on_nack);
    return set_keys(server) && set_certificate(server) && add_resources(server) &&
           listen_plain(server) && listen_secure(server);
}

struct server *server_new(struct lab *lab)
{
    static const int levels[] = { LOG_NOTHING, LOG_MUCH, LOG_ALL };
    unsigned level = lab->options->verbose < 3 ? lab->options->verbose : 2;
    coap_startup();
    coap_set_log_level((coap_log_t)levels[level]);
    coap_dtls_set_log_level((coap_log_t)levels[level]);
    struct server *server = lab_alloc(sizeof *server);
    server->lab = lab;
    if (!set_up(server)) {
        server_free(server);
        return NULL;
    }
    return server;
}

cJSON *server_describe(const struct server *server)
{
    const char *address = server->lab->options->address;
    bool v6 = address == NULL || strchr(address, ':') != NULL;
    const char *open = v6 ? "[" : "";
    const char *close = v6 ? "]" : "";
    char *plain = lab_format("coap://%s%s%s:%u", open, address == NULL ? "::" : address, close,
                             (unsigned)server->port);
    char *secure = lab_format("coaps://%s%s%s:%u", open, address == NULL ? "::" : address, close,
                              (unsigned)front_port(server->front));
    cJSON *event = lab_new_event("listening", NULL);
    cJSON_AddStringToObject(event, "coap", plain);
    cJSON_AddStringToObject(event, "coaps", secure);
    free(plain);
    free(secure);
    return event;
}

int server_fd(const struct server *server)
{
    return coap_context_get_coap_fd(server->context);
}

int server_front_fd(const struct server *server)
{
    return front_fd(server->front);
}

void server_prepare(struct server *server)
{
    coap_tick_t now;
    coap_ticks(&now);
    (void)coap_io_prepare_epoll(server->context, now);
}

void server_process(struct server *server)
{
    front_process(server->front);
    coap_io_process(server->context, COAP_IO_NO_WAIT);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    if (server->context != NULL)
        coap_free_context(server->context); /* it tells of each session: the front is still there */
    front_free(server->front);
    bodies_drop_all(&server->bodies);
    free(server);
    coap_cleanup();
}
