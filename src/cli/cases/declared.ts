/**
 * What a file of cases says in the place of secrets' sources and of servers that verifiers ask.
 *
 * @module
 */

import { AuthServers, nameOf, type Question } from "../../auth/servers/auth_servers.ts";
import { ServerUnavailableError } from "../../auth/servers/unavailable.ts";
import { SecretLookup } from "../../config/secrets/lookup.ts";
import type { WholeAnswer } from "../../io/http_exchange.ts";
import { logger } from "../../observability/logging.ts";
import { SecretCache } from "../../secrets/secret_cache.ts";
import type { SecretAnswer } from "../../secrets/source.ts";
import type { Settings } from "../../settings/settings.ts";
import type { CaseFile } from "./case_file.ts";
import { canonicalText } from "./exact_json.ts";

/** Nothing that a file declares changes: no secret is read again while a case lasts. */
const NEVER_MS = 24 * 60 * 60 * 1000;

const MAX_PATHS = 10_000;

/** Looks secrets up in a file of cases, by the rules of the settings. What is not there does not exist. */
export function declaredSecrets({ secrets }: CaseFile, settings: Settings): SecretLookup {
  return new SecretLookup({
    caches: { file: cacheOf("file", secrets), vault: cacheOf("vault", secrets) },
    vaultPaths: settings.secrets.vaultPaths,
  });
}

function cacheOf(source: "file" | "vault", secrets: CaseFile["secrets"]): SecretCache {
  const fieldsOf = (path: string) =>
    Object.entries(secrets).flatMap(([name, text]): [string, string][] => {
      const [of = "", field = ""] = name.split("#");
      return of === `${source}:${path}` ? [[field, text]] : [];
    });
  return new SecretCache({
    source: {
      read(path): Promise<SecretAnswer> {
        const fields = fieldsOf(path);
        const reason = "The file of cases does not declare it in 'secrets'";
        return Promise.resolve(
          fields.length === 0 ? { state: "absent", reason } : { state: "found", fields: new Map(fields) },
        );
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    refreshMs: NEVER_MS,
    maxPaths: MAX_PATHS,
    maxPathsAdvice: "declare fewer",
    logger: logger("config"),
  });
}

/** Servers whose answers a file of cases declares. Others cannot be asked. */
export class DeclaredServers extends AuthServers {
  readonly #answers: CaseFile["servers"];

  constructor({ servers }: CaseFile) {
    super({ resolve: () => Promise.reject(new TypeError("Cannot look up names: there is no network")) });
    this.#answers = servers;
  }

  override ask({ destination }: Question): Promise<WholeAnswer> {
    const { protocol, path } = destination;
    const url = new URL(path, `${protocol}//${nameOf(destination)}`).href;
    const answer = Object.entries(this.#answers).find(([declared]) => new URL(declared).href === url)?.[1];
    if (answer === undefined) {
      const message = `The server ${
        nameOf(destination)
      } is not asked: 'servers' of the file declares no answer`;
      return Promise.reject(new ServerUnavailableError(message));
    }
    const body = new TextEncoder().encode(canonicalText(answer.json ?? null));
    return Promise.resolve({ status: answer.status, headers: { "content-type": "application/json" }, body });
  }
}
