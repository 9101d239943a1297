import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Its own, and every library's: which of them an app imports changes with the code. @param {string} root @param {string} folder */
export const sourceFolders = (root, folder) => [join(root, folder, 'src'), ...readdirSync(join(root, 'libs')).map((lib) => join(root, 'libs', lib, 'src'))];
