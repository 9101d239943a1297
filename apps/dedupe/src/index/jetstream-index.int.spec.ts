import 'reflect-metadata';
import { dedupesBehind } from '../../test/dedupe-index.features.ts';

// what it has claimed dies with the process; nothing of it is to be seen from outside
dedupesBehind({ name: 'JetStream alone', windowMs: 120_000, start: async () => ({ env: {}, claimed: async () => undefined, stop: async () => undefined }) });
