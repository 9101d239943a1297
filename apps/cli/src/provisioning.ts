import { assertSynced, provision, type Provisioned } from '@spillway/jetstream';
import { createLogger } from '@spillway/telemetry';
import { formatSize, show, type Action, type Difference, type ManagedName } from '@spillway/topology';
import { brokerSettings, logOf, withBroker } from './broker-session.ts';
import type { Cli } from './cli.ts';

const said = (property: string, value: unknown): string => (property === 'max_bytes' && typeof value === 'number' && value > 0 ? formatSize(value) : show(value));

export const changesText = (changes: readonly Difference[]): string => changes.map(({ property, from, to }) => `${property} ${said(property, from)} → ${said(property, to)}`).join(', ');

const actionText = (action: Action): string => {
  const what = 'durable' in action ? `${action.durable} (${action.stream})` : action.stream;
  return `${action.do.padEnd(14)} ${what}${'changes' in action && action.changes.length > 0 ? `: ${changesText(action.changes)}` : ''}`;
};

const human = ({ actions, notes }: Provisioned, dryRun: boolean): string => {
  const remarks = notes.map((note) => `note: ${note}`);
  if (actions.length === 0) return [...remarks, 'The broker is as the catalogue says: nothing to do.'].join('\n');
  return [...actions.map(actionText), ...remarks, dryRun ? `${actions.length} to do; nothing was changed (--dry-run).` : `${actions.length} done.`].join('\n');
};

export const runProvision = async (cli: Cli, { adopt, dryRun }: { adopt: readonly ManagedName[]; dryRun: boolean }): Promise<void> => {
  const settings = brokerSettings(cli);
  const { natsMonitorUrl: monitorUrl, allowUnsynced, worldsFile } = settings.config;
  (await assertSynced({ monitorUrl, allowUnsynced, log: logOf(cli) })).stop();
  // its notes are part of the answer: said once
  const log = createLogger('spillway', 'silent');
  const done = await withBroker(cli, settings, (broker) => provision(broker, { limits: settings.limits, log, adopt, worldsFile, dryRun }));
  cli.print({ dryRun, ...done }, () => human(done, dryRun));
};
