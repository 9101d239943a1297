import 'reflect-metadata';
import '@spillway/telemetry/register';
import { loadConfig, serve } from '@spillway/service-kit';
import { dispatcher } from './dispatcher.ts';
import { DispatcherConfig } from './dispatcher.config.ts';

await serve(await dispatcher(loadConfig(DispatcherConfig)));
