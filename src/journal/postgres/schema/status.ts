/**
 * What an operator wants to know of the server and of what stands in its tables.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import type { SchemaState } from "./schema.ts";

interface ServerRow {
  readonly database: string;
  readonly version: string;
  readonly standbys: string;
  readonly commit: string;
}

const SERVER = prepared(
  `select current_database() as database, current_setting('server_version') as version,
    current_setting('synchronous_standby_names') as standbys, current_setting('synchronous_commit') as commit`,
);

interface HeldRow {
  readonly pending: number;
  readonly dead: number;
  readonly messages: number;
  readonly bytes: number;
}

const HELD = prepared(
  `select (select coalesce(sum(count), 0) from cwm.pack where done_at is null) as pending,
    (select count(*) from cwm.dead) as dead,
    (select count(*) from cwm.message) as messages,
    (select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
      where relnamespace = 'cwm'::regnamespace and relkind = 'r') as bytes`,
);

interface GatewayRow {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly seconds: number;
  readonly pending: number;
}

const GATEWAYS = prepared(
  `select id, name, version, extract(epoch from clock_timestamp() - seen_at)::int as seconds,
    (select coalesce(sum(count), 0) from cwm.pack where owner = gateway.id and done_at is null) as pending
  from cwm.gateway order by id`,
);

/** The server, its tables and who uses them, a line each. */
export async function describeServer(client: PostgresClient, state: SchemaState): Promise<readonly string[]> {
  const { rows: [server] } = await client.query<ServerRow>(SERVER);
  const lines = server === undefined ? [] : [
    `Server: ${client.facts.authority}, PostgreSQL ${server.version}, database ${server.database}`,
    `Commits: ${describeCommits(server)}`,
  ];
  if (state.version === 0) return [...lines, "Tables: none; a gateway makes them, or cwm journal migrate"];
  const { rows: [held] } = await client.query<HeldRow>(HELD);
  const { rows: gateways } = await client.query<GatewayRow>(GATEWAYS);
  return [
    ...lines,
    `Tables: version ${state.version}${describeVersion(state)}, ${held?.bytes ?? 0} bytes`,
    `Events: ${held?.pending ?? 0} pending, ${held?.dead ?? 0} dead letters, ${
      held?.messages ?? 0
    } in channels`,
    ...gateways.map(describeGateway),
    ...(gateways.length === 0 ? ["Gateways: none"] : []),
  ];
}

function describeCommits({ standbys, commit }: ServerRow): string {
  if (commit === "off") {
    return "synchronous_commit is off: a crash of the server loses what was accepted last";
  }
  return standbys === ""
    ? "no synchronous standby: what was accepted last is lost when a standby takes over"
    : `wait for ${standbys} (synchronous_commit ${commit})`;
}

function describeVersion({ version, wanted }: SchemaState): string {
  if (version === wanted) return "";
  return version < wanted ? `, and this program wants ${wanted}` : `, newer than this program's ${wanted}`;
}

function describeGateway({ id, name, version, seconds, pending }: GatewayRow): string {
  return `Gateway ${id}: ${name}, version ${version}, ${pending} pending, last seen ${seconds} s ago`;
}
