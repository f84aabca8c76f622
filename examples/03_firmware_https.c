/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 03_firmware_https.c
 * The smallest device that updates its firmware: registers over DTLS-PSK, downloads over HTTPS with a
 * CA, a client certificate and a key from files. Explained line by line in docs/howto-firmware.md.
 *
 *   example_03_firmware_https --server coaps://localhost --endpoint updater \
 *       --psk-identity updater --psk-key @key --folder /var/lib/updater \
 *       --https-ca ca.pem --https-cert device.pem --https-key device.key
 *
 * "Installing" is what a product does in its own way. Here the image, once its digest is known, is
 * renamed to `installed`, and the program ends with status 42, so that whoever started it starts it
 * again: a restart of the machine, in small. SIGTERM ends it with status 0.
 */
#include "account.h"

#include <linnet/firmware.h>
#include <signal.h>
#include <unistd.h>

struct updater {
    const char *folder;
    FILE *image;
    bool restart;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static const char *path(const struct updater *u, const char *name)
{
    static char text[512];
    snprintf(text, sizeof text, "%s/%s", u->folder, name);
    return text;
}

/* ---- the image, in a file ---- */

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    struct updater *u = ctx;
    (void)diag;
    if (u->image == NULL)
        u->image = fopen(path(u, "image"), offset == 0 ? "w+b" : "r+b");
    if (u->image == NULL || fflush(u->image) != 0 ||
        ftruncate(fileno(u->image), (off_t)offset) != 0 ||
        fseeko(u->image, (off_t)offset, SEEK_SET) != 0)
        return LN_IO;
    return LN_OK;
}

static enum ln_status write_image(void *ctx, uint64_t offset, struct ln_span data,
                                  struct ln_diag *diag)
{
    struct updater *u = ctx;
    (void)diag;
    if (fseeko(u->image, (off_t)offset, SEEK_SET) != 0)
        return LN_IO;
    return fwrite(data.data, 1, data.len, u->image) == data.len ? LN_OK : LN_NO_SPACE;
}

static enum ln_status read_image(void *ctx, uint64_t offset, struct ln_mspan room, size_t *got)
{
    struct updater *u = ctx;
    if (u->image == NULL)
        u->image = fopen(path(u, "image"), "r+b");
    if (u->image == NULL)
        return LN_NOT_FOUND;
    if (fseeko(u->image, (off_t)offset, SEEK_SET) != 0)
        return LN_IO;
    *got = fread(room.data, 1, room.len, u->image);
    return ferror(u->image) ? LN_IO : LN_OK;
}

static enum ln_status sync_image(void *ctx, struct ln_diag *diag)
{
    struct updater *u = ctx;
    (void)diag;
    return u->image != NULL && fflush(u->image) == 0 && fsync(fileno(u->image)) == 0 ? LN_OK
                                                                                     : LN_IO;
}

static void reset(void *user)
{
    struct updater *u = user;
    if (u->image != NULL)
        fclose(u->image);
    u->image = NULL;
    (void)remove(path(u, "image"));
}

static enum ln_firmware_result install(void *user)
{
    struct updater *u = user;
    char from[512];
    snprintf(from, sizeof from, "%s", path(u, "image"));
    if (u->image != NULL)
        fclose(u->image);
    u->image = NULL;
    if (rename(from, path(u, "installed")) != 0)
        return LN_FIRMWARE_FAILED;
    u->restart = true;
    return LN_FIRMWARE_INITIAL;
}

/* ---- what must survive: small files, replaced as a whole by the port ---- */

static const struct ln_env *env;
static struct updater updater;

static enum ln_status save(void *user, struct ln_span state)
{
    return env->files.replace(env->files.ctx, path(user, "firmware.state"), state);
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    return env->files.read(env->files.ctx, path(user, "firmware.state"), room, len);
}

static enum ln_status save_download(void *ctx, struct ln_span state)
{
    return env->files.replace(env->files.ctx, path(ctx, "download.state"), state);
}

static enum ln_status load_download(void *ctx, struct ln_mspan room, size_t *len)
{
    enum ln_status st = env->files.read(env->files.ctx, path(ctx, "download.state"), room, len);
    return st == LN_OK && *len == 0 ? LN_NOT_FOUND : st;
}

