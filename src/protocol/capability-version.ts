/** The capability version that our own nodes announce: that of Tailscale v1.104.5, whose protocol they speak as far as they speak it. */
export const CAPABILITY_VERSION = 148;

/** The least that a Tailscale client is taken with: that of v1.68.0, the oldest one that was run (docs/compatibility.md). */
export const LEAST_CAPABILITY_VERSION = 97;
