/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: Firmware Update /5 as a state machine. The state that was saved is any bytes; a script
 * has the server push blocks, write URIs, execute Update and Cancel; storage, verification and
 * installation fail or take their time; the program restarts.
 *
 * Whatever happens: states follow each other as LwM2M Core 1.1 E.6 draws them, nothing is verified or
 * installed at another time, and only the application can say that an update succeeded. */
#include "fuzz/fuzz.h"

#include <linnet/firmware.h>

#include "fuzz/lwm2m.h"
#include "fuzz/script.h"

enum { BLOCK = 64 };

static struct fz z;
static struct script in;
static struct ln_firmware *fw;
static enum ln_firmware_state now_in;
static bool success_said;
static uint16_t server_mid;

/* the application */
static uint8_t saved[LN_FIRMWARE_STATE_MAX];
static size_t saved_len;
static uint64_t stored;
static enum ln_status store_says, save_says;
static enum ln_firmware_result verify_says, install_says;

/* ---- the application ---- */

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    (void)ctx;
    (void)diag;
    stored = offset;
    return store_says == LN_AGAIN ? LN_OK : store_says;
}

static enum ln_status write(void *ctx, uint64_t offset, struct ln_span data, struct ln_diag *diag)
{
    (void)ctx;
    (void)diag;
    CHECK(offset == stored && data.len > 0);
    if (store_says == LN_OK || store_says == LN_AGAIN)
        stored += data.len;
    return store_says;
}

static enum ln_firmware_result verify(void *user, uint64_t size, const uint8_t sha256[32])
{
    (void)user;
    (void)sha256;
    CHECK(now_in == LN_FIRMWARE_DOWNLOADING && size == stored);
    return verify_says;
}

static void reset(void *user)
{
    (void)user;
    stored = 0;
}

static enum ln_firmware_result install(void *user)
{
    (void)user;
    CHECK(now_in == LN_FIRMWARE_UPDATING);
    return install_says;
}

static enum ln_status save(void *user, struct ln_span state)
{
    (void)user;
    CHECK(state.len <= sizeof saved);
    if (save_says != LN_OK)
        return save_says;
    memcpy(saved, state.data, state.len);
    saved_len = state.len;
    return LN_OK;
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    (void)user;
    CHECK(room.len >= saved_len);
    if (saved_len == 0)
        return LN_NOT_FOUND;
    memcpy(room.data, saved, saved_len);
    *len = saved_len;
    return LN_OK;
}

static void changed(void *user, enum ln_firmware_state state, enum ln_firmware_result result)
{
    static const bool follows[4][4] = {
        [LN_FIRMWARE_IDLE] = { true, true, false, false },
        [LN_FIRMWARE_DOWNLOADING] = { true, true, true, false },
        [LN_FIRMWARE_DOWNLOADED] = { true, false, true, true },
        [LN_FIRMWARE_UPDATING] = { true, false, true, true },
    };
    (void)user;
    CHECK((unsigned)state < 4 && (unsigned)result <= LN_FIRMWARE_DEFERRED);
    CHECK(follows[now_in][state]);
    CHECK(result != LN_FIRMWARE_SUCCESS || (state == LN_FIRMWARE_IDLE && success_said));
    CHECK(state == LN_FIRMWARE_IDLE || result == LN_FIRMWARE_INITIAL ||
          (state == LN_FIRMWARE_DOWNLOADED && result == LN_FIRMWARE_DEFERRED));
    now_in = state;
}

static void boot(void)
{
    struct ln_firmware_config config = LN_FIRMWARE_CONFIG_INIT;
    struct ln_firmware_info info;
    fz_open(&z);
    config.store.begin = begin;
    config.store.write = write;
    config.verify = verify;
    config.reset = reset;
    config.install = install;
    config.save = save;
    config.load = load;
    config.changed = changed;
    config.attempts_max = 2;
    fw = NULL;
    now_in = LN_FIRMWARE_IDLE;
    enum ln_status st = ln_firmware_new(z.client, &config, NULL, &fw);
    CHECK(st == LN_OK);
    ln_firmware_info(fw, &info);
    CHECK((unsigned)info.state < 4 && (unsigned)info.result <= LN_FIRMWARE_DEFERRED);
    now_in = info.state;
    fz_register(&z);
    ln_firmware_info(fw, &info);
    CHECK(info.state == now_in);
}

static void halt(void)
{
    ln_firmware_free(fw);
    fz_close(&z);
}

/* ---- the server ---- */

static void request(uint8_t code, const char *resource, int format, bool block,
                    struct ln_coap_block which, struct ln_span payload)
{
    uint8_t room[400];
    struct ln_coap_writer w;
    struct ln_span out;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), LN_COAP_CON, code, ++server_mid, NULL);
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "5");
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "0");
    if (resource != NULL)
        ln_coap_put_text(&w, LN_COAP_URI_PATH, resource);
    if (format >= 0)
        ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, (uint32_t)format);
    if (block)
        ln_coap_put_block(&w, LN_COAP_BLOCK1, which);
    ln_coap_put_payload(&w, payload);
    CHECK(ln_coap_writer_end(&w, &out) == LN_OK);
    CHECK(ln_sock_send_to(z.server, &z.peer, out) == LN_OK);
    (void)fz_pass(&z, 2);
}

