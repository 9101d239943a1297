export { attempter, type Attempter, type AttempterOptions } from './attempter.ts';
export { AttemptsConfig } from './attempts.config.ts';
export { AttemptPath, type Due } from './attempt-path.ts';
export { dispatcherGate, retrierGate, type GateLimits } from './gate.ts';
export { Pace } from './pace.ts';
export type { Step } from './plane.ts';
