/**
 * The page about `postgresql`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Stores each event as a row of a PostgreSQL table. An event is delivered when the statement that holds its row is",
    "committed, and where the server has a synchronous standby, when that has confirmed it. `postgres` is the same",
    "module by another name.",
    "",
    "These columns are filled where the table has them; others get their defaults.",
    "",
    "| column       | filled with                                                     | types                    |",
    "| ------------ | --------------------------------------------------------------- | ------------------------ |",
    "| `id`         | the event's id, or a UUID that is made from it                  | text, `uuid`             |",
    "| `event_id`   | the event's id                                                  | text                     |",
    "| `namespace`  | the namespace                                                   | text, enumerations       |",
    "| `webhook_id` | the webhook's id within its namespace                           | text, enumerations       |",
    "| `timestamp`  | the time of receipt                                             | dates and times, text    |",
    "| `payload`    | the body: text as it is, or in `bytea` byte for byte            | JSON, text, `bytea`      |",
    "| `headers`    | the headers as JSON, credentials and signatures redacted        | JSON, text               |",
    "",
    "A column of `schema.fields` gets a value of the payload, as text that the server reads as the column's type:",
    "numbers keep every digit, and columns of integers take `1.0` and `1e2`, as JSON may write whole numbers. Times with",
    "a zone are stored in UTC where the column has none. A place that the payload does not have is the field's",
    "`default`, or NULL.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "postgresql",
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
        type: "postgresql",
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
    "  `webhook_id`, an event that is sent again meets its row and changes nothing. A table without one gets another",
    "  row; `cwm check --probe` says so.",
    "- **`upsert`.** The field `upsert_key` needs a unique index of its own. Of events with the same value the last one",
    "  counts; `id` and `webhook_id` stay those of the first. Events of a webhook go one after the other then.",
    "- **`create_table`** makes `id` (`uuid`, the primary key), `event_id`, `namespace`, `webhook_id`, `timestamp`",
    "  (mode `json`), `payload` and `headers` (`jsonb`; `payload` of `data_type: blob` is `bytea`), `created_at` and a",
    "  column for each field. An existing table is never changed.",
    "- **Differences to the Python service.** Its statements did not run on PostgreSQL at all. The table is not made",
    "  unasked, modes other than the three are refused, and `upsert` in mode `json` has no effect there and here.",
  ],
  connection: [
    'The connection, with `"type": "postgresql"` or `"postgres"`. With several hosts in `connection_string` the one is',
    "used that is the primary and takes writes. Each table has one connection, which is closed when there was",
    "nothing to do for 10 seconds; no session state is kept, so PgBouncer may stand in between in any mode.",
  ],
  connectionNotes: [
    "By the server's `SQLSTATE`:",
    "",
    "| code                                 | what happens                                                            |",
    "| ------------------------------------ | ----------------------------------------------------------------------- |",
    "| `22`, `23`, `44`, `54`, `P0`         | a value of one row: its event is a dead letter, the others are stored   |",
    "| `42`, `0A`, `3F`; `23514` without a partition; `23502` of a new column | the table: tried again until it is put right |",
    "| `40`, `55`, `57014`                  | tried again                                                             |",
    "| `42501`, `28`, `3D`                  | a right, the user, the database: paused until a probe succeeds          |",
    "| `25`                                 | paused; the hosts are asked again for the primary                       |",
    "| any other, such as a trigger's own   | a row: its event is tried again, the others are stored                  |",
    "| `08`, `53`, `57`, `58`, `XX`, no answer | the server: paused until a probe succeeds                            |",
    "",
    "A refused statement is halved until the bad rows stand alone. What is shown of an error is its code, the constraint",
    "and the column, never the server's text, which quotes rows. A probe runs the statement of the events without a row,",
    "so it finds a missing table, column, index or right.",
  ],
};
