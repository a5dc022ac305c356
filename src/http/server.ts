/**
 * The listening socket around the router.
 *
 * @module
 */

import { StartupError } from "../errors.ts";
import { LastingServer, type LastingServerOptions, type TlsPair } from "../io/server/lasting_server.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import type { InFlight } from "./in_flight.ts";

const SWITCHING_PROTOCOLS = 101;

/** A server that listens. */
export interface ListeningServer extends AsyncDisposable {
  readonly port: number;
  /**
   * Serves another certificate from now on; for servers of HTTPS.
   *
   * @throws {Error} when it cannot be used; the former one is served on
   */
  renew(tls: TlsPair): void;
  /**
   * How many other processes listen at its address, and get the connections that this one takes no more. One that was
   * closed counts itself for as long as its listener is there.
   */
  othersListening(): number;
  /** Takes no connection any more. Resolves when the answers under way are given. May be called again. */
  close(): Promise<void>;
}

/** What the gateway listens with. */
export interface ListenOptions extends Omit<LastingServerOptions, "bodiesRead"> {
  readonly inFlight: InFlight;
  /** How many connections may be open at once; `undefined` for any number. */
  readonly maxConnections: number | undefined;
  /** With HTTPS: the value of `Strict-Transport-Security` (RFC 6797) in all answers. */
  readonly hsts: string | undefined;
}

/**
 * Listens and answers until disposed. Disposing closes the socket and waits for answers under way.
 *
 * @throws {StartupError} when the address cannot be used
 */
export function listen(options: ListenOptions): ListeningServer {
  const { inFlight, maxConnections, logger, hsts, tls } = options;
  const handler = hsts === undefined || tls === undefined
    ? options.handler
    : withTransportSecurity(options.handler, hsts);
  const server = open({ ...options, handler, bodiesRead: (signal) => inFlight.bodiesRead(signal) });
  const limit = maxConnections === undefined
    ? undefined
    : new ConnectionLimit({ port: server.port, most: maxConnections, inFlight, logger });
  const close = async () => {
    await Promise.all([limit?.[Symbol.asyncDispose](), server.close()]);
  };
  return {
    port: server.port,
    renew: (tls) => server.renew(tls),
    othersListening: () => server.othersListening(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Browsers that got one answer by HTTPS ask for no other by HTTP. */
function withTransportSecurity(
  handler: Deno.ServeHandler<Deno.NetAddr>,
  hsts: string,
): Deno.ServeHandler<Deno.NetAddr> {
  return async (request, info) => {
    const response = await handler(request, info);
    if (response.status !== SWITCHING_PROTOCOLS) response.headers.append("strict-transport-security", hsts);
    return response;
  };
}

function open(options: LastingServerOptions): LastingServer {
  try {
    return new LastingServer(options);
  } catch (cause) {
    throw toStartupError(options, cause);
  }
}

function toStartupError({ host, port, sharesPort }: LastingServerOptions, cause: unknown): unknown {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new StartupError("address_in_use", [
      `Cannot listen on ${host}:${port}: ` +
      (sharesPort === true
        ? "what uses this port does not share it; all that share one need REUSE_PORT=on and the same user"
        : "another program uses this port; set PORT or stop that program"),
    ], { cause });
  }
  if (cause instanceof Deno.errors.AddrNotAvailable || cause instanceof Deno.errors.PermissionDenied) {
    return new StartupError("address_not_available", [
      `Cannot listen on ${host}:${port}: this machine does not allow it; check HOST and PORT`,
    ], { cause });
  }
  return cause;
}
