import { readFileSync } from 'node:fs';
import { REGENERATE, topologyDocument } from './document.ts';

it('is what docs/reference/topology.md says', () => {
  const file = readFileSync(new URL('../../../docs/reference/topology.md', import.meta.url), 'utf8');
  // not the two texts: a diff of tables helps nobody, the command does
  expect(file === topologyDocument() ? 'the same' : `not the same: run ${REGENERATE}`).toBe('the same');
});

it('shows every row of the catalogue', () => {
  const text = topologyDocument();
  for (const name of ['WEBHOOK_RETRY', '`dispatcher-fresh-<shard>`', '`calendar`', '`KV_webhook_leases`', 'SPILLWAY_MAX_MESSAGES_TENANT', '`deny_purge`']) expect(text).toContain(name);
});
