import { reaches, type Principal } from '@spillway/keys';
import { wrongTenant } from '../problems.ts';

/** A leading `_` is ours (`_system`, `_canary`): what is sent there goes to operators, so only the admin key may. */
const isOurs = (tenant: string): boolean => tenant.startsWith('_');

/** @throws ProblemError 403 wrong_tenant */
export const assertMaySendFor = (principal: Principal, tenant: string): void => {
  if (principal.admin) return;
  if (isOurs(tenant) || !reaches(principal, tenant)) throw wrongTenant(tenant);
};
