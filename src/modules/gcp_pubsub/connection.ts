/**
 * Connections of type `gcp_pubsub`: what may be configured about them.
 *
 * @module
 */

import { z } from "zod";
import {
  type HttpAddress,
  type HttpAddressFault,
  parseHttpBase,
  parseServer,
} from "../../schema/addresses.ts";
import { SYSTEM_TLS, tlsSchema, type TlsSettings } from "../../schema/connection_fields.ts";
import { reportAt } from "../../schema/fields.ts";
import { readServiceAccount, type ServiceAccount } from "./credentials.ts";

/** How to reach Pub/Sub, and as whom. */
export interface PubsubConnection {
  /** `undefined`: that of the credentials. */
  readonly projectId: string | undefined;
  readonly account: ServiceAccount | undefined;
  /** The file of the account's key, which is read again when it changes. */
  readonly credentialsPath: string | undefined;
  /** `undefined`: Google's. */
  readonly endpoint: HttpAddress | undefined;
  /** `host:port` of an emulator, which is asked over HTTP and wants no token. */
  readonly emulator: string | undefined;
  /** `host` or `host:port` of the server that has tokens for what runs at Google. */
  readonly metadataHost: string;
  readonly tls: TlsSettings;
}

const DEFAULT_METADATA_HOST = "metadata.google.internal";
const DEFAULT_EMULATOR_PORT = 8085;

/** 6 to 30 characters; older projects have a domain before a colon. */
const PROJECT = /^(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

/** The id of a project. */
export const projectField: z.ZodString = z.string().regex(PROJECT, {
  error: "Not the id of a project: 6 to 30 lower-case letters, digits and -, first a letter",
});

/** Whether a text is the address of a server, with a port or without one. */
export function isServer(text: string): boolean {
  return parseServer(text, DEFAULT_EMULATOR_PORT) !== undefined;
}

/** Files of the original have empty texts, or an empty object, where there is no value. */
const serverField = z.string().refine((text) => text === "" || isServer(text), {
  error: "Not an address such as localhost:8085",
});

const fields = z.strictObject({
  project_id: projectField.optional().meta({ description: "The project. Default: that of the credentials." }),
  credentials: z.union([z.string(), z.record(z.string(), z.unknown())], {
    error: "Not the key of a service account: the object of its file, or its text",
  }).optional().meta({
    description:
      "Key of a service account: the object of its file, or the file's text as `{$file:/run/secrets/pubsub.json}` " +
      "has it, which is read again when it changes.",
  }),
  credentials_path: z.string().optional().meta({
    description: "Path of the key's file, instead of `credentials`. It is read again when it changes.",
  }),
  endpoint: z.string().min(1).optional().meta({
    description:
      "Address of the service, such as `https://europe-west1-pubsub.googleapis.com`: ordering holds within a region. " +
      "Default: `https://pubsub.googleapis.com`.",
  }),
  emulator_host: serverField.optional().meta({
    description:
      "`host:port` of an emulator, which is asked over HTTP without credentials. Default: the variable " +
      "`PUBSUB_EMULATOR_HOST`, where the connection has no `endpoint`.",
  }),
  metadata_host: serverField.optional().meta({
    description:
      "Where tokens are asked for without credentials, as on machines and in clusters of Google. Default: " +
      `\`${DEFAULT_METADATA_HOST}\`.`,
  }),
  tls: tlsSchema.optional().meta({
    description: "TLS of the endpoint: `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
});

type Fields = z.output<typeof fields>;

const URL_PROBLEMS: Readonly<Record<HttpAddressFault | "query", string>> = {
  incomplete: "Not a complete address, such as https://europe-west1-pubsub.googleapis.com",
  scheme: "Only https is spoken here: give an emulator as emulator_host",
  credentials: "Credentials do not belong into the address: use credentials",
  query: "The address cannot have a query or a fragment",
};

/** Strict schema of a connection without its `type`. */
export const pubsubConnectionSchema: z.ZodType<PubsubConnection> = fields.transform((input, issues) => {
  const account = accountOf(input, issues);
  const credentialsPath = input.credentials_path || undefined;
  const emulator = input.emulator_host || undefined;
  if (account !== undefined && credentialsPath !== undefined) {
    reportAt(issues, "credentials_path", "Give credentials or credentials_path, not both");
  }
  if (emulator !== undefined && input.endpoint !== undefined) {
    reportAt(issues, "emulator_host", "Give emulator_host or endpoint, not both");
  }
  const projectId = input.project_id ?? account?.projectId;
  if (projectId === undefined && credentialsPath === undefined && account === undefined) {
    reportAt(issues, "project_id", "Required, where the credentials do not name it");
  }
  return {
    projectId,
    account,
    credentialsPath,
    endpoint: input.endpoint === undefined ? undefined : endpointOf(input.endpoint, issues),
    emulator,
    metadataHost: input.metadata_host || DEFAULT_METADATA_HOST,
    tls: input.tls ?? SYSTEM_TLS,
  };
});

function accountOf({ credentials }: Fields, issues: z.RefinementCtx): ServiceAccount | undefined {
  if (credentials === undefined || credentials === "") return undefined;
  if (typeof credentials === "object" && Object.keys(credentials).length === 0) return undefined;
  const account = readServiceAccount(credentials);
  if (!("problem" in account)) return account;
  reportAt(issues, "credentials", account.problem);
  return undefined;
}

function endpointOf(text: string, issues: z.RefinementCtx): HttpAddress | undefined {
  const address = parseHttpBase(text);
  if (typeof address === "string") {
    reportAt(issues, "endpoint", URL_PROBLEMS[address]);
    return undefined;
  }
  // A token would be read on its way.
  if (address.protocol !== "https:") reportAt(issues, "endpoint", URL_PROBLEMS.scheme);
  if (address.path !== "/") reportAt(issues, "endpoint", "The address cannot have a path");
  return address;
}
