/** Words for lines that are there to be copied into a shell. */

const PLAIN = /^[\w@%+:,./~-]+$/;

/** The word as a POSIX shell reads it back: as it is where nothing in it is special, in single quotes otherwise. */
export function shellQuoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
