/** What every benchmark is told. */

export interface BenchOptions {
  /** Fewer rounds, and smaller sizes: to see that it runs. */
  readonly isQuick: boolean;
  /** Nodes of the tailnets, where the benchmark takes them; null for its own sizes. */
  readonly nodes: number | null;
}
