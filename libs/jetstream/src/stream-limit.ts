import { desiredConfig, planLimit, worldFaults, type Action, type Difference, type Limits, type ManagedName, type Overrides } from '@spillway/topology';
import type { Broker } from './broker.ts';
import { BrokerRefused } from './errors.ts';
import { readPins } from './pins.ts';
import { ProvisioningRefused } from './provision.ts';
import { carryOut } from './provisioning-actions.ts';
import { faultOf } from './provisioning-faults.ts';
import { overridesIn, survey, surveyStream, withFullestSubject } from './survey.ts';

export type LimitOptions = {
  /** What the environment says: what `reset` goes back to. */
  limits: Limits;
  /** What is not named stays as it was. */
  set: Overrides | 'reset';
  /** The ledger may lose its oldest facts by it. */
  mayForget?: boolean;
  /** Where the creation times are kept: another world's stream is not touched. */
  worldsFile?: string | undefined;
};

export type Limited = { stream: ManagedName; changes: readonly Difference[]; notes: readonly string[]; overrides: Overrides };

/**
 * Changes a limit, also while it is reached: 7 ms on the server, and flow resumes by itself. Kept in the stream's metadata, where provisioning finds it.
 * @throws ProvisioningRefused
 */
export const limitStream = async (broker: Broker, name: ManagedName, { limits, set, mayForget = false, worldsFile }: LimitOptions): Promise<Limited> => {
  const seen = await surveyStream(broker, name);
  if (!seen) throw new ProvisioningRefused([{ what: `${name} is not on this broker`, remedy: 'Run spillway provision first.' }]);
  const pin = worldsFile === undefined ? undefined : (await readPins(worldsFile))?.[name];
  const foreign = pin === undefined ? [] : worldFaults({ [name]: pin }, () => seen.created, new Set());
  if (foreign.length > 0) throw new ProvisioningRefused(foreign);
  const overrides = set === 'reset' ? {} : { ...overridesIn(seen), ...given(set) };
  const share = desiredConfig(name, limits, overrides)['max_msgs_per_subject'];
  const { actions, faults, notes } = planLimit(name, overrides, limits, await withFullestSubject(broker, name, share, seen), { mayForget });
  if (faults.length > 0) throw new ProvisioningRefused(faults);
  for (const action of actions) await perform(broker, action, limits, overrides);
  return { stream: name, changes: actions.flatMap((action) => ('changes' in action ? action.changes : [])), notes, overrides };
};

const given = (set: Overrides): Overrides => Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));

const perform = async (broker: Broker, action: Action, limits: Limits, overrides: Overrides): Promise<void> => {
  try {
    await carryOut(broker, action);
  } catch (error) {
    if (!(error instanceof BrokerRefused)) throw error;
    const found = await survey(broker, limits);
    const maxBytesOf = (name: ManagedName): number => (name === action.stream ? overrides : overridesIn(found.get(name) ?? { config: {} })).maxBytes ?? limits.maxBytes[name];
    throw new ProvisioningRefused([faultOf(error, action, { maxBytesOf, found })], { cause: error });
  }
};
