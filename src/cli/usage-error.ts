/** A command was given what it cannot use. The message is one line and says what to do instead. */

export class UsageError extends Error {
  override readonly name = "UsageError";
}
