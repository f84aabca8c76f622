#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# How the files beside this script were made, with the openssl program (3.0). The tests expect just
# these bytes, so whoever runs it again has to mend expectations. Keys are made in a temporary
# folder and thrown away.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >conf <<'END'
[req]
distinguished_name = dn
prompt = no
utf8 = yes
string_mask = utf8only
[dn]
[root]
basicConstraints = critical, CA:TRUE, pathlen:1
subjectKeyIdentifier = hash
[sub]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:leaf.example, DNS:*.wild.example, IP:192.0.2.1, IP:2001:db8::1, email:a@b.example
[bare]
subjectKeyIdentifier = none
authorityKeyIdentifier = none
[ca]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 30
END
touch index
echo 01 >number

key() { openssl genpkey -algorithm ED25519 -out "$1.key"; }
request() { openssl req -config conf -new -key "$1.key" -subj "$2" -out "$1.csr"; }
der() { openssl x509 -in "$1.pem" -outform DER -out "$here/$1.der"; }

key root
openssl req -config conf -x509 -new -key root.key -subj '/C=PL/O=Acme, Inc./CN=Test Root' \
    -days 36500 -set_serial 1 -extensions root -out root.pem
key sub
request sub '/C=PL/O=Acme, Inc./CN=Test Issuer'
openssl x509 -req -in sub.csr -CA root.pem -CAkey root.key -set_serial 2 -days 36500 \
    -extfile conf -extensions sub -out sub.pem
key leaf
request leaf '/C=PL/O=Acme, Inc./OU=Łódź+OU=lab/CN=leaf.example'
openssl x509 -req -in leaf.csr -CA sub.pem -CAkey sub.key -set_serial 0x8000000000000003 \
    -days 36500 -extfile conf -extensions leaf -out leaf.pem
key v1
request v1 '/CN=version one'
openssl x509 -req -in v1.csr -signkey v1.key -set_serial 4 -days 36500 -out v1.pem
key bare
openssl req -config conf -x509 -new -key bare.key -subj / -days 36500 -set_serial 5 \
    -extensions bare -out bare.pem
for name in root sub leaf v1 bare; do der $name; done

printf 'R\t300101000000Z\t240101000000Z,keyCompromise\t03\tunknown\t/CN=gone\n' >index
openssl ca -config conf -name ca -gencrl -keyfile sub.key -cert sub.pem -out crl.pem
openssl crl -in crl.pem -outform DER -out "$here/crl.der"
openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile sub.pem -outform DER -out "$here/bundle.p7b"
openssl crl2pkcs7 -in crl.pem -certfile sub.pem -outform DER -out "$here/bundle_with_crl.p7b"
