import type { PostgresStore } from "../../src/journal/postgres/postgres_store.ts";
import { testDeadLetterContract } from "../contracts/dead_letter.ts";
import { testRecordsContract } from "../contracts/records.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";

testDeadLetterContract("PostgreSQL journal", async () => {
  const stores = await PostgresStores.create();
  return {
    open: () => stores.open(),
    crash: (store) => stores.crash(store as PostgresStore),
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
});

testRecordsContract("PostgreSQL journal", (choices) => PostgresStores.create(choices));
