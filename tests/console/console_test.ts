/**
 * The console in a real browser: `deno task test:console`. It needs Debian's package `chromium`. With `PICTURES=yes` it
 * makes the pictures of its page again.
 */

import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { HttpTarget } from "../support/http/target.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";
const PICTURES = new URL("../../src/console/pictures/", import.meta.url);

const VIEWS: readonly (readonly [path: string, heading: string])[] = [
  ["now", "Now"],
  ["webhooks", "Webhooks"],
  ["webhooks/default/guarded", "default/guarded"],
  ["requests", "Requests"],
  ["events", "Events"],
  ["dead-letters", "Dead letters"],
  ["connections", "Connections"],
  ["channels", "Channels"],
  ["problems", "Configuration"],
  ["unknown", "Unknown paths"],
  ["changes", "Changes"],
];

/** A gateway on which much is wrong, and a browser that looks at it. */
class World implements AsyncDisposable {
  /** What the page complained of, and whatever it asked elsewhere. */
  readonly complaints: string[] = [];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    stack: AsyncDisposableStack,
    readonly gateway: GatewayProcess,
    readonly target: HttpTarget,
    readonly browser: Browser,
  ) {
    this.#stack = stack;
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await TempDir.create());
    const target = stack.use(await HttpTarget.start());
    const http = (url: string) => ({
      module: "http_webhook",
      "module-config": { url, allowed_hosts: ["127.0.0.1"] },
    });
    const webhooks = {
      orders: { module: "log", auth: "none" },
      guarded: { module: "log", authorization: "Bearer what-only-senders-know" },
      broken: { module: "lgo" },
      away: { ...http("http://127.0.0.1:9/"), auth: "none" },
      lost: { ...http(target.url), auth: "none", retry: { max_attempts: 1 } },
      inbox: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "0123456789abcdef0123456789abcdef" },
        auth: "none",
      },
    };
    await directory.writeText("webhooks.json", JSON.stringify(webhooks));
    const env = { DATA_DIR: directory.file("data"), ADMIN_TOKEN };
    const gateway = stack.use(await GatewayProcess.start({ cwd: directory.path, env }));
    await gateway.waitUntilReady();
    const browser = stack.adopt(
      await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] }),
      (started) => started.close(),
    );
    const world = new World(stack.move(), gateway, target, browser);
    target.answer({ status: 422 });
    for (const id of ["orders", "guarded", "away", "lost", "inbox", "nothing", "ordres"]) {
      for (let count = 0; count < 3; count++) await world.post(id);
    }
    await eventually(async () => {
      const { status } = await world.admin<{ readonly status: string }>("/admin/status");
      assertEquals(status, "down");
    }, { timeoutMs: 60_000 });
    return world;
  }

  async post(id: string, body = '{"n":1,"text":"<b>not markup</b>"}'): Promise<void> {
    const answer = await fetch(`${this.gateway.url}/webhook/${id}`, { method: "POST", body });
    await answer.body?.cancel();
  }

  async admin<Answer>(path: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    return await (await fetch(`${this.gateway.url}${path}`, { headers })).json();
  }

  /** A window in which somebody has signed in. */
  async open(colorScheme: "light" | "dark" = "light", width = 1280): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width, height: 860 }, colorScheme });
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.gateway.url) && !url.startsWith("data:")) this.complaints.push(url);
    });
    page.on("dialog", (dialog) => dialog.accept());
    await page.goto(`${this.gateway.url}/admin/ui/`);
    await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
    return page;
  }

  async show(page: Page, path: string, heading: string): Promise<void> {
    await page.evaluate(
      (hash) => (globalThis as unknown as { location: Location }).location.hash = hash,
      `/${path}`,
    );
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    await page.waitForFunction(() => !/Loading …/.test(document.body.textContent ?? ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

declare const document: {
  readonly body: { readonly textContent: string | null; readonly scrollWidth: number };
};

interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly unknown[];
  }[];
}

async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<unknown> } }).axe.run()
  ) as Found;
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assertEquals(serious.map(({ id, nodes }) => `${where}: ${id} ${JSON.stringify(nodes).slice(0, 400)}`), []);
}

