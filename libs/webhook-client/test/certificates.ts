import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** Just enough DER (X.690) to make certificates for tests: a length, a tag, and what is in it. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const octets = (content: Uint8Array): Buffer => der(0x04, content);
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);
const time = (at: Date): Buffer => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
const name = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))));
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const SUBJECT_ALT_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_KEY_ID = '551d0e';
const AUTHORITY_KEY_ID = '551d23';

const altName = (host: string): Buffer => (isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)));
const pem = (content: Buffer): string => ['-----BEGIN CERTIFICATE-----', ...(content.toString('base64').match(/.{1,64}/g) ?? []), '-----END CERTIFICATE-----', ''].join('\n');
const keyId = (key: KeyObject): Buffer => createHash('sha1').update(key.export({ type: 'spki', format: 'der' })).digest();

/** What a TLS server needs. */
export type Certified = { cert: string; key: string };
export type Validity = { from?: Date; to?: Date };

const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

type Subject = { commonName: string; publicKey: KeyObject; extensions: readonly Buffer[] };
type Issuer = { commonName: string; privateKey: KeyObject };

const certificate = (subject: Subject, issuer: Issuer, { from = inDays(-1), to = inDays(1) }: Validity = {}): string => {
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name(issuer.commonName),
    sequence(time(from), time(to)),
    name(subject.commonName),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...subject.extensions)),
  );
  return pem(sequence(content, ECDSA_WITH_SHA256, bits(sign('sha256', content, issuer.privateKey))));
};

const pair = (): { publicKey: KeyObject; privateKey: KeyObject } => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyText = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A certification authority of its own. */
export const newAuthority = (commonName: string): { cert: string; issue(host: string, validity?: Validity): Certified } => {
  const { publicKey, privateKey } = pair();
  const issuer = { commonName, privateKey };
  const constraints = extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.from([0xff]))));
  const own = extension(SUBJECT_KEY_ID, octets(keyId(publicKey)));
  return {
    cert: certificate({ commonName, publicKey, extensions: [constraints, own] }, issuer, { to: inDays(30) }),
    issue: (host, validity) => {
      const server = pair();
      const extensions = [
        extension(SUBJECT_ALT_NAME, sequence(altName(host))),
        extension(AUTHORITY_KEY_ID, sequence(der(0x80, keyId(publicKey)))),
      ];
      return { cert: certificate({ commonName: host, publicKey: server.publicKey, extensions }, issuer, validity), key: keyText(server.privateKey) };
    },
  };
};

/** Signed by nobody but itself. */
export const selfSigned = (host: string): Certified => {
  const { publicKey, privateKey } = pair();
  const extensions = [extension(SUBJECT_ALT_NAME, sequence(altName(host)))];
  return { cert: certificate({ commonName: host, publicKey, extensions }, { commonName: host, privateKey }), key: keyText(privateKey) };
};

export const expired: Validity = { from: inDays(-30), to: inDays(-1) };
export const notYetValid: Validity = { from: inDays(1), to: inDays(30) };
