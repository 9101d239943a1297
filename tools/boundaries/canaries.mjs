/**
 * Files that must be rejected, one for each boundary, and beside them what must pass: a rule that forbids everything would look as good as one that works.
 * They are written to a scratch folder by the test and never lie in the tree.
 *
 * @typedef {{ file: string, code: string, refused?: string }} Canary `refused`: a part of the message; without it the file must pass
 */

/** @type {Canary[]} */
export const canaries = [
  { file: 'apps/inbox/src/a.ts', code: `import '@spillway/topology';`, refused: 'Zingle' },
  { file: 'apps/inbox/src/b.ts', code: `import '@spillway/jetstream/testing';`, refused: 'Zingle' },
  { file: 'apps/inbox/src/c.ts', code: `import '@nats-io/transport-node';`, refused: 'Zingle' },
  { file: 'apps/inbox/src/d.spec.ts', code: `import '@spillway/contracts';`, refused: 'Zingle' },
  { file: 'apps/inbox/src/e.ts', code: `import '../../../libs/jetstream/src/broker.ts';`, refused: 'by its name' },
  { file: 'libs/outbox/src/a.ts', code: `import '@spillway/jetstream';`, refused: 'Zingle' },
  { file: 'apps/inbox/src/fine.ts', code: `import '@spillway/telemetry/register';\nimport '@spillway/service-kit';\nimport '@spillway/outbox';` },

  { file: 'apps/dispatcher/src/a.ts', code: `import '@nats-io/jetstream';`, refused: 'only libs/jetstream' },
  { file: 'apps/dispatcher/src/b.ts', code: `import 'undici';`, refused: 'only libs/webhook-client' },
  { file: 'apps/dispatcher/src/c.ts', code: `import '@spillway/jetstream/src/broker.ts';`, refused: 'by its name' },
  { file: 'e2e/a.e2e.spec.ts', code: `import '@nats-io/jetstream';`, refused: 'only libs/jetstream' },
  { file: 'libs/testing/src/a.ts', code: `import '@nats-io/transport-node';`, refused: 'only libs/jetstream' },
  { file: 'libs/keys/src/a.spec.ts', code: `import '@nats-io/transport-node';`, refused: 'only libs/jetstream' },
  { file: 'libs/webhook-client/src/a.ts', code: `import '@spillway/jetstream';`, refused: 'knows nothing of the broker' },
  { file: 'libs/jetstream/src/a.ts', code: `import 'undici';`, refused: 'only libs/webhook-client' },
  { file: 'libs/jetstream/src/fine.ts', code: `import '@nats-io/jetstream';\nimport '@spillway/contracts';` },
  { file: 'libs/webhook-client/src/fine.ts', code: `import 'undici';\nimport '@spillway/delivery';` },
  { file: 'apps/dispatcher/src/fine.ts', code: `import '@spillway/jetstream';\nimport './outcome.ts';\nimport '@nestjs/common';` },

  { file: 'libs/delivery/src/a.ts', code: `import '@nestjs/common';`, refused: 'pure' },
  { file: 'libs/delivery/src/b.ts', code: `import 'node:fs';`, refused: 'pure' },
  { file: 'libs/delivery/src/c.ts', code: `export const now = () => Date.now();`, refused: 'Date.now' },
  { file: 'libs/delivery/src/d.ts', code: `export const jitter = () => Math.random();`, refused: 'Math.random' },
  { file: 'libs/delivery/src/e.ts', code: `export const later = (f: () => void) => setTimeout(f, 1);`, refused: 'setTimeout' },
  { file: 'libs/delivery/src/fine.ts', code: `import '@spillway/contracts';\nexport const at = (ms: number) => new Date(ms);` },
  { file: 'libs/delivery/src/f.ts', code: `import 'node:timers/promises';`, refused: 'pure' },
  { file: 'libs/delivery/src/g.ts', code: `import { connect } from '@nats-io/transport-node/x';\nvoid connect;`, refused: 'pure' },
  { file: 'libs/contracts/src/a.ts', code: `import 'ioredis';`, refused: 'pure' },
  { file: 'libs/topology/src/a.ts', code: `import '@nats-io/jetstream';`, refused: 'pure' },
  { file: 'libs/contracts/src/fine.ts', code: `import 'node:crypto';\nimport 'class-validator';` },

  { file: 'libs/standard-webhooks/src/a.ts', code: `import 'node:fs';`, refused: 'node:crypto' },
  { file: 'libs/standard-webhooks/src/b.ts', code: `import '@spillway/contracts';`, refused: 'node:crypto' },
  { file: 'libs/standard-webhooks/src/fine.ts', code: `import 'node:crypto';\nimport './secret.ts';` },
  { file: 'libs/standard-webhooks/src/fine.spec.ts', code: `import 'standardwebhooks';\nimport 'svix';` },

  { file: 'libs/service-kit/src/a.ts', code: `import '@spillway/jetstream';`, refused: 'neither NATS nor webhooks' },
  { file: 'libs/service-kit/src/c.spec.ts', code: `import '@nats-io/transport-node';`, refused: 'only libs/jetstream' },
  { file: 'libs/telemetry/src/b.ts', code: `import '@spillway/jetstream/testing';`, refused: 'neither NATS nor webhooks' },
  { file: 'libs/service-kit/src/b.ts', code: `import '@nats-io/transport-node';`, refused: 'neither NATS nor webhooks' },
  { file: 'libs/telemetry/src/a.ts', code: `import '@spillway/contracts';`, refused: 'neither NATS nor webhooks' },
  { file: 'libs/service-kit/src/fine.ts', code: `import '@spillway/telemetry';\nimport '@spillway/telemetry/register';` },
];
