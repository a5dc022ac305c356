/**
 * The URL of a PostgreSQL server, as libpq reads it: several hosts, and its parameters of TLS.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @module
 */

import { MAX_PORT, type ServerAddress } from "../../schema/addresses.ts";
import { host, type Parsed, type SettingType } from "../types.ts";
import { ifSet } from "../variable.ts";

/** How to reach the PostgreSQL server of the journal. Holds a password. */
export interface PostgresSettings {
  /** At least one; tried in turn until one is the primary. */
  readonly hosts: readonly ServerAddress[];
  readonly database: string;
  readonly user: string;
  /** The text itself, or the file that holds it, which is read at each connection; left out: there is none. */
  readonly password?: { readonly text: string } | { readonly file: string };
  /** Left out: what is sent is not encrypted. */
  readonly tls?: PostgresTls;
}

/** How the connection is encrypted. */
export interface PostgresTls {
  /** What of the server's certificate is verified: nothing, who signed it, or also the name in it. */
  readonly verifies: "nothing" | "authority" | "name";
  /** Authorities in PEM; left out: those of the system. */
  readonly caFile?: string;
  /** The gateway's own certificate in PEM. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

const DEFAULT_PORT = 5432;

const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:([^:@/?#\s]*)(?::([^@/?#\s]*))?@)?([^@/?#\s]+)\/([^/?#\s]+)(?:\?([^#\s]*))?$/;
const RULE = "be postgres://user@host:port,host:port/database";
const PARAMETERS = ["sslmode", "sslrootcert", "sslcert", "sslkey"] as const;

/** The URL of a server; no problem ever quotes it. */
export function postgresUrl(): SettingType<PostgresSettings> {
  return {
    label: "secret",
    isSecret: true,
    parse: (value) => {
      const match = URL_FORM.exec(value);
      if (match === null) return wrong(RULE);
      try {
        const [user, password, database] = [match[1], match[2], match[4]].map((part) =>
          part === undefined ? undefined : decodeURIComponent(part)
        );
        return serverOf({ user, password, database, hosts: match[3] ?? "", query: match[5] ?? "" });
      } catch (error) {
        if (error instanceof URIError) return wrong(`${RULE}, with %25 for a percent sign`);
        throw error;
      }
    },
  };
}

interface UrlParts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly hosts: string;
  readonly query: string;
}

function serverOf({ user, password, database, hosts: text, query }: UrlParts): Parsed<PostgresSettings> {
  if (user === undefined || user === "") return wrong("name the user: postgres://user@host/database");
  const hosts: ServerAddress[] = [];
  for (const part of text.split(",")) {
    const host = hostOf(part);
    if (host === undefined) return wrong(`${RULE}, each host a name or an address`);
    hosts.push(host);
  }
  const tls = tlsOf(new URLSearchParams(query));
  if ("problems" in tls) return tls;
  return {
    value: {
      hosts,
      database: database ?? user,
      user,
      ...(password === undefined || password === "" ? {} : { password: { text: password } }),
      ...ifSet("tls", tls.value),
    },
  };
}

function hostOf(part: string): ServerAddress | undefined {
  const [, name = "", digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(part) ?? [];
  const parsed = host().parse(name);
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (name === "" || "problems" in parsed || port < 1 || port > MAX_PORT) return undefined;
  return { host: parsed.value, port };
}

/** As libpq: `require` verifies who signed the certificate where it is said who may. */
function tlsOf(query: URLSearchParams): Parsed<PostgresTls | undefined> {
  for (const name of query.keys()) {
    if (!PARAMETERS.some((known) => known === name)) {
      return wrong(`have no other parameters than ${PARAMETERS.join(", ")}`);
    }
  }
  const [mode, ca, certFile, keyFile] = PARAMETERS.map((name) => query.get(name) || undefined);
  if ((certFile === undefined) !== (keyFile === undefined)) return wrong("have sslcert and sslkey together");
  const caFile = ca === "system" ? undefined : ca;
  const files = { ...ifSet("caFile", caFile), ...ifSet("certFile", certFile), ...ifSet("keyFile", keyFile) };
  switch (mode) {
    case undefined:
    case "disable":
      if (ca === undefined && certFile === undefined) return { value: undefined };
      return wrong("have sslmode=verify-full where it has sslrootcert or sslcert");
    case "require":
      return { value: { verifies: ca === undefined ? "nothing" : "authority", ...files } };
    case "verify-ca":
      return { value: { verifies: "authority", ...files } };
    case "verify-full":
      return { value: { verifies: "name", ...files } };
    default:
      return wrong("have sslmode=verify-full, verify-ca, require or disable");
  }
}

function wrong(rule: string): { readonly problems: readonly string[] } {
  return { problems: [`must ${rule}: its value is not shown`] };
}
