// npx nx run topology:document: the page that the catalogue makes of itself. Beside the library, which does no IO.
import { writeFileSync } from 'node:fs';
import { topologyDocument } from '../../libs/topology/src/document.ts';

writeFileSync(new URL('../../docs/reference/topology.md', import.meta.url), topologyDocument());
