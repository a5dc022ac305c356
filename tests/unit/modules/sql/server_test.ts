import { assertEquals } from "@std/assert";
import { SqlServer } from "../../../../src/modules/sql/server.ts";
import { eventually } from "../../../support/eventually.ts";

Deno.test("a connection of an SQL server is closed when nobody uses it, and opened on demand", async () => {
  const open = new Set<number>();
  let opened = 0;
  await using server = new SqlServer<number>({
    server: "Server",
    idleMs: 1,
    open: () => {
      open.add(++opened);
      return Promise.resolve(opened);
    },
    close: (connection) => void open.delete(connection),
    endOf: () => undefined,
  });
  const { signal } = new AbortController();
  for (const connection of [1, 2]) {
    const held = Promise.withResolvers<void>();
    const long = server.use(async (used) => {
      await held.promise;
      return used;
    }, signal);
    assertEquals(await server.use((used) => Promise.resolve(used), signal), connection);
    held.resolve();
    assertEquals(await long, connection);
    await eventually(() => assertEquals(open.size, 0));
  }
});
