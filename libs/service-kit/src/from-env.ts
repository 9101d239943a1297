import 'reflect-metadata';

export type EnvType = 'string' | 'number' | 'boolean' | 'string[]';
export type EnvValue = string | number | boolean | readonly string[];

export type EnvOptions = {
  /** What an operator reads in docs/reference/config.md: what it does, in which unit. */
  doc: string;
  default?: EnvValue;
  /** Never printed: not at start, not in an error, not in the reference. */
  secret?: boolean;
};

export type EnvField = EnvOptions & { variable: string; property: string; type: EnvType };

const FIELDS = Symbol('spillway:env');

const TYPES = new Map<unknown, EnvType>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [Array, 'string[]'], // the element type does not survive compilation; numbers in a list have not been needed yet
]);

/** Ties a property of a configuration class to a variable of the environment. The declared type says how it is read. */
export const FromEnv =
  (variable: string, options: EnvOptions): PropertyDecorator =>
  (target, property) => {
    const type = TYPES.get(Reflect.getMetadata('design:type', target, property));
    if (type === undefined) throw new TypeError(`${target.constructor.name}.${String(property)}: wanted a string, a number, a boolean or string[] for ${variable}`);
    const own = (Reflect.getOwnMetadata(FIELDS, target) as EnvField[] | undefined) ?? [];
    Reflect.defineMetadata(FIELDS, [...own, { ...options, variable, property: String(property), type }], target);
  };

/** Of the class and what it extends, the most general first. A property declared again replaces the earlier one in its place. */
export const envFields = (configClass: abstract new () => object): EnvField[] => {
  const byProperty = new Map<string, EnvField>();
  const chain: object[] = [];
  for (let proto = configClass.prototype as object; proto !== Object.prototype; proto = Object.getPrototypeOf(proto) as object) chain.unshift(proto);
  for (const proto of chain) {
    for (const field of (Reflect.getOwnMetadata(FIELDS, proto) as EnvField[] | undefined) ?? []) byProperty.set(field.property, field);
  }
  return [...byProperty.values()];
};
