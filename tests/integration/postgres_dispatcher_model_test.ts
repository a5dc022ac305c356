import { testDispatcherModel } from "../contracts/dispatcher_model.ts";
import { PostgresWorldStore } from "../support/journal/postgres_store.ts";

testDispatcherModel("PostgreSQL journal", [1], () => PostgresWorldStore.create());
