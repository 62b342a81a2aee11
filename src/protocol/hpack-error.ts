/** The one error of HPACK: whatever it says, the connection's tables can no longer be trusted, and it ends with COMPRESSION_ERROR. */

export class HpackError extends Error {
  override readonly name = "HpackError";
}
