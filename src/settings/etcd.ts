/**
 * The environment variables of the etcd backend, and the settings that they become.
 *
 * @module
 */

import { authorityOf } from "../io/address.ts";
import { MAX_PORT } from "../schema/addresses.ts";
import { type Endpoint, endpoint, host, integer, list, matching, secret, secretPath, text } from "./types.ts";
import { ifSet, optional, type ValuesOf, variable } from "./variable.ts";

/** A name or a password: the text itself, or the file that holds it. */
type Credential = { readonly text: string } | { readonly file: string };

/** How to reach the etcd cluster, and what to read there. */
export interface EtcdSettings {
  /** At least one; all `http://host:port`, or all `https://host:port`. */
  readonly endpoints: readonly string[];
  /** Begins and ends with a slash. */
  readonly prefix: string;
  /** Who logs in; what stands in a file is read at each login. */
  readonly credentials?: { readonly username: Credential; readonly password: Credential };
  /** Only where a file is given: `https` endpoints without it are verified with the system's authorities. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

const ETCD_PREFIX = /^\/([^/\s]+\/)*$/;

/** Where etcd is. */
export const ETCD_SERVER_VARIABLES = {
  ETCD_HOST: variable(
    host("; `ETCD_ENDPOINTS` takes URLs and several members"),
    "localhost",
    "Host name or address of the etcd server.",
  ),
  ETCD_PORT: variable(integer(1, MAX_PORT), 2379, "Port of the etcd server."),
  ETCD_ENDPOINTS: optional(
    list(endpoint()),
    "The members of the etcd cluster; used instead of `ETCD_HOST` and `ETCD_PORT`. IPv6 addresses in brackets.",
    "(`ETCD_HOST`:`ETCD_PORT`)",
  ),
  ETCD_PREFIX: variable(
    matching("text", (value) => ETCD_PREFIX.test(value), "begin and end with '/', for example /cwm/"),
    "/cwm/",
    "What all keys in etcd begin with.",
  ),
} as const;

/** How to log in to it. */
export const ETCD_LOGIN_VARIABLES = {
  ETCD_USERNAME: optional(text("text"), "User name for etcd."),
  ETCD_PASSWORD: optional(secret(() => true, "be a text"), "Password for etcd."),
  ETCD_USERNAME_FILE: optional(secretPath(), "File with the user name, instead; read at each login."),
  ETCD_PASSWORD_FILE: optional(
    secretPath(),
    "File with the password, instead; read at each login, so that it changes without a restart.",
  ),
  ETCD_TLS_CA: optional(
    text("path"),
    "Certificate authorities (PEM) that etcd's certificate is verified with.",
  ),
  ETCD_TLS_CERT: optional(secretPath(), "Client certificate (PEM) for etcd."),
  ETCD_TLS_KEY: optional(secretPath(), "Key (PEM) of the client certificate."),
} as const;

/** Who an operator is that changes the configuration. The gateway never logs in so. */
export const ETCD_OPERATOR_VARIABLES = {
  ETCD_OPERATOR_USERNAME: optional(
    text("text"),
    "Your own user of etcd for `cwm put`, `get`, `diff`, `history` and `rollback`, which never use the gateway's.",
  ),
  ETCD_OPERATOR_PASSWORD: optional(secret(() => true, "be a text"), "Its password."),
  ETCD_OPERATOR_PASSWORD_FILE: optional(secretPath(), "File with its password, instead."),
  ETCD_OPERATOR_TLS_CERT: optional(secretPath(), "Your own client certificate (PEM) for these commands."),
  ETCD_OPERATOR_TLS_KEY: optional(secretPath(), "Key (PEM) of your own client certificate."),
} as const;

type Values = ValuesOf<
  typeof ETCD_SERVER_VARIABLES & typeof ETCD_LOGIN_VARIABLES & typeof ETCD_OPERATOR_VARIABLES
>;

/** What is wrong between variables that are each right. */
export function etcdContradictions(values: Values): string[] {
  return [
    ...credentialContradictions(values),
    ...bothOrNone(values, "ETCD_TLS_CERT", "ETCD_TLS_KEY"),
    ...bothOrNone(values, "ETCD_OPERATOR_TLS_CERT", "ETCD_OPERATOR_TLS_KEY"),
    ...operatorContradictions(values),
    ...endpointContradictions(values),
  ];
}

/** The settings. */
export function etcdSettings(values: Values): EtcdSettings {
  const tls = tlsOf(values);
  return {
    endpoints: endpointsOf(values).map((endpoint) => `${schemeOf(endpoint, values)}://${endpoint.authority}`),
    prefix: values.ETCD_PREFIX,
    ...ifSet("credentials", credentialsOf(values)),
    ...ifSet("tls", tls),
  };
}

/** The same cluster for an operator: nothing of what the gateway logs in with. */
export function etcdOperatorSettings(values: Values): EtcdSettings {
  const { endpoints, prefix } = etcdSettings(values);
  const { ETCD_OPERATOR_TLS_CERT: ETCD_TLS_CERT, ETCD_OPERATOR_TLS_KEY: ETCD_TLS_KEY } = values;
  const username = credential(values.ETCD_OPERATOR_USERNAME, undefined);
  const password = credential(values.ETCD_OPERATOR_PASSWORD, values.ETCD_OPERATOR_PASSWORD_FILE);
  return {
    endpoints,
    prefix,
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
    ...ifSet("tls", tlsOf({ ...values, ETCD_TLS_CERT, ETCD_TLS_KEY })),
  };
}

function credentialsOf(values: Values): EtcdSettings["credentials"] {
  const username = credential(values.ETCD_USERNAME, values.ETCD_USERNAME_FILE);
  const password = credential(values.ETCD_PASSWORD, values.ETCD_PASSWORD_FILE);
  return username === undefined || password === undefined ? undefined : { username, password };
}

function credential(text: string | undefined, file: string | undefined): Credential | undefined {
  if (text !== undefined) return { text };
  return file === undefined ? undefined : { file };
}

function endpointsOf(values: Values): readonly Endpoint[] {
  const single = { scheme: undefined, authority: authorityOf(values.ETCD_HOST, values.ETCD_PORT) };
  return values.ETCD_ENDPOINTS ?? [single];
}

function schemeOf(endpoint: Endpoint, values: Values): "http" | "https" {
  return endpoint.scheme ?? (tlsOf(values) === undefined ? "http" : "https");
}

function tlsOf(values: Values): EtcdSettings["tls"] {
  const { ETCD_TLS_CA: caFile, ETCD_TLS_CERT: certFile, ETCD_TLS_KEY: keyFile } = values;
  if (caFile === undefined && certFile === undefined && keyFile === undefined) return undefined;
  return { ...ifSet("caFile", caFile), ...ifSet("certFile", certFile), ...ifSet("keyFile", keyFile) };
}

function endpointContradictions(values: Values): string[] {
  const schemes = new Set(endpointsOf(values).map((endpoint) => schemeOf(endpoint, values)));
  if (schemes.size > 1) return ["ETCD_ENDPOINTS must be all http or all https"];
  if (schemes.has("http") && tlsOf(values) !== undefined) {
    return ["ETCD_ENDPOINTS must be https while ETCD_TLS_CA, ETCD_TLS_CERT or ETCD_TLS_KEY is set"];
  }
  return [];
}

function operatorContradictions(values: Values): string[] {
  const { ETCD_OPERATOR_USERNAME: name, ETCD_OPERATOR_PASSWORD: password } = values;
  const file = values.ETCD_OPERATOR_PASSWORD_FILE;
  if (password !== undefined && file !== undefined) {
    return [
      "ETCD_OPERATOR_PASSWORD and ETCD_OPERATOR_PASSWORD_FILE must not be set together: remove one of them",
    ];
  }
  if ((name === undefined) === (password === undefined && file === undefined)) return [];
  return ["ETCD_OPERATOR_USERNAME and ETCD_OPERATOR_PASSWORD must be set together"];
}

function credentialContradictions(values: Values): string[] {
  const twice = (["ETCD_USERNAME", "ETCD_PASSWORD"] as const).filter((name) =>
    values[name] !== undefined && values[`${name}_FILE`] !== undefined
  ).map((name) => `${name} and ${name}_FILE must not be set together: remove one of them`);
  const hasName = (values.ETCD_USERNAME ?? values.ETCD_USERNAME_FILE) !== undefined;
  const hasPassword = (values.ETCD_PASSWORD ?? values.ETCD_PASSWORD_FILE) !== undefined;
  if (hasName === hasPassword) return twice;
  const missing = hasName ? "ETCD_PASSWORD" : "ETCD_USERNAME";
  return [
    ...twice,
    `ETCD_USERNAME and ETCD_PASSWORD must be set together: ${missing} is not set, nor is ${missing}_FILE`,
  ];
}

function bothOrNone(values: Values, first: keyof Values, second: keyof Values): string[] {
  const missing = [first, second].filter((name) => values[name] === undefined);
  return missing.length === 1
    ? [`${first} and ${second} must be set together: ${missing[0]} is not set`]
    : [];
}

/**
 * Kubernetes sets `ETCD_PORT=tcp://10.0.0.1:2379` in every container beside a service named `etcd`. Nobody
 * asked for that value, so it does not stop the start.
 */
export function withoutServiceLink(
  env: Readonly<Record<string, string | undefined>>,
  warnings: string[],
): Readonly<Record<string, string | undefined>> {
  if (!/^tcp:\/\/[^/]+:\d+$/.test(env["ETCD_PORT"]?.trim() ?? "")) return env;
  warnings.push(
    "ETCD_PORT is ignored: Kubernetes set it for a service named etcd; " +
      "set it in the pod, or set enableServiceLinks to false",
  );
  return { ...env, ETCD_PORT: undefined };
}
