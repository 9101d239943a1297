import { createHash } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.mjs';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/** `nats-server-v2.15.1-linux-amd64`, as the project's releases name it. @param {string} version @param {NodeJS.Platform} platform @param {string} arch */
export const archiveName = (version, platform, arch) => {
  const architecture = ARCHITECTURES[/** @type {'x64' | 'arm64'} */ (arch)];
  return architecture && (platform === 'linux' || platform === 'darwin') ? `nats-server-v${version}-${platform}-${architecture}` : undefined;
};

/** @param {string} url */
const download = async (url) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
};

/** The line of a SHA256SUMS file for one name. @param {string} sums @param {string} file */
export const checksumOf = (sums, file) =>
  sums
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, name]) => name === file || name === `*${file}`)?.[0];

/**
 * Takes nats-server out of an official release, refused unless it is byte for byte what the release's SHA256SUMS says.
 * @param {{ releases: string, version: string, target: string, folder: string, platform?: NodeJS.Platform, arch?: string }} wanted
 */
export const fetchRelease = async ({ releases, version, target, folder, platform = process.platform, arch = process.arch }) => {
  const name = archiveName(version, platform, arch);
  if (!name) throw new Error(`no release for ${platform} on ${arch}`);
  const file = `${name}.tar.gz`;
  const wanted = checksumOf((await download(`${releases}/v${version}/SHA256SUMS`)).toString('utf8'), file);
  if (!wanted) throw new Error(`the release’s SHA256SUMS does not name ${file}`);
  const archive = await download(`${releases}/v${version}/${file}`);
  const seen = createHash('sha256').update(archive).digest('hex');
  if (seen !== wanted) throw new Error(`${file} has the checksum ${seen}, its release says ${wanted}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), archive);
  await runCommand('tar', ['-xzf', file], { cwd: folder });
  await copyFile(join(folder, name, 'nats-server'), target);
};
