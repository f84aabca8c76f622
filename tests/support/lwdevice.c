/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwdevice.c
 * A device with every object of the library, driven by lines of JSON: tests in Python hold it against
 * real servers.
 *
 * The first line of standard input is the configuration; each other line is a command and gets one
 * line as its answer, {"status": "LN_OK", ...}. What happens is told as {"event": ...}, between them.
 *
 *   {"endpoint": .., "accounts": [{"uri": .., "ssid": .., "mode": 0 | 2 | 3, "identity": HEX,
 *    "secret": HEX, "server_key": HEX, "matching": .., "usage": .., "sni": .., "lifetime": ..}],
 *    "max_version": 10 | 11, "queue": bool, "legacy_server": bool, "trust": FILE,
 *    "tls": "openssl" | "mbedtls", "handshake_first_ms": .., "handshake_max_ms": ..}
 *   {"op": "set", "path": .., "type": "integer", "value": ..}   opaque values in hexadecimal
 *   {"op": "update", "ssid": ..}        ln_client_update()
 *   {"op": "info", "ssid": ..}          state, registered, observations, cid, category, line
 *
 * The end of the input stops the device, which de-registers. exit: 0 it stopped; 1 the configuration
 * cannot be used
 */
#include <linnet/objects.h>

#include <cjson/cJSON.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX 65536

static struct ln_client *client;
static bool stopping;
static struct ln_device device;
static struct ln_connectivity connectivity;

/* ---- JSON ---- */

static const char *text_of(const cJSON *in, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, name));
}

static double number_of(const cJSON *in, const char *name, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(in, name);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

/** Bytes of values and keys, kept to the end. */
static struct kept {
    struct kept *next;
    uint8_t bytes[];
} *all_kept;

static void free_kept(void)
{
    while (all_kept != NULL) {
        struct kept *kept = all_kept;
        all_kept = kept->next;
        free(kept);
    }
}

/* Bytes in hexadecimal. */
static struct ln_span hex_of(const char *hex)
{
    size_t len = hex == NULL ? 0 : strlen(hex) / 2;
    struct kept *kept = calloc(1, sizeof *kept + len + 1);
    if (kept == NULL)
        abort();
    kept->next = all_kept;
    all_kept = kept;
    uint8_t *bytes = kept->bytes;
    for (size_t i = 0; i < len; i++) {
        char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        bytes[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return ln_span(bytes, len);
}

static void print(cJSON *out)
{
    char *line = cJSON_PrintUnformatted(out);
    printf("%s\n", line);
    fflush(stdout);
    cJSON_free(line);
    cJSON_Delete(out);
}

/* ---- events ---- */

static void add_diag(cJSON *out, const struct ln_diag *diag)
{
    if (diag == NULL || diag->status == LN_OK)
        return;
    char line[LN_DIAG_LINE_MAX];
    ln_diag_line(diag, line, sizeof line);
    cJSON_AddStringToObject(out, "category", ln_category_word(diag->category));
    cJSON_AddStringToObject(out, "line", line);
}

static void on_event(void *user, struct ln_client *from, const struct ln_client_event *event)
{
    static const char *const names[] = {
        [LN_CLIENT_REGISTERED] = "registered",
        [LN_CLIENT_UPDATED] = "updated",
        [LN_CLIENT_DEREGISTERED] = "deregistered",
        [LN_CLIENT_ATTEMPT_FAILED] = "failed",
        [LN_CLIENT_GAVE_UP] = "gave_up",
        [LN_CLIENT_DISABLED] = "disabled",
        [LN_CLIENT_ASLEEP] = "asleep",
        [LN_CLIENT_AWAKE] = "awake",
        [LN_CLIENT_NOTIFICATION] = "notification",
    };
    static const char *const notes[] = {
        [LN_NOTE_QUEUED] = "queued",
        [LN_NOTE_SENT] = "sent",
        [LN_NOTE_ACKNOWLEDGED] = "acknowledged",
        [LN_NOTE_TIMED_OUT] = "timed_out",
        [LN_NOTE_CANCELLED] = "cancelled",
        [LN_NOTE_DROPPED] = "dropped",
    };
    (void)user;
    (void)from;
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "event", names[event->kind]);
    cJSON_AddNumberToObject(out, "ssid", event->ssid);
    cJSON_AddNumberToObject(out, "code", event->code);
    if (event->kind == LN_CLIENT_NOTIFICATION) {
        char path[LN_PATH_ROOM];
        ln_path_text(&event->note.path, path);
        cJSON_AddStringToObject(out, "note", notes[event->note.event]);
        cJSON_AddStringToObject(out, "path", path);
    }
    add_diag(out, event->diag);
    print(out);
}

static void on_reboot(void *user)
{
    (void)user;
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "event", "reboot");
    print(out);
}

/* ---- commands ---- */

static bool value_of(const cJSON *in, struct ln_value *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(in, "value");
    const char *type = text_of(in, "type");
    if (type == NULL)
        return false;
    if (strcmp(type, "string") == 0 && cJSON_IsString(value))
        *out = ln_value_string(value->valuestring);
    else if (strcmp(type, "opaque") == 0 && cJSON_IsString(value))
        *out = ln_value_opaque(hex_of(value->valuestring));
    else if (strcmp(type, "integer") == 0)
        *out = ln_value_integer((int64_t)value->valuedouble);
    else if (strcmp(type, "float") == 0)
        *out = ln_value_float(value->valuedouble);
    else if (strcmp(type, "boolean") == 0)
        *out = ln_value_boolean(cJSON_IsTrue(value));
    else
        return false;
    return true;
}

static enum ln_status op_set(const cJSON *in, cJSON *out)
{
    struct ln_path path;
    struct ln_value value;
    (void)out;
    if (text_of(in, "path") == NULL || !value_of(in, &value) ||
        ln_path_read(ln_span_str(text_of(in, "path")), &path) != LN_OK)
        return LN_BAD_ARG;
    return ln_client_set(client, path, &value);
}

/* Numbers only: nobody asks for more yet. */
static enum ln_status op_get(const cJSON *in, cJSON *out)
{
    struct ln_path path;
    struct ln_value value;
    if (text_of(in, "path") == NULL ||
        ln_path_read(ln_span_str(text_of(in, "path")), &path) != LN_OK)
        return LN_BAD_ARG;
    enum ln_status st = ln_client_get(client, path, &value);
    if (st == LN_OK && value.type != LN_VALUE_UNSIGNED)
        return LN_UNSUPPORTED;
    if (st == LN_OK)
        cJSON_AddNumberToObject(out, "value", (double)value.as.natural);
    return st;
}

static enum ln_status op_update(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_client_update(client, (uint16_t)number_of(in, "ssid", 1));
}

static enum ln_status op_info(const cJSON *in, cJSON *out)
{
    struct ln_server_info info;
    enum ln_status st = ln_client_server_info(client, (uint16_t)number_of(in, "ssid", 1), &info);
    if (st != LN_OK)
        return st;
    cJSON_AddStringToObject(out, "state", info.state);
    cJSON_AddBoolToObject(out, "registered", info.registered);
    cJSON_AddNumberToObject(out, "observations", info.observations);
    cJSON_AddNumberToObject(out, "version", info.version);
    cJSON_AddBoolToObject(out, "cid", info.sock.tls.cid_in_use);
    add_diag(out, info.diag);
    return LN_OK;
}

static const struct {
    const char *name;
    enum ln_status (*run)(const cJSON *in, cJSON *out);
} ops[] = { { "set", op_set }, { "get", op_get }, { "update", op_update }, { "info", op_info } };

static enum ln_status run_op(const cJSON *in, cJSON *out)
{
    const char *name = text_of(in, "op");
    for (size_t i = 0; name != NULL && i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].name, name) == 0)
            return ops[i].run(in, out);
    }
    return LN_NOT_FOUND;
}

