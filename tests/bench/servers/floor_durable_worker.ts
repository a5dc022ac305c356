/// <reference lib="deno.worker" />
// The worker of floor_durable.ts. Its name is the directory of the file.
import { DatabaseSync } from "node:sqlite";

Deno.mkdirSync(self.name, { recursive: true });
const database = new DatabaseSync(`${self.name}/floor.db`);
for (const pragma of ["locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"]) {
  database.prepare(`PRAGMA ${pragma}`).all();
}
database.prepare("CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT, headers TEXT, body TEXT)").run();
const begin = database.prepare("BEGIN");
const insert = database.prepare("INSERT INTO events (id, headers, body) VALUES (?, ?, ?)");
const commit = database.prepare("COMMIT");

self.onmessage = ({ data }: MessageEvent<[string, string, string][]>) => {
  begin.run();
  for (const [id, headers, body] of data) insert.run(id, headers, body);
  commit.run();
  self.postMessage(null);
};
