// An app as small as one can be, run as a process of its own by process.spec.ts.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { createLogger, Metrics } from '@spillway/telemetry';
import { boot, Health, loadConfig, serve, ServiceConfig } from '../src/index.ts';

@Module({})
class EmptyModule {}

await boot('tiny', async () => {
  const config = loadConfig(ServiceConfig);
  const log = createLogger('tiny', config.logLevel);
  const slowMs = Number(process.env['SLOW_MS'] ?? 0);
  const close = () => new Promise<void>((done) => setTimeout(done, slowMs));
  for (const app of process.env['COMPACT'] ? ['tiny', 'little'] : ['tiny']) {
    await serve({ app, portOffset: app.length, config, module: EmptyModule, health: new Health(), metrics: new Metrics(app), log, close });
  }
});
