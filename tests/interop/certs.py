# SPDX-License-Identifier: Apache-2.0
"""Certificates of the test PKI as bytes, and TLSA records of them."""

import base64
import hashlib
import re
import subprocess

PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = range(4)
EXACT, SHA256, SHA512 = range(3)
SHA384 = 0xF0  # LN_TLSA_SHA384

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.S)


def ders(path):
    """Every certificate in a PEM file, as DER."""
    return [base64.b64decode(block) for block in BLOCK.findall(path.read_text())]


def spki(der):
    """SubjectPublicKeyInfo of a certificate."""
    pem = subprocess.run(["openssl", "x509", "-inform", "DER", "-pubkey", "-noout"], input=der,
                         capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem,
                          capture_output=True, check=True).stdout


def tlsa(der, usage, selector=0, matching=EXACT):
    """A record that fits the certificate, as sockdrive takes it."""
    data = spki(der) if selector == 1 else der
    if matching != EXACT:
        data = {SHA256: hashlib.sha256, SHA384: hashlib.sha384,
                SHA512: hashlib.sha512}[matching](data).digest()
    return {"usage": usage, "selector": selector, "matching": matching, "data": data.hex()}


def other_tlsa(record):
    """The same record, off by one bit at its end."""
    data = bytearray.fromhex(record["data"])
    data[-1] ^= 1
    return {**record, "data": data.hex()}
