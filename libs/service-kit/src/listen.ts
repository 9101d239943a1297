import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceConfig } from './service-config.ts';

/** The app cannot be reached, so it does not start. */
export class CannotListen extends Error {
  readonly code = 'SPILLWAY_CANNOT_LISTEN';

  constructor(message: string, readonly remediation: string, cause: unknown) {
    super(`${message}; ${remediation}`, { cause });
    this.name = 'CannotListen';
  }
}

export type Address = { app: string; config: Pick<ServiceConfig, 'portBase' | 'bind'>; portOffset: number };

/** Base 0 asks for any free port: for tests, which run side by side. */
export const portOf = ({ config: { portBase }, portOffset }: Address): number => (portBase === 0 ? 0 : portBase + portOffset);

/** @throws {CannotListen} that names the port and the variable */
export const listen = async (nest: NestFastifyApplication, address: Address): Promise<string> => {
  const { bind } = address.config;
  try {
    await nest.listen(portOf(address), bind);
  } catch (error) {
    throw explained(error, address);
  }
  const { port } = nest.getHttpServer().address() as { port: number };
  return `http://${reachable(bind)}:${port}`;
};

const reachable = (bind: string): string => {
  if (bind === '0.0.0.0') return '127.0.0.1';
  if (bind === '::') return '[::1]';
  return bind.includes(':') ? `[${bind}]` : bind;
};

const explained = (error: unknown, address: Address): unknown => {
  const { app, config, portOffset } = address;
  const port = portOf(address);
  const from = `SPILLWAY_PORT_BASE=${config.portBase} plus ${portOffset}`;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new CannotListen(`port ${port} of ${app} is taken on ${config.bind} (${from})`, 'stop what listens there, or set SPILLWAY_PORT_BASE to another base', error);
    case 'EACCES':
      return new CannotListen(`port ${port} of ${app} may not be used by this user (${from})`, 'set SPILLWAY_PORT_BASE to 1024 or above', error);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CannotListen(`${app} cannot listen on SPILLWAY_BIND=${config.bind}: no such address here`, 'set SPILLWAY_BIND to an address of this machine', error);
    default:
      return error;
  }
};