static void run_line(const char *text)
{
    cJSON *in = cJSON_Parse(text);
    cJSON *out = cJSON_CreateObject();
    enum ln_status st = run_op(in, out);
    cJSON_AddStringToObject(out, "status", ln_status_name(st));
    print(out);
    cJSON_Delete(in);
}

/** Standard input, without stdio: what that has read ahead, no handle tells. */
struct input {
    char data[INPUT_MAX];
    size_t len;
    bool ended;
};

static void read_more(struct input *in)
{
    ssize_t len = read(STDIN_FILENO, in->data + in->len, sizeof in->data - in->len);
    if (len <= 0)
        in->ended = true;
    else
        in->len += (size_t)len;
}

/* The next line into `line`, without its end. */
static bool take_line(struct input *in, char *line)
{
    const char *end = memchr(in->data, '\n', in->len);
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - in->data);
    memcpy(line, in->data, len);
    line[len] = '\0';
    in->len -= len + 1;
    memmove(in->data, end + 1, in->len);
    return true;
}

static bool can_read(const struct ln_env *env, struct ln_interest *want)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    ln_interest_add(want, STDIN_FILENO, LN_WANT_READ);
    (void)env->net.ops->wait(env->net.ctx, want, LN_NEVER);
    return poll(&input, 1, 0) == 1;
}

static enum ln_status live(const struct ln_env *env, struct input *in)
{
    static char line[INPUT_MAX];
    for (;;) {
        struct ln_interest want;
        while (take_line(in, line))
            run_line(line);
        enum ln_status st = ln_client_step(client, ln_now(env), &want);
        if (st != LN_OK)
            return st;
        if (in->ended)
            (void)env->net.ops->wait(env->net.ctx, &want, LN_NEVER);
        else if (can_read(env, &want))
            read_more(in);
        if (in->ended && !stopping) {
            stopping = true;
            ln_client_stop(client, ln_now(env));
        }
    }
}

