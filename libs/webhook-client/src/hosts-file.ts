import { readFile } from 'node:fs/promises';

const PATH = '/etc/hosts';

/** Lines of an address and its names; what follows a # is a remark. */
const parse = (text: string, hostname: string): string[] =>
  text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return address !== undefined && names.some((name) => name.toLowerCase() === hostname) ? [address] : [];
  });

/** The addresses that this machine's own file gives a name: operators pin partners there, and containers find each other. */
export const addressesInHostsFile = async (hostname: string, path = PATH): Promise<string[]> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''; // a distroless image has none
    throw error;
  });
  return parse(text, hostname);
};
