import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { dispatcher } from './dispatcher.ts';
import { DispatcherConfig } from './dispatcher.config.ts';

await boot('dispatcher', async () => serve(await dispatcher(loadConfig(DispatcherConfig))));
