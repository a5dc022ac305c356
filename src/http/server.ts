/**
 * The listening socket around the router.
 *
 * @module
 */

import { StartupError } from "../errors.ts";

/** A server that listens. */
export interface ListeningServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Takes no connection any more. Resolves when the answers under way are given. May be called again. */
  close(): Promise<void>;
}

/**
 * Listens and answers until disposed. Disposing closes the socket and waits for answers under way.
 *
 * @throws {StartupError} when the address cannot be used
 */
export function listen(
  host: string,
  port: number,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  onError: (error: unknown) => void,
): ListeningServer {
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
      onError: (error) => {
        onError(error);
        return new Response(null, { status: 500 });
      },
    }, handler);
  } catch (cause) {
    throw toStartupError(host, port, cause);
  }
  return {
    host,
    port: server.addr.port,
    close: () => server.shutdown(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function toStartupError(host: string, port: number, cause: unknown): unknown {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new StartupError("address_in_use", [
      `Cannot listen on ${host}:${port}: another program uses this port; set PORT or stop that program`,
    ], { cause });
  }
  if (cause instanceof Deno.errors.AddrNotAvailable || cause instanceof Deno.errors.PermissionDenied) {
    return new StartupError("address_not_available", [
      `Cannot listen on ${host}:${port}: this machine does not allow it; check HOST and PORT`,
    ], { cause });
  }
  return cause;
}
