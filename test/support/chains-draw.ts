/**
 * The drawing of a chain: `G -> A -> B / A -> C`. Lines are parted by `/`; a line begins at an AUM drawn before, or at a root that is
 * declared. `N1..N60` draws sixty AUMs in a row.
 */

/** One AUM of a drawing, and the AUM that it follows. */
export interface DrawnAum {
  readonly name: string;
  readonly parent: string | null;
}

const NAME = /^[A-Za-z]+[0-9]*$/;
const RANGE = /^([A-Za-z]+)(\d+)\.\.([A-Za-z]+)(\d+)$/;

function expand(item: string): string[] {
  const range = RANGE.exec(item);
  if (range === null) {
    if (!NAME.test(item)) throw new Error(`drawing: "${item}" is no name`);
    return [item];
  }
  const [, name = "", from, again, to] = range;
  const length = Number(to) - Number(from) + 1;
  if (name !== again || length < 1) throw new Error(`drawing: "${item}" is no range`);
  return Array.from({ length }, (_, i) => `${name}${Number(from) + i}`);
}

/** Parses a drawing. `roots` are the names that may stand without a parent; null where the first name drawn is the only one. */
export function parseDrawing(drawing: string, roots: readonly string[] | null): DrawnAum[] {
  const drawn = new Map<string, DrawnAum>();
  for (const line of drawing.split("/")) {
    const [first, ...rest] = line.split("->").flatMap((item) => expand(item.trim()));
    if (first === undefined) throw new Error("drawing: an empty line");
    if (!drawn.has(first)) {
      const isRoot = roots === null ? drawn.size === 0 : roots.includes(first);
      if (!isRoot) throw new Error(`drawing: ${first} follows nothing, and is no declared root`);
      drawn.set(first, { name: first, parent: null });
    }
    let parent = first;
    for (const name of rest) {
      if (drawn.has(name)) throw new Error(`drawing: ${name} is drawn twice`);
      drawn.set(name, { name, parent });
      parent = name;
    }
  }
  const missing = roots?.find((root) => !drawn.has(root));
  if (missing !== undefined) throw new Error(`drawing: the root ${missing} is not drawn`);
  return [...drawn.values()];
}
