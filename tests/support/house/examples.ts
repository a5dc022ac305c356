/**
 * The configurations of `docker/examples/`: what `cwm new` writes, with secrets that have to be set.
 *
 * @module
 */

import { configurationFor } from "../../../src/cli/new/new.ts";

/** Where they stand. */
export const EXAMPLES_FOLDER = "docker/examples";

/** Each output once, and who may send to it. */
const PAIRS: Readonly<Record<string, string>> = {
  activemq: "standard",
  aws_sqs: "shopify",
  clickhouse: "segment",
  eventbridge: "twilio",
  gcp_pubsub: "github",
  http_webhook: "stripe",
  kafka: "stripe",
  kinesis: "hubspot",
  log: "standard",
  mqtt: "standard",
  mysql: "woocommerce",
  nats: "gitlab",
  postgresql: "shopify",
  rabbitmq: "github",
  redis_publish: "slack",
  redis_rq: "github",
  redis_stream: "zoom",
  s3: "sendgrid",
  save_to_disk: "typeform",
  task_queue: "paddle",
  webhook_connect: "jira",
  websocket: "linear",
  zeromq: "standard",
};

/** One example. */
export interface Example {
  /** `PROVIDER-OUTPUT` */
  readonly name: string;
  readonly provider: string;
  readonly output: string;
  /** Its files: their names and contents. */
  readonly files: Readonly<Record<string, string>>;
  /** The variables that it reads, with values that would do. */
  readonly variables: Readonly<Record<string, string>>;
}

/** All examples, made as `cwm new` makes them. */
export async function examples(): Promise<readonly Example[]> {
  return await Promise.all(
    Object.entries(PAIRS).map(async ([output, provider]) => {
      const { webhooks, connections, signature } = await configurationFor(provider, output);
      const name = `${provider}-${output}`;
      const files: Record<string, string> = { [`${name}.webhooks.json`]: textOf(webhooks) };
      if (Object.keys(connections).length > 0) files[`${name}.connections.json`] = textOf(connections);
      return { name, provider, output, files, variables: variablesIn(files, signature.variables) };
    }),
  );
}

/** Values for all references. @param values those that have to be of a form */
function variablesIn(
  files: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const names = Object.values(files).flatMap((text) =>
    [...text.matchAll(/\{\$([A-Z0-9_]+)\}/g)].map(([, name]) => name!)
  );
  return Object.fromEntries(names.map((name) => [name, values[name] ?? "example-of-a-secret-value"]));
}

/** With references that have no default: whoever starts with an example has to set them. */
function textOf(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replace(/\{\$([A-Z0-9_]+):[^{}]*\}/g, "{$$$1}")}\n`;
}

const BEGIN = "<!-- examples -->";
const END = "<!-- end of examples -->";

/** The page of the examples with its table. */
export function withExamples(page: string, all: readonly Example[]): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const [, after = ""] = rest.split(END);
  return `${before}${BEGIN}\n\n${tableOf(all)}\n\n${END}${after}`;
}

/** In the form that `deno fmt` gives it. */
function tableOf(all: readonly Example[]): string {
  const rows = [
    ["from", "to", "files", "variables"],
    ...all.map(({ provider, output, name, files, variables }) => [
      `\`${provider}\``,
      `\`${output}\``,
      Object.keys(files).map((file) => `[${file.slice(name.length + 1)}](${file})`).join(" "),
      Object.keys(variables).map((variable) => `\`${variable}\``).join(" "),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(" | ")} |`;
  const [head = [], ...others] = rows;
  return [line(head), line(["", "", "", ""], "-"), ...others.map((row) => line(row))].join("\n");
}
