/* SPDX-License-Identifier: Apache-2.0 */
#include "update.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RECORD "firmware"
/* How far an installation is: a byte of enum progress, and one that counts its beginnings. */
#define PROGRESS "install"
/* One that never comes to its end, because the machine fails each time, is given up. */
#define ATTEMPTS_MAX 3

/* What is installed is confirmed as soon as the machine can start a program again. */
#define CONFIRM_MS 10000

enum progress { NOT_BEGUN = 0, BEGUN, DONE };

static const struct store *store_of(const struct update *u)
{
    return u->image.store;
}

/* ---- the hook ---- */

static void hex(const uint8_t *bytes, size_t len, char *text)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* Not the hook's fault: the machine is short of something, or the file is being written. */
static bool may_pass(int error)
{
    return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE ||
           error == ETXTBSY;
}

/* @return 0 or an errno, which was told */
static int start(struct update *u, const char *verb, long limit_s)
{
    struct ln_firmware_info info;
    char size[48];
    char sha256[96] = "LINNET_SHA256=";
    char uri[320];
    char state[4200];
    ln_firmware_info(u->firmware, &info);
    (void)snprintf(size, sizeof size, "LINNET_SIZE=%llu", (unsigned long long)u->size);
    if (u->size > 0)
        hex(u->sha256, sizeof u->sha256, sha256 + strlen(sha256));
    (void)snprintf(uri, sizeof uri, "LINNET_URI=%s", info.uri);
    (void)snprintf(state, sizeof state, "LINNET_STATE=%s", store_of(u)->folder);
    const char *const environment[] = { size, sha256, uri, state, NULL };
    const struct hook_run run = { u->config->firmware.hook, verb, u->image.path, environment,
                                  (ln_msec)limit_s * 1000 };
    int error = hook_start(&u->hook, &run);
    if (error == 0) {
        log_line(LN_LOG_INFO, "firmware: the hook begins to %s", verb);
        return 0;
    }
    problem_set(u->problems, PROBLEM_HOOK, "%.200s cannot run: %s; %s", u->config->firmware.hook,
                strerror(error),
                may_pass(error) ? "see what uses up this machine's memory, processes or open files"
                                : "correct hook in [firmware], and see that it is executable");
    return error;
}

/* What a status of the hook means; `otherwise` for what is not said. */
static enum ln_firmware_result result_of(const struct hook_end *end, bool may_defer,
                                         enum ln_firmware_result otherwise)
{
    static const uint8_t known[] = { LN_FIRMWARE_NO_SPACE, LN_FIRMWARE_NO_MEMORY,
                                     LN_FIRMWARE_INTEGRITY, LN_FIRMWARE_PACKAGE_TYPE,
                                     LN_FIRMWARE_FAILED };
    if (end->too_long || end->status < 0)
        return otherwise;
    if (end->status == 0)
        return LN_FIRMWARE_INITIAL;
    if (may_defer && end->status == LN_FIRMWARE_DEFERRED)
        return LN_FIRMWARE_DEFERRED;
    for (size_t i = 0; i < sizeof known; i++)
        if (known[i] == end->status)
            return (enum ln_firmware_result)known[i];
    return otherwise;
}

/* One sentence about how it ended, for the log and the status; a success clears it. */
static void tell_end(struct update *u, const char *verb, const struct hook_end *end,
                     enum ln_firmware_result result)
{
    if (end->too_long)
        problem_set(u->problems, PROBLEM_HOOK,
                    "it took too long to %s and was ended: see its lines in the log, or raise "
                    "%s_timeout in [firmware]",
                    verb, verb);
    else if (end->status < 0 && end->signal == 0)
        problem_set(u->problems, PROBLEM_HOOK,
                    "nobody knows how it ended that should %s: see its lines in the log", verb);
    else if (end->status < 0)
        problem_set(u->problems, PROBLEM_HOOK,
                    "it was ended by signal %d while it should %s: see its lines in the log",
                    end->signal, verb);
    else if (result == LN_FIRMWARE_DEFERRED)
        log_line(LN_LOG_INFO, "firmware: the hook does not want to %s now", verb);
    else if (result != LN_FIRMWARE_INITIAL)
        problem_set(u->problems, PROBLEM_HOOK,
                    "it refused to %s the image with status %d (%s): see its lines in the log",
                    verb, end->status, ln_firmware_result_word(result));
    else
        problem_clear(u->problems, PROBLEM_HOOK);
}

