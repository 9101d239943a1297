import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker, type BrokerOptions, type TestBroker } from '@spillway/testing';
import { createLogger } from '@spillway/telemetry';
import { defaultLimits, managedNames, MIB, type Limits } from '@spillway/topology';
import { Broker } from '../broker.ts';
import { provision, type Provisioned, type ProvisionOptions } from '../provision.ts';

/** Small enough that a test can fill a stream, large enough that one which does not mean to never does. */
const MAX_BYTES = 64 * MIB;

const testLimits: Limits = { ...defaultLimits, maxBytes: Object.fromEntries(managedNames.map((name) => [name, MAX_BYTES])) as Limits['maxBytes'] };

export type PlaneBrokerOptions = BrokerOptions & {
  /** Over 64 MiB a stream and the catalogue's shares. */
  limits?: { maxBytes?: Partial<Limits['maxBytes']>; maxMessagesPerSubject?: Limits['maxMessagesPerSubject'] };
};

/** Says nothing, unless SPILLWAY_LOG_LEVEL is set for a look. */
export const testLog = createLogger('test', process.env['SPILLWAY_LOG_LEVEL'] ?? 'silent');

/** A private broker with the whole catalogue on it, and a connection. */
export const startPlaneBroker = async ({ limits = {}, ...options }: PlaneBrokerOptions = {}): Promise<PlaneBroker> => {
  const server = await startBroker(options);
  const dir = mkdtempSync(join(tmpdir(), 'spillway-plane-'));
  const plane = new PlaneBroker(server, await connectTo(server.url), join(dir, 'worlds.json'), {
    ...testLimits,
    maxBytes: { ...testLimits.maxBytes, ...limits.maxBytes },
    maxMessagesPerSubject: { ...testLimits.maxMessagesPerSubject, ...limits.maxMessagesPerSubject },
  });
  await plane.provision();
  return plane;
};

const connectTo = (servers: string): Promise<Broker> => Broker.connect({ servers, name: 'test', log: testLog });

export class PlaneBroker {
  private readonly others: Broker[] = [];

  constructor(
    readonly server: TestBroker,
    /** The test's own connection. */
    readonly broker: Broker,
    /** Written by provisioning: the creation times of its streams. */
    readonly worldsFile: string,
    readonly limits: Limits,
  ) {}

  /** For NATS_URL. */
  get url(): string {
    return this.server.url;
  }

  /** For NATS_MONITOR_URL. */
  get monitorUrl(): string {
    return this.server.monitorUrl;
  }

  /** Once more, for example after a stream was deleted. */
  async provision(options: Partial<Pick<ProvisionOptions, 'limits' | 'adopt' | 'dryRun'>> = {}): Promise<Provisioned> {
    return provision(this.broker, { limits: this.limits, log: testLog, worldsFile: this.worldsFile, ...options });
  }

  /** Another connection, as of another process; closed by `stop`. */
  async connect(): Promise<Broker> {
    const broker = await connectTo(this.url);
    this.others.push(broker);
    return broker;
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    for (const broker of [this.broker, ...this.others]) await broker.close();
    await this.server.stop();
    rmSync(join(this.worldsFile, '..'), { recursive: true, force: true });
  }
}
