import { assert, assertEquals, assertThrows } from "@std/assert";
import type { FilledColumn } from "../../../../src/modules/sql/columns.ts";
import type { Row } from "../../../../src/modules/sql/dialect.ts";
import { mysqlModule } from "../../../../src/modules/sql/mysql/mysql.ts";
import { MysqlError } from "../../../../src/modules/sql/mysql/mysql_error.ts";
import { TableStatements } from "../../../../src/modules/sql/mysql/statements.ts";

function column(name: string): FilledColumn {
  return { name, kind: "text", type: "text", isComputed: false, isRequired: false, read: () => "" };
}

function statementsOf(columns: number): TableStatements {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`);
  return new TableStatements(
    "`t`",
    { columns: names.map(column), key: ["c0"] },
    mysqlModule.configSchema.parse({}),
  );
}

function rowsOf(lengths: readonly number[]): readonly Row[] {
  return lengths.map((length, index) => ({ index, id: `${index}`, cells: ["é".repeat(length)] }));
}

Deno.test("mysql stores each number of rows with two statements at most, of few lengths", () => {
  const statements = statementsOf(6);
  const lengths = new Set<number>();
  for (let count = 1; count <= 200; count++) {
    const rows = rowsOf(new Array(count).fill(1));
    const pieces = statements.piecesOf(rows, 1_000_000);
    assertEquals(pieces.flat(), [...rows]);
    assert(pieces.length <= 2, `${count} rows take ${pieces.length}`);
    for (const piece of pieces) lengths.add(piece.length);
  }
  assertEquals(lengths.size, 38);
});

Deno.test("mysql keeps statements below what the server takes, and refuses a row that does not fit", () => {
  const statements = statementsOf(1);
  const rows = rowsOf(new Array(50).fill(1000));
  const pieces = statements.piecesOf(rows, 10_000);
  assertEquals(pieces.flat(), [...rows]);
  assert(pieces.every((piece) => piece.length * 2000 < 10_000));
  const error = assertThrows(() => statements.piecesOf(rowsOf([1, 5000]), 10_000), MysqlError);
  assertEquals(error.number, 1153);
});

Deno.test("mysql sends no more placeholders than the protocol counts", () => {
  const pieces = statementsOf(4000).piecesOf(rowsOf(new Array(200).fill(1)), 1_000_000_000);
  assert(pieces.every((piece) => piece.length * 4000 <= 65_535));
});

Deno.test("mysql takes names that its server takes, quoted, and no other", () => {
  const problemsOf = (table: string) =>
    mysqlModule.configSchema.safeParse({ table }).error?.issues.length ?? 0;
  for (const table of ["order", "a`b", "db.t", "größe", "x".repeat(64), "é".repeat(64)]) {
    assertEquals(problemsOf(table), 0, table);
  }
  for (const table of ["", "a.b.c", "a.", "x".repeat(65), "t ", "t\0", "t😀"]) {
    assertEquals(problemsOf(table), 1, table);
  }
});
