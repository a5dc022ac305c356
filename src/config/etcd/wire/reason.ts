/**
 * Why a member of etcd cannot be used, in words for the person who configures it. What gRPC says of a failed connection
 * is text alone; a connection of our own says it by a code.
 *
 * @module
 */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import { status } from "@grpc/grpc-js";
import { readPemFiles } from "../../../io/tls.ts";
import type { EtcdCredentials } from "../credentials.ts";
import { EtcdCallError, EtcdConnection } from "./connection.ts";
import { type EtcdEndpoint, parseEndpoint } from "./endpoint.ts";
import type { EtcdTlsFiles } from "./transport.ts";

/** How long a member may take to answer, and then to say why it does not, in milliseconds. */
const TIMES = { answerMs: 1_200, dialMs: 500 } as const;

/** Which etcd, and as whom. */
export interface EtcdReach {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly credentials?: EtcdCredentials;
  readonly tls?: EtcdTlsFiles;
}

/**
 * Asks all members for the prefix. Takes less than two seconds.
 *
 * @returns one line for each member where none can be used; `undefined` as soon as one can
 */
export async function whyUnreachable(reach: EtcdReach): Promise<readonly string[] | undefined> {
  const endpoints = reach.endpoints.map((text) => parseEndpoint(text, reach.tls !== undefined));
  const asked = endpoints.map(async (endpoint) => {
    const reason = await reasonOf(endpoint, reach);
    // The first one that can be used is enough.
    if (reason === undefined) throw USABLE;
    return `etcd at ${endpoint.name}: ${reason}`;
  });
  try {
    return await Promise.all(asked);
  } catch (error) {
    await Promise.allSettled(asked);
    if (error === USABLE) return undefined;
    throw error;
  }
}

const USABLE = new Error("This member can be used");

async function reasonOf(endpoint: EtcdEndpoint, reach: EtcdReach): Promise<string | undefined> {
  try {
    const opened = await EtcdConnection.open(endpoint, {
      ...reach,
      keepAlive: { intervalMs: 5_000, timeoutMs: 1_000 },
      connectTimeoutMs: TIMES.answerMs,
      callTimeoutMs: TIMES.answerMs,
      probeKey: new TextEncoder().encode(reach.prefix),
    }, new AbortController().signal);
    await opened[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    if (!(error instanceof EtcdCallError)) throw error;
    if (error.failure === "denied") return describeDenial(error, reach);
    if (error.failure === "unreachable" || error.failure === "timeout") {
      return await describeDial(endpoint, reach.tls) ?? describeSilence(error, endpoint);
    }
    return error.message;
  }
}

function describeDenial(error: EtcdCallError, { credentials, prefix }: EtcdReach): string {
  // A file with the name or the password that cannot be read has no cause of gRPC.
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  if (typeof code !== "number") return error.message;
  if (code === status.PERMISSION_DENIED) {
    return `permission denied: the role of this user may not read ${prefix}`;
  }
  if (credentials === undefined) return "it asks for a user: set ETCD_USERNAME and ETCD_PASSWORD";
  // etcd does not say which of the two, so that nobody can find out names.
  return "there is no such user, or the password is wrong: see ETCD_USERNAME and ETCD_PASSWORD";
}

function describeSilence({ failure }: EtcdCallError, { secure }: EtcdEndpoint): string {
  if (failure === "timeout") {
    return `no answer within ${TIMES.answerMs} ms: it is frozen, has no leader, or something swallows connections`;
  }
  return secure
    ? "it accepts connections, and then does not speak as etcd does"
    : "it accepts connections, and does not speak gRPC without TLS: write https:// if it wants TLS";
}

/** What is in the way of a connection, by the code of the failure; `undefined` where one comes about. */
async function describeDial(
  { host, port, secure }: EtcdEndpoint,
  tls: EtcdTlsFiles | undefined,
): Promise<string | undefined> {
  const { caFile: ca, certFile: cert, keyFile: key } = tls ?? {};
  const context = secure ? createSecureContext({ ...await readPemFiles({ ca, cert, key }, {}) }) : undefined;
  const code = await new Promise<string | undefined>((resolve) => {
    let socket: Socket;
    const late = setTimeout(() => resolve(undefined), TIMES.dialMs);
    const end = (reason: string | undefined) => {
      clearTimeout(late);
      socket.destroy();
      resolve(reason);
    };
    if (context === undefined) socket = connectTcp({ host, port }, () => end(undefined));
    else {
      const servername = isIP(host) === 0 ? { servername: host } : {};
      const options = { host, port, ...servername, secureContext: context, ALPNProtocols: ["h2"] };
      // A certificate of the client is asked for after the server's was taken: what refuses it comes later.
      socket = connectTls(options, () => void socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
      socket.on("data", () => end(undefined));
    }
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "UNKNOWN"));
    late.unref();
    socket.once("close", () => end(undefined));
  });
  return code === undefined ? undefined : describeCode(code, cert !== undefined);
}

const UNKNOWN_AUTHORITY = "the authority that issued its certificate is not known: see ETCD_TLS_CA";

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused: nothing listens there",
  ENOTFOUND: "the name is not found",
  EAI_AGAIN: "the name cannot be looked up at the moment",
  EHOSTUNREACH: "there is no way to this address",
  ENETUNREACH: "there is no way to this address",
  ETIMEDOUT: "no answer: something swallows connections",
  ECONNRESET: "it closes the connection before TLS is agreed on: write http:// if it has no TLS",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name or address",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
};

/** Alerts of TLS that come once the server's certificate was taken are about the client's. */
const ALERT = /^ERR_SSL_.*ALERT/;

function describeCode(code: string, hasCertificate: boolean): string {
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (!ALERT.test(code)) return `no connection comes about (${code})`;
  return hasCertificate
    ? `it does not accept the client certificate of ETCD_TLS_CERT (${code})`
    : `it wants a client certificate: set ETCD_TLS_CERT and ETCD_TLS_KEY (${code})`;
}
