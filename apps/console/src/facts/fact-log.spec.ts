import type { Fact } from '@spillway/contracts';
import { createLogger } from '@spillway/telemetry';
import { FactLog } from './fact-log.ts';

const fact: Fact = { type: 'endpoint.created', v: 1, at: '2026-01-01T00:00:00.000Z', tenant: 'acme', endpoint: 'ep_1', by: 'admin' };
const logging = () => {
  const lines: { level: string; msg: string }[] = [];
  return { lines, log: createLogger('console', 'info', { write: (line: string) => void lines.push(JSON.parse(line) as { level: string; msg: string }) }) };
};

describe('FactLog', () => {
  it('waits until the facts are stored', async () => {
    const { lines, log } = logging();
    const stored: Fact[] = [];
    await new FactLog({ record: async (_, told) => void stored.push(told) }, log).tell('acme', [fact, fact]);
    expect([stored.length, lines]).toEqual([2, []]);
  });

  it('answers all the same, and says so, when the ledger does not', async () => {
    const { lines, log } = logging();
    await new FactLog({ record: () => new Promise(() => undefined) }, log, 20).tell('acme', [fact]);
    expect(lines).toMatchObject([{ level: 'warn', facts: ['endpoint.created'] }]);
  });

  it('writes to its own log what the ledger will never hold', async () => {
    const { lines, log } = logging();
    await new FactLog({ record: () => Promise.reject(new Error('closed')) }, log).tell('acme', [fact]);
    expect(lines).toMatchObject([{ level: 'error', facts: [{ type: 'endpoint.created', endpoint: 'ep_1' }] }]);
  });
});
