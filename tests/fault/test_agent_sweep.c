/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own code with every allocation and every call of its files failing in turn, once or from
 * then on: configuration, kept values and their store, control socket and status.
 *
 * The library takes its memory from its environment, which other sweeps cover; what the agent, cJSON and
 * inih take from the heap comes through the linker's --wrap to this file. What must hold: no crash and
 * no leak (the address sanitizer looks), a Write is there or refused, a record is whole and the old one
 * or the new one, an answer is whole or says that it is not.
 */
#include "support/lwworld.h"

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/json.h"
#include "agent/log.h"

#include <linnet/tls_backend.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the heap ---- */

static struct {
    bool armed, sticky, reached;
    size_t left; /* allocations that still succeed */
} heap;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    if (!heap.armed || (heap.reached && !heap.sticky))
        return false;
    if (!heap.reached && heap.left > 0) {
        heap.left--;
        return false;
    }
    heap.reached = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static void arm(size_t n, bool sticky)
{
    heap.armed = true;
    heap.sticky = sticky;
    heap.reached = false;
    heap.left = n;
}

/* @return a failure was met */
static bool disarm(void)
{
    heap.armed = false;
    return heap.reached;
}

/* ---- configuration ---- */

static void count_error(void *user, enum ln_level level, const char *line)
{
    size_t *told = user;
    assert_int_equal(level, LN_LOG_ERROR);
    assert_true(line[0] != '\0');
    (*told)++;
}

static bool configure(struct ln_env *env, size_t *told)
{
    static const char text[] = "[agent]\nendpoint = a\nlog = off\n[server one]\nuri = coaps://b\n"
                               "psk_identity = c\npsk_key = 00112233445566778899aabbccddeeff\n"
                               "[device]\nmodel = d\n[firmware]\nhook = /e\n";
    struct config_teller teller = { count_error, told, 0 };
    struct config *config = config_new();
    bool good = config != NULL && config_read_text(config, "f", text, sizeof text - 1, &teller) &&
                config_finish(config, env, &teller);
    if (good) {
        assert_string_equal(config->endpoint, "a");
        assert_string_equal(config->servers[0].uri, "coaps://b");
        assert_string_equal(config->device.model, "d");
        assert_string_equal(config->firmware.hook, "/e");
    } else {
        assert_true(config == NULL || *told > 0); /* never without a word */
    }
    config_free(config);
    return good;
}

static void test_configuration(void **state)
{
    struct ln_env *env = NULL;
    (void)state;
    assert_int_equal(ln_env_posix_new(&env), LN_OK);
    for (int sticky = 0; sticky <= 1; sticky++) {
        size_t n = 0;
        for (;; n++) {
            size_t told = 0;
            arm(n, sticky != 0);
            bool good = configure(env, &told);
            if (!disarm()) {
                assert_true(good);
                break;
            }
        }
        print_message("%zu allocations\n", n);
        assert_true(n > 5);
    }
    ln_env_posix_free(env);
}

/* ---- a device with an agent's parts ---- */

static struct lw_world w;
static struct agent a;
static struct config config = { .endpoint = NULL };
static char endpoint[] = "device-1";
static char folder[] = "/tmp/linnet-sweep-XXXXXX";

static enum ln_answer keep(void *user, struct ln_client *client, uint16_t oid, uint16_t iid)
{
    (void)user;
    (void)client;
    (void)iid;
    return !kept_is(oid) || kept_save(&a.kept, &a.store, a.client, &a.machine) ? LN_ANSWER_OK
                                                                               : LN_ANSWER_INTERNAL;
}

static void prepare(struct lw_world *world)
{
    memset(&a, 0, sizeof a);
    a.env = &world->env;
    a.client = world->client;
    a.config = &config;
    a.problems.env = a.env;
    a.store = (struct store) { .env = a.env, .folder = "/state" };
    machine_init(&a.machine, &config, "1");
    assert_int_equal(machine_add(&a.machine, a.client), LN_OK);
    assert_int_equal(kept_load(&a.kept, &a.store, a.client, &a.machine), LN_OK);
}

