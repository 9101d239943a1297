import { managedNames, type ManagedName } from './managed.ts';
import type { Fault } from './faults.ts';

type Known = { readonly name: ManagedName; readonly pin: string; readonly created: string | undefined };

/** What of the known streams is not on the broker that answers, or is there as another one of the same name. */
export const worldFaults = (pins: Readonly<Record<string, string>>, created: (name: ManagedName) => string | undefined, adopt: ReadonlySet<ManagedName>): Fault[] => {
  const known = managedNames.flatMap((name): Known[] => (pins[name] === undefined || adopt.has(name) ? [] : [{ name, pin: pins[name], created: created(name) }]));
  const wrong = known.filter((it) => it.pin !== it.created);
  // nothing at all is as known: ten faults would hide the one cause
  return wrong.length === known.length && wrong.length > 1 ? [otherBroker(wrong)] : wrong.map(fault);
};

const fault = ({ name, pin, created }: Known): Fault =>
  created === undefined
    ? { what: `${name}, made at ${pin}, is not on this broker`, remedy: `Point NATS_URL at the broker that holds it; if it was deleted on purpose: spillway provision --adopt ${name}.` }
    : {
        what: `${name} on this broker was made at ${created}, the one we know at ${pin}: this is another world`,
        remedy: `Point NATS_URL at the broker that holds the known one; if it was made anew on purpose: spillway provision --adopt ${name}.`,
      };

const otherBroker = (wrong: readonly Known[]): Fault => {
  const [{ name, pin, created } = { name: '', pin: '', created: undefined }] = wrong;
  return {
    what: `this broker is another world: it has none of the ${wrong.length} streams and buckets that are known (${name}, made at ${pin}, ${created === undefined ? 'is not here' : `was made here at ${created}`})`,
    remedy: `Point NATS_URL at the broker that holds them. To begin anew on this one and give up what they hold: spillway provision ${wrong.map((it) => `--adopt ${it.name}`).join(' ')}`,
  };
};
