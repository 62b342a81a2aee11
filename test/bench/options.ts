/** What every benchmark is told. */

export interface BenchOptions {
  /** Fewer rounds, and smaller sizes: to see that it runs. */
  readonly isQuick: boolean;
}
