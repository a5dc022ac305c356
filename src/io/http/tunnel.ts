/**
 * Ways through proxies to destinations (RFC 9110, section 9.3.6): what is written into one then goes to the destination
 * unread.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { authorityOf } from "../address.ts";
import type { Endpoint, HttpProxy } from "./endpoint.ts";
import { ProxyError, WRONG_LOGIN } from "./proxy.ts";

/** Longest head of a proxy's answer, in bytes. */
const MAX_HEAD = 16 * 1024;

const HEAD_END = "\r\n\r\n";

/**
 * Has a proxy open the way to a destination. The socket is closed when it does not.
 *
 * @param socket connected to the proxy
 * @throws {ProxyError} when the proxy refuses, does not speak HTTP or hangs up
 * @throws whatever the signal's reason is, when it aborts first
 */
export function openTunnel(
  socket: Socket,
  { hostname, port }: Endpoint,
  proxy: HttpProxy,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let head = "";
    const end = (error?: unknown) => {
      signal.removeEventListener("abort", onAbort);
      socket.off("data", onData).off("error", onError).off("close", onClose);
      if (error === undefined) return resolve();
      socket.on("error", () => {}); // It is closed already.
      socket.destroy();
      reject(error);
    };
    const onAbort = () => end(signal.reason);
    const onError = (cause: Error) => end(new ProxyError(proxy, "broke the connection off", { cause }));
    const onClose = () => end(new ProxyError(proxy, "closed the connection"));
    const onData = (piece: Buffer) => {
      head += piece.toString("latin1");
      const length = head.indexOf(HEAD_END) + HEAD_END.length;
      if (length >= HEAD_END.length) {
        const problem = head.length > length ? "sends what was not asked for" : refusalIn(head);
        end(problem === undefined ? undefined : new ProxyError(proxy, problem));
      } else if (head.length > MAX_HEAD) end(new ProxyError(proxy, "did not answer in HTTP"));
    };
    signal.addEventListener("abort", onAbort);
    socket.on("data", onData).on("error", onError).on("close", onClose);
    socket.write(requestFor(authorityOf(hostname, port), proxy.authorization));
  });
}

function requestFor(authority: string, authorization: string | undefined): string {
  const login = authorization === undefined ? "" : `proxy-authorization: ${authorization}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${login}\r\n`;
}

/** Why the proxy opens no way; `undefined` when it does. */
function refusalIn(head: string): string | undefined {
  const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head) ?? [];
  if (status === undefined) return "did not answer in HTTP";
  if (status.startsWith("2")) return undefined;
  return status === "407" ? WRONG_LOGIN : `answered ${status}`;
}
