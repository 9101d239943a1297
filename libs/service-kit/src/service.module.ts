import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { Metrics, type Logger } from '@spillway/telemetry';
import { Health } from './health.ts';
import { ServiceConfig } from './service-config.ts';

/** The token of the app's logger: `@Inject(LOG) log: Logger`. */
export const LOG = Symbol('spillway:log');

type Provided = { module: Type | DynamicModule; config: ServiceConfig; health: Health; metrics: Metrics; log: Logger };

@Module({})
class ServiceModule {}

/** Around the app's module: what the process has one of can be injected anywhere, the configuration under its own class too. */
export const serviceModule = ({ module, config, health, metrics, log }: Provided): DynamicModule => {
  const providers: Provider[] = [
    { provide: Health, useValue: health },
    { provide: Metrics, useValue: metrics },
    { provide: LOG, useValue: log },
    { provide: ServiceConfig, useValue: config },
  ];
  if (config.constructor !== ServiceConfig && config.constructor !== Object) providers.push({ provide: config.constructor, useValue: config });
  return { module: ServiceModule, global: true, imports: [module], providers, exports: providers };
};
