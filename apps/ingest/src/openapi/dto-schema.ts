import { getMetadataStorage, ValidationTypes } from 'class-validator';

/** JSON Schema, 2020-12, as OpenAPI 3.1 has it. */
export type Schema = { readonly [keyword: string]: unknown };

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** What a decorator asks, in the words of JSON Schema; anything that this file cannot say is refused when the process starts. */
const SAID: Readonly<Record<string, (constraints: unknown[]) => Schema>> = {
  matches: ([pattern]) => ({ type: 'string', pattern: (pattern as RegExp).source }),
  isRfc3339: () => ({ type: 'string', format: 'date-time' }),
};

const fieldSchema = ({ name = '', constraints, message, propertyName }: Metadata): Schema => {
  const said = SAID[name];
  if (said === undefined) throw new TypeError(`the rule ${name} of ${propertyName} has no words in JSON Schema`);
  return { ...said(constraints), description: message };
};

/** Of a DTO class, read from its own decorators: what is checked and what is described is written once. */
export const schemaOf = (dtoClass: abstract new () => object): { properties: Record<string, Schema>; required: string[] } => {
  const all = getMetadataStorage().getTargetValidationMetadatas(dtoClass, '', false, false);
  const optional = new Set(all.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION).map(({ propertyName }) => propertyName));
  const rules = all.filter(({ type }) => type !== ValidationTypes.CONDITIONAL_VALIDATION);
  const properties = Object.fromEntries(rules.map((rule) => [rule.propertyName, fieldSchema(rule)]));
  return { properties, required: Object.keys(properties).filter((name) => !optional.has(name)) };
};