static void report(struct update *u, enum ln_firmware_result result)
{
    if (ln_firmware_result(u->firmware, result) != LN_OK)
        log_line(LN_LOG_WARN, "firmware: the result %s comes too late and is not reported",
                 ln_firmware_result_word(result));
}

/* ---- how far it is ---- */

static enum ln_status save_progress(const struct update *u, enum progress progress)
{
    const uint8_t record[2] = { (uint8_t)progress, u->attempts };
    return store_save(store_of(u), PROGRESS, ln_span(record, sizeof record));
}

static enum progress load_progress(struct update *u)
{
    uint8_t record[2] = { NOT_BEGUN, 0 };
    size_t len = 0;
    if (store_load(store_of(u), PROGRESS, ln_mspan(record, sizeof record), &len) != LN_OK ||
        len != sizeof record || record[0] > DONE)
        record[0] = record[1] = 0;
    u->attempts = record[1];
    return (enum progress)record[0];
}

/* Before the hook begins: a restart finds out that it has, and did not come to its end. */
static bool begin_install(struct update *u)
{
    u->attempts++;
    if (save_progress(u, BEGUN) == LN_OK && start(u, "install", u->config->firmware.install_s) == 0)
        return true;
    u->attempts--;
    return false;
}

static void confirm(struct update *u)
{
    int error = start(u, "confirm", u->config->firmware.confirm_s);
    u->confirm_at = LN_NEVER;
    if (may_pass(error))
        u->confirm_at = ln_now(u->hook.env) + CONFIRM_MS;
    else if (error != 0)
        report(u, LN_FIRMWARE_FAILED);
}

static void installed(struct update *u)
{
    enum ln_status st = save_progress(u, DONE);
    (void)st; /* if it was told that this is not kept: it is installed once more after a restart */
    if (u->stops)
        log_line(LN_LOG_INFO, "firmware: installed; it is confirmed after the next start");
    else if (u->config->firmware.after == CONFIG_NOTHING)
        confirm(u);
    else if (u->config->firmware.after == CONFIG_RESTART)
        u->restart = true;
    else
        log_line(LN_LOG_INFO, "firmware: installed; the hook restarts the machine");
}

/* The installation is over without success, or put off. */
static void give_up(struct update *u, enum ln_firmware_result result)
{
    enum ln_status st = save_progress(u, NOT_BEGUN);
    (void)st; /* it was told; the next image begins with another one */
    report(u, result);
}

static void on_done(void *user, const char *verb, const struct hook_end *end)
{
    struct update *u = user;
    bool verifies = strcmp(verb, "verify") == 0;
    bool installs = strcmp(verb, "install") == 0;
    enum ln_firmware_result result =
        result_of(end, installs, verifies ? LN_FIRMWARE_INTEGRITY : LN_FIRMWARE_FAILED);
    tell_end(u, verb, end, result);
    if (verifies)
        ln_firmware_verified(u->firmware, result);
    else if (installs && result == LN_FIRMWARE_INITIAL)
        installed(u);
    else if (installs)
        give_up(u, result);
    else
        report(u, result == LN_FIRMWARE_INITIAL ? LN_FIRMWARE_SUCCESS : result);
    u->changed(u->user);
}

/* ---- what the object asks for ---- */

static enum ln_firmware_result verify(void *user, uint64_t size, const uint8_t sha256[32])
{
    struct update *u = user;
    u->size = size;
    memcpy(u->sha256, sha256, sizeof u->sha256);
    u->attempts = 0;
    if (save_progress(u, NOT_BEGUN) != LN_OK)
        return LN_FIRMWARE_NO_SPACE; /* that of the image before must not speak for this one */
    if (u->stops)
        return LN_FIRMWARE_DEFERRED; /* a pull is verified after the next start */
    return start(u, "verify", u->config->firmware.verify_s) == 0 ? LN_FIRMWARE_DEFERRED
                                                                 : LN_FIRMWARE_FAILED;
}

static enum ln_firmware_result install(void *user)
{
    struct update *u = user;
    image_close(&u->image);
    if (u->stops)
        return LN_FIRMWARE_INITIAL; /* Updating is saved: it begins with the next start */
    u->attempts = 0;
    return begin_install(u) ? LN_FIRMWARE_INITIAL : LN_FIRMWARE_FAILED;
}

static void reset(void *user)
{
    struct update *u = user;
    hook_kill(&u->hook);
    image_remove(&u->image);
    u->size = 0;
}

static enum ln_status save(void *user, struct ln_span state)
{
    const struct update *u = user;
    return store_save(store_of(u), RECORD, state);
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    const struct update *u = user;
    return store_load(store_of(u), RECORD, room, len);
}

