import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { countsFile } from './counts-reporter.mjs';

/** @param {string} file */
const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);

/** Each project tests with real brokers and processes: more at once than there are cores and they only measure each other. */
const PARALLEL = Math.min(4, Math.max(2, availableParallelism()));

/**
 * Every task there should be, from the project graph that nx has just written: what nx skipped is not in its report.
 * @param {string} root @param {readonly string[]} targets @returns {import('./tally.mjs').Task[]}
 */
export const expectedTasks = (root, targets) => {
  const graph = readJson(join(root, '.nx', 'workspace-data', 'project-graph.json'));
  /** @type {[string, any][]} */
  const projects = Object.entries(graph?.nodes ?? {});
  return projects.flatMap(([project, { data }]) => targets.filter((target) => data.targets?.[target]).map((target) => ({ project, target })));
};

/** Three times what the targets promise (10 and 25 min): who is not ready by then hangs, and a report of what was done is worth more than waiting on. */
const DEADLINE_MS = { faults: 75 * 60_000, others: 30 * 60_000 };

/** @param {string} root @param {readonly string[]} targets @param {NodeJS.ProcessEnv} env @returns {Promise<number>} */
const runNx = (root, targets, env) =>
  new Promise((resolve, reject) => {
    const path = [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter);
    const child = spawn('nx', ['run-many', '-t', ...targets, `--parallel=${PARALLEL}`], { cwd: root, env: { ...env, PATH: path }, stdio: ['ignore', 'inherit', 'inherit'] });
    const deadline = setTimeout(() => child.kill('SIGTERM'), targets.includes('faults') ? DEADLINE_MS.faults : DEADLINE_MS.others);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      resolve(code ?? 1);
    });
  });

/**
 * Runs the targets over all projects, their output passed through (passing ones one line each), and gives each task's exit code and counts.
 * @param {string} root @param {readonly string[]} targets @param {NodeJS.ProcessEnv} env
 */
export const runTargets = async (root, targets, env) => {
  const report = join(root, '.nx', 'cache', 'run.json');
  rmSync(report, { force: true });
  rmSync(join(root, 'tmp', 'counts'), { recursive: true, force: true });
  const exitCode = await runNx(root, targets, env);
  /** @type {Map<string, number>} */
  const exitCodes = new Map((readJson(report)?.tasks ?? []).map((/** @type {any} */ task) => [task.taskId, task.status]));
  const tasks = expectedTasks(root, targets).map((task) => ({
    task,
    exitCode: exitCodes.get(`${task.project}:${task.target}`),
    counts: /** @type {import('./tally.mjs').Counts | undefined} */ (readJson(countsFile(task.project, task.target))),
  }));
  return { exitCode, tasks };
};
