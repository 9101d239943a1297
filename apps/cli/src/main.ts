import { buffer } from 'node:stream/consumers';
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2), process.env, process.cwd(), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin: () => buffer(process.stdin),
});
