/**
 * An object's SQLite: typed rows, migrations, and transactions whose type refuses an async callback, since the runtime does not.
 *
 * Rule [W1]: whatever an act changes, it changes in one synchronous transaction; what is in memory changes only once that has returned.
 */

export type SqlValue = string | number | null | Uint8Array;
type Bound = string | number | null | ArrayBuffer;
/** A row as SQLite gives it: blobs come as ArrayBuffer. */
type RawRow = Record<string, string | number | null | ArrayBuffer>;

/** One column's value with its type made sure: what is stored is ours, so a mismatch is a bug or a damaged disk. */
export class Row {
  readonly #raw: RawRow;

  constructor(raw: RawRow) {
    this.#raw = raw;
  }

  text(column: string): string {
    const value = this.#raw[column];
    if (typeof value !== "string") throw new Error(`column ${column} is not a text`);
    return value;
  }

  textOrNull(column: string): string | null {
    return this.#raw[column] === null ? null : this.text(column);
  }

  integer(column: string): number {
    const value = this.#raw[column];
    if (typeof value !== "number") throw new Error(`column ${column} is not a number`);
    return value;
  }

  integerOrNull(column: string): number | null {
    return this.#raw[column] === null ? null : this.integer(column);
  }

  bytes(column: string): Uint8Array {
    const value = this.#raw[column];
    if (!(value instanceof ArrayBuffer)) throw new Error(`column ${column} is not a blob`);
    return new Uint8Array(value);
  }

  bytesOrNull(column: string): Uint8Array | null {
    return this.#raw[column] === null ? null : this.bytes(column);
  }
}

function bind(value: SqlValue): Bound {
  return value instanceof Uint8Array ? value.slice().buffer : value;
}

type Synchronous<T> = T extends PromiseLike<unknown> ? never : T;

export class Store {
  readonly #storage: DurableObjectStorage;
  /** Transactions that are open, one in another. */
  #depth = 0;
  #filled = false;
  #version = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  #exec(sql: string, values: readonly SqlValue[]): RawRow[] {
    if (!sql.startsWith("SELECT")) this.#version++;
    return this.#storage.sql.exec<RawRow>(sql, ...values.map(bind)).toArray();
  }

  /** Another one wherever anything was written, or a transaction begins or is taken back: what was read before holds as long as this stays. */
  get version(): number {
    return this.#depth === 0 ? ++this.#version : this.#version;
  }

  rows(sql: string, ...values: SqlValue[]): Row[] {
    return this.#exec(sql, values).map((raw) => new Row(raw));
  }

  row(sql: string, ...values: SqlValue[]): Row | null {
    return this.rows(sql, ...values)[0] ?? null;
  }

  /** Runs a statement for its effect. */
  run(sql: string, ...values: SqlValue[]): void {
    this.#exec(sql, values);
  }

  /** All of `body` or, where it throws, nothing of it [W1]. */
  transaction<T>(body: () => Synchronous<T>): Synchronous<T> {
    if (this.#depth++ === 0) this.#version++;
    try {
      return this.#storage.transactionSync(body);
    } catch (error) {
      this.#version++;
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /**
   * True until the first migration: nothing has ever been stored in this object. Asked with every request, so that what can no longer change is
   * remembered: tables that were seen outside of a transaction stay.
   */
  isEmpty(): boolean {
    if (this.#filled) return false;
    const isEmpty = this.row("SELECT 1 FROM sqlite_master WHERE name = 'schema'") === null;
    this.#filled = !isEmpty && this.#depth === 0;
    return isEmpty;
  }

  /** Brings the schema up to the last of `migrations`, each a list of statements, never edited once it has landed. */
  migrate(migrations: readonly (readonly string[])[]): void {
    this.transaction(() => {
      this.run("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL)");
      const done = this.row("SELECT version FROM schema")?.integer("version") ?? 0;
      if (done > migrations.length)
        throw new Error(`the object's schema (${done}) is newer than this code (${migrations.length})`);
      for (const statement of migrations.slice(done).flat()) this.run(statement);
      if (done === migrations.length) return;
      this.run("DELETE FROM schema");
      this.run("INSERT INTO schema (version) VALUES (?)", migrations.length);
    });
  }
}
