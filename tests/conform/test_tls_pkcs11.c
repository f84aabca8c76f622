/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_pkcs11.c
 * A certificate and a key on a token: SoftHSM behind OpenSSL's pkcs11 provider (field-lessons 25).
 *
 * Which providers there are is decided once in the life of a process, and so is whether it is logged
 * in to a token: after the right PIN a wrong one does no harm. Therefore the program makes a token,
 * and then runs itself once for each of `stages`, in which the token's key was never seen. Its own
 * first part is the one without a provider.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "support/tlspair.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/ui.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#define PIN "12345678"
#define WRONG_PIN "87650000"
#define TOKEN "pkcs11:token=linnet;"
#define CHAIN_URI TOKEN "object=device;type=cert"
#define KEY_URI TOKEN "object=device;type=private"
#define PATH_ROOM 512

/* ---- sanitizers ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* pkcs11-provider opens a module with RTLD_DEEPBIND, and the sanitizers end a program for that. */
__attribute__((visibility("default"))) void *dlopen(const char *path, int mode)
{
    void *(*next)(const char *, int) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    return next(path, mode & ~RTLD_DEEPBIND);
}
#endif

#if defined(__SANITIZE_ADDRESS__)
static void look_for_leaks(bool on)
{
    if (on)
        __lsan_enable();
    else
        __lsan_disable();
}
#else
static void look_for_leaks(bool on)
{
    (void)on;
}
#endif

/* ---- what the stages are given ---- */

enum { FOLDER_ROOM = 64, FILE_ROOM = 8192, SCALAR = 32, MASK = 0x5a };

static char folder[FOLDER_ROOM];

struct file {
    size_t len;
    uint8_t data[FILE_ROOM];
};

static struct {
    struct file root;
    struct file issuers; /* the root and the CA */
    struct file server;  /* with its CA */
    struct file server_key;
    struct file chain; /* the device's, with its CA */
    struct file leaf;  /* DER */
    struct file key;   /* the device's private number, masked: never seen as it is */
} world;

static const char *path_in_folder(const char *name, char *room, size_t size)
{
    assert_true(snprintf(room, size, "%s/%s", folder, name) < (int)size);
    return room;
}

static void read_in_folder(const char *name, struct file *file)
{
    char path[PATH_ROOM];
    FILE *f = fopen(path_in_folder(name, path, sizeof path), "rb");
    assert_non_null(f);
    file->len = fread(file->data, 1, sizeof file->data, f);
    assert_true(file->len > 0 && file->len < sizeof file->data);
    assert_int_equal(fclose(f), 0);
}

