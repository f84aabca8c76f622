/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_LWWORLD_H
#define LN_TESTS_LWWORLD_H
/**
 * @file lwworld.h
 * A device and a scripted LwM2M server in the in-memory network, under virtual time.
 *
 * The server speaks in raw datagrams: it uses the codec of messages and nothing of our endpoint, so
 * that it can be as rude as a test wants. It answers the registration interface as its script says,
 * keeps what it saw, and asks the device when the test tells it to.
 *
 * Functions fail the running test where they cannot do what they say, unless they return a bool.
 */
#include <linnet/objects.h>
#include <linnet/testkit.h>

enum {
    LW_BODY_MAX = 70000,
    LW_SEEN_MAX = 64,
    LW_NOTES_MAX = 512,
};

/** A message of the device that began an exchange. */
struct lw_seen {
    ln_msec at;
    uint8_t code;
    char path[64];   /* "/rd", "/rd/5a3f" */
    char query[256]; /* "lwm2m=1.1&ep=..." */
    size_t len;      /* of the payload */
    char payload[600];
};

/** An answer of the device, or a notification. */
struct lw_answer {
    uint8_t type;
    uint8_t code; /* 0: none came */
    bool observe;
    uint32_t observe_number;
    bool has_format;
    uint16_t format;
    char location[64];
    size_t len;
    uint8_t payload[LW_BODY_MAX];
    uint8_t token[8];
    bool has_block1, has_block2;
    struct ln_coap_block block1, block2;
};

struct lw_note {
    ln_msec at;
    uint8_t type;
    uint8_t code;
    uint8_t token[8];
    uint32_t number;
    size_t len;
    char payload[256];
};

/** What the server does with messages of the registration interface. */
struct lw_script {
    uint8_t register_code;   /* 0 = 2.01 */
    uint8_t update_code;     /* 0 = 2.04 */
    unsigned fail_registers; /* so many times; UINT_MAX: always */
    unsigned fail_updates;
    bool silent;          /* answers nothing at all */
    bool resets;          /* answers with Reset */
    const char *location; /* one Location-Path option, as it is; NULL: "rd" and an id */
    bool no_location;
    bool mute_notes;  /* does not acknowledge notifications */
    bool reset_notes; /* answers them with Reset */
};

struct lw_server {
    struct ln_env env;
    struct ln_sock *sock;
    struct lw_script script;
    struct ln_addr peer;
    uint16_t mid;
    uint64_t token;
    unsigned registers, updates, deregisters; /* that were accepted */
    unsigned messages;                        /* datagrams of the device */
    struct lw_seen seen[LW_SEEN_MAX];         /* ring */
    size_t seen_count;
    struct lw_note notes[LW_NOTES_MAX];
    size_t note_count;
    struct lw_answer answer;
    bool waiting; /* for the answer of `token` */
    uint16_t waiting_mid;
    char registered_list[600];
    uint16_t last_mid; /* duplicates of the device */
    uint8_t last_reply[400];
    size_t last_reply_len;
    bool has_last;
    uint16_t note_mid; /* duplicates of notifications */
    bool has_note;
    ln_msec resend_at; /* of our request */
    unsigned resends;
    uint8_t request[1200];
    size_t request_len;
};

struct lw_world {
    struct ln_testkit *kit;
    bool own_kit;
    struct ln_testkit_host *device_host;
    struct ln_testkit_host *server_host;
    struct ln_env env; /* the device's */
    struct lw_server server;
    struct lw_server other; /* see lw_swap() */
    struct ln_client *client;
    struct ln_client_event events[256]; /* ring; diag is not kept */
    size_t event_count;
    struct ln_device device;
    struct ln_time time;
};

struct lw_options {
    uint64_t seed;
    struct ln_testkit_trial *trial; /* inside a sweep: its world and device are used */
    struct ln_testkit_link link;
    uint32_t lifetime_s;            /* 0 = 3,600 */
    struct ln_client_config config; /* env, endpoint and on_event are filled in */
    bool without_objects;           /* only 0, 1, 2 */
    bool two_accounts;              /* a second one, ssid 2, at 192.0.2.2, where nobody listens */
    bool two_servers;               /* a second one, ssid 2, who is another scripted server */
    const char *second_uri;         /* of that; NULL: its address */
    /** Before the start: settings of accounts. NULL. */
    void (*prepare)(struct lw_world *w);
};
#define LW_OPTIONS_INIT { .config = LN_CLIENT_CONFIG_INIT }

/** Make world, server and client; nothing is started. A failure: *what is static text for sweeps. */
enum ln_status lw_open(struct lw_world *w, const struct lw_options *options, const char **what);
/** Free all; outside of sweeps also checks that nothing is left behind. */
void lw_close(struct lw_world *w);

/** The two servers change their places: from now on `server` is the other one. */
void lw_swap(struct lw_world *w);

ln_msec lw_now(const struct lw_world *w);
enum ln_status lw_start(struct lw_world *w);
/** Step the client in virtual time until `until` (NULL: never) or for `ms`. @return `until` held */
bool lw_run(struct lw_world *w, bool (*until)(const struct lw_world *w), int64_t ms);
bool lw_is_registered(const struct lw_world *w);
bool lw_is_registered_at(const struct lw_world *w, uint16_t ssid);
/** Start, and run until registered. */
bool lw_register(struct lw_world *w);
/** ln_client_stop, and run to the end. */
bool lw_stop(struct lw_world *w, int64_t ms);

struct lw_request {
    uint8_t code;
    const char *path;   /* "/3/0/0" */
    const char *query;  /* "pmin=5&pmax=10"; NULL */
    int accept;         /* -1 = none */
    int format;         /* -1 = none */
    int observe;        /* -1 = none */
    int block2_szx;     /* -1 = none; asks for the whole body in such blocks */
    int block1_szx;     /* -1 = none; sends the payload in such blocks */
    size_t block1_from; /* the first block that is sent */
    size_t block1_stop; /* the one behind the last that is sent; 0 = all */
    uint32_t size1;     /* 0 = not said */
    const void *payload;
    size_t len;
};
#define LW_REQUEST_INIT .accept = -1, .format = -1, .observe = -1, .block2_szx = -1, .block1_szx = -1

/** Ask the device and wait for the answer: server.answer. False: none came in 2 minutes. */
bool lw_ask(struct lw_world *w, const struct lw_request *rq);
/** GET and others without a payload; the answer's code. 0: none. */
uint8_t lw_get(struct lw_world *w, const char *path, int accept);
uint8_t lw_put(struct lw_world *w, const char *path, int format, const void *payload, size_t len);
/** Observe: the answer's code, as in server.answer, whose `observe` says whether it was taken on. 0: none. */
uint8_t lw_observe(struct lw_world *w, const char *path);
/** The answer's payload as text; fails the test if the code is not 2.05. */
const char *lw_read(struct lw_world *w, const char *path);

/** How often an event of this kind was told. */
size_t lw_count(const struct lw_world *w, enum ln_client_event_kind kind);
size_t lw_count_notes(const struct lw_world *w, enum ln_note_event event);
const struct lw_seen *lw_last_seen(const struct lw_world *w);

#endif
