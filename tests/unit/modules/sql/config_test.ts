import { assertEquals } from "@std/assert";
import { mysqlModule } from "../../../../src/modules/sql/mysql/mysql.ts";
import { postgresqlModule } from "../../../../src/modules/sql/postgresql/postgresql.ts";

function problemsOf(
  { configSchema }: Pick<typeof postgresqlModule, "configSchema">,
  schema: object,
): string[] {
  const { error } = configSchema.safeParse({ storage_mode: "hybrid", create_table: true, schema });
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("two fields with one column are a problem, in upper and lower case as the server has it", () => {
  const twice = ["schema.fields.b.column: Another field has this column: give each its own"];
  for (const module of [postgresqlModule, mysqlModule]) {
    assertEquals(problemsOf(module, { fields: { a: {}, b: { column: "a" } } }), twice);
  }
  const inCapitals = { fields: { a: {}, b: { column: "A" } } };
  assertEquals(problemsOf(postgresqlModule, inCapitals), []);
  assertEquals(problemsOf(mysqlModule, inCapitals), twice);
});

Deno.test("an index of a table that is created names columns that the table will have", () => {
  const fields = { number: { column: "order_number" } };
  const indexed = (...columns: string[]) => ({ fields, indexes: { by_number: { columns } } });
  for (const module of [postgresqlModule, mysqlModule]) {
    assertEquals(problemsOf(module, indexed("order_number", "webhook_id", "created_at")), []);
    assertEquals(problemsOf(module, indexed("webhook_id", "number")), [
      "schema.indexes.by_number.columns.1: The table would have no such column: name one of a field, as its `column` says",
    ]);
  }
});
