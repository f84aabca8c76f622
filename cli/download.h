/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_DOWNLOAD_H
#define LN_CLI_DOWNLOAD_H
/**
 * @file download.h
 * The parts of `linnet download`: arguments -> settings -> a download into a file -> what is told.
 */
#include "gauge.h"
#include "options.h"
#include "security.h"

#include <linnet/download.h>
#include <linnet/env.h>
#include <linnet/tls.h>
#include <linnet/uri.h>

/* ---- the command line, as it was typed (download_args.c) ---- */

struct download_args {
    bool help, json, verbose, quiet, restart, v4, v6, insecure_downgrade, insecure_basic;
    struct security_args security;
    char *output, *sha256, *user, *password;
    uint64_t limit_size, limit_bytes, limit_rate;
    int64_t limit_time_ms, timeout_ms;
    long tries;
    char *uri;
};

bool download_args_read(int argc, char **argv, struct download_args *out,
                        struct option_error *error);
void download_args_help(void);

/* ---- what is to be done (download_settings.c) ---- */

#define DOWNLOAD_PATH_MAX 4096

struct download_settings {
    const struct download_args *args;
    struct ln_uri uri;
    struct security security;
    struct ln_sock_options sock;
    char text[LN_URI_MAX + 1];    /**< the URI without user name and fragment: may be shown */
    char path[DOWNLOAD_PATH_MAX]; /**< "" = standard output */
    uint8_t sha256[32];
    bool has_sha256;
    char password[512];
};

/** Check the arguments. Secrets are wiped from the command line. */
bool download_settings_read(struct download_args *args, struct download_settings *out,
                            struct option_error *error);
void download_settings_wipe(struct download_settings *settings);

/* ---- the file (download_file.c) ---- */

/** FILE.part while it is incomplete, beside it FILE.part.state. */
struct download_file {
    const char *path; /**< "" = standard output */
    char part[DOWNLOAD_PATH_MAX + 8];
    char state[DOWNLOAD_PATH_MAX + 16];
    int fd;       /**< -1 = not open */
    int state_fd; /**< -1 = not open */
    size_t state_len;
    bool written; /**< standard output: nothing can be taken back any more */
};

/** Touches nothing yet. With `restart`, what is there from before is forgotten. */
void download_file_init(struct download_file *file, const char *path);
struct ln_download_store download_file_store(struct download_file *file);
/** Forget what is there from before. */
void download_file_discard(struct download_file *file);
/** Put the complete file in its place. @return false: errno tells */
bool download_file_finish(struct download_file *file);
void download_file_close(struct download_file *file);
/** Whether something is kept for the next time. */
bool download_file_is_kept(const struct download_file *file);

/* ---- trust and keys (download_keys.c) ---- */

/** Two configurations: for the server that was named, and for those it may redirect to. */
struct download_keys {
    const struct ln_env *env;
    const struct download_settings *settings;
    struct ln_tls_config *config[2];
    struct ln_session_slot slot[2];
};

void download_keys_init(struct download_keys *keys, const struct ln_env *env,
                        const struct download_settings *settings);
void download_keys_free(struct download_keys *keys);
/** Make the first one, so that mistakes are told before anything else happens. */
enum ln_status download_keys_check(struct download_keys *keys, struct ln_diag *diag);
/** A ln_download_secure. */
enum ln_status download_keys_give(void *user, const struct ln_download_target *target,
                                  struct ln_download_security *out, struct ln_diag *diag);

/* ---- doing it (download_run.c) ---- */

struct download_report {
    const struct download_settings *settings;
    struct ln_download_info info;
    struct ln_diag diag; /**< status LN_OK: it is complete */
    struct ln_tls_info tls;
    char alpn[33];
    ln_msec took_ms;
    int signal; /**< that ended it; 0 = none */
    bool kept;  /**< what was received is kept for the next time */
    bool usage; /**< diag is about the command line or its files */
};

/** LN_NO_MEMORY: there is no report. */
enum ln_status download_run(const struct ln_env *env, const struct download_settings *settings,
                            struct download_report *out);
/** See linnet-download(1). */
int download_exit_status(const struct download_report *report);

/* ---- telling it (download_show.c, download_json.c) ---- */

/** A line on a terminal that is written over and over. */
struct download_bar {
    FILE *out;
    bool on; /**< else only what changes is told, line by line */
    bool quiet;
    const char *name;
    ln_msec shown_at;
    bool shown; /**< the line is on the screen */
    enum ln_download_state state;
    enum ln_download_reason reason;
    unsigned restarts;
    struct gauge_rate rate;
};

void download_bar_init(struct download_bar *bar, FILE *out,
                       const struct download_settings *settings);
/** Show where it is, at most some times a second. */
void download_bar_update(struct download_bar *bar, const struct ln_download *download, ln_msec now);
/** When it wants to be updated next; LN_NEVER. */
ln_msec download_bar_deadline(const struct download_bar *bar, ln_msec now);
/** Take the line off the screen. */
void download_bar_clear(struct download_bar *bar);

void download_print(FILE *out, FILE *err, const struct download_report *report);
/** @return false if there was no memory for it */
bool download_json(FILE *out, const struct download_report *report);

#endif
