import { bucketOf, MARKER_KEY, plan, type Action, type Fault, type FoundStream, type Limits, type ManagedName } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import type { Broker } from './broker.ts';
import { BrokerRefused, InfrastructureError } from './errors.ts';
import { readPins, writePins, type Pins } from './pins.ts';
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
  const found = await survey(broker, limits);
  const { actions, faults, notes } = plan({ limits, found, pins, adopt: new Set(adopt) });
  if (faults.length > 0) throw new ProvisioningRefused(faults);
  for (const note of notes) log.warn(note);
  const worlds = new Map<string, string>([...found].map(([name, { created }]) => [name, created]));
  if (!dryRun) {
    for (const action of actions) await carryOut(broker, action, { limits, found, worlds, log });
    if (worldsFile !== undefined) await writePins(worldsFile, Object.fromEntries(worlds));
  }
  return { actions, notes, worlds: Object.fromEntries(worlds) };
};

type Surroundings = { limits: Limits; found: ReadonlyMap<ManagedName, FoundStream>; worlds: Map<string, string>; log: Pick<Logger, 'info'> };

const carryOut = async (broker: Broker, action: Action, { limits, found, worlds, log }: Surroundings): Promise<void> => {
  try {
    const created = await send(broker, action);
    if (action.do === 'create stream' && created !== undefined) worlds.set(action.stream, created);
    log.info({ action: action.do, stream: action.stream, ...('durable' in action ? { durable: action.durable } : {}) }, 'provisioned');
  } catch (error) {
    if (!(error instanceof BrokerRefused)) throw error;
    const maxBytesOf = (name: ManagedName): number => overridesIn(found.get(name) ?? { config: {} }).maxBytes ?? limits.maxBytes[name];
    throw new ProvisioningRefused([faultOf(error, action, { maxBytesOf, found })], { cause: error });
  }
};

/** @returns the creation time of a stream that was made */
export const send = async (broker: Broker, action: Action): Promise<string | undefined> => {
  switch (action.do) {
    case 'create stream':
      return (await broker.api<{ created: string }>(`STREAM.CREATE.${action.stream}`, action.config, SLOW_MS)).created;
    case 'change stream':
      await broker.api(`STREAM.UPDATE.${action.stream}`, action.config, SLOW_MS);
      return undefined;
    case 'create durable':
    case 'change durable':
      await broker.api(`CONSUMER.CREATE.${action.stream}.${action.durable}.${String(action.config['filter_subject'])}`, { stream_name: action.stream, config: action.config, action: action.do === 'create durable' ? 'create' : 'update' }, SLOW_MS);
      return undefined;
    case 'mark bucket':
      await mark(broker, action.stream);
      return undefined;
  }
};

/** A stream with three replicas is made in a second or so on a busy machine. */
const SLOW_MS = 20_000;

const mark = async (broker: Broker, stream: ManagedName): Promise<void> => {
  const what = `the marker of ${stream}`;
  const { reply, answer } = broker.replies.expect(what, SLOW_MS);
  broker.nc.publish(`$KV.${bucketOf(stream) ?? ''}.${MARKER_KEY}`, JSON.stringify({ by: 'spillway provision' }), { reply });
  const ack = (await answer).json<{ error?: { code: number; err_code?: number; description?: string } }>();
  if (ack.error) throw new BrokerRefused(ack.error.err_code ?? ack.error.code, ack.error.description ?? 'no description', what);
};