static void changed(void *user, enum ln_firmware_state state, enum ln_firmware_result result)
{
    struct update *u = user;
    struct ln_firmware_info info;
    char line[LN_DIAG_LINE_MAX];
    u->changed(u->user);
    if (u->firmware == NULL)
        return;
    log_line(LN_LOG_INFO, "firmware: %s, %s", ln_firmware_state_word(state),
             ln_firmware_result_word(result));
    ln_firmware_info(u->firmware, &info);
    if (info.diag != NULL && result > LN_FIRMWARE_SUCCESS && result != LN_FIRMWARE_DEFERRED) {
        const struct ln_env *env = u->hook.env;
        u->failure = (struct failure) { .is = true,
                                        .since = env->clock.wall(env->clock.ctx),
                                        .diag = *info.diag };
        failure_text(&u->failure, line, sizeof line);
        log_line(LN_LOG_WARN, "firmware: %s", line);
    } else if (result == LN_FIRMWARE_SUCCESS || state == LN_FIRMWARE_DOWNLOADED) {
        u->failure.is = false;
    }
}

/* ---- life ---- */

/* We were started by an update, or in the middle of one. What did not come to its end is done again;
 * where the hook restarts the machine from within, confirm finds out. */
static void go_on(struct update *u)
{
    enum progress progress = load_progress(u);
    if (progress == DONE || (progress == BEGUN && u->config->firmware.after == CONFIG_WAIT)) {
        confirm(u);
    } else if (u->attempts >= ATTEMPTS_MAX) {
        problem_set(
            u->problems, PROBLEM_HOOK,
            "the installation was cut off %u times, and is not tried again: see what ends it "
            "in the log, then have the server begin anew",
            u->attempts);
        give_up(u, LN_FIRMWARE_FAILED);
    } else {
        if (progress == BEGUN)
            log_line(LN_LOG_WARN, "firmware: the installation was cut off, and begins again");
        if (!begin_install(u))
            give_up(u, LN_FIRMWARE_FAILED);
    }
}

enum ln_status update_begin(struct update *update, struct ln_client *client,
                            const struct config *config, const struct store *store,
                            struct problems *problems, struct ln_diag *diag)
{
    struct ln_firmware_config c = LN_FIRMWARE_CONFIG_INIT;
    struct ln_firmware_info info;
    update->config = config;
    update->problems = problems;
    update->confirm_at = LN_NEVER;
    update->restart = update->stops = false;
    update->hook =
        (struct hook) { .env = problems->env, .output = -1, .done = on_done, .user = update };
    image_init(&update->image, store);
    if (config->firmware.hook == NULL)
        return LN_OK;
    c.store = image_store(&update->image);
    c.verify = verify;
    c.reset = reset;
    c.install = install;
    c.save = save;
    c.load = load;
    c.changed = changed;
    c.user = update;
    c.system_trust = config->firmware.system_trust;
    c.size_max = (uint64_t)config->firmware.size_max_mib << 20;
    c.rate_max = (uint64_t)config->firmware.rate_max_kib << 10;
    if (config->firmware.ca != NULL)
        c.trust = ln_source_file(config->firmware.ca);
    if (config->firmware.certificate != NULL) {
        c.chain = ln_source_file(config->firmware.certificate);
        c.key = ln_source_file(config->firmware.key);
    }
    enum ln_status st = ln_firmware_new(client, &c, diag, &update->firmware);
    if (st != LN_OK)
        return st;
    ln_firmware_info(update->firmware, &info);
    if (info.state == LN_FIRMWARE_UPDATING)
        go_on(update);
    else if (info.state == LN_FIRMWARE_IDLE)
        image_remove(&update->image); /* the state was saved, and then the power went */
    return LN_OK;
}

bool update_stop(struct update *update, ln_msec *until)
{
    update->stops = true;
    if (update->hook.pid != 0 && strcmp(update->hook.verb, "verify") == 0)
        hook_kill(&update->hook); /* it changes nothing, and is done again */
    *until = hook_ends(&update->hook);
    return update->hook.pid != 0;
}

void update_end(struct update *update)
{
    hook_kill(&update->hook);
    ln_firmware_free(update->firmware);
    update->firmware = NULL;
    image_close(&update->image);
}

void update_watch(struct update *update, struct loop *loop)
{
    hook_watch(&update->hook, loop);
    loop_until(loop, update->confirm_at);
}

void update_step(struct update *update, ln_msec now)
{
    hook_step(&update->hook, now);
    if (now >= update->confirm_at && !update->stops)
        confirm(update);
}
