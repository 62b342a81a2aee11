/** Login names of people: in small letters, by which one is stored, compared and found. */

/**
 * The name in small letters, of ASCII alone: other letters become those of somebody else's name (the Kelvin sign a `k`). Attacker-controlled.
 */
export function loginName(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
