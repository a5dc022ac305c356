/**
 * What refusals of MySQL and MariaDB mean for the events that were to be stored. The server's own texts are not shown:
 * they quote the rows.
 *
 * @see https://mariadb.com/kb/en/mariadb-error-codes/
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../../verdicts.ts";
import type { Judgement } from "../dialect.ts";
import { MysqlError } from "./mysql_error.ts";

type Scope = Pick<Judgement, "scope">;

const ROW: Scope = { scope: "row" };
const TABLE: Scope = { scope: "table" };
const SERVER: Scope = { scope: "server" };

const RIGHTS = "grant INSERT and SELECT, for upsert UPDATE, for create_table CREATE as well";

/** By the number of the error. */
const NUMBERS = new VerdictTable<Scope>({
  // What the row holds, now and for ever.
  "1048": reject("a column takes no NULL", ROW),
  "1062 1557 1586": reject("another row has the same value in a unique column", ROW),
  "1118 1153 1197 3150": reject("the row is larger than the server takes", ROW),
  "1216 1452": reject("the row refers to one that does not exist", ROW),
  "1264 1416 1441 1690": reject("a number is too large for its column", ROW),
  "1265 1366 1367 1411": reject("a value is not of its column's type", ROW),
  "1292 1525": reject("a value is no date or time, or not of its column's type", ROW),
  "1365": reject("another row has the same value in another unique column", ROW),
  "1369": reject("a check of the view is violated", ROW),
  "1406": reject("a text is too long for its column", ROW),
  "1644 1645": reject("a trigger of the table refused it", ROW),
  "3140 3141 3143 3144 3146 3156 3157": reject("a value is no JSON that the server takes", ROW),
  "3819": reject("a check of the table is violated", ROW),
  "4025": reject("a check of the table is violated, such as that of a JSON column", ROW),
  "4037 4038 4078": reject("a value is no JSON that the server takes", ROW),
  // What an operator mends at the table; the events wait for that.
  "1016 1030 1034 1035 1194 1195 1932": retry("the table cannot be read: repair it", TABLE),
  "1036": retry("the table takes no writes", TABLE),
  "1054": retry("a column does not exist", TABLE),
  "1146": retry("the table does not exist", TABLE),
  "1288 1348 1393 1394 1471": retry("the view takes no rows", TABLE),
  "1356 1449": retry("the view refers to what is not there any more", TABLE),
  "1364": retry("a new column takes no NULL and has no default", TABLE),
  "1526 1748 1591": retry("it has no partition for the row", TABLE),
  "1305 1442": retry("a trigger of the table cannot run", TABLE),
  "1412 1615": retry("the table is not as it was", TABLE),
  "1906 3105": retry("a column is computed by the server", TABLE),
  "1142 1143 1227 1370": pause(`the user may not do it: ${RIGHTS}`, TABLE),
  // What passes by itself.
  "1020 1180 1205": retry("a lock is not to be had", SERVER),
  "1213 1614": retry("it was in the way of another transaction", SERVER),
  "1317 1969 3024": retry("the statement was cancelled", SERVER),
  // What holds up all.
  "3 1021 1026 1114 1534": pause("has no room on its disk", SERVER),
  "1037 1038 1041 1135 1206": pause("has no room in its memory", SERVER),
  "1040": pause("has no free connections", SERVER),
  "1044": pause("does not let the user into the database", SERVER),
  "1045 1698 1862 3118 3955 4151": pause("does not know this user and password", SERVER),
  "1820": pause("wants the user's password to be changed", SERVER),
  "1047": pause("is no part of its cluster now", SERVER),
  "1049": pause("has no database of this name", SERVER),
  "1053 1077 1078 1079 1080": pause("is stopping", SERVER),
  "1129 1130": pause("lets nobody in from this address", SERVER),
  "1203 1226": pause("has given the user as much as it may have", SERVER),
  "1223 1290 1792 1836": pause("takes no writes: it is a replica, or was set to read-only", SERVER),
  "1251 1524": pause("wants a way to log in that is not known here", SERVER),
  "1461": pause("keeps no more statements: raise max_prepared_stmt_count", SERVER),
  "3159": pause("wants TLS", SERVER),
  "1927": pause("ended the connection", SERVER),
}, retry("", SERVER));

/** By the `SQLSTATE` of those that are not listed above. */
const STATES = new VerdictTable<Scope>({
  "21* 22*": reject("a value does not fit its column", ROW),
  "23*": reject("a constraint of the table is violated", ROW),
  "45*": reject("a trigger of the table refused it", ROW),
  "42*": retry("the table is not as it was", TABLE),
  "40*": retry("it was in the way of another transaction", SERVER),
  "08* 28* 70*": pause("", SERVER),
}, retry("", SERVER));

/** Codes of the client library that say more than that there is no connection. */
const CLIENT_CODES: Readonly<Record<string, string>> = {
  HANDSHAKE_NO_SSL_SUPPORT: "the server offers no TLS",
  AUTH_SWITCH_PLUGIN_ERROR: "the server wants a way to log in that is not known here",
};

/** Judges a failed statement or connection. */
export function judge(server: string, what: string, failure: MysqlError): Judgement;
export function judge(server: string, what: string, failure: unknown): Judgement | undefined;
export function judge(server: string, what: string, failure: unknown): Judgement | undefined {
  if (!(failure instanceof MysqlError)) return undefined;
  const { number, sqlState, message } = failure;
  if (number === 0) {
    const text = `${server} cannot be reached: ${CLIENT_CODES[message] ?? message}`;
    return { scope: "server", error: new DeliveryError("output_unavailable", text, { cause: failure }) };
  }
  const known = NUMBERS.find(number);
  const verdict = known.text === "" ? STATES.find(sqlState) : known;
  if (verdict.text === "") {
    return { scope: verdict.scope, error: verdictError(verdict, `${server} answered with ${number}`) };
  }
  // What holds up all is said of the server, and what is refused of the rows.
  const isOfServer = verdict.scope === "server" && verdict.kind === "pause";
  const text = isOfServer
    ? `${server} ${verdict.text} (${number})`
    : `${server} refused ${what}: ${verdict.text} (${number})`;
  return { scope: verdict.scope, error: verdictError(verdict, text) };
}
