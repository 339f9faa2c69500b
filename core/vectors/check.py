#!/usr/bin/python3
"""A second implementation of Wardkey's formats, run over wardkey-1.json.

Needs python3-argon2, python3-cbor2 and python3-cryptography. Written from docs/ARCHITECTURE.md, without the Rust code.
"""
import hashlib
import io
import json
import pathlib
import sys
import unicodedata

import argon2.low_level
import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

CHECKS = 0


def check(what, holds):
    global CHECKS
    CHECKS += 1
    if not holds:
        sys.exit(f"vectors: {what}: differs")


def sha256(data):
    return hashlib.sha256(data).digest()


def document(data, domain):
    """The body of a document, which must be in its one deterministic encoding."""
    value = cbor2.loads(data)
    check(f"{domain}: deterministic", cbor2.dumps(value, canonical=True) == data)
    check(f"{domain}: domain", value[0] == domain)
    return value[1]


def passed_over(value, older):
    """What is left of a value when fields from 100 on are taken out that an older reader does not know."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k in older or not (isinstance(k, int) and k >= 100)}
        return {k: passed_over(v, older.get(k)) for k, v in kept.items()}
    if isinstance(value, list) and isinstance(older, list) and len(value) == len(older):
        return [passed_over(a, b) for a, b in zip(value, older)]
    return value


def cose(data, keys):
    """The payload of a COSE_Sign1 by one of the keys."""
    protected, unprotected, payload, signature = cbor2.loads(data)
    check("alg EdDSA", cbor2.loads(protected) == {1: -8})
    key = next(k for k in keys if sha256(k)[:8] == unprotected[4])
    ed25519.Ed25519PublicKey.from_public_bytes(key).verify(
        signature, cbor2.dumps(["Signature1", protected, b"", payload]))
    return payload


def bucket_hash(leaves):
    return sha256(cbor2.dumps(["wardkey/bucket/1", [list(leaf) for leaf in leaves]]))


def state_root(hashes_):
    return sha256(cbor2.dumps(["wardkey/state/1", hashes_]))


def prove(proof, login, root):
    """The record that the proof shows, or None for a proven absence."""
    others, leaves, record = proof[0], [tuple(leaf) for leaf in proof[1]], proof.get(2)
    key = sha256(login.encode())
    check("bucket sorted", all(a[0] < b[0] for a, b in zip(leaves, leaves[1:])))
    check("bucket", all(leaf[0][0] == key[0] for leaf in leaves))
    check("255 others", len(others) == 255)
    check("state root", state_root(others[:key[0]] + [bucket_hash(leaves)] + others[key[0]:]) == root)
    value = dict(leaves).get(key)
    check("record", (value is None) == (record is None))
    if record is None:
        return None
    check("record hash", sha256(record) == value)
    return document(record, "wardkey/person/1")


def decide(anchor, vector):
    """The decision, for the part of it that the vectors exercise."""
    evidence = cbor2.loads(bytes.fromhex(vector["evidence"]))
    root_key = bytes.fromhex(anchor["root_key"])
    root = document(cose(evidence[0][0][0], [root_key]), "wardkey/root/1")
    check("root key", root[4] == root_key)
    terminal = document(cose(evidence[1], root[5]), "wardkey/terminal/1")
    check("terminal", terminal[0] == bytes.fromhex(anchor["terminal"]))
    expires, records, offline = terminal[6], [], []
    for scope, name in zip(evidence[2], terminal[3], strict=True):
        head = document(cose(scope[0], root[5]), "wardkey/head/1")
        check("scope", head[0] == name)
        check("policy", sha256(scope[1]) == head[5])
        offline.append(document(scope[1], "wardkey/policy/1")[1])
        expires = min(expires, head[7])
        record = prove(scope[2], vector["account"], head[3])
        if record is not None:
            records.append(record)
    if terminal[4] != 0:
        return {"denied": "WK-1010"}
    if not records:
        return {"denied": "WK-1001"}
    now = vector["now"]
    for record in records:
        if record[7] != 0:
            return {"denied": "WK-1002"}
        if 6 in record and now >= record[6]:
            return {"denied": "WK-1004"}
    stage = "online"
    if now > expires:
        if now - expires > min(limits[2] for limits in offline):
            return {"denied": "WK-1014"}
        check("only the soft stage is in the vectors", now - expires <= min(limits[0] for limits in offline))
        stage = "soft"
    client_data = bytes.fromhex(vector["client_data"])
    said = document(client_data, "wardkey.login/1")
    check("client data", (said[1], said[2], said[3]) == (terminal[0], vector["service"], vector["account"]))
    check("event id", sha256(client_data)[:16].hex() == vector["event_id"])
    auth_data = bytes.fromhex(vector["authenticator_data"])
    for record in records:
        credential = next((c for c in record[8] if c[0].hex() == vector["credential_id"]), None)
        if credential is None:
            return {"denied": "WK-1001"}
        check("rp id hash", auth_data[:32] == sha256(credential[2].encode()))
        if not auth_data[32] & 1:
            return {"denied": "WK-1017"}
        if not auth_data[32] & 4:
            return {"denied": "WK-1016"}
        if bool(auth_data[32] & 8) != bool(credential[4] & 1) or (auth_data[32] & 16 and not auth_data[32] & 8):
            return {"denied": "WK-1019"}
        key = cbor2.loads(credential[1])
        public = ec.EllipticCurvePublicNumbers(
            int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"), ec.SECP256R1()).public_key()
        try:
            public.verify(bytes.fromhex(vector["signature"]), auth_data + sha256(client_data), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return {"denied": "WK-1015"}
    return {"granted": stage}


def code_of(typed):
    """The ten characters of a pass's code, out of what somebody typed."""
    code = unicodedata.normalize("NFKC", typed).upper()
    for mark in "- \u30fc":
        code = code.replace(mark, "")
    return code.translate(str.maketrans("OIL", "011"))


