/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mkpki.c
 * Writes a fresh PKI for the tests with real peers.
 *
 * usage: mkpki FOLDER      the folder must exist; what is in it is overwritten
 * exit:  0 written; 1 a file could not be written; 2 wrong usage
 *
 * Dates are around the real clock. All keys are P-256 unless the name says otherwise. "server" has
 * the names localhost, server.example and *.wild.example and the addresses 127.0.0.1 and ::1.
 *
 *   root.pem root.der            the CA to trust; root.key
 *   intermediate.pem             signed by root; signs all leaves below
 *   cross.pem                    the intermediate's name and key, signed by other-root
 *   other-root.pem               a CA that signed nothing else
 *   server.pem server.key        leaf; also server.der, server-key.der (PKCS#8)
 *   server-chain.pem             leaf, intermediate
 *   server-full.pem              leaf, intermediate, root
 *   server-sec1.key              SEC1 behind EC PARAMETERS
 *   server-encrypted.key         PKCS#8, password "secret"
 *   server-legacy.key            "Proc-Type: 4,ENCRYPTED", password "secret"
 *   both-chain.pem both.key both-key.der        as "server", and may be a client too: Leshan insists
 *   rsa.pem rsa-chain.pem rsa.key               RSA-2048 leaf; rsa-pkcs1.key
 *   rsa4096-chain.pem rsa4096.key rsa4096-root.pem   three certificates of RSA-4096
 *   ed25519-chain.pem ed25519.key
 *   client.pem client-chain.pem client.key      CN "client", clientAuth
 *   client-other.pem client-other.key           signed by other-root: no server trusts it
 *   expired-chain.pem not-yet-chain.pem wrong-name-chain.pem ip-chain.pem (127.0.0.1 and ::1 only)
 *   wildcard-chain.pem cn-only-chain.pem revoked-chain.pem weak-chain.pem (RSA-1024, SHA-1)
 *                                each with its NAME.key
 *   self-signed.pem self-signed.key
 *   crl.pem                      of root and intermediate; revokes "revoked"
 *   crl-expired.pem              the same, too old
 *   crl-intermediate.pem         revokes the intermediate
 *   trust-dir/                   root.pem, other-root.pem and a file that is no certificate
 */
#include "support/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static const char *folder;
static bool failed;

static void put(const char *name, struct ln_span data)
{
    char path[4096];
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path)
        file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(data.data, 1, data.len, file) == data.len;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok) {
        (void)fprintf(stderr, "mkpki: cannot write %s\n", path);
        failed = true;
    }
}

static void put_key(struct pki *pki, const char *name, const struct pki_cert *cert)
{
    put(name, pki_write_key(pki, PKI_PKCS8_PEM, cert, NULL));
}

/* NAME-chain.pem and NAME.key for one leaf */
static void put_leaf(struct pki *pki, const char *name, const struct pki_cert *issuer,
                     const struct pki_cert *leaf)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s-chain.pem", name);
    put(file, pki_write_certs(pki, PKI_PEM, PKI_LIST(leaf, issuer)));
    (void)snprintf(file, sizeof file, "%s.key", name);
    put_key(pki, file, leaf);
}

#define ALL_NAMES "DNS:localhost,DNS:server.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1"

static void write_server(struct pki *pki, const struct pki_cert *root, const struct pki_cert *ca)
{
    const struct pki_cert *leaf =
        pki_make(pki, &(struct pki_spec) {
                          .name = "server", .issuer = ca, .san = ALL_NAMES, .eku = "serverAuth" });
    put("server.pem", pki_pem(pki, leaf));
    put("server.der", pki_cert_der(leaf));
    put("server-full.pem", pki_write_certs(pki, PKI_PEM, PKI_LIST(leaf, ca, root)));
    put_leaf(pki, "server", ca, leaf);
    put("server-key.der", pki_write_key(pki, PKI_PKCS8_DER, leaf, NULL));
    put("server-sec1.key", pki_write_key(pki, PKI_PLAIN_PARAMETERS, leaf, NULL));
    put("server-encrypted.key", pki_write_key(pki, PKI_PKCS8_ENCRYPTED_PEM, leaf, "secret"));
    put("server-legacy.key", pki_write_key(pki, PKI_LEGACY_ENCRYPTED_PEM, leaf, "secret"));
    struct pki_spec both = {
        .name = "server", .issuer = ca, .san = ALL_NAMES, .eku = "serverAuth,clientAuth"
    };
    leaf = pki_make(pki, &both);
    put_leaf(pki, "both", ca, leaf);
    put("both-key.der", pki_write_key(pki, PKI_PKCS8_DER, leaf, NULL));
}

static void write_clients(struct pki *pki, const struct pki_cert *ca, const struct pki_cert *other)
{
    struct pki_spec spec = { .name = "client", .issuer = ca, .eku = "clientAuth" };
    const struct pki_cert *client = pki_make(pki, &spec);
    put("client.pem", pki_pem(pki, client));
    put_leaf(pki, "client", ca, client);
    spec.issuer = other;
    client = pki_make(pki, &spec);
    put("client-other.pem", pki_pem(pki, client));
    put_key(pki, "client-other.key", client);
}

