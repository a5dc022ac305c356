import { StartupError } from "../errors.ts";
import { acceptFailures, LastingServer } from "../io/server/lasting_server.ts";
import { type Metrics, METRICS_CONTENT_TYPE } from "../observability/metrics.ts";
import { logger } from "../observability/logging.ts";

/**
 * Serves the connector's own `/health`, `/livez`, `/readyz` and `/metrics` until disposed. `/health` answers
 * 200 whatever it says; `/readyz` answers 503 while there is no connection.
 *
 * @param port 0 for any free one
 * @throws {StartupError} when the address cannot be used
 */
export function serveStatus(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: Metrics,
  status: () => Readonly<Record<string, unknown>>,
): AsyncDisposable {
  const handler = (request: Request) => {
    switch (new URL(request.url).pathname) {
      case "/health":
        return Response.json(status());
      case "/livez":
        return new Response("ok\n");
      case "/readyz":
        return Response.json(status(), { status: status()["status"] === "connected" ? 200 : 503 });
      case "/metrics":
        return new Response(metrics.render(), { headers: { "content-type": METRICS_CONTENT_TYPE } });
      default:
        return new Response("Not found\n", { status: 404 });
    }
  };
  try {
    const server = new LastingServer({
      host,
      port,
      handler,
      acceptFailures: acceptFailures(metrics),
      logger: logger("connector"),
    });
    logger("connector").info("Serving /health and /metrics on http://{host}:{port}", {
      host,
      port: server.port,
    });
    return server;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse || cause instanceof Deno.errors.AddrNotAvailable)) {
      throw cause;
    }
    const code = cause instanceof Deno.errors.AddrInUse ? "address_in_use" : "address_not_available";
    throw new StartupError(code, [`Cannot serve /health on ${host}:${port}: choose another status_port`], {
      cause,
    });
  }
}
