/** What is checked, and how it is printed. */

export interface Check {
  /** What must hold. */
  readonly what: string;
  readonly held: boolean;
  /** The counts behind it. */
  readonly counts: string;
}

/** A fact worth telling that nothing is asked of. */
export interface Figure {
  readonly what: string;
  readonly value: string;
}

export interface Report {
  readonly scenario: string;
  readonly figures: readonly Figure[];
  readonly checks: readonly Check[];
}

/** Names of a few, where there are many. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => (name.length > 24 ? `${name.slice(0, 24)}…` : name));
  return `${shown.join(", ")}${names.length > shown.length ? `, and ${names.length - shown.length} more` : ""}`;
}

/** Holds where none are there. `of` says out of how many. */
export function none(what: string, found: readonly string[], of: string): Check {
  return {
    what,
    held: found.length === 0,
    counts: found.length === 0 ? of : `${found.length} (${some(found)}) of ${of}`,
  };
}

export function equal(what: string, counts: string, held: boolean): Check {
  return { what, counts, held };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function milliseconds(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : seconds(ms);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MB`;
}

/** The rows of a table in Markdown, columns as wide as they need. */
function rows(cells: readonly (readonly string[])[]): string {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`)
    .map((line, index) => (index === 0 ? `${line}\n|${widths.map((width) => "-".repeat(width + 2)).join("|")}|` : line))
    .join("\n");
}

export function tableOf({ scenario, figures, checks }: Report): string {
  const cells = [
    [scenario, "counts", "held"],
    ...figures.map(({ what, value }) => [what, value, ""]),
    ...checks.map(({ what, counts, held }) => [what, counts, held ? "yes" : "NO"]),
  ];
  return rows(cells);
}

export function allHeld(reports: readonly Report[]): boolean {
  return reports.every(({ checks }) => checks.length > 0 && checks.every(({ held }) => held));
}
