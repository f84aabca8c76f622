/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: fwworld.h.
 */
#include "support/fwworld.h"

#include "support/vtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- the application ---- */

static enum ln_firmware_result verify(void *user, uint64_t size, const uint8_t sha256[32])
{
    struct fw_world *w = user;
    assert_int_equal(size, w->device.store.len);
    memcpy(w->device.sha256, sha256, sizeof w->device.sha256);
    w->device.verifies++;
    return w->device.verify;
}

static void reset(void *user)
{
    struct fw_world *w = user;
    struct dl_store *store = &w->device.store;
    store->len = store->synced = store->state_len = 0;
    w->device.resets++;
}

static enum ln_firmware_result install(void *user)
{
    struct fw_world *w = user;
    w->device.installs++;
    return w->device.install;
}

static enum ln_status save(void *user, struct ln_span state)
{
    struct fw_world *w = user;
    w->device.saves++;
    if (w->device.save != LN_OK)
        return w->device.save;
    memcpy(w->device.state, state.data, state.len);
    w->device.state_len = state.len;
    return LN_OK;
}

static enum ln_status load(void *user, struct ln_mspan room, size_t *len)
{
    const struct fw_world *w = user;
    if (w->device.load != LN_OK)
        return w->device.load;
    if (w->device.state_len == 0)
        return LN_NOT_FOUND;
    assert_true(room.len >= w->device.state_len);
    memcpy(room.data, w->device.state, w->device.state_len);
    *len = w->device.state_len;
    return LN_OK;
}

static void changed(void *user, enum ln_firmware_state state, enum ln_firmware_result result)
{
    static const struct ln_testkit_fault once = { .times = 1 };
    struct fw_world *w = user;
    size_t len = strlen(w->device.changes);
    (void)snprintf(w->device.changes + len, sizeof w->device.changes - len, "%d/%d ", (int)state,
                   (int)result);
    if (state == LN_FIRMWARE_DOWNLOADING && w->device.fail_memory)
        ln_testkit_fail(w->lw.device_host, LN_TESTKIT_ALLOC, &once);
    if (w->on_change != NULL)
        w->on_change(w, state);
}

/* ---- life ---- */

void fw_clear(struct fw_world *w)
{
    memset(w, 0, sizeof *w);
    w->options = (struct lw_options)LW_OPTIONS_INIT;
    w->config = (struct ln_firmware_config)LN_FIRMWARE_CONFIG_INIT;
}

enum ln_status fw_try_boot(struct fw_world *w)
{
    struct ln_firmware_config config = w->config;
    const char *what = "";
    w->fw = NULL;
    (void)vtime_calls();
    enum ln_status st = lw_open(&w->lw, &w->options, &what);
    if (w->on_boot != NULL)
        w->on_boot(w);
    config.store = dl_store_ops(&w->device.store);
    config.verify = verify;
    config.reset = reset;
    config.install = install;
    config.save = save;
    config.load = load;
    config.changed = changed;
    config.user = w;
    if (st == LN_OK)
        st = ln_firmware_new(w->lw.client, &config, NULL, &w->fw);
    return st == LN_OK ? lw_start(&w->lw) : st;
}

void fw_boot(struct fw_world *w)
{
    assert_int_equal(fw_try_boot(w), LN_OK);
    assert_true(lw_run(&w->lw, lw_is_registered, 600000));
}

void fw_halt(struct fw_world *w)
{
    if (w->options.trial == NULL)
        ln_testkit_fail(w->lw.device_host, LN_TESTKIT_ALLOC, NULL);
    ln_firmware_free(w->fw);
    w->fw = NULL;
    if (w->on_halt != NULL)
        w->on_halt(w);
    lw_close(&w->lw);
}

/* ---- what the server does ---- */

uint8_t fw_push(struct fw_world *w, const void *data, size_t len, int szx)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/5/0/0" };
    rq.format = 42;
    rq.payload = data;
    rq.len = len;
    rq.block1_szx = szx;
    return lw_ask(&w->lw, &rq) ? w->lw.server.answer.code : 0;
}

uint8_t fw_execute(struct fw_world *w, const char *path)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = path };
    return lw_ask(&w->lw, &rq) ? w->lw.server.answer.code : 0;
}

uint8_t fw_write_uri(struct fw_world *w, const char *uri)
{
    return lw_put(&w->lw, "/5/0/1", 0, uri, strlen(uri));
}

void fw_pull(struct fw_world *w, const char *uri)
{
    assert_int_equal(fw_write_uri(w, uri), LN_COAP_CHANGED);
    if (!fw_run_until_over(w, 3600 * 1000))
        fail_msg("%s does not end: %s", uri, w->device.changes);
}

/* ---- what is seen ---- */

void fw_must_be(struct fw_world *w, const char *what, const char *expected)
{
    char seen[8];
    struct ln_firmware_info info;
    (void)snprintf(seen, sizeof seen, "%.1s/", lw_read(&w->lw, "/5/0/3"));
    (void)snprintf(seen + 2, sizeof seen - 2, "%s", lw_read(&w->lw, "/5/0/5"));
    ln_firmware_info(w->fw, &info);
    if (strcmp(seen, expected) != 0)
        fail_msg("%s: %s, not %s: %s (%s)", what, seen, expected, info.diag->text,
                 w->device.changes);
}

static bool is_over(const struct lw_world *lw)
{
    const struct fw_world *w = (const struct fw_world *)(const void *)lw; /* its first member */
    struct ln_firmware_info info;
    ln_firmware_info(w->fw, &info);
    return info.state != LN_FIRMWARE_DOWNLOADING;
}

bool fw_run_until_over(struct fw_world *w, int64_t ms)
{
    return lw_run(&w->lw, is_over, ms);
}
