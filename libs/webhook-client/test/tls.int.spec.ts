import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { promisify } from 'node:util';
import { startReceiver, type Receiver } from '@spillway/testing';
import { expired, newAuthority, notYetValid, selfSigned, type Certified } from './certificates.ts';
import { newClient, post } from './post.ts';
import { startRawReceiver } from './raw-receiver.ts';

const authority = newAuthority('Authority of these tests');
const stranger = newAuthority('Authority of nobody');
const HOST = 'hooks.example.com';
/** The names of these tests lead to loopback; some other network is allowed, so that names are judged by their addresses. */
const named = { lookup: () => Promise.resolve(['127.0.0.1']), allowNetworks: ['127.0.0.0/8', '192.0.2.0/24'], extraCa: authority.cert };

let receivers: Receiver[];
beforeEach(() => {
  receivers = [];
});
afterEach(() => Promise.all(receivers.map((receiver) => receiver.stop())));

const start = async (tls: Certified): Promise<Receiver> => {
  const receiver = await startReceiver({ tls });
  receivers.push(receiver);
  return receiver;
};

it('delivers to a receiver whose authority is believed, by name and by address', async () => {
  const [byName, byAddress] = [await start(authority.issue(HOST)), await start(authority.issue('127.0.0.1'))];
  const client = newClient(named);
  expect((await post(client, `https://${HOST}:${byName.port}/`)).outcome).toEqual({ kind: 'delivered', status: 200 });
  expect((await post(client, `https://${HOST}.:${byName.port}/`)).outcome).toEqual({ kind: 'delivered', status: 200 });
  expect((await post(client, `https://127.0.0.1:${byAddress.port}/`)).outcome).toEqual({ kind: 'delivered', status: 200 });
  await client.close();
});

it('keeps a TLS connection for the next attempt', async () => {
  const receiver = await start(authority.issue(HOST));
  const client = newClient(named);
  for (let attempt = 1; attempt <= 5; attempt += 1) await post(client, `https://${HOST}:${receiver.port}/`);
  await client.close();
  expect([receiver.requests.length, receiver.connections]).toEqual([5, 1]);
});

it.each<[string, Certified, string]>([
  ['expired', authority.issue(HOST, expired), 'certificate has expired (CERT_HAS_EXPIRED)'],
  ['not valid yet', authority.issue(HOST, notYetValid), 'certificate is not valid yet (CERT_NOT_YET_VALID)'],
  ['self-signed', selfSigned(HOST), 'certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)'],
  ['for another host', authority.issue('other.example.com'), 'certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)'],
  ['for the address, but not the name', authority.issue('127.0.0.1'), 'certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)'],
  ['of an unknown authority', stranger.issue(HOST), 'certificate chain is incomplete or ends in an unknown authority (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'],
])('a certificate that is %s is an error, and nothing is sent', async (_, certified, detail) => {
  const receiver = await start(certified);
  const client = newClient(named);
  // twice: neither does the second attempt find a way in
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    expect((await post(client, `https://${HOST}:${receiver.port}/`)).outcome).toEqual({ kind: 'failed', reason: 'tls_error', detail });
  }
  expect(client.counts).toMatchObject({ inFlight: 0, open: 0 });
  await client.close();
  expect(receiver.requests).toEqual([]);
});

