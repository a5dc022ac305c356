/** Inserting into ClickHouse with nothing but `fetch`: the floor that the output is measured against. */

/** What a row says besides headers and body. */
export interface RowHead {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  /** In milliseconds since 1970. */
  readonly receivedAt: number;
}

/** One row, tab-separated, of a body without tabs and line ends. */
export function rowOf(head: RowHead, headers: Headers, body: string): string {
  const received: Record<string, string> = {};
  headers.forEach((value, name) => received[name] = value);
  const escaped = [JSON.stringify(received), body].map((text) => text.replaceAll("\\", "\\\\"));
  const seconds = Math.floor(head.receivedAt / 1000);
  return `${head.id}\t${head.webhook}\t${head.namespace}\t${seconds}\t${escaped.join("\t")}\n`;
}

/**
 * Inserts rows.
 *
 * @throws {Error} with what the server says
 */
export async function insertRows(port: number, table: string, rows: readonly string[]): Promise<void> {
  const columns = "id, webhook_id, namespace, timestamp, headers, payload";
  const query = new URLSearchParams({ query: `INSERT INTO ${table} (${columns}) FORMAT TabSeparated` });
  const response = await fetch(`http://127.0.0.1:${port}/?${query}`, { method: "POST", body: rows.join("") });
  const text = await response.text();
  if (response.status !== 200 || text !== "") throw new Error(`The insert failed: ${text}`);
}
