import { registryKey, type EndpointRegistry } from '@spillway/endpoints';

export type EventTypeRecord = { type: string; description: string; example?: unknown; schema?: object; createdAt: string; updatedAt: string };

const PREFIX = registryKey.type('');

const parse = (text: string): EventTypeRecord | undefined => {
  try {
    const value = JSON.parse(text) as EventTypeRecord | null;
    return typeof value?.type === 'string' ? value : undefined;
  } catch {
    // not ours: nothing routes by these, they are for people who choose types
    return undefined;
  }
};

/** The types that an installation documents, kept beside its endpoints. Events of other types are accepted all the same. */
export class EventTypes {
  constructor(private readonly registry: EndpointRegistry) {}

  *all(): IterableIterator<EventTypeRecord> {
    for (const [, { value }] of this.registry.bucket.entries(PREFIX)) {
      const record = parse(value);
      if (record) yield record;
    }
  }

  get(type: string): EventTypeRecord | undefined {
    const entry = this.registry.bucket.get(registryKey.type(type));
    return entry && parse(entry.value);
  }

  /** Replaces what was said of the type; the last of two writers wins. */
  async put(type: string, said: Pick<EventTypeRecord, 'description' | 'example' | 'schema'>, at: string): Promise<EventTypeRecord> {
    const record: EventTypeRecord = { type, ...said, createdAt: this.get(type)?.createdAt ?? at, updatedAt: at };
    const { bucket } = this.registry;
    await bucket.caughtUp(await bucket.put(registryKey.type(type), JSON.stringify(record)));
    return record;
  }

  async remove(type: string): Promise<void> {
    const { bucket } = this.registry;
    await bucket.caughtUp(await bucket.remove(registryKey.type(type)));
  }
}
