import { PublishEventDto } from '@spillway/contracts';
import { IsString, validateSync, ValidateNested } from 'class-validator';
import * as fc from 'fast-check';
import { compileRules } from './compiled-rules.ts';

class Nested {
  @ValidateNested()
  inner?: object;
}

class Each {
  @IsString({ each: true })
  names?: string[];
}

describe('compileRules', () => {
  it('finds fault with exactly what validateSync finds fault with', () => {
    const passes = compileRules(PublishEventDto);
    const value = fc.oneof(
      fc.constantFrom('acme', '_system', 'invoice.paid', 'a..b', '2026-11-22T10:00:00Z', '2026-02-30T10:00:00Z', '', undefined, null, 7, 'x'.repeat(256), '\ud800'),
      fc.anything(),
      fc.string({ maxLength: 70 }),
    );
    const judged = { good: 0, bad: 0 };
    const fields = fc.record({ tenant: value, type: value, id: value, time: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(fields, fc.constant({ tenant: 'acme', type: 'a.b' })), (given) => {
        const dto = Object.assign(new PublishEventDto(), given);
        const good = validateSync(dto).length === 0;
        judged[good ? 'good' : 'bad'] += 1;
        expect(passes(dto)).toBe(good);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(judged.good, judged.bad)).toBeGreaterThan(100);
  });

  it('refuses rules that it would say otherwise', () => {
    expect(() => compileRules(Nested)).toThrow('the rule nestedValidation of inner cannot be compiled');
    expect(() => compileRules(Each)).toThrow('of names cannot be compiled');
  });
});