static void write_in_folder(const char *name, const void *data, size_t len)
{
    char path[PATH_ROOM];
    FILE *f = fopen(path_in_folder(name, path, sizeof path), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void write_span(const char *name, struct ln_span data)
{
    write_in_folder(name, data.data, data.len);
}

static void write_text(const char *name, const char *text)
{
    write_in_folder(name, text, strlen(text));
}

static struct ln_source from_memory(const struct file *file)
{
    return ln_source_memory(file->data, file->len);
}

/* ---- whether there is a token ---- */

static bool exists(const char *path)
{
    return access(path, R_OK) == 0;
}

static const char *softhsm(void)
{
    static const char *const places[] = {
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    };
    for (size_t i = 0; i < COUNT(places); i++)
        if (exists(places[i]))
            return places[i];
    return NULL;
}

/** What keeps this machine from having a token, or NULL. */
static const char *lacking(void)
{
    char path[PATH_ROOM];
    const char *modules = getenv("OPENSSL_MODULES");
    if (modules == NULL)
        modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    (void)snprintf(path, sizeof path, "%s/pkcs11.so", modules != NULL ? modules : "");
    if (!exists(path))
        return "OpenSSL's pkcs11 provider is not installed (package pkcs11-provider)";
    if (softhsm() == NULL || !exists("/usr/bin/softhsm2-util"))
        return "SoftHSM is not installed (package softhsm2)";
    if (!exists("/usr/bin/pkcs11-tool"))
        return "pkcs11-tool is not installed (package opensc)";
    return NULL;
}

static void need_token(void)
{
    const char *why = lacking();
    if (why == NULL)
        return;
    print_message("skip: %s\n", why);
    skip();
}

/* ---- configurations ---- */

static struct tls_pair pair;

/** What a device with a token sets: URIs, and who the server must be. No URI for the chain: it comes
 *  from memory. */
static struct tls_case token_case(const struct tls_row *row, const char *what, const char *chain,
                                  const char *key, const char *password)
{
    struct tls_case c = tls_case(row, what);
    c.client.trust = from_memory(&world.root);
    c.client.chain = chain != NULL ? ln_source_uri(chain) : from_memory(&world.chain);
    c.client.key = ln_source_uri(key);
    c.client.key.password = password;
    c.server.chain = from_memory(&world.server);
    c.server.key = from_memory(&world.server_key);
    c.server.trust = from_memory(&world.issuers); /* a token has the leaf only */
    c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
    return c;
}

struct refused {
    const char *what;
    const char *chain; /* as for token_case() */
    const char *key;
    const char *password;
    enum ln_status want;
    const char *field;
    const char *word; /* in the sentence; NULL = none */
};

static void must_refuse(const struct tls_row *row, const struct refused *r)
{
    struct tls_case c = token_case(row, r->what, r->chain, r->key, r->password);
    struct ln_tls_config *config = NULL;
    tls_pair_open_bare(&pair, &c);
    ln_diag_clear(&pair.client_diag);
    struct ln_diag *diag = &pair.client_diag;
    pair.client_status =
        tls_pair_config(&pair, &pair.client_env, &c.client, row->client, diag, &config);
    tls_want_status(&pair, r->want);
    tls_want_category(&pair, diag, LN_CAT_CONFIGURATION);
    assert_null(config);
    if (strncmp(diag->text, r->field, strlen(r->field)) != 0)
        tls_fail(&pair, "the sentence does not begin with the field %s", r->field);
    if (r->word != NULL && strstr(diag->text, r->word) == NULL)
        tls_fail(&pair, "the sentence does not say \"%s\"", r->word);
    if (strstr(diag->text, PIN) != NULL || strstr(diag->text, WRONG_PIN) != NULL)
        tls_fail(&pair, "the sentence tells the PIN");
    tls_pair_close(&pair);
}

/** Those back ends that know tokens. */
static struct tls_rows token_rows(void)
{
    return tls_rows(LN_TLS_CAP_PKCS11);
}

static void all_refused(const struct refused *table, size_t count)
{
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++)
        for (size_t i = 0; i < count; i++)
            must_refuse(&rows.row[r], &table[i]);
}

#define ALL_REFUSED(table) all_refused(table, sizeof(table) / sizeof((table)[0]))

/** The peer got the token's certificate, and proof that the key belongs to it. */
static void want_device(const struct ln_sock *s)
{
    uint8_t der[FILE_ROOM];
    size_t len = 0;
    assert_int_equal(ln_sock_peer_certificate(s, 0, ln_mspan(der, sizeof der), &len), LN_OK);
    assert_int_equal(len, world.leaf.len);
    assert_memory_equal(der, world.leaf.data, len);
}

static void must_be_mutual(const struct tls_case *c)
{
    tls_pair_start(&pair, c);
    tls_pair_must_exchange(&pair);
    want_device(pair.server);
    tls_pair_close(&pair);
}

static void all_mutual(const char *what, const char *key, const char *password)
{
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = token_case(&rows.row[r], what, CHAIN_URI, key, password);
        must_be_mutual(&c);
    }
}

/* ---- nobody is asked ---- */

/* The provider asks by the process's default method, at the terminal. A device has none, and a
 * program that waits for one is stuck in the middle of its event loop. */
static size_t asked_at_terminal;

