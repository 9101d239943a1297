import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { retrier, RetrierConfig } from './retrier.ts';

await boot('retrier', async () => serve(await retrier(loadConfig(RetrierConfig))));
