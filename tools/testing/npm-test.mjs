import { install, isInstalled } from '../bootstrap/packages.mjs';
import { reenter, runsUnderLockedNode } from '../bootstrap/reenter.mjs';
import { alreadyRunning, runningInstance } from '../launcher/instance-lock.mjs';
import { readSettings } from '../launcher/settings.mjs';
import { findNatsServer } from '../real-parts/nats-server.mjs';
import { findRedisServer } from '../real-parts/redis-server.mjs';
import { say } from '../say.mjs';
import { runTargets } from './nx-run.mjs';
import { sum, tallyTask } from './tally.mjs';

const EVERYTHING_BUT_THE_LONG = ['lint', 'typecheck', 'build', 'test'];
const THE_LONG = ['faults'];

/** @param {import('../launcher/settings.mjs').Settings} settings */
const installWhatIsMissing = async ({ root, dataFolder, env }) => {
  if (isInstalled(root)) return;
  const running = runningInstance(dataFolder);
  if (running) throw alreadyRunning(running, dataFolder); // npm ci would pull the modules out from under it
  await install({ root, say, env });
};

/** @param {string[]} targets @param {Awaited<ReturnType<typeof runTargets>>['tasks']} tasks */
const report = (targets, tasks) => {
  for (const target of targets) {
    const ofTarget = tasks.filter(({ task }) => task.target === target);
    say(`${target.padEnd(10)} ${ofTarget.filter(({ exitCode }) => exitCode === 0).length} of ${ofTarget.length} projects green`);
  }
  for (const { task, counts } of tasks) if (counts) say(`  ${task.project.padEnd(20)} ${counts.passed} passed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
};

/** @param {{ root: string, args: string[], env: NodeJS.ProcessEnv }} given */
export const npmTest = async ({ root, args, env }) => {
  const targets = args.includes('--faults') ? THE_LONG : EVERYTHING_BUT_THE_LONG;
  const settings = readSettings({ root, command: 'npm test', args, env, options: ['--faults'] });
  await installWhatIsMissing(settings);
  if (!runsUnderLockedNode(root)) return reenter({ root, env });
  const nats = await findNatsServer({ cacheFolder: settings.cacheFolder, say, env });
  const redis = await findRedisServer({ cacheFolder: settings.cacheFolder, say, env }); // tests that need one fail without, and say so
  const began = performance.now();
  // the versions are inputs of every test target: what passed on another broker runs again
  const realParts = { NATS_SERVER_BIN: nats.path, SPILLWAY_NATS_VERSION: nats.version, ...(redis && { REDIS_SERVER_BIN: redis.path, SPILLWAY_REDIS_VERSION: redis.version }) };
  const { exitCode, tasks } = await runTargets(root, targets, { ...env, ...realParts });
  const total = sum(tasks.map(({ task, exitCode: code, counts }) => tallyTask(task, code, counts)));

  say(`\nNode ${process.versions.node}, nats-server ${nats.version} (${nats.from}), ${redis ? `Redis ${redis.version} (${redis.from})` : 'no Redis'}, ${Math.round((performance.now() - began) / 1_000)} s`);
  report(targets, tasks);
  if (total.skipped > 0) say(`${total.skipped} tests were skipped`);
  for (const complaint of total.complaints) say(`  FAILED  ${complaint}`);
  // a run that nx itself broke off, or that found nothing to run, is red whatever was counted
  const failed = total.failed === 0 && (exitCode !== 0 || total.passed === 0) ? 1 : total.failed;
  say(`\n${total.passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
};
