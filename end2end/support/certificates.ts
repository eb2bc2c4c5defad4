// A certificate authority of a test's own, and a certificate for loopback that it has signed.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Said in full, so that no machine's own openssl.cnf adds to it.
const RULES = `
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), 'latchkey-certificates-'));
  /** The file that a client trusts. */
  readonly authority = join(this.#folder, 'authority.pem');
  readonly key: string;
  readonly cert: string;

  constructor() {
    writeFileSync(join(this.#folder, 'rules.cnf'), RULES);
    this.#make('authority', '/CN=Blue Harbour test authority');
    this.#make('server', '/CN=Blue Harbour test post office', '-CA', 'authority.pem', '-CAkey', 'authority.key');
    this.key = readFileSync(join(this.#folder, 'server.key'), 'utf8');
    this.cert = readFileSync(join(this.#folder, 'server.pem'), 'utf8');
  }

  #make(name: string, subject: string, ...signer: string[]): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    const about = ['-subj', subject, '-days', '2', '-config', 'rules.cnf', '-extensions', name];
    execFileSync('openssl', ['req', '-x509', ...key, ...about, ...signer, '-out', `${name}.pem`], { cwd: this.#folder, stdio: 'pipe' });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
