import { assertEquals, assertStringIncludes } from "@std/assert";
import { DeadLetterReports } from "../../../src/dead_letters/reports.ts";
import { Health } from "../../../src/health/health.ts";
import { eventually } from "../../support/eventually.ts";
import { openJournal } from "../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

const FAILURE = { code: "output_rejected", message: "answered 400", connection: "http_webhook" } as const;

Deno.test("webhooks with dead letters are reported with their number, until none is left of theirs", async () => {
  await using directory = await TempDir.create();
  await using journal = await openJournal(directory.file("data"));
  const health = new Health();
  const counts = () => Object.fromEntries(health.troubles().map(({ name, count }) => [name, count]));
  const bury = async (webhook: string) => {
    await journal.deadLetters.bury(verifiedEvent({ webhook }), FAILURE, 1);
  };
  for (const webhook of ["orders", "orders", "refunds", "orders"]) await bury(webhook);
  await using _reports = new DeadLetterReports(journal, health);
  await eventually(() => assertEquals(counts(), { "default/orders": 3, "default/refunds": 1 }));
  assertStringIncludes(
    health.troubles()[0]!.cause,
    "cwm dead-letters list --namespace default --webhook orders says why",
  );
  await journal.deadLetters.drop({ webhook: "refunds" });
  await bury("orders");
  await eventually(() => assertEquals(counts(), { "default/orders": 4 }));
  await journal.deadLetters.replay({ webhook: "orders" });
  await bury("invoices");
  await eventually(() => assertEquals(counts(), { "default/invoices": 1 }));
});