static int open_terminal(UI *ui)
{
    (void)ui;
    asked_at_terminal++;
    return 0;
}

static UI_METHOD *no_terminal;

static int watch_terminal(void **state)
{
    (void)state;
    if (lacking() != NULL)
        return 0;
    no_terminal = UI_create_method("nobody");
    if (no_terminal == NULL || UI_method_set_opener(no_terminal, open_terminal) != 0)
        return 1;
    UI_set_default_method(no_terminal);
    return 0;
}

static int nobody_was_asked(void **state)
{
    (void)state;
    UI_set_default_method(UI_OpenSSL());
    UI_destroy_method(no_terminal);
    if (asked_at_terminal == 0)
        return 0;
    print_error("asked for a PIN at the terminal %zu times\n", asked_at_terminal);
    return 1;
}

/* ---- the ways of a PIN, each in a process that is not logged in ---- */

/* scenario: C1, T25 */
static void test_pin_in_the_uri(void **state)
{
    (void)state;
    static const struct refused table[] = {
        { "a wrong PIN in the URI", CHAIN_URI, KEY_URI "?pin-value=" WRONG_PIN, NULL, LN_DENIED,
          "key: ", "refuses the PIN" },
        { "no PIN", CHAIN_URI, KEY_URI, NULL, LN_DENIED, "key: ", "wants a PIN" },
        { "no PIN, and no such key", CHAIN_URI, TOKEN "object=none", NULL, LN_DENIED,
          "key: ", "wants a PIN" },
    };
    need_token();
    ALL_REFUSED(table);
    all_mutual("a PIN in the URI", KEY_URI "?pin-value=" PIN, NULL);
}

/* scenario: C1 */
static void test_pin_in_a_file(void **state)
{
    (void)state;
    char right[PATH_ROOM];
    char wrong[PATH_ROOM];
    char none[PATH_ROOM];
    need_token();
    (void)snprintf(right, sizeof right, "%s?pin-source=file:%s/pin", KEY_URI, folder);
    (void)snprintf(wrong, sizeof wrong, "%s?pin-source=file:%s/wrong-pin", KEY_URI, folder);
    (void)snprintf(none, sizeof none, "%s?pin-source=file:%s/no-pin", KEY_URI, folder);
    const struct refused table[] = {
        { "a wrong PIN in a file", CHAIN_URI, wrong, NULL, LN_DENIED, "key: ", "refuses the PIN" },
    };
    const struct refused no_file[] = {
        { "a file that does not exist", CHAIN_URI, none, NULL, LN_NOT_FOUND,
          "key: ", "pin-source" },
    };
    ALL_REFUSED(table);
    look_for_leaks(false); /* pkcs11-provider 1.0 forgets to free what it has read of such a URI */
    ALL_REFUSED(no_file);
    look_for_leaks(true);
    all_mutual("a PIN in a file", right, NULL);
}

/* scenario: C1 */
static void test_pin_as_password(void **state)
{
    (void)state;
    static const struct refused table[] = {
        { "a wrong PIN as password", CHAIN_URI, KEY_URI, WRONG_PIN, LN_DENIED,
          "key: ", "refuses the PIN" },
        { "an empty one", CHAIN_URI, KEY_URI, "", LN_DENIED, "key: ", "refuses the PIN" },
    };
    need_token();
    ALL_REFUSED(table);
    all_mutual("a PIN as password", KEY_URI, PIN);
}

/* scenario: C1 */
static void test_pin_in_openssl_cnf(void **state)
{
    (void)state;
    need_token();
    all_mutual("a PIN in openssl.cnf", KEY_URI, NULL);
}

/* ---- a token that works ---- */

#define KEY_AND_PIN KEY_URI "?pin-value=" PIN

