export { AttemptPath, DEFAULT_MAX_IN_FLIGHT, DEFAULT_TIMEOUT_SECONDS, dueOf, type AttemptPathOptions, type Due } from './attempt-path.ts';
export { dispatcherGate, Gate, type GateLimits } from './gate.ts';
export { ParkedFacts } from './parked-facts.ts';
export { NoLongerOurs, Plane, type Settled, type Step } from './plane.ts';
export { settle, type Settlement } from './settle.ts';
