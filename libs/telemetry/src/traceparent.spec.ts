import { newTraceparent } from './traceparent.ts';

// version 00, no id of zeros, in lower-case hex
const TRACEPARENT = /^00-(?!0{32})(?<trace>[\da-f]{32})-(?!0{16})(?<parent>[\da-f]{16})-(?<flags>0[01])$/;

it('begins a trace as the specification has it, sampled or not, and no two alike', () => {
  const many = Array.from({ length: 2_000 }, (_, i) => TRACEPARENT.exec(newTraceparent(i % 2 === 0))?.groups ?? {}); // more than one pool of random bytes
  expect(many.map(({ flags }) => flags)).toEqual(many.map((_, i) => (i % 2 === 0 ? '01' : '00')));
  expect(new Set(many.map(({ trace }) => trace)).size).toBe(2_000);
  expect(new Set(many.map(({ parent }) => parent)).size).toBe(2_000);
});