/* scenario: C1, S26 */
static void test_nothing_behind_the_uri(void **state)
{
    (void)state;
    static const struct refused table[] = {
        { "no such key", CHAIN_URI, TOKEN "object=none?pin-value=" PIN, NULL, LN_NOT_FOUND,
          "key: ", "no private key" },
        { "no such token", CHAIN_URI, "pkcs11:token=none;object=device?pin-value=" PIN, NULL,
          LN_NOT_FOUND, "key: ", "no private key" },
        { "a certificate where a key must be", CHAIN_URI, CHAIN_URI "?pin-value=" PIN, NULL,
          LN_NOT_FOUND, "key: ", "no private key" },
        { "no such certificate", TOKEN "object=none", KEY_AND_PIN, NULL, LN_NOT_FOUND,
          "chain: ", "no certificate" },
        { "a key where a certificate must be", KEY_AND_PIN, KEY_AND_PIN, NULL, LN_NOT_FOUND,
          "chain: ", "no certificate" },
        { "no URI of RFC 7512", CHAIN_URI, "pkcs11:object=%zz", NULL, LN_NOT_FOUND,
          "key: ", "malformed" },
        { "the certificate of another key", TOKEN "object=other", KEY_AND_PIN, NULL, LN_BAD_ARG,
          "key: ", "does not belong" },
    };
    need_token();
    ALL_REFUSED(table);
}

/* scenario: C1 */
static void test_chain_from_a_file(void **state)
{
    (void)state;
    need_token();
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            token_case(&rows.row[r], "the key alone is on the token", NULL, KEY_AND_PIN, NULL);
        c.server.trust = from_memory(&world.root); /* the issuer comes with the chain */
        must_be_mutual(&c);
    }
}

/* scenario: C1 */
static void test_server_with_a_token(void **state)
{
    (void)state;
    need_token();
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            token_case(&rows.row[r], "both have the token", CHAIN_URI, KEY_AND_PIN, NULL);
        c.server.chain = from_memory(&world.chain);
        c.server.key = c.client.key;
        tls_pair_start(&pair, &c);
        tls_pair_must_exchange(&pair);
        want_device(pair.client);
        want_device(pair.server);
        tls_pair_close(&pair);
    }
}

/* ---- the key stays where it is ---- */

static enum ln_status take_native(void *user, void *native)
{
    SSL_CTX **ctx = user;
    *ctx = native;
    return LN_OK;
}

static void want_no_export(EVP_PKEY *key)
{
    BIGNUM *number = NULL;
    OSSL_PARAM *params = NULL;
    unsigned char *der = NULL;
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);
    assert_non_null(provider);
    assert_string_equal(OSSL_PROVIDER_get0_name(provider), "pkcs11");
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 0);
    if (EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) == 1)
        assert_null(OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY));
    OSSL_PARAM_free(params);
    assert_true(i2d_PrivateKey(key, &der) <= 0);
    assert_null(der);
    ERR_clear_error();
}

/* scenario: C1, T25 */
static void test_key_is_not_exported(void **state)
{
    (void)state;
    need_token();
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++) {
        SSL_CTX *ctx = NULL;
        struct tls_case c =
            token_case(&rows.row[r], "the key cannot be taken", CHAIN_URI, KEY_AND_PIN, NULL);
        c.client.native_hook = take_native;
        c.client.native_user = &ctx;
        tls_pair_open(&pair, &c);
        assert_non_null(ctx);
        want_no_export(SSL_CTX_get0_privatekey(ctx));
        tls_pair_close(&pair);
    }
}

/** Whether the masked bytes are there, unmasked: never written anywhere in one piece. */
static bool holds_key(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + SCALAR <= len; i++) {
        size_t same = 0;
        while (same < SCALAR && data[i + same] == (world.key.data[same] ^ MASK))
            same++;
        if (same == SCALAR)
            return true;
    }
    return false;
}

static bool area_holds_key(int memory, unsigned long from, unsigned long to)
{
    static uint8_t page[65536];
    for (unsigned long at = from; at < to; at += sizeof page - SCALAR) {
        size_t wanted = to - at < sizeof page ? to - at : sizeof page;
        ssize_t got = pread(memory, page, wanted, (off_t)at);
        if (got <= 0)
            return false;
        if (holds_key(page, (size_t)got))
            return true;
    }
    return false;
}

