import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { IngestConfig } from './ingest.config.ts';
import { ingest } from './ingest.ts';

await boot('ingest', async () => serve(await ingest(loadConfig(IngestConfig))));