def check_pass(each):
    check("hash: Argon2id, 64 MiB, three passes, one lane", each["hash"] == 1)
    check("code", code_of(each["typed"]) == each["code"] and len(each["code"]) == 10)
    secret = argon2.low_level.hash_secret_raw(
        each["code"].encode(), b"wardkey/pass/1" + bytes.fromhex(each["salt"]), time_cost=3,
        memory_cost=65536, parallelism=1, hash_len=32, type=argon2.low_level.Type.ID, version=0x13)
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    public = key.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    check("key of a code", raw.hex() == each["key"])
    client_data = bytes.fromhex(each["client_data"])
    document(client_data, "wardkey.login/1")
    check("signature by a code", key.sign(client_data).hex() == each["signature"])


def check_vouch(each):
    data = bytes.fromhex(each["vouch"])
    said = document(data, "wardkey.vouch/1")
    check("id of a vouch", sha256(data)[:16].hex() == each["id"])
    check("credential of a vouch", said[3] == sha256(bytes.fromhex(each["credential_id"])))
    check("nobody vouches for themselves", said[2] != said[4])
    check("times of a vouch", said[5] < said[6] and said[8] == 1)
    auth_data = bytes.fromhex(each["authenticator_data"])
    check("rp id hash", auth_data[:32] == sha256(each["rp_id"].encode()))
    check("touch and PIN", auth_data[32] & 5 == 5)
    key = cbor2.loads(bytes.fromhex(each["public_key"]))
    public = ec.EllipticCurvePublicNumbers(
        int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"), ec.SECP256R1()).public_key()
    client_data = bytes.fromhex(each["client_data"])
    login = document(client_data, "wardkey.login/1")
    check("for whom, and where", (login[4], login[1]) == (said[4], said[1]))
    try:
        public.verify(bytes.fromhex(each["signature"]), auth_data + sha256(data), ec.ECDSA(hashes.SHA256()))
        ed25519.Ed25519PublicKey.from_public_bytes(said[9]).verify(bytes.fromhex(each["by_code"]), client_data)
    except InvalidSignature:
        check("signatures of a vouch", False)


def main():
    vectors = json.loads((pathlib.Path(__file__).parent / "wardkey-1.json").read_text())
    for each in vectors["newer"]:
        older = document(bytes.fromhex(each["encoding"]), each["domain"])
        newer = document(bytes.fromhex(each["passed_over"]), each["domain"])
        check("newer: something was added", newer != older)
        check("newer: passed over", passed_over(newer, older) == older)
        refused = document(bytes.fromhex(each["refused"]), each["domain"])
        check("newer: refused", passed_over(refused, older) != older)
    for each in vectors["documents"]:
        data = bytes.fromhex(each["encoding"])
        document(data, each["domain"])
        check("hash", sha256(data).hex() == each["sha256"])
        if each["signed"]:
            check("signed", cose(bytes.fromhex(each["signed"]), [bytes.fromhex(each["signed_by"])]) == data)
    for each in vectors["passes"]:
        check_pass(each)
    for each in vectors["vouches"]:
        check_vouch(each)
    for each in vectors["states"]:
        buckets = [[] for _ in range(256)]
        for person in each["people"]:
            key = sha256(person["login"].encode())
            buckets[key[0]].append((key, sha256(bytes.fromhex(person["record"]))))
        root = state_root([bucket_hash(sorted(bucket)) for bucket in buckets])
        check("state root", root.hex() == each["state_root"])
        known = each["proof_for"] in [person["login"] for person in each["people"]]
        record = prove(cbor2.load(io.BytesIO(bytes.fromhex(each["proof"]))), each["proof_for"], root)
        check("presence", (record is not None) == known)
    for each in vectors["logins"]:
        result = decide(vectors["anchor"], each)
        check(f"login: {each['name']}: {result} for {each['result']}", result == each["result"])
    print(f"vectors: {CHECKS} checks of {len(vectors['documents'])} documents, {len(vectors['passes'])} passes, {len(vectors['vouches'])} vouches, {len(vectors['states'])} states "
          f"and {len(vectors['logins'])} logins hold")


if __name__ == "__main__":
    main()
