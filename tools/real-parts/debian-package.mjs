import { access, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Debian's stable releases hold nats-server 2.9 and 2.10; its unstable one needs nothing but libc ≥ 2.34 and so runs on them. */
const SUITE = 'unstable';

/**
 * The machine's own Debian mirror, as its apt would ask it: `'<mirror>/dists/<release>/InRelease' …`. Security and updates have paths of their own.
 * @param {string} uris @returns {string | undefined}
 */
export const mirrorIn = (uris) => /'([^']+\/debian)\/dists\/[^/']+\/InRelease'/.exec(uris)?.[1];

/** Everything apt keeps, in a folder of ours: the machine's lists, cache and installed packages are neither read nor changed. @param {string} folder */
const privateApt = (folder) =>
  [
    `Dir::State=${folder}/state`,
    `Dir::State::Lists=${folder}/lists`,
    // an empty status file: with the machine's own, apt finds "no source to download" when a newer build is installed
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}/cache`,
    `Dir::Etc::SourceList=${folder}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option]);

/** @param {string} folder @param {string} mirror */
const writePrivateState = async (folder, mirror) => {
  for (const name of ['state', 'lists/partial', 'cache/archives/partial', 'unpacked']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${KEYRING} targets=Packages] ${mirror} ${SUITE} main\n`);
};

/** @returns {Promise<string | undefined>} why this way is closed on this machine */
export const debianIsMissing = async () => {
  try {
    await access(KEYRING);
    await runCommand('apt-get', ['--version']);
    return undefined;
  } catch {
    return 'not a Debian machine (no apt-get with the Debian archive keyring)';
  }
};

/**
 * Takes one file out of a Debian package, without installing it and without touching the machine's apt.
 * @param {{ packageName: string, fileInside: string, target: string, folder: string }} wanted
 */
export const fetchFromDebian = async ({ packageName, fileInside, target, folder }) => {
  // --print-uris asks nobody: it works on a machine whose lists were never fetched
  const mirror = mirrorIn(await runCommand('apt-get', ['update', '--print-uris']));
  if (!mirror) throw new Error('the machine’s apt names no Debian mirror');
  await writePrivateState(folder, mirror);
  await runCommand('apt-get', [...privateApt(folder), 'update'], { timeoutMs: 300_000 });
  await runCommand('apt-get', [...privateApt(folder), 'download', packageName], { cwd: folder, timeoutMs: 300_000 });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (!archive) throw new Error(`apt-get download left no package for ${packageName}`);
  await runCommand('dpkg', ['-x', join(folder, archive), join(folder, 'unpacked')]);
  await copyFile(join(folder, 'unpacked', fileInside), target);
};
