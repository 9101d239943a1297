import { managedNames } from '@spillway/topology';
import type { Logger } from '@spillway/telemetry';
import { backOff } from './backoff.ts';
import type { Broker } from './broker.ts';
import { InfrastructureError, isPassing } from './errors.ts';
import { PinsUnreadable, readPins, type Pins } from './pins.ts';
import { NO_SUCH_STREAM, unless } from './unless.ts';

/**
 * A stream's creation time tells one broker's world from another's: a second, empty broker behind the same address has streams of the same names.
 * Provisioning pins them; every app compares on connect.
 */
export type Worlds = {
  /** @throws Error when the stream is not known */
  created(stream: string): string;
};

export type WorldsState = { ready: boolean; why?: string };

export type WorldsOptions = {
  /** What provisioning wrote (SPILLWAY_WORLDS_FILE); without it the first seen counts, until this process ends. */
  file?: string | undefined;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Those that this app works with, by their names on the server; by default all. */
  streams?: readonly string[];
};

/** The broker that answers is not the one whose messages we know. */
export class WrongWorld extends InfrastructureError {
  constructor(why: string) {
    super('SPILLWAY_WRONG_WORLD', why, REMEDY);
  }
}

const REMEDY = 'Point NATS_URL at the broker that holds the known streams; if they were made anew on purpose, run spillway provision --adopt <STREAM> and start this again.';

/** A stream that is deleted and made again meanwhile needs no reconnect to be another one. Ten infos, 3 ms of the broker. */
const INSPECT_EVERY_MS = 2_000;

/** @throws WrongWorld | PinsUnreadable. Waits for an answer of the broker as long as it takes. */
export const openWorlds = async (broker: Broker, { file, log, streams = managedNames }: WorldsOptions): Promise<PinnedWorlds> => {
  const pins = file === undefined ? undefined : await pinsOf(file, streams);
  const seen = await firstSeen(broker, streams, log);
  const fault = judge(pins ?? seen, seen, streams);
  if (fault !== undefined) throw new WrongWorld(fault);
  return new PinnedWorlds(broker, pins ?? seen, streams, log);
};

const pinsOf = async (file: string, streams: readonly string[]): Promise<Pins> => {
  const pins = await readPins(file);
  if (!pins) throw new PinsUnreadable(file, 'is not there: provisioning has not run');
  const missing = streams.filter((name) => pins[name] === undefined);
  if (missing.length > 0) throw new PinsUnreadable(file, `does not name ${missing.join(', ')}: provisioning has not run since this version came`);
  return pins;
};

const firstSeen = async (broker: Broker, streams: readonly string[], log: WorldsOptions['log']): Promise<Pins> => {
  for (let failures = 0; ; failures += 1) {
    try {
      return await look(broker, streams);
    } catch (error) {
      if (!isPassing(error)) throw error;
      log.warn({ err: error }, 'the broker does not say when its streams were made');
      await backOff(failures);
    }
  }
};

/** Creation times, of those that there are. */
const look = async (broker: Broker, streams: readonly string[]): Promise<Pins> => {
  const times = await Promise.all(streams.map(async (name) => [name, await createdAt(broker, name)] as const));
  return Object.fromEntries(times.flatMap(([name, created]) => (created === undefined ? [] : [[name, created]])));
};

const createdAt = async (broker: Broker, name: string): Promise<string | undefined> => (await unless(NO_SUCH_STREAM, broker.api<{ created: string }>(`STREAM.INFO.${name}`)))?.created;

const judge = (pins: Pins, seen: Pins, streams: readonly string[]): string | undefined => {
  const faults = streams.flatMap((name) => {
    if (seen[name] === undefined) return [`${name} is not on this broker`];
    return seen[name] === pins[name] ? [] : [`${name} was made at ${seen[name]}, the one we know at ${pins[name] ?? ''}`];
  });
  return faults.length === 0 ? undefined : `this broker is another world: ${faults.join('; ')}`;
};

/** Says itself whether the broker is still the one that was known at start; from one that is not, nothing may be taken and nothing concluded. */
export class PinnedWorlds implements Worlds {
  private fault: string | undefined;
  private closed = false;
  private readonly listeners: ((state: WorldsState) => void)[] = [];
  private readonly unlisten: () => void;
  private readonly inspecting: NodeJS.Timeout;

  constructor(
    private readonly broker: Broker,
    private readonly pins: Pins,
    private readonly streams: readonly string[],
    private readonly log: WorldsOptions['log'],
  ) {
    this.unlisten = broker.onConnection((up) => this.onConnection(up));
    this.inspecting = setInterval(() => void this.inspect(), INSPECT_EVERY_MS);
    this.inspecting.unref();
  }

  get state(): WorldsState {
    return this.fault === undefined ? { ready: true } : { ready: false, why: this.fault };
  }

  created(stream: string): string {
    const created = this.pins[stream];
    if (created === undefined) throw new RangeError(`no creation time is known of ${stream}`);
    return created;
  }

  /** Told at each change. */
  onChange(listener: (state: WorldsState) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.closed = true;
    clearInterval(this.inspecting);
    this.unlisten();
  }

  private onConnection(up: boolean): void {
    // what answers after this may be somebody else
    if (up) void this.inspect();
    else this.change('not compared since the connection was lost');
  }

  private async inspect(): Promise<void> {
    for (let failures = 0; !this.closed && this.broker.connected; failures += 1) {
      try {
        return this.change(judge(this.pins, await look(this.broker, this.streams), this.streams));
      } catch (error) {
        // no answer decides nothing; a refusal that is none of the known ones is not our broker's usual self
        if (!isPassing(error)) return this.change((error as Error).message);
        await backOff(failures);
      }
    }
  }

  private change(fault: string | undefined): void {
    if (this.closed || fault === this.fault) return;
    this.fault = fault;
    if (fault === undefined) this.log.info('the broker is the one that is known');
    else this.log.error({ why: fault, remediation: REMEDY }, 'the broker is not to be believed');
    for (const listener of this.listeners) listener(this.state);
  }
}
