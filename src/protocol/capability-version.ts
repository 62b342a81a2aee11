/** The capability version that our own nodes announce: that of Tailscale v1.104.5, whose protocol they speak as far as they speak it. */
export const CAPABILITY_VERSION = 148;
