import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './repository.ts';

/** A row of the launcher's table: what `npm start` runs, with what. */
export type LaunchedApp = { name: string; portOffset: number; secrets: readonly string[]; asksBroker?: boolean; main?: string };

type Table = { apps: readonly LaunchedApp[]; natsUsers: readonly string[]; provisioner: string; mainFile: (app: LaunchedApp) => string };

/** Read from the launcher itself, so that a plane under test is started as `npm start` starts it, with no secret more. */
export const launchedApps = async (): Promise<Table> => (await import(pathToFileURL(join(repositoryRoot(), 'tools', 'launcher', 'apps.mjs')).href)) as Table;
