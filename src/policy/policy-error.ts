/** Why a policy file is refused: a sentence, and where in the file. */

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly at: Position;
  /** The sentence without the place. */
  readonly reason: string;

  constructor(reason: string, at: Position) {
    super(`line ${at.line}, column ${at.column}: ${reason}`);
    this.reason = reason;
    this.at = at;
  }
}

const MAX_QUOTED = 80;

/** A piece of the file as a message quotes it: cut off, and with nothing in it that a terminal would act on. */
export function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(cut);
}
