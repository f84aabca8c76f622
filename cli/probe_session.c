/* SPDX-License-Identifier: Apache-2.0 */
/* One session in one file: its key, a line end, its blob. A session of another peer or with other
 * settings has another key: it is not used, and the next save replaces it. */
#include "probe.h"

#include <string.h>

#define KEY_LEN 32
#define HEAD_LEN (KEY_LEN + 1)

static enum ln_status load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct probe_session *session = ctx;
    const struct ln_files *files = &session->env->files;
    static uint8_t file[HEAD_LEN + LN_SESSION_MAX];
    size_t got = 0;
    enum ln_status st = files->read(files->ctx, session->path, ln_mspan(file, sizeof file), &got);
    if (st == LN_OK && (got < HEAD_LEN || memcmp(file, key, KEY_LEN) != 0 || file[KEY_LEN] != '\n'))
        st = LN_NOT_FOUND;
    if (st == LN_OK) {
        *len = got - HEAD_LEN;
        if (*len > room.len)
            st = LN_NO_SPACE;
        else
            memcpy(room.data, file + HEAD_LEN, *len);
    }
    ln_wipe(file, sizeof file);
    return st;
}

static enum ln_status save(void *ctx, const char *key, struct ln_span blob)
{
    const struct probe_session *session = ctx;
    const struct ln_files *files = &session->env->files;
    static uint8_t file[HEAD_LEN + LN_SESSION_MAX];
    if (blob.len > LN_SESSION_MAX || strlen(key) != KEY_LEN)
        return LN_NO_SPACE;
    memcpy(file, key, KEY_LEN);
    file[KEY_LEN] = '\n';
    memcpy(file + HEAD_LEN, blob.data, blob.len);
    enum ln_status st =
        files->replace(files->ctx, session->path, ln_span(file, HEAD_LEN + blob.len));
    ln_wipe(file, sizeof file);
    return st;
}

static enum ln_status forget(void *ctx, const char *key)
{
    const struct probe_session *session = ctx;
    const struct ln_files *files = &session->env->files;
    (void)key;
    return files->remove(files->ctx, session->path);
}

struct ln_session_store probe_session_store(struct probe_session *session)
{
    return (
        struct ln_session_store) { .load = load, .save = save, .remove = forget, .ctx = session };
}
