import { registryKey, type EndpointRegistry } from '@spillway/endpoints';

const PREFIX = registryKey.endpoint('');

export type EndpointListener = {
  /** It was enabled again, or has another address: what was learnt of it says nothing any more. */
  onReset: (endpointId: string) => void;
  /** Whatever changed, more may be possible now, or less. */
  onChange: (endpointId: string) => void;
};

/** What changes of endpoints mean to who attempts: told as the watch brings them, so that what is parked goes on within a moment and not at its owner's next look. */
export class EndpointChanges {
  /** 100 B an endpoint: what of it makes it another one. */
  private readonly known = new Map<string, string>();

  constructor(private readonly registry: Pick<EndpointRegistry, 'get' | 'bucket'>) {}

  /** Once. */
  listen({ onReset, onChange }: EndpointListener): void {
    this.registry.bucket.onChange((key) => {
      if (!key.startsWith(PREFIX)) return;
      const id = key.slice(PREFIX.length);
      const record = this.registry.get(id);
      const before = this.known.get(id);
      if (record?.state === 'active') this.known.set(id, `${record.enabled} ${record.url}`);
      else this.known.delete(id);
      if (before !== undefined && before !== this.known.get(id)) onReset(id);
      if (before !== undefined) onChange(id);
    });
  }
}
