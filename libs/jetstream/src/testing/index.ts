export { startPlaneBroker, testLog, type PlaneBroker, type PlaneBrokerOptions } from './plane-broker.ts';
