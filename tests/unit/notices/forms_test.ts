import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { JsonSchema } from "../../../src/json/schema/json_schema.ts";
import { bodyOf } from "../../../src/notices/forms.ts";
import { boundedItem, type Notice } from "../../../src/notices/notice.ts";
import { blocksOf } from "../../support/house/pages.ts";
import { REPOSITORY } from "../../support/repository.ts";

const NOTICE: Notice = {
  type: "cwm.dead_letters.begun",
  time: "2026-03-01T09:30:01.204Z",
  gateway: "gateway-1",
  title: "2 webhooks have new dead letters",
  items: [{
    part: "webhook",
    name: "shop/orders",
    state: "impaired",
    since: "2026-03-01T09:30:00.000Z",
    cause: "<!channel> *A* & B <https://evil.example|click>",
    count: 12,
    changes: 3,
  }],
  more: 1,
};

const LINE =
  "<!channel> *A* & B <https://evil.example|click> (since 2026-03-01T09:30:00.000Z, 12 events, changed 3 times)";

/** What the page says that notices are, and the example that it gives. */
async function documented(): Promise<{ readonly schema: JsonSchema; readonly example: unknown }> {
  const page = await Deno.readTextFile(join(REPOSITORY, "src/notices/README.md"));
  const [schema = ""] = blocksOf(page, "json schema");
  const example = blocksOf(page, "json").find((block) => block.includes('"title"')) ?? "";
  return { schema: new JsonSchema(JSON.parse(schema)), example: JSON.parse(example) };
}

Deno.test("a notice in JSON is as its page describes it, and so is the example there", async () => {
  const { schema, example } = await documented();
  assertEquals(schema.mismatch(example), undefined);
  assertEquals(schema.mismatch(JSON.parse(bodyOf(NOTICE, "json"))), undefined);
  assertEquals(JSON.parse(bodyOf(NOTICE, "json")), NOTICE);
});

Deno.test("a message for Slack has the title as its text and a section for each thing", () => {
  const message = JSON.parse(bodyOf(NOTICE, "slack"));
  assertEquals(message.text, NOTICE.title);
  assertEquals(message.blocks.map(({ type }: { readonly type: string }) => type), [
    "header",
    "section",
    "context",
  ]);
  assertEquals(message.blocks[2].elements[0].text, "and 1 more, from gateway-1");
});

Deno.test("in a message for Slack nothing is a link or calls for anybody", () => {
  const [, section] = JSON.parse(bodyOf(NOTICE, "slack")).blocks;
  const escaped = LINE.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  assertEquals(section.text, { type: "mrkdwn", text: `*shop/orders*: ${escaped}`, verbatim: true });
});

Deno.test("a text that is too long for Slack once it is escaped ends before an escaped character", () => {
  const item = boundedItem({ ...NOTICE.items[0]!, name: "&".repeat(300), cause: "&".repeat(600) });
  const [, section] = JSON.parse(bodyOf({ ...NOTICE, items: [item] }, "slack")).blocks;
  assertEquals(section.text.text.length <= 3_000, true);
  assertEquals(/^\*(&amp;)+…\*: (&amp;)+$/.test(section.text.text), true, section.text.text.slice(-20));
});

Deno.test("a message for Teams is an Adaptive Card whose texts know no Markdown", () => {
  const { type, attachments: [attachment] } = JSON.parse(bodyOf(NOTICE, "teams"));
  assertEquals([type, attachment.contentType], ["message", "application/vnd.microsoft.card.adaptive"]);
  const texts = attachment.content.body.map((
    block: {
      readonly type: string;
      readonly inlines: readonly { readonly type: string; readonly text: string }[];
    },
  ) => [block.type, ...block.inlines.map(({ type, text }) => `${type} ${text}`)]);
  assertEquals(texts, [
    ["RichTextBlock", `TextRun ${NOTICE.title}`],
    ["RichTextBlock", "TextRun shop/orders: ", `TextRun ${LINE}`],
    ["RichTextBlock", "TextRun and 1 more, from gateway-1"],
  ]);
});

Deno.test("a notice that lists as much as it may is shorter than the 28 KB that Teams takes", () => {
  const item = boundedItem({ ...NOTICE.items[0]!, name: "é".repeat(300), cause: "é".repeat(600) });
  const items = Array.from({ length: 10 }, () => item);
  const bytes = new TextEncoder().encode(bodyOf({ ...NOTICE, items }, "teams")).length;
  assertEquals(bytes < 28_000, true, `${bytes} bytes`);
});
