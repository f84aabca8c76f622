/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file credentials.c
 * Reads what sources hold, and tells PEM from DER by content.
 *
 * A source is walked recursively; every object found is given to a collector, which knows what it
 * looks for. A PEM text must hold at least one object of the wanted type (TLS-32); in a folder,
 * files that hold none are passed over, but one of them must hold something.
 */
#include "tls/credentials.h"
#include "base/try.h"
#include "codec/der.h"
#include "codec/pem.h"
#include "codec/pkcs7.h"
#include "codec/x509.h"
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 4
#define PATH_ROOM 512

/** What a loader looks for, and what it does with it. */
struct wanted {
    const char *what;            /**< "certificate" */
    const char *const labels[3]; /**< of PEM blocks; NULL ends them */
    enum ln_status (*check)(struct ln_span der);
    bool bundles; /**< a PKCS#7 bundle may hold it */
};

struct walk {
    const struct ln_load *load;
    const struct wanted *wanted;
    struct ln_der_list *out;
    const char *place; /**< the file, or "memory" */
    bool quiet;        /**< inside a folder: what cannot be used is passed over */
};

/* ---- lists ---- */

void ln__der_list_init(struct ln_der_list *list, const struct ln_env *env)
{
    memset(list, 0, sizeof *list);
    list->env = env;
}

void ln__der_list_free(struct ln_der_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        ln_free(list->env, (void *)(uintptr_t)list->items[i].data);
    ln_free(list->env, list->items);
    ln__der_list_init(list, list->env);
}

enum ln_status ln__der_list_add(struct ln_der_list *list, struct ln_span der)
{
    if (list->count == list->room) {
        size_t room = list->room != 0 ? list->room * 2 : 4;
        void *grown = ln_resize(list->env, list->items, room * sizeof *list->items);
        if (grown == NULL)
            return LN_NO_MEMORY;
        list->items = grown;
        list->room = room;
    }
    uint8_t *copy = ln_calloc(list->env, der.len, 1);
    if (copy == NULL)
        return LN_NO_MEMORY;
    memcpy(copy, der.data, der.len);
    list->items[list->count++] = ln_span(copy, der.len);
    return LN_OK;
}

/* ---- failures ---- */

static enum ln_status fail(const struct ln_load *load, enum ln_status status, const char *place,
                           const char *why)
{
    enum ln_category category =
        status == LN_NO_MEMORY ? LN_CAT_OUT_OF_MEMORY : LN_CAT_CONFIGURATION;
    return ln_diag_set(load->diag, status, category, LN_PHASE_CONFIGURE, "%s: %.80s: %s",
                       load->field, place, why);
}

static const char *read_failure(enum ln_status status)
{
    switch (status) {
    case LN_NOT_FOUND:
        return "there is no such file";
    case LN_DENIED:
        return "may not be read";
    case LN_BAD_ARG:
        return "is not a plain file";
    case LN_NO_MEMORY:
        return "no memory to read it";
    case LN_NO_SPACE:
        return "is too large";
    case LN_OK:
    case LN_AGAIN:
    case LN_CLOSED:
    case LN_TIMEOUT:
    case LN_REFUSED:
    case LN_BAD_STATE:
    case LN_BAD_PEER:
    case LN_UNSUPPORTED:
    case LN_IO:
    case LN_INTERNAL:
        break;
    }
    return "cannot be read";
}

/* ---- files ---- */

/** The file's bytes in memory of their own; `extra` bytes of zero behind them. */
static enum ln_status read_file(const struct ln_load *load, const char *path, uint8_t **bytes,
                                size_t *len)
{
    const struct ln_files *files = &load->env->files;
    size_t size = 0;
    *bytes = NULL;
    if (files->read == NULL)
        return LN_UNSUPPORTED;
    enum ln_status st = files->read(files->ctx, path, ln_mspan(NULL, 0), &size);
    if (st == LN_OK)
        return LN_OK; /* empty */
    if (st != LN_NO_SPACE)
        return st;
    if (size > LN_CREDENTIAL_MAX)
        return LN_NO_SPACE;
    *bytes = ln_calloc(load->env, size, 1);
    if (*bytes == NULL)
        return LN_NO_MEMORY;
    st = files->read(files->ctx, path, ln_mspan(*bytes, size), len);
    if (st == LN_OK && *len <= size)
        return LN_OK;
    ln_free_secret(load->env, *bytes, size);
    *bytes = NULL;
    return st == LN_OK ? LN_IO : st;
}

