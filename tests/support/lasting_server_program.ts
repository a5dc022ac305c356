/**
 * A server alone that says where it listens, answers with the body that it got, and keeps the connections of a former
 * server for as many milliseconds as its argument says.
 */

import { logger, setUpLogging } from "../../src/observability/logging.ts";
import { InFlight } from "../../src/http/in_flight.ts";
import { acceptFailures, LastingServer } from "../../src/io/server/lasting_server.ts";
import { Metrics } from "../../src/observability/metrics.ts";
import { standardLineWriter } from "../../src/io/line_writer.ts";

await using records = standardLineWriter("stderr");
await using _logging = setUpLogging({ level: "info", format: "json", writer: records });
const inFlight = new InFlight(1_000, 1_000_000);
const server = new LastingServer({
  host: "127.0.0.1",
  port: 0,
  handler: async (request) => {
    inFlight.startReading();
    logger("http").info("A body is on its way");
    try {
      return new Response(await request.text());
    } finally {
      inFlight.endReading();
    }
  },
  bodiesRead: (signal) => {
    logger("http").info("A former server waits for bodies");
    return inFlight.bodiesRead(signal);
  },
  acceptFailures: acceptFailures(new Metrics()),
  logger: logger("http"),
  formerMs: Number(Deno.args[0]),
});
logger("http").info("Listening on http://127.0.0.1:{port}", { port: server.port });
await new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", resolve));
await server.close();