/** Looks through everything that can be written in this process. */
static bool memory_holds_key(size_t *areas)
{
    char line[PATH_ROOM];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_non_null(maps);
    assert_true(memory >= 0);
    *areas = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        char *rest = NULL;
        unsigned long from = strtoul(line, &rest, 16);
        unsigned long to = *rest == '-' ? strtoul(rest + 1, &rest, 16) : 0;
        if (strncmp(rest, " rw", 3) != 0 || to - from > 1ul << 24)
            continue; /* the shadow of a sanitizer has no end */
        ++*areas;
        found = area_holds_key(memory, from, to) || found;
    }
    (void)close(memory);
    (void)fclose(maps);
    return found;
}

/* SoftHSM is a library and works in our own process. Still nothing of the key may stay there, once a
 * signature is made: a core dump of the day after holds no key. */
/* scenario: C1, T25 */
static void test_memory_holds_no_key(void **state)
{
    (void)state;
    size_t areas = 0;
    uint8_t *own = NULL;
    need_token();
    struct tls_rows rows = token_rows();
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            token_case(&rows.row[r], "no trace of the key", CHAIN_URI, KEY_AND_PIN, NULL);
        tls_pair_start(&pair, &c);
        if (memory_holds_key(&areas))
            tls_fail(&pair, "the private key is in the memory of the process");
        tls_pair_close(&pair);
    }
    assert_true(areas > 4);
    /* The search is worth something only if it would have found it. */
    own = malloc(SCALAR);
    assert_non_null(own);
    for (size_t i = 0; i < SCALAR; i++)
        own[i] = world.key.data[i] ^ MASK;
    assert_true(memory_holds_key(&areas));
    free(own);
}

/* ---- settings of openssl.cnf that are wrong ---- */

/* scenario: C1 */
static void test_module_missing(void **state)
{
    (void)state;
    static const struct refused table[] = {
        { "openssl.cnf names a module that is not there", CHAIN_URI, KEY_AND_PIN, NULL,
          LN_NOT_FOUND, "chain: ", "module" },
    };
    need_token();
    ALL_REFUSED(table);
}

/* scenario: C1, S23 */
static void test_without_a_provider(void **state)
{
    (void)state;
    static const struct refused table[] = {
        { "all on a token, and no provider", CHAIN_URI, KEY_AND_PIN, NULL, LN_UNSUPPORTED,
          "chain: ", "package pkcs11-provider" },
        { "a key on a token, and no provider", NULL, KEY_AND_PIN, NULL, LN_UNSUPPORTED,
          "key: ", "package pkcs11-provider" },
    };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tls_capabilities caps;
        ln_tls_capabilities(rows.row[r].client, &caps);
        assert_int_equal(caps.caps & LN_TLS_CAP_PKCS11, 0);
        must_refuse(&rows.row[r], &table[0]);
        must_refuse(&rows.row[r], &table[1]);
    }
}

/* ---- stages ---- */

static const struct CMUnitTest uri_tests[] = { cmocka_unit_test(test_pin_in_the_uri) };
static const struct CMUnitTest file_tests[] = { cmocka_unit_test(test_pin_in_a_file) };
static const struct CMUnitTest password_tests[] = { cmocka_unit_test(test_pin_as_password) };
static const struct CMUnitTest settings_tests[] = { cmocka_unit_test(test_pin_in_openssl_cnf) };
static const struct CMUnitTest module_tests[] = { cmocka_unit_test(test_module_missing) };
static const struct CMUnitTest token_tests[] = {
    cmocka_unit_test(test_nothing_behind_the_uri), cmocka_unit_test(test_chain_from_a_file),
    cmocka_unit_test(test_server_with_a_token),    cmocka_unit_test(test_key_is_not_exported),
    cmocka_unit_test(test_memory_holds_no_key),
};

