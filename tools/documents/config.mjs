// npx nx run tools:document: the page that the configuration classes make of themselves. With --check it only compares.
import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configDocument, REGENERATE } from './config-document.mjs';
import { all, sources } from './sources.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = new URL('../../docs/reference/config.md', import.meta.url);
const text = await configDocument(root);
const missing = sources(root).flatMap((source) => all(source.text, /@FromEnv\('(\w+)'/g)).filter((variable) => !text.includes(`\`${variable}\``));
if (missing.length > 0) throw new Error(`not in any class that an app loads: ${missing.join(', ')}`);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`docs/reference/config.md is not what the classes say: run ${REGENERATE}`);
  process.exitCode = 1;
}
