import { envFields } from './from-env.ts';

export type ConfigRow = { variable: string; type: string; default: string | undefined; doc: string; secret: boolean };

type ConfigClass = abstract new () => object;

/** For docs/reference/config.md. */
export const describeConfig = (configClass: ConfigClass): ConfigRow[] =>
  envFields(configClass).map(({ variable, type, default: preset, doc, secret = false }) => ({
    variable,
    type,
    default: preset === undefined || secret ? undefined : String(preset),
    doc,
    secret,
  }));

/** For the line that an app logs when it starts: what is set, by variable, with secrets masked. */
export const printConfig = (config: object): Record<string, unknown> => {
  const values = config as Readonly<Record<string, unknown>>;
  const set = envFields(config.constructor as ConfigClass).filter(({ property }) => values[property] !== undefined && values[property] !== '');
  return Object.fromEntries(set.map(({ variable, property, secret }) => [variable, secret ? '***' : withoutPassword(values[property])]));
};

/** An address may carry a password although its variable is no secret: `nats://user:password@host`. */
const withoutPassword = (value: unknown): unknown => (typeof value === 'string' ? value.replace(/(:\/\/[^/@:\s]*):[^/@\s]*@/g, '$1:***@') : value);