/* ---- life ---- */

static void fill_objects(void)
{
    ln_device_init(&device);
    device.manufacturer = "Linnet";
    device.model = "lwdevice";
    device.serial = "0001";
    device.firmware = "1.0";
    device.reboot = on_reboot;
    device.battery_level = 95;
    device.memory_free = 100;
    device.memory_total = 200;
    ln_connectivity_init(&connectivity);
    connectivity.bearer = 41;
    connectivity.bearers.count = 2;
    connectivity.bearers.ids[1] = 1;
    connectivity.bearers.values[0] = 21;
    connectivity.bearers.values[1] = 41;
    connectivity.signal = -70;
}

static enum ln_status enable_device(void)
{
    static const uint16_t optional[] = { 9, 10, 14, 15, 20, 21 };
    enum ln_status st = LN_OK;
    for (size_t i = 0; st == LN_OK && i < sizeof optional / sizeof *optional; i++)
        st = ln_device_enable(&device, optional[i]);
    return st;
}

static enum ln_status add_objects(void)
{
    fill_objects();
    enum ln_status st = enable_device();
    if (st == LN_OK)
        st = ln_core_objects_add(client);
    if (st == LN_OK)
        st = ln_device_add(client, &device);
    if (st == LN_OK)
        st = ln_connectivity_add(client, &connectivity);
    if (st == LN_OK)
        st = ln_time_add(client, NULL);
    return st == LN_OK ? ln_test_objects_add(client) : st;
}

static enum ln_status add_account(const cJSON *in, struct ln_diag *diag)
{
    struct ln_account account = LN_ACCOUNT_INIT;
    account.uri = text_of(in, "uri");
    account.ssid = (uint16_t)number_of(in, "ssid", 1);
    account.mode = (enum ln_security_mode)(int)number_of(in, "mode", LN_SECURITY_NONE);
    account.identity = hex_of(text_of(in, "identity"));
    account.secret = hex_of(text_of(in, "secret"));
    account.server_key = hex_of(text_of(in, "server_key"));
    account.matching = (uint8_t)number_of(in, "matching", 0);
    account.usage = (uint8_t)number_of(in, "usage", 3);
    account.sni = text_of(in, "sni");
    account.lifetime_s = (uint32_t)number_of(in, "lifetime", 300);
    return ln_client_add_account(client, &account, diag);
}

/* By its name; none is the first. One that is not built in fails the configuration. */
static enum ln_status choose_library(const char *name, const struct ln_tls_backend **out)
{
    for (size_t i = 0; name != NULL; i++) {
        struct ln_tls_capabilities caps;
        *out = ln_tls_builtin(i);
        if (*out == NULL)
            return LN_UNSUPPORTED;
        ln_tls_capabilities(*out, &caps);
        if (strcmp(caps.backend, name) == 0)
            return LN_OK;
    }
    return LN_OK;
}

static enum ln_status configure(const struct ln_env *env, const cJSON *in, struct ln_diag *diag)
{
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    config.env = env;
    config.endpoint = text_of(in, "endpoint");
    config.max_version = (uint8_t)number_of(in, "max_version", LN_LWM2M_1_1);
    config.queue_mode = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "queue"));
    config.insecure_legacy_server =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "legacy_server"));
    config.handshake_first_ms = (uint32_t)number_of(in, "handshake_first_ms", 0);
    config.handshake_max_ms = (uint32_t)number_of(in, "handshake_max_ms", 0);
    config.on_event = on_event;
    if (text_of(in, "trust") != NULL)
        config.trust = ln_source_file(text_of(in, "trust"));
    enum ln_status st = choose_library(text_of(in, "tls"), &config.tls);
    if (st == LN_OK)
        st = ln_client_new(&config, diag, &client);
    if (st == LN_OK)
        st = add_objects();
    const cJSON *account = NULL;
    cJSON_ArrayForEach(account, cJSON_GetObjectItemCaseSensitive(in, "accounts"))
    {
        if (st == LN_OK)
            st = add_account(account, diag);
    }
    return st == LN_OK ? ln_client_start(client, ln_now(env), diag) : st;
}

static bool run(const struct ln_env *env)
{
    static struct input in;
    static char line[INPUT_MAX];
    struct ln_diag diag = { .status = LN_OK };
    while (!in.ended && !take_line(&in, line))
        read_more(&in);
    cJSON *config = cJSON_Parse(line);
    enum ln_status st = configure(env, config, &diag);
    cJSON_Delete(config);
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "status", ln_status_name(st));
    add_diag(out, &diag);
    print(out);
    if (st == LN_OK)
        st = live(env, &in);
    ln_client_free(client);
    return st == LN_CLOSED;
}

int main(void)
{
    struct ln_env *env = NULL;
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    bool fine = run(env);
    ln_env_posix_free(env);
    free_kept();
    return fine ? 0 : 1;
}
