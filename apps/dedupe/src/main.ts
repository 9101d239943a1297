import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { dedupe } from './dedupe.ts';
import { DedupeConfig } from './dedupe.config.ts';

await boot('dedupe', async () => serve(await dedupe(loadConfig(DedupeConfig))));
