/** Tags as people write them: apart, or with commas between them. */

/** The tags in the arguments, without the commas. The control plane judges their form. */
export function splitTags(given: readonly string[]): string[] {
  return given.flatMap((one) => one.split(",")).filter((tag) => tag !== "");
}
