import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

/** What an app runs from. Tests are not, and neither is what editors put beside a file while they save it. */
const isSource = (/** @type {string} */ name) => /\.(ts|json)$/.test(name) && !name.endsWith('.spec.ts');

/** One save touches a file several times, a `git checkout` hundreds of files. */
const QUIET_MS = 100;

/**
 * Watches folders, not files: many editors, sed and git put a new file in the old one's place, and who watches the file (as `node --watch` does)
 * sees that once and never again.
 */
export class FolderWatch {
  /** @param {readonly string[]} folders @param {(file: string) => void} changed once for changes that come together, with one of them */
  constructor(folders, changed) {
    this.changed = changed;
    /** @type {Map<string, import('node:fs').FSWatcher>} */
    this.watchers = new Map();
    for (const folder of folders) this.add(folder);
  }

  /** @param {string} folder with all that lies in it */
  add(folder) {
    if (this.watchers.has(folder) || !existsSync(folder)) return;
    const watcher = watch(folder, (_, name) => name && this.seen(folder, name));
    watcher.on('error', () => this.drop(folder)); // removed
    this.watchers.set(folder, watcher);
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) this.add(join(folder, entry.name));
  }

  /** @param {string} folder @param {string} name */
  seen(folder, name) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) this.add(path);
    else if (!isSource(name)) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.changed(path), QUIET_MS);
  }

  /** @param {string} folder */
  drop(folder) {
    this.watchers.get(folder)?.close();
    this.watchers.delete(folder);
  }

  close() {
    clearTimeout(this.timer);
    for (const folder of this.watchers.keys()) this.drop(folder); // a Map may lose entries while it is walked
  }
}
