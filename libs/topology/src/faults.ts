import type { Difference } from './differences.ts';
import type { ManagedName } from './managed.ts';
import { VERIFIED_ON } from './properties.ts';
import { formatSize } from './sizes.ts';

/** What may not be done, and what somebody does about it. */
export type Fault = { readonly what: string; readonly remedy: string };

export const show = (value: unknown): string => (value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value));

const differs = ({ property, from, to }: Difference): string => `has ${property} ${show(from)}, the catalogue ${show(to)}, and the server (${VERIFIED_ON}) does not change it`;

export const fault = {
  immutable: (name: ManagedName, difference: Difference): Fault => ({
    what: `${name} ${differs(difference)} on a stream that exists`,
    remedy: `Let the plane drain, delete the stream (nats stream rm ${name}) and run spillway provision --adopt ${name}; while it holds what must not be lost, back it up first (nats stream backup).`,
  }),
  immutableDurable: (stream: ManagedName, name: string, difference: Difference): Fault => ({
    what: `the durable ${name} of ${stream} ${differs(difference)}`,
    remedy: `Stop its app, delete the durable (nats consumer rm ${stream} ${name}) and run spillway provision: what it had not acknowledged comes again.`,
  }),
  shards: (name: ManagedName, pinned: string, shards: number): Fault => ({
    what: `${name} was made for ${pinned} shards, this version has ${shards}: its messages would have owners that do not look for them`,
    remedy: `Run the version that has ${pinned} shards, or drain the plane, delete the stream and run spillway provision --adopt ${name}.`,
  }),
  /** @param headroom what part of the new share may be in use already */
  shareInUse: (name: ManagedName, limit: number, fullest: number, headroom: number): Fault => ({
    what: `${name} holds ${fullest} messages on one subject: a share of ${limit} would delete the oldest of them`,
    remedy: `Let it drain to ${Math.floor(limit * headroom)}, or choose at least ${Math.ceil(fullest / headroom)}.`,
  }),
  forgets: (name: ManagedName, limit: number, bytes: number): Fault => ({
    what: `${name} holds ${formatSize(bytes)} and drops its oldest to stay below its limit: ${formatSize(limit)} would delete facts`,
    remedy: `Choose at least ${formatSize(bytes)}, or accept that: spillway streams limit ${name} --max-bytes ${formatSize(limit)} --drop-oldest.`,
  }),
  unmarked: (name: ManagedName): Fault => ({
    what: `${name} has no marker: it was emptied, or made by somebody else`,
    remedy: `Restore it from a backup; if what it holds now is right: spillway provision --adopt ${name}.`,
  }),
  badOverride: (name: ManagedName, why: string): Fault => ({
    what: `${name}: ${why}`,
    remedy: `Set the limit again, or go back to the configured one: spillway streams limit ${name} --reset.`,
  }),
} as const;
