/**
 * Asks the gateway on this machine, for its health and for what commands want of it, and knows its address.
 *
 * @module
 */

import { authorityOf } from "../io/address.ts";
import { exchange, type ExchangeOptions } from "../io/http_exchange.ts";
import type { Settings } from "../settings/settings.ts";
import { print, printError } from "./terminal.ts";

const TIMEOUT_MS = 3_000;

/**
 * Asks the gateway on this machine whether it is ready, for container health checks without a shell.
 * Returns the exit status: 0 when it is.
 */
export async function healthcheck(settings: Settings): Promise<number> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { status, body } = await askLocalGateway(settings, "GET", "/readyz", {}, signal);
    print(body.trim());
    return status === 200 ? 0 : 1;
  } catch (error) {
    printError(
      `Cannot reach ${localUrl(settings)}/readyz: ${error instanceof Error ? error.message : String(error)}`,
    );
    return 1;
  }
}

/** Longest answer that is read, in bytes: a page of dead letters with their bodies. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

/** Its settings, as far as they say where it listens. */
export type LocalSettings = Pick<Settings, "host" | "port" | "instancePort" | "tls">;

/** A whole answer. */
export interface LocalAnswer {
  readonly status: number;
  readonly body: string;
}

/** Where the gateway on this machine listens, for those who want to connect to it. */
export function localUrl(settings: LocalSettings): string {
  const { host, tls } = settings;
  return `${tls === undefined ? "http" : "https"}://${authorityOf(localHost(host), localPort(settings))}`;
}

/**
 * Asks the gateway on this machine. Its certificate names the host that senders know, and not this machine: it is not
 * checked, since what listens here is trusted by its address.
 *
 * @param path with the query
 * @throws {NoAnswerError} when there is no whole answer
 */
export async function askLocalGateway(
  settings: LocalSettings,
  method: "GET" | "POST",
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  sent?: string,
): Promise<LocalAnswer> {
  const options = { ...localAddress(settings), method, path, headers };
  const { status, body } = await exchange(options, sent, MAX_ANSWER_BYTES, signal);
  return { status, body: new TextDecoder().decode(body) };
}

/** How the gateway on this machine is connected to, over a connection of its own. */
export function localAddress(
  settings: LocalSettings,
): Pick<ExchangeOptions, "protocol" | "host" | "port" | "agent" | "rejectUnauthorized"> {
  return {
    protocol: settings.tls === undefined ? "http:" : "https:",
    host: localHost(settings.host),
    port: localPort(settings),
    agent: false,
    rejectUnauthorized: false,
  };
}

/** The port at which no other gateway answers, where that is known. */
function localPort({ port, instancePort }: LocalSettings): number {
  return instancePort ?? port;
}

/** An address to connect to for an address that is listened on. */
function localHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