static const struct ln_coap_block no_block;

/* A block of a push: whole but for the last one, of any number. */
static void push(void)
{
    uint8_t payload[BLOCK];
    uint8_t how = (uint8_t)script_number(&in, 1);
    struct ln_coap_block block = { .num = how & 15u, .more = (how & 0x10) != 0, .szx = 2 };
    memset(payload, how, sizeof payload);
    size_t len = block.more ? BLOCK : how >> 5;
    request(LN_COAP_PUT, "0", 42, (how & 0x20) != 0 || block.more || block.num != 0, block,
            ln_span(payload, len));
}

static void write_uri(void)
{
    static const char *const uris[] = {
        "",
        "coap://192.0.2.1/fw",
        "coap://192.0.2.1:1/fw",
        "http://192.0.2.1/fw",
        "https://192.0.2.1/fw",
        "ftp://192.0.2.1/fw",
        "coap://[fe80::1%25x]/",
        "http://user:pass@192.0.2.1/",
    };
    uint8_t which = (uint8_t)script_number(&in, 1);
    struct ln_span text = which < 0x80 ? ln_span_str(uris[which % 8]) : script_bytes(&in, 250);
    request(LN_COAP_PUT, "1", 0, false, no_block, text);
}

static void execute(void)
{
    request(LN_COAP_POST, script_number(&in, 1) % 2 != 0 ? "10" : "2", -1, false, no_block,
            ln_span(NULL, 0));
}

/* Anything else of the instance, as TLV. */
static void write_instance(void)
{
    uint8_t code = script_number(&in, 1) % 2 != 0 ? LN_COAP_POST : LN_COAP_PUT;
    request(code, NULL, 11542, false, no_block, script_bytes(&in, 250));
}

/* ---- the script ---- */

static void decide(void)
{
    static const enum ln_status answers[] = { LN_OK,       LN_OK,        LN_AGAIN,
                                              LN_NO_SPACE, LN_NO_MEMORY, LN_IO };
    static const enum ln_firmware_result verdicts[] = {
        LN_FIRMWARE_INITIAL,   LN_FIRMWARE_INITIAL, LN_FIRMWARE_DEFERRED,
        LN_FIRMWARE_INTEGRITY, LN_FIRMWARE_FAILED,  LN_FIRMWARE_PACKAGE_TYPE,
    };
    uint32_t which = script_number(&in, 1);
    uint32_t kind = script_number(&in, 1) % 4;
    if (kind == 0)
        store_says = answers[which % 6];
    else if (kind == 1)
        save_says = which % 2 != 0 ? LN_IO : LN_OK;
    else if (kind == 2)
        verify_says = verdicts[which % 6];
    else
        install_says = verdicts[which % 6];
}

static void act(void)
{
    uint32_t what = script_number(&in, 1);
    enum ln_firmware_result result = (enum ln_firmware_result)(script_number(&in, 1) % 12);
    struct ln_firmware_info info;
    switch (what % 5) {
    case 0:
        success_said = success_said || result == LN_FIRMWARE_SUCCESS;
        if (ln_firmware_result(fw, result) != LN_OK) {
            ln_firmware_info(fw, &info);
            CHECK(info.state == now_in);
        }
        break;
    case 1:
        if (result != LN_FIRMWARE_SUCCESS) /* is no verdict */
            ln_firmware_verified(fw, result);
        break;
    case 2:
        ln_firmware_suspend(fw, result % 2 != 0);
        break;
    case 3:
        ln_firmware_reconnect(fw);
        break;
    default:
        ln_firmware_ready(fw);
        break;
    }
    (void)fz_pass(&z, 0);
}

static void step(uint32_t kind)
{
    switch (kind % 8) {
    case 0:
        push();
        break;
    case 1:
        write_uri();
        break;
    case 2:
        execute();
        break;
    case 3:
        write_instance();
        break;
    case 4:
        decide();
        break;
    case 5:
        act();
        break;
    case 6:
        (void)fz_pass(&z, (ln_msec)script_number(&in, 2) * 10);
        break;
    default:
        halt();
        boot();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    in = (struct script) { data, size };
    store_says = save_says = LN_OK;
    verify_says = install_says = LN_FIRMWARE_INITIAL;
    stored = 0;
    server_mid = 0x4000;
    struct ln_span state = script_bytes(&in, 250);
    memcpy(saved, state.data, state.len);
    saved_len = state.len;
    success_said = saved_len > 0; /* what was saved may say so */
    boot();
    for (unsigned steps = 0; in.size > 0 && steps < 64; steps++)
        step(script_number(&in, 1));
    halt();
    return 0;
}
