/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_AGENT_H
#define LN_AGENT_AGENT_H
/**
 * @file agent.h
 * The running agent: one client, this machine's objects, and who talks to them.
 *
 * Life:    agent_run() is all of it, until SIGTERM or SIGINT. SIGHUP reads the configuration anew: a
 *          wrong one is told and changes nothing; with the same servers and keys it registers
 *          anew, by the sessions that it has; else the old servers are left first.
 * Threads: one.
 */
#include "clock.h"
#include "config.h"
#include "kept.h"
#include "loop.h"
#include "machine.h"
#include "notes.h"
#include "problems.h"
#include "store.h"
#include "update.h"

struct control;
struct options;

/** Why the loop ended. */
enum agent_end { AGENT_GOES_ON = 0, AGENT_STOPS, AGENT_RELOADS, AGENT_RESTARTS };

struct agent {
    const struct options *options;
    struct ln_env *env;
    struct config *config;
    struct ln_client *client;
    struct machine machine;
    struct problems problems;
    struct agent_clock clock;
    struct store store;
    struct ln_session_folder sessions;
    struct ln_session_store session_store;
    bool has_sessions;
    int state_lock;      /* the folder, locked; -1 = not */
    ln_msec state_check; /* when a folder that failed is looked at again */
    char session_path[4096];
    struct kept kept;
    struct update update;
    struct hook reboot; /* the program of 3/0/4 */
    ln_msec reboot_at;  /* LN_NEVER = not asked for */
    struct control *control;
    struct notes notes;
    unsigned problems_told; /* changes of problems that followers know of */
    uint64_t progress;      /* bytes of an image, when followers were told last */
    bool reload;            /* wanted as soon as no hook runs */
    struct loop loop;
    enum agent_end end;
    bool leaves;      /* ln_client_stop() was called */
    int signals;      /* signalfd(2) */
    ln_msec started;  /* monotonic */
    char state[4096]; /* the folder */
    char socket[108]; /* the path of the control socket; "" = none */
};

/** Run until it is stopped. `argv` is for executing it anew; both borrowed. @return the exit status */
int agent_run(const struct options *options, char **argv);

/** The version of this program, such as "0.1.0". */
const char *agent_version(void);

#endif
