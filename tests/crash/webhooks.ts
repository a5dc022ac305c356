/** How the crash test's webhooks are told apart, and what is expected of each. */

const RETRY = { max_attempts: 1000, initial_delay: 0.05, max_delay: 0.5 };

/** Events that may wait in a webhook, so that a slow receiver is felt as back-pressure. */
const LIMITS = { queue: 3000 };

/** Webhooks whose events must arrive in order. */
export const ORDERED: readonly string[] = ["batches-0", "batches-1", "batches-2", "singles-0", "singles-1"];

/** The webhook whose requests carry a key, and are repeated until there is an answer. */
export const REPEATED = "repeated";

/** The webhook whose sender waits for the delivery. */
export const WAITING = "waiting";

/** The webhook with two outputs, one after the other. */
export const CHAINED = "chained";

/** The steps of {@linkcode CHAINED}, in their order. */
export const CHAIN_STEPS = ["/first", "/second"] as const;

/**
 * `webhooks.json`.
 *
 * @param url of the receiver
 * @param life says to the receiver which life of which gateway it is. @default it is not said
 */
export function webhooksFor(url: string, life?: number): Readonly<Record<string, unknown>> {
  const said = life === undefined ? "" : `?life=${life}`;
  const http = (path: string) => ({ url: `${url}${path}${said}`, allowed_hosts: ["127.0.0.1"] });
  const toOne = { module: "http_webhook", "module-config": http("/one"), retry: RETRY, limits: LIMITS };
  const ordered = (module: string) => ({
    module,
    "module-config": { url: `${url}/batch${said}` },
    retry: RETRY,
    limits: LIMITS,
  });
  return {
    plain: toOne,
    [REPEATED]: { ...toOne, idempotency: { header: "x-key" } },
    [WAITING]: { ...toOne, accept: "delivered" },
    [CHAINED]: {
      chain: CHAIN_STEPS.map((path) => ({ module: "http_webhook", "module-config": http(path) })),
      retry: RETRY,
      limits: LIMITS,
    },
    ...Object.fromEntries(
      ORDERED.map((id) => [id, ordered(id.startsWith("batches") ? "ordered_batches" : "ordered_singles")]),
    ),
  };
}
