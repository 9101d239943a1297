import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const INSTALLED = '/var/lib/dpkg/status';
const DOWNLOAD_WITHIN_MS = 300_000;

/**
 * The machine's own Debian mirror and release, as its apt would ask for them: `'<mirror>/dists/<release>/InRelease' …`. Security and updates have
 * paths of their own.
 * @param {string} uris
 */
export const mirrorIn = (uris) => {
  const found = /'([^']+\/debian)\/dists\/([^/'-]+)\/InRelease'/.exec(uris);
  return found ? { mirror: found[1], release: found[2] } : undefined;
};

/**
 * Everything apt keeps, in a folder of ours: the machine's lists, cache and packages are not changed.
 * @param {string} folder @param {string} status what counts as installed
 */
const privateApt = (folder, status) =>
  [
    `Dir::State=${folder}/state`,
    `Dir::State::Lists=${folder}/lists`,
    `Dir::State::status=${status}`,
    `Dir::Cache=${folder}/cache`,
    `Dir::Etc::SourceList=${folder}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    'Debug::NoLocking=1', // the lock is the machine's, and only root may take it
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option]);

/** @param {string} folder @param {string} mirror @param {string} release */
const writePrivateState = async (folder, mirror, release) => {
  for (const name of ['state', 'lists/partial', 'cache/archives/partial', 'unpacked']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'nothing-installed'), '');
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${KEYRING} targets=Packages] ${mirror} ${release} main\n`);
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

/** @param {string} folder @param {string} into */
const unpackAll = async (folder, into) => {
  for (const name of await readdir(folder)) if (name.endsWith('.deb')) await runCommand('dpkg', ['-x', join(folder, name), into]);
};

/**
 * Takes a Debian package apart without installing it and without touching the machine's apt.
 * @param {object} wanted
 * @param {string} wanted.packageName
 * @param {string} wanted.folder for everything this needs
 * @param {string} [wanted.release] another than the machine's own, for a package that needs nothing which that one could not run
 * @param {boolean} [wanted.withLibraries] also the packages it depends on that this machine lacks
 * @param {string} [wanted.installed] what this machine has
 * @returns {Promise<string>} the folder with its files
 */
export const unpackDebianPackage = async ({ packageName, folder, release, withLibraries = false, installed = INSTALLED }) => {
  // --print-uris asks nobody: it works on a machine whose lists were never fetched
  const own = mirrorIn(await runCommand('apt-get', ['update', '--print-uris']));
  if (!own) throw new Error('the machine’s apt names no Debian mirror');
  await writePrivateState(folder, own.mirror, release ?? own.release);
  // nothing counts as installed: with the machine's own status apt finds "no source to download" when a newer build is installed
  const apt = privateApt(folder, join(folder, 'nothing-installed'));
  await runCommand('apt-get', [...apt, 'update'], { timeoutMs: DOWNLOAD_WITHIN_MS });
  await runCommand('apt-get', [...apt, 'download', packageName], { cwd: folder, timeoutMs: DOWNLOAD_WITHIN_MS });
  const unpacked = join(folder, 'unpacked');
  await unpackAll(folder, unpacked);
  if (withLibraries) {
    await runCommand('apt-get', [...privateApt(folder, installed), 'install', '--download-only', '--yes', '--no-install-recommends', packageName], { timeoutMs: DOWNLOAD_WITHIN_MS });
    await unpackAll(join(folder, 'cache', 'archives'), unpacked);
  }
  return unpacked;
};
