import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { TempDir } from "../support/temp_dir.ts";
import { TestGateway } from "../support/gateway.ts";
import { REPOSITORY } from "../support/repository.ts";
import { readTypeScript } from "../support/house/source_files.ts";
import { DASHBOARD_FILE, dashboardExpressions, dashboardText } from "../support/grafana/dashboard.ts";
import { findProgram } from "../support/process/test_servers.ts";

const REFERENCE = join(REPOSITORY, "src/observability/METRICS.md");
const OBSERVABILITY = join(REPOSITORY, "docker/observability");
const ALERTS = join(OBSERVABILITY, "alerts.yaml");

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

Deno.test("promtool finds nothing wrong with the alerts, and each fires in its failure", async () => {
  for (
    const args of [
      ["check", "config", join(OBSERVABILITY, "prometheus.yaml")],
      ["test", "rules", join(OBSERVABILITY, "alerts_test.yaml")],
    ]
  ) {
    const { status, output } = await promtool(args);
    assertEquals(status, 0, output);
  }
});

Deno.test("every panel of the dashboard shows metrics that a running gateway has", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log", accept: "durable", authorization: "Bearer a-token-of-the-sender" },
      queued: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "inbox-token-0123456789" },
      },
    },
  });
  const expressions = dashboardExpressions();
  assert(expressions.length > 20);
  const used = new Set(expressions.flatMap((expr) => expr.match(/\b(?:cwm|process)_\w+/g) ?? []));
  await gateway.post("/webhook/orders", "{}");
  await gateway.post("/webhook/orders", "{}", { authorization: "Bearer a-token-of-the-sender" });
  await gateway.post("/webhook/queued", "{}");
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    const shown = new Set(Array.from(text.matchAll(/^(\w+)[{ ]/gm), ([, name = ""]) => name));
    assertEquals([...used].filter((name) => !shown.has(name)), []);
  });
  // promtool reads the expressions as Prometheus would.
  const rules = expressions.map((expr, index) => ({
    record: `panel:${index}`,
    expr: expr.replaceAll("$__rate_interval", "1m"),
  }));
  await using folder = await TempDir.create();
  const file = join(folder.path, "panels.yaml");
  await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
  assertEquals((await promtool(["check", "rules", file])).status, 0);
});

Deno.test("the dashboard in the repository is the one that its plan makes", async () => {
  const text = await Deno.readTextFile(join(REPOSITORY, DASHBOARD_FILE));
  assertEquals(JSON.parse(text), JSON.parse(dashboardText()), "Run: deno task dashboard");
});
