/** What an owner does for one shard of one queue. The loop that holds the lease calls `tick`, and renews nothing when `tick` does not return. */
export interface ShardWork {
  /** Messages taken and not settled. */
  readonly inHand: number;
  /** What is wrong with the queue on the server; `undefined` when nothing is. */
  readonly fault?: string | undefined;
  /** Takes what there is room for. Called often (every few ms while busy); cheap when there is nothing to do. */
  tick(nowMs: number): void;
  /** Takes nothing more; resolves, while ticks go on, when everything that was taken is settled, or given up because it is no longer ours. */
  drain(): Promise<void>;
  /** The lease is lost: what was read and not begun is thrown away, what is under way may settle nothing any more. */
  abandon(): void;
}
