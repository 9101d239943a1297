import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot, type Plane } from '@spillway/testing';

/** The built `spillway`, as an operator runs it beside this plane. @returns what it printed. @throws Error with what it said when it refuses */
export const spillway = async (plane: Plane, ...args: string[]): Promise<string> => {
  const env = { PATH: process.env['PATH'], SPILLWAY_URL: plane.app('console').url, SPILLWAY_KEY: plane.adminKey };
  const { stdout } = await promisify(execFile)(process.execPath, [join(repositoryRoot(), 'apps/cli/bin/spillway.mjs'), ...args], { env, timeout: 60_000 });
  return stdout.trim();
};
