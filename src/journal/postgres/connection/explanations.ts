import { type Explanations, SQL_STATE } from "../../../io/postgres/errors.ts";

/** What refusals of PostgreSQL mean for the journal. */
export const JOURNAL_EXPLANATIONS: Explanations = {
  [SQL_STATE.insufficientPrivilege]:
    "does not let the user do that: it needs rights on the schema cwm, its tables and its sequences",
  [SQL_STATE.lockNotAvailable]: "did not get a lock in time: another program holds a table of the journal",
  [SQL_STATE.undefinedTable]: "has not the tables of the journal: run 'cwm journal migrate'",
  "28P01": "refuses the password of JOURNAL",
  "28000": "refuses the user of JOURNAL, or wants TLS: see sslmode",
  "3D000": "has no database of the name in JOURNAL: create it",
};
