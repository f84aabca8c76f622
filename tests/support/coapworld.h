/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_COAPWORLD_H
#define LN_TESTS_COAPWORLD_H
/**
 * @file coapworld.h
 * A device that downloads by CoAP, and a server that gives out one file by coap, coap+tcp (port 5683),
 * coaps and coaps+tcp (port 5684) at server.example, in the in-memory network.
 *
 * TLS is by a key that both know. Functions fail the running test where they cannot do what they say.
 */
#include "support/coapfile.h"
#include "support/dlstore.h"
#include "support/networld.h"

enum { COAP_WORLD_SCHEMES = 4, COAP_WORLD_CONTENT = 400000 };

/** "coap://server.example/fw", and the same by coap+tcp, coaps and coaps+tcp. */
extern const char *const coap_world_uris[COAP_WORLD_SCHEMES];

struct coap_world {
    struct networld net;
    struct coap_server servers[COAP_WORLD_SCHEMES]; /**< as the URIs */
    struct ln_tls_config *server_tls[2], *device_tls[2];
    struct coap_file file; /**< 30,000 bytes of `content`, ETag "v1" */
    coap_respond *script;  /**< what all servers do; its user is the world */
    uint8_t content[COAP_WORLD_CONTENT], other[COAP_WORLD_CONTENT];
    struct dl_store store;
    struct ln_download *download;
    struct ln_download_options options; /**< of the next one */
    struct ln_download_info info;       /**< of the last one, as are the next two */
    struct ln_diag diag;
    enum ln_status result;
    char asked[2000]; /**< "0|1024|": the blocks that were asked for, with coap alone */
};

void coap_world_open(struct coap_world *w);
void coap_world_close(struct coap_world *w);
/** The same as a test's set-up and tear-down: *state is the world. */
int coap_world_set_up(void **state);
int coap_world_tear_down(void **state);
/** Nothing was asked for, and nothing is stored. */
void coap_world_reset(struct coap_world *w);
void coap_world_link(struct coap_world *w, struct ln_testkit_link link);
/** The script of a correct server. */
coap_respond coap_world_serve_file;

/* ---- one download ---- */

/** The next one is by the scheme with that number in coap_world_uris. */
void coap_world_use(struct coap_world *w, size_t scheme);
void coap_world_begin(struct coap_world *w);
/** To its end, or until it waits for nothing. */
void coap_world_go_on(struct coap_world *w);
/** Both. */
void coap_world_run(struct coap_world *w);
/** Begin, and stop when so many bytes are stored. */
void coap_world_step_until(struct coap_world *w, size_t stored);
/** As kill -9 would do it: nothing is said to anybody. What the store has is what it has. */
void coap_world_kill(struct coap_world *w);

void coap_world_must_have(const struct coap_world *w, const char *what, struct ln_span expected);
void coap_world_must_fail(const struct coap_world *w, const char *what,
                          enum ln_download_reason reason, const char *sentence);

#endif
