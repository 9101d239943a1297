import 'reflect-metadata';
import '@spillway/telemetry/register';
import { loadConfig, serve } from '@spillway/service-kit';
import { dedupe } from './dedupe.ts';
import { DedupeConfig } from './dedupe.config.ts';

await serve(await dedupe(loadConfig(DedupeConfig)));
