// Nothing here is newer than Node 14: a Node that is too old must get as far as being told so.
import { fileURLToPath } from 'url';
import { nodeProblem } from './node-version.mjs';

/**
 * How each command begins: first the Node, then the rest, loaded only now because it is written for Node 20.
 * @param {() => Promise<(given: { root: string, args: string[], env: NodeJS.ProcessEnv }) => Promise<number>>} load
 */
export const enter = (load) => {
  const problem = nodeProblem({ version: process.versions.node, platform: process.platform, arch: process.arch });
  if (problem) {
    console.error('\n' + problem + '\n');
    process.exitCode = 1;
    return Promise.resolve();
  }
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  return Promise.all([load(), import('../refusal.mjs')]).then(([main, { runAsCommand }]) => runAsCommand(() => main({ root, args: process.argv.slice(2), env: process.env })));
};
