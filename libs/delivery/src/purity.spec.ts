import { readdirSync, readFileSync } from 'node:fs';

// Lint refuses Date.now and Math.random here; these it cannot see.
const impure = /\bnew Date\(\)|\bperformance\.|\bset(Timeout|Interval|Immediate)\b|\bprocess\.|\bawait\b/;

const sources = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.spec.ts'));

it.each(sources)('%s takes time and chance as arguments, and waits for nothing', (file) => {
  expect(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).not.toMatch(impure);
});

it('would notice', () => {
  expect('const now = new Date();').toMatch(impure);
});
