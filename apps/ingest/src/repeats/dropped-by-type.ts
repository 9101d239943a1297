import type { DroppedAtDoor } from '@spillway/contracts';

/** Dedupe looks at slices of 5 s. */
const TELL_EVERY_MS = 1_000;
/** As many as dedupe watches; a message has 200 KB then at the most. */
const TYPES_MAX = 1_000;

/** What was dropped of each tenant's types, told at most once a second; who comes after the thousandth type of a second is left out. */
export class DroppedByType {
  private dropped = new Map<string, DroppedAtDoor>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly tell: (dropped: DroppedAtDoor[]) => void,
    private readonly everyMs = TELL_EVERY_MS,
  ) {}

  add(tenant: string, type: string): void {
    const key = `${tenant} ${type}`;
    const known = this.dropped.get(key);
    if (known) known.count += 1;
    else if (this.dropped.size < TYPES_MAX) this.dropped.set(key, { tenant, type, count: 1 });
    this.timer ??= setTimeout(() => this.flush(), this.everyMs).unref();
  }

  /** Says what is left to say. */
  close(): void {
    if (this.timer) this.flush();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const dropped = [...this.dropped.values()];
    this.dropped = new Map();
    this.tell(dropped);
  }
}
