import type { Health } from '@spillway/service-kit';
import type { Logger } from '@spillway/telemetry';
import { Broker } from './broker.ts';
import type { PlaneConfig } from './plane-config.ts';
import { openWorlds, type PinnedWorlds } from './worlds.ts';

/** The first steps of every app of the plane: connect, see that it is the right broker, and let `/readyz` say both. */
export const joinPlane = async (
  config: PlaneConfig,
  { app, log, health, host }: { app: string; log: Logger; health: Health; host: string },
): Promise<{ broker: Broker; worlds: PinnedWorlds; replica: string }> => {
  // unique among replicas also where several share a host or start as pid 1 of a container
  const replica = `${host.replace(/[^\w-]/g, '-').slice(0, 40)}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const broker = await Broker.connect({
    servers: config.natsUrl,
    user: config.natsUser,
    pass: config.natsPassword,
    name: `${app} ${replica}`,
    log,
  });
  const worlds = await openWorlds(broker, { file: config.worldsFile, log });
  health.check('broker', () => ({ ok: broker.connected, detail: broker.connected ? undefined : 'not connected' }));
  health.check('worlds', () => ({ ok: worlds.state.ready, detail: worlds.state.why }));
  return { broker, worlds, replica };
};
