import 'reflect-metadata';
import '@spillway/telemetry/register';
import { boot, loadConfig, serve } from '@spillway/service-kit';
import { consoleApp } from './console.ts';
import { ConsoleConfig } from './console.config.ts';

await boot('console', async () => serve(await consoleApp(loadConfig(ConsoleConfig))));