/* ---- certificates and CRLs ---- */

static enum ln_status add(struct walk *w, struct ln_span der)
{
    if (w->wanted->check(der) != LN_OK)
        return LN_BAD_PEER;
    return ln__der_list_add(w->out, der);
}

/** The certificates of a PKCS#7 bundle. */
static enum ln_status add_bundle(struct walk *w, struct ln_span der)
{
    struct ln_cursor certs;
    struct ln_span cert;
    TRY(ln__pkcs7_certs(der, &certs));
    while (ln__pkcs7_next(&certs, &cert))
        TRY(add(w, cert));
    return LN_OK;
}

/** One or more objects, one directly behind the other. */
static enum ln_status add_der(struct walk *w, struct ln_span bytes)
{
    struct ln_cursor in = ln__cursor(bytes);
    while (!ln__cursor_is_empty(&in)) {
        struct ln_der object;
        TRY(ln__der_read(&in, &object));
        enum ln_status st = add(w, object.whole);
        if (st == LN_BAD_PEER && w->wanted->bundles)
            st = add_bundle(w, object.whole);
        if (st != LN_OK)
            return st;
    }
    return LN_OK;
}

static bool has_label(const struct ln_pem *pem, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count && labels[i] != NULL; i++)
        if (ln__pem_label_is(pem, labels[i]))
            return true;
    return false;
}

#define HAS_LABEL(pem, labels) has_label(pem, labels, sizeof(labels) / sizeof *(labels))

/** A block of another type is passed over. */
static enum ln_status add_block(struct walk *w, const struct ln_pem *pem)
{
    static const char *const bundle_labels[] = { "PKCS7", "CMS" };
    bool bundle = w->wanted->bundles && HAS_LABEL(pem, bundle_labels);
    if (!bundle && !HAS_LABEL(pem, w->wanted->labels))
        return LN_OK;
    size_t len = 0;
    uint8_t *der = ln_calloc(w->load->env, pem->body.len + 1, 1);
    if (der == NULL)
        return LN_NO_MEMORY;
    enum ln_status st = ln__pem_decode(pem, ln_mspan(der, pem->body.len), &len);
    if (st == LN_OK)
        st = bundle ? add_bundle(w, ln_span(der, len)) : add(w, ln_span(der, len));
    ln_free(w->load->env, der);
    return st;
}

static enum ln_status add_pem(struct walk *w, struct ln_span text)
{
    struct ln_cursor in = ln__cursor(text);
    struct ln_pem pem;
    for (;;) {
        enum ln_status st = ln__pem_next(&in, &pem);
        if (st == LN_NOT_FOUND)
            return LN_OK;
        if (st == LN_OK)
            st = add_block(w, &pem);
        if (st != LN_OK)
            return st;
    }
}

static enum ln_status add_content(struct walk *w, struct ln_span bytes)
{
    switch (ln__pem_form(bytes)) {
    case LN_FORM_PEM:
        return add_pem(w, bytes);
    case LN_FORM_DER:
        return add_der(w, bytes);
    case LN_FORM_EMPTY:
    case LN_FORM_UNKNOWN:
        break;
    }
    return LN_BAD_PEER;
}

static enum ln_status add_bytes(struct walk *w, struct ln_span bytes)
{
    size_t before = w->out->count;
    char why[64];
    if (bytes.len == 0 || bytes.data == NULL)
        return fail(w->load, LN_NOT_FOUND, w->place, "is empty");
    if (bytes.len > LN_CREDENTIAL_MAX)
        return fail(w->load, LN_NO_SPACE, w->place, "is too large");
    enum ln_status st = add_content(w, bytes);
    if (st == LN_OK && w->out->count > before)
        return LN_OK;
    if (st == LN_NO_MEMORY)
        return fail(w->load, st, w->place, "no memory for it");
    if (st == LN_OK) {
        snprintf(why, sizeof why, "holds no %s", w->wanted->what);
        return fail(w->load, LN_NOT_FOUND, w->place, why);
    }
    snprintf(why, sizeof why, "cannot be read as PEM or DER of a %s", w->wanted->what);
    return fail(w->load, LN_BAD_ARG, w->place, why);
}