static void changed(void *user, enum ln_firmware_state state, enum ln_firmware_result result)
{
    (void)user;
    printf("firmware: %s, %s\n", ln_firmware_state_word(state), ln_firmware_result_word(result));
    fflush(stdout);
}

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    if (event->kind == LN_CLIENT_REGISTERED)
        printf("registered at server %u\n", event->ssid);
    if (event->kind == LN_CLIENT_ATTEMPT_FAILED)
        account_failed(event);
    fflush(stdout);
}

/* ---- all of it ---- */

struct files {
    const char *ca, *cert, *key;
};

static enum ln_status add_firmware(struct ln_client *client, const struct files *files,
                                   struct ln_diag *diag, struct ln_firmware **fw)
{
    struct ln_firmware_config c = LN_FIRMWARE_CONFIG_INIT;
    c.store = (struct ln_download_store) { .begin = begin,
                                           .write = write_image,
                                           .read = read_image,
                                           .sync = sync_image,
                                           .load = load_download,
                                           .save = save_download,
                                           .ctx = &updater };
    c.reset = reset;
    c.install = install;
    c.save = save;
    c.load = load;
    c.changed = changed;
    c.user = &updater;
    if (files->ca != NULL)
        c.trust = ln_source_file(files->ca);
    if (files->cert != NULL)
        c.chain = ln_source_file(files->cert);
    if (files->key != NULL)
        c.key = ln_source_file(files->key);
    enum ln_status st = ln_firmware_new(client, &c, diag, fw);
    struct ln_firmware_info info = { .state = LN_FIRMWARE_IDLE };
    if (st == LN_OK)
        ln_firmware_info(*fw, &info);
    if (info.state == LN_FIRMWARE_UPDATING) /* we were started anew by the update: it went well */
        st = ln_firmware_result(*fw, LN_FIRMWARE_SUCCESS);
    return st;
}

static enum ln_status run(const struct account_args *args, const struct files *files,
                          struct ln_diag *diag)
{
    struct ln_client *client = NULL;
    struct ln_firmware *fw = NULL;
    struct ln_device device;
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    ln_device_init(&device);
    device.manufacturer = "Linnet";
    device.model = "updater";
    config.env = env;
    config.endpoint = args->endpoint;
    config.on_event = on_event;
    account_trust(args, &config);
    enum ln_status st = ln_client_new(&config, diag, &client);
    if (st == LN_OK)
        st = ln_core_objects_add(client);
    if (st == LN_OK)
        st = ln_device_add(client, &device);
    if (st == LN_OK)
        st = ln_time_add(client, NULL);
    if (st == LN_OK)
        st = add_firmware(client, files, diag, &fw);
    if (st == LN_OK)
        st = ln_client_add_account(client, &args->account, diag);
    if (st == LN_OK)
        st = ln_client_start(client, ln_now(env), diag);
    while (st == LN_OK && !stopped && !updater.restart)
        st = ln_client_run(client, ln_now(env) + 200);
    if (st == LN_OK) {
        ln_client_stop(client, ln_now(env));
        st = ln_client_run(client, ln_now(env) + 3000);
    }
    ln_firmware_free(fw);
    ln_client_free(client);
    return st == LN_CLOSED ? LN_OK : st;
}

int main(int argc, char **argv)
{
    struct account_args args;
    struct files files = { NULL, NULL, NULL };
    struct ln_diag diag = { .status = LN_OK };
    struct ln_env *posix = NULL;
    const struct account_own own[] = {
        { "--folder", "FOLDER", &updater.folder },
        { "--https-ca", "FILE", &files.ca },
        { "--https-cert", "FILE", &files.cert },
        { "--https-key", "FILE", &files.key },
        { NULL, NULL, NULL },
    };
    updater.folder = ".";
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (!account_read(&args, own, argc, argv) || ln_env_posix_new(&posix) != LN_OK)
        return 1;
    env = posix;
    enum ln_status st = run(&args, &files, &diag);
    if (st != LN_OK)
        account_complain(st, &diag);
    if (updater.image != NULL)
        fclose(updater.image);
    ln_env_posix_free(posix);
    return st != LN_OK ? 1 : updater.restart ? 42 : 0;
}
