export { AttemptPath, DEFAULT_MAX_IN_FLIGHT, DEFAULT_TIMEOUT_SECONDS, dueOf, type AttemptPathOptions, type Due } from './attempt-path.ts';
export { dispatcherGate, Gate, retrierGate, type Ended, type GateLimits } from './gate.ts';
export type { Admission, Line, LineSettings, ParkReason } from './line.ts';
export { ParkedFacts } from './parked-facts.ts';
export { NoLongerOurs, Plane, type Settled, type Step } from './plane.ts';
export { settle, type Settlement } from './settle.ts';
