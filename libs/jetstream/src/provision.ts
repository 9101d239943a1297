import { plan, type Action, type Fault, type FoundStream, type Limits, type ManagedName } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { BrokerRefused, InfrastructureError } from './errors.ts';
import { readPins, writePins, type Pins } from './pins.ts';
import { carryOut, insistently } from './provisioning-actions.ts';
import { faultOf } from './provisioning-faults.ts';
import { overridesIn, survey } from './survey.ts';

export type ProvisionOptions = {
  limits: Limits;
  log: Pick<Logger, 'info' | 'warn'>;
  /** Streams that were made anew, or deleted, on purpose. */
  adopt?: readonly ManagedName[];
  /** Where the creation times are kept; without it they are neither compared nor noted. */
  worldsFile?: string | undefined;
  /** Says what would be done, and does nothing. */
  dryRun?: boolean;
};

export type Provisioned = { actions: readonly Action[]; notes: readonly string[]; worlds: Pins };

/** What stands on the broker cannot become what the catalogue says, or is not ours. Lists everything at once. */
export class ProvisioningRefused extends InfrastructureError {
  constructor(
    readonly faults: readonly Fault[],
    options?: ErrorOptions,
  ) {
    const [only] = faults;
    const [message, remediation] = faults.length === 1 && only ? [only.what, only.remedy] : [list(faults), 'Each of them says what to do; nothing else is wrong.'];
    super('SPILLWAY_PROVISIONING_REFUSED', message, remediation, options);
  }
}

const list = (faults: readonly Fault[]): string => [`${faults.length} things stand in the way:`, ...faults.map(({ what, remedy }) => `- ${what}\n  ${remedy}`)].join('\n');

/**
 * Makes the broker what the catalogue says: the one step that creates streams, buckets and durables; workers never do. A second run changes nothing.
 * @throws ProvisioningRefused, and then nothing was changed unless the broker itself refused in between
 */
export const provision = async (broker: Broker, { limits, log, adopt = [], worldsFile, dryRun = false }: ProvisionOptions): Promise<Provisioned> => {
  const pins = worldsFile === undefined ? {} : ((await readPins(worldsFile)) ?? {});
  const found = await insistently(() => survey(broker, limits));
  const { actions, faults, notes } = plan({ limits, found, pins, adopt: new Set(adopt) });
  if (faults.length > 0) throw new ProvisioningRefused(faults);
  for (const note of notes) log.warn(note);
  const worlds = new Map<string, string>([...found].map(([name, { created }]) => [name, created]));
  if (!dryRun) {
    for (const action of actions) await perform(broker, action, { limits, found, worlds, log });
    if (worldsFile !== undefined) await writePins(worldsFile, Object.fromEntries(worlds));
  }
  return { actions, notes, worlds: Object.fromEntries(worlds) };
};

type Surroundings = { limits: Limits; found: ReadonlyMap<ManagedName, FoundStream>; worlds: Map<string, string>; log: Pick<Logger, 'info'> };

const perform = async (broker: Broker, action: Action, { limits, found, worlds, log }: Surroundings): Promise<void> => {
  try {
    const created = await insistently(() => carryOut(broker, action));
    if (action.do === 'create stream' && created !== undefined) worlds.set(action.stream, created);
    log.info({ action: action.do, stream: action.stream, ...('durable' in action ? { durable: action.durable } : {}) }, 'provisioned');
  } catch (error) {
    if (!(error instanceof BrokerRefused)) throw error;
    const maxBytesOf = (name: ManagedName): number => overridesIn(found.get(name) ?? { config: {} }).maxBytes ?? limits.maxBytes[name];
    throw new ProvisioningRefused([faultOf(error, action, { maxBytesOf, found })], { cause: error });
  }
};
