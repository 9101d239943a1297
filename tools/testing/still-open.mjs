/** @typedef {Record<string, number>} Resources how many there are of each kind: `{ Timeout: 1, TCPSocketWrap: 2 }` */
/** @typedef {{ file: string, resources: Resources }} AfterFile what there was once a test file was through */

/** What we write to is always there, and keeps nobody from ending. @returns {string[]} as Node names it: `PipeWrap` under nx, `TTYWrap` in a terminal */
const ofOutput = () =>
  [process.stdout, process.stderr].flatMap((stream) => {
    const { _handle: handle } = /** @type {{ _handle?: object }} */ (/** @type {unknown} */ (stream));
    return handle ? `${handle.constructor.name}Wrap` : [];
  });

/** @returns {Resources} what keeps this process from ending now */
export const openResources = () => {
  /** @type {Resources} */
  const counts = {};
  const output = ofOutput();
  for (const kind of process.getActiveResourcesInfo()) {
    const at = output.indexOf(kind);
    if (at >= 0) output.splice(at, 1);
    else counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
};

/** @param {any} handle @returns {string | undefined} `undefined` where there is nothing to say that its kind does not say */
const described = (handle) => {
  if (handle.spawnargs) return `process ${handle.pid} (${handle.spawnargs.join(' ').slice(0, 100)})`;
  if (handle.remotePort) return `socket from port ${handle.localPort} to ${handle.remotePort}`;
  const port = handle.listening && handle.address()?.port;
  return port ? `server on port ${port}` : undefined;
};

/** A timer says nothing of itself; a process, a socket and a server do. @returns {string[]} */
const openHandles = () => {
  // not documented, and there since Node's beginning: what `getActiveResourcesInfo` gives is only names
  const { _getActiveHandles: handles } = /** @type {{ _getActiveHandles?: () => unknown[] }} */ (/** @type {unknown} */ (process));
  return (handles?.call(process) ?? []).flatMap((handle) => described(handle) ?? []);
};

/**
 * Jest has timers of its own while it runs: what was left open shows as more than the least there was. Files that ran in workers show nothing here, and need not:
 * a worker is ended by jest.
 * @param {string} kind @param {readonly AfterFile[]} files in the order they ran @returns {string | undefined} the file since which there is more of it
 */
export const moreSince = (kind, files) => {
  const counts = files.map(({ resources }) => resources[kind] ?? 0);
  return files[counts.lastIndexOf(Math.min(...counts)) + 1]?.file;
};

/** @param {Resources} resources @param {readonly AfterFile[]} files @param {readonly string[]} handles @returns {string} */
export const stillOpen = (resources, files = [], handles = openHandles()) => {
  const kinds = Object.entries(resources).map(([kind, count]) => {
    const since = moreSince(kind, files);
    return `${kind} ×${count}${since === undefined ? '' : ` (since ${since})`}`;
  });
  return [...kinds, ...handles].join(', ') || 'nothing that Node could name';
};
