import type { PipeTransform } from '@nestjs/common';
import { validateSync, type ValidationError } from 'class-validator';
import { invalid, notYet, type FieldFault } from '../problems.ts';
import type { NotYet } from './not-yet.ts';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const faultsOf = (errors: readonly ValidationError[]): FieldFault[] =>
  errors.map(({ property, constraints = {} }) => ({
    field: property,
    wanted: 'whitelistValidation' in constraints ? 'no such field' : [...new Set(Object.values(constraints))].join(', '),
  }));

/** A request's body as the DTO says, or 422 with all that is wrong with it at once. Unknown fields are wrong: who writes one means something by it. */
export class BodyOf<T extends object> implements PipeTransform<unknown, T> {
  constructor(
    private readonly Dto: new () => T,
    private readonly later: NotYet = {},
  ) {}

  transform(body: unknown): T {
    if (!isObject(body)) throw invalid([{ field: 'body', wanted: 'a JSON object' }]);
    const asked = Object.keys(body).filter((field) => Object.hasOwn(this.later, field));
    if (asked.length > 0) throw notYet(asked.map((field) => ({ field, what: this.later[field] as string })));
    // `constructor` would tell the validator that this is something else, and what every object has is no field of ours
    const inherited = Object.keys(body).filter((field) => field in Object.prototype);
    const dto = Object.assign(new this.Dto(), Object.fromEntries(Object.entries(body).filter(([field]) => !(field in Object.prototype))));
    const errors = validateSync(dto, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
    const faults = [...faultsOf(errors), ...inherited.map((field) => ({ field, wanted: 'no such field' }))];
    if (faults.length > 0) throw invalid(faults);
    return dto;
  }
}
