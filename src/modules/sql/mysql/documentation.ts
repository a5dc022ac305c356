/**
 * The page about `mysql`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Stores each event as a row of a table of MySQL or MariaDB. An event is delivered when the server has confirmed the",
    "commit of its row. A replica is not waited for: with semi-synchronous replication the server itself does so, until",
    "its time-out. `mariadb` is the same module by another name.",
    "",
    "These columns are filled where the table has them; others get their defaults.",
    "",
    "| column       | filled with                                              | types                                |",
    "| ------------ | -------------------------------------------------------- | ------------------------------------ |",
    "| `id`         | the event's id, or a UUID that is made from it           | text; `uuid`, `char(36)`, `binary(16)` |",
    "| `event_id`   | the event's id                                           | text                                 |",
    "| `namespace`  | the namespace                                            | text, `enum`                         |",
    "| `webhook_id` | the webhook's id within its namespace                    | text, `enum`                         |",
    "| `timestamp`  | the time of receipt in UTC                               | dates and times, text                |",
    "| `payload`    | the body: text as it is, or in binary types byte for byte | JSON, text, `blob`, `varbinary`      |",
    "| `headers`    | the headers as JSON, credentials and signatures redacted | JSON, text                           |",
    "",
    "A column of `schema.fields` gets a value of the payload, as text that the server reads as the column's type:",
    "numbers keep every digit, booleans are 1 and 0, and times with a zone are stored in UTC. A place that the payload",
    "does not have is the field's `default`, or NULL.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "mysql",
        connection: "shop",
        "module-config": {
          table: "orders",
          storage_mode: "hybrid",
          schema: {
            fields: {
              number: { column: "order_number", json_pointer: "/order/number", type: "integer" },
              placed: { json_pointer: "/order/placed_at", type: "datetime", default: "CURRENT_TIMESTAMP" },
            },
          },
          create_table: true,
        },
      },
    },
    connections: {
      shop: {
        type: "mysql",
        host: "db.internal",
        database: "shop",
        user: "gateway",
        password: "{$DB_PASSWORD}",
        ssl: true,
      },
    },
  },
  notes: [
    "- **Repeats.** Where `id` or `event_id` has a unique index, also together with `timestamp`, `namespace` or",
    "  `webhook_id`, an event that is sent again meets its row and changes nothing. A row that is there by another unique",
    "  column makes the event a dead letter. A table without such an index gets another row; `cwm check --probe` says so.",
    "- **`upsert`.** The field `upsert_key` needs a unique index of its own. Of events with the same value the last one",
    "  counts; `id` and `webhook_id` stay those of the first. Events of a webhook go one after the other then.",
    "- **`create_table`** makes `id` (`char(36)`, the primary key), `event_id`, `namespace`, `webhook_id`, `timestamp`",
    "  (mode `json`), `payload` and `headers` (`json`; `payload` of `data_type: blob` is `longblob`), `created_at` and a",
    "  column for each field: a string is `longtext`, and `varchar(255)` in an index. An existing table is never changed.",
    "- **Nothing is cut in silence**, whatever `sql_mode` the server has: what is too long, too large, not whole for an",
    "  integer, no member of an `enum`, a year without its century or a number for a time makes the event a dead letter.",
    "  `decimal` rounds, and times lose the digits that their column does not have.",
    "- **JSON columns of MariaDB** take at most 31 levels, and no escape of half a surrogate pair; such events are dead",
    "  letters. `longtext` takes any body that is UTF-8.",
    "- **Differences to the Python service.** The table is not made unasked, modes other than the three are refused, the",
    "  connection's `ssl` counts, and `upsert` in mode `json` has no effect there and here.",
  ],
  connection: [
    'The connection, with `"type": "mysql"` or `"mariadb"`. Each table has one connection, which is',
    "closed when there was nothing to do for 10 seconds. Users log in by password",
    "(`mysql_native_password`, `caching_sha2_password`, `sha256_password`); MariaDB's `ed25519` is not known.",
  ],
  connectionNotes: [
    "By the server's number, otherwise by its `SQLSTATE`:",
    "",
    "| number                                                     | what happens                                        |",
    "| ---------------------------------------------------------- | --------------------------------------------------- |",
    "| 1048, 1062, 1153, 1216, 1264, 1265, 1292, 1366, 1406, 1452, 1644, 1690, 3140 to 3157, 3819, 4025; `21`, `22`, `23`, `45` | a value of one row: its event is a dead letter, the others are stored |",
    "| 1036, 1054, 1146, 1194, 1364, 1412, 1526; `42`             | the table: tried again until it is put right        |",
    "| 1205, 1213, 1317, 1969, 3024; `40`                         | a lock or a deadlock: tried again                   |",
    "| 1044, 1045, 1049, 1142, 1143, 1698, 4151; `28`             | a right, the user, the database: paused until a probe succeeds |",
    "| 1290, 1792, 1836                                           | read-only: paused; connected to again               |",
    "| 3, 1021, 1026, 1040, 1041, 1047, 1053, 1114, 1203, 1226, 1461, 1927; `08`, no answer | the server: paused until a probe succeeds |",
    "",
    "A refused statement is halved until the bad rows stand alone. What is shown of an error is its number, never the",
    "server's text, which quotes rows. A row larger than `max_allowed_packet` is not sent. A statement waits 10 seconds",
    "for a lock. A probe runs the statements of the events without a row, so it finds a missing table, column, index or",
    "right, and a server that is read-only.",
  ],
};
