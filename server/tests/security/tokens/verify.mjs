// Whether a token verifies with a published set of keys, by Node's own crypto and nothing of Latchkey.
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const { keys, token } = JSON.parse(readFileSync(0, 'utf8'));
const [head, body, signature] = token.split('.');
const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url'));
const jwk = keys.find((key) => key.kid === kid);
const good =
  jwk !== undefined &&
  verify(
    alg === 'EdDSA' ? null : 'sha256',
    Buffer.from(`${head}.${body}`),
    { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
console.log(good);
