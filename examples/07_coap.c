/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 07_coap.c
 * CoAP without LwM2M: reads one resource, however long it is, and prints it as it comes.
 *
 *     example_07_coap coap://127.0.0.1:5683/.well-known/core
 *
 * An endpoint does no I/O of its own. A link joins it to a socket, and this loop waits for both.
 * docs/howto-coap.md explains it. Exit status: 0 if the answer was a success.
 */
#include <linnet/coap_link.h>
#include <linnet/uri.h>
#include <stdio.h>

struct reader {
    struct ln_coap_link link; /* first: ln_coap_link_send() finds it in config.user */
    bool over;
    bool good;
};

/* Called for each piece of the answer, and once for what ended it. */
static enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r)
{
    struct reader *reader = user;
    char code[LN_COAP_CODE_ROOM];
    reader->over = r->final;
    if (r->outcome != LN_COAP_RESPONSE) {
        (void)fprintf(stderr, "%s\n", ln_coap_outcome_text(r->outcome));
        return LN_COAP_GO;
    }
    if (r->payload.len > 0)
        (void)fwrite(r->payload.data, 1, r->payload.len, stdout);
    reader->good = ln_coap_class(r->msg->code) == 2;
    if (r->final)
        (void)fprintf(stderr, "\n%s\n", ln_coap_code_text(r->msg->code, code));
    return LN_COAP_GO;
}

/* "/a/b" becomes two options. Nothing in these paths is percent-encoded. */
static enum ln_status ask(struct reader *reader, struct ln_span path, ln_msec now)
{
    uint8_t room[512];
    struct ln_coap_writer w;
    struct ln_coap_request rq = { .code = LN_COAP_GET, .on_response = on_response, .user = reader };
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    for (size_t at = 1; at < path.len;) {
        size_t end = at;
        while (end < path.len && path.data[end] != '/')
            end++;
        ln_coap_put(&w, LN_COAP_URI_PATH, ln_span(path.data + at, end - at));
        at = end + 1;
    }
    enum ln_status st = ln_coap_writer_end(&w, &rq.options);
    return st == LN_OK ? ln_coap_request(reader->link.coap, &rq, now, NULL) : st;
}

/* Until the answer is complete, or the socket fails. */
static enum ln_status run(struct reader *reader, const struct ln_env *env)
{
    enum ln_status st = LN_AGAIN;
    while (!reader->over && (st == LN_OK || st == LN_AGAIN)) {
        struct ln_interest want = ln_interest(0);
        ln_coap_link_interest(&reader->link, &want);
        (void)env->net.ops->wait(env->net.ctx, &want, LN_NEVER); /* your own loop, in a program */
        st = ln_coap_link_step(&reader->link, ln_now(env));
    }
    return st;
}

int main(int argc, char **argv)
{
    struct reader reader = { .over = false };
    struct ln_env *env = NULL;
    struct ln_uri uri;
    char host[LN_URI_HOST_ROOM];
    if (argc != 2 || ln_uri_read(ln_span_str(argv[1]), &uri, NULL) != LN_OK ||
        uri.scheme != LN_URI_COAP) {
        (void)fprintf(stderr, "usage: %s coap://HOST[:PORT]/PATH\n", argv[0]);
        return 2;
    }
    ln_uri_host_text(&uri, host);
    const struct ln_coap_config config = { .send = ln_coap_link_send, .user = &reader };
    enum ln_status st = ln_env_posix_new(&env);
    if (st == LN_OK)
        st = ln_sock_new(env, LN_UDP, NULL, NULL, NULL, &reader.link.sock);
    if (st == LN_OK)
        st = ln_coap_new(env, &config, NULL, &reader.link.coap);
    if (st == LN_OK)
        st = ln_sock_connect(reader.link.sock, host, uri.port, ln_now(env));
    if (st == LN_OK || st == LN_AGAIN)
        st = ask(&reader, uri.path, ln_now(env));
    if (st == LN_OK)
        st = run(&reader, env);
    if (st != LN_OK && st != LN_AGAIN)
        (void)fprintf(stderr, "%s\n", ln_status_meaning(st));
    ln_coap_free(reader.link.coap);
    ln_sock_free(reader.link.sock);
    ln_env_posix_free(env);
    return reader.over && reader.good ? 0 : 1;
}
