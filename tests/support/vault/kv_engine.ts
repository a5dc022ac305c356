/** The KV secrets engine as Vault and OpenBao answer for it. */

/** An answer: a status, and a JSON object or its text. */
export interface EngineAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly text?: string;
}

const NOT_THERE: EngineAnswer = { status: 404, body: { errors: [] } };

interface Version {
  data: unknown;
  deletedAt: string;
  destroyed: boolean;
}

/** One mount. */
export class KvEngine {
  /** JSON texts: version 1 keeps the spelling of numbers, version 2 does not. */
  readonly #plain = new Map<string, string>();
  readonly #versioned = new Map<string, Version[]>();

  constructor(readonly version: 1 | 2) {}

  /** @param path below the mount */
  handle(method: string, path: string, text: string): EngineAnswer {
    if (this.version === 1) return this.#handle1(method, path, text);
    const [, kind = "", secret = ""] = /^(data|metadata|destroy)\/(.+)$/.exec(path) ?? [];
    if (kind === "") return invalidPath();
    if (path.endsWith("/")) {
      return { status: 500, body: { errors: ["1 error occurred:\n\t* internal error\n\n"] } };
    }
    return this.#handle2(method, kind, secret, text === "" ? {} : JSON.parse(text));
  }

  #handle1(method: string, path: string, text: string): EngineAnswer {
    if (method === "POST") {
      this.#plain.set(path, text);
      return { status: 204 };
    }
    if (method === "DELETE") {
      this.#plain.delete(path);
      return { status: 204 };
    }
    const secret = this.#plain.get(path);
    if (secret === undefined) return NOT_THERE;
    return { status: 200, text: `{"lease_duration":2764800,"renewable":false,"data":${secret}}` };
  }

  #handle2(method: string, kind: string, path: string, body: Record<string, unknown>): EngineAnswer {
    const versions = this.#versioned.get(path) ?? [];
    const latest = versions.at(-1);
    if (kind === "metadata" && method === "DELETE") {
      this.#versioned.delete(path);
      return { status: 204 };
    }
    if (kind === "destroy") {
      for (const number of body["versions"] as number[]) {
        Object.assign(versions[number - 1]!, { data: null, destroyed: true });
      }
      return { status: 204 };
    }
    if (method === "POST") {
      versions.push({ data: body["data"], deletedAt: "", destroyed: false });
      this.#versioned.set(path, versions);
      return { status: 200, body: { data: { version: versions.length } } };
    }
    if (latest === undefined) return NOT_THERE;
    if (method === "DELETE") {
      latest.deletedAt = "2026-11-30T03:00:00Z";
      return { status: 204 };
    }
    const isThere = latest.deletedAt === "" && !latest.destroyed;
    const metadata = {
      created_time: "2026-11-30T02:00:00Z",
      custom_metadata: null,
      deletion_time: latest.deletedAt,
      destroyed: latest.destroyed,
      version: versions.length,
    };
    return {
      status: isThere ? 200 : 404,
      body: { lease_duration: 0, renewable: false, data: { data: isThere ? latest.data : null, metadata } },
    };
  }
}

/** What version 2 says to a request in the form of version 1. */
function invalidPath(): EngineAnswer {
  const warning =
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints " +
    "to use. If using the CLI, use 'kv get' for this operation.";
  return { status: 404, body: { lease_duration: 0, data: null, warnings: [warning] } };
}