static void boot(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.without_objects = true;
    options.prepare = prepare;
    options.config.keep = keep;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
}

static void halt(void)
{
    kept_free(&a.kept);
    lw_close(&w);
}

/* ---- what servers write ---- */

enum place { HEAP, FILES, LIBRARY };

static void begin_fault(enum place place, size_t n, bool sticky)
{
    struct ln_testkit_fault fault = { n, sticky ? LN_TESTKIT_ALWAYS : 1, LN_NO_SPACE };
    if (place == HEAP)
        arm(n, sticky);
    else
        ln_testkit_fail(w.device_host, place == FILES ? LN_TESTKIT_FILE : LN_TESTKIT_ALLOC, &fault);
}

static bool end_fault(enum place place)
{
    enum ln_testkit_point point = place == FILES ? LN_TESTKIT_FILE : LN_TESTKIT_ALLOC;
    if (place == HEAP)
        return disarm();
    bool hit = ln_testkit_hits(w.device_host, point) > 0;
    ln_testkit_fail(w.device_host, point, NULL);
    return hit;
}

static void assert_offset(const char *wanted)
{
    assert_string_equal(lw_read(&w, "/3/0/14"), wanted);
}

/* What another start would find: all of the values, with that one. */
static void assert_kept(const char *offset)
{
    static char text[8192];
    size_t len = 0;
    assert_int_equal(
        store_load(&a.store, "values", ln_mspan((uint8_t *)text, sizeof text - 1), &len), LN_OK);
    cJSON *record = cJSON_ParseWithLength(text, len);
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(record, "values");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(values, "/3/0/14")), offset);
    assert_non_null(cJSON_GetObjectItem(values, "/1/0/1"));
    assert_non_null(cJSON_GetObjectItem(values, "3 offset"));
    assert_non_null(cJSON_GetObjectItem(values, "3333 offset"));
    assert_non_null(cJSON_GetObjectItem(record, "configured"));
    cJSON_Delete(record);
}

/* The keeping alone: the sweeps of the library have the rest of a request.
 * @return the failure was met */
static bool write_once(enum place place, size_t n, bool sticky)
{
    boot();
    assert_int_equal(lw_put(&w, "/3/0/14", 0, "+01:00", 6), LN_COAP_CHANGED);
    assert_int_equal(lw_put(&w, "/1/0/1", 0, "3700", 4), LN_COAP_CHANGED);
    struct ln_value value = ln_value_string("+02:00");
    assert_int_equal(ln_client_set(w.client, ln_path_resource(3, 0, 14), &value), LN_OK);
    begin_fault(place, n, sticky);
    bool good = kept_save(&a.kept, &a.store, a.client, &a.machine);
    bool met = end_fault(place);
    assert_true(good || met);
    if (!good)
        kept_undo(&a.kept, a.client, &a.machine);
    assert_offset(good ? "+02:00" : "+01:00");
    assert_kept(good ? "+02:00" : "+01:00");
    assert_int_equal(lw_put(&w, "/3/0/14", 0, "+03:00", 6), LN_COAP_CHANGED); /* it goes on */
    assert_kept("+03:00");
    halt();
    return met;
}

static void test_writes(void **state)
{
    (void)state;
    for (int place = HEAP; place <= LIBRARY; place++) {
        for (int sticky = 0; sticky <= 1; sticky++) {
            size_t n = 0;
            while (write_once((enum place)place, n, sticky != 0))
                n++;
            print_message("%zu calls\n", n);
            assert_true(n > 0);
        }
    }
}

/* ---- the store ---- */

