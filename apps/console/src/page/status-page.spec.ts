import { statusPage } from './status-page.ts';

it('says what is ready and why something is not, and lets nothing through as HTML', () => {
  const page = statusPage([
    { name: 'keys', ready: true },
    { name: 'endpoints', ready: false, why: 'webhook_endpoints: <emptied>' },
  ]);
  expect(page).toContain('keys: ready');
  expect(page).toContain('(webhook_endpoints: &lt;emptied&gt;)');
  expect(page).toContain('href="/v1/status"');
});
