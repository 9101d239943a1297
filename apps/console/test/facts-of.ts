import type { Fact } from '@spillway/contracts';
import type { PlaneBroker } from '@spillway/jetstream/testing';

/** Every fact of a tenant, in the order of its ledger. */
export const factsOf = async ({ broker }: PlaneBroker, tenant: string): Promise<Fact[]> => {
  const facts: Fact[] = [];
  for (let seq = 1; ; ) {
    const page = await broker.api<{ message: { data: string; seq: number } }>('STREAM.MSG.GET.WEBHOOK_LEDGER', { seq, next_by_subj: `webhook.ledger.${tenant}` }).catch(() => undefined);
    if (page === undefined) return facts;
    facts.push(...Buffer.from(page.message.data, 'base64').toString('utf8').split('\n').map((line) => JSON.parse(line) as Fact));
    seq = page.message.seq + 1;
  }
};
