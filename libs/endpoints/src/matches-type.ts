/**
 * Does an endpoint that asks for `filter` want events of `type`? `*` is one segment, `**` any number of them, also none.
 * At most filter × type segments steps (one point to go back to, as in shell globs): written as plain recursion, 40 times `**` against 60 segments never ends.
 */
export const matchesType = (filter: string, type: string): boolean => {
  if (!filter.includes('*')) return filter === type;
  const wanted = filter.split('.');
  const given = type.split('.');
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (from < given.length) {
    if (wanted[at] === '**') {
      star = at;
      resume = from;
      at += 1;
    } else if (wanted[at] === '*' || wanted[at] === given[from]) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      // the last `**` takes one segment more
      resume += 1;
      from = resume;
      at = star + 1;
    } else return false;
  }
  return wanted.slice(at).every((segment) => segment === '**');
};

/** No filters at all ask for everything. */
export const wantsType = (filters: readonly string[] | undefined, type: string): boolean => filters === undefined || filters.some((filter) => matchesType(filter, type));
