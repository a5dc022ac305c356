/**
 * How a connector reaches the etcd cluster that says where events go: the same settings as the gateway's.
 *
 * @module
 */

import { authorityOf } from "../io/address.ts";
import { parseEndpoint } from "../config/etcd/wire/endpoint.ts";
import type { Credential, EtcdCredentials } from "../config/etcd/credentials.ts";
import type { EtcdTlsFiles } from "../config/etcd/wire/transport.ts";
import type { ConnectorFile } from "./config_schema.ts";

/** An etcd cluster and who logs in there. */
export interface ConnectorEtcd {
  /** At least one; all `http`, or all `https`. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly credentials: EtcdCredentials | undefined;
  readonly tls: EtcdTlsFiles | undefined;
}

/** Whether etcd mode is chosen. */
export function usesEtcd(file: ConnectorFile): boolean {
  return file.etcd_endpoints !== undefined || file.etcd_host !== undefined;
}

/** What is wrong between keys of etcd mode that are each right. */
export function etcdContradictions(file: ConnectorFile): string[] {
  if (!usesEtcd(file)) return [];
  const problems: string[] = [];
  if (file.etcd_password !== undefined && file.etcd_password_file !== undefined) {
    problems.push("etcd_password and etcd_password_file must not be set together: remove one of them");
  }
  const hasPassword = (file.etcd_password ?? file.etcd_password_file) !== undefined;
  if ((file.etcd_username !== undefined) !== hasPassword) {
    problems.push("etcd_username and etcd_password (or etcd_password_file) must be set together");
  }
  if ((file.etcd_tls_cert === undefined) !== (file.etcd_tls_key === undefined)) {
    problems.push("etcd_tls_cert and etcd_tls_key must be set together");
  }
  return [...problems, ...endpointProblems(file)];
}

/** @param file in which {@linkcode etcdContradictions} finds nothing */
export function connectorEtcd(file: ConnectorFile): ConnectorEtcd {
  const tls = tlsOf(file);
  const scheme = tls === undefined ? "http" : "https";
  return {
    endpoints: endpointsOf(file).map((text) => text.includes("://") ? text : `${scheme}://${text}`),
    prefix: file.etcd_prefix,
    credentials: credentialsOf(file),
    tls,
  };
}

function endpointProblems(file: ConnectorFile): string[] {
  const hasTls = tlsOf(file) !== undefined;
  const schemes = new Set<boolean>();
  for (const text of endpointsOf(file)) {
    try {
      schemes.add(parseEndpoint(text, hasTls).secure);
    } catch (error) {
      return [`etcd_endpoints: ${(error as Error).message}`];
    }
  }
  if (schemes.size > 1) return ["etcd_endpoints must be all http or all https"];
  return hasTls && schemes.has(false)
    ? ["etcd_endpoints must be https while etcd_tls_ca, etcd_tls_cert or etcd_tls_key is set"]
    : [];
}

function endpointsOf({ etcd_endpoints, etcd_host = "", etcd_port }: ConnectorFile): readonly string[] {
  if (etcd_endpoints !== undefined) return etcd_endpoints;
  return [authorityOf(etcd_host.replace(/^\[(.*)\]$/, "$1"), etcd_port)];
}

function credentialsOf(file: ConnectorFile): EtcdCredentials | undefined {
  const { etcd_username: username, etcd_password: text, etcd_password_file: path } = file;
  if (username === undefined) return undefined;
  const password: Credential = path === undefined ? { text: text ?? "" } : { file: path };
  return { username: { text: username }, password };
}

function tlsOf(
  { etcd_tls_ca: ca, etcd_tls_cert: cert, etcd_tls_key: key }: ConnectorFile,
): EtcdTlsFiles | undefined {
  if (ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
}
