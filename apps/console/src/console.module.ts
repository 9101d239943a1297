import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { EndpointRegistry, EndpointStore } from '@spillway/endpoints';
import { KeyRing, KeyStore } from '@spillway/keys';
import { AccessGuard } from './access/access.guard.ts';
import { ConsoleRules } from './console.rules.ts';
import { DedupeRules } from './dedupe-rules/dedupe-rules.ts';
import { DedupeRulesController } from './dedupe-rules/dedupe-rules.controller.ts';
import { DeadEnd } from './dead/dead-end.ts';
import { DeadLetters } from './dead/dead-letters.ts';
import { DeadController } from './dead/dead.controller.ts';
import { EndpointsController } from './endpoints/endpoints.controller.ts';
import { LearntByOwners } from './endpoints/learnt-by-owners.ts';
import { ParkedCounts } from './endpoints/parked-counts.ts';
import { TestEvents } from './endpoints/test-events.ts';
import { EventTypes } from './event-types/event-types.ts';
import { EventTypesController } from './event-types/event-types.controller.ts';
import { FactLog } from './facts/fact-log.ts';
import { JobStore } from './jobs/job-store.ts';
import { JobsController } from './jobs/jobs.controller.ts';
import { KeysController } from './keys/keys.controller.ts';
import { KnownProblems } from './known-problems.interceptor.ts';
import { PageController } from './page/page.controller.ts';
import { RetriesController } from './retries/retries.controller.ts';
import { SwitchStore } from './retries/switch-store.ts';
import { WaitingRetriesOf } from './retries/waiting-retries.ts';
import { PlaneStatus } from './status/plane-status.ts';
import { StatusController } from './status/status.controller.ts';
import { TenantsController } from './tenants/tenants.controller.ts';

export type Parts = {
  registry: EndpointRegistry;
  store: EndpointStore;
  keys: KeyRing;
  facts: FactLog;
  rules: ConsoleRules;
  status: PlaneStatus;
  switches: SwitchStore;
  retries: WaitingRetriesOf;
  dedupeRules: DedupeRules;
  parked: ParkedCounts;
  learnt: LearntByOwners;
  tests: TestEvents;
  letters: DeadLetters;
  deadEnd: DeadEnd;
  jobs: JobStore;
};

export const controllers = [EndpointsController, TenantsController, EventTypesController, KeysController, RetriesController, DeadController, JobsController, DedupeRulesController, StatusController, PageController];

const providersOf = ({ registry, store, keys, facts, rules, status, switches, retries, dedupeRules, parked, learnt, tests, letters, deadEnd, jobs }: Parts): Provider[] => [
  { provide: EndpointRegistry, useValue: registry },
  { provide: EndpointStore, useValue: store },
  { provide: EventTypes, useValue: new EventTypes(registry) },
  { provide: KeyRing, useValue: keys },
  { provide: KeyStore, useValue: new KeyStore(keys.bucket) },
  { provide: FactLog, useValue: facts },
  { provide: ConsoleRules, useValue: rules },
  { provide: PlaneStatus, useValue: status },
  { provide: SwitchStore, useValue: switches },
  { provide: WaitingRetriesOf, useValue: retries },
  { provide: DedupeRules, useValue: dedupeRules },
  { provide: ParkedCounts, useValue: parked },
  { provide: LearntByOwners, useValue: learnt },
  { provide: TestEvents, useValue: tests },
  { provide: DeadLetters, useValue: letters },
  { provide: DeadEnd, useValue: deadEnd },
  { provide: JobStore, useValue: jobs },
  { provide: APP_GUARD, useClass: AccessGuard },
  { provide: APP_INTERCEPTOR, useClass: KnownProblems },
];

@Module({})
export class ConsoleModule {
  static with(parts: Parts): DynamicModule {
    return { module: ConsoleModule, controllers, providers: providersOf(parts) };
  }
}
