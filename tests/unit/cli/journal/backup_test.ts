import { assertEquals } from "@std/assert";
import { backUp } from "../../../../src/cli/journal/backup.ts";
import { loadSettings } from "../../../../src/settings/load.ts";

function printed(JOURNAL: string, file: string): Promise<string> {
  return backUp(file, loadSettings({ JOURNAL }, { logIsTerminal: false }));
}

Deno.test("the backup of a journal in PostgreSQL is the line of its own program, without the password", async () => {
  const text = await printed("postgres://cwm:s3cret@db.internal/cwm", "/backup/cwm.dump");
  assertEquals(
    text.split("\n")[1],
    [
      "pg_dump --format=custom --schema=cwm --file=/backup/cwm.dump",
      "'host=db.internal port=5432 user=cwm dbname=cwm'",
    ].join(" "),
  );
  assertEquals(
    text.split("\n")[3],
    [
      "pg_restore --exit-on-error --dbname='host=db.internal port=5432 user=cwm dbname=cwm'",
      "/backup/cwm.dump",
    ].join(" "),
  );
  assertEquals(text.includes("s3cret"), false);
});

Deno.test("the line that copies a journal names all hosts and files, quoted as a shell takes them", async () => {
  const url =
    "postgres://cwm@db1,db2:5433/my%20db?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem";
  const text = await printed(url, "/backup/it's.dump");
  assertEquals(
    text.split("\n")[1],
    [
      "pg_dump --format=custom --schema=cwm --file='/backup/it'\\''s.dump'",
      "'host=db1,db2 port=5432,5433 user=cwm dbname='\\''my db'\\'' sslmode=verify-full sslrootcert=/ca.pem",
      "sslcert=/c.pem sslkey=/k.pem target_session_attrs=read-write'",
    ].join(" "),
  );
});
