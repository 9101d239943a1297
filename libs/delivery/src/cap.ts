/** How many attempts an endpoint may have in flight in this process: earned by answering, lost by hanging. */
export type EarnedCap = { readonly inFlightMax: number; readonly limit: number };

export type CapEvent = { type: 'succeeded' } | { type: 'timed_out' } | { type: 'failed' } | { type: 'limit_changed'; limit: number };

/** A new or restarted endpoint gets two slots: one that hangs holds two for a deadline (15 s), not its whole share; 64 are earned by 5 successes. */
const INITIAL_IN_FLIGHT = 2;

const within = (inFlightMax: number, limit: number): EarnedCap => ({ inFlightMax: Math.max(1, Math.min(inFlightMax, limit)), limit });

/** `limit` is the app's share of the endpoint's `maxInFlight`. */
export const newCap = (limit: number): EarnedCap => within(INITIAL_IN_FLIGHT, limit);

/** Only a timeout takes slots away: it is what holds them. An endpoint that fails fast costs none, and the circuit deals with it. */
export const capAfter = (cap: EarnedCap, event: CapEvent): EarnedCap => {
  switch (event.type) {
    case 'succeeded':
      return cap.inFlightMax === cap.limit ? cap : within(cap.inFlightMax * 2, cap.limit);
    case 'timed_out':
      return within(Math.floor(cap.inFlightMax / 2), cap.limit);
    case 'limit_changed':
      return within(cap.inFlightMax, event.limit);
    case 'failed':
      return cap;
  }
};
