import type { StatementSync } from "node:sqlite";

declare module "node:sqlite" {
  interface StatementSync {
    /** Missing in the declarations that come with Deno. */
    setReturnArrays(enabled: boolean): void;
  }
}

/** Makes a statement return its rows as arrays, which takes half the time of objects. */
export function returnArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}
