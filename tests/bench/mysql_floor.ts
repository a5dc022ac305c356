/** Inserting into MariaDB with nothing but `mysql2`: the floor that the output is measured against. */

import mysql from "mysql2/promise";
import type { FloorRow } from "./postgresql_floor.ts";

/** The table that both fill. */
export function tableStatement(table: string): string {
  const name = "varchar(64) character set ascii collate ascii_bin";
  return `create table ${table} (id ${name} primary key, namespace ${name}, webhook_id ${name}, timestamp datetime(3),
    payload json, headers json) character set utf8mb4`;
}

/** Connects as the superuser of a server of tests. */
export async function connectFloor(port: number, database: string): Promise<mysql.Connection> {
  return await mysql.createConnection({ host: "127.0.0.1", port, user: "root", database });
}

/** Stores rows in one statement, and none that is there already. */
export async function insertRows(
  connection: mysql.Connection,
  table: string,
  rows: readonly FloorRow[],
): Promise<void> {
  const places = rows.map(() => "(?, ?, ?, ?, ?, ?)").join(", ");
  await connection.execute(
    `insert into ${table} (id, namespace, webhook_id, timestamp, payload, headers) values ${places}
    on duplicate key update id = id`,
    rows.flatMap(({ id, namespace, webhook, receivedAt, body, headers }) => [
      id,
      namespace,
      webhook,
      new Date(receivedAt).toISOString().replace("T", " ").replace("Z", ""),
      body,
      headers,
    ]),
  );
}
