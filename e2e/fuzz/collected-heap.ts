import { once } from 'node:events';
import { eventually, type PlaneProcess } from '@spillway/testing';

/** For the process that is to be measured: it opens its inspector on a free port of loopback, and says where. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** What a process holds on to: bytes of its heap and its buffers once everything that nobody can reach was collected. */
export const heldBytes = async (process: PlaneProcess): Promise<number> => {
  const url = await eventually(() => {
    const [, found] = /Debugger listening on (ws:\S+)/.exec(process.logs()) ?? [];
    if (found === undefined) throw new Error(`${process.name} has no inspector`);
    return found;
  });
  const inspector = new WebSocket(url);
  await once(inspector, 'open');
  const ask = async (id: number, method: string, params: object): Promise<{ result?: { value?: number } }> => {
    const answer = new Promise<{ result?: { value?: number } }>((resolve) => {
      inspector.addEventListener('message', ({ data }) => {
        const { id: of, result = {} } = JSON.parse(String(data)) as { id: number; result?: { result?: { value?: number } } };
        if (of === id) resolve(result);
      });
    });
    inspector.send(JSON.stringify({ id, method, params }));
    return answer;
  };
  await ask(1, 'HeapProfiler.collectGarbage', {});
  const { result } = await ask(2, 'Runtime.evaluate', { expression: '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())', returnByValue: true });
  inspector.close();
  return result?.value ?? Number.NaN;
};
