/// <reference lib="deno.worker" />
// The worker of floor_durable.ts. Its name is the directory of the file.
import { DatabaseSync } from "node:sqlite";

Deno.mkdirSync(self.name, { recursive: true });
const database = new DatabaseSync(`${self.name}/floor.db`);
for (const pragma of ["locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"]) {
  database.prepare(`PRAGMA ${pragma}`).all();
}
database.prepare(
  "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, headers TEXT, body TEXT)",
).run();
const begin = database.prepare("BEGIN");
const insert = database.prepare("INSERT INTO events (id, headers, body) VALUES (?, ?, ?)");
const remove = database.prepare("DELETE FROM events WHERE seq = ?");
const commit = database.prepare("COMMIT");
let last = 0;

self.onmessage = ({ data: [rows, done] }: MessageEvent<[[string, string, string][], number[]]>) => {
  begin.run();
  for (const [id, headers, body] of rows) last = Number(insert.run(id, headers, body).lastInsertRowid);
  for (const sequence of done) remove.run(sequence);
  commit.run();
  self.postMessage(last);
};
