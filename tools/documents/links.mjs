import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { anchors, links } from './markdown.mjs';

/** What leads out of the repository is not asked: a test must not depend on other people's servers. @param {string} target */
const leadsOut = (target) => /^[a-z][a-z0-9+.-]*:/i.test(target);

/**
 * Why a link in a file leads nowhere; undefined when it leads somewhere.
 * @param {string} root @param {string} file @param {string} target
 */
const brokenBecause = (root, file, target) => {
  const [path, anchor] = decodeURI(target).split('#');
  const to = path === '' ? file : path.startsWith('/') ? join(root, path) : join(dirname(file), path);
  if (relative(root, to).startsWith('..')) return 'leads out of the repository';
  if (!existsSync(to)) return 'no such file';
  if (anchor && to.endsWith('.md') && !anchors(readFileSync(to, 'utf8')).has(anchor)) return `no heading #${anchor}`;
  return undefined;
};

/** @param {string} root @param {readonly string[]} files @returns {string[]} one sentence for each link that leads nowhere */
export const brokenLinks = (root, files) =>
  files.flatMap((file) =>
    links(readFileSync(file, 'utf8'))
      .filter((target) => !leadsOut(target))
      .flatMap((target) => {
        const why = brokenBecause(root, file, target);
        return why === undefined ? [] : [`${relative(root, file)}: ${target}: ${why}`];
      }),
  );