/** In a process of its own: node:tls reads the environment of the process, and that of a test is a copy. */
const postElsewhere = async (url: string, environment: NodeJS.ProcessEnv, extraCa?: string): Promise<unknown> => {
  const script = `
    import { WebhookClient } from '@spillway/webhook-client';
    const client = new WebhookClient({ allowNetworks: ['127.0.0.0/8'], allowHttp: false, extraCa: ${JSON.stringify(extraCa)} });
    const { outcome } = await client.post({ url: '${url}', headers: {}, body: Buffer.from('{}'), timeoutMs: 10_000 });
    console.log(JSON.stringify(outcome));`;
  const fromSource = ['--conditions=@spillway/source', '--import', join(import.meta.dirname, '../../../tools/swc-hook.mjs')];
  const { stdout } = await promisify(execFile)(process.execPath, [...fromSource, '--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout);
};

it('is not talked out of it by the environment', async () => {
  const receiver = await start(selfSigned('127.0.0.1'));
  expect(await postElsewhere(receiver.url, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toMatchObject({ kind: 'failed', reason: 'tls_error' });
  expect(receiver.requests).toEqual([]);
});

describe('versions of TLS', () => {
  let server: Server;
  const listen = async (versions: TlsOptions): Promise<number> => {
    // level 0: else OpenSSL itself would refuse what is old
    server = createServer({ ...authority.issue(HOST), ciphers: 'DEFAULT@SECLEVEL=0', ...versions }, (socket) => {
      socket.on('error', () => socket.destroy()).once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it.each<[string, TlsOptions]>([
    ['1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    ['1.3', { minVersion: 'TLSv1.3' }],
  ])('%s is spoken', async (_, versions) => {
    const port = await listen(versions);
    const client = newClient(named);
    expect((await post(client, `https://${HOST}:${port}/`)).outcome).toEqual({ kind: 'delivered', status: 204 });
    await client.close();
  });

  it('1.1 is not, even where Node itself is told to speak it', async () => {
    const port = await listen({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' });
    const outcome = await postElsewhere(`https://127.0.0.1:${port}/`, { NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0' });
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'tls_error', detail: expect.stringContaining('TLS 1.2 or newer is wanted') as string });
  });
});

it('http on the port of https is an error of TLS, and https on the port of http too', async () => {
  const plain = await startReceiver();
  const secured = await start(authority.issue('127.0.0.1'));
  const client = newClient(named);
  expect((await post(client, plain.url.replace('http:', 'https:'))).outcome).toMatchObject({ kind: 'failed', reason: 'tls_error' });
  expect((await post(client, secured.url.replace('https:', 'http:'))).outcome).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/^(reset|protocol_error)$/) as string });
  await client.close();
  await plain.stop();
  expect(plain.requests).toEqual([]);
});

it('a server that hangs up in the handshake is an error of TLS', async () => {
  const receiver = await startRawReceiver(async (socket, asked) => {
    await asked;
    socket.destroy();
  }, 'https');
  const client = newClient();
  expect((await post(client, receiver.url)).outcome).toEqual({ kind: 'failed', reason: 'tls_error', detail: 'connection closed during the TLS handshake (ECONNRESET)' });
  await client.close();
  await receiver.stop();
});

describe('the authorities of a deployment', () => {
  it('may be several in one file', async () => {
    const receiver = await start(authority.issue(HOST));
    const client = newClient({ ...named, extraCa: Buffer.from(`our own\n${stranger.cert}\nand theirs\n${authority.cert}`) });
    expect((await post(client, `https://${HOST}:${receiver.port}/`)).outcome.kind).toBe('delivered');
    await client.close();
  });

  it('are believed beside those that Node believes, not instead of them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'authorities-'));
    const believed = join(folder, 'believed-by-node.pem');
    await writeFile(believed, authority.cert);
    const receiver = await start(authority.issue('127.0.0.1'));
    const outcome = await postElsewhere(receiver.url, { NODE_EXTRA_CA_CERTS: believed }, stranger.cert);
    await rm(folder, { recursive: true });
    expect(outcome).toEqual({ kind: 'delivered', status: 200 });
  });

  it.each([
    ['no certificate', 'certificates/ca.pem', 'extra CA holds no certificate: wanted PEM'],
    ['a broken one', `${authority.cert}${authority.cert.replace(/M[^\n]{20}/, 'MIIBroken')}`, 'certificate 2 of the extra CA cannot be read: wanted X.509 in PEM'],
  ])('are refused at the start when there is %s', (_, extraCa, says) => {
    expect(() => newClient({ extraCa })).toThrow(says);
  });
});
