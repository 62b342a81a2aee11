/** Names come from the control plane: before a terminal sees them, whatever could steer it is taken out. */

/** The text with control and formatting characters (Unicode's category C) replaced by U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, "\ufffd");
}
