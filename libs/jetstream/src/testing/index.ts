export { startPlaneBroker, testLog, type PlaneBroker, type PlaneBrokerOptions } from './plane-broker.ts';
export { everythingIn, factsIn, onePerMessage, type Kept } from './stored-messages.ts';
