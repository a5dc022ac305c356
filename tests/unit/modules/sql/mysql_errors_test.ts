import { assertEquals, assertStringIncludes } from "@std/assert";
import { judge } from "../../../../src/modules/sql/mysql/errors.ts";
import { type MysqlError, mysqlError } from "../../../../src/modules/sql/mysql/mysql_error.ts";

const SERVER = "MySQL db:3306";

function refused(number: number, sqlState = "HY000"): MysqlError {
  const text = "Duplicate entry 'a secret' for key 'PRIMARY'";
  return mysqlError(Object.assign(new Error(text), { errno: number, sqlState, sqlMessage: text }));
}

Deno.test("mysql says by the server's number what happens to events, and shows nothing of its text", () => {
  const cases: Readonly<Record<string, readonly number[]>> = {
    "row output_rejected": [1048, 1062, 1153, 1264, 1265, 1292, 1366, 1406, 1452, 1644, 3140, 3819, 4025],
    "table output_failed": [1036, 1054, 1146, 1194, 1364, 1412, 1526],
    "table output_unavailable": [1142, 1143],
    "server output_failed": [1205, 1213, 1317, 1969, 3024],
    "server output_unavailable": [
      ...[3, 1021, 1040, 1041, 1044, 1045, 1047, 1049, 1053, 1114, 1203, 1226, 1290, 1461, 1698, 1792, 1836],
      ...[1927, 4151],
    ],
  };
  for (const [expected, numbers] of Object.entries(cases)) {
    for (const number of numbers) {
      const { scope, error } = judge(SERVER, "rows for `t`", refused(number));
      assertEquals(`${scope} ${error.code}`, expected, `${number}`);
      assertStringIncludes(error.message, `${number}`);
      assertEquals(error.message.includes("secret"), false);
    }
  }
});

Deno.test("mysql takes the SQLSTATE for a number that it does not know", () => {
  const found = (state: string) => {
    const { scope, error } = judge(SERVER, "rows for `t`", refused(60_000, state));
    return `${scope} ${error.code}`;
  };
  assertEquals(found("22003"), "row output_rejected");
  assertEquals(found("45000"), "row output_rejected");
  assertEquals(found("42S02"), "table output_failed");
  assertEquals(found("28000"), "server output_unavailable");
  assertEquals(found("HY000"), "server output_failed");
});

Deno.test("mysql has a connection end that was lost, is read-only or on its way out, and no other", () => {
  const lost = mysqlError(Object.assign(new Error("gone"), { code: "ECONNRESET", errno: -104 }));
  assertEquals(judge(SERVER, "the connection", lost).error.code, "output_unavailable");
  const ending = [lost, mysqlError(undefined), refused(1053), refused(1290), refused(1927)];
  assertEquals(ending.every(({ endsConnection }) => endsConnection), true);
  assertEquals([1062, 1146, 1205, 1213].some((number) => refused(number).endsConnection), false);
});
