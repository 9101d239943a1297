import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { dispatcher, DispatcherConfig } from './dispatcher.ts';

await boot('dispatcher', async () => serve(await dispatcher(loadConfig(DispatcherConfig))));
