import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mirrorIn } from './debian-package.mjs';
import { archiveName, checksumOf, fetchRelease } from './release-archive.mjs';

const folder = mkdtempSync(join(tmpdir(), 'spillway-release-'));
const NAME = 'nats-server-v2.15.1-linux-amd64';
/** @type {Map<string, Buffer | string>} what the release holds, by path */
const release = new Map();
const server = createServer((request, response) => {
  const found = release.get(request.url ?? '');
  response.writeHead(found === undefined ? 404 : 200).end(found ?? 'not here');
});
let releases = '';

beforeAll(async () => {
  mkdirSync(join(folder, 'made', NAME), { recursive: true });
  writeFileSync(join(folder, 'made', NAME, 'nats-server'), 'the binary');
  execFileSync('tar', ['-czf', `${NAME}.tar.gz`, NAME], { cwd: join(folder, 'made') });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  releases = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
});
beforeEach(() => {
  const archive = readFileSync(join(folder, 'made', `${NAME}.tar.gz`));
  release.clear();
  release.set(`/v2.15.1/${NAME}.tar.gz`, archive);
  release.set('/v2.15.1/SHA256SUMS', `${'0'.repeat(64)}  other.zip\n${createHash('sha256').update(archive).digest('hex')}  ${NAME}.tar.gz\n`);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const fetchInto = async (platform = /** @type {NodeJS.Platform} */ ('linux')) => {
  const scratch = mkdtempSync(join(folder, 'fetch-'));
  await fetchRelease({ releases, version: '2.15.1', target: join(scratch, 'target'), folder: scratch, platform, arch: 'x64' });
  return readFileSync(join(scratch, 'target'), 'utf8');
};

it('takes the binary out of the archive for this machine', async () => expect(await fetchInto()).toBe('the binary'));

it('refuses an archive that is not what the release says', async () => {
  release.set(`/v2.15.1/${NAME}.tar.gz`, 'something else');
  await expect(fetchInto()).rejects.toThrow(`${NAME}.tar.gz has the checksum ${createHash('sha256').update('something else').digest('hex')}, its release says`);
});

it('refuses an archive without a checksum, and says what was not found', async () => {
  release.set('/v2.15.1/SHA256SUMS', '');
  await expect(fetchInto()).rejects.toThrow(`SHA256SUMS does not name ${NAME}.tar.gz`);
  release.clear();
  await expect(fetchInto()).rejects.toThrow('/v2.15.1/SHA256SUMS answered 404');
  await expect(fetchInto('win32')).rejects.toThrow('no release for win32 on x64');
});

it('knows how archives are named and reads both forms of a checksum file', () => {
  expect(archiveName('2.15.1', 'darwin', 'arm64')).toBe('nats-server-v2.15.1-darwin-arm64');
  expect(archiveName('2.15.1', 'linux', 's390x')).toBeUndefined();
  expect([checksumOf('abc  x.tar.gz', 'x.tar.gz'), checksumOf('def *x.tar.gz', 'x.tar.gz'), checksumOf('abc  xx.tar.gz', 'x.tar.gz')]).toEqual(['abc', 'def', undefined]);
});

it('finds the machine’s Debian mirror among what its apt would ask, not its security or vendor archives', () => {
  const uris = [
    `'https://vendor.example/apt/dists/stable/InRelease' vendor 0`,
    `'http://mirror.example/debian-security/dists/bookworm-security/InRelease' security 0`,
    `'http://mirror.example/some/debian/dists/bookworm-updates/InRelease' updates 0`,
    `'http://mirror.example/some/debian/dists/bookworm/InRelease' main 0`,
  ].join('\n');
  expect(mirrorIn(uris)).toEqual({ mirror: 'http://mirror.example/some/debian', release: 'bookworm' });
  expect(mirrorIn(`'https://vendor.example/ubuntu/dists/noble/InRelease' ubuntu 0`)).toBeUndefined();
});
