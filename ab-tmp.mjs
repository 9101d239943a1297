import { startPlane } from '@spillway/testing';
import { closedLoop } from '/tmp/wt/gate/bench/load/closed-loop.mjs';
import { ourSubject } from '/tmp/wt/gate/bench/subjects.mjs';
import { cpuSeconds, memoryMb } from '/tmp/wt/gate/bench/load/processes.mjs';
const batch = process.env.BATCH ? Number(process.env.BATCH) : undefined;
const plane = await startPlane({ apps: { console: 0, dedupe: 0, dispatcher: 0 }, limits: { SPILLWAY_MAX_BYTES_INGEST: '20GiB', SPILLWAY_MAX_MESSAGES_TENANT: '100000000' } });
await plane.add('ingest', JSON.parse(process.env.B));
const sum=[[],[]];
for (let i = 0; i < 5; i++) for (const r of [0, 1]) {
  const app = plane.app('ingest', r); const port = Number(new URL(app.url).port);
  const of = ourSubject(plane, port, { apps: ['ingest'], ...(batch && { batch }) });
  const b = cpuSeconds(app.pid);
  const load = await closedLoop({ port, connections: batch ? 16 : 256, seconds: i === 0 ? 3 : 4, request: of.request });
  const n = load.accepted * (batch ?? 1);
  const us = 1e6 * (cpuSeconds(app.pid) - b) / n; if (i) sum[r].push([us, n / load.seconds]);
  console.log('AB'[r], `${Math.round(n / load.seconds)}/s, ${us.toFixed(1)} µs`, memoryMb(app.pid).rss);
}
const med=a=>a.sort((x,y)=>x-y)[a.length>>1]; for (const r of [0,1]) console.log('AB'[r], med(sum[r].map(x=>x[0])).toFixed(1), Math.round(med(sum[r].map(x=>x[1]))));
await plane.stop();
