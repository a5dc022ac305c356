import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TestGateway } from "../support/gateway.ts";
import { REPOSITORY } from "../support/repository.ts";
import { readTypeScript } from "../support/house/source_files.ts";
import { findProgram } from "../support/process/test_servers.ts";

const REFERENCE = join(REPOSITORY, "src/observability/METRICS.md");
const ALERTS = join(REPOSITORY, "docker/prometheus/alerts.yaml");

/** Names of metrics that could be those of something else in the source. */
const SHORT_NAMES: readonly string[] = [];

interface Documented {
  readonly type: string;
  readonly labels: readonly string[];
  readonly alerts: readonly string[];
}

/** The rows of the reference, by the metric's name. */
async function documentedMetrics(): Promise<Map<string, Documented>> {
  const rows = (await Deno.readTextFile(REFERENCE)).matchAll(
    /^\| `(\w+)`\s*\| (\w+)\s*\|([\w, ]*)\|[^|\n]+\|([\w, ]*)\|$/gm,
  );
  const list = (text = "") => text.split(",").map((each) => each.trim()).filter((each) => each !== "");
  return new Map(
    Array.from(rows, ([, name = "", type = "", labels, alerts]) => [
      name,
      { type, labels: list(labels), alerts: list(alerts) },
    ]),
  );
}

async function promtool(
  args: readonly string[],
  input?: string,
): Promise<{ status: number; output: string }> {
  const command = new Deno.Command(await findProgram("promtool") ?? "promtool", {
    args: [...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  await using undo = new AsyncDisposableStack();
  const child = command.spawn();
  undo.defer(async () => void await child.status);
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status: code, output: text(stdout) + text(stderr) };
}

Deno.test("the reference lists every metric of a running gateway with its type and labels", async () => {
  const documented = await documentedMetrics();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log" },
      forward: {
        module: "http_webhook",
        "module-config": { url: "https://hooks.example.com/a?token=secret" },
      },
      queued: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "inbox-token-0123456789" },
      },
    },
  });
  await gateway.post("/webhook/orders", "{}");
  const { text } = await gateway.request("/metrics");
  for (const [, name = "", type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    assertEquals(documented.get(name)?.type, type, name);
  }
  for (const [, sample = "", labels = ""] of text.matchAll(/^(\w+)\{(.*)\} \S+$/gm)) {
    const name = documented.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, "");
    const names = Array.from(labels.matchAll(/(\w+)="/g), ([, label = ""]) => label);
    const known = [...documented.get(name)?.labels ?? [], "le"];
    assertEquals(names.filter((label) => !known.includes(label)), [], sample);
  }
  assert(
    text.includes('cwm_output_up{module="http_webhook",connection="http_webhook",destination="https://hooks'),
  );
  assert(!text.includes("token=secret"));
  const check = await promtool(["check", "metrics"], text);
  assertEquals(check, { status: 0, output: "" });
});

Deno.test("the reference and the source name the same metrics, and the same alerts as the rules", async () => {
  const documented = await documentedMetrics();
  const sources = await readTypeScript(REPOSITORY, "src");
  const named = sources.flatMap(({ text }) =>
    Array.from(text.matchAll(/"((?:cwm|process)(?:_[a-z]+){2,})"/g), ([, name = ""]) => name)
  );
  assertEquals(new Set([...named, ...SHORT_NAMES]), new Set(documented.keys()));
  const rules = await Deno.readTextFile(ALERTS);
  const alerts = Array.from(rules.matchAll(/- alert: (\w+)$/gm), ([, name = ""]) => name);
  const mentioned = [...documented.values()].flatMap(({ alerts }) => alerts);
  assertEquals(new Set(alerts), new Set([...mentioned, "GatewayDown"]));
  for (const [used = ""] of rules.matchAll(/\bcwm_\w+/g)) {
    assert(documented.has(used.replace(/_bucket$/, "")), used);
  }
});

Deno.test("promtool finds nothing wrong with the alerts", async () => {
  const { status, output } = await promtool(["check", "rules", ALERTS]);
  assertEquals(status, 0, output);
});