Deno.test("every view is shown, light, dark and narrow, without a complaint or a serious finding", async () => {
  await using world = await World.start();
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360]] as const) {
    const page = await world.open(scheme, width);
    for (const [path, heading] of VIEWS) {
      await world.show(page, path, heading);
      await assertAccessible(page, `${path} ${scheme} ${width}`);
      const overflow = await page.evaluate(() => document.body.scrollWidth);
      assert(overflow <= width, `${path} is ${overflow} wide of ${width}`);
      if (Deno.env.get("PICTURES") === "yes" && scheme === "light" && width === 1280) {
        await Deno.mkdir(PICTURES, { recursive: true });
        await page.setViewportSize({ width: 1000, height: 620 });
        const name = `${path.replaceAll("/", "_")}.png`;
        await page.screenshot({ path: new URL(name, PICTURES).pathname, animations: "disabled" });
        await page.setViewportSize({ width, height: 860 });
      }
    }
    await page.close();
  }
  assertEquals(world.complaints, []);
});

Deno.test("the causes of what is wrong are one look away, each with a link to its view", async () => {
  await using world = await World.start();
  const page = await world.open();
  for (
    const cause of [
      "Destination 127.0.0.1:9 cannot be reached",
      "Module 'lgo' does not exist: nearest is 'log'",
      "the nearest is default/orders",
      "No connector has come yet",
      "could not be delivered",
    ]
  ) await page.getByText(cause).first().waitFor();
  await page.getByRole("link", { name: "default/broken" }).click();
  await page.getByRole("heading", { name: "default/broken", exact: true }).waitFor();
  await page.getByText("Module 'lgo' does not exist").first().waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
  assertEquals(world.complaints, []);
});

Deno.test("an operator sends a test event, pauses and resumes, and delivers dead letters again", async () => {
  await using world = await World.start();
  const page = await world.open();
  await world.show(page, "webhooks/default/orders", "default/orders");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("answered with 200").waitFor();
  await page.getByRole("button", { name: "Pause deliveries" }).click();
  await page.getByRole("button", { name: "Resume deliveries" }).click();
  await page.getByRole("button", { name: "Pause deliveries" }).waitFor();

  await world.show(page, "dead-letters", "Dead letters");
  await page.getByRole("link", { name: /^[0-9a-z]+-/ }).first().click();
  await page.getByText("<b>not markup</b>").waitFor();
  world.target.answer({ status: 200 });
  await world.show(page, "dead-letters", "Dead letters");
  await page.getByRole("button", { name: "Deliver again" }).click();
  await eventually(async () => {
    const { dead_letters } = await world.admin<{ readonly dead_letters: readonly unknown[] }>(
      "/admin/dead-letters",
    );
    assertEquals(dead_letters, []);
  }, { timeoutMs: 30_000 });
  await page.getByText("There are none").waitFor();
  assertEquals(world.complaints, []);
});

Deno.test("requests are followed live, and a session ends for good when somebody signs out", async () => {
  await using world = await World.start();
  const page = await world.open();
  await world.show(page, "requests", "Requests");
  await page.getByLabel("live").check();
  await page.getByText("Waiting for requests").waitFor();
  await eventually(async () => {
    await world.post("orders");
    assert(await page.getByText(/[1-9]\d* requests? since you look/).count() > 0);
  }, { timeoutMs: 30_000, intervalMs: 100 });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin token").waitFor();
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  const stored = await page.evaluate(() => {
    const { localStorage, sessionStorage } = globalThis as unknown as Record<
      string,
      { readonly length: number }
    >;
    return [localStorage!.length, sessionStorage!.length];
  });
  assertEquals(stored, [0, 0]);
  assertEquals(world.complaints, []);
});
