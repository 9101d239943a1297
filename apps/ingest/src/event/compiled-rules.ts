import { getMetadataStorage, ValidationTypes } from 'class-validator';

type Validator = (dto: object, value: unknown) => boolean;
type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Field = { name: string; applies: Validator[]; passes: Validator[] };

/** What a decorator asks of its field; anything that this file cannot say the same way as class-validator is refused when the process starts. */
const add = (field: Field, { type, constraints, constraintCls, each, validateIf }: Metadata): void => {
  if (type === ValidationTypes.CONDITIONAL_VALIDATION) {
    field.applies.push(constraints[0] as Validator);
    return;
  }
  if (type !== ValidationTypes.CUSTOM_VALIDATION || each || validateIf) throw new TypeError(`the rule ${type} of ${field.name} cannot be compiled`);
  for (const { instance, async } of getMetadataStorage().getTargetValidatorConstraints(constraintCls)) {
    if (async) throw new TypeError(`the rule of ${field.name} asks somebody else`);
    field.passes.push((dto, value) => instance.validate(value, { value, constraints, object: dto, property: field.name, targetName: '' }) === true);
  }
};

/**
 * The rules of a DTO class, read once from its own decorators: says in 0.4 µs whether validateSync would find anything, which takes 2 µs to find nothing.
 * What is wrong, and what was wanted, only validateSync says.
 */
export const compileRules = <T extends object>(dtoClass: new () => T): ((dto: T) => boolean) => {
  const fields = new Map<string, Field>();
  for (const metadata of getMetadataStorage().getTargetValidationMetadatas(dtoClass, '', false, false)) {
    const { propertyName: name } = metadata;
    const field = fields.get(name) ?? { name, applies: [], passes: [] };
    fields.set(name, field);
    add(field, metadata);
  }
  const all = [...fields.values()];
  const holds = ({ name, applies, passes }: Field, dto: T): boolean => {
    const value = dto[name as keyof T];
    return !applies.every((asks) => asks(dto, value)) || passes.every((asks) => asks(dto, value));
  };
  return (dto) => all.every((field) => holds(field, dto));
};