static bool is(const struct store *store, const char *wanted)
{
    char text[16] = "";
    size_t len = 0;
    return store_load(store, "r", ln_mspan((uint8_t *)text, sizeof text - 1), &len) == LN_OK &&
           len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

static bool save_once(enum place place, size_t n, bool sticky)
{
    boot();
    assert_int_equal(store_save(&a.store, "r", ln_span_str("first")), LN_OK);
    assert_int_equal(store_save(&a.store, "r", ln_span_str("old")), LN_OK);
    begin_fault(place, n, sticky);
    bool good = store_save(&a.store, "r", ln_span_str("new")) == LN_OK;
    bool met = end_fault(place);
    assert_true(good || met);
    assert_true(is(&a.store, good ? "new" : "old"));
    begin_fault(
        place, n,
        sticky); /* to read is no change, and never brings an older one for lack of memory */
    char text[16] = "";
    size_t len = 0;
    enum ln_status st = store_load(&a.store, "r", ln_mspan((uint8_t *)text, sizeof text - 1), &len);
    bool met_too = end_fault(place);
    assert_true(st == LN_OK || met_too);
    if (st == LN_OK && place != FILES)
        assert_string_equal(text, good ? "new" : "old");
    assert_int_equal(store_save(&a.store, "r", ln_span_str("newer")), LN_OK);
    assert_true(is(&a.store, "newer"));
    halt();
    return met || met_too;
}

static void test_the_store(void **state)
{
    (void)state;
    for (int place = HEAP; place <= LIBRARY; place++) {
        for (int sticky = 0; sticky <= 1; sticky++) {
            size_t n = 0;
            while (save_once((enum place)place, n, sticky != 0))
                n++;
            print_message("%zu calls\n", n);
            assert_true(n > 1);
        }
    }
}

/* ---- the control socket ---- */

static void turn(void)
{
    loop_begin(&a.loop);
    loop_until(&a.loop, 0);
    control_watch(a.control, &a.loop);
    loop_wait(&a.loop, ln_now(a.env));
    control_step(a.control, ln_now(a.env));
}

/* The whole of the answer, up to the end of the connection. */
static const char *request(const char *path, const char *line, size_t n, bool sticky, bool *met)
{
    static char answer[1 << 17];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = 0;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
    (void)shutdown(fd, SHUT_WR);
    arm(n, sticky);
    for (int i = 0; i < 6; i++)
        turn();
    *met = disarm();
    ssize_t got = 0;
    while ((got = recv(fd, answer + len, sizeof answer - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    assert_true(got == 0 || *met);
    answer[len] = '\0';
    (void)close(fd);
    for (int i = 0; i < 3; i++)
        turn();
    return answer;
}

static void test_answers(void **state)
{
    static const char *const lines[] = { "{\"command\":\"status\"}\n", "{\"command\":\"why\"}\n",
                                         "{\"command\":\"get\",\"path\":\"/3/0\"}\n",
                                         "{\"command\":\"notify\",\"path\":\"/3/0/13\"}\n",
                                         "{\"command\":\"dance\"}\n" };
    char path[64];
    char why[PROBLEM_TEXT_MAX];
    static char whole[1 << 17];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/s", folder);
    boot();
    a.control = control_open(&a, path, NULL, why, sizeof why);
    assert_non_null(a.control);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        bool met = false;
        strcpy(whole, request(path, lines[i], SIZE_MAX, false, &met));
        assert_non_null(strstr(whole, "\"done\":true"));
        for (int sticky = 0; sticky <= 1; sticky++) {
            size_t n = 0;
            for (;; n++) {
                const char *answer = request(path, lines[i], n, sticky != 0, &met);
                if (!met)
                    break;
                bool says = strstr(answer, "not enough memory") != NULL;
                bool is_cut = strstr(answer, "\"done\":true") == NULL;
                if (!says && !is_cut && strcmp(answer, whole) != 0)
                    fail_msg("N = %zu of %s answers %s", n, lines[i], answer);
            }
            assert_true(n > 3);
        }
    }
    control_close(a.control);
    halt();
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LN_LOG_OFF);
    json_watch();
    config.endpoint = endpoint;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_the_store),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
