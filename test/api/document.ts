/** The served OpenAPI document, as far as this suite reads it. */

export interface ApiDocument {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly operationId: string;
            readonly description: string;
            readonly responses: Readonly<Record<string, unknown>>;
          }
        >
      >
    >
  >;
}

export interface NamedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Who may, in words. */
  readonly description: string;
  /** False where it is refused, whoever asks. */
  readonly isOffered: boolean;
}

export function operationsOf({ paths }: ApiDocument): NamedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId: id, description, responses }]) => ({
      id,
      description,
      method,
      path,
      isOffered: Object.keys(responses).some((status) => status.startsWith("2")),
    })),
  );
}
