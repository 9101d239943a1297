import { natsConfig } from './nats-config.mjs';

it('runs the broker on loopback, synced, with a password a user', () => {
  const config = natsConfig({ port: 8090, monitorPort: 8091, storeFolder: '/data/with "quotes"', passwords: { ingest: 'a', console: 'b' } });
  expect(config).toContain('listen: "127.0.0.1:8090"');
  expect(config).toContain('http: "127.0.0.1:8091"');
  expect(config).toContain('sync_interval: always');
  expect(config).toContain('store_dir: "/data/with \\"quotes\\""');
  expect(config).toContain('{ user: "console", password: "b" }');
});