struct stage {
    const char *name;
    const char *settings; /* the openssl.cnf */
    const struct CMUnitTest *tests;
    size_t count;
};

#define STAGE(name_, settings_, tests_)                                                            \
    { name_, settings_, tests_, sizeof(tests_) / sizeof((tests_)[0]) }

static const struct stage stages[] = {
    STAGE("pkcs11: PIN in the URI", "openssl.cnf", uri_tests),
    STAGE("pkcs11: PIN in a file", "openssl.cnf", file_tests),
    STAGE("pkcs11: PIN as password", "openssl.cnf", password_tests),
    STAGE("pkcs11: PIN in openssl.cnf", "openssl-pin.cnf", settings_tests),
    STAGE("pkcs11: token", "openssl.cnf", token_tests),
    STAGE("pkcs11: no module", "openssl-no-module.cnf", module_tests),
};

#define STAGE_COUNT (COUNT(stages))
#define FOLDER_VARIABLE "LINNET_PKCS11_FOLDER"
#define STAGE_VARIABLE "LINNET_PKCS11_STAGE"

static void read_world(void)
{
    read_in_folder("root.pem", &world.root);
    read_in_folder("issuers.pem", &world.issuers);
    read_in_folder("server.pem", &world.server);
    read_in_folder("server.key", &world.server_key);
    read_in_folder("chain.pem", &world.chain);
    read_in_folder("leaf.der", &world.leaf);
    read_in_folder("key.masked", &world.key);
}

/** In the process of a stage. */
static int run_stage(const char *number)
{
    size_t index = strtoul(number, NULL, 10);
    if (index >= STAGE_COUNT)
        return 2;
    (void)snprintf(folder, sizeof folder, "%s", getenv(FOLDER_VARIABLE));
    read_world();
    return _cmocka_run_group_tests(stages[index].name, stages[index].tests, stages[index].count,
                                   watch_terminal, nobody_was_asked);
}

/* ---- the token ---- */

/* The key's file is gone before a stage begins. `other` has the certificate of another key. */
static const char make_token[] =
    "cd \"$" FOLDER_VARIABLE "\" && exec >log 2>&1 && mkdir tokens && "
    "softhsm2-util --init-token --free --label linnet --so-pin 0000" PIN " --pin " PIN " && "
    "put() { pkcs11-tool --module \"$PKCS11_MODULE\" --token-label linnet --login --pin " PIN
    " --write-object \"$@\"; } && "
    "put key.der --type privkey --sensitive --id 01 --label device && "
    "put leaf.der --type cert --id 01 --label device && "
    "put other.der --type cert --id 02 --label other && rm key.der";

static int run_shell(const char *script)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void write_settings(const char *name, const char *module, const char *more)
{
    char text[2048];
    int len = snprintf(text, sizeof text,
                       "openssl_conf = openssl_init\n"
                       "[openssl_init]\n"
                       "providers = providers\n"
                       "[providers]\n" /* this order: see docs/howto-pkcs11.md */
                       "default = default_provider\n"
                       "pkcs11 = pkcs11_provider\n"
                       "[default_provider]\n"
                       "activate = 1\n"
                       "[pkcs11_provider]\n"
                       "activate = 1\n"
                       "pkcs11-module-path = %s\n"
                       "pkcs11-module-quirks = no-deinit\n"
                       "%s\n",
                       module, more);
    assert_true(len > 0 && len < (int)sizeof text);
    write_text(name, text);
}

static void write_all_settings(void)
{
    char text[PATH_ROOM];
    (void)snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nlog.level = ERROR\n",
                   folder);
    write_text("softhsm2.conf", text);
    write_text("pin", PIN "\n");
    write_text("wrong-pin", WRONG_PIN "\n");
    write_settings("openssl.cnf", softhsm(), "");
    write_settings("openssl-no-module.cnf", "/nonexistent/pkcs11.so", "");
    (void)snprintf(text, sizeof text, "pkcs11-module-token-pin = file:%s/pin", folder);
    write_settings("openssl-pin.cnf", softhsm(), text);
}