static void write_key_types(struct pki *pki, const struct pki_cert *ca)
{
    struct pki_spec spec = { .name = "server", .issuer = ca, .san = ALL_NAMES };
    spec.key = PKI_RSA_2048;
    spec.usage = "critical,digitalSignature,keyEncipherment";
    const struct pki_cert *leaf = pki_make(pki, &spec);
    put("rsa.pem", pki_pem(pki, leaf));
    put_leaf(pki, "rsa", ca, leaf);
    put("rsa-pkcs1.key", pki_write_key(pki, PKI_PLAIN_PEM, leaf, NULL));
    spec.key = PKI_ED25519;
    spec.usage = NULL;
    put_leaf(pki, "ed25519", ca, pki_make(pki, &spec));

    struct pki_spec big = { .name = "Linnet test RSA-4096 root", .key = PKI_RSA_4096, .ca = true };
    const struct pki_cert *root = pki_make(pki, &big);
    big = (struct pki_spec) {
        .name = "Linnet test RSA-4096 CA", .key = PKI_RSA_4096, .ca = true, .issuer = root
    };
    const struct pki_cert *middle = pki_make(pki, &big);
    big = (struct pki_spec) {
        .name = "server", .key = PKI_RSA_4096, .issuer = middle, .san = ALL_NAMES
    };
    leaf = pki_make(pki, &big);
    put("rsa4096-root.pem", pki_pem(pki, root));
    put("rsa4096-chain.pem", pki_write_certs(pki, PKI_PEM, PKI_LIST(leaf, middle, root)));
    put_key(pki, "rsa4096.key", leaf);
}

static const struct pki_cert *write_broken(struct pki *pki, const struct pki_cert *ca, int64_t now)
{
    const struct {
        const char *file;
        struct pki_spec spec;
    } cases[] = {
        { "expired",
          { .san = ALL_NAMES, .not_before = now - 30 * PKI_DAY, .not_after = now - PKI_DAY } },
        { "not-yet", { .san = ALL_NAMES, .not_before = now + PKI_DAY } },
        { "wrong-name", { .san = "DNS:elsewhere.example" } },
        { "ip", { .san = "IP:127.0.0.1,IP:::1" } },
        { "wildcard", { .san = "DNS:*.wild.example" } },
        { "cn-only", { .name = "localhost" } },
        { "weak",
          { .san = ALL_NAMES,
            .key = PKI_RSA_1024,
            .digest = PKI_SHA1,
            .usage = "critical,digitalSignature,keyEncipherment" } },
        { "revoked", { .san = ALL_NAMES } }, /* the last one: it is returned */
    };
    const struct pki_cert *leaf = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pki_spec spec = cases[i].spec;
        spec.issuer = ca;
        if (spec.name == NULL)
            spec.name = cases[i].file;
        leaf = pki_make(pki, &spec);
        put_leaf(pki, cases[i].file, ca, leaf);
    }
    const struct pki_cert *alone =
        pki_make(pki, &(struct pki_spec) { .name = "self-signed", .san = ALL_NAMES });
    put("self-signed.pem", pki_pem(pki, alone));
    put_key(pki, "self-signed.key", alone);
    return leaf;
}

static struct ln_span crl_pem(struct pki *pki, const struct pki_crl_spec *spec)
{
    return pki_block(pki, "X509 CRL", pki_crl(pki, spec));
}

static void write_crls(struct pki *pki, const struct pki_cert *root, const struct pki_cert *ca,
                       const struct pki_cert *revoked, int64_t now)
{
    struct ln_span of_root = crl_pem(pki, &(struct pki_crl_spec) { .issuer = root });
    struct pki_crl_spec spec = { .issuer = ca, .revoked = { revoked } };
    put("crl.pem", pki_join(pki, of_root, crl_pem(pki, &spec)));
    spec.this_update = now - 30 * PKI_DAY;
    spec.next_update = now - PKI_DAY;
    put("crl-expired.pem", pki_join(pki, of_root, crl_pem(pki, &spec)));
    put("crl-intermediate.pem",
        crl_pem(pki, &(struct pki_crl_spec) { .issuer = root, .revoked = { ca } }));
}

static void write_trust_folder(struct pki *pki, const struct pki_cert *root,
                               const struct pki_cert *other)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/trust-dir", folder) >= (int)sizeof path)
        return;
    (void)mkdir(path, 0755); /* if it fails, the files below tell */
    put("trust-dir/root.pem", pki_pem(pki, root));
    put("trust-dir/other-root.pem", pki_pem(pki, other));
    put("trust-dir/README", ln_span_str("This is no certificate.\n"));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: mkpki FOLDER\n");
        return 2;
    }
    folder = argv[1];
    int64_t now = (int64_t)time(NULL);
    struct pki *pki = pki_new_at(now);

    struct pki_spec root_spec = { .name = "Linnet test root", .ca = true };
    struct pki_spec other_spec = { .name = "Linnet other root", .ca = true };
    const struct pki_cert *root = pki_make(pki, &root_spec);
    const struct pki_cert *other = pki_make(pki, &other_spec);
    struct pki_spec ca_spec = { .name = "Linnet test CA", .ca = true, .issuer = root };
    const struct pki_cert *ca = pki_make(pki, &ca_spec);
    struct pki_spec cross_spec = { .twin = ca, .ca = true, .issuer = other };
    const struct pki_cert *cross = pki_make(pki, &cross_spec);
    put("root.pem", pki_pem(pki, root));
    put("root.der", pki_cert_der(root));
    put_key(pki, "root.key", root);
    put("other-root.pem", pki_pem(pki, other));
    put("intermediate.pem", pki_pem(pki, ca));
    put("cross.pem", pki_pem(pki, cross));

    write_server(pki, root, ca);
    write_clients(pki, ca, other);
    write_key_types(pki, ca);
    write_crls(pki, root, ca, write_broken(pki, ca, now), now);
    write_trust_folder(pki, root, other);
    pki_free(pki);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
