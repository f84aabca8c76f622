/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_CIDWORLD_H
#define LN_TESTS_CIDWORLD_H
/**
 * @file cidworld.h
 * A device with Connection ID behind a NAT, the server of cidserver.h, and what passes between them.
 *
 * There is one world at a time. The device lives several lives: cid_start() is the start of its program,
 * cid_end() its orderly end, cid_kill() a crash; its session store outlives them. Each encrypted record
 * that it sends is remembered, and cid_close() fails the test if a record number was used twice, or if
 * memory or a handle is left. Only built where Mbed TLS is linked.
 */
#include "support/cidserver.h"
#include "support/shelf.h"
#include "tls/blob.h"
#include <linnet/sock.h>
#include <linnet/tls.h>

#define CID_SERVER_IP "192.0.2.1"
#define CID_SERVER_NAME "server.example"
#define CID_NAT_IP "198.51.100.7"

enum { CID_LEN = 8, CID_RECORDS_MAX = 4096, CID_RECORD = 25 };

/** A record with a Connection ID that the device sent. */
struct cid_record {
    uint8_t cid[CID_LEN];
    uint64_t number; /**< epoch and sequence number */
};

struct cid_traffic {
    size_t count;
    struct cid_record record[CID_RECORDS_MAX];
    unsigned repeated;   /**< records with a number that was used before */
    unsigned handshakes; /**< handshake records in plain text, of both sides */
    unsigned packets;
    size_t largest;
};

/** Where the device's life ends: at the step of this number, counted from 0. Each change of the store
 *  and each datagram sent is a step. */
struct cid_doom {
    bool armed;
    bool before; /**< the step does not take place; else it does, and nothing after it */
    unsigned at;
    unsigned steps;
    bool dead;
};

struct cid_world {
    struct ln_testkit *kit;
    struct ln_testkit_host *device_host;
    struct ln_testkit_host *server_host;
    struct ln_testkit_nat *nat;
    struct ln_env device;
    struct ln_env server_env;
    struct cid_server server;
    struct shelf shelf;
    struct ln_session_store store; /**< the shelf, as far as the device lives */
    enum ln_status fail_remove;    /**< what removing from it says, if not LN_OK */
    struct cid_traffic traffic;
    struct cid_doom doom;
    struct ln_tls_options options; /**< PSK and the store; for the next cid_start() */
    struct ln_tls_config *config;
    struct ln_sock *sock; /**< NULL between two lives */
    struct ln_sock_info info;
    void (*touch)(struct cid_world *w,
                  struct ln_testkit_packet *packet); /**< sees each, may change it */
    char log[256];                                   /**< the last line */
};

/* the world */

/** The server gives Connection IDs of that length; 0 = it does not know them. */
struct cid_world *cid_open(size_t cid_len);
/** The same with a kit and a device that are there. What came of it is torn down by its owner. */
struct cid_world *cid_open_in(struct ln_testkit *kit, struct ln_testkit_host *device);
/** A world in which the device has lived once, and kept a session, an association and its seal. */
struct cid_world *cid_after_one_life(void);
/** Ends the device's life if it lives. */
void cid_close(struct cid_world *w);

/* the device's lives */

/** The program starts: a configuration, and a socket that is closed. */
void cid_start(struct cid_world *w);
/** It ends in order: what is kept is kept now. */
void cid_end(struct cid_world *w);
/** It is killed: nothing that it still does takes place. */
void cid_kill(struct cid_world *w);
enum ln_status cid_try_connect(struct cid_world *w);
void cid_connect(struct cid_world *w);
/** Send a message; whether it comes back within ten seconds. */
bool cid_ask(struct cid_world *w, const char *text);
/** ... it must. */
void cid_exchange(struct cid_world *w, const char *text);
/** Start, connect and exchange a message. */
void cid_begin(struct cid_world *w);
/** One whole life: begin, another message, end. */
void cid_live(struct cid_world *w);

/* what is expected of the next life, which has begun then */

/** It connects without a packet, and a message comes back. */
void cid_must_be_restored(struct cid_world *w);
/** It connects with exactly one handshake, and a message comes back. */
void cid_must_shake_hands(struct cid_world *w, bool resumed);

/** In the store; NULL if there is none. */
struct shelf_slot *cid_find(struct cid_world *w, enum ln_blob_kind kind);

#endif