static void write_masked_key(struct ln_span der)
{
    uint8_t scalar[SCALAR];
    BIGNUM *number = NULL;
    const unsigned char *p = der.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
    assert_int_equal(BN_bn2binpad(number, scalar, SCALAR), SCALAR);
    for (size_t i = 0; i < SCALAR; i++)
        scalar[i] ^= MASK;
    write_in_folder("key.masked", scalar, SCALAR);
    BN_clear_free(number);
    EVP_PKEY_free(key);
}

static void write_world(void)
{
    struct tls_pki t;
    tls_pki_init(&t);
    struct pki_spec spec = {
        .name = "the device",
        .issuer = t.ca,
        .san = "DNS:" TLS_HOST,
        .eku = "serverAuth,clientAuth", /* a server has it, too */
    };
    const struct pki_cert *device = pki_make(t.pki, &spec);
    struct ln_span key = pki_write_key(t.pki, PKI_PKCS8_DER, device, NULL);
    write_span("root.pem", pki_pem(t.pki, t.root));
    write_span("issuers.pem", pki_write_certs(t.pki, PKI_PEM, PKI_LIST(t.root, t.ca)));
    write_span("server.pem", pki_write_certs(t.pki, PKI_PEM, PKI_LIST(t.server, t.ca)));
    write_span("server.key", pki_write_key(t.pki, PKI_PKCS8_PEM, t.server, NULL));
    write_span("chain.pem", pki_write_certs(t.pki, PKI_PEM, PKI_LIST(device, t.ca)));
    write_span("leaf.der", pki_cert_der(device));
    write_span("other.der", pki_cert_der(t.client));
    write_span("key.der", key);
    write_masked_key(key);
    tls_pki_deinit(&t);
}

static int make_world(void **state)
{
    (void)state;
    write_world();
    read_world();
    return 0;
}

/** Not much of a test, but this way a failure is told as one. */
static void test_token_is_made(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    need_token();
    write_all_settings();
    assert_int_equal(setenv("SOFTHSM2_CONF", path_in_folder("softhsm2.conf", path, sizeof path), 1),
                     0);
    assert_int_equal(setenv("PKCS11_MODULE", softhsm(), 1), 0);
    int status = run_shell(make_token);
    if (status != 0)
        (void)run_shell("cat \"$" FOLDER_VARIABLE "/log\"");
    assert_int_equal(status, 0);
}

static int run_in_process(size_t index)
{
    char number[24];
    char settings[PATH_ROOM];
    (void)snprintf(number, sizeof number, "%zu", index);
    (void)snprintf(settings, sizeof settings, "%s/%s", folder, stages[index].settings);
    (void)setenv(STAGE_VARIABLE, number, 1);
    (void)setenv("OPENSSL_CONF", settings, 1);
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/proc/self/exe", "test_tls_pkcs11", (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    if (!WIFEXITED(status))
        print_error("%s: ended by signal %d\n", stages[index].name, WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    static const struct CMUnitTest first[] = {
        cmocka_unit_test(test_without_a_provider),
        cmocka_unit_test(test_token_is_made),
    };
    const char *number = getenv(STAGE_VARIABLE);
    if (number != NULL)
        return run_stage(number);
    (void)snprintf(folder, sizeof folder, "/tmp/linnet-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 2;
    (void)setenv(FOLDER_VARIABLE, folder, 1);
    (void)setenv("OPENSSL_CONF", "/dev/null", 1);
    (void)unsetenv("PKCS11_PROVIDER_MODULE"); /* goes before openssl.cnf */
    int made = cmocka_run_group_tests_name("pkcs11: no provider", first, make_world, NULL);
    int failed = made;
    for (size_t i = 0; made == 0 && i < STAGE_COUNT; i++)
        failed += run_in_process(i);
    (void)run_shell("rm -rf \"$" FOLDER_VARIABLE "\"");
    return failed == 0 ? 0 : 1;
}
