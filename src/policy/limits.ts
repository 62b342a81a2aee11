/** Limits of a policy file, each with its reason. The text is bounded before it is parsed. */

/** Characters of the file: it is stored in one row, and read by every sessions object of the tailnet. */
export const MAX_POLICY_CHARS = 256 * 1024;
/** Rules of one section, members of a group, entries of any list: each is looked at for every node. */
export const MAX_RULES = 2000;
export const MAX_ENTRIES = 2000;
/** Characters of one JSON value of a capability: it goes to every node that it is granted on. */
export const MAX_APP_CHARS = 16 * 1024;
/**
 * Characters of what one device is given by a policy, about: a few rules may stand for very much. Objects of 128 MB hold many devices, of several tailnets.
 * Honest policies grow with the devices that their rules name.
 */
export function mostCompiled(devices: number): number {
  return Math.min(8 * 1024 * 1024, 1024 * 1024 + 1024 * devices);
}
/** Selectors that are looked at for all tests of a file: they are run while nothing else of the tailnet can be. */
export const MAX_JUDGED = 5_000_000;
