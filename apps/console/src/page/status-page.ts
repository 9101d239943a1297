type Part = { name: string; ready: boolean; why?: string };

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const links: readonly (readonly [href: string, says: string])[] = [
  ['/readyz', 'ready, and if not, why'],
  ['/healthz', 'alive'],
  ['/metrics', 'figures for Prometheus'],
  ['/v1/status', 'streams, consumers, queues, lanes, what dedupe goes by (with a key)'],
];

/** Plain HTML without scripts: it must work on the worst day. */
export const statusPage = (parts: readonly Part[]): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Spillway console</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem } code { background: #8882; padding: 0 .3em } .no { color: #b00 }</style>
<h1>Spillway console</h1>
<ul>
${parts.map(({ name, ready, why }) => `<li>${escaped(name)}: ${ready ? 'ready' : `<span class="no">not ready</span> (${escaped(why ?? 'starting')})`}</li>`).join('\n')}
</ul>
<ul>
${links.map(([href, says]) => `<li><a href="${href}"><code>${href}</code></a> ${escaped(says)}</li>`).join('\n')}
</ul>
<p>The API wants <code>Authorization: Bearer &lt;key&gt;</code>. From a shell: <code>npx spillway status</code>.</p>
</html>
`;
