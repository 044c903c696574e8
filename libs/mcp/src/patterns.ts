const WILDCARD = '*';

type Matches = (name: string) => boolean;

/**
 * Compiles patterns in which `*` stands for any run of characters, the empty one included, and everything else for itself, case and all.
 * @returns whether a name matches any of them; false for all names when there are none
 */
export function compilePatterns(patterns: readonly string[]): Matches {
  const literals = new Set(patterns.filter((pattern) => !pattern.includes(WILDCARD)));
  const wild = patterns.filter((pattern) => pattern.includes(WILDCARD)).map(compileWild);
  if (wild.length === 0) return (name) => literals.has(name);
  return (name) => literals.has(name) || wild.some((matches) => matches(name));
}

/** Each part between wildcards is taken where it stands first: going back can find nothing that going on cannot, so there is no backtracking. */
function compileWild(pattern: string): Matches {
  if (pattern === WILDCARD) return () => true;
  const parts = pattern.split(WILDCARD);
  const head = parts[0] ?? '';
  const tail = parts.at(-1) ?? '';
  const middle = parts.slice(1, -1).filter((part) => part !== '');
  return (name) => {
    if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
    let at = head.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at + tail.length <= name.length;
  };
}