static enum ln_status add_file(struct walk *w, const char *path)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ln_status st = read_file(w->load, path, &bytes, &len);
    w->place = path;
    if (st != LN_OK)
        return fail(w->load, st, path, read_failure(st));
    st = add_bytes(w, ln_span(bytes, len));
    ln_free_secret(w->load->env, bytes, len);
    return st;
}

/* ---- folders ---- */

struct folder {
    struct walk *walk;
    const char *path;
    enum ln_status status;
};

/** One file of a folder: taken if it can be, passed over otherwise; only memory is fatal. */
static bool add_member(void *user, const char *name)
{
    struct folder *f = user;
    char path[PATH_ROOM];
    int len = snprintf(path, sizeof path, "%s/%s", f->path, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return true;
    struct ln_load quiet = *f->walk->load;
    struct walk w = *f->walk;
    quiet.diag = NULL;
    w.load = &quiet;
    size_t before = w.out->count;
    enum ln_status st = add_file(&w, path);
    if (st == LN_NO_MEMORY)
        f->status = st;
    else if (st != LN_OK)
        while (w.out->count > before) /* half a file is none */
            ln_free(w.out->env, (void *)(uintptr_t)w.out->items[--w.out->count].data);
    return f->status == LN_OK;
}

static enum ln_status add_folder(struct walk *w, const char *path)
{
    const struct ln_files *files = &w->load->env->files;
    struct folder f = { w, path, LN_OK };
    size_t before = w->out->count;
    if (!w->load->folders)
        return fail(w->load, LN_UNSUPPORTED, path, "a folder is possible for trust and crls only");
    if (files->list == NULL)
        return fail(w->load, LN_UNSUPPORTED, path, "this environment lists no folders");
    enum ln_status st = files->list(files->ctx, path, add_member, &f);
    if (st == LN_BAD_ARG)
        return fail(w->load, st, path, "is not a folder");
    if (st != LN_OK)
        return fail(w->load, st, path,
                    st == LN_NOT_FOUND ? "there is no such folder" : read_failure(st));
    if (f.status != LN_OK)
        return fail(w->load, f.status, path, "no memory for what it holds");
    if (w->out->count > before)
        return LN_OK;
    return fail(w->load, LN_NOT_FOUND, path, "no file in it holds anything usable");
}

/* ---- sources ---- */

static enum ln_status add_source(struct walk *w, const struct ln_source *source, int depth)
{
    w->place = "memory";
    switch (source->kind) {
    case LN_SOURCE_NONE:
        return LN_OK;
    case LN_SOURCE_MEMORY:
        return add_bytes(w, source->data);
    case LN_SOURCE_FILE:
    case LN_SOURCE_DIRECTORY:
        if (source->path == NULL || source->path[0] == '\0')
            return fail(w->load, LN_BAD_ARG, "path", "is empty");
        return source->kind == LN_SOURCE_FILE ? add_file(w, source->path)
                                              : add_folder(w, source->path);
    case LN_SOURCE_URI:
        return fail(w->load, LN_UNSUPPORTED, "URI", "is possible for chain and key alone");
    case LN_SOURCE_LIST:
        if (depth == DEPTH_MAX || (source->list == NULL && source->count > 0))
            return fail(w->load, LN_BAD_ARG, "list", "is nested too deeply, or missing");
        for (size_t i = 0; i < source->count; i++)
            TRY(add_source(w, &source->list[i], depth + 1));
        return LN_OK;
    }
    return fail(w->load, LN_BAD_ARG, "kind", "is no value of enum ln_source_kind");
}

static enum ln_status certificate_check(struct ln_span der)
{
    struct ln_x509 ignored;
    return ln__x509_read(der, &ignored);
}

static enum ln_status crl_check(struct ln_span der)
{
    struct ln_crl ignored;
    return ln__x509_crl_read(der, &ignored);
}

static const struct wanted certificates = {
    "certificate", { "CERTIFICATE", "X509 CERTIFICATE" }, certificate_check, true
};
static const struct wanted crls = { "CRL", { "X509 CRL" }, crl_check, false };

enum ln_status ln__load_certificates(const struct ln_load *load, const struct ln_source *source,
                                     struct ln_der_list *out)
{
    struct walk w = { .load = load, .wanted = &certificates, .out = out };
    return add_source(&w, source, 0);
}

enum ln_status ln__load_crls(const struct ln_load *load, const struct ln_source *source,
                             struct ln_der_list *out)
{
    struct walk w = { .load = load, .wanted = &crls, .out = out };
    return add_source(&w, source, 0);
}

/* ---- keys ---- */

static const char *const key_labels[] = { "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY",
                                          "EC PRIVATE KEY" };

static enum ln_status find_pem_key(const struct ln_load *load, const char *place,
                                   struct ln_span text, struct ln_tls_key *key)
{
    struct ln_cursor in = ln__cursor(text);
    struct ln_pem pem;
    size_t keys = 0;
    enum ln_status st = ln__pem_next(&in, &pem);
    for (; st == LN_OK; st = ln__pem_next(&in, &pem)) {
        if (!HAS_LABEL(&pem, key_labels))
            continue; /* EC PARAMETERS, certificates */
        keys++;
        key->data = pem.whole;
        key->pem = true;
    }
    if (st != LN_NOT_FOUND)
        return fail(load, LN_BAD_ARG, place, "holds a damaged PEM block");
    if (keys > 1)
        return fail(load, LN_BAD_ARG, place, "holds more than one private key");
    return keys == 1 ? LN_OK : fail(load, LN_NOT_FOUND, place, "holds no private key");
}

static enum ln_status find_der_key(const struct ln_load *load, const char *place,
                                   struct ln_span bytes, struct ln_tls_key *key)
{
    struct ln_cursor in = ln__cursor(bytes);
    struct ln_der object;
    if (ln__der_read(&in, &object) != LN_OK || ln__der_end(&in) != LN_OK)
        return fail(load, LN_BAD_ARG, place, "is not one whole DER object");
    key->data = object.whole;
    return LN_OK;
}

static enum ln_status find_key(const struct ln_load *load, const char *place, struct ln_span bytes,
                               struct ln_tls_key *key)
{
    switch (ln__pem_form(bytes)) {
    case LN_FORM_PEM:
        return find_pem_key(load, place, bytes, key);
    case LN_FORM_DER:
        return find_der_key(load, place, bytes, key);
    case LN_FORM_EMPTY:
        return fail(load, LN_NOT_FOUND, place, "is empty");
    case LN_FORM_UNKNOWN:
        break;
    }
    return fail(load, LN_BAD_ARG, place, "is neither PEM nor DER");
}

static enum ln_status key_bytes(const struct ln_load *load, const struct ln_source *source,
                                struct ln_loaded_key *out)
{
    if (source->kind == LN_SOURCE_FILE) {
        if (source->path == NULL || source->path[0] == '\0')
            return fail(load, LN_BAD_ARG, "path", "is empty");
        enum ln_status st = read_file(load, source->path, &out->bytes, &out->len);
        if (st != LN_OK)
            return fail(load, st, source->path, read_failure(st));
        return LN_OK;
    }
    if (source->data.len > LN_CREDENTIAL_MAX)
        return fail(load, LN_NO_SPACE, "memory", "is too large");
    if (source->data.len == 0 || source->data.data == NULL)
        return LN_OK;
    out->bytes = ln_calloc(load->env, source->data.len, 1);
    if (out->bytes == NULL)
        return fail(load, LN_NO_MEMORY, "memory", "no memory for the key");
    memcpy(out->bytes, source->data.data, source->data.len);
    out->len = source->data.len;
    return LN_OK;
}

enum ln_status ln__load_key(const struct ln_load *load, const struct ln_source *source,
                            struct ln_loaded_key *out)
{
    const char *place = source->kind == LN_SOURCE_FILE ? source->path : "memory";
    out->env = load->env;
    out->key.password = source->password;
    if (source->kind == LN_SOURCE_URI) {
        if (source->path == NULL || strncmp(source->path, "pkcs11:", 7) != 0)
            return fail(load, LN_BAD_ARG, "URI", "only pkcs11: is known");
        out->key.uri = source->path;
        return LN_OK;
    }
    if (source->kind != LN_SOURCE_FILE && source->kind != LN_SOURCE_MEMORY)
        return fail(load, LN_BAD_ARG, "kind", "a key comes from memory, a file or a URI");
    TRY(key_bytes(load, source, out));
    return find_key(load, place, ln_span(out->bytes, out->len), &out->key);
}

void ln__loaded_key_free(struct ln_loaded_key *key)
{
    ln_free_secret(key->env, key->bytes, key->len);
    memset(key, 0, sizeof *key);
}
