#!/bin/sh
# Makes the attestation of the software security key anew: a certification
# authority whose private key is thrown away, and one leaf as WebAuthn level 3,
# 8.2.1 (packed attestation certificate requirements) asks for. The results are
# in the repository, so nobody needs to run this; it is here to say what they are.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ASCII "WARDKEYTESTKEY", 0, 1: nobody takes it for a product's.
aaguid=574152444b4559544553544b45590001

cat > "$work/ca.cnf" <<'CNF'
[req]
distinguished_name = dn
prompt = no
[dn]
C = JP
O = Wardkey tests
CN = Wardkey test attestation CA
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CNF

cat > "$work/leaf.cnf" <<CNF
[req]
distinguished_name = dn
prompt = no
[dn]
C = JP
O = Wardkey tests
OU = Authenticator Attestation
CN = Wardkey software security key
[leaf]
basicConstraints = critical, CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
1.3.6.1.4.1.45724.1.1.4 = DER:0410$aaguid
CNF

# "openssl ca" is what lets the first day of validity be a fixed one: a machine
# whose clock is behind must not find the key's certificate to be of the future.
cat > "$work/ca-db.cnf" <<CNF
[ca]
default_ca = db
[db]
database = $work/index.txt
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
countryName = supplied
organizationName = supplied
organizationalUnitName = optional
commonName = supplied
CNF
: > "$work/index.txt"
echo 01 > "$work/serial"
sign() {
    openssl ca -batch -notext -config "$work/ca-db.cnf" -preserveDN \
        -startdate 20250101000000Z -enddate 21250101000000Z "$@"
}

openssl ecparam -name prime256v1 -genkey -noout -out "$work/ca.key"
openssl req -new -sha256 -key "$work/ca.key" -config "$work/ca.cnf" -out "$work/ca.csr"
sign -selfsign -keyfile "$work/ca.key" -in "$work/ca.csr" \
    -extfile "$work/ca.cnf" -extensions ca -out attestation-ca.pem

openssl ecparam -name prime256v1 -genkey -noout -out "$work/leaf.key"
openssl req -new -sha256 -key "$work/leaf.key" -config "$work/leaf.cnf" -out "$work/leaf.csr"
sign -keyfile "$work/ca.key" -cert attestation-ca.pem -in "$work/leaf.csr" \
    -extfile "$work/leaf.cnf" -extensions leaf -out "$work/leaf.pem"
openssl x509 -in "$work/leaf.pem" -outform DER -out attestation.der

# The firmware wants the 32 bytes of the private scalar and nothing around them.
# SEC 1 (RFC 5915) DER: sequence, version, then an octet string of 32 bytes.
openssl ec -in "$work/leaf.key" -outform DER 2>/dev/null | tail -c +8 | head -c 32 > attestation.key
openssl verify -CAfile attestation-ca.pem "$work/leaf.pem"
