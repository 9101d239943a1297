// Read by whatever Node the machine has, also one far too old: nothing in this file, and in the files npm starts, is newer than Node 14.

/** What npm ci and these tools need. */
export const MINIMUM = '20.0.0';
/** What the apps and their tests need: jest runs NestJS 12 only where require() takes ES modules without a warning. */
export const RUNTIME_MINIMUM = '24.9.0';

/** @param {string} version @param {string} minimum */
export const isOlder = (version, minimum) => {
  const have = version.split('.').map(Number);
  const want = minimum.split('.').map(Number);
  for (let i = 0; i < 3; i += 1) if (have[i] !== want[i]) return have[i] < want[i];
  return false;
};

/** Where the lock brings a Node of its own (optionalDependencies node-linux-…). @param {string} platform @param {string} arch */
export const lockBringsNode = (platform, arch) => platform === 'linux' && (arch === 'x64' || arch === 'arm64');

/**
 * Why this Node cannot start Spillway, in words for who sees it; undefined when it can.
 * @param {{ version: string, platform: string, arch: string }} node
 */
export const nodeProblem = ({ version, platform, arch }) => {
  if (isOlder(version, MINIMUM)) return `Spillway needs Node ${MINIMUM} or newer to start; this is Node ${version}. Install a newer one (nodejs.org, your system's packages, or: nvm install 24) and start again.`;
  if (!lockBringsNode(platform, arch) && isOlder(version, RUNTIME_MINIMUM)) return `Spillway needs Node ${RUNTIME_MINIMUM} or newer on ${platform} ${arch}; this is Node ${version}. (Linux on x64 and arm64 gets its Node with npm ci, other systems bring their own: nvm install 24.)`;
  return undefined;
};
