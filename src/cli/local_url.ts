import { authorityOf } from "../io/address.ts";
import type { Settings } from "../settings/settings.ts";

/** Where the gateway on this machine listens, for those who want to connect to it. */
export function localUrl({ host, port }: Pick<Settings, "host" | "port">): string {
  return `http://${authorityOf(localHost(host), port)}`;
}

/** An address to connect to for an address that is listened on. */
function localHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
