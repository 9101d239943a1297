import type { Broker } from './broker.ts';

/** Every consumer of a stream, as the server describes it, in pages of its own size. */
export const listConsumers = async <T>(broker: Broker, stream: string): Promise<T[]> => {
  const all: T[] = [];
  for (;;) {
    const page = await broker.api<{ total: number; consumers: T[] | null }>(`CONSUMER.LIST.${stream}`, { offset: all.length });
    all.push(...(page.consumers ?? []));
    if (!page.consumers?.length || all.length >= page.total) return all;
  }
};
