import { assertEquals } from "@std/assert";
import { type Arrival, Ledger, type Order } from "../../crash/ledger.ts";
import { judge } from "../../crash/verdict.ts";

/** Books in which two events were sent and taken, in order, and a kill stands between them. */
class Books {
  readonly ledger = new Ledger();

  send(webhook: string, number: number, more: { key?: string; fate?: Order["fate"] } = {}): string {
    const eventId = `${webhook}-${number}`;
    const { fate = "take", ...rest } = more;
    this.ledger.sent.push({ order: { sender: 0, number, fate }, webhook, eventId, ...rest });
    return eventId;
  }

  arrive(webhook: string, number: number, more: Partial<Arrival> = {}): Arrival {
    const step = webhook === "plain" ? "/one" : "/batch";
    const order: Order = { sender: 0, number, fate: "take" };
    return this.ledger.arrive({ eventId: `${webhook}-${number}`, webhook, step, order, ...more });
  }

  take(webhook: string, number: number, more: Partial<Arrival> = {}): void {
    this.ledger.take(this.arrive(webhook, number, more));
  }

  end(signal: "SIGKILL" | "SIGTERM", exitCode?: number): void {
    const endedAt = performance.now();
    this.ledger.lives.push(exitCode === undefined ? { signal, endedAt } : { signal, endedAt, exitCode });
  }

  violations(letters: Parameters<typeof judge>[1] = []): number {
    return judge(this.ledger, letters).violations.length;
  }
}

Deno.test("the crash test passes books in which every accepted event was taken", () => {
  const books = new Books();
  books.send("plain", 1);
  books.arrive("plain", 1).failed = true;
  books.take("plain", 1);
  books.end("SIGKILL");
  books.take("plain", 1);
  assertEquals(books.violations(), 0);
});

Deno.test("the crash test finds an accepted event that was never taken", () => {
  const books = new Books();
  books.send("plain", 1);
  books.arrive("plain", 1);
  assertEquals(books.violations(), 1);
  assertEquals(books.violations([{ id: "plain-1", reason: "expired" }]), 1, "nobody refused it");
});

Deno.test("the crash test finds an event that was delivered again although nothing was killed", () => {
  const books = new Books();
  books.take("plain", 1);
  books.take("plain", 1);
  assertEquals(books.violations(), 1);
  books.end("SIGTERM", 0);
  books.take("plain", 1);
  assertEquals(books.violations(), 2);
});

Deno.test("the crash test finds ordered events that arrive late, and attempts that were not recorded", () => {
  const books = new Books();
  books.take("batches-0", 2);
  books.take("batches-0", 1);
  assertEquals(books.violations(), 2, "it came late, and was taken late");
  const attempts = new Books();
  attempts.arrive("singles-0", 1, { attempt: 1 });
  attempts.end("SIGKILL");
  attempts.take("singles-0", 1, { attempt: 1 });
  assertEquals(attempts.violations(), 1);
});

Deno.test("the crash test finds a chain that began with its second step, and a key with two events", () => {
  const chain = new Books();
  chain.arrive("chained", 1, { step: "/second" });
  assertEquals(chain.violations(), 1);
  const keys = new Books();
  keys.send("repeated", 1, { key: "0-1" });
  keys.take("repeated", 1, { step: "/one" });
  keys.take("repeated", 1, { step: "/one", eventId: "another" });
  assertEquals(keys.violations(), 1);
});

Deno.test("the crash test finds a gateway that ended badly, and one that took an event unanswered", () => {
  const books = new Books();
  books.ledger.sent.push({
    order: { sender: 0, number: 1, fate: "take" },
    webhook: "plain",
    unanswered: true,
  });
  books.take("plain", 1);
  books.end("SIGTERM", 1);
  assertEquals(books.violations(), 2);
});

Deno.test("the crash test allows what comes twice since a gateway stood still, and nothing else", () => {
  const books = (more: (ledger: Ledger, lives: readonly [number, number]) => void): number => {
    const { ledger } = new Books();
    const lives = [ledger.begin(), ledger.begin()] as const;
    const event = { eventId: "plain-1", webhook: "plain", step: "/one" };
    const order: Order = { sender: 0, number: 1, fate: "take" };
    ledger.take(ledger.arrive({ ...event, order, life: lives[0] }));
    more(ledger, lives);
    ledger.take(ledger.arrive({ ...event, order, life: lives[1] }));
    return judge(ledger, []).violations.length;
  };
  assertEquals(books(() => {}), 1);
  assertEquals(books(({ absences }, [life]) => absences.push({ life, from: performance.now() })), 0);
  assertEquals(books(({ absences }, [, life]) => absences.push({ life, from: performance.now() })), 0);
  assertEquals(books(({ absences }) => absences.push({ life: 7, from: performance.now() })), 1);
  assertEquals(
    books(({ lives }, [life]) => lives[life] = { signal: "SIGKILL", endedAt: performance.now() }),
    0,
  );
});

Deno.test("the crash test asks two gateways for the order of what was answered alone", () => {
  const books = (isAnswered: boolean): number => {
    const { ledger } = new Books();
    const life = ledger.begin();
    for (const number of [2, 1]) {
      const event = { eventId: `batches-0-${number}`, webhook: "batches-0" };
      const order: Order = { sender: 0, number, fate: "take" };
      const { eventId, ...request } = { ...event, order };
      ledger.sent.push(isAnswered ? { ...request, eventId } : { ...request, unanswered: true });
      ledger.take(ledger.arrive({ ...event, step: "/batch", order, life }));
    }
    ledger.lives[life] = { signal: "SIGKILL", endedAt: performance.now() };
    return judge(ledger, []).violations.length;
  };
  assertEquals(books(true), 2);
  assertEquals(books(false), 0);
});
