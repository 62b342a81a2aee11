/** A command was given what it cannot use. The message is one line and says what to do instead. */

export class UsageError extends Error {
  override readonly name = "UsageError";
  /** 1, or 2 for a flag that cannot be read, as Go's flag package exits. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
