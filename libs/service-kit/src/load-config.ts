import { validateSync, type ValidationError } from 'class-validator';
import { ConfigError, type ConfigFault } from './config-error.ts';
import { envFields, type EnvField, type EnvValue } from './from-env.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks the environment once; what comes back never changes. An empty variable counts as not set:
 * that is what compose files make of `${NAME}`.
 * @throws {ConfigError} with every fault
 */
export const loadConfig = <T extends object>(configClass: new () => T, env: Environment = process.env): Readonly<T> => {
  const config = new configClass();
  const fields = envFields(configClass);
  const faults = fields.flatMap((field) => assign(config, field, env[field.variable]));
  const unreadable = new Set(faults.map(({ variable }) => variable));
  for (const error of validateSync(config, { forbidUnknownValues: false })) {
    const field = fields.find(({ property }) => property === error.property);
    const variable = field?.variable ?? error.property;
    if (unreadable.has(variable)) continue; // what could not be read has been said already
    faults.push({ variable, seen: field ? seenIn(env[variable], field) : 'wrong', wanted: wantedOf(error) });
  }
  const place = ({ variable }: ConfigFault): number => fields.findIndex((field) => field.variable === variable);
  if (faults.length > 0) throw new ConfigError(faults.toSorted((a, b) => place(a) - place(b)));
  return Object.freeze(config);
};

const assign = (config: object, field: EnvField, raw: string | undefined): ConfigFault[] => {
  const text = raw?.trim();
  if (!text) {
    if (field.default !== undefined) set(config, field, field.default);
    return [];
  }
  const value = parse(text, field.type);
  if (value === undefined) return [{ variable: field.variable, seen: seenIn(raw, field), wanted: WANTED[field.type] }];
  set(config, field, value);
  return [];
};

const set = (config: object, { property }: EnvField, value: EnvValue): void => {
  Object.assign(config, { [property]: Array.isArray(value) ? Object.freeze([...(value as readonly string[])]) : value });
};

const WANTED: Record<EnvField['type'], string> = { string: 'text', number: 'a number', boolean: 'true or false', 'string[]': 'a list, separated by commas' };

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, '1': true, yes: true, on: true, false: false, '0': false, no: false, off: false };

/** `undefined` when the text is not of that type. Numbers as people write them: `Number` alone would also take 0x10 and an empty text. */
const parse = (text: string, type: EnvField['type']): EnvValue | undefined => {
  switch (type) {
    case 'string':
      return text;
    case 'number':
      return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return BOOLEANS[text.toLowerCase()];
    case 'string[]':
      return text.split(',').map((item) => item.trim()).filter(Boolean);
  }
};

const seenIn = (raw: string | undefined, { secret }: EnvField): string => {
  if (!raw?.trim()) return 'not set';
  return secret ? 'set (secret)' : JSON.stringify(raw.length > 200 ? `${raw.slice(0, 200)}…` : raw);
};

/** class-validator begins its sentences with the property; the operator knows the variable. */
const wantedOf = ({ constraints = {}, property }: ValidationError): string =>
  Object.values(constraints)
    .toReversed() // in the order the decorators are written
    .map((sentence) => sentence.replace(new RegExp(`^(each value in )?${property} `), '$1').replace(/^must /, 'it must '))
    .join(', ');
