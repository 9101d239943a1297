// An app as small as one can be, run as a process of its own by process.spec.ts.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { createLogger, Metrics } from '@spillway/telemetry';
import { boot, Health, loadConfig, nowWorking, serve, ServiceConfig } from '../src/index.ts';

/** As those that take messages: their event loop is watched. */
const takesMessages: CustomTransportStrategy = { listen: (done: () => void) => done(), close: () => undefined };

@Module({})
class EmptyModule {}

await boot('tiny', async () => {
  const config = loadConfig(ServiceConfig);
  const log = createLogger('tiny', config.logLevel);
  const slowMs = Number(process.env['SLOW_MS'] ?? 0);
  const close = () => new Promise<void>((done) => setTimeout(done, slowMs));
  process.on('SIGUSR2', () => {
    nowWorking('WEBHOOK_DELIVERY@t0:17');
    for (;;); // blocked for good
  });
  for (const app of process.env['COMPACT'] ? ['tiny', 'little'] : ['tiny']) {
    await serve({ app, portOffset: app.length, config, module: EmptyModule, health: new Health(), metrics: new Metrics(app), log, close, strategy: takesMessages });
  }
});
