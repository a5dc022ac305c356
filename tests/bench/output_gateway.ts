/**
 * A gateway with one webhook, whose events go to the server of an output.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import type { TempDir } from "../support/temp_dir.ts";
import { SMALL_BODY } from "./bodies.ts";
import type { Contestant, CountingDestination } from "./http_load.ts";
import type { HungServer } from "./hung_servers.ts";

/** How events are accepted. */
export type Accept = "delivered" | "durable";

/** The gateway as a contestant, named by how it accepts events. */
export async function gatewayTo(
  server: HungServer,
  accept: Accept,
  directory: TempDir,
): Promise<Contestant> {
  const { webhook, connection } = server.reachedAt(server.port);
  const connections = connection === undefined ? {} : { main: connection };
  return {
    name: accept,
    program: [join(REPOSITORY, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson(`${accept}.json`, { default: { ...webhook, accept } }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", connections),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
    // One that delivers while senders wait has delivered what it has answered.
    ...(accept === "durable" ? { destination: deliveredBy } : {}),
  };
}

const DELIVERED = /^cwm_events_ended_total\{[^}]*outcome="delivered"[^}]*\} (\d+)$/m;

/** Events that a gateway has delivered out of its journal, as it counts them itself. */
function deliveredBy(port: number): CountingDestination {
  return {
    arrived: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      return Number(DELIVERED.exec(await answer.text())?.[1] ?? 0);
    },
  };
}
